"""Buckets on moto as tests want them: objects of any age, and snapshots to compare.

Everything is written with a client that the wire does not see, so only what the product sends is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fake_s3.stored import HEADERS, HOUR
from machine_on_moto import REGION, client
from wire import stored, tags_of


@dataclass(frozen=True)
class Stored:
    """Everything of one object that a sync has to carry over."""

    body: bytes
    etag: str
    headers: tuple[tuple[str, Any], ...]
    metadata: tuple[tuple[str, str], ...]
    tags: tuple[tuple[str, str], ...]
    redirect: str | None
    storage_class: str


@dataclass(frozen=True)
class Bucket:
    """One bucket; objects are an hour old unless something else is said, so that they are older than any copy."""

    name: str
    client: Any

    def put(self, key: str, body: bytes | str = b"", age_seconds: float = HOUR, **more: Any) -> str:
        """Write an object; return its ETag without quotes."""
        answer = self.client.put_object(Bucket=self.name, Key=key, Body=body, **more)
        self.set_age(key, age_seconds)
        return str(answer["ETag"].strip('"'))

    def put_parts(self, key: str, *bodies: bytes, age_seconds: float = HOUR, **more: Any) -> str:
        """Write an object as a multipart upload of these parts; return its ETag without quotes."""
        place = {"Bucket": self.name, "Key": key}
        upload = self.client.create_multipart_upload(**place, **more)
        place["UploadId"] = upload["UploadId"]
        parts = [
            {
                "PartNumber": number,
                "ETag": self.client.upload_part(**place, PartNumber=number, Body=body)["ETag"],
            }
            for number, body in enumerate(bodies, 1)
        ]
        answer = self.client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
        self.set_age(key, age_seconds)
        return str(answer["ETag"].strip('"'))

    def put_all(self, bodies: dict[str, Any], age_seconds: float = HOUR) -> None:
        """Write an object for each key."""
        for key, body in bodies.items():
            self.put(key, body, age_seconds)

    def set_age(self, key: str, age_seconds: float) -> None:
        """Make an object so many seconds old; moto takes no LastModified from anybody."""
        stored(self.name, key).last_modified = datetime.now(UTC).replace(tzinfo=None) - timedelta(
            seconds=age_seconds
        )

    def alter(self, key: str, **attributes: Any) -> None:
        """Set attributes of moto's own object, such as its ETag, for what moto never makes by itself."""
        found = stored(self.name, key)
        for name, value in attributes.items():
            assert hasattr(found, name), f"moto has no {name} any more"
            setattr(found, name, value)

    def delete(self, *keys: str) -> None:
        """Delete objects."""
        for key in keys:
            self.client.delete_object(Bucket=self.name, Key=key)

    def drop(self) -> None:
        """Delete the bucket with all that is in it."""
        self.delete(*self.keys())
        self.client.delete_bucket(Bucket=self.name)

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys, in order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def bodies(self) -> dict[str, bytes]:
        """Return what each key holds."""
        return {key: stored(self.name, key).value for key in self.keys()}

    def etag(self, key: str) -> str:
        """Return an object's ETag without quotes."""
        return str(stored(self.name, key).etag.strip('"'))

    def stored(self, key: str) -> Stored:
        """Return one object."""
        answer = self.client.head_object(Bucket=self.name, Key=key)
        found = stored(self.name, key)
        tags = tags_of(found)
        return Stored(
            found.value,
            answer["ETag"].strip('"'),
            tuple((name, answer[name]) for name in HEADERS if name in answer),
            tuple(sorted(answer["Metadata"].items())),
            tuple(sorted(tags.items())),
            answer.get("WebsiteRedirectLocation"),
            answer.get("StorageClass", "STANDARD"),
        )

    def snapshot(self, prefix: str = "") -> dict[str, Stored]:
        """Return everything under a prefix, by the rest of its key."""
        return {key.removeprefix(prefix): self.stored(key) for key in self.keys(prefix)}

    def uploads(self) -> list[str]:
        """Return the keys of multipart uploads under way."""
        found = self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", ())
        return [upload["Key"] for upload in found]


def make(name: str, region: str = REGION) -> Bucket:
    """Return a new, empty bucket."""
    s3 = client("s3", region)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    return Bucket(name, s3)


def in_class(snapshot: dict[str, Stored], storage_class: str) -> dict[str, Stored]:
    """Return a snapshot as it looks in another storage class."""
    return {key: replace(found, storage_class=storage_class) for key, found in snapshot.items()}
