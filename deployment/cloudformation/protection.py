"""Termination protection: CloudFormation deletes no stack that has it, whoever asks.

It belongs to the stack and is part of no change set, so `stack` sets it after everything else, also where there is nothing
else to do; `fab delete` looks at it before anything is touched.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployment.aws.account import Account
from deployment.console import Console
from deployment.project.settings import Settings


def is_on(found: Mapping[str, Any] | None) -> bool:
    """Whether a stack (DescribeStacks' description) is protected; nothing is, where there is none."""
    return bool(found and found.get("EnableTerminationProtection"))


def differs(settings: Settings, found: Mapping[str, Any] | None) -> bool:
    """Whether `fab` would switch it."""
    return is_on(found) != settings.termination_protection


def apply(account: Account, settings: Settings, found: Mapping[str, Any] | None, console: Console) -> bool:
    """Make the stack as protected as the settings say; return whether that had to be done."""
    if found is None or not differs(settings, found):
        return False
    wanted = settings.termination_protection
    account.client("cloudformation").update_termination_protection(
        StackName=found["StackId"], EnableTerminationProtection=wanted
    )
    console.step(
        f"Termination protection of the stack {settings.stack_name} is {'on' if wanted else 'off'} now."
    )
    return True


def refusal(name: str) -> str:
    """Return why a protected stack is not deleted, and what to do; `name` begins the sentence."""
    return (
        f"{name} is protected from deletion. Nothing was deleted. Set TERMINATION_PROTECTION = False in "
        "fabfile_config.py, run `fab`, then run `fab delete` again."
    )
