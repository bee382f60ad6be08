"""A run that is stopped at any moment: nothing more is begun, the books balance, and the next run does the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fake_s3 import HOUR, MB, Request
from installed_botocore import needs_conditions_in_batches
from runs_on_fake_s3 import World, world_on_fake_s3
from short_turns import pages_a_turn, short_pages

from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.tally import maps
from lambda_functions.shared.work_bucket.stopping import StopWatch, read_stop

NAME = "stopped"
STOP = f"runs/sync/{NAME}/stop.json"
CHANGING = (
    "CopyObject",
    "UploadPartCopy",
    "UploadPart",
    "CreateMultipartUpload",
    "DeleteObjects",
    "DeleteObject",
)
PLANNED = 12
ORPHANS = 5


@pytest.fixture(params=["INLINE", "DISTRIBUTED"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world with two waves, several shards, an object of parts and a very large one, copied one after the other."""
    if request.param == "DISTRIBUTED":
        monkeypatch.setattr(maps, "MAX_INLINE_SHARDS", 0)
    short_pages(monkeypatch, 4)
    pages_a_turn(monkeypatch, 1, 1000)
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 3)
    monkeypatch.setattr("lambda_functions.shared.apply.parts.GROUP_PARTS", 2)
    monkeypatch.setattr("lambda_functions.shared.work_bucket.shards.MAX_SHARD_KEYS", 4)
    monkeypatch.setattr("lambda_functions.copy_keys.COPY_THREADS", 1)
    monkeypatch.setattr("lambda_functions.shared.apply.deleter.BATCH_KEYS", 2)
    with world_on_fake_s3() as made:
        for number in range(10):
            made.source.put(f"k{number}", b"123")
        made.source.put_parts("parts", 5 * MB, b"5")
        made.source.put_parts("zlarge", *[5 * MB] * 4, b"5")
        for number in range(ORPHANS - 1):
            made.destination.put(f"orphan{number}", b"old", 2 * HOUR)
        made.destination.put("orphan\x01", b"old", 2 * HOUR)
        made.name = NAME
        yield made


@pytest.fixture(autouse=True)
def every_look_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a turn that asks whether the run is to stop see the bucket as it is at that moment."""

    def watched(self: StopWatch, turn: Turn) -> Turn:
        return replace(turn, stop=lambda: self.request or read_stop(self._folder))

    monkeypatch.setattr(StopWatch, "watched", watched)


def stop(world: World, body: bytes | None = None, ends_map: bool = False) -> None:
    world.work.put(
        STOP, body if body is not None else json.dumps({"file": STOP, "endsMap": ends_map}).encode()
    )


def changes(world: World) -> list[Request]:
    there = world.destination.name
    return [one for one in world.s3.sent if one.operation in CHANGING and one.bucket == there]


def require_balance(report: dict[str, Any]) -> None:
    """Every planned object is copied, or was not begun or given up because of the stop; nothing failed."""
    assert report["failed"] == {"objects": 0}, report
    left = report.get("stopped", {"objects": 0})["objects"]
    if report["phase"] == "copying":
        assert report["copied"]["objects"] + left == report["plan"]["copy"]["objects"] == PLANNED
        assert report["deleted"]["objects"] == 0
    if report["phase"] == "deleting":
        assert report["deleted"]["objects"] + left == report["plan"]["delete"]["objects"] == ORPHANS


def require_rest_is_done_by_the_next(world: World, report: dict[str, Any]) -> None:
    assert [key for key in world.work.objects if key.startswith("leases/")] == []
    assert world.destination.open_uploads() == []
    done, gone = report["copied"]["objects"], report["deleted"]["objects"]
    world.name = "next"
    world.before_step = lambda step, number: None
    again = world.run()
    assert again["outcome"] == "Succeeded", again
    assert (again["copied"]["objects"], again["deleted"]["objects"]) == (PLANNED - done, ORPHANS - gone)
    assert world.destination.contents() == world.source.contents()


def test_a_stop_before_any_step_begins_nothing_more(world: World) -> None:
    steps: list[str] = []
    world.before_step = lambda step, number: steps.append(step)
    world.name = "undisturbed"
    assert world.run()["outcome"] == "Succeeded"
    assert {step.split()[0] for step in steps} == {
        "validate_input", "list_ranges", "compare_listings", "tally_run", "copy_keys", "copy_large_object",
        "delete_orphaned_keys", "Map",
    }  # fmt: skip
    there = dict(world.destination.objects)
    outcomes = {}
    for number, step in enumerate(steps, 1):
        world.destination.objects.clear()
        world.destination._sorted = None
        for orphan in (*(f"orphan{one}" for one in range(ORPHANS - 1)), "orphan\x01"):
            world.destination.put(orphan, b"old", 2 * HOUR)
        outcomes[number, step] = _stopped_before(world, number)
    late = {step for (_, step), outcome in outcomes.items() if outcome == "Succeeded"}
    assert late == {"tally_run deletes", "tally_run report"}
    assert set(outcomes.values()) == {"Stopped", "Succeeded"}
    assert there.keys() == world.destination.objects.keys()


def _stopped_before(world: World, number: int) -> str:
    sent: list[int] = []

    def stop_now(step: str, reached: int) -> None:
        if reached == number:
            stop(world)
            sent.append(len(changes(world)))

    world.name, world.before_step = NAME, stop_now
    report = world.run()
    assert len(changes(world)) == sent[0]
    require_balance(report)
    for key in [key for key in world.work.objects if not key.startswith("leases/")]:
        world.work.delete(key)
    require_rest_is_done_by_the_next(world, report)
    return str(report["outcome"])


@pytest.mark.parametrize("body", [b"", b"{", b'{"file": "runs/sync/other/stop.json"}'])
@pytest.mark.parametrize(
    ("operation", "nth", "phase"),
    [
        ("ListObjectsV2", 3, "comparing"),
        ("CopyObject", 1, "copying"),
        ("CopyObject", 7, "copying"),
        ("CreateMultipartUpload", 1, "copying"),
        ("UploadPartCopy", 1, "copying"),
        ("UploadPartCopy", 3, "copying"),
        ("HeadObject", 2, "deleting"),
        pytest.param("DeleteObjects", 1, "deleting", marks=needs_conditions_in_batches),
        ("DeleteObject", 1, "deleting"),
    ],
)
def test_a_stop_in_the_midst_ends_what_is_under_way_and_begins_nothing_more(
    world: World, operation: str, nth: int, phase: str, body: bytes
) -> None:
    when = (
        {"key": lambda key: key.startswith("orphan")}
        if phase == "deleting" and operation != "DeleteObjects"
        else {}
    )
    hook = world.s3.before if operation == "HeadObject" else world.s3.after
    hook(operation, lambda request: stop(world, body), nth=nth, **when)
    report = world.run()
    assert report["phase"] == phase
    assert report["outcome"] in ("Stopped", "Succeeded")
    require_balance(report)
    require_rest_is_done_by_the_next(world, report)


def test_the_copies_of_a_stopped_run_are_those_that_were_sent_and_the_cause_says_how_many(
    world: World,
) -> None:
    world.s3.after("CopyObject", lambda request: stop(world), nth=4)
    report = world.run()
    copied = len(world.s3.of("CopyObject")) + len(world.s3.of("CompleteMultipartUpload"))
    assert report["outcome"] == "Stopped"
    assert report["copied"]["objects"] == copied >= 4  # others may be under way meanwhile
    assert report["stopped"] == {"objects": PLANNED - copied}
    assert report["cause"] == (
        f"The run was stopped while copying: {copied} of 12 objects were copied, nothing was deleted, 5 orphans kept. "
        "Start again: a sync takes up where the last one stopped."
    )
    failures = json.loads(world.work.objects[f"runs/sync/{NAME}/failures.json"].content.body())
    assert failures["unfinishedShards"] != []


def test_an_object_of_parts_is_given_up_and_named(world: World) -> None:
    world.s3.after("UploadPartCopy", lambda request: stop(world), key="parts")
    report = world.run()
    assert world.s3.of("CompleteMultipartUpload") == []
    assert report["causes"]["stopped"]["objects"] == sum(
        1 for named in report["notSynchronised"] if named["what"] == "stopped"
    )
    assert {named["key"] for named in report["notSynchronised"]} >= {"parts"}


def test_a_very_large_object_whose_parts_are_all_there_is_completed(world: World) -> None:
    world.s3.after("UploadPartCopy", lambda request: stop(world), key="zlarge", nth=5)
    report = world.run()
    assert "zlarge" in world.destination.objects
    assert (report["outcome"], report["copied"]["objects"]) == ("Stopped", PLANNED)


def test_shards_that_have_not_begun_fail_where_the_map_is_to_end_and_the_lease_is_given_back(
    world: World,
) -> None:
    def stop_at_the_second_shard(step: str, number: int) -> None:
        if step == "copy_keys" and len(world.s3.of("CopyObject")) > 0 and STOP not in world.work.objects:
            stop(world, ends_map=True)

    world.before_step = stop_at_the_second_shard
    report = world.run()
    assert report["outcome"] == "Stopped"
    assert 0 < report["copied"]["objects"] < PLANNED
    assert [key for key in world.work.objects if "/broken/" in key] == []
    require_balance(report)
    require_rest_is_done_by_the_next(world, report)


def test_a_worker_that_left_no_word_may_still_write_so_the_lease_stays(world: World) -> None:
    def stop_and_lose_the_record(step: str, number: int) -> None:
        if step == "tally_run copies":
            stop(world)
            for key in [key for key in world.work.objects if "/copied/copy-000001" in key]:
                world.work.delete(key)

    world.before_step = stop_and_lose_the_record
    report = world.run()
    assert [key for key in world.work.objects if key.startswith("leases/")] != []
    assert report["deleted"] == {"objects": 0, "bytes": 0}


def test_a_plan_of_which_a_part_is_carried_out_is_not_taken_up_again_and_the_cause_says_so(
    world: World,
) -> None:
    world.name = "planned"
    assert world.run(dryRun=True)["outcome"] == "Succeeded"
    world.name = NAME
    world.s3.before("CopyObject", lambda request: stop(world), key="k5")

    report = world.run(plan="planned")

    assert report["outcome"] == "Stopped"
    assert report["cause"].endswith(
        ". Make a new dry run, it shows what is left: a plan is carried out once."
    )
    require_balance(report)
    require_rest_is_done_by_the_next(world, report)


def test_a_dry_run_that_is_stopped_says_so(world: World) -> None:
    world.s3.after("ListObjectsV2", lambda request: stop(world), nth=3)
    report = world.run(dryRun=True)
    assert (report["outcome"], report["phase"]) == ("Stopped", "comparing")
    assert report["cause"].startswith("The run was stopped while comparing: nothing was changed.")


def test_a_small_run_asks_once_a_turn_and_no_other_request_is_more(world: World) -> None:
    steps: list[str] = []
    world.before_step = lambda step, number: steps.append(step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StopWatch, "watched", lambda self, turn: turn)
        assert world.run()["outcome"] == "Succeeded"
    asked = [request for request in world.s3.of("GetObject") if request.key == STOP]
    workers = [step for step in steps if not step.startswith(("validate", "Map", "tally_run report"))]
    assert len(asked) == len(workers)
