"""What the other tasks do with schedules: rollback repoints, prune spares, delete removes first, status and `fab` tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deployments_on_moto import BASE, Deployments
from moto import mock_aws
from scheduled import GROUP, outputs_of, syncs, with_syncs

from deployment.aws.installation import Clock
from deployment.build.build import Sources
from deployment.cloudformation.stack import DeployedStack
from deployment.errors import ExecutionFailed
from deployment.project.states_language import MachineSpec
from deployment.schedules import steps
from deployment.schedules.reconcile import ScheduleChange
from deployment.step_functions.listing import Machine
from deployment.tasks.stack import delete as removal
from deployment.tasks.stack import deploy, prune, rollback, status
from deployment.tasks.syncs import pausing
from tests.installations import installed, no_sleep
from tests.recording_console import RecordingConsole

COPY = "sync-buckets-copy"
OLD, MIDDLE, NEW = "20261101-100000", "20261102-100000", "20261103-100000"
NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


@pytest.fixture
def deployed() -> Iterator[Deployments]:
    """Three deployments and two schedules, which start the newest machine."""
    with mock_aws():
        made = Deployments()
        made.stack.outputs = outputs_of() | {"StateMachines": BASE}
        url = made.installation.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
        made.stack.outputs["ScheduleDeadLettersUrl"] = url
        made.installation.client("scheduler").create_schedule_group(Name=GROUP)
        for number, timestamp in enumerate((OLD, MIDDLE, NEW)):
            made.machine(timestamp, made.function(COPY, f"copy {number}"))
        point(made, NEW)
        yield made


def point(deployed: Deployments, timestamp: str) -> None:
    """Let the schedules start this machine."""
    name = f"{BASE}-{timestamp}"
    machine = Machine(name, deployed.arn(name), False, NOW)
    ours = with_syncs(deployed.installation, syncs(one="rate(1 hour)", two="rate(2 hours)"))
    steps.bring_up_to_date(ours, deployed.stack.outputs, [machine], RecordingConsole())


def targets(deployed: Deployments) -> set[str]:
    found = deployed.installation.client("scheduler").list_schedules(GroupName=GROUP)["Schedules"]
    return {one["Target"]["Arn"].rpartition(":")[2] for one in found}


def test_a_rollback_lets_the_schedules_start_the_machine_that_it_makes(deployed: Deployments) -> None:
    console = RecordingConsole()
    installation = replace(deployed.installation, clock=Clock(now=lambda: NOW, sleep=no_sleep))

    made = rollback.rollback(installation, None, console)

    assert made.created and targets(deployed) == {made.name}
    assert console.results[-1] == "Schedules that start it now: one, two"


def test_a_schedule_that_is_paused_starts_nothing_after_a_rollback_either_which_is_said(
    deployed: Deployments,
) -> None:
    console = RecordingConsole()
    installation = replace(deployed.installation, clock=Clock(now=lambda: NOW, sleep=no_sleep))
    pausing.pause(with_syncs(installation, syncs(two="rate(2 hours)")), "two", RecordingConsole())

    rollback.rollback(installation, None, console)

    assert console.results[-1] == "Schedules that start it now: one, two (paused)"


def test_pruning_spares_the_machine_that_a_schedule_names_and_says_so(deployed: Deployments) -> None:
    point(deployed, OLD)
    console = RecordingConsole()

    prune.prune(deployed.installation, "1", console, yes=True)

    assert deployed.machines() == [f"{BASE}-{OLD}", f"{BASE}-{NEW}"]
    assert [f"{BASE}-{OLD}", "keep", "a schedule starts it"] in console.tables[0][2]
    assert f"{COPY}:1" in deployed.versions(COPY)


def test_deleting_names_the_schedules_and_removes_them_before_any_machine(deployed: Deployments) -> None:
    console = RecordingConsole()
    order: list[str] = []
    for service, operation in (("scheduler", "DeleteSchedule"), ("stepfunctions", "DeleteStateMachine")):
        client = deployed.installation.client(service)
        client.meta.events.register(f"before-call.*.{operation}", lambda model, **_: order.append(model.name))
    installation = replace(deployed.installation, clock=Clock(sleep=deployed.stack.sleep))

    removal.delete(installation, console, yes=True)

    assert "  the schedule of one\n  the schedule of two\n" in console.steps[0]
    assert order == ["DeleteSchedule"] * 2 + ["DeleteStateMachine"] * 3
    assert targets(deployed) == set()


def test_nothing_is_removed_where_the_answer_is_no(deployed: Deployments) -> None:
    with pytest.raises(Exception, match="Nothing was deleted"):
        removal.delete(deployed.installation, RecordingConsole(["no"]))
    assert len(targets(deployed)) == 1


def test_the_status_tells_of_schedules_and_starts_that_failed(deployed: Deployments, tmp_path: Any) -> None:
    url = deployed.stack.outputs["ScheduleDeadLettersUrl"]
    deployed.installation.client("sqs").send_message(QueueUrl=url, MessageBody="{}")

    found = status.read(deployed.installation, tmp_path)

    lines = status.head(found)
    assert "Schedules: 2. Starts that failed: 1" in lines
    assert status.document(deployed.installation, found)["schedules"] == {
        "scheduled": 2,
        "paused": [],
        "deadLetters": 1,
        "problem": None,
    }
    deployed.stack.outputs = {"StateMachines": BASE}
    bare = status.read(deployed.installation, tmp_path)
    assert not any("Schedules" in line for line in status.head(bare))
    assert status.document(deployed.installation, bare)["schedules"] is None


def test_a_folder_without_the_machine_that_syncs_is_refused_before_anything_is_done(
    deployed: Deployments,
) -> None:
    machines = [MachineSpec(name, Path("state_machines", f"{name}.yaml"), {}) for name in ("tell", "other")]
    ours = with_syncs(deployed.installation, syncs(one="rate(1 hour)"))
    before = list(deployed.stack.calls)
    with pytest.raises(ExecutionFailed, match="sync-buckets-state-machine is no longer deployed"):
        deploy.deploy(ours, Sources((), machines, ()), RecordingConsole())
    assert deployed.stack.calls == before


@pytest.mark.parametrize(
    "actions, words",
    [
        (("create", "create", "update", "delete", "none"), "Schedules: 2 created, 1 changed, 1 removed"),
        (("update",), "Schedules: 1 changed"),
        (("none", "none"), None),
        ((), None),
    ],
)
def test_the_end_of_fab_says_what_became_of_the_schedules(actions: Any, words: str | None) -> None:
    changes = [ScheduleChange(f"s{number}", action, None) for number, action in enumerate(actions)]

    text = deploy.ending(installed(), [], DeployedStack("sync-buckets", {}, False, ()), [], changes)

    assert (words in text.splitlines()) if words else "Nothing to do: everything is up to date." in text
