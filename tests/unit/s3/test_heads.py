"""Asking for a bucket or an object where S3 refuses a HEAD: which listing is sent instead, and what its answer means."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError
from samples import client_error, run_of

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.s3.heads import ask_bucket, ask_buckets, head_object, region_of

SIDE = run_of(prefix="p/").source
REGION = {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}}


class Refusing:
    """A client whose HEADs are refused with a status, and whose listing gives one answer or is refused as well."""

    def __init__(self, status: int, listing: dict[str, Any] | None = None) -> None:
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
    "listing", [None, {}, {"IsTruncated": True}, {"IsTruncated": False, "Contents": [{"Key": "p/key"}]}]
)
def test_an_object_whose_head_is_refused_is_not_called_missing_for_any_other_listing(
    listing: dict[str, Any] | None,
) -> None:
    assert refused(Refusing(403, listing)) == (1, "HeadObject")


def test_without_a_prefix_and_for_other_refusals_no_listing_is_sent_for_an_object() -> None:
    assert refused(Refusing(403, {"IsTruncated": False}), run_of().source) == (0, "HeadObject")
    assert refused(Refusing(400, {"IsTruncated": False})) == (0, "HeadObject")
