"""What a person sees while CloudFormation works: one redrawn block on a terminal, a line for each event elsewhere.

Used by `stack`, fed by `events.follow`. On a terminal the block has how many resources are done, for how long it
has been going on, and a line for each resource at work, with our file where it comes from one; failures are written
above the block and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deployment.build.logical_ids import source_of
from deployment.cloudformation.change_sets import ChangeSet
from deployment.cloudformation.changes import Change
from deployment.cloudformation.events import Event, Operation, OperationState
from deployment.console import Console
from deployment.text import quantity

_WORDS = {
    "CREATE_IN_PROGRESS": "creating",
    "CREATE_COMPLETE": "created",
    "UPDATE_IN_PROGRESS": "updating",
    "UPDATE_COMPLETE": "updated",
    "DELETE_IN_PROGRESS": "deleting",
    "DELETE_COMPLETE": "deleted",
    "DELETE_SKIPPED": "kept",
}
"""Of a resource's status; any other is shown as AWS writes it."""

_DONE = ("_COMPLETE", "_SKIPPED")


def show(
    states: Iterable[OperationState], operation: Operation, template: Mapping[str, Any], console: Console
) -> OperationState:
    """Show an operation until its end, and return that."""
    state, shown = OperationState("", ()), 0
    with console.progress(operation.title) as progress:
        for state in states:
            events = state.events
            for number in range(shown, len(events)):
                _write_event(events[: number + 1], operation.resources, template, console)
            shown = len(events)
            if console.is_live:
                progress.update(block(events, template), counter(events, operation.resources))
    return state


def change_lines(change_set: ChangeSet, template: Mapping[str, Any]) -> list[str]:
    """Return what will be done, a line for each change; of a new stack only the number, as everything in it is new."""
    number = len(change_set.changes)
    if change_set.is_new_stack:
        return [f"{quantity(number, 'resource')} to create"]
    if not number:
        return ["No resource changes, only outputs of the stack."]
    return [f"{quantity(number, 'change')}:"] + [
        _change_line(change, template) for change in change_set.changes
    ]


def event_line(events: Sequence[Event], resources: int | None, template: Mapping[str, Any]) -> str | None:
    """Return the last event as a line; None where it says nothing new, or nothing of a resource."""
    event = events[-1]
    if event.is_stack:
        return _rollback_line(event)
    before = next(
        (earlier for earlier in reversed(events[:-1]) if earlier.logical_id == event.logical_id), None
    )
    if before and before.status == event.status:
        return None  # most resources say twice that they are being created
    return f"  {counter(events, resources)} {_resource_name(event, template)}  {_status_word(event)}"


def counter(events: Sequence[Event], resources: int | None) -> str:
    """Return how many resources are done, `[ 4/9]`.

    Where nobody knows how many there are, it is out of those that have begun; so it is in a rollback, which undoes them.
    """
    rollbacks = [number for number, event in enumerate(events) if _rollback_line(event)]
    latest = _latest(events[rollbacks[-1] :] if rollbacks else events)
    done = sum(event.status.endswith(_DONE) for event in latest)
    total = max(0 if rollbacks else resources or 0, len(_latest(events)))
    return f"[{done:>{max(2, len(str(total)))}}/{total}]"


def block(events: Iterable[Event], template: Mapping[str, Any]) -> str:
    """Return a line for each resource at work, files below each other."""
    at_work = [event for event in _latest(events) if event.status.endswith("_IN_PROGRESS")]
    width = max((len(event.logical_id) for event in at_work), default=0)
    return "".join(f"\n  {event.logical_id:<{width}}  {_origin(event, template)}" for event in at_work)


def _change_line(change: Change, template: Mapping[str, Any]) -> str:
    source = source_of(change.logical_id, template) or change.resource_type
    suffix = {"True": ", replaced", "Conditional": ", perhaps replaced"}.get(change.replacement, "")
    return f"  {change.action} {change.logical_id} ({source}){suffix}"


def _write_event(
    events: Sequence[Event], resources: int | None, template: Mapping[str, Any], console: Console
) -> None:
    """Write the last event, where it must stay: elsewhere than on a terminal all of them, there the failures."""
    line = event_line(events, resources, template)
    if line is None:
        return
    if events[-1].status.endswith("_FAILED") and not events[-1].is_cancelled:
        console.warning(line)
    elif not console.is_live or events[-1].is_stack:
        console.step(line)


def _rollback_line(event: Event) -> str | None:
    """Return the moment in which CloudFormation begins to undo; the rest of the stack's own events is said elsewhere."""
    if not (event.is_stack and event.status.endswith("ROLLBACK_IN_PROGRESS")):
        return None
    return f"  CloudFormation rolls back: {event.reason or 'no reason given'}"


def _latest(events: Iterable[Event]) -> list[Event]:
    """Return the last event of every resource, in the order in which they began."""
    return list({event.logical_id: event for event in events if not event.is_stack}.values())


def _resource_name(event: Event, template: Mapping[str, Any]) -> str:
    return f"{event.logical_id}  {_origin(event, template)}"


def _origin(event: Event, template: Mapping[str, Any]) -> str:
    return source_of(event.logical_id, template) or event.resource_type


def _status_word(event: Event) -> str:
    if event.is_cancelled:
        return "cancelled"
    if event.status.endswith("_FAILED"):
        return f"{event.status}: {event.reason or 'no reason given'}"
    return _WORDS.get(event.status, event.status)
