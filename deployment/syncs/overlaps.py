"""Syncs of one configuration that undo each other: two into the same part of a bucket, or a circle of buckets. Pure.

What is certain to delete what another sync has copied is a mistake. What filters, prefixes or the order of runs may still keep
apart is a note, because nobody can tell from the configuration. Two syncs that give each key the same source are no conflict,
however their prefixes lie: a nightly sync of a bucket, say, and an hourly one of a folder of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from deployment.syncs import entries
from deployment.syncs.entries import Sync

NARROWING = ("include", "exclude", "startAfter", "minSize", "maxSize")
"""Options that leave some of a destination's keys out, so that they are not deleted; which, only the keys can tell."""

KEEPING = ("modifiedAfter", "modifiedBefore", "storageClasses")
"""Options with which a sync deletes no orphan: docs/input.md."""

_LITERAL = frozenset("*?[]\\")
_Place = tuple[str, ...]


@dataclass(frozen=True)
class Overlaps:
    """`mistakes` are places and sentences as those of `entries.WrongEntries`, `notes` whole sentences."""

    mistakes: tuple[tuple[_Place, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Area:
    """Keys of a bucket: all that begin with `prefix`."""

    bucket: str
    prefix: str

    def meets(self, other: _Area) -> bool:
        return self.bucket == other.bucket and (self.holds(other) or other.holds(self))

    def holds(self, other: _Area) -> bool:
        return self.bucket == other.bucket and other.prefix.startswith(self.prefix)


@dataclass(frozen=True)
class _Writer:
    """A sync that writes: from where into where, whether it deletes, and whether it does so whatever the key is."""

    name: str
    source: _Area
    target: _Area
    deletes: bool
    is_whole: bool
    replaces: bool
    is_scheduled: bool
    left_alone: tuple[str, ...]

    def keeps_out_of(self, area: _Area) -> bool:
        """Whether an exclusion leaves all of an area alone: `photos/*` all that is under `photos/`."""
        under = area.prefix[len(self.target.prefix) :]
        return self.target.holds(area) and any(under.startswith(one) for one in self.left_alone)


def read_entries(value: Any) -> tuple[Sync, ...]:
    """Return the entries of SYNCS as `entries.read` does, and raise as that does, also for those that undo each other."""
    syncs = entries.read(value)
    mistakes = find(syncs).mistakes
    if mistakes:
        raise entries.WrongEntries(mistakes)
    return syncs


def find(syncs: Sequence[Sync]) -> Overlaps:
    """Return what is wrong with syncs beside each other: of each only the first other one that it meets."""
    writers = [_writer(sync) for sync in syncs if not sync.input.get("dryRun")]
    mistakes: dict[str, tuple[_Place, str]] = {}
    notes: dict[str, str] = {}
    for one, other in combinations(writers, 2):
        certain, sentence = _judge(one, other)
        if sentence and certain:
            mistakes.setdefault(other.name, ((other.name, "destination"), f": {sentence}"))
        elif sentence:
            notes.setdefault(other.name, f"{_title(other)}: {sentence}")
    told = [*notes.values()]
    for circle in _circles(writers):
        certain, sentence = _judge_circle(circle)
        if sentence and certain:
            last = circle[-1].name
            mistakes.setdefault(last, ((last, "destination"), f": {sentence}"))
        elif sentence:
            told.append(f"{_title(circle[-1])}: {sentence}")
    return Overlaps(tuple(mistakes.values()), tuple(told))


def _writer(sync: Sync) -> _Writer:
    given: Mapping[str, Any] = sync.input
    prefix = str(given.get("prefix", ""))
    return _Writer(
        sync.name,
        _Area(str(given["source"]), prefix),
        _Area(str(given["destination"]), str(given.get("destinationPrefix", prefix))),
        deletes=given.get("delete", True) is not False and not any(given.get(option) for option in KEEPING),
        is_whole=not any(given.get(option) for option in NARROWING),
        replaces=given.get("overwrite", True) is True,
        is_scheduled=sync.schedule is not None,
        left_alone=tuple(
            pattern[:-1]
            for pattern in given.get("exclude", ())
            if pattern.endswith("*") and not _LITERAL.intersection(pattern[:-1])
        ),
    )


def _judge(one: _Writer, other: _Writer) -> tuple[bool, str]:
    """Return whether one of two is certain to delete what the other copies, and a sentence; "" where they go together."""
    if not one.target.meets(other.target) or _agree(one, other):
        return False, ""
    if one.keeps_out_of(other.target) or other.keeps_out_of(one.target):
        return False, ""
    pairs = [(one, other), (other, one)]
    certain = [deleter for deleter, loser in pairs if _deletes_all_of(deleter, loser)]
    if not certain and not any(deleter.deletes for deleter, _ in pairs):
        return False, ""
    where = _where(max(one.target, other.target, key=lambda area: len(area.prefix)))
    if certain:
        return True, _sentence(one, other, certain, where)
    return False, (
        f"it and {_title(one)} both write into {where}, from different sources. Only their keys can tell whether one deletes "
        "what the other copies: see the plans of both (`fab sync NAME --dry-run`) before you go on."
    )


def _agree(one: _Writer, other: _Writer) -> bool:
    """Whether each key that both may write comes from the same object in both."""
    outer, inner = sorted((one, other), key=lambda writer: len(writer.target.prefix))
    under = inner.target.prefix[len(outer.target.prefix) :]
    return inner.source == _Area(outer.source.bucket, outer.source.prefix + under)


def _deletes_all_of(deleter: _Writer, loser: _Writer) -> bool:
    return deleter.deletes and deleter.is_whole and deleter.target.holds(loser.target)


def _sentence(one: _Writer, other: _Writer, certain: Sequence[_Writer], where: str) -> str:
    begin = f"it and {_title(one)} both write into {where}, from different sources, and"
    if len(certain) == 2:
        return (
            f'{begin} each deletes what the other copies; expected a "destinationPrefix" of its own for each, or "delete": False '
            "in both"
        )
    (deleter,) = certain
    loser = one if deleter is other else other
    under = loser.target.prefix[len(deleter.target.prefix) :]
    apart = f'"exclude": ["{under}*"]' if under else '"delete": False'
    deletes, copies = ("it", _title(one)) if deleter is other else (_title(one), "it")
    return f"{begin} {deletes} deletes what {copies} copies; expected destinations apart, or {apart} in {_title(deleter)}"


def _circles(writers: Sequence[_Writer]) -> Iterator[list[_Writer]]:
    """Yield each circle of syncs of which the next reads what the one before writes, once: the shortest through its first."""
    follows = {
        writer.name: [
            reader for reader in writers if reader is not writer and writer.target.meets(reader.source)
        ]
        for writer in writers
    }
    seen: set[frozenset[str]] = set()
    for writer in writers:
        circle = _way_back(writer, follows)
        names = frozenset(one.name for one in circle)
        if circle and names not in seen:
            seen.add(names)
            yield sorted(circle, key=writers.index)


def _way_back(start: _Writer, follows: Mapping[str, Sequence[_Writer]]) -> list[_Writer]:
    """Return the shortest chain of syncs from one of them back to itself, nothing where there is none."""
    chains, visited = [[start]], {start.name}
    while chains:
        longer = []
        for chain in chains:
            for writer in follows[chain[-1].name]:
                if writer is start:
                    return chain
                if writer.name not in visited:
                    visited.add(writer.name)
                    longer.append([*chain, writer])
        chains = longer
    return []


def _judge_circle(circle: Sequence[_Writer]) -> tuple[bool, str]:
    """Return whether the runs of a circle are certain to delete what is new, and a sentence; "" where nothing is lost.

    Where one of them has no schedule it may be the way back from a copy, which somebody goes once, with open eyes.
    """
    if not any(writer.deletes or writer.replaces for writer in circle):
        return False, ""
    *before, _ = circle
    names = ", ".join(_title(writer) for writer in before)
    begin = f"it and {names} make a circle: each writes what the next one reads"
    if all(writer.deletes and writer.is_whole and writer.is_scheduled for writer in circle):
        return True, (
            f"{begin}, and all delete by a schedule, so what is new in one bucket is deleted before it is copied; expected "
            'one direction, or "delete": False in all of them'
        )
    return (
        False,
        f"{begin}, so a run of one may delete or overwrite what is new in a bucket before the next one has copied it.",
    )


def _where(area: _Area) -> str:
    return f'the bucket "{area.bucket}"' + (f' under "{area.prefix}"' if area.prefix else "")


def _title(writer: _Writer) -> str:
    return f"SYNCS[{writer.name!r}]"
