"""Asking about one object or one bucket, and what a 404 means; also whether a run can use its two buckets at all."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import Refused, SyncError, is_denied, is_missing, is_permanent, status_of
from lambda_functions.shared.options import Options
from lambda_functions.shared.run import Side
from lambda_functions.shared.s3.clients import extra_headers


class BucketMissing(SyncError):
    """A bucket of the run does not exist any more."""


def head_object(client: Any, side: Side, relative: str) -> dict[str, Any] | None:
    """Return HeadObject's answer with checksums, or None where the object does not exist.

    A missing bucket answers 404 as well, so None is a reason to look at the bucket, not to delete anything.
    """
    try:
        answer: dict[str, Any] = client.head_object(
            **side.object_parameters(relative), ChecksumMode="ENABLED"
        )
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return answer


def get_tags(client: Any, side: Side, relative: str) -> dict[str, str]:
    """Return an object's tags: one GetObjectTagging.

    HEAD's TagCount cannot save it: that is missing where there are no tags, and also where we may not read them. Raises
    `SyncError` at an answer without a TagSet, which every answer has: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
    """
    answer = client.get_object_tagging(**side.object_parameters(relative))
    if "TagSet" not in answer:
        raise SyncError("its tags are unknown: the answer of GetObjectTagging has no TagSet")
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def require_bucket(client: Any, side: Side) -> None:
    """Raise `BucketMissing` unless the bucket answers; HEAD of an object says 404 for a missing bucket too."""
    try:
        head_bucket(client, side.bucket, side.owner, side.requester_pays)
    except ClientError as error:
        if is_missing(error):
            raise BucketMissing(f"the bucket {side.bucket} does not exist any more") from error
        raise


def head_bucket(client: Any, bucket: str, owner: str | None, requester_pays: bool) -> dict[str, Any]:
    """Return HeadBucket's answer; the API has no parameter for requester-pays buckets, but S3 asks for the header."""
    expected = {"ExpectedBucketOwner": owner} if owner else {}
    with extra_headers("HeadBucket", {"x-amz-request-payer": "requester"} if requester_pays else {}):
        answer: dict[str, Any] = client.head_bucket(Bucket=bucket, **expected)
    return answer


def bucket_regions(client: Any, options: Options) -> tuple[str | None, str | None]:
    """Return the regions of source and destination; raise `Refused("InvalidInput", ...)` where one cannot be used."""
    source = _bucket_region(client, "source", options.source, options.sourceOwner, options.requestPayer)
    return source, _bucket_region(client, "destination", options.destination, options.destinationOwner, False)


def refuse_own_buckets(options: Options, own: Collection[str]) -> None:
    """Raise `Refused` if a run would sync the buckets that it works with itself."""
    for name, bucket in (("source", options.source), ("destination", options.destination)):
        if bucket in own:
            raise Refused(
                "InvalidInput",
                f'"{name}" is "{bucket}", which SyncBuckets itself works with; expected a bucket of your own. '
                "Nothing was changed.",
            )


def _bucket_region(
    client: Any, name: str, bucket: str, owner: str | None, requester_pays: bool
) -> str | None:
    try:
        answer = head_bucket(client, bucket, owner, requester_pays)
    except ClientError as error:
        if not is_permanent(error):
            raise
        raise Refused(
            "InvalidInput", f"{_refusal_cause(name, bucket, owner, error)} Nothing was changed."
        ) from error
    region: str | None = answer.get("BucketRegion")
    return region


def _refusal_cause(name: str, bucket: str, owner: str | None, error: ClientError) -> str:
    if is_missing(error):
        return f'the {name} bucket "{bucket}" does not exist; check its name.'
    if is_denied(error):
        whose = f", or it does not belong to the account {owner}" if owner else ""
        return (
            f'the {name} bucket "{bucket}" may not be listed by SyncBuckets{whose}; expected s3:ListBucket in its policy '
            "(see docs/permissions.md)."
        )
    return f'the {name} bucket "{bucket}" answers with HTTP status {status_of(error)}; expected 200.'
