"""The buckets that installations of SyncBuckets work with, this one and any other: no run reads or writes them.

A run that wrote into the work bucket of another installation could forge its leases and plans, and one that wrote into a
deployment bucket could have its code run. The name of such a bucket tells; a name that is only like one makes us ask for tags.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.bucket_names import is_of_an_installation, may_be_of_an_installation
from lambda_functions.shared.errors import Refused, code_of, is_denied
from lambda_functions.shared.options import Options

# On every bucket of every installation; `deployment/project/tags` sets it.
STACK_TAG = "syncbuckets:stack"


def refuse_own_buckets(options: Options, own: Collection[str]) -> None:
    """Raise `Refused` if a run would sync the buckets that it works with itself, or what by its name is one of those."""
    for name, bucket in (("source", options.source), ("destination", options.destination)):
        if bucket in own:
            raise _refusal(name, bucket, "which SyncBuckets itself works with")
        if is_of_an_installation(bucket):
            raise _refusal(
                name, bucket, "by its name a bucket that an installation of SyncBuckets works with"
            )


def refuse_tagged_buckets(client: Any, options: Options) -> None:
    """Raise `Refused` if a bucket whose name is like those has the tag of an installation, or if that cannot be found out.

    Every other bucket is not asked: one request more for each run would tell nothing that its name does not.
    """
    sides = (
        ("source", options.source, options.sourceOwner),
        ("destination", options.destination, options.destinationOwner),
    )
    for name, bucket, owner in sides:
        if not may_be_of_an_installation(bucket):
            continue
        tags = _tags_of(client, bucket, owner)
        if tags is None:
            why = "which may be one that an installation of SyncBuckets works with, and its tags may not be read"
            raise _refusal(name, bucket, why, " or s3:GetBucketTagging in the policy of this one")
        if STACK_TAG in tags:
            why = f"by its tags a bucket of the installation {tags[STACK_TAG]!r} of SyncBuckets"
            raise _refusal(name, bucket, why)


def _tags_of(client: Any, bucket: str, owner: str | None) -> dict[str, str] | None:
    """Return a bucket's tags, None where they may not be read: unknown is not absent.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html
    """
    expected = {"ExpectedBucketOwner": owner} if owner else {}
    try:
        answer = client.get_bucket_tagging(Bucket=bucket, **expected)
    except ClientError as error:
        if code_of(error) == "NoSuchTagSet":
            return {}
        if is_denied(error):
            return None
        raise
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def _refusal(name: str, bucket: str, why: str, otherwise: str = "") -> Refused:
    return Refused(
        "InvalidInput",
        f'"{name}" is "{bucket}", {why}; expected a bucket of your own{otherwise}. Nothing was changed.',
    )
