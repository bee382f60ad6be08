"""One run at a time may write into a part of a destination: leases in the work bucket.

A run first writes its lease, then reads all leases of the destination. Of two runs that begin at the same moment at least one
sees the other, because S3 is strongly consistent
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel); if both do, both are refused.

A run that ends in order gives its lease back. One that was stopped, or broke while it wrote, leaves it: its Lambdas may go on
until their timeout, so the lease counts for that long after the execution has ended. After that its left-over uploads are aborted
and the lease is removed. A worker whose run has no lease any more (redriven long after) stops before it writes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import Refused, SyncError, is_lost_race, is_missing, is_missing_execution
from lambda_functions.shared.options import overlap
from lambda_functions.shared.run import Run
from lambda_functions.shared.work_bucket.run_folder import work_bucket

# The longest that a Lambda goes on after its execution was ended: the workers' timeout, and half a minute.
STRAGGLERS_SECONDS = 930


class LeaseLost(SyncError):
    """The run may not write into its destination any more."""


@dataclass(frozen=True)
class Leases:
    """The leases of all runs in one work bucket; `busy_until(execution)` says how long one counts, "" if it does not."""

    client: Any
    bucket: str
    busy_until: Callable[[str], str]

    def take(self, run: Run, clean_up: Callable[[str], Sequence[str]]) -> None:
        """Take the lease of a run's destination; raise `Refused("AlreadyRunning", ...)` if another run has it.

        `clean_up(folder)` is called for the run folder of every execution that is dead, and returns what it could not do. Taking
        one's own lease again is no error.
        """
        mine = lease_key(run)
        self._write(mine, run)
        for key, lease in self._overlapping(run, mine):
            until = self.busy_until(lease["execution"])
            if until:
                self.client.delete_object(Bucket=self.bucket, Key=mine)
                raise Refused("AlreadyRunning", _already_running(run, lease, until))
            if clean_up(lease["folder"]):
                continue  # what could not be cleaned up is tried again by the next run
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def _write(self, key: str, run: Run) -> None:
        lease = {
            "execution": run.execution,
            "prefix": run.destination.prefix,
            "folder": run.folder,
            "startedAt": run.started_at,
        }
        try:
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=json.dumps(lease).encode(), IfNoneMatch="*"
            )
        except ClientError as error:
            if not is_lost_race(error):
                raise

    def _overlapping(self, run: Run, mine: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=lease_folder(run)
        )
        keys = [file["Key"] for page in pages for file in page.get("Contents", ()) if file["Key"] != mine]
        for key in keys:
            lease = _read_lease(self.client, self.bucket, key)
            if lease and overlap(lease["prefix"], run.destination.prefix):
                yield key, lease


def require_lease(client: Any, run: Run) -> None:
    """Raise `LeaseLost` unless this run still has its lease; every worker that writes asks once a turn."""
    if _read_lease(client, work_bucket(), lease_key(run)) is None:
        raise LeaseLost(
            f"{run.execution} has given back its lease on {run.destination.bucket}; start a new execution"
        )


def release_lease(client: Any, run: Run) -> None:
    """Give the lease back; no error if there is none."""
    client.delete_object(Bucket=work_bucket(), Key=lease_key(run))


def _read_lease(client: Any, bucket: str, key: str) -> Any:
    try:
        return json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def lease_folder(run: Run) -> str:
    """Return where the leases of a destination are."""
    return f"leases/{run.destination.bucket}/"


def lease_key(run: Run) -> str:
    """Return the key of a run's own lease."""
    return f"{lease_folder(run)}{hashlib.sha256(run.execution.encode()).hexdigest()[:32]}.json"


def execution_check(
    client: Any, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Callable[[str], str]:
    """Return `busy_until` for `Leases`; an execution of which nothing can be learnt counts as busy."""

    def busy_until(execution: str) -> str:
        try:
            description = client.describe_execution(executionArn=execution)
        except ClientError as error:
            return "" if is_missing_execution(error) else "it has ended"
        if description["status"] == "RUNNING":
            return "it has ended"
        end = description["stopDate"] + timedelta(seconds=STRAGGLERS_SECONDS)
        return f"{end.astimezone(UTC):%H:%M:%S} UTC, when its last Lambda must be over" if end > now() else ""

    return busy_until


def _already_running(run: Run, lease: Mapping[str, Any], until: str) -> str:
    return (
        f'another execution is writing into {run.destination.bucket}, prefix "{lease["prefix"]}": {lease["execution"]}, '
        f"started {lease['startedAt']}. Nothing was changed. Wait until {until}, then start again."
    )
