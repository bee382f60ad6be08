"""A CloudFormation whose future is written down beforehand, for what no emulator can be made to do.

A timeline is a list of batches of events. An operation (`execute_change_set`, `delete_stack`) queues its timeline, and
every `sleep` lets one batch happen: so the first look after a call still sees the old status, as on AWS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

STACK_NAME = "sync-buckets"
STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/sync-buckets/1"
CHANGE_SET_ID = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/it/2"
OUR_TAGS = [{"Key": "syncbuckets:stack", "Value": STACK_NAME}]

EventText = tuple[str, str, str]
"""Logical id ("" for the stack itself), status, reason."""


class FakeCloudFormation:
    def __init__(
        self,
        status: str | None = None,
        tags: Sequence[Mapping[str, str]] = OUR_TAGS,
        change_set: Sequence[Mapping[str, Any]] = (),
        executed: Sequence[Sequence[EventText]] = (),
        deleted: Sequence[Sequence[EventText]] = ((("", "DELETE_COMPLETE", ""),),),
        validation_errors: Sequence[Mapping[str, str]] | ClientError = (),
    ) -> None:
        self.status = status
        self.tags = list(tags)
        self.outputs: dict[str, str] = {}
        self.resources: dict[str, dict[str, str]] = {}
        self.change_set_names: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.naps: list[float] = []
        self._answers = list(change_set)
        self._timelines = {"execute": executed, "delete": deleted}
        self._future: list[Sequence[EventText]] = []
        self._events: list[dict[str, str]] = []
        self._validation_errors = validation_errors
        if status:
            self._happen("", status, "")

    def called(self) -> list[str]:
        return [name for name, _ in self.calls]

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        for event in self._future.pop(0) if self._future else ():
            self._happen(*event)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if self.status is None or (self.status == "DELETE_COMPLETE" and StackName == STACK_NAME):
            raise refusal("DescribeStacks", "ValidationError", f"Stack with id {StackName} does not exist")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        shown_tags = [] if self.status == "REVIEW_IN_PROGRESS" else self.tags
        stack = {"StackId": STACK_ID, "StackName": STACK_NAME, "StackStatus": self.status}
        return {"Stacks": [stack | {"Tags": shown_tags, "Outputs": outputs}]}

    def describe_stack_events(self, StackName: str, NextToken: str = "0") -> dict[str, Any]:
        """Newest first, two a page."""
        newest_first, start = self._events[::-1], int(NextToken)
        page = {"StackEvents": newest_first[start : start + 2]}
        return page | ({"NextToken": str(start + 2)} if start + 2 < len(newest_first) else {})

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> dict[str, Any]:
        if LogicalResourceId not in self.resources:
            raise refusal("DescribeStackResource", "ValidationError", "Resource does not exist")
        return {"StackResourceDetail": self.resources[LogicalResourceId]}

    def create_change_set(self, **request: Any) -> dict[str, str]:
        self.calls.append(("create_change_set", request))
        self.change_set_names.append(request["ChangeSetName"])
        if request["ChangeSetType"] == "CREATE":
            self._happen("", "REVIEW_IN_PROGRESS", "")
        return {"Id": CHANGE_SET_ID, "StackId": STACK_ID}

    def describe_change_set(self, **request: Any) -> Mapping[str, Any]:
        return self._answers.pop(0)

    def list_change_sets(self, StackName: str) -> dict[str, Any]:
        return {"Summaries": [{"ChangeSetName": name} for name in self.change_set_names]}

    def delete_change_set(self, **request: Any) -> None:
        self.calls.append(("delete_change_set", request))

    def execute_change_set(self, **request: Any) -> None:
        self.calls.append(("execute_change_set", request))
        self._future = list(self._timelines["execute"])

    def delete_stack(self, **request: Any) -> None:
        self.calls.append(("delete_stack", request))
        self._future = list(self._timelines["delete"])

    def describe_events(self, **request: Any) -> dict[str, Any]:
        self.calls.append(("describe_events", request))
        if isinstance(self._validation_errors, ClientError):
            raise self._validation_errors
        return {"OperationEvents": self._validation_errors}

    def _happen(self, logical_id: str, status: str, reason: str) -> None:
        if not logical_id:
            self.status = status
        event = {
            "EventId": f"event-{len(self._events)}",
            "OperationId": f"operation-{len(self.calls)}",
            "StackId": STACK_ID,
            "LogicalResourceId": logical_id or STACK_NAME,
            "PhysicalResourceId": f"{logical_id}-1" if logical_id else STACK_ID,
            "ResourceType": "AWS::Lambda::Function" if logical_id else "AWS::CloudFormation::Stack",
            "ResourceStatus": status,
        }
        self._events.append(event | ({"ResourceStatusReason": reason} if reason else {}))


def refusal(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
