"""What S3 answers on the fake S3 where less is granted than usual."""

from __future__ import annotations

import urllib.parse

from fake_s3 import Answer, Bucket, Request
from runs_on_fake_s3 import World

DENIED = Answer(403, "AccessDenied", "Access Denied")


def grant_by_prefix(world: World, bucket: Bucket, prefix: str) -> None:
    """Let a bucket be listed under a prefix only: S3 then says 403 where it would say 404 to who reads, and to HeadBucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
    """

    def listing(request: Request) -> Answer | None:
        return None if request.asked.get("Prefix", "").startswith(prefix) else DENIED

    def read(request: Request) -> Answer | None:
        return None if request.key in bucket.objects else DENIED

    def copy(request: Request) -> Answer | None:
        name, _, key = urllib.parse.unquote(request.asked["CopySource"]).partition("/")
        return DENIED if name == bucket.name and key not in bucket.objects else None

    world.s3.before("HeadBucket", DENIED, bucket=bucket.name, times=1000)
    world.s3.before("ListObjectsV2", listing, bucket=bucket.name, times=1000)
    for operation in ("HeadObject", "GetObjectTagging", "GetObjectAttributes"):
        world.s3.before(operation, read, bucket=bucket.name, times=1000)
    for operation in ("CopyObject", "UploadPartCopy"):
        world.s3.before(operation, copy, times=1000)
