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
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import aws_sentence, is_denied, is_missing
from deployment.aws.installation import Installation
from deployment.step_functions import listing
from deployment.step_functions.listing import Machine

LATEST = "$LATEST"

_FUNCTION_ARN = re.compile(r"arn:[\w-]+:lambda:([\w-]+:\d+):function:([\w-]+)(?::([\w$-]+))?")
_FUNCTION_NAME = re.compile(r'"FunctionName": ?"([\w-]+)(?::([\w$-]+))?"')
_VERSION_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d+:function:([\w-]+):(\d+)")


@dataclass(frozen=True)
class DeployedMachine:
    """One of our state machines; `definition` and `role_arn` are None where they could not be read: `problem` says why.

    `is_retired` where no file has its name any more: then none of that name is current.
    """

    machine: Machine
    base: str
    running: int
    definition: str | None = None
    role_arn: str | None = None
    problem: str = ""
    is_current: bool = False
    is_retired: bool = False
    is_deleting: bool = False

    @property
    def name(self) -> str:
        """The name with its timestamp."""
        return self.machine.name


@dataclass(frozen=True)
class CalledFunction:
    """A function as a definition names it: `address` is an ARN or a name; `place` is region and account, "" for
    the machine's own.

    `qualifier` is a version or an alias, "" where it has none.
    """

    address: str
    place: str
    function: str
    qualifier: str

    @property
    def name(self) -> str:
        """`sync-buckets-copy-keys:3`."""
        return ":".join(filter(None, [self.function, self.qualifier]))

    def is_own(self, installation: Installation) -> bool:
        """Whether it is in the account and region of the machine; of others nothing is asked here."""
        return self.place in ("", f"{installation.region}:{installation.account_id}")


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


@dataclass(frozen=True)
class Published:
    """The versions of all functions that were asked for; `gone` are those that are no more as a whole."""

    versions: tuple[FunctionVersion, ...] = ()
    asked: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()

    def lacks(self, called: CalledFunction) -> bool:
        """Whether it is certain that a function, or this version of it, is no more; of an alias nothing is known here."""
        if called.function not in self.asked or not called.qualifier.isdecimal():
            return called.function in self.gone
        return called.name not in {version.name for version in self.versions}


def read(installation: Installation, deployed: Collection[str] | None) -> tuple[DeployedMachine, ...]:
    """Return all our state machines, newest first, also those that are being deleted.

    `deployed` are the base names that were deployed last, None where that is not known: every name counts then.
    """
    return read_all(installation, deployed)[0]


def read_all(
    installation: Installation, deployed: Collection[str] | None
) -> tuple[tuple[DeployedMachine, ...], tuple[str, ...]]:
    """Return the same, and the names of machines that may be ours or not: their tags may not be read."""
    listed = listing.list_all(installation)
    described = (_describe(installation, machine) for machine in listed.ours)
    machines = [machine for machine in described if machine is not None]
    current: dict[str, str] = {}
    for machine in machines:
        if not machine.is_deleting and not _is_retired(machine, deployed):
            current.setdefault(machine.base, machine.name)
    marked = (
        replace(
            machine,
            is_current=current.get(machine.base) == machine.name,
            is_retired=_is_retired(machine, deployed),
        )
        for machine in machines
    )
    return tuple(marked), listed.unknown


def running(installation: Installation, machine: Machine) -> int:
    """Return how many executions of a machine run now."""
    return len(listing.running(installation, [machine]))


def versions_called(definition: str) -> dict[str, str]:
    """Return the function versions that a definition names anywhere: ARN -> function."""
    return {match[0]: match[1] for match in _VERSION_ARN.finditer(definition)}


def functions_called(definition: str) -> tuple[CalledFunction, ...]:
    """Return all functions that a definition (JSON) names, with a version, an alias or neither, each once."""
    by_arn = (CalledFunction(found[0], *found.groups("")) for found in _FUNCTION_ARN.finditer(definition))
    by_name = (
        CalledFunction(":".join(filter(None, found.groups())), "", *found.groups(""))
        for found in _FUNCTION_NAME.finditer(definition)
    )
    return tuple(dict.fromkeys([*by_arn, *by_name]))


def function_versions(installation: Installation, functions: Iterable[str]) -> tuple[FunctionVersion, ...]:
    """Return all published versions of some functions, without $LATEST; a function that is gone has none."""
    return _without_latest(
        record for function in sorted(set(functions)) for record in _version_records(installation, function)
    )


def versions_of_all(installation: Installation, machines: Iterable[DeployedMachine]) -> Published:
    """Return the versions of every function that one of these machines calls, but of those that may not be asked for."""
    called = [one for machine in machines for one in functions_called(machine.definition or "")]
    records: dict[str, list[Mapping[str, Any]]] = {}
    for function in sorted({one.function for one in called if one.is_own(installation)}):
        try:
            records[function] = _version_records(installation, function)
        except ClientError as error:
            if not is_denied(error):
                raise
    gone = frozenset(function for function, found in records.items() if not found)
    versions = _without_latest(record for found in records.values() for record in found)
    return Published(versions, frozenset(records), gone)


def missing_functions(
    installation: Installation, machine: DeployedMachine, published: Published
) -> tuple[str, ...]:
    """Return the functions and versions that a machine calls and that are no more: it can no longer be started."""
    called = functions_called(machine.definition or "")
    lost = [one.name for one in called if one.is_own(installation) and published.lacks(one)]
    return tuple(dict.fromkeys(lost))


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


def _is_retired(machine: DeployedMachine, deployed: Collection[str] | None) -> bool:
    return deployed is not None and machine.base not in deployed


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


def _without_latest(records: Iterable[Mapping[str, Any]]) -> tuple[FunctionVersion, ...]:
    return tuple(_function_version(record) for record in records if record["Version"] != LATEST)


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
