"""Part arithmetic of multipart copies, pure.

A multipart object's ETag depends on where its parts begin, so a copy keeps the ETag only if it is made of the same parts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

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
_MD5 = re.compile(r"[0-9a-f]{32}")


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


def of_sizes(sizes: Sequence[int]) -> list[Part]:
    """Return the parts of these sizes, one behind the other."""
    parts, position = [], 0
    for number, size in enumerate(sizes, 1):
        parts.append(Part(number, position, position + size - 1))
        position += size
    return parts


def uniform(size: int, part_bytes: int) -> list[Part]:
    """Return the parts of an object all of whose parts but the last have one size."""
    whole, rest = divmod(size, part_bytes)
    return of_sizes([part_bytes] * whole + ([rest] if rest else []))


def default(size: int) -> list[Part]:
    """Return parts for an object that was written in one piece but is too large to be copied in one."""
    return uniform(size, max(PART_BYTES, -(-size // MAX_PARTS)))


def fits(size: int, first_part_bytes: int, count: int) -> bool:
    """Whether parts of the first one's size would be exactly `count` parts."""
    return first_part_bytes > 0 and -(-size // first_part_bytes) == count


def groups(parts: Sequence[Part]) -> list[dict[str, int]]:
    """Return runs of parts for one worker each, `[{"first": 1, "last": 64}, ...]` (part numbers, both included)."""
    made: list[dict[str, int]] = []
    held = 0
    for part in parts:
        full = made and (part.number - made[-1]["first"] >= GROUP_PARTS or held + part.size > GROUP_BYTES)
        if not made or full:
            made.append({"first": part.number, "last": part.number})
            held = part.size
        else:
            made[-1]["last"] = part.number
            held += part.size
    return made


def looks_like_md5(etag: str) -> bool:
    """Whether an ETag without quotes has the form of an MD5: 32 hexadecimal digits."""
    return bool(_MD5.fullmatch(etag))


def combined_etag(part_etags: Sequence[str]) -> str | None:
    """Return the ETag that S3 gives to an upload of parts with these ETags (no quotes); None where they are not MD5s."""
    if not all(looks_like_md5(etag) for etag in part_etags):
        return None
    whole = hashlib.md5(b"".join(bytes.fromhex(etag) for etag in part_etags), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(part_etags)}"
