"""What the server answers where AWS documents an answer that our workers rely on, or that other tests here are about.

Sent with botocore's own parameters, none of our code between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from weed_world import MB, WeedWorld, world_on_weed

WRONG = '"00000000000000000000000000000000"'
REFUSED, MISSING = "412 PreconditionFailed", "404 NoSuchKey"


@dataclass(frozen=True)
class Answer:
    """What was asked, what AWS documents, and what the server said."""

    asked: str
    aws: str
    server: str


def asked(endpoint: str) -> list[Answer]:
    """Return what the server answers to each question, in new buckets."""
    with world_on_weed(endpoint) as world:
        return list(answers(world))


def answers(world: WeedWorld) -> Iterator[Answer]:
    """Yield an answer to each question; the buckets are filled here."""
    world.source.put("there", b"source")
    world.source.put_parts("parts", b"a" * (5 * MB), b"b")
    world.destination.put("there", b"destination")
    yield from _conditions_on_writes(world)
    yield from _conditions_on_deletes(world)
    yield from _copies(world)
    yield from _buckets(world)
    yield from _keys(world)


def _conditions_on_writes(world: WeedWorld) -> Iterator[Answer]:
    client, bucket = world.destination.client, world.destination.name
    for name, request in {
        "PutObject": lambda **more: client.put_object(Bucket=bucket, Body=b"", **more),
        "CopyObject": lambda **more: client.copy_object(
            Bucket=bucket, CopySource=f"{world.source.name}/there", **more
        ),
        "CompleteMultipartUpload": lambda Key, **more: client.complete_multipart_upload(
            **_uploaded(world, Key), **more
        ),
    }.items():
        yield Answer(f"If-None-Match on {name}", REFUSED, said(request, Key="there", IfNoneMatch="*"))
        yield Answer(f"If-Match on {name}", REFUSED, said(request, Key="there", IfMatch=WRONG))
        yield Answer(
            f"If-Match on {name} where nothing is", MISSING, said(request, Key="gone", IfMatch=WRONG)
        )
    source = {"CopySource": f"{world.source.name}/there", "CopySourceIfMatch": WRONG}
    part = {**_uploaded(world, "new"), "PartNumber": 1}
    part.pop("MultipartUpload")
    yield Answer(
        "source's ETag on CopyObject", REFUSED, said(client.copy_object, Bucket=bucket, Key="new", **source)
    )
    yield Answer("source's ETag on UploadPartCopy", REFUSED, said(client.upload_part_copy, **part, **source))


def _uploaded(world: WeedWorld, key: str) -> dict[str, Any]:
    client, place = world.destination.client, {"Bucket": world.destination.name, "Key": key}
    place["UploadId"] = client.create_multipart_upload(**place)["UploadId"]
    copied = client.upload_part_copy(**place, PartNumber=1, CopySource=f"{world.source.name}/there")
    part = {"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}
    return {**place, "MultipartUpload": {"Parts": [part]}}


def _conditions_on_deletes(world: WeedWorld) -> Iterator[Answer]:
    client, bucket = world.destination.client, world.destination.name
    world.destination.put("orphan", b"1")
    asked = {"Objects": [{"Key": "orphan", "ETag": WRONG}]}
    answer = client.delete_objects(Bucket=bucket, Delete=asked)
    errors = [error["Code"] for error in answer.get("Errors", ())]
    yield Answer("ETag of a key of DeleteObjects", "PreconditionFailed", ", ".join(errors) or "deleted")
    world.destination.put("orphan", b"1")
    yield Answer(
        "If-Match on DeleteObject",
        REFUSED,
        said(client.delete_object, Bucket=bucket, Key="orphan", IfMatch=WRONG),
    )


def _copies(world: WeedWorld) -> Iterator[Answer]:
    client, place = world.destination.client, {"Bucket": world.destination.name, "Key": "copy"}
    client.copy_object(**place, CopySource=f"{world.source.name}/parts")
    head = client.head_object(**place, ChecksumMode="ENABLED")
    yield Answer(
        "ETag after CopyObject of an object in parts",
        "an MD5",
        "with -N" if "-" in head["ETag"] else "an MD5",
    )


def _buckets(world: WeedWorld) -> Iterator[Answer]:
    client, bucket = world.source.client, world.source.name
    region = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"].get(
        "x-amz-bucket-region", "none"
    )
    yield Answer("region in HeadBucket", world.source.region, region)
    owner = said(client.head_bucket, Bucket=bucket, ExpectedBucketOwner="999999999999")
    yield Answer("HeadBucket with another expected owner", "403 403", owner)


def _keys(world: WeedWorld) -> Iterator[Answer]:
    keys = ["a/", "a//b", "a\\b", "aB", "aü", "."]
    for key in keys:
        answer = said(world.source.client.put_object, Bucket=world.source.name, Key=f"keys/{key}", Body=b"")
        yield Answer(f"PutObject of a key that ends with {key!r}", "200", answer)
    for after in ("keys/a~", "keys/aB"):
        listed = world.source.client.list_objects_v2(
            Bucket=world.source.name, Prefix="keys/", StartAfter=after
        )
        seen = [one["Key"] for one in listed.get("Contents", ())]
        expected = sorted(f"keys/{key}" for key in keys if f"keys/{key}" > after)
        yield Answer(f"keys listed after {after!r}", str(expected), str(seen))


def said(request: Callable[..., Any], **parameters: Any) -> str:
    """Return status and code of an answer: "412 PreconditionFailed", or "200"."""
    try:
        answer = request(**parameters)
    except ClientError as refusal:
        answer = refusal.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    code = answer.get("Error", {}).get("Code", "")
    return f"{status} {code}".strip()
