"""The operations that read."""

from __future__ import annotations

import base64
import bisect
import urllib.parse
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from fake_s3.stored import Bucket, Refusal, Stored

Asked = Mapping[str, Any]
Said = dict[str, Any]
MAX_PAGE = 1000


class Buckets(Protocol):
    """The buckets of an S3; `page_keys` is the most that one page holds, which may be less than was asked for."""

    buckets: dict[str, Bucket]
    page_keys: int
    principal: str


def bucket_of(s3: Buckets, asked: Asked, name: str = "Bucket", owner: str = "ExpectedBucketOwner") -> Bucket:
    """Return the bucket that is meant, if it is there and belongs to whom it should."""
    found = s3.buckets.get(asked[name])
    if found is None:
        raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist")
    if asked.get(owner, found.owner) != found.owner:
        raise Refusal(403, "AccessDenied", "Access Denied")
    return found


def object_of(s3: Buckets, asked: Asked) -> Stored:
    """Return the object that is meant."""
    found = bucket_of(s3, asked).objects.get(asked["Key"])
    if found is None:
        raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
    return found


def head_bucket(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
    return {"BucketRegion": bucket_of(s3, asked).region}


def list_objects_v2(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html

    A continuation token overrides StartAfter; RestoreStatus is told only if asked for; StartAfter need not be a key.
    """
    bucket, prefix = bucket_of(s3, asked), asked.get("Prefix", "")
    after = (
        key_of(asked["ContinuationToken"]) if "ContinuationToken" in asked else asked.get("StartAfter", "")
    )
    keys = bucket.keys()
    first = bisect.bisect_right(keys, after.encode(), key=str.encode) if after else 0
    first = max(first, bisect.bisect_left(keys, prefix.encode(), key=str.encode))
    most = min(asked.get("MaxKeys", MAX_PAGE), s3.page_keys)
    under = [key for key in keys[first : first + most + 1] if key.startswith(prefix)]
    page, is_truncated = under[:most], len(under) > most
    with_restore = "RestoreStatus" in asked.get("OptionalObjectAttributes", ())
    said = {
        "Name": bucket.name,
        "Prefix": prefix,
        "MaxKeys": asked.get("MaxKeys", MAX_PAGE),
        "KeyCount": len(page),
        "IsTruncated": is_truncated,
        "Contents": [listed(bucket.objects[key], with_restore) for key in page],
        **{name: asked[name] for name in ("ContinuationToken", "StartAfter") if name in asked},
    }
    if is_truncated:
        said["NextContinuationToken"] = token_of(page[-1])
    return said if said["Contents"] else {name: said[name] for name in said if name != "Contents"}


def in_url_encoding(said: Said) -> Said:
    """Return a page as S3 writes it for `EncodingType=url`, in which keys may have any character."""
    quoted = ("Prefix", "StartAfter", "NextKeyMarker")
    written = {name: _quoted(said[name]) if name in quoted else said[name] for name in said}
    lists = {
        name: [{**one, "Key": _quoted(one["Key"])} for one in said[name]]
        for name in ("Contents", "Uploads")
        if name in said
    }
    return {**written, "EncodingType": "url", **lists}


def token_of(key: str) -> str:
    """Return the token with which a listing goes on after a key."""
    return base64.b64encode(key.encode()).decode()


def key_of(token: str) -> str:
    """Return the key after which a token goes on."""
    return base64.b64decode(token).decode()


def listed(stored: Stored, with_restore: bool = False) -> Said:
    """Return an object as listings tell it."""
    said: Said = {
        "Key": stored.key,
        "LastModified": stored.modified,
        "ETag": f'"{stored.etag}"',
        "Size": stored.size,
        "StorageClass": stored.storage_class,
    }
    if stored.checksum:
        said |= {"ChecksumAlgorithm": [stored.checksum.algorithm], "ChecksumType": stored.checksum.kind}
    if with_restore and stored.is_being_restored:
        said["RestoreStatus"] = {"IsRestoreInProgress": True}
    elif with_restore and stored.is_restored:
        until = stored.modified + timedelta(days=3650)
        said["RestoreStatus"] = {"IsRestoreInProgress": False, "RestoreExpiryDate": until}
    return said


def head_object(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html

    With PartNumber: the size of that part, but ETag and properties of the whole object; PartsCount only of one uploaded in parts.
    Any object has a part 1.
    """
    stored = object_of(s3, asked)
    said = described(stored)
    if asked.get("ChecksumMode") == "ENABLED" and stored.checksum and "PartNumber" not in asked:
        said |= stored.checksum.members()
    if "PartNumber" not in asked:
        return said
    sizes = stored.part_sizes or (stored.size,)
    if asked["PartNumber"] > len(sizes):
        raise Refusal(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
    said["ContentLength"] = sizes[asked["PartNumber"] - 1]
    return {**said, "PartsCount": len(sizes)} if stored.part_sizes else said


def described(stored: Stored) -> Said:
    """Return an object's properties as HEAD tells them; the class STANDARD is not told."""
    said = {
        "ContentLength": stored.size,
        "ETag": f'"{stored.etag}"',
        "LastModified": stored.modified,
        "ServerSideEncryption": stored.encryption,
        "AcceptRanges": "bytes",
        "ContentType": "binary/octet-stream",
        **stored.headers,
    }
    if stored.metadata:
        said["Metadata"] = dict(stored.metadata)
    if stored.redirect:
        said["WebsiteRedirectLocation"] = stored.redirect
    if stored.storage_class != "STANDARD":
        said["StorageClass"] = stored.storage_class
    said |= stored.lock
    return {**said, "TagCount": len(stored.tags)} if stored.tags else said


def get_object(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, whole objects only."""
    stored = object_of(s3, asked)
    refuse_archived(stored)
    assert "Range" not in asked and "PartNumber" not in asked, "nobody has needed that yet"
    return {**described(stored), "Body": stored.content.body()}


def get_object_attributes(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributesParts.html

    Parts are told only of an object that was uploaded with checksums, 1,000 an answer.
    """
    stored = object_of(s3, asked)
    assert asked["ObjectAttributes"] == ["ObjectParts"], "nobody has needed another attribute yet"
    said: Said = {"LastModified": stored.modified}
    if not stored.part_sizes:
        return said
    parts: Said = {"TotalPartsCount": len(stored.part_sizes)}
    if stored.part_checksums:
        parts |= _page_of_parts(stored, asked.get("PartNumberMarker", 0), asked.get("MaxParts", MAX_PAGE))
    return {**said, "ObjectParts": parts}


def _page_of_parts(stored: Stored, marker: int, most: int) -> Said:
    assert stored.checksum is not None
    end = min(marker + most, len(stored.part_sizes))
    name = f"Checksum{stored.checksum.algorithm}"
    parts = [
        {"PartNumber": at + 1, "Size": stored.part_sizes[at], name: stored.part_checksums[at]}
        for at in range(marker, end)
    ]
    said: Said = {"PartNumberMarker": marker, "MaxParts": most, "IsTruncated": end < len(stored.part_sizes)}
    return {**said, "NextPartNumberMarker": end, **({"Parts": parts} if parts else {})}


def get_object_tagging(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html"""
    tags = object_of(s3, asked).tags
    return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}


def refuse_archived(stored: Stored) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/archived-objects.html"""
    if stored.is_archived:
        message = "The operation is not valid for the object's storage class"
        raise Refusal(403, "InvalidObjectState", message)


def _quoted(key: str) -> str:
    return urllib.parse.quote_plus(key, safe="/*-._")
