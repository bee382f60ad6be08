"""What S3 tells of an object's content: ETags, checksums, and the headers that a copy carries. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

# What CopyObject carries besides the bytes, by its name in HeadObject's answer. S3 keeps any text as Expires, such as "0"; what
# botocore calls `Expires` is a date, or nothing where the text is none.
CONTENT_HEADERS = (
    "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "ExpiresString",
)  # fmt: skip
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Checksum.html, cheapest to compare first
CHECKSUMS = (
    "ChecksumCRC64NVME", "ChecksumCRC32C", "ChecksumCRC32", "ChecksumSHA256", "ChecksumSHA1", "ChecksumSHA512", "ChecksumMD5",
    "ChecksumXXHASH64", "ChecksumXXHASH3", "ChecksumXXHASH128",
)  # fmt: skip
_MD5 = re.compile(r"[0-9a-f]{32}")


def is_md5(head: Mapping[str, Any]) -> bool:
    """Whether an object's ETag is the MD5 of its bytes: written in one part and not encrypted with a key of KMS or the client.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    return is_plain(head) and looks_like_md5(etag_of(head))


def is_plain(answer: Mapping[str, Any]) -> bool:
    """Whether an object or upload is encrypted with S3's own keys or not at all, so that ETags of its pieces are MD5s."""
    return answer.get("ServerSideEncryption") in (None, "AES256") and not answer.get("SSECustomerAlgorithm")


def same_etag(etag: str, other: str) -> bool:
    """Whether two ETags without quotes are of the same content: equal, or one of them that of an upload in one part."""
    return etag == other or one_part_etag(etag) == other or one_part_etag(other) == etag


def one_part_etag(etag: str) -> str | None:
    """Return the ETag that the same bytes have when uploaded as a multipart upload of one part; None for no plain MD5."""
    if not looks_like_md5(etag):
        return None
    return f"{hashlib.md5(bytes.fromhex(etag), usedforsecurity=False).hexdigest()}-1"


def etag_of(answer: Mapping[str, Any]) -> str:
    """Return the ETag in S3's answer about an object or a part, without quotes."""
    return str(answer["ETag"]).strip('"')


def part_count(etag: str) -> int | None:
    """Return the number of parts that an ETag `...-N` names, None for an object of one piece."""
    digest, _, count = etag.rpartition("-")
    return int(count) if digest and count.isdigit() else None


def looks_like_md5(etag: str) -> bool:
    """Whether an ETag without quotes has the form of an MD5: 32 hexadecimal digits."""
    return bool(_MD5.fullmatch(etag))


def multipart_etag(part_etags: Sequence[str]) -> str | None:
    """Return the ETag that S3 gives to an upload of parts with these ETags (no quotes); None where they are not MD5s."""
    if not all(looks_like_md5(etag) for etag in part_etags):
        return None
    combined = hashlib.md5(b"".join(bytes.fromhex(etag) for etag in part_etags), usedforsecurity=False)
    return f"{combined.hexdigest()}-{len(part_etags)}"
