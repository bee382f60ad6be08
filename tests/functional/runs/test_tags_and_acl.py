"""What listings cannot show: tags that have drifted, the ACL of a copy, and deletes that only leave a marker."""

from __future__ import annotations

from typing import Any

from buckets import HOUR, Bucket
from machine_on_moto import Machine
from reports import sized

Sync = dict[str, Any]
FULL_CONTROL = "bucket-owner-full-control"


def drifted(source: Bucket, destination: Bucket) -> None:
    """Make two pairs that are current by everything but the tags of one."""
    for bucket, age in ((source, 2 * HOUR), (destination, HOUR)):
        bucket.put("same", b"1", age, Tagging="a=1")
        bucket.put("other", b"22", age, Tagging="a=1" if bucket is source else "a=2")


def test_tags_alone_are_not_compared_unless_asked_for(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    drifted(source, destination)
    report = machine.report(sync)
    assert (report["copied"], report["current"]) == (sized(0, 0), sized(2, 3))
    assert set(report["requests"]) == {"LIST", "HEAD_BUCKET"}


def test_compare_tags_copies_what_differs_only_in_its_tags_for_two_requests_a_current_key(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    drifted(source, destination)
    report = machine.report({**sync, "compareTags": True})
    assert (report["copied"], report["current"]) == (sized(1, 2), sized(1, 1))
    assert report["requests"]["GET_OBJECT_TAGGING"] == 4
    assert destination.snapshot() == source.snapshot()
    again = machine.report({**sync, "compareTags": True})
    assert (again["copied"], again["current"]) == (sized(0, 0), sized(2, 3))


def test_compare_tags_looks_at_tags_also_where_metadata_was_asked_for(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("newer", b"1", HOUR, Tagging="a=1")
    destination.put("newer", b"1", 2 * HOUR, Tagging="a=2")
    assert machine.report({**sync, "dryRun": True})["plan"]["copy"] == sized(0, 0)
    assert machine.report({**sync, "dryRun": True, "compareTags": True})["plan"]["copy"] == sized(1, 1)


def test_the_acl_goes_with_copies_in_one_piece_and_in_parts(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("plain", b"1")
    source.put_parts("parts", b"2", b"3")
    machine.report({**sync, "acl": FULL_CONTROL})
    writes = [request for request in machine.wire.sent if request.bucket == destination.name]
    seen = {
        request.operation: request.headers["x-amz-acl"]
        for request in writes
        if "x-amz-acl" in request.headers
    }
    assert seen == {"CopyObject": FULL_CONTROL, "CreateMultipartUpload": FULL_CONTROL}


def test_deletes_in_a_versioned_destination_are_reported_as_delete_markers(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    destination.client.put_bucket_versioning(
        Bucket=destination.name, VersioningConfiguration={"Status": "Enabled"}
    )
    source.put("kept", b"1")
    destination.put_all({"orphan": b"1", "orphan\x01": b"22"})
    report = machine.report(sync)
    assert (report["deleted"], report["deleteMarkers"]) == (sized(2, 3), 2)
    assert destination.bodies() == {"kept": b"1"}


def test_deletes_in_an_unversioned_destination_leave_no_marker(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("kept", b"1")
    destination.put("orphan", b"1")
    report = machine.report(sync)
    assert (report["deleted"], report["deleteMarkers"]) == (sized(1, 1), 0)
