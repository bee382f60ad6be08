"""What an object may have besides: a storage class, an Object Lock, annotations; and restoring what is archived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fake_s3.reading import Asked, Buckets, Said, bucket_of, object_of
from fake_s3.stored import ARCHIVED, Bucket, Refusal

WRITABLE = (
    *("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING"),
    *("GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"),
)


def class_of(asked: Asked) -> str:
    """Return the class of what is written; those of other services are refused."""
    chosen: str = asked.get("StorageClass", "STANDARD")
    if chosen not in WRITABLE:
        raise Refusal(400, "InvalidStorageClass", "The storage class you specified is not valid")
    return chosen


def lock_of(bucket: Bucket, asked: Asked) -> Mapping[str, str]:
    """Return the lock of what is written: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html"""
    lock = {name: str(asked[name]) for name in asked if name.startswith("ObjectLock")}
    if lock and not bucket.has_object_lock:
        raise Refusal(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")
    until = lock.get("ObjectLockRetainUntilDate")
    if until and datetime.fromisoformat(until) <= bucket.now():
        raise Refusal(400, "InvalidArgument", "The retain until date must be in the future!")
    return lock


def get_object_lock_configuration(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html"""
    if not bucket_of(s3, asked).has_object_lock:
        message = "Object Lock configuration does not exist for this bucket"
        raise Refusal(404, "ObjectLockConfigurationNotFoundError", message)
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}


def get_object_retention(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html"""
    lock = _lock_told(s3, asked, "ObjectLockMode")
    return {"Retention": {"Mode": lock["ObjectLockMode"]}}


def get_object_legal_hold(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html"""
    lock = _lock_told(s3, asked, "ObjectLockLegalHoldStatus")
    return {"LegalHold": {"Status": lock["ObjectLockLegalHoldStatus"]}}


def _lock_told(s3: Buckets, asked: Asked, name: str) -> Mapping[str, str]:
    lock = object_of(s3, asked).lock
    if name not in lock:
        message = "The specified object does not have a ObjectLock configuration"
        raise Refusal(404, "NoSuchObjectLockConfiguration", message)
    return lock


def restore_object(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html; it begins, and a test ends it."""
    stored, tier = object_of(s3, asked), asked["RestoreRequest"]["GlacierJobParameters"]["Tier"]
    if stored.storage_class not in ARCHIVED:
        message = "Restore is not allowed for the object's current storage class"
        raise Refusal(403, "InvalidObjectState", message)
    if (stored.storage_class, tier) == ("DEEP_ARCHIVE", "Expedited"):
        message = "Retrieval option is not supported by this storage class"
        raise Refusal(400, "InvalidRequest", message)
    if stored.is_being_restored:
        raise Refusal(409, "RestoreAlreadyInProgress", "Object restore is already in progress")
    if not stored.is_restored:
        bucket_of(s3, asked).alter(stored.key, is_being_restored=True)
    return {}


def list_object_annotations(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectAnnotations.html"""
    stored = object_of(s3, asked)
    names = [name for name in sorted(stored.annotations) if name > asked.get("ContinuationToken", "")]
    page = names[: s3.page_keys]
    said: Said = {"Bucket": asked["Bucket"], "Key": stored.key, "AnnotationCount": len(page)}
    if len(names) > len(page):
        said["NextContinuationToken"] = page[-1]
    listed = [
        {"AnnotationName": name, "LastModified": stored.modified, "Size": len(stored.annotations[name])}
        for name in page
    ]
    return {**said, "Annotations": listed} if listed else said


def get_object_annotation(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAnnotation.html"""
    found = object_of(s3, asked).annotations.get(asked["AnnotationName"])
    if found is None:
        raise Refusal(404, "NoSuchAnnotation", "The specified annotation does not exist")
    return {"AnnotationPayload": found, "ContentLength": len(found)}


def put_object_annotation(s3: Buckets, asked: Asked) -> Said:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAnnotation.html"""
    stored, name = object_of(s3, asked), asked["AnnotationName"]
    bucket_of(s3, asked).alter(
        stored.key, annotations={**stored.annotations, name: asked["AnnotationPayload"]}
    )
    return {"Key": stored.key, "AnnotationName": name}
