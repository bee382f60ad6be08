"""What a dry run lists is what the run then does, by the requests that reach the emulator; and what of it an apply does.

Buckets are verified besides.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from approvals import Approval, as_write
from deployed_project import Project
from logged_requests import Logged, logging_proxy

from benchmarks.deployed import deploy
from deployment.emulator.emulator import Emulator

SOURCE, DESTINATION = "planned-source", "planned-destination"
OBJECTS = int(os.environ.get("SYNCBUCKETS_OBJECTS", "500"))
EQUAL, CHANGED, ORPHANS = OBJECTS // 5, OBJECTS // 10, OBJECTS // 15
APPLIED = int(os.environ.get("SYNCBUCKETS_OBJECTS", "120"))
Deployed = tuple[Project, list[Logged]]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The project on an emulator of its own, whose functions talk to S3 through a proxy, and what has come there."""
    tmp_path = tmp_path_factory.mktemp("logged")
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


# Approved, and carried out after the buckets were changed


@pytest.fixture
def approval(logged: Deployed, request: pytest.FixtureRequest) -> Approval:
    """Two buckets of its own for every test."""
    project, log = logged
    return Approval(project, log, f"approved-{len(request.node.name)}")


def test_of_an_applied_plan_only_what_is_unchanged_since_is_touched_and_nothing_that_was_not_planned(
    approval: Approval,
) -> None:
    approval.fill(APPLIED)
    planned = approval.plan()
    approval.put(approval.source, "00001", b"rewritten")
    approval.client.delete_object(Bucket=approval.source, Key="00002")
    approval.put(approval.source, "later")
    approval.put(approval.source, "orphan 00000")
    for key in ("00003", "00004", "orphan 00001", "later orphan"):
        approval.put(approval.destination, key, b"another's")

    error, report = approval.apply(planned)

    copies = {line for line in planned.lines if line[0] == "copy"}
    assert (len(copies), len(planned.lines) - len(copies)) == (APPLIED, APPLIED // 10)
    left = {("copy", f"{number:05}") for number in (1, 2, 3, 4)}
    assert (error, report["outcome"]) == ("SyncIncomplete", "SyncIncomplete")
    assert approval.done() == copies - left
    assert approval.asked() <= copies, "after a change no orphan is deleted, and nothing else is asked for"
    assert (report["copied"]["objects"], report["changed"]["objects"]) == (APPLIED - 4, 3)
    assert (report["skipped"]["vanished"], report["deleted"]["objects"]) == (1, 0)
    print(
        f"{len(planned.lines):,} lines planned, {len(approval.done()):,} carried out, 4 copies left, none deleted"
    )

    again = approval.why_refused(planned)
    assert "has carried it out, or tried to; a new dry run shows what is left. Nothing was changed." in again


def test_orphans_that_were_written_anew_or_have_a_source_since_the_plan_stay(approval: Approval) -> None:
    approval.fill(30)
    planned = approval.plan()
    approval.put(approval.source, "orphan 00000")
    approval.put(approval.destination, "orphan 00001", b"another's")

    error, report = approval.apply(planned)

    left = {("delete", f"orphan {number:05}") for number in (0, 1)}
    assert (error, approval.done()) == ("SyncIncomplete", planned.lines - left)
    assert planned.lines - approval.asked() == {("delete", "orphan 00000")}, (
        "it was asked at the source first"
    )
    assert (report["deleted"]["objects"], report["changed"]["objects"]) == (1, 2)
    listed = approval.project.fab("report", "--list", "-", "--json")
    assert {as_write(line) for line in listed.stdout.splitlines()} == planned.lines, listed.stderr


def test_a_plan_that_was_tampered_with_or_is_of_another_format_is_refused_and_then_carried_out_as_it_was(
    approval: Approval,
) -> None:
    approval.fill(30)
    planned = approval.plan()
    changed = "was changed after the dry run"
    digest = "its options or files were changed after the dry run: their digest is"
    for folder, before, after, why in (
        ("copy/", b'"00001"', b'"00009"', changed),
        ("compared/", b'"orphans": 3', b'"orphans": 2', changed),
        ("report.json", b'"delete": true', b'"delete": false', digest),
        (
            "report.json",
            b'"format": 1',
            b'"format": 2',
            "made by a state machine of format 2, and this one reads format 1",
        ),
    ):
        with approval.tampered(planned, folder, before, after):
            assert why in approval.why_refused(planned)
    assert "its planDigest is" in approval.why_refused(replace(planned, digest="0" * 64))

    error, _ = approval.apply(planned)

    assert (error, approval.done()) == ("", planned.lines)
