"""Syncs that start by themselves, on the embedded emulator, which looks for due schedules every 10 seconds."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest
from deployed_project import Project

DUE = "at(2026-01-01T00:00:00)"
"""A moment that is past: the emulator starts it when it looks next, once; AWS would refuse it."""
LAMBDA = "lambda_functions/validate_input.py"


def configure(project: Project, **schedules: str) -> None:
    """Give the project syncs with these schedules, each into a prefix of its own."""
    entries = {
        name: {
            "source": f"{project.stack_name()}-source",
            "destination": f"{project.stack_name()}-target",
            "destinationPrefix": f"{name}/",
            "schedule": expression,
        }
        for name, expression in schedules.items()
    }
    path = project.folder / "fabfile_config.py"
    kept = path.read_text().partition("\nSYNCS = ")[0]
    path.write_text(f"{kept}\nSYNCS = {entries!r}\n")


def fab(project: Project, *words: str) -> str:
    done = project.fab(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def change_a_lambda(project: Project, number: int) -> None:
    """Let the next deployment make a new machine."""
    path = project.folder / LAMBDA
    path.write_text(f"{path.read_text()}\n_CHANGE_{number} = True\n")


def starts(project: Project, machine: str, name: str) -> list[dict[str, Any]]:
    """The executions of a sync on a machine that have ended."""
    client = project.client("stepfunctions")
    listed = client.list_executions(stateMachineArn=machine)["executions"]
    top = [one["executionArn"] for one in listed if "mapRunArn" not in one and one["status"] != "RUNNING"]
    described = (client.describe_execution(executionArn=arn) for arn in top)
    return [one for one in described if json.loads(one["input"])["name"] == name]


def target(project: Project, name: str) -> str:
    found = project.client("scheduler").get_schedule(GroupName=project.stack_name(), Name=name)
    return str(found["Target"]["Arn"])


def planned(project: Project) -> dict[str, tuple[str, tuple[str, ...], bool]]:
    document = json.loads(fab(project, "plan", "--json"))
    return {
        one["name"]: (one["action"], tuple(one["changes"]), one["paused"]) for one in document["schedules"]
    }


@pytest.fixture
def scheduled(editable: Project) -> Project:
    """A project whose buckets are there."""
    source = f"{editable.stack_name()}-source"
    editable.bucket(source).put_object(Bucket=source, Key="photo", Body=b"light")
    editable.bucket(f"{editable.stack_name()}-target")
    return editable


def test_a_schedule_starts_a_sync_and_follows_the_current_machine_until_it_is_removed(
    scheduled: Project,
) -> None:
    configure(scheduled, first=DUE, slow="rate(30 days)")
    assert planned(scheduled) == {"first": ("create", (), False), "slow": ("create", (), False)}
    assert "Schedules: 2 created" in fab(scheduled)
    (old,) = scheduled.own_machines()
    scheduled.wait_until(lambda: len(starts(scheduled, old, "first")) == 1)
    assert json.loads(starts(scheduled, old, "first")[0]["input"])["destinationPrefix"] == "first/"
    (ended,) = starts(scheduled, old, "first")
    assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
    target_bucket = f"{scheduled.stack_name()}-target"
    copied = scheduled.client("s3").get_object(Bucket=target_bucket, Key="first/photo")
    assert copied["Body"].read() == b"light"
    assert "Nothing to do: everything is up to date." in fab(scheduled)

    fab(scheduled, "pause", "slow")
    change_a_lambda(scheduled, 1)
    configure(scheduled, first=DUE, second=DUE, slow="rate(31 days)")
    assert planned(scheduled) == {
        "second": ("create", (), False),
        "first": ("update", ("state machine",), False),
        "slow": ("update", ("schedule", "state machine"), True),
    }
    assert "Schedules: 1 created, 2 changed" in fab(scheduled)
    _, new = scheduled.own_machines()
    assert {target(scheduled, name) for name in ("first", "second", "slow")} == {new}
    scheduled.wait_until(lambda: len(starts(scheduled, new, "second")) == 1)
    assert "Schedules: 3, paused: slow. Starts that failed: none" in fab(scheduled, "status")
    assert "Paused, and paused afterwards: slow." in fab(scheduled, "plan")
    listed = {one["name"]: one for one in json.loads(fab(scheduled, "syncs", "--json"))["syncs"]}
    assert {name: one["state"] for name, one in listed.items()} == {
        "first": "scheduled",
        "second": "scheduled",
        "slow": "paused",
    }
    assert listed["first"]["lastRun"]["status"] == "SUCCEEDED" and listed["slow"]["nextRun"] is None

    assert "Schedules that start it now: first, second, slow (paused)" in fab(scheduled, "rollback")
    newest = scheduled.own_machines()[-1]
    assert {target(scheduled, name) for name in ("first", "second", "slow")} == {newest}
    fab(scheduled, "prune", "--keep", "1", "--yes")
    assert scheduled.own_machines() == [newest]

    configure(scheduled, slow="rate(31 days)")
    assert "Schedules: 1 changed, 2 removed" in fab(scheduled)
    scheduler = scheduled.client("scheduler")
    left = scheduler.list_schedules(GroupName=scheduled.stack_name())["Schedules"]
    assert [(one["Name"], one["State"]) for one in left] == [("slow", "DISABLED")]

    fab(scheduled, "delete", "--yes")
    groups = scheduler.list_schedule_groups()["ScheduleGroups"]
    assert scheduled.stack_name() not in {one["Name"] for one in groups}
    assert scheduler.list_schedules(GroupName=scheduled.stack_name())["Schedules"] == []
    assert not [
        url
        for url in scheduled.client("sqs").list_queues().get("QueueUrls", ())
        if scheduled.stack_name() in url
    ]


def test_without_the_last_schedule_nothing_of_it_is_left(scheduled: Project) -> None:
    configure(scheduled, slow="rate(30 days)")
    fab(scheduled)
    configure(scheduled)
    assert planned(scheduled) == {"slow": ("delete", (), False)}
    fab(scheduled)
    groups = scheduled.client("scheduler").list_schedule_groups()["ScheduleGroups"]
    assert scheduled.stack_name() not in {one["Name"] for one in groups}
    assert json.loads(fab(scheduled, "status", "--json"))["schedules"] is None
    assert planned(scheduled) == {}


@pytest.mark.skipif("SCHEDULES_BY_THE_CLOCK" not in os.environ, reason="takes five minutes")
def test_every_minute_by_the_clock(scheduled: Project) -> None:
    """The same by `rate(1 minute)`: by itself, after a deployment on the new machine, not while paused, not when removed."""
    configure(scheduled, minutely="rate(1 minute)")
    fab(scheduled)
    (old,) = scheduled.own_machines()
    scheduled.wait_until(lambda: bool(starts(scheduled, old, "minutely")))
    change_a_lambda(scheduled, 1)
    fab(scheduled)
    _, new = scheduled.own_machines()
    scheduled.wait_until(lambda: bool(starts(scheduled, new, "minutely")))
    fab(scheduled, "pause", "minutely")
    require_silence(scheduled, new)
    fab(scheduled, "resume", "minutely")
    before = len(starts(scheduled, new, "minutely"))
    scheduled.wait_until(lambda: len(starts(scheduled, new, "minutely")) > before)
    configure(scheduled)
    fab(scheduled)
    require_silence(scheduled, new)


def require_silence(project: Project, machine: str) -> None:
    """Look for as long as one start and one look of the emulator take: there must be no new execution."""
    time.sleep(5)
    before = len(starts(project, machine, "minutely"))
    time.sleep(80)
    assert len(starts(project, machine, "minutely")) == before
