"""`fab sync`: starts an execution, and follows it to its end; `sync_input` has what it is started with.

Only what was given is passed on: the defaults are those of the state machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deployment.aws.account import execution_link
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ConfigurationError
from deployment.step_functions.executions import Execution, current_machine, start
from deployment.tasks.runs import approve
from deployment.tasks.runs.follow import follow_to_end
from deployment.tasks.runs.output import require_writable
from deployment.tasks.runs.plan_list import FLAG


def sync(
    installation: Installation,
    options: Mapping[str, Any],
    console: Console,
    wait: bool = True,
    as_json: bool = False,
    list_to: str = "",
    ask: bool = False,
) -> Execution:
    """Start the newest state machine with the options as its input; show progress and report unless not to wait.

    With `as_json`, stdout gets one JSON document and nothing else. Every line of the plan goes to the file `list_to`, "-" for
    standard output. With `ask`, the plan is shown first, that of a dry run if the options name none, and carried out after a
    yes. Raises ExecutionFailed unless it succeeded, Declined without a yes.
    """
    if list_to and not wait:
        raise ConfigurationError(
            "--list and --no-wait are given, and there is no plan before the run has compared. Leave one of them out; "
            "`fab report --list FILE` lists a run that has ended."
        )
    require_writable(FLAG, list_to)
    if ask:
        approve.require_question(console, options, wait, as_json)
    outputs = lookup.outputs(installation)
    options = approve.with_whole_name(installation, outputs, options)
    if ask and "plan" in options:
        options = approve.confirm_plan(installation, outputs, options, console)
    elif ask:
        planned = _run(installation, outputs, {**options, "dryRun": True}, console)
        approved = approve.confirm_dry_run(planned, options, console)
        if approved is None:
            return planned
        options = approved
    return _run(installation, outputs, options, console, wait, as_json, list_to)


def _run(
    installation: Installation,
    outputs: Mapping[str, str],
    options: Mapping[str, Any],
    console: Console,
    wait: bool = True,
    as_json: bool = False,
    list_to: str = "",
) -> Execution:
    """Start an execution and show it until its end, unless not to wait."""
    arn = start(installation, current_machine(installation, lookup.machine_names(outputs)), options)
    if not wait:
        return _announce(Execution(arn, "RUNNING"), console, as_json)
    console.step(f"Started {arn}\n{execution_link(arn)}")
    return follow_to_end(
        installation, arn, outputs.get("WorkBucket"), options, console, as_json, list_to=list_to
    )


def _announce(execution: Execution, console: Console, as_json: bool) -> Execution:
    link = execution_link(execution.arn)
    document = json.dumps({**execution.to_json(), "console": link}, indent=2, default=str)
    console.result(document if as_json else f"{execution.arn}\n{link}")
    return execution
