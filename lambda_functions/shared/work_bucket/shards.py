"""Shards: writing them, and working through one, turn by turn, as `copy_keys` and `delete_orphaned_keys` do.

A turn does the lines from `start` on that its time holds, and leaves a record `<kind>/<shard id>-<start>.json` that says what
became of them and where to go on. The records of a shard form a chain from 0 to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lambda_functions.shared.errors import NoProgress
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import Outcome, Tally
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.work_bucket.heartbeat import Heartbeat, counts_of
from lambda_functions.shared.work_bucket.run_folder import RunFolder

MAX_SHARD_KEYS = 2000
MAX_SHARD_BYTES = 16 * 1024**3

Line = Mapping[str, Any]
Work = Callable[[Sequence[Line]], Iterable[Outcome]]


@dataclass
class ShardWriter:
    """Collects lines into shards of bounded length and size, written as they fill up.

    The first four have `first_keys` lines, the next four twice as many, and so on up to 2,000: a little work is shared by many
    workers, and much work does not cost many turns.
    """

    folder: RunFolder
    name: Callable[[int], str]
    max_bytes: float = MAX_SHARD_BYTES
    first_keys: int = MAX_SHARD_KEYS
    shards: list[dict[str, Any]] = field(default_factory=list)
    _lines: list[Mapping[str, Any]] = field(default_factory=list)
    _bytes: int = 0

    def add(self, line: Mapping[str, Any]) -> None:
        """Add one line, whose `size` (0 if absent) counts towards the shard's bytes."""
        size = line.get("size", 0)
        if self._lines and (len(self._lines) >= self._max_keys() or self._bytes + size > self.max_bytes):
            self.close()
        self._lines.append(line)
        self._bytes += size

    def _max_keys(self) -> int:
        return min(MAX_SHARD_KEYS, self.first_keys << len(self.shards) // 4)

    def close(self) -> list[dict[str, Any]]:
        """Write what is left; return `[{"file", "objects", "sha256", "bytes"}]` of all shards."""
        if self._lines:
            file = self.name(len(self.shards) + 1)
            self.shards.append({**self.folder.write_lines(file, self._lines), "bytes": self._bytes})
            self._lines, self._bytes = [], 0
        return self.shards


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

    `work` returns one outcome for each line that it began, beginning with the first.
    """
    name = record_name(kind, shard["id"], start)
    record = folder.read(name) or folder.write_once(
        name, _record(folder, name, shard, start, turn, clients, work)
    )
    return {"done": record["next"] >= shard["objects"], "next": record["next"]}


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
        for outcome in work(folder.read_lines(shard)[start:]):
            tally.add(outcome)
            started += 1
            heartbeat.beat(counts_of(tally, started))
    if not started:
        raise NoProgress(f"the turn of {shard['file']} from line {start} began nothing")
    return {
        "shard": shard["id"],
        "start": start,
        "next": start + started,
        **turn_summary(tally, writer, turn, clients),
    }


def failure_writer(folder: RunFolder, what: str, attempt: str) -> ShardWriter:
    """Return where the keys go that a report must name."""
    return ShardWriter(folder, lambda number: f"failures/{what}-{attempt}-{number:04d}.jsonl")


def turn_summary(tally: Tally, writer: ShardWriter, turn: Turn, clients: Clients) -> dict[str, Any]:
    """Return what every record says of its turn: the tally, the files that name keys, what was sent, how long it took."""
    return {
        "tally": tally.to_json(),
        "causes": tally.causes,
        "failures": writer.close(),
        "requests": clients.requests.counts(),
        "seconds": round(turn.elapsed_seconds(), 3),
    }
