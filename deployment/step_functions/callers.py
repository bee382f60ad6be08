"""Who calls functions that are about to go: state machines of ours, and their executions that are RUNNING.

A function that goes takes all its versions with it, those that older machines call too. So `fab plan` names what would lose
it, and `fab` refuses while an execution of such a machine runs. Only reads. What may not be read is kept as a problem:
it is unknown then whether it calls the function, and unknown is not absent.

An execution that waits for a redrive is the child of one that is RUNNING (see `listing.running`), so it is covered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import aws_sentence, is_missing
from deployment.aws.installation import Installation
from deployment.step_functions import listing
from deployment.text import quantity

MAX_LISTED = 10


@dataclass(frozen=True)
class Caller:
    """A state machine that calls functions; `running` are ARNs of executions. `problem` says what could not be read of it."""

    machine: str
    functions: tuple[str, ...]
    running: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Loss:
    """Functions that go, by their names in Lambda, and the machines that call them, newest first."""

    functions: tuple[str, ...] = ()
    callers: tuple[Caller, ...] = ()

    @property
    def running(self) -> tuple[str, ...]:
        """The executions that would lose a function, ARNs."""
        return tuple(arn for caller in self.callers for arn in caller.running)

    @property
    def unknown(self) -> tuple[Caller, ...]:
        """The machines of which it is not known whether they call such a function, or whether they run."""
        return tuple(caller for caller in self.callers if caller.problem)


NOTHING_LOST = Loss()


def find(installation: Installation, functions: Sequence[str]) -> Loss:
    """Return who calls these functions now; without functions, AWS is not asked."""
    if not functions:
        return NOTHING_LOST
    listed = listing.list_all(installation)
    names = [(machine.name, machine.arn) for machine in listed.ours]
    names += [(name, installation.states_arn("stateMachine", name)) for name in listed.unknown]
    callers = (_caller(installation, name, arn, functions) for name, arn in names)
    return Loss(tuple(functions), tuple(caller for caller in callers if caller is not None))


def refusal(installation: Installation, loss: Loss) -> str | None:
    """Return why the functions may not go now, and what to do; None where they may."""
    if not loss.running and not loss.unknown:
        return None
    names = function_names(loss.functions)
    lines = []
    if loss.running:
        lines += [
            f"`fab` would delete {names} while executions that call it are RUNNING:",
            *running_lines(loss),
        ]
    if loss.unknown:
        lines += [
            f"It is not known whether an execution that calls {names} is RUNNING:",
            *unknown_lines(loss),
        ]
    return "\n".join([*lines, "Nothing was deployed. " + _ways_out(installation, loss)])


def function_names(functions: Sequence[str]) -> str:
    """Return `the function a` or `the functions a, b`, with what goes with them."""
    what, versions = ("function", "its") if len(functions) == 1 else ("functions", "their")
    return f"the {what} {', '.join(functions)} with all {versions} versions"


def running_lines(loss: Loss) -> list[str]:
    """Return a line for each machine whose executions would lose a function: how many, and their names."""
    return [line(caller) for caller in loss.callers if caller.running]


def line(caller: Caller) -> str:
    """Return a machine as a line: its name, and where executions of it are RUNNING how many, and their names."""
    return f"  {caller.machine}: {_executions(caller.running)}" if caller.running else f"  {caller.machine}"


def unknown_lines(loss: Loss) -> list[str]:
    """Return a line for each machine that could not be read."""
    return [f"  {caller.machine}: {caller.problem}" for caller in loss.unknown]


def is_named(function: str, definition: str) -> bool:
    """Whether a definition names a function anywhere, by ARN or by name, with a version or without: rather once too often."""
    return re.search(rf"(?<![\w-]){re.escape(function)}(?![\w-])", definition) is not None


def _ways_out(installation: Installation, loss: Loss) -> str:
    if not loss.running:
        return "Allow that to whoever deploys (docs/permissions.md), then run `fab` again."
    stop = f"aws stepfunctions stop-execution {installation.cli_place} --execution-arn"
    return (
        "Wait until they have ended (`fab status` shows how far they are), or stop each of them with "
        f"`{stop} {loss.running[0]}`; then run `fab` again. To keep the function, put its file back."
    )


def _executions(arns: Sequence[str]) -> str:
    names = [arn.rpartition(":")[2] for arn in arns]
    more = [f"and {len(names) - MAX_LISTED:,} more"] if len(names) > MAX_LISTED else []
    return f"{quantity(len(names), 'execution')} RUNNING: {', '.join(names[:MAX_LISTED] + more)}"


def _caller(installation: Installation, name: str, arn: str, functions: Iterable[str]) -> Caller | None:
    """Return a machine that calls one of the functions, or that may; None for one that does not, or has gone."""
    named = tuple(functions)
    try:
        answer: dict[str, Any] = installation.step_functions.describe_state_machine(stateMachineArn=arn)
        named = tuple(function for function in named if is_named(function, answer["definition"]))
        return Caller(name, named, listing.running_of(installation, arn)) if named else None
    except ClientError as error:
        return None if is_missing(error) else Caller(name, named, problem=aws_sentence(error))
