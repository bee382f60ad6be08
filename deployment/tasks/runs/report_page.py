"""`fab report --html`: puts together what a page tells of a run, and writes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deployment.aws.account import execution_link
from deployment.command_line.sync_flags import in_flags
from deployment.console import Console
from deployment.errors import ExecutionFailed
from deployment.page.facts import Facts, Group, Timing, has_begun, is_plan_only
from deployment.page.page import page
from deployment.page.turns import PHASES, turns_of
from deployment.step_functions.executions import (
    Execution,
    both_sides,
    input_of,
    is_started_here,
    readable_cause,
)
from deployment.step_functions.run_report import RunFolder
from deployment.tasks.runs.failure_files import Failures, by_cause, describe_unfinished
from deployment.tasks.runs.output import named, opened
from deployment.tasks.runs.plan_list import first_keys
from deployment.tasks.runs.report_text import amounts
from deployment.text import one_line, size

MAX_RECORDS_READ = 2_000
"""Of a run with more, some four million objects, there is no picture by worker: reading them would take minutes."""


@dataclass(frozen=True)
class ReportedRun:
    """A run that has ended with a report: DescribeExecution's answer, what that says, the report, and the run's files.

    `origins` are those of its options (`entries.origins`).
    """

    described: Mapping[str, Any]
    execution: Execution
    report: Mapping[str, Any]
    folder: RunFolder
    origins: Mapping[str, str] = field(default_factory=dict)


def write_page(run: ReportedRun, failures: Failures, made_at: datetime, place: str, console: Console) -> None:
    """Write the page of a run to a file or to standard output."""
    document = page(facts_of(run, failures, made_at))
    with opened("--html", place, console) as write:
        write(document.removesuffix("\n"))
    console.step(f"The page was written to {named(place)}")


def facts_of(run: ReportedRun, failures: Failures, made_at: datetime) -> Facts:
    """Return what the page tells; reads the records of the run, and its plan where that was not carried out."""
    execution, report, given = run.execution, run.report, input_of(run.described)
    source, destination = both_sides(report.get("options") or given) or both_sides(report) or ("", "")
    planned, plan_notes = _planned(run)
    return Facts(
        name=execution.name,
        arn=execution.arn,
        link=execution_link(execution.arn),
        status=execution.status,
        error=execution.error or "",
        cause=cause_of(run),
        began_at=run.described["startDate"],
        made_at=made_at,
        seconds=execution.seconds,
        source=source,
        destination=destination,
        report=report,
        given=given,
        amounts=list(amounts(report)) if has_begun(run.report) else [],
        causes=_causes(report, failures),
        planned=planned,
        notes=[*_notes(report, failures), *plan_notes],
        remarks=[in_flags(str(warning)) for warning in report.get("warnings", ())],
        timing=_timing(run.folder) if has_begun(run.report) else Timing(),
    )


def cause_of(run: ReportedRun) -> str:
    """Return why a run did not succeed, in one line and in the words of whoever started it; "" if it did."""
    execution = run.execution
    if execution.status == "SUCCEEDED":
        return ""
    cause = one_line(readable_cause(execution.cause) or "")
    return in_flags(cause, run.origins) if is_started_here(execution.name) else cause


def _causes(report: Mapping[str, Any], failures: Failures) -> list[Group]:
    """Return the causes with their first keys, or what the report itself says of them."""
    counted = report.get("causes", {}) if failures.problem else {}
    found = by_cause(report.get("notSynchronised", ())) if failures.problem else failures.causes
    groups = [
        Group(
            name,
            max(cause.objects, counted.get(name, {}).get("objects", 0)),
            [(line["key"], line["what"], line.get("error", "")) for line in cause.first],
        )
        for name, cause in found.items()
    ]
    unnamed = [
        Group(name, cause.get("objects", 0), ()) for name, cause in counted.items() if name not in found
    ]
    return [*groups, *unnamed]


def _notes(report: Mapping[str, Any], failures: Failures) -> Iterator[str]:
    yield from filter(
        None, [failures.problem, describe_unfinished(failures.unfinished_shards, "stopped" in report)]
    )


def _planned(run: ReportedRun) -> tuple[list[Group], Sequence[str]]:
    """Return the first keys of each kind of a plan, or why they are not shown."""
    if not has_begun(run.report) or not is_plan_only(run.report):
        return [], []
    try:
        kinds = first_keys(run.folder, run.report)
    except ExecutionFailed as error:
        return [], [f"{error} So the keys of the plan are not shown."]
    return [
        Group(title, count, [(key, reason, size(size_bytes)) for key, reason, size_bytes in kind.first])
        for title, kind, count in kinds
    ], []


def _timing(folder: RunFolder) -> Timing:
    """Return the turns of a run from its records, or why there are none."""
    try:
        names = [(kind, name) for kind in PHASES for name in folder.names(kind, MAX_RECORDS_READ + 1)]
        if len(names) > MAX_RECORDS_READ:
            return Timing(
                why_none=f"The run has left more than {MAX_RECORDS_READ:,} records: its time by phase and worker is not shown."
            )
        found = list(folder.read_ahead(lambda each: _turns(folder, *each), names))
    except ExecutionFailed as error:
        return Timing(why_none=f"{error} So its time by phase and worker is not shown.")
    return Timing([turn for turns in found for turn in turns], sum(not turns for turns in found))


def _turns(folder: RunFolder, kind: str, name: str) -> Any:
    try:
        turns = turns_of(kind, name.removesuffix(".json"), folder.document(name))
        if all(turn.began_at.tzinfo and turn.seconds >= 0 and math.isfinite(turn.seconds) for turn in turns):
            return turns
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise folder.unreadable(name, "is not what a run writes") from error
    raise folder.unreadable(name, "is not what a run writes")
