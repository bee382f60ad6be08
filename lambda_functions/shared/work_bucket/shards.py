"""Shards: writing them, and working through one, turn by turn, as `copy_keys` and `delete_orphaned_keys` do.

A turn does the lines from `start` on that its time holds, and leaves a record `<kind>/<shard id>-<start>.json` that says what
became of them and where to go on. The records of a shard form a chain from 0 to its end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from lambda_functions.shared.errors import NoProgress
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import Outcome, Tally
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.work_bucket.heartbeat import Heartbeat, counts_of
from lambda_functions.shared.work_bucket.record_shape import require_turn
from lambda_functions.shared.work_bucket.run_folder import RunFolder

MAX_SHARD_KEYS = 2000
MAX_SHARD_BYTES = 16 * 1024**3
# How many shards of one size there are before they double.
SHARDS_OF_A_SIZE = 4
MAX_DOUBLINGS = 32
# So many shards wait in memory to be written at most.
MAX_WAITING = 8

_KEY = itemgetter("key")

Line = Mapping[str, Any]
Work = Callable[[Sequence[Line]], Iterable[Outcome]]


@dataclass
class ShardWriter:
    """Collects lines into shards of bounded length and size, written as they fill up.

    The first four have `first_keys` lines or `first_bytes`, the next four twice as many, and so on up to 2,000 lines and
    `max_bytes`: a little work is shared by several workers, and much work does not cost many turns. With a pool they are written
    while more is added. With `by_key` the lines of each shard are in the order of their keys, whatever order they came in.
    """

    folder: RunFolder
    name: Callable[[int], str]
    max_bytes: float = MAX_SHARD_BYTES
    first_keys: int = MAX_SHARD_KEYS
    first_bytes: float = math.inf
    pool: Executor | None = None
    by_key: bool = False
    _written: list[Future[dict[str, Any]]] = field(default_factory=list)
    _lines: list[Mapping[str, Any]] = field(default_factory=list)
    _bytes: int = 0

    def add(self, line: Mapping[str, Any]) -> None:
        """Add one line, whose `size` (0 if absent) counts towards the shard's bytes."""
        size = line.get("size", 0)
        if self._lines and (len(self._lines) >= self._max_keys() or self._bytes + size > self._max_bytes()):
            self.flush()
        self._lines.append(line)
        self._bytes += size

    def _max_keys(self) -> int:
        return min(MAX_SHARD_KEYS, self.first_keys << self._doublings())

    def _max_bytes(self) -> float:
        return min(self.max_bytes, self.first_bytes * 2.0 ** self._doublings())

    def _doublings(self) -> int:
        return min(len(self._written) // SHARDS_OF_A_SIZE, MAX_DOUBLINGS)

    def close(self) -> list[dict[str, Any]]:
        """Write what is left; return `[{"file", "objects", "sha256", "bytes"}]` of all shards; raise what went wrong."""
        self.flush()
        return [shard.result() for shard in self._written]

    def flush(self) -> None:
        """Write what there is; with a pool that is only begun."""
        if not self._lines:
            return
        name, lines, size = self.name(len(self._written) + 1), self._lines, self._bytes
        self._lines, self._bytes = [], 0
        waiting = [shard for shard in self._written if not shard.done()]
        if len(waiting) >= MAX_WAITING:
            waiting[0].result()
        if self.pool is None:
            self._written.append(_done(self._write_shard(name, lines, size)))
        else:
            self._written.append(self.pool.submit(self._write_shard, name, lines, size))

    def _write_shard(self, name: str, lines: Sequence[Line], size: int) -> dict[str, Any]:
        lines = sorted(lines, key=_KEY) if self.by_key else lines
        return {**self.folder.write_lines(name, lines), "bytes": size}


def _done(shard: dict[str, Any]) -> Future[dict[str, Any]]:
    future: Future[dict[str, Any]] = Future()
    future.set_result(shard)
    return future


def record_name(kind: str, shard_id: str, start: int) -> str:
    """Return the name of a turn's record: `copied/copy-000001-0.json`."""
    return f"{kind}/{shard_id}-{start}.json"


def take_turn(
    folder: RunFolder,
    kind: str,
    shard: Mapping[str, Any],
    start: int,
    turn: Turn,
    clients: Clients,
    work: Work,
) -> dict[str, Any]:
    """Do what this turn can of a shard; return `{"done", "next"}`. A turn that has a record already is not done again.

    `work` returns one outcome for each line that it began, beginning with the first. A shard whose run is to stop is done
    wherever it is, and its record says so; one that begins after `ends_map` leaves none, and has `"fail": true` besides.
    """
    if turn.ends_map():
        return {"done": True, "next": start, "fail": True}
    name = record_name(kind, shard["id"], start)
    record = folder.read(name) or folder.write_once(
        name, _record(folder, name, shard, start, turn, clients, work)
    )
    require_turn(folder, name, record, start)
    is_done = record["next"] >= shard["objects"] or has_stopped(record)
    return {"done": is_done, "next": record["next"]}


def has_stopped(record: Mapping[str, Any]) -> bool:
    """Whether a turn ended before its shard did because the run was to stop: no other turn follows."""
    return bool(record.get("stopped"))


def _record(
    folder: RunFolder,
    name: str,
    shard: Mapping[str, Any],
    start: int,
    turn: Turn,
    clients: Clients,
    work: Work,
) -> dict[str, Any]:
    writer = failure_writer(folder, f"{shard['id']}-{start}", turn.attempt)
    tally, started = Tally(writer), 0
    with Heartbeat(folder, shard["id"], name) as heartbeat:
        for outcome in work([] if turn.is_stopped() else folder.read_lines(shard)[start:]):
            tally.add(outcome)
            started += 1
            heartbeat.beat(counts_of(tally, started))
    is_stopped = turn.is_stopped() and start + started < shard["objects"]
    if not started and not is_stopped:
        raise NoProgress(f"the turn of {shard['file']} from line {start} began nothing")
    return {
        "shard": shard["id"],
        "start": start,
        "next": start + started,
        **({"stopped": True} if is_stopped else {}),
        **turn_summary(tally, writer, turn, clients),
    }


def failure_writer(folder: RunFolder, what: str, attempt: str) -> ShardWriter:
    """Return where the keys go that a report must name."""
    return ShardWriter(folder, lambda number: f"failures/{what}-{attempt}-{number:04d}.jsonl")


def turn_summary(tally: Tally, writer: ShardWriter, turn: Turn, clients: Clients) -> dict[str, Any]:
    """Return what every record says of its turn: the tally, the files that name keys, what was sent, when and for how long."""
    return {
        "tally": tally.to_json(),
        "causes": tally.causes,
        "failures": writer.close(),
        "requests": clients.requests.counts(),
        "startedAt": turn.started_at(),
        "seconds": round(turn.elapsed_seconds(), 3),
    }
