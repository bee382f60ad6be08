"""`fab syncs`: the syncs of the configuration: what each makes equal, when it runs next, and what came of its last run.

Only reads. Whether a schedule is paused, and since when it counts, EventBridge Scheduler tells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from deployment.aws.account import execution_link
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.schedules import steps
from deployment.step_functions.executions import readable_cause, sides
from deployment.syncs import times
from deployment.syncs.entries import Sync
from deployment.tasks.syncs import last_runs
from deployment.tasks.syncs.last_runs import LastRun, LastRuns
from deployment.text import duration, iso, objects, utc

COLUMNS = ("name", "source -> destination", "schedule", "next run", "last run")
NONE = "SYNCS names no sync. fabfile_config_template.py shows how to name one."
PAUSED = "paused"
SCHEDULED = "scheduled"
DAYS_FROM_SECONDS = 2 * 86400
"""From here on a time is told in days."""


@dataclass(frozen=True)
class Schedules:
    """What is known of the schedules by the names of their syncs: `paused` or another word, and when they were made."""

    states: Mapping[str, str] = field(default_factory=dict)
    made_at: Mapping[str, datetime] = field(default_factory=dict)


UNKNOWN = Schedules()


def read_schedules(installation: Installation) -> Schedules:
    """Return what EventBridge Scheduler knows of the schedules; nothing is asked of it where the stack has none."""
    outputs = lookup.outputs_of(lookup.find(installation))
    found = steps.known(installation, outputs)
    return Schedules(
        {name: PAUSED if schedule.is_paused else SCHEDULED for name, schedule in found.items()},
        {name: schedule.made_at for name, schedule in found.items()},
    )


def show(
    installation: Installation, console: Console, as_json: bool = False, schedules: Schedules = UNKNOWN
) -> None:
    """Write the syncs to stdout, as a table or as one JSON document."""
    console.step(installation.full_place)
    syncs = installation.settings.syncs
    found = last_runs.find(installation, syncs) if syncs else LastRuns({}, True)
    now = installation.clock.now()
    if as_json:
        console.result(json.dumps(document(installation, found, now, schedules), indent=2, default=str))
        return
    if not syncs:
        console.say(NONE)
        return
    styles = ["red" if _has_failed(found.by_name.get(sync.name)) else "" for sync in syncs]
    console.table("", COLUMNS, rows(syncs, found, now, schedules), styles)


def rows(
    syncs: Sequence[Sync], found: LastRuns, now: datetime, schedules: Schedules = UNKNOWN
) -> list[list[str]]:
    """Return a row of texts for each sync."""
    return [
        [
            sync.name,
            sides(sync.input),
            _schedule_text(sync),
            _next_text(sync, now, schedules),
            _last_text(found.by_name.get(sync.name), found.is_whole, now),
        ]
        for sync in syncs
    ]


def document(
    installation: Installation, found: LastRuns, now: datetime, schedules: Schedules = UNKNOWN
) -> dict[str, Any]:
    """Return what `--json` prints; docs/syncs.md has its shape."""
    return {
        **installation.to_json(),
        "syncs": [
            {
                "name": sync.name,
                "input": dict(sync.input),
                "schedule": sync.schedule,
                "timezone": sync.timezone if sync.schedule else None,
                "state": schedules.states.get(sync.name),
                "nextRun": _iso(next_run(sync, now, schedules)),
                "lastRun": _last_json(found.by_name.get(sync.name)),
            }
            for sync in installation.settings.syncs
        ],
        "allExecutionsRead": found.is_whole,
    }


def next_run(sync: Sync, now: datetime, schedules: Schedules = UNKNOWN) -> datetime | None:
    """Return when a sync runs by itself next, in its time zone; None where it does not, or where nobody knows."""
    if not sync.schedule or schedules.states.get(sync.name) == PAUSED:
        return None
    return times.next_time(sync.schedule, sync.timezone, now, schedules.made_at.get(sync.name))


def _schedule_text(sync: Sync) -> str:
    if not sync.schedule:
        return "none"
    return sync.schedule if sync.schedule.startswith("rate") else f"{sync.schedule} {sync.timezone}"


def _next_text(sync: Sync, now: datetime, schedules: Schedules) -> str:
    if not sync.schedule:
        return ""
    state = schedules.states.get(sync.name)
    if state == PAUSED:
        return state
    following = next_run(sync, now, schedules)
    if following is None:
        is_rate = sync.schedule.startswith("rate")
        return f"within {_span(times.interval_seconds(sync.schedule) or 0)}" if is_rate else "never again"
    return f"{following:%Y-%m-%d %H:%M} {following.tzname()}, in {_span(_seconds(following - now))}"


def _last_text(last: LastRun | None, is_whole: bool, now: datetime) -> str:
    if last is None:
        return "never" if is_whole else f"not among the newest {last_runs.MAX_EXECUTIONS} runs"
    moment = last.stopped_at or last.started_at
    word = "" if last.stopped_at else " since"
    report = last.execution.report or {}
    done = [
        f", {objects(report[what]['objects'])} {what}" for what in ("copied", "deleted") if what in report
    ]
    return (
        f"{last.execution.ending}{word} {utc(moment)} UTC, {_span(_seconds(now - moment))} ago{''.join(done)}"
    )


def _last_json(last: LastRun | None) -> dict[str, Any] | None:
    if last is None:
        return None
    execution = last.execution
    return {
        **execution.to_json(),
        **({"cause": readable_cause(execution.cause)} if execution.cause else {}),
        "console": execution_link(execution.arn),
        "startedAt": iso(last.started_at),
        "endedAt": iso(last.stopped_at) if last.stopped_at else None,
    }


def _has_failed(last: LastRun | None) -> bool:
    return last is not None and last.execution.status not in ("SUCCEEDED", "RUNNING")


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _seconds(span: timedelta) -> int:
    return max(int(span.total_seconds()), 0)


def _span(seconds: int) -> str:
    return duration(seconds) if seconds < DAYS_FROM_SECONDS else f"{seconds // 86400} days"
