"""A schedule as it should be, or as it is: what of it is ours to say, without how EventBridge Scheduler writes it down."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from deployment.build.schedule_resources import ScheduleGroup
from deployment.syncs.entries import Sync

ENABLED, DISABLED = "ENABLED", "DISABLED"

MAX_EVENT_AGE_SECONDS = 60 * 60
"""For so long Scheduler goes on trying to start an execution: after that the next one is nearer than the last."""
MAX_ATTEMPTS = 10
NO_WINDOW = "OFF"


@dataclass(frozen=True)
class Schedule:
    """A schedule of a group; `state` is for people to change and is never compared.

    `input` is JSON as text, `dead_letter_arn` the queue's, None where there is none. `window` is the mode of the flexible
    time window; ours have none.
    """

    name: str
    expression: str
    timezone: str
    machine_arn: str
    role_arn: str
    input: str
    dead_letter_arn: str | None
    max_event_age_seconds: int | None = MAX_EVENT_AGE_SECONDS
    max_attempts: int | None = MAX_ATTEMPTS
    window: str = NO_WINDOW
    state: str = ENABLED

    @property
    def is_paused(self) -> bool:
        """Whether it starts nothing until somebody resumes it."""
        return self.state == DISABLED


def wanted_schedules(syncs: Iterable[Sync], group: ScheduleGroup, machine_arn: str) -> tuple[Schedule, ...]:
    """Return the schedules of these syncs, which start this machine."""
    return tuple(
        Schedule(
            name=sync.name,
            expression=sync.schedule,
            timezone=sync.timezone,
            machine_arn=machine_arn,
            role_arn=group.role_arn,
            input=_input_of(sync),
            dead_letter_arn=group.queue_arn,
        )
        for sync in syncs
        if sync.schedule
    )


def scheduled_inputs(syncs: Iterable[Sync]) -> dict[str, str]:
    """Return what the schedules of these syncs give to what they start, by name."""
    return {sync.name: _input_of(sync) for sync in syncs if sync.schedule}


def _input_of(sync: Sync) -> str:
    return json.dumps(dict(sync.input), sort_keys=True)
