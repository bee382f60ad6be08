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
from deployment.console import Console, demand_terminal
from deployment.errors import ConfigurationError, Declined, StackError
from deployment.step_functions import inventory
from deployment.step_functions.inventory import Deployed, FunctionVersion
from deployment.text import counted


@dataclass(frozen=True)
class Fate:
    """What becomes of a machine or a function version, and why."""

    name: str
    is_deleted: bool
    reason: str

    @property
    def row(self) -> list[object]:
        """The fate as a line of a table."""
        return [self.name, "delete" if self.is_deleted else "keep", self.reason]


@dataclass(frozen=True)
class Declared:
    """What the stack declares now: the names of its functions, the ARNs of their versions."""

    functions: tuple[str, ...] = ()
    versions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Plan:
    """Every machine and every function version with its fate, and what was read to find out."""

    machines: tuple[Fate, ...]
    versions: tuple[Fate, ...]
    deployed: tuple[Deployed, ...]
    published: tuple[FunctionVersion, ...]

    @property
    def doomed_machines(self) -> list[Deployed]:
        """The machines to delete."""
        names = _doomed(self.machines)
        return [one for one in self.deployed if one.name in names]

    @property
    def doomed_versions(self) -> list[FunctionVersion]:
        """The function versions to delete."""
        names = _doomed(self.versions)
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
    number = kept_number(keep)
    console.step(installation.full_place)
    plan = make_plan(installation, number)
    show(plan, console)
    if not (plan.doomed_machines or plan.doomed_versions):
        console.result("There is nothing to delete.")
    elif dry_run:
        console.result("Dry run: nothing was deleted.")
    else:
        _confirm(installation, console, yes)
        _carry_out(installation, plan, number, console)


def kept_number(keep: str) -> int:
    """Return `--keep` as a number; raise ConfigurationError for anything but a whole number from 1."""
    if not re.fullmatch(r"[0-9]{1,6}", keep) or int(keep) < 1:
        raise ConfigurationError(f"--keep is {keep!r}: expected a number of state machines from 1, such as 3")
    return int(keep)


def make_plan(installation: Installation, keep: int) -> Plan:
    """Return the plan; raise StackError while the stack is being changed, or is not ours."""
    declared = _declared(installation)
    deployed, unknown = inventory.read_all(installation)
    published = inventory.function_versions(installation, declared.functions)
    fates = machine_fates(deployed, keep)
    doomed = _doomed(fates)
    users = [one for one in deployed if one.name not in doomed]
    return Plan(fates, version_fates(published, users, declared, unknown), deployed, published)


def machine_fates(deployed: Sequence[Deployed], keep: int) -> tuple[Fate, ...]:
    """Return the fate of every machine that is not being deleted already; they come newest first."""
    seen: dict[str, int] = {}
    fates = []
    for one in deployed:
        if not one.is_deleting:
            seen[one.base] = seen.get(one.base, 0) + 1
            fates.append(_machine_fate(one, seen[one.base], keep))
    return tuple(fates)


def version_fates(
    published: Iterable[FunctionVersion],
    users: Sequence[Deployed],
    declared: Declared,
    unknown: Sequence[str] = (),
) -> tuple[Fate, ...]:
    """Return the fate of every function version; `users` are the machines that stay, and those not quite gone.

    `unknown` are machines that may be ours and may call anything: nobody here may read their tags.
    """
    unread = next(iter([one.name for one in users if one.definition is None] + list(unknown)), None)
    return tuple(_version_fate(one, users, declared, unread) for one in published)


def show(plan: Plan, console: Console) -> None:
    """Write the plan to stdout."""
    for title, fates in (("State machines", plan.machines), ("Function versions", plan.versions)):
        if fates:
            styles = ["red" if fate.is_deleted else "" for fate in fates]
            console.table(title, ["name", "", "why"], [fate.row for fate in fates], styles)


def _machine_fate(one: Deployed, position: int, keep: int) -> Fate:
    """`position` counts from 1, the newest."""
    if one.is_current:
        return Fate(one.name, False, "current")
    if position <= keep:
        return Fate(one.name, False, f"among the newest {keep}")
    if one.problem:
        return Fate(one.name, False, "it could not be read")
    if one.running:
        return Fate(one.name, False, _running(one.running))
    return Fate(one.name, True, f"not among the newest {keep}")


def _version_fate(
    version: FunctionVersion, users: Iterable[Deployed], declared: Declared, unread: str | None
) -> Fate:
    callers = [
        one for one in users if _names(one.definition, version) and (one.running or not one.is_deleting)
    ]
    if callers:
        newest = callers[0]
        timestamp = newest.name.removeprefix(f"{newest.base}-")
        return Fate(version.name, False, f"called by {'the current' if newest.is_current else timestamp}")
    if version.arn in declared.versions:
        return Fate(version.name, False, "part of the stack")
    if unread:
        return Fate(version.name, False, f"{unread} could not be read")
    return Fate(version.name, True, "no state machine calls it")


def _names(definition: str | None, version: FunctionVersion) -> bool:
    """Whether a definition names a version anywhere, by ARN or by name: rather once too often."""
    pattern = rf"(?<!\w){re.escape(version.name)}(?!\d)"
    return definition is not None and re.search(pattern, definition) is not None


def _declared(installation: Installation) -> Declared:
    """Return what the stack declares; nothing where there is no stack. Not while it changes: versions come and go then."""
    found = lookup.find(installation)
    if found is None:
        return Declared()
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
    return Declared(functions, frozenset(arn for kind, arn in resources if kind == "AWS::Lambda::Version"))


def _confirm(installation: Installation, console: Console, yes: bool) -> None:
    if yes:
        return
    demand_terminal(console, "Nothing was deleted:", "To delete without asking: fab prune --yes")
    question = f"Delete this from {installation.title}? Type yes:"
    if console.ask(question).lower() not in ("y", "yes"):
        raise Declined("Nothing was deleted: the answer was not yes.")


def _carry_out(installation: Installation, plan: Plan, keep: int, console: Console) -> None:
    """Delete what the plan says and what still may be deleted; say what was and what was not."""
    deleted = _each(plan.doomed_machines, lambda one: _delete_machine(installation, one), console)
    gone = {one.name for one in deleted}
    versions: list[FunctionVersion] = []
    if plan.doomed_versions:
        may_go = _still_unused(installation, gone)
        for one in plan.doomed_versions:
            if one.name not in may_go:
                console.warning(f"{one.name} stays: it has come into use.")
        doomed = [one for one in plan.doomed_versions if one.name in may_go]
        versions = _each(doomed, lambda one: _delete_version(installation, one), console)
    console.result(
        f"Deleted: {counted(len(deleted), 'state machine')}, {counted(len(versions), 'function version')}."
    )


def _each(items: Iterable[Any], delete: Callable[[Any], str], console: Console) -> list[Any]:
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
    declared = _declared(installation)
    deployed, unknown = inventory.read_all(installation)
    users = [one for one in deployed if one.name not in gone or one.running]
    published = inventory.function_versions(installation, declared.functions)
    return _doomed(version_fates(published, users, declared, unknown))


def _delete_machine(installation: Installation, one: Deployed) -> str:
    """Delete a machine unless something runs in it now; return why not, "" when it went."""
    number = inventory.running(installation, one.machine)
    if number:
        return f"{_running(number)}."
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


def _doomed(fates: Iterable[Fate]) -> set[str]:
    return {fate.name for fate in fates if fate.is_deleted}


def _running(number: int) -> str:
    return f"{counted(number, 'execution')} running"
