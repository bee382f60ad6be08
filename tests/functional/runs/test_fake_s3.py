"""The fake S3 is held to botocore's models, and to what AWS documents of the few things that it is used for."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.endpoint
import pytest
from botocore.exceptions import ClientError
from fake_s3 import BUSY, CUT, EMPTY, GB, LOST, MB, Answer, Bucket, Content, FakeS3, Request, fake_s3, model
from fake_s3.server import OPERATIONS
from installed_botocore import answers_have, knows, needs_conditions_in_batches

from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.botocore_version import is_older
from lambda_functions.shared.s3.clients import CONDITIONS, extra_headers

ODD = "a/ü +%?&<\r\nz"


@pytest.fixture
def s3() -> Iterator[FakeS3]:
    with fake_s3() as fake:
        yield fake


@pytest.fixture
def client(s3: FakeS3) -> Any:
    return clients.client("s3", "eu-west-1")


@pytest.fixture
def bucket(s3: FakeS3) -> Bucket:
    return s3.bucket("bucket-1", is_versioned=True)


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


# --- Requests and answers are botocore's


@pytest.mark.skipif(
    not knows("CreateMultipartUpload", "ChecksumType"),
    reason="this botocore knows no types of checksums",
)
def test_every_answer_of_every_operation_is_parsed_into_exactly_what_the_fake_said(
    s3: FakeS3, client: Any, bucket: Bucket
) -> None:
    place: dict[str, Any] = {"Bucket": bucket.name, "Key": ODD}
    # Our clients do not read the result of a copy; botocore does.
    client.meta.events.unregister("before-parse.*.CopyObject", clients._drop_copy_result)

    def said(operation: str, **parameters: Any) -> dict[str, Any]:
        parsed = getattr(client, operation)(**parameters)
        parsed.pop("ResponseMetadata")
        for name in ("Body", "AnnotationPayload"):
            if name in parsed:
                parsed[name] = parsed[name].read()
        expires = parsed.pop("ExpiresString", None)
        request, answer = s3.answered[-1]
        carried = {name: value for name, value in answer.items() if answers_have(request.operation, name)}
        assert {**parsed, **({"Expires": expires} if expires else {})} == encoded(carried, parsed)
        return dict(parsed)

    properties: dict[str, Any] = {
        "ContentType": "text/plain",
        "CacheControl": "no-cache",
        "ContentLanguage": "de",
        "Expires": datetime(2030, 1, 2, tzinfo=UTC),
        "Metadata": {"colour": "red"},
        "Tagging": "a=b%20c&d=",
        "StorageClass": "STANDARD_IA",
        "WebsiteRedirectLocation": "/there",
    }
    said("put_object", **place, Body=b"1234567", **properties)
    assert said("get_object", **place)["Body"] == b"1234567"
    assert said("head_object", **place, ChecksumMode="ENABLED")["Metadata"] == {"colour": "red"}
    said("get_object_tagging", **place)
    said("put_object_tagging", **place, Tagging={"TagSet": [{"Key": "k", "Value": "ü"}]})
    said("head_bucket", Bucket=bucket.name)
    source = {"Bucket": bucket.name, "Key": ODD}
    said("copy_object", Bucket=bucket.name, Key="copy", CopySource=source, StorageClass="GLACIER")
    bucket.alter("copy", is_restored=True)
    upload = said(
        "create_multipart_upload", **place, ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE", **properties
    )
    place["UploadId"] = upload["UploadId"]
    big = bucket.put("big", 60 * GB)
    one = said(
        "upload_part_copy",
        **place,
        PartNumber=1,
        CopySource={"Bucket": bucket.name, "Key": "big"},
        CopySourceRange=f"bytes=0-{5 * GB - 1}",
        CopySourceIfMatch=big.etag,
    )["CopyPartResult"]
    sha256 = "kuuc0IHw7BcII2krmvBVZ7NYsV3BvivPYTC23HztzCg="
    two = said("upload_part", **place, PartNumber=2, Body=b"the end", ChecksumSHA256=sha256)
    said("list_multipart_uploads", Bucket=bucket.name)
    said("list_multipart_uploads", Bucket=bucket.name, Prefix="a/ü +")
    said("list_parts", **place, MaxParts=1)
    names = ("ETag", "ChecksumSHA256")
    parts = [
        {"PartNumber": number, **{name: part[name] for name in names}}
        for number, part in enumerate((one, two), 1)
    ]
    said("complete_multipart_upload", **place, MultipartUpload={"Parts": parts})
    del place["UploadId"]
    assert said("head_object", **place, PartNumber=2)["ContentLength"] == 7
    said("get_object_attributes", **place, ObjectAttributes=["ObjectParts"], PartNumberMarker=1)
    kept = {"Bucket": bucket.name, "Key": "kept"}
    bucket.has_object_lock = True
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockLegalHoldStatus": "ON"}
    bucket.put("kept", b"1", storage_class="GLACIER", lock=lock)
    said("get_object_retention", **kept)
    said("get_object_legal_hold", **kept)
    assert said("head_object", **kept)["ObjectLockLegalHoldStatus"] == "ON"
    said("get_object_lock_configuration", Bucket=bucket.name)
    if knows("PutObjectAnnotation"):
        annotation = {**kept, "AnnotationName": "ü/1"}
        said("put_object_annotation", **annotation, AnnotationPayload=b"text")
        assert said("get_object_annotation", **annotation)["AnnotationPayload"] == b"text"
        assert [one["AnnotationName"] for one in said("list_object_annotations", **kept)["Annotations"]] == [
            "ü/1"
        ]
    request = {"Days": 1, "GlacierJobParameters": {"Tier": "Bulk"}}
    said("restore_object", **kept, RestoreRequest=request)
    bucket.put("crc", b"1", checksum="CRC64NVME")
    said("list_objects_v2", Bucket=bucket.name, OptionalObjectAttributes=["RestoreStatus"], MaxKeys=2)
    said("list_objects_v2", Bucket=bucket.name, Prefix="a/ü +", StartAfter="a/ü")
    aborted = said("create_multipart_upload", Bucket=bucket.name, Key="aborted")
    said("abort_multipart_upload", Bucket=bucket.name, Key="aborted", UploadId=aborted["UploadId"])
    said("delete_object", **place)
    objects = [{"Key": "crc"}, {"Key": "copy", "ETag": "other"}, {"Key": "gone", "ETag": "x"}]
    said("delete_objects", Bucket=bucket.name, Delete={"Objects": objects})

    assert {request.operation for request, _ in s3.answered} == set(filter(knows, OPERATIONS))


def encoded(said: dict[str, Any], parsed: dict[str, Any]) -> dict[str, Any]:
    """Return what was said, with what botocore adds by itself: that keys were encoded, and metadata where there is none."""
    added = {name: parsed[name] for name in ("EncodingType", "Metadata") if name in parsed}
    return {**added, **said}


def test_a_request_that_its_operation_does_not_know_is_an_error(client: Any, bucket: Bucket) -> None:
    with (
        pytest.raises(AssertionError, match="HeadObject does not know"),
        extra_headers("HeadObject", {"x-amz-new": "1"}),
    ):
        client.head_object(Bucket=bucket.name, Key="key")


def test_a_request_that_is_not_valid_is_an_error(client: Any, bucket: Bucket) -> None:
    with pytest.raises(AssertionError, match='Missing required parameter in input: "CopySource"'):
        client.meta.events.register("before-send.s3", without("x-amz-copy-source"))
        client.meta.events.register_first("before-send.s3", without("x-amz-copy-source"))
        client.copy_object(Bucket=bucket.name, Key="key", CopySource="bucket-1/key")


def without(header: str) -> Any:
    def strip(request: Any, **_: Any) -> None:
        request.headers.pop(header, None)

    return strip


@pytest.mark.parametrize("said", [{"Colour": "red"}, {"Contents": [{"Key": "a", "Colour": "red"}]}])
def test_an_answer_that_the_operation_does_not_have_is_an_error(
    s3: FakeS3, client: Any, bucket: Bucket, said: dict[str, Any]
) -> None:
    s3.before("ListObjectsV2", lambda request: said)

    with pytest.raises(AssertionError, match=r"has no \['Colour'\]"):
        client.list_objects_v2(Bucket=bucket.name)


def test_only_s3_is_there_and_step_functions_for_the_state_of_an_execution(s3: FakeS3) -> None:
    s3.executions["arn:two"] = {"status": "FAILED", "stopDate": s3.clock.timestamp()}
    ask = clients.client("stepfunctions").describe_execution
    assert ask(executionArn="arn:one")["status"] == "RUNNING"
    assert (ask(executionArn="arn:two")["status"], ask(executionArn="arn:two")["stopDate"]) == (
        "FAILED",
        s3.clock,
    )
    with pytest.raises(AssertionError, match="this is an S3 and nothing else"):
        clients.client("stepfunctions").list_state_machines()


# --- Content without bytes


def test_pieces_of_a_content_put_together_are_that_content_again() -> None:
    whole = Content.virtual("film", 50 * 1000**4)

    pieces = [whole.part(first, 5 * 1000**3) for first in range(0, whole.size, 5 * 1000**3)]

    assert len(pieces) == 10_000
    assert Content.joined(pieces) == whole
    assert Content.joined(reversed(pieces)).md5() != whole.md5()
    assert Content.joined([Content.of(b"ab"), Content.of(b"cd")]).part(1, 2) == Content.of(b"bc")


def test_etags_of_bytes_are_those_that_s3_gives(bucket: Bucket) -> None:
    one, two = b"1" * (5 * MB), b"22"
    plain, parts = bucket.put("plain", two), bucket.put_parts("parts", one, two)

    digests = hashlib.md5(one).digest() + hashlib.md5(two).digest()
    assert plain.etag == hashlib.md5(two).hexdigest()
    assert parts.etag == f"{hashlib.md5(digests).hexdigest()}-2"
    assert parts.content == Content.of(one + two)


def test_etags_under_kms_are_no_md5s_and_new_with_every_write(s3: FakeS3) -> None:
    bucket = s3.bucket("secret", encryption="aws:kms")

    first, second = bucket.put("key", b"1").etag, bucket.put("key", b"1").etag

    assert len({first, second, hashlib.md5(b"1").hexdigest()}) == 3
    assert (len(first), bucket.put_parts("parts", 5 * MB, 1).etag[32:]) == (32, "-2")


# --- What AWS documents of copies, conditions and parts


def test_a_copy_carries_metadata_and_tags_but_neither_class_nor_redirect(client: Any, bucket: Bucket) -> None:
    bucket.put_parts(
        "a", 5 * MB, 1, metadata={"a": "b"}, tags={"c": "d"}, redirect="/x", storage_class="STANDARD_IA"
    )

    client.copy_object(Bucket=bucket.name, Key="b", CopySource={"Bucket": bucket.name, "Key": "a"})

    one, other = bucket.objects["a"], bucket.objects["b"]
    assert (other.metadata, other.tags, other.content) == ({"a": "b"}, {"c": "d"}, one.content)
    assert (other.redirect, other.storage_class, other.part_sizes) == (None, "STANDARD", ())
    assert other.etag == one.content.md5() != one.etag


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"CopySourceIfMatch": "other"}, (412, "PreconditionFailed")),
        ({"IfNoneMatch": "*", "Key": "there"}, (412, "PreconditionFailed")),
        ({"IfMatch": "other", "Key": "there"}, (412, "PreconditionFailed")),
        ({"IfMatch": "other"}, (404, "NoSuchKey")),
        ({"CopySource": "bucket-1/gone"}, (404, "NoSuchKey")),
        ({"CopySource": "no-bucket/a"}, (404, "NoSuchBucket")),
        ({"CopySource": "bucket-1/cold"}, (403, "InvalidObjectState")),
        ({"CopySource": "bucket-1/huge"}, (400, "InvalidRequest")),
        ({"ExpectedBucketOwner": "999999999999"}, (403, "AccessDenied")),
        ({"ExpectedSourceBucketOwner": "999999999999"}, (403, "AccessDenied")),
    ],
)
def test_a_copy_is_refused_as_aws_documents_it(
    client: Any, bucket: Bucket, change: dict[str, str], refused: tuple[int, str]
) -> None:
    for key in ("a", "there"):
        bucket.put(key, b"1")
    bucket.put("cold", b"1", storage_class="DEEP_ARCHIVE")
    bucket.put("huge", 5 * GB + 1)

    headers = {CONDITIONS[name]: change[name] for name in change if name in CONDITIONS}
    asked = {name: value for name, value in change.items() if name not in CONDITIONS}
    with pytest.raises(ClientError) as error, extra_headers("CopyObject", headers):
        client.copy_object(**{"Bucket": bucket.name, "Key": "new", "CopySource": "bucket-1/a", **asked})

    assert code(error) == refused
    assert sorted(bucket.objects) == ["a", "cold", "huge", "there"]


def test_a_part_is_described_with_the_whole_objects_etag_and_properties(client: Any, bucket: Bucket) -> None:
    stored = bucket.put_parts("parts", 6 * MB, 5 * MB, 7, metadata={"a": "b"})
    bucket.put("plain", b"12")

    part = client.head_object(Bucket=bucket.name, Key="parts", PartNumber=2)
    plain = client.head_object(Bucket=bucket.name, Key="plain", PartNumber=1)

    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (part["ETag"], part["PartsCount"], part["ContentLength"]) == (f'"{stored.etag}"', 3, 5 * MB)
    assert part["Metadata"] == {"a": "b"}
    assert (plain["ContentLength"], "PartsCount" in plain) == (2, False)
    with pytest.raises(ClientError) as error:
        client.head_object(Bucket=bucket.name, Key="parts", PartNumber=4)
    assert code(error) == (416, "416")


@pytest.mark.parametrize(("checksum", "parts"), [(None, 0), (("SHA256", "COMPOSITE"), 2)])
def test_parts_are_told_only_of_what_was_uploaded_with_checksums(
    client: Any, bucket: Bucket, checksum: Any, parts: int
) -> None:
    bucket.put_parts("key", 5 * MB, 1, checksum=checksum)

    told = client.get_object_attributes(Bucket=bucket.name, Key="key", ObjectAttributes=["ObjectParts"])[
        "ObjectParts"
    ]

    assert (told["TotalPartsCount"], len(told.get("Parts", ()))) == (2, parts)


@needs_conditions_in_batches
def test_deletes_with_etags_are_judged_key_by_key_and_leave_one_marker_each(
    client: Any, bucket: Bucket
) -> None:
    for key in ("a", "b", "c"):
        bucket.put(key, b"1")
    objects = [
        {"Key": key, "ETag": etag} for key, etag in (("a", bucket.objects["a"].etag), ("b", "x"), ("d", "x"))
    ]

    said = client.delete_objects(Bucket=bucket.name, Delete={"Objects": objects, "Quiet": True})

    assert [(error["Key"], error["Code"]) for error in said["Errors"]] == [
        ("b", "PreconditionFailed"),
        ("d", "NoSuchKey"),
    ]
    assert "Deleted" not in said
    assert (bucket.keys(), bucket.deletions, [old.key for old in bucket.noncurrent]) == (
        ["b", "c"],
        ["a"],
        ["a"],
    )


def test_one_key_that_xml_cannot_carry_spoils_a_whole_batch(client: Any, bucket: Bucket) -> None:
    bucket.put("a", b"1")

    with pytest.raises(ClientError) as error:
        client.delete_objects(Bucket=bucket.name, Delete={"Objects": [{"Key": "a"}, {"Key": "\u0001"}]})

    assert code(error) == (400, "MalformedXML")
    assert bucket.keys() == ["a"]


def test_listings_are_in_the_order_of_utf_8_and_go_on_where_they_were(
    s3: FakeS3, client: Any, bucket: Bucket
) -> None:
    keys = ["~", "ü", "\uff5e", "\U0001f600", "a/b", "\u0001", ODD]
    for key in keys:
        bucket.put(key)
    s3.page_keys = 2

    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name))

    assert [len(page["Contents"]) for page in pages] == [2, 2, 2, 1]
    assert [one["Key"] for page in pages for one in page["Contents"]] == sorted(keys, key=str.encode)


def test_uploads_are_listed_by_prefix_a_page_at_a_time_and_with_encoded_keys_if_asked(
    s3: FakeS3, client: Any, bucket: Bucket
) -> None:
    s3.page_keys = 1
    keys = (ODD, f"{ODD} and more", ODD, "elsewhere")
    opened = [client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"] for key in keys]

    asked = {"Bucket": bucket.name, "Prefix": ODD, "EncodingType": "url"}
    first = client.list_multipart_uploads(**asked)
    markers = {"KeyMarker": ODD, "UploadIdMarker": first["NextUploadIdMarker"]}
    second = client.list_multipart_uploads(**asked, **markers)
    markers = {"KeyMarker": ODD, "UploadIdMarker": second["NextUploadIdMarker"]}
    third = client.list_multipart_uploads(**asked, **markers)

    pages = [first, second, third]
    encoded_key = "a/%C3%BC+%2B%25%3F%26%3C%0D%0Az"
    assert [one["UploadId"] for page in pages for one in page["Uploads"]] == [opened[0], opened[2], opened[1]]
    assert first["Uploads"][0]["Key"] == first["NextKeyMarker"] == encoded_key
    assert [page["IsTruncated"] for page in pages] == [True, True, False]


def test_what_was_uploaded_in_parts_is_as_old_as_the_beginning_of_its_upload(
    s3: FakeS3, client: Any, bucket: Bucket
) -> None:
    place = {"Bucket": bucket.name, "Key": "key"}
    place["UploadId"] = client.create_multipart_upload(**place)["UploadId"]
    s3.later(60)
    etag = client.upload_part(**place, PartNumber=1, Body=b"1")["ETag"]

    client.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})

    assert bucket.objects["key"].modified == datetime(2026, 11, 22, 12, tzinfo=UTC)


# --- What a test can have happen


def test_a_lost_answer_is_asked_for_again_and_the_deed_is_done_twice(
    s3: FakeS3, client: Any, bucket: Bucket
) -> None:
    s3.after("PutObject", LOST)

    client.put_object(Bucket=bucket.name, Key="key", Body=b"1")

    assert (s3.counts(), len(bucket.noncurrent), len(s3.pauses)) == ({"PUT_OBJECT": 2}, 1, 1)


@pytest.mark.parametrize("answer", [BUSY, CUT, Answer(200, "InternalError")])
def test_what_botocore_tries_again_is_right_in_the_end(
    s3: FakeS3, client: Any, bucket: Bucket, answer: Answer
) -> None:
    bucket.put("key")
    s3.before("ListObjectsV2", answer, times=3)

    assert client.list_objects_v2(Bucket=bucket.name)["KeyCount"] == 1
    assert (s3.counts(), len(s3.pauses)) == ({"LIST": 4}, 3)


def test_an_answer_without_a_document_is_taken_for_one_without_keys(
    s3: FakeS3, client: Any, bucket: Bucket
) -> None:
    bucket.put("key")
    s3.before("ListObjectsV2", EMPTY)

    assert client.list_objects_v2(Bucket=bucket.name).keys() == {"ResponseMetadata"}


def test_the_world_can_change_before_and_after_the_request_that_is_meant(
    s3: FakeS3, client: Any, bucket: Bucket
) -> None:
    seen: list[tuple[str, list[str]]] = []

    def note(when: str) -> Any:
        return lambda request: seen.append((f"{when} {request.key}", bucket.keys()))

    s3.before("PutObject", note("before"), nth=2)
    s3.after("PutObject", note("after"), key="b")

    for key in "abc":
        client.put_object(Bucket=bucket.name, Key=key)

    assert seen == [("before b", ["a"]), ("after b", ["a", "b"])]
    assert [request.key for request in s3.of("PutObject")] == ["a", "b", "c"]
    assert isinstance(s3.sent[0], Request)


def test_the_operations_of_the_model_are_those_of_the_fake() -> None:
    assert set(model.OPERATIONS) == set(OPERATIONS)


def test_the_model_is_that_of_the_botocore_it_names_and_knows_all_that_an_older_one_does() -> None:
    kept, installed = json.loads(model.FILE.read_text(encoding="utf-8")), model.installed()
    if installed["botocore"] == kept["botocore"]:
        assert model.FILE.read_text(encoding="utf-8") == model.text_of(installed)
    elif is_older(installed["botocore"], kept["botocore"]):
        assert set(installed["shapes"]) <= set(kept["shapes"])
        for name, shape in installed["shapes"].items():
            assert set(shape.get("members", ())) <= set(kept["shapes"][name].get("members", ())), name
            assert set(shape.get("enum", ())) <= set(kept["shapes"][name].get("enum", ())), name


def test_a_thread_of_a_test_before_notes_no_pause() -> None:
    """Whatever gave up a request may have left another one behind that goes on trying."""
    go_on = threading.Event()

    def trying() -> None:
        go_on.wait(timeout=10)
        botocore.endpoint.time.sleep(128)

    left_behind = threading.Thread(target=trying)
    left_behind.start()
    with fake_s3() as s3:
        go_on.set()
        left_behind.join()
        botocore.endpoint.time.sleep(1)
        of_this = threading.Thread(target=botocore.endpoint.time.sleep, args=[2])
        of_this.start()
        of_this.join()

    assert s3.pauses == [1, 2]
