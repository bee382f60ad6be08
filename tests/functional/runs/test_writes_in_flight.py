"""How many copies and deletes S3 sees at the same moment, in whole runs, while it answers 503 and while it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fake_s3 import BUSY, MB, Answer, Request
from installed_botocore import needs_conditions_in_batches
from runs_on_fake_s3 import World

from lambda_functions.shared.apply import in_flight
from lambda_functions.shared.apply.copier import COPY_THREADS
from lambda_functions.shared.apply.in_flight import gate_of

PATIENCE_SECONDS = 60
OTHERS_SECONDS = 0.1
QUARTER = COPY_THREADS // 4


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The clock of the rule, which stands still; and no worker before was warm."""
    one = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(in_flight, "time", SimpleNamespace(monotonic=lambda: one.seconds))
    gate_of.cache_clear()
    yield one
    gate_of.cache_clear()


@pytest.fixture
def plans_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_flight, "MANY_OBJECTS", 2)


class Crowd:
    """Requests that wait for each other: no less than `number` at once, or the wait breaks; `most` is how many there were.

    When so many are there, they leave one that is too many the time to come.
    """

    def __init__(self, number: int) -> None:
        self._together = threading.Barrier(number, self._let_others_come)
        self._changed = threading.Condition()
        self._number, self._inside, self.most = number, 0, 0

    def __call__(self, request: Request) -> None:
        with self._changed:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._changed.notify_all()
        self._together.wait(PATIENCE_SECONDS)
        with self._changed:
            self._inside -= 1

    def _let_others_come(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.most > self._number, OTHERS_SECONDS)


class BusyOnce:
    """Of the first requests, `first` at once, the last is answered 503; the others end after that was sent again."""

    def __init__(self, first: int, then: int) -> None:
        self.before, self.later = Crowd(first), Crowd(then)
        self._numbers, self._lock, self._is_sent_again = (
            iter(range(1, 10**6)),
            threading.Lock(),
            threading.Event(),
        )
        self._first = first

    def __call__(self, request: Request) -> Answer | None:
        with self._lock:
            number = next(self._numbers)
        if number > self._first:
            self._is_sent_again.set()
            return self.later(request)
        self.before(request)
        if number == self._first:
            return BUSY
        assert self._is_sent_again.wait(PATIENCE_SECONDS)
        return None


def put_many(world: World, number: int) -> None:
    for key in range(number):
        world.source.put(f"{key:04d}", b"1")


def test_a_small_plan_begins_with_all_that_a_worker_can_do(world: World) -> None:
    put_many(world, 2 * COPY_THREADS)
    crowd = Crowd(COPY_THREADS)
    world.s3.before("CopyObject", crowd, times=10_000)

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 2 * COPY_THREADS)
    assert crowd.most == COPY_THREADS


def test_a_large_plan_begins_with_a_quarter(world: World, plans_are_large: None) -> None:
    put_many(world, 2 * COPY_THREADS)
    crowd = Crowd(QUARTER)
    world.s3.before("CopyObject", crowd, times=10_000)

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 2 * COPY_THREADS)
    assert crowd.most == QUARTER


@pytest.mark.parametrize("many, first", [(10**9, COPY_THREADS), (2, QUARTER)])
def test_a_503_halves_what_is_in_flight_and_no_object_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, many: int, first: int
) -> None:
    monkeypatch.setattr(in_flight, "MANY_OBJECTS", many)
    put_many(world, 3 * first - 1)  # and one request more, which is sent again
    busy = BusyOnce(first, first // 2)
    world.s3.before("CopyObject", busy, times=10_000)

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 3 * first - 1)
    assert report["notSynchronised"] == []
    assert (busy.before.most, busy.later.most) == (first, first // 2)
    assert world.destination.contents() == world.source.contents()


def test_what_a_turn_ends_with_is_what_the_next_turn_of_a_warm_lambda_begins_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.FIRST_COPY_KEYS", COPY_THREADS)
    put_many(world, 2 * COPY_THREADS)
    second = Crowd(COPY_THREADS // 2)
    world.s3.before("CopyObject", BUSY)
    world.s3.before("CopyObject", second, nth=COPY_THREADS + 2, times=10_000)

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 2 * COPY_THREADS)
    assert second.most == COPY_THREADS // 2


def test_parts_of_all_objects_share_the_places(world: World, plans_are_large: None) -> None:
    for number in range(QUARTER):
        world.source.put_parts(f"{number}", *[5 * MB] * 4)
    crowd = Crowd(QUARTER)
    world.s3.before("UploadPartCopy", crowd, times=10_000)

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", QUARTER)
    assert crowd.most == QUARTER


def test_parts_of_a_very_large_object_are_copied_as_many_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 1)
    monkeypatch.setattr(in_flight, "MANY_OBJECTS", 1)
    world.source.put_parts("large", *[5 * MB] * 2 * QUARTER)
    crowd = Crowd(QUARTER)
    world.s3.before("UploadPartCopy", crowd, times=10_000)

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 1)
    assert crowd.most == QUARTER


def keys_of(request: Request) -> int:
    return len(request.asked["Delete"]["Objects"])


def put_orphans(world: World, number: int) -> None:
    for key in range(number):
        world.destination.put(f"{key:04d}", b"1")


@needs_conditions_in_batches
@pytest.mark.parametrize("many, sizes", [(10**9, [1000, 200]), (2, [250, 250, 250, 250, 200])])
def test_deletes_of_a_large_plan_begin_with_fewer_keys_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, many: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(in_flight, "MANY_OBJECTS", many)
    world.source.put("stays", b"1")
    put_orphans(world, 1200)

    report = world.run(maxDelete="100%")

    assert (report["outcome"], report["deleted"]["objects"]) == ("Succeeded", 1200)
    assert list(map(keys_of, world.s3.of("DeleteObjects"))) == sizes


def too_busy_for_one(request: Request) -> dict[str, Any]:
    """Delete nothing, and say that S3 was too busy for each key."""
    keys = [one["Key"] for one in request.asked["Delete"]["Objects"]]
    return {"Errors": [{"Key": key, "Code": "SlowDown", "Message": ""} for key in keys]}


@needs_conditions_in_batches
@pytest.mark.parametrize("refusal", [BUSY, too_busy_for_one])
def test_a_503_of_a_delete_halves_the_keys_of_the_next_and_no_object_fails(
    world: World, refusal: Any
) -> None:
    world.source.put("stays", b"1")
    put_orphans(world, 2000)
    world.s3.before("DeleteObjects", refusal)

    report = world.run(maxDelete="100%")

    assert (report["outcome"], report["deleted"]["objects"]) == ("Succeeded", 2000)
    assert list(map(keys_of, world.s3.of("DeleteObjects"))) == [1000, 1000, 500, 500]


def test_a_503_of_the_source_halves_how_many_orphans_are_asked_for_at_once(world: World) -> None:
    world.source.put("stays", b"1")
    put_orphans(world, 3 * 32 - 1)
    busy = BusyOnce(32, 16)
    world.s3.before("HeadObject", busy, bucket=world.source.name, times=10_000)

    report = world.run()

    assert (report["outcome"], report["deleted"]["objects"]) == ("Succeeded", 95)
    assert (busy.before.most, busy.later.most) == (32, 16)
