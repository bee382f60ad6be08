"""The words of `fab status` for executions: those that run, and those that have ended with what came of them; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deployment.command_line.sync_flags import in_flags
from deployment.step_functions import executions
from deployment.step_functions.executions import Execution
from deployment.step_functions.progress import ExecutionProgress
from deployment.text import duration, one_line, utc

MAX_CAUSE_CHARACTERS = 600


@dataclass(frozen=True)
class RunningExecution:
    """An execution that runs, and how far it is; `progress` is None for those that were only counted.

    `machine` is the name of its state machine where that is not the one that syncs.
    """

    arn: str
    started_at: datetime
    sides: str
    progress: ExecutionProgress | None
    machine: str = ""


@dataclass(frozen=True)
class EndedExecution:
    """An execution that has ended, and what it was about; `machine` as of one that runs, `origins` of its options."""

    execution: Execution
    stopped_at: datetime
    sides: str
    machine: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)


def running_text(execution: RunningExecution, now: datetime) -> str:
    """Return a running execution as a few lines: name and time, buckets, how far it is."""
    seconds = max(0, int((now - execution.started_at).total_seconds()))
    progress = execution.progress.text().splitlines() if execution.progress else []
    return "\n    ".join(
        [
            f"  {_title(_name(execution.arn), execution.machine)}, for {duration(seconds)}",
            *filter(None, [execution.sides]),
            *progress,
        ]
    )


def ended_text(ended: EndedExecution) -> str:
    """Return an execution that has ended as a few lines: name and time, buckets, how it ended."""
    result = f"{result_words(ended.execution)}, after {duration(ended.execution.seconds)}"
    cause = one_line(executions.readable_cause(ended.execution.cause) or "") or _answer(ended)
    if executions.is_started_here(ended.execution.name):
        cause = in_flags(cause, ended.origins)
    if len(cause) > MAX_CAUSE_CHARACTERS:
        cause = f"{cause[:MAX_CAUSE_CHARACTERS]}... (--json has all of it)"
    head = f"  {_title(ended.execution.name, ended.machine)}, {utc(ended.stopped_at)} UTC"
    return "\n    ".join([head, *filter(None, [ended.sides]), result, *filter(None, [cause])])


def result_words(execution: Execution) -> str:
    """Return how an execution ended: by which error, or what a report of success counts."""
    if execution.status != "SUCCEEDED":
        return execution.ending
    report = _mapping(execution.report)
    if report.get("dryRun") is True:
        plan = _mapping(report.get("plan"))
        would = [
            f"{_objects(plan.get(kind)) or 0:,} would be {done}"
            for kind, done in (("copy", "copied"), ("delete", "deleted"))
        ]
        return f"SUCCEEDED: dry run, {', '.join(would)}"
    counts = {name: _objects(report.get(name)) for name in ("copied", "deleted")}
    counted = [f"{number:,} {name}" for name, number in counts.items() if number is not None]
    return ": ".join(filter(None, ["SUCCEEDED", ", ".join(counted)]))


def _answer(ended: EndedExecution) -> str:
    """Return what a machine that does not sync has answered, as JSON; of a sync the counts say it."""
    if ended.execution.report is None or not ended.machine:
        return ""
    return one_line(json.dumps(ended.execution.report, ensure_ascii=False))


def _title(name: str, machine: str) -> str:
    return f"{name} of {machine}" if machine else name


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a part of an output as a mapping: machines of other people's files may return anything."""
    return value if isinstance(value, Mapping) else {}


def _objects(amount: Any) -> int | None:
    """Return how many objects a part of a report counts, None where it is no count."""
    number = amount.get("objects") if isinstance(amount, Mapping) else amount
    return number if isinstance(number, int) and not isinstance(number, bool) else None
