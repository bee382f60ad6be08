"""What goes wrong while a run is under way: named, never silent, and never a reason to delete anything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from buckets import HOUR, Bucket
from machine_on_moto import FakeContext, Handler, LambdaError, Machine, Wrapper
from reports import (
    address,
    lasting,
    leases,
    named_in_failures,
    read,
    records,
    report_of,
    sized,
    written,
)
from wire import BUSY, DENIED, Answer, Request, delete_errors
from workers import Killed

Sync = dict[str, Any]
KEPT = "1 orphan was kept: nothing is deleted after a failure"
LEASED = "in 16 minutes, when its last Lambda must be over"


def incomplete(found: dict[str, Any], counts: str, kept: str = "") -> tuple[str, str]:
    """Return error and cause of a run that left something undone."""
    return (
        "SyncIncomplete",
        f"{counts}.{kept and f' {kept}.'} The files that "
        f"{address(found, 'failures.json')} lists name them. Start again: a sync takes up where the last one stopped.",
    )


def ended(found: dict[str, Any]) -> tuple[str, str]:
    """Return error and cause of a failed execution."""
    assert found["status"] == "FAILED", found.get("output")
    return found["error"], found["cause"]


def unlike(found: dict[str, Any], **said: Any) -> dict[str, Any]:
    """Return the whole report of a run that was incomplete."""
    return report_of(outcome="SyncIncomplete", cause=found["cause"], **said)


def line(key: str, what: str, error: str) -> dict[str, str]:
    return {"key": key, "what": what, "error": error}


def ending(
    error_type: str, times: int = 1_000_000, which: Callable[[dict[str, Any]], bool] = bool
) -> Wrapper:
    """Return a wrapper in which the Lambda ends with this error, the first `times` times that it is meant."""
    left = [times]

    def wrapper(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if left[0] and which(event):
            left[0] -= 1
            raise LambdaError(error_type, "it ended")
        return handler(event, context)

    return wrapper


# --- Copies


def test_one_copy_that_is_denied_is_named_the_others_are_copied_and_nothing_is_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "b": b"22", "c": b"333"})
    destination.put("orphan", b"4")
    machine.wire.on("CopyObject", DENIED, key="b")

    found = machine.run(sync)

    denied = line("b", "failed", "AccessDenied: Access Denied (CopyObject)")
    assert ended(found) == incomplete(
        found, "1 object was not synchronised (1 failed, 0 changed meanwhile)", KEPT
    )
    assert lasting(written(found)) == unlike(
        found,
        listed=(3, 1),
        plan={"copy": sized(3, 6), "delete": sized(1, 1)},
        copied=sized(2, 4),
        failed={"objects": 1},
        notSynchronised=[denied],
        phase="copying",
    )
    assert named_in_failures(found) == [denied]
    assert destination.bodies() == {"a": b"1", "c": b"333", "orphan": b"4"}


def test_the_next_run_takes_up_where_the_failed_one_stopped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "b": b"22"})
    destination.put("orphan", b"4")
    machine.wire.on("CopyObject", DENIED, key="b")
    machine.run(sync)
    machine.wire.relent()

    assert lasting(machine.report(sync)) == report_of(
        copy=sized(1, 2), delete=sized(1, 1), current=sized(1, 1)
    )


def test_the_report_names_twenty_keys_and_its_files_name_all(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    keys = [f"{number:02d}" for number in range(25)]
    source.put_all(dict.fromkeys(keys, b"1"))
    machine.wire.on("CopyObject", DENIED)

    found = machine.run(sync)

    named = [one["key"] for one in written(found)["notSynchronised"]]
    assert len(named) == 20
    assert set(named) < set(keys)
    assert [one["key"] for one in named_in_failures(found)] == keys


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ("CreateMultipartUpload", "AccessDenied: Access Denied (CreateMultipartUpload)"),
        ("GetObjectTagging", "AccessDenied: Access Denied (GetObjectTagging)"),
        ("UploadPartCopy", "AccessDenied: Access Denied (UploadPartCopy)"),
        ("CompleteMultipartUpload", "AccessDenied: Access Denied (CompleteMultipartUpload)"),
    ],
)
def test_a_copy_in_parts_that_is_denied_at_any_step_is_named_and_leaves_no_upload(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str, why: str
) -> None:
    source.put("a", b"1")
    source.put_parts("parts", b"1", b"2")
    machine.wire.on(operation, DENIED)

    found = machine.run(sync)

    assert written(found)["notSynchronised"] == [line("parts", "failed", why)]
    assert destination.keys() == ["a"]
    assert destination.uploads() == []


def test_an_upload_that_cannot_be_aborted_is_a_failure_even_if_every_object_was_copied(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    # Guessed as 4 + 4 + 1, so the first upload is given up and a second one succeeds.
    source.put_parts("parts", b"1234", b"567", b"89")
    machine.wire.on("AbortMultipartUpload", DENIED)

    found = machine.run(sync)

    (upload,) = destination.client.list_multipart_uploads(Bucket=destination.name)["Uploads"]
    assert ended(found) == (
        "SyncIncomplete",
        f"the upload {upload['UploadId']} of 'parts' was not aborted: AccessDenied: Access Denied (AbortMultipartUpload); the "
        "next run into destination-bucket tries again, and until then their parts cost money.",
    )
    named = f"the upload {upload['UploadId']} of 'parts' was not aborted: AccessDenied: Access Denied (AbortMultipartUpload)"
    assert lasting(written(found)) == unlike(found, copy=sized(1, 9), phase="reporting", warnings=[named])


def test_tags_that_could_not_be_put_are_a_failure_that_says_that_the_copy_is_there(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")
    tags = [{"Key": f"key{number}", "Value": "ü" * 100} for number in range(5)]
    source.client.put_object_tagging(Bucket=source.name, Key="parts", Tagging={"TagSet": tags})
    machine.wire.on("PutObjectTagging", DENIED)

    found = machine.run(sync)

    why = (
        "copied, but its tags were not: AccessDenied: Access Denied (PutObjectTagging). The next run will not notice; tag the "
        "copy, or delete it"
    )
    assert written(found)["notSynchronised"] == [line("parts", "failed", why)]


def test_a_source_that_is_found_archived_when_it_is_copied_is_skipped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "cold": b"2"})
    destination.put("orphan", b"3")
    said = "The operation is not valid for the object's storage class"
    machine.wire.on("CopyObject", Answer(403, "InvalidObjectState", said), key="cold")

    report = machine.report(sync)

    assert lasting(report) == report_of(
        listed=(2, 1),
        plan={"copy": sized(2, 2), "delete": sized(1, 1)},
        copied=sized(1, 1),
        deleted=sized(1, 1),
        skipped={"archived": 1},
        notSynchronised=[line("cold", "archived", f"InvalidObjectState: {said} (CopyObject)")],
    )


# --- Buckets that change while a run is under way


@pytest.mark.parametrize("body", [b"1", b""])
def test_a_source_that_vanished_between_listing_and_copy_is_named_and_skipped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, body: bytes
) -> None:
    source.put_all({"gone": body, "here": b"2"})
    destination.put("orphan", b"3")
    machine.wire.on("CopyObject", doing(lambda: source.delete("gone")), key="gone", times=1)

    report = machine.report(sync)

    assert lasting(report) == report_of(
        listed=(2, 1),
        plan={"copy": sized(2, 1 + len(body)), "delete": sized(1, 1)},
        copied=sized(1, 1),
        deleted=sized(1, 1),
        skipped={"vanished": 1},
        notSynchronised=[line("gone", "vanished", "the source object was gone when it was to be copied")],
    )
    assert destination.keys() == ["here"]


@pytest.mark.parametrize(
    "operation", ["HeadObject", "GetObjectTagging", "UploadPartCopy", "CompleteMultipartUpload"]
)
def test_an_object_of_parts_that_vanished_is_never_half_copied(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str
) -> None:
    source.put_parts("gone", b"1", b"2")
    machine.wire.on(operation, doing(lambda: source.delete("gone")), times=1)

    report = machine.report(sync)

    # All of its parts were there already when it went during the very last step.
    is_copied = operation == "CompleteMultipartUpload"
    assert report["skipped"]["vanished"] == (0 if is_copied else 1)
    assert destination.bodies() == ({"gone": b"12"} if is_copied else {})
    assert destination.uploads() == []


def test_a_source_that_vanished_before_it_could_be_asked_for_is_skipped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put("a", b"1", age_seconds=2 * HOUR)
    machine.wire.on("HeadObject", doing(lambda: source.delete("a")), bucket=destination.name)

    report = machine.report(sync)

    why = "the source object was gone when it was asked for"
    assert lasting(report) == report_of(
        listed=(1, 1), skipped={"vanished": 1}, notSynchronised=[line("a", "vanished", why)]
    )
    assert destination.keys() == ["a"]


def test_a_destination_that_vanished_before_it_could_be_asked_for_is_copied(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put("a", b"1", age_seconds=2 * HOUR)
    machine.wire.on("HeadObject", doing(lambda: destination.delete("a")), bucket=destination.name, times=1)

    assert lasting(machine.report(sync)) == report_of(listed=(1, 1), copy=sized(1, 1))
    assert destination.keys() == ["a"]


def test_a_source_that_changed_between_listing_and_copy_is_read_again(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"old")
    machine.wire.on("CopyObject", doing(lambda: source.put("a", b"newer")), times=1)

    report = machine.report(sync)

    assert (report["copied"], report["requests"]["COPY"]) == (sized(1, 5), 2)
    assert destination.bodies() == {"a": b"newer"}


@pytest.mark.parametrize(
    "operation", ["HeadObject", "GetObjectTagging", "CreateMultipartUpload", "UploadPartCopy"]
)
def test_an_object_of_parts_that_changed_is_read_again_and_parts_of_two_versions_never_meet(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str
) -> None:
    source.put_parts("a", b"old", b"older")
    machine.wire.on(operation, doing(lambda: source.put_parts("a", b"new", b"newer", b"!")), times=1)

    report = machine.report(sync)

    assert report["copied"] == sized(1, 9)
    assert destination.snapshot() == source.snapshot()
    assert destination.uploads() == []


def test_an_object_of_parts_that_became_one_piece_is_read_again(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("a", b"old", b"older")
    machine.wire.on("UploadPartCopy", doing(lambda: source.put("a", b"new")), times=1)

    machine.report(sync)

    assert destination.snapshot() == source.snapshot()


def test_a_source_that_never_holds_still_is_changed_and_orphans_stay(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"0")
    destination.put("orphan", b"1")
    versions = iter(range(1, 100))
    machine.wire.on("CopyObject", doing(lambda: source.put("a", f"{next(versions)}")))

    found = machine.run(sync)

    assert ended(found) == incomplete(
        found, "1 object was not synchronised (0 failed, 1 changed meanwhile)", KEPT
    )
    assert lasting(written(found)) == unlike(
        found,
        listed=(1, 1),
        plan={"copy": sized(1, 1), "delete": sized(1, 1)},
        changed={"objects": 1},
        notSynchronised=[line("a", "changed", "the source changed 3 times while it was read")],
        phase="copying",
    )
    assert len(machine.paused) == 2
    assert destination.keys() == ["orphan"]


@pytest.mark.parametrize("was", [None, b"old"])
def test_what_somebody_else_wrote_into_the_destination_meanwhile_is_not_replaced(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, was: bytes | None
) -> None:
    source.put("a", b"ours")
    if was:
        destination.put("a", was, age_seconds=2 * HOUR)
    machine.wire.on("CopyObject", doing(lambda: destination.put("a", b"theirs", 0)), times=1)

    found = machine.run(sync)

    why = "the destination was written by somebody else after it was listed"
    assert ended(found)[0] == "SyncIncomplete"
    assert written(found)["notSynchronised"] == [line("a", "changed", why)]
    assert destination.bodies() == {"a": b"theirs"}


def test_what_somebody_else_wrote_while_parts_were_copied_is_not_replaced(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("a", b"our", b"s")
    machine.wire.on("UploadPartCopy", doing(lambda: destination.put("a", b"theirs", 0)), times=1)

    found = machine.run(sync)

    assert written(found)["changed"] == {"objects": 1}
    assert destination.bodies() == {"a": b"theirs"}
    assert destination.uploads() == []


def test_what_somebody_else_deleted_from_the_destination_meanwhile_is_not_put_back(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"new")
    destination.put("a", b"old", age_seconds=2 * HOUR)
    machine.wire.on("CopyObject", doing(lambda: destination.delete("a")), times=1)

    found = machine.run(sync)

    assert written(found)["changed"] == {"objects": 1}
    assert destination.keys() == []


def doing(what: Callable[[], Any]) -> Callable[[Request], None]:
    """Return an action that changes the world, then lets the request go on."""

    def act(request: Request) -> None:
        what()

    return act


# --- Answers that are lost, and an S3 that is busy


@pytest.mark.parametrize("was", [None, b"old"])
def test_a_copy_whose_answer_was_lost_is_sent_again_refused_and_recognised_as_our_own(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, was: bytes | None
) -> None:
    source.put("a", b"12")
    if was:
        destination.put("a", was, age_seconds=2 * HOUR)
    machine.wire.lose("CopyObject")

    report = machine.report(sync)

    assert lasting(report) == report_of(copy=sized(1, 2), listed=(1, 1 if was else 0))
    assert report["requests"]["COPY"] == 2
    assert report["requests"] == machine.wire.counts(source.name, destination.name)


@pytest.mark.parametrize("operation", ["UploadPartCopy", "CompleteMultipartUpload"])
def test_a_step_of_a_copy_in_parts_whose_answer_was_lost_is_no_failure(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str
) -> None:
    source.put_parts("parts", b"1", b"2")
    machine.wire.lose(operation)

    assert lasting(machine.report(sync)) == report_of(copy=sized(1, 2))
    assert destination.snapshot() == source.snapshot()
    assert destination.uploads() == []


def test_an_upload_that_is_gone_because_the_answer_to_its_completion_was_lost_is_no_failure(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")
    machine.wire.lose("CompleteMultipartUpload")
    gone = Answer(404, "NoSuchUpload", "The specified upload does not exist.")
    machine.wire.on("CompleteMultipartUpload", gone)

    assert lasting(machine.report(sync)) == report_of(copy=sized(1, 2))


@pytest.mark.parametrize("operation", ["DeleteObjects", "DeleteObject"])
def test_deletes_whose_answer_was_lost_are_sent_again_and_count_once(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", "orphan": b"22", "odd\n": b"333"})
    machine.wire.lose(operation, bucket=destination.name)

    assert lasting(machine.report(sync)) == report_of(delete=sized(2, 5), current=sized(1, 1))


@pytest.mark.parametrize(
    "paper", ["leases/", "/ranges/1", "/compared/", "/copied/", "/deleted/", "/report.json"]
)
def test_a_paper_whose_answer_was_lost_is_written_once_all_the_same(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, paper: str
) -> None:
    source.put("a", b"1")
    destination.put("orphan", b"1")
    machine.wire.lose("PutObject", key=paper)

    report = machine.report(sync)

    assert lasting(report) == report_of(copy=sized(1, 1), delete=sized(1, 1))
    assert len(machine.paused) == 1


@pytest.mark.parametrize(
    "operation",
    ["HeadBucket", "ListObjectsV2", "HeadObject", "CopyObject", "UploadPartCopy", "DeleteObjects"],
)
def test_a_busy_s3_is_asked_again_and_every_try_is_counted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str
) -> None:
    source.put("a", b"1")
    source.put_parts("parts", b"1", b"2")
    destination.put("orphan", b"1")
    machine.wire.on(operation, BUSY, times=3)

    report = machine.report(sync)

    assert lasting(report) == report_of(copy=sized(2, 3), delete=sized(1, 1))
    assert report["requests"] == machine.wire.counts(source.name, destination.name)
    assert len(machine.paused) == 3


# --- Listings


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_listing_that_fails_half_way_changes_nothing(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    sync: Sync,
    monkeypatch: pytest.MonkeyPatch,
    side: str,
) -> None:
    monkeypatch.setattr("lambda_functions.shared.s3.listing.PAGE_KEYS", 10)
    source.put_all({f"{number:03d}": b"1" for number in range(0, 30)})
    destination.put_all({f"{number:03d}": b"1" for number in range(20, 50)})
    before = destination.snapshot()

    def no_second_page(request: Request) -> Answer | None:
        return DENIED if "continuation-token" in request.query else None

    machine.wire.on("ListObjectsV2", no_second_page, bucket=f"{side}-bucket")

    found = machine.run(sync)

    assert ended(found) == (
        "SyncIncomplete",
        "s3://source-bucket/ -> s3://destination-bucket/ (the whole bucket) could not be compared: AccessDenied: Access Denied "
        f"(ListObjectsV2 of bucket {side}-bucket). Nothing was changed.",
    )
    assert written(found)["phase"] == "comparing"
    assert (written(found)["copied"], written(found)["deleted"]) == (sized(), sized())
    assert machine.calls.count("list_ranges") == 1
    assert destination.snapshot() == before
    assert leases() == []


def test_a_listing_that_is_out_of_order_is_not_believed(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    destination.put("b", b"1")
    entry = (
        "<Contents><Key>{}</Key><Size>1</Size><ETag>x</ETag>"
        "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
    )
    listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entry.format('b')}{entry.format('a')}</ListBucketResult>"
    machine.wire.on("ListObjectsV2", Answer(200, body=listing), bucket=source.name)

    found = machine.run(sync)

    assert ended(found)[1] == (
        "s3://source-bucket/ -> s3://destination-bucket/ (the whole bucket) could not be compared: s3://source-bucket/ lists "
        "'a' after 'b': its keys are not in order. Nothing was changed."
    )
    assert destination.keys() == ["b"]


def test_a_listing_that_s3_refuses_for_a_long_while_is_begun_again_by_the_next_attempt(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    refusals = iter(range(12))

    def busy_in_comparing(request: Request) -> Answer | None:
        is_comparing = machine.calls[-1] == "list_ranges"
        return BUSY if is_comparing and next(refusals, None) is not None else None

    machine.wire.on("ListObjectsV2", busy_in_comparing, bucket=source.name)

    assert machine.report(sync)["copied"] == sized(1, 1)
    assert machine.calls.count("list_ranges") == 2


def test_a_key_that_cannot_be_asked_for_is_a_failure_and_orphans_stay(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "b": b"2"})
    destination.put("a", b"1", age_seconds=2 * HOUR)
    destination.put("orphan", b"3")
    machine.wire.on("HeadObject", DENIED, bucket=source.name)

    found = machine.run(sync)

    why = "could not be compared: 403: Forbidden (HeadObject)"
    assert lasting(written(found)) == unlike(
        found,
        listed=(2, 2),
        plan={"copy": sized(1, 1), "delete": sized(1, 1)},
        copied=sized(1, 1),
        failed={"objects": 1},
        notSynchronised=[line("a", "failed", why)],
        phase="copying",
    )
    assert destination.keys() == ["a", "b", "orphan"]


def test_a_dry_run_with_a_key_that_cannot_be_asked_for_is_incomplete(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put("a", b"1", age_seconds=2 * HOUR)
    machine.wire.on("HeadObject", DENIED)

    found = machine.run({**sync, "dryRun": True})

    assert ended(found) == incomplete(found, "1 object was not synchronised (1 failed, 0 changed meanwhile)")


# --- Deletes


def test_nothing_is_deleted_if_the_source_bucket_is_gone(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", "orphan 1": b"2", "orphan 2": b"3"})
    machine.wire.on("HeadObject", doing(lambda: "source-bucket" in names(source) and source.drop()), times=1)

    found = machine.run(sync)

    why = (
        "not deleted: whether the source has it is unknown: the bucket source-bucket does not exist any more"
    )
    assert ended(found) == incomplete(
        found, "2 objects were not synchronised (2 failed, 0 changed meanwhile)", "2 orphans were kept"
    )
    assert lasting(written(found)) == unlike(
        found,
        listed=(1, 3),
        plan={"copy": sized(), "delete": sized(2, 2)},
        current=sized(1, 1),
        copied=sized(),
        deleted=sized(),
        failed={"objects": 2},
        notSynchronised=[line("orphan 1", "failed", why), line("orphan 2", "failed", why)],
        phase="deleting",
    )
    assert destination.keys() == ["a", "orphan 1", "orphan 2"]


def names(bucket: Bucket) -> list[str]:
    return [one["Name"] for one in bucket.client.list_buckets()["Buckets"]]


def test_copies_from_a_source_bucket_that_is_gone_are_failures_not_vanished_objects(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    machine.wire.on("CopyObject", doing(source.drop), times=1)

    found = machine.run(sync)

    report = written(found)
    assert (report["failed"], report["skipped"]["vanished"]) == ({"objects": 1}, 0)


def test_a_key_that_the_source_may_not_be_asked_for_is_not_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", "secret": b"2", "orphan": b"3"})
    machine.wire.on("HeadObject", DENIED, bucket=source.name, key="secret")

    found = machine.run(sync)

    why = "not deleted: whether the source has it is unknown: 403: Forbidden (HeadObject)"
    assert written(found)["notSynchronised"] == [line("secret", "failed", why)]
    assert written(found)["deleted"] == sized(1, 1)
    assert destination.keys() == ["a", "secret"]


def test_an_orphan_that_the_source_has_got_meanwhile_is_not_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", "late": b"2"})
    machine.wire.on("HeadObject", doing(lambda: source.put("late", b"2")), key="late", times=1)

    found = machine.run(sync)

    why = "the source has got this key since it was listed; it was not deleted"
    assert written(found)["notSynchronised"] == [line("late", "changed", why)]
    assert destination.keys() == ["a", "late"]


@pytest.mark.parametrize("key", ["orphan", "odd\norphan"])
def test_an_orphan_that_somebody_wrote_meanwhile_is_not_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, key: str
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", key: b"2", "other orphan": b"3"})
    operation = "DeleteObject" if "\n" in key else "DeleteObjects"
    machine.wire.on(operation, doing(lambda: destination.put(key, b"new")), bucket=destination.name, times=1)

    found = machine.run(sync)

    why = "the destination was written by somebody else after it was listed"
    assert written(found)["notSynchronised"] == [line(key, "changed", why)]
    assert destination.bodies() == {"a": b"1", key: b"new"}


@pytest.mark.parametrize("key", ["orphan", "odd\norphan"])
def test_an_orphan_that_somebody_deleted_meanwhile_counts_as_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, key: str
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", key: b"2"})
    operation = "DeleteObject" if "\n" in key else "DeleteObjects"
    machine.wire.on(operation, doing(lambda: destination.delete(key)), bucket=destination.name, times=1)

    assert lasting(machine.report(sync)) == report_of(delete=sized(1, 1), current=sized(1, 1))


def test_a_delete_that_s3_refuses_for_one_key_is_that_key_s_failure(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", "held": b"2"})
    machine.wire.on("DeleteObjects", delete_errors(held="AccessDenied"))

    found = machine.run(sync)

    why = "not deleted: AccessDenied: AccessDenied of held (DeleteObjects)"
    assert written(found)["notSynchronised"] == [line("held", "failed", why)]


def test_a_delete_for_which_s3_is_too_busy_for_one_key_is_tried_again(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", "orphan": b"2"})
    machine.wire.on("DeleteObjects", delete_errors(orphan="SlowDown"), times=3)

    assert lasting(machine.report(sync)) == report_of(delete=sized(1, 1), current=sized(1, 1))
    assert machine.report(sync)["current"] == sized(1, 1)


def test_a_delete_for_which_s3_stays_too_busy_is_a_failure(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", "orphan": b"2"})
    machine.wire.on("DeleteObjects", delete_errors(orphan="SlowDown"))

    found = machine.run(sync)

    assert written(found)["notSynchronised"] == [
        line("orphan", "failed", "not deleted: S3 was too busy 4 times")
    ]


# --- Time


def test_a_copy_that_does_not_end_in_its_worker_s_time_is_a_failure_and_the_others_go_on(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "slow": b"2", "z": b"3"})
    is_over = threading.Event()

    def hang(request: Request) -> None:
        is_over.wait(20)
        raise Killed("its Lambda has ended long ago")

    machine.wire.on("CopyObject", hang, key="slow")
    machine.wrap["copy_keys"] = lambda handler, event, context: handler(event, FakeContext(remaining_ms=400))

    found = machine.run(sync)
    is_over.set()

    late = line("slow", "failed", "the copy had not ended when its worker's time was over")
    assert written(found)["notSynchronised"] == [late]
    assert destination.keys() == ["a", "z"]


# --- Lambdas


def test_a_throttled_lambda_is_waited_for_much_longer_than_a_broken_one(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    machine.wrap["copy_keys"] = ending("Lambda.TooManyRequestsException", times=10)

    report = machine.report(sync)

    longest = (1, 2, 4, 8, 16, 32, 60, 60, 60, 60)
    assert lasting(report) == report_of(copy=sized(1, 1))
    assert len(machine.slept) == 10
    assert all(0 <= slept <= most for slept, most in zip(machine.slept, longest, strict=True))


@pytest.mark.parametrize(
    "name",
    ["validate_input", "list_ranges", "compare_listings", "copy_keys", "delete_orphaned_keys", "tally_run"],
)
def test_a_lambda_that_crashes_three_times_is_no_failure(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, name: str
) -> None:
    source.put("a", b"1")
    destination.put("orphan", b"1")
    machine.wrap[name] = ending("Sandbox.Timedout", times=3)

    assert lasting(machine.report(sync)) == report_of(copy=sized(1, 1), delete=sized(1, 1))
    assert leases() == []


@pytest.mark.parametrize(
    ("name", "phase", "why", "again"),
    [
        ("list_ranges", "starting", "Runtime.ExitError: it ended", "now"),
        ("copy_keys", "copying", "copy-000001: Runtime.ExitError: it ended", LEASED),
        ("delete_orphaned_keys", "deleting", "delete-000001: Runtime.ExitError: it ended", LEASED),
    ],
)
@pytest.mark.usefixtures("distributed")
def test_a_lambda_that_crashes_for_good_ends_the_run_with_a_report_that_says_where(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    sync: Sync,
    name: str,
    phase: str,
    why: str,
    again: str,
) -> None:
    source.put("a", b"1")
    destination.put("orphan", b"22")
    machine.wrap[name] = ending("Runtime.ExitError")

    found = machine.run(sync)

    is_copied, is_planned = phase == "deleting", phase in ("copying", "deleting")
    assert ended(found) == (
        "SyncIncomplete",
        f"the run broke while {phase}: {why}. The logs of its Lambdas say more. What it had done by then is in the report. Start "
        f"again {again}: a sync takes up where the last one stopped.",
    )
    assert lasting(written(found)) == unlike(
        found,
        listed=(1, 1) if is_planned else (0, 0),
        plan={"copy": sized(1, 1), "delete": sized(1, 2)}
        if is_planned
        else {"copy": sized(), "delete": sized()},
        copied=sized(1, 1) if is_copied else sized(),
        deleted=sized(),
        failed={"objects": 1 if is_planned else 0},
        phase=phase,
    )
    assert destination.keys() == (["a", "orphan"] if is_copied else ["orphan"])
    assert len(leases()) == (1 if is_planned else 0)


def test_a_run_that_never_began_says_so_in_its_report(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    machine.wrap["validate_input"] = ending("Runtime.ExitError")

    found = machine.run(sync)

    cause = "the run broke before it began: Runtime.ExitError: it ended. Nothing was changed."
    assert ended(found) == ("SyncIncomplete", cause)
    assert written(found)["cause"] == cause
    assert written(found)["phase"] == "starting"


@pytest.mark.parametrize(("phase", "said"), [("copies", "copying"), ("deletes", "deleting")])
def test_a_tally_that_crashes_for_good_is_reported_too(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, phase: str, said: str
) -> None:
    source.put("a", b"1")
    destination.put("orphan", b"22")
    machine.wrap["tally_run"] = ending("Runtime.ExitError", which=lambda event: event["phase"] == phase)

    found = machine.run(sync)

    assert ended(found)[1].startswith(f"the run broke while {said}: Runtime.ExitError: it ended. ")
    assert written(found)["phase"] == said
    assert (
        destination.keys() == {"comparing": ["orphan"], "copying": ["a", "orphan"], "deleting": ["a"]}[said]
    )


@pytest.mark.usefixtures("distributed")
def test_a_run_that_broke_while_it_wrote_keeps_its_lease_until_its_last_lambda_is_over(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    machine.wrap["copy_keys"] = ending("Runtime.ExitError")
    broken = machine.start(sync)
    stopped = machine.wait(broken)["stopDate"]
    machine.wrap.clear()

    early = machine.run(sync)
    machine.long_ago(broken, seconds=929)
    still_early = machine.run(sync)
    machine.long_ago(broken, seconds=2)

    assert early["error"] == still_early["error"] == "AlreadyRunning"
    assert f": {broken}, started " in early["cause"]
    assert "UTC, when its last Lambda must be over, then start again." in early["cause"]
    assert machine.report(sync)["copied"] == sized(1, 1)
    assert stopped is not None
    assert leases() == []


@pytest.mark.usefixtures("mode")
def test_a_shard_that_crashes_among_many_does_not_stop_the_others_but_the_deletes(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.work_bucket.shards.MAX_SHARD_KEYS", 2)
    source.put_all({f"{number:03d}": b"1" for number in range(41)})
    destination.put("orphan", b"22")
    machine.wrap["copy_keys"] = ending(
        "Runtime.ExitError", which=lambda event: event["shard"]["objects"] == 1
    )

    found = machine.run(sync)

    (broken,) = records(found, "broken")
    assert ended(found) == incomplete(
        found,
        "1 object was not synchronised (1 failed, 0 changed meanwhile)",
        f"What broke: {broken['item']}: Runtime.ExitError: it ended. {KEPT}",
    )
    assert lasting(written(found)) == unlike(
        found,
        listed=(41, 1),
        plan={"copy": sized(41, 41), "delete": sized(1, 2)},
        copied=sized(40, 40),
        failed={"objects": 1},
        phase="copying",
    )
    (shard,) = read(found, "failures.json")["unfinishedShards"]
    assert shard.startswith("copy/1-0001-0021-")
    assert destination.keys() == [*(f"{number:03d}" for number in range(40)), "orphan"]
    assert leases() == []


def test_a_worker_that_has_lost_the_lease_of_its_run_writes_nothing(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")

    def without_lease(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        for key in leases():
            source.client.delete_object(Bucket="work-bucket", Key=key)
        return handler(event, context)

    machine.wrap["copy_keys"] = without_lease

    found = machine.run(sync)

    assert found["error"] == "SyncIncomplete"
    assert machine.wire.keys("CopyObject", destination.name) == []
    assert destination.keys() == []


def test_files_that_somebody_removed_are_missed_and_never_taken_for_empty(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put("orphan", b"1")

    def without_index(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if event["phase"] == "copies":
            folder = event["state"]["run"]["folder"]
            source.client.delete_object(Bucket="work-bucket", Key=f"{folder}/copy.json")
        return handler(event, context)

    machine.wrap["tally_run"] = without_index

    found = machine.run(sync)

    missing = (
        f"{address(found, 'copy.json')} is not there: the run's files have expired, or somebody removed it"
    )
    assert found["cause"].startswith(f"the run broke while copying: RunFileBroken: {missing}. ")
    assert destination.keys() == ["a", "orphan"]
