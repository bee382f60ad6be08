"""What must hold after every step, told from outside: from the buckets, from who sends what, and from the files of the runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from executions import Execution
from fake_s3 import Bucket, Request
from simulated_s3 import Wanted

# What a copy may have come to in a run that deletes.
DONE = ("copied", "vanished", "archived", "unmappable", "restoring")


class Violation(AssertionError):
    """A promise is broken."""


@dataclass
class Rules:
    """Watches every request that changes a bucket of data.

    `always` has, for each bucket, the keys that it has had at every moment until now.
    """

    always: dict[str, set[str]] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: int = 0
    sent: int = 0
    broken: Violation | None = None
    by_stragglers: int = 0
    _given_back: set[str] = field(default_factory=set)
    _uploads_of_stragglers: dict[str, str] = field(default_factory=dict)
    _told_of: dict[tuple[int, str, str], str] = field(default_factory=dict)
    _last: dict[str, tuple[int, Execution]] = field(default_factory=dict)
    _permitted: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def begin(self, buckets: Sequence[Bucket]) -> None:
        """Note what there is before the first step."""
        self.always = {bucket.name: set(bucket.objects) for bucket in buckets}

    def watch(self, wanted: Wanted, request: Request, is_after: bool) -> None:
        """Look at a request before it is carried out, and at what it did afterwards; the first broken promise is kept.

        It is not raised here: this is the inside of a Lambda, which would take it for an error of S3.
        """
        try:
            self._look_at(wanted, request, is_after)
        except Violation as violation:
            self.broken = self.broken or violation

    def require_kept(self) -> None:
        """Raise the first broken promise."""
        if self.broken:
            raise self.broken

    def outlives_its_run(self, upload_id: str) -> bool:
        """Whether an attempt that nobody waited for sent its parts, and the report of that run may have come before them."""
        return self._uploads_of_stragglers.get(upload_id) in self._given_back

    def _look_at(self, wanted: Wanted, request: Request, is_after: bool) -> None:
        execution: Execution = wanted.attempt.execution
        if wanted.gives_lease_back:
            self._given_back.add(wanted.attempt.run_name)
            return
        bucket = execution.s3.buckets[request.bucket]
        if request.operation == "HeadObject":
            told = "there" if request.key in bucket.objects else "missing"
            self._told_of[id(wanted.attempt), bucket.name, request.key] = told
            return
        if is_after:
            self._look_at_loss(wanted, execution, bucket)
            self._look_at_replaced(wanted, execution, bucket)
            return
        self.seen[bucket.name] = dict(bucket.objects)
        self.sent += 1
        if request.bucket != execution.destination.name:
            raise Violation(f"{wanted}: only the destination may be written")
        self.by_stragglers += wanted.attempt.is_straggler
        if wanted.attempt.is_straggler and "UploadId" in request.asked:
            self._uploads_of_stragglers[request.asked["UploadId"]] = wanted.attempt.run_name
        is_under_lease = (
            wanted.attempt.run_name in execution.was_stopped - self._given_back and not wanted.is_late
        )
        if is_under_lease or not wanted.attempt.is_straggler:
            self._require_only_writer(wanted, execution)

    def _require_only_writer(self, wanted: Wanted, execution: Execution) -> None:
        """Require that between two changes of a run no other run has changed the same part."""
        name = wanted.attempt.run_name
        before, self._last[name] = self._last.pop(name, None), (self.sent, execution)
        for other, (last, its) in self._last.items():
            if before and other != name and last > before[0] and _are_in_the_way(its, execution):
                raise Violation(f"{wanted}: while {other} is writing")

    def _look_at_loss(self, wanted: Wanted, execution: Execution, bucket: Bucket) -> None:
        gone = set(self.seen[bucket.name]) - set(bucket.objects)
        self.always[bucket.name] -= gone
        for key in sorted(gone):
            self.deleted += 1
            relative = key.removeprefix(_prefix(execution))
            source_key = execution.options.get("prefix", "") + relative
            if source_key in self.always[execution.source.name]:
                raise Violation(f"{wanted}: {key} is gone, which the source has had throughout")
            if self._told_of.get((id(wanted.attempt), execution.source.name, source_key)) != "missing":
                raise Violation(
                    f"{wanted}: {key} is gone, and this worker was not told that the source has none"
                )
            etag = self.seen[bucket.name][key].etag
            if (relative, etag) not in self._permission(wanted, execution):
                raise Violation(f"{wanted}: {key} is gone, which no plan says or its copies do not allow")

    def _look_at_replaced(self, wanted: Wanted, execution: Execution, bucket: Bucket) -> None:
        """Require that what was replaced is what the plan of that run says, or had that very content already."""
        before, now = self.seen[bucket.name].get(wanted.key), bucket.objects.get(wanted.key)
        if before is None or now is None or before is now or before.content == now.content:
            return
        relative = wanted.key.removeprefix(_prefix(execution))
        lines = _planned(execution, wanted.attempt.run_name, "copy", "large")
        if before.etag not in [line["was"] for line in lines if line["key"] == relative]:
            raise Violation(f"{wanted}: it replaces what was not there when it was planned")

    def _permission(self, wanted: Wanted, execution: Execution) -> set[tuple[str, str]]:
        """Return the orphans that the run of an attempt has planned, if all of its copies have records that say so."""
        name = wanted.attempt.run_name
        if name not in self._permitted:
            self._permitted[name] = _permitted(execution, name)
        return self._permitted[name]


def _permitted(execution: Execution, name: str) -> set[tuple[str, str]]:
    tallies = [record["tally"] for record in _Files(execution, f"runs/sync/{name}/").documents("copied/")]
    if any(what not in DONE for tally in tallies for what in tally):
        return set()
    done = sum(amount["objects"] for tally in tallies for amount in tally.values())
    if done != len(_planned(execution, name, "copy", "large")):
        return set()
    return {(line["key"], line["etag"]) for line in _planned(execution, name, "delete")}


def _planned(execution: Execution, name: str, *kinds: str) -> list[dict[str, Any]]:
    """Return the lines of all shards that the records of a comparison name, be it that of an earlier dry run."""
    files = _Files(execution, f"runs/sync/{execution.options.get('plan', name)}/")
    shards = [
        shard for record in files.documents("compared/") for kind in kinds for shard in record["shards"][kind]
    ]
    return [line for shard in shards for line in files.lines(shard["file"])]


@dataclass(frozen=True)
class _Files:
    execution: Execution
    folder: str

    def documents(self, folder: str) -> Iterator[dict[str, Any]]:
        """Yield the records under a folder of the run."""
        objects = self.execution.work.objects
        for key in sorted(objects):
            if key.startswith(self.folder + folder):
                yield json.loads(objects[key].content.body())

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a shard."""
        key = name if name.startswith("runs/") else self.folder + name
        return [json.loads(line) for line in self.execution.work.objects[key].content.body().splitlines()]


def _prefix(execution: Execution) -> str:
    prefix: str = execution.options.get("destinationPrefix", execution.options.get("prefix", ""))
    return prefix


def _are_in_the_way(one: Execution, other: Execution) -> bool:
    """Whether two executions write into one part, or each what the other reads; prefixes are those of whole folders."""
    return _meet(_written(one), _written(other)) or (
        _meet(_written(one), _read(other)) and _meet(_written(other), _read(one))
    )


def _written(one: Execution) -> tuple[str, str]:
    return one.destination.name, _prefix(one)


def _read(one: Execution) -> tuple[str, str]:
    return one.source.name, one.options.get("prefix", "")


def _meet(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return one[0] == other[0] and (one[1].startswith(other[1]) or other[1].startswith(one[1]))
