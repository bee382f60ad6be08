"""From the records of compared ranges to an exact plan: next wave, or indexes of what is to be done.

What the records do not name does not exist. The guards over the sums are in `refusals`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from lambda_functions.shared.compare.waves import Record, read_wave
from lambda_functions.shared.outcomes import SKIPPED, add_counts, add_tallies, object_count
from lambda_functions.shared.run import AppliedPlan
from lambda_functions.shared.tally.maps import choose_maps
from lambda_functions.shared.tally.sums import add_records
from lambda_functions.shared.work_bucket.run_folder import READ_THREADS, RunFileBroken, RunFolder

KINDS = ("copy", "large", "delete")
# Those of sources that are to be restored, which the workers that copy work through as well, so they have no index of their own.
RESTORE = "restore"
SHARD_KINDS = (*KINDS, RESTORE)
SIDES = ("source", "destination")
# What planned work is charged for besides its requests, as `planned.Planned` counts it; older records do not say.
TO_PAY = ("byClass", "retrieved", "early")


@dataclass(frozen=True)
class ComparisonTotals:
    """The sums over all compared ranges."""

    tally: Mapping[str, Mapping[str, int]]
    listed: Mapping[str, int]
    out_of_scope: Mapping[str, int]
    kept: Mapping[str, int]
    paired: int
    orphans: int
    unprovable: int
    unusual_pages: int
    shards: Mapping[str, Sequence[Mapping[str, Any]]]
    causes: Mapping[str, Mapping[str, Any]]
    failures: Sequence[Mapping[str, Any]]
    requests: Mapping[str, int]
    turns: int
    seconds: float
    to_send: Mapping[str, int] = field(default_factory=dict)
    filtered: Mapping[str, int] = field(default_factory=dict)
    not_overwritten: int = 0
    to_pay: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    as_standard: Mapping[str, int] = field(default_factory=dict)
    restores: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @functools.cached_property
    def plan(self) -> dict[str, dict[str, int]]:
        """Return what a run is going to do: `{"copy": {"objects", "bytes"}, "delete": {...}}`, and "restore" if there is any."""
        restores = _amount(self.shards.get(RESTORE, ()))
        return {
            "copy": _amount([*self.shards["copy"], *self.shards["large"]]),
            "delete": _amount(self.shards["delete"]),
            **({RESTORE: restores} if restores["objects"] else {}),
        }

    def in_scope(self, side: str) -> int:
        """Return how many objects of "source" or "destination" the filters have left."""
        return self.listed.get(side, 0) - self.out_of_scope.get(side, 0)

    def left_of_source(self) -> int:
        """Return how many source objects are left after the patterns and the filters."""
        return self.in_scope("source") - self.filtered.get("source", 0)

    def books(self) -> dict[str, int]:
        """Return what `books.comparison_gaps` balances, and what a report tells besides."""
        sides = {
            "Listed": self.listed,
            "OutOfScope": self.out_of_scope,
            "Kept": self.kept,
            "Filtered": self.filtered,
        }
        return {
            **{f"{side}{term}": counts.get(side, 0) for term, counts in sides.items() for side in SIDES},
            "current": object_count(self.tally, "current"),
            "copies": begun_by_copiers(self.plan),
            "skipped": sum(object_count(self.tally, what) for what in SKIPPED),
            "undecided": object_count(self.tally, "failed"),
            "paired": self.paired,
            "orphans": self.orphans,
            "deletes": self.plan["delete"]["objects"],
            "named": sum(file["objects"] for file in self.failures),
            "unprovable": self.unprovable,
            "unusualPages": self.unusual_pages,
            "notOverwritten": self.not_overwritten,
        }


def begun_by_copiers(plan: Mapping[str, Mapping[str, int]]) -> int:
    """Return how many objects of a plan the workers that copy get: those to copy and those to restore."""
    return sum(plan[what]["objects"] for what in ("copy", RESTORE) if what in plan)


def total_of_records(records: Sequence[Record]) -> ComparisonTotals:
    """Return the sums over records."""
    return ComparisonTotals(
        **add_records(records),
        listed=_add_sides(record["listed"] for record in records),
        out_of_scope=_add_sides(record["outOfScope"] for record in records),
        kept=_add_sides(record["kept"] for record in records),
        paired=sum(record["paired"] for record in records),
        orphans=sum(record["orphans"] for record in records),
        unprovable=sum(record["unprovable"] for record in records),
        unusual_pages=sum(record["unusualPages"] for record in records),
        filtered=_add_sides(record.get("filtered", {}) for record in records),
        not_overwritten=sum(record.get("notOverwritten", 0) for record in records),
        to_send=add_counts(record.get("toSend", {}) for record in records),
        to_pay={
            name: add_counts(record.get("toPay", {}).get(name, {}) for record in records) for name in TO_PAY
        },
        as_standard=add_counts(record.get("asStandard", {}) for record in records),
        restores=add_tallies(record.get("restores", {}) for record in records),
        shards={
            kind: [shard for record in records for shard in record["shards"].get(kind, ())]
            for kind in SHARD_KINDS
        },
    )


def as_borrowed(compared: ComparisonTotals, plan: AppliedPlan) -> ComparisonTotals:
    """Return the sums of a dry run for the run that carries out its plan: the files lie elsewhere, and it has sent no request."""

    def named(files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**file, "file": f"/{plan.folder}/{file['file']}"} for file in files]

    shards = {kind: named(files) for kind, files in compared.shards.items()}
    return replace(
        compared, shards=shards, failures=named(compared.failures), requests={}, turns=0, seconds=0.0
    )


def totals_of_state(comparison: Mapping[str, Any]) -> ComparisonTotals:
    """Return the sums that the state of the comparison carries, without what only records know: files and requests."""
    books, nothing = comparison.get("books", {}), {"objects": 0, "bytes": 0}
    plan = comparison.get("plan", {})
    by_side = {
        term: {side: books.get(f"{side}{term}", 0) for side in SIDES}
        for term in ("Listed", "OutOfScope", "Kept", "Filtered")
    }
    return ComparisonTotals(
        tally=comparison.get("tally", {}),
        listed=by_side["Listed"],
        out_of_scope=by_side["OutOfScope"],
        kept=by_side["Kept"],
        filtered=by_side["Filtered"],
        not_overwritten=books.get("notOverwritten", 0),
        paired=books.get("paired", 0),
        orphans=books.get("orphans", 0),
        unprovable=books.get("unprovable", 0),
        unusual_pages=books.get("unusualPages", 0),
        shards={
            **{kind: [plan.get(kind, nothing)] for kind in ("copy", "delete", RESTORE)},
            "large": [],
        },
        causes={},
        failures=[],
        requests={},
        turns=0,
        seconds=0.0,
    )


def read_records(folder: RunFolder, waves: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Return all records of waves, each named by its index; raise RunFileBroken where one is not there any more."""
    records: list[Record] = []
    for index in waves:
        of_wave, problem = read_wave(folder, index)
        if len(of_wave) < index["items"]:
            raise RunFileBroken(f"{problem}. Nothing can be concluded from it")
        records += of_wave
    return records


def write_indexes(folder: RunFolder, compared: ComparisonTotals) -> dict[str, dict[str, Any]]:
    """Write copy.json, large.json and delete.json; return `{"copy": {"index", "items", "sha256"}, ...}`.

    An index is a key of the work bucket; every item also says how many objects are `planned` in all, because a worker begins more
    gently where they are many. "copy" and "delete" also have `"map"` and `"inline"`, as `choose_maps` has them: what an inline
    Map works through travels in the state, but the index is written all the same, because the sums are made by it.
    """
    copies, deletes = begun_by_copiers(compared.plan), compared.plan["delete"]["objects"]
    items = {
        "copy": _pointers("copy", [*compared.shards["copy"], *compared.shards.get(RESTORE, ())], copies),
        "large": _large_items(folder, compared.shards["large"], copies),
        "delete": _pointers("delete", compared.shards["delete"], deletes),
    }
    with ThreadPoolExecutor(len(items)) as pool:
        written = dict(
            zip(items, pool.map(lambda kind: _write_index(folder, kind, items[kind]), items), strict=True)
        )
    maps = choose_maps(items["copy"], items["delete"])
    return {kind: {**index, **maps.get(kind, {})} for kind, index in written.items()}


def _add_sides(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of both sides, also of nothing."""
    return add_counts([dict.fromkeys(SIDES, 0), *counts])


def _amount(shards: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {name: sum(shard[name] for shard in shards) for name in ("objects", "bytes")}


def _pointers(kind: str, shards: Sequence[Mapping[str, Any]], planned: int) -> list[dict[str, Any]]:
    """Return the items of an index, in an order that has nothing to do with keys.

    Workers that start together would otherwise all write into one range of keys, and S3 limits requests for each
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html).
    """
    shards = sorted(shards, key=lambda shard: hashlib.sha256(shard["file"].encode()).digest())
    return [
        {"id": f"{kind}-{number:06d}", **shard, "planned": planned} for number, shard in enumerate(shards, 1)
    ]


def _large_items(
    folder: RunFolder, shards: Sequence[Mapping[str, Any]], planned: int
) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(READ_THREADS) as pool:
        lists = pool.map(folder.read_lines, shards)
        lines = [(shard["file"], line) for shard, lines in zip(shards, lists, strict=True) for line in lines]
    return [
        {"id": f"large-{number:06d}", "line": line, "planned": planned, "file": file}
        for number, (file, line) in enumerate(lines, 1)
    ]


def _write_index(folder: RunFolder, kind: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return folder.write_index(f"{kind}.json", items)
