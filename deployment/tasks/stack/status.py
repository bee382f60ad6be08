"""`fab status`: the stack, the current state machine, what runs and how far it is, what has ended and how.

Only reads; the thing to run after Ctrl-C of `fab` or `fab sync`, which both go on in AWS. How far a running
execution is, `progress` finds out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from deployment.aws import account
from deployment.aws.installation import Installation
from deployment.aws.subscriptions import Subscriptions, read_subscriptions
from deployment.build.notices.notice_resources import TOPIC_OUTPUT
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.schedules import overview as schedule_overview
from deployment.schedules.overview import Overview as ScheduleOverview
from deployment.schedules.schedule import scheduled_inputs
from deployment.step_functions import executions, inventory, listing
from deployment.step_functions.inventory import DeployedMachine
from deployment.step_functions.progress import ENDED_STATUSES, Observer
from deployment.syncs import entries
from deployment.tasks.stack import versions
from deployment.tasks.stack.status_words import (
    EndedExecution,
    RunningExecution,
    Subject,
    ended_text,
    running_text,
    subject_of,
)
from deployment.tasks.stack.versions import Overview
from deployment.text import iso, utc

LAST_EXECUTIONS = 5
RUNNING_SHOWN = 10
"""With more, the others are counted: each takes several requests to look at."""


@dataclass(frozen=True)
class Status:
    """All that is shown; `stack_status` is None where there is no stack."""

    stack_status: str | None
    stack_updated_at: datetime | None
    overview: Overview
    running: tuple[RunningExecution, ...]
    ended: tuple[EndedExecution, ...]
    schedules: ScheduleOverview | None = None
    subscriptions: Subscriptions = field(default_factory=Subscriptions)


def show(installation: Installation, project: Path, console: Console, as_json: bool = False) -> None:
    """Write the status to stdout, as text and tables or as one JSON document."""
    console.step(installation.full_place)
    status = read(installation, project)
    if as_json:
        console.result(json.dumps(document(installation, status), indent=2))
        return
    console.say("\n".join(head(status)))
    for title, blocks in (
        ("Running", _running_blocks(status, installation.clock.now())),
        ("Ended", _ended_blocks(status)),
    ):
        if blocks:
            console.say(f"\n{title}", "bold")
        for text, style in blocks:
            console.say(text, style)


def read(installation: Installation, project: Path) -> Status:
    """Return the status; raise StackError when the stack of that name is not ours."""
    described = lookup.find(installation)
    overview = versions.read_overview(installation, project, described)
    outputs = lookup.outputs_of(described)
    work_bucket, syncing = outputs.get("WorkBucket"), _syncing(overview.machines)
    records = [record for one in overview.machines for record in _records(installation, one)]
    under_way = sorted((one for one in records if not _is_over(one)), key=_start_date, reverse=True)
    over = sorted((one for one in records if _is_over(one)), key=_stop_date, reverse=True)
    return Status(
        described["StackStatus"] if described else None,
        (described.get("LastUpdatedTime") or described.get("CreationTime")) if described else None,
        overview,
        tuple(
            _read_running(installation, record, work_bucket, number <= RUNNING_SHOWN, syncing)
            for number, record in enumerate(under_way, start=1)
        ),
        tuple(_read_ended(installation, record, syncing) for record in over[:LAST_EXECUTIONS]),
        schedule_overview.read(installation, outputs),
        read_subscriptions(installation, outputs.get(TOPIC_OUTPUT)),
    )


def head(status: Status) -> list[str]:
    """Return what is deployed, a fact a line."""
    updated = f", last changed {utc(status.stack_updated_at)} UTC" if status.stack_updated_at else ""
    lines = [f"Stack: {status.stack_status or 'not deployed; run `fab`'}{updated}"]
    for base in inventory.base_names(one for one in status.overview.machines if not one.is_retired):
        current = next(
            (machine for machine in status.overview.machines if machine.base == base and machine.is_current),
            None,
        )
        if current:
            lines.append(f"State machine: {current.name}")
        lines.append(versions.folder_sentence(status.overview, base))
    lines += status.schedules.lines() if status.schedules else []
    lines += status.subscriptions.sentences()
    if not status.running:
        lines.append(
            "Nothing is running." if status.ended else "Nothing is running, and nothing has ended yet."
        )
    return lines


def document(installation: Installation, status: Status) -> dict[str, Any]:
    """Return what `--json` prints; docs/operating.md has its shape."""
    overview = versions.document(installation, status.overview)
    current = [machine for machine in overview["machines"] if machine["current"]]
    updated = status.stack_updated_at
    return {
        **installation.to_json(),
        "stackStatus": status.stack_status,
        "stackUpdatedAt": iso(updated) if updated else None,
        "folder": overview["folder"],
        "currentMachines": current,
        "schedules": status.schedules.to_json() if status.schedules else None,
        "pendingSubscriptions": list(status.subscriptions.pending),
        "running": [_running_json(execution) for execution in status.running],
        "ended": [_ended_json(execution) for execution in status.ended],
    }


def _running_blocks(status: Status, now: datetime) -> list[tuple[str, str]]:
    return [(running_text(execution, now), "") for execution in status.running]


def _ended_blocks(status: Status) -> list[tuple[str, str]]:
    """Texts and styles."""
    return [
        (ended_text(ended), "" if ended.execution.status == "SUCCEEDED" else "red") for ended in status.ended
    ]


def _records(installation: Installation, machine: DeployedMachine) -> Iterable[Mapping[str, Any]]:
    """Return the executions of a machine that run, all of them, and those that have ended, the newest few."""
    client, arn = installation.step_functions, machine.machine.arn
    latest = client.list_executions(stateMachineArn=arn, maxResults=100)["executions"]
    if machine.running:
        yield from listing.executions_of(installation, arn, statusFilter="RUNNING")
    ended = [record for record in latest if _is_over(record) and "mapRunArn" not in record]
    yield from ended[:LAST_EXECUTIONS]


def _read_running(
    installation: Installation,
    record: Mapping[str, Any],
    work_bucket: str | None,
    closely: bool,
    syncing: str,
) -> RunningExecution:
    arn, machine = record["executionArn"], _other_machine(record, syncing)
    if not closely:
        return RunningExecution(arn, record["startDate"], Subject(), None, machine)
    described = executions.describe(installation, arn)
    progress = Observer(installation, arn, work_bucket).look(described["status"])
    return RunningExecution(arn, record["startDate"], _subject(installation, described), progress, machine)


def _read_ended(installation: Installation, record: Mapping[str, Any], syncing: str) -> EndedExecution:
    described = executions.describe(installation, record["executionArn"])
    execution = executions.execution_from(described)
    subject, machine = _subject(installation, described), _other_machine(record, syncing)
    origins = entries.origins(installation.settings.syncs, executions.input_of(described))
    return EndedExecution(execution, record["stopDate"], subject, machine, origins)


def _subject(installation: Installation, described: Mapping[str, Any]) -> Subject:
    asked = executions.asked_of(installation, executions.input_of(described))
    return subject_of(described, asked, scheduled_inputs(installation.settings.syncs))


def _running_json(execution: RunningExecution) -> dict[str, Any]:
    progress = execution.progress
    return {
        "executionArn": execution.arn,
        "console": account.execution_link(execution.arn),
        "startedAt": iso(execution.started_at),
        **_subject_json(execution.subject),
        "phase": progress.phase if progress else None,
        "units": vars(progress.units) if progress and progress.units else None,
        "planned": _amount_json(progress.planned) if progress else None,
        "done": _amount_json(progress.done) if progress else None,
        "isEstimate": progress.is_estimate if progress else None,
    }


def _amount_json(amount: Any) -> dict[str, int] | None:
    return {"objects": amount.objects, "bytes": amount.size_bytes} if amount else None


def _ended_json(ended: EndedExecution) -> dict[str, Any]:
    return {
        **ended.execution.to_json(),
        "console": account.execution_link(ended.execution.arn),
        "endedAt": iso(ended.stopped_at),
        "seconds": ended.execution.seconds,
        **_subject_json(ended.subject),
    }


def _subject_json(subject: Subject) -> dict[str, Any]:
    return {
        "sides": subject.sides or None,
        "sync": subject.sync or None,
        "startedBy": subject.starter or None,
        "plan": subject.plan or None,
        "dryRun": subject.is_dry,
    }


def _other_machine(record: Mapping[str, Any], syncing: str) -> str:
    """Return the name of a record's state machine, "" for those of the base name of the one that syncs."""
    machine = str(record["executionArn"]).split(":")[-2]
    parts = listing.base_and_moment(machine)
    return machine if parts and parts[0] != syncing else ""


def _syncing(machines: Iterable[DeployedMachine]) -> str:
    """Return the base name of the machine that syncs: ours, or the only one that there is."""
    bases = inventory.base_names(machine for machine in machines if not machine.is_retired)
    return bases[0] if len(bases) == 1 else executions.STATE_MACHINE


def _is_over(record: Mapping[str, Any]) -> bool:
    return record["status"] in ENDED_STATUSES


def _start_date(record: Mapping[str, Any]) -> datetime:
    moment: datetime = record["startDate"]
    return moment


def _stop_date(record: Mapping[str, Any]) -> datetime:
    moment: datetime = record["stopDate"]
    return moment
