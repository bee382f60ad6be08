"""Everything that is written to the work bucket: the files of one run.

    ranges/<wave>.json               index: the ranges of a wave
    compared/<range>.json            record of a compared range; names its shards, and the ranges that it hands back
    copy/ large/ delete/             shards (JSON lines): what is to be done, at most 2,000 keys each
    copy.json large.json delete.json indexes of those shards, made from the records
    large/<id>-...json               how a very large object is being copied, and what its groups of parts have done
    copied/ deleted/                 records of what was done
    tally/                           sums over those records, as far as they have been read
    uploads/                         multipart uploads under way, written before they are used
    stop.json                        somebody wants the run to stop, see `stopping`
    alive/                           heartbeats of workers, for whoever watches; no run reads them
    failures/                        JSON lines: key, what, error
    failures.json                    index of the files in failures/ that count
    report.json                      the end
    verify/                          the same once more, of the comparison at the end of a run that verifies
    plan.json                        of a dry run that succeeded: the checksums of all files that its plan is made of
    applied-by.json                  the execution that has carried this plan out, or tried to

**A file counts only if a record names it.** A record is written last, in one PUT that succeeds only if there is none yet; an
attempt that finds one returns what it says. Shards carry the Lambda request id of their attempt, so attempts never mix. What
no record names is litter, and expires.

**What is missing is not zero.** Every document says under `file` which file of which run it is. Indexes and JSON lines, which
others read too, are named together with their length and SHA-256. Whoever reads one checks that: a file that is missing, cut or
another run's is a `RunFileBroken`, and nothing is concluded from it.

A run that carries out the plan of a dry run works through the shards of that run's folder. It knows them by names with a slash in
front, `/runs/<state machine>/<execution>/copy/...`; such a name that leads anywhere else is a `RunFileBroken` as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import SyncError, is_lost_race, is_missing
from lambda_functions.shared.run import Run

READ_THREADS = 32
# Whether it is checked whose a file is. Tests switch it off, to see that the books alone notice what is lost.
VERIFY = True
RECORD_PAUSES_SECONDS = (0.1, 0.4, 1.6, 6.4)


class RunFileBroken(SyncError):
    """A file of the run is missing, cut, or another one; nothing may be concluded from it."""


def work_bucket() -> str:
    """Return the work bucket's name, which the deployment puts into every function's environment."""
    return os.environ["WORK_BUCKET"]


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run in the work bucket; names are relative to it.

    `is_older`: of another run, perhaps of an earlier deployment, whose documents do not say which file they are. `plan` is the
    folder of the dry run whose plan this run carries out, "" for none.
    """

    client: Any
    path: str
    bucket: str = field(default_factory=work_bucket)
    is_older: bool = False
    plan: str = ""

    @classmethod
    def of(cls, client: Any, run: Run) -> RunFolder:
        """Return the folder of a run."""
        return cls(client, run.folder, plan=run.plan.folder if run.plan else "")

    def under(self, name: str) -> RunFolder:
        """Return a folder in this one, with the same names in it."""
        return replace(self, path=f"{self.path}/{name}")

    def key(self, name: str) -> str:
        """Return the key of a file in the work bucket; raise RunFileBroken for one of a folder that is none of this run's."""
        if not name.startswith("/"):
            return f"{self.path}/{name}"
        if not self.plan or not name.startswith(f"/{self.plan}/"):
            raise RunFileBroken(
                f"s3://{self.bucket}{name} is neither a file of this run nor of the plan that it carries out. Nothing can be "
                "concluded from it"
            )
        return name[1:]

    def address(self, name: str = "") -> str:
        """Return the address for people: `s3://work/runs/...`."""
        return f"s3://{self.bucket}/{self.key(name)}"

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a JSON document, replacing what is there."""
        self._put(name, json.dumps(self._with_owner(name, document)))

    def write_once(self, name: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write a record that nobody may replace; return it as it is read, or the one that was there first."""
        body = json.dumps(self._with_owner(name, document))
        first = self._put_once(name, body)
        record: Mapping[str, Any] = self._parse(name, body.encode() if first is None else first)
        return record

    def read(self, name: str) -> Any:
        """Return a JSON document, or None where there is none; raise RunFileBroken for one that is not what it should be."""
        body = self._get(name)
        return None if body is None else self._parse(name, body)

    def require(self, name: str) -> Any:
        """Return a JSON document that must be there; a missing one is an error, never an empty one."""
        return self._parse(name, self._require(name))

    def read_many(self, names: Sequence[str]) -> list[Any]:
        """Return the documents in the order of their names, None where there is none."""
        with ThreadPoolExecutor(READ_THREADS) as pool:
            return list(pool.map(self.read, names))

    def write_index(self, name: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Write a JSON array for a Map; return what names it: `{"index": its key, "items": its length, "sha256"}`."""
        body = json.dumps(items)
        self._put(name, body)
        return self._index(name, body.encode())

    def write_index_once(self, name: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Write an index that nobody may replace; return what names it, or the one that was there first."""
        body = json.dumps(items)
        first = self._put_once(name, body)
        return self._index(name, body.encode() if first is None else first)

    def read_index(self, index: Mapping[str, Any]) -> list[Any]:
        """Return the items of an index that `write_index` wrote and named."""
        name = index["index"].removeprefix(f"{self.path}/")
        body = self._require(name)
        items = self._load(name, body)
        self._check_length(name, len(items) if isinstance(items, list) else -1, index["items"])
        self._check_digest(name, body, index["sha256"])
        return list(items)

    def write_lines(self, name: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Write JSON lines; return what names them: `{"file", "objects": number of lines, "sha256"}`."""
        body = "".join(json.dumps(line) + "\n" for line in lines)
        self._put(name, body)
        return {"file": name, "objects": len(lines), "sha256": _digest(body.encode())}

    def read_lines(self, shard: Mapping[str, Any]) -> list[Any]:
        """Return the documents of JSON lines that `write_lines` wrote and named."""
        name = shard["file"]
        body = self._require(name)
        lines = body.splitlines()
        self._check_length(name, len(lines), shard["objects"])
        self._check_digest(name, body, shard["sha256"])
        return [self._load(name, line) for line in lines]

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file that must be there, whatever is in it."""
        return _digest(self._require(name))

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

    def _put_once(self, name: str, body: str) -> bytes | None:
        """Write a file if there is none; return None, or the content of the one that was there first."""
        for pause_seconds in RECORD_PAUSES_SECONDS:
            try:
                self._put(name, body, IfNoneMatch="*")
                return None
            except ClientError as error:
                if not is_lost_race(error):
                    raise
            first = self._get(name)
            if first is not None:
                return first
            time.sleep(pause_seconds)  # 409: somebody is writing it at this moment
        raise SyncError(f"{self.address(name)} could not be written: other writers were in the way")

    def _get(self, name: str) -> bytes | None:
        try:
            return bytes(self.client.get_object(Bucket=self.bucket, Key=self.key(name))["Body"].read())
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def _require(self, name: str) -> bytes:
        body = self._get(name)
        if body is None:
            raise self._broken_file(
                name, "is not there: the run's files have expired, or somebody removed it"
            )
        return body

    def _with_owner(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        return {"file": self.key(name), **document}

    def _parse(self, name: str, body: bytes) -> Any:
        document = self._load(name, body)
        owner = (
            document.get("file", self.key(name) if self.is_older else None)
            if isinstance(document, dict)
            else None
        )
        if VERIFY and owner != self.key(name):
            raise self._broken_file(name, f"is not that file of this run: it says that it is {owner}")
        return document

    def _load(self, name: str, body: bytes) -> Any:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._broken_file(name, f"was cut or overwritten: it is not JSON ({error})") from error

    def _check_length(self, name: str, found: int, expected: int) -> None:
        if found != expected:
            raise self._broken_file(
                name, f"was cut or overwritten: it has {found:,} entries, and {expected:,} were written"
            )

    def _check_digest(self, name: str, body: bytes, expected: str) -> None:
        if VERIFY and _digest(body) != expected:
            raise self._broken_file(name, "was overwritten: its SHA-256 is not that of what was written")

    def _broken_file(self, name: str, what: str) -> RunFileBroken:
        return RunFileBroken(f"{self.address(name)} {what}. Nothing can be concluded from it")

    def _index(self, name: str, body: bytes) -> dict[str, Any]:
        return {"index": self.key(name), "items": len(self._load(name, body)), "sha256": _digest(body)}


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
