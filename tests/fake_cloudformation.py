"""A CloudFormation whose future is written down beforehand, for what no emulator can be made to do.

A timeline is a list of batches of events. An operation (`execute_change_set`, `delete_stack`,
`continue_update_rollback`) queues its timeline, and every `sleep` lets one batch happen: so the first look after a call
still sees the old status, as on AWS. Every request and every answer is held to botocore's model of the service, names,
types and enumerations, so that no test rests on what AWS would refuse or never say.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.handlers import json_decode_template_body
from botocore.model import ListShape, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

STACK_NAME = "sync-buckets"
STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/sync-buckets/1"
CHANGE_SET_ID = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/it/2"
OUR_TAGS = [{"Key": "syncbuckets:stack", "Value": STACK_NAME}]
MODEL = botocore.session.get_session().get_service_model("cloudformation")
STACK_STATUSES: list[str] = MODEL.shape_for("StackStatus").enum
BEGINNING = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)

EventText = tuple[str, str, str]
"""Logical id ("" for the stack itself), status, reason."""

Call = Callable[..., Any]


def operation(name: str) -> Callable[[Call], Call]:
    """Hold a method to an operation of the model: its request as botocore would send it, its answer as it would parse it."""
    model = MODEL.operation_model(name)

    def decorate(method: Call) -> Call:
        @functools.wraps(method)
        def called(self: Any, **request: Any) -> Any:
            hold_to(model.input_shape, request)
            answer = method(self, **request)
            if answer is not None:
                hold_to(model.output_shape, answer)
            return answer

        return called

    return decorate


def hold_to(shape: Shape, value: Any) -> None:
    """Raise AssertionError if a value does not fit its shape."""
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()
    wrong = list(_not_enumerated(shape, value))
    assert not wrong, wrong


def _not_enumerated(shape: Shape, value: Any) -> list[str]:
    """Return what ParamValidator does not look at: strings that are none of the enumerated."""
    if isinstance(shape, StructureShape):
        return [text for name, part in value.items() for text in _not_enumerated(shape.members[name], part)]
    if isinstance(shape, ListShape):
        return [text for part in value for text in _not_enumerated(shape.member, part)]
    allowed = shape.enum if isinstance(shape, StringShape) else []
    if (
        allowed and shape.name == "ResourceStatus"
    ):  # the stack's own events have its statuses, which the model forgets
        allowed = [*allowed, *STACK_STATUSES]
    return [f"{value!r} is no {shape.name}"] if allowed and value not in allowed else []


class FakeCloudFormation:
    def __init__(
        self,
        status: str | None = None,
        tags: Sequence[Mapping[str, str]] = OUR_TAGS,
        change_set: Sequence[Mapping[str, Any]] = (),
        executed: Sequence[Sequence[EventText]] = (),
        deleted: Sequence[Sequence[EventText]] = ((("", "DELETE_COMPLETE", ""),),),
        continued: Sequence[Sequence[EventText]] = (),
        validation_errors: Sequence[Mapping[str, str]] | ClientError = (),
        history: Sequence[EventText] = (),
        types: Mapping[str, str] | None = None,
    ) -> None:
        self.types = types or {}
        self.template: Any = None
        self.status = status
        self.tags = list(tags)
        self.outputs: dict[str, str] = {}
        self.resources: dict[str, dict[str, str]] = {}
        self.change_set_names: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.naps: list[float] = []
        self._answers = list(change_set)
        self._timelines = {"execute": executed, "delete": deleted, "continue": continued}
        self._future: list[Sequence[EventText]] = []
        self._events: list[dict[str, Any]] = []
        self._token: str | None = None
        self._validation_errors = validation_errors
        for event in history:
            self.happen(*event)
        if status:
            self.happen("", status, "")

    def called(self) -> list[str]:
        return [name for name, _ in self.calls]

    def begin(self, *timeline: Sequence[EventText], token: str = "of-somebody-else") -> None:
        """Let somebody else begin an operation; its first batch has happened already."""
        self._token = token
        self._future = list(timeline)
        self._next_batch()

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self._next_batch()

    def _next_batch(self) -> None:
        for event in self._future.pop(0) if self._future else ():
            self.happen(*event)

    @operation("DescribeStacks")
    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if self.status is None or (self.status == "DELETE_COMPLETE" and StackName == STACK_NAME):
            raise refusal("DescribeStacks", "ValidationError", f"Stack with id {StackName} does not exist")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        shown_tags = [] if self.status == "REVIEW_IN_PROGRESS" else self.tags
        stack = {"StackId": STACK_ID, "StackName": STACK_NAME, "StackStatus": self.status}
        return {"Stacks": [stack | {"CreationTime": BEGINNING, "Tags": shown_tags, "Outputs": outputs}]}

    @operation("DescribeStackEvents")
    def describe_stack_events(self, StackName: str, NextToken: str = "0") -> dict[str, Any]:
        """Newest first, two a page."""
        newest_first, start = self._events[::-1], int(NextToken)
        page = {"StackEvents": newest_first[start : start + 2]}
        return page | ({"NextToken": str(start + 2)} if start + 2 < len(newest_first) else {})

    @operation("DescribeStackResource")
    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> dict[str, Any]:
        if LogicalResourceId not in self.resources:
            raise refusal("DescribeStackResource", "ValidationError", "Resource does not exist")
        detail = {
            "LogicalResourceId": LogicalResourceId,
            "ResourceType": "AWS::S3::Bucket",
            "LastUpdatedTimestamp": BEGINNING,
        }
        return {"StackResourceDetail": detail | self.resources[LogicalResourceId]}

    def get_template(self, **request: Any) -> dict[str, Any]:
        """Return the template as boto3 does, which reads the text if it is JSON."""
        answer = self._template_text(**request)
        json_decode_template_body(answer)
        return answer

    @operation("GetTemplate")
    def _template_text(self, **request: Any) -> dict[str, Any]:
        if self.template is None:
            raise refusal("GetTemplate", "ValidationError", "Stack does not exist")
        if isinstance(self.template, ClientError):
            raise self.template
        return {
            "TemplateBody": self.template if isinstance(self.template, str) else json.dumps(self.template)
        }

    @operation("CreateChangeSet")
    def create_change_set(self, **request: Any) -> dict[str, str]:
        self.calls.append(("create_change_set", request))
        self.change_set_names.append(request["ChangeSetName"])
        if request["ChangeSetType"] == "CREATE":
            self.happen("", "REVIEW_IN_PROGRESS", "")
        return {"Id": CHANGE_SET_ID, "StackId": STACK_ID}

    @operation("DescribeChangeSet")
    def describe_change_set(self, **request: Any) -> Mapping[str, Any]:
        return self._answers.pop(0)

    @operation("ListChangeSets")
    def list_change_sets(self, StackName: str) -> dict[str, Any]:
        own = [request["ChangeSetName"] for call, request in self.calls if call == "create_change_set"]
        ids = {name: CHANGE_SET_ID if name in own else f"arn:of:{name}" for name in self.change_set_names}
        return {"Summaries": [{"ChangeSetName": name, "ChangeSetId": ids[name]} for name in ids]}

    @operation("DeleteChangeSet")
    def delete_change_set(self, **request: Any) -> None:
        self.calls.append(("delete_change_set", request))

    @operation("ExecuteChangeSet")
    def execute_change_set(self, **request: Any) -> None:
        self.calls.append(("execute_change_set", request))
        self._token = request["ClientRequestToken"]
        self._future = list(self._timelines["execute"])

    @operation("DeleteStack")
    def delete_stack(self, **request: Any) -> None:
        self.calls.append(("delete_stack", request))
        self._token = request.get("ClientRequestToken")
        self._future = list(self._timelines["delete"])

    @operation("ContinueUpdateRollback")
    def continue_update_rollback(self, **request: Any) -> None:
        self.calls.append(("continue_update_rollback", request))
        self._token = request["ClientRequestToken"]
        self._future = list(self._timelines["continue"])

    @operation("DescribeEvents")
    def describe_events(self, **request: Any) -> dict[str, Any]:
        """One a page."""
        self.calls.append(("describe_events", request))
        if isinstance(self._validation_errors, ClientError):
            raise self._validation_errors
        start = int(request.get("NextToken", "0"))
        page = {"OperationEvents": self._validation_errors[start : start + 1]}
        return page | ({"NextToken": str(start + 1)} if start + 1 < len(self._validation_errors) else {})

    def happen(self, logical_id: str, status: str, reason: str, **more: str) -> None:
        if not logical_id:
            self.status = status
        event = {
            "EventId": f"event-{len(self._events)}",
            "OperationId": f"operation-{len(self.calls)}",
            "StackId": STACK_ID,
            "StackName": STACK_NAME,
            "Timestamp": BEGINNING + timedelta(seconds=len(self._events)),
            "LogicalResourceId": logical_id or STACK_NAME,
            "PhysicalResourceId": f"{logical_id}-1" if logical_id else STACK_ID,
            "ResourceType": self.types.get(logical_id, "AWS::Lambda::Function")
            if logical_id
            else "AWS::CloudFormation::Stack",
            "ResourceStatus": status,
        }
        event |= {"ClientRequestToken": self._token} if self._token else {}
        self._events.append(event | ({"ResourceStatusReason": reason} if reason else {}) | more)


def refusal(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
