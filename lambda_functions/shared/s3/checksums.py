"""Checksums of parts: which of them a client can carry, those of no bytes, and that of an upload in one part. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping
from typing import Any

from lambda_functions.shared.s3.etags import CHECKSUMS

# What Python can compute; a COMPOSITE checksum of one part follows from that of its bytes.
_HASHES = ("SHA256", "SHA1", "SHA512", "MD5")
COMPUTABLE = ("CRC32", "CRC32C", *_HASHES)
# The checksums of no bytes at all, by algorithm. botocore would send a CRC32, which S3 refuses in an upload that has another
# algorithm, or none: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
CHECKSUMS_OF_NOTHING = {
    "CRC64NVME": "AAAAAAAAAAA=",
    "CRC32C": "AAAAAA==",
    "CRC32": "AAAAAA==",
    "SHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "SHA1": "2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
    "SHA512": "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
    "MD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
    "XXHASH64": "70bbN1HY6Zk=",
    "XXHASH3": "LQaABTjTlMI=",
    "XXHASH128": "maoG0wFHmNhgAcMkRo1Jfw==",
}


def carried_checksum(client: Any, algorithm: str, kind: str) -> dict[str, str]:
    """Return the parameters that open an upload with a checksum, nothing where the client's own model cannot carry it to the end.

    The botocore of a Lambda runtime may be older than an algorithm: it would drop the checksums of parts from S3's answers, and
    S3 would refuse to complete an upload that was opened with it. One older than the types can open uploads of the default only:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
    """
    model = client.meta.service_model
    known = model.operation_model("CreateMultipartUpload").input_shape.members
    completed = model.shape_for("CompletedPart").members
    if algorithm not in known["ChecksumAlgorithm"].enum or f"Checksum{algorithm}" not in completed:
        return {}
    if "ChecksumType" in known:
        return {"ChecksumAlgorithm": algorithm, **({"ChecksumType": kind} if kind else {})}
    return {"ChecksumAlgorithm": algorithm} if kind in ("", "COMPOSITE") else {}


def checksum_of_nothing(algorithm: str) -> dict[str, str]:
    """Return the parameter of UploadPart for an empty part; nothing where the upload has no algorithm."""
    return {f"Checksum{algorithm}": CHECKSUMS_OF_NOTHING[algorithm]} if algorithm else {}


def same_checksum(source: Mapping[str, Any], destination: Mapping[str, Any]) -> bool | None:
    """Return whether the checksums in two answers of HeadObject are of the same bytes; None where they cannot tell.

    They can where both have one of the same algorithm and type, or one is the COMPOSITE of one part and the other of the whole.
    """
    has_one_type = source.get("ChecksumType") == destination.get("ChecksumType")
    common = [name for name in CHECKSUMS if source.get(name) and destination.get(name)]
    answers = [_same_value(name, source[name], destination[name], has_one_type) for name in common]
    known = [answer for answer in answers if answer is not None]
    return all(known) if known else None


def composite_of_one(algorithm: str, whole: str) -> str | None:
    """Return the COMPOSITE checksum of an upload in one part, given that of its bytes; None where Python cannot compute it.

    It is the checksum of the checksums of all parts, here of one:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html#large-object-checksums
    """
    if algorithm not in COMPUTABLE:
        return None
    return f"{base64.b64encode(_digest(algorithm, base64.b64decode(whole))).decode()}-1"


def _same_value(name: str, value: str, other: str, has_one_type: bool) -> bool | None:
    """Compare two values; the form `...-N` tells a COMPOSITE one, also where botocore or S3 is too old to name its type."""
    if ("-" in value) == ("-" in other):
        return value == other if has_one_type else None
    composite, whole = (value, other) if "-" in value else (other, value)
    expected = composite_of_one(name.removeprefix("Checksum"), whole) if composite.endswith("-1") else None
    return None if expected is None else expected == composite


def _digest(algorithm: str, data: bytes) -> bytes:
    if algorithm in _HASHES:
        return hashlib.new(algorithm.lower(), data, usedforsecurity=False).digest()
    return (zlib.crc32(data) if algorithm == "CRC32" else crc32c(data)).to_bytes(4, "big")


def crc32c(data: bytes) -> int:
    """Return the CRC-32C, bit by bit, which is quick enough for the few bytes of a checksum.

    https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4
    """
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF
