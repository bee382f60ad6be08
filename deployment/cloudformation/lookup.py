"""The stack as it is now: finds it, and says whether and how it can be worked on. Only reads.

The part of `stack` before anything is made. A stack of our name that is not ours is an error for all who look for it.
`read_deployable` comes before the zips are sent: a stack that is busy or not ours stops a deployment before it has made
anything, and one that is up to date already needs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.installation import Installation
from deployment.build.logical_ids import MACHINES_OUTPUT
from deployment.cloudformation import change_sets, races, statuses
from deployment.cloudformation import events as stack_events
from deployment.errors import StackError
from deployment.project.settings import Settings
from deployment.project.tags import STACK_TAG


@dataclass(frozen=True)
class CurrentStack:
    """The stack before a deployment: DescribeStacks' description, None where there is none.

    `is_up_to_date` is true where it certainly has the wanted template and tags already.
    """

    description: dict[str, Any] | None
    is_up_to_date: bool


def advice(
    installation: Installation, status: str, task: str, template: Mapping[str, Any] | None = None
) -> str:
    """Return why a stack in this status cannot be worked on, and the command that leads out of it."""
    if statuses.is_busy(status):
        who = races.whose(installation, installation.stack_name)
        return statuses.busy_sentence(installation.stack_title, status, task, who)
    events = stack_events.last_operation(installation.cloudformation, installation.stack_name)
    return statuses.stuck_sentence(
        installation.stack_title, status, task, events, installation.cli_flags, template or {}
    )


def read_deployable(installation: Installation, template: Mapping[str, Any]) -> CurrentStack:
    """Return the stack as it is now, changing nothing; raise StackError when it is busy, stuck or somebody else's."""
    description = find(installation)
    stuck = obstacle(installation, description)
    if stuck:
        raise StackError(stuck)
    return CurrentStack(
        description, description is not None and change_sets.is_deployed(installation, template, description)
    )


def outputs(installation: Installation) -> dict[str, str]:
    """Return the outputs of the deployed stack; raise StackError when there is none of ours."""
    description = find(installation)
    if description is None or is_leftover(description):
        raise StackError(f"{installation.stack_title} does not exist. Run `fab` to deploy it.")
    return outputs_of(description)


def find(installation: Installation) -> dict[str, Any] | None:
    """Return the stack's description, None when there is no such stack; raise StackError when it is not ours.

    A stack that was never created does not show its tags; there the name of its change set tells.
    """
    cloudformation, name = installation.cloudformation, installation.stack_name
    description = stack_events.describe(cloudformation, name)
    if description is None or installation.owns(
        {tag["Key"]: tag["Value"] for tag in description.get("Tags", ())}
    ):
        return description
    if description["StackStatus"] == "REVIEW_IN_PROGRESS" and change_sets.has_our_change_set(
        cloudformation, name
    ):
        return description
    raise StackError(
        f"{installation.stack_title} is not ours: it has no tag {STACK_TAG} = {name}. Nothing was changed. "
        "Set another STACK_NAME in fabfile_config.py."
    )


def find_deletable(installation: Installation) -> dict[str, Any] | None:
    """Return what `find` does; raise StackError also when the stack is protected, or an operation is in progress."""
    description = find(installation)
    status = description["StackStatus"] if description else ""
    if statuses.is_busy(status):
        raise StackError(advice(installation, status, "fab delete"))
    if is_protected(description):
        raise StackError(_protection_refusal(installation.stack_title))
    return description


def obstacle(installation: Installation, description: Mapping[str, Any] | None) -> str | None:
    """Return why `fab` cannot work on a stack in its present status, and the way out of it; None where it can."""
    if description is None or is_leftover(description) or description["StackStatus"] in statuses.HEALTHY:
        return None
    return advice(installation, description["StackStatus"], "fab")


def is_leftover(description: Mapping[str, Any] | None) -> bool:
    """Whether a stack was never created, so that `fab` removes what is left of it and creates it again."""
    return description is not None and description["StackStatus"] in statuses.NEVER_CREATED


def outputs_of(description: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the outputs in DescribeStacks' description of a stack; none, where there is no stack."""
    return {output["OutputKey"]: output["OutputValue"] for output in (description or {}).get("Outputs", ())}


def machine_names(outputs: Mapping[str, str]) -> frozenset[str] | None:
    """Return the names of the state machines that were deployed last, None where the outputs do not tell.

    A machine of any other name is what a renamed or removed file has left, and the current one of nothing.
    """
    names = outputs.get(MACHINES_OUTPUT)
    return None if names is None else frozenset(filter(None, names.split(",")))


def deployed_names(installation: Installation) -> frozenset[str] | None:
    """Return the same of the stack as it is now, None too where there is no stack; raise StackError when it is not ours."""
    return machine_names(outputs_of(find(installation)))


def readable_template(installation: Installation, description: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the deployed template, for the files that it names; {} where it cannot be had, which stops nothing."""
    try:
        return change_sets.deployed_template(installation, description) or {}
    except (ClientError, BotoCoreError):
        return {}


def is_protected(description: Mapping[str, Any] | None) -> bool:
    """Whether a stack (DescribeStacks' description) is protected; nothing is, where there is none."""
    return bool(description and description.get("EnableTerminationProtection"))


def protection_differs(settings: Settings, description: Mapping[str, Any] | None) -> bool:
    """Whether `fab` would switch it."""
    return is_protected(description) != settings.termination_protection


def _protection_refusal(name: str) -> str:
    """Return why a protected stack is not deleted, and what to do; `name` begins the sentence."""
    return (
        f"{name} is protected from deletion. Nothing was deleted. Set TERMINATION_PROTECTION = False in "
        "fabfile_config.py, run `fab`, then run `fab delete` again."
    )


def resources_of(installation: Installation, description: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what ListStackResources says of each resource that a stack has now."""
    pages = installation.cloudformation.get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=description["StackId"]):
        yield from (
            one for one in page["StackResourceSummaries"] if one["ResourceStatus"] != "DELETE_COMPLETE"
        )
