"""Other writers at the worst moment, requests that fail after they were done, listings that break: on the fake S3.

Each test has one thing happen between two requests of a worker, and says what becomes of the object, what both buckets hold, and
often what was asked of S3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from fake_s3 import CUT, EMPTY, HOUR, LOST, MB, Answer, Content, Request
from fake_s3.reading import listed, token_of
from installed_botocore import needs_conditions_in_batches
from runs_on_fake_s3 import World
from workers import Killed

from lambda_functions.shared.apply.deleter import batches
from lambda_functions.shared.apply.in_flight import Gate
from lambda_functions.shared.outcomes import Outcome

CONFLICT = Answer(409, "ConditionalRequestConflict", "A conflicting operation occurred")
DENIED = Answer(403, "AccessDenied", "Access Denied")
THEIRS = "the destination was written by somebody else after it was listed"
UNSTEADY = "the source changed 3 times while it was read"
CHANGED_HERE = "the source has got this key since it was listed; it was not deleted"


def doing(what: Callable[[], Any]) -> Callable[[Request], None]:
    """Return an action that changes the world and lets the request go on."""

    def act(request: Request) -> None:
        what()

    return act


def same(world: World, key: str) -> bool:
    """Whether a key holds the same on both sides."""
    return world.source.objects[key].content == world.destination.objects[key].content


# --- The source, between listing and copying


def test_a_source_that_changed_after_it_was_listed_is_copied_as_it_is_now(world: World) -> None:
    world.source.put("key", b"old")
    item = world.to_copy("key")
    world.source.put("key", b"newer")

    assert world.worker().copy(item) == Outcome("key", "copied", 5)

    assert world.destination.contents() == {"key": Content.of(b"newer")}
    # Refused, then both sides are asked, then it is copied.
    assert world.sent() == {"COPY": 2, "HEAD": 2}
    assert [pause > 0 for pause in world.slept].count(True) == 1


def test_a_source_that_changes_again_at_every_try_is_changed_after_three(world: World) -> None:
    world.source.put("key", b"0")
    item = world.to_copy("key")
    versions = iter(range(1, 10))
    world.s3.before("CopyObject", doing(lambda: world.source.put("key", b"1" * next(versions))), times=9)

    assert world.worker().copy(item) == Outcome("key", "changed", 0, UNSTEADY)

    assert world.destination.keys() == []
    assert world.sent() == {"COPY": 3, "HEAD": 6}


def test_a_source_that_became_one_of_parts_is_copied_in_its_parts(world: World) -> None:
    world.source.put("key", b"old")
    item = world.to_copy("key")
    now = world.source.put_parts("key", 5 * MB, 5 * MB, 1)

    assert world.worker().copy(item) == Outcome("key", "copied", 10 * MB + 1)

    assert world.destination.objects["key"].etag == now.etag


def test_a_source_that_became_archived_is_skipped(world: World) -> None:
    world.source.put("key", b"old")
    item = world.to_copy("key")
    world.source.alter("key", storage_class="GLACIER")

    said = "InvalidObjectState: The operation is not valid for the object's storage class (CopyObject)"
    assert world.worker().copy(item) == Outcome("key", "archived", 0, said)


def test_a_source_that_vanished_is_skipped(world: World) -> None:
    world.source.put("key", b"1")
    item = world.to_copy("key")
    world.source.delete("key")

    outcome = world.worker().copy(item)

    assert outcome == Outcome("key", "vanished", 0, "the source object was gone when it was to be copied")
    assert world.sent() == {"COPY": 1, "HEAD": 2, "HEAD_BUCKET": 1}


@pytest.mark.parametrize("parts", [(b"1",), (5 * MB, 1)])
def test_a_source_bucket_that_is_gone_is_a_failure_not_a_vanished_object(
    world: World, parts: tuple[Any, ...]
) -> None:
    (world.source.put if len(parts) == 1 else world.source.put_parts)("key", *parts)
    item = world.to_copy("key")
    del world.s3.buckets["source-bucket"]

    outcome = world.worker().copy(item)

    assert (outcome.what, world.destination.keys()) == ("failed", [])
    assert "NoSuchBucket" in outcome.error or "does not exist any more" in outcome.error


def test_a_source_bucket_that_goes_in_mid_run_fails_the_run_and_nothing_is_deleted(world: World) -> None:
    for key in ("a", "b", "c"):
        world.source.put(key, b"1")
    world.destination.put("orphan", b"1")
    world.s3.after("CopyObject", doing(lambda: world.s3.buckets.pop("source-bucket")))

    report = world.run()

    assert report["outcome"] == "SyncIncomplete"
    assert (report["copied"]["objects"] + report["failed"]["objects"], report["deleted"]["objects"]) == (3, 0)
    assert report["failed"]["objects"] >= 1
    assert "orphan" in world.destination.objects


def test_a_source_bucket_that_goes_after_the_copies_keeps_every_orphan(world: World) -> None:
    world.source.put("a", b"1")
    for number in range(3):
        world.destination.put(f"orphan/{number}", b"1")
    world.s3.before("HeadObject", doing(lambda: world.s3.buckets.pop("source-bucket")), key="orphan/0")

    report = world.run()

    assert (report["outcome"], report["deleted"]["objects"], report["failed"]["objects"]) == (
        "SyncIncomplete",
        0,
        3,
    )
    assert world.destination.keys() == ["a", "orphan/0", "orphan/1", "orphan/2"]


def test_a_part_copied_while_the_source_changed_never_meets_parts_of_another_version(world: World) -> None:
    world.source.put_parts("key", 5 * MB, 5 * MB, 1)
    item = world.to_copy("key")
    # The second part of the first try finds another object there.
    world.s3.before("UploadPartCopy", doing(lambda: world.source.put_parts("key", 6 * MB, 2)), nth=2)

    assert world.worker().copy(item) == Outcome("key", "copied", 6 * MB + 2)

    assert same(world, "key")
    assert world.destination.objects["key"].etag == world.source.objects["key"].etag
    assert world.destination.open_uploads() == []


# --- The destination, meanwhile


@pytest.mark.parametrize("before", [None, b"old"])
@pytest.mark.parametrize("parts", [(b"mine",), (5 * MB, 1)])
def test_what_somebody_else_wrote_after_the_listing_is_changed_and_stays(
    world: World, before: bytes | None, parts: tuple[Any, ...]
) -> None:
    if before is not None:
        world.destination.put("key", before, 2 * HOUR)
    (world.source.put if len(parts) == 1 else world.source.put_parts)("key", *parts)
    item, worker = world.to_copy("key"), world.worker()
    world.destination.put("key", b"theirs", 0)

    assert worker.copy(item) == Outcome("key", "changed", 0, THEIRS)

    assert world.destination.contents() == {"key": Content.of(b"theirs")}
    assert world.destination.open_uploads() == []


def test_what_somebody_else_wrote_with_the_size_of_a_source_in_parts_is_changed_and_stays(
    world: World,
) -> None:
    # A copy of ours would have the source's ETag: both are encrypted by S3 itself, and its parts are the source's.
    world.source.put_parts("key", 5 * MB, 1)
    item, worker = world.to_copy("key"), world.worker()
    world.s3.before("CompleteMultipartUpload", doing(lambda: world.destination.put("key", 5 * MB + 1, 0)))

    assert worker.copy(item) == Outcome("key", "changed", 0, THEIRS)

    assert not same(world, "key")


def test_what_was_deleted_at_the_destination_after_the_listing_is_changed(world: World) -> None:
    world.destination.put("key", b"old", 2 * HOUR)
    world.source.put("key", b"new")
    item = world.to_copy("key")
    world.destination.delete("key")

    assert world.worker().copy(item) == Outcome("key", "changed", 0, THEIRS)


def test_a_write_into_the_destination_in_mid_run_fails_the_run_and_nothing_is_deleted(world: World) -> None:
    world.source.put("key", b"mine")
    world.destination.put("orphan", b"1")
    world.s3.before("CopyObject", doing(lambda: world.destination.put("key", b"theirs", 0)))

    report = world.run()

    assert report["outcome"] == "SyncIncomplete"
    assert report["notSynchronised"] == [{"key": "key", "what": "changed", "error": THEIRS}]
    assert world.destination.keys() == ["key", "orphan"]


def test_the_next_run_decides_anew_about_what_somebody_else_wrote(world: World) -> None:
    world.source.put("key", b"mine")
    world.s3.before("CopyObject", doing(lambda: world.destination.put("key", b"theirs", 0)))
    world.run()

    assert world.run()["copied"] == {"objects": 1, "bytes": 4}
    assert same(world, "key")


# --- Our own first try


@pytest.mark.parametrize("was", [None, b"old"])
def test_a_copy_whose_answer_was_lost_is_met_again_and_counts_as_copied(
    world: World, was: bytes | None
) -> None:
    if was is not None:
        world.destination.put("key", was, 2 * HOUR)
    world.source.put("key", b"new")
    item, worker = world.to_copy("key"), world.worker()
    world.s3.after("CopyObject", LOST)

    assert worker.copy(item) == Outcome("key", "copied", 3)

    assert world.sent() == {"COPY": 2, "HEAD": 2}


@pytest.mark.parametrize("parts", [(5 * MB, 5 * MB, 1), (5 * MB,)])
def test_a_complete_whose_answer_was_lost_finds_no_upload_and_counts_as_copied(
    world: World, parts: tuple[int, ...]
) -> None:
    world.source.put_parts("key", *parts)
    item, worker = world.to_copy("key"), world.worker()
    world.s3.after("CompleteMultipartUpload", LOST)

    assert worker.copy(item) == Outcome("key", "copied", sum(parts))

    assert same(world, "key")
    assert worker.abort_all() == []
    assert world.destination.open_uploads() == []


def test_a_copier_that_was_killed_after_its_copies_copies_none_again(world: World) -> None:
    for key in ("a", "b"):
        world.source.put(key, b"1")
    world.source.put_parts("parts", 5 * MB, 1)
    world.s3.kill("PutObject", bucket="work-bucket", key=lambda key: "/copied/" in key)

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 3)
    assert world.destination.open_uploads() == []


@pytest.mark.parametrize(
    ("compare_metadata", "outcome"),
    [
        (False, Outcome("key", "copied", 1)),
        (True, Outcome("key", "vanished", 0, "the source object was gone when it was to be copied")),
    ],
)
def test_a_source_that_went_after_our_lost_copy_of_it_is_copied_if_no_metadata_would_have_to_be_compared(
    world: World, compare_metadata: bool, outcome: Outcome
) -> None:
    world.source.put("key", b"1")
    item, worker = world.to_copy("key"), world.worker(compareMetadata=compare_metadata)
    world.s3.after("CopyObject", lambda request: LOST if world.source.delete("key") is False else None)

    assert worker.copy(item) == outcome


# --- Conflicts, and errors in an answer with status 200


def test_a_conflict_is_tried_again_and_then_succeeds(world: World) -> None:
    world.source.put("key", b"1")
    world.s3.before("CopyObject", CONFLICT)

    assert world.worker().copy(world.to_copy("key")) == Outcome("key", "copied", 1)

    assert world.sent() == {"COPY": 2, "HEAD": 2}


def test_a_conflict_on_complete_begins_the_upload_anew_as_aws_asks_for(world: World) -> None:
    world.source.put_parts("key", 5 * MB, 1)
    world.s3.before("CompleteMultipartUpload", CONFLICT)

    assert world.worker().copy(world.to_copy("key")) == Outcome("key", "copied", 5 * MB + 1)

    assert world.sent()["CREATE_MULTIPART_UPLOAD"] == 2
    assert world.destination.open_uploads() == []


def test_a_conflict_that_does_not_end_is_a_failure_with_its_name(world: World) -> None:
    world.source.put("key", b"1")
    world.s3.before("CopyObject", CONFLICT, times=9)

    said = "ConditionalRequestConflict: A conflicting operation occurred (CopyObject)"
    assert world.worker().copy(world.to_copy("key")) == Outcome("key", "failed", 0, said)

    assert len(world.s3.of("CopyObject")) == 3


@pytest.mark.parametrize("operation", ["CopyObject", "UploadPartCopy", "CompleteMultipartUpload"])
@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
def test_an_error_in_an_answer_with_status_200_is_tried_again_and_then_right(
    world: World, operation: str, code: str
) -> None:
    parts = (b"1",) if operation == "CopyObject" else (5 * MB, 1)
    (world.source.put if len(parts) == 1 else world.source.put_parts)("key", *parts)
    world.s3.before(operation, Answer(200, code), times=2)

    assert world.worker().copy(world.to_copy("key")).what == "copied"

    assert same(world, "key")
    assert len(world.s3.pauses) == 2
    assert world.destination.open_uploads() == []


@pytest.mark.parametrize("operation", ["CopyObject", "UploadPartCopy", "CompleteMultipartUpload"])
def test_an_error_in_an_answer_with_status_200_that_stays_is_a_failure_and_leaves_no_upload(
    world: World, operation: str
) -> None:
    parts = (b"1",) if operation == "CopyObject" else (5 * MB, 1)
    (world.source.put if len(parts) == 1 else world.source.put_parts)("key", *parts)
    world.s3.before(operation, Answer(200, "InternalError", "We encountered an internal error."), times=99)

    outcome = world.worker().copy(world.to_copy("key"))

    said = f"InternalError: We encountered an internal error. ({operation})"
    assert outcome == Outcome("key", "failed", 0, said)
    assert (world.destination.keys(), world.destination.open_uploads()) == ([], [])


# --- Listings


def listing(world: World, keys: int = 6) -> None:
    """Put the same keys into both buckets, and an orphan; pages have two keys."""
    for number in range(keys):
        world.source.put(f"{number}", b"1")
        world.destination.put(f"{number}", b"1")
    world.destination.put("orphan", b"1")
    world.s3.page_keys = 2


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_page_that_is_denied_breaks_its_range_and_nothing_becomes_an_orphan(
    world: World, side: str
) -> None:
    listing(world)
    world.s3.before("ListObjectsV2", DENIED, bucket=f"{side}-bucket", nth=3, times=99)

    record = world.worker().compare()

    why = f"AccessDenied: Access Denied (ListObjectsV2 of bucket {side}-bucket)"
    address = "s3://source-bucket/ -> s3://destination-bucket/ (the whole bucket)"
    assert record["broken"] == f"{address} could not be compared: {why}"


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("end", [LOST, Answer(503, "SlowDown")])
def test_pages_that_never_come_whole_end_the_worker_without_a_record(
    world: World, side: str, end: Answer
) -> None:
    listing(world)
    world.s3.before("ListObjectsV2", end, bucket=f"{side}-bucket", nth=2, times=99)

    with pytest.raises((ClientError, BotoCoreError)):
        world.worker().compare()

    assert len(world.s3.pauses) >= 8


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize(
    ("end", "said"),
    [
        (Answer(500, "InternalError", "No."), "InternalError: No."),
        (CUT, "500: Internal Server Error"),  # what botocore makes of it
    ],
)
def test_a_page_that_is_always_answered_with_a_fault_is_given_up_after_nine_requests(
    world: World, monkeypatch: pytest.MonkeyPatch, side: str, end: Answer, said: str
) -> None:
    listing(world)
    monkeypatch.setattr("lambda_functions.shared.compare.streams.FIRST_PAGES", 100)
    world.s3.before("ListObjectsV2", end, bucket=f"{side}-bucket", nth=2, times=99)

    record = world.worker().compare()

    address = "s3://source-bucket/ -> s3://destination-bucket/ (the whole bucket)"
    why = f"{said} (ListObjectsV2 of bucket {side}-bucket)"
    assert record["broken"] == f"{address} could not be compared: {why}"
    # One page is given up; where a stream has taken over another part by then, its page was tried as well.
    asked = [one for one in world.s3.of("ListObjectsV2") if one.bucket == f"{side}-bucket"]
    tries = Counter((one.asked.get("StartAfter"), one.asked.get("ContinuationToken")) for one in asked)
    assert max(tries.values()) == 9
    # Each pause is of 0 to 1, 2, 4 ... 128 seconds.
    assert sum(world.s3.pauses) < 255 * sum(number > 1 for number in tries.values())


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("end", [LOST, CUT, DENIED, Answer(500, "InternalError")])
@pytest.mark.parametrize("page", [1, 2, 3, 4])
def test_a_run_whose_listing_breaks_at_any_page_changes_nothing(
    world: World, side: str, end: Answer, page: int
) -> None:
    listing(world)
    world.source.put("new", b"1")
    world.s3.before("ListObjectsV2", end, bucket=f"{side}-bucket", nth=page, times=999)

    report = world.run()

    assert report["outcome"] == "SyncIncomplete"
    assert (report["copied"]["objects"], report["deleted"]["objects"]) == (0, 0)
    assert world.destination.keys() == ["0", "1", "2", "3", "4", "5", "orphan"]


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_page_without_a_document_breaks_its_range_because_it_does_not_say_that_it_is_the_last(
    world: World, side: str, page: int
) -> None:
    listing(world)
    world.s3.before("ListObjectsV2", EMPTY, bucket=f"{side}-bucket", nth=page)

    record = world.worker().compare()

    address = "s3://source-bucket/ -> s3://destination-bucket/ (the whole bucket)"
    why = f"a page of s3://{side}-bucket/ does not say whether it is the last: its keys are unknown"
    assert record["broken"] == f"{address} could not be compared: {why}"


def test_a_page_that_says_that_more_follows_but_not_where_breaks_its_range(world: World) -> None:
    listing(world)
    world.s3.before(
        "ListObjectsV2", lambda request: {"IsTruncated": True, "KeyCount": 0}, nth=2, bucket="source-bucket"
    )

    assert (
        world.worker()
        .compare()["broken"]
        .endswith("a page of s3://source-bucket/ does not say whether it is the last: its keys are unknown")
    )


@pytest.mark.parametrize(
    ("page", "keys"), [(1, ["1", "0"]), (2, ["3", "2"]), (2, ["1", "3"]), (3, ["0", "9"])]
)
def test_keys_out_of_order_break_their_range_with_the_keys_that_show_it(
    world: World, monkeypatch: pytest.MonkeyPatch, page: int, keys: list[str]
) -> None:
    listing(world)
    monkeypatch.setattr("lambda_functions.shared.compare.streams.FIRST_PAGES", 100)

    def odd(request: Request) -> dict[str, Any]:
        contents = [listed(replace(world.source.objects["0"], key=key)) for key in keys]
        more = {"NextContinuationToken": token_of(f"{2 * page - 1}")} if page < 3 else {}
        return {"IsTruncated": page < 3, "KeyCount": 2, "Contents": contents, **more}

    world.s3.before("ListObjectsV2", odd, bucket="source-bucket", nth=page)

    record = world.worker().compare()

    in_order = [f"{number}" for number in range(2 * page - 2)] + keys
    last, out = next(pair for pair in pairwise(in_order) if pair[1] <= pair[0])
    why = f"s3://source-bucket/ lists '{out}' after '{last}': its keys are not in order"
    address = "s3://source-bucket/ -> s3://destination-bucket/ (the whole bucket)"
    assert record["broken"] == f"{address} could not be compared: {why}"


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("side", ["source", "destination"])
def test_an_empty_page_that_is_truncated_is_gone_on_from(
    world: World, monkeypatch: pytest.MonkeyPatch, side: str, nth: int
) -> None:
    listing(world)
    monkeypatch.setattr("lambda_functions.shared.compare.streams.FIRST_PAGES", 100)

    def empty(request: Request) -> dict[str, Any]:
        token = request.asked.get("ContinuationToken", "")
        return {"IsTruncated": True, "KeyCount": 0, "NextContinuationToken": token or "AA=="}

    world.s3.before("ListObjectsV2", empty, bucket=f"{side}-bucket", nth=nth)

    record = world.worker().compare()

    assert record["broken"] == ""
    assert record["tally"] == {"current": {"objects": 6, "bytes": 6}}
    assert record["listed"] == {"source": 6, "destination": 7}
    # Three pages and four, and the empty one.
    assert world.sent() == {"LIST": 8}


def test_an_object_moved_backwards_while_it_was_listed_is_asked_for_before_it_is_deleted(
    world: World,
) -> None:
    listing(world)
    # "5" is deleted at the source and put back between the last page and the deletes, so it looked like an orphan.
    kept = world.source.objects.pop("5")
    world.source._sorted = None
    world.s3.before("HeadObject", doing(lambda: world.source.keep(kept)), bucket="source-bucket", key="5")

    report = world.run()

    assert report["outcome"] == "SyncIncomplete"
    assert report["notSynchronised"] == [{"key": "5", "what": "changed", "error": CHANGED_HERE}]
    assert "5" in world.destination.objects
    assert "orphan" not in world.destination.objects


# --- Undecided keys


def test_an_undecided_destination_that_is_gone_when_asked_for_is_copied_if_it_still_is_gone(
    world: World,
) -> None:
    world.source.put("key", b"1", metadata={"a": "b"})
    world.destination.put("key", b"1", 2 * HOUR)
    world.s3.before("HeadObject", doing(lambda: world.destination.delete("key")), bucket="destination-bucket")

    report = world.run()

    assert (report["outcome"], report["copied"]) == ("Succeeded", {"objects": 1, "bytes": 1})
    (copy,) = world.s3.of("CopyObject")
    assert (copy.asked["IfNoneMatch"], "IfMatch" in copy.asked) == ("*", False)


def test_an_undecided_key_that_cannot_be_asked_for_is_a_failure_and_keeps_the_orphans(world: World) -> None:
    world.source.put("key", b"1", metadata={"a": "b"})
    world.destination.put("key", b"1", 2 * HOUR)
    world.destination.put("orphan", b"1")
    world.s3.before("HeadObject", DENIED, bucket="source-bucket", key="key")

    report = world.run()

    said = "could not be compared: 403: Forbidden (HeadObject)"
    assert [one["what"] for one in report["notSynchronised"]] == ["failed"]
    assert report["notSynchronised"][0]["error"].startswith(said[:28])
    assert "orphan" in world.destination.objects


def test_an_undecided_source_that_is_gone_when_asked_for_is_skipped_and_its_copy_stays(world: World) -> None:
    world.source.put("key", b"1", metadata={"a": "b"})
    world.source.put("other", b"1")
    world.destination.put("key", b"1", 2 * HOUR)
    world.s3.before("HeadObject", doing(lambda: world.source.delete("key")), bucket="source-bucket")

    report = world.run()

    assert (report["outcome"], report["skipped"]["vanished"]) == ("Succeeded", 1)
    assert world.destination.keys() == ["key", "other"]


def test_an_upload_that_ended_after_our_copy_but_began_before_it_is_noticed(world: World) -> None:
    # LastModified of an object uploaded in parts is the beginning of its upload, so it looks older than our copy.
    world.source.put_parts("key", 5 * MB, 1, age_seconds=HOUR)
    world.run()
    world.source.put_parts("key", 5 * MB, 1, age_seconds=HOUR)
    assert not same(world, "key")

    report = world.run()

    assert (report["copied"]["objects"], report["unprovable"]["objects"]) == (1, 1)
    assert same(world, "key")


# --- Deletes


@needs_conditions_in_batches
def test_a_key_that_the_source_got_before_the_delete_is_changed_and_kept(world: World) -> None:
    world.destination.put("a", b"1")
    world.destination.put("b", b"1")
    items = [world.orphan("a"), world.orphan("b")]
    world.source.put("a", b"again")

    assert world.worker().delete(items) == [
        Outcome("a", "changed", 0, CHANGED_HERE),
        Outcome("b", "deleted", 1),
    ]

    assert world.destination.keys() == ["a"]
    assert world.sent() == {"HEAD": 2, "HEAD_BUCKET": 1, "DELETE_OBJECTS": 1}


def test_an_orphan_that_was_written_after_the_listing_is_changed_and_kept(world: World) -> None:
    world.destination.put("a", b"1")
    world.destination.put("b", b"1")
    items = [world.orphan("a"), world.orphan("b")]
    world.destination.put("a", b"theirs", 0)

    assert world.worker().delete(items) == [Outcome("a", "changed", 0, THEIRS), Outcome("b", "deleted", 1)]

    assert world.destination.keys() == ["a"]


def test_an_orphan_that_is_gone_already_is_deleted(world: World) -> None:
    world.destination.put("a", b"1")
    item = world.orphan("a")
    world.destination.delete("a")

    assert world.worker().delete([item]) == [Outcome("a", "deleted", 1)]


@needs_conditions_in_batches
def test_deletes_whose_answer_was_lost_leave_one_delete_marker_each(world: World) -> None:
    world.destination.is_versioned = True
    for key in ("a", "b"):
        world.destination.put(key, b"1")
    world.s3.after("DeleteObjects", LOST)

    outcomes = world.worker().delete([world.orphan("a"), world.orphan("b")])

    assert outcomes == [Outcome("a", "deleted", 1), Outcome("b", "deleted", 1)]
    assert (world.destination.deletions, len(world.s3.of("DeleteObjects"))) == (["a", "b"], 2)


def errors(*codes: tuple[str, str]) -> dict[str, Any]:
    return {"Errors": [{"Key": key, "Code": code, "Message": f"{code} of {key}"} for key, code in codes]}


@needs_conditions_in_batches
def test_errors_of_single_keys_are_read_one_by_one(world: World) -> None:
    for key in ("busy", "denied", "fine", "gone"):
        world.destination.put(key, b"1")
    items = world.orphans()
    said = errors(("busy", "SlowDown"), ("denied", "AccessDenied"), ("gone", "NoSuchKey"))
    world.s3.before("DeleteObjects", lambda request: {**said, "Deleted": [{"Key": "fine"}]})

    outcomes = world.worker().delete(items)

    assert outcomes == [
        Outcome("busy", "deleted", 1),
        Outcome("denied", "failed", 0, "not deleted: AccessDenied: AccessDenied of denied (DeleteObjects)"),
        Outcome("fine", "deleted", 1),
        Outcome("gone", "deleted", 1),
    ]
    sent = [
        [one["Key"] for one in request.asked["Delete"]["Objects"]] for request in world.s3.of("DeleteObjects")
    ]
    assert sent == [["busy", "denied", "fine", "gone"], ["busy"]]


@needs_conditions_in_batches
def test_a_key_that_the_answer_does_not_speak_of_is_not_taken_for_deleted(world: World) -> None:
    world.destination.put("orphan", b"1")
    world.s3.before("DeleteObjects", lambda request: {"Deleted": [], "Errors": []}, times=9)

    outcomes = world.worker().delete([world.orphan("orphan")])

    assert outcomes == [Outcome("orphan", "failed", 0, "not deleted: S3 was too busy 4 times")]
    assert world.destination.keys() == ["orphan"]


@needs_conditions_in_batches
def test_a_key_that_stays_busy_is_a_failure_after_four_requests(world: World) -> None:
    world.destination.put("busy", b"1")
    world.s3.before("DeleteObjects", lambda request: errors(("busy", "SlowDown")), times=9)

    outcomes = world.worker().delete([world.orphan("busy")])

    assert outcomes == [Outcome("busy", "failed", 0, "not deleted: S3 was too busy 4 times")]
    assert len(world.s3.of("DeleteObjects")) == 4


@pytest.mark.parametrize("key", ["plain", "odd\u0001"])
def test_a_conflict_on_a_delete_is_tried_again_because_the_object_is_still_what_was_listed(
    world: World, key: str
) -> None:
    world.destination.put(key, b"1")
    conflict = errors((key, "ConditionalRequestConflict"))
    if key == "plain":
        world.s3.before("DeleteObjects", lambda request: conflict)
    else:
        world.s3.before("DeleteObject", CONFLICT)

    assert world.worker().delete([world.orphan(key)]) == [Outcome(key, "deleted", 1)]

    assert world.destination.keys() == []


@needs_conditions_in_batches
def test_keys_that_xml_cannot_carry_go_one_by_one_if_they_are_what_was_listed(world: World) -> None:
    odd = ["a\u0001", "b\r\n", "c\ufffe", "d\t"]
    for key in (*odd, "plain"):
        world.destination.put(key, b"1")
    orphans = world.orphans()
    world.destination.put("c\ufffe", b"theirs", 0)

    outcomes = world.worker().delete(orphans)

    assert [(outcome.key, outcome.what) for outcome in outcomes] == [
        ("a\u0001", "deleted"),
        ("b\r\n", "deleted"),
        ("c\ufffe", "changed"),
        ("d\t", "deleted"),
        ("plain", "deleted"),
    ]
    alone = {request.key: request.asked["IfMatch"] for request in world.s3.of("DeleteObject")}
    assert alone == {orphan.key: f'"{orphan.etag}"' for orphan in orphans if orphan.key in odd}
    (together,) = world.s3.of("DeleteObjects")
    assert [one["Key"] for one in together.asked["Delete"]["Objects"]] == ["plain"]


# --- How many requests, exactly


def test_nothing_to_do_is_listings_and_a_look_at_both_buckets(world: World) -> None:
    for key in ("a", "b"):
        world.source.put(key, b"1")
        world.destination.put(key, b"1")
    both = world.source.put_parts("parts", 5 * MB, 1)
    world.destination.keep(replace(both, modified=world.s3.clock))

    assert world.run()["outcome"] == "Succeeded"

    # One LIST a side.
    assert world.sent() == {"HEAD_BUCKET": 2, "LIST": 2}


def test_nothing_to_do_reads_no_file_of_its_own_that_it_has_just_written(world: World) -> None:
    """But for the report, which another invocation writes: each request is a wait, in a run of three invocations."""
    for bucket in (world.source, world.destination):
        bucket.put("a", b"1")

    assert world.run()["outcome"] == "Succeeded"

    asked = [request for request in world.s3.sent if request.bucket == world.work.name]
    read = [request.key.split("/", 3)[-1] for request in asked if request.operation == "GetObject"]
    # Is there a stop, a record of an attempt before; and at the end what Report is about.
    assert sorted(read) == ["compared/1-0001.json", "compared/1-0001.json", "ranges/1.json", "stop.json"]
    # Lease, index, record, failures, report; leases and uploads; the lease.
    others = Counter(request.operation for request in asked if request.operation != "GetObject")
    assert others == {"PutObject": 5, "ListObjectsV2": 2, "DeleteObject": 1}


def test_changed_objects_in_one_piece_are_one_copy_each_and_nothing_else(world: World) -> None:
    for number in range(25):
        world.source.put(f"{number:02d}", b"new")
    for number in range(10):
        world.destination.put(f"{number:02d}", b"old!", 2 * HOUR)

    assert world.run()["copied"]["objects"] == 25

    assert world.sent() == {"COPY": 25, "HEAD_BUCKET": 2, "LIST": 2}


@needs_conditions_in_batches
@pytest.mark.parametrize("orphans", [1, 1000, 2001])
def test_orphans_are_one_question_each_and_deleted_a_thousand_at_a_time(world: World, orphans: int) -> None:
    for number in range(orphans):
        world.destination.put(f"{number:04d}", b"1")
    items = world.orphans()

    outcomes = [
        outcome for batch in batches(items, Gate.begin(1)) for outcome in world.worker().delete(batch)
    ]

    assert [outcome.what for outcome in outcomes] == ["deleted"] * orphans
    requests = -(-orphans // 1000)
    # Before each batch the source bucket itself is asked for: a missing one answers 404 for every key.
    assert world.sent() == {"DELETE_OBJECTS": requests, "HEAD": orphans, "HEAD_BUCKET": requests}


@needs_conditions_in_batches
def test_a_run_asks_for_every_orphan_and_deletes_a_thousand_with_a_request(world: World) -> None:
    world.source.put("kept", b"1")
    world.destination.put("kept", b"1")
    for number in range(1100):
        world.destination.put(f"orphan/{number:04d}", b"1")

    assert world.run(maxDelete="100%")["deleted"]["objects"] == 1100

    sent = world.sent()
    assert (sent["HEAD"], sent["DELETE_OBJECTS"]) == (1100, 2)


@pytest.mark.parametrize("parts", [2, 7])
def test_an_object_of_parts_is_four_requests_and_one_for_each_part(world: World, parts: int) -> None:
    world.source.put_parts("key", *[5 * MB] * (parts - 1), 1, metadata={"a": "b"}, tags={"c": "d"})

    assert world.worker().copy(world.to_copy("key")).what == "copied"

    assert world.sent() == {
        "HEAD": 1,
        "GET_OBJECT_TAGGING": 1,
        "CREATE_MULTIPART_UPLOAD": 1,
        "UPLOAD_PART_COPY": parts,
        "COMPLETE_MULTIPART_UPLOAD": 1,
    }


# --- Workers that are killed: no upload is left open

STEPS = ("HeadObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("operation", STEPS)
@pytest.mark.parametrize("times", [1, 99])
def test_a_copier_killed_at_any_step_leaves_no_part_behind(
    world: World, operation: str, after: bool, times: int
) -> None:
    world.source.put_parts("key", 5 * MB, 5 * MB, 1)
    where = "source-bucket" if operation == "HeadObject" else "destination-bucket"
    world.s3.kill(operation, after=after, bucket=where, times=times)

    report = world.run()

    assert report["outcome"] == (
        "Succeeded" if times == 1 or (operation, after) == (STEPS[-1], True) else "SyncIncomplete"
    )
    left = world.destination.uploads.values()
    # An upload whose worker died before it knew the upload's id is in no list. It holds nothing, so it costs nothing.
    assert all(not upload.parts for upload in left)
    assert (len(list(left)) > 0) is ((operation, after) == ("CreateMultipartUpload", True))


def test_what_a_killed_copier_left_under_way_is_aborted_by_whoever_ends_the_run(world: World) -> None:
    world.source.put_parts("key", 5 * MB, 5 * MB, 1)
    item = world.to_copy("key")
    world.s3.kill("UploadPartCopy", nth=2)
    with pytest.raises(Killed), world.s3.process():
        world.worker().copy(item)
    assert world.destination.open_uploads() == ["key"]

    assert world.worker().abort_all() == []

    assert (world.destination.open_uploads(), world.worker().abort_all()) == ([], [])


# --- A source that changes while its parts are asked for


@pytest.mark.parametrize("now", [(5 * MB, 2), (5 * MB, 5 * MB, 5 * MB, 5 * MB), (1,)])
@pytest.mark.parametrize(
    ("operation", "nth"), [("GetObjectAttributes", 1), ("HeadObject", 2), ("HeadObject", 3)]
)
def test_a_source_that_changed_while_its_parts_were_asked_for_is_copied_as_it_is_now(
    world: World, now: tuple[int, ...], operation: str, nth: int
) -> None:
    # Three parts, of which the first does not explain the others: GetObjectAttributes, then a HEAD for each.
    world.source.put_parts("key", 5 * MB, 7 * MB, 8 * MB)
    world.s3.before(operation, doing(lambda: world.source.put_parts("key", *now)), nth=nth)

    assert world.worker().copy(world.to_copy("key")) == Outcome("key", "copied", sum(now))

    assert same(world, "key")
    assert world.destination.open_uploads() == []


def test_parts_that_do_not_add_up_to_the_object_are_a_failure_that_says_so(world: World) -> None:
    world.source.put_parts("key", 5 * MB, 7 * MB, 8 * MB)
    world.source.alter("key", part_sizes=(5 * MB, 7 * MB, 9 * MB))

    said = "its 3 parts add up to 22,020,096 bytes; listed were 20,971,520"
    assert world.worker().copy(world.to_copy("key")) == Outcome("key", "failed", 0, said)


def test_an_object_of_parts_whose_key_xml_cannot_carry_is_copied_and_begun_once(world: World) -> None:
    # S3 repeats the key in its answers to the beginning and the end of an upload.
    world.source.put_parts("odd\u0001\r\n", 5 * MB, 1)

    assert world.worker().copy(world.to_copy("odd\u0001\r\n")).what == "copied"

    assert len(world.s3.of("CreateMultipartUpload")) == 1
    assert same(world, "odd\u0001\r\n")
