"""The stack as it stands: finds it, and says whether and how it can be worked on. Only reads.

The part of `stack` before anything is made. A stack of our name that is not ours is an error for all who look for it.
`look` comes before the zips are sent: a stack that is busy or not ours stops a deployment before it has made anything, and
one that is as wanted already needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.account import Account
from deployment.cloudformation import change_sets, statuses
from deployment.cloudformation import events as stack_events
from deployment.errors import StackError
from deployment.project.settings import Settings
from deployment.project.tags import STACK_TAG, is_ours


@dataclass(frozen=True)
class Present:
    """The stack before a deployment: DescribeStacks' description, None where there is none.

    `is_as_wanted` is true where it certainly has the wanted template and tags already.
    """

    found: dict[str, Any] | None
    is_as_wanted: bool


@dataclass(frozen=True)
class Site:
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

    @property
    def flags(self) -> str:
        """What names this stack to the AWS CLI."""
        name, profile = self.settings.stack_name, self.settings.profile
        place = f"--stack-name {name} --region {self.account.region}"
        return f"{place} --profile {profile}" if profile else place

    def advice(self, status: str, task: str, template: Mapping[str, Any] | None = None) -> str:
        """Return why a stack in this status cannot be worked on, and the command that leads out of it."""
        if statuses.is_busy(status):
            return statuses.busy(self.name, status, task)
        events = stack_events.last_operation(self.cloudformation, self.settings.stack_name)
        return statuses.stuck(self.name, status, task, events, self.flags, template or {})


def look(account: Account, settings: Settings, template: Mapping[str, Any]) -> Present:
    """Return the stack as it stands, changing nothing; raise StackError when it is busy, stuck or somebody else's."""
    found = find(account, settings)
    stuck = obstacle(account, settings, found)
    if stuck:
        raise StackError(stuck)
    return Present(found, found is not None and change_sets.is_deployed(account, settings, template, found))


def outputs(account: Account, settings: Settings) -> dict[str, str]:
    """Return the outputs of the deployed stack; raise StackError when there is none of ours."""
    found = find(account, settings)
    if found is None or is_leftover(found):
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
    if statuses.is_busy(status):
        raise StackError(Site(account, settings).advice(status, "fab delete"))
    if is_protected(found):
        raise StackError(_protection_refusal(_named(account, settings)))
    return found


def obstacle(account: Account, settings: Settings, found: Mapping[str, Any] | None) -> str | None:
    """Return why `fab` cannot work on a stack in its present status, and the way out of it; None where it can."""
    if found is None or is_leftover(found) or found["StackStatus"] in statuses.HEALTHY:
        return None
    return Site(account, settings).advice(found["StackStatus"], "fab")


def is_leftover(found: Mapping[str, Any] | None) -> bool:
    """Whether a stack was never created, so that `fab` removes what is left of it and creates it anew."""
    return found is not None and found["StackStatus"] in statuses.NEVER_CREATED


def outputs_of(found: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the outputs in DescribeStacks' description of a stack; none, where there is no stack."""
    return {output["OutputKey"]: output["OutputValue"] for output in (found or {}).get("Outputs", ())}


def readable_template(site: Site, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the deployed template, for the files that it names; {} where it cannot be had, which stops nothing."""
    try:
        return change_sets.deployed_template(site.account, found) or {}
    except (ClientError, BotoCoreError):
        return {}


def _named(account: Account, settings: Settings) -> str:
    return f"The stack {settings.stack_name} in {account.account_id}/{account.region}"


def is_protected(found: Mapping[str, Any] | None) -> bool:
    """Whether a stack (DescribeStacks' description) is protected; nothing is, where there is none."""
    return bool(found and found.get("EnableTerminationProtection"))


def protection_differs(settings: Settings, found: Mapping[str, Any] | None) -> bool:
    """Whether `fab` would switch it."""
    return is_protected(found) != settings.termination_protection


def _protection_refusal(name: str) -> str:
    """Return why a protected stack is not deleted, and what to do; `name` begins the sentence."""
    return (
        f"{name} is protected from deletion. Nothing was deleted. Set TERMINATION_PROTECTION = False in "
        "fabfile_config.py, run `fab`, then run `fab delete` again."
    )
