"""Deploying a stack on the fake CloudFormation: settings, a template, change sets, timelines.

A stack that is deployed already, as tasks and plans find it, is in `deployed_stack.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployment.aws.installation import Installation
from deployment.cloudformation import lookup, stack
from deployment.cloudformation.stack import DeployedStack
from deployment.console import Console
from deployment.project.settings import Settings
from tests.fake_cloudformation import STACK_NAME, FakeCloudFormation
from tests.installations import installed
from tests.recording_console import RecordingConsole

SETTINGS = Settings(stack_name=STACK_NAME, tags={"team": "storage"})
PLACE = "The stack sync-buckets in 123456789012/eu-west-1"
FLAGS = "--stack-name sync-buckets --region eu-west-1"
TEMPLATE = {
    "Resources": {
        "Copy": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Handler": "lambda_functions/copy.handler"},
        },
        "CopyKeys": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Handler": "lambda_functions/copy_keys.handler"},
        },
        "WorkBucket": {"Type": "AWS::S3::Bucket"},
    }
}
ADD_COPY_KEYS = {
    "ResourceChange": {
        "Action": "Add",
        "LogicalResourceId": "CopyKeys",
        "ResourceType": "AWS::Lambda::Function",
    }
}
READY = [{"Status": "CREATE_COMPLETE", "Changes": [ADD_COPY_KEYS]}]
NO_CHANGES = [
    {
        "Status": "FAILED",
        "StatusReason": "The submitted information didn't contain changes. "
        "Submit different information to create a change set.",
    }
]
CREATED = [
    [("", "CREATE_IN_PROGRESS", ""), ("CopyKeys", "CREATE_IN_PROGRESS", "")],
    [("CopyKeys", "CREATE_IN_PROGRESS", "Resource creation Initiated")],
    [("CopyKeys", "CREATE_COMPLETE", ""), ("", "CREATE_COMPLETE", "")],
]


def installed_with(
    cloudformation: FakeCloudFormation,
    settings: Settings = SETTINGS,
    sleep: Callable[[float], None] | None = None,
    **others: Any,
) -> Installation:
    """Return an installation on a scripted CloudFormation, whose future waiting brings nearer."""
    clock = {"sleep": sleep or cloudformation.sleep}
    return installed(settings, clock=clock, cloudformation=cloudformation, **others)


def deploy_with(installation: Installation, template: Mapping[str, Any], console: Console) -> DeployedStack:
    """Look at the stack and deploy it, as `fab` does."""
    return stack.deploy(installation, template, lookup.read_deployable(installation, template), console)


def deploy(cloudformation: FakeCloudFormation, console: RecordingConsole | None = None) -> DeployedStack:
    return deploy_with(installed_with(cloudformation), TEMPLATE, console or RecordingConsole())  # type: ignore[arg-type]


FAILED_CREATION = [
    [
        ("CopyKeysRole", "CREATE_FAILED", "Resource creation cancelled"),
        ("", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [CopyKeys]."),
    ],
    [("CopyKeys", "DELETE_COMPLETE", ""), ("", "ROLLBACK_COMPLETE", "")],
]
