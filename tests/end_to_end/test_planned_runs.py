"""What a dry run lists is what the run then does, by the requests that reach the emulator; and buckets are verified."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from deployed_project import Project
from logged_requests import Logged, logging_proxy

from benchmarks.deployed import deploy
from deployment.emulator.emulator import Emulator

SOURCE, DESTINATION = "planned-source", "planned-destination"
OBJECTS = int(os.environ.get("SYNCBUCKETS_OBJECTS", "1000"))
EQUAL, CHANGED, ORPHANS = OBJECTS // 5, OBJECTS // 10, OBJECTS // 15
Deployed = tuple[Project, list[Logged]]


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Deployed]:
    """The project on an emulator of its own, whose functions talk to S3 through a proxy, and what has come there."""
    with Emulator(region="eu-west-1") as emulator, logging_proxy(emulator.port) as (url, log):
        deploy(tmp_path, emulator.environment, url)
        yield Project(tmp_path, dict(emulator.environment)), log


def fill(project: Project) -> None:
    source, _ = project.bucket(SOURCE), project.bucket(DESTINATION)

    def put(one: tuple[str, str, bytes]) -> None:
        source.put_object(Bucket=one[0], Key=one[1], Body=one[2])

    keys = [f"{number % 7}/é {number:05}\t+" for number in range(OBJECTS)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, [(SOURCE, key, b"1") for key in keys]))
        there = [
            (DESTINATION, key, b"1" if number < EQUAL else b"22")
            for number, key in enumerate(keys[: EQUAL + CHANGED])
        ]
        orphans = [(DESTINATION, f"{number % 9}/orphan {number:05}", b"1") for number in range(ORPHANS)]
        list(pool.map(put, [*there, *orphans]))


def test_the_list_of_a_dry_run_equals_what_the_run_then_sends_line_by_line(logged: Deployed) -> None:
    project, log = logged
    fill(project)

    told = project.fab("verify", SOURCE, DESTINATION)
    assert (told.returncode, told.stdout.count(" new\n")) == (1, 20), told.stderr
    listed = project.fab("sync", SOURCE, DESTINATION, "--dry-run", "--list", "-", "--json")
    assert listed.returncode == 0, listed.stderr
    plan = [json.loads(line) for line in listed.stdout.splitlines()]
    assert len(plan) == OBJECTS - EQUAL + ORPHANS
    assert [write for request in log for write in request.writes(DESTINATION)] == []

    log.clear()
    done = project.fab("sync", SOURCE, DESTINATION, "--json")

    assert done.returncode == 0, done.stderr
    sent = [write for request in log for write in request.writes(DESTINATION)]
    assert sorted(sent, key=lambda write: write[1]) == [(line["action"], line["key"]) for line in plan]
    assert project.fab("verify", SOURCE, DESTINATION).returncode == 0
    afterwards = project.fab(
        "report", json.loads(done.stdout)["executionArn"].rpartition(":")[2], "--list", "-"
    )
    shown = [line.split(" ", 1)[1].replace("\\t", "\t") for line in afterwards.stdout.splitlines()]
    assert shown == [line["key"] for line in plan]
    assert project.fab("verify", SOURCE, "no-such-bucket").returncode == 2
