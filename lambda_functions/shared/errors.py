"""What a worker raises, how AWS's errors are read, and what both say in a report.

    SyncError
     +-- Refused              the run must not go on: InvalidInput or AlreadyRunning, with a cause a person can act on
     +-- RangeBroken          a listing could not be read to the end, or came out of order: nothing may be concluded from it
     +-- NoProgress           a turn would hand back exactly what it was given
     +-- RequestFailed        a request that a worker cannot do without failed to the end
     +-- RunFileBroken        (work_bucket/run_folder) a file of the run is missing, cut, or another one
     +-- Stopped              an object was begun, and is given up because the run is to stop
     +-- SourceChanged        the source is no longer the object that was listed
     +-- PartsMissing         (apply/conflicts) some part of a very large object was not copied
     +-- BucketMissing        (s3/heads) a bucket of the run does not exist any more
     +-- LeaseLost            (work_bucket/leases) the run may not write into its destination any more

Errors of one object never raise through a worker: they become that object's outcome (see `outcomes`).
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class SyncError(Exception):
    """Base of everything that the workers raise on purpose."""


class Refused(SyncError):
    """The run is refused before it changes anything; `error` is the name the execution fails with."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.error = error
        self.cause = cause


class RangeBroken(SyncError):
    """A key range cannot be compared; its keys are unknown, not absent."""


class Stopped(SyncError):
    """An object was begun, and is given up because the run is to stop."""


class SourceChanged(SyncError):
    """The source is no longer the object that was listed."""


class NoProgress(SyncError):
    """A turn ended where it began."""


class RequestFailed(SyncError):
    """A request that a worker cannot do without failed, however often it was repeated."""


# S3's codes and statuses: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
# A conflict does not say that the object is another one: the next try, on the same condition, does.
CONFLICT_CODES = ("OperationAborted", "ConditionalRequestConflict")
# These pass by themselves, whatever the status they come with, so the same request is worth another try. S3 hands on what KMS
# says with a prefix and the status 400: https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html#API_GenerateDataKey_Errors
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#CommonErrors has those of every service.
PASSING_CODES = (
    "InternalError", "InternalFailure", "InternalException", "KMSInternalException", "DependencyTimeoutException", "SlowDown",
    "ServiceUnavailable", "ServiceUnavailableException", "Busy", "RequestTimeout", "RequestTimeTooSkewed", "RequestExpired",
    "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException",
    "RequestThrottled", "PriorRequestNotComplete", "TransactionInProgressException",
)  # fmt: skip
# A role's credentials are renewed before they expire, and each try is signed anew; others stay expired.
EXPIRED_CODES = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")


def code_of(error: Exception) -> str:
    """Return the error code AWS gave: `NoSuchKey`, `AccessDenied`; HEAD answers have no body, so there `404`, `403`."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def status_of(error: Exception) -> int:
    """Return the HTTP status of a refused request; 0 where it is unknown, as for one key of DeleteObjects."""
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def bucket_of(error: Exception) -> str:
    """Return the bucket that a refused request was about, "" where it is unknown; our clients note it in the answer."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("ResponseMetadata", {}).get("Bucket", ""))


def is_missing(error: Exception) -> bool:
    """Whether AWS said that the thing does not exist (HEAD gives only the status); of an object, its bucket may be missing."""
    return status_of(error) == 404 or code_of(error) in {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}


def is_missing_key(error: Exception) -> bool:
    """Whether AWS said that the object does not exist, and not its bucket."""
    return code_of(error) == "NoSuchKey"


def is_denied(error: Exception) -> bool:
    """Whether AWS answered that this is not allowed, or that the bucket is not of the expected account."""
    return status_of(error) == 403


def is_missing_part(error: Exception) -> bool:
    """Whether the object that was asked for does not have this part: InvalidPartNumber, of which HEAD gives only the status."""
    return status_of(error) == 416


def is_missing_execution(error: Exception) -> bool:
    """Whether Step Functions knows no such execution: it forgets them after 90 days.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html#API_DescribeExecution_Errors
    """
    return code_of(error) == "ExecutionDoesNotExist"


def is_archived(error: Exception) -> bool:
    """Whether the object has to be restored before it can be read."""
    return code_of(error) == "InvalidObjectState"


def is_lost_race(error: Exception) -> bool:
    """Whether a write on a condition came second: the condition does not hold (412), or another write is under way (409).

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    return status_of(error) in (409, 412)


def is_refusal(error: Exception) -> bool:
    """Whether an error says that a condition did not hold or something was not there.

    NoSuchUpload too: an upload that a lost answer had completed already is not there any more.
    """
    is_refused = status_of(error) in (404, 409, 412) or code_of(error) == "PreconditionFailed"
    return is_refused and code_of(error) != "NoSuchBucket"


def is_passing_code(code: str) -> bool:
    """Whether a code says that AWS is too busy or has a fault that passes: `KMS.ThrottlingException` as well as `SlowDown`."""
    name = code.rpartition(".")[2]
    return name in PASSING_CODES or "throttl" in name.lower()


def is_transient(error: Exception) -> bool:
    """Whether another try may help. botocore repeats whole requests only, not single keys of DeleteObjects."""
    code = code_of(error)
    return is_passing_code(code) or code in CONFLICT_CODES or code in EXPIRED_CODES


def is_throttled(error: Exception) -> bool:
    """Whether AWS asks to come more slowly, which passes: SlowDown and ServiceUnavailable have the status 503, KMS's 400.

    A key of DeleteObjects has no status, and an error in an answer that had begun with 200 has another: there the code tells.
    """
    code = code_of(error)
    is_named = code in ("SlowDown", "ServiceUnavailable", "RequestLimitExceeded")
    return status_of(error) in (429, 503) or is_named or "throttl" in code.lower()


def is_permanent(error: Exception) -> bool:
    """Whether trying again cannot help: AWS answered with a 4xx status, and its code is none of those that pass."""
    is_passing = status_of(error) == 429 or is_passing_code(code_of(error)) or code_of(error) in EXPIRED_CODES
    return 400 <= status_of(error) < 500 and not is_passing


def describe(error: Exception) -> str:
    """Return one line for a report: `AccessDenied: Access Denied (CopyObject)`."""
    if isinstance(error, ClientError):
        message = error.response.get("Error", {}).get("Message", "")
        return f"{code_of(error)}: {message} ({error.operation_name})"
    if isinstance(error, BotoCoreError | OSError):
        return f"{type(error).__name__}: {error}"
    return str(error) or type(error).__name__


def describe_with_bucket(error: Exception) -> str:
    """Return the same with the bucket, for errors that are not about one object: `... (ListObjectsV2 of bucket photos)`."""
    bucket = bucket_of(error)
    return f"{describe(error).removesuffix(')')} of bucket {bucket})" if bucket else describe(error)


def name_errors(handler: Handler) -> Handler:
    """Return a Lambda's handler whose errors of AWS say which request to which bucket was refused, and with what code."""

    @functools.wraps(handler)
    def wrapper(event: dict[str, Any], context: Any) -> dict[str, Any]:
        try:
            return handler(event, context)
        except (ClientError, BotoCoreError) as error:
            raise RequestFailed(describe_with_bucket(error)) from error

    return wrapper


def explain(error: Exception) -> str:
    """Return one line for any error; one that is not expected also goes to the log, with its traceback."""
    if not isinstance(error, SyncError | BotoCoreError | ClientError | OSError):
        logging.getLogger(__name__).error("unexpected error", exc_info=error)
        return f"{type(error).__name__}: {error}"
    return describe(error)


# Of an execution, in characters: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
# Counted in bytes of UTF-8 here, of which there are never fewer.
MAX_CAUSE_BYTES = 32_768


def cut_cause(cause: str, address: str) -> str:
    """Return a cause that an execution can fail with: whole, or cut between two characters with a word on where the rest is."""
    encoded = cause.encode("utf-8", "backslashreplace")
    if len(encoded) <= MAX_CAUSE_BYTES:
        return encoded.decode()
    rest = f"... (cut; all of it is in {address})"
    return encoded[: MAX_CAUSE_BYTES - len(rest.encode())].decode("utf-8", "ignore") + rest


def cause_of_execution(cause: str, name: str, address: str) -> str:
    """Return what an execution fails with: the cause, the name of its sync if it has one, and where its report is."""
    about = f" Sync: {name}." if name else ""
    return cut_cause(f"{cause}{about} Report: {address}" if cause else "", address)


def message_of(cause: str) -> str:
    """Return the sentence in a Lambda's error, which comes as JSON; other causes are sentences already."""
    try:
        return str(json.loads(cause)["errorMessage"])[:1000]
    except (ValueError, KeyError, TypeError):
        return cause[:1000]
