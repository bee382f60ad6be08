"""Two buckets with keys of a shape (`shapes`), that differ as the invented ones do: one key in 1,000 of each kind."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from benchmarks.invented import LAST, InventedObject
from benchmarks.shapes import SHAPES

CHANGED, MISSING, EVERY = 250, 500, 1000
ORPHANED = "~orphaned"
SIZE, MODIFIED = 1000, "2026-01-10T08:30:00.000Z"
_TAIL = (
    "</Key><LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
    "<ChecksumType>FULL_OBJECT</ChecksumType><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


class ShapedBucket:
    """Keys in order, all alike but for those of `changed`; positions count them from 0."""

    def __init__(self, keys: Sequence[str], changed: frozenset[str] = frozenset()) -> None:
        self._keys, self._changed = keys, changed
        self._encoded = [f"<Contents><Key>{quote_plus(key, safe='/')}".encode() for key in keys]
        self._tails = [self._tail(self._object(key)) for key in ("", *sorted(changed)[:1])]

    def __len__(self) -> int:
        return len(self._keys)

    def after(self, key: str) -> int:
        """Return the position of the first key that is greater."""
        return bisect_right(self._keys, key)

    def span(self, prefix: str) -> tuple[int, int]:
        """Return the positions of the keys that begin so: from, and up to but without."""
        return bisect_left(self._keys, prefix), self.after(prefix + LAST)

    def find(self, key: str) -> InventedObject | None:
        """Return the object of this key."""
        position = self.after(key) - 1
        return self._object(key) if position >= 0 and self._keys[position] == key else None

    def contents(self, first: int, end: int, encoded: bool) -> bytes:
        """Return the Contents elements of the positions from `first` up to but without `end`."""
        keys = self._keys[first:end]
        begins = (
            self._encoded[first:end]
            if encoded
            else [f"<Contents><Key>{escape(key)}".encode() for key in keys]
        )
        pairs = zip(begins, keys, strict=True)
        return b"".join(begin + self._tails[key in self._changed] for begin, key in pairs)

    def _object(self, key: str) -> InventedObject:
        if key in self._changed:
            return InventedObject(key, "f" * 32, SIZE + 1, "2026-03-01T12:00:00.000Z")
        return InventedObject(key, "0" * 32, SIZE, MODIFIED)

    @staticmethod
    def _tail(one: InventedObject) -> bytes:
        return (_TAIL % (one.modified, one.etag, one.size)).encode()


def shaped_pair(shape: str, count: int) -> dict[str, ShapedBucket]:
    """Return the buckets `source` and `destination` of at least so many keys; a plan of them is `invented.expected_plan`."""
    keys = SHAPES[shape](-(-count // EVERY) * EVERY)
    there = sorted(key + ORPHANED if at % EVERY == MISSING else key for at, key in enumerate(keys))
    return {"source": ShapedBucket(keys, frozenset(keys[CHANGED::EVERY])), "destination": ShapedBucket(there)}
