"""One turn of `compare_listings` on computed keys: what it reads in its time, what it plans, and what it hands back.

How far a turn comes is arithmetic; its budget, the ranges that it hands back and their cuts are the product's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambda_functions.shared.compare.key_ranges import cut_range

from benchmarks.scale.constants import Constants
from benchmarks.scale.keys import Keys
from benchmarks.scale.stand_ins import Clock, Counts, ListedBucket, WorkBucket
from lambda_functions.shared.compare.compare import budget_seconds, remaining_ranges
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.listing import PAGE_KEYS, KeyRange
from lambda_functions.shared.work_bucket.shards import MAX_SHARD_KEYS

ATTEMPT = "00000000-0000-4000-8000-000000000000"

# Nobody reads the shards of the model: what names them is as long as what names real ones.
NO_SHA256 = "0" * 64


@dataclass(frozen=True)
class Work:
    """Two buckets: `copied` and `deleted` are the shares of keys that are to be, spread evenly.

    Where the destination is not empty it is taken to have as many keys at the same places as the source: for each orphan there,
    another key is missing.
    """

    source: Keys
    destination: Keys
    copied: float = 0.0
    deleted: float = 0.0
    object_bytes: int = 100_000


@dataclass(frozen=True)
class Comparer:
    """A worker; `processor` is its share of one."""

    work: Work
    run: Run
    constants: Constants
    processor: float
    work_bucket: WorkBucket
    most_lists_a_second: float = math.inf

    @property
    def page_seconds(self) -> float:
        """The time from one page of both sides to the next: S3's, then reading them, one after the other."""
        sides = 2 if self.work.destination.count else 1
        reading = sides * self.constants.page_cpu_seconds / self.processor
        writing = (
            PAGE_KEYS * (self.work.copied + self.work.deleted) / MAX_SHARD_KEYS * self.constants.put_seconds
        )
        return max(self.constants.page_seconds + reading + writing, 1 / self.most_lists_a_second)

    def connected(self) -> tuple[Clients, Clock]:
        """Return clients as an invocation has them, and its clock."""
        clock, counts = Clock(), Counts()
        source, destination = (
            ListedBucket(keys, self.constants, clock, counts)
            for keys in (self.work.source, self.work.destination)
        )
        return Clients(source, destination, self.work_bucket, counts), clock  # type: ignore[arg-type]

    def turn(self, range_id: str, key_range: KeyRange, wave: int) -> dict[str, Any]:
        """Return the record of a range."""
        clients, clock = self.connected()
        clock.pass_by(self.constants.turn_cpu_seconds / self.processor + self.constants.get_seconds)
        begin, pages, keys, rest = self._read(key_range, self.most_pages(wave, clock()), clients)
        clock.pass_by(pages * self.page_seconds)
        wanted = remaining_ranges(wave, clients.requests.counts()["LIST"])
        handed_back = cut_range(clients, self.run, rest, wanted) if rest else []
        shards = {kind: list(self.shards(kind, range_id, begin, keys)) for kind in ("copy", "delete")}
        self.work_bucket.requests["PUT"] += sum(map(len, shards.values()))
        clock.pass_by(self.constants.put_seconds * (1 + sum(map(bool, shards.values()))))
        return {
            "range": {"id": range_id, **key_range.to_json()},
            "broken": "",
            "left": rest and rest.to_json(),
            "handedBack": [part.to_json() for part in handed_back],
            "unusualPages": 0,
            **self._counted(keys, shards),
            "unprovable": 0,
            "shards": {**shards, "large": []},
            "tally": self._current(keys, shards),
            "causes": {},
            "failures": [],
            "requests": clients.requests.counts(),
            "seconds": round(clock(), 3),
        }

    def most_pages(self, wave: int, spent_seconds: float) -> int:
        """Return after how many pages a turn of a wave is over; it looks at its clock behind every page."""
        return max(1, math.ceil((budget_seconds(wave) - spent_seconds) / self.page_seconds))

    def _read(
        self, key_range: KeyRange, most_pages: int, clients: Clients
    ) -> tuple[int, int, int, KeyRange | None]:
        """Return the number of the first key, pages a side, keys, and what is left; count the LISTs."""
        source = self.work.source
        begin = source.rank(key_range.after)
        end = source.count if key_range.up_to is None else source.rank(key_range.up_to)
        is_over = most_pages * PAGE_KEYS <= end - begin
        pages = most_pages if is_over else self._pages_to_the_end(key_range, begin, end)
        keys = most_pages * PAGE_KEYS if is_over else end - begin
        cursor = source.key(begin + keys - 1) if is_over else None
        # The next page is under way when a turn is over, unless this one reached the end.
        ahead = is_over and begin + keys < source.count and cursor != key_range.up_to
        sent = clients.requests.sent  # type: ignore[attr-defined]
        sent["LIST"] += pages + ahead
        sent["LIST"] += pages + ahead if self.work.destination.count else 1
        rest = KeyRange(cursor, key_range.up_to) if is_over and cursor != key_range.up_to else None
        return begin, pages, keys, rest

    def _pages_to_the_end(self, key_range: KeyRange, begin: int, end: int) -> int:
        """A page whose last key reaches the end of the range is the last one, and so is the bucket's last page."""
        source = self.work.source
        is_key = key_range.up_to is not None and end > 0 and source.key(end - 1) == key_range.up_to
        needed = end - begin + (0 if is_key or key_range.up_to is None else 1)
        there = source.count - begin
        return max(1, min(math.ceil(needed / PAGE_KEYS), math.ceil(there / PAGE_KEYS)))

    def shards(self, kind: str, range_id: str, begin: int, keys: int) -> Iterator[dict[str, Any]]:
        """Yield what is said of the shards that a range with so many keys from a number on comes to."""
        share = self.work.copied if kind == "copy" else self.work.deleted
        left = math.floor((begin + keys) * share + 1e-6) - math.floor(begin * share + 1e-6)
        number = 0
        while left:
            number, objects = number + 1, min(left, MAX_SHARD_KEYS)
            file = f"{kind}/{range_id}-{number:04d}-{ATTEMPT}.jsonl"
            size = objects * self.work.object_bytes
            yield {"file": file, "objects": objects, "sha256": NO_SHA256, "bytes": size}
            left -= objects

    def _counted(self, keys: int, shards: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
        """Return what was listed and what it came to: the keys of both sides are the same, orphans are beside them."""
        orphans, there = sum(shard["objects"] for shard in shards["delete"]), self.work.destination.count
        nothing = {"source": 0, "destination": 0}
        return {
            "listed": {"source": keys, "destination": (keys if there else 0) + orphans},
            "outOfScope": nothing,
            "kept": nothing,
            "paired": keys if there else 0,
            "orphans": orphans,
        }

    def _current(self, keys: int, shards: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, int]]:
        current = (
            keys - sum(shard["objects"] for shard in shards["copy"]) if self.work.destination.count else 0
        )
        return {"current": {"objects": current, "bytes": current * self.work.object_bytes}} if current else {}
