"""Follows an operation on a stack to its end: its status, and its events as they arrive.

Used by `stack` for everything that takes CloudFormation more than a call; `event_view` shows what is yielded here,
`failures` finds in it why something failed. A stack is followed by its id, because one that has been deleted has
no name any more. Events are distinguished by the operation's ClientRequestToken and by the last one before it, not by
time, because clocks differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.errors import is_missing, is_transient
from deployment.aws.installation import Installation

POLL_SECONDS = 2.0
MAX_PAUSE_SECONDS = 30.0
"""After every poll that failed the pause is doubled, up to this."""

MAX_FAILED_POLLS = 20

_ROLLBACK_FOLLOWS = ("CREATE_FAILED", "UPDATE_FAILED")
_MAX_QUIET_POLLS = 30
"""A status that a rollback should follow is taken for the end when nothing has happened for a minute."""


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
    token: str = ""

    @property
    def is_cancelled(self) -> bool:
        """Whether it only says that another resource's failure has ended this one."""
        return self.reason.startswith("Resource ") and "cancelled" in self.reason


@dataclass(frozen=True)
class Operation:
    """What is to be followed: the events of a stack after a known one, and of no other operation's token.

    `after` None means from the stack's first event on, `token` None whatever comes, `resources` None that nobody knows
    how many there are.
    """

    stack_id: str
    title: str
    after: str | None = None
    token: str | None = None
    resources: int | None = None


@dataclass(frozen=True)
class OperationState:
    """How far an operation is, or how it ended: the stack's status and the events so far, oldest first."""

    status: str
    events: tuple[Event, ...]


def describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    """Return a stack's description by name or id, None when there is no such stack (any more)."""
    try:
        description: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return None if description["StackStatus"] == "DELETE_COMPLETE" else description


def newest_event(cloudformation: Any, stack_id: str) -> str | None:
    """Return the id of the last event so far: what comes after it belongs to the next operation."""
    events = _page_of_events(cloudformation, {"StackName": stack_id})["StackEvents"]
    return events[0]["EventId"] if events else None


def last_operation(cloudformation: Any, stack_id: str) -> tuple[Event, ...]:
    """Return the events of the stack's last operation, or of the one in progress, oldest first."""
    return _last_operation(cloudformation, stack_id)[1]


def running_operation(cloudformation: Any, stack_id: str, title: str) -> Operation:
    """Return the operation in progress, from its first event on."""
    return Operation(stack_id, title, _last_operation(cloudformation, stack_id)[0])


def follow(installation: Installation, operation: Operation) -> Iterator[OperationState]:
    """Yield how far an operation is, every two seconds or less often when AWS is busy; the last one is its end.

    Raises what AWS says when it refuses, or after many failed polls: the operation itself continues.
    """
    state, quiet_polls, failed_polls = OperationState("", ()), 0, 0
    while not _is_over(state, quiet_polls):
        try:
            latest = _poll(installation.cloudformation, operation, state)
        except (ClientError, BotoCoreError) as error:
            failed_polls += 1
            if not is_transient(error) or failed_polls >= MAX_FAILED_POLLS:
                raise
            installation.clock.sleep(min(POLL_SECONDS * 2**failed_polls, MAX_PAUSE_SECONDS))
            continue
        failed_polls = 0
        quiet_polls = 0 if len(latest.events) > len(state.events) else quiet_polls + 1
        state = latest
        yield state
        if not _is_over(state, quiet_polls):
            installation.clock.sleep(POLL_SECONDS)


def _poll(cloudformation: Any, operation: Operation, before: OperationState) -> OperationState:
    """Return the status and all events; the status first, so that the event that led to it is never missed."""
    description = describe(cloudformation, operation.stack_id)
    after = before.events[-1].event_id if before.events else operation.after
    new = _events_since(cloudformation, replace(operation, after=after))
    status = description["StackStatus"] if description else "DELETE_COMPLETE"
    every = (*before.events, *new)
    own_end = _own_end(every) if operation.token else None
    return OperationState(own_end or status, every)


def _own_end(events: tuple[Event, ...]) -> str | None:
    """Return the status with which these events end, None where they do not: the stack may be in another operation by now."""
    last = next((event.status for event in reversed(events) if event.is_stack), "")
    is_end = last and not last.endswith("_IN_PROGRESS") and last not in _ROLLBACK_FOLLOWS
    return last if is_end else None


def _is_over(state: OperationState, quiet_polls: int) -> bool:
    """Whether the operation has ended. A status alone may still be that of the operation before."""
    if state.status == "DELETE_COMPLETE":
        return True
    if state.status in _ROLLBACK_FOLLOWS and quiet_polls < _MAX_QUIET_POLLS:
        return False
    if state.status == "DELETE_FAILED" and quiet_polls >= _MAX_QUIET_POLLS:
        return True  # somebody else's deletion, whose events are not among these
    has_arrived = any(event.is_stack and event.status == state.status for event in state.events)
    return has_arrived and not state.status.endswith("_IN_PROGRESS")


def _last_operation(cloudformation: Any, stack_id: str) -> tuple[str | None, tuple[Event, ...]]:
    """Return the id of the event that ended the operation before, None where there was none, and the events since."""
    events: list[Event] = []
    for event in map(_event, _records(cloudformation, stack_id)):
        if events and _ends_operation(event, events[-1]):
            return event.event_id, tuple(reversed(events))
        events.append(event)
    return None, tuple(reversed(events))


def _ends_operation(event: Event, next_event: Event) -> bool:
    """CREATE_FAILED and UPDATE_FAILED end nothing where a rollback follows."""
    if not event.is_stack or event.status.endswith("_IN_PROGRESS"):
        return False
    return not (event.status in _ROLLBACK_FOLLOWS and "ROLLBACK" in next_event.status)


def _events_since(cloudformation: Any, operation: Operation) -> list[Event]:
    """Return the operation's events after a known one, oldest first.

    An event without a token is taken for the operation's: not every endpoint repeats what it was given.
    """
    events: list[Event] = []
    for record in _records(cloudformation, operation.stack_id):
        if record["EventId"] == operation.after:
            break
        if operation.token is None or record.get("ClientRequestToken", operation.token) == operation.token:
            events.append(_event(record))
    return events[::-1]


def _records(cloudformation: Any, stack_id: str) -> Iterator[Mapping[str, Any]]:
    """Yield the stack's events as AWS gives them, the newest first; the next page is asked for when it is needed."""
    request = {"StackName": stack_id}
    while True:
        page = _page_of_events(cloudformation, request)
        yield from page["StackEvents"]
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def _page_of_events(cloudformation: Any, request: Mapping[str, str]) -> dict[str, Any]:
    """Return a page; an empty one for a stack that was deleted before anything was created, of which nothing is kept."""
    try:
        page: dict[str, Any] = cloudformation.describe_stack_events(**request)
    except ClientError as error:
        if is_missing(error):
            return {"StackEvents": []}
        raise
    return page


def _event(record: Mapping[str, Any]) -> Event:
    return Event(
        event_id=record["EventId"],
        logical_id=record.get("LogicalResourceId", ""),
        resource_type=record.get("ResourceType", ""),
        status=record.get("ResourceStatus", ""),
        reason=record.get("ResourceStatusReason", ""),
        is_stack=record.get("PhysicalResourceId") == record["StackId"],
        operation_id=record.get("OperationId"),
        token=record.get("ClientRequestToken", ""),
    )
