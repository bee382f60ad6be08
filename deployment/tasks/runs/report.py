"""`fab report`: what came of a run, at any time afterwards: its sums, and every cause of failures with the first keys.

Only reads: the execution in Step Functions, and what the run has left in the work bucket.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deployment.aws.account import execution_link
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.command_line.sync_flags import in_flags
from deployment.console import Console
from deployment.errors import ConfigurationError, ExecutionFailed
from deployment.step_functions import runs
from deployment.step_functions.executions import (
    Execution,
    describe,
    execution_from,
    input_of,
    is_started_here,
    readable_cause,
)
from deployment.step_functions.plan_lines import Plan
from deployment.step_functions.progress import ENDED_STATUSES
from deployment.step_functions.run_report import FailureFiles, Line, RunFolder
from deployment.tasks.runs.output import STDOUT, named, opened
from deployment.tasks.runs.plan_list import show_plan, write_list
from deployment.tasks.runs.report_text import is_plan_only, show_failures, show_sums
from deployment.text import duration, objects, one_line, quantity, utc

KEYS_SHOWN = 20
"""Of each cause; `--failures` writes all of them."""

MAX_CAUSES = 20
OTHER_CAUSES = "other causes"

# The code at the beginning of what a run writes for a person, such as `AccessDenied: Access Denied (CopyObject)`.
_CODE = re.compile(r"([A-Z]\w+(?:\.\w+)*|\d{3}): ")


@dataclass(frozen=True)
class Wanted:
    """What to write: a table for people, or one JSON document; all that failed, and all that was planned, into files.

    "" is no file. With `as_json` the lines of a plan are JSON too, and where they go to standard output there is no document.
    """

    as_json: bool = False
    failures: str = ""
    plan: str = ""

    def __post_init__(self) -> None:
        if self.failures == STDOUT and (self.as_json or self.plan == STDOUT):
            other = "--list -" if self.plan == STDOUT else "--json"
            raise ConfigurationError(
                f"{other} and --failures - both write to standard output; expected one of them, or --failures FILE"
            )

    @property
    def has_stdout(self) -> bool:
        """Whether keys have standard output for themselves."""
        return STDOUT in (self.failures, self.plan)


@dataclass
class Cause:
    """Objects that failed for one reason: how many, and the first of them."""

    objects: int = 0
    first: list[Line] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Count one more."""
        self.objects += 1
        if len(self.first) < KEYS_SHOWN:
            self.first.append(line)


def report(installation: Installation, name: str | None, console: Console, wanted: Wanted) -> None:
    """Write what came of the newest run, or of the one whose name begins so.

    Raises ExecutionFailed where there is no report: the run goes on, or has left none, or its files have expired.
    """
    outputs = lookup.outputs(installation)
    run = runs.find(installation, name, lookup.machine_names(outputs))
    described = describe(installation, run.arn)
    execution, folder = execution_from(described), RunFolder(installation, run.arn, outputs.get("WorkBucket"))
    found = execution.report or (folder.report() if execution.status in ENDED_STATUSES else None)
    if found and wanted.failures:  # first, because whoever reads the rest may stop reading
        _write_failures(folder, found, wanted.failures, console)
    plan = None
    if found and wanted.plan:
        plan = write_list(folder, found, wanted.plan, wanted.as_json, console)
    if wanted.as_json and not wanted.has_stdout:
        console.result(json.dumps(execution.to_json(found), indent=2, default=str))
    if found is None:
        raise ExecutionFailed(_why_there_is_none(execution))
    if not wanted.as_json and not wanted.has_stdout:
        _show(described, execution, found, folder, console, plan)


def by_cause(lines: Iterable[Line]) -> dict[str, Cause]:
    """Return what was not synchronised by AWS's code, or by the word for what became of it where there is none."""
    causes: dict[str, Cause] = {}
    for line in lines:
        code = _CODE.match(line.get("error", ""))
        name = code[1] if code else line["what"]
        name = name if name in causes or len(causes) < MAX_CAUSES else OTHER_CAUSES
        causes.setdefault(name, Cause()).add(line)
    return causes


def _why_there_is_none(execution: Execution) -> str:
    if execution.status not in ENDED_STATUSES:
        return f"The run {execution.name} goes on, and has no report yet. `fab follow {execution.name}` shows how far it is."
    cause = readable_cause(execution.cause)
    ended = f"{execution.ending}{f': {cause}' if cause else ''}"
    return (
        f"The run {execution.name} has left no report that can be read: it was stopped before its end, or its files have "
        f"expired. It ended {ended.rstrip('.')}."
    )


def _show(
    described: Mapping[str, Any],
    execution: Execution,
    report: Mapping[str, Any],
    folder: RunFolder,
    console: Console,
    plan: Plan | None,
) -> None:
    when = f", {utc(described['startDate'])} UTC, {duration(execution.seconds)}"
    when += ": SUCCEEDED" if execution.status == "SUCCEEDED" else ""
    console.result(f"{execution.name}{when}\n{execution_link(execution.arn)}")
    if execution.status != "SUCCEEDED":
        cause = one_line(readable_cause(execution.cause) or "")
        cause = in_flags(cause) if is_started_here(execution.name) else cause
        console.result(
            f"{execution.status} with {execution.error or 'no error'}: {cause}".rstrip(": "), "red"
        )
    if "copied" not in report:
        return  # no run has begun
    show_sums(report, execution.seconds, console, input_of(described))
    if is_plan_only(report):
        show_plan(folder, report, execution.name, console, plan)
    if not has_failures(report):
        return
    try:
        files = folder.failure_files()
        causes = by_cause(folder.failures(files))
    except ExecutionFailed as error:
        console.warning(f"{error} So only what the report itself names is shown.")
        show_failures(report, console)
        return
    _show_causes(causes, execution.name, console)
    _tell_unfinished(files, "stopped" in report, console)


def has_failures(report: Mapping[str, Any]) -> bool:
    """Whether a report counts anything that was not synchronised."""
    return bool(
        report.get("causes")
        or report.get("notSynchronised")
        or any(report.get("skipped", {}).values())
        or any(report.get(word, {}).get("objects") for word in ("changed", "stopped", "failed"))
    )


def _show_causes(causes: Mapping[str, Cause], name: str, console: Console) -> None:
    if causes:
        console.result("\nNot synchronised, by cause", "bold")
    for code, cause in sorted(causes.items(), key=lambda item: -item[1].objects):
        rows = [[line["key"], line["what"], line.get("error", "")] for line in cause.first]
        console.table(f"\n{code}: {objects(cause.objects)}", ["key", "what", "why"], rows)
        if cause.objects > len(rows):
            console.result(f"... and {cause.objects - len(rows):,} more: fab report {name} --failures FILE")


def _tell_unfinished(files: FailureFiles, is_stopped: bool, console: Console) -> None:
    if files.unfinished_shards and is_stopped:
        console.result(
            f"\nOf {quantity(files.unfinished_shards, 'shard')} there is no record up to the end, because the run was stopped: "
            "no file names their objects. The next sync takes them up.",
            "yellow",
        )
    elif files.unfinished_shards:
        console.result(
            f"\nOf {quantity(files.unfinished_shards, 'shard')} there is no record up to the end, because a worker broke: their "
            "objects count as failed, and no file names them. The next sync takes them up.",
            "yellow",
        )


def _write_failures(folder: RunFolder, report: Mapping[str, Any], place: str, console: Console) -> None:
    """Write everything that was not synchronised as JSON lines, one object each."""
    files = folder.failure_files() if "copied" in report else FailureFiles([])
    number = 0
    with opened("--failures", place, console) as write:
        for line in folder.failures(files):
            write(json.dumps(line))
            number += 1
    console.step(f"{quantity(number, 'key')} written to {named(place)}")
    if files.unfinished_shards:
        console.warning(
            f"Of {quantity(files.unfinished_shards, 'shard')} there is no record up to the end: their keys are not among them."
        )
