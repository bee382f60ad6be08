"""What AWS's documentation asks of whoever makes an API call: the IAM actions, on which resource, and when.

`CALLS` is about the calls of the functions. An emulator is no reason for a row nor against one; the page of a call's row is.
`of` says whose permission it is: of the object or bucket that the call names, of the object that is copied (or its bucket), of
the KMS keys of objects, of an execution. `when` is a parameter of the call, a header, or a status of its answer; a row without
it always counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """One action that a call needs."""

    action: str
    of: str = "object"
    when: str = ""


@dataclass(frozen=True)
class Documented:
    """What a page says about a call."""

    page: str
    needs: tuple[Need, ...]


_API = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_"
_STATES = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html"

# Whoever may not list a bucket is answered 403 for an object that is not there
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html, "Permissions").
_TELLS_MISSING = Need("s3:ListBucket", "bucket", "answered 404")
# A write or delete that names the ETag which is to be replaced reads it first
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html,
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html).
_NAMES_AN_ETAG = Need("s3:GetObject", "object", "if-match")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
_DECRYPTS, _ENCRYPTS = Need("kms:Decrypt", "keys"), Need("kms:GenerateDataKey", "keys")

# A header of a write that locks what it writes, and what HEAD tells only to those who may read it
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html,
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html#API_HeadObject_ResponseSyntax).
_LOCKS = (
    Need("s3:PutObjectRetention", when="x-amz-object-lock-mode"),
    Need("s3:PutObjectLegalHold", when="x-amz-object-lock-legal-hold"),
)
_TELLS_LOCKS = (
    Need("s3:GetObjectRetention", when="told ObjectLockMode"),
    Need("s3:GetObjectLegalHold", when="told ObjectLockLegalHoldStatus"),
)
_COPIES_ANNOTATIONS = "x-amz-object-annotation-directive: COPY"

CALLS: Mapping[str, Documented] = {
    "s3:AbortMultipartUpload": Documented(
        f"{_API}AbortMultipartUpload.html", (Need("s3:AbortMultipartUpload"),)
    ),
    "s3:CompleteMultipartUpload": Documented(
        f"{_API}CompleteMultipartUpload.html", (Need("s3:PutObject"), _NAMES_AN_ETAG, _DECRYPTS, _ENCRYPTS)
    ),
    "s3:CopyObject": Documented(
        f"{_API}CopyObject.html",
        (
            Need("s3:GetObject", "copy source"),
            Need("s3:GetObjectTagging", "copy source"),
            Need("s3:ListBucket", "copy source bucket", "answered 404"),
            Need("s3:PutObject"),
            Need("s3:PutObjectTagging"),
            Need("s3:PutObjectAcl", when="ACL"),
            *_LOCKS,
            Need("s3:GetObjectAnnotation", "copy source", _COPIES_ANNOTATIONS),
            Need("s3:PutObjectAnnotation", when=_COPIES_ANNOTATIONS),
            _NAMES_AN_ETAG,
            _TELLS_MISSING,
            _DECRYPTS,
            _ENCRYPTS,
        ),
    ),
    "s3:CreateMultipartUpload": Documented(
        f"{_API}CreateMultipartUpload.html",
        (
            Need("s3:PutObject"),
            Need("s3:PutObjectTagging", when="Tagging"),
            Need("s3:PutObjectAcl", when="ACL"),
            *_LOCKS,
            _DECRYPTS,
            _ENCRYPTS,
        ),
    ),
    "s3:DeleteObject": Documented(
        f"{_API}DeleteObject.html",
        (Need("s3:DeleteObject"), _NAMES_AN_ETAG),
    ),
    "s3:DeleteObjects": Documented(
        f"{_API}DeleteObjects.html",
        (
            Need("s3:DeleteObject"),
            Need("s3:GetObject", when="ETag"),
        ),
    ),
    "s3:GetBucketTagging": Documented(
        f"{_API}GetBucketTagging.html", (Need("s3:GetBucketTagging", "bucket"),)
    ),
    "s3:GetObject": Documented(f"{_API}GetObject.html", (Need("s3:GetObject"), _TELLS_MISSING, _DECRYPTS)),
    "s3:GetObjectAnnotation": Documented(
        f"{_API}GetObjectAnnotation.html", (Need("s3:GetObjectAnnotation"), _DECRYPTS)
    ),
    "s3:GetObjectAttributes": Documented(
        f"{_API}GetObjectAttributes.html",
        (Need("s3:GetObject"), Need("s3:GetObjectAttributes"), _DECRYPTS),
    ),
    "s3:GetObjectLegalHold": Documented(f"{_API}GetObjectLegalHold.html", (Need("s3:GetObjectLegalHold"),)),
    "s3:GetObjectLockConfiguration": Documented(
        f"{_API}GetObjectLockConfiguration.html", (Need("s3:GetBucketObjectLockConfiguration", "bucket"),)
    ),
    "s3:GetObjectRetention": Documented(f"{_API}GetObjectRetention.html", (Need("s3:GetObjectRetention"),)),
    "s3:GetObjectTagging": Documented(f"{_API}GetObjectTagging.html", (Need("s3:GetObjectTagging"),)),
    "s3:HeadBucket": Documented(f"{_API}HeadBucket.html", (Need("s3:ListBucket", "bucket"),)),
    "s3:HeadObject": Documented(
        f"{_API}HeadObject.html",
        (Need("s3:GetObject"), _TELLS_MISSING, Need("kms:Decrypt", "keys", "ChecksumMode"), *_TELLS_LOCKS),
    ),
    "s3:ListMultipartUploads": Documented(
        f"{_API}ListMultipartUploads.html", (Need("s3:ListBucketMultipartUploads", "bucket"),)
    ),
    "s3:ListObjectAnnotations": Documented(
        f"{_API}ListObjectAnnotations.html", (Need("s3:ListObjectAnnotations"),)
    ),
    "s3:ListObjectsV2": Documented(f"{_API}ListObjectsV2.html", (Need("s3:ListBucket", "bucket"),)),
    "s3:ListParts": Documented(f"{_API}ListParts.html", (Need("s3:ListMultipartUploadParts"), _DECRYPTS)),
    "s3:PutObject": Documented(f"{_API}PutObject.html", (Need("s3:PutObject"), _NAMES_AN_ETAG, _ENCRYPTS)),
    "s3:PutObjectAnnotation": Documented(
        f"{_API}PutObjectAnnotation.html", (Need("s3:PutObjectAnnotation"), _ENCRYPTS)
    ),
    "s3:PutObjectTagging": Documented(f"{_API}PutObjectTagging.html", (Need("s3:PutObjectTagging"),)),
    "s3:RestoreObject": Documented(f"{_API}RestoreObject.html", (Need("s3:RestoreObject"),)),
    "s3:UploadPart": Documented(f"{_API}UploadPart.html", (Need("s3:PutObject"), _DECRYPTS, _ENCRYPTS)),
    "s3:UploadPartCopy": Documented(
        f"{_API}UploadPartCopy.html",
        (
            Need("s3:GetObject", "copy source"),
            Need("s3:ListBucket", "copy source bucket", "answered 404"),
            Need("s3:PutObject"),
            _DECRYPTS,
            _ENCRYPTS,
        ),
    ),
    "states:DescribeExecution": Documented(_STATES, (Need("states:DescribeExecution", "execution"),)),
}

# A call that names a version needs other actions; no function of ours makes one.
OF_VERSIONS = frozenset({"VersionId", "CopySourceVersionId"})

# Lambda itself writes the log with the function's role, into a group that is there already.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
OF_LAMBDA_ITSELF = frozenset({("logs:CreateLogStream", "its log"), ("logs:PutLogEvents", "its log")})
