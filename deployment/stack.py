"""Brings the CloudFormation stack into the wanted state, or removes it.

Comes after the zips have been uploaded and before the state machine is created from the stack's outputs. `change_sets`
prepares, `stack_events` follows; this module decides. Nothing to do is success and leaves nothing behind. Only what a
failed first creation left, and only with our tag, is removed without being asked for; a stack of that name which is not
ours is never touched.

Statuses: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deployment import change_sets, protection, stack_events
from deployment.account import Account
from deployment.change_sets import ChangeSet
from deployment.changes import Change
from deployment.console import Console
from deployment.errors import StackError
from deployment.settings import Settings
from deployment.stack_events import Outcome
from deployment.tags import STACK_TAG, is_ours

_NEVER_CREATED = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
_HEALTHY = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
_UNDONE = ("ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
_WAYS_OUT = {"UPDATE_ROLLBACK_FAILED": "continue-update-rollback", "UPDATE_FAILED": "rollback-stack"}
"""What leads out of a status, as a sub-command of `aws cloudformation`; out of the others leads `fab delete`."""


@dataclass(frozen=True)
class Stack:
    """The stack as it stands now: its outputs, and what this deployment changed.

    `protection_changed` tells apart what is no change of a resource: whether the stack may be deleted.
    """

    name: str
    outputs: Mapping[str, str]
    changed: bool
    changes: tuple[Change, ...]
    protection_changed: bool = False


def deploy(
    account: Account,
    settings: Settings,
    template: Mapping[str, Any],
    console: Console,
    sleep: Callable[[float], None] = time.sleep,
) -> Stack:
    """Create or update the stack from a template and return it.

    Raises StackError when CloudFormation refuses or fails, or when the stack is busy, stuck or somebody else's.
    """
    site = _Site(account, settings)
    found = _cleared(site, console, sleep)
    change_set = change_sets.prepare(account, settings, template, found, sleep)
    if change_set is not None:
        for line in change_lines(change_set, template):
            console.step(line)
        _execute(site, change_set, template, console, sleep)
        found = stack_events.describe(site.cloudformation, change_set.stack_id)
    protected = protection.apply(account, settings, found, console)
    changes = change_set.changes if change_set else ()
    return Stack(settings.stack_name, outputs_of(found), change_set is not None, changes, protected)


def delete(
    account: Account, settings: Settings, console: Console, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Delete the stack and wait for its end; return False when there was none.

    Raises StackError when it is not ours, busy, or cannot be deleted.
    """
    found = find_deletable(account, settings)
    if found is not None:
        _remove(_Site(account, settings), found, console, sleep)
    return found is not None


def outputs(account: Account, settings: Settings) -> dict[str, str]:
    """Return the outputs of the deployed stack; raise StackError when there is none of ours."""
    found = find(account, settings)
    if found is None or found["StackStatus"] in _NEVER_CREATED:
        raise StackError(f"{_named(account, settings)} does not exist. Run `fab` to deploy it.")
    return outputs_of(found)


def find(account: Account, settings: Settings) -> dict[str, Any] | None:
    """Return the stack's description, None when there is no such stack; raise StackError when it is not ours.

    A stack that was never created does not show its tags; there the name of its change set tells.
    """
    cloudformation, name = account.client("cloudformation"), settings.stack_name
    found = stack_events.describe(cloudformation, name)
    if found is None or is_ours({tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}, settings):
        return found
    if found["StackStatus"] == "REVIEW_IN_PROGRESS" and change_sets.made_here(cloudformation, name):
        return found
    raise StackError(
        f"{_named(account, settings)} is not ours: it has no tag {STACK_TAG} = {name}. Nothing was changed. "
        "Set another STACK_NAME in fabfile_config.py."
    )


def find_deletable(account: Account, settings: Settings) -> dict[str, Any] | None:
    """Return what `find` does; raise StackError also when the stack is protected, or something is going on with it."""
    found = find(account, settings)
    status = found["StackStatus"] if found else ""
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise StackError(_Site(account, settings).advice(status, "fab delete"))
    if protection.is_on(found):
        raise StackError(protection.refusal(_named(account, settings)))
    return found


def obstacle(account: Account, settings: Settings, found: Mapping[str, Any] | None) -> str | None:
    """Return why `fab` cannot work on a stack in its present status, and the way out of it; None where it can."""
    if found is None or found["StackStatus"] in (*_HEALTHY, *_NEVER_CREATED):
        return None
    return _Site(account, settings).advice(found["StackStatus"], "fab")


def is_leftover(found: Mapping[str, Any] | None) -> bool:
    """Whether a stack was never created, so that `fab` removes what is left of it and creates it anew."""
    return found is not None and found["StackStatus"] in _NEVER_CREATED


def outputs_of(found: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the outputs in DescribeStacks' description of a stack; none, where there is no stack."""
    return {output["OutputKey"]: output["OutputValue"] for output in (found or {}).get("Outputs", ())}


def change_lines(change_set: ChangeSet, template: Mapping[str, Any]) -> list[str]:
    """Return what will be done, a line for each change; of a new stack only the number, as everything in it is new."""
    number = len(change_set.changes)
    if change_set.is_new_stack:
        return [f"{number} {'resource' if number == 1 else 'resources'} to create"]
    return [f"{number} {'change' if number == 1 else 'changes'}:"] + [
        _change_line(change, template) for change in change_set.changes
    ]


@dataclass(frozen=True)
class _Site:
    """The place where the stack is, and what can be said about it."""

    account: Account
    settings: Settings

    @property
    def cloudformation(self) -> Any:
        return self.account.client("cloudformation")

    @property
    def name(self) -> str:
        """The stack as the beginning of a sentence."""
        return _named(self.account, self.settings)

    def command(self, verb: str) -> str:
        """Return a command for the shell that does something with this stack."""
        name, profile = self.settings.stack_name, self.settings.profile
        flags = f"--stack-name {name} --region {self.account.region}" + (
            f" --profile {profile}" if profile else ""
        )
        return f"aws cloudformation {verb} {flags}"

    def watch(self) -> str:
        """Return a sentence on how to see what is going on."""
        return f"Watch it with: {self.command('describe-stack-events')} --max-items 10"

    def advice(self, status: str, task: str) -> str:
        """Return why a stack in this status cannot be worked on, and the command that leads out of it."""
        if status.endswith("_IN_PROGRESS"):
            return f"{self.name} is busy ({status}). Run `{task}` again when it has finished. {self.watch()}"
        command = self.command(_WAYS_OUT[status]) if status in _WAYS_OUT else "fab delete"
        return f"{self.name} is stuck ({status}). Run: {command}\nThen run `{task}` again."


def _cleared(site: _Site, console: Console, sleep: Callable[[float], None]) -> dict[str, Any] | None:
    """Return the stack that can be updated, None where one can be created; remove what never came to be."""
    found = find(site.account, site.settings)
    stuck = obstacle(site.account, site.settings, found)
    if stuck:
        raise StackError(stuck)
    if found is None or not is_leftover(found):
        return found
    console.step(f"{site.name} was never created ({found['StackStatus']}); removing what is left of it.")
    _remove(site, found, console, sleep)
    return None


def _execute(
    site: _Site,
    change_set: ChangeSet,
    template: Mapping[str, Any],
    console: Console,
    sleep: Callable[[float], None],
) -> None:
    """Execute a change set and wait for the end; raise StackError with the cause when it is not the wanted one.

    RetainExceptOnCreate, because function versions are retained: without it, those that a failed deployment had
    already published would stay for ever.
    """
    before = stack_events.newest_event(site.cloudformation, change_set.stack_id)
    site.cloudformation.execute_change_set(
        ChangeSetName=change_set.arn,
        StackName=change_set.stack_id,
        DisableRollback=False,
        RetainExceptOnCreate=True,
        ClientRequestToken=uuid.uuid4().hex,
    )
    verb = "Creating" if change_set.is_new_stack else "Updating"
    outcome = _follow(site, change_set.stack_id, before, verb, console, sleep)
    if outcome.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return
    cause = _cause(site, change_set.stack_id, outcome, template)
    after = (
        "CloudFormation has undone all of it. Mend the cause, then run `fab` again."
        if outcome.status in _UNDONE
        else site.advice(outcome.status, "fab")
    )
    raise StackError(f"{site.name} could not be deployed: {cause}\n{after}")


def _cause(site: _Site, stack_id: str, outcome: Outcome, template: Mapping[str, Any]) -> str:
    """Return why an operation failed, with the findings of CloudFormation's validation if it was that."""
    cause = stack_events.explain_failure(outcome.events, template)
    if "DescribeEvents" not in cause:
        return cause
    operation_id = next(
        (event.operation_id for event in outcome.events if event.status.endswith("_FAILED")), None
    )
    where = {"OperationId": operation_id} if operation_id else {"StackName": stack_id}
    return f"{cause}\n{stack_events.validation_details(site.cloudformation, where, template)}"


def _remove(site: _Site, found: Mapping[str, Any], console: Console, sleep: Callable[[float], None]) -> None:
    """Delete a stack and wait until it is gone; raise StackError with the cause when it stays."""
    stack_id = found["StackId"]
    before = stack_events.newest_event(site.cloudformation, stack_id)
    site.cloudformation.delete_stack(StackName=stack_id, ClientRequestToken=uuid.uuid4().hex)
    outcome = _follow(site, stack_id, before, "Deleting", console, sleep)
    if outcome.status != "DELETE_COMPLETE":
        cause = stack_events.explain_failure(outcome.events, {})
        raise StackError(
            f"{site.name} could not be deleted: {cause}\nMend the cause, then run `fab delete` again."
        )


def _follow(
    site: _Site,
    stack_id: str,
    before: str | None,
    verb: str,
    console: Console,
    sleep: Callable[[float], None],
) -> Outcome:
    title = f"{verb} the stack {site.settings.stack_name}"
    try:
        return stack_events.follow(site.cloudformation, stack_id, before, title, console, sleep)
    except KeyboardInterrupt:
        console.step(f"{title} goes on in AWS. {site.watch()}")
        raise


def _change_line(change: Change, template: Mapping[str, Any]) -> str:
    source = stack_events.source_of(change.logical_id, template) or change.resource_type
    suffix = {"True": ", replaced", "Conditional": ", perhaps replaced"}.get(change.replacement, "")
    return f"  {change.action} {change.logical_id} ({source}){suffix}"


def _named(account: Account, settings: Settings) -> str:
    return f"The stack {settings.stack_name} in {account.account_id}/{account.region}"
