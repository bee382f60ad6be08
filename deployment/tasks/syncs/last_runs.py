"""The last run of each named sync: the newest execution of any of our machines whose input has its name.

Step Functions does not look for inputs, so executions are asked for theirs one by one, the newest first. Their number is bounded;
what was not found among so many is not known, rather than never run.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import is_missing
from deployment.aws.installation import Installation
from deployment.step_functions import executions, listing
from deployment.step_functions.executions import Execution
from deployment.syncs.entries import Sync

MAX_EXECUTIONS = 200
"""That are asked for their input: about two seconds."""

MAX_MACHINES = 20
"""The newest, each of which takes a request for its list."""

AT_A_TIME = 8


@dataclass(frozen=True)
class LastRun:
    """An execution of a named sync as it is now; `stopped_at` is None while it runs."""

    execution: Execution
    started_at: datetime
    stopped_at: datetime | None


@dataclass(frozen=True)
class LastRuns:
    """What was found by name; `is_whole` where all executions that Step Functions knows were looked at, or all names found."""

    by_name: Mapping[str, LastRun]
    is_whole: bool


def find(installation: Installation, syncs: Sequence[Sync]) -> LastRuns:
    """Return the last run of each sync. A dry run is none, unless that is what the sync does by itself."""
    wanted = {sync.name: bool(sync.input.get("dryRun")) for sync in syncs}
    found: dict[str, LastRun] = {}
    machines = listing.list_all(installation).ours
    records = _newest_first(installation, [machine.arn for machine in machines[:MAX_MACHINES]])
    looked_at = 0
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="last-run") as pool:
        while looked_at < MAX_EXECUTIONS and wanted.keys() - found.keys():
            some = list(islice(records, AT_A_TIME))
            if not some:
                return LastRuns(found, len(machines) <= MAX_MACHINES)
            looked_at += len(some)
            for described in pool.map(lambda record: _describe(installation, record["executionArn"]), some):
                name = _name_of(installation, described, wanted)
                if name:
                    found.setdefault(name, _last_run(described))
    return LastRuns(found, not wanted.keys() - found.keys())


def _newest_first(installation: Installation, machines: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    lists = [listing.executions_of(installation, arn) for arn in machines]
    return heapq.merge(*lists, key=_started_at, reverse=True)


def _started_at(record: Mapping[str, Any]) -> datetime:
    moment: datetime = record["startDate"]
    return moment


def _describe(installation: Installation, arn: str) -> Mapping[str, Any]:
    """Return DescribeExecution's answer, nothing where the execution has gone since it was listed."""
    try:
        return executions.describe(installation, arn)
    except ClientError as error:
        if not is_missing(error):
            raise
        return {}


def _name_of(
    installation: Installation, described: Mapping[str, Any], wanted: Mapping[str, bool]
) -> str | None:
    """Return which of the wanted syncs an execution is a run of; one that carries out a plan is that of the plan's dry run."""
    given, is_dry = executions.input_of(described), False
    plan = given.get("plan")
    if isinstance(plan, str) and plan.count("/") == 1:
        given = executions.input_of(
            _describe(installation, installation.states_arn("execution", *plan.split("/")))
        )
    else:
        is_dry = bool(given.get("dryRun"))
    name = given.get("name")
    return name if isinstance(name, str) and wanted.get(name) is is_dry else None


def _last_run(described: Mapping[str, Any]) -> LastRun:
    return LastRun(executions.execution_from(described), described["startDate"], described.get("stopDate"))
