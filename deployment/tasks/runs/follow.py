"""`fab follow`: comes back to a run from any terminal, and shows it until its end, as `fab sync` does from its start.

The work is done in AWS and goes on whatever happens here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.account import execution_link
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.command_line.sync_flags import in_flags
from deployment.console import Console
from deployment.page.facts import is_plan_only
from deployment.step_functions import runs
from deployment.step_functions.executions import (
    Execution,
    describe,
    input_of,
    is_started_here,
    require_success,
    sides,
    watch,
)
from deployment.step_functions.run_report import RunFolder
from deployment.syncs import entries
from deployment.tasks.runs.output import STDOUT
from deployment.tasks.runs.plan_list import show_plan, write_list
from deployment.tasks.runs.report_text import show_report


def follow(
    installation: Installation, name: str | None, console: Console, as_json: bool = False
) -> Execution:
    """Follow the newest run, or the one whose name begins so, as `follow_to_end` does; one that has ended is only reported."""
    outputs = lookup.outputs(installation)
    run = runs.find_meant(installation, name, lookup.machine_names(outputs))
    options = input_of(describe(installation, run.arn))
    console.step(f"{run.arn}\n{execution_link(run.arn)}")
    return follow_to_end(
        installation,
        run.arn,
        outputs.get("WorkBucket"),
        options,
        console,
        as_json,
        is_started_here(run.name),
    )


def follow_to_end(
    installation: Installation,
    execution_arn: str,
    work_bucket: str | None,
    options: Mapping[str, Any],
    console: Console,
    as_json: bool,
    by_flags: bool = True,
    list_to: str = "",
) -> Execution:
    """Show a run as `show_to_end` does; raise ExecutionFailed unless it succeeded.

    Flags have made its input, unless `by_flags` is false.
    """
    execution = show_to_end(installation, execution_arn, work_bucket, options, console, as_json, list_to)
    origins = entries.origins(installation.settings.syncs, options)
    return require_success(with_cause_in_flags(execution, by_flags, origins))


def show_to_end(
    installation: Installation,
    execution_arn: str,
    work_bucket: str | None,
    options: Mapping[str, Any],
    console: Console,
    as_json: bool = False,
    list_to: str = "",
    leaving: str = "",
) -> Execution:
    """Show how far a run is until it ends, then its report; return it, however it ended.

    `options` are its input; `leaving` is what whoever stops watching is told. With `as_json`, stdout gets one JSON document and
    nothing else. Every line of the plan goes to the file `list_to`; to standard output, "-", there goes nothing else then.
    """
    execution = watch_to_end(
        installation, execution_arn, work_bucket, console, f"Syncing {sides(options)}".rstrip(), leaving
    )
    show_end(
        RunFolder(installation, execution_arn, work_bucket), execution, options, console, as_json, list_to
    )
    return execution


def with_cause_in_flags(execution: Execution, by_flags: bool, origins: Mapping[str, str]) -> Execution:
    """Return an execution whose cause names the flags that were typed, if its input was made by flags, or where else from."""
    return replace(execution, cause=in_flags(execution.cause or "", origins)) if by_flags else execution


def show_end(
    folder: RunFolder,
    execution: Execution,
    options: Mapping[str, Any],
    console: Console,
    as_json: bool,
    list_to: str,
) -> Mapping[str, Any] | None:
    """Write the report of a run that has ended, and its plan as far as it is asked for; return the report, None without one."""
    report = execution.report or folder.report()
    plan = write_list(folder, report, list_to, as_json, console) if report and list_to else None
    if list_to == STDOUT:
        return report
    if as_json:
        console.result(json.dumps(execution.to_json(report), indent=2, default=str))
        return report
    show_report(report, execution.seconds, console, options)
    if report and is_plan_only(report):
        show_plan(folder, report, execution.name, console, plan)
    return report


def watch_to_end(
    installation: Installation,
    execution_arn: str,
    work_bucket: str | None,
    console: Console,
    description: str,
    leaving: str = "",
) -> Execution:
    """Show an execution until its end; whoever stops watching learns that it continues, and how to come back to it."""
    try:
        return watch(installation, execution_arn, work_bucket, console, description)
    except (KeyboardInterrupt, ClientError, BotoCoreError):
        console.step(leaving or _how_to_come_back(execution_arn.rpartition(":")[2]))
        raise


def _how_to_come_back(name: str) -> str:
    return (
        f"The execution continues in AWS. Come back to it from any terminal with:\n  fab follow {name}\n"
        f"Stop it with:\n  fab stop {name}"
    )
