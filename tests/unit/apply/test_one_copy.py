"""The copy of one object, on the fake S3: when it is tried again, what a stop and the end of a turn make of it, its time."""

from __future__ import annotations

import runpy
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest
from fake_s3 import GB, MB, Answer, Request
from runs_on_fake_s3 import TURN_SECONDS, World

from lambda_functions.shared.apply import copier
from lambda_functions.shared.apply.copier import Copier, is_multipart, seconds_needed
from lambda_functions.shared.errors import Stopped, SyncError
from lambda_functions.shared.invocation import StopRequest
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.work_items import ToCopy

CONFLICT = Answer(409, "ConditionalRequestConflict", "A conflicting operation occurred")
TOO_LATE = "the copy had not ended when its worker's time was over"
STOPPED = "the run was stopped before it could be tried again"


# --- Tries


def test_between_three_tries_are_two_pauses_that_may_grow(world: World, least_pauses: list[float]) -> None:
    """Whoever writes the same key is still at it; a try without a pause meets the same conflict."""
    world.source.put("key", b"1")
    world.s3.before("CopyObject", CONFLICT, times=99)

    outcome = world.worker().copy(world.to_copy("key"))

    assert (outcome.what, outcome.size) == ("failed", 0)
    assert len(world.s3.of("CopyObject")) == 3
    assert (world.slept, least_pauses) == ([1, 2], [0, 0])


def test_a_copy_that_succeeds_at_the_third_try_is_counted_once_with_its_bytes(world: World) -> None:
    world.source.put("key", b"123")
    world.s3.before("CopyObject", CONFLICT, times=2)

    assert world.worker().copy(world.to_copy("key")) == Outcome("key", "copied", 3)


def test_a_source_that_changed_is_counted_with_the_bytes_that_it_has_now(world: World) -> None:
    world.source.put("key", b"123")
    item = world.to_copy("key")
    world.source.put("key", b"12345", 0)

    assert world.worker().copy(item) == Outcome("key", "copied", 5)


def test_a_copy_in_one_piece_is_asked_for_with_all_that_was_chosen_and_all_that_s3_does_not_carry(
    world: World,
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    stored = world.source.put("in/key", b"", redirect="/there", storage_class="STANDARD_IA")
    world.source.put("key", b"", etag=stored.etag, storage_class="STANDARD_IA")
    worker = world.worker(
        prefix="in/",
        destinationPrefix="out/",
        sourceOwner="111122223333",
        destinationOwner="111122223333",
        requestPayer=True,
        acl="bucket-owner-full-control",
        serverSideEncryption="aws:kms",
        sseKmsKeyId="k-1",
        copyTags=False,
    )

    assert worker.copy(world.to_copy("key")).what == "copied"

    (request,) = world.s3.of("CopyObject")
    assert dict(request.asked) == {
        "Bucket": "destination-bucket",
        "Key": "out/key",
        "ExpectedBucketOwner": "111122223333",
        "IfNoneMatch": "*",
        "CopySource": "source-bucket/in/key",
        "CopySourceIfMatch": f'"{stored.etag}"',
        "ExpectedSourceBucketOwner": "111122223333",
        "RequestPayer": "requester",
        "StorageClass": "STANDARD_IA",
        "ACL": "bucket-owner-full-control",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "k-1",
        "TaggingDirective": "REPLACE",
        "WebsiteRedirectLocation": "/there",
        "AnnotationDirective": "EXCLUDE",
    }


@pytest.mark.parametrize("content", [b"", b"1"])
@pytest.mark.parametrize("object_lock", ["none", "copy"])
def test_a_source_is_asked_for_what_s3_does_not_carry_only_where_there_may_be_something(
    world: World, content: bytes, object_lock: str
) -> None:
    """A redirect is carried of empty objects; a lock, where it is to be copied, of all. Each HEAD is a request more."""
    world.destination.has_object_lock = True
    hold = {"ObjectLockLegalHoldStatus": "ON"}
    world.source.put("key", content, redirect="/there", lock=hold)

    assert world.worker(objectLock=object_lock).copy(world.to_copy("key")).what == "copied"

    made = world.destination.objects["key"]
    assert made.redirect == (None if content else "/there")
    assert made.lock == (hold if object_lock == "copy" else {})
    assert len(world.s3.of("HeadObject")) == (0 if content and object_lock == "none" else 1)


def test_an_upload_that_is_complete_is_struck_out_and_one_that_is_given_up_stays_on_the_list(
    world: World,
) -> None:
    """What is on the list is aborted at the end: a request for nothing, or the last chance to remove a part that came late."""
    world.source.put_parts("key", 5 * MB, 1)
    worker = world.worker()
    assert worker.copy(world.to_copy("key")).what == "copied"
    assert list(worker.folder.list_names("uploads/")) == []

    world.source.put_parts("other", 5 * MB, 1)
    world.s3.before("UploadPartCopy", Answer(403, "AccessDenied"), times=2)
    assert worker.copy(world.to_copy("other")).what == "failed"
    assert len(list(worker.folder.list_names("uploads/"))) == 1


# --- A stop, and the end of a turn


def test_a_run_that_was_stopped_tries_no_copy_again(world: World) -> None:
    """A stop lets end what is under way; a try that comes after it would be a write that nobody expects any more."""
    world.source.put("key", b"1")
    world.s3.before("CopyObject", CONFLICT)
    worker = world.worker()
    turn = replace(worker.turn, stop=lambda: StopRequest() if world.s3.of("CopyObject") else None)

    assert replace(worker, turn=turn).copy(world.to_copy("key")) == Outcome("key", "stopped", 0, STOPPED)

    assert (len(world.s3.of("CopyObject")), world.destination.keys()) == (1, [])


def test_a_copy_that_was_begun_before_a_stop_is_sent(world: World) -> None:
    world.source.put("key", b"1")
    worker = world.worker()

    stopped = replace(worker, turn=replace(worker.turn, stop=StopRequest))

    assert stopped.copy(world.to_copy("key")) == Outcome("key", "copied", 1)


@pytest.mark.parametrize(("seconds_left", "is_sent"), [(0.0, False), (0.5, True)])
def test_nothing_is_sent_when_the_turn_is_over(world: World, seconds_left: float, is_sent: bool) -> None:
    world.source.put("key", b"1")
    world.elapsed_seconds = TURN_SECONDS - seconds_left

    outcome = world.worker().copy(world.to_copy("key"))

    assert outcome == (Outcome("key", "copied", 1) if is_sent else Outcome("key", "failed", 0, TOO_LATE))
    assert len(world.s3.of("CopyObject")) == is_sent


def test_a_copy_whose_turn_ended_while_it_was_refused_is_named_and_not_tried_again(world: World) -> None:
    def refuse(request: Request) -> Answer:
        world.elapsed_seconds = TURN_SECONDS
        return CONFLICT

    world.source.put("key", b"1")
    world.s3.before("CopyObject", refuse)

    assert world.worker().copy(world.to_copy("key")) == Outcome("key", "failed", 0, TOO_LATE)

    assert (len(world.s3.of("CopyObject")), world.destination.keys()) == (1, [])


class Pool:
    """Threads of which one has begun no part, one is at work on its part, and the others come later."""

    def __init__(self, world: World, error: Exception, elapsed_seconds: float) -> None:
        self.world, self.error, self.elapsed_seconds = world, error, elapsed_seconds
        self.futures: list[Future[Any]] = []

    def submit(self, copy_part: Any, copy: Any, upload: Any, part: Any) -> Future[Any]:
        self.world.elapsed_seconds = self.elapsed_seconds
        future: Future[Any] = Future()
        self.futures.append(future)
        if len(self.futures) == 1:
            future.set_exception(self.error)
        if len(self.futures) == 2:
            future.set_running_or_notify_cancel()
        return future


@pytest.mark.parametrize(
    ("error", "elapsed_seconds", "waited_seconds", "outcome"),
    [
        (Stopped("stopped"), 100.0, [TURN_SECONDS - 100], Outcome("key", "stopped", 0, "stopped")),
        (Stopped("stopped"), TURN_SECONDS, [0], Outcome("key", "stopped", 0, "stopped")),
        (Stopped("stopped"), TURN_SECONDS + 5, [0], Outcome("key", "stopped", 0, "stopped")),
        (SyncError("too late"), 100.0, [], Outcome("key", "failed", 0, "too late")),
    ],
)
def test_a_stop_waits_for_the_parts_under_way_before_the_abort_and_an_error_does_not(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    elapsed_seconds: float,
    waited_seconds: list[float],
    outcome: Outcome,
) -> None:
    """A part that arrives after the abort stays and costs money; after an error the report aborts once more, when all is over."""
    pool, waited = Pool(world, error, elapsed_seconds), []

    def wait(futures: Any, timeout: float | None = None) -> None:
        assert [future for future in futures if not future.done()] == [pool.futures[1]]
        assert world.s3.of("AbortMultipartUpload") == []
        waited.append(timeout)

    monkeypatch.setattr(copier, "wait", wait)
    world.source.put_parts("key", 5 * MB, 5 * MB, 5 * MB, 1)
    worker, item = world.worker(), world.to_copy("key")

    found = Copier(worker.clients, worker.run, worker.folder, worker.turn, pool=pool).copy(item)  # type: ignore[arg-type]

    assert (found, waited) == (outcome, waited_seconds)
    assert [future.cancelled() for future in pool.futures] == [False, False, True, True]
    assert (len(world.s3.of("AbortMultipartUpload")), world.destination.open_uploads()) == (1, [])


# --- How an object is copied, and how much time is left free for it


@pytest.mark.parametrize(
    ("etag", "size", "checksum", "expected"),
    [
        ("e" * 32, 0, None, False),
        ("e" * 32, 5 * GB, None, False),
        ("e" * 32, 5 * GB + 1, None, True),
        ("e" * 32 + "-1", 5 * GB, None, False),
        ("e" * 32 + "-1", 5 * GB + 1, None, True),
        ("e" * 32 + "-2", 1, None, True),
        ("e" * 32 + "-1", 1, ("CRC64NVME", "FULL_OBJECT"), False),
        ("e" * 32 + "-1", 1, ("XXHASH64", "COMPOSITE"), True),
        ("e" * 32 + "-1", 1, ("SHA256", "COMPOSITE"), False),
        ("e" * 32 + "-2", 1, ("SHA256", "COMPOSITE"), True),
        ("e" * 32, 1, ("XXHASH64", "FULL_OBJECT"), False),
    ],
)
def test_an_object_is_copied_in_parts_where_one_request_cannot_make_the_same(
    etag: str, size: int, checksum: tuple[str, str] | None, expected: bool
) -> None:
    """CopyObject takes 5 GiB at most, makes one piece of several, and a checksum of the whole."""
    assert is_multipart(ToCopy("key", etag, size, checksum=checksum)) is expected


@pytest.mark.parametrize(
    ("size", "seconds"), [(0, 2.0), (100 * MB, 3.0), (5 * GB, 2 + 51.2), (64 * GB, 2 + 655.36)]
)
def test_two_seconds_and_one_for_every_100_mib_are_left_free(size: int, seconds: float) -> None:
    """A part of 5 GiB, and a group of 64 GiB one part after the other, fit into the 870 seconds of a turn."""
    assert seconds_needed(size) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("megabytes", "threads"),
    [("128", 8), ("287", 8), ("288", 9), ("1769", 55), ("2047", 63), ("2048", 64), ("10240", 64), (None, 32)],
)
def test_a_worker_has_a_thread_for_every_32_mb_of_its_memory_from_8_to_64(
    monkeypatch: pytest.MonkeyPatch, megabytes: str | None, threads: int
) -> None:
    """Lambda gives processor time with memory; outside of Lambda nobody says how much there is."""
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)
    if megabytes:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", megabytes)

    assert runpy.run_path(copier.__file__, run_name="copier_of_another_size")["COPY_THREADS"] == threads
