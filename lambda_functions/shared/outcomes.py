"""What became of one object, in the words of the report, and adding them up.

*copied*, *deleted*: done. *skipped*: archived, vanished, unmappable; named, the run succeeds. *changed*: the destination was
written by somebody else, or the source changed three times while it was read. *failed*: everything else that was not done,
also a key that could not be decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

SKIPPED = ("archived", "vanished", "unmappable")
DELETE_MARKERS = "deleteMarkers"
IN_SYNC = ("copied", "deleted", "current")


@dataclass(frozen=True)
class Outcome:
    """`what` is one of copied, deleted, current, archived, vanished, unmappable, changed, failed.

    `left_marker`: the bucket is versioned, so a delete left a delete marker, and freed nothing.
    """

    key: str
    what: str
    size: int = 0
    error: str = ""
    left_marker: bool = False

    def to_json(self) -> dict[str, str]:
        """Return what names a key that was not synchronised in the files that a report leads to."""
        return {"key": self.key, "what": self.what, "error": self.error}


class LineWriter(Protocol):
    """Takes lines, such as a `shards.ShardWriter`."""

    def add(self, line: Mapping[str, Any]) -> None:
        """Take one line."""


@dataclass
class Tally:
    """Adds up outcomes; those that a report must name go to `failures` at once, so that memory does not grow with them."""

    failures: LineWriter
    objects: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.count(outcome.what, outcome.size)
        if outcome.left_marker:
            self.objects[DELETE_MARKERS] += 1
        if outcome.what not in IN_SYNC:
            self.failures.add(outcome.to_json())

    def count(self, what: str, size: int) -> None:
        """Count an object of which nothing more is to be said, such as a current one."""
        self.objects[what] += 1
        self.bytes[what] += size

    def to_json(self) -> dict[str, dict[str, int]]:
        """Return `{"copied": {"objects": 3, "bytes": 12}, "archived": ...}` of the words that occurred."""
        return {
            what: {"objects": self.objects[what], "bytes": self.bytes[what]} for what in sorted(self.objects)
        }


def add_tallies(tallies: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Add up what `Tally.to_json` returned."""
    sums: dict[str, dict[str, int]] = {}
    for tally in tallies:
        for what, amount in tally.items():
            total = sums.setdefault(what, {"objects": 0, "bytes": 0})
            total["objects"] += amount["objects"]
            total["bytes"] += amount["bytes"]
    return sums


def add_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up numbers by name, such as requests by kind."""
    sums: Counter[str] = Counter()
    for count in counts:
        sums.update(count)
    return dict(sorted(sums.items()))


def pluralize(number: int, noun: str = "object") -> str:
    """Return `1 object`, `1,200 objects`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def object_count(tally: Mapping[str, Any], what: str) -> int:
    """Return how many objects a tally has under a word."""
    return int(tally.get(what, {}).get("objects", 0))
