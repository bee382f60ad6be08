"""Adding up what was done: the records of copied and deleted shards and of large objects, found through the indexes.

A run may have more records than one invocation can read, so this goes on from turn to turn, the sums so far being a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import add_causes, add_counts, add_tallies, object_count
from lambda_functions.shared.tally.breakage import Breakage, read_breakages
from lambda_functions.shared.work_bucket.record_shape import require_sums, require_turn
from lambda_functions.shared.work_bucket.run_folder import READ_THREADS, RunFileBroken, RunFolder
from lambda_functions.shared.work_bucket.shards import has_stopped, record_name

# Items whose records are read between two looks at the clock.
CHUNK_ITEMS = 512
# How many of the workers that broke are told of; all are counted.
MAX_BREAKAGES = 20

Record = Mapping[str, Any]
Item = Mapping[str, Any]


@dataclass(frozen=True)
class WorkTotals:
    """The sums over records of one kind of work; `unfinished` are shards without a record up to their end.

    `broken` is how many of them have said what broke them, `breakages` what the first said, as a dictionary of `Breakage`;
    `unclear` is how many may still have a worker that writes. `stopped_objects` are those of the unfinished objects that were not
    begun because the run was to stop.
    """

    tally: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    causes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failures: Sequence[Mapping[str, Any]] = ()
    requests: Mapping[str, int] = field(default_factory=dict)
    turns: int = 0
    seconds: float = 0.0
    unfinished: Sequence[str] = ()
    unfinished_objects: int = 0
    broken: int = 0
    breakages: Sequence[Mapping[str, Any]] = ()
    unclear: int = 0
    stopped_objects: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> WorkTotals:
        """Return what `to_json` wrote; what else a file says of itself is left out."""
        return cls(**{each.name: data[each.name] for each in fields(cls)})

    @property
    def named(self) -> int:
        """Return how many objects the files in `failures` name."""
        return sum(file["objects"] for file in self.failures)

    def not_done(self) -> int:
        """Return how many objects are not in sync: failed, changed, given up by a stop, or of unfinished shards."""
        words = ("failed", "changed", "stopped")
        return sum(object_count(self.tally, what) for what in words) + self.unfinished_objects

    def stopped(self) -> int:
        """Return how many objects were given up, or not begun, because the run was to stop."""
        return object_count(self.tally, "stopped") + self.stopped_objects

    def failed(self) -> int:
        """Return how many objects failed: those that their worker says so of, and those whose worker broke."""
        return object_count(self.tally, "failed") + self.unfinished_objects - self.stopped_objects

    def __add__(self, other: WorkTotals) -> WorkTotals:
        """Return both together."""
        return WorkTotals(
            tally=add_tallies([self.tally, other.tally]),
            causes=add_causes([self.causes, other.causes]),
            failures=[*self.failures, *other.failures],
            requests=add_counts([self.requests, other.requests]),
            turns=self.turns + other.turns,
            seconds=self.seconds + other.seconds,
            unfinished=[*self.unfinished, *other.unfinished],
            unfinished_objects=self.unfinished_objects + other.unfinished_objects,
            broken=self.broken + other.broken,
            breakages=[*self.breakages, *other.breakages][:MAX_BREAKAGES],
            unclear=self.unclear + other.unclear,
            stopped_objects=self.stopped_objects + other.stopped_objects,
        )


def read_totals(folder: RunFolder, progress: Mapping[str, Any] | None) -> WorkTotals:
    """Return the sums that a turn has left, `progress` being what it returned; none before the first turn."""
    if not progress:
        return WorkTotals()
    name = progress["sums"]
    totals = WorkTotals.from_json(require_sums(folder, name, folder.require(name)))
    if totals.tally != progress["tally"]:
        raise RunFileBroken(f"{folder.address(name)} has other sums than those that were written")
    return totals


def index_items(folder: RunFolder, kind: str, comparison: Mapping[str, Any]) -> list[Item]:
    """Return what was to be "copied" or "deleted": the items of the indexes, each with its number of objects."""
    if kind == "deleted":
        return folder.read_index(comparison["delete"])
    large = folder.read_index(comparison["large"])
    return [
        *folder.read_index(comparison["copy"]),
        *({"id": item["id"], "file": item.get("file", item["id"]), "objects": 1} for item in large),
    ]


def add_records(records: Sequence[Record]) -> dict[str, Any]:
    """Return the sums of what every record says of its turn."""
    return {
        "tally": add_tallies(record["tally"] for record in records),
        "causes": add_causes(record["causes"] for record in records),
        "failures": [file for record in records for file in record["failures"]],
        "requests": add_counts(record["requests"] for record in records),
        "turns": len(records),
        "seconds": sum(record["seconds"] for record in records),
    }


def add_up(
    folder: RunFolder, kind: str, items: Sequence[Item], start: int, before: WorkTotals, turn: Turn
) -> tuple[int, WorkTotals]:
    """Return where to go on, and the sums with the records of the items from `start` on that this turn could read."""
    position, sums = start, before
    with ThreadPoolExecutor(READ_THREADS) as pool:
        while position < len(items) and (position == start or not turn.is_over()):
            chunk = items[position : position + CHUNK_ITEMS]
            chains = list(pool.map(lambda item: _chain(folder, kind, item), chunk))
            sums += _total(chunk, chains) + _loose_ends(folder, chunk, chains, turn.ends_map())
            position += len(chunk)
    return position, sums


def _chain(folder: RunFolder, kind: str, item: Item) -> list[Record]:
    """Return the records of an item's turns, from its first object on."""
    chain: list[Record] = []
    while not chain or chain[-1]["next"] < item["objects"]:
        start = chain[-1]["next"] if chain else 0
        name = record_name(kind, item["id"], start)
        record = folder.read(name)
        if record is None:
            break
        chain.append(require_turn(folder, name, record, start))
        if has_stopped(record):
            break
    return chain


def _loose_ends(
    folder: RunFolder, items: Sequence[Item], chains: Sequence[Sequence[Record]], ends_map: bool
) -> WorkTotals:
    """Return what is known of the workers of unfinished items; one that left no word may still be at work.

    Not so after `ends_map`: every worker had ended before it was asked for, and none has begun anything since.
    """
    last = {item["id"]: chain[-1] for item, chain in zip(items, chains, strict=True) if chain}
    left = {item["id"]: item["objects"] - end for item, end in _open_ends(items, chains)}
    stopped = [name for name in left if has_stopped(last.get(name, {}))]
    others = [name for name in left if name not in set(stopped)]
    breakages = read_breakages(folder, others)
    if ends_map:
        broken = {breakage.item for breakage in breakages}
        stopped += [name for name in others if name not in broken]
    over = sum(breakage.has_ended() for breakage in breakages)
    unclear = len(left) - len(stopped) - over
    return replace(
        broken_totals(breakages), unclear=unclear, stopped_objects=sum(left[name] for name in stopped)
    )


def broken_totals(breakages: Sequence[Breakage]) -> WorkTotals:
    """Return what a report says of workers that broke."""
    first = [asdict(breakage) for breakage in breakages[:MAX_BREAKAGES]]
    return WorkTotals(broken=len(breakages), breakages=first)


def _open_ends(items: Sequence[Item], chains: Sequence[Sequence[Record]]) -> list[tuple[Item, int]]:
    """Return the items without a record up to their end, each with how far its records go."""
    ends = [chain[-1]["next"] if chain else 0 for chain in chains]
    return [(item, end) for item, end in zip(items, ends, strict=True) if end < item["objects"]]


def _total(items: Sequence[Item], chains: Sequence[Sequence[Record]]) -> WorkTotals:
    records = [record for chain in chains for record in chain]
    open_ends = _open_ends(items, chains)
    return WorkTotals(
        **add_records(records),
        unfinished=[item["file"] for item, _ in open_ends],
        unfinished_objects=sum(item["objects"] - end for item, end in open_ends),
    )
