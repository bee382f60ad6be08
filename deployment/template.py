"""From specs, zips and settings to one SAM template, a plain dictionary.

The fourth step of the pipeline, and the last before AWS is asked anything. For every function it has the
function itself with a role of its own (SAM makes it from `Policies`), its log group, and a version; besides
them the role of the state machines and the work bucket. The state machines themselves are not in it:
`machines` creates them, bound to the versions in the outputs.

A version is a resource of our own. Its logical id hashes the zip and every property that Lambda freezes in
a version, so that a changed timeout makes a new one (SAM's AutoPublishAlias looks at the code only) and
unchanged functions keep theirs. Versions are retained, because older state machines and running executions
call them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployment import placeholders, policies
from deployment.bundle import Bundle
from deployment.errors import FrontMatterError, Problem
from deployment.front_matter import FunctionSpec
from deployment.settings import Settings
from deployment.tags import tags_of, upper_case_list

TRANSFORM = "AWS::Serverless-2016-10-31"

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"

# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
MAX_FUNCTION_NAME_LENGTH = 64

# What a function has whose file does not say.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
LAMBDA_TIMEOUT_SECONDS = 3

# What Lambda keeps beside the versions of a function, or what belongs to its role: changing it makes no new
# version, and asking for one would fail, as nothing that is frozen has changed.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
UNVERSIONED = frozenset(
    {
        "AssumeRolePolicyDocument", "CodeSigningConfigArn", "EventInvokeConfig", "Events",
        "FunctionUrlConfig", "PermissionsBoundary", "Policies", "PropagateTags", "RecursiveLoop",
        "ReservedConcurrentExecutions", "RuntimeManagementConfig", "Tags",
    }
)  # fmt: skip

Resource = dict[str, Any]


def build(
    specs: Sequence[FunctionSpec],
    bundles: Sequence[Bundle],
    settings: Settings,
    deployment_bucket: str,
    machine_names: Sequence[str],
) -> dict[str, Any]:
    """Return the template of the whole stack; raise FrontMatterError when a function's name cannot be used.

    `bundles` are the zips of `specs`, in any order; `machine_names` are the state machines' without
    timestamps.
    """
    _check_names(specs, settings)
    values = policies.placeholder_values(settings, deployment_bucket, machine_names)
    keys = {bundle.function_name: bundle.key for bundle in bundles}
    resources: dict[str, Resource] = {}
    for spec in specs:
        code = {"Bucket": deployment_bucket, "Key": keys[spec.name]}
        resources |= _function_resources(spec, code, settings, values)
    resources |= _state_machine_role([spec.logical_id for spec in specs], settings, machine_names)
    resources |= _work_bucket(settings)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": TRANSFORM,
        "Description": "SyncBuckets: the functions, roles and work bucket of its state machines",
        "Resources": resources,
        "Outputs": _outputs(resources),
    }


def function_name(spec: FunctionSpec, settings: Settings) -> str:
    """Return the function's name in the account: `sync-buckets-copy-keys`."""
    return f"{settings.stack_name}-{spec.name.replace('_', '-')}"


def _check_names(specs: Iterable[FunctionSpec], settings: Settings) -> None:
    """Lambda limits names, and what is made for one function must not take the id of another's."""
    problems = []
    taken = dict.fromkeys(("StateMachineRole", "WorkBucket", "WorkBucketPolicy"), "the state machines")
    for spec in specs:
        name = function_name(spec, settings)
        if len(name) > MAX_FUNCTION_NAME_LENGTH:
            message = f"the function's name, {name}, is longer than {MAX_FUNCTION_NAME_LENGTH} characters"
            problems.append(Problem(spec.source, None, f"{message}; shorten the file's name or STACK_NAME"))
        for logical_id in (spec.logical_id, f"{spec.logical_id}LogGroup", f"{spec.logical_id}Role"):
            if logical_id in taken:
                message = f"the template has {logical_id} already, for {taken[logical_id]}; rename the file"
                problems.append(Problem(spec.source, None, message))
            taken[logical_id] = spec.source
    if problems:
        raise FrontMatterError(problems)


def _function_resources(
    spec: FunctionSpec, code: Mapping[str, str], settings: Settings, values: Mapping[str, list[Any] | str]
) -> dict[str, Resource]:
    """The function, its log group and its version; SAM adds the role."""
    properties = _function_properties(spec, code, settings, values)
    return {
        spec.logical_id: {"Type": "AWS::Serverless::Function", "Properties": properties},
        f"{spec.logical_id}LogGroup": _log_group(spec, settings),
        f"{spec.logical_id}Version{_fingerprint(properties)}": {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"FunctionName": {"Ref": spec.logical_id}},
        },
    }


def _function_properties(
    spec: FunctionSpec, code: Mapping[str, str], settings: Settings, values: Mapping[str, list[Any] | str]
) -> dict[str, Any]:
    """What the file says wins over our defaults; its tags and logging are added to ours."""
    own = placeholders.fill(
        {name: value for name, value in spec.properties.items() if name != "Policies"}, values
    )
    log_group = {"LogFormat": "JSON", "LogGroup": {"Ref": f"{spec.logical_id}LogGroup"}}
    merged = {
        "Runtime": RUNTIME,
        "Architectures": [ARCHITECTURE],
        **own,
        "FunctionName": function_name(spec, settings),
        "Handler": spec.handler,
        "CodeUri": dict(code),
        "LoggingConfig": {**log_group, **own.get("LoggingConfig", {})},
        "Tags": {**own.get("Tags", {}), **tags_of(settings)},
    }
    allowed = policies.function_policies(spec.properties.get("Policies", []), values)
    return merged | ({"Policies": allowed} if allowed else {}) | _boundary(settings)


def _fingerprint(properties: Mapping[str, Any]) -> str:
    """Ten hex digits that change whenever a new version is needed; where the zip lies makes no difference."""
    frozen = {name: value for name, value in properties.items() if name not in UNVERSIONED}
    frozen["CodeUri"] = properties["CodeUri"]["Key"]
    return hashlib.sha256(json.dumps(frozen, sort_keys=True).encode()).hexdigest()[:10]


def _log_group(spec: FunctionSpec, settings: Settings) -> Resource:
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {
            "LogGroupName": f"/{settings.stack_name}/{spec.name}",
            "RetentionInDays": settings.log_retention_days,
            "Tags": upper_case_list(tags_of(settings)),
        },
    }


def _state_machine_role(
    functions: Sequence[str], settings: Settings, machine_names: Sequence[str]
) -> dict[str, Resource]:
    return {
        "StateMachineRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "Description": f"What the state machines of {settings.stack_name} may do",
                "AssumeRolePolicyDocument": policies.state_machine_trust(),
                "Policies": [
                    {
                        "PolicyName": "StateMachine",
                        "PolicyDocument": policies.state_machine_policy(functions, machine_names),
                    }
                ],
                "Tags": upper_case_list(tags_of(settings)),
                **_boundary(settings),
            },
        }
    }


def _work_bucket(settings: Settings) -> dict[str, Resource]:
    """For run folders, leases and what Step Functions writes; emptied by us before the stack is deleted."""
    return {
        "WorkBucket": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": _work_bucket_properties(settings),
        },
        "WorkBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "WorkBucket"},
                "PolicyDocument": policies.tls_only("WorkBucket"),
            },
        },
    }


def _work_bucket_properties(settings: Settings) -> dict[str, Any]:
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    forget = {
        "Id": "ForgetRuns",
        "Status": "Enabled",
        "ExpirationInDays": settings.run_retention_days,
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    return {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LifecycleConfiguration": {"Rules": [forget]},
        "Tags": upper_case_list(tags_of(settings)),
    }


def _outputs(resources: Mapping[str, Resource]) -> dict[str, Any]:
    """Each function's version, as `CopyKeysVersion` whatever its hash, and what machines need besides."""
    versions = {
        f"{resource['Properties']['FunctionName']['Ref']}Version": {"Value": {"Ref": logical_id}}
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Version"
    }
    return {
        **versions,
        "WorkBucket": {"Value": {"Ref": "WorkBucket"}},
        "StateMachineRoleArn": {"Value": {"Fn::GetAtt": ["StateMachineRole", "Arn"]}},
    }


def _boundary(settings: Settings) -> dict[str, str]:
    arn = settings.permissions_boundary_arn
    return {"PermissionsBoundary": arn} if arn else {}
