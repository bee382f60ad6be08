"""Another writer at the worst moment of a copy, on an S3 that enforces conditions by itself: whole runs, real clients.

Every object is copied in each of three ways: in one request, in parts by `copy_keys`, in parts by `copy_large_object`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from weed_world import MB, Bucket, WeedWorld

from lambda_functions.shared.compare import plan_writer

THEIRS = "the destination was written by somebody else after it was listed"
UNSTEADY = "the source changed 3 times while it was read"
GONE = "the source object was gone when it was to be copied"


@dataclass(frozen=True)
class Way:
    """How an object comes over: what is asked for its bytes, and what makes them the destination's."""

    reads: str
    writes: str
    put: Callable[..., str]


def put_parts(bucket: Bucket, key: str, body: bytes, **more: Any) -> str:
    """Write the body in two parts, the first as small as S3 takes it."""
    return bucket.put_parts(key, body.ljust(5 * MB), b"end", **more)


WAYS = {
    "in one piece": Way("CopyObject", "CopyObject", Bucket.put),
    "in parts": Way("UploadPartCopy", "CompleteMultipartUpload", put_parts),
    "by many workers": Way("UploadPartCopy", "CompleteMultipartUpload", put_parts),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    """Return a way in which the object of a test is copied."""
    if request.param == "by many workers":
        monkeypatch.setattr(plan_writer, "LARGE_BYTES", MB)
    return WAYS[request.param]


def ended(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what became of the one object that was planned, having seen that the books say so of exactly one."""
    assert report["plan"]["copy"]["objects"] == 1
    skipped = {word: number for word, number in report["skipped"].items() if number}
    counts = {word: report[word]["objects"] for word in ("copied", "changed", "failed")} | skipped
    (word,) = (word for word, number in counts.items() if number == 1)
    assert sum(counts.values()) == 1
    named = [(one["key"], one["error"]) for one in report["notSynchronised"]]
    assert len(named) == (word != "copied")
    return {"outcome": report["outcome"], "word": word, "why": named[0][1] if named else ""}


def is_equal(world: WeedWorld) -> bool:
    """Whether both sides hold the same, and no upload is left open."""
    return world.source.bodies() == world.destination.bodies() and world.destination.uploads() == []


def heals(world: WeedWorld) -> bool:
    """Whether a run with nobody else about makes both sides equal, and the next one has nothing to do."""
    assert world.run(allowEmptySource=True)["outcome"] == "Succeeded"
    return is_equal(world) and world.run(allowEmptySource=True)["copied"]["objects"] == 0


# --- The destination, before its object is written


@pytest.mark.parametrize("before", [None, b"old"])
def test_an_object_that_another_writer_puts_in_the_way_stays(
    world: WeedWorld, way: Way, before: bytes | None
) -> None:
    way.put(world.source, "key", b"ours")
    if before:
        world.destination.put("key", before)
    world.s3.before(way.writes, lambda: world.destination.put("key", b"theirs"))

    report = world.run()

    assert ended(report) == {"outcome": "SyncIncomplete", "word": "changed", "why": THEIRS}
    assert (world.destination.bodies(), world.destination.uploads()) == ({"key": b"theirs"}, [])
    assert heals(world)


def test_an_object_that_another_writer_has_deleted_is_not_put_back(world: WeedWorld, way: Way) -> None:
    way.put(world.source, "key", b"ours")
    world.destination.put("key", b"old")
    world.s3.before(way.writes, lambda: world.destination.delete("key"))

    report = world.run()

    assert ended(report) == {"outcome": "SyncIncomplete", "word": "changed", "why": THEIRS}
    assert (world.destination.bodies(), world.destination.uploads()) == ({}, [])
    assert heals(world)


@pytest.mark.parametrize(("theirs", "word"), [("same", "copied"), ("other", "changed")])
def test_the_same_bytes_by_another_writer_are_a_copy_only_with_the_same_metadata(
    world: WeedWorld, way: Way, theirs: str, word: str
) -> None:
    way.put(world.source, "key", b"ours", Metadata={"m": "same"})
    world.s3.before(way.writes, lambda: way.put(world.destination, "key", b"ours", Metadata={"m": theirs}))

    assert ended(world.run())["word"] == word

    place = {"Bucket": world.destination.name, "Key": "key"}
    assert world.destination.client.head_object(**place)["Metadata"] == {"m": theirs}
    assert world.destination.uploads() == []


def test_deletes_wait_for_a_run_in_which_nobody_was_in_the_way(world: WeedWorld, way: Way) -> None:
    way.put(world.source, "key", b"ours")
    world.destination.put("orphan", b"1")
    world.s3.before(way.writes, lambda: world.destination.put("key", b"theirs"))

    report = world.run(maxDelete="100%")

    assert (ended(report)["word"], report["deleted"]["objects"]) == ("changed", 0)
    assert world.destination.bodies() == {"key": b"theirs", "orphan": b"1"}


# --- The source, while it is read


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_source_that_changes_before_it_is_read_is_copied_as_it_is_now(
    world: WeedWorld, way: Way, in_parts: bool
) -> None:
    way.put(world.source, "key", b"listed")
    put = put_parts if in_parts else Bucket.put
    world.s3.before(way.reads, lambda: put(world.source, "key", b"as it is now"))

    assert ended(world.run()) == {"outcome": "Succeeded", "word": "copied", "why": ""}

    assert is_equal(world)


@pytest.mark.parametrize("way", ["in parts", "by many workers"], indirect=True)
@pytest.mark.parametrize("in_parts", [False, True])
def test_a_source_that_changes_between_two_parts_is_never_half_the_one_and_half_the_other(
    world: WeedWorld, way: Way, in_parts: bool
) -> None:
    way.put(world.source, "key", b"listed")
    put = put_parts if in_parts else Bucket.put
    world.s3.before("UploadPartCopy", lambda: put(world.source, "key", b"as it is now"), nth=2)

    assert ended(world.run()) == {"outcome": "Succeeded", "word": "copied", "why": ""}

    assert is_equal(world)


def test_a_source_that_changes_at_every_try_is_given_up_after_three(world: WeedWorld, way: Way) -> None:
    way.put(world.source, "key", b"0")
    world.destination.put("key", b"old")
    bodies = (str(number).encode() for number in range(1, 9))
    world.s3.before(_first_of(way), lambda: way.put(world.source, "key", next(bodies)), times=3)

    report = world.run()

    assert ended(report) == {"outcome": "SyncIncomplete", "word": "changed", "why": UNSTEADY}
    assert (world.destination.bodies(), world.destination.uploads()) == ({"key": b"old"}, [])
    assert heals(world)


def _first_of(way: Way) -> str:
    """Return the request that is sent once for each try, after the source was looked at."""
    return "CopyObject" if way.reads == "CopyObject" else "CreateMultipartUpload"


@pytest.mark.parametrize(
    ("way", "nth"),
    [("in one piece", 1), *itertools.product(("in parts", "by many workers"), (1, 2))],
    indirect=["way"],
)
@pytest.mark.parametrize("before", [{}, {"key": b"old"}])
def test_a_source_that_is_gone_is_skipped_and_what_the_destination_had_stays_until_the_next_run(
    world: WeedWorld, way: Way, before: dict[str, bytes], nth: int
) -> None:
    way.put(world.source, "key", b"listed")
    for key, body in before.items():
        world.destination.put(key, body)
    world.s3.before(way.reads, lambda: world.source.delete("key"), nth=nth)

    report = world.run()

    assert ended(report) == {"outcome": "Succeeded", "word": "vanished", "why": GONE}
    assert (world.destination.bodies(), world.destination.uploads()) == (before, [])
