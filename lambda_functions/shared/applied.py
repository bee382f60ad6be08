"""Adding up what was done: the records of copied and deleted shards and of large objects, found through the indexes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from lambda_functions.shared.outcomes import add_counts, objects, total
from lambda_functions.shared.run_folder import READERS, RunFolder
from lambda_functions.shared.shard_turns import record_name

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Applied:
    """The sums over records of one kind of work; `unfinished` are shards without a record up to their end."""

    tally: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    failures: Sequence[str] = ()
    requests: Mapping[str, int] = field(default_factory=dict)
    turns: int = 0
    seconds: float = 0.0
    unfinished: Sequence[str] = ()
    unfinished_objects: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain data, with the names of at most 20 files each so that it fits into a state."""
        return {
            **asdict(self),
            "failures": list(self.failures)[:20],
            "unfinished": list(self.unfinished)[:20],
        }

    def undone(self) -> int:
        """Return how many objects are not as they should be: failed, changed, or of unfinished shards."""
        return objects(self.tally, "failed") + objects(self.tally, "changed") + self.unfinished_objects

    def __add__(self, other: Applied) -> Applied:
        """Return both together."""
        return Applied(
            tally=total([self.tally, other.tally]),
            failures=[*self.failures, *other.failures],
            requests=add_counts([self.requests, other.requests]),
            turns=self.turns + other.turns,
            seconds=self.seconds + other.seconds,
            unfinished=[*self.unfinished, *other.unfinished],
            unfinished_objects=self.unfinished_objects + other.unfinished_objects,
        )


def read_copied(folder: RunFolder) -> Applied:
    """Return what was copied, plain shards and large objects together."""
    return _read_shards(folder, "copied", "copy.json") + _read_large(folder)


def read_deleted(folder: RunFolder) -> Applied:
    """Return what was deleted."""
    return _read_shards(folder, "deleted", "delete.json")


def _read_shards(folder: RunFolder, kind: str, index: str) -> Applied:
    shards = folder.read(index) or []
    with ThreadPoolExecutor(READERS) as pool:
        chains = list(pool.map(lambda shard: _chain(folder, kind, shard), shards))
    done = [chain[-1]["next"] if chain else 0 for chain in chains]
    open_ends = [(shard, end) for shard, end in zip(shards, done, strict=True) if end < shard["objects"]]
    return _sum_up(
        (record for chain in chains for record in chain),
        [shard["file"] for shard, _ in open_ends],
        sum(shard["objects"] - end for shard, end in open_ends),
    )


def _chain(folder: RunFolder, kind: str, shard: Mapping[str, Any]) -> list[Record]:
    """Return the records of a shard's turns, from its first line on."""
    chain: list[Record] = []
    while not chain or chain[-1]["next"] < shard["objects"]:
        record = folder.read(record_name(kind, shard["id"], chain[-1]["next"] if chain else 0))
        if record is None:
            break
        chain.append(record)
    return chain


def _read_large(folder: RunFolder) -> Applied:
    index = folder.read("large.json") or []
    records = folder.read_many([record_name("copied", item["id"], 0) for item in index])
    missing = [item["id"] for item, record in zip(index, records, strict=True) if record is None]
    return _sum_up((record for record in records if record), missing, len(missing))


def _sum_up(records: Iterable[Record], unfinished: Sequence[str], unfinished_objects: int) -> Applied:
    known = list(records)
    return Applied(
        tally=total(record["tally"] for record in known),
        failures=[record["failures"] for record in known if record["failures"]],
        requests=add_counts(record["requests"] for record in known),
        turns=len(known),
        seconds=sum(record["seconds"] for record in known),
        unfinished=unfinished,
        unfinished_objects=unfinished_objects,
    )
