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


BY_FAB, BY_SCHEDULE = "fab", "schedule"
"""What has started an execution, where that can be told."""


@dataclass(frozen=True)
class Subject:
    """What an execution is about, "" for what it does not say: both sides, the name of its sync, what has started it.

    `plan` is the dry run whose plan it carries out; the sides are those of that one then.
    """

    sides: str = ""
    sync: str = ""
    starter: str = ""
    plan: str = ""
    is_dry: bool = False

    def lines(self) -> list[str]:
        """Return `photos (schedule): photos -> photos-copy`, and a line about the plan where there is one."""
        starter = f" ({self.starter})" if self.starter else ""
        head = ": ".join(filter(None, [f"{self.sync}{starter}" if self.sync else "", self.sides]))
        return [*filter(None, [head]), *([f"the plan of the dry run {self.plan}"] if self.plan else [])]


@dataclass(frozen=True)
class RunningExecution:
    """An execution that runs, and how far it is; `progress` is None for those that were only counted.

    `machine` is the name of its state machine where that is not the one that syncs.
    """

    arn: str
    started_at: datetime
    subject: Subject
    progress: ExecutionProgress | None
    machine: str = ""


@dataclass(frozen=True)
class EndedExecution:
    """An execution that has ended, and what it was about; `machine` as of one that runs, `origins` of its options."""

    execution: Execution
    stopped_at: datetime
    subject: Subject
    machine: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)


def subject_of(
    described: Mapping[str, Any], asked: Mapping[str, Any], scheduled: Mapping[str, str]
) -> Subject:
    """Return what an execution is about, by DescribeExecution's answer.

    `asked` are its options, those of a plan's dry run where it carries out a plan and they are known. `scheduled` is what the
    schedules give to what they start, by the names of their syncs: Step Functions itself does not say who has started what.
    """
    given = executions.input_of(described)
    name = asked.get("name")
    starter = ""
    if executions.is_started_here(_name(described["executionArn"])):
        starter = BY_FAB
    elif isinstance(name, str) and described.get("input") == scheduled.get(name, ""):
        starter = BY_SCHEDULE
    return Subject(
        executions.sides(asked or given),
        name if isinstance(name, str) else "",
        starter,
        str(given["plan"]).rpartition("/")[2] if asked and "plan" in given and asked != given else "",
        given.get("dryRun") is True,
    )


def running_text(execution: RunningExecution, now: datetime) -> str:
    """Return a running execution as a few lines: name and time, buckets, how far it is."""
    seconds = max(0, int((now - execution.started_at).total_seconds()))
    progress = execution.progress.text().splitlines() if execution.progress else []
    dry = ", a dry run" if execution.subject.is_dry else ""
    return "\n    ".join(
        [
            f"  {_title(_name(execution.arn), execution.machine)}, for {duration(seconds)}{dry}",
            *execution.subject.lines(),
            *progress,
        ]
    )


def ended_text(ended: EndedExecution) -> str:
    """Return an execution that has ended as a few lines: name and time, buckets, how it ended."""
    result = (
        f"{result_words(ended.execution, ended.subject.is_dry)}, after {duration(ended.execution.seconds)}"
    )
    cause = one_line(executions.readable_cause(ended.execution.cause) or "") or _answer(ended)
    if executions.is_started_here(ended.execution.name):
        cause = in_flags(cause, ended.origins)
    if len(cause) > MAX_CAUSE_CHARACTERS:
        cause = f"{cause[:MAX_CAUSE_CHARACTERS]}... (--json has all of it)"
    head = f"  {_title(ended.execution.name, ended.machine)}, {utc(ended.stopped_at)} UTC"
    return "\n    ".join([head, *ended.subject.lines(), result, *filter(None, [cause])])


def result_words(execution: Execution, is_dry: bool = False) -> str:
    """Return how an execution ended: by which error, or what a report of success counts; what failed has no such report."""
    if execution.status != "SUCCEEDED":
        return f"{execution.ending}: dry run, nothing was changed" if is_dry else execution.ending
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
