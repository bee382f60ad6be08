"""A refused request is first read, then judged: was it our own earlier try, another writer, or a source that moved on?

S3 answers 412, 409 or 404 to a condition that does not hold, and does not say whose. Looking at both objects does.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.clients import Clients
from lambda_functions.shared.equality import Decision, judge_checksums, same_etag
from lambda_functions.shared.errors import code_of, status_of
from lambda_functions.shared.run import Run, Side
from lambda_functions.shared.undecided import head

REFUSED_STATUSES = (404, 409, 412)


class Verdict(enum.Enum):
    """What a refused copy turns out to be."""

    COPIED = "copied"  # by an earlier try of ours
    VANISHED = "vanished"
    SOURCE_CHANGED = "source changed"
    DESTINATION_CHANGED = "destination changed"


class BucketMissing(Exception):
    """A bucket of the run does not exist any more."""


@dataclass(frozen=True)
class Judgement:
    """A verdict and, for a source that changed, what it is now: the line to try next."""

    verdict: Verdict
    line: Mapping[str, Any]


def is_refusal(error: ClientError) -> bool:
    """Whether an error says that a condition did not hold or something was not there."""
    return status_of(error) in REFUSED_STATUSES and code_of(error) not in ("NoSuchBucket", "NoSuchUpload")


def judge(clients: Clients, run: Run, line: Mapping[str, Any]) -> Judgement:
    """Return what a refused copy of this line means; raises what its own HEAD requests raise.

    Raises `BucketMissing` where the source bucket itself is gone, which answers 404 as well.
    """
    source = head(clients.source, run.source, line["key"])
    destination = head(clients.destination, run.destination, line["key"])
    if destination and _is_ours(run, line, source, destination):
        return Judgement(Verdict.COPIED, line)
    if source is None:
        require_bucket(clients.source, run.source)
        return Judgement(Verdict.VANISHED, line)
    if source["ETag"].strip('"') != line["etag"]:
        return Judgement(Verdict.SOURCE_CHANGED, reread(line, source))
    return Judgement(Verdict.DESTINATION_CHANGED, line)


def require_bucket(client: Any, side: Side) -> None:
    """Raise `BucketMissing` unless the bucket answers; HEAD of an object says 404 for a missing bucket too."""
    try:
        client.head_bucket(
            **{name: value for name, value in side.parameters().items() if name != "RequestPayer"}
        )
    except ClientError as error:
        if status_of(error) == 404:
            raise BucketMissing(f"the bucket {side.bucket} does not exist any more") from error
        raise


def reread(line: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line for the object that the source is now; the destination may still only replace what was listed."""
    now = {
        "etag": source["ETag"].strip('"'),
        "size": source["ContentLength"],
        "class": source.get("StorageClass", "STANDARD"),
    }
    return {**line, **now}


def _is_ours(
    run: Run, line: Mapping[str, Any], source: Mapping[str, Any] | None, destination: Mapping[str, Any]
) -> bool:
    """Whether the destination is what this very run has put there: written since it began, and the listed content."""
    if destination["LastModified"] < run.began_at():
        return False
    if same_etag(destination["ETag"].strip('"'), line["etag"]):
        return True
    same_size = destination["ContentLength"] == line["size"]
    is_listed = source is not None and source["ETag"].strip('"') == line["etag"]
    return same_size and is_listed and judge_checksums(source or {}, destination) is Decision.CURRENT
