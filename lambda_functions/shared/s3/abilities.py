"""What an input may ask for in vain: locks at a bucket without Object Lock, annotations with a botocore that knows none."""

from __future__ import annotations

from typing import Any

import botocore
from botocore.exceptions import ClientError

from lambda_functions.shared.errors import Refused, code_of, is_denied, is_permanent
from lambda_functions.shared.options import Options

# What S3 says of a bucket that never had it: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html
NO_OBJECT_LOCK = "ObjectLockConfigurationNotFoundError"


def refuse_impossible(client: Any, options: Options) -> None:
    """Raise `Refused("InvalidInput", ...)` where what `objectLock` or `annotations` ask for cannot be done.

    One GetObjectLockConfiguration where locks are to be copied, else no request.
    """
    why = None
    if options.annotations == "copy":
        why = _why_no_annotations(client)
    if why is None and options.objectLock == "copy":
        why = _why_no_lock(client, options)
    if why:
        raise Refused("InvalidInput", f"{why} Nothing was changed.")


def _why_no_annotations(client: Any) -> str | None:
    if "PutObjectAnnotation" in client.meta.service_model.operation_names:
        return None
    return (
        f'"annotations" is "copy", and the Lambda runtime\'s botocore, {botocore.__version__}, does not know annotations; '
        "expected a newer one: let AWS update the runtime, or add a layer with a newer boto3 (Layers) in the functions' files, "
        "and deploy."
    )


def _why_no_lock(client: Any, options: Options) -> str | None:
    owner = {"ExpectedBucketOwner": options.destinationOwner} if options.destinationOwner else {}
    bucket, given = options.destination, '"objectLock" is "copy", and'
    try:
        answer = client.get_object_lock_configuration(Bucket=bucket, **owner)
    except ClientError as error:
        if code_of(error) == NO_OBJECT_LOCK:
            return _has_none(given, bucket)
        if is_denied(error):
            return (
                f'{given} whether the destination bucket "{bucket}" has Object Lock may not be asked; expected '
                "s3:GetBucketObjectLockConfiguration in its policy (see docs/permissions.md)."
            )
        if not is_permanent(error):
            raise
        return f'{given} the destination bucket "{bucket}" answers with {code_of(error)}; expected its Object Lock configuration.'
    is_enabled = answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"
    return None if is_enabled else _has_none(given, bucket)


def _has_none(given: str, bucket: str) -> str:
    return (
        f'{given} the destination bucket "{bucket}" has no Object Lock; expected a bucket with it: turn it on in its properties, '
        'or leave "objectLock" out.'
    )
