"""From the records of compared ranges to an exact plan: next wave, or indexes of what is to be done, or a refusal.

What the records do not name does not exist. Guards are pure functions over the sums.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lambda_functions.shared.compare.waves import Record, read_wave
from lambda_functions.shared.options import Options, max_deletes
from lambda_functions.shared.outcomes import add_counts, pluralize
from lambda_functions.shared.tally.sums import add_records
from lambda_functions.shared.work_bucket.run_folder import READ_THREADS, RunFolder

KINDS = ("copy", "large", "delete")


@dataclass(frozen=True)
class ComparisonTotals:
    """The sums over all compared ranges."""

    tally: Mapping[str, Mapping[str, int]]
    listed: Mapping[str, int]
    unprovable: int
    unusual_pages: int
    shards: Mapping[str, Sequence[Mapping[str, Any]]]
    failures: Sequence[str]
    requests: Mapping[str, int]
    turns: int
    seconds: float

    @property
    def plan(self) -> dict[str, dict[str, int]]:
        """Return what a run is going to do: `{"copy": {"objects", "bytes"}, "delete": {...}}`."""
        return {
            "copy": _amount([*self.shards["copy"], *self.shards["large"]]),
            "delete": _amount(self.shards["delete"]),
        }


def total_of_records(records: Sequence[Record]) -> ComparisonTotals:
    """Return the sums over records."""
    return ComparisonTotals(
        **add_records(records),
        listed=add_counts(record["listed"] for record in records),
        unprovable=sum(record["unprovable"] for record in records),
        unusual_pages=sum(record["unusualPages"] for record in records),
        shards={kind: [shard for record in records for shard in record["shards"][kind]] for kind in KINDS},
    )


def read_comparison(folder: RunFolder, waves: int, latest: Sequence[Record] = ()) -> ComparisonTotals:
    """Return the sums over all waves 1..waves, whatever of them has a record, and over the latest records besides."""
    earlier = (record for wave in range(1, waves + 1) for record in read_wave(folder, wave)[0])
    return total_of_records([*earlier, *latest])


def write_indexes(folder: RunFolder, compared: ComparisonTotals) -> dict[str, dict[str, Any]]:
    """Write copy.json, large.json and delete.json; return `{"copy": {"index", "items"}, ...}` with keys in the work bucket."""
    items = {
        "copy": _pointers("copy", compared.shards["copy"]),
        "large": _large_items(folder, compared.shards["large"]),
        "delete": _pointers("delete", compared.shards["delete"]),
    }
    with ThreadPoolExecutor(len(items)) as pool:
        written = pool.map(lambda kind: _write_index(folder, kind, items[kind]), items)
        return dict(zip(items, written, strict=True))


def refusal(options: Options, compared: ComparisonTotals) -> str:
    """Return why the planned deletes are refused, in sentences for a person; "" if they are not."""
    deletes, source_objects = compared.plan["delete"]["objects"], compared.listed.get("source", 0)
    if deletes and not source_objects and not options.allowEmptySource:
        return (
            f"{pluralize(deletes)} of {options.destination} would be deleted, and nothing is left of the source {options.source} "
            "after prefix, startAfter and filters. Nothing was changed. If the source is meant to be empty, start again with "
            '"allowEmptySource": true.'
        )
    most = max_deletes(options.maxDelete, compared.listed.get("destination", 0))
    if most is not None and deletes > most:
        return (
            f"{pluralize(deletes)} of {options.destination} would be deleted; maxDelete allows {most:,} "
            f"({options.maxDelete}, of {compared.listed.get('destination', 0):,} in scope). Nothing was changed. "
            f'The plan is in the report; if it is right, start again with "maxDelete": {deletes}.'
        )
    return ""


def _amount(shards: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {name: sum(shard[name] for shard in shards) for name in ("objects", "bytes")}


def _pointers(kind: str, shards: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the items of an index, in an order that has nothing to do with keys.

    Workers that start together would otherwise all write into one range of keys, and S3 limits requests for each
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html).
    """
    shards = sorted(shards, key=lambda shard: hashlib.sha256(shard["file"].encode()).digest())
    return [{"id": f"{kind}-{number:06d}", **shard} for number, shard in enumerate(shards, 1)]


def _large_items(folder: RunFolder, shards: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(READ_THREADS) as pool:
        lists = pool.map(lambda shard: folder.read_lines(shard["file"]), shards)
        lines = [line for lines in lists for line in lines]
    return [{"id": f"large-{number:06d}", "line": line} for number, line in enumerate(lines, 1)]


def _write_index(folder: RunFolder, kind: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    name = f"{kind}.json"
    folder.write(name, items)
    return {"index": folder.key(name), "items": len(items)}
