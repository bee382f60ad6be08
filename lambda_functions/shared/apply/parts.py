"""The parts of a copy: where they begin in the source, and which worker copies which.

A multipart object's ETag depends on where its parts begin, so a copy keeps the ETag only if it is made of the same parts. Those
are guessed from the first one, or asked for. A guess costs nothing, because the HEAD that asks for the object's properties also
tells the size of its first part. Asking costs a GetObjectAttributes for 1,000 parts or, where S3 knows no sizes, a HEAD a part.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import SourceChanged, is_missing_part
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.etags import etag_of, part_count
from lambda_functions.shared.work_items import ToCopy

MB, GB = 1024**2, 1024**3
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PARTS = 10_000
MAX_PART_BYTES = 5 * GB
# The most that one CopyObject takes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
MAX_COPY_BYTES = 5 * GB
# The part size of objects that had none of their own, raised where 10,000 of them would not hold the object.
PART_BYTES = 512 * MB
# What one worker copies of a very large object.
GROUP_PARTS = 64
GROUP_BYTES = 64 * GB
# Part sizes are asked for side by side: at 90 ms a HEAD, one after the other, 10,000 of them would take a Lambda's whole life.
SIZE_THREADS = 32


@dataclass(frozen=True)
class Part:
    """One part: its number from 1, and the bytes first..last (both included) of the source that it copies."""

    number: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return self.last - self.first + 1

    @property
    def byte_range(self) -> str:
        """Return what CopySourceRange expects: `bytes=0-5242879`."""
        return f"bytes={self.first}-{self.last}"


def from_sizes(sizes: Iterable[int]) -> list[Part]:
    """Return the parts of these sizes, one after the other."""
    parts, position = [], 0
    for number, size in enumerate(sizes, 1):
        parts.append(Part(number, position, position + size - 1))
        position += size
    return parts


def uniform_parts(size: int, part_bytes: int) -> list[Part]:
    """Return the parts of an object all of whose parts but the last have one size."""
    count, rest = divmod(size, part_bytes)
    return from_sizes([part_bytes] * count + ([rest] if rest else []))


def default_parts(size: int) -> list[Part]:
    """Return parts for an object that was written in one piece but is too large to be copied in one."""
    return uniform_parts(size, max(PART_BYTES, -(-size // MAX_PARTS)))


def fits(size: int, first_part_bytes: int, count: int) -> bool:
    """Whether parts of the first one's size would be exactly `count` parts."""
    return first_part_bytes > 0 and -(-size // first_part_bytes) == count


def group_parts(parts: Sequence[Part]) -> list[dict[str, int]]:
    """Return consecutive parts for one worker each, `[{"first": 1, "last": 64}, ...]` (part numbers, both included)."""
    groups: list[dict[str, int]] = []
    size = 0
    for part in parts:
        size += part.size
        if not groups or part.number - groups[-1]["first"] >= GROUP_PARTS or size > GROUP_BYTES:
            groups.append({"first": part.number, "last": part.number})
            size = part.size
        else:
            groups[-1]["last"] = part.number
    return groups


def head_part(clients: Clients, run: Run, item: ToCopy, part: int | None) -> dict[str, Any]:
    """Return HeadObject's answer for a source object, or for one of its parts."""
    number = {"PartNumber": part} if part else {}
    answer: dict[str, Any] = clients.source.head_object(**run.source.object_parameters(item.key), **number)
    return answer


def head_first_part(clients: Clients, run: Run, item: ToCopy, count: int | None) -> dict[str, Any]:
    """Return HeadObject's answer for the first of `count` parts; for the whole object if that has none of number 1."""
    try:
        return head_part(clients, run, item, 1 if count else None)
    except ClientError as error:
        if not (count and is_missing_part(error)):
            raise
    return head_part(clients, run, item, None)


def is_listed(answer: Mapping[str, Any], item: ToCopy) -> bool:
    """Whether HeadObject has answered for the object that was listed."""
    return bool(etag_of(answer) == item.etag)


def guess_parts(item: ToCopy, first: Mapping[str, Any]) -> list[Part] | None:
    """Return parts of the first one's size, given HEAD's answer for that; None if those would not be as many as there are."""
    count = part_count(item.etag)
    if count and first.get("PartsCount") == count and fits(item.size, first["ContentLength"], count):
        return uniform_parts(item.size, first["ContentLength"])
    return None


def exact_parts(clients: Clients, run: Run, item: ToCopy, count: int) -> list[Part]:
    """Return the parts as they are; raise `SourceChanged` if they are not those of the object that was listed.

    Where the numbers of parts have gaps, such as 1, 3, 5, nobody tells where they begin: parts of our own are returned, with
    which the copy gets another ETag. Whether it is equal is then for checksums to tell, or cannot be proved.
    """
    sizes = _attribute_sizes(clients, run, item)
    if len(sizes) != count or sum(sizes) != item.size:
        sizes = _head_sizes(clients, run, item, count)
    if not sizes:
        return default_parts(item.size) or from_sizes([0])
    if sum(sizes) != item.size:
        raise SourceChanged(f"its {count} parts add up to {sum(sizes):,} bytes; listed were {item.size:,}")
    return from_sizes(sizes)


def _attribute_sizes(clients: Clients, run: Run, item: ToCopy) -> list[int]:
    """Return the part sizes that GetObjectAttributes knows: those of objects uploaded with checksums; else nothing."""
    sizes: list[int] = []
    marker = 0
    while True:
        answer = clients.source.get_object_attributes(
            **run.source.object_parameters(item.key),
            ObjectAttributes=["ObjectParts"],
            PartNumberMarker=marker,
        )
        page = answer.get("ObjectParts", {})
        sizes += [part["Size"] for part in page.get("Parts", ())]
        if not page.get("IsTruncated") or not page.get("Parts"):
            return sizes
        marker = page["NextPartNumberMarker"]


def _head_sizes(clients: Clients, run: Run, item: ToCopy, count: int) -> list[int]:
    """Return the part sizes by a HEAD each, side by side; nothing where the numbers have gaps.

    Raises `SourceChanged` where a part is missing because the object is another one now.
    """
    try:
        return list(
            _size_pool().map(lambda number: _head_size(clients, run, item, number), range(1, count + 1))
        )
    except ClientError as error:
        if not is_missing_part(error):
            raise
    if not is_listed(head_part(clients, run, item, None), item):
        raise SourceChanged(f"it does not have {count} parts any more")
    return []


def _head_size(clients: Clients, run: Run, item: ToCopy, number: int) -> int:
    answer = head_part(clients, run, item, number)
    if not is_listed(answer, item):
        raise SourceChanged(f"it was written anew while its {number}. part was asked for")
    return int(answer["ContentLength"])


@functools.cache
def _size_pool() -> ThreadPoolExecutor:
    """Return the threads that all objects of a worker share: a Lambda may have 1,024 of them, and a connection each is enough."""
    return ThreadPoolExecutor(SIZE_THREADS, thread_name_prefix="size")
