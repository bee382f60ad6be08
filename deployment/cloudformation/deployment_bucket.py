"""The deployment bucket: makes it when it is missing, and sends what it does not have yet.

Comes after `bundle` (the zips) and before `stack`, which makes functions of them. The bucket is made by API calls and
not by the stack, because the stack's functions need their zips first; `fab delete` keeps it. What is in it is named by
its content, so nothing is overwritten and nothing expires: CloudFormation needs the previous zip to roll back.
`find_missing` only reads, `send` acts on what it found.

A name can be computed by anybody who has the sources, so it proves nothing. What the listing tells of a zip must be what ours
would have, else ours is sent again. Between that and the moment when Lambda reads it, whoever may write into the bucket can
still put another zip there; the versions of the template name the SHA-256 of theirs (`build/template`), so Lambda publishes
none of it. A template is always sent, and what CloudFormation has read of it is compared (`change_sets`).

Every call carries ExpectedBucketOwner: a bucket of that name in somebody else's account is never read or written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import error_code, http_status
from deployment.aws.installation import Installation
from deployment.build import policies
from deployment.build.bundle import Bundle
from deployment.errors import DeploymentBucketError
from deployment.project.tags import upper_case_list

BUCKET_NAME_MAX_CHARACTERS = 63
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""


def bucket_name(installation: Installation) -> str:
    """Return the deployment bucket's name; raise DeploymentBucketError when the stack's name makes it too long."""
    name = f"{installation.stack_name}-deployment-{installation.account_id}-{installation.region}".lower()
    too_many = len(name) - BUCKET_NAME_MAX_CHARACTERS
    if too_many > 0:
        raise DeploymentBucketError(
            f"The deployment bucket would be called {name}, {too_many} characters over the "
            f"{BUCKET_NAME_MAX_CHARACTERS} that S3 allows. Set a shorter STACK_NAME in fabfile_config.py."
        )
    return name


@dataclass(frozen=True)
class Missing:
    """What the deployment bucket lacks, or has something else for; `bucket_exists` is false where it is the bucket itself."""

    bucket_exists: bool
    bundles: tuple[Bundle, ...]

    @property
    def keys(self) -> list[str]:
        return [bundle.key for bundle in self.bundles]


NOTHING_MISSING = Missing(True, ())


def find_missing(installation: Installation, bundles: Iterable[Bundle]) -> Missing:
    """Return what has to be sent, changing nothing; raise DeploymentBucketError when the bucket is another installation's.

    One listing tells both whether the bucket is there and what is in it, not one HEAD for each
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, 1,000 keys a page). A zip that is not ours by its
    size and ETag counts as missing, and so is replaced.
    """
    name, owner = bucket_name(installation), installation.account_id
    pages = installation.client("s3").get_paginator("list_objects_v2")
    try:
        pages_read = list(pages.paginate(Bucket=name, ExpectedBucketOwner=owner))
    except ClientError as error:
        status = http_status(error)
        if status in (301, 403):
            raise _not_ours(name, installation) from error
        if status != 404:
            raise
        return Missing(False, tuple(bundles))
    listed = {record["Key"]: record for page in pages_read for record in page.get("Contents", ())}
    return Missing(True, tuple(bundle for bundle in bundles if not _is_same(bundle, listed.get(bundle.key))))


def _is_same(bundle: Bundle, listed: Mapping[str, Any] | None) -> bool:
    """Whether a listed object certainly is this zip.

    The ETag of an object that was sent in one request is the MD5 of its bytes, unless it is encrypted with a key of KMS
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html): in a bucket that does so by default nothing can be told,
    and the zips are sent with each deployment.
    """
    if listed is None or listed.get("Size") != len(bundle.content):
        return False
    md5 = hashlib.md5(bundle.content, usedforsecurity=False).hexdigest()
    return str(listed.get("ETag", "")).strip('"') == md5


def upload(installation: Installation, bundles: Iterable[Bundle]) -> list[str]:
    """Send the zips that the deployment bucket does not have, and make it if need be; return their keys."""
    return send(installation, find_missing(installation, bundles))


def send(installation: Installation, missing: Missing) -> list[str]:
    """Make the bucket if it is missing, send the zips that it does not have; return their keys."""
    name = bucket_name(installation)
    if not missing.bucket_exists:
        _create(installation, name)
    for bundle in missing.bundles:
        installation.client("s3").put_object(
            Bucket=name,
            Key=bundle.key,
            Body=bundle.content,
            ContentType="application/zip",
            ExpectedBucketOwner=installation.account_id,
        )
    return missing.keys


def upload_template(installation: Installation, bucket: str, text: str) -> str:
    """Send a template that is too long to be sent in a call, whatever is there; return the URL for CloudFormation."""
    s3, body = installation.client("s3"), text.encode()
    key = f"templates/{hashlib.sha256(body).hexdigest()[:16]}.json"
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=body,
        ContentType="application/json",
        ExpectedBucketOwner=installation.account_id,
    )
    return f"{s3.meta.endpoint_url.rstrip('/')}/{bucket}/{key}"


def _create(installation: Installation, name: str) -> None:
    """Make the bucket with all its installation.settings, or not at all: what exists is not looked at again."""
    s3 = installation.client("s3")
    location = (
        {}
        if installation.region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": installation.region}}
    )
    try:
        s3.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerEnforced", **location)
    except ClientError as error:
        if error_code(error) == "BucketAlreadyExists":
            raise _not_ours(name, installation) from error
        raise
    try:
        _configure(s3, name, installation)
    except BaseException:
        _remove(s3, name, installation)
        raise


def _remove(s3: Any, name: str, installation: Installation) -> None:
    try:
        s3.delete_bucket(Bucket=name, ExpectedBucketOwner=installation.account_id)
    except ClientError as error:
        raise DeploymentBucketError(
            f"The bucket {name} was created, but could neither be secured nor removed. Run: aws s3 rb s3://{name}"
        ) from error


def _configure(s3: Any, name: str, installation: Installation) -> None:
    where = {"Bucket": name, "ExpectedBucketOwner": installation.account_id}
    s3.put_public_access_block(
        **where,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(**where, ServerSideEncryptionConfiguration=encryption)
    s3.put_bucket_lifecycle_configuration(**where, LifecycleConfiguration=_lifecycle())
    s3.put_bucket_tagging(**where, Tagging={"TagSet": upper_case_list(installation.tags)})
    s3.put_bucket_policy(**where, Policy=json.dumps(_policy(name, installation.partition)))


def _lifecycle() -> dict[str, Any]:
    rule = {
        "ID": "abort-incomplete-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    return {"Rules": [rule]}


def _policy(name: str, partition: str) -> dict[str, Any]:
    arns = [f"arn:{partition}:s3:::{name}", f"arn:{partition}:s3:::{name}/*"]
    return policies.document([policies.tls_only(arns), policies.keep_installations_out(arns)])


def _not_ours(name: str, installation: Installation) -> DeploymentBucketError:
    return DeploymentBucketError(
        f"The bucket {name} exists, but account {installation.account_id} may not use it: another account owns it, or "
        "s3:ListBucket is not allowed. Allow it, or set another STACK_NAME in fabfile_config.py."
    )
