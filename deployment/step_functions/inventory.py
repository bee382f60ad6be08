"""What is deployed in the account: state machines, the function versions that they call, and their code.

For `fab versions`, `fab prune`, `fab rollback` and `fab status`. Only reads. What could not be read is kept as unknown,
never as absent: who deletes anything must be able to tell the two.

The *code* of a state machine is a hash of its definition in which every function version is replaced by what it runs:
its zip, runtime and limits. So it is the same for two machines that do the same, whatever the numbers of their
versions, and it can be computed from a folder as well (`folder_code`), because zips are deterministic.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import aws_sentence, is_missing
from deployment.aws.installation import Installation
from deployment.step_functions import listing
from deployment.step_functions.listing import Machine

LATEST = "$LATEST"

_VERSION_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d+:function:([\w-]+):(\d+)")


@dataclass(frozen=True)
class DeployedMachine:
    """One of our state machines; `definition` and `role_arn` are None where they could not be read: `problem` says why."""

    machine: Machine
    base: str
    running: int
    definition: str | None = None
    role_arn: str | None = None
    problem: str = ""
    is_current: bool = False
    is_deleting: bool = False

    @property
    def name(self) -> str:
        """The name with its timestamp."""
        return self.machine.name


@dataclass(frozen=True)
class FunctionVersion:
    """A published version of a function. `zip_hash` is in the name of its zip; `runs` is all that it runs, as text."""

    function: str
    version: str
    arn: str
    zip_hash: str
    runs: str

    @property
    def name(self) -> str:
        """The function and its version: `sync-buckets-copy-keys:3`."""
        return f"{self.function}:{self.version}"


def read(installation: Installation) -> tuple[DeployedMachine, ...]:
    """Return all our state machines, newest first, also those that are being deleted."""
    return read_all(installation)[0]


def read_all(installation: Installation) -> tuple[tuple[DeployedMachine, ...], tuple[str, ...]]:
    """Return the same, and the names of machines that may be ours or not: their tags may not be read."""
    listed = listing.list_all(installation)
    described = (_describe(installation, machine) for machine in listed.ours)
    machines = [machine for machine in described if machine is not None]
    current: dict[str, str] = {}
    for machine in machines:
        if not machine.is_deleting:
            current.setdefault(machine.base, machine.name)
    marked = (replace(machine, is_current=current.get(machine.base) == machine.name) for machine in machines)
    return tuple(marked), listed.unknown


def running(installation: Installation, machine: Machine) -> int:
    """Return how many executions of a machine run now."""
    return len(listing.running(installation, [machine]))


def versions_called(definition: str) -> dict[str, str]:
    """Return the function versions that a definition names anywhere: ARN -> function."""
    return {match[0]: match[1] for match in _VERSION_ARN.finditer(definition)}


def function_versions(installation: Installation, functions: Iterable[str]) -> tuple[FunctionVersion, ...]:
    """Return all published versions of some functions, without $LATEST; a function that is gone has none."""
    return tuple(
        _function_version(record)
        for function in sorted(set(functions))
        for record in _version_records(installation, function)
        if record["Version"] != LATEST
    )


def versions_of_all(
    installation: Installation, machines: Iterable[DeployedMachine]
) -> tuple[FunctionVersion, ...]:
    """Return the versions of every function that one of these machines calls."""
    called = [versions_called(machine.definition or "") for machine in machines]
    return function_versions(installation, [function for machine in called for function in machine.values()])


def code_of(definition: str | None, versions: Iterable[FunctionVersion]) -> str | None:
    """Return six hex digits for what a machine runs, None where that cannot be known: a version is gone, say."""
    runs = {version.arn: version.runs for version in versions}
    if definition is None or not versions_called(definition).keys() <= runs.keys():
        return None
    try:
        parsed = json.loads(definition)
    except ValueError:
        return None
    return code_of_text(_VERSION_ARN.sub(lambda match: runs[match[0]], _canonical(parsed)))


def code_of_definition(definition: Mapping[str, Any]) -> str:
    """Return the same for a definition in which what runs stands in the place of versions already."""
    return code_of_text(_canonical(definition))


def code_of_text(text: str) -> str:
    """Return the first six hex digits of the SHA-256 of a text: few enough for a person to compare."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def runs_text(function: str, zip_hash: str, configuration: Mapping[str, Any]) -> str:
    """Return what a function runs as one text; `configuration` has Lambda's names, of a template or of an answer."""
    names = ("Runtime", "Handler", "Timeout", "MemorySize")
    values = [str(configuration.get(name)) for name in names]
    return " ".join([function, zip_hash, *values, *configuration.get("Architectures", ())])


def _describe(installation: Installation, machine: Machine) -> DeployedMachine | None:
    """Return a machine with its definition; None when it has gone since it was listed."""
    parts = listing.base_and_moment(machine.name)
    base = parts[0] if parts else machine.name
    try:
        answer = installation.step_functions.describe_state_machine(stateMachineArn=machine.arn)
        number = running(installation, machine)
    except ClientError as error:
        if is_missing(error):
            return None
        return DeployedMachine(machine, base, 0, problem=aws_sentence(error))
    is_deleting = answer["status"] == "DELETING"
    return DeployedMachine(
        machine, base, number, answer["definition"], answer["roleArn"], is_deleting=is_deleting
    )


def _version_records(installation: Installation, function: str) -> list[Mapping[str, Any]]:
    client = installation.client("lambda")
    try:
        pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
        return [record for page in pages for record in page["Versions"]]
    except client.exceptions.ResourceNotFoundException:
        return []


def _function_version(record: Mapping[str, Any]) -> FunctionVersion:
    """Return a version; Lambda gives the hash of its zip in base 64, the zip's name has the first 16 hex digits."""
    function, version = record["FunctionName"], record["Version"]
    zip_hash = base64.b64decode(record.get("CodeSha256", "")).hex()[:16]
    return FunctionVersion(
        function, version, record["FunctionArn"], zip_hash, runs_text(function, zip_hash, record)
    )


def _canonical(definition: Any) -> str:
    return json.dumps(definition, sort_keys=True)


def base_names(machines: Iterable[DeployedMachine]) -> list[str]:
    """Return the base names, sorted."""
    return sorted({machine.base for machine in machines})
