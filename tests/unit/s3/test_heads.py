"""Asking for a bucket or an object where S3 refuses a HEAD: which listing is sent instead, and what its answer means."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from answered_wire import Wire
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError
from samples import client_error, run_of

from lambda_functions.shared.errors import Refused, SyncError
from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.heads import (
    BucketMissing,
    ask_bucket,
    ask_buckets,
    get_tags,
    head_object,
    region_of,
    require_bucket,
)

SIDE = run_of(prefix="p/").source
REGION = {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}}


class Refusing:
    """A client whose HEADs are refused with a status, and whose listing gives one answer, an error, or is refused as well."""

    def __init__(self, status: int, listing: dict[str, Any] | Exception | None = None) -> None:
        self.status, self.listing = status, listing
        self.listed: list[dict[str, Any]] = []

    def head_bucket(self, **_: Any) -> None:
        raise client_error(self.status, str(self.status), "HeadBucket")

    def head_object(self, **_: Any) -> None:
        raise client_error(self.status, str(self.status), "HeadObject")

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        self.listed.append(asked)
        if self.listing is None:
            raise client_error(403, "AccessDenied", "ListObjectsV2")
        if isinstance(self.listing, Exception):
            raise self.listing
        return self.listing


def test_both_buckets_are_asked_at_once() -> None:
    """One after the other they would wait for each other here, and break."""
    both = threading.Barrier(2, timeout=30)

    class Waiting(Refusing):
        def head_bucket(self, **asked: Any) -> Any:
            both.wait()
            return {"BucketRegion": f"region of {asked['Bucket']}", "ResponseMetadata": {}}

    options = run_of().options
    assert ask_buckets(Waiting(200), options) == (("region of from", "region of into"), None)


def test_a_source_that_is_refused_does_not_wait_for_a_destination_that_does_not_answer() -> None:
    answers, waited = threading.Event(), []

    class Silent(Refusing):
        def head_bucket(self, Bucket: str, **_: Any) -> Any:
            if Bucket == "into":
                waited.append(answers.wait(10))
            raise client_error(404, "404", "HeadBucket")

    with pytest.raises(Refused, match='the source bucket "from" does not exist'):
        ask_buckets(Silent(404), run_of().options)

    assert waited == []
    answers.set()


def test_of_two_buckets_that_are_refused_the_source_is_named() -> None:
    with pytest.raises(Refused, match='the source bucket "from" may not be listed'):
        ask_buckets(Refusing(403), run_of().options)


def refused(client: Refusing, side: Any = SIDE) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        head_object(client, side, "key")
    return len(client.listed), caught.value.operation_name


@pytest.mark.parametrize(
    ("listing", "region"), [(REGION, "eu-west-1"), ({"ResponseMetadata": {"HTTPHeaders": {}}}, None)]
)
def test_a_bucket_that_is_listed_in_place_of_its_head_says_its_region_in_a_header_or_not_at_all(
    listing: dict[str, Any], region: str | None
) -> None:
    client = Refusing(403, listing)

    assert region_of(ask_bucket(client, SIDE)) == region

    assert client.listed == [{**SIDE.parameters(), "Prefix": "p/", "MaxKeys": 1}]


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_bucket_whose_head_ends_otherwise_than_with_403_is_not_listed(status: int) -> None:
    client = Refusing(status, REGION)

    with pytest.raises(ClientError):
        ask_bucket(client, SIDE)

    assert client.listed == []


@pytest.mark.parametrize(
    "listing",
    [
        {"IsTruncated": False},
        {"IsTruncated": False, "Contents": [{"Key": "p/key/longer"}]},
        {"IsTruncated": True, "Contents": [{"Key": "p/key/longer"}]},
    ],
)
def test_an_object_whose_head_is_refused_is_missing_if_its_listing_is_read_and_does_not_have_it(
    listing: dict[str, Any],
) -> None:
    client = Refusing(403, listing)

    assert head_object(client, SIDE, "key") is None

    assert client.listed == [{**SIDE.parameters(), "Prefix": "p/key", "MaxKeys": 1}]


@pytest.mark.parametrize(
    "listing",
    [
        None,
        client_error(500, "InternalError", "ListObjectsV2"),
        EndpointConnectionError(endpoint_url="https://s3"),
        ResponseParserError("no XML"),
        {},
        {"IsTruncated": True},
        {"IsTruncated": False, "Contents": [{"Key": "p/key"}]},
        {"IsTruncated": True, "Contents": [{"Key": "p/key"}]},
        {"Contents": [{"Key": "p/key"}]},
    ],
)
def test_an_object_whose_head_is_refused_is_not_called_missing_for_any_other_listing(
    listing: dict[str, Any] | Exception | None,
) -> None:
    """What is reported is that it may not be read, and not that a listing failed that nobody has asked for."""
    assert refused(Refusing(403, listing)) == (1, "HeadObject")


def test_without_a_prefix_and_for_other_refusals_no_listing_is_sent_for_an_object() -> None:
    assert refused(Refusing(403, {"IsTruncated": False}), run_of().source) == (0, "HeadObject")
    assert refused(Refusing(400, {"IsTruncated": False})) == (0, "HeadObject")


def test_an_object_that_is_not_there_is_no_answer_and_no_listing() -> None:
    client = Refusing(404)

    assert head_object(client, SIDE, "key") is None

    assert client.listed == []


class Answering:
    """A client that gives one answer to everything, and notes what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def _answer(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    head_object = head_bucket = get_object_tagging = _answer


PAID = run_of(prefix="p/", sourceOwner="111122223333", requestPayer=True).source
OF_PAID = {"Bucket": "from", "ExpectedBucketOwner": "111122223333", "RequestPayer": "requester"}


def test_a_head_asks_for_checksums_of_an_object_of_the_expected_owner() -> None:
    client = Answering({"ETag": '"a"'})

    assert head_object(client, PAID, "key") == {"ETag": '"a"'}

    assert client.asked == [{**OF_PAID, "Key": "p/key", "ChecksumMode": "ENABLED"}]


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html#API_HeadObject_ResponseSyntax
@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("x-amz-checksum-crc32", "ChecksumCRC32"),
        ("x-amz-checksum-crc32c", "ChecksumCRC32C"),
        ("x-amz-checksum-crc64nvme", "ChecksumCRC64NVME"),
        ("x-amz-checksum-sha1", "ChecksumSHA1"),
        ("x-amz-checksum-sha256", "ChecksumSHA256"),
        ("x-amz-checksum-sha512", "ChecksumSHA512"),
        ("x-amz-checksum-md5", "ChecksumMD5"),
        ("x-amz-checksum-xxhash64", "ChecksumXXHASH64"),
        ("x-amz-checksum-xxhash3", "ChecksumXXHASH3"),
        ("x-amz-checksum-xxhash128", "ChecksumXXHASH128"),
        ("x-amz-checksum-type", "ChecksumType"),
    ],
)
def test_a_checksum_that_botocore_does_not_know_is_read_from_its_header(header: str, name: str) -> None:
    """Without it an object under a key of KMS could not be proved equal, and every run would copy it again."""
    metadata = {"HTTPHeaders": {header: "told"}}

    unknown = head_object(Answering({"ETag": '"a"', "ResponseMetadata": metadata}), SIDE, "key")
    known = head_object(Answering({name: "known", "ResponseMetadata": metadata}), SIDE, "key")

    assert unknown == {"ETag": '"a"', "ResponseMetadata": metadata, name: "told"}
    assert known == {name: "known", "ResponseMetadata": metadata}


# --- Tags -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ([], {}),
        ([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}], {"a": "1", "b": ""}),
    ],
)
def test_the_tags_of_an_object_are_asked_for_under_its_key(
    tags: list[dict[str, str]], found: dict[str, str]
) -> None:
    client = Answering({"TagSet": tags})

    assert get_tags(client, PAID, "key") == found

    assert client.asked == [{**OF_PAID, "Key": "p/key"}]


def test_an_answer_without_tags_is_not_taken_for_an_object_that_has_none() -> None:
    """The copy would be tagged with nothing, and its own tags be gone."""
    with pytest.raises(SyncError, match="its tags are unknown: the answer of GetObjectTagging has no TagSet"):
        get_tags(Answering({}), SIDE, "key")


# --- Buckets ----------------------------------------------------------------------------------------------------


def test_a_bucket_that_does_not_exist_any_more_is_named() -> None:
    with pytest.raises(BucketMissing) as caught:
        require_bucket(Refusing(404), SIDE)

    assert str(caught.value) == "the bucket from does not exist any more"


@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_a_bucket_that_does_not_answer_is_not_called_missing(status: int) -> None:
    with pytest.raises(ClientError):
        require_bucket(Refusing(status), SIDE)


def test_a_bucket_that_answers_is_there() -> None:
    client = Answering({"ResponseMetadata": {}})

    require_bucket(client, SIDE)

    assert client.asked == [{"Bucket": "from"}]


def test_without_a_prefix_a_bucket_whose_head_is_refused_is_not_listed() -> None:
    client = Refusing(403, REGION)

    with pytest.raises(ClientError):
        ask_bucket(client, run_of().source)

    assert client.listed == []


@pytest.mark.parametrize(("pays", "header"), [(True, "requester"), (False, None)])
def test_who_pays_for_a_head_of_a_bucket_is_said_in_a_header(pays: bool, header: str | None) -> None:
    """HeadBucket has no parameter for it."""
    wire = Wire(headers={"x-amz-bucket-region": "eu-central-1"})
    side = run_of(sourceOwner="111122223333", requestPayer=pays).source

    answer = ask_bucket(wire.under(clients.client("s3")), side)

    assert region_of(answer) == "eu-central-1"
    assert wire.headers("x-amz-request-payer") == [header]
    assert wire.headers("x-amz-expected-bucket-owner") == ["111122223333"]


def test_a_bucket_is_asked_as_what_the_options_say_and_the_destination_tells_the_time() -> None:
    class Telling:
        asked: dict[str, Any]

        def __init__(self) -> None:
            self.asked = {}

        def head_bucket(self, Bucket: str, **more: Any) -> Any:
            self.asked[Bucket] = more
            date = {"from": "Sun, 22 Nov 2026 10:11:12 GMT", "into": "Sun, 22 Nov 2026 10:11:13 GMT"}[Bucket]
            headers = {"date": date, "x-amz-bucket-region": f"header of {Bucket}"}
            known = {"BucketRegion": "region of from"} if Bucket == "from" else {}
            return {**known, "ResponseMetadata": {"HTTPHeaders": headers}}

    client = Telling()
    options = run_of(
        sourceOwner="111122223333", destinationOwner="444455556666", requestPayer=True, prefix="p/"
    ).options

    asked = ask_buckets(client, options)

    assert asked == (("region of from", "header of into"), "2026-11-22T10:11:13+00:00")
    assert client.asked == {
        "from": {"ExpectedBucketOwner": "111122223333"},
        "into": {"ExpectedBucketOwner": "444455556666"},
    }


@pytest.mark.parametrize("prefix", ["prefix", "destinationPrefix"])
def test_a_bucket_that_may_be_listed_under_its_own_prefix_only_is_listed_there(prefix: str) -> None:
    """Each side has a prefix of its own."""
    bucket = "from" if prefix == "prefix" else "into"

    class Half(Refusing):
        def head_bucket(self, Bucket: str, **asked: Any) -> Any:
            return super().head_bucket(**asked) if Bucket == bucket else REGION

    client = Half(403, REGION)

    ask_buckets(client, run_of(**{prefix: "q/"}).options)

    assert client.listed == [{"Bucket": bucket, "Prefix": "q/", "MaxKeys": 1}]


LISTED = "expected s3:ListBucket in its policy (see docs/permissions.md). Nothing was changed."


@pytest.mark.parametrize(
    ("status", "owner", "cause"),
    [
        (404, None, 'the source bucket "from" does not exist; check its name. Nothing was changed.'),
        (403, None, f'the source bucket "from" may not be listed by SyncBuckets; {LISTED}'),
        (
            403,
            "111122223333",
            'the source bucket "from" may not be listed by SyncBuckets, or it does not belong to the account 111122223333; '
            f"{LISTED}",
        ),
        (
            400,
            "111122223333",
            'the source bucket "from" answers with HTTP status 400; expected 200. Nothing was changed.',
        ),
    ],
)
def test_a_bucket_that_cannot_be_used_is_refused_with_what_to_do(
    status: int, owner: str | None, cause: str
) -> None:
    with pytest.raises(Refused) as caught:
        ask_buckets(Refusing(status), run_of(sourceOwner=owner).options)

    assert (caught.value.error, caught.value.cause) == ("InvalidInput", cause)


def test_a_destination_that_cannot_be_used_is_named_as_such() -> None:
    class Half(Refusing):
        def head_bucket(self, Bucket: str, **asked: Any) -> Any:
            return super().head_bucket(**asked) if Bucket == "into" else REGION

    with pytest.raises(Refused, match='the destination bucket "into" does not exist'):
        ask_buckets(Half(404), run_of().options)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_fault_that_passes_is_no_refusal_of_a_bucket(status: int) -> None:
    """The next attempt of the step may find it well; a refusal ends the run."""
    with pytest.raises(ClientError):
        ask_buckets(Refusing(status), run_of().options)
