"""What has to happen to the schedules of a group so that they are those of the configuration. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

from deployment.schedules.schedule import Schedule

Action = Literal["create", "update", "delete", "none"]

_ORDER: tuple[Action, ...] = ("delete", "create", "update", "none")

_WORDS: Mapping[str, str] = {
    "expression": "schedule",
    "timezone": "time zone",
    "machine_arn": "state machine",
    "role_arn": "role",
    "input": "input",
    "dead_letter_arn": "dead-letter queue",
    "max_event_age_seconds": "retries",
    "max_attempts": "retries",
    "window": "time window",
}
"""What differs, as a person reads it. What is not here (name, state) is not compared."""


@dataclass(frozen=True)
class ScheduleChange:
    """What becomes of one schedule: `wanted` is what it will be, None where it goes; `differs` are words for what changes.

    `before` is what an updated one is now.
    """

    name: str
    action: Action
    wanted: Schedule | None
    differs: tuple[str, ...] = ()
    is_paused: bool = False
    before: Schedule | None = None


def reconcile(wanted: Iterable[Schedule], existing: Iterable[Schedule]) -> tuple[ScheduleChange, ...]:
    """Return a change for every schedule of either side: what goes first, what stays last, by name within.

    A schedule that is paused stays so: its state is carried over into what it will be.
    """
    present = {schedule.name: schedule for schedule in existing}
    configured = {schedule.name: schedule for schedule in wanted}
    gone = (_removal(present[name]) for name in present.keys() - configured.keys())
    rest = (_change(schedule, present.get(name)) for name, schedule in configured.items())
    return tuple(sorted([*gone, *rest], key=lambda change: (_ORDER.index(change.action), change.name)))


def _removal(present: Schedule) -> ScheduleChange:
    return ScheduleChange(present.name, "delete", None, is_paused=present.is_paused)


def _change(wanted: Schedule, present: Schedule | None) -> ScheduleChange:
    if present is None:
        return ScheduleChange(wanted.name, "create", wanted)
    differs = tuple(
        dict.fromkeys(
            _WORDS[field.name]
            for field in fields(Schedule)
            if field.name in _WORDS and getattr(wanted, field.name) != getattr(present, field.name)
        )
    )
    kept = replace(wanted, state=present.state)
    if not differs:
        return ScheduleChange(wanted.name, "none", kept, is_paused=present.is_paused)
    return ScheduleChange(wanted.name, "update", kept, differs, present.is_paused, present)
