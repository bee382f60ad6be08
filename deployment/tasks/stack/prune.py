"""`fab prune`: deletes older state machines, and the function versions that no state machine calls any more.

Deleting a state machine ends its executions, so one with a running execution stays, and so do the newest and what a
schedule starts. A function version stays while a state machine that stays names it anywhere in its definition, and while the
stack declares it: the next rollback of the stack would need it. Unknown is not absent: while the definition of one machine
cannot be read, no function version is deleted. An alias keeps a version too; AWS refuses to delete it.

The plan is pure (`decide_machines`, `decide_versions`). It is shown first, then asked for, and checked again with every
deletion: what has begun to run, or has come into use, in the meantime stays. `--dry-run` stops after the plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import aws_sentence, error_code
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.console import Console, require_terminal
from deployment.errors import ConfigurationError, Declined, StackError
from deployment.schedules import steps as schedule_steps
from deployment.step_functions import inventory
from deployment.step_functions.inventory import DeployedMachine, FunctionVersion
from deployment.text import quantity


@dataclass(frozen=True)
class Decision:
    """What becomes of a machine or a function version, and why."""

    name: str
    is_deleted: bool
    reason: str

    @property
    def row(self) -> list[object]:
        """The fate as a line of a table."""
        return [self.name, "delete" if self.is_deleted else "keep", self.reason]


@dataclass(frozen=True)
class StackResources:
    """What the stack declares now: the names of its functions, the ARNs of their versions, the base names of machines.

    `machines` is None where that is not known; `scheduled` are the ARNs of the machines that schedules start.
    """

    functions: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()
    machines: frozenset[str] | None = None
    scheduled: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PruningPlan:
    """Every machine and every function version with its fate, and what was read to find out."""

    machines: tuple[Decision, ...]
    versions: tuple[Decision, ...]
    deployed: tuple[DeployedMachine, ...]
    published: tuple[FunctionVersion, ...]

    @property
    def machines_to_delete(self) -> list[DeployedMachine]:
        """The machines to delete."""
        names = _names_to_delete(self.machines)
        return [machine for machine in self.deployed if machine.name in names]

    @property
    def versions_to_delete(self) -> list[FunctionVersion]:
        """The function versions to delete."""
        names = _names_to_delete(self.versions)
        return [version for version in self.published if version.name in names]


def prune(
    installation: Installation, keep: str, console: Console, dry_run: bool = False, yes: bool = False
) -> None:
    """Show what goes and what stays, ask, and delete; `keep` is as it was typed, a number of machines from 1.

    Raises Declined when the answer is not yes, or when nobody is there to ask and `yes` is false.
    """
    number = number_to_keep(keep)
    console.step(installation.full_place)
    plan = make_plan(installation, number)
    show(plan, console)
    if not (plan.machines_to_delete or plan.versions_to_delete):
        console.say("There is nothing to delete.")
    elif dry_run:
        console.say("Dry run: nothing was deleted.")
    else:
        _confirm(installation, console, yes)
        _carry_out(installation, plan, number, console)


def number_to_keep(keep: str) -> int:
    """Return `--keep` as a number; raise ConfigurationError for anything but a whole number from 1."""
    if not re.fullmatch(r"[0-9]{1,6}", keep) or int(keep) < 1:
        raise ConfigurationError(f"--keep is {keep!r}: expected a number of state machines from 1, such as 3")
    return int(keep)


def make_plan(installation: Installation, keep: int) -> PruningPlan:
    """Return the plan; raise StackError while the stack is being changed, or is not ours."""
    declared = _read_stack_resources(installation)
    deployed, unknown = inventory.read_all(installation, declared.machines)
    published = inventory.function_versions(installation, declared.functions)
    decisions = decide_machines(deployed, keep, declared.scheduled)
    users = [machine for machine in deployed if machine.name not in _names_to_delete(decisions)]
    return PruningPlan(decisions, decide_versions(published, users, declared, unknown), deployed, published)


def decide_machines(
    deployed: Sequence[DeployedMachine], keep: int, scheduled: Collection[str] = ()
) -> tuple[Decision, ...]:
    """Return the fate of every machine that is not being deleted already; they come newest first."""
    seen: dict[str, int] = {}
    decisions = []
    for machine in deployed:
        if not machine.is_deleting:
            seen[machine.base] = seen.get(machine.base, 0) + 1
            decisions.append(_decide_machine(machine, seen[machine.base], keep, scheduled))
    return tuple(decisions)


def decide_versions(
    published: Iterable[FunctionVersion],
    users: Sequence[DeployedMachine],
    declared: StackResources,
    unknown: Sequence[str] = (),
) -> tuple[Decision, ...]:
    """Return the fate of every function version; `users` are the machines that stay, and those not quite gone.

    `unknown` are machines that may be ours and may call anything: nobody here may read their tags.
    """
    unread = next(
        iter([machine.name for machine in users if machine.definition is None] + list(unknown)), None
    )
    return tuple(_decide_version(version, users, declared, unread) for version in published)


def show(plan: PruningPlan, console: Console) -> None:
    """Write the plan to stdout."""
    for title, decisions in (("State machines", plan.machines), ("Function versions", plan.versions)):
        if decisions:
            styles = ["red" if decision.is_deleted else "" for decision in decisions]
            console.table(title, ["name", "", "why"], [decision.row for decision in decisions], styles)


def _decide_machine(
    machine: DeployedMachine, position: int, keep: int, scheduled: Collection[str]
) -> Decision:
    """`position` counts from 1, the newest."""
    if machine.is_current:
        return Decision(machine.name, False, "current")
    if position <= keep and not machine.is_retired:
        return Decision(machine.name, False, f"among the newest {keep}")
    if machine.machine.arn in scheduled:
        return Decision(machine.name, False, "a schedule starts it")
    if machine.problem:
        return Decision(machine.name, False, "it could not be read")
    if machine.running:
        return Decision(machine.name, False, _running_words(machine.running))
    return Decision(
        machine.name, True, "no file has its name" if machine.is_retired else f"not among the newest {keep}"
    )


def _decide_version(
    version: FunctionVersion, users: Iterable[DeployedMachine], declared: StackResources, unread: str | None
) -> Decision:
    callers = [
        machine
        for machine in users
        if _mentions(machine.definition, version) and (machine.running or not machine.is_deleting)
    ]
    if callers:
        newest = callers[0]
        timestamp = newest.name.removeprefix(f"{newest.base}-")
        return Decision(version.name, False, f"called by {'the current' if newest.is_current else timestamp}")
    if version.arn in declared.versions:
        return Decision(version.name, False, "part of the stack")
    if unread:
        return Decision(version.name, False, f"{unread} could not be read")
    return Decision(version.name, True, "no state machine calls it")


def _mentions(definition: str | None, version: FunctionVersion) -> bool:
    """Whether a definition names a version anywhere, by ARN or by name: rather once too often."""
    pattern = rf"(?<!\w){re.escape(version.name)}(?!\d)"
    return definition is not None and re.search(pattern, definition) is not None


def _read_stack_resources(installation: Installation) -> StackResources:
    """Return what the stack declares; nothing where there is no stack. Not while it changes: versions come and go then."""
    description = lookup.find(installation)
    if description is None:
        return StackResources()
    status = description["StackStatus"]
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise StackError(
            f"{installation.stack_title} is busy ({status}). Run `fab prune` again when it has finished."
        )
    resources = [
        (summary["ResourceType"], summary.get("PhysicalResourceId", ""))
        for summary in lookup.resources_of(installation, description)
    ]
    functions = tuple(name for kind, name in resources if kind == "AWS::Lambda::Function" and name)
    versions = frozenset(arn for kind, arn in resources if kind == "AWS::Lambda::Version")
    outputs = lookup.outputs_of(description)
    scheduled = schedule_steps.scheduled_machines(installation, outputs)
    return StackResources(functions, versions, lookup.machine_names(outputs), scheduled)


def _confirm(installation: Installation, console: Console, yes: bool) -> None:
    if yes:
        return
    require_terminal(console, "Nothing was deleted:", "To delete without asking: fab prune --yes")
    question = f"Delete this from {installation.title}? Type yes:"
    if console.ask(question).lower() not in ("y", "yes"):
        raise Declined("Nothing was deleted: the answer was not yes.")


def _carry_out(installation: Installation, plan: PruningPlan, keep: int, console: Console) -> None:
    """Delete what the plan says and what still may be deleted; say what was and what was not."""
    deleted = _delete_each(plan.machines_to_delete, lambda item: _delete_machine(installation, item), console)
    deleted_names = {item.name for item in deleted}
    versions: list[FunctionVersion] = []
    if plan.versions_to_delete:
        may_go = _still_unused(installation, deleted_names)
        for item in plan.versions_to_delete:
            if item.name not in may_go:
                console.warning(f"{item.name} stays: it is in use now.")
        unused = [item for item in plan.versions_to_delete if item.name in may_go]
        versions = _delete_each(unused, lambda item: _delete_version(installation, item), console)
    console.say(
        f"Deleted: {quantity(len(deleted), 'state machine')}, {quantity(len(versions), 'function version')}."
    )


def _delete_each(items: Iterable[Any], delete: Callable[[Any], str], console: Console) -> list[Any]:
    """Delete some things one by one and return those that went; warn of the others with what `delete` returned."""
    went = []
    for item in items:
        why_not = delete(item)
        if why_not:
            console.warning(f"{item.name} stays: {why_not}")
        else:
            went.append(item)
    return went


def _still_unused(installation: Installation, gone: set[str]) -> set[str]:
    """Return the names of versions that may go as things stand now, after machines have been deleted."""
    declared = _read_stack_resources(installation)
    deployed, unknown = inventory.read_all(installation, declared.machines)
    users = [machine for machine in deployed if machine.name not in gone or machine.running]
    published = inventory.function_versions(installation, declared.functions)
    return _names_to_delete(decide_versions(published, users, declared, unknown))


def _delete_machine(installation: Installation, deployed: DeployedMachine) -> str:
    """Delete a machine unless something runs in it now; return why not, "" when it went."""
    number = inventory.running(installation, deployed.machine)
    if number:
        return f"{_running_words(number)}."
    installation.step_functions.delete_state_machine(stateMachineArn=deployed.machine.arn)
    return ""


def _delete_version(installation: Installation, version: FunctionVersion) -> str:
    """Delete a version; return why AWS refuses it (an alias points to it), "" when it is gone."""
    if not version.version.isdecimal():
        raise AssertionError(f"{version.name} is not a version: Lambda would delete the function")
    client = installation.client("lambda")
    try:
        client.delete_function(FunctionName=version.function, Qualifier=version.version)
    except client.exceptions.ResourceNotFoundException:
        return ""
    except ClientError as error:
        if error_code(error) != "ResourceConflictException":
            raise
        return aws_sentence(error)
    return ""


def _names_to_delete(decisions: Iterable[Decision]) -> set[str]:
    return {decision.name for decision in decisions if decision.is_deleted}


def _running_words(number: int) -> str:
    return f"{quantity(number, 'execution')} running"
