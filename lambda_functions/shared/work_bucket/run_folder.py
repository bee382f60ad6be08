"""Everything that is written to the work bucket: the files of one run.

    ranges/<wave>.json               index: the ranges of a wave
    compared/<range>.json            record of a compared range; names its shards, and the ranges that it hands back
    copy/ large/ delete/             shards (JSON lines): what is to be done, at most 2,000 keys each
    copy.json large.json delete.json indexes of those shards, made from the records
    large/<id>-...json               how a very large object is being copied, and what its groups of parts have done
    copied/ deleted/                 records of what was done
    tally/                           sums over those records, as far as they have been read
    uploads/                         multipart uploads under way, written before they are used
    failures/                        JSON lines: key, what, error
    failures.json                    index of the files in failures/ that count
    report.json                      the end

**A file counts only if a record names it.** A record is written last, in one PUT that succeeds only if there is none yet; an
attempt that finds one returns what it says. Shards carry the Lambda request id of their attempt, so attempts never mix. What
no record names is litter, and expires.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import SyncError, is_lost_race, is_missing

READ_THREADS = 32
RECORD_PAUSES_SECONDS = (0.1, 0.4, 1.6, 6.4)


class RunFileMissing(SyncError):
    """A file of the run that must exist does not; nothing may be concluded from its absence."""


def work_bucket() -> str:
    """Return the work bucket's name, which the deployment puts into every function's environment."""
    return os.environ["WORK_BUCKET"]


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run in the work bucket; names are relative to it."""

    client: Any
    path: str
    bucket: str = field(default_factory=work_bucket)

    def key(self, name: str) -> str:
        """Return the key of a file in the work bucket."""
        return f"{self.path}/{name}"

    def address(self, name: str = "") -> str:
        """Return the address for people: `s3://work/runs/...`."""
        return f"s3://{self.bucket}/{self.path}/{name}"

    def write(self, name: str, data: Any) -> None:
        """Write a JSON document, replacing what is there."""
        self._put(name, json.dumps(data))

    def write_lines(self, name: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write JSON lines."""
        self._put(name, "".join(json.dumps(line) + "\n" for line in lines))

    def read(self, name: str) -> Any:
        """Return a JSON document, or None where there is none."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.key(name))
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return json.loads(answer["Body"].read())

    def require(self, name: str) -> Any:
        """Return a JSON document that must be there; a missing one is an error, never an empty one."""
        document = self.read(name)
        if document is None:
            raise RunFileMissing(
                f"{self.address(name)} is not there: the run's files have expired, or somebody removed them"
            )
        return document

    def read_lines(self, name: str) -> list[Any]:
        """Return the documents of a file of JSON lines."""
        body = self.client.get_object(Bucket=self.bucket, Key=self.key(name))["Body"].read()
        return [json.loads(line) for line in body.splitlines()]

    def read_many(self, names: Sequence[str]) -> list[Any]:
        """Return the documents in the order of their names, None where there is none."""
        with ThreadPoolExecutor(READ_THREADS) as pool:
            return list(pool.map(self.read, names))

    def write_once(self, name: str, data: Any) -> Any:
        """Write a record that nobody may replace; return it, or the one that was there first."""
        for pause_seconds in RECORD_PAUSES_SECONDS:
            try:
                self._put(name, json.dumps(data), IfNoneMatch="*")
                return data
            except ClientError as error:
                if not is_lost_race(error):
                    raise
            first = self.read(name)
            if first is not None:
                return first
            time.sleep(pause_seconds)  # 409: somebody is writing it at this moment
        raise SyncError(f"{self.address(name)} could not be written: other writers were in the way")

    def remove(self, name: str) -> None:
        """Remove a file; no error where there is none."""
        self.client.delete_object(Bucket=self.bucket, Key=self.key(name))

    def list_names(self, folder: str) -> Iterator[str]:
        """Yield the names of the files in a folder (only for uploads: everything else is found through records)."""
        paginator = self.client.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self.bucket, Prefix=self.key(folder)):
            for file in page.get("Contents", ()):
                yield file["Key"].removeprefix(f"{self.path}/")

    def _put(self, name: str, body: str, **conditions: str) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self.key(name), Body=body.encode(), **conditions)
