"""Makes the change set of a deployment, reads what it would do, and leaves none behind that will not be executed.

The part of `stack` before anything is changed. What is deployed is compared with what is wanted first, which is one call
instead of a change set that has to be made, waited for and deleted. A change set for a stack that does not exist makes an
empty one (REVIEW_IN_PROGRESS) as a side effect; throwing such a change set away removes that stack too.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import error_code, is_denied
from deployment.aws.installation import Installation
from deployment.cloudformation import deployment_bucket, events, failures, races
from deployment.cloudformation.changes import Change, canonical_json, from_change_set
from deployment.cloudformation.events import POLL_SECONDS
from deployment.errors import StackError
from deployment.project.tags import own_tags, upper_case_list

NAME_PREFIX = "syncbuckets-"

BODY_MAX_BYTES = 51_200
TEMPLATE_MAX_BYTES = 1_000_000
"""Of the template's text in UTF-8: in a call, and at a URL ("1 MB").
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

_COMPARABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
"""After these the deployed template is the one that GetTemplate returns. After a rollback we rather ask for a change set."""

_DYNAMIC_VALUES = (
    "{{resolve:",
    '"Fn::Transform"',
    '"Fn::ImportValue"',
    '"Fn::GetStackOutput"',
    '"AWS::Include"',
)
"""References to values outside the template: those may have changed while its text has not."""

DELETE_ATTEMPTS = 15
"""Half a minute; most change sets of ours are made in less."""

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be executed."""

    arn: str
    stack_id: str
    is_new_stack: bool
    changes: tuple[Change, ...]


def is_deployed(
    installation: Installation,
    template: Mapping[str, Any],
    description: Mapping[str, Any],
    deployed: Mapping[str, Any] | None = None,
) -> bool:
    """Whether a stack (`description`: its description by DescribeStacks) certainly has this template and these tags.

    A change set would be empty then. False whenever that is not certain: a change set decides. `deployed` is the stack's
    template, where that has been read already.
    """
    text = canonical_json(template)
    if (
        description["StackStatus"] not in _COMPARABLE
        or own_tags(description) != installation.tags
        or description.get("Parameters")
        or template.get("Parameters")
        or any(words in text for words in _DYNAMIC_VALUES)
    ):
        return False
    deployed = deployed or deployed_template(installation, description)
    return deployed is not None and canonical_json(deployed) == text


def deployed_template(installation: Installation, description: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the template of a stack as it was sent, None where it may not be read or is none of ours.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
    """
    cloudformation = installation.cloudformation
    try:
        body = cloudformation.get_template(StackName=description["StackId"], TemplateStage="Original")[
            "TemplateBody"
        ]
    except ClientError as error:
        if is_denied(error):
            return None  # a policy from before this call was made: a change set does as well, only slower
        raise
    return json.loads(json.dumps(body)) if isinstance(body, Mapping) else None  # plain dictionaries


def can_be_sent(template: Mapping[str, Any]) -> bool:
    """Whether a template can be sent in a call, so that a change set needs no upload."""
    return len(_text(template).encode()) <= BODY_MAX_BYTES


def create(installation: Installation, template: Mapping[str, Any], is_new_stack: bool) -> ChangeSet | None:
    """Return a change set for the template, None when there is nothing to change (and nothing is left of it).

    Raises StackError with CloudFormation's reason when it refuses the template.
    """
    cloudformation = installation.cloudformation
    change_set = _request(installation, template, is_new_stack)
    try:
        with races.explained(installation, change_set.stack_id, "fab"):
            status, reason, changes = _wait(installation, change_set)
        if status.startswith("DELETE_"):  # AWS removes the others when one change set is executed
            raise StackError(races.sentence(installation, change_set.stack_id, "fab"))
        problem = (
            "" if status == "CREATE_COMPLETE" else _problem(cloudformation, change_set, reason, template)
        )
        if status == "CREATE_COMPLETE" and not can_be_sent(template):
            _require_our_template(installation, change_set, template)
    except BaseException:
        discard(installation, change_set)
        raise
    if status == "CREATE_COMPLETE":
        return ChangeSet(change_set.arn, change_set.stack_id, is_new_stack, changes)
    discard(installation, change_set)
    if any(text in reason for text in _NO_CHANGES):
        return None
    raise StackError(f"CloudFormation refuses the template of the stack {installation.stack_name}: {problem}")


def _request(installation: Installation, template: Mapping[str, Any], is_new_stack: bool) -> ChangeSet:
    """Return a change set that CloudFormation has begun to make."""
    cloudformation = installation.cloudformation
    name = f"{NAME_PREFIX}{uuid.uuid4().hex}"
    argument = _template_argument(installation, template)
    try:
        with races.explained(installation, installation.stack_name, "fab"):
            made = cloudformation.create_change_set(
                StackName=installation.stack_name,
                ChangeSetName=name,
                ChangeSetType="CREATE" if is_new_stack else "UPDATE",
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                Tags=upper_case_list(installation.tags),
                ClientToken=name,
                **argument,
            )
    except KeyboardInterrupt:  # AWS may have made it all the same
        _discard_by_name(installation, name, is_new_stack)
        raise
    return ChangeSet(made["Id"], made["StackId"], is_new_stack, ())


def _require_our_template(
    installation: Installation, change_set: ChangeSet, template: Mapping[str, Any]
) -> None:
    """Raise StackError unless CloudFormation has read from the deployment bucket what was sent there.

    What is executed later is what it has read, so nothing can come between this and then.
    """
    answer = installation.cloudformation.get_template(
        ChangeSetName=change_set.arn, StackName=change_set.stack_id, TemplateStage="Original"
    )
    if canonical_json(answer["TemplateBody"]) != canonical_json(template):
        raise StackError(
            f"CloudFormation has read another template from the bucket {deployment_bucket.bucket_name(installation)} than the "
            "one that was sent there, so somebody else writes into it. Nothing was changed. Find out who may do that "
            "(docs/permissions.md), then run `fab` again."
        )


def discard(installation: Installation, change_set: ChangeSet) -> None:
    """Delete a change set that will not be executed, and the empty stack that was made for it.

    The stack stays where it is no longer empty, or has a change set of somebody else: two may begin at the same time.
    """
    cloudformation = installation.cloudformation
    description = events.describe(cloudformation, change_set.stack_id)
    if description is None:
        return
    is_empty = change_set.is_new_stack and description["StackStatus"] == "REVIEW_IN_PROGRESS"
    if not is_empty or not _is_only_one(cloudformation, change_set):
        _delete(installation, change_set)
        return
    cloudformation.delete_stack(StackName=change_set.stack_id)
    while description and description["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_IN_PROGRESS"):
        installation.clock.sleep(POLL_SECONDS)
        description = events.describe(cloudformation, change_set.stack_id)


def has_our_change_set(cloudformation: Any, stack_name: str) -> bool:
    """Whether one of a stack's change sets was made here. A stack that was never created does not show its tags."""
    summaries = cloudformation.list_change_sets(StackName=stack_name)["Summaries"]
    return any(summary["ChangeSetName"].startswith(NAME_PREFIX) for summary in summaries)


def _discard_by_name(installation: Installation, name: str, is_new_stack: bool) -> None:
    """Delete a change set whose making was interrupted, if it was made."""
    description = events.describe(installation.cloudformation, installation.stack_name)
    if description is not None:
        discard(installation, ChangeSet(name, description["StackId"], is_new_stack, ()))


def _is_only_one(cloudformation: Any, change_set: ChangeSet) -> bool:
    summaries = cloudformation.list_change_sets(StackName=change_set.stack_id)["Summaries"]
    return all(
        change_set.arn in (summary.get("ChangeSetId"), summary.get("ChangeSetName")) for summary in summaries
    )


def _delete(installation: Installation, change_set: ChangeSet) -> None:
    """Delete a change set; AWS refuses that while it is being made, and always once it is being executed."""
    cloudformation = installation.cloudformation
    for _ in range(DELETE_ATTEMPTS):
        try:
            cloudformation.delete_change_set(ChangeSetName=change_set.arn, StackName=change_set.stack_id)
            return
        except ClientError as error:
            code = error_code(error)
            if code.startswith("ChangeSetNotFound"):
                return
            if not code.startswith("InvalidChangeSetStatus"):
                raise
        installation.clock.sleep(POLL_SECONDS)


def _template_argument(installation: Installation, template: Mapping[str, Any]) -> dict[str, str]:
    """Return the template as text, or by its URL where the text is too long for a call."""
    text = _text(template)
    size_bytes = len(text.encode())
    if size_bytes <= BODY_MAX_BYTES:
        return {"TemplateBody": text}
    if size_bytes > TEMPLATE_MAX_BYTES:
        raise StackError(
            f"The template of the stack {installation.stack_name} would have {size_bytes:,} bytes, and CloudFormation takes "
            f"{TEMPLATE_MAX_BYTES:,} at most. Shorten the policies in lambda_functions/, or name "
            "fewer buckets in fabfile_config.py."
        )
    bucket = deployment_bucket.bucket_name(installation)
    return {"TemplateURL": deployment_bucket.upload_template(installation, bucket, text)}


def _text(template: Mapping[str, Any]) -> str:
    return json.dumps(template, separators=(",", ":"))


def _wait(installation: Installation, change_set: ChangeSet) -> tuple[str, str, tuple[Change, ...]]:
    """Return status, reason and changes of a change set once CloudFormation has made up its mind."""
    cloudformation = installation.cloudformation
    where = {
        "ChangeSetName": change_set.arn,
        "StackName": change_set.stack_id,
        "IncludePropertyValues": True,
    }
    while True:
        page = cloudformation.describe_change_set(**where)
        if page["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
        installation.clock.sleep(POLL_SECONDS)
    status, reason = page["Status"], page.get("StatusReason") or ""
    changes = [*page.get("Changes", ())]
    while page.get("NextToken"):
        page = cloudformation.describe_change_set(**where, NextToken=page["NextToken"])
        changes += page.get("Changes", ())
    return status, reason, tuple(from_change_set(item["ResourceChange"]) for item in changes)


def _problem(cloudformation: Any, change_set: ChangeSet, reason: str, template: Mapping[str, Any]) -> str:
    """Return why a change set failed; of early validation the reason only says where to look, so we look there."""
    if "EarlyValidation" not in reason:
        return failures.with_hint(reason, reason) if reason else "it gave no reason."
    where = {"ChangeSetName": change_set.arn}
    details = failures.validation_details(cloudformation, where, template)
    return f"{reason}\n{details}" if details else reason
