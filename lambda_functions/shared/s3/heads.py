"""Asking about one object or one bucket, and what a 404 means; also whether a run can use its two buckets at all."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from lambda_functions.shared.errors import Refused, SyncError, is_denied, is_missing, is_permanent, status_of
from lambda_functions.shared.options import Options
from lambda_functions.shared.run import Side
from lambda_functions.shared.s3.clients import extra_headers
from lambda_functions.shared.s3.etags import CHECKSUMS

_CHECKSUM_HEADERS = {
    name: f"x-amz-checksum-{name.removeprefix('Checksum').lower()}" for name in (*CHECKSUMS, "ChecksumType")
}


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
        if is_missing(error) or is_proved_missing(client, side, relative, error):
            return None
        raise
    return {**_checksums_in_headers(answer), **answer}


def _checksums_in_headers(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the checksums and their type as S3 has sent them; a botocore older than an algorithm drops them from its answer.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html#API_HeadObject_ResponseSyntax
    """
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return {name: headers[header] for name, header in _CHECKSUM_HEADERS.items() if header in headers}


def is_proved_missing(client: Any, side: Side, relative: str, error: Exception) -> bool:
    """Whether a request for an object was denied, and a listing shows that there is none: one ListObjectsV2 of one key.

    403 alone proves nothing. Who may list one prefix only gets it for a missing object, and not 404: the condition key
    `s3:prefix` is there in requests for listings only, and S3 says 404 to those who may list.
    """
    if not (is_denied(error) and side.prefix):
        return False
    key = side.key(relative)
    try:
        answer = client.list_objects_v2(**side.parameters(), Prefix=key, MaxKeys=1)
    except (ClientError, BotoCoreError, ResponseParserError):
        return False
    keys = [listed["Key"] for listed in answer.get("Contents", ())]
    return keys != [key] and (bool(keys) or answer.get("IsTruncated") is False)


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
        ask_bucket(client, side)
    except ClientError as error:
        if is_missing(error):
            raise BucketMissing(f"the bucket {side.bucket} does not exist any more") from error
        raise


def ask_bucket(client: Any, side: Side) -> dict[str, Any]:
    """Return the answer of a bucket that may be listed; raise ClientError where it may not.

    HeadBucket is refused with 403 where `s3:ListBucket` is granted for some prefixes only, so ours is then listed.
    """
    try:
        return _head_bucket(client, side)
    except ClientError as error:
        if not (is_denied(error) and side.prefix):
            raise
        answer: dict[str, Any] = client.list_objects_v2(**side.parameters(), Prefix=side.prefix, MaxKeys=1)
        return answer


def _head_bucket(client: Any, side: Side) -> dict[str, Any]:
    """Return HeadBucket's answer; the API has no parameter for requester-pays buckets, but S3 asks for the header."""
    parameters = side.parameters()
    payer = {"x-amz-request-payer": payer} if (payer := parameters.pop("RequestPayer", None)) else {}
    with extra_headers("HeadBucket", payer):
        answer: dict[str, Any] = client.head_bucket(**parameters)
    return answer


def ask_buckets(client: Any, options: Options) -> tuple[tuple[str | None, str | None], str | None]:
    """Return the regions of source and destination, and the time by the destination's clock; both are asked at once.

    Raises `Refused("InvalidInput", ...)` where one of them cannot be used.
    """
    source = Side(options.source, options.prefix, None, options.sourceOwner, options.requestPayer)
    destination = Side(options.destination, options.destinationPrefix, None, options.destinationOwner)
    pool = ThreadPoolExecutor(1, thread_name_prefix="bucket")
    try:
        asked = pool.submit(_require_bucket, client, "destination", destination)
        answers = _require_bucket(client, "source", source), asked.result()
    finally:
        pool.shutdown(wait=False)  # what is refused already need not wait for a bucket that does not answer
    return (region_of(answers[0]), region_of(answers[1])), answered_at(answers[1])


def region_of(answer: Mapping[str, Any]) -> str | None:
    """Return the region that a bucket's answer names in its header, None if it does not."""
    region: str | None = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region")
    return answer.get("BucketRegion") or region


def answered_at(answer: Mapping[str, Any]) -> str | None:
    """Return when S3 says that it gave an answer: its `Date` header in ISO 8601, None where it has none that can be read."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    return told.replace(tzinfo=told.tzinfo or UTC).isoformat()


def _require_bucket(client: Any, name: str, side: Side) -> dict[str, Any]:
    try:
        return ask_bucket(client, side)
    except ClientError as error:
        if not is_permanent(error):
            raise
        cause = _refusal_cause(name, side.bucket, side.owner, error)
        raise Refused("InvalidInput", f"{cause} Nothing was changed.") from error


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
