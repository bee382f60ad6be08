"""S3 asks for fewer requests: bursts are survived by waiting, and what stays busy is named, never taken for an answer."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from fake_s3 import BUSY, HOUR, MB, Answer, Request
from fake_s3.server import OPERATIONS
from installed_botocore import needs_conditions_in_batches
from runs_on_fake_s3 import World
from short_turns import short_pages

from lambda_functions.shared.apply.in_flight import Gate
from lambda_functions.shared.compare.streams import STREAMS
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.s3.clients import RETRIES

MOST = int(str(RETRIES["total_max_attempts"]))
FAULTS = [BUSY, Answer(500, "InternalError"), Answer(503, "ServiceUnavailable"), Answer(200, "SlowDown")]
# Object Lock, annotations, restores: tried where those options are.
OF_OPTIONS = {
    *("GetObjectLockConfiguration", "GetObjectLegalHold", "GetObjectRetention", "RestoreObject"),
    *("ListObjectAnnotations", "GetObjectAnnotation", "PutObjectAnnotation"),
}


def of_everything(world: World) -> None:
    """Put something into both buckets for every kind of request."""
    world.source.put("new", b"1")
    world.source.put("empty", b"", redirect="/there")
    world.source.put("drifted", b"1", metadata={"a": "b"})
    world.destination.put("drifted", b"1", 2 * HOUR)
    world.source.put_parts(
        "guessed wrongly", 6 * MB, 5 * MB, 5 * MB, tags={f"{n}": "ü" * 200 for n in range(5)}
    )
    for key in ("orphan", "odd\u0001"):
        world.destination.put(key, b"1")


@needs_conditions_in_batches
def test_a_burst_at_every_kind_of_request_is_survived_by_waiting(world: World) -> None:
    of_everything(world)
    for operation in OPERATIONS:
        world.s3.before(operation, BUSY, times=MOST - 1)

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"], report["deleted"]["objects"]) == (
        "Succeeded",
        4,
        2,
    )
    assert world.destination.contents() == world.source.contents()
    kinds = {request.operation for request in world.s3.sent}
    # GetObject and PutObject are the work bucket's; the others are not needed, some of them without an option for them.
    assert set(OPERATIONS) - kinds == {"UploadPart", "ListParts", *OF_OPTIONS}
    # Every one of them was put off eight times, each time for longer.
    assert len(world.s3.pauses) == len(kinds) * (MOST - 1)
    assert max(world.s3.pauses) > 5 * min(world.s3.pauses)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_that_passes_is_survived(world: World, fault: Answer) -> None:
    of_everything(world)
    for operation in (
        "ListObjectsV2",
        "CopyObject",
        "CreateMultipartUpload",
        "UploadPartCopy",
        "CompleteMultipartUpload",
    ):
        world.s3.before(operation, fault, times=3)

    assert world.run()["outcome"] == "Succeeded"

    assert world.destination.contents() == world.source.contents()
    assert world.destination.open_uploads() == []


def test_every_third_request_being_refused_is_survived(world: World) -> None:
    for number in range(50):
        world.source.put(f"{number:02d}", b"1")
    requests = iter(range(10_000))

    def every_third(request: Request) -> Answer | None:
        return BUSY if next(requests) % 3 == 0 else None

    world.s3.before("CopyObject", every_third, times=10_000)

    assert world.run()["copied"]["objects"] == 50

    assert all(pause < 60 for pause in world.s3.pauses)


def test_a_copy_that_stays_throttled_is_a_failure_after_nine_requests_and_the_others_are_copied(
    world: World,
) -> None:
    for key in ("a", "b", "c"):
        world.source.put(key, b"1")
    world.destination.put("orphan", b"1")
    world.s3.before("CopyObject", BUSY, key="b", times=99)

    report = world.run()

    why = "SlowDown: Please reduce your request rate. (CopyObject)"
    assert report["notSynchronised"] == [{"key": "b", "what": "failed", "error": why}]
    assert (report["copied"]["objects"], report["deleted"]["objects"]) == (2, 0)
    assert len([request for request in world.s3.of("CopyObject") if request.key == "b"]) == MOST
    assert world.run()["outcome"] == "Succeeded" or world.s3.relent() is None


def test_a_listing_that_stays_throttled_ends_the_run_and_changes_nothing(world: World) -> None:
    world.source.put("new", b"1")
    world.destination.put("orphan", b"1")
    world.s3.before("ListObjectsV2", BUSY, bucket="source-bucket", times=10_000)

    report = world.run()

    assert (report["outcome"], report["phase"]) == ("SyncIncomplete", "starting")
    assert "SlowDown" in report["cause"]
    assert world.destination.keys() == ["orphan"]


@dataclass
class UnderWay:
    """How many LISTs a server has under way at the same time, each of which takes until others have come or a moment."""

    busy_after: int
    now: int = 0
    begun: int = 0
    before: int = 0
    afterwards: int = 0
    lock: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, request: Request) -> Answer | None:
        with self.lock:
            self.begun += 1
            self.now += 1
            is_busy = self.begun == self.busy_after
            if self.begun < self.busy_after:
                self.before = max(self.before, self.now)
            elif self.begun > self.busy_after + 100:  # its second try has come, and so have those under way
                self.afterwards = max(self.afterwards, self.now)
            self.lock.notify_all()
            self.lock.wait_for(lambda: self.now >= 2 * STREAMS, timeout=0.01)
            self.now -= 1
        return BUSY if is_busy else None


def test_a_503_to_a_list_halves_the_streams_of_the_worker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_pages(monkeypatch, 10)
    for number in range(3000):
        for bucket in (world.source, world.destination):
            bucket.put(f"{number:05d}", b"1")
    watched, worker = UnderWay(busy_after=200), world.worker()
    world.s3.before("ListObjectsV2", watched.begin, times=10**6)

    record = worker.compare()

    assert record["tally"] == {"current": {"objects": 3000, "bytes": 3000}}
    assert STREAMS < watched.before <= 2 * STREAMS
    assert 2 <= watched.afterwards <= STREAMS


@needs_conditions_in_batches
@pytest.mark.parametrize("code", ["InternalError", "SlowDown", "ServiceUnavailable"])
def test_keys_of_a_batch_that_are_throttled_are_sent_again_alone(world: World, code: str) -> None:
    for number in range(10):
        world.destination.put(f"{number}", b"1")
    items = world.orphans()

    def half(request: Request) -> dict[str, object] | None:
        keys = [one["Key"] for one in request.asked["Delete"]["Objects"]]
        errors = [{"Key": key, "Code": code, "Message": "busy"} for key in keys[: len(keys) // 2]]
        for key in keys[len(keys) // 2 :]:
            world.destination.delete(key)
        return (
            {"Errors": errors, "Deleted": [{"Key": key} for key in keys[len(keys) // 2 :]]}
            if errors
            else None
        )

    world.s3.before("DeleteObjects", half, times=9)

    outcomes = world.worker().delete(items)

    assert outcomes == [Outcome(f"{number}", "deleted", 1) for number in range(10)]
    assert [len(one.asked["Delete"]["Objects"]) for one in world.s3.of("DeleteObjects")] == [10, 5, 2, 1]
    assert [pause > 0 for pause in world.slept] == [True, True, True]


def test_an_orphan_whose_question_stays_throttled_is_kept_and_named(world: World) -> None:
    for key in ("a", "b"):
        world.destination.put(key, b"1")
    items = [world.orphan("a"), world.orphan("b")]
    world.s3.before("HeadObject", BUSY, key="a", times=99)

    a, b = world.worker().delete(items)

    why = "not deleted: whether the source has it is unknown: 503: Service Unavailable (HeadObject)"
    assert (a, b) == (Outcome("a", "failed", 0, why), Outcome("b", "deleted", 1))
    assert world.destination.keys() == ["a"]


@pytest.mark.parametrize("operation", ["HeadObject", "CopyObject", "DeleteObject"])
def test_a_503_to_either_side_of_a_worker_halves_what_it_has_in_flight(
    world: World, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """A HEAD of an orphan goes to the source, whatever changes to the destination."""
    gates: list[Gate] = []

    def noted(*given: Any) -> Gate:
        gates.append(Gate.begin(32))
        return gates[-1]

    monkeypatch.setattr("lambda_functions.shared.apply.worker.gate_of", noted)
    world.source.put("new", b"1")
    # XML cannot carry its name, so it is deleted by a request of its own.
    world.destination.put("orphan\u0001", b"1")
    world.s3.before(operation, BUSY)

    assert world.run()["outcome"] == "Succeeded"
    assert [gate.state.halved_at > -math.inf for gate in gates].count(True) == 1
