"""Schedules on moto: a stack's outputs, the group that they name, syncs, and every call that reaches EventBridge Scheduler."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from deployment.aws.installation import Installation
from deployment.step_functions.listing import Machine
from deployment.syncs.entries import Sync, read

BASE = "sync-buckets-state-machine"
OLD, NEW = f"{BASE}-20261101-100000", f"{BASE}-20261102-100000"
GROUP = "sync-buckets"
ROLE = "arn:aws:iam::123456789012:role/sync-buckets-SyncSchedulesRole-1"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:dead-letters"


def outputs_of(queue_url: str = "https://sqs/dead-letters") -> dict[str, str]:
    """The outputs of a stack that has schedules."""
    return {
        "StateMachines": BASE,
        "ScheduleGroup": GROUP,
        "ScheduleRoleArn": ROLE,
        "ScheduleDeadLettersArn": QUEUE,
        "ScheduleDeadLettersUrl": queue_url,
    }


def syncs(**schedules: str | None) -> tuple[Sync, ...]:
    """Syncs with these schedules."""
    entry = {"source": "my-source", "destination": "my-destination"}
    return read({name: entry | ({"schedule": one} if one else {}) for name, one in schedules.items()})


def with_syncs(installation: Installation, found: tuple[Sync, ...]) -> Installation:
    """The installation with these syncs in its settings."""
    return replace(installation, settings=replace(installation.settings, syncs=found))


def arn_of(name: str) -> str:
    return f"arn:aws:states:eu-west-1:123456789012:stateMachine:{name}"


def machine(name: str) -> Machine:
    return Machine(name, arn_of(name), True, datetime(2026, 11, 22, tzinfo=UTC))


def count_calls(installation: Installation) -> Counter[str]:
    """Count from now on what is asked of EventBridge Scheduler."""
    calls: Counter[str] = Counter()

    def note(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    installation.client("scheduler").meta.events.register("before-call.scheduler", note)
    return calls
