"""Asking about one object or one bucket, and what a 404 means."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import SyncError, is_missing, status_of
from lambda_functions.shared.run import Side
from lambda_functions.shared.s3.clients import extra_headers


class BucketMissing(SyncError):
    """A bucket of the run does not exist any more."""


def head(client: Any, side: Side, relative: str) -> dict[str, Any] | None:
    """Return HeadObject's answer with checksums, or None where the object does not exist.

    A missing bucket answers 404 as well, so None is a reason to look at the bucket, not to delete anything.
    """
    try:
        answer: dict[str, Any] = client.head_object(**side.at(relative), ChecksumMode="ENABLED")
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return answer


def tags(client: Any, side: Side, relative: str) -> dict[str, str]:
    """Return an object's tags: one GetObjectTagging.

    HEAD's TagCount cannot save it: that is missing where there are no tags, and also where we may not read them.
    """
    answer = client.get_object_tagging(**side.at(relative))
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def require_bucket(client: Any, side: Side) -> None:
    """Raise `BucketMissing` unless the bucket answers; HEAD of an object says 404 for a missing bucket too."""
    try:
        head_bucket(client, side.bucket, side.owner, side.requester_pays)
    except ClientError as error:
        if status_of(error) == 404:
            raise BucketMissing(f"the bucket {side.bucket} does not exist any more") from error
        raise


def head_bucket(client: Any, bucket: str, owner: str | None, requester_pays: bool) -> dict[str, Any]:
    """Return HeadBucket's answer; the API has no parameter for requester-pays buckets, but S3 asks for the header."""
    expected = {"ExpectedBucketOwner": owner} if owner else {}
    with extra_headers("HeadBucket", {"x-amz-request-payer": "requester"} if requester_pays else {}):
        answer: dict[str, Any] = client.head_bucket(Bucket=bucket, **expected)
    return answer
