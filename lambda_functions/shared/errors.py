"""What a worker raises, and what it says.

    SyncError
     +-- Refused              the run must not go on: InvalidInput or AlreadyRunning, with a cause a person can act on
     +-- RangeBroken          a listing could not be read to the end, or came out of order: nothing may be concluded from it
     +-- NoProgress           a turn would hand back exactly what it was given
     +-- PaperMissing         (run_folder) a file of the run that must be there is not
     +-- SourceChanged        the source is no longer the object that was listed
     +-- PartsMissing         (refusals) some part of a very large object was not copied
     +-- BucketMissing        (asking) a bucket of the run does not exist any more
     +-- LeaseLost            (leases) the run may not write into its destination any more

Errors of one object never raise through a worker: they become that object's outcome (see `outcomes`).
"""

from __future__ import annotations

import json
import logging

from botocore.exceptions import BotoCoreError, ClientError


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


class SourceChanged(SyncError):
    """The source is no longer the object that was listed."""


class NoProgress(SyncError):
    """A turn ended where it began."""


def code_of(error: ClientError) -> str:
    """Return the error code AWS gave: `NoSuchKey`, `AccessDenied`; HEAD answers have no body, so there `404`, `403`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """Return the HTTP status of a refused request; 0 where it is unknown."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_missing(error: ClientError) -> bool:
    """Whether AWS said that the thing does not exist (HEAD gives only the status)."""
    return status_of(error) == 404 or code_of(error) in {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}


def is_permanent(error: Exception) -> bool:
    """Whether trying again cannot help: AWS answered with a 4xx status other than throttling."""
    if not isinstance(error, ClientError):
        return False
    return 400 <= status_of(error) < 500 and status_of(error) != 429 and code_of(error) != "RequestTimeout"


def describe(error: Exception) -> str:
    """Return one line for a report: `AccessDenied: Access Denied (CopyObject)`."""
    if isinstance(error, ClientError):
        message = error.response.get("Error", {}).get("Message", "")
        return f"{code_of(error)}: {message} ({error.operation_name})"
    if isinstance(error, BotoCoreError | OSError):
        return f"{type(error).__name__}: {error}"
    return str(error) or type(error).__name__


def explain(error: Exception) -> str:
    """Return one line for any error; one that nobody foresaw also goes to the log, with its traceback."""
    if not isinstance(error, SyncError | BotoCoreError | ClientError | OSError):
        logging.getLogger(__name__).error("unforeseen", exc_info=error)
        return f"{type(error).__name__}: {error}"
    return describe(error)


def message_of(cause: str) -> str:
    """Return the sentence in a Lambda's error, which comes as JSON; other causes are sentences already."""
    try:
        return str(json.loads(cause)["errorMessage"])[:1000]
    except (ValueError, KeyError, TypeError):
        return cause[:1000]
