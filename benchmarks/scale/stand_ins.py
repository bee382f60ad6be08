"""What answers the product's own code here: buckets of computed keys, a work bucket in memory, a clock that requests move."""

# ruff: noqa: N803 (boto3's names)

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.scale.constants import Constants
from benchmarks.scale.keys import Keys


@dataclass
class Clock:
    """Seconds of the invocation under way; threads may move it."""

    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self.seconds += seconds


@dataclass
class Counts:
    """Requests to the two buckets, as `clients.RequestCounter` has them."""

    sent: Counter[str] = field(default_factory=Counter)
    unusual_pages: int = 0

    def counts(self) -> dict[str, int]:
        """Return a copy."""
        return dict(self.sent)


@dataclass
class ListedBucket:
    """A bucket that can be listed. An answer names the first and the last key of its page only: nobody asks for more here."""

    keys: Keys
    constants: Constants
    clock: Clock
    requests: Counts

    def list_objects_v2(self, *, MaxKeys: int, StartAfter: str | None = None, **_: Any) -> dict[str, Any]:
        """Answer as S3 does."""
        self.requests.sent["LIST"] += 1
        self.clock.pass_by(self.constants.probe_seconds if MaxKeys == 1 else self.constants.page_seconds)
        begin = self.keys.rank(StartAfter)
        end = min(begin + MaxKeys, self.keys.count)
        ends = sorted({begin, end - 1}) if end > begin else []
        more = {"NextContinuationToken": "more"} if end < self.keys.count else {}
        return {"Contents": [{"Key": self.keys.key(at)} for at in ends], "IsTruncated": bool(more), **more}


@dataclass
class WorkBucket:
    """The work bucket: files by key, and records of work that are answered without being stored."""

    constants: Constants
    clock: Clock
    computed: Callable[[str], bytes | None] = lambda key: None
    seconds_a_read: float = 0.0
    files: dict[str, bytes] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    largest: Counter[str] = field(default_factory=Counter)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "") -> None:
        """Keep a file."""
        self.requests["PUT"] += 1
        self.clock.pass_by(self.constants.put_seconds + len(Body) / self.constants.bytes_a_second)
        if IfNoneMatch and Key in self.files:
            raise _error(412, "PreconditionFailed", "PutObject")
        self.files[Key] = Body
        kind = _kind(Key)
        self.largest[kind] = max(self.largest[kind], len(Body))

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """Return a file."""
        body = self.files.get(Key) or self.computed(Key)
        self.requests["GET"] += 1
        self.clock.pass_by(self.seconds_a_read + len(body or b"") / self.constants.bytes_a_second)
        if body is None:
            raise _error(404, "NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(body)}

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        """Forget a file."""
        self.requests["DELETE"] += 1
        self.files.pop(Key, None)

    def get_paginator(self, operation: str) -> WorkBucket:
        """Return what lists."""
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        """List the files below a prefix."""
        self.requests["LIST"] += 1
        yield {"Contents": [{"Key": key} for key in self.files if key.startswith(Prefix)]}


def _kind(key: str) -> str:
    """Return `ranges/*.json` for the key of an index of ranges, `copy.json` for itself."""
    folder, _, name = key.split("/", 3)[3].rpartition("/")
    return f"{folder}/*.json" if folder else name


def _error(status: int, code: str, operation: str) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)
