"""`fab stop`: has a run begin nothing more, and shows how it ends; with `--now` it ends the execution as well.

The run stops whatever happens here afterwards: leaving, losing the network or Ctrl-C ends the watching only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.account import execution_link
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.console import Console, require_terminal, require_yes
from deployment.step_functions import runs, stops
from deployment.step_functions.executions import (
    describe,
    input_of,
    is_started_here,
    require_success,
    sides,
)
from deployment.step_functions.runs import Run
from deployment.syncs import entries
from deployment.tasks.runs.follow import show_to_end, with_cause_in_flags
from deployment.text import one_line

STRAGGLERS_SECONDS = 930
"""How long the lease of an execution counts that was ended from outside: as long as a Lambda may go on, and half a minute."""

_NOTHING_DONE = "Nothing was stopped:"
_STOPS_ALL_THE_SAME = "The run was asked to stop, and does so all the same."
_ASKED = "Asked to stop: it begins nothing more, ends what is under way, and writes its report."


def stop(
    installation: Installation, name: str | None, console: Console, yes: bool = False, now: bool = False
) -> None:
    """Stop the one run that is RUNNING, or the one whose name begins so, and show its end and its report.

    Raises Declined where the answer is not yes, ConfigurationError where it is not clear which run is meant, and ExecutionFailed
    where none runs, or where it ends with an error of its own.
    """
    outputs = lookup.outputs(installation)
    run = runs.find_running(installation, name, lookup.machine_names(outputs))
    options = input_of(describe(installation, run.arn))
    console.step(f"{run.arn}\n{execution_link(run.arn)}")
    if not now:
        stops.require_stoppable(installation, run.arn)
    _confirm(run, one_line(sides(options)), console, yes, now)
    work_bucket = outputs["WorkBucket"]
    asked_at = stops.ask(installation, run.arn, work_bucket)
    if now:
        _end_now(installation, run, console)
        return
    console.step(_ASKED)
    with _telling_how_to_go_on(run, console):
        is_ended = stops.end_long_map(installation, run.arn, work_bucket, asked_at, console)
    if is_ended:
        console.step("Its other batches, which had not begun, are left out.")
    leaving = f"{_STOPS_ALL_THE_SAME} See how it ends from any terminal with:\n  fab follow {run.name}"
    ended = show_to_end(installation, run.arn, work_bucket, options, console, leaving=leaving)
    if ended.error == stops.STOPPED:
        console.say(ended.cause or f"The run {run.name} was stopped.")
    else:
        origins = entries.origins(installation.settings.syncs, options)
        require_success(with_cause_in_flags(ended, is_started_here(run.name), origins))


@contextlib.contextmanager
def _telling_how_to_go_on(run: Run, console: Console) -> Iterator[None]:
    """Tell whoever leaves before a long Map Run was ended what that costs, and how to come back."""
    try:
        yield
    except (KeyboardInterrupt, ClientError, BotoCoreError):
        console.step(
            f"{_STOPS_ALL_THE_SAME} If it has more than {stops.MANY_SHARDS:,} batches left, each of them starts a worker for "
            f"nothing until you come back, from any terminal, with:\n  fab stop {run.name}"
        )
        raise


def _confirm(run: Run, where: str, console: Console, yes: bool, now: bool) -> None:
    if yes:
        return
    again = f"fab stop {run.name} --yes{' --now' if now else ''}"
    require_terminal(console, _NOTHING_DONE, f"To stop without asking: {again}")
    require_yes(console, f"Stop the run {run.name}{f', {where},' if where else ''} now?", _NOTHING_DONE)


def _end_now(installation: Installation, run: Run, console: Console) -> None:
    stops.end_now(installation, run.arn)
    until = installation.clock.now() + timedelta(seconds=STRAGGLERS_SECONDS)
    console.say(
        f"The execution {run.name} has ended. It writes no report, and its Lambdas may go on for up to 15 minutes. So its lease "
        f"on the destination lasts until {until:%H:%M:%S} UTC ({STRAGGLERS_SECONDS} seconds): until then a sync into it is "
        "refused with AlreadyRunning. A stop without --now costs no such wait."
    )
