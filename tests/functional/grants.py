"""What S3 answers on the fake S3 where less is granted than usual."""

from __future__ import annotations

from fake_s3 import Answer, Bucket, Request
from runs_on_fake_s3 import World

DENIED = Answer(403, "AccessDenied", "Access Denied")


def grant_by_prefix(world: World, bucket: Bucket, prefix: str) -> None:
    """Let a bucket be listed under a prefix only: S3 then says 403 where it would say 404, and to HeadBucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
    """

    def listing(request: Request) -> Answer | None:
        return None if request.asked.get("Prefix", "").startswith(prefix) else DENIED

    def head(request: Request) -> Answer | None:
        return None if request.key in bucket.objects else DENIED

    world.s3.before("HeadBucket", DENIED, bucket=bucket.name, times=1000)
    world.s3.before("ListObjectsV2", listing, bucket=bucket.name, times=1000)
    world.s3.before("HeadObject", head, bucket=bucket.name, times=1000)
