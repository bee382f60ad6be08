"""`fab report`: what came of a run, at any time afterwards: its sums, and every cause of failures with the first keys.

Only reads: the execution in Step Functions, and what the run has left in the work bucket.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from deployment.aws.account import execution_link
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ExecutionFailed
from deployment.page.facts import has_begun, is_plan_only
from deployment.step_functions import runs
from deployment.step_functions.executions import (
    Execution,
    describe,
    execution_from,
    input_of,
    readable_cause,
)
from deployment.step_functions.plan_lines import Plan
from deployment.step_functions.progress import ENDED_STATUSES
from deployment.step_functions.run_report import RunFolder
from deployment.syncs import entries
from deployment.tasks.runs.failure_files import (
    Cause,
    Failures,
    describe_unfinished,
    find,
    write_csv,
    write_jsonl,
)
from deployment.tasks.runs.output import STDOUT, require_apart
from deployment.tasks.runs.plan_list import show_plan, write_list
from deployment.tasks.runs.report_page import ReportedRun, cause_of, write_page
from deployment.tasks.runs.report_text import show_failures, show_sums
from deployment.text import duration, objects, utc


@dataclass(frozen=True)
class Wanted:
    """What to write: a table for people, or one JSON document; a page, all that failed, and all that was planned, into files.

    "" is no file, and no two are the same. Standard output takes one thing: the table, the document, or what goes there.
    With `as_json` the lines of a plan are JSON too, and where they go to standard output there is no document.
    """

    as_json: bool = False
    failures: str = ""
    plan: str = ""
    html: str = ""
    csv: str = ""

    def __post_init__(self) -> None:
        places = {"--list": self.plan, "--failures": self.failures, "--html": self.html, "--csv": self.csv}
        require_apart(places, self.as_json and self.plan != STDOUT)

    @property
    def has_stdout(self) -> bool:
        """Whether one of the files is standard output, which it has for itself."""
        return STDOUT in (self.failures, self.plan, self.html, self.csv)


def report(installation: Installation, name: str | None, console: Console, wanted: Wanted) -> None:
    """Write what came of the newest run, or of the one whose name begins so.

    Raises ExecutionFailed where there is no report: the run goes on, or has left none, or its files have expired.
    """
    outputs = lookup.outputs(installation)
    run = runs.find_meant(installation, name, lookup.machine_names(outputs))
    described = describe(installation, run.arn)
    execution, folder = execution_from(described), RunFolder(installation, run.arn, outputs.get("WorkBucket"))
    found = execution.report or (folder.report() if execution.status in ENDED_STATUSES else None)
    origins = entries.origins(installation.settings.syncs, input_of(described))
    ended = ReportedRun(described, execution, found, folder, origins) if found else None
    failures, plan = None, None
    if ended:  # first, because whoever reads the rest may stop reading
        failures = _write_files(ended, wanted, installation, console)
        plan = write_list(folder, ended.report, wanted.plan, wanted.as_json, console) if wanted.plan else None
    if wanted.as_json and not wanted.has_stdout:
        console.result(json.dumps(execution.to_json(found), indent=2, default=str))
    if ended is None:
        raise ExecutionFailed(_why_there_is_none(execution))
    if not wanted.as_json and not wanted.has_stdout:
        _show(ended, failures, console, plan)


def _write_files(
    run: ReportedRun, wanted: Wanted, installation: Installation, console: Console
) -> Failures | None:
    """Write the files that are wanted but for the plan; return what a page has needed to know of failures."""
    if wanted.failures:
        write_jsonl(run.folder, run.report, wanted.failures, console)
    if wanted.csv:
        write_csv(run.folder, run.report, wanted.csv, console)
    if not wanted.html:
        return None
    failures = find(run.folder, run.report)
    write_page(run, failures, installation.clock.now(), wanted.html, console)
    return failures


def _why_there_is_none(execution: Execution) -> str:
    if execution.status not in ENDED_STATUSES:
        return f"The run {execution.name} goes on, and has no report yet. `fab follow {execution.name}` shows how far it is."
    cause = readable_cause(execution.cause)
    ended = f"{execution.ending}{f': {cause}' if cause else ''}"
    return (
        f"The run {execution.name} has left no report that can be read: it was stopped before its end, or its files have "
        f"expired. It ended {ended.rstrip('.')}."
    )


def _show(run: ReportedRun, failures: Failures | None, console: Console, plan: Plan | None) -> None:
    execution, report = run.execution, run.report
    when = f", {utc(run.described['startDate'])} UTC, {duration(execution.seconds)}"
    when += ": SUCCEEDED" if execution.status == "SUCCEEDED" else ""
    console.result(f"{execution.name}{when}\n{execution_link(execution.arn)}")
    if execution.status != "SUCCEEDED":
        console.result(
            f"{execution.status} with {execution.error or 'no error'}: {cause_of(run)}".rstrip(": "),
            "red",
        )
    if not has_begun(report):
        return  # no run has begun
    show_sums(report, execution.seconds, console, input_of(run.described))
    if is_plan_only(report):
        show_plan(run.folder, report, execution.name, console, plan)
    failures = failures or find(run.folder, report)
    if failures.problem:
        console.warning(failures.problem)
        show_failures(report, console)
        return
    _show_causes(failures.causes, execution.name, console)
    unfinished = describe_unfinished(failures.unfinished_shards, "stopped" in report)
    if unfinished:
        console.result(f"\n{unfinished}", "yellow")


def _show_causes(causes: Mapping[str, Cause], name: str, console: Console) -> None:
    if causes:
        console.result("\nNot synchronised, by cause", "bold")
    for code, cause in sorted(causes.items(), key=lambda item: -item[1].objects):
        rows = [[line["key"], line["what"], line.get("error", "")] for line in cause.first]
        console.table(f"\n{code}: {objects(cause.objects)}", ["key", "what", "why"], rows)
        if cause.objects > len(rows):
            console.result(f"... and {cause.objects - len(rows):,} more: fab report {name} --failures FILE")
