"""The checksums that S3 knows, computed here, so that what a server says of them can be checked.

Slow: two are in plain Python, as zlib and hashlib do not have them.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import zlib
from collections.abc import Sequence

# Bits and reversed polynomials: CRC32C of RFC 3720, CRC64NVME of the NVM Express command set.
_CRCS = {"CRC32C": (32, 0x82F63B78), "CRC64NVME": (64, 0x9A6C9329AC4BC9B5)}


def checksum(algorithm: str, body: bytes) -> str:
    """Return the checksum of some bytes as S3 writes it."""
    return base64.b64encode(_digest(algorithm, body)).decode()


def checksum_of_parts(algorithm: str, kind: str, bodies: Sequence[bytes]) -> str:
    """Return that of an object in parts: of all its bytes, or of the checksums of its parts, with their number.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
    """
    if kind == "FULL_OBJECT":
        return checksum(algorithm, b"".join(bodies))
    return f"{checksum(algorithm, b''.join(_digest(algorithm, body) for body in bodies))}-{len(bodies)}"


@functools.lru_cache(maxsize=64)
def _digest(algorithm: str, body: bytes) -> bytes:
    if algorithm in _CRCS:
        return _crc(*_CRCS[algorithm], body)
    return (
        zlib.crc32(body).to_bytes(4, "big") if algorithm == "CRC32" else hashlib.new(algorithm, body).digest()
    )


def _crc(bits: int, polynomial: int, body: bytes) -> bytes:
    table, value = _table(polynomial), (1 << bits) - 1
    for byte in body:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return (value ^ ((1 << bits) - 1)).to_bytes(bits // 8, "big")


@functools.cache
def _table(polynomial: int) -> list[int]:
    table = list(range(256))
    for _ in range(8):
        table = [value >> 1 ^ (polynomial if value & 1 else 0) for value in table]
    return table
