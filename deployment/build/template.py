"""From specs, zips and settings to one SAM template, a plain dictionary.

The fourth step of the pipeline, and the last before AWS is asked anything. For every function it has the
function itself, a role of its own made of `Policies`, its log group, and a version; besides them the role
of the state machines and the work bucket. The state machines themselves are not in it:
`state_machines` creates them, bound to the versions in the outputs.

A version is a resource of our own. Its logical id hashes the zip and every property that Lambda freezes in
a version, so that a changed timeout makes a new one (SAM's AutoPublishAlias looks at the code only) and
unchanged functions keep theirs. Versions are retained, because older state machines and running executions
call them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployment.build import machine_role, policies, schedule_resources, work_bucket
from deployment.build.bundle import Bundle
from deployment.build.logical_ids import MACHINES_OUTPUT
from deployment.build.notices import notice_resources
from deployment.errors import FrontMatterError, Problem
from deployment.project import placeholders
from deployment.project.front_matter import FunctionSpec
from deployment.project.function_properties import is_intrinsic
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec
from deployment.project.tags import tags_of, upper_case_list

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

# For these SAM adds statements to the role that it makes; the role of such a function is left to SAM.
# https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
GRANTED_BY_SAM = frozenset({"DeadLetterQueue", "EventInvokeConfig", "Events", "Tracing", "VpcConfig"})

# What belongs to the role; SAM takes it with the function.
OF_THE_ROLE = frozenset({"AssumeRolePolicyDocument", "PermissionsBoundary", "Policies"})

Resource = dict[str, Any]


def make(
    specs: Sequence[FunctionSpec],
    bundles: Sequence[Bundle],
    settings: Settings,
    deployment_bucket: str,
    machine_names: Sequence[str],
    machines: Sequence[MachineSpec] = (),
) -> dict[str, Any]:
    """Return the template of the whole stack; raise FrontMatterError when a function's name cannot be used.

    `bundles` are the zips of `specs`, in any order; `machine_names` are the state machines' without
    timestamps, `machines` those of them whose front matter counts.
    """
    _check_names(specs, settings)
    values = policies.front_matter_values(settings, deployment_bucket, machine_names)
    zips = {bundle.function_name: bundle for bundle in bundles}
    resources: dict[str, Resource] = {}
    for spec in specs:
        code = {"Bucket": deployment_bucket, "Key": zips[spec.name].key}
        resources |= _function_resources(spec, code, settings, values)
        resources |= _version(spec, resources[spec.logical_id], zips[spec.name])
    functions = [spec.logical_id for spec in specs]
    resources |= machine_role.resources(functions, settings, machine_names, machines, values)
    resources |= work_bucket.make(settings, resources)
    resources |= schedule_resources.make(settings, machine_names)
    notices = notice_resources.parts(settings, machine_names)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": TRANSFORM,
        "Description": "SyncBuckets: the functions, roles and work bucket of its state machines",
        **({"Mappings": notices["Mappings"]} if "Mappings" in notices else {}),
        "Resources": resources | notices["Resources"],
        "Outputs": _outputs(resources, machine_names)
        | machine_role.outputs(machines)
        | schedule_resources.outputs(settings)
        | notices.get("Outputs", {}),
    }


def function_name(spec: FunctionSpec, settings: Settings) -> str:
    """Return the function's name in the account: `sync-buckets-copy-keys`."""
    return f"{settings.stack_name}-{spec.name.replace('_', '-')}"


def _check_names(specs: Iterable[FunctionSpec], settings: Settings) -> None:
    """Lambda limits names, and what is made for one function must not take the id of another's."""
    problems = []
    taken = dict.fromkeys(("StateMachineRole", "WorkBucket", "WorkBucketPolicy"), "the state machines")
    taken |= dict.fromkeys(schedule_resources.LOGICAL_IDS, "the schedules of syncs")
    taken |= dict.fromkeys(notice_resources.RESERVED, "notices")
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
    """The function, its role and its log group."""
    properties = _function_properties(spec, code, settings, values)
    role = _function_role(spec, properties, settings) if _has_plain_role(properties) else {}
    if role:
        ours = {"Role": {"Fn::GetAtt": [f"{spec.logical_id}Role", "Arn"]}}
        properties = {name: value for name, value in properties.items() if name not in OF_THE_ROLE} | ours
    return {
        **role,
        spec.logical_id: {"Type": "AWS::Serverless::Function", "Properties": properties},
        f"{spec.logical_id}LogGroup": _log_group(spec, settings),
    }


def _version(spec: FunctionSpec, function: Resource, zipped: Bundle) -> dict[str, Resource]:
    """The version of a function, which Lambda publishes only if the function's code is this zip and no other of its name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html#cfn-lambda-version-codesha256
    """
    digest = base64.b64encode(hashlib.sha256(zipped.content).digest()).decode()
    return {
        f"{spec.logical_id}Version{_fingerprint(function['Properties'])}": {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"FunctionName": {"Ref": spec.logical_id}, "CodeSha256": digest},
        }
    }


def _function_properties(
    spec: FunctionSpec, code: Mapping[str, str], settings: Settings, values: Mapping[str, list[Any] | str]
) -> dict[str, Any]:
    """What the file says wins over our defaults; its tags and logging are added to ours."""
    own = placeholders.fill(
        {name: value for name, value in spec.properties.items() if name != "Policies"},
        values,
        placeholders.FILLED_BY_CLOUDFORMATION,
    )
    log_group = {"LogFormat": "JSON", "LogGroup": {"Ref": f"{spec.logical_id}LogGroup"}}
    return {
        "Runtime": RUNTIME,
        "Architectures": [ARCHITECTURE],
        "AssumeRolePolicyDocument": policies.function_trust(),
        **own,
        **_environment(own),
        **_policies(spec, values),
        **policies.boundary(settings),
        "FunctionName": function_name(spec, settings),
        "Handler": spec.handler,
        "CodeUri": dict(code),
        "LoggingConfig": {**log_group, **own.get("LoggingConfig", {})},
        "Tags": {**texts(own.get("Tags", {})), **tags_of(settings)},
    }


def texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with its numbers and booleans as the texts that CloudFormation would make of them."""
    return {
        name: value if isinstance(value, Mapping) else placeholders.as_text(value)
        for name, value in values.items()
    }


def _environment(own: Mapping[str, Any]) -> dict[str, Any]:
    """The environment with texts only; none where there is none, or where CloudFormation computes it."""
    environment = own.get("Environment", {})
    variables = environment.get("Variables")
    if not isinstance(variables, Mapping) or is_intrinsic(variables):
        return {}
    return {"Environment": {**environment, "Variables": texts(variables)}}


def _policies(spec: FunctionSpec, values: Mapping[str, list[Any] | str]) -> dict[str, Any]:
    allowed = policies.function_policies(spec.properties.get("Policies", []), values)
    if "Role" in spec.properties:  # which is made elsewhere, with policies of its own
        return {"Policies": allowed} if allowed else {}
    return {"Policies": [*allowed, policies.keep_out_of_deployment_buckets()]}


def _has_plain_role(properties: Mapping[str, Any]) -> bool:
    """Whether the role is what the file says and nothing more, so that SAM is not needed for it.

    SAM would attach AWSLambdaBasicExecutionRole, which may write every log of the account and create new ones.
    """
    is_sams = "Role" in properties or GRANTED_BY_SAM & properties.keys()
    return not is_sams and policies.are_documents(properties.get("Policies", []))


def _function_role(
    spec: FunctionSpec, properties: Mapping[str, Any], settings: Settings
) -> dict[str, Resource]:
    """The role under the name that SAM would give it, with what the file says and the right to write its log."""
    documents = [*properties.get("Policies", []), policies.write_logs(f"{spec.logical_id}LogGroup")]
    inline = [
        {"PolicyName": f"{spec.logical_id}{number}", "PolicyDocument": policy}
        for number, policy in enumerate(documents)
    ]
    role = {
        "Description": f"What the function {function_name(spec, settings)} may do",
        "AssumeRolePolicyDocument": properties["AssumeRolePolicyDocument"],
        "Policies": inline,
        "Tags": upper_case_list(properties["Tags"]),
    }
    boundary = {name: properties[name] for name in ("PermissionsBoundary",) if name in properties}
    return {f"{spec.logical_id}Role": {"Type": "AWS::IAM::Role", "Properties": role | boundary}}


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


def _outputs(resources: Mapping[str, Resource], machine_names: Sequence[str]) -> dict[str, Any]:
    """Each function's version, as `CopyKeysVersion` whatever its hash, what machines need besides, and their names."""
    versions = {
        f"{resource['Properties']['FunctionName']['Ref']}Version": {"Value": {"Ref": logical_id}}
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Version"
    }
    return {
        **versions,
        "WorkBucket": {"Value": {"Ref": "WorkBucket"}},
        "StateMachineRoleArn": {"Value": {"Fn::GetAtt": ["StateMachineRole", "Arn"]}},
        MACHINES_OUTPUT: {"Value": ",".join(machine_names)},
    }
