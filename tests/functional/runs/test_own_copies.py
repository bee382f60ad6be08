"""Whose object is it that a copy meets at the destination: this run's own, or another writer's? On the fake S3.

Own is what has the content and the metadata of the copy and is not older than the run, by the clock of S3.
"""

from __future__ import annotations

from typing import Any

import pytest
from fake_s3 import HOUR, LOST, MB
from runs_on_fake_s3 import World

from lambda_functions.shared.outcomes import Outcome

THEIRS = "the destination was written by somebody else after it was listed"
KEYS = [f"{number:02d}" for number in range(30)]


def write_theirs(world: World, **more: Any) -> None:
    """Have somebody write the same bytes for every key of the source before the first copy."""

    def write(request: Any) -> None:
        for key in KEYS:
            world.destination.put(key, key.encode(), 0, **more)

    world.s3.before("CopyObject", write)


@pytest.mark.parametrize(
    "more", [{"metadata": {"a": "2"}}, {"headers": {"CacheControl": "no-cache"}}, {"redirect": "/elsewhere"}]
)
def test_the_same_bytes_with_other_metadata_are_changed_and_the_next_run_heals_them(
    world: World, more: dict[str, Any]
) -> None:
    for key in KEYS:
        world.source.put(key, key.encode(), metadata={"a": "1"})
    write_theirs(world, **{"metadata": {"a": "1"}, **more})

    report = world.run(compareMetadata="all")

    assert (report["outcome"], report["copied"]["objects"]) == ("SyncIncomplete", 0)
    assert report["changed"]["objects"] == 30
    assert {(one["what"], one["error"]) for one in report["notSynchronised"]} == {("changed", THEIRS)}
    assert world.run(compareMetadata="all")["copied"]["objects"] == 30
    assert all(world.destination.objects[key].metadata == {"a": "1"} for key in KEYS)
    assert world.run(compareMetadata="all")["copied"]["objects"] == 0


def test_the_same_bytes_with_other_metadata_are_as_good_as_a_copy_where_metadata_is_not_compared(
    world: World,
) -> None:
    for key in KEYS:
        world.source.put(key, key.encode(), metadata={"a": "1"})
    write_theirs(world, metadata={"a": "2"})

    report = world.run(compareMetadata=False)

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 30)


def test_a_redirect_that_no_copy_carries_does_not_make_our_own_copy_another_writers(world: World) -> None:
    world.source.put("key", b"1", redirect="/elsewhere")
    item, worker = world.to_copy("key"), world.worker()
    world.s3.after("CopyObject", LOST)

    assert worker.copy(item) == Outcome("key", "copied", 1)


@pytest.mark.parametrize("ahead_seconds", [-HOUR, HOUR])
@pytest.mark.parametrize("parts", [(b"1",), (5 * MB, 1)])
def test_copies_are_known_as_our_own_however_far_the_clocks_of_s3_and_step_functions_are_apart(
    world: World, parts: tuple[Any, ...], ahead_seconds: float
) -> None:
    world.ahead_seconds = ahead_seconds
    for number in range(34):
        (world.source.put if len(parts) == 1 else world.source.put_parts)(
            f"{number}", *parts, metadata={"a": "1"}
        )
    operation = "CopyObject" if len(parts) == 1 else "CompleteMultipartUpload"
    world.s3.after(operation, LOST, times=34)

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"], report["changed"]["objects"]) == (
        "Succeeded",
        34,
        0,
    )


def test_what_was_written_before_the_run_by_the_clock_of_s3_is_not_our_own_though_step_functions_clock_is_behind(
    world: World,
) -> None:
    world.ahead_seconds = -HOUR
    world.source.put("key", b"1")
    # Written a minute ago, in the world of a client whose listing has not had it.
    world.s3.before("CopyObject", lambda request: world.destination.put("key", b"1", 60) and None)

    report = world.run()

    assert report["notSynchronised"] == [{"key": "key", "what": "changed", "error": THEIRS}]
