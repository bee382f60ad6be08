"""What to do about each status of a stack: update it, create it again, wait, or say which command leads out.

Decisions and sentences only, no AWS call. Used by `stack`. Every status of CloudFormation's model is in exactly one of
these groups; one that AWS adds later counts as stuck.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deployment.cloudformation import failures
from deployment.cloudformation.events import Event, OperationState

HEALTHY = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
NEVER_CREATED = ("REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
"""What a first creation leaves that was never executed or that failed: it was never in use, so nothing of value is in it."""

SUCCESSFUL = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE")
"""What ends an operation that did what it should."""

RECOVERABLE = "UPDATE_ROLLBACK_FAILED"
RECOVERED = "UPDATE_ROLLBACK_COMPLETE"

_WAYS_OUT: Mapping[str, tuple[str, str]] = {
    RECOVERABLE: (
        "fab recover",
        "To leave out what cannot be fixed: fab recover --skip {list}",
    ),
    "UPDATE_FAILED": ("{aws} rollback-stack {flags}", ""),
    "DELETE_FAILED": (
        "fab delete",
        "To keep some of its resources: {aws} delete-stack {flags} --retain-resources {names}",
    ),
    "IMPORT_ROLLBACK_FAILED": (
        "fab delete",
        "To keep the stack, have whoever imported resources into it undo that in the CloudFormation console.",
    ),
}
"""The command that leads out of a status, and what else can be done."""

_UNKNOWN = ("fab delete", "To keep the stack, look at it in the CloudFormation console first.")


def is_busy(status: str) -> bool:
    """Whether an operation is in progress. One in review only waits for somebody to execute a change set."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def busy_sentence(name: str, status: str, task: str, who: str = "") -> str:
    """Return why a busy stack is left alone, who began what it is busy with (where that is known), and what to do."""
    state = f"{status}, begun by {who}" if who else status
    return f"{name} is busy ({state}), so nothing was started. `fab watch` follows it to its end; then run `{task}` again."


def stuck_sentence(
    name: str, status: str, task: str, events: Sequence[Event], flags: str, template: Mapping[str, Any]
) -> str:
    """Return what keeps a stack stuck, resource by resource, and the commands that lead out of it.

    `flags` are those that name the stack to the AWS CLI, `events` those of the stack's last operation.
    """
    blocking = [event.logical_id for event in failures.blocking_events(events)]
    command, otherwise = _WAYS_OUT.get(status, _UNKNOWN)
    words = _command_words(flags, blocking)
    reasons = blocking_reasons(events, template)
    return "\n".join(
        [f"{name} is stuck ({status}){':' if reasons else '.'}", *reasons]
        + [f"{'Fix that, then run' if reasons else 'Run'}: {command.format(**words)}"]
        + ([otherwise.format(**words)] if otherwise and (blocking or not _names_resources(otherwise)) else [])
        + ([f"Then run `{task}` again."] if command != task else [])
    )


def blocking_reasons(events: Sequence[Event], template: Mapping[str, Any]) -> list[str]:
    """Return a line for each resource that keeps a stack stuck: what AWS says, and what usually helps."""
    return [
        f"  {failures.with_hint(failures.describe(event, template), event.reason)}"
        for event in failures.blocking_events(events)
    ]


def nothing_to_recover(name: str, status: str | None, flags: str) -> str:
    """Return why `fab recover` has nothing to do in this status, None where there is no stack, and what to run instead."""
    where = f"is in {status}" if status else "does not exist"
    if status and is_busy(status):
        command = "fab watch"
    elif status is None or status in (*HEALTHY, *NEVER_CREATED):
        command = "fab"
    else:
        command = _WAYS_OUT.get(status, _UNKNOWN)[0].format(**_command_words(flags, ()))
    return f"{name} {where}, so there is nothing to recover; run: {command}"


def has_recovered(end: OperationState) -> bool:
    """Whether this was a rollback taken up again that has come to its end: nothing was tried before it."""
    first_event = end.events[0] if end.events else None
    is_recovery = first_event and first_event.is_stack and first_event.status == "UPDATE_ROLLBACK_IN_PROGRESS"
    return bool(is_recovery) and end.status == RECOVERED


def _command_words(flags: str, blocking: Sequence[str]) -> dict[str, str]:
    """Return what is put into the commands."""
    return {
        "aws": "aws cloudformation",
        "flags": flags,
        "names": " ".join(blocking),
        "list": ",".join(blocking),
    }


def _names_resources(text: str) -> bool:
    return "{names}" in text or "{list}" in text
