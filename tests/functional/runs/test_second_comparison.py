"""The comparison at the end of a run that verifies, when its worker dies, is stopped, is refused or has too little time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fake_s3 import HOUR, Answer, Request
from fake_s3.server import OPERATIONS
from runs_on_fake_s3 import World, world_on_fake_s3
from short_turns import pages_a_turn, short_pages
from workers import Killed

NAME = "verified"
FOLDER = f"runs/sync/{NAME}"
STEP = "list_ranges verify"


@contextmanager
def filled_world() -> Iterator[World]:
    """Yield a world of which one copy will be gone, one source be new, one be deleted, and one key be asked for by HEAD."""
    with world_on_fake_s3() as world, pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambda_functions.shared.compare.pieces.KEYS_AHEAD", 0)
        for key in ("gone", "kept", "lost"):
            world.source.put(key, key.encode())
        world.source.put("same", b"same")
        world.source.put("asked", b"1", metadata={"a": "b"})
        world.destination.put("same", b"same", HOUR / 2)
        world.destination.put("asked", b"1", 2 * HOUR, metadata={"a": "b"})
        world.destination.put("orphan", b"1", 2 * HOUR)
        world.name = NAME
        yield world


def disturb(world: World) -> None:
    world.s3.later()
    world.destination.delete("gone")
    world.source.delete("lost")
    world.source.delete("same")
    world.source.put("new", b"1", 0)


def at_the_end(world: World, act: Callable[[], Any]) -> None:
    def before(step: str, number: int) -> None:
        if step == STEP:
            act()

    world.before_step = before


def ending(report: dict[str, Any]) -> dict[str, Any]:
    """Return what a second attempt must end with as well: all but times, and what the attempts have sent and cost."""
    varying = ("startedAt", "endedAt", "requests", "estimatedCostUsd", "cost")
    return {name: value for name, value in report.items() if name not in varying}


def test_killed_before_any_of_its_requests_the_second_attempt_ends_as_the_first_would_have() -> None:
    with filled_world() as world:
        before: list[int] = []
        at_the_end(world, lambda: (disturb(world), before.append(len(world.s3.sent))))
        seen: list[int] = []
        disturbing = world.before_step
        world.before_step = lambda step, number: (
            disturbing(step, number),
            step == "tally_run report" and seen.append(len(world.s3.sent)),
        )
        undisturbed = world.run(verify=True)
    requests = seen[0] - before[0]
    assert (undisturbed["outcome"], undisturbed["verified"]["differences"]) == ("NotInSync", 1)
    assert undisturbed["verified"]["writtenMeanwhile"] == 3
    assert [one["key"] for one in undisturbed["notSynchronised"]] == ["gone"]
    assert requests >= 10

    for number in range(1, requests + 1):
        with filled_world() as world:
            is_reached = _kill_at(world, number)
            assert ending(world.run(verify=True)) == ending(undisturbed), f"killed before request {number}"
            assert is_reached()


def _kill_at(world: World, number: int) -> Callable[[], bool]:
    """Kill the worker of the second comparison that is about to send its request of this number, once."""
    sent: list[Request] = []

    def die(request: Request) -> None:
        sent.append(request)
        if len(sent) == number:
            raise Killed(f"killed at {request.operation} {request.key}")

    def begin() -> None:
        disturb(world)
        for operation in OPERATIONS:
            world.s3.before(operation, die, times=10**6)

    at_the_end(world, begin)
    return lambda: len(sent) >= number


def test_a_second_attempt_after_the_last_request_reads_no_listing_and_writes_nothing_again() -> None:
    with filled_world() as world:
        at_the_end(world, lambda: disturb(world))
        world.s3.kill("PutObject", after=True, key=f"{FOLDER}/verify/verified.json")

        report = world.run(verify=True)

        assert report["verified"]["differences"] == 1
        assert len([one for one in world.s3.of("PutObject") if one.key.endswith("verified.json")]) == 1
        listed = [one for one in world.s3.of("ListObjectsV2") if one.bucket != world.work.name]
        assert report["requests"]["LIST"] == len(listed) == 4


def test_two_buckets_that_are_too_large_are_verified_as_far_as_the_time_reaches_with_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short_pages(monkeypatch, 4)
    pages_a_turn(monkeypatch, 3, 1000)
    monkeypatch.setattr("lambda_functions.shared.compare.streams.FIRST_PAGES", 10**6)
    with world_on_fake_s3() as world:
        for number in range(40):
            world.source.put(f"k{number:02d}", b"1")
        at_the_end(world, lambda: world.destination.delete("k39"))

        report = world.run(verify=True)

        objects = report["verified"]["objects"]
        assert (report["outcome"], report["verified"]["isWhole"]) == ("Succeeded", False)
        assert 0 < objects < 39
        assert report["warnings"] == [
            f"Verified were the first {objects:,} keys that there was time for; "
            "`fab verify source-bucket destination-bucket` compares all of them."
        ]
        at_the_end(world, lambda: world.destination.delete("k00"))
        world.name = "again"
        assert [one["key"] for one in world.run(verify=True)["notSynchronised"]] == ["k00"]


def stop(world: World) -> None:
    world.work.put(f"{FOLDER}/stop.json", json.dumps({"file": f"{FOLDER}/stop.json"}).encode())


def test_a_run_that_is_stopped_before_it_is_verified_says_that_everything_was_done_and_nothing_verified() -> (
    None
):
    with filled_world() as world:
        at_the_end(world, lambda: stop(world))

        report = world.run(verify=True)

        assert (report["outcome"], report["phase"]) == ("Stopped", "verifying")
        assert report["cause"] == (
            "The run was stopped while verifying: everything was copied and deleted, and 0 keys compared once more, without a "
            "difference."
        )
        assert (report["copied"]["objects"], report["deleted"]["objects"]) == (3, 1)
        assert (report["verified"]["objects"], report["verified"]["isWhole"]) == (0, False)
        assert [key for key in world.work.objects if key.startswith("leases/")] == []


def test_a_stop_at_any_step_of_a_run_that_verifies_never_ends_green_without_a_whole_verification() -> None:
    with filled_world() as world:
        steps: list[str] = []
        world.before_step = lambda step, number: steps.append(step)
        assert world.run(verify=True)["outcome"] == "Succeeded"
    endings = {}
    for number, step in enumerate(steps, 1):
        with filled_world() as world:
            world.before_step = lambda _, reached, world=world, number=number: (
                stop(world) if reached == number else None
            )
            report = world.run(verify=True)
            endings[step] = report["outcome"]
            assert report["outcome"] == "Stopped" or report["verified"]["isWhole"], step
    assert (endings[STEP], endings["tally_run report"]) == ("Stopped", "Succeeded")


def test_a_listing_that_is_refused_proves_nothing_and_ends_the_run() -> None:
    with filled_world() as world:
        refusal = Answer(403, "AccessDenied", "Access Denied")
        at_the_end(
            world, lambda: world.s3.before("ListObjectsV2", refusal, bucket="destination-bucket", times=99)
        )

        report = world.run(verify=True)

        assert (report["outcome"], report["phase"]) == ("SyncIncomplete", "verifying")
        assert report["cause"] == (
            "everything was copied and deleted, and comparing once more broke: s3://source-bucket/ -> s3://destination-bucket/ "
            "(the whole bucket) could not be compared: AccessDenied: Access Denied (ListObjectsV2 of bucket "
            "destination-bucket). `fab verify source-bucket destination-bucket` tells whether the buckets are equal."
        )
        assert (report["copied"]["objects"], report["failed"]["objects"]) == (3, 0)


def test_a_worker_that_dies_at_every_attempt_ends_the_run_and_gives_the_lease_back() -> None:
    with filled_world() as world:
        at_the_end(world, lambda: world.s3.kill("ListObjectsV2", bucket="source-bucket", times=99))

        report = world.run(verify=True)

        assert (report["outcome"], report["phase"]) == ("SyncIncomplete", "verifying")
        assert report["cause"].startswith(
            "everything was copied and deleted, and comparing once more broke: Killed:"
        )
        assert report["verified"] == {}
        assert [key for key in world.work.objects if key.startswith("leases/")] == []


def test_a_key_that_cannot_be_compared_once_more_is_named_as_failed() -> None:
    with filled_world() as world:
        refusal = Answer(403, "AccessDenied", "Access Denied")
        at_the_end(
            world,
            lambda: (
                world.destination.put("kept", b"tpek", 0),
                world.s3.before("HeadObject", refusal, key="kept", times=99),
            ),
        )

        report = world.run(verify=True)

        assert report["outcome"] == "NotInSync"
        assert [(one["key"], one["what"]) for one in report["notSynchronised"]] == [("kept", "failed")]


@pytest.mark.parametrize("file", ["verify/verified.json", "verify/failures"])
def test_a_file_of_the_verification_that_is_lost_is_never_taken_for_no_difference(file: str) -> None:
    with filled_world() as world:

        def lose(step: str, number: int) -> None:
            if step == STEP:
                disturb(world)
            if step == "tally_run report":
                for key in [key for key in world.work.objects if key.startswith(f"{FOLDER}/{file}")]:
                    world.work.delete(key)

        world.before_step = lose

        report = world.run(verify=True)

        assert (report["outcome"], report["phase"]) == ("SyncIncomplete", "verifying")
        assert report["cause"].startswith("the run broke while verifying: RunFileBroken: s3://work-bucket/")
        assert "is not there" in report["cause"]
        assert [key for key in world.work.objects if key.startswith("leases/")] == []


def test_a_file_of_the_run_that_is_lost_before_it_is_verified_ends_the_run() -> None:
    with filled_world() as world:

        def lose() -> None:
            disturb(world)
            for key in [key for key in world.work.objects if key.startswith(f"{FOLDER}/copy/")]:
                world.work.delete(key)

        at_the_end(world, lose)
        report = world.run(verify=True)

        assert (report["outcome"], report["phase"]) == ("SyncIncomplete", "verifying")
        assert "RunFileBroken" in report["cause"]
