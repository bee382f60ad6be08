"""Two people at one stack: who began its last operation, and the sentence for whoever came second.

Used by `stack`, `change_sets` and `lookup`. CloudFormation takes one operation at a time and tells the second by whatever it
finds first: the change set is gone, or obsolete, or the stack is busy, or it is no more. Those are one thing to a person.

Who began an operation stands in no answer of CloudFormation's, but every event repeats the ClientRequestToken of its
operation. So our tokens begin with a name, as those of the console begin with `Console-`:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.errors import error_code, error_message
from deployment.aws.installation import Installation
from deployment.cloudformation import events
from deployment.cloudformation.events import Event, Operation
from deployment.errors import StackError

MAX_NAME_CHARACTERS = 80
"""Of the 128 characters of a token, which has letters, digits and hyphens only:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html"""

_OUR_TOKEN = re.compile(r"fab-(.+)-[0-9a-f]{32}")
_CONSOLE = "Console-"

_LOST_CODES = ("ChangeSetNotFound", "InvalidChangeSetStatus", "OperationInProgress", "StaleRequest")
_LOST_WORDS = re.compile(
    r"\bin (?:status )?\[?[A-Z_]+_(?:IN_PROGRESS|COMPLETE|FAILED)\b|OBSOLETE"
    r"|^Stack\b.*\b(?:does not exist|already exists)",
    re.DOTALL,
)


def new_token(installation: Installation) -> str:
    """Return a token for an operation of whoever is signed in: `fab-ann-` and 32 hex digits."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", installation.account.caller_name).strip("-")[:MAX_NAME_CHARACTERS]
    return f"fab-{name or 'somebody'}-{uuid.uuid4().hex}"


def name_in(token: str) -> str:
    """Return who began the operation of a token, in words; "" where the token does not say."""
    found = _OUR_TOKEN.fullmatch(token)
    if found:
        return found[1]
    return "somebody in the CloudFormation console" if token.startswith(_CONSOLE) else ""


def whose(installation: Installation, stack: str) -> str:
    """Return who began the last operation on a stack (its name or id); "" where that is not known or may not be read."""
    return next(
        (name for event in reversed(_last_events(installation, stack)) if (name := name_in(event.token))), ""
    )


def is_lost(error: ClientError) -> bool:
    """Whether AWS refuses because the stack or the change set is no longer as it was when we looked."""
    code = error_code(error)
    if code == "ValidationError":
        return _LOST_WORDS.search(error_message(error)) is not None
    return code.startswith((*_LOST_CODES, "AlreadyExists"))


@contextmanager
def explained(installation: Installation, stack: str, task: str) -> Iterator[None]:
    """Raise StackError with `sentence` in place of a refusal inside that says that another operation was faster."""
    try:
        yield
    except ClientError as error:
        if not is_lost(error):
            raise
        raise StackError(sentence(installation, stack, task)) from error


def has_begun(installation: Installation, operation: Operation) -> bool:
    """Whether an operation has begun although AWS refused it: a call that is sent again is refused for the first one."""
    return any(event.token == operation.token for event in _last_events(installation, operation.stack_id))


def sentence(installation: Installation, stack: str, task: str) -> str:
    """Return that another operation was faster, whose, how far it is, and what to do; `stack` is a name or an id."""
    description = events.describe(installation.cloudformation, stack)
    status = description["StackStatus"] if description else "DELETE_COMPLETE"
    is_over = not status.endswith("_IN_PROGRESS")
    watch = "shows whether anything is still in progress" if is_over else "follows the other to its end"
    what = "A deletion" if status.startswith("DELETE") else "Another deployment"
    return (
        f"{what} of the stack {installation.title} was faster: {_begun_by(whose(installation, stack))}, and the stack is "
        f"in {status} now. This one was not carried out. `fab watch` {watch}; then run `{task}` again."
    )


def deleted_sentence(installation: Installation, stack_id: str) -> str:
    """Return that a stack was deleted while it was being deployed, and what to do."""
    return (
        f"{installation.stack_title} was deleted while it was being deployed: the deletion was "
        f"{_begun_by(whose(installation, stack_id)).removeprefix('it was ')}. Run `fab` again to create it anew."
    )


def _begun_by(who: str) -> str:
    return f"it was begun by {who}" if who else "it was begun by somebody whose name only CloudTrail knows"


def _last_events(installation: Installation, stack: str) -> tuple[Event, ...]:
    """Return the events of the last operation; none where they may not be read, which hinders no sentence."""
    try:
        return events.last_operation(installation.cloudformation, stack)
    except (ClientError, BotoCoreError):
        return ()
