"""Follows an operation on a stack to its end, and finds in its events why it failed.

Used by `stack` for everything that takes CloudFormation more than a call. A stack is followed by its id, because one
that has been deleted has no name any more; events are those after a known one, because clocks differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.console import Console

POLL_SECONDS = 2.0

_ROLLBACK_FOLLOWS = ("CREATE_FAILED", "UPDATE_FAILED")
_MOST_QUIET_LOOKS = 30
"""A status that a rollback should follow is taken for the end when nothing has happened for a minute."""

_DONE_WORDS = {
    "CREATE_COMPLETE": "created",
    "UPDATE_COMPLETE": "updated",
    "DELETE_COMPLETE": "deleted",
}
_HINTS = (
    (r"not authorized to perform: ([\w:*]+)", "Allow {} to whoever deploys."),
    (
        r"already exists",
        "Remove it if an earlier stack left it, or set another STACK_NAME in fabfile_config.py.",
    ),
)
_BELONGS_TO_FUNCTION = re.compile(r"|Role|LogGroup|Version[0-9a-f]{10}")


@dataclass(frozen=True)
class Event:
    """One line of a stack's history; `is_stack` where it is about the stack itself."""

    event_id: str
    logical_id: str
    resource_type: str
    status: str
    reason: str
    is_stack: bool
    operation_id: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How an operation ended: the stack's status and the events on the way, oldest first."""

    status: str
    events: tuple[Event, ...]


def describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    """Return a stack's description by name or id, None when there is no such stack (any more)."""
    try:
        description: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if _is_absent(error):
            return None
        raise
    return None if description["StackStatus"] == "DELETE_COMPLETE" else description


def newest_event(cloudformation: Any, stack_id: str) -> str | None:
    """Return the id of the last event so far: what comes after it belongs to the next operation."""
    events = _page_of_events(cloudformation, {"StackName": stack_id})["StackEvents"]
    return events[0]["EventId"] if events else None


def follow(
    cloudformation: Any,
    stack_id: str,
    after: str | None,
    description: str,
    console: Console,
    sleep: Callable[[float], None],
) -> Outcome:
    """Wait for the end of the operation whose events come after `after`; show them as they arrive."""
    seen: list[Event] = []
    quiet_looks = 0
    with console.progress(description) as progress:
        while True:
            found = describe(cloudformation, stack_id)
            status = found["StackStatus"] if found else "DELETE_COMPLETE"
            new = _events_since(cloudformation, stack_id, seen[-1].event_id if seen else after)
            seen += new
            quiet_looks = 0 if new else quiet_looks + 1
            for line in filter(None, map(event_line, new)):
                console.step(line)
            progress.update(progress_line(seen))
            if _is_over(status, seen, quiet_looks):
                return Outcome(status, tuple(seen))
            sleep(POLL_SECONDS)


def event_line(event: Event) -> str | None:
    """Return what a person should read of an event, None for the many that only say that something goes on."""
    if event.is_stack or _was_cancelled(event):
        return None
    if event.status.endswith("_FAILED"):
        return f"  {event.logical_id} {event.status}: {event.reason or 'no reason given'}"
    word = _DONE_WORDS.get(event.status)
    return f"  {event.logical_id} {word}" if word else None


def progress_line(events: Iterable[Event]) -> str:
    """Return how many resources are done, and the names of those at work."""
    latest = {event.logical_id: event.status for event in events if not event.is_stack}
    pending = [name for name, status in latest.items() if status.endswith("_IN_PROGRESS")]
    return f"{len(latest) - len(pending)} done, in progress: {', '.join(pending) or 'the stack itself'}"


def explain_failure(events: Sequence[Event], template: Mapping[str, Any]) -> str:
    """Return the first failure that is a cause: the resource, our file behind it, AWS's reason, and a hint if there is one.

    Resources that were cancelled because another one had failed, and the stack itself, are not causes.
    """
    failed = [event for event in events if event.status.endswith("_FAILED")]
    causes = [event for event in failed if not event.is_stack and not _was_cancelled(event)]
    first = next(iter(causes or failed), None)
    if first is None:
        reasons = [event.reason for event in events if event.is_stack and event.reason]
        return reasons[0] if reasons else "CloudFormation gave no reason."
    source = source_of(first.logical_id, template)
    what = f"{first.logical_id} ({', '.join(filter(None, (first.resource_type, source)))})"
    return f"{what} {first.status}: {first.reason or 'no reason given'}{_hint(first.reason)}"


def validation_details(cloudformation: Any, where: Mapping[str, str], template: Mapping[str, Any]) -> str:
    """Return what CloudFormation's own validation found wrong, a line for each finding, "" where it found nothing.

    `where` names a change set, an operation or a stack; the events of a stack only say that DescribeEvents knows more:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
    """
    try:
        page = cloudformation.describe_events(**where, Filters={"FailedEvents": True})
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "an unknown code")
        return f"  The details could not be read: DescribeEvents was refused with {code}."
    return "\n".join(
        _finding(event, template) for event in page["OperationEvents"] if event.get("ValidationStatusReason")
    )


def _finding(event: Mapping[str, Any], template: Mapping[str, Any]) -> str:
    logical_id = event.get("LogicalResourceId", "")
    source = source_of(logical_id, template)
    place = event.get("ValidationPath") or logical_id
    return f"  {place}{f' ({source})' if source else ''}: {event['ValidationStatusReason']}"


def source_of(logical_id: str, template: Mapping[str, Any]) -> str | None:
    """Return the file that a function, or its role, log group or version, comes from."""
    for function_id, resource in template.get("Resources", {}).items():
        handler = resource.get("Properties", {}).get("Handler")
        is_function = resource.get("Type") == "AWS::Serverless::Function" and isinstance(handler, str)
        rest = logical_id.removeprefix(function_id)
        if is_function and logical_id.startswith(function_id) and _BELONGS_TO_FUNCTION.fullmatch(rest):
            return f"{handler.rpartition('.')[0]}.py"
    return None


def _was_cancelled(event: Event) -> bool:
    return event.reason.startswith("Resource ") and "cancelled" in event.reason


def _hint(reason: str) -> str:
    for pattern, hint in _HINTS:
        match = re.search(pattern, reason)
        if match:
            return f"\n{hint.format(*match.groups())}"
    return ""


def _is_over(status: str, seen: Iterable[Event], quiet_looks: int) -> bool:
    """Whether the operation has ended. A status alone may still be that of the operation before."""
    if status == "DELETE_COMPLETE":
        return True
    if status in _ROLLBACK_FOLLOWS and quiet_looks < _MOST_QUIET_LOOKS:
        return False
    has_arrived = any(event.is_stack and event.status == status for event in seen)
    return has_arrived and not status.endswith("_IN_PROGRESS")


def _events_since(cloudformation: Any, stack_id: str, after: str | None) -> list[Event]:
    """Return the events after a known one, oldest first; AWS gives the newest first, page by page."""
    found: list[Event] = []
    request = {"StackName": stack_id}
    while True:
        page = _page_of_events(cloudformation, request)
        for record in page["StackEvents"]:
            if record["EventId"] == after:
                return found[::-1]
            found.append(_event(record))
        if not page.get("NextToken"):
            return found[::-1]
        request["NextToken"] = page["NextToken"]


def _page_of_events(cloudformation: Any, request: Mapping[str, str]) -> dict[str, Any]:
    """Return a page; an empty one for a stack that was deleted before anything was created, of which nothing is kept."""
    try:
        page: dict[str, Any] = cloudformation.describe_stack_events(**request)
    except ClientError as error:
        if _is_absent(error):
            return {"StackEvents": []}
        raise
    return page


def _is_absent(error: ClientError) -> bool:
    return "does not exist" in error.response.get("Error", {}).get("Message", "")


def _event(record: Mapping[str, Any]) -> Event:
    return Event(
        event_id=record["EventId"],
        logical_id=record.get("LogicalResourceId", ""),
        resource_type=record.get("ResourceType", ""),
        status=record.get("ResourceStatus", ""),
        reason=record.get("ResourceStatusReason", ""),
        is_stack=record.get("PhysicalResourceId") == record["StackId"],
        operation_id=record.get("OperationId"),
    )
