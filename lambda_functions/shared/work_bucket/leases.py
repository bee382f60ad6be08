"""One run at a time may write into a part of a destination: leases in the work bucket.

A run first writes its lease, then reads all leases. Of two runs that begin at the same moment at least one sees the other,
because S3 is strongly consistent (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel); if both
do, both are refused. A run is refused if another one writes into the same part of its destination, or if it would close a circle
of runs that feed each other (`lease_cycles`). A dry run writes nothing and takes no lease.

Report removes the lease of its execution, whatever came of the run, and nobody else does: an attempt of ValidateInput that is
refused may be the slow first one of a run that was accepted meanwhile. Only an attempt that comes later than its execution's end
removes what it has just written. A run that was stopped, or broke while it wrote, leaves its lease: its Lambdas may go on until
their timeout, so the lease counts for that long after the execution has ended. After that its left-over uploads are aborted and
the lease is removed. A lease with `endedAt` blocks nobody: Report has kept it only to have those uploads aborted once more.

A worker whose run has no lease any more (redriven long after) stops before it writes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.bucket_names import is_bucket_name
from lambda_functions.shared.errors import Refused, SyncError, is_lost_race, is_missing
from lambda_functions.shared.outcomes import pluralize
from lambda_functions.shared.run import Run
from lambda_functions.shared.work_bucket.executions import (
    MISSING,
    RUNNING,
    STRAGGLERS_MINUTES,
    UNKNOWN,
    Ask,
    busy_until,
)
from lambda_functions.shared.work_bucket.lease_cycles import (
    Lease,
    find_cycle,
    lease_document,
    overlapping,
    parse_lease,
)
from lambda_functions.shared.work_bucket.run_folder import work_bucket

FOLDER = "leases/"
# How a cause begins where the other run is RUNNING; the rule of the notices leaves out what begins so.
BUSY = "another execution is writing into"
UNCLEAR = "another execution may be writing into"
OVER = "an execution that is over may still be writing into"
READ_THREADS = 16
# How many runs of a circle are named; the cause of an execution has 32,768 characters at most.
NAMED_RUNS = 5


class LeaseLost(SyncError):
    """The run may not write into its destination any more."""


@dataclass(frozen=True)
class LeaseFile:
    """A lease with the file that it was read from."""

    key: str
    etag: str
    written_at: datetime
    lease: Lease


@dataclass(frozen=True)
class Leases:
    """The leases of all runs in one work bucket; `ask` tells of an execution."""

    client: Any
    bucket: str
    ask: Ask
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def take(self, run: Run, clean_up: Callable[[str], Sequence[str]]) -> list[str]:
        """Take the lease of a run's destination; raise `Refused("AlreadyRunning", ...)` if other runs are in the way.

        `clean_up(folder)` is called for the run folder of every execution in the same part of the destination that is dead.
        Returns what it could not do: the next run tries that again. Taking one's own lease again is no error.
        """
        key = lease_key(run)
        is_new = self._write(key, run)
        files = list(self._read_all({key: Lease.of(run)} if is_new else {}))
        mine = [file for file in files if file.key == key]
        self._require_running(run, mine if is_new else [])
        self._refuse_unreadable(mine)
        others = [file for file in files if file.key != key]
        dead = self._refuse_overlapping(run, others)
        self._refuse_cycles(Lease.of(run), others)
        return [problem for file in dead for problem in self._clear_away(file, clean_up)]

    def _write(self, key: str, run: Run) -> bool:
        """Write the lease unless it is there; return whether this has written it."""
        body = json.dumps(lease_document(run)).encode()
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if not is_lost_race(error):
                raise
            return False
        return True

    def _read_all(self, written: Mapping[str, Lease]) -> Iterator[LeaseFile]:
        """Yield the leases that are listed; of one that was `written` just now only the date counts, which the listing has."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=FOLDER)
        listed = [found for page in pages for found in page.get("Contents", ())]
        with ThreadPoolExecutor(READ_THREADS, thread_name_prefix="lease") as pool:
            yield from (file for file in pool.map(lambda one: self._read(one, written), listed) if file)

    def _read(self, listed: Mapping[str, Any], written: Mapping[str, Lease]) -> LeaseFile | None:
        key = listed["Key"]
        if key in written:
            return LeaseFile(key, listed["ETag"], listed["LastModified"], written[key])
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        lease = parse_lease(key.split("/")[1], answer["Body"].read())
        return LeaseFile(key, answer["ETag"], listed["LastModified"], lease)

    def _require_running(self, run: Run, written: Sequence[LeaseFile]) -> None:
        """Raise `LeaseLost` if the run's own execution has ended: this is an attempt that nobody waits for any more.

        What it has written after the end is removed. A lease from before the end may be that of workers that are still writing.
        """
        execution = self.ask(run.execution)
        if execution.ended_at is None:
            return
        for file in written:
            if file.written_at > execution.ended_at:
                self.client.delete_object(Bucket=self.bucket, Key=file.key)
        raise LeaseLost(
            f"{run.execution} had ended ({execution.status}) before this attempt had its lease on {run.destination.bucket}; "
            "nothing was changed"
        )

    def _refuse_unreadable(self, files: Sequence[LeaseFile]) -> None:
        for file in files:
            if file.lease.problem:
                raise Refused("AlreadyRunning", self._unreadable(file))

    def _refuse_overlapping(self, run: Run, others: Sequence[LeaseFile]) -> list[LeaseFile]:
        """Refuse a run while another one may write into the same part; return the leases there that do not count any more."""
        there = [file for file in others if overlapping(file.lease, Lease.of(run))]
        self._refuse_unreadable(there)
        for file in there:
            until = self._busy_until(file)
            if until:
                status = self.ask(file.lease.execution).status
                raise Refused("AlreadyRunning", _already_running(file.lease, status, until))
        return there

    def _refuse_cycles(self, mine: Lease, others: Sequence[LeaseFile]) -> None:
        """Refuse a run that would close a circle of runs that may still write; only those on a circle are asked for."""
        files = {self._with_source(file.lease): file for file in others}
        while cycle := find_cycle(mine, list(files)):
            self._refuse_unreadable([files[lease] for lease in cycle])
            until = {lease: self._busy_until(files[lease]) for lease in cycle}
            if all(until.values()):
                raise Refused("AlreadyRunning", _closes_a_circle(mine, until))
            files = {lease: file for lease, file in files.items() if until.get(lease, "alive")}

    def _with_source(self, lease: Lease) -> Lease:
        """Return a lease with what its run reads; that of an older machine does not say so, but its execution's input does."""
        source = None if lease.source or lease.problem else self.ask(lease.execution).source()
        return lease.reading(*source) if source else lease

    def _busy_until(self, file: LeaseFile) -> str:
        if file.lease.ended_at:
            return ""
        execution = self.ask(file.lease.execution)
        since = self._missing_since(file) if execution.status == MISSING else self.now()
        return busy_until(execution, since, self.now())

    def _missing_since(self, file: LeaseFile) -> datetime:
        """Return when a run first saw that Step Functions does not know the execution; noted in the lease if that is now."""
        if file.lease.missing_since:
            return file.lease.missing_since
        now = self.now()
        body = json.dumps({**file.lease.document, "missingSince": now.isoformat()}).encode()
        try:
            self.client.put_object(Bucket=self.bucket, Key=file.key, Body=body, IfMatch=file.etag)
        except ClientError as error:
            if not (is_lost_race(error) or is_missing(error)):
                raise
        return now

    def _clear_away(self, file: LeaseFile, clean_up: Callable[[str], Sequence[str]]) -> list[str]:
        problems = list(clean_up(file.lease.folder))
        if not problems:
            self.client.delete_object(Bucket=self.bucket, Key=file.key)
        return problems

    def _unreadable(self, file: LeaseFile) -> str:
        minutes = max(0, int((self.now() - file.written_at).total_seconds() // 60))
        return _unreadable(f"s3://{self.bucket}/{file.key}", file, minutes)


def require_lease(client: Any, run: Run) -> None:
    """Raise `LeaseLost` unless this run still has its lease; every worker that writes asks once a turn."""
    key = lease_key(run)
    try:
        body = client.get_object(Bucket=work_bucket(), Key=key)["Body"].read()
    except ClientError as error:
        if not is_missing(error):
            raise
        body = None
    lease = body and parse_lease(run.destination.bucket, body)
    if lease and lease.problem:
        address = f"s3://{work_bucket()}/{key}"
        raise LeaseLost(
            f"{address}, the lease of {run.execution}, cannot be read ({lease.problem}); start a new execution"
        )
    if not lease or lease.ended_at:
        raise LeaseLost(
            f"{run.execution} has given back its lease on {run.destination.bucket}; start a new execution"
        )


def release_lease(client: Any, destination: Any, execution: str) -> None:
    """Give the lease of an execution back; no error if there is none, or if its input names nothing that can have one."""
    if isinstance(destination, str) and is_bucket_name(destination):
        client.delete_object(Bucket=work_bucket(), Key=_key(destination, execution))


def keep_lease(client: Any, run: Run, ended_at: datetime) -> None:
    """Keep the lease of a run that is over, so that the next one finds what could not be cleaned up; it blocks nobody."""
    body = json.dumps({**lease_document(run), "endedAt": ended_at.isoformat()}).encode()
    client.put_object(Bucket=work_bucket(), Key=lease_key(run), Body=body)


def lease_key(run: Run) -> str:
    """Return the key of a run's own lease."""
    return _key(run.destination.bucket, run.execution)


def _key(destination: str, execution: str) -> str:
    return f"{FOLDER}{destination}/{hashlib.sha256(execution.encode()).hexdigest()[:32]}.json"


def _already_running(lease: Lease, status: str, until: str) -> str:
    """Return the refusal; its beginning says whether the other one is RUNNING, which is no news to be told of."""
    who = {RUNNING: BUSY, UNKNOWN: UNCLEAR, MISSING: UNCLEAR}.get(status, OVER)
    return (
        f'{who} {lease.destination}, prefix "{lease.prefix}": {lease.execution_title()}, '
        f"started {lease.started_at}. Nothing was changed. Wait until {until}, then start again."
    )


def _closes_a_circle(mine: Lease, until: dict[Lease, str]) -> str:
    named = [
        f"{lease.execution_title()}, started {lease.started_at}, from {lease.source_address()} to {lease.destination_address()}"
        for lease in until
    ]
    more = [f"{len(named) - NAMED_RUNS:,} more"] if len(named) > NAMED_RUNS else []
    others = ", and ".join([*named[:NAMED_RUNS], *more])
    first = next(iter(until.values())) if len(until) == 1 else "one of them has ended"
    return (
        f"a run from {mine.source_address()} to {mine.destination_address()} would close a circle in which each run takes what "
        f"another has not copied yet for deleted: {others}. Nothing was changed. Wait until {first}, then start again."
    )


def _unreadable(address: str, file: LeaseFile, minutes: int) -> str:
    written = f"{file.written_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"{address}, written at {written} ({pluralize(minutes, 'minute')} ago), should be the lease of a run and cannot be read "
        f"({file.lease.problem}), so another execution may be writing into {file.lease.destination}. Nothing was changed. "
        f"Delete that file once no execution that began before {written} is running and {STRAGGLERS_MINUTES} minutes have "
        "passed since the last of them ended, then start again."
    )
