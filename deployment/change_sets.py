"""Makes the change set of a deployment, reads what it would do, and leaves none behind that will not be executed.

The part of `stack` before anything is changed. A change set for a stack that does not exist makes an empty one
(REVIEW_IN_PROGRESS) as a side effect; throwing such a change set away removes that stack too.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment import artifacts, stack_events, stack_failures
from deployment.account import Account
from deployment.errors import StackError
from deployment.settings import Settings
from deployment.stack_events import POLL_SECONDS
from deployment.tags import tags_of, upper_case_list

NAME_PREFIX = "syncbuckets-"

TEMPLATE_MAX_BYTES = 51_200
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html"""

DELETE_ATTEMPTS = 15
"""Half a minute; a change set of ours is mostly made in less."""

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Change:
    """What happens to one resource.

    `action` is Add, Modify, Remove, or Retain for what leaves the stack and stays; `replacement` is AWS's True, False or
    Conditional, "" where it does not apply.
    """

    action: str
    logical_id: str
    resource_type: str
    replacement: str = ""


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed."""

    arn: str
    stack_id: str
    is_new_stack: bool
    changes: tuple[Change, ...]


def create(
    account: Account,
    settings: Settings,
    template: Mapping[str, Any],
    is_new_stack: bool,
    sleep: Callable[[float], None],
) -> ChangeSet | None:
    """Return a change set for the template, None when there is nothing to change (and nothing is left of it).

    Raises StackError with CloudFormation's reason when it refuses the template.
    """
    cloudformation = account.client("cloudformation")
    change_set = _requested(account, settings, template, is_new_stack, sleep)
    try:
        status, reason, changes = _wait(cloudformation, change_set, sleep)
        problem = (
            "" if status == "CREATE_COMPLETE" else _problem(cloudformation, change_set, reason, template)
        )
    except BaseException:
        discard(cloudformation, change_set, sleep)
        raise
    if status == "CREATE_COMPLETE":
        return ChangeSet(change_set.arn, change_set.stack_id, is_new_stack, changes)
    discard(cloudformation, change_set, sleep)
    if any(text in reason for text in _NO_CHANGES):
        return None
    raise StackError(f"CloudFormation refuses the template of the stack {settings.stack_name}: {problem}")


def _requested(
    account: Account,
    settings: Settings,
    template: Mapping[str, Any],
    is_new_stack: bool,
    sleep: Callable[[float], None],
) -> ChangeSet:
    """Return a change set that CloudFormation has begun to make."""
    cloudformation = account.client("cloudformation")
    name = f"{NAME_PREFIX}{uuid.uuid4().hex}"
    argument = _template_argument(account, settings, template)
    try:
        made = cloudformation.create_change_set(
            StackName=settings.stack_name,
            ChangeSetName=name,
            ChangeSetType="CREATE" if is_new_stack else "UPDATE",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Tags=upper_case_list(tags_of(settings)),
            ClientToken=name,
            **argument,
        )
    except KeyboardInterrupt:  # AWS may have made it all the same
        _discard_by_name(cloudformation, settings.stack_name, name, is_new_stack, sleep)
        raise
    return ChangeSet(made["Id"], made["StackId"], is_new_stack, ())


def discard(cloudformation: Any, change_set: ChangeSet, sleep: Callable[[float], None]) -> None:
    """Delete a change set that will not be executed, and the empty stack that was made for it.

    The stack stays where it is no longer empty, or has a change set of somebody else: two may begin at the same time.
    """
    found = stack_events.describe(cloudformation, change_set.stack_id)
    if found is None:
        return
    is_empty = change_set.is_new_stack and found["StackStatus"] == "REVIEW_IN_PROGRESS"
    if not is_empty or not _is_only_one(cloudformation, change_set):
        _delete(cloudformation, change_set, sleep)
        return
    cloudformation.delete_stack(StackName=change_set.stack_id)
    while found and found["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_IN_PROGRESS"):
        sleep(POLL_SECONDS)
        found = stack_events.describe(cloudformation, change_set.stack_id)


def made_here(cloudformation: Any, stack_name: str) -> bool:
    """Whether one of a stack's change sets was made here. A stack that was never created does not show its tags."""
    summaries = cloudformation.list_change_sets(StackName=stack_name)["Summaries"]
    return any(summary["ChangeSetName"].startswith(NAME_PREFIX) for summary in summaries)


def _discard_by_name(
    cloudformation: Any, stack_name: str, name: str, is_new_stack: bool, sleep: Callable[[float], None]
) -> None:
    """Delete a change set whose making was interrupted, if it was made."""
    found = stack_events.describe(cloudformation, stack_name)
    if found is not None:
        discard(cloudformation, ChangeSet(name, found["StackId"], is_new_stack, ()), sleep)


def _is_only_one(cloudformation: Any, change_set: ChangeSet) -> bool:
    summaries = cloudformation.list_change_sets(StackName=change_set.stack_id)["Summaries"]
    return all(change_set.arn in (one.get("ChangeSetId"), one.get("ChangeSetName")) for one in summaries)


def _delete(cloudformation: Any, change_set: ChangeSet, sleep: Callable[[float], None]) -> None:
    """Delete a change set; AWS refuses that while it is being made, and for ever once it is being executed."""
    for _ in range(DELETE_ATTEMPTS):
        try:
            cloudformation.delete_change_set(ChangeSetName=change_set.arn, StackName=change_set.stack_id)
            return
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code.startswith("ChangeSetNotFound"):
                return
            if not code.startswith("InvalidChangeSetStatus"):
                raise
        sleep(POLL_SECONDS)


def _template_argument(account: Account, settings: Settings, template: Mapping[str, Any]) -> dict[str, str]:
    """Return the template as text, or by its URL where the text is too long for a call."""
    text = json.dumps(template, separators=(",", ":"))
    if len(text.encode()) <= TEMPLATE_MAX_BYTES:
        return {"TemplateBody": text}
    bucket = artifacts.bucket_name(account, settings)
    return {"TemplateURL": artifacts.upload_template(account, bucket, text)}


def _wait(
    cloudformation: Any, change_set: ChangeSet, sleep: Callable[[float], None]
) -> tuple[str, str, tuple[Change, ...]]:
    """Return status, reason and changes of a change set once CloudFormation has made up its mind."""
    where = {"ChangeSetName": change_set.arn, "StackName": change_set.stack_id}
    while True:
        page = cloudformation.describe_change_set(**where)
        if page["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
        sleep(POLL_SECONDS)
    status, reason = page["Status"], page.get("StatusReason") or ""
    changes = [*page.get("Changes", ())]
    while page.get("NextToken"):
        page = cloudformation.describe_change_set(**where, NextToken=page["NextToken"])
        changes += page.get("Changes", ())
    return status, reason, tuple(_change(item["ResourceChange"]) for item in changes)


def _change(record: Mapping[str, Any]) -> Change:
    is_kept = record["Action"] == "Remove" and record.get("PolicyAction") == "Retain"
    return Change(
        "Retain" if is_kept else record["Action"],
        record["LogicalResourceId"],
        record["ResourceType"],
        record.get("Replacement", ""),
    )


def _problem(cloudformation: Any, change_set: ChangeSet, reason: str, template: Mapping[str, Any]) -> str:
    """Return why a change set failed; of early validation the reason only says where to look, so we look there."""
    if "EarlyValidation" not in reason:
        return stack_failures.with_hint(reason, reason) if reason else "it gave no reason."
    where = {"ChangeSetName": change_set.arn}
    details = stack_failures.validation_details(cloudformation, where, template)
    return f"{reason}\n{details}" if details else reason
