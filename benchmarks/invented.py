"""Two invented buckets of any size, which are never stored: every page of their listings is made when it is asked for.

Both hold folders of a thousand objects. In each folder one object is missing at the destination, one has changed, and one is
orphaned, so that 0.1 % of each kind is spread over the whole bucket and a plan can be checked by counting. A folder is a
template in which the folder's number is replaced by one pass over bytes: a page of 1,000 objects takes less than a millisecond,
so that what is measured is the clients.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

FOLDER_KEYS = 1000
LAST = "\U0010ffff"
# Where a folder's number goes; as long as a number, and in no other text of a page.
_NUMBER = "@@@@@@"
_CHANGED, _MISSING, _ORPHANED = 250, 500, 750
_ODD_NAMES = 50
"""One name in so many has a space and a letter outside ASCII."""


@dataclass(frozen=True)
class InventedObject:
    """What a listing tells of one object; `key` and `etag` hold the place of the folder's number."""

    key: str
    etag: str
    size: int
    modified: str

    def as_xml(self, to_text: Callable[[str], str]) -> bytes:
        """Return the Contents element that S3 sends today, its elements in S3's order."""
        return (
            f"<Contents><Key>{to_text(self.key)}</Key><LastModified>{self.modified}</LastModified>"
            f"<ETag>&quot;{self.etag}&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
            f"<ChecksumType>FULL_OBJECT</ChecksumType><Size>{self.size}</Size>"
            f"<StorageClass>STANDARD</StorageClass></Contents>"
        ).encode()


def _source_object(index: int) -> InventedObject:
    name = f"img {index:04d} ü.jpg" if index % _ODD_NAMES == 7 else f"img-{index:04d}.jpg"
    key = f"photos/{_NUMBER}/{name}"
    etag = hashlib.md5(key.encode()).hexdigest()[:26] + _NUMBER
    return InventedObject(key, etag, 1000 + 17 * index, "2026-01-10T08:30:00.000Z")


def _changed(found: InventedObject) -> InventedObject:
    """Return the source's newer version: every peer must see it by size, time or ETag."""
    etag = found.etag.translate(str.maketrans("0123456789abcdef", "fedcba9876543210"))
    return InventedObject(found.key, etag, found.size + 1, "2026-03-01T12:00:00.000Z")


def _copied(found: InventedObject) -> InventedObject:
    return InventedObject(found.key, found.etag, found.size, "2026-02-10T08:30:00.000Z")


def _source_folder() -> list[InventedObject]:
    objects = [_source_object(index) for index in range(FOLDER_KEYS)]
    objects[_CHANGED] = _changed(objects[_CHANGED])
    return sorted(objects, key=lambda one: one.key)


def _destination_folder() -> list[InventedObject]:
    objects = [_copied(_source_object(index)) for index in range(FOLDER_KEYS)]
    was = objects[_ORPHANED]
    objects[_MISSING] = InventedObject(was.key.replace(".", "-old."), was.etag, was.size, was.modified)
    return sorted(objects, key=lambda one: one.key)


class Bucket(Protocol):
    """A bucket that the endpoint lists; positions count its objects from 0, in order."""

    def __len__(self) -> int: ...

    def after(self, key: str) -> int:
        """Return the position of the first key that is greater."""

    def span(self, prefix: str) -> tuple[int, int]:
        """Return the positions of the keys that begin so: from, and up to but without."""

    def find(self, key: str) -> InventedObject | None:
        """Return the object of this key."""

    def contents(self, first: int, end: int, encoded: bool) -> bytes:
        """Return the Contents elements of positions, keys URL-encoded if asked for."""


class InventedBucket:
    """One side: `folders` times the objects of a template folder; positions count its objects from 0, in order."""

    def __init__(self, template: list[InventedObject], folders: int) -> None:
        self._template = template
        self._folders = folders
        self._as_text = [one.as_xml(escape) for one in template]
        self._as_url = [one.as_xml(lambda key: quote_plus(key, safe="/@")) for one in template]

    def __len__(self) -> int:
        return self._folders * len(self._template)

    def key_at(self, position: int) -> str:
        """Return the key at a position."""
        return self.object_at(position).key

    def object_at(self, position: int) -> InventedObject:
        """Return the object at a position, the folder's number in its place."""
        folder, index = divmod(position, len(self._template))
        found, number = self._template[index], f"{folder:06d}"
        return InventedObject(
            found.key.replace(_NUMBER, number),
            found.etag.replace(_NUMBER, number),
            found.size,
            found.modified,
        )

    def after(self, key: str) -> int:
        """Return the position of the first key that is greater."""
        return bisect.bisect_right(range(len(self)), key, key=self.key_at)

    def span(self, prefix: str) -> tuple[int, int]:
        """Return the positions of the keys that begin so: from, and up to but without."""
        first = bisect.bisect_left(range(len(self)), prefix, key=self.key_at)
        return first, self.after(prefix + LAST)

    def find(self, key: str) -> InventedObject | None:
        """Return the object of this key."""
        position = self.after(key) - 1
        return self.object_at(position) if position >= 0 and self.key_at(position) == key else None

    def contents(self, first: int, end: int, encoded: bool) -> bytes:
        """Return the Contents elements of the positions from `first` up to but without `end`, keys URL-encoded if asked for."""
        parts = []
        while first < end:
            folder, begin = divmod(first, len(self._template))
            stop = min(len(self._template), begin + end - first)
            parts.append(self._cut(begin, stop, encoded).replace(_NUMBER.encode(), b"%06d" % folder))
            first += stop - begin
        return b"".join(parts)

    @functools.lru_cache(maxsize=256)  # noqa: B019 - lives as long as the endpoint
    def _cut(self, begin: int, stop: int, encoded: bool) -> bytes:
        return b"".join((self._as_url if encoded else self._as_text)[begin:stop])


def invented_pair(keys: int) -> dict[str, InventedBucket]:
    """Return the buckets `source` and `destination` of at least so many keys, whole folders each."""
    folders = -(-keys // FOLDER_KEYS)
    return {
        "source": InventedBucket(_source_folder(), folders),
        "destination": InventedBucket(_destination_folder(), folders),
    }


def expected_plan(keys: int) -> dict[str, int]:
    """Return what has to be copied and deleted to make the destination equal."""
    folders = -(-keys // FOLDER_KEYS)
    return {"copy": 2 * folders, "delete": folders}
