"""One run at a time may write into a part of a destination: leases in the work bucket.

A run first writes its lease, then reads all leases of the destination. Of two runs that begin at the same moment at least one
sees the other, because S3 is strongly consistent
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel); if both do, both
are refused. A lease of an execution that no longer runs does not count: its left-over uploads are aborted and the lease is
removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import Refused, code_of, is_missing, status_of
from lambda_functions.shared.run import Run
from lambda_functions.shared.sync_input import overlap


@dataclass(frozen=True)
class Leases:
    """The leases of all runs in one work bucket."""

    client: Any
    bucket: str
    is_running: Callable[[str], bool]

    def take(self, run: Run, clean_up: Callable[[str], object]) -> None:
        """Take the lease of a run's destination; raise `Refused("AlreadyRunning", ...)` if another run has it.

        `clean_up(folder)` is called for the run folder of every execution found dead. Taking one's own lease again is no error.
        """
        mine = lease_key(run)
        self._write(mine, run)
        for key, lease in self._others(run, mine):
            if self.is_running(lease["execution"]):
                self.client.delete_object(Bucket=self.bucket, Key=mine)
                raise Refused("AlreadyRunning", _already_running(run, lease))
            clean_up(lease["folder"])
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def release(self, run: Run) -> None:
        """Give the lease back; no error if there is none."""
        self.client.delete_object(Bucket=self.bucket, Key=lease_key(run))

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
            if status_of(error) not in (409, 412):
                raise

    def _others(self, run: Run, mine: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=lease_folder(run)
        )
        keys = [found["Key"] for page in pages for found in page.get("Contents", ()) if found["Key"] != mine]
        for key in keys:
            lease = self._read(key)
            if lease and overlap(lease["prefix"], run.destination.prefix):
                yield key, lease

    def _read(self, key: str) -> Any:
        try:
            return json.loads(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
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


def asks_step_functions(client: Any) -> Callable[[str], bool]:
    """Return the question whether an execution runs; an answer that is neither yes nor no counts as yes."""

    def is_running(execution: str) -> bool:
        try:
            return bool(client.describe_execution(executionArn=execution)["status"] == "RUNNING")
        except ClientError as error:
            return code_of(error) != "ExecutionDoesNotExist"

    return is_running


def _already_running(run: Run, lease: Mapping[str, Any]) -> str:
    return (
        f'another execution is writing into {run.destination.bucket}, prefix "{lease["prefix"]}": {lease["execution"]}, '
        f"started {lease['startedAt']}. Nothing was changed. Wait until it has ended, or stop it, then start again."
    )
