"""Which run is meant: the newest, or the one whose name begins so."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from deployment.errors import ConfigurationError, ExecutionFailed
from deployment.project.settings import Settings
from deployment.step_functions import listing, runs
from deployment.step_functions.listing import Machine, MachineList
from deployment.step_functions.runs import Run
from deployment.syncs.entries import Sync
from tests.fake_executions import BEGAN
from tests.installations import installed

OLD, NEW = "sync-buckets-state-machine-20261101-000000", "sync-buckets-state-machine-20261122-101112"
OTHER = "tell-20261123-000000"


def arn(machine: str, name: str) -> str:
    return f"arn:aws:states:eu-west-1:123456789012:execution:{machine}:{name}"


def execution(machine: str, name: str, minute: int, **more: str) -> dict[str, Any]:
    started = BEGAN + timedelta(minutes=minute)
    return {"executionArn": arn(machine, name), "status": "SUCCEEDED", "startDate": started, **more}


class Steps:
    """Step Functions with some executions; remembers how many pages were asked for."""

    def __init__(self, *executions: dict[str, Any]) -> None:
        self.executions = sorted(executions, key=lambda one: one["startDate"], reverse=True)
        self.pages = 0

    def get_paginator(self, name: str) -> Any:
        assert name == "list_executions"
        return self

    def paginate(self, stateMachineArn: str) -> Any:
        machine = stateMachineArn.rpartition(":")[2]
        for one in self.executions:
            if f":{machine}:" in one["executionArn"]:
                self.pages += 1
                yield {"executions": [one]}


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = tuple(Machine(name, f"arn:machine:{name}", False, BEGAN) for name in (OTHER, NEW, OLD))
    monkeypatch.setattr(
        listing, "list_all", lambda installation: MachineList(ours, ("unknown-20261101-000000",))
    )


def find(steps: Steps, typed: str | None = None) -> Run:
    return runs.find(installed(stepfunctions=steps), typed, ["sync-buckets-state-machine", "tell"])


@pytest.mark.usefixtures("machines")
def test_the_newest_run_may_be_of_an_older_machine_and_is_no_child() -> None:
    steps = Steps(
        execution(NEW, "monday", 1),
        execution(NEW, "sunday", 0),
        execution(NEW, "child", 9, mapRunArn="x"),
        execution(OLD, "tuesday", 2),
        execution(OTHER, "told", 8),
    )
    assert find(steps) == Run(arn(OLD, "tuesday"), "SUCCEEDED", BEGAN + timedelta(minutes=2))
    assert steps.pages == 3  # of each machine as much as its newest run needs


@pytest.mark.usefixtures("machines")
@pytest.mark.parametrize(
    ("typed", "name"),
    [("fab-1", "fab-1"), ("fab-12", "fab-123"), ("m", "monday"), (arn(OLD, "monday"), "monday")],
)
def test_a_run_is_found_by_its_name_the_beginning_of_it_or_its_arn(typed: str, name: str) -> None:
    steps = Steps(execution(NEW, "fab-1", 1), execution(OLD, "fab-123", 2), execution(OLD, "monday", 3))
    assert find(steps, typed).name == name


@pytest.mark.usefixtures("machines")
def test_what_may_mean_several_runs_names_the_newest_of_them() -> None:
    steps = Steps(*(execution(NEW, f"fab-{number}", number) for number in range(7)))
    with pytest.raises(ConfigurationError) as caught:
        find(steps, "fab-")
    assert str(caught.value) == (
        "7 runs have names that begin with 'fab-': fab-6, fab-5, fab-4, fab-3, fab-2 and 2 more. Write more of the name."
    )


@pytest.mark.usefixtures("machines")
def test_one_name_at_two_machines_is_told_apart_by_the_arn() -> None:
    steps = Steps(execution(NEW, "monday", 1), execution(OLD, "monday", 0))
    with pytest.raises(ConfigurationError) as caught:
        find(steps, "monday")
    assert str(caught.value) == (
        f"2 runs have names that begin with 'monday': {arn(NEW, 'monday')}, {arn(OLD, 'monday')}. Write the ARN of one."
    )
    assert find(steps, arn(OLD, "monday")).arn == arn(OLD, "monday")


@pytest.mark.usefixtures("machines")
def test_an_execution_of_another_machine_is_said_to_be_one() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find(Steps(execution(NEW, "monday", 1), execution(OTHER, "told", 8)), arn(OTHER, "told"))
    assert str(caught.value) == (
        f"told is an execution of {OTHER}, not a run of sync-buckets-state-machine. `fab status` shows it."
    )


@pytest.mark.usefixtures("machines")
def test_a_name_of_no_run_and_no_run_at_all_are_said() -> None:
    with pytest.raises(ConfigurationError) as unknown:
        find(Steps(execution(NEW, "monday", 1)), "tues\x1b")
    assert str(unknown.value) == (
        "No run has a name that begins with 'tues\\\\x1b'. `fab status` names the newest ones."
    )
    with pytest.raises(ExecutionFailed) as none:
        find(Steps(), "monday")
    assert str(none.value) == (
        "There is no run of sync-buckets-state-machine of the stack sync-buckets in 123456789012/eu-west-1 yet, or Step "
        "Functions has forgotten it. `fab sync` starts one."
    )


# A name of SYNCS

PHOTOS = Sync("photos", {"source": "from", "destination": "into", "name": "photos"})


class NamedSteps(Steps):
    """The same, of which DescribeExecution tells the input; `statusFilter` is heeded."""

    def paginate(self, stateMachineArn: str, statusFilter: str | None = None) -> Any:
        for page in super().paginate(stateMachineArn):
            yield {"executions": [one for one in page["executions"] if statusFilter in (None, one["status"])]}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        return next(one for one in self.executions if one["executionArn"] == executionArn)


def named(machine: str, name: str, minute: int, sync: str, **more: str) -> dict[str, Any]:
    return execution(machine, name, minute, input=json.dumps({"name": sync}), **more)


RUNS = NamedSteps(
    named(NEW, "fab-1", 1, "photos"),
    named(OLD, "uuid", 3, "photos"),
    named(NEW, "photos-by-hand", 5, "films"),
    named(NEW, "fab-9", 9, "films"),
    execution(OTHER, "told", 8, input='{"name": "photos"}'),
    execution(NEW, "applied", 2, input=json.dumps({"plan": f"{NEW}/fab-1"})),
)


def of(typed: str, steps: NamedSteps = RUNS, running: bool = False) -> Run:
    installation = installed(Settings(syncs=(PHOTOS,)), stepfunctions=steps)
    look = runs.find_running if running else runs.find_meant
    return look(installation, typed, ["sync-buckets-state-machine", "tell"])


@pytest.mark.usefixtures("machines")
def test_a_name_of_syncs_is_its_newest_run_and_other_names_are_as_ever() -> None:
    assert (of("photos").name, of("photos").status) == ("uuid", "SUCCEEDED")
    assert (of("photos-").name, of("fab-9").name) == ("photos-by-hand", "fab-9")
    planned = NamedSteps(*(one for one in RUNS.executions if not one["executionArn"].endswith("uuid")))
    assert of("photos", planned).name == "applied"
    with pytest.raises(
        ExecutionFailed, match=r"^None of the newest 200 runs is one of the sync photos\. `fab sync photos` "
    ):
        of("photos", NamedSteps(named(NEW, "photos-by-hand", 1, "films")))


@pytest.mark.usefixtures("machines")
def test_of_a_name_of_syncs_the_one_run_that_is_running_is_meant() -> None:
    running = (
        named(NEW, "now", 4, "photos", status="RUNNING"),
        named(NEW, "other", 6, "films", status="RUNNING"),
    )
    assert of("photos", NamedSteps(*RUNS.executions, *running), True).name == "now"
    with pytest.raises(ExecutionFailed, match=r"^No run of the sync photos is RUNNING\.$"):
        of("photos", NamedSteps(*RUNS.executions, running[1]), True)
    two = *running, named(OLD, "before", 3, "photos", status="RUNNING")
    with pytest.raises(
        ConfigurationError, match=r"^2 runs of the sync photos are RUNNING: now, before\. Write the name"
    ):
        of("photos", NamedSteps(*two), True)
