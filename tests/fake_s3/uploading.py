"""Multipart uploads: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html"""

from __future__ import annotations

import re
from typing import Any

from fake_s3.contents import GB, MB, Content, combined_etag
from fake_s3.reading import Asked, Buckets, Said, bucket_of
from fake_s3.stored import Bucket, Refusal, Stored, Upload, UploadedPart, checksums
from fake_s3.writing import properties_of, require_condition, source_of

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MIN_PART, MAX_PART, MAX_PARTS = 5 * MB, 5 * GB, 10_000
MAX_OBJECT = 10_000 * 5 * GB
# What an upload with an algorithm and no type gets: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
WHOLE_BY_DEFAULT = ("CRC64NVME",)
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def create_multipart_upload(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html"""
    bucket, algorithm = bucket_of(s3, asked), asked.get("ChecksumAlgorithm")
    checksum = None
    if algorithm:
        kind = "FULL_OBJECT" if algorithm in WHOLE_BY_DEFAULT else "COMPOSITE"
        checksum = (algorithm, asked.get("ChecksumType", kind))
        impossible = [("CRC64NVME", "COMPOSITE"), ("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT")]
        if checksum in impossible:
            raise Refusal(
                400, "InvalidRequest", f"The {checksum[1]} checksum type cannot be used with {algorithm}"
            )
    name = f"upload-{next(s3.upload_numbers)}"
    about: dict[str, Any] = {
        "initiator": s3.principal,
        "encryption": asked.get("ServerSideEncryption", bucket.encryption),
    }
    upload = Upload(name, asked["Key"], bucket.second(), properties_of(bucket, asked), checksum, **about)
    bucket.uploads[upload.id] = upload
    said = {"Bucket": bucket.name, "Key": upload.key, "UploadId": upload.id}
    if checksum:
        said |= {"ChecksumAlgorithm": checksum[0], "ChecksumType": checksum[1]}
    return {**said, "ServerSideEncryption": upload.encryption}


def upload_part(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html"""
    bucket, upload = bucket_of(s3, asked), _upload(s3, asked)
    content = Content.of(asked.get("Body", b""))
    has_digest = "ContentMD5" in asked or any(name.startswith("Checksum") for name in asked)
    if upload.properties["lock"] and not has_digest:
        message = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters"
        raise Refusal(400, "InvalidRequest", message)
    _require_checksum(upload, content, asked)
    part = _keep(bucket, upload, asked["PartNumber"], content)
    return {"ETag": f'"{part.etag}"', **_checksum_of(upload, part)}


def _require_checksum(upload: Upload, content: Content, asked: Asked) -> None:
    """Refuse a part whose checksum is of another algorithm than its upload's, missing, there though that has none, or wrong."""
    expected = upload.checksum[0] if upload.checksum else "null"
    sent = {name.removeprefix("Checksum") for name in asked if name.startswith("Checksum")} - {"Algorithm"}
    named = {asked["ChecksumAlgorithm"]} if "ChecksumAlgorithm" in asked else set()
    algorithms = sent | named or {"null"}
    if algorithms != {expected}:
        message = f"Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {algorithms}"
        raise Refusal(400, "InvalidRequest", message)
    if sent and asked[f"Checksum{expected}"] != content.checksum(expected):
        raise Refusal(
            400, "BadDigest", f"The {expected} you specified did not match the calculated checksum."
        )


def upload_part_copy(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html"""
    bucket, upload, source = bucket_of(s3, asked), _upload(s3, asked), source_of(s3, asked)
    piece = source.content
    if "CopySourceRange" in asked:
        match = _RANGE.fullmatch(asked["CopySourceRange"])
        assert match, asked["CopySourceRange"]
        first, last = int(match[1]), int(match[2])
        if not first <= last < source.size:
            raise Refusal(
                400,
                "InvalidArgument",
                "The x-amz-copy-source-range value must be of the form bytes=first-last",
            )
        piece = source.content.part(first, last - first + 1)
    part = _keep(bucket, upload, asked["PartNumber"], piece)
    result = {"ETag": f'"{part.etag}"', "LastModified": part.modified, **_checksum_of(upload, part)}
    return {"CopyPartResult": result, "ServerSideEncryption": upload.encryption}


def _keep(bucket: Bucket, upload: Upload, number: int, content: Content) -> UploadedPart:
    if content.size > MAX_PART:
        raise Refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    if not 1 <= number <= MAX_PARTS:
        raise Refusal(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    checksum = content.checksum(upload.checksum[0]) if upload.checksum else None
    etag = bucket.new_etag(content.md5(), upload.encryption)
    upload.parts[number] = UploadedPart(content, etag, checksum, bucket.second())
    return upload.parts[number]


def _checksum_of(upload: Upload, part: UploadedPart) -> dict[str, Any]:
    return {f"Checksum{upload.checksum[0]}": part.checksum} if upload.checksum else {}


def complete_multipart_upload(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html

    LastModified is when the upload began (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html). A refused
    condition leaves the upload as it is.
    """
    bucket, upload = bucket_of(s3, asked), _upload(s3, asked)
    parts = _chosen(upload, asked["MultipartUpload"]["Parts"])
    require_condition(bucket, upload.key, asked)
    contents = [part.content for part in parts]
    sums: dict[str, Any] = checksums(contents, upload.checksum) if upload.checksum else {}
    stored = Stored(
        upload.key,
        Content.joined(contents),
        bucket.new_etag(combined_etag([part.etag for part in parts]), upload.encryption),
        upload.initiated,
        part_sizes=tuple(content.size for content in contents),
        encryption=upload.encryption,
        **sums,
        **upload.properties,
    )
    if stored.size > MAX_OBJECT:
        raise Refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size")
    bucket.keep(stored)
    del bucket.uploads[upload.id]
    said = {"Bucket": bucket.name, "Key": stored.key, "ETag": f'"{stored.etag}"'}
    if stored.checksum:
        said |= stored.checksum.members()
    return {**said, "ServerSideEncryption": stored.encryption}


def _chosen(upload: Upload, listed: list[dict[str, Any]]) -> list[UploadedPart]:
    numbers = [part["PartNumber"] for part in listed]
    if numbers != sorted(set(numbers)):
        raise Refusal(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
    parts = []
    for part in listed:
        found = upload.parts.get(part["PartNumber"])
        if found is None or part["ETag"].strip('"') != found.etag:
            raise Refusal(400, "InvalidPart", "One or more of the specified parts could not be found.")
        algorithm, kind = upload.checksum or ("", "")
        if kind == "COMPOSITE" and part.get(f"Checksum{algorithm}") != found.checksum:
            message = f"The complete request must include the {algorithm} checksum for each part"
            raise Refusal(400, "InvalidRequest", message)
        parts.append(found)
    if any(part.content.size < MIN_PART for part in parts[:-1]):
        raise Refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
    return parts


def abort_multipart_upload(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html"""
    upload = _upload(s3, asked)
    del bucket_of(s3, asked).uploads[upload.id]
    return {}


def list_parts(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html"""
    bucket, upload, most = bucket_of(s3, asked), _upload(s3, asked), asked.get("MaxParts", 1000)
    parts = [
        {
            "PartNumber": number,
            "ETag": f'"{part.etag}"',
            "Size": part.content.size,
            "LastModified": part.modified,
        }
        for number, part in sorted(upload.parts.items())[:most]
    ]
    said: Said = {"Bucket": bucket.name, "Key": upload.key, "UploadId": upload.id, "MaxParts": most}
    said |= {"IsTruncated": len(upload.parts) > most, "Initiator": {"ID": upload.initiator}}
    return {**said, "Parts": parts} if parts else said


def list_multipart_uploads(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html

    By key, then by when they were initiated; goes on after the upload that the two markers name.
    """
    bucket, prefix = bucket_of(s3, asked), asked.get("Prefix", "")
    found = sorted(bucket.uploads.values(), key=lambda upload: (upload.key.encode(), upload.initiated))
    after = (asked.get("KeyMarker"), asked.get("UploadIdMarker"))
    first = [(upload.key, upload.id) for upload in found].index(after) + 1 if after[0] else 0
    under = [upload for upload in found[first:] if upload.key.startswith(prefix)]
    page, is_truncated = under[: s3.page_keys], len(under) > s3.page_keys
    said: Said = {"Bucket": bucket.name, "Prefix": prefix, "IsTruncated": is_truncated}
    if is_truncated:
        said |= {"NextKeyMarker": page[-1].key, "NextUploadIdMarker": page[-1].id}
    return {**said, "Uploads": list(map(_listed, page))} if page else said


def _listed(upload: Upload) -> Said:
    said: Said = {"Key": upload.key, "UploadId": upload.id, "Initiated": upload.initiated}
    return {**said, "Initiator": {"ID": upload.initiator}} if upload.initiator else said


def _upload(s3: Buckets, asked: Asked) -> Upload:
    found = bucket_of(s3, asked).uploads.get(asked["UploadId"])
    if found is None or found.key != asked["Key"]:
        message = "The specified upload does not exist. It may have been aborted or completed."
        raise Refusal(404, "NoSuchUpload", message)
    return found
