"""Asks a run to stop: writes `stop.json` into its folder, which its workers look for, and ends a Map of very many shards.

Never touches the run's lease: the run gives it back itself, when every worker that had begun has said how it ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.errors import aws_sentence, error_code, is_missing
from deployment.aws.installation import Installation
from deployment.console import Console
from deployment.errors import ExecutionFailed
from deployment.step_functions import listing
from deployment.step_functions.run_report import folder_of, place_of
from deployment.text import quantity

STOP = "stop.json"
STOPPED = "Stopped"
"""The error of a run that was stopped, the state that fails with it, and that of `fab stop --now`."""

MANY_SHARDS = 1_000
"""With more of them left the Map Run is ended: each would start a child for nothing, three transitions, $0.000075."""

LOOK_SECONDS = 5.0
QUIET_LOOKS = 2
CLOCKS_DIFFER = timedelta(seconds=10)
"""ListExecutions is eventually consistent (https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html),
and clocks differ: so children that began a little later are waited for as well, and two looks must find none."""


def require_stoppable(installation: Installation, execution_arn: str) -> None:
    """Raise ExecutionFailed for a run of an older state machine, whose workers do not look for `stop.json`."""
    machine_arn = execution_arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    try:
        found = installation.step_functions.describe_state_machine(stateMachineArn=machine_arn)
        states = json.loads(found["definition"])["States"]
    except ClientError as error:
        if is_missing(error):
            return
        raise
    if STOPPED not in states:
        name = execution_arn.rpartition(":")[2]
        raise ExecutionFailed(
            f"The run {name} is one of an older state machine, {machine_arn.rpartition(':')[2]}, whose workers cannot be asked "
            f"to stop. `fab stop {name} --now` ends it all the same."
        )


def ask(installation: Installation, execution_arn: str, work_bucket: str) -> datetime:
    """Write `stop.json`, unless there is one: a stop stays what it is. Returns when that was."""
    asked_at = installation.clock.now().astimezone(UTC)
    try:
        _write(installation, execution_arn, work_bucket, asked_at, ends_map=False, IfNoneMatch="*")
    except ClientError as error:
        if error_code(error) not in ("PreconditionFailed", "ConditionalRequestConflict"):
            raise
    return asked_at


def end_now(installation: Installation, execution_arn: str) -> None:
    """End the execution itself; its Lambdas go on until they look for `stop.json` or their turn is over."""
    installation.step_functions.stop_execution(
        executionArn=execution_arn, error=STOPPED, cause="somebody has run `fab stop --now`"
    )


def end_long_map(
    installation: Installation, execution_arn: str, work_bucket: str, asked_at: datetime, console: Console
) -> bool:
    """End a Map Run that has very many shards left, once every child that began before the stop has ended.

    From then on a shard that would begin fails, of which none is tolerated any more. Returns whether there was such a Map Run.
    """
    running = listing.running_map_runs(installation.step_functions, execution_arn)
    map_runs = (run["mapRunArn"] for run in running)
    map_run = next((arn for arn in map_runs if _has_many_left(installation, arn)), "")
    if not map_run:
        return False
    _wait_for_children(installation, map_run, asked_at, console)
    _write(installation, execution_arn, work_bucket, asked_at, ends_map=True)
    try:
        installation.step_functions.update_map_run(
            mapRunArn=map_run, toleratedFailureCount=0, toleratedFailurePercentage=0.0
        )
    except (ClientError, BotoCoreError) as error:
        console.warning(f"The tolerated failures of {map_run} could not be set to 0: {aws_sentence(error)}")
    return True


def _wait_for_children(
    installation: Installation, map_run: str, asked_at: datetime, console: Console
) -> None:
    quiet = 0
    while quiet < QUIET_LOOKS:
        number = sum(
            1 for one in _children(installation, map_run) if one["startDate"] <= asked_at + CLOCKS_DIFFER
        )
        quiet = 0 if number else quiet + 1
        if number:
            console.step(f"Waiting for {quantity(number, 'worker')} to end what is under way.")
        if quiet < QUIET_LOOKS:
            installation.clock.sleep(LOOK_SECONDS)


def _children(installation: Installation, map_run: str) -> Iterator[Mapping[str, Any]]:
    pages = installation.step_functions.get_paginator("list_executions")
    for page in pages.paginate(mapRunArn=map_run, statusFilter="RUNNING"):
        yield from page["executions"]


def _has_many_left(installation: Installation, map_run: str) -> bool:
    counts = installation.step_functions.describe_map_run(mapRunArn=map_run)["itemCounts"]
    return int(counts["pending"]) > MANY_SHARDS


def _write(
    installation: Installation,
    execution_arn: str,
    work_bucket: str,
    asked_at: datetime,
    ends_map: bool,
    **conditions: str,
) -> None:
    key = f"{folder_of(execution_arn)}/{STOP}"
    document = {"file": key, "askedAt": asked_at.isoformat(timespec="seconds"), "endsMap": ends_map}
    installation.client("s3").put_object(
        **place_of(installation, work_bucket), Key=key, Body=json.dumps(document).encode(), **conditions
    )
