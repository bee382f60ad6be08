"""Whole runs with filters on the fake S3: what both buckets hold afterwards, what was asked of S3, and what the report says."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from fake_s3 import HOUR, Bucket, Content, Request
from runs_on_fake_s3 import World

from lambda_functions.shared.outcomes import Outcome

DAY = 24 * HOUR
IDLE = {"HEAD_BUCKET": 2, "LIST": 2}


def put_all(bucket: Bucket, objects: dict[str, bytes], age_seconds: float = HOUR) -> None:
    """Write an object for each key."""
    for key, body in objects.items():
        bucket.put(key, body, age_seconds)


def bodies(world: World) -> dict[str, bytes]:
    """Return what the destination holds."""
    return {key: content.body() for key, content in world.destination.contents().items()}


def ago(world: World, seconds: float, hours_east: int = 0) -> str:
    """Return a moment as people in some zone write it."""
    zone = timezone(timedelta(hours=hours_east)) if hours_east else UTC
    return (world.s3.clock - timedelta(seconds=seconds)).replace(microsecond=0).astimezone(zone).isoformat()


def counted(report: dict[str, Any]) -> dict[str, int]:
    """Return how many objects were copied, deleted, found current."""
    return {what: report[what]["objects"] for what in ("copied", "deleted", "current")}


def test_sizes_hold_for_copies_and_for_orphans(world: World) -> None:
    for size in range(5):
        world.source.put(f"new {size}", b"n" * size)
        world.source.put(f"old {size}", b"n" * size, age_seconds=HOUR)
        world.destination.put(f"old {size}", b"o" * (size + 3), age_seconds=DAY)
        world.destination.put(f"orphan {size}", b"x" * size)

    report = world.run(minSize=1, maxSize=3)

    assert report["outcome"] == "Succeeded"
    assert counted(report) == {"copied": 6, "deleted": 3, "current": 0}
    assert report["filtered"] == {"source": 4, "destination": 2}
    assert bodies(world) == {
        **{f"new {size}": b"n" * size for size in (1, 2, 3)},
        **{f"old {size}": b"n" * size for size in (1, 2, 3)},
        **{f"old {size}": b"o" * (size + 3) for size in (0, 4)},
        **{f"orphan {size}": b"x" * size for size in (0, 4)},
    }
    again = world.run(minSize=1, maxSize=3)
    assert counted(again) == {"copied": 0, "deleted": 0, "current": 6}
    assert again["warnings"] == []


@pytest.mark.parametrize("hours_east", [0, 2, -11])
def test_a_window_of_time_copies_what_was_written_in_it_and_deletes_nothing(
    world: World, hours_east: int
) -> None:
    for age in (1, 2, 3, 4):
        world.source.put(f"{age} days old", b"1", age_seconds=age * DAY)
    world.destination.put("orphan", b"2")
    window = {
        "modifiedAfter": ago(world, 3 * DAY, hours_east),
        "modifiedBefore": ago(world, DAY, -hours_east),
    }

    report = world.run(**window)

    assert sorted(bodies(world)) == ["2 days old", "3 days old", "orphan"]
    assert report["filtered"] == {"source": 2, "destination": 1}
    assert report["options"]["modifiedAfter"] == window["modifiedAfter"]
    assert report["warnings"] == [
        "1 orphan of the destination destination-bucket is kept: modifiedAfter and modifiedBefore look at source objects, and "
        "the source does not have it any more. Only a run without these options deletes orphans."
    ]


def test_windows_that_follow_on_each_other_copy_everything_once(world: World) -> None:
    for hour in range(6):
        world.source.put(f"{hour}", b"1", age_seconds=hour * HOUR)
    edges = [ago(world, seconds) for seconds in (9 * HOUR, 4 * HOUR, 2 * HOUR, -HOUR)]

    copied = [
        counted(world.run(modifiedAfter=first, modifiedBefore=end))["copied"]
        for first, end in pairwise(edges)
    ]

    assert copied == [1, 2, 3]
    assert sorted(bodies(world)) == [f"{hour}" for hour in range(6)]


def test_archived_sources_of_another_class_are_not_named_and_cost_nothing(world: World) -> None:
    world.source.put("archived", b"1", storage_class="DEEP_ARCHIVE")
    world.source.put("warm", b"22", storage_class="STANDARD_IA")
    world.source.put("usual", b"333")
    world.destination.put("archived", b"other bytes", age_seconds=DAY)

    report = world.run(storageClasses=["STANDARD"], compareMetadata="all")

    assert (report["outcome"], report["notSynchronised"], report["skipped"]["archived"]) == (
        "Succeeded",
        [],
        0,
    )
    assert bodies(world) == {"archived": b"other bytes", "usual": b"333"}
    assert (report["filtered"], report["requests"]["COPY"]) == ({"source": 2, "destination": 0}, 1)
    assert "HEAD" not in report["requests"]


@pytest.mark.parametrize("compared", [{}, {"compareMetadata": "all"}, {"compareTags": True}])
def test_what_the_destination_has_is_not_overwritten_and_nobody_asks_about_it(
    world: World, compared: dict[str, Any]
) -> None:
    put_all(world.source, {"missing": b"1", "longer": b"22", "other": b"3", "same": b"4"}, age_seconds=HOUR)
    put_all(world.destination, {"longer": b"2", "other": b"9", "orphan": b"5"}, age_seconds=0)
    world.destination.put("same", b"4", age_seconds=DAY)

    report = world.run(overwrite=False, **compared)

    assert bodies(world) == {"missing": b"1", "longer": b"2", "other": b"9", "same": b"4"}
    assert counted(report) == {"copied": 1, "deleted": 1, "current": 0}
    assert report["notOverwritten"] == {"objects": 3}
    assert report["requests"]["HEAD"] == 1, "that of the orphan, before its delete"
    again = world.run(overwrite=False)
    assert counted(again) == {"copied": 0, "deleted": 0, "current": 1}
    assert again["requests"] == IDLE | {"HEAD_BUCKET": again["requests"]["HEAD_BUCKET"]}


def test_newer_copies_what_was_written_later_at_the_source(world: World) -> None:
    put_all(world.source, {"newer": b"1", "older": b"2", "as old": b"3", "missing": b"4"}, age_seconds=HOUR)
    world.destination.put("newer", b"9", age_seconds=DAY)
    world.destination.put("older", b"99", age_seconds=1)
    world.destination.put("as old", b"999", age_seconds=HOUR)

    report = world.run(overwrite="newer")

    assert bodies(world) == {"newer": b"1", "older": b"99", "as old": b"999", "missing": b"4"}
    assert (counted(report)["copied"], report["notOverwritten"]) == (2, {"objects": 2})
    assert counted(world.run(overwrite="newer"))["copied"] == 0


def test_filters_that_leave_nothing_of_the_source_delete_nothing_unless_that_is_allowed(world: World) -> None:
    put_all(world.source, {"a": b"1", "b": b"22"})
    put_all(world.destination, {"b": b"22", "orphan": b"333"})

    refused = world.run(minSize=3)

    assert (refused["outcome"], sorted(bodies(world))) == ("DeletionRefused", ["b", "orphan"])
    assert refused["warnings"] == [
        "2 objects of the source source-bucket are in scope, and minSize leaves none of them: check what it says."
    ]
    allowed = world.run(minSize=3, allowEmptySource=True)
    assert (allowed["outcome"], sorted(bodies(world))) == ("Succeeded", ["b"])


def test_where_nothing_can_be_deleted_nothing_is_refused(world: World) -> None:
    world.source.put("a", b"1", age_seconds=DAY)
    world.destination.put("orphan", b"2")

    report = world.run(modifiedAfter=ago(world, HOUR), maxDelete=0)

    assert (report["outcome"], sorted(bodies(world))) == ("Succeeded", ["orphan"])
    assert [warning.split(":")[0] for warning in report["warnings"]] == [
        "1 object of the source source-bucket is in scope, and modifiedAfter leaves none of them",
        "1 orphan of the destination destination-bucket is kept",
    ]


def test_a_share_of_max_delete_is_one_of_all_in_scope_filtered_or_not(world: World) -> None:
    put_all(world.source, {f"large {number}": b"1234" for number in range(6)} | {"small": b"1"})
    put_all(world.destination, {f"large {number}": b"1234" for number in range(6)})
    put_all(world.destination, {f"orphan {number}": b"1" for number in range(4)})

    assert world.run(maxSize=1, maxDelete="39%")["outcome"] == "DeletionRefused"
    assert counted(world.run(maxSize=1, maxDelete="40%")) == {"copied": 1, "deleted": 4, "current": 0}


def test_a_very_large_object_that_is_filtered_out_needs_no_worker(world: World) -> None:
    world.source.put("large", 17 * 1024**3)
    world.source.put("small", b"1")

    report = world.run(maxSize=16 * 1024**3)

    assert (sorted(bodies(world)), report["filtered"]["source"]) == (["small"], 1)
    assert "CREATE_MULTIPART_UPLOAD" not in report["requests"]


def test_a_plan_with_filters_is_carried_out_as_it_was_shown(world: World) -> None:
    put_all(world.source, {"a": b"1", "b": b"22", "c": b"333"})
    put_all(world.destination, {"a": b"99", "x": b"1", "y": b"333"})
    world.name = "planned"
    options: dict[str, Any] = {"minSize": 2, "overwrite": False, "storageClasses": ["STANDARD"]}
    planned = world.run(dryRun=True, **options)
    world.name = "applied"

    applied = world.run(plan="planned", planDigest=planned["planDigest"])

    assert {name: planned["options"][name] for name in options} == options
    assert bodies(world) == {"a": b"99", "b": b"22", "c": b"333", "x": b"1", "y": b"333"}
    assert (applied["outcome"], applied["filtered"]) == ("Succeeded", {"source": 1, "destination": 2})
    assert applied["warnings"] == planned["warnings"] != []


# --- A source that is replaced between its listing and its copy


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (b"much longer", {"maxSize": 3}),
        (b"2", {"minSize": 3}),
        (b"new", {"modifiedBefore": "2026-01-01T00:00:00Z"}),
        (b"new", {"storageClasses": ("GLACIER_IR",)}),
    ],
)
def test_a_source_that_is_replaced_by_one_that_does_not_pass_is_not_copied(
    world: World, body: bytes, options: dict[str, Any]
) -> None:
    world.source.put("key", b"old", age_seconds=10_000 * DAY)
    item = world.to_copy("key")
    world.source.put("key", body, age_seconds=-10_000 * DAY)

    outcome = world.worker(**options).copy(item)

    why = "the source object was replaced by one that the filters leave out"
    assert outcome == Outcome("key", "vanished", 0, why)
    assert world.destination.keys() == []


def test_a_source_that_is_replaced_by_one_that_passes_is_copied_as_it_is_now(world: World) -> None:
    world.source.put("key", b"old")

    def replaced(request: Request) -> None:
        world.source.put("key", b"newer")

    world.s3.before("CopyObject", replaced)

    assert counted(world.run(minSize=1, maxSize=5, storageClasses=["STANDARD"]))["copied"] == 1
    assert world.destination.contents() == {"key": Content.of(b"newer")}
