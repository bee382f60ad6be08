"""Deleting orphans, on the fake S3: what must be asked before anything goes, and what each answer of S3 makes of a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event, current_thread, main_thread
from typing import Any

import pytest
from fake_s3 import HOUR, LOST, Answer, Request
from installed_botocore import needs_conditions_in_batches
from runs_on_fake_s3 import TURN_SECONDS, World

from lambda_functions.shared.apply import deleter
from lambda_functions.shared.apply.deleter import Deleter, batches
from lambda_functions.shared.apply.in_flight import Gate, InFlight
from lambda_functions.shared.invocation import StopRequest
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.work_items import ToDelete

CHANGED = "the source has got this key since it was listed; it was not deleted"
THEIRS = "the destination was written by somebody else after it was listed"
DENIED = Answer(403, "AccessDenied", "Access Denied")
BUSY = Answer(503, "SlowDown", "Please reduce your request rate.")
ODD = "odd\u0001"  # XML cannot carry it, so it is deleted by a request of its own


def orphans(world: World, *keys: str) -> list[ToDelete]:
    for key in keys:
        world.destination.put(key, b"1")
    return [world.orphan(key) for key in keys]


def whats(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.key, outcome.what) for outcome in outcomes]


def test_of_a_run_that_is_to_stop_before_the_first_delete_nothing_was_begun(world: World) -> None:
    items, worker = orphans(world, "a", "b"), world.worker()
    stopping = replace(worker.turn, stop=lambda: StopRequest() if world.s3.of("HeadObject") else None)

    assert Deleter(worker.clients, worker.run, stopping).delete(items) == []

    assert world.destination.keys() == ["a", "b"]


def test_the_source_is_asked_for_no_more_keys_at_once_than_the_gate_lets_in(world: World) -> None:
    """S3 has said that it is too busy; 32 HEADs at once would have it say so again."""
    items, worker = orphans(world, "a", "b"), world.worker()
    is_second = Event()

    def look(request: Request) -> None:
        if request.key == "b":
            is_second.set()
        else:
            together.append(is_second.wait(timeout=0.3))

    together: list[bool] = []
    world.s3.before("HeadObject", look, times=2)
    Deleter(worker.clients, worker.run, worker.turn, gate=Gate.begin(1)).delete(items)

    assert together == [False]
    assert [request.key for request in world.s3.of("HeadObject")] == ["a", "b"]


# --- Unknown is not absent


@pytest.mark.parametrize("key", ["k", "k" * 1024, "é" * 512, ODD])
def test_a_key_as_short_or_as_long_as_any_is_asked_for_before_it_is_deleted(world: World, key: str) -> None:
    """S3 has keys of 1 to 1,024 bytes; one that counts as impossible at the source is deleted without being asked for."""
    items = orphans(world, key)
    world.source.put(key, b"again")

    assert world.worker().delete(items) == [Outcome(key, "changed", 0, CHANGED)]

    assert world.destination.keys() == [key]


@pytest.mark.parametrize(("prefix", "length"), [("in/", 1021), ("in/", 0)])
def test_the_prefix_of_the_source_counts_in_the_length_of_a_key(
    world: World, prefix: str, length: int
) -> None:
    key = "k" * length
    world.destination.put(f"out/{key}", b"1")
    world.source.put(f"{prefix}{key}", b"again")
    item = ToDelete(key, world.destination.objects[f"out/{key}"].etag, 1)

    assert whats(world.worker(prefix=prefix, destinationPrefix="out/").delete([item])) == [(key, "changed")]

    assert world.destination.keys() == [f"out/{key}"]


def test_the_name_of_the_prefix_itself_is_an_orphan_where_the_source_can_have_no_such_key(
    world: World,
) -> None:
    """Asked for under no name at all, it would be a failure, and fail every run, for ever."""
    world.destination.put("out/", b"")
    item = ToDelete("", world.destination.objects["out/"].etag, 0)

    assert whats(world.worker(destinationPrefix="out/").delete([item])) == [("", "deleted")]

    assert "HEAD" not in world.sent()


def test_a_key_that_is_too_long_for_the_source_is_an_orphan_that_nobody_has_to_ask_for(world: World) -> None:
    """S3 would answer 400, and the orphan would stay, and fail every run, for ever."""
    key = "k" * 1022
    items = orphans(world, key)

    assert whats(world.worker(prefix="in/").delete(items)) == [(key, "deleted")]

    assert "HEAD" not in world.sent()


@pytest.mark.parametrize("answer", [DENIED, BUSY, LOST, Answer(400, "BadRequest")], ids=str)
def test_a_source_that_does_not_say_whether_it_has_a_key_keeps_its_copy(world: World, answer: Answer) -> None:
    items = orphans(world, "known", "unknown")
    world.s3.before("HeadObject", answer, key="unknown", times=99)

    outcomes = world.worker().delete(items)

    assert whats(outcomes) == [("known", "deleted"), ("unknown", "failed")]
    assert outcomes[1].error.startswith("not deleted: whether the source has it is unknown: ")
    assert world.destination.keys() == ["unknown"]


@pytest.mark.parametrize("answer", [DENIED, LOST, Answer(404, "NoSuchBucket")], ids=str)
def test_a_source_bucket_that_does_not_answer_keeps_every_orphan(world: World, answer: Answer) -> None:
    """Every HEAD says 404 of a bucket that is gone, so the bucket itself is asked before the first delete."""
    items = orphans(world, "a", "b")
    world.s3.before("HeadBucket", answer, times=99)

    outcomes = world.worker().delete(items)

    assert whats(outcomes) == [("a", "failed"), ("b", "failed")]
    assert all(one.error.startswith("not deleted: whether the source has it is unknown") for one in outcomes)
    assert world.destination.keys() == ["a", "b"]


# --- Every key keeps an outcome, whatever becomes of a request


@needs_conditions_in_batches
@pytest.mark.parametrize("answer", [DENIED, LOST], ids=str)
def test_a_batch_that_fails_as_a_whole_is_a_failure_of_each_key(world: World, answer: Answer) -> None:
    """A worker that crashed here would lose the outcomes of what it had deleted one by one, and of a thousand others."""
    items = orphans(world, "a", "b", ODD)
    world.s3.before("DeleteObjects", answer, times=99)

    assert whats(world.worker().delete(items)) == [("a", "failed"), ("b", "failed"), (ODD, "deleted")]

    assert world.destination.keys() == ["a", "b"]


@pytest.mark.parametrize("answer", [DENIED, LOST], ids=str)
def test_a_single_delete_that_fails_is_a_failure_of_its_key_only(world: World, answer: Answer) -> None:
    other = "other\u0001"
    items = orphans(world, ODD, other)
    world.s3.before("DeleteObject", answer, key=ODD, times=99)

    outcomes = world.worker().delete(items)

    assert whats(outcomes) == [(ODD, "failed"), (other, "deleted")]
    assert outcomes[0].error.startswith("not deleted: ")


@pytest.mark.parametrize("answer", [DENIED, LOST], ids=str)
@pytest.mark.parametrize("key", [pytest.param("a", marks=needs_conditions_in_batches), ODD])
def test_an_orphan_of_another_etag_that_cannot_be_looked_at_is_a_failure(
    world: World, key: str, answer: Answer
) -> None:
    """The other keys of the batch are deleted already: their outcomes must not go with this one."""
    items = orphans(world, key, "b")
    world.destination.put(key, b"theirs", 0)
    world.s3.before("HeadObject", answer, key=key, bucket=world.destination.name, times=99)

    outcomes = world.worker().delete(items)

    assert sorted(whats(outcomes)) == sorted([(key, "failed"), ("b", "deleted")])
    assert world.destination.keys() == [key]


@pytest.mark.parametrize("key", [pytest.param("a", marks=needs_conditions_in_batches), ODD])
def test_an_orphan_that_somebody_else_wrote_stays_and_one_that_somebody_else_deleted_is_done(
    world: World, key: str
) -> None:
    items = orphans(world, key)
    world.destination.put(key, b"theirs", 0)
    assert world.worker().delete(items) == [Outcome(key, "changed", 0, THEIRS)]

    head = {"key": key, "bucket": world.destination.name}
    world.s3.before("HeadObject", lambda request: world.destination.delete(key), **head)
    assert world.worker().delete(items) == [Outcome(key, "deleted", 1)]


@needs_conditions_in_batches
@pytest.mark.parametrize(
    "code", ["ConditionalRequestConflict", "OperationAborted", "InternalError", "RequestTimeout", "SlowDown"]
)
def test_every_error_of_a_key_that_passes_is_tried_again(world: World, code: str) -> None:
    """botocore repeats whole requests only; a key whose error passes would stay at the destination for nothing."""
    items = orphans(world, "a")
    world.s3.before("DeleteObjects", said_of("a", code))

    assert world.worker().delete(items) == [Outcome("a", "deleted", 1)]


@needs_conditions_in_batches
@pytest.mark.parametrize(("code", "what"), [("AccessDenied", "failed"), ("NoSuchKey", "deleted")])
def test_an_error_of_a_key_that_stays_is_not_tried_again(world: World, code: str, what: str) -> None:
    items = orphans(world, "a")
    world.s3.before("DeleteObjects", said_of("a", code))

    assert whats(world.worker().delete(items)) == [("a", what)]

    assert len(world.s3.of("DeleteObjects")) == 1
    assert world.slept == []


def said_of(key: str, code: str) -> Callable[[Any], dict[str, Any]]:
    return lambda request: {"Errors": [{"Key": key, "Code": code, "Message": "so it is"}]}


# --- Pauses


CONFLICT = Answer(409, "ConditionalRequestConflict", "A conflicting operation occurred")


def busy(key: str) -> tuple[str, Any]:
    """Return the operation that deletes a key, in a batch or alone, and how S3 asks it to come again later."""
    return ("DeleteObjects", said_of(key, "SlowDown")) if key == "a" else ("DeleteObject", CONFLICT)


@pytest.mark.parametrize("key", [pytest.param("a", marks=needs_conditions_in_batches), ODD])
def test_between_four_tries_of_a_busy_key_are_three_pauses_that_may_grow(
    world: World, key: str, least_pauses: list[float]
) -> None:
    """S3 asks to come more slowly; tries without a pause are over before it could have got less busy."""
    items = orphans(world, key)
    operation, answer = busy(key)
    world.s3.before(operation, answer, times=99)

    outcomes = world.worker().delete(items)

    assert outcomes == [Outcome(key, "failed", 0, "not deleted: S3 was too busy 4 times")]
    assert len(world.s3.of(operation)) == 4
    assert (world.slept, least_pauses) == ([2, 4, 8], [0, 0, 0])


@pytest.mark.parametrize("key", [pytest.param("a", marks=needs_conditions_in_batches), ODD])
def test_a_stop_ends_the_tries_of_a_busy_key(world: World, key: str) -> None:
    """Whoever stops a run for what it deletes wants it to delete no more, not three times more."""
    items, worker = orphans(world, key), world.worker()
    operation, answer = busy(key)
    world.s3.before(operation, answer)
    turn = replace(worker.turn, stop=lambda: StopRequest() if world.s3.of(operation) else None)

    outcomes = Deleter(worker.clients, worker.run, turn).delete(items)

    assert outcomes == [Outcome(key, "stopped", 0, "not deleted: the run was stopped before")]
    assert (len(world.s3.of(operation)), world.destination.keys(), world.slept) == (1, [key], [])


def test_a_batch_has_at_most_a_thousand_keys_and_every_key_is_in_one() -> None:
    """DeleteObjects takes no more: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
    items = [ToDelete(f"{number:04}", "etag", 1) for number in range(2001)]

    cut = list(batches(items, Gate.begin(32)))

    assert [len(batch) for batch in cut] == [1000, 1000, 1]
    assert [item for batch in cut for item in batch] == items


def test_the_condition_of_a_delete_is_the_etag_that_was_listed(world: World) -> None:
    """Without it, whatever somebody wrote between the listing and the delete would go."""
    world.destination.encryption = "aws:kms"
    items = orphans(world, "a", ODD)
    world.s3.later(HOUR)

    assert whats(world.worker().delete(items)) == [("a", "deleted"), (ODD, "deleted")]

    (alone,) = [request for request in world.s3.of("DeleteObject") if request.key == ODD]
    assert alone.asked["IfMatch"] == f'"{items[1].etag}"'


def test_a_batch_that_could_carry_no_condition_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The botocore of a Lambda runtime is AWS's choice; an older one knows keys and versions only."""
    items = orphans(world, "a", "b")
    monkeypatch.setattr(deleter, "_members_of_a_key", lambda client: {"Key": None, "VersionId": None})

    assert whats(world.worker().delete(items)) == [("a", "deleted"), ("b", "deleted")]

    conditions = {request.key: request.asked["IfMatch"] for request in world.s3.of("DeleteObject")}
    assert conditions == {item.key: f'"{item.etag}"' for item in items}
    assert world.s3.of("DeleteObjects") == []


@pytest.mark.parametrize("is_versioned", [False, True])
def test_a_delete_in_a_versioned_bucket_is_told_as_one_that_left_a_marker(
    world: World, is_versioned: bool
) -> None:
    """Its object costs as much as before, so a report counts the markers, of batches and of single deletes."""
    world.destination.is_versioned = is_versioned
    items = orphans(world, "a", ODD)

    assert world.worker().delete(items) == [
        Outcome(key, "deleted", 1, left_marker=is_versioned) for key in ("a", ODD)
    ]


# --- Time that is over in the midst of a delete


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_delete_under_way_when_the_time_is_over_is_a_failure_even_of_a_run_that_is_to_stop(
    world: World, is_stopped: bool
) -> None:
    """S3 may have done it or not, so it is neither deleted nor "stopped before"; that is what was not begun."""
    other = "other\u0001"
    items, hangs, is_frozen = orphans(world, ODD, other), Event(), Event()
    with world.s3.process():
        process, worker = world.s3.current(), world.worker()

    def hang(request: Request) -> None:
        hangs.set()
        is_frozen.wait(60)

    def now() -> float:
        return TURN_SECONDS if world.s3.of("HeadBucket") and hangs.wait(60) else 0.0

    world.s3.before("DeleteObject", hang)
    turn = replace(
        worker.turn, now=now, stop=lambda: StopRequest() if is_stopped and hangs.is_set() else None
    )

    outcomes = Deleter(worker.clients, worker.run, turn).delete(items)
    process.is_dead = True
    is_frozen.set()

    late = "not deleted: its worker's time was over before S3 had said that it was"
    not_begun = ("stopped", "not deleted: the run was stopped before") if is_stopped else ("failed", late)
    assert outcomes == [Outcome(ODD, "failed", 0, late), Outcome(other, not_begun[0], 0, not_begun[1])]
    assert [request.key for request in world.s3.of("DeleteObject")] == [ODD]


def test_a_source_that_had_not_answered_when_the_time_was_over_keeps_its_copies(world: World) -> None:
    """No answer is no 404: taken for one, everything would be deleted that was asked for too late."""
    items, hangs, is_frozen = orphans(world, "a", "b"), Event(), Event()
    with world.s3.process():
        process, worker = world.s3.current(), world.worker()

    def hang(request: Request) -> None:
        hangs.set()
        is_frozen.wait(60)

    world.s3.before("HeadObject", hang)
    turn = replace(worker.turn, now=lambda: TURN_SECONDS if hangs.wait(60) else 0.0)

    outcomes = Deleter(worker.clients, worker.run, turn).delete(items)
    process.is_dead = True
    is_frozen.set()

    late = "not deleted: whether the source has it is unknown: its worker's time was over before it could be asked"
    assert outcomes == [Outcome("a", "failed", 0, late), Outcome("b", "failed", 0, late)]
    assert world.destination.keys() == ["a", "b"]


def test_a_delete_that_was_begun_before_a_stop_is_sent(world: World) -> None:
    """A stop keeps from beginning and from trying again; what a thread has taken up is under way."""
    items, worker = orphans(world, ODD), world.worker()
    begun = replace(
        worker.turn, stop=lambda: StopRequest() if current_thread() is not main_thread() else None
    )

    assert Deleter(worker.clients, worker.run, begun).delete(items) == [Outcome(ODD, "deleted", 1)]


# --- S3 is too busy


@needs_conditions_in_batches
@pytest.mark.parametrize(("code", "limit"), [("SlowDown", 16), ("InternalError", 32), ("", 32)])
def test_a_batch_of_which_a_key_was_throttled_lets_fewer_in(world: World, code: str, limit: int) -> None:
    """The answer has the status 200, so nobody else hears of it."""
    items, worker = orphans(world, "a", "b"), world.worker()
    gate = Gate(InFlight.begin(32, 0, 0.0), lambda: 0.0)
    if code:
        world.s3.before("DeleteObjects", said_of("a", code))

    outcomes = Deleter(worker.clients, worker.run, worker.turn, world.slept.append, gate).delete(items)

    assert sorted(whats(outcomes)) == [("a", "deleted"), ("b", "deleted")]
    assert gate.limit() == limit
