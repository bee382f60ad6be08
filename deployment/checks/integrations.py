"""What a Task calls: the services that Step Functions knows, and what its role must be allowed for each.

Pure, but that botocore's models are read from its package: they tell which services and actions the AWS SDK has. An
integration about whose rights nothing is known here is believed.
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment.text import did_you_mean

_ARN = re.compile(r"arn:[\w-]+:(?P<service>[\w-]*):[\w-]*:\d*:(?P<rest>.+)")
_TASK = re.compile(r"(?P<service>aws-sdk:[^:.]+|[^:.]+):(?P<action>[^:.]+)(?P<pattern>\.[^:]+(:2)?)?")

SYNC, SYNC_2, TOKEN = ".sync", ".sync:2", ".waitForTaskToken"

# The actions of every optimized integration; those behind `|` can also be waited for with .sync.
_OPTIMIZED = {
    "apigateway": "invoke",
    "athena": "getQueryExecution getQueryResults stopQueryExecution | startQueryExecution",
    "batch": "| submitJob",
    "bedrock": "invokeModel | createModelCustomizationJob",
    "codebuild": "batchDeleteBuilds batchGetBuildBatches batchGetReports deleteBuildBatch stopBuild stopBuildBatch | "
    "retryBuild retryBuildBatch startBuild startBuildBatch",
    "databrew": "| startJobRun",
    "dynamodb": "deleteItem getItem putItem updateItem",
    "ecs": "| runTask",
    "eks": "call | createCluster createFargateProfile createNodegroup deleteCluster deleteFargateProfile "
    "deleteNodegroup runJob",
    "elasticmapreduce": "cancelStep modifyInstanceFleetByName modifyInstanceGroupByName setClusterTerminationProtection "
    "| addStep createCluster terminateCluster",
    "emr-containers": "createVirtualCluster | deleteVirtualCluster startJobRun",
    "emr-serverless": "cancelJobRun | createApplication deleteApplication startApplication startJobRun stopApplication "
    "cancelJobRun",
    "events": "putEvents",
    "glue": "| startJobRun",
    "http": "invoke",
    "lambda": "invoke",
    "mediaconvert": "| createJob",
    "sagemaker": "createEndpoint createEndpointConfig createModel updateEndpoint | createHyperParameterTuningJob "
    "createLabelingJob createProcessingJob createTrainingJob createTransformJob",
    "sns": "publish",
    "sqs": "sendMessage",
    "states": "| startExecution",
}

# Those that can wait for a token.
_WITH_TOKEN = (
    "apigateway:invoke", "bedrock:invokeModel", "ecs:runTask", "eks:call", "eks:runJob", "events:putEvents",
    "lambda:invoke", "sns:publish", "sqs:sendMessage", "states:startExecution",
)  # fmt: skip

# https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
_EVENT_RULES = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
_RIGHTS: dict[str, tuple[str, ...]] = {
    "apigateway:invoke": ("execute-api:Invoke",),
    "elasticmapreduce:addStep": ("elasticmapreduce:AddJobFlowSteps",),
    "elasticmapreduce:cancelStep": ("elasticmapreduce:CancelSteps",),
    "elasticmapreduce:createCluster": ("elasticmapreduce:RunJobFlow",),
    "elasticmapreduce:modifyInstanceFleetByName": ("elasticmapreduce:ModifyInstanceFleet",),
    "elasticmapreduce:modifyInstanceGroupByName": ("elasticmapreduce:ModifyInstanceGroups",),
    "elasticmapreduce:setClusterTerminationProtection": ("elasticmapreduce:SetTerminationProtection",),
    "elasticmapreduce:terminateCluster": ("elasticmapreduce:TerminateJobFlows",),
    "http:invoke": ("states:InvokeHTTPEndpoint", "events:RetrieveConnectionCredentials"),
    "lambda:invoke": ("lambda:InvokeFunction",),
}
_RIGHTS_TO_WAIT: dict[str, tuple[str, ...]] = {
    "athena:startQueryExecution": ("athena:GetQueryExecution", "athena:StopQueryExecution"),
    "batch:submitJob": ("batch:DescribeJobs", "batch:TerminateJob", *_EVENT_RULES),
    "codebuild:startBuild": ("codebuild:StopBuild", "codebuild:BatchGetBuilds", *_EVENT_RULES),
    "ecs:runTask": ("ecs:StopTask", "ecs:DescribeTasks", *_EVENT_RULES),
    "glue:startJobRun": ("glue:GetJobRun", "glue:BatchStopJobRun"),
    "states:startExecution": ("states:DescribeExecution", "states:StopExecution", *_EVENT_RULES),
}

# Where an API of S3 and its right have different names.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html
_RIGHTS_OF_S3 = {
    "abortMultipartUpload": "AbortMultipartUpload", "completeMultipartUpload": "PutObject", "copyObject": "PutObject",
    "createMultipartUpload": "PutObject", "deleteObject": "DeleteObject", "deleteObjects": "DeleteObject",
    "getObject": "GetObject", "headBucket": "ListBucket", "headObject": "GetObject", "listBuckets": "ListAllMyBuckets",
    "listObjectVersions": "ListBucketVersions", "listObjects": "ListBucket", "listObjectsV2": "ListBucket",
    "listParts": "ListMultipartUploadParts", "putObject": "PutObject", "uploadPart": "PutObject",
}  # fmt: skip

READERS = ("s3:getObject", "s3:listObjectsV2")
WRITERS = ("s3:putObject",)


@dataclass(frozen=True)
class Integration:
    """What a Resource says: `sns`, `publish`, `.waitForTaskToken`; of the SDK `aws-sdk:sns`, `publish`, ``."""

    service: str
    action: str
    pattern: str

    @property
    def name(self) -> str:
        """`sns:publish`, without the pattern."""
        return f"{self.service}:{self.action}"


def integration_of(resource: Any) -> Integration | None:
    """Return the service integration of a Resource, None for a Lambda, an activity, and what cannot be known yet."""
    match = _ARN.fullmatch(resource) if isinstance(resource, str) and "${" not in resource else None
    if not match or match["service"] != "states" or match["rest"].startswith("activity:"):
        return None
    task = _TASK.fullmatch(match["rest"])
    return (
        Integration(task["service"], task["action"], task["pattern"] or "")
        if task
        else Integration(match["rest"], "", "")
    )


def resource_mistake(resource: Any) -> str | None:
    """Return what is wrong with the Resource of a Task, None if nothing is or nothing is known."""
    if not isinstance(resource, str) or "${" in resource or not resource.startswith("arn:"):
        return None
    match = _ARN.fullmatch(resource)
    if not match or match["service"] not in ("states", "lambda"):
        return "is nothing that a Task can call: expected a Lambda, an activity, or arn:aws:states:::service:action"
    found = integration_of(resource)
    if found is None:
        return None
    return _sdk_mistake(found) if found.service.startswith("aws-sdk:") else _optimized_mistake(found)


def needed_actions(found: Integration) -> tuple[str, ...]:
    """Return the IAM actions that an integration needs, none where they are not known."""
    if found.service.startswith("aws-sdk:"):
        return _sdk_actions(found.service.removeprefix("aws-sdk:"), found.action)
    known = _RIGHTS.get(found.name) or _existing((found.service,), found.action)
    waiting = _RIGHTS_TO_WAIT.get(found.name, ()) if found.pattern in (SYNC, SYNC_2) else ()
    return (*known, *waiting) if known else ()


def _optimized_mistake(found: Integration) -> str | None:
    plain, _, jobs = _OPTIMIZED.get(found.service, "").partition("|")
    actions, with_sync = {*plain.split(), *jobs.split()}, set(jobs.split())
    if found.service not in _OPTIMIZED:
        sdk = f" Did you mean the AWS SDK's, aws-sdk:{found.service}:{found.action}?"
        guess = sdk if found.service in _sdk_services() else did_you_mean(found.service, _OPTIMIZED)
        return f"calls the service {found.service}, which Step Functions does not know.{guess}"
    if found.action not in actions:
        guess = did_you_mean(found.action, actions) or f" Known are {', '.join(sorted(actions))}."
        return f"calls {found.name}, which Step Functions does not know.{guess}"
    patterns = [
        *([SYNC] if found.action in with_sync else []),
        *([SYNC_2] if found.service == "states" else []),
        *([TOKEN] if found.name in _WITH_TOKEN else []),
    ]
    return _pattern_mistake(found, patterns)


def _pattern_mistake(found: Integration, patterns: list[str]) -> str | None:
    if not found.pattern or found.pattern in patterns:
        return None
    expected = f"nothing or {' or '.join(patterns)}" if patterns else "nothing"
    return f"calls {found.name} with {found.pattern}: expected {expected} behind the action"


def _sdk_mistake(found: Integration) -> str | None:
    name = found.service.removeprefix("aws-sdk:")
    folder = _sdk_services().get(name.lower())
    if folder is None:
        return (
            f"calls the service {name}, which the AWS SDK does not have.{did_you_mean(name, _sdk_services())}"
        )
    known = {action[:1].lower() + action[1:] for action in _model(folder)["operations"]}
    if found.action.lower() not in {action.lower() for action in known}:
        return f"calls {found.service}:{found.action}, which is no action of it.{did_you_mean(found.action, known)}"
    if found.action[:1].isupper():
        right = found.action[:1].lower() + found.action[1:]
        return f"calls {found.service}:{found.action}: expected camelCase, {right}"
    return _pattern_mistake(found, [TOKEN])


def _sdk_actions(service: str, action: str) -> tuple[str, ...]:
    folder = _sdk_services().get(service.lower())
    if folder is None:
        return ()
    if folder == "s3":
        return (f"s3:{_RIGHTS_OF_S3[action]}",) if action in _RIGHTS_OF_S3 else ()
    if (folder, action.lower()) == ("lambda", "invoke"):
        return ("lambda:InvokeFunction",)
    metadata = _model(folder)["metadata"]
    return _existing((metadata.get("signingName", ""), metadata["endpointPrefix"], folder), action)


def _existing(prefixes: tuple[str, ...], action: str) -> tuple[str, ...]:
    """The IAM action of an API's name, if IAM has one; by the list that cfn-lint brings."""
    from cfnlint.data import AdditionalSpecs
    from cfnlint.helpers import load_resource

    policies = load_resource(AdditionalSpecs, "Policies.json")
    for prefix in prefixes:
        if action.lower() in policies.get(prefix, {}).get("Actions", {}):
            return (f"{prefix}:{action[:1].upper()}{action[1:]}",)
    return ()


@functools.cache
def _sdk_services() -> dict[str, str]:
    """The folder of botocore's model by the names that Step Functions may have for a service.

    It takes those of the SDK for Java, which are the service's id without spaces, and often without `Service`.
    """
    names: dict[str, str] = {}
    for folder in sorted(_models().iterdir()):
        if path := _latest(folder):
            with gzip.open(path) as file:  # the id is in the first lines
                head = re.search(rb'"serviceId"\s*:\s*"([^"]+)"', file.read(4000))
            identity = head[1].decode().lower().replace(" ", "").replace("-", "") if head else folder.name
            for name in (folder.name.replace("-", ""), identity.removesuffix("service"), identity):
                names[name] = folder.name
    return names


@functools.cache
def _model(folder: str) -> dict[str, Any]:
    path = _latest(_models() / folder)
    assert path  # else the service would not be listed
    with gzip.open(path) as file:
        model: dict[str, Any] = json.load(file)
    return model


def _models() -> Path:
    import botocore

    return Path(botocore.__file__).parent / "data"


def _latest(folder: Path) -> Path | None:
    return max(folder.glob("*/service-2.json.gz"), default=None) if folder.is_dir() else None
