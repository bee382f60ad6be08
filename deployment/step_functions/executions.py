"""Starts an execution of the state machine, follows it, and returns how it ended.

The last step, after `state_machines`. The work itself is done in AWS and goes on whatever happens here: leaving, losing the
network or Ctrl-C ends the watching only. `progress` finds out how far it is.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.errors import aws_sentence, is_missing, is_transient
from deployment.aws.installation import Installation
from deployment.console import Console
from deployment.errors import ExecutionFailed
from deployment.step_functions import listing
from deployment.step_functions.progress import ENDED_STATUSES, ExecutionProgress, Observer

STATE_MACHINE = "sync-buckets-state-machine"
"""The base name of the state machine that syncs; others may stand beside it."""

STARTED_HERE = "fab-"
"""What the name of an execution begins with that `fab sync` has started."""

MAX_FAILED_POLLS = 20
"""After so many failed polls in a row, contact with the execution counts as lost."""


@dataclass(frozen=True)
class Execution:
    """An execution as it is now; `report` is what the state machine returned, None unless it succeeded."""

    arn: str
    status: str
    report: Mapping[str, Any] | None = None
    error: str | None = None
    cause: str | None = None
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition(":")[2]

    @property
    def ending(self) -> str:
        """How it ended: `SUCCEEDED`, `FAILED with SyncIncomplete`."""
        return f"{self.status} with {self.error}" if self.error else self.status

    def to_json(self, report: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what `--json` prints; `report`, or `error` and `cause`, only when it has ended.

        `report` is that which the run has left in the work bucket: one that failed returned none to the state machine.
        """
        ended = {"report": self.report, "error": self.error, "cause": self.cause}
        given = {name: value for name, value in ended.items() if value is not None}
        left = {"report": report} if report else {}
        return {"executionArn": self.arn, "status": self.status, **given, **left}


def current_machine(installation: Installation, deployed: Collection[str] | None = None) -> str:
    """Return the ARN of the newest state machine that syncs; raise ExecutionFailed when there is none.

    `deployed` are the names that were deployed last, None where that is not known.
    """
    name = name_to_start(deployed)
    machine = listing.newest(installation, name)
    if machine is None:
        raise ExecutionFailed(
            f"There is no state machine {name}-... of the stack {installation.title}. Run `fab` to deploy it."
        )
    return machine.arn


def name_to_start(deployed: Collection[str] | None) -> str:
    """Return our own machine's name; if its file was renamed, that of the only one there is."""
    if deployed is None or STATE_MACHINE in deployed:
        return STATE_MACHINE
    if len(deployed) == 1:
        return next(iter(deployed))
    raise ExecutionFailed(
        f"The state machine {STATE_MACHINE} is no longer deployed: its file was renamed or removed. Deployed are: "
        f"{', '.join(sorted(deployed)) or 'none'}. Give the file of the one to start that name again and run `fab`, or "
        "start it in the Step Functions console."
    )


def is_started_here(name: str) -> bool:
    """Whether an execution of this name was started by `fab sync`, so that its options were flags."""
    return name.startswith(STARTED_HERE)


def start(
    installation: Installation, machine_arn: str, input: Mapping[str, Any], name: str | None = None
) -> str:
    """Start an execution and return its ARN. The name keeps a repeated request from starting a second one."""
    name = name or f"{STARTED_HERE}{installation.clock.now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
    answer = installation.step_functions.start_execution(
        stateMachineArn=machine_arn, name=name, input=json.dumps(input)
    )
    return str(answer["executionArn"])


def watch(
    installation: Installation,
    execution_arn: str,
    work_bucket: str | None,
    console: Console,
    description: str = "Syncing",
) -> Execution:
    """Show an execution until its end, and return it."""
    with console.progress(description, installation.clock.now) as display:
        for progress in follow(installation, execution_arn, work_bucket):
            display.update(_counting_down(progress, installation.clock.monotonic))
    return result(installation, execution_arn)


def _counting_down(progress: ExecutionProgress, clock: Callable[[], float]) -> Callable[[], str]:
    """Return what tells how far an execution is whenever it is asked: between two looks the time left counts down."""
    looked_at = clock()
    return lambda: progress.text(clock() - looked_at)


def follow(
    installation: Installation, execution_arn: str, work_bucket: str | None = None
) -> Iterator[ExecutionProgress]:
    """Yield how far an execution is, about every second at first and later less often; the last one is its end.

    Raises ExecutionFailed after many failed polls in a row: the network is gone, or AWS does not answer.
    """
    observer = Observer(installation, execution_arn, work_bucket)
    began, failures = installation.clock.monotonic(), 0
    while True:
        try:
            status = describe(installation, execution_arn)["status"]
        except (ClientError, BotoCoreError) as error:
            failures += 1
            if not is_transient(error):
                raise
            if failures >= MAX_FAILED_POLLS:
                raise ExecutionFailed(
                    f"Lost contact with the execution {execution_arn}: {aws_sentence(error)}"
                ) from error
        else:
            failures = 0
            if status in ENDED_STATUSES:
                yield ExecutionProgress(status, "finished")
                return
            yield observer.look(status)
        installation.clock.sleep(_interval_seconds(installation.clock.monotonic() - began))


def describe(installation: Installation, execution_arn: str) -> Mapping[str, Any]:
    """Return DescribeExecution's answer."""
    answer: Mapping[str, Any] = installation.step_functions.describe_execution(executionArn=execution_arn)
    return answer


def result(installation: Installation, execution_arn: str) -> Execution:
    """Return an execution with its report, or with its error and cause."""
    return execution_from(describe(installation, execution_arn))


def execution_from(described: Mapping[str, Any]) -> Execution:
    """Return the same from DescribeExecution's answer."""
    seconds = (
        (described["stopDate"] - described["startDate"]).total_seconds() if described.get("stopDate") else 0.0
    )
    status = described["status"]
    report = json.loads(described["output"]) if status == "SUCCEEDED" and described.get("output") else None
    return Execution(
        described["executionArn"], status, report, described.get("error"), described.get("cause"), seconds
    )


def sides(given: Any) -> str:
    """Return `bucket/prefix -> bucket/prefix` of an execution's input, or the plan that it names; "" where it names neither."""
    if isinstance(given, Mapping) and isinstance(given.get("plan"), str):
        return f"the plan of the dry run {given['plan'].rpartition('/')[2]}"
    both = both_sides(given)
    return f"{both[0]} -> {both[1]}" if both else ""


def both_sides(given: Any) -> tuple[str, str] | None:
    """Return `bucket/prefix` of the source and of the destination, None where an input does not name both."""
    if not isinstance(given, Mapping) or not {"source", "destination"} <= given.keys():
        return None
    prefix = given.get("prefix", "")
    source, destination = (
        f"{given[side]}/{part}" if part else str(given[side])
        for side, part in (("source", prefix), ("destination", given.get("destinationPrefix", prefix)))
    )
    return source, destination


def input_of(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an execution's input from DescribeExecution's answer, nothing where it is none of ours."""
    try:
        given = json.loads(described.get("input") or "{}")
    except ValueError:
        return {}
    return given if isinstance(given, Mapping) else {}


def asked_of(installation: Installation, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options that a run has: its input, or that of the dry run whose plan it carries out; {} where that has gone."""
    plan = given.get("plan")
    if not isinstance(plan, str) or plan.count("/") != 1:
        return given
    try:
        return input_of(describe(installation, installation.states_arn("execution", *plan.split("/"))))
    except ClientError as error:
        if not is_missing(error):
            raise
        return {}


def require_success(execution: Execution) -> Execution:
    """Return the execution if it succeeded; raise ExecutionFailed with its error and cause otherwise."""
    if execution.status == "SUCCEEDED":
        return execution
    how = {"TIMED_OUT": "took too long", "ABORTED": "was stopped"}.get(execution.status, "failed")
    why = f" with {execution.error}" if execution.error else ""
    cause = readable_cause(execution.cause)
    raise ExecutionFailed(f"The execution {execution.name} {how}{why}{': ' + cause if cause else '.'}")


def _interval_seconds(elapsed_seconds: float) -> float:
    if elapsed_seconds < 15:
        return 0.5
    return 1.0 if elapsed_seconds < 120 else 5.0


def readable_cause(cause: str | None) -> str | None:
    """Return the message in a Lambda's error (JSON with errorMessage), or the cause as it is."""
    try:
        parsed = json.loads(cause or "")
    except ValueError:
        return cause
    return str(parsed.get("errorMessage") or cause) if isinstance(parsed, dict) else cause
