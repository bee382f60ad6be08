"""The first worker compares, adds up and writes the plan: killed at any of its requests, its second attempt ends alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fake_s3 import HOUR, Request
from fake_s3.server import OPERATIONS
from runs_on_fake_s3 import Context, World, world_on_fake_s3
from samples import run_of
from short_turns import pages_a_turn, short_pages
from workers import Killed

from lambda_functions import list_ranges

FOLDER = "runs/sync/by hand"
INDEXES = ("copy.json", "large.json", "delete.json", "ranges/1.json", "ranges/2.json")


@contextmanager
def filled_world(pages: float) -> Iterator[World]:
    """Yield a world in which the first worker does everything that it can, and hands the rest back after so many pages."""
    with world_on_fake_s3() as world, pytest.MonkeyPatch.context() as patch:
        short_pages(patch, 4)
        pages_a_turn(patch, pages, 10_000)
        # One stream that reads no page ahead of the other side's, so that it reads the same ones in every attempt.
        patch.setattr("lambda_functions.shared.compare.pieces.KEYS_AHEAD", 0)
        patch.setattr("lambda_functions.shared.compare.streams.FIRST_PAGES", 10**6)
        patch.setattr("lambda_functions.shared.compare.plan_writer.FIRST_COPY_KEYS", 3)
        patch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 1)
        patch.setenv("WORK_BUCKET", "work-bucket")
        for number in range(6):
            world.source.put(f"new-{number}", b"1")
            world.destination.put(f"orphan-{number}", b"1")
        world.source.put("asked", b"1", metadata={"a": "b"})
        world.destination.put("asked", b"1", 2 * HOUR)
        world.source.put("cold", b"1", storage_class="GLACIER")
        world.source.put_parts("large", 5 << 20, 1)
        yield world


def invoke(world: World) -> dict[str, Any]:
    """Invoke the first worker once; return its result."""
    execution = {
        "id": "arn",
        "name": "by hand",
        "stateMachine": "sync",
        "startTime": world.s3.clock.isoformat(),
    }
    names = {"source": world.source.name, "destination": world.destination.name}
    run = run_of(execution, **names).to_json()
    with world.s3.process():
        result: dict[str, Any] = list_ranges.handler({"run": run}, Context())
    return result


def before_number(world: World, number: int) -> Callable[[], bool]:
    """Kill the worker that is about to send this request of all; return what says whether it came to it."""
    sent: list[Request] = []

    def die(request: Request) -> None:
        sent.append(request)
        if len(sent) == number:
            raise Killed(f"killed at {request.operation} {request.key}")

    for operation in OPERATIONS:
        world.s3.before(operation, die, times=10**6)
    return lambda: len(sent) >= number


def document(world: World, name: str) -> Any:
    return json.loads(world.work.objects[f"{FOLDER}/{name}"].content.body())


def ending(world: World, result: dict[str, Any]) -> dict[str, Any]:
    """Return what the next states build upon, without the ids of attempts that names of files have."""
    record = document(world, "compared/1-0001.json")
    lines = {
        kind: sorted(line["key"] for shard in shards for line in lines_of(world, shard["file"]))
        for kind, shards in record["shards"].items()
    }
    there = [name for name in INDEXES if f"{FOLDER}/{name}" in world.work.objects]
    objects = {name: sum(item.get("objects", 1) for item in document(world, name)) for name in there}
    ranges = {name: document(world, name) for name in there if name.startswith("ranges")}
    kept = ("range", "decided", "handedBack", "broken", "listed", "tally", "orphans", "paired", "kept")
    return {
        "result": without_digests(result),
        "record": {name: record[name] for name in kept},
        "lines": lines,
        "named": [line["key"] for file in record["failures"] for line in lines_of(world, file["file"])],
        "indexes": (objects, ranges),
    }


def lines_of(world: World, file: str) -> list[dict[str, Any]]:
    body = world.work.objects[f"{FOLDER}/{file}"].content.body()
    return [json.loads(line) for line in body.splitlines()]


def without_digests(value: Any) -> Any:
    """Return a result without the SHA-256 of files in which an attempt's id is, and of pointers only how long their files are."""
    if isinstance(value, dict):
        pointers = {"inline": sorted(one["objects"] for one in value.get("inline", ()))}
        rest = {name: without_digests(one) for name, one in value.items() if name not in ("sha256", "inline")}
        return rest | (pointers if "inline" in value else {})
    return [without_digests(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("pages", "next_step"), [(10_000, "apply"), (2, "compare")])
def test_killed_before_any_of_its_requests_the_second_attempt_ends_as_the_first_would_have(
    pages: float, next_step: str
) -> None:
    with filled_world(pages) as world:
        undisturbed = ending(world, invoke(world))
        requests = len(world.s3.sent)
    assert undisturbed["result"]["next"] == next_step
    assert requests >= 10

    for number in range(1, requests + 1):
        with filled_world(pages) as world:
            is_reached = before_number(world, number)
            with pytest.raises(Killed):
                invoke(world)
            world.s3.relent()

            assert is_reached()
            assert ending(world, invoke(world)) == undisturbed, f"killed before request {number}"


@pytest.mark.parametrize("pages", [10_000, 2])
def test_killed_after_the_last_of_its_requests_the_second_attempt_says_what_the_first_wrote(
    pages: float,
) -> None:
    """Its answer was lost: the second one reads no listing again, and writes nothing that is another."""
    with filled_world(pages) as world:
        first = invoke(world)
        written = {name: stored.content.body() for name, stored in world.work.objects.items()}
        lists = len(world.s3.of("ListObjectsV2"))

        assert invoke(world) == first
        assert len(world.s3.of("ListObjectsV2")) == lists
        assert {name: stored.content.body() for name, stored in world.work.objects.items()} == written


def test_of_two_attempts_at_the_same_time_both_end_with_what_the_first_record_says() -> None:
    with filled_world(10_000) as world:
        inner: list[dict[str, Any]] = []

        def another_attempt(request: Request) -> None:
            inner.append(invoke(world))

        world.s3.before("PutObject", another_attempt, key=f"{FOLDER}/compared/1-0001.json")

        assert [invoke(world)] == inner
