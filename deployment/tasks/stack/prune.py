"""`fab prune`: deletes older state machines, and the function versions that no state machine calls any more.

Deleting a state machine ends its executions, so one with a running execution stays, and the newest always does. A function
version stays while a state machine that stays names it anywhere in its definition, and while the stack declares it: the
next rollback of the stack would need it. Unknown is not absent: while the definition of one machine cannot be read, no
function version is deleted. An alias keeps a version too; AWS refuses to delete it.

The plan is pure (`machine_fates`, `version_fates`). It is shown first, then asked for, and looked at once more with every
deletion: what has begun to run, or has come into use, in the meantime stays. `--dry-run` stops after the plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import aws_sentence, error_code
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.console import Console, require_terminal
from deployment.errors import ConfigurationError, Declined, StackError
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
    """What the stack declares now: the names of its functions, the ARNs of their versions."""

    functions: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()


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
        return [one for one in self.deployed if one.name in names]

    @property
    def versions_to_delete(self) -> list[FunctionVersion]:
        """The function versions to delete."""
        names = _names_to_delete(self.versions)
        return [one for one in self.published if one.name in names]


def prune(
    installation: Installation,
    keep: str,
    console: Console,
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Show what goes and what stays, ask, and delete; `keep` is as it was typed, a number of machines from 1.

    Raises Declined when the answer is not yes, or when nobody is there to ask and `yes` is false.
    """
    number = number_to_keep(keep)
    console.step(installation.full_place)
    plan = make_plan(installation, number)
    show(plan, console)
    if not (plan.machines_to_delete or plan.versions_to_delete):
        console.result("There is nothing to delete.")
    elif dry_run:
        console.result("Dry run: nothing was deleted.")
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
    deployed, unknown = inventory.read_all(installation)
    published = inventory.function_versions(installation, declared.functions)
    fates = decide_machines(deployed, keep)
    doomed = _names_to_delete(fates)
    users = [one for one in deployed if one.name not in doomed]
    return PruningPlan(fates, decide_versions(published, users, declared, unknown), deployed, published)


def decide_machines(deployed: Sequence[DeployedMachine], keep: int) -> tuple[Decision, ...]:
    """Return the fate of every machine that is not being deleted already; they come newest first."""
    seen: dict[str, int] = {}
    fates = []
    for one in deployed:
        if not one.is_deleting:
            seen[one.base] = seen.get(one.base, 0) + 1
            fates.append(_decide_machine(one, seen[one.base], keep))
    return tuple(fates)


def decide_versions(
    published: Iterable[FunctionVersion],
    users: Sequence[DeployedMachine],
    declared: StackResources,
    unknown: Sequence[str] = (),
) -> tuple[Decision, ...]:
    """Return the fate of every function version; `users` are the machines that stay, and those not quite gone.

    `unknown` are machines that may be ours and may call anything: nobody here may read their tags.
    """
    unread = next(iter([one.name for one in users if one.definition is None] + list(unknown)), None)
    return tuple(_decide_version(one, users, declared, unread) for one in published)


def show(plan: PruningPlan, console: Console) -> None:
    """Write the plan to stdout."""
    for title, fates in (("State machines", plan.machines), ("Function versions", plan.versions)):
        if fates:
            styles = ["red" if fate.is_deleted else "" for fate in fates]
            console.table(title, ["name", "", "why"], [fate.row for fate in fates], styles)


def _decide_machine(one: DeployedMachine, position: int, keep: int) -> Decision:
    """`position` counts from 1, the newest."""
    if one.is_current:
        return Decision(one.name, False, "current")
    if position <= keep:
        return Decision(one.name, False, f"among the newest {keep}")
    if one.problem:
        return Decision(one.name, False, "it could not be read")
    if one.running:
        return Decision(one.name, False, _running_words(one.running))
    return Decision(one.name, True, f"not among the newest {keep}")


def _decide_version(
    version: FunctionVersion, users: Iterable[DeployedMachine], declared: StackResources, unread: str | None
) -> Decision:
    callers = [
        one for one in users if _mentions(one.definition, version) and (one.running or not one.is_deleting)
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
    found = lookup.find(installation)
    if found is None:
        return StackResources()
    status = found["StackStatus"]
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise StackError(
            f"{installation.stack_title} is busy ({status}). Run `fab prune` again when it has finished."
        )
    pages = installation.client("cloudformation").get_paginator("list_stack_resources")
    resources = [
        (one["ResourceType"], one.get("PhysicalResourceId", ""))
        for page in pages.paginate(StackName=found["StackId"])
        for one in page["StackResourceSummaries"]
        if one["ResourceStatus"] != "DELETE_COMPLETE"
    ]
    functions = tuple(name for kind, name in resources if kind == "AWS::Lambda::Function" and name)
    return StackResources(
        functions, frozenset(arn for kind, arn in resources if kind == "AWS::Lambda::Version")
    )


def _confirm(installation: Installation, console: Console, yes: bool) -> None:
    if yes:
        return
    require_terminal(console, "Nothing was deleted:", "To delete without asking: fab prune --yes")
    question = f"Delete this from {installation.title}? Type yes:"
    if console.ask(question).lower() not in ("y", "yes"):
        raise Declined("Nothing was deleted: the answer was not yes.")


def _carry_out(installation: Installation, plan: PruningPlan, keep: int, console: Console) -> None:
    """Delete what the plan says and what still may be deleted; say what was and what was not."""
    deleted = _delete_each(plan.machines_to_delete, lambda one: _delete_machine(installation, one), console)
    gone = {one.name for one in deleted}
    versions: list[FunctionVersion] = []
    if plan.versions_to_delete:
        may_go = _still_unused(installation, gone)
        for one in plan.versions_to_delete:
            if one.name not in may_go:
                console.warning(f"{one.name} stays: it is in use now.")
        doomed = [one for one in plan.versions_to_delete if one.name in may_go]
        versions = _delete_each(doomed, lambda one: _delete_version(installation, one), console)
    console.result(
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
    deployed, unknown = inventory.read_all(installation)
    users = [one for one in deployed if one.name not in gone or one.running]
    published = inventory.function_versions(installation, declared.functions)
    return _names_to_delete(decide_versions(published, users, declared, unknown))


def _delete_machine(installation: Installation, one: DeployedMachine) -> str:
    """Delete a machine unless something runs in it now; return why not, "" when it went."""
    number = inventory.running(installation, one.machine)
    if number:
        return f"{_running_words(number)}."
    installation.client("stepfunctions").delete_state_machine(stateMachineArn=one.machine.arn)
    return ""


def _delete_version(installation: Installation, one: FunctionVersion) -> str:
    """Delete a version; return why AWS refuses it (an alias points to it), "" when it is gone."""
    if not one.version.isdecimal():
        raise AssertionError(f"{one.name} is not a version; without one, Lambda would delete the function")
    client = installation.client("lambda")
    try:
        client.delete_function(FunctionName=one.function, Qualifier=one.version)
    except client.exceptions.ResourceNotFoundException:
        return ""
    except ClientError as error:
        if error_code(error) != "ResourceConflictException":
            raise
        return aws_sentence(error)
    return ""


def _names_to_delete(fates: Iterable[Decision]) -> set[str]:
    return {fate.name for fate in fates if fate.is_deleted}


def _running_words(number: int) -> str:
    return f"{quantity(number, 'execution')} running"
