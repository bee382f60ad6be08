"""`fab stop`: which run is meant, what is asked, written and shown, and how a Map Run of very many shards is ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from deployment.cloudformation import lookup
from deployment.errors import ConfigurationError, Declined, ExecutionFailed
from deployment.project import states_language
from deployment.step_functions import listing, runs, stops
from deployment.step_functions.listing import Machine, MachineList
from deployment.step_functions.runs import Run
from deployment.tasks.runs import stop
from lambda_functions.shared.work_bucket import executions
from tests.fake_executions import (
    ARN,
    BEGAN,
    FOLDER,
    LINK,
    MACHINE,
    REPORT,
    FakeAws,
    FakeClock,
    error,
    map_run,
    piped,
)
from tests.installations import installed
from tests.places import PROJECT
from tests.recording_console import RecordingConsole

STOP = f"{FOLDER}/stop.json"
CAUSE = "The run was stopped while copying: 4 of 12 objects were copied, nothing was deleted."
MAP_RUN = "mapRun:CopyKeys"


class Aws(FakeAws):
    """FakeAws with a machine that can be stopped, a work bucket that takes files, and children of Map Runs by the look."""

    def __init__(self) -> None:
        super().__init__()
        self.definition: dict[str, Any] = {"States": {"Stopped": {"Type": "Fail"}}}
        self.children: list[list[float]] = []
        self.files: list[dict[str, Any]] = []
        self.updated: list[dict[str, Any]] = []

    def describe_state_machine(self, **parameters: Any) -> dict[str, Any]:
        self._call("describe_state_machine", parameters)
        return {"definition": json.dumps(self.definition)}

    def put_object(self, **parameters: Any) -> None:
        self._call("put_object", parameters)
        if parameters.get("IfNoneMatch") and self.files:
            raise error("PreconditionFailed", "PutObject", 412)
        self.files.append({"key": parameters["Key"], **json.loads(parameters["Body"])})

    def stop_execution(self, **parameters: Any) -> None:
        self._call("stop_execution", parameters)

    def update_map_run(self, **parameters: Any) -> None:
        self._call("update_map_run", parameters)
        self.updated.append({**parameters, "after": self.files[-1]["endsMap"]})

    def get_paginator(self, name: str) -> Any:
        if name != "list_executions":
            return super().get_paginator(name)

        def paginate(**parameters: Any) -> list[dict[str, Any]]:
            self._call(name, parameters)
            began = self.children.pop(0) if self.children else []
            return [{"executions": [{"startDate": BEGAN + timedelta(seconds=one)} for one in began]}]

        return type("Paginator", (), {"paginate": staticmethod(paginate)})

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """An account whose one run that is RUNNING, monday, ends with Stopped as soon as it is followed."""
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(runs, "find_running", lambda installation, name, deployed: Run(ARN, "RUNNING", BEGAN))
    found = Aws()
    found.statuses = ["FAILED"]
    found.end = {
        "stopDate": BEGAN + timedelta(seconds=95),
        "input": '{"source": "photos", "destination": "photos-copy"}',
        "error": "Stopped",
        "cause": CAUSE,
    }
    found.objects[f"{FOLDER}/report.json"] = {**REPORT, "outcome": "Stopped", "stopped": {"objects": 8}}
    return found


def many_left(aws: Aws, pending: int = 1_001) -> Aws:
    aws.map_runs = [map_run("CompareRanges", 1, stopped=True), map_run("CopyKeys", 2)]
    aws.counts = {MAP_RUN: {"pending": pending}}
    return aws


def stopped(aws: Aws, clock: FakeClock | None = None, **options: Any) -> tuple[str, str]:
    console, out, err = piped()
    stop.stop(aws.installation(clock), None, console, yes=True, **options)
    return out.getvalue(), err.getvalue()


def test_a_run_is_asked_to_stop_and_shown_to_its_end_with_what_was_left(aws: Aws) -> None:
    out, err = stopped(aws)
    assert aws.files == [
        {"key": STOP, "file": STOP, "askedAt": "2026-11-22T10:00:00+00:00", "endsMap": False}
    ]
    assert err.startswith(
        f"{ARN}\n{LINK}\nAsked to stop: it begins nothing more, ends what is under way, and writes its report.\n"
    )
    assert "not done: the run was stopped" in out
    assert out.endswith(f"{CAUSE}\n") or err.endswith(f"{CAUSE}\n")
    assert {"stop_execution", "update_map_run", "delete_object"} & set(aws.names()) == set()


def test_how_the_run_ended_is_asked_once(aws: Aws) -> None:
    stopped(aws)
    # Its input, whether it runs still, and its end.
    assert aws.names().count("describe_execution") == 3


def test_a_second_stop_replaces_nothing(aws: Aws) -> None:
    aws.files = [{"key": STOP, "endsMap": True}]
    stopped(aws)
    assert aws.files == [{"key": STOP, "endsMap": True}]


def test_a_run_that_breaks_on_its_way_is_a_failure_of_its_own(aws: Aws) -> None:
    aws.end |= {"error": "SyncIncomplete", "cause": "2 objects were not synchronised."}
    with pytest.raises(ExecutionFailed, match="monday failed with SyncIncomplete: 2 objects"):
        stopped(aws)


def test_a_run_that_was_done_before_it_could_be_stopped_has_succeeded(aws: Aws) -> None:
    aws.statuses = ["SUCCEEDED"]
    aws.end = {"stopDate": BEGAN, "output": json.dumps(REPORT)}
    out, _ = stopped(aws)
    assert "copied" in out


def test_ctrl_c_says_that_the_run_stops_all_the_same_and_how_to_come_back(aws: Aws) -> None:
    aws.refused["get_execution_history"] = KeyboardInterrupt()
    aws.statuses = ["RUNNING"]
    console, _, err = piped()
    with pytest.raises(KeyboardInterrupt):
        stop.stop(aws.installation(FakeClock()), None, console, yes=True)
    assert err.getvalue().endswith(
        "The run was asked to stop, and does so all the same. See how it ends from any terminal with:\n  fab follow monday\n"
    )
    assert "continues" not in err.getvalue()


def test_ctrl_c_while_workers_are_waited_for_says_what_is_left_and_how_to_come_back(aws: Aws) -> None:
    aws.refused["list_executions"] = KeyboardInterrupt()
    console, _, err = piped()
    with pytest.raises(KeyboardInterrupt):
        stop.stop(many_left(aws).installation(FakeClock()), None, console, yes=True)
    assert err.getvalue().endswith(
        "The run was asked to stop, and does so all the same. If it has more than 1,000 batches left, each of them starts a "
        "worker for nothing until you come back, from any terminal, with:\n  fab stop monday\n"
    )
    assert [one["endsMap"] for one in aws.files] == [False]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (None, "there is no terminal to ask on"),
        (["n"], "the answer was not y"),
        ([""], "the answer was not y"),
    ],
)
@pytest.mark.parametrize("now", [False, True])
def test_nothing_is_stopped_without_a_yes(
    aws: Aws, answers: Sequence[str] | None, why: str, now: bool
) -> None:
    console = RecordingConsole(answers)
    with pytest.raises(Declined, match=f"Nothing was stopped: {why}"):
        stop.stop(aws.installation(), None, console, now=now)  # type: ignore[arg-type]
    assert aws.files == []
    assert "stop_execution" not in aws.names()
    if answers:
        assert console.questions == ["Stop the run monday, photos -> photos-copy, now? [y/N]"]


def test_now_ends_the_execution_too_and_says_what_that_costs(aws: Aws) -> None:
    out, err = stopped(aws, now=True)
    assert [one["key"] for one in aws.files] == [STOP]
    (parameters,) = [parameters for name, parameters in aws.calls if name == "stop_execution"]
    assert parameters == {
        "executionArn": ARN,
        "error": "Stopped",
        "cause": "somebody has run `fab stop --now`",
    }
    assert aws.names().index("put_object") < aws.names().index("stop_execution")
    assert (
        "lasts until 10:15:30 UTC (930 seconds): until then a sync into it is refused with AlreadyRunning."
        in out + err
    )
    assert stop.STRAGGLERS_SECONDS == executions.STRAGGLERS_SECONDS


def test_a_run_of_an_older_machine_does_not_look_for_the_file_and_is_not_asked(aws: Aws) -> None:
    aws.definition = {"States": {"Begin": {}}}
    with pytest.raises(ExecutionFailed) as caught:
        stopped(aws)
    assert str(caught.value) == (
        f"The run monday is one of an older state machine, {MACHINE}, whose workers cannot be asked to stop. "
        "`fab stop monday --now` ends it all the same."
    )
    assert aws.files == []
    stopped(aws, now=True)
    assert "stop_execution" in aws.names()


# Very many shards


def test_a_map_of_up_to_a_thousand_shards_that_are_left_comes_to_its_end(aws: Aws) -> None:
    stopped(many_left(aws, 1_000))
    assert (len(aws.files), aws.updated) == (1, [])


def test_a_longer_one_is_ended_once_all_that_began_before_have_ended(aws: Aws) -> None:
    clock = FakeClock()
    # The third child has begun long after the stop; the last one before it is seen late.
    many_left(aws).children = [[-60.0, 3.0], [-60.0, 99.0], [99.0], [-1.0], [99.0], []]
    _, err = stopped(aws, clock)
    assert [one["endsMap"] for one in aws.files] == [False, True]
    assert aws.updated == [
        {"mapRunArn": MAP_RUN, "toleratedFailureCount": 0, "toleratedFailurePercentage": 0.0, "after": True}
    ]
    assert clock.naps[:5] == [5.0] * 5
    assert "Waiting for 2 workers to end what is under way.\nWaiting for 1 worker to end" in err
    assert "Its other batches, which had not begun, are left out.\n" in err


def test_where_the_map_run_may_not_be_changed_the_rest_fails_one_by_one(aws: Aws) -> None:
    aws.refused["update_map_run"] = error("AccessDeniedException", "UpdateMapRun")
    _, err = stopped(many_left(aws), FakeClock())
    assert f"The tolerated failures of {MAP_RUN} could not be set to 0" in err
    assert [one["endsMap"] for one in aws.files] == [False, True]


# Which run


class Steps:
    """Step Functions with some executions, of which only those of a status are listed where one is asked for."""

    def __init__(self, *executions: tuple[str, str]) -> None:
        self.executions = executions

    def get_paginator(self, name: str) -> Any:
        assert name == "list_executions"
        return self

    def paginate(self, stateMachineArn: str, statusFilter: str = "") -> Any:
        yield {
            "executions": [
                {"executionArn": f"{ARN.rpartition(':')[0]}:{name}", "status": status, "startDate": BEGAN}
                for name, status in self.executions
                if statusFilter in ("", status)
            ]
        }


def find(monkeypatch: pytest.MonkeyPatch, typed: str | None, *executions: tuple[str, str]) -> str:
    ours = (Machine(MACHINE, f"arn:machine:{MACHINE}", False, BEGAN),)
    monkeypatch.setattr(listing, "list_all", lambda installation: MachineList(ours, ()))
    return runs.find_running(installed(stepfunctions=Steps(*executions)), typed, None).name


@pytest.mark.parametrize("typed", [None, "m", "monday", ARN])
def test_the_one_that_is_running_is_meant_whatever_has_ended(
    monkeypatch: pytest.MonkeyPatch, typed: str | None
) -> None:
    assert find(monkeypatch, typed, ("monday", "RUNNING"), ("march", "FAILED")) == "monday"


def test_of_several_none_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ("monday", "RUNNING"), ("march", "RUNNING")
    with pytest.raises(ConfigurationError) as caught:
        find(monkeypatch, None, *both)
    assert str(caught.value) == "2 runs are RUNNING: monday, march. Write the name of one, or its beginning."
    with pytest.raises(ConfigurationError, match="2 runs have names that begin with 'm': monday, march"):
        find(monkeypatch, "m", *both)
    assert find(monkeypatch, "mo", *both) == "monday"


def test_one_that_has_ended_and_none_at_all_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ExecutionFailed, match=r"^The run march is not RUNNING: it has ended FAILED.$"):
        find(monkeypatch, "mar", ("monday", "RUNNING"), ("march", "FAILED"))
    with pytest.raises(
        ExecutionFailed, match=r"^No run of sync-buckets-state-machine of the stack .* is RUNNING.$"
    ):
        find(monkeypatch, None, ("march", "FAILED"))
    with pytest.raises(ConfigurationError, match="No run has a name that begins with 'x'"):
        find(monkeypatch, "x", ("monday", "RUNNING"))


def test_what_the_machine_is_told_by_is_what_its_file_has() -> None:
    found = states_language.read(PROJECT / "state_machines/sync_buckets_state_machine.yaml").definition
    assert found["States"][stops.STOPPED]["Error"] == stops.STOPPED
