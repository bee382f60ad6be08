"""`fab versions`: our state machines with their code and running executions, and the code of this folder beside them.

Only reads. The facts come from `inventory` and `folder_code`; here they become a table or a JSON document.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployment.aws.account import Account
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.project.settings import Settings
from deployment.step_functions import inventory
from deployment.step_functions.inventory import Deployed, FunctionVersion
from deployment.tasks.stack import deploy, folder_code
from deployment.tasks.stack.folder_code import FolderCode

UNKNOWN = "?"


@dataclass(frozen=True)
class Overview:
    """All that the table shows: machines that stay, newest first, versions of what they call, this folder's code."""

    machines: tuple[Deployed, ...]
    versions: tuple[FunctionVersion, ...]
    folder: FolderCode


def show(
    account: Account, settings: Settings, project: Path, console: Console, as_json: bool = False
) -> None:
    """Write the machines to stdout, as tables or as one JSON document."""
    console.step(deploy.place(account, settings))
    found = overview(account, settings, project, lookup.find(account, settings))
    if as_json:
        console.result(json.dumps(document(account, settings, found), indent=2))
        return
    if not found.machines:
        console.result("No state machine is deployed. Run `fab` to deploy it.")
    for base in bases(found.machines):
        rows = [row(one, found.versions) for one in found.machines if one.base == base]
        title = f"{base}, the current one first"
        console.table(title, ["state machine", "created (UTC)", "running", "code"], rows)
        console.result(folder_sentence(found, base))
    for one in found.machines:
        if one.problem:
            console.warning(f"{one.name}: {one.problem}")


def overview(
    account: Account, settings: Settings, project: Path, described: Mapping[str, Any] | None
) -> Overview:
    """Read everything; `described` is the stack's description. What is being deleted is left out: it cannot be started."""
    found = tuple(one for one in inventory.read(account, settings) if not one.is_deleting)
    folder = folder_code.of_folder(account, settings, project, lookup.outputs_of(described))
    return Overview(found, inventory.versions_of_all(account, found), folder)


def bases(found: Iterable[Deployed]) -> list[str]:
    """Return the base names, sorted."""
    return sorted({one.base for one in found})


def row(one: Deployed, versions: Sequence[FunctionVersion]) -> list[object]:
    """Return one line of the table."""
    running: object = UNKNOWN if one.problem else one.running
    code = inventory.code(one.definition, versions) or UNKNOWN
    return [one.name, utc(one.machine.created_at)[:16], running, code]


def folder_sentence(found: Overview, base: str) -> str:
    """Return how this folder's code compares with the current machine's."""
    if found.folder.problem:
        return f"This folder cannot be compared: {found.folder.problem}"
    wanted = found.folder.codes.get(base)
    if wanted is None:
        return "This folder has no such state machine."
    current = next((one for one in found.machines if one.base == base and one.is_current), None)
    code = inventory.code(current.definition, found.versions) if current else None
    if current is None:
        return f"This folder: {wanted}; none is deployed. `fab` deploys it."
    if code is None:
        return f"This folder: {wanted}; that of the current one is unknown."
    if code == wanted:
        return f"This folder: {wanted}, the same as the current one."
    return f"This folder: {wanted}, not the same as the current one. `fab` deploys it."


def document(account: Account, settings: Settings, found: Overview) -> dict[str, Any]:
    """Return what `--json` prints; docs/operating.md has its shape."""
    return {
        **place_json(account, settings),
        "folder": {"codes": dict(found.folder.codes), "problem": found.folder.problem or None},
        "machines": [machine_json(one, found.versions) for one in found.machines],
    }


def machine_json(one: Deployed, versions: Sequence[FunctionVersion]) -> dict[str, Any]:
    """Return one machine as JSON; null is what could not be read."""
    zips = {version.arn: version.zip_hash for version in versions}
    called: Mapping[str, str] = inventory.versions_called(one.definition or "")
    return {
        "name": one.name,
        "arn": one.machine.arn,
        "base": one.base,
        "createdAt": iso(one.machine.created_at),
        "current": one.is_current,
        "running": None if one.problem else one.running,
        "code": inventory.code(one.definition, versions),
        "functions": [{"arn": arn, "zip": zips.get(arn)} for arn in sorted(called)],
        "problem": one.problem or None,
    }


def place_json(account: Account, settings: Settings) -> dict[str, str]:
    """Return what `announcement.place` says, for a JSON document."""
    return {"account": account.account_id, "region": account.region, "stack": settings.stack_name}


def utc(moment: datetime) -> str:
    """Return a moment as people read it: `2026-11-22 14:30:00`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def iso(moment: datetime) -> str:
    """Return a moment for a JSON document: `2026-11-22T14:30:00Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
