"""The last run of each named sync: the newest execution of any of our machines whose input has its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployment.aws.installation import Installation
from deployment.step_functions import executions, listing, named_runs
from deployment.step_functions.executions import Execution
from deployment.step_functions.named_runs import MAX_EXECUTIONS, MAX_MACHINES
from deployment.syncs.entries import Sync


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
    looked_at = 0
    for run in named_runs.newest_first(installation, [machine.arn for machine in machines[:MAX_MACHINES]]):
        looked_at += 1
        if run.name is not None and wanted.get(run.name) is run.is_dry:
            found.setdefault(run.name, _last_run(run.described))
        if not wanted.keys() - found.keys():
            return LastRuns(found, True)
    return LastRuns(found, looked_at < MAX_EXECUTIONS and len(machines) <= MAX_MACHINES)


def _last_run(described: Mapping[str, Any]) -> LastRun:
    return LastRun(executions.execution_from(described), described["startDate"], described.get("stopDate"))
