"""Brings the CloudFormation stack into the wanted state, or removes it.

Comes after the zips have been uploaded and before the state machine is created from the stack's outputs. `lookup`
finds, `change_sets` prepares, `events` follows, `event_view` shows, `failures` explains, `statuses` knows
what to do in which status; this module puts them together. Nothing to do is success and leaves nothing behind. Only what a
failed first creation left, and only with our tag, is removed without being asked for.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.account import Account
from deployment.cloudformation import change_sets, event_view, events, failures, lookup, statuses
from deployment.cloudformation.change_sets import ChangeSet
from deployment.cloudformation.changes import Change
from deployment.cloudformation.events import Operation, Outcome
from deployment.cloudformation.lookup import (
    Present,
    Site,
    find,
    find_deletable,
    is_leftover,
    outputs_of,
    readable_template,
)
from deployment.console import Console
from deployment.errors import StackError
from deployment.project.settings import Settings


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
    present: Present,
    console: Console,
    sleep: Callable[[float], None] = time.sleep,
) -> Stack:
    """Create or update the stack from a template, whose zips are uploaded, and return it.

    Raises StackError when CloudFormation refuses or fails.
    """
    site = Site(account, settings)
    found = _cleared(site, present.found, console, sleep)
    change_set = None
    if not present.is_as_wanted:
        change_set = change_sets.create(account, settings, template, found is None, sleep)
    if change_set is not None:
        for line in event_view.change_lines(change_set, template):
            console.step(line)
        _execute(site, change_set, template, console, sleep)
        found = events.describe(site.cloudformation, change_set.stack_id)
    protected = _apply_protection(account, settings, found, console)
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
        _remove(Site(account, settings), found, console, sleep)
    return found is not None


def watch(
    account: Account, settings: Settings, console: Console, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Follow what is going on with the stack to its end, whoever began it; changes nothing.

    Raises StackError with the cause when it ends badly.
    """
    site = Site(account, settings)
    found = find(account, settings)
    status = found["StackStatus"] if found else "there is none"
    if found is None or not statuses.is_busy(status):
        console.result(f"{site.name}: nothing is going on ({status}).")
        return
    title = f"Following the stack {settings.stack_name} ({status})"
    operation = events.running_operation(site.cloudformation, found["StackId"], title)
    task = "fab delete" if status == "DELETE_IN_PROGRESS" else "fab"
    template = readable_template(site, found)
    outcome = follow(site, operation, template, task, console, sleep)
    if not statuses.has_recovered(outcome):
        _demand(site, outcome, operation.stack_id, template)
    console.result(f"{site.name}: {outcome.status}. Run `{task}` again: it does what is left to do.")


def _cleared(
    site: Site, found: dict[str, Any] | None, console: Console, sleep: Callable[[float], None]
) -> dict[str, Any] | None:
    """Return the stack that can be updated, None where one can be created; remove what never came to be."""
    if found is None or not is_leftover(found):
        return found
    console.step(f"{site.name} was never created ({found['StackStatus']}); removing what is left of it.")
    _remove(site, found, console, sleep)
    return None


def _execute(
    site: Site,
    change_set: ChangeSet,
    template: Mapping[str, Any],
    console: Console,
    sleep: Callable[[float], None],
) -> None:
    """Execute a change set and wait for the end; raise StackError with the cause when it is not the wanted one.

    RetainExceptOnCreate, because function versions are retained: without it, those that a failed deployment had
    already published would stay for ever.
    """
    verb = "Creating" if change_set.is_new_stack else "Updating"
    try:
        operation = begun(site, change_set.stack_id, verb, len(change_set.changes))
        site.cloudformation.execute_change_set(
            ChangeSetName=change_set.arn,
            StackName=change_set.stack_id,
            DisableRollback=False,
            RetainExceptOnCreate=True,
            ClientRequestToken=operation.token,
        )
    except BaseException:
        change_sets.discard(site.cloudformation, change_set, sleep)
        raise
    outcome = follow(site, operation, template, "fab", console, sleep)
    _demand(site, outcome, change_set.stack_id, template)


def begun(site: Site, stack_id: str, verb: str, resources: int | None = None) -> Operation:
    """Return an operation that is to begin now."""
    before = events.newest_event(site.cloudformation, stack_id)
    title = f"{verb} the stack {site.settings.stack_name}"
    return Operation(stack_id, title, before, uuid.uuid4().hex, resources)


def _demand(site: Site, outcome: Outcome, stack_id: str, template: Mapping[str, Any]) -> None:
    """Raise StackError with the cause, and what to do, if an operation has not ended as it should."""
    status = outcome.status
    if status in statuses.WANTED:
        return
    if status == "DELETE_FAILED":
        raise StackError(site.advice(status, "fab delete", template))
    cause = failures.cause(site.cloudformation, stack_id, outcome.events, template)
    if status in (*statuses.HEALTHY, *statuses.NEVER_CREATED):
        undone = "CloudFormation has undone all of it. " if status.endswith("ROLLBACK_COMPLETE") else ""
        after = f"{undone}Mend the cause, then run `fab` again."
    else:
        after = site.advice(status, "fab", template)
    raise StackError(f"{site.name} could not be deployed: {cause}\n{after}")


def _remove(site: Site, found: Mapping[str, Any], console: Console, sleep: Callable[[float], None]) -> None:
    """Delete a stack and wait until it is gone; raise StackError with the cause when it stays."""
    template = readable_template(site, found)
    operation = begun(site, found["StackId"], "Deleting")
    site.cloudformation.delete_stack(StackName=operation.stack_id, ClientRequestToken=operation.token)
    outcome = follow(site, operation, template, "fab delete", console, sleep)
    _demand(site, outcome, operation.stack_id, template)


def follow(
    site: Site,
    operation: Operation,
    template: Mapping[str, Any],
    task: str,
    console: Console,
    sleep: Callable[[float], None],
) -> Outcome:
    """Show an operation to its end; whoever stops watching is told that it goes on, and how to come back to it."""
    try:
        outcomes = events.follow(site.cloudformation, operation, sleep)
        return event_view.show(outcomes, operation, template, console)
    except (KeyboardInterrupt, ClientError, BotoCoreError):
        console.step(
            f"CloudFormation goes on in AWS. `fab watch` follows it to its end; then run `{task}` again."
        )
        raise


def _apply_protection(
    account: Account, settings: Settings, found: Mapping[str, Any] | None, console: Console
) -> bool:
    """Make the stack as protected as the settings say; return whether that had to be done."""
    if found is None or not lookup.protection_differs(settings, found):
        return False
    wanted = settings.termination_protection
    account.client("cloudformation").update_termination_protection(
        StackName=found["StackId"], EnableTerminationProtection=wanted
    )
    console.step(
        f"Termination protection of the stack {settings.stack_name} is {'on' if wanted else 'off'} now."
    )
    return True
