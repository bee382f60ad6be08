"""What is synced and judged: ordinary objects, and one of each kind of key that some program stumbles over.

Each kind has a folder of its own, so that a program which fails at one is still asked about the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MB = 1024**2
BODY = b"judged"


@dataclass(frozen=True)
class Kind:
    """Keys under `folder`, and how each is written: `put(client, bucket, key)`."""

    name: str
    folder: str
    keys: tuple[str, ...]
    put: Callable[[Any, str, str], None]

    def full_keys(self) -> list[str]:
        """Return the keys as the buckets have them."""
        return [self.folder + key for key in self.keys]


def put_plain(client: Any, bucket: str, key: str) -> None:
    """Write a few bytes."""
    client.put_object(Bucket=bucket, Key=key, Body=BODY)


def put_empty(client: Any, bucket: str, key: str) -> None:
    """Write no bytes."""
    client.put_object(Bucket=bucket, Key=key, Body=b"")


def put_described(client: Any, bucket: str, key: str) -> None:
    """Write an object with headers, metadata and tags."""
    client.put_object(
        Bucket=bucket,
        Key=key,
        Body=BODY,
        ContentType="text/plain",
        CacheControl="max-age=60",
        ContentLanguage="de",
        Metadata={"colour": "blue", "size": "XL"},
        Tagging="team=red&stage=live",
    )


def put_parts(client: Any, bucket: str, key: str) -> None:
    """Write an object in three parts, of 5 MB, 5 MB and some bytes: not the parts that any of the peers would make."""
    place = {"Bucket": bucket, "Key": key}
    place["UploadId"] = client.create_multipart_upload(**place)["UploadId"]
    parts = []
    for number, body in enumerate((b"a" * 5 * MB, b"b" * 5 * MB, BODY), 1):
        etag = client.upload_part(**place, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})


def kinds() -> tuple[Kind, ...]:
    """Return all kinds, the ordinary ones first."""
    odd = [
        ("space at both ends", " a "),
        ("`+`, `%`, `&`, `=`, `?` and `#`", "a+b%20c&d=e?f#g"),
        ("quotes, `<` and `>`", "'\"<a>"),
        ("`*`, `[` and `{`", "*[a]{b}"),
        ("letters of many alphabets", "ünï/日本/ключ/😀"),
        ("an accent of its own character", "cafe\u0301"),
        ("a folder's marker", "folder/"),
        ("`//`", "a//b"),
        ("`/` in front", "/a"),
        ("`.` and `..`", "./a/../b"),
        ("a backslash", "a\\b"),
        ("a tab", "a\tb"),
        ("a line's end", "a\nb"),
        ("U+0001", "a\u0001b"),
    ]
    return (
        Kind("ordinary objects", "00/", ("a.txt", "b.txt", "deep/er/c.txt"), put_plain),
        Kind("no bytes", "01/", ("empty",), put_empty),
        Kind("headers, metadata, tags", "02/", ("described",), put_described),
        Kind("in three parts, 10 MB", "03/", ("parts",), put_parts),
        Kind("a key of 1,024 bytes", "04/", ("k" * 1021,), put_plain),
        *(Kind(name, f"{number:02d}/", (key,), put_plain) for number, (name, key) in enumerate(odd, 5)),
    )
