"""State machines, function versions, role and work bucket of a stack on moto, as several deployments have left them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto.stepfunctions.models import stepfunctions_backends

from deployment.project.settings import Settings
from tests.fake_cloudformation import FakeCloudFormation, operation
from tests.installations import installed

ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"
SETTINGS = Settings(stack_name="sync-buckets")
BASE = "sync-it"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/sync-buckets-machine"
WORK_BUCKET = "sync-buckets-work"
HEADER = f"Account {ACCOUNT_ID}, region {REGION}, stack sync-buckets"
CREATED = datetime(2026, 11, 1, 10, tzinfo=UTC)
UPDATED = datetime(2026, 11, 2, 10, tzinfo=UTC)


class StackOfFunctions(FakeCloudFormation):
    """A stack that also lists its functions and versions, one a page."""

    def __init__(self, status: str | None = "UPDATE_COMPLETE") -> None:
        super().__init__(status)
        self.declared: list[tuple[str, str, str]] = []

    @operation("DescribeStacks")
    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        (stack,) = super().describe_stacks(**request)["Stacks"]
        return {"Stacks": [stack | {"CreationTime": CREATED, "LastUpdatedTime": UPDATED}]}

    def declare(self, kind: str, physical_id: str, status: str = "CREATE_COMPLETE") -> None:
        self.declared.append((kind, physical_id, status))

    def get_paginator(self, operation: str) -> StackOfFunctions:
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> Iterator[dict[str, Any]]:
        for number in range(len(self.declared)):
            yield self._list_stack_resources(StackName=StackName, NextToken=str(number))

    @operation("ListStackResources")
    def _list_stack_resources(self, StackName: str, NextToken: str) -> dict[str, Any]:
        kind, physical_id, status = self.declared[int(NextToken)]
        resource = {
            "LogicalResourceId": f"Resource{NextToken}",
            "PhysicalResourceId": physical_id,
            "ResourceType": kind,
            "LastUpdatedTimestamp": UPDATED,
            "ResourceStatus": status,
        }
        return {"StackResourceSummaries": [resource]}


class Deployments:
    """What is in the account. Call it inside `mock_aws`."""

    def __init__(self) -> None:
        self.stack = StackOfFunctions()
        self._started_last = datetime.min
        session = boto3.Session(region_name=REGION)
        self.installation = installed(SETTINGS, session=session, cloudformation=self.stack)
        self.states, self.functions = (
            self.installation.client("stepfunctions"),
            self.installation.client("lambda"),
        )
        self.iam, self.s3 = self.installation.client("iam"), self.installation.client("s3")
        self.iam.create_role(RoleName="sync-buckets-machine", AssumeRolePolicyDocument=TRUST)
        self.s3.create_bucket(Bucket=WORK_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def function(self, name: str, code: str, declared: bool = True) -> str:
        """Make or change a function of the stack; return the ARN of the version that this publishes."""
        try:
            self.functions.update_function_code(FunctionName=name, ZipFile=zipped(code))
        except ClientError:
            self.functions.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=ROLE,
                Handler="it.handler",
                Code={"ZipFile": zipped(code)},
                Timeout=30,
                MemorySize=512,
                Architectures=["arm64"],
            )
            self.stack.declare("AWS::Lambda::Function", name)
        arn: str = self.functions.publish_version(FunctionName=name)["FunctionArn"]
        if declared:
            self.stack.declared = [
                one for one in self.stack.declared if not one[1].startswith(f"{arn.rpartition(':')[0]}:")
            ]
            self.stack.declare("AWS::Lambda::Version", arn)
        return arn

    def machine(self, timestamp: str, *versions: str, base: str = BASE, **changes: Any) -> str:
        """Make a state machine that calls these versions; return its name."""
        request: dict[str, Any] = {
            "name": f"{base}-{timestamp}",
            "definition": json.dumps(definition_of(versions)),
            "roleArn": ROLE,
            "tags": [{"key": "syncbuckets:stack", "value": "sync-buckets"}],
        }
        self.states.create_state_machine(**(request | changes))
        return str(request["name"])

    def arn(self, name: str) -> str:
        return f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{name}"

    def start(self, machine: str, name: str = "nightly", /, **options: Any) -> str:
        """Start an execution, which moto lets run for ever, at a moment after every other's; return its ARN."""
        arn: str = self.states.start_execution(
            stateMachineArn=self.arn(machine), name=name, input=json.dumps(options)
        )["executionArn"]
        # Dates are sent in milliseconds, and two starts may fall into the same one.
        execution = stepfunctions_backends[ACCOUNT_ID][REGION].describe_execution(arn)
        execution.start_date = max(execution.start_date, self._started_last + timedelta(milliseconds=1))
        self._started_last = execution.start_date
        return arn

    def machines(self) -> list[str]:
        return sorted(one["name"] for one in self.states.list_state_machines()["stateMachines"])

    def versions(self, *functions: str) -> list[str]:
        """Return `name:version` of everything that is left of some functions, $LATEST too."""
        return [
            f"{function}:{one['Version']}"
            for function in functions
            for one in self.functions.list_versions_by_function(FunctionName=function)["Versions"]
        ]


TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def definition_of(versions: Iterable[str]) -> dict[str, Any]:
    """Return a definition that calls these versions one after the other, the last of them in a Distributed Map."""
    states: dict[str, Any] = {
        f"Call{number}": {"Type": "Task", "Resource": arn, "Next": "Each"}
        for number, arn in enumerate(versions)
    }
    states["Each"] = {
        "Type": "Map",
        "ItemReader": {"Parameters": {"Bucket": WORK_BUCKET, "Key": "index.json"}},
        "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}},
        "End": True,
    }
    return {"StartAt": next(iter(states)), "States": states}


def zipped(text: str) -> bytes:
    """Return a zip with one file, the same bytes for the same text."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("it.py"), text)
    return buffer.getvalue()


def refuse(client: Any, operation: str, code: str, when: Mapping[str, Any] | None = None) -> None:
    """Let a client refuse an operation, or only the calls with these parameters."""

    def answer(params: Mapping[str, Any], **_: Any) -> None:
        if when is None or when.items() <= params.items():
            raise ClientError({"Error": {"Code": code, "Message": "no."}}, operation)

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"provide-client-params.{service}.{operation}", answer)
