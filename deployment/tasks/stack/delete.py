"""Takes away what a deployment made, for `fab delete`: state machines, work bucket, stack.

The reverse of the pipeline, schedules first. What is planned is shown before anything happens. Never touched: the
synchronised buckets, and the deployment bucket, which holds nothing but zips and is needed to roll back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import error_code
from deployment.aws.installation import Installation
from deployment.cloudformation import deployment_bucket, lookup, stack
from deployment.console import Console, require_terminal
from deployment.errors import Declined, StackError
from deployment.project.settings import Settings
from deployment.schedules import steps as schedule_steps
from deployment.step_functions import listing
from deployment.step_functions import state_machines as machines
from deployment.step_functions.listing import Machine

WORK_BUCKET_ID = "WorkBucket"
"""The logical id of the work bucket in the template."""

_MAX_LISTED = 10


@dataclass(frozen=True)
class Deletion:
    """All that will be deleted; `running_executions` are ARNs, `work_bucket` is None where there is none (any more).

    `unknown_machines` stay: their names are like ours, and their tags may not be read.
    """

    stack_exists: bool
    machines: tuple[Machine, ...]
    running_executions: tuple[str, ...]
    work_bucket: str | None
    unknown_machines: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to delete."""
        return not (self.stack_exists or self.machines)


def delete(installation: Installation, console: Console, yes: bool = False) -> None:
    """Delete everything but the deployment bucket and the synchronised buckets, after asking.

    Raises Declined when the answer is not the stack's name, or when nobody is there to ask and `yes` is false.
    """
    plan = _plan_deletion(installation)
    if plan.is_empty:
        console.say(f"{installation.title}: there is nothing to delete.")
        return
    console.step(describe(installation, plan))
    _confirm(installation.settings, console, yes)
    if plan.schedules:  # first, so that none starts anything while the rest goes
        schedule_steps.delete_all(installation, lookup.outputs_of(lookup.find_deletable(installation)))
    machines.delete_all(installation, plan.machines)
    if plan.work_bucket:
        _empty_bucket(installation, plan.work_bucket, console)
    stack.delete(installation, console)
    console.say(f"{installation.title}: deleted. {_kept_sentence(installation)}")


def describe(installation: Installation, plan: Deletion) -> str:
    """Return what will be deleted and what will stay, as a person reads it before saying yes."""
    lines = [f"This is deleted from {installation.short_place}:"]
    lines += [f"  the stack {installation.stack_name}"] if plan.stack_exists else []
    lines += _name_lines("the schedule of", list(plan.schedules))
    lines += _name_lines("state machine", [machine.name for machine in plan.machines])
    lines += _name_lines("RUNNING execution, which is stopped:", _short_names(plan.running_executions))
    lines += (
        [f"  the work bucket {plan.work_bucket} with the reports of all runs"] if plan.work_bucket else []
    )
    unknown = _name_lines("state machine", list(plan.unknown_machines))
    lines += ["Not touched, as their tags may not be read:", *unknown] if unknown else []
    return "\n".join([*lines, _kept_sentence(installation)])


def _plan_deletion(installation: Installation) -> Deletion:
    described = lookup.find_deletable(installation)
    exists = described is not None
    found = listing.list_all(installation)
    running = listing.running(installation, found.ours)
    bucket = _work_bucket(installation) if exists else None
    schedules = tuple(schedule_steps.states(installation, lookup.outputs_of(described)))
    return Deletion(exists, found.ours, running, bucket, found.unknown, schedules)


def _confirm(settings: Settings, console: Console, yes: bool) -> None:
    if yes:
        return
    require_terminal(console, "Nothing was deleted:", "To delete without asking: fab delete --yes")
    answer = console.ask(f"Type {settings.stack_name} to delete it:")
    if answer != settings.stack_name:
        raise Declined(f"Nothing was deleted: the answer was not {settings.stack_name}.")


def _work_bucket(installation: Installation) -> str | None:
    """Return the work bucket's name; a stack that failed half-way has no outputs, but knows its resources."""
    try:
        detail = installation.cloudformation.describe_stack_resource(
            StackName=installation.stack_name, LogicalResourceId=WORK_BUCKET_ID
        )["StackResourceDetail"]
    except ClientError as error:
        if error_code(error) == "ValidationError":
            return None
        raise
    is_gone = detail["ResourceStatus"] == "DELETE_COMPLETE"
    return None if is_gone else detail.get("PhysicalResourceId") or None


def _empty_bucket(installation: Installation, bucket: str, console: Console) -> None:
    """Delete every object and every version; CloudFormation only deletes an empty bucket."""
    s3, owner = installation.client("s3"), installation.account_id
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, ExpectedBucketOwner=owner)
    done = 0
    with console.progress(f"Emptying {bucket}") as progress:
        try:
            for page in pages:
                _delete_page(s3, bucket, owner, [*page.get("Versions", ()), *page.get("DeleteMarkers", ())])
                done += len(page.get("Versions", ()))
                progress.update(f"{done:,} objects deleted")
        except s3.exceptions.NoSuchBucket:
            return


def _delete_page(s3: Any, bucket: str, owner: str, versions: Iterable[dict[str, Any]]) -> None:
    """Delete at most 1,000 versions, which is what a page of the listing has."""
    names = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
    if not names:
        return
    answer = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": names, "Quiet": True}, ExpectedBucketOwner=owner
    )
    if answer.get("Errors"):
        first = answer["Errors"][0]
        raise StackError(
            f"The work bucket {bucket} could not be emptied: {first['Key']}: {first['Code']}: {first['Message']}"
        )


def _name_lines(what: str, names: list[str]) -> list[str]:
    """Return a line for each name, and one for all that are too many to read."""
    lines = [f"  {what} {name}" for name in names[:_MAX_LISTED]]
    rest = len(names) - _MAX_LISTED
    return [*lines, f"  and {rest:,} more"] if rest > 0 else lines


def _short_names(execution_arns: Iterable[str]) -> list[str]:
    return [" ".join(arn.rsplit(":", 2)[1:]) for arn in execution_arns]


def _kept_sentence(installation: Installation) -> str:
    bucket = deployment_bucket.bucket_name(installation)
    return (
        f"Kept: the deployment bucket {bucket}, which has the zips of the functions (docs/deploying.md says how to remove it), "
        "and every bucket that was synchronised."
    )
