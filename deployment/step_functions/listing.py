"""Finds our state machines in the account.

Ours are those with our tag *and* a name of the pattern `<base>-YYYYMMDD-HHMMSS` (UTC); the newest is the current one.
Whose a machine is can only be asked of each by itself, and the policy that we document allows that for our own names only.
So where all names are looked at, one that may not be asked is set apart: it is not known to be ours, and never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import is_denied
from deployment.aws.installation import Installation
from deployment.project.tags import DEFINITION_TAG

TIMESTAMP = "%Y%m%d-%H%M%S"
_PATTERN = re.compile(r"(.+)-(\d{8}-\d{6})")


@dataclass(frozen=True)
class Machine:
    """A state machine in the account; `created` where this deployment made it.

    `fingerprint` is that of its definition and role, as its tag says; "" where that was not asked.
    """

    name: str
    arn: str
    created: bool
    created_at: datetime
    fingerprint: str = ""


@dataclass(frozen=True)
class MachineList:
    """Our machines, newest first, and the names of those whose tags may not be read."""

    ours: tuple[Machine, ...]
    unknown: tuple[str, ...]


def newest(installation: Installation, base_name: str) -> Machine | None:
    """Return the current machine of a base name, None when there is none; it asks for as few tags as possible."""
    client = installation.step_functions
    for base, machine in _named_like_ours(client):
        tags = tags_of_machine(client, machine.arn) if base == base_name else {}
        if installation.owns(tags):
            return replace(machine, fingerprint=tags.get(DEFINITION_TAG, ""))
    return None


def list_all(installation: Installation) -> MachineList:
    """Return our machines of all base names, also those of files that are no more, and what may be ours or not."""
    client = installation.step_functions
    ours, unknown = [], []
    for _, machine in _named_like_ours(client):
        try:
            if installation.owns(tags_of_machine(client, machine.arn)):
                ours.append(machine)
        except ClientError as error:
            if not is_denied(error):
                raise
            unknown.append(machine.name)
    return MachineList(tuple(ours), tuple(unknown))


def running(installation: Installation, machines: Iterable[Machine]) -> tuple[str, ...]:
    """Return the ARNs of the running executions of some machines, without the children of Distributed Maps.

    An execution that waits for a redrive is the child of one that runs: only children have PENDING_REDRIVE, and asking
    for it by state machine is refused (https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html,
    which also says that one started a moment ago may be missing).
    """
    return tuple(arn for machine in machines for arn in running_of(installation, machine.arn))


def running_of(installation: Installation, machine_arn: str) -> tuple[str, ...]:
    """Return the same of one machine by its ARN."""
    found = executions_of(installation, machine_arn, statusFilter="RUNNING")
    return tuple(execution["executionArn"] for execution in found)


def executions_of(installation: Installation, machine_arn: str, **only: str) -> Iterator[Mapping[str, Any]]:
    """Yield ListExecutions' records of a machine, newest first, without the children of Distributed Maps.

    `only` are more parameters of ListExecutions, such as `statusFilter`. A page is asked for when its first record is wanted.
    """
    pages = installation.step_functions.get_paginator("list_executions")
    for page in pages.paginate(stateMachineArn=machine_arn, **only):
        yield from (record for record in page["executions"] if "mapRunArn" not in record)


def running_map_runs(client: Any, execution_arn: str) -> list[Mapping[str, Any]]:
    """Return ListMapRuns' records of the Map Runs of an execution that have not ended."""
    pages = client.get_paginator("list_map_runs").paginate(executionArn=execution_arn)
    return [run for page in pages for run in page["mapRuns"] if not run.get("stopDate")]


def base_and_moment(name: str) -> tuple[str, datetime] | None:
    """Return the two parts of a machine's name, None for a name that we would not have given."""
    match = _PATTERN.fullmatch(name)
    try:
        return (match[1], datetime.strptime(match[2], TIMESTAMP).replace(tzinfo=UTC)) if match else None
    except ValueError:
        return None


def tags_of_machine(client: Any, arn: str) -> dict[str, str]:
    """Return the tags of a machine, none where it has gone."""
    try:
        tags = client.list_tags_for_resource(resourceArn=arn)["tags"]
    except client.exceptions.ResourceNotFound:  # deleted since it was listed
        return {}
    return {tag["key"]: tag["value"] for tag in tags}


def _named_like_ours(client: Any) -> list[tuple[str, Machine]]:
    """Return the machines that have a name of ours, newest first, each with its base name."""
    pages = client.get_paginator("list_state_machines").paginate(PaginationConfig={"PageSize": 1000})
    records = [record for page in pages for record in page["stateMachines"]]
    named = [(base_and_moment(record["name"]), record) for record in records]
    ours = [(parts[1], record["name"], parts[0], record) for parts, record in named if parts]
    return [
        (base, Machine(name, record["stateMachineArn"], False, record["creationDate"]))
        for _, name, base, record in sorted(ours, key=lambda entry: entry[:2], reverse=True)
    ]
