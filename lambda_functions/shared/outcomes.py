"""What became of one object, in the words of the report, and adding them up.

*copied*, *deleted*: done. *skipped*: archived, vanished, unmappable, restoring; named, the run succeeds. *changed*: the
destination was written by somebody else, or the source changed three times while it was read. *stopped*: begun, and given up
because the run was to stop; what was not begun has no outcome. *failed*: everything else that was not done, also a key that could
not be decided.
*missing*, *different*, *extra*: what the comparison at the end of a run that verifies has found at the destination.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

SKIPPED = ("archived", "vanished", "unmappable", "restoring")
DELETE_MARKERS = "deleteMarkers"
# How many causes of failures are told apart, and how much is told of each: they travel in the report.
MAX_CAUSES = 8
MAX_EXAMPLE_CHARACTERS = 60
OTHER_CAUSES = "other"
# The code at the beginning of what `errors.describe` says, such as `AccessDenied: Access Denied (CopyObject)`.
_CODE = re.compile(r"([A-Z]\w+(?:\.\w+)*|\d{3}): ")
IN_SYNC = ("copied", "deleted", "current")


@dataclass(frozen=True)
class Outcome:
    """`what` is one of copied, deleted, current, archived, vanished, unmappable, restoring, changed, stopped, failed, and of a
    verification missing, different, extra.

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

    def cause(self) -> dict[str, dict[str, Any]]:
        """Return why, as one entry of a report's causes: `{"AccessDenied": {"objects": 1, "example": {...}}}`."""
        code = _CODE.match(self.error)
        example = {name: text[:MAX_EXAMPLE_CHARACTERS] for name, text in self.to_json().items()}
        return {code[1] if code else self.what: {"objects": 1, "example": example}}


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
    causes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.count(outcome.what, outcome.size)
        if outcome.left_marker:
            self.objects[DELETE_MARKERS] += 1
        if outcome.what not in IN_SYNC:
            self.failures.add(outcome.to_json())
            self.causes = add_causes([self.causes, outcome.cause()])

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


def add_causes(causes: Iterable[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Add up causes by their code, or by what became of the objects where there is none; the first example of each stays.

    Those beyond the first `MAX_CAUSES` are one cause, so that a record stays small whatever S3 says.
    """
    sums: dict[str, dict[str, Any]] = {}
    for cause in causes:
        for code, entry in cause.items():
            name = code if code in sums or len(sums) < MAX_CAUSES else OTHER_CAUSES
            total = sums.setdefault(name, {"objects": 0, "example": entry["example"]})
            total["objects"] += entry["objects"]
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
