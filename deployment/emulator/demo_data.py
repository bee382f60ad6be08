"""What the demo syncs: two buckets that differ in every way that matters, or a folder of the user's.

Not a test of its own: `demo` runs the sync, `verify` checks it. All content is made here and the same every time.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from boto3.s3.transfer import S3Transfer

from deployment.aws.installation import Clock
from deployment.console import Console
from deployment.errors import ConfigurationError
from deployment.text import one_line, quantity, size

UPLOADERS = 8
PART_BYTES = 5 * 1024**2
"""The least size of a part: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

LISTED_LATER_SECONDS = 1.1
"""Times in listings are cut to the second; what has changed must be newer than what is old."""

MAX_FOLDER_BYTES = 1024**3
"""Of a user's folder: the emulator keeps both buckets in memory."""

MAX_KEY_BYTES = 1024
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""

ODD_KEYS = (
    "odd/with space and  two.txt",
    "odd/plus+plus.txt",
    "odd/100%/50%25.txt",
    "odd/a&b<c>'d\".xml",
    "odd/semi;colon=equal?query#hash.txt",
    "odd/back\\slash~tilde|pipe^caret.txt",
    "odd/line\nbreak.txt",
    "odd//two slashes//.txt",
    "odd/up/../and/./here.txt",
    "odd/ends with dot.",
    "odd/März/Übersicht.txt",
    "odd/日本語/写真.txt",
    "odd/emoji/🎉🌍.txt",
    "odd/composed-é.txt",
    "odd/composed-e\u0301.txt",
    "odd/" + "long/" * 195 + "key.txt",
)

_HEADERS: tuple[dict[str, Any], ...] = (
    {"ContentType": "image/jpeg"},
    {"ContentType": "image/jpeg", "CacheControl": "max-age=3600"},
    {"ContentType": "text/html; charset=utf-8", "ContentLanguage": "de, en"},
    {"ContentType": "application/json", "ContentDisposition": 'attachment; filename="a b.json"'},
    {"ContentType": "text/plain", "ContentEncoding": "identity"},
)


@dataclass(frozen=True)
class Item:
    """One object to be put: `options` are PutObject's own parameters."""

    key: str
    content: bytes
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """How two buckets differ before they are synced, in objects."""

    missing: int
    changed: int
    orphaned: int
    equal: int
    source_bytes: int


def prepare(s3: Any, source: str, destination: str, clock: Clock) -> Scenario:
    """Fill both buckets and return how they differ."""
    missing, equal, changed = _missing_items(), _equal_items(), _changed_items()
    (before, after), orphans = zip(*changed, strict=True), _orphan_items()
    put_all(s3, destination, [*before, *orphans])
    old_until = clock.monotonic()
    put_all(s3, source, [*missing, *equal])
    multipart_bytes = put_multipart(s3, source, "films/holiday.mp4", parts=3)
    put_all(s3, destination, equal)
    clock.sleep(max(0.0, old_until + LISTED_LATER_SECONDS - clock.monotonic()))
    put_all(s3, source, after)
    total = sum(len(item.content) for item in [*missing, *equal, *after])
    return Scenario(len(missing) + 1, len(changed), len(orphans), len(equal), total + multipart_bytes)


def put_all(s3: Any, bucket: str, items: Iterable[Item]) -> None:
    """Put objects, several at a time."""
    with ThreadPoolExecutor(UPLOADERS) as pool:
        for _ in pool.map(lambda item: _put(s3, bucket, item), items):
            pass


def put_multipart(s3: Any, bucket: str, key: str, parts: int) -> int:
    """Put an object of some parts of 5 MiB and a rest; return its size in bytes."""
    options = {"ContentType": "video/mp4", "Metadata": {"camera": "old"}, "Tagging": "kind=film"}
    upload = {"Bucket": bucket, "Key": key}
    upload["UploadId"] = s3.create_multipart_upload(**upload, **options)["UploadId"]
    contents = [_noise(key, PART_BYTES)] * parts + [_noise(key, 123_456)]
    done = [
        {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=content)["ETag"]}
        for number, content in enumerate(contents, 1)
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": done})
    return sum(map(len, contents))


@dataclass(frozen=True)
class Folder:
    """The user's files by their keys, and a sentence for each one that cannot become an object."""

    path: Path
    files: Mapping[str, Path]
    left_out: tuple[str, ...]
    size_bytes: int


def read_folder(path: Path) -> Folder:
    """Return what a folder holds; raise ConfigurationError if it is missing, empty or larger than 1 GiB."""
    if not path.is_dir():
        raise ConfigurationError(f"{path} is not a folder. Name one whose files become the source bucket.")
    files: dict[str, Path] = {}
    left_out: list[str] = []
    for found in _walk(path):
        key = found.relative_to(path).as_posix()
        reason = _rejection_reason(found, key)
        if reason:
            left_out.append(f"{one_line(key)}: {reason}")
        else:
            files[key] = found
    size_bytes = sum(found.stat().st_size for found in files.values())
    if not files:
        raise ConfigurationError(f"{path} has no files. Name a folder whose files become the source bucket.")
    if size_bytes > MAX_FOLDER_BYTES:
        raise ConfigurationError(
            f"{path} has {size(size_bytes)} in {len(files):,} files; the demo takes {size(MAX_FOLDER_BYTES)} at most, "
            "because the emulator keeps both buckets in memory. Name a smaller folder."
        )
    return Folder(path, files, tuple(left_out), size_bytes)


def upload(s3: Any, bucket: str, folder: Folder, console: Console) -> Scenario:
    """Put all files of a folder; return how the buckets differ then."""
    transfer = S3Transfer(s3)
    for sentence in folder.left_out:
        console.warning(f"Left out: {sentence}")
    with console.progress(f"Uploading {folder.path}") as shown:
        for number, (key, path) in enumerate(folder.files.items(), 1):
            kind, encoding = mimetypes.guess_type(path.name)
            headers = {"ContentType": kind, "ContentEncoding": encoding}
            given = {name: value for name, value in headers.items() if value}
            transfer.upload_file(str(path), bucket, key, extra_args=given)
            shown.update(f"{number:,} of {quantity(len(folder.files), 'file')}")
    console.step(f"Uploaded {quantity(len(folder.files), 'file')}, {size(folder.size_bytes)}.")
    return Scenario(len(folder.files), 0, 0, 0, folder.size_bytes)


def _put(s3: Any, bucket: str, item: Item) -> None:
    s3.put_object(Bucket=bucket, Key=item.key, Body=item.content, **item.options)


def _missing_items() -> list[Item]:
    """Objects that only the source has."""
    photos = [_item(f"photos/2026/{number % 12 + 1:02d}/{number:04d}.jpg", number) for number in range(120)]
    odd = [_item(key, number) for number, key in enumerate(ODD_KEYS)]
    marker = Item("photos/2026/", b"")
    redirect = Item(
        "old-page.html", b"", {"WebsiteRedirectLocation": "/new-page.html", "ContentType": "text/html"}
    )
    return [*photos, *odd, marker, redirect]


def _equal_items() -> list[Item]:
    """Objects that both have: an earlier sync has copied them."""
    return [_item(f"archive/{number:04d}.bin", number) for number in range(100)]


def _changed_items() -> list[tuple[Item, Item]]:
    """Objects that both have, as they are at the destination and at the source."""
    whole = [_item(f"pages/{number:03d}.html", number) for number in range(30)]
    longer = [(replace(item, content=item.content + b"old"), item) for item in whole[:10]]
    other = [(replace(item, content=item.content[::-1]), item) for item in whole[10:20]]
    retyped = [(replace(item, options={"Metadata": {"state": "draft"}}), item) for item in whole[20:]]
    return [*longer, *other, *retyped]


def _orphan_items() -> list[Item]:
    """Objects that only the destination has."""
    return [_item(f"deleted long ago/{number:03d}.tmp", number) for number in range(40)]


def _item(key: str, number: int) -> Item:
    """An object with some bytes, content headers, and now and then user metadata and tags."""
    options = dict(_HEADERS[number % len(_HEADERS)])
    if number % 3 == 0:
        options["Metadata"] = {"number": str(number), "taken-by": "a+b&c d"}
    if number % 4 == 0:
        options["Tagging"] = f"team=photos&number={number}"
    return Item(key, _noise(key, 200 + 37 * number), options)


def _noise(seed: str, size_bytes: int) -> bytes:
    """Bytes that look random and are the same every time."""
    return hashlib.shake_128(seed.encode()).digest(size_bytes)


def _walk(path: Path) -> Iterator[Path]:
    """Yield everything in a folder but folders with something in them, in order; links to folders are not followed."""
    for found in sorted(path.iterdir()):
        if found.is_dir() and not found.is_symlink() and os.access(found, os.R_OK) and any(found.iterdir()):
            yield from _walk(found)
        else:
            yield found


def _rejection_reason(path: Path, key: str) -> str | None:
    """Return why something in a folder cannot become an object; None if it can."""
    if path.is_dir():
        return "a link to a folder" if path.is_symlink() else "an empty folder, or one that cannot be read"
    if not path.is_file():
        return "neither a file nor a folder"
    if not os.access(path, os.R_OK):
        return "it cannot be read"
    try:
        too_long = len(key.encode()) > MAX_KEY_BYTES
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    return f"its key has more than {MAX_KEY_BYTES:,} bytes" if too_long else None
