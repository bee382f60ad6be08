"""Names of general-purpose buckets, and what to say of texts that are none: addresses, ARNs, aliases, directory buckets. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

from __future__ import annotations

import re
from typing import Any

from lambda_functions.shared.spelling import Spelling

# Buckets of us-east-1 made before March 2018 may have capitals, `_`, and 255 characters; only S3 knows which they are.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{1,253}[A-Za-z0-9_]")
# How the buckets of an installation are called: the deployment bucket by `deployment/cloudformation/deployment_bucket`, the work
# bucket by CloudFormation, which puts 12 or 13 letters and digits behind the stack's name and the logical id
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html#cfn-s3-bucket-bucketname).
_OF_AN_INSTALLATION = re.compile(
    r"[a-z][a-z0-9-]*-(workbucket-[a-z0-9]{12,13}|deployment-[0-9]{12}-[a-z]{2,}(-[a-z]+)+-[0-9]+)"
)
_MAYBE_OF_AN_INSTALLATION = re.compile(r"(^|-)workbucket(-|$)|-deployment-[0-9]{12}", re.IGNORECASE)
_FORM = 'expected the name of a general-purpose bucket, such as "my-bucket"'


def bucket_problem(spelling: Spelling, prefix: str, value: Any) -> str | None:
    """Say what is wrong with a bucket's name; `prefix` names the option for the rest of an address."""
    if not isinstance(value, str):
        return _FORM
    if value.startswith(("s3://", "arn:")) or ("/" in value and is_bucket_name(value.partition("/")[0])):
        return _address_problem(spelling, prefix, value)
    if value.endswith("--x-s3"):
        return "a directory bucket, which lists its keys in no order and cannot be compared; expected a general-purpose bucket"
    if value.endswith(("-s3alias", "--ol-s3", ".mrap")):
        return "an access point's alias; expected the name of the bucket behind it"
    return None if is_bucket_name(value) else _FORM


def is_bucket_name(value: str) -> bool:
    """Whether a bucket could have this name."""
    return bool(_NAME.fullmatch(value)) and ".." not in value


def is_of_an_installation(name: str) -> bool:
    """Whether a bucket is, by its name, the work or deployment bucket of an installation of SyncBuckets, whosever."""
    return bool(_OF_AN_INSTALLATION.fullmatch(name))


def may_be_of_an_installation(name: str) -> bool:
    """Whether a name is so much like those that only the bucket's tags tell, if anything does."""
    return bool(_MAYBE_OF_AN_INSTALLATION.search(name))


def _address_problem(spelling: Spelling, prefix: str, value: str) -> str:
    """Say how to give what an address names: its bucket, and the rest of it as a prefix."""
    if value.startswith("arn:") and (
        ":accesspoint" in value or not re.match(r"arn:aws[a-z-]*:s3:::[^/]", value)
    ):
        return "an ARN that is not a bucket's; expected the name of a general-purpose bucket"
    path = value.split(":::", 1)[1] if value.startswith("arn:") else value.removeprefix("s3://")
    bucket, _, under = path.partition("/")
    if not is_bucket_name(bucket):
        return _FORM
    also = f", and {spelling.pair(prefix, under)} for what is under it" if under else ""
    return f'expected only the bucket\'s name, "{bucket}"{also}'
