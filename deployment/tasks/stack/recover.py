"""`fab recover`: takes up again the rollback of an update that CloudFormation could not finish, UPDATE_ROLLBACK_FAILED.

Names what keeps the stack, asks, and follows the rollback to its end. Which resources are skipped is for a person to say:
CloudFormation takes those for rolled back and does not touch them, so that the stack may say of them what is not so.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deployment.aws.installation import Installation
from deployment.cloudformation import events as stack_events
from deployment.cloudformation import failures, lookup, races, stack, statuses
from deployment.cloudformation.events import Event, OperationState
from deployment.console import Console, require_terminal, require_yes
from deployment.errors import ConfigurationError, StackError
from deployment.text import nearest_name

_NOTHING_DONE = "Nothing was recovered:"


def recover(installation: Installation, skip: Sequence[str], console: Console, yes: bool = False) -> None:
    """Roll a stuck stack back to where it was before the update that failed, but for the resources in `skip`.

    Raises Declined when the answer is not yes, or when nobody is there to ask and `yes` is false; ConfigurationError for a
    name in `skip` that does not keep the stack; StackError when there is nothing to recover in a stack that is not healthy
    either, and when the rollback fails again.
    """
    description = lookup.find(installation)
    status = description["StackStatus"] if description else None
    if description is None or status != statuses.RECOVERABLE:
        _report_nothing(installation, status, console)
        return
    template = lookup.readable_template(installation, description)
    events = stack_events.last_operation(installation.cloudformation, description["StackId"])
    require_blocking(skip, [event.logical_id for event in failures.blocking_events(events)])
    console.step("\n".join(introduction(installation.stack_title, events, template, skip)))
    if not yes:
        _confirm(installation, console)
    end = _continue(installation, description["StackId"], skip, template, console)
    if end.status != statuses.RECOVERED:
        raise StackError(lookup.advice(installation, end.status, "fab", template))
    console.say(ending(installation.stack_title, skip))


def skipped_names(text: str | None) -> tuple[str, ...]:
    """Return the logical ids in `--skip`, each once; raise ConfigurationError for what cannot be any."""
    if text is None:
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(re.fullmatch(r"[A-Za-z0-9]+", name) for name in names):
        raise ConfigurationError(
            f"--skip is {text!r}: expected names of resources with commas between them, such as WorkBucket,CopyKeysRole"
        )
    return names


def require_blocking(skip: Sequence[str], blocking: Sequence[str]) -> None:
    """Raise ConfigurationError for the first name that does not keep the stack.

    Where the events do not tell what keeps it (they are kept for 90 days), CloudFormation alone judges the names.
    """
    unknown = next((name for name in skip if name not in blocking), None)
    if not blocking or unknown is None:
        return
    by_lower_case = {name.lower(): name for name in blocking}
    nearest = nearest_name(unknown.lower(), by_lower_case)
    guess = f" Did you mean {by_lower_case[nearest]}?" if nearest else ""
    raise ConfigurationError(
        f"--skip names {unknown}.{guess} Only what keeps the stack can be skipped: {', '.join(blocking)}. "
        "Nothing was changed."
    )


def introduction(
    name: str, events: Sequence[Event], template: Mapping[str, Any], skip: Sequence[str]
) -> list[str]:
    """Return what keeps the stack, and what will be done about it, a line each."""
    reasons = statuses.blocking_reasons(events, template)
    skipped = [
        f"Skipped: {', '.join(skip)}. CloudFormation counts that as rolled back without touching it: it stays as it is."
    ]
    return [
        f"{name} is stuck ({statuses.RECOVERABLE}){':' if reasons else '.'}",
        *reasons,
        *(skipped if skip else []),
        f"CloudFormation tries {'the rest' if skip else 'all of it'} again; what is not fixed yet will fail again.",
    ]


def ending(name: str, skip: Sequence[str]) -> str:
    """Return what was reached and what to do next."""
    look = f"Look at {', '.join(skip)} first: CloudFormation counts it as what it was before the update. "
    return f"{name}: {statuses.RECOVERED}. {look if skip else ''}Run `fab` to deploy this folder."


def _report_nothing(installation: Installation, status: str | None, console: Console) -> None:
    """Say so where all is well; raise StackError with the same words where it is not."""
    sentence = statuses.nothing_to_recover(installation.stack_title, status, installation.cli_flags)
    if status not in statuses.HEALTHY:
        raise StackError(sentence)
    console.say(sentence)


def _confirm(installation: Installation, console: Console) -> None:
    require_terminal(console, _NOTHING_DONE, "To recover without asking: fab recover --yes")
    require_yes(
        console, f"Continue rolling back {installation.stack_name} in {installation.place}?", _NOTHING_DONE
    )


def _continue(
    installation: Installation,
    stack_id: str,
    skip: Sequence[str],
    template: Mapping[str, Any],
    console: Console,
) -> OperationState:
    operation = stack.new_operation(installation, stack_id, "Rolling back")
    options = {"ResourcesToSkip": list(skip)} if skip else {}
    with races.explained(installation, stack_id, "fab recover"):
        installation.cloudformation.continue_update_rollback(
            StackName=stack_id, ClientRequestToken=operation.token, **options
        )
    return stack.follow(installation, operation, template, "fab", console)
