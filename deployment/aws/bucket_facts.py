"""What S3 tells of a bucket to whoever asks: whether it is an account's, where it is, who pays, who owns objects, which key.

Four reads, each of which may be denied by itself. S3 answers 403 to whoever may not ask, and just so where the bucket is not the
expected owner's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import error_code, http_status
from deployment.aws.installation import Installation
from deployment.errors import ConfigurationError

FORBIDDEN, MISSING = 403, 404
AT_A_TIME = 8
"""So many buckets are asked about at the same time."""
_NO_CONTROLS = "OwnershipControlsNotFoundError"
_NO_ENCRYPTION = "ServerSideEncryptionConfigurationNotFoundError"


@dataclass(frozen=True)
class BucketFacts:
    """Answers about one bucket; None is what was not told, and `denied` names the calls that S3 refused.

    `is_owners`: one call at least was answered, so the bucket is the expected owner's. `key` is a key as the bucket's default
    encryption names it: an ARN, an id, an alias; "" where there is none, `alias/aws/s3` for the one that AWS manages.
    `owner_is_checked` is false where this account was taken for the owner as well, as emulators do: then no answer proves it.
    """

    is_owners: bool
    region: str | None
    payer: str | None
    ownership: str | None
    key: str | None
    denied: tuple[str, ...]
    owner_is_checked: bool = True


def ask(installation: Installation, bucket: str, owner: str) -> BucketFacts:
    """Return what S3 tells of a bucket that must be this account's; raise ConfigurationError where there is none."""
    s3, denied = installation.client("s3"), []
    where = {"Bucket": bucket, "ExpectedBucketOwner": owner}

    def asked(name: str, call: Callable[[], Any]) -> Any:
        answer = _answer(call, bucket)
        denied.extend([name] if answer is None else [])
        return answer

    head = asked("HeadBucket", lambda: s3.head_bucket(**where))
    payment = asked("GetBucketRequestPayment", lambda: s3.get_bucket_request_payment(**where))
    controls = asked("GetBucketOwnershipControls", lambda: s3.get_bucket_ownership_controls(**where))
    encryption = asked("GetBucketEncryption", lambda: s3.get_bucket_encryption(**where))
    return BucketFacts(
        len(denied) < len((head, payment, controls, encryption)),
        None if head is None else head.get("BucketRegion"),
        None if payment is None else payment.get("Payer"),
        None if controls is None else _ownership(controls),
        None if encryption is None else _key(encryption),
        tuple(denied),
        head is None or _tells_owners_apart(installation, bucket, owner),
    )


def is_owned_by(installation: Installation, bucket: str, owner: str) -> bool:
    """Whether S3 says that a bucket is this account's; False also where S3 does not tell."""
    s3 = installation.client("s3")
    answer = _answer(lambda: s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=owner), bucket)
    return answer is not None


def find_missing(installation: Installation, buckets: Iterable[str]) -> tuple[str, ...]:
    """Return those of some buckets that do not exist; one that may not be asked about is not among them.

    That of another account answers 403 here, and one that does not exist 404, whoever is expected to own it.
    """
    s3 = installation.client("s3")

    def is_missing(bucket: str) -> bool:
        try:
            s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=installation.account_id)
        except ClientError as error:
            return http_status(error) == MISSING
        return False

    names = list(buckets)
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="bucket") as pool:
        return tuple(name for name, gone in zip(names, pool.map(is_missing, names), strict=True) if gone)


def _tells_owners_apart(installation: Installation, bucket: str, owner: str) -> bool:
    """Whether an answer in the name of this owner means something: a bucket that is theirs must not be this account's too."""
    ours = installation.account_id
    return owner == ours or not is_owned_by(installation, bucket, ours)


def _answer(call: Callable[[], Any], bucket: str) -> Any:
    """Return an answer, {} where there is no such setting, None where S3 does not tell."""
    try:
        return call()
    except ClientError as error:
        if error_code(error) in (_NO_CONTROLS, _NO_ENCRYPTION):
            return {}
        if http_status(error) == FORBIDDEN:
            return None
        if http_status(error) == MISSING:
            raise ConfigurationError(
                f"There is no bucket {bucket} (S3 answers 404). Check the name, or create the bucket first."
            ) from error
        raise


def _ownership(answer: Mapping[str, Any]) -> str:
    """A bucket without the setting has ACLs in force: its objects are those of whoever wrote them."""
    rules = answer.get("OwnershipControls", {}).get("Rules", [])
    return str(rules[0]["ObjectOwnership"]) if rules else "ObjectWriter"


def _key(answer: Mapping[str, Any]) -> str:
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    if not default.get("SSEAlgorithm", "").startswith("aws:kms"):
        return ""
    return str(default.get("KMSMasterKeyID") or "alias/aws/s3")
