"""`fab syncs`: the table and the document, and how the last run of each sync is found."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deployment.aws.installation import Installation
from deployment.console import Console
from deployment.project.settings import Settings
from deployment.schedules.schedule import Schedule
from deployment.step_functions import listing, named_runs
from deployment.step_functions.listing import Machine, MachineList
from deployment.syncs.entries import Sync
from deployment.tasks.syncs import last_runs, syncs_list
from deployment.tasks.syncs.syncs_list import Schedules
from tests.fake_executions import BEGAN, error, piped
from tests.installations import installed

OLD, NEW = "sync-buckets-state-machine-20261101-000000", "sync-buckets-state-machine-20261122-101112"
NOW = BEGAN + timedelta(hours=2)  # 2026-11-22 12:00, a Sunday
PHOTOS = Sync(
    "photos", {"source": "from", "destination": "into", "prefix": "a/", "name": "photos"}, "cron(0 3 * * ? *)", "Europe/Berlin"
)  # fmt: skip
FILMS = Sync("films", {"source": "from", "destination": "films", "name": "films"}, "rate(6 hours)")
DRIFT = Sync("drift", {"source": "a", "destination": "b", "dryRun": True, "name": "drift"})


class Steps:
    """Step Functions with executions of two machines; remembers what was asked for."""

    def __init__(self, *runs: tuple[str, str, int, Any, Mapping[str, Any]]) -> None:
        """Each run is machine, name, minute of its start, input, and what DescribeExecution says besides."""
        self.described: list[str] = []
        self.pages = 0
        self.runs = {
            f"arn:aws:states:eu-west-1:123456789012:execution:{machine}:{name}": {
                "startDate": BEGAN + timedelta(minutes=minute),
                "input": given if isinstance(given, str) else json.dumps(given),
                "status": "SUCCEEDED",
                "stopDate": BEGAN + timedelta(minutes=minute, seconds=30),
                **more,
            }
            for machine, name, minute, given, more in runs
        }

    def get_paginator(self, name: str) -> Any:
        assert name == "list_executions"
        return self

    def paginate(self, stateMachineArn: str) -> Any:
        machine = stateMachineArn.rpartition(":")[2]
        records = [
            {"executionArn": arn, "status": run["status"], "startDate": run["startDate"]}
            for arn, run in self.runs.items()
            if f":{machine}:" in arn
        ]
        self.pages += 1
        yield {"executions": sorted(records, key=lambda one: one["startDate"], reverse=True)}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        self.described.append(executionArn.rpartition(":")[2])
        run = self.runs[executionArn]
        if "raises" in run:
            raise run["raises"]
        return {"executionArn": executionArn, **run}


@pytest.fixture(autouse=True)
def machines(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = tuple(Machine(name, f"arn:machine:{name}", False, BEGAN) for name in (NEW, OLD))
    monkeypatch.setattr(listing, "list_all", lambda installation: MachineList(ours, ()))


def place(steps: Steps, *syncs: Sync) -> Installation:
    return installed(Settings(syncs=syncs), clock={"now": lambda: NOW}, stepfunctions=steps)


def found(steps: Steps, *syncs: Sync) -> dict[str, str]:
    last = last_runs.find(place(steps, *syncs), syncs)
    return {name: run.execution.name for name, run in last.by_name.items()}


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


# The last run of each


def test_the_last_run_is_the_newest_with_the_name_of_whatever_machine() -> None:
    steps = Steps(
        (NEW, "new-films", 1, FILMS.input, {}),
        (OLD, "old-films", 0, FILMS.input, {}),
        (OLD, "photos-later", 9, PHOTOS.input, {"status": "FAILED"}),
        (NEW, "photos-before", 5, PHOTOS.input, {}),
        (NEW, "nameless", 20, {"source": "from", "destination": "into"}, {}),
        (NEW, "of-another", 21, {**PHOTOS.input, "name": "other"}, {}),
        (NEW, "no-json", 22, "{", {}),
    )
    assert found(steps, PHOTOS, FILMS) == {"photos": "photos-later", "films": "new-films"}


def test_a_dry_run_is_no_run_of_a_sync_that_syncs_and_the_run_of_one_that_compares() -> None:
    steps = Steps(
        (NEW, "verified", 9, {**PHOTOS.input, "dryRun": True}, {}),
        (NEW, "synced", 1, PHOTOS.input, {}),
        (NEW, "really", 9, {**DRIFT.input, "dryRun": False}, {}),
        (NEW, "compared", 1, DRIFT.input, {}),
    )
    assert found(steps, PHOTOS, DRIFT) == {"photos": "synced", "drift": "compared"}


def test_a_run_that_carries_out_a_plan_is_one_of_the_sync_that_was_planned() -> None:
    steps = Steps(
        (NEW, "of-nothing-known", 12, {"plan": f"{OLD}/gone"}, {}),
        (NEW, "of-half-a-name", 11, {"plan": "planned"}, {}),
        (NEW, "applied", 10, {"plan": f"{OLD}/planned"}, {"status": "FAILED"}),
        (OLD, "planned", 9, {**PHOTOS.input, "dryRun": True}, {}),
        (OLD, "gone", 8, {}, {"raises": error("ExecutionDoesNotExist")}),
        (NEW, "before", 1, PHOTOS.input, {}),
    )
    assert found(steps, PHOTOS) == {"photos": "applied"}


def test_nothing_is_asked_once_every_sync_has_its_run_and_never_more_than_the_bound() -> None:
    runs = [(NEW, f"run-{minute}", minute, PHOTOS.input, {}) for minute in range(500)]
    steps = Steps(*runs)
    assert found(steps, PHOTOS) == {"photos": "run-499"}
    assert len(steps.described) <= named_runs.AT_A_TIME
    steps = Steps(*runs)
    last = last_runs.find(place(steps, PHOTOS, FILMS), [PHOTOS, FILMS])
    assert (len(steps.described), steps.pages) == (named_runs.MAX_EXECUTIONS, 2)
    assert (set(last.by_name), last.is_whole) == ({"photos"}, False)


def test_machines_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    many = tuple(Machine(f"{NEW}-{number}", f"arn:machine:{number}", False, BEGAN) for number in range(50))
    monkeypatch.setattr(listing, "list_all", lambda installation: MachineList(many, ()))
    steps = Steps()
    assert not last_runs.find(place(steps, PHOTOS), [PHOTOS]).is_whole
    assert steps.pages == named_runs.MAX_MACHINES


def test_an_execution_that_has_gone_meanwhile_is_passed_over_and_any_other_refusal_is_not() -> None:
    gone = {"raises": error("ExecutionDoesNotExist")}
    assert found(Steps((NEW, "gone", 9, {}, gone), (NEW, "kept", 1, PHOTOS.input, {})), PHOTOS) == {
        "photos": "kept"
    }
    denied = {"raises": error("AccessDeniedException")}
    with pytest.raises(type(denied["raises"])):
        found(Steps((NEW, "denied", 9, {}, denied)), PHOTOS)


# What is shown

REPORT = {"copied": {"objects": 12, "bytes": 9}, "deleted": {"objects": 1, "bytes": 1}}
RAN = Steps(
    (NEW, "photos", 30, PHOTOS.input, {"output": json.dumps(REPORT)}),
    (OLD, "films", 60, FILMS.input, {"status": "FAILED", "error": "SyncIncomplete", "cause": "3 failed."}),
    (NEW, "drift", 90, DRIFT.input, {"status": "RUNNING", "stopDate": None}),
)
FAR = Sync("far", {"source": "a", "destination": "b", "name": "far"}, "cron(0 3 1 1 ? *)")
PAST = Sync("past", {"source": "a", "destination": "b", "name": "past"}, "at(2026-11-01T03:00:00)")
EVERY = (PHOTOS, FILMS, DRIFT, FAR, PAST)
DEPLOYED_THREE = Schedules(dict.fromkeys(("photos", "films", "far"), "scheduled"))
DEPLOYED = Schedules({sync.name: "scheduled" for sync in EVERY if sync.schedule})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(steps: Steps, *syncs: Sync, schedules: Schedules = DEPLOYED, width: int | None = None) -> str:
    """What is written, into a pipe, or to a terminal of this width."""
    out = Terminal() if width else io.StringIO()
    environ = {"TERM": "xterm", "NO_COLOR": "1"}
    console = Console(out, io.StringIO(), io.StringIO(), environ=environ, width=width)
    syncs_list.show(place(steps, *syncs), console, schedules=schedules)
    return out.getvalue()


def next_of(sync: Sync, schedules: Schedules) -> str:
    return syncs_list.next_text(sync, NOW, schedules)


def test_each_sync_says_what_when_and_what_came_of_it() -> None:
    assert shown(RAN, *EVERY) == (
        "photos: from/a/ -> into/a/\n"
        "  schedule: cron(0 3 * * ? *) Europe/Berlin\n"
        "  next run: 2026-11-23 03:00 CET, in 14 h 00 min\n"
        "  last run: SUCCEEDED 2026-11-22 10:30:30 UTC, 1 h 29 min ago, 12 objects copied, 1 object deleted\n"
        "\n"
        "films: from -> films\n"
        "  schedule: rate(6 hours)\n"
        "  next run: within 6 h 00 min\n"
        "  last run: FAILED with SyncIncomplete 2026-11-22 11:00:30 UTC, 59 min 30 s ago\n"
        "  see why: fab report films\n"
        "\n"
        "drift: a -> b\n"
        "  schedule: none\n"
        "  last run: RUNNING since 2026-11-22 11:30:00 UTC, 30 min 00 s ago\n"
        "\n"
        "far: a -> b\n"
        "  schedule: cron(0 3 1 1 ? *) UTC\n"
        "  next run: 2027-01-01 03:00 UTC, in 39 days\n"
        "  last run: never\n"
        "\n"
        "past: a -> b\n"
        "  schedule: at(2026-11-01T03:00:00) UTC\n"
        "  next run: never again\n"
        "  last run: never\n"
    )


def test_a_narrow_terminal_folds_sentences_and_never_an_expression() -> None:
    expression = "cron(0/5 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 ? JAN-MAR MON-FRI *)"
    often = replace(PHOTOS, schedule=expression, timezone="America/Argentina/Buenos_Aires")
    narrow = lines(shown(RAN, often, schedules=Schedules({"photos": "scheduled"}), width=80))
    assert f"  schedule: {expression} America/Argentina/Buenos_Aires" in narrow
    assert narrow[-2:] == [
        "  last run: SUCCEEDED 2026-11-22 10:30:30 UTC, 1 h 29 min ago, 12 objects",
        "  copied, 1 object deleted",
    ]


def test_what_is_known_of_the_schedules_is_heeded() -> None:
    known = Schedules({"photos": "paused", "films": "on"}, {"films": NOW - timedelta(hours=1)})
    assert [next_of(sync, known) for sync in (PHOTOS, FILMS)] == [
        "paused",
        "2026-11-22 17:00 UTC, in 5 h 00 min",
    ]


def test_a_schedule_that_is_not_deployed_has_no_next_run() -> None:
    other = Schedules({"films": "scheduled"})
    assert (next_of(PHOTOS, other), next_of(DRIFT, other)) == ("not deployed: run `fab`", "")
    assert next_of(PHOTOS, syncs_list.NONE_DEPLOYED) == "not deployed: run `fab`"
    assert syncs_list.next_run(PHOTOS, NOW) is None
    assert "  next run: not deployed: run `fab`\n" in shown(RAN, PHOTOS, schedules=other)


@pytest.mark.parametrize(
    "state, when", [("scheduled", "2026-11-22 13:00 UTC, in 1 h 00 min"), ("paused", "paused")]
)
def test_the_next_run_is_that_of_what_is_deployed(state: str, when: str) -> None:
    before = Schedule("photos", "cron(0 13 * * ? *)", "UTC", "machine", "role", "{}", None)
    known = Schedules({"photos": state}, {}, {"photos": before})
    assert next_of(PHOTOS, known) == f"{when}; deployed is cron(0 13 * * ? *) UTC: run `fab`"
    same = replace(before, expression=str(PHOTOS.schedule), timezone=PHOTOS.timezone)
    assert "deployed" not in next_of(PHOTOS, replace(known, details={"photos": same}))


def test_deployed_schedules_without_a_sync_are_named() -> None:
    left = Schedules({"photos": "scheduled", "gone": "paused", "drift": "scheduled"})
    assert lines(shown(RAN, PHOTOS, DRIFT, schedules=left))[-1] == (
        "Deployed without a schedule in SYNCS: gone (paused), drift. What is not paused starts runs until `fab` removes it."
    )
    assert "gone" in shown(Steps(), schedules=left)
    console, out, _ = piped()
    syncs_list.show(place(RAN, PHOTOS), console, as_json=True, schedules=left)
    assert json.loads(out.getvalue())["schedulesWithoutSync"] == ["gone", "drift"]


def test_the_document_has_the_same_for_programs() -> None:
    console, out, _ = piped()
    syncs_list.show(place(RAN, PHOTOS, FILMS, FAR), console, as_json=True, schedules=DEPLOYED_THREE)
    document = json.loads(out.getvalue())
    photos, films, far = document.pop("syncs")
    assert document == {
        "account": "123456789012", "region": "eu-west-1", "stack": "sync-buckets", "allExecutionsRead": True,
        "schedulesWithoutSync": [],
    }  # fmt: skip
    console_link = photos["lastRun"].pop("console")
    assert photos == {
        "name": "photos",
        "input": dict(PHOTOS.input),
        "schedule": "cron(0 3 * * ? *)",
        "timezone": "Europe/Berlin",
        "state": "scheduled",
        "nextRun": "2026-11-23T03:00:00+01:00",
        "lastRun": {
            "executionArn": f"arn:aws:states:eu-west-1:123456789012:execution:{NEW}:photos",
            "status": "SUCCEEDED",
            "report": REPORT,
            "startedAt": "2026-11-22T10:30:00Z",
            "endedAt": "2026-11-22T10:30:30Z",
        },
    }
    assert console_link.endswith(photos["lastRun"]["executionArn"])
    assert (films["nextRun"], films["lastRun"]["error"], films["lastRun"]["cause"]) == (
        None,
        "SyncIncomplete",
        "3 failed.",
    )
    assert (far["nextRun"], far["lastRun"]) == ("2027-01-01T03:00:00+00:00", None)


def test_the_syncs_are_shown_below_the_place() -> None:
    console, out, err = piped()
    syncs_list.show(place(RAN, PHOTOS, FILMS), console)
    assert err.getvalue() == "Account 123456789012, region eu-west-1, stack sync-buckets\n"
    assert out.getvalue().startswith("photos: from/a/ -> into/a/\n")


def test_without_syncs_nobody_is_asked() -> None:
    console, out, _ = piped()
    steps = Steps()
    syncs_list.show(place(steps), console)
    assert out.getvalue() == "SYNCS names no sync. fabfile_config_template.py shows how to name one.\n"
    assert steps.pages == 0
