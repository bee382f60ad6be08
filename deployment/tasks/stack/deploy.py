"""The end of `fab`: what was done, and how to start the state machine. Text only, no AWS call."""

from __future__ import annotations

from collections.abc import Sequence

from deployment.aws.account import Account, state_machine_link
from deployment.cloudformation.stack import Stack
from deployment.console import Console
from deployment.project.settings import Settings
from deployment.step_functions.listing import Machine


def place(account: Account, settings: Settings) -> str:
    """Return where: account, region, stack."""
    return f"Account {_which(account, settings)}"


def begin(console: Console, account: Account, settings: Settings, doing: str = "Deploying") -> None:
    """Say where, before anything is done there: the most expensive mistake is the wrong account."""
    console.step(f"{doing}: account {_which(account, settings)}")


def announce(
    console: Console,
    account: Account,
    settings: Settings,
    uploaded: Sequence[str],
    deployed: Stack,
    current: Sequence[Machine],
) -> None:
    """Say what the deployment did and what to do next."""
    console.result(ending(account, settings, uploaded, deployed, current))


def ending(
    account: Account, settings: Settings, uploaded: Sequence[str], deployed: Stack, current: Sequence[Machine]
) -> str:
    """Return the text: where, what has changed, each machine with its link, and how to start a sync."""
    lines = [place(account, settings), ""]
    lines += _news(uploaded, deployed, current)
    for machine in current:
        lines += ["", machine.name, f"  {state_machine_link(machine.arn)}"]
    return "\n".join([*lines, "", *_start(settings)])


def _which(account: Account, settings: Settings) -> str:
    return f"{account.account_id}, region {account.region}, stack {settings.stack_name}"


def _news(uploaded: Sequence[str], deployed: Stack, current: Sequence[Machine]) -> list[str]:
    created = [machine.name for machine in current if machine.created]
    if not (uploaded or deployed.changed or deployed.protection_changed or created):
        return ["Nothing to do: everything is as it should be."]
    stack = _counted(len(deployed.changes), "change") if deployed.changed else "unchanged"
    protection = ", but for its termination protection" if deployed.protection_changed else ""
    return [
        f"Uploaded: {_counted(len(uploaded), 'zip')}",
        f"Stack: {stack}{protection if not deployed.changed else ''}",
        f"State machine: {', '.join(created) + ' created' if created else 'unchanged'}",
    ]


def _start(settings: Settings) -> list[str]:
    source = next(iter(settings.source_buckets), "my-source-bucket")
    destination = next(iter(settings.destination_buckets), "my-destination-bucket")
    return [
        "Start it with this input:",
        f'{{"source": "{source}", "destination": "{destination}"}}',
        "or from here:",
        f"fab sync --source {source} --destination {destination}",
    ]


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number or 'no'} {thing}s"
