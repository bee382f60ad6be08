"""Says why an operation on a stack failed: the first cause, our file behind it, AWS's reason, and what to do about it.

Used by `stack` and `change_sets`, after `events` has followed the operation. Only DescribeEvents is asked here,
and only where AWS's reason says no more than that it knows more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.account import aws_sentence
from deployment.cloudformation.events import Event, source_of
from deployment.cloudformation.failure_hints import hint


def cause(cloudformation: Any, stack_id: str, events: Sequence[Event], template: Mapping[str, Any]) -> str:
    """Return what `explain` does, with the findings of CloudFormation's own validation where it was that."""
    explained = explain(events, template)
    if "DescribeEvents" not in explained:
        return explained
    operation_id = next((event.operation_id for event in events if event.status.endswith("_FAILED")), None)
    where = {"OperationId": operation_id} if operation_id else {"StackName": stack_id}
    return f"{explained}\n{validation_details(cloudformation, where, template)}"


def explain(events: Sequence[Event], template: Mapping[str, Any]) -> str:
    """Return the first failure that is a cause, in words.

    Resources that were cancelled because another one had failed, and the stack itself, are not causes.
    """
    first = first_cause(events)
    if first is None:
        reasons = [event.reason for event in events if event.is_stack and event.reason]
        return with_hint(reasons[0], reasons[0]) if reasons else "CloudFormation gave no reason."
    return with_hint(in_words(first, template), first.reason)


def first_cause(events: Sequence[Event]) -> Event | None:
    """Return the first failure that is a cause; failing that, the stack's own; None where nothing has failed."""
    failed = [event for event in events if event.status.endswith("_FAILED")]
    causes = [event for event in failed if not event.is_stack and not event.is_cancelled]
    return next(iter(causes or failed), None)


def blocking(events: Sequence[Event]) -> list[Event]:
    """Return the resources that keep a stack stuck, each with its last failure.

    Where a rollback failed, those that failed in it: what made it necessary is another matter.
    """
    rollbacks = [
        i for i, event in enumerate(events) if event.is_stack and "ROLLBACK_IN_PROGRESS" in event.status
    ]
    last_part = events[rollbacks[-1] :] if rollbacks else events
    failed = (event for event in last_part if event.status.endswith("_FAILED"))
    return list(
        {event.logical_id: event for event in failed if not (event.is_stack or event.is_cancelled)}.values()
    )


def in_words(event: Event, template: Mapping[str, Any]) -> str:
    """Return a failed event as a sentence: the resource, its type, our file, AWS's reason."""
    what = ", ".join(filter(None, (event.resource_type, source_of(event.logical_id, template))))
    return f"{event.logical_id} ({what}) {event.status}: {event.reason or 'no reason given'}"


def with_hint(sentence: str, reason: str) -> str:
    """Return a sentence, and below it what to do about AWS's reason where that is known."""
    advice = hint(reason)
    return f"{sentence}\n{advice}" if advice else sentence


def validation_details(cloudformation: Any, where: Mapping[str, str], template: Mapping[str, Any]) -> str:
    """Return what CloudFormation's own validation found wrong, a line for each finding, "" where it found nothing.

    `where` names a change set, an operation or a stack. Where the details cannot be had, the line says so:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
    """
    if not hasattr(cloudformation, "describe_events"):
        return "  The details could not be read: this boto3 does not know DescribeEvents. Run: pip install -U boto3"
    try:
        return "\n".join(_findings(cloudformation, where, template))
    except (ClientError, BotoCoreError) as error:
        return f"  The details could not be read: {aws_sentence(error)}"


def _findings(cloudformation: Any, where: Mapping[str, str], template: Mapping[str, Any]) -> Iterator[str]:
    request: dict[str, Any] = {**where, "Filters": {"FailedEvents": True}}
    while True:
        page = cloudformation.describe_events(**request)
        for event in page["OperationEvents"]:
            if event.get("ValidationStatusReason"):
                yield _finding(event, template)
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def _finding(event: Mapping[str, Any], template: Mapping[str, Any]) -> str:
    """Return a finding; the resource stands in the path: /Resources/CopyKeys/Properties/Timeout."""
    path = event.get("ValidationPath") or ""
    in_path = path.split("/")[2] if path.startswith("/Resources/") else ""
    logical_id = event.get("LogicalResourceId") or in_path
    source = source_of(logical_id, template)
    kind = " (a warning)" if event.get("ValidationFailureMode") == "WARN" else ""
    place = f"{path or logical_id}{f' ({source})' if source else ''}"
    advice = hint(event["ValidationStatusReason"])
    below = f"\n    {advice}" if advice else ""
    return f"  {place}{kind}: {event['ValidationStatusReason']}{below}"
