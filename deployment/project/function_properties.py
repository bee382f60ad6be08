"""The keys of a front matter: the properties of AWS::Serverless::Function, and what kind of value each takes.

Only names and kinds are judged, so that a file is either readable or not; ranges and nested names are
judged by cfn-lint (`check`) and by CloudFormation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deployment.text import did_you_mean

# https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
KINDS: Mapping[str, tuple[type, ...]] = {
    "Architectures": (list,),
    "AssumeRolePolicyDocument": (dict,),
    "CapacityProviderConfig": (dict,),
    "CodeSigningConfigArn": (str,),
    "DeadLetterQueue": (dict,),
    "Description": (str,),
    "DurableConfig": (dict,),
    "Environment": (dict,),
    "EphemeralStorage": (dict,),
    "EventInvokeConfig": (dict,),
    "Events": (dict,),
    "FileSystemConfigs": (list,),
    "FunctionUrlConfig": (dict,),
    "KmsKeyArn": (str,),
    "Layers": (list,),
    "LoggingConfig": (dict,),
    "MemorySize": (int,),
    "PermissionsBoundary": (str,),
    "Policies": (list, dict, str),
    "PropagateTags": (bool,),
    "RecursiveLoop": (str,),
    "ReservedConcurrentExecutions": (int,),
    "Role": (str,),
    "RolePath": (str,),
    "Runtime": (str,),
    "RuntimeManagementConfig": (dict,),
    "SnapStart": (dict,),
    "SourceKMSKeyArn": (str,),
    "Tags": (dict,),
    "TenancyConfig": (dict,),
    "Timeout": (int,),
    "Tracing": (str,),
    "VpcConfig": (dict,),
}

_CODE = "the code is this file and shared/, zipped by the deployment"
_VERSION = "the deployment publishes a version of its own, without an alias"

RESERVED: Mapping[str, str] = {
    "AutoPublishAlias": _VERSION,
    "AutoPublishAliasAllProperties": _VERSION,
    "AutoPublishCodeSha256": _VERSION,
    "CodeUri": _CODE,
    "DeploymentPreference": _VERSION,
    "FunctionName": "it is made from the names of the stack and of this file",
    "FunctionScalingConfig": _VERSION,
    "Handler": "it is always the function handler() of this file",
    "ImageConfig": _CODE,
    "ImageUri": _CODE,
    "InlineCode": _CODE,
    "PackageType": _CODE,
    "ProvisionedConcurrencyConfig": _VERSION,
    "PublishToLatestPublished": _VERSION,
    "VersionDeletionPolicy": _VERSION,
    "VersionDescription": _VERSION,
}

_MERGED = ("LoggingConfig", "Tags")

_WORDS = {list: "a list", dict: "a mapping", str: "text", int: "a whole number", bool: "true or false"}


def mistakes(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (property, what is wrong with it) for every name or value that cannot stand."""
    for name, value in properties.items():
        if name in RESERVED:
            yield name, f"{name} cannot be set here: {RESERVED[name]}"
        elif name not in KINDS:
            yield name, _unknown_sentence(name)
        elif not has_kind(value, KINDS[name]):
            yield name, kind_sentence(name, value, KINDS[name])
        elif name in _MERGED and is_intrinsic(value):
            yield name, f"{name} is {value!r}: expected a mapping, as the deployment adds to it"
        elif name == "Tags":
            yield from ((name, message) for message in not_plain(name, value))
        elif name == "Environment" and not is_intrinsic(value):
            yield from ((name, message) for message in not_plain(name, value.get("Variables")))
        elif name == "Policies":
            yield from ((name, message) for _, message in policy_mistakes(value))


def is_intrinsic(value: Any) -> bool:
    """Whether CloudFormation computes the value: {"Ref": ...} or {"Fn::...": ...}."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _unknown_sentence(name: str) -> str:
    guess = did_you_mean(name, [*KINDS, *RESERVED])
    return f"{name} is not a property of AWS::Serverless::Function{'.' if guess else ''}{guess}"


def has_kind(value: Any, kinds: tuple[type, ...]) -> bool:
    """Whether a value is of one of these kinds, or computed by CloudFormation."""
    if isinstance(value, bool):  # which Python takes for a number
        return bool in kinds
    return isinstance(value, kinds) or is_intrinsic(value)


def kind_sentence(name: str, value: Any, kinds: tuple[type, ...]) -> str:
    """Return what is wrong with a value of another kind."""
    return f"{name} is {value!r}: expected {' or '.join(_WORDS[kind] for kind in kinds)}"


def not_plain(name: str, values: Any) -> Iterator[str]:
    """Yield what is wrong with a mapping of names to texts.

    Numbers and booleans are texts too, as SAM and CloudFormation take them; `template` writes them so.
    """
    if is_intrinsic(values):
        return
    if not isinstance(values, dict):
        yield f"{name} holds no Variables: expected a mapping of names to texts"
        return
    for key, value in values.items():
        if not isinstance(value, str | int | float) and not is_intrinsic(value):
            yield f"{name}: {key} is {value!r}: expected text, a number, or true or false"


def policy_mistakes(policies: Any) -> Iterator[tuple[int, str]]:
    """Yield the number, from 0, of each policy that is none, or has a statement that is none, and what is wrong with it.

    What is in a statement is left to cfn-lint, and what CloudFormation computes to CloudFormation.
    """
    for number, policy in enumerate(policies if isinstance(policies, list) else [policies]):
        if not isinstance(policy, dict | str):
            expected = "expected statements, a document, or the name of a managed policy"
            yield number, f"Policies has {policy!r}: {expected}"
        elif isinstance(policy, dict) and "Statement" in policy:
            statements = policy["Statement"]
            for one in statements if isinstance(statements, list) else [statements]:
                if not isinstance(one, dict):
                    yield (
                        number,
                        f"Policies has the statement {one!r}: expected a mapping with Effect and Action",
                    )
