"""Files of a run that are lost or are other ones, by example: nothing is deleted, and the cause names the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_s3 import Answer, Bucket, protocol
from runs_on_fake_s3 import World, world_on_fake_s3
from short_turns import pages_a_turn, short_pages

FOLDER = "runs/sync/lost"
ADDRESS = f"s3://work-bucket/{FOLDER}"
FORBIDDEN = Answer(403, "AccessDenied", "Access Denied")


@pytest.fixture
def world() -> Iterator[World]:
    """Yield a world with copies and an orphan."""
    with world_on_fake_s3() as made:
        made.name = "lost"
        for number in range(12):
            made.source.put(f"{number:02d}", b"new")
        made.destination.put("orphan", b"old")
        yield made


def at(world: World, step: str, change: Callable[[Bucket], None], times: int = 1) -> None:
    """Change the work bucket before the `times`-th step of a name, and from then on never again."""
    seen: list[str] = []

    def look(name: str, number: int) -> None:
        seen.append(name)
        if name == step and seen.count(step) == times:
            change(world.work)

    world.before_step = look


def remove(name: str) -> Callable[[Bucket], None]:
    return lambda work: work.delete(f"{FOLDER}/{name}") and None


def put(name: str, document: Any) -> Callable[[Bucket], None]:
    return lambda work: work.put(f"{FOLDER}/{name}", json.dumps(document).encode()) and None


def ended(world: World, **options: Any) -> str:
    """Run; return the cause of a run that is incomplete and has deleted nothing."""
    report = world.run(**options)

    assert report["outcome"] == "SyncIncomplete"
    assert "orphan" in world.destination.objects
    assert report["deleted"] == {"objects": 0, "bytes": 0}
    assert f"{FOLDER}/report.json" in world.work.objects
    return str(report["cause"])


def test_a_record_of_the_first_wave_that_is_gone_when_the_second_is_added_up_is_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_pages(monkeypatch, 4)
    pages_a_turn(monkeypatch, 0, 1000)
    at(world, "tally_run comparison", remove("compared/1-0001.json"))

    assert f"1 of 1 ranges left no record, first {ADDRESS}/compared/1-0001.json" in ended(world)
    assert sorted(world.destination.objects) == ["orphan"]


def test_keys_that_could_not_be_decided_stay_counted_when_their_record_is_gone(world: World) -> None:
    for number in range(5):
        for bucket in (world.source, world.destination):
            bucket.put(f"undecided-{number}", b"123", encryption="aws:kms")
    world.s3.before("HeadObject", FORBIDDEN, times=5)
    at(world, "copy_keys", remove("compared/1-0001.json"))

    cause = ended(world)

    assert f"first {ADDRESS}/compared/1-0001.json" in cause
    report = json.loads(world.work.objects[f"{FOLDER}/report.json"].content.body())
    assert report["failed"] == {"objects": 5}
    assert report["listed"] == {"source": 17, "destination": 6}
    assert report["warnings"] == [
        "The requests, the cost and the names of keys in this report are incomplete: 1 of 1 ranges left no record, first "
        f"{ADDRESS}/compared/1-0001.json. Nothing can be concluded from it."
    ]


@pytest.mark.parametrize("unprovable", ["copy", "keep"])
def test_what_was_unprovable_or_unusual_stays_counted_when_its_record_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch, unprovable: str
) -> None:
    for number in range(5):
        for bucket in (world.source, world.destination):
            bucket.put(f"unprovable-{number}", b"123", encryption="aws:kms")
    monkeypatch.setattr(protocol, "ROOTS", {"ListObjectsV2Output": "ListOfAnotherServer"})
    at(world, "copy_keys", remove("compared/1-0001.json"))

    ended(world, unprovable=unprovable)

    report = json.loads(world.work.objects[f"{FOLDER}/report.json"].content.body())
    assert (report["unprovable"], report["unusualPages"]) == ({"objects": 5}, 2)


def test_a_report_of_a_comparison_whose_index_is_gone_says_that_it_is_incomplete(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_pages(monkeypatch, 4)
    pages_a_turn(monkeypatch, 0, 1000)
    at(world, "tally_run comparison", remove("ranges/1.json"))

    ended(world)

    report = json.loads(world.work.objects[f"{FOLDER}/report.json"].content.body())
    assert report["warnings"] == [
        "The requests, the cost and the names of keys in this report are incomplete: "
        f"{ADDRESS}/ranges/1.json is not there: the run's files have expired, or somebody removed it. "
        "Nothing can be concluded from it."
    ]


def test_a_record_of_another_run_in_place_of_ours_is_not_taken_for_ours(world: World) -> None:
    name = "copied/copy-000001-0.json"
    tally = {"copied": {"objects": 12, "bytes": 36}}
    another = {
        "file": f"runs/sync/another/{name}",
        "next": 12,
        "tally": tally,
        "causes": {},
        "failures": [],
        "requests": {},
    }
    at(world, "tally_run copies", put(name, {**another, "seconds": 1.0}))

    assert ended(world) == (
        f"the run broke while copying: RunFileBroken: {ADDRESS}/{name} is not that file of this run: it says that it is "
        f"runs/sync/another/{name}. Nothing can be concluded from it. The logs of its Lambdas say more. What it had done by then "
        "is in the report. Start again in 16 minutes, when its last Lambda must be over: a sync takes up where the last one "
        "stopped."
    )


def test_a_record_that_is_no_json_is_named_by_a_report_that_is_written_all_the_same(world: World) -> None:
    at(world, "tally_run report", lambda work: work.put(f"{FOLDER}/compared/1-0001.json", b"{") and None)
    world.s3.before("CopyObject", FORBIDDEN, times=1)

    assert f"{ADDRESS}/compared/1-0001.json was cut or overwritten: it is not JSON" in ended(world)
