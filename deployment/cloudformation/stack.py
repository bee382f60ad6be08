"""Brings the CloudFormation stack into the wanted state, or removes it.

Comes after the zips have been uploaded and before the state machine is created from the stack's outputs. `lookup`
finds, `change_sets` prepares, `events` follows, `event_view` shows, `failures` explains, `statuses` knows
what to do in which status; this module puts them together. Nothing to do is success and leaves nothing behind. Only what a
failed first creation left, and only with our tag, is removed without being asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.installation import Installation
from deployment.cloudformation import change_sets, event_view, events, failures, lookup, races, statuses
from deployment.cloudformation.change_sets import ChangeSet
from deployment.cloudformation.changes import Change, loses_function, lost_functions
from deployment.cloudformation.events import Operation, OperationState
from deployment.cloudformation.lookup import (
    CurrentStack,
    find,
    find_deletable,
    is_leftover,
    outputs_of,
    readable_template,
)
from deployment.console import Console
from deployment.errors import StackError


@dataclass(frozen=True)
class DeployedStack:
    """The stack after a deployment: its outputs, and what this deployment changed.

    `protection_changed` tells apart what is no change of a resource: whether the stack may be deleted.
    """

    name: str
    outputs: Mapping[str, str]
    changed: bool
    changes: tuple[Change, ...]
    protection_changed: bool = False


def deploy(
    installation: Installation,
    template: Mapping[str, Any],
    present: CurrentStack,
    console: Console,
    may_lose: Callable[[tuple[str, ...]], None] = lambda functions: None,
) -> DeployedStack:
    """Create or update the stack from a template, whose zips are uploaded, and return it.

    `may_lose` is called with the names of the functions that will go, right before the change set is executed, and raises
    where they may not. Raises StackError when CloudFormation refuses or fails.
    """
    description = _remove_leftover(installation, present.description, console)
    change_set = None
    if not present.is_up_to_date:
        change_set = change_sets.create(installation, template, description is None)
    if change_set is not None:
        for line in event_view.change_lines(change_set, template):
            console.step(line)
        lost = _lost_functions(installation, description, change_set)
        _execute(installation, change_set, template, console, lambda: may_lose(lost))
        description = events.describe(installation.cloudformation, change_set.stack_id)
    _require_outputs(installation, template, description)
    with races.explained(installation, installation.stack_name, "fab"):
        protected = _apply_protection(installation, description, console)
    changes = change_set.changes if change_set else ()
    return DeployedStack(
        installation.stack_name, outputs_of(description), change_set is not None, changes, protected
    )


def delete(installation: Installation, console: Console) -> bool:
    """Delete the stack and wait for its end; return False when there was none.

    Raises StackError when it is not ours, busy, or cannot be deleted.
    """
    description = find_deletable(installation)
    if description is not None:
        _remove(installation, description, "fab delete", console)
    return description is not None


def watch(installation: Installation, console: Console) -> None:
    """Follow the operation in progress to its end, whoever started it; changes nothing.

    Raises StackError with the cause when it ends badly.
    """
    description = find(installation)
    if description is None:
        console.say(f"{installation.stack_title} does not exist, so there is nothing to follow; run: fab")
        return
    status = description["StackStatus"]
    if not statuses.is_busy(status):
        console.say(f"{installation.stack_title}: no operation is in progress ({status}).")
        return
    who = races.whose(installation, description["StackId"])
    title = f"Following the stack {installation.stack_name} ({status}{f', begun by {who}' if who else ''})"
    operation = events.running_operation(installation.cloudformation, description["StackId"], title)
    task = "fab delete" if status == "DELETE_IN_PROGRESS" else "fab"
    template = readable_template(installation, description)
    end = follow(installation, operation, template, task, console)
    if not statuses.has_recovered(end):
        _raise_unless_successful(installation, end, operation.stack_id, template)
    console.say(f"{installation.stack_title}: {end.status}. Run `{task}` again: it does what is left to do.")


def _lost_functions(
    installation: Installation, description: Mapping[str, Any] | None, change_set: ChangeSet
) -> tuple[str, ...]:
    """Return the names of the functions that a change set takes away; the deployed template is read only if there are any."""
    if description is None or not any(map(loses_function, change_set.changes)):
        return ()
    return lost_functions(change_set.changes, readable_template(installation, description))


def _require_outputs(
    installation: Installation, template: Mapping[str, Any], description: Mapping[str, Any] | None
) -> None:
    """Raise StackError where the stack is not what the template makes of it: somebody has changed or deleted it since."""
    if description is None or not template.get("Outputs", {}).keys() <= outputs_of(description).keys():
        raise StackError(races.sentence(installation, installation.stack_name, "fab"))


def _remove_leftover(
    installation: Installation, description: dict[str, Any] | None, console: Console
) -> dict[str, Any] | None:
    """Return the stack that can be updated, None where one can be created; remove what never came to be."""
    if description is None or not is_leftover(description):
        return description
    console.step(
        f"{installation.stack_title} was never created ({description['StackStatus']}); removing what is left of it."
    )
    _remove(installation, description, "fab", console)
    return None


def _execute(
    installation: Installation,
    change_set: ChangeSet,
    template: Mapping[str, Any],
    console: Console,
    require_allowed: Callable[[], None],
) -> None:
    """Execute a change set and wait for the end; raise StackError with the cause when it is not the wanted one.

    RetainExceptOnCreate, because function versions are retained: without it, those that a failed deployment had
    already published would never be removed.
    """
    verb = "Creating" if change_set.is_new_stack else "Updating"
    try:
        operation = new_operation(installation, change_set.stack_id, verb, len(change_set.changes))
        require_allowed()
        _begin(installation, change_set, operation)
    except StackError:  # where another was faster, AWS may be removing what is left of ours at this moment
        with suppress(ClientError):
            change_sets.discard(installation, change_set)
        raise
    except BaseException:
        change_sets.discard(installation, change_set)
        raise
    end = follow(installation, operation, template, "fab", console)
    if end.status == "DELETE_COMPLETE":
        raise StackError(races.deleted_sentence(installation, change_set.stack_id))
    _raise_unless_successful(installation, end, change_set.stack_id, template)


def _begin(installation: Installation, change_set: ChangeSet, operation: Operation) -> None:
    """Execute a change set; raise StackError when another operation was faster."""
    try:
        installation.cloudformation.execute_change_set(
            ChangeSetName=change_set.arn,
            StackName=change_set.stack_id,
            DisableRollback=False,
            RetainExceptOnCreate=True,
            ClientRequestToken=operation.token,
        )
    except ClientError as error:
        if not races.is_lost(error):
            raise
        if not races.has_begun(installation, operation):
            raise StackError(races.sentence(installation, change_set.stack_id, "fab")) from error


def new_operation(
    installation: Installation, stack_id: str, verb: str, resources: int | None = None
) -> Operation:
    """Return an operation that is to begin now."""
    before = events.newest_event(installation.cloudformation, stack_id)
    title = f"{verb} the stack {installation.stack_name}"
    return Operation(stack_id, title, before, races.new_token(installation), resources)


def _raise_unless_successful(
    installation: Installation, end: OperationState, stack_id: str, template: Mapping[str, Any]
) -> None:
    """Raise StackError with the cause, and what to do, if an operation has not ended well."""
    status = end.status
    if status in statuses.SUCCESSFUL:
        return
    if status == "DELETE_FAILED":
        raise StackError(lookup.advice(installation, status, "fab delete", template))
    cause = failures.cause(installation.cloudformation, stack_id, end.events, template)
    if status in (*statuses.HEALTHY, *statuses.NEVER_CREATED):
        undone = "CloudFormation has rolled everything back. " if status.endswith("ROLLBACK_COMPLETE") else ""
        after = f"{undone}Fix the cause, then run `fab` again."
    else:
        after = lookup.advice(installation, status, "fab", template)
    raise StackError(f"{installation.stack_title} could not be deployed: {cause}\n{after}")


def _remove(installation: Installation, description: Mapping[str, Any], task: str, console: Console) -> None:
    """Delete a stack and wait until it is gone; raise StackError with the cause when it stays."""
    template = readable_template(installation, description)
    operation = new_operation(installation, description["StackId"], "Deleting")
    with races.explained(installation, operation.stack_id, task):
        installation.cloudformation.delete_stack(
            StackName=operation.stack_id, ClientRequestToken=operation.token
        )
    end = follow(installation, operation, template, "fab delete", console)
    _raise_unless_successful(installation, end, operation.stack_id, template)


def follow(
    installation: Installation, operation: Operation, template: Mapping[str, Any], task: str, console: Console
) -> OperationState:
    """Show an operation to its end; whoever stops watching learns that it continues, and how to come back to it."""
    try:
        states = events.follow(installation, operation)
        return event_view.show(states, operation, template, console)
    except (KeyboardInterrupt, ClientError, BotoCoreError):
        console.step(
            f"The operation continues in AWS. `fab watch` follows it to its end; then run `{task}` again."
        )
        raise


def _apply_protection(
    installation: Installation, description: Mapping[str, Any] | None, console: Console
) -> bool:
    """Make the stack as protected as the settings say; return whether that had to be done."""
    if description is None or not lookup.protection_differs(installation.settings, description):
        return False
    wanted = installation.settings.termination_protection
    installation.cloudformation.update_termination_protection(
        StackName=description["StackId"], EnableTerminationProtection=wanted
    )
    console.step(
        f"Termination protection of the stack {installation.stack_name} is {'on' if wanted else 'off'} now."
    )
    return True
