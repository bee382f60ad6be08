"""`fab sync --plan` and `fab sync --ask`: which dry run is meant, its plan shown, and a yes to exactly that.

What is started then names the plan and its digest; whether it may still be carried out is judged where it is carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.console import Console, require_terminal, require_yes
from deployment.errors import ConfigurationError, ExecutionFailed
from deployment.step_functions import runs
from deployment.step_functions.executions import Execution
from deployment.step_functions.run_report import RunFolder, run_name, seconds_of
from deployment.tasks.runs.report_text import show_report

_NOTHING_SYNCED = "Nothing was synced:"


def require_question(console: Console, options: Mapping[str, Any], wait: bool, as_json: bool) -> None:
    """Raise before anything is done where `--ask` cannot ask, or what was given with it leaves nothing to be asked."""
    others = {"--dry-run": options.get("dryRun"), "--no-wait": not wait, "--json": as_json}
    given = [flag for flag, is_given in others.items() if is_given]
    if given:
        raise ConfigurationError(
            f"--ask and {' and '.join(given)} are given; expected one of them: --ask shows the plan of a dry run to somebody "
            "and waits for a yes."
        )
    if options.get("verify"):
        raise ConfigurationError(
            "--ask and --verify are given; expected one of them: what was approved is carried out as it was planned. "
            "`fab verify SOURCE DESTINATION` compares the buckets afterwards."
        )
    require_terminal(
        console, _NOTHING_SYNCED, "Look at a dry run first: fab sync ... --dry-run, then fab sync --plan NAME"
    )


def with_whole_name(
    installation: Installation, outputs: Mapping[str, str], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an input whose plan, if it names one, is `<state machine>/<execution>`; the beginning of a run's name is enough."""
    plan = options.get("plan")
    if plan is None or "/" in plan:
        return dict(options)
    run = runs.find(installation, plan, lookup.machine_names(outputs))
    return {**options, "plan": run_name(run.arn)}


def confirm_plan(
    installation: Installation, outputs: Mapping[str, str], options: Mapping[str, Any], console: Console
) -> dict[str, Any]:
    """Show the plan that an input names; return that input with its digest after a yes. Raises Declined otherwise."""
    machine, name = options["plan"].split("/")
    arn = installation.states_arn("execution", machine, name)
    report = RunFolder(installation, arn, outputs.get("WorkBucket")).report()
    if report is None or not report.get("planDigest"):
        raise ExecutionFailed(
            f"The run {name} has left no plan that can be carried out: it was no dry run, it did not succeed, or its files have "
            "expired. Make a new dry run."
        )
    show_report(report, seconds_of(report), console)
    return confirm(options, report, console)


def confirm_dry_run(
    execution: Execution, options: Mapping[str, Any], console: Console
) -> dict[str, Any] | None:
    """Return the input that carries out the plan that a dry run has shown, after a yes; None where there is nothing to do."""
    report = execution.report or {}
    if not any(amount.get("objects") for amount in report.get("plan", {}).values()):
        console.step("Nothing is to be copied or deleted.")
        return None
    beside = {name: options[name] for name in ("maxConcurrency",) if name in options}
    return confirm({"plan": run_name(execution.arn), **beside}, report, console)


def confirm(options: Mapping[str, Any], report: Mapping[str, Any], console: Console) -> dict[str, Any]:
    """Return an input that carries out this plan and no other, after a yes."""
    console.step(
        "What has changed since is left as it is; if that is an object to be copied, nothing is deleted."
    )
    require_yes(console, "Carry out this plan?", _NOTHING_SYNCED)
    return {**options, "planDigest": report["planDigest"]}
