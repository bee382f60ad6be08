"""An ordinary sync, whole: what is copied and deleted, what an object carries, what counts as equal, and that it converges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import buckets
import pytest
from buckets import HOUR, Bucket
from machine_on_moto import Machine
from reports import lasting, leases, report_of, sized, work_keys
from wire import Answer

from lambda_functions.shared.apply import multipart

Sync = dict[str, Any]
UPLOAD_KINDS = (
    "CREATE_MULTIPART_UPLOAD",
    "UPLOAD_PART_COPY",
    "ABORT_MULTIPART_UPLOAD",
    "COMPLETE_MULTIPART_UPLOAD",
)
IDLE_REQUESTS = {"HEAD_BUCKET": 2, "LIST": 2}
ODD_KEYS = [
    "new\nline",
    "carriage\rreturn",
    "tab\tbed",
    "\x01control\x1f",
    "\x7fdelete",
    " spaces at both ends ",
    "plus+plus",
    "per%cent",
    "%41 is not A",
    "amp&er;sand",
    "less<than>greater",
    "'single' and \"double\"",
    "que?ry=1#fragment",
    "back\\slash",
    "a//b",
    "/leading",
    "trailing/",
    "trailing//",
    "..",
    "../up",
    "a/../b",
    "a/./b",
    "ümläut",
    "日本語",
    "family 👩‍👩‍👧",
    "\ufeffmark",
    "\ufffd",
    "\uffff",
    "\U0010ffff",
    "last\U0010ffffbut one",
    "k" * 1024,
]
CONTENT = {
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="a.txt"',
    "ContentEncoding": "gzip",
    "ContentLanguage": "de",
    "ContentType": "text/plain; charset=utf-8",
    "Expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
}
PROPERTIES = {
    **CONTENT,
    "Metadata": {"colour": "red", "größe".encode().hex(): "a b"},
    "Tagging": "team=a%20b&x=",
}


def test_missing_and_changed_keys_are_copied_and_orphans_are_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"missing": b"12345", "current": b"same", "grown": b"12", "rewritten": b"new"})
    destination.put_all(
        {"current": b"same", "grown": b"1", "rewritten": b"old", "orphan": b"123456"}, 2 * HOUR
    )
    destination.put("current", b"same")

    report = machine.report(sync)

    assert lasting(report) == report_of(
        listed=(4, 4), copy=sized(3, 10), delete=sized(1, 6), current=sized(1, 4)
    )
    assert destination.snapshot() == source.snapshot()


def test_a_run_counts_exactly_the_requests_that_it_sends(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"missing": b"1", "current": b"same"})
    source.put_parts("parts", b"1", b"2", b"3")
    destination.put_all({"current": b"same", "orphan": b"1", "other orphan": b"2"})

    report = machine.report(sync)

    assert report["requests"] == machine.wire.counts(source.name, destination.name)
    assert report["requests"] == {
        **IDLE_REQUESTS,
        "HEAD_BUCKET": 3,  # once more before the first delete
        "COPY": 1,
        "HEAD": 2 + 1,  # one an orphan, one for the parts
        "DELETE_OBJECTS": 1,
        "CREATE_MULTIPART_UPLOAD": 1,
        "UPLOAD_PART_COPY": 3,
        "COMPLETE_MULTIPART_UPLOAD": 1,
        "GET_OBJECT_TAGGING": 1,
    }


def test_a_second_run_finds_everything_current_and_only_lists(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({key: key.encode() for key in ("a", "b/c", "d")})
    source.put_parts("parts", b"12", b"34")
    destination.put("orphan")
    machine.report(sync)
    machine.wire.sent.clear()

    report = machine.report(sync)

    assert lasting(report) == report_of(current=sized(4, 9))
    assert report["requests"] == machine.wire.counts(source.name, destination.name) == IDLE_REQUESTS


def test_each_bucket_is_asked_in_its_own_region_and_copies_are_sent_to_the_destination_s(
    machine: Machine, destination: Bucket, sync: Sync
) -> None:
    source = buckets.make("source-bucket", "eu-central-1")
    source.put("a", b"1")
    source.put_parts("parts", b"1", b"2")
    destination.put("orphan", b"1")

    machine.report(sync)

    regions = {
        (sent.bucket, sent.region)
        for sent in machine.wire.sent
        if sent.operation != "HeadBucket" and sent.bucket in (source.name, destination.name)
    }
    assert regions == {("source-bucket", "eu-central-1"), ("destination-bucket", "eu-west-1")}
    assert destination.snapshot() == source.snapshot()


def test_two_empty_buckets_are_in_sync(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    report = machine.report(sync)

    assert lasting(report) == report_of()
    assert report["requests"] == IDLE_REQUESTS


def test_a_report_says_when_the_run_was_what_it_cost_and_where_it_is_written(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a")

    found = machine.run(sync, name="nightly")
    report = machine.report(sync)

    assert found["status"] == "SUCCEEDED"
    assert (
        's3://work-bucket/runs/sync-buckets-state-machine-20260101-000000/nightly/report.json"'
        in found["output"]
    )
    assert datetime.fromisoformat(report["startedAt"]) <= datetime.fromisoformat(report["endedAt"])
    assert 0.0005 < report["estimatedCostUsd"] < 0.001


def test_the_lease_is_given_back_and_no_upload_stays_on_the_list(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")

    machine.run(sync, name="nightly")

    assert leases() == []
    assert work_keys("runs/sync-buckets-state-machine-20260101-000000/nightly/uploads/") == []
    assert destination.uploads() == []


def test_every_key_that_s3_allows_is_copied_under_its_own_name(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({key: key.encode() for key in ODD_KEYS})

    report = machine.report(sync)

    assert report["copied"]["objects"] == len(ODD_KEYS)
    assert destination.bodies() == {key: key.encode() for key in ODD_KEYS}
    assert machine.report(sync)["requests"] == IDLE_REQUESTS


def test_every_key_that_s3_allows_is_deleted_when_it_is_an_orphan(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("kept", b"1")
    destination.put_all({"kept": b"1", **dict.fromkeys(ODD_KEYS, b"1")})

    report = machine.report(sync)

    assert lasting(report) == report_of(delete=sized(len(ODD_KEYS), len(ODD_KEYS)), current=sized(1, 1))
    assert destination.keys() == ["kept"]


def test_keys_that_xml_cannot_carry_are_deleted_one_by_one_and_all_others_together(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("kept", b"1")
    destination.put_all({"kept": b"1", **dict.fromkeys(ODD_KEYS, b"1")})

    machine.report(sync)

    alone = sorted(key for key in ODD_KEYS if min(key) < " " or "\uffff" in key)
    assert machine.wire.keys("DeleteObject", destination.name) == alone
    assert len(machine.wire.keys("DeleteObjects", destination.name)) == 1


def test_a_key_that_is_the_prefix_itself_and_the_marker_of_a_folder_are_objects_like_any(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"p/": b"", "p/folder/": b"", "p/folder/a": b"1", "q": b"elsewhere"})
    destination.put("p/gone/", b"")

    report = machine.report({**sync, "prefix": "p/"})

    assert lasting(report) == report_of(copy=sized(3, 1), delete=sized(1, 0))
    assert destination.snapshot() == {key: source.stored(key) for key in ("p/", "p/folder/", "p/folder/a")}


def test_content_headers_user_metadata_and_tags_come_along(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1", **PROPERTIES)

    machine.report(sync)

    assert dict(source.stored("a").headers) == CONTENT
    assert destination.snapshot() == source.snapshot()


@pytest.mark.parametrize("storage_class", ["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"])
def test_the_storage_class_is_kept(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, storage_class: str
) -> None:
    source.put("a", b"1", StorageClass=storage_class)
    source.put_parts("parts", b"1", b"2", StorageClass=storage_class)

    machine.report(sync)

    assert {key: found.storage_class for key, found in destination.snapshot().items()} == {
        "a": storage_class,
        "parts": storage_class,
    }


def test_the_website_redirect_of_an_object_without_content_is_carried_over(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("moved", b"", WebsiteRedirectLocation="/new", Metadata={"a": "b"})
    source.put("empty", b"")

    machine.report(sync)

    assert destination.stored("moved").redirect == "/new"
    assert destination.snapshot() == source.snapshot()


def test_an_object_of_several_parts_keeps_its_etag_metadata_and_tags(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    etag = source.put_parts("even", b"12", b"34", b"5", **PROPERTIES)

    report = machine.report(sync)

    assert etag.endswith("-3")
    assert destination.snapshot() == source.snapshot()
    assert lasting(report) == report_of(copy=sized(1, 5))
    assert "GET_OBJECT_ATTRIBUTES" not in report["requests"]
    assert machine.report(sync)["requests"] == IDLE_REQUESTS


def test_an_object_of_parts_of_different_sizes_keeps_its_etag(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    etag = source.put_parts("uneven", b"1", b"234567", b"8", **PROPERTIES)

    report = machine.report(sync)

    assert etag.endswith("-3")
    assert destination.snapshot() == source.snapshot()
    # Three parts of one byte are not eight bytes, so no guess is made: the attributes are asked, then each part.
    assert report["requests"]["HEAD"] == 1 + 3
    assert report["requests"]["UPLOAD_PART_COPY"] == 3


def test_a_wrong_guess_of_part_sizes_is_seen_before_it_is_completed_and_made_good(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    # Three parts, the first of four bytes, nine bytes in all: that looks like 4 + 4 + 1.
    source.put_parts("misleading", b"1234", b"567", b"89")

    report = machine.report(sync)

    assert destination.snapshot() == source.snapshot()
    assert lasting(report) == report_of(copy=sized(1, 9))
    assert {kind: report["requests"][kind] for kind in UPLOAD_KINDS} == {
        "CREATE_MULTIPART_UPLOAD": 2,
        "UPLOAD_PART_COPY": 6,
        "ABORT_MULTIPART_UPLOAD": 2,  # and once more at the end, when no part can arrive any more
        "COMPLETE_MULTIPART_UPLOAD": 1,
    }
    assert destination.uploads() == []


def test_part_sizes_that_the_attributes_know_save_a_request_for_each_part(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("uneven", b"1", b"234567", b"8", ChecksumAlgorithm="SHA256")
    # moto's answers know no parts; AWS gives at most 1,000 at a time.
    for more in ((1, 1, 1), (2, 6, 2), (3, 1, 0)):
        machine.wire.on("GetObjectAttributes", attributes(*more), times=1)

    report = machine.report(sync)

    assert destination.snapshot() == source.snapshot()
    assert report["requests"]["GET_OBJECT_ATTRIBUTES"] == 3
    assert report["requests"]["HEAD"] == 1


def attributes(number: int, size: int, next_marker: int) -> Answer:
    """Return GetObjectAttributes' answer with one part."""
    going_on = f"<IsTruncated>{'true' if next_marker else 'false'}</IsTruncated>"
    part = f"<Part><PartNumber>{number}</PartNumber><Size>{size}</Size></Part>"
    parts = f"{going_on}<NextPartNumberMarker>{next_marker}</NextPartNumberMarker>{part}"
    return Answer(
        200,
        body=f"<GetObjectAttributesResponse><ObjectParts>{parts}</ObjectParts></GetObjectAttributesResponse>",
    )


def test_an_object_of_several_parts_keeps_its_checksum_algorithm(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2", ChecksumAlgorithm="SHA256")

    machine.report(sync)

    (begun,) = (sent for sent in machine.wire.sent if sent.operation == "CreateMultipartUpload")
    assert begun.headers["x-amz-checksum-algorithm"] == "SHA256"


def test_an_object_of_one_part_is_copied_whole_and_its_etag_counts_as_equal(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    etag = source.put_parts("one", b"12")

    report = machine.report(sync)

    assert etag.endswith("-1")
    assert report["requests"]["COPY"] == 1
    assert "CREATE_MULTIPART_UPLOAD" not in report["requests"]
    # moto gives the copy the ETag of plain bytes, as AWS does.
    destination.alter("one", _etag="c20ad4d76fe97759aa27a0c99bff6710")
    assert machine.report(sync)["requests"] == IDLE_REQUESTS


def test_tags_that_are_too_long_for_a_header_are_put_after_the_parts(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    tags = "&".join(f"key{number}={'%C3%BC' * 100}" for number in range(5))
    source.put_parts("parts", b"1", b"2")
    source.client.put_object_tagging(
        Bucket=source.name,
        Key="parts",
        Tagging={"TagSet": [{"Key": f"key{number}", "Value": "ü" * 100} for number in range(5)]},
    )
    assert len(tags) > multipart.MAX_TAGGING_BYTES

    report = machine.report(sync)

    assert report["requests"]["PUT_OBJECT_TAGGING"] == 1
    assert destination.snapshot() == source.snapshot()


def test_an_object_of_one_piece_over_five_gigabytes_is_copied_in_parts(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.apply.copier.MAX_COPY_BYTES", 5)
    monkeypatch.setattr("lambda_functions.shared.apply.parts.PART_BYTES", 4)
    source.put("big", b"123456789", **PROPERTIES)
    source.put("small", b"12345")

    report = machine.report(sync)

    assert report["requests"]["UPLOAD_PART_COPY"] == 3
    assert report["requests"]["COPY"] == 1
    assert destination.bodies() == source.bodies()
    assert destination.stored("big").tags == source.stored("big").tags
    assert destination.etag("big").endswith("-3")


@pytest.mark.parametrize(
    "drift",
    [
        {"Metadata": {"colour": "blue"}},
        {"ContentType": "text/html"},
        {"CacheControl": "no-cache"},
        {"WebsiteRedirectLocation": "/elsewhere"},
    ],
)
def test_the_same_content_with_other_metadata_is_copied_if_the_source_is_newer(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, drift: dict[str, Any]
) -> None:
    source.put("a", b"", **drift)
    destination.put("a", b"", age_seconds=2 * HOUR)

    report = machine.report(sync)

    assert lasting(report) == report_of(listed=(1, 1), copy=sized(1, 0))
    assert destination.snapshot() == source.snapshot()
    assert machine.report(sync)["requests"] == IDLE_REQUESTS


def test_the_same_content_with_the_same_metadata_is_current_however_new_the_source_is(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1", Metadata={"x": "y"})
    destination.put("a", b"1", age_seconds=2 * HOUR, Metadata={"x": "y"})

    report = machine.report(sync)

    assert lasting(report) == report_of(current=sized(1, 1))
    assert report["requests"] == {**IDLE_REQUESTS, "HEAD": 2}


def test_other_metadata_at_a_destination_that_is_not_older_is_left_alone(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1", Metadata={"x": "y"})
    destination.put("a", b"1", Metadata={"x": "z"})

    report = machine.report(sync)

    assert lasting(report) == report_of(current=sized(1, 1))
    assert report["requests"] == IDLE_REQUESTS


def test_metadata_is_not_asked_for_if_it_is_not_to_be_compared(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1", Metadata={"x": "y"})
    destination.put("a", b"1", age_seconds=2 * HOUR, Metadata={"x": "z"})

    report = machine.report({**sync, "compareMetadata": False})

    assert lasting(report) == report_of(current=sized(1, 1))
    assert report["requests"] == IDLE_REQUESTS


def test_other_content_of_the_same_size_is_copied_without_asking_if_the_source_is_newer(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"new")
    destination.put("a", b"old", age_seconds=2 * HOUR)

    report = machine.report(sync)

    assert lasting(report) == report_of(listed=(1, 1), copy=sized(1, 3))
    assert "HEAD" not in report["requests"]


def test_other_content_of_the_same_size_is_copied_even_if_the_destination_is_newer(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"right")
    destination.put("a", b"wrong", age_seconds=0)

    report = machine.report(sync)

    assert lasting(report) == report_of(listed=(1, 1), copy=sized(1, 5))
    assert report["requests"]["HEAD"] == 2
    assert destination.bodies() == {"a": b"right"}


def test_equal_checksums_prove_equal_content_though_the_etags_differ(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"123", ChecksumAlgorithm="SHA256")
    destination.put("a", b"123", ChecksumAlgorithm="SHA256")
    destination.alter("a", _etag="0f343b0931126a20f133d67c2b018a3b-2")

    report = machine.report(sync)

    assert lasting(report) == report_of(current=sized(1, 3))
    assert report["requests"] == {**IDLE_REQUESTS, "HEAD": 2}


def test_different_checksums_prove_a_difference_where_etags_prove_nothing(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"123", ChecksumAlgorithm="SHA256", ServerSideEncryption="aws:kms")
    destination.put("a", b"124", ChecksumAlgorithm="SHA256", ServerSideEncryption="aws:kms")

    report = machine.report({**sync, "unprovable": "keep"})

    assert lasting(report) == report_of(listed=(1, 1), copy=sized(1, 3))
    assert destination.bodies() == {"a": b"123"}


@pytest.mark.parametrize(
    ("choice", "copied", "current"),
    [({}, sized(1, 3), sized()), ({"unprovable": "keep"}, sized(), sized(1, 3))],
)
def test_objects_that_nothing_can_prove_equal_are_counted_and_the_user_chooses(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    sync: Sync,
    choice: Sync,
    copied: dict[str, int],
    current: dict[str, int],
) -> None:
    for bucket, body in ((source, b"123"), (destination, b"124")):
        bucket.put("a", body, ServerSideEncryption="aws:kms")
        bucket.alter("a", checksum_algorithm=None, checksum_value=None)

    report = machine.report({**sync, **choice})

    assert lasting(report) == report_of(
        listed=(1, 1), copy=copied, current=current, unprovable={"objects": 1}
    )


def test_an_unprovable_object_is_copied_again_by_every_run_unless_it_is_kept(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"123", ServerSideEncryption="aws:kms")
    source.alter("a", checksum_algorithm=None, checksum_value=None, _etag="1" * 32)
    machine.report(sync)
    destination.alter("a", encryption="aws:kms", _etag="2" * 32)

    again = machine.report(sync)

    assert (again["unprovable"], again["copied"]) == ({"objects": 1}, sized(1, 3))


def test_a_key_that_would_be_empty_or_too_long_at_the_destination_is_named_and_skipped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"p/": b"1", "p/a": b"2", f"p/{'k' * 1022}": b"3"})

    report = machine.report({**sync, "prefix": "p/", "destinationPrefix": "longer/"})
    empty = machine.report({**sync, "prefix": "p/", "destinationPrefix": "", "dryRun": True})

    why = "its key at the destination is not of 1 to 1,024 bytes"
    assert lasting(report) == report_of(
        listed=(3, 0),
        copy=sized(2, 2),
        skipped={"unmappable": 1},
        notSynchronised=[{"key": "k" * 1022, "what": "unmappable", "error": why}],
    )
    assert empty["notSynchronised"] == [{"key": "", "what": "unmappable", "error": why}]
    assert destination.bodies() == {"longer/": b"1", "longer/a": b"2"}


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_source_is_named_and_skipped_and_orphans_are_deleted_nevertheless(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, storage_class: str
) -> None:
    source.put("cold", b"1", StorageClass=storage_class)
    source.put("warm", b"2")
    destination.put("orphan", b"3")

    report = machine.report(sync)

    assert lasting(report) == report_of(
        listed=(2, 1),
        copy=sized(1, 1),
        delete=sized(1, 1),
        skipped={"archived": 1},
        notSynchronised=[
            {"key": "cold", "what": "archived", "error": f"{storage_class}, and no restored copy of it"}
        ],
    )
    assert destination.keys() == ["warm"]


def test_an_archived_source_that_is_current_is_not_asked_to_come_back(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("cold", b"1", StorageClass="GLACIER")
    destination.put("cold", b"1")

    assert lasting(machine.report(sync)) == report_of(current=sized(1, 1))


def test_an_archived_source_that_is_restored_is_copied(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("cold", b"1", StorageClass="GLACIER")
    source.client.restore_object(Bucket=source.name, Key="cold", RestoreRequest={"Days": 3})
    source.alter("cold", _status="RESTORED")

    report = machine.report(sync)

    assert lasting(report) == report_of(copy=sized(1, 1))
    assert destination.keys() == ["cold"]
