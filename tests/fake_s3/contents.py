"""Content of any size without its bytes: a row of extents, each a piece of a seed; real bytes are a seed of their own.

Two contents are equal if and only if they would be the same bytes, as long as a seed stands for bytes that nothing else has.
"""

from __future__ import annotations

import base64
import bisect
import functools
import hashlib
import itertools
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MB, GB = 1024**2, 1024**3


@dataclass(frozen=True)
class Extent:
    """`size` bytes from `start` on of what a seed stands for; a seed of bytes is those bytes, from 0 to their end."""

    seed: str | bytes
    start: int
    size: int

    def cut(self, first: int, size: int) -> Extent:
        """Return a piece of this extent."""
        if isinstance(self.seed, bytes):
            return Extent(self.seed[first : first + size], 0, size)
        return Extent(self.seed, self.start + first, size)

    def followed_by(self, other: Extent) -> Extent | None:
        """Return both as one extent, if that is what they are."""
        if isinstance(self.seed, bytes) and isinstance(other.seed, bytes):
            return Extent(self.seed + other.seed, 0, self.size + other.size)
        if self.seed == other.seed and self.start + self.size == other.start:
            return Extent(self.seed, self.start, self.size + other.size)
        return None


@dataclass(frozen=True)
class Content:
    """What an object holds."""

    extents: tuple[Extent, ...]
    size: int

    @classmethod
    def of(cls, body: bytes) -> Content:
        """Return the content that is these bytes."""
        return cls((Extent(body, 0, len(body)),) if body else (), len(body))

    @classmethod
    def virtual(cls, seed: str, size: int) -> Content:
        """Return so many bytes that exist only by name."""
        return cls((Extent(seed, 0, size),) if size else (), size)

    @classmethod
    def joined(cls, contents: Iterable[Content]) -> Content:
        """Return contents one behind the other."""
        extents: list[Extent] = []
        for extent in (extent for content in contents for extent in content.extents):
            both = extents[-1].followed_by(extent) if extents else None
            extents[-1:] = [both] if both else [*extents[-1:], extent]
        return cls(tuple(extents), sum(extent.size for extent in extents))

    def part(self, first: int, size: int) -> Content:
        """Return `size` bytes from `first` on."""
        pieces, number = [], max(bisect.bisect_right(self._starts, first) - 1, 0)
        while number < len(self.extents) and self._starts[number] < first + size:
            position, extent = self._starts[number], self.extents[number]
            begin, end = max(first, position), min(first + size, position + extent.size)
            if begin < end:
                pieces.append(extent.cut(begin - position, end - begin))
            number += 1
        return Content(tuple(pieces), sum(piece.size for piece in pieces))

    def body(self) -> bytes:
        """Return the bytes; those of a virtual content nobody has."""
        assert all(isinstance(extent.seed, bytes) for extent in self.extents), (
            "virtual content cannot be read"
        )
        return b"".join(extent.seed for extent in self.extents if isinstance(extent.seed, bytes))

    def md5(self) -> str:
        """Return the MD5 of the bytes, or of their description where there are none."""
        return hashlib.md5(self._identity(), usedforsecurity=False).hexdigest()

    def checksum(self, algorithm: str) -> str:
        """Return the checksum of the whole content, in S3's form; of a known algorithm for bytes the true one."""
        return base64.b64encode(_digest(algorithm, self._identity())).decode()

    @functools.cached_property
    def _starts(self) -> list[int]:
        return list(itertools.accumulate((extent.size for extent in self.extents), initial=0))[:-1]

    def _identity(self) -> bytes:
        if all(isinstance(extent.seed, bytes) for extent in self.extents):
            return self.body()
        return repr(self.extents).encode()


def composite(algorithm: str, part_checksums: Sequence[str]) -> str:
    """Return the checksum of the checksums of parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html"""
    whole = b"".join(base64.b64decode(checksum) for checksum in part_checksums)
    return f"{base64.b64encode(_digest(algorithm, whole)).decode()}-{len(part_checksums)}"


def combined_etag(part_etags: Sequence[str]) -> str:
    """Return the ETag of a multipart upload of parts with these MD5s."""
    whole = b"".join(bytes.fromhex(etag) for etag in part_etags)
    return f"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}-{len(part_etags)}"


# Of no bytes: the published test vectors of https://github.com/Cyan4973/xxHash; a CRC of nothing is 0.
_OF_NOTHING = {
    "CRC32C": "00000000",
    "CRC64NVME": "0000000000000000",
    "XXHASH64": "ef46db3751d8e999",
    "XXHASH3": "2d06800538d394c2",
    "XXHASH128": "99aa06d3014798d86001c324468d497f",
}


def _digest(algorithm: str, data: bytes) -> bytes:
    if not data and algorithm in _OF_NOTHING:
        return bytes.fromhex(_OF_NOTHING[algorithm])
    if algorithm == "CRC32":
        return zlib.crc32(data).to_bytes(4, "big")
    if algorithm in ("SHA1", "SHA256", "SHA512", "MD5"):
        return hashlib.new(algorithm.lower(), data, usedforsecurity=False).digest()
    return hashlib.blake2b(data, digest_size=8, person=algorithm.encode()).digest()
