"""The operations that write, but for multipart uploads."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fake_s3.contents import GB, Content
from fake_s3.extras import class_of, lock_of
from fake_s3.reading import Asked, Buckets, Said, bucket_of, object_of, refuse_archived
from fake_s3.stored import HEADERS, Bucket, Checksum, Refusal, Stored

MAX_WRITE = 5 * GB
REFUSED = "At least one of the pre-conditions you specified did not hold"


def put_object(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    bucket = bucket_of(s3, asked)
    require_condition(bucket, asked["Key"], asked)
    content = Content.of(asked.get("Body", b""))
    etag = bucket.new_etag(content.md5(), bucket.encryption)
    properties = {**properties_of(bucket, asked), "encryption": bucket.encryption}
    stored = bucket.keep(Stored(asked["Key"], content, etag, bucket.second(), **properties))
    return {"ETag": f'"{stored.etag}"', "ServerSideEncryption": stored.encryption}


def copy_object(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html

    In one piece whatever the source was; metadata and tags come along, the redirect never, the class is STANDARD unless given,
    encryption is the destination bucket's unless given, tags are replaced by none if so said. A checksum is made anew, of the
    whole, if the source has one.
    """
    bucket, source = bucket_of(s3, asked), source_of(s3, asked)
    if source.size > MAX_WRITE:
        message = f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_WRITE}"
        raise Refusal(400, "InvalidRequest", message)
    require_condition(bucket, asked["Key"], asked)
    assert asked.get("MetadataDirective", "COPY") == "COPY", "nobody has needed that yet"
    encryption = asked.get("ServerSideEncryption", bucket.encryption)
    copy = replace(
        source,
        key=asked["Key"],
        etag=bucket.new_etag(source.content.md5(), encryption),
        modified=bucket.second(),
        part_sizes=(),
        part_checksums=(),
        redirect=asked.get("WebsiteRedirectLocation"),
        storage_class=class_of(asked),
        lock=lock_of(bucket, asked),
        annotations=source.annotations if asked.get("AnnotationDirective", "COPY") == "COPY" else {},
        is_being_restored=False,
        is_restored=False,
        encryption=encryption,
        tags=_tags_of_copy(source, asked),
        checksum=_of_whole(source),
    )
    bucket.keep(copy)
    result = {"ETag": f'"{copy.etag}"', "LastModified": copy.modified}
    if copy.checksum:
        result |= copy.checksum.members()
    return {"CopyObjectResult": result, "ServerSideEncryption": copy.encryption}


def _tags_of_copy(source: Stored, asked: Asked) -> Mapping[str, str]:
    assert "Tagging" not in asked, "nobody has needed that yet"
    return source.tags if asked.get("TaggingDirective", "COPY") == "COPY" else {}


def _of_whole(source: Stored) -> Checksum | None:
    if source.checksum is None:
        return None
    algorithm = source.checksum.algorithm
    return Checksum(algorithm, "FULL_OBJECT", source.content.checksum(algorithm))


def source_of(s3: Buckets, asked: Asked) -> Stored:
    """Return the object that a copy reads, if it is still what the copy means and can be read."""
    name, _, key = urllib.parse.unquote(asked["CopySource"]).lstrip("/").partition("/")
    place = {"Bucket": name, "Key": key}
    if "ExpectedSourceBucketOwner" in asked:
        place["ExpectedBucketOwner"] = asked["ExpectedSourceBucketOwner"]
    source = object_of(s3, place)
    refuse_archived(source)
    if asked.get("CopySourceIfMatch", source.etag).strip('"') != source.etag:
        raise Refusal(412, "PreconditionFailed", REFUSED)
    return source


def require_condition(bucket: Bucket, key: str, asked: Asked) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html

    If-None-Match: 412 where an object is. If-Match: 412 where another object is, 404 where none is.
    """
    there = bucket.objects.get(key)
    if "IfNoneMatch" in asked and there:
        raise Refusal(412, "PreconditionFailed", REFUSED)
    if "IfMatch" in asked:
        if there is None:
            raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
        if asked["IfMatch"].strip('"') not in (there.etag, "*"):
            raise Refusal(412, "PreconditionFailed", REFUSED)


def delete_object(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html"""
    bucket = bucket_of(s3, asked)
    require_condition(bucket, asked["Key"], asked)
    return {"DeleteMarker": True} if bucket.delete(asked["Key"]) else {}


def delete_objects(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html

    Key by key; a key with an ETag that is not there is an error NoSuchKey, one without is deleted. At most 1,000.
    """
    bucket, wanted = bucket_of(s3, asked), asked["Delete"]
    if len(wanted["Objects"]) > 1000:
        raise Refusal(400, "MalformedXML", "The XML you provided was not well-formed")
    said: dict[str, list[Said]] = {"Deleted": [], "Errors": []}
    for one in wanted["Objects"]:
        condition = {"IfMatch": one["ETag"]} if "ETag" in one else {}
        try:
            require_condition(bucket, one["Key"], condition)
        except Refusal as refused:
            said["Errors"].append({"Key": one["Key"], "Code": refused.code, "Message": refused.message})
            continue
        marker = {"DeleteMarker": True} if bucket.delete(one["Key"]) else {}
        said["Deleted"] += [] if wanted.get("Quiet") else [{"Key": one["Key"], **marker}]
    return {name: found for name, found in said.items() if found}


def put_object_tagging(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html; LastModified stays."""
    stored = object_of(s3, asked)
    tags = {tag["Key"]: tag["Value"] for tag in asked["Tagging"]["TagSet"]}
    bucket_of(s3, asked).alter(stored.key, tags=tags)
    return {}


def properties_of(bucket: Bucket, asked: Asked) -> dict[str, Any]:
    """Return what a request says of the object that it writes."""
    tagging = asked.get("Tagging", "")
    if len(tagging) > 2048:
        raise Refusal(400, "InvalidArgument", "The tags of a header have at most 2,048 bytes")
    tags: Mapping[str, str] = dict(urllib.parse.parse_qsl(tagging, keep_blank_values=True))
    return {
        "headers": {name: asked[name] for name in HEADERS if name in asked},
        "metadata": asked.get("Metadata", {}),
        "tags": tags,
        "redirect": asked.get("WebsiteRedirectLocation"),
        "storage_class": class_of(asked),
        "lock": lock_of(bucket, asked),
    }
