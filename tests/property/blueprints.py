"""Objects and worlds as they are written down: by what makes an object, not by what S3 then says of it."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oracle import Checksum, Encryption, Object, etag_of

CONTENT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
# Long ago, so that every copy is newer than everything that a world begins with.
THEN = 1_700_000_000
# What buckets encrypt with unless told otherwise.
S3_ITSELF = Encryption()


@dataclass(frozen=True)
class Blueprint:
    """How an object is made; `kms` is the key that makes its ETag opaque, under `word`; `checksum` an algorithm and a type."""

    body: bytes = b""
    parts: tuple[int, ...] = ()
    modified: int = THEN
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/plain"})
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    redirect: str | None = None
    storage_class: str = "STANDARD"
    is_restored: bool = False
    kms: str | None = None
    word: str = "aws:kms"
    checksum: tuple[str, str] | None = None

    def made(self) -> Object:
        """Return the object as S3 then has it."""
        return Object(
            self.body,
            self._etag(),
            self.modified,
            self.headers,
            self.metadata,
            self.tags,
            self.redirect,
            self.storage_class,
            self.is_restored and self.storage_class in ("GLACIER", "DEEP_ARCHIVE"),
            self.word if self.kms else None,
            checksum_of(self.body, self.parts, *self.checksum) if self.checksum else None,
            self.parts,
            kms_key=self.kms,
        )

    def _etag(self) -> str:
        plain = etag_of(self.body, self.parts)
        if not self.kms:
            return plain
        number = f"-{len(self.parts)}" if self.parts else ""
        return hashlib.md5(f"{self.kms} {plain}".encode()).hexdigest() + number


def checksum_of(body: bytes, parts: tuple[int, ...], algorithm: str, kind: str) -> Checksum:
    """Return a checksum as S3 computes it; one of parts is a checksum of checksums unless it is of the FULL_OBJECT type."""
    if kind == "FULL_OBJECT" or not parts:
        return Checksum(algorithm, "FULL_OBJECT", _text(_digest(algorithm, body)))
    digests, start = b"", 0
    for size in parts:
        digests += _digest(algorithm, body[start : start + size])
        start += size
    return Checksum(algorithm, "COMPOSITE", f"{_text(_digest(algorithm, digests))}-{len(parts)}")


def _digest(algorithm: str, body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "big") if algorithm == "CRC32" else hashlib.sha256(body).digest()


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


@dataclass(frozen=True)
class World:
    """Both buckets by absolute keys, and the input but for their names; in a world of one bucket, `source` is all of it.

    `encryption` is the default of the bucket that is written to.
    """

    source: Mapping[str, Object]
    destination: Mapping[str, Object]
    options: Mapping[str, Any]
    is_one_bucket: bool = False
    encryption: Encryption = S3_ITSELF
