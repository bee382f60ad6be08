"""Reads what a run has left in the work bucket: its report, its documents, and the files that name keys, as JSON lines."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.errors import aws_sentence, is_missing
from deployment.aws.installation import Installation
from deployment.errors import ExecutionFailed
from deployment.step_functions.report_shape import is_failure, is_report

RUNS = "runs"

READ_AHEAD = 8
"""How many files are read before they are needed: 16,000 lines, some 4 MB."""

Item = TypeVar("Item")
Found = TypeVar("Found")

Line = Mapping[str, str]
"""`{"key", "what", "error"}` of an object that was not synchronised."""


@dataclass(frozen=True)
class FailureFiles:
    """What names the objects that were not synchronised; no file names those of `unfinished_shards`."""

    files: Sequence[Mapping[str, Any]]
    unfinished_shards: int = 0


def run_name(execution_arn: str) -> str:
    """Return `<state machine>/<execution>`: what an input calls the plan of a run."""
    return "/".join(execution_arn.split(":")[6:8])


def folder_of(execution_arn: str) -> str:
    """Return what the keys of a run's files begin with, without the slash behind it."""
    return f"{RUNS}/{run_name(execution_arn)}"


def place_of(installation: Installation, work_bucket: str | None) -> dict[str, Any]:
    """Return the parameters of every request to the work bucket: which one it is, and whose it must be."""
    return {"Bucket": work_bucket, "ExpectedBucketOwner": installation.account_id}


def seconds_of(report: Mapping[str, Any]) -> float | None:
    """Return how long a run took that has left this report, None where an older one does not say it."""
    try:
        began, ended = (datetime.fromisoformat(report[when]) for when in ("startedAt", "endedAt"))
        return (ended - began).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None


class RunFolder:
    """The files of one run in the work bucket; only reads."""

    def __init__(self, installation: Installation, execution_arn: str, work_bucket: str | None) -> None:
        self._s3 = installation.client("s3")
        self._folder = folder_of(execution_arn)
        self._place = place_of(installation, work_bucket)

    def planned_in(self, report: Mapping[str, Any]) -> RunFolder:
        """Return where the plan of a run with this report is: here, or in the folder of the dry run that it carried out."""
        applied = report.get("appliedPlan")
        if not applied:
            return self
        planned = copy(self)
        planned._folder = f"{RUNS}/{applied}"
        return planned

    def report(self) -> Mapping[str, Any] | None:
        """Return the report that a run has left, None where there is none to be read."""
        try:
            report = json.loads(self._body("report.json"))
        except (ClientError, BotoCoreError, ValueError, RecursionError):
            return None
        return report if is_report(report) else None

    def failure_files(self) -> FailureFiles:
        """Return what names the objects that were not synchronised; raise ExecutionFailed where that cannot be read."""
        try:
            index = json.loads(self._require("failures.json"))
            files = index.get("contents") or [{"file": name} for name in index["files"]]
            if not all(isinstance(file["file"], str) for file in files):
                raise TypeError("a file without a name")
            return FailureFiles(files, len(index["unfinishedShards"]))
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            raise self.unreadable("failures.json", "is not what a run writes") from error

    def failures(self, named: FailureFiles) -> Iterator[Line]:
        """Yield the lines of these files in their order, a few files in memory at a time; raise ExecutionFailed as above."""
        for file, lines in zip(named.files, self.read_ahead(self.lines, named.files), strict=True):
            if not all(map(is_failure, lines)):
                raise self.unreadable(file["file"], "is not what a run writes")
            yield from lines

    def names(self, kind: str, most: int) -> list[str]:
        """Return the names of the first files of a kind, such as "copied"; raise ExecutionFailed where they cannot be listed."""
        pages = self._s3.get_paginator("list_objects_v2")
        asked = {**self._place, "Prefix": f"{self._folder}/{kind}/", "PaginationConfig": {"MaxItems": most}}
        try:
            found = [one["Key"] for page in pages.paginate(**asked) for one in page.get("Contents", ())]
        except (ClientError, BotoCoreError) as error:
            raise self.unreadable(f"{kind}/", f"cannot be listed: {aws_sentence(error)}") from error
        return [key.removeprefix(f"{self._folder}/") for key in found]

    def document(self, name: str) -> Any:
        """Return the JSON of a file; raise ExecutionFailed where it is not there or none, or says that it is another file."""
        own = f"{self._folder}/{name}"
        try:
            found = json.loads(self._require(name))
        except (ValueError, RecursionError) as error:
            raise self.unreadable(name, "was cut or overwritten: it is not JSON") from error
        if isinstance(found, dict) and found.get("file", own) != own:
            raise self.unreadable(name, f"is not that file of this run: it says that it is {found['file']}")
        return found

    @staticmethod
    def read_ahead(read: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
        """Yield what `read` returns of each item, in their order; a few are read before they are needed, in threads."""
        waiting: deque[Future[Found]] = deque()
        with ThreadPoolExecutor(READ_AHEAD) as pool:
            for item in items:
                waiting.append(pool.submit(read, item))
                if len(waiting) >= READ_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def lines(self, file: Mapping[str, Any]) -> list[Any]:
        """Return the documents of a file of JSON lines, of which a record says the SHA-256; raise ExecutionFailed as above."""
        body = self._require(file["file"])
        if file.get("sha256") not in (None, hashlib.sha256(body).hexdigest()):
            raise self.unreadable(
                file["file"], "was overwritten: its SHA-256 is not that of what was written"
            )
        try:
            return [json.loads(line) for line in body.splitlines()]
        except (ValueError, RecursionError) as error:
            raise self.unreadable(file["file"], "was cut or overwritten: it is not JSON") from error

    def _require(self, name: str) -> bytes:
        try:
            return self._body(name)
        except ClientError as error:
            if is_missing(error):
                raise self.unreadable(
                    name, "is not there: the run's files have expired, or the run has left none"
                ) from error
            raise self.unreadable(name, f"cannot be read: {aws_sentence(error)}") from error

    def _body(self, name: str) -> bytes:
        return bytes(self._s3.get_object(**self._place, Key=self._key(name))["Body"].read())

    def _key(self, name: str) -> str:
        """Return the key of a file of the run, or, with a slash in front, of the dry run whose plan it has carried out."""
        return name[1:] if name.startswith(f"/{RUNS}/") else f"{self._folder}/{name}"

    def unreadable(self, name: str, why: str) -> ExecutionFailed:
        """Return what to raise for a file that cannot be used."""
        return ExecutionFailed(f"s3://{self._place['Bucket']}/{self._key(name)} {why}.")
