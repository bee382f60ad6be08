"""What the tests of the stack have in common: settings, a template, change sets, timelines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployment.aws.account import Account
from deployment.cloudformation import lookup, stack
from deployment.cloudformation.stack import Stack
from deployment.console import Console
from deployment.project.settings import Settings
from tests.fake_cloudformation import STACK_NAME, FakeCloudFormation
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


def account_with(cloudformation: FakeCloudFormation, **others: Any) -> Account:
    clients = {"cloudformation": cloudformation, **others}
    return Account(None, "123456789012", "eu-west-1", "aws", clients)


def deploy_with(
    account: Account,
    settings: Settings,
    template: Mapping[str, Any],
    console: Console,
    sleep: Callable[[float], None],
) -> Stack:
    """Look at the stack and deploy it, as `fab` does."""
    present = lookup.look(account, settings, template)
    return stack.deploy(account, settings, template, present, console, sleep)  # type: ignore[arg-type]


def deploy(cloudformation: FakeCloudFormation, console: RecordingConsole | None = None) -> Stack:
    account = account_with(cloudformation)
    return deploy_with(account, SETTINGS, TEMPLATE, console or RecordingConsole(), cloudformation.sleep)


FAILED_CREATION = [
    [
        ("CopyKeysRole", "CREATE_FAILED", "Resource creation cancelled"),
        ("", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [CopyKeys]."),
    ],
    [("CopyKeys", "DELETE_COMPLETE", ""), ("", "ROLLBACK_COMPLETE", "")],
]
