"""`fab syncs`: the syncs of the configuration: what each makes equal, when it runs next, and what came of its last run.

Only reads. What is deployed of the schedules, whether each is paused, and since when it counts, EventBridge Scheduler tells.
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
from deployment.schedules.schedule import Schedule
from deployment.step_functions.executions import readable_cause, sides
from deployment.step_functions.named_runs import MAX_EXECUTIONS
from deployment.syncs import expressions, times
from deployment.syncs.entries import Sync
from deployment.tasks.syncs import last_runs
from deployment.tasks.syncs.last_runs import LastRun, LastRuns
from deployment.text import duration, iso, objects, one_line, utc

NONE = "SYNCS names no sync. fabfile_config_template.py shows how to name one."
PAUSED = "paused"
SCHEDULED = "scheduled"
DAYS_FROM_SECONDS = 2 * 86400
"""From here on a time is told in days."""


@dataclass(frozen=True)
class Schedules:
    """The deployed schedules by the names of their syncs: `paused` or another word, when they were made, and what they say.

    `details` are not there where they may not be read: then they are taken to be those of SYNCS.
    """

    states: Mapping[str, str] = field(default_factory=dict)
    made_at: Mapping[str, datetime] = field(default_factory=dict)
    details: Mapping[str, Schedule] = field(default_factory=dict)


NONE_DEPLOYED = Schedules()


def read_schedules(installation: Installation) -> Schedules:
    """Return what EventBridge Scheduler knows of the schedules; nothing is asked of it where the stack has none."""
    outputs = lookup.outputs_of(lookup.find(installation))
    found = steps.known(installation, outputs)
    return Schedules(
        {name: PAUSED if schedule.is_paused else SCHEDULED for name, schedule in found.items()},
        {name: schedule.made_at for name, schedule in found.items()},
        {
            name: schedule
            for name, schedule in steps.details(installation, outputs, found).items()
            if _is_understood(schedule)
        },
    )


def _is_understood(schedule: Schedule) -> bool:
    """Whether it can be said when a schedule runs, which somebody may have changed by hand."""
    try:
        expressions.parse(schedule.expression)
        expressions.require_timezone(schedule.timezone)
    except ValueError:
        return False
    return True


def show(
    installation: Installation, console: Console, as_json: bool = False, schedules: Schedules = NONE_DEPLOYED
) -> None:
    """Write the syncs to stdout, some lines each, or as one JSON document."""
    console.step(installation.full_place)
    syncs = installation.settings.syncs
    found = last_runs.find(installation, syncs) if syncs else LastRuns({}, True)
    now = installation.clock.now()
    if as_json:
        console.result(json.dumps(document(installation, found, now, schedules), indent=2, default=str))
        return
    if not syncs:
        console.say(NONE)
    for number, sync in enumerate(syncs):
        if number:
            console.result("")
        _show_one(sync, found, now, schedules, console)
    left = left_over(syncs, schedules)
    if left:
        named = [f"{name} ({PAUSED})" if schedules.states[name] == PAUSED else name for name in left]
        console.say(
            f"\nDeployed without a schedule in SYNCS: {', '.join(named)}. What is not paused starts runs until `fab` removes it."
        )


def left_over(syncs: Sequence[Sync], schedules: Schedules) -> list[str]:
    """Return the names of deployed schedules that SYNCS does not have any more."""
    configured = {sync.name for sync in syncs if sync.schedule}
    return [name for name in schedules.states if name not in configured]


def _show_one(sync: Sync, found: LastRuns, now: datetime, schedules: Schedules, console: Console) -> None:
    """Write a sync: what is to be read whole or copied on lines that are never folded."""
    last = found.by_name.get(sync.name)
    following = next_text(sync, now, schedules)
    console.result(f"{sync.name}: {one_line(sides(sync.input))}", "bold")
    console.result(f"  schedule: {_schedule_text(sync)}")
    if following:
        console.say(f"  next run: {following}")
    console.say(f"  last run: {last_text(last, found.is_whole, now)}", "red" if _has_failed(last) else "")
    if last and _has_failed(last):
        console.result(f"  see why: fab report {last.execution.name}")


def document(
    installation: Installation, found: LastRuns, now: datetime, schedules: Schedules = NONE_DEPLOYED
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
        "schedulesWithoutSync": left_over(installation.settings.syncs, schedules),
        "allExecutionsRead": found.is_whole,
    }


def next_run(sync: Sync, now: datetime, schedules: Schedules = NONE_DEPLOYED) -> datetime | None:
    """Return when a sync runs by itself next, as it is deployed and in that time zone; None if it does not, or nobody knows."""
    if not sync.schedule or schedules.states.get(sync.name) in (None, PAUSED):
        return None
    expression, timezone = _in_force(sync, schedules)
    return times.next_time(expression, timezone, now, schedules.made_at.get(sync.name))


def _in_force(sync: Sync, schedules: Schedules) -> tuple[str, str]:
    """Return expression and time zone by which a sync starts: as they are deployed, which SYNCS may have changed since."""
    deployed = schedules.details.get(sync.name)
    return (deployed.expression, deployed.timezone) if deployed else (sync.schedule or "", sync.timezone)


def _schedule_text(sync: Sync) -> str:
    if not sync.schedule:
        return "none"
    return sync.schedule if sync.schedule.startswith("rate") else f"{sync.schedule} {sync.timezone}"


def next_text(sync: Sync, now: datetime, schedules: Schedules = NONE_DEPLOYED) -> str:
    """Return when a sync runs next, or why it does not; "" for one that only people start."""
    if not sync.schedule:
        return ""
    state = schedules.states.get(sync.name)
    if state is None:
        return "not deployed: run `fab`"
    in_force = _in_force(sync, schedules)
    changed = (
        "" if in_force == (sync.schedule, sync.timezone) else f"; deployed is {' '.join(in_force)}: run `fab`"
    )
    if state == PAUSED:
        return state + changed
    following = next_run(sync, now, schedules)
    if following is not None:
        when = f"{following:%Y-%m-%d %H:%M} {following.tzname()}, in {_span(_seconds(following - now))}"
        return when + changed
    is_rate = in_force[0].startswith("rate")
    when = f"within {_span(times.interval_seconds(in_force[0]) or 0)}" if is_rate else "never again"
    return when + changed


def last_text(last: LastRun | None, is_whole: bool, now: datetime) -> str:
    """Return how the last run ended, when, and what it did."""
    if last is None:
        return "never" if is_whole else f"not among the newest {MAX_EXECUTIONS} runs"
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
