"""The independent check of the demo: reads two buckets whole and says in what they differ.

It shares no code and no idea with `lambda_functions/`: it does not look at ETags or times, it reads every object of
both buckets and compares what was read. That is far too dear for a sync, and just right to check one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

READERS = 8

_CONTENT_HEADERS = (
    *(
        "CacheControl",
        "ContentDisposition",
        "ContentEncoding",
        "ContentLanguage",
        "ContentType",
        "ExpiresString",
    ),
    *("WebsiteRedirectLocation", "StorageClass"),
)


@dataclass(frozen=True)
class ObjectContent:
    """Everything about an object that a sync has to carry over; the names of the fields appear in `differences`."""

    size_bytes: int
    sha256: str
    content_headers: Mapping[str, str]
    user_metadata: Mapping[str, str]
    tags: Mapping[str, str]


def read(s3: Any, bucket: str) -> dict[str, ObjectContent]:
    """Return all objects of a bucket by their keys."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
    with ThreadPoolExecutor(READERS) as pool:
        return dict(zip(keys, pool.map(lambda key: read_object(s3, bucket, key), keys), strict=True))


def read_object(s3: Any, bucket: str, key: str) -> ObjectContent:
    """Return one object; its content is read through, not kept."""
    answer = s3.get_object(Bucket=bucket, Key=key)  # with every header that a HEAD would tell
    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in answer["Body"].iter_chunks(1024 * 1024):
        digest.update(chunk)
        size_bytes += len(chunk)
    return ObjectContent(
        size_bytes,
        digest.hexdigest(),
        {name: str(answer[name]) for name in _CONTENT_HEADERS if answer.get(name)},
        answer["Metadata"],
        {tag["Key"]: tag["Value"] for tag in tags},
    )


def differences(
    source: Mapping[str, ObjectContent], destination: Mapping[str, ObjectContent]
) -> Iterator[str]:
    """Yield a sentence for every key that is not the same on both sides; nothing if the buckets are equal."""
    for key in sorted(source.keys() | destination.keys()):
        if key not in destination:
            yield f"{key!r} is missing in the destination"
        elif key not in source:
            yield f"{key!r} is in the destination only"
        else:
            unequal = [
                field.name
                for field in fields(ObjectContent)
                if _field_of(source, key, field.name) != _field_of(destination, key, field.name)
            ]
            for name in unequal:
                yield f"{key!r}: {name} is {_field_of(destination, key, name)!r}, expected {_field_of(source, key, name)!r}"


def _field_of(side: Mapping[str, ObjectContent], key: str, name: str) -> Any:
    return getattr(side[key], name)
