"""Says whether a run that was disturbed has kept its promises, from the objects alone: nothing of the product's code is asked.

It reads every object of every bucket before a run and after it, and all of them again at each request that deletes. A state of an
object is whatever the place reads of it, and is only ever compared.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PREFIX, DESTINATION_PREFIX = "in/", "to/"
EXCLUDED = ".tmp"
SKIPPED = "cold"  # archived at the source: named, never copied
OPTIONS = {
    "prefix": PREFIX,
    "destinationPrefix": DESTINATION_PREFIX,
    "exclude": [f"*{EXCLUDED}"],
    "compareTags": False,
}

State = Any
Objects = Mapping[str, State]


@dataclass(frozen=True)
class Buckets:
    """All objects of all buckets at one moment, by key."""

    source: Objects
    destination: Objects
    unrelated: Objects


@dataclass(frozen=True)
class Ending:
    """How an execution ended; `named` are the keys that its report names, relative to the prefix."""

    outcome: str
    cause: str
    named: frozenset[str] = frozenset()
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_green(self) -> bool:
        """Whether the execution ended SUCCEEDED."""
        return self.outcome == "Succeeded"

    @classmethod
    def of_report(cls, report: Mapping[str, Any], read: Callable[[str], bytes | None]) -> Ending:
        """Return the ending that a report tells of, with all keys that its files name; `read` reads one of its folder."""
        lists = json.loads(read("failures.json") or b"{}")
        names = [*lists.get("files", ()), *lists.get("unfinishedShards", ())]
        lines = [
            json.loads(line) for name in names for line in (read(name) or b"").splitlines() if is_whole(line)
        ]
        named = frozenset(line["key"] for line in [*lines, *report.get("notSynchronised", ())])
        return cls(report["outcome"], report["cause"], named, report)


def is_whole(line: bytes) -> bool:
    """Whether a line is one object of JSON, and not what is left of one in a file that was cut."""
    return line.startswith(b"{") and line.endswith(b"}")


def within(objects: Objects, prefix: str) -> dict[str, State]:
    """Return what is in scope, by the rest of its key."""
    rest = {key.removeprefix(prefix): state for key, state in objects.items() if key.startswith(prefix)}
    return {key: state for key, state in rest.items() if not key.endswith(EXCLUDED)}


def outside(objects: Objects, prefix: str) -> dict[str, State]:
    """Return what is out of scope."""
    return {
        key: state for key, state in objects.items() if not key.startswith(prefix) or key.endswith(EXCLUDED)
    }


@dataclass
class Oracle:
    """What one scenario has shown; `look` reads all buckets. `others` is what another writer left at the destination; without
    `has_plan` the files of the plan were damaged, which have the names."""

    look: Callable[[], Buckets]
    complaints: list[str] = field(default_factory=list)
    others: dict[str, State] = field(default_factory=dict)
    has_plan: bool = True
    _source: dict[str, list[State]] = field(default_factory=lambda: defaultdict(list))
    _before: Buckets | None = None

    def begin(self) -> None:
        """Read everything before the run."""
        self._before = self.look()
        self.see_source()

    def see_source(self) -> None:
        """Read the source, which another writer has changed; any state that it had during the run may be copied."""
        now = within(self.look().source, PREFIX)
        is_first = not self._source
        for key in now.keys() | self._source.keys():
            if key not in self._source and not is_first:
                self._source[key].append(None)
            self._source[key].append(now.get(key))

    def see_other(self, key: str) -> None:
        """Read what another writer has just written at the destination: nobody may replace it in this run."""
        self.others[key] = self.look().destination.get(key)

    def before_delete(self) -> None:
        """Complain of a request that deletes although something is not copied."""
        missing = self._not_copied(self.look())
        if missing:
            self.complaints.append(f"deletes although {sorted(missing)} are not copied")

    def after_fault(self, ending: Ending) -> None:
        """Judge the run that was disturbed."""
        now = self.look()
        self._outside_untouched(now)
        for key, state in self.others.items():
            if now.destination.get(key) != state:
                self.complaints.append(f"{key}, which another writer wrote, was replaced or deleted")
        if ending.is_green:
            self._equal(now)
        else:
            self._explained(ending, now)

    def after_next(self, ending: Ending, uploads: list[str]) -> None:
        """Judge the run after that, which nothing disturbs: it converges and leaves no upload open of these."""
        if not ending.is_green:
            self.complaints.append(f"the next run ends {ending.outcome}: {ending.cause}")
        now = self.look()
        wanted, found = within(now.source, PREFIX), within(now.destination, DESTINATION_PREFIX)
        wanted.pop(SKIPPED, None)
        if wanted != found:
            self.complaints.append(f"after the next run {sorted(differing(wanted, found))} differ")
        if uploads:
            self.complaints.append(f"uploads left open: {uploads}")
        self._outside_untouched(now)

    def _not_copied(self, now: Buckets) -> set[str]:
        found = within(now.destination, DESTINATION_PREFIX)
        allowed = {key: states for key, states in self._source.items() if key != SKIPPED}
        return {key for key, states in allowed.items() if None not in states and found.get(key) not in states}

    def _equal(self, now: Buckets) -> None:
        missing = self._not_copied(now)
        extra = within(now.destination, DESTINATION_PREFIX).keys() - self._source.keys()
        extra -= {key.removeprefix(DESTINATION_PREFIX) for key in self.others}
        if missing or extra:
            self.complaints.append(f"green, though {sorted(missing | extra)} are not synchronised")

    def _explained(self, ending: Ending, now: Buckets) -> None:
        if not ending.cause:
            self.complaints.append(f"{ending.outcome} without a cause")
        missing, report = self._not_copied(now), ending.report
        # What broke before there was a plan has changed nothing, and cannot name anything.
        unnamed = missing - ending.named
        was_planned = report.get("phase") not in (None, "starting", "comparing")
        if self.has_plan and was_planned and unnamed:
            self.complaints.append(f"{sorted(unnamed)} are not synchronised and not named")

    def _outside_untouched(self, now: Buckets) -> None:
        before = self._before
        assert before is not None
        places = {
            "the source": (outside(before.source, PREFIX), outside(now.source, PREFIX)),
            "the destination": (
                outside(before.destination, DESTINATION_PREFIX),
                outside(now.destination, DESTINATION_PREFIX),
            ),
            "the unrelated bucket": (before.unrelated, now.unrelated),
        }
        for place, (first, last) in places.items():
            if first != last:
                self.complaints.append(f"{place} was touched outside: {sorted(differing(first, last))}")
        current = within(now.source, PREFIX)
        if any(states[-1] != current.get(key) for key, states in self._source.items()):
            self.complaints.append("the source was changed")


def differing(first: Objects, last: Objects) -> set[str]:
    """Return the keys whose states differ."""
    return {key for key in first.keys() | last.keys() if first.get(key) != last.get(key)}
