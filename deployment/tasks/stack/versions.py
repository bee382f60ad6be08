"""`fab versions`: our state machines with their code and running executions, and the code of this folder beside them.

Only reads. `inventory` reads what is deployed. `folder_code` is the same hash for this folder, of its files, the
stack's outputs and the account's limit of Lambdas; settings that only reach roles or the work bucket are not in it:
`fab plan` is the whole comparison.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import aws_sentence
from deployment.aws.installation import Installation
from deployment.build import build, template
from deployment.build.build import Sources
from deployment.build.definitions import render
from deployment.cloudformation import deployment_bucket, lookup
from deployment.console import Console
from deployment.errors import SyncBucketsError
from deployment.step_functions import inventory, state_machines
from deployment.step_functions.inventory import DeployedMachine, FunctionVersion, base_names
from deployment.text import iso, utc

UNKNOWN = "?"
RETIRED = "none of them current: the file was renamed or removed"

DEFAULT_MEMORY_MB = 128
"""Of a function that does not say: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""


@dataclass(frozen=True)
class FolderCode:
    """The code of every state machine of a folder, by base name; or why it cannot be known."""

    codes: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Overview:
    """All that the table shows: machines that stay, newest first, versions of what they call, this folder's code."""

    machines: tuple[DeployedMachine, ...]
    versions: tuple[FunctionVersion, ...]
    folder: FolderCode
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of every machine that can no longer be started, by its name: the functions and versions that are gone."""


def show(installation: Installation, project: Path, console: Console, as_json: bool = False) -> None:
    """Write the machines to stdout, as tables or as one JSON document."""
    console.step(installation.full_place)
    overview = read_overview(installation, project, lookup.find(installation))
    if as_json:
        console.result(json.dumps(document(installation, overview), indent=2))
        return
    if not overview.machines:
        console.say("No state machine is deployed. Run `fab` to deploy it.")
    for base in base_names(overview.machines):
        machines = [machine for machine in overview.machines if machine.base == base]
        rows = [row(machine, overview.versions) for machine in machines]
        title = f"{base}, {RETIRED if machines[0].is_retired else 'the current one first'}"
        console.table(title, ["state machine", "created (UTC)", "running", "code"], rows)
        console.say(folder_sentence(overview, base))
    for name, lost in overview.missing.items():
        console.say(f"{name} can no longer be started. This is gone: {', '.join(lost)}")
    for machine in overview.machines:
        if machine.problem:
            console.warning(f"{machine.name}: {machine.problem}")


def read_overview(installation: Installation, project: Path, described: Mapping[str, Any] | None) -> Overview:
    """Read everything; `described` is the stack's description. What is being deleted is left out: it cannot be started."""
    outputs = lookup.outputs_of(described)
    every = inventory.read(installation, lookup.machine_names(outputs))
    machines = tuple(machine for machine in every if not machine.is_deleting)
    folder = folder_code(installation, project, outputs)
    published = inventory.versions_of_all(installation, machines)
    missing = {
        machine.name: lost
        for machine in machines
        if (lost := inventory.missing_functions(installation, machine, published))
    }
    return Overview(machines, published.versions, folder, missing)


def row(machine: DeployedMachine, versions: Sequence[FunctionVersion]) -> list[object]:
    """Return one line of the table."""
    running: object = UNKNOWN if machine.problem else machine.running
    code = inventory.code_of(machine.definition, versions) or UNKNOWN
    return [machine.name, utc(machine.machine.created_at)[:16], running, code]


def folder_sentence(overview: Overview, base: str) -> str:
    """Return how this folder's code compares with the current machine's."""
    if overview.folder.problem:
        return f"This folder cannot be compared: {overview.folder.problem}"
    wanted = overview.folder.codes.get(base)
    if wanted is None:
        return "This folder has no such state machine."
    current = next(
        (machine for machine in overview.machines if machine.base == base and machine.is_current), None
    )
    code = inventory.code_of(current.definition, overview.versions) if current else None
    if current is None:
        return f"This folder: {wanted}; none is deployed. `fab` deploys it."
    if code is None:
        return f"This folder: {wanted}; that of the current one is unknown."
    if code == wanted:
        return f"This folder: {wanted}, the same as the current one."
    return f"This folder: {wanted}, not the same as the current one. `fab` deploys it."


def document(installation: Installation, overview: Overview) -> dict[str, Any]:
    """Return what `--json` prints; docs/operating.md has its shape."""
    return {
        **installation.to_json(),
        "folder": {
            "codes": dict(overview.folder.codes),
            "problem": overview.folder.problem or None,
        },
        "machines": [
            machine_json(machine, overview.versions)
            | {"missing": list(overview.missing.get(machine.name, ()))}
            for machine in overview.machines
        ],
    }


def machine_json(machine: DeployedMachine, versions: Sequence[FunctionVersion]) -> dict[str, Any]:
    """Return one machine as JSON; null is what could not be read."""
    zips = {version.arn: version.zip_hash for version in versions}
    called: Mapping[str, str] = inventory.versions_called(machine.definition or "")
    return {
        "name": machine.name,
        "arn": machine.machine.arn,
        "base": machine.base,
        "createdAt": iso(machine.machine.created_at),
        "current": machine.is_current,
        "retired": machine.is_retired,
        "running": None if machine.problem else machine.running,
        "code": inventory.code_of(machine.definition, versions),
        "functions": [{"arn": arn, "zip": zips.get(arn)} for arn in sorted(called)],
        "problem": machine.problem or None,
    }


def folder_code(installation: Installation, project: Path, outputs: Mapping[str, str] | None) -> FolderCode:
    """Return the code of a folder as it would be deployed now; `outputs` are the stack's, None where there is no stack."""
    if not outputs or "WorkBucket" not in outputs:
        return FolderCode({}, "the stack is not deployed")
    try:
        sources = build.read_sources(project)
        runs = _runs(installation, sources)
        values = state_machines.values_from_outputs(installation, outputs)
        rendered = {machine.name: render(machine, runs, values) for machine in sources.definitions}
    except SyncBucketsError as error:
        return FolderCode({}, str(error).splitlines()[0])
    except ClientError as error:  # whoever only looks may not be allowed to ask for the limit of Lambdas
        return FolderCode({}, aws_sentence(error))
    return FolderCode(
        {name: inventory.code_of_definition(definition) for name, definition in rendered.items()}
    )


def _runs(installation: Installation, sources: Sources) -> dict[str, str]:
    """Return what each function would run, by its file's name."""
    bucket = deployment_bucket.bucket_name(installation)
    resources = build.build_project(sources, installation.settings, bucket).template["Resources"]
    return {
        function.name: _run(resources[function.logical_id]["Properties"]) for function in sources.functions
    }


def _run(properties: Mapping[str, Any]) -> str:
    """Return what a function of the template would run, with Lambda's defaults for what is not said."""
    zip_hash = properties["CodeUri"]["Key"].rpartition("-")[2].removesuffix(".zip")
    defaults = {"Timeout": template.LAMBDA_TIMEOUT_SECONDS, "MemorySize": DEFAULT_MEMORY_MB}
    return inventory.runs_text(properties["FunctionName"], zip_hash, {**defaults, **properties})
