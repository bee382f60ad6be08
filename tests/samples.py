"""What the unit tests of lambda_functions are made of: a work bucket in memory, runs, and listed objects."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.compare.waves import range_record_name, write_wave
from lambda_functions.shared.options import Options
from lambda_functions.shared.outcomes import SKIPPED, object_count
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.listing import Entry
from lambda_functions.shared.tally.plan import KINDS, ComparisonTotals
from lambda_functions.shared.work_bucket.run_folder import RunFolder

EXECUTION = {
    "id": "arn:aws:states:eu-west-1:111122223333:execution:sync-20261122-101112:first",
    "name": "first",
    "startTime": "2026-11-22T10:11:12.345Z",
    "stateMachine": "sync-20261122-101112",
}
FOLDER = "runs/sync-20261122-101112/first"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def client_error(status: int, code: str, operation: str, message: str = "") -> ClientError:
    """Return the error that boto3 raises for an answer with this status and code."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)


class MemoryS3:
    """The requests that RunFolder and Leases send, answered from a dictionary: quick enough for a thousand examples.

    What S3 itself would say is asked of moto in test_run_folder.py and test_leases.py.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.clock = NOON
        self.written_at: dict[str, datetime] = {}
        self.read: list[str] = []

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "", IfMatch: str = ""
    ) -> None:
        if IfMatch and Key not in self.files:
            raise client_error(404, "NoSuchKey", "PutObject")
        if (IfNoneMatch and Key in self.files) or (IfMatch and IfMatch != self._etag(Key)):
            raise client_error(412, "PreconditionFailed", "PutObject")
        self.files[Key] = Body
        self.written_at[Key] = self.clock

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self.read.append(Key)
        if Key not in self.files:
            raise client_error(404, "NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.files[Key]), "ETag": self._etag(Key)}

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        self.files.pop(Key, None)

    def get_paginator(self, operation: str) -> MemoryS3:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        keys = [key for key in sorted(self.files) if key.startswith(Prefix)]
        yield {"Contents": [self._listed(key) for key in keys]}

    def _listed(self, key: str) -> dict[str, Any]:
        return {"Key": key, "LastModified": self.written_at.get(key, self.clock), "ETag": self._etag(key)}

    def _etag(self, key: str) -> str:
        return f'"{hashlib.md5(self.files[key], usedforsecurity=False).hexdigest()}"'


class AbortedUploads:
    """A destination that knows no upload any more once it was aborted."""

    def __init__(self) -> None:
        self.aborted: list[dict[str, Any]] = []

    def abort_multipart_upload(self, **place: Any) -> None:
        self.aborted.append(place)

    def list_parts(self, **place: Any) -> None:
        raise client_error(404, "NoSuchUpload", "ListParts")


def memory_folder() -> RunFolder:
    """Return the empty folder of a run in a work bucket of its own."""
    return RunFolder(MemoryS3(), FOLDER)


def run_of(execution: Mapping[str, str] = EXECUTION, **options: Any) -> Run:
    """Return the run of an input: from bucket `from` to bucket `into` if nothing else is said."""
    whole = {"source": "from", "destination": "into", **options}
    return Run.of(execution, Options(**whole), ("eu-west-1", "us-east-1"))


def entry(key: str, **values: Any) -> Entry:
    """Return a listed object: 3 bytes, written at noon."""
    whole = {"etag": "0cc175b9c0f1b6a831c399e269772661", "size": 3, "modified": NOON, **values}
    return Entry(key=key, **whole)


def entries(keys: Iterable[str]) -> list[Entry]:
    """Return the listing of a bucket that holds these keys."""
    return [entry(key) for key in sorted(set(keys))]


def shard(file: str, objects: int = 1, size: int = 1) -> dict[str, Any]:
    """Return what a record says of a shard that nobody reads; `written_shard` writes one."""
    return {
        "file": file,
        "objects": objects,
        "sha256": hashlib.sha256(file.encode()).hexdigest(),
        "bytes": size,
    }


def written_shard(folder: RunFolder, file: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write a shard; return what a record says of it."""
    return {**folder.write_lines(file, lines), "bytes": sum(line.get("size", 0) for line in lines)}


def compared_state(wave: Mapping[str, Any], sums: ComparisonTotals) -> dict[str, Any]:
    """Return what a run carries of a comparison of one wave, whose sums these are, when it goes on to apply it."""
    found = {"books": sums.books(), "tally": sums.tally, "plan": sums.plan}
    return {"next": "apply", "wave": 1, "waves": [wave], **found}


def compared_record(
    range_id: str = "1-0001",
    *,
    tally: Mapping[str, Any] | None = None,
    listed: tuple[int, int] | None = None,
    shards: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    **values: Any,
) -> dict[str, Any]:
    """Return the record of a compared range: nothing found, nothing handed back, nothing failed if nothing else is said.

    Its books balance: no more is listed than what is said, or, if `listed` says more, the rest is kept by an option at the
    source and paired at the destination.
    """
    tally = dict(tally or {})
    planned = {kind: sum(one["objects"] for one in (shards or {}).get(kind, ())) for kind in KINDS}
    decided = sum(object_count(tally, what) for what in ("current", "failed", *SKIPPED))
    found = decided + planned["copy"] + planned["large"], planned["delete"]
    listed = listed or found
    named = sum(object_count(tally, what) for what in ("failed", *SKIPPED))
    record = {
        "range": {"id": range_id, "after": None, "upTo": None},
        "broken": "",
        "decided": _between(values.get("handedBack", ())),
        "handedBack": [],
        "tally": tally,
        "listed": {"source": listed[0], "destination": listed[1]},
        "outOfScope": {"source": 0, "destination": 0},
        "kept": {"source": listed[0] - found[0], "destination": 0},
        "paired": listed[1] - found[1],
        "orphans": planned["delete"],
        "unprovable": 0,
        "unusualPages": 0,
        "shards": {"copy": [], "large": [], "delete": [], **(shards or {})},
        "failures": [shard(f"failures/{range_id}.jsonl", named)] if named else [],
        "causes": {},
        "requests": {},
        "seconds": 0.0,
    }
    return {**record, **values}


def _between(handed_back: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what of all keys is in no range that was handed back."""
    edges = [None, *(edge for part in handed_back for edge in (part["after"], part["upTo"])), None]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return [{"after": after, "upTo": up_to} for after, up_to in gaps if after != up_to or not handed_back]


WHOLE = {"after": None, "upTo": None}
LEFT, RIGHT = {"after": None, "upTo": "m"}, {"after": "m", "upTo": None}


def wave_of(folder: RunFolder, *records: dict[str, Any] | None, wave: int = 1) -> dict[str, Any]:
    """Write a wave of so many ranges, and the records that they left; return what names its index."""
    index = write_wave(folder, wave, [WHOLE] * len(records))
    for number, record in enumerate(records, 1):
        if record is not None:
            folder.write(range_record_name(f"{wave}-{number:04d}"), record)
    return index
