"""Buckets that are not like most: an encryption that is demanded, tags out of reach, grants by prefix, old names, restores."""

from __future__ import annotations

from typing import Any

import pytest
from fake_s3 import CUT, EMPTY, HOUR, LOST, MB, Answer, Request
from grants import DENIED, grant_by_prefix
from runs_on_fake_s3 import World

from lambda_functions.shared.s3 import clients

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
EQUAL_STAYS = (
    "serverSideEncryption holds for what is copied; what is already equal at the destination is not copied again for it "
    "and stays encrypted as it is."
)
TAGGING = ("GetObjectTagging", "PutObjectTagging")


def fill(world: World) -> None:
    """Put an object in one piece and one of parts into the source, both with tags and checksums."""
    world.source.put("plain", b"1", tags={"a": "b"}, checksum="SHA256")
    world.source.put_parts("parts", 5 * MB, 1, tags={"a": "b"}, checksum=("SHA256", "COMPOSITE"))


def written(world: World, name: str) -> dict[str, Any]:
    """Return what the requests that write into the destination say under this name, by operation."""
    sent = [request for request in world.s3.sent if request.bucket == world.destination.name]
    return {request.operation: request.asked[name] for request in sent if name in request.asked}


# --- Encryption that is asked for


@pytest.mark.parametrize("word", ["aws:kms", "aws:kms:dsse"])
def test_the_encryption_and_its_key_go_with_copies_in_one_piece_and_in_parts(world: World, word: str) -> None:
    fill(world)

    report = world.run(serverSideEncryption=word, sseKmsKeyId=KEY)

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 2)
    assert written(world, "ServerSideEncryption") == {"CopyObject": word, "CreateMultipartUpload": word}
    assert written(world, "SSEKMSKeyId") == {"CopyObject": KEY, "CreateMultipartUpload": KEY}
    assert {stored.encryption for stored in world.destination.objects.values()} == {word}


def test_a_bucket_that_refuses_what_does_not_say_its_encryption_takes_what_does(world: World) -> None:
    fill(world)

    def policy(request: Request) -> Answer | None:
        return None if request.asked.get("ServerSideEncryption") == "AES256" else DENIED

    for operation in ("CopyObject", "CreateMultipartUpload"):
        world.s3.before(operation, policy, times=100)

    assert world.run()["failed"]["objects"] == 2
    assert world.run(serverSideEncryption="AES256")["outcome"] == "Succeeded"
    assert written(world, "SSEKMSKeyId") == {}


def test_nothing_is_said_of_encryption_unless_asked_for_and_nobody_is_warned(world: World) -> None:
    fill(world)

    report = world.run()

    assert (written(world, "ServerSideEncryption"), written(world, "SSEKMSKeyId")) == ({}, {})
    assert report["warnings"] == []


@pytest.mark.parametrize("options", [{}, {"dryRun": True}])
def test_what_is_already_equal_is_not_encrypted_anew_and_the_report_says_so(
    world: World, options: dict[str, Any]
) -> None:
    fill(world)
    world.run()

    report = world.run(serverSideEncryption="aws:kms", **options)

    assert (report["copied"]["objects"], report["current"]["objects"]) == (0, 2)
    assert report["warnings"] == [EQUAL_STAYS]
    assert {stored.encryption for stored in world.destination.objects.values()} == {"AES256"}


def test_what_was_encrypted_with_a_key_of_kms_is_current_on_the_next_run(world: World) -> None:
    fill(world)
    world.run(serverSideEncryption="aws:kms", sseKmsKeyId=KEY)

    report = world.run(serverSideEncryption="aws:kms", sseKmsKeyId=KEY)

    assert (report["copied"]["objects"], report["current"]["objects"]) == (0, 2)


# --- Tags that stay behind


@pytest.mark.parametrize("large_parts", [2000, 1])
def test_without_tags_none_is_read_and_none_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch, large_parts: int
) -> None:
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", large_parts)
    fill(world)
    world.source.put_parts("long tags", 5 * MB, 1, tags={f"tag {number}": "ü" * 200 for number in range(5)})
    for operation in TAGGING:
        world.s3.before(operation, DENIED, times=100)

    report = world.run(copyTags=False)

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 3)
    assert [stored.tags for stored in world.destination.objects.values()] == [{}] * 3
    assert written(world, "TaggingDirective") == {"CopyObject": "REPLACE"}
    assert written(world, "Tagging") == {}
    assert [request for request in world.s3.sent if request.operation in TAGGING] == []


def test_an_object_that_is_overwritten_loses_its_tags_and_one_that_is_current_keeps_them(
    world: World,
) -> None:
    world.source.put("changed", b"new", tags={"a": "source"})
    world.source.put("same", b"1", tags={"a": "source"})
    world.destination.put("changed", b"old", 2 * HOUR, tags={"a": "destination"})
    world.destination.put("same", b"1", tags={"a": "destination"})

    world.run(copyTags=False)

    found = {key: stored.tags for key, stored in world.destination.objects.items()}
    assert found == {"changed": {}, "same": {"a": "destination"}}


def test_tags_go_along_by_default(world: World) -> None:
    fill(world)

    world.run()

    assert [stored.tags for stored in world.destination.objects.values()] == [{"a": "b"}] * 2
    assert written(world, "TaggingDirective") == {}


# --- Grants by prefix


def test_buckets_that_may_be_listed_under_their_prefixes_only_are_synchronised_deletes_included(
    world: World,
) -> None:
    world.source.put("from/new", b"1")
    world.source.put("from/changed", b"22")
    world.destination.put("into/changed", b"2", 2 * HOUR)
    for key in ("into/orphan", "into/orphan/longer", "into/orphan\x01"):
        world.destination.put(key, b"3")
    world.source.put("from/orphan!", b"4")  # begins as an orphan does
    grant_by_prefix(world, world.source, "from/")
    grant_by_prefix(world, world.destination, "into/")

    report = world.run(prefix="from/", destinationPrefix="into/")

    assert (report["outcome"], report["cause"]) == ("Succeeded", "")
    assert world.destination.keys() == ["into/changed", "into/new", "into/orphan!"]


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_bucket_that_may_be_listed_under_another_prefix_only_is_refused(world: World, side: str) -> None:
    bucket = {"source": world.source, "destination": world.destination}[side]
    grant_by_prefix(world, bucket, "other/")

    report = world.run(prefix="p/")

    assert (report["outcome"], report["cause"]) == (
        "InvalidInput",
        f'the {side} bucket "{bucket.name}" may not be listed by SyncBuckets; expected s3:ListBucket in its policy '
        "(see docs/permissions.md). Nothing was changed.",
    )


@pytest.mark.parametrize("side", ["source", "destination"])
def test_without_a_prefix_a_refused_bucket_is_refused_and_no_listing_is_tried(
    world: World, side: str
) -> None:
    bucket = {"source": world.source, "destination": world.destination}[side]
    grant_by_prefix(world, bucket, "p/")

    assert world.run()["outcome"] == "InvalidInput"

    assert "ListObjectsV2" not in [sent.operation for sent in world.s3.sent if sent.bucket == bucket.name]


def test_the_listing_in_place_of_head_bucket_asks_for_one_key_of_the_prefix_and_names_the_owner(
    world: World,
) -> None:
    grant_by_prefix(world, world.source, "p/")

    world.run(prefix="p/", sourceOwner="111122223333", requestPayer=True, dryRun=True)

    first = world.s3.of("ListObjectsV2")[0].asked
    expected = {"ExpectedBucketOwner": "111122223333", "RequestPayer": "requester", "EncodingType": "url"}
    assert first == {"Bucket": "source-bucket", "Prefix": "p/", "MaxKeys": 1, **expected}


def test_an_object_that_is_there_and_may_not_be_asked_for_is_no_orphan_s_licence(world: World) -> None:
    world.source.put("p/kept", b"1")
    world.destination.put("p/kept", b"1")
    world.destination.put("p/orphan", b"1")

    def appear(_: Request) -> Answer:
        world.source.put("p/orphan", b"2")
        return DENIED

    world.s3.before("HeadObject", appear, bucket=world.source.name)

    report = world.run(prefix="p/")

    assert (report["outcome"], report["deleted"]["objects"]) == ("SyncIncomplete", 0)
    assert world.destination.keys() == ["p/kept", "p/orphan"]


def vanish(world: World, operation: str, where: str = "source", nth: int = 1) -> None:
    """Let the object p/a vanish from a bucket just before such a request, whose bucket only tells its keys under p/."""
    bucket = {"source": world.source, "destination": world.destination}[where]
    world.s3.before(operation, lambda request: bucket.delete("p/a") and None, nth=nth)
    grant_by_prefix(world, bucket, "p/")


@pytest.mark.parametrize("large_parts", [2000, 1])
@pytest.mark.parametrize(
    ("parts", "operation"),
    [
        (1, "CopyObject"),
        (2, "HeadObject"),
        (2, "GetObjectTagging"),
        (2, "CreateMultipartUpload"),
        (2, "UploadPartCopy"),
    ],
)
def test_a_source_that_vanished_before_its_copy_is_skipped_where_a_listing_under_the_prefix_proves_it(
    world: World, monkeypatch: pytest.MonkeyPatch, large_parts: int, parts: int, operation: str
) -> None:
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", large_parts)
    world.source.put("p/a!", b"1")  # begins as the one that vanishes does
    if parts > 1:
        world.source.put_parts("p/a", 5 * MB, b"1")
    else:
        world.source.put("p/a", b"1")
    world.destination.put("p/orphan", b"1")
    vanish(world, operation)

    report = world.run(prefix="p/")

    assert (report["outcome"], report["skipped"]["vanished"], report["failed"]["objects"]) == (
        "Succeeded",
        1,
        0,
    )
    assert report["notSynchronised"] == [
        {"key": "a", "what": "vanished", "error": "the source object was gone when it was to be copied"}
    ]
    assert (world.destination.keys(), world.destination.uploads) == (["p/a!"], {})


def test_a_copy_of_ours_whose_answer_was_lost_counts_also_where_its_source_then_vanished(
    world: World,
) -> None:
    world.source.put("p/a", b"1")
    world.s3.after("CopyObject", LOST)
    vanish(world, "CopyObject", nth=2)

    report = world.run(prefix="p/", compareMetadata=False)

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 1)


@pytest.mark.parametrize("where", ["source", "destination"])
def test_an_object_that_vanished_before_its_tags_could_be_compared_is_told_from_tags_that_may_not_be_read(
    world: World, where: str
) -> None:
    for bucket in (world.source, world.destination):
        bucket.put("p/a", b"1", tags={"a": "b"})
    bucket = {"source": world.source, "destination": world.destination}[where]
    vanish(world, "GetObjectTagging", where)

    report = world.run(prefix="p/", compareTags=True)

    assert report["outcome"] == "Succeeded"
    assert (report["skipped"]["vanished"], report["copied"]["objects"]) == (
        (1, 0) if where == "source" else (0, 1)
    )


def test_a_source_that_may_not_be_read_is_no_vanished_one_and_asked_for_once(world: World) -> None:
    world.source.put("p/a", b"1")
    world.destination.put("p/orphan", b"1")
    world.s3.before("CopyObject", DENIED, times=100)

    report = world.run(prefix="p/")

    assert (report["outcome"], report["failed"]["objects"], report["deleted"]["objects"]) == (
        "SyncIncomplete",
        1,
        0,
    )
    assert report["notSynchronised"][0]["error"] == "AccessDenied: Access Denied (CopyObject)"
    assert report["requests"] == {"COPY": 1, "HEAD_BUCKET": 2, "LIST": 3}


@pytest.mark.parametrize(
    ("prefix", "listing"), [("", None), ("p/", DENIED), ("p/", LOST), ("p/", EMPTY), ("p/", CUT)]
)
@pytest.mark.parametrize("large_parts", [2000, 1])
def test_a_source_of_which_no_listing_proves_that_it_vanished_is_a_failure(
    world: World, monkeypatch: pytest.MonkeyPatch, large_parts: int, prefix: str, listing: Answer | None
) -> None:
    """Without a prefix 403 is the last word; a listing that is refused, or does not come, proves nothing either."""
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", large_parts)
    if large_parts == 1:
        world.source.put_parts("p/a", 5 * MB, 1)
    else:
        world.source.put("p/a", b"1")
    world.destination.put("p/orphan", b"1")

    def refuse(_: Request) -> Answer:
        world.source.delete("p/a")
        if listing:
            world.s3.before("ListObjectsV2", listing, bucket=world.source.name, times=100)
        return DENIED

    world.s3.before("UploadPartCopy" if large_parts == 1 else "CopyObject", refuse)
    world.s3.before(
        "HeadObject", lambda request: None if request.key in world.source.objects else DENIED, times=100
    )

    report = world.run(prefix=prefix)

    assert (report["outcome"], report["failed"]["objects"]) == ("SyncIncomplete", 1)
    assert world.destination.keys() == ["p/orphan"]


def test_tags_that_may_not_be_read_are_a_failure_also_under_a_prefix(world: World) -> None:
    for bucket in (world.source, world.destination):
        bucket.put("p/a", b"1")
    world.s3.before("GetObjectTagging", DENIED)

    report = world.run(prefix="p/", compareTags=True)

    assert (report["outcome"], report["failed"]["objects"]) == ("SyncIncomplete", 1)


# --- Names of before March 2018


@pytest.mark.parametrize("name", ["My_Old.Bucket", "UPPER", "a" * 64, "under_score"])
def test_a_name_that_is_no_dns_name_goes_into_the_path(world: World, name: str) -> None:
    world.s3.bucket(name, region="us-east-1")
    urls: list[str] = []
    client = clients.client("s3", "us-east-1")
    client.meta.events.register_first("before-send", lambda request, **_: urls.append(request.url))

    client.head_bucket(Bucket=name)

    assert urls == [f"https://s3.amazonaws.com/{name}"]


def test_buckets_with_old_names_are_synchronised(world: World) -> None:
    world.source = world.s3.bucket("My_Old.Bucket", region="us-east-1")
    world.destination = world.s3.bucket("B" * 255, region="us-east-1")
    fill(world)
    world.destination.put("orphan", b"1")

    report = world.run()

    assert (report["outcome"], report["source"], report["destination"]) == (
        "Succeeded",
        "My_Old.Bucket",
        "B" * 255,
    )
    assert world.destination.contents() == world.source.contents()


# --- Restores


def test_an_archived_source_that_is_being_restored_is_told_apart_from_one_that_nobody_asked_for(
    world: World,
) -> None:
    world.source.put("asked", b"1", storage_class="GLACIER", is_being_restored=True)
    world.source.put("cold", b"1", storage_class="DEEP_ARCHIVE")
    world.source.put("warm", b"1", storage_class="GLACIER", is_restored=True)

    report = world.run()

    assert (report["outcome"], report["skipped"]["archived"]) == ("Succeeded", 2)
    assert report["notSynchronised"] == [
        {"key": "asked", "what": "archived", "error": "GLACIER, and its restore is under way"},
        {"key": "cold", "what": "archived", "error": "DEEP_ARCHIVE, and no restored copy of it"},
    ]
    assert world.destination.keys() == ["warm"]
