"""Comparing one key range: reads both listings, decides every key, writes what is to be done as shards, and one record.

Nothing is changed here. A range that is not done when its time is spent hands the rest back, cut again, for the next wave.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.compare.key_ranges import cut_range
from lambda_functions.shared.compare.undecided import Resolver
from lambda_functions.shared.compare.waves import range_record_name
from lambda_functions.shared.equality import Decision, decide
from lambda_functions.shared.errors import NoProgress, RangeBroken, describe_with_bucket, is_permanent
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import Outcome, Tally
from lambda_functions.shared.run import Run, scope_filter
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.etags import part_count
from lambda_functions.shared.s3.listing import Entry, KeyRange, Listing, Pair, merge, pair_key
from lambda_functions.shared.work_bucket.heartbeat import Heartbeat, counts_of
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import (
    MAX_SHARD_BYTES,
    ShardWriter,
    failure_writer,
    turn_summary,
)
from lambda_functions.shared.work_items import ToCopy, ToDelete

# How long a range is compared before it hands back what is left. The first wave is one worker, which is enough for most buckets
# (some 100,000 keys); the next ones are short because they find out where the keys are.
BUDGET_SECONDS = (10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 120.0, 300.0)
# Into how many ranges the rest is cut. A range costs about 4 LISTs that its keys do not need: cuts, and pages that reach past its
# end. What a turn has read pays for them: they may cost 2 % of it. Only what keeps a few heavy ranges from being read by as few
# workers is on credit: some LISTs in the waves of a bucket of millions, minutes in one whose keys are mostly in one folder.
LISTS_PER_RANGE = 4
SHARE_FOR_CUTS = 0.02
FIRST_REMAINING_RANGES = 12
MIN_REMAINING_RANGES = 6
MAX_REMAINING_RANGES = 64
# Objects that get a worker of their own, because one turn of `copy_keys` should not hold them among others.
LARGE_BYTES = MAX_SHARD_BYTES
# What a worker copies in a second or two: a small sync is shared by several.
FIRST_COPY_KEYS = 500
LARGE_PARTS = 2000
ARCHIVE_CLASSES = ("GLACIER", "DEEP_ARCHIVE")
# How often the clock is read, in keys: a page, so that buckets with the same keys hand back at the end of a page. Also whenever
# answers are waited for, because a thousand questions take seconds.
KEYS_PER_CLOCK_CHECK = 1000


def budget_seconds(wave: int) -> float:
    """Return the time budget of a wave, counted from 1."""
    return BUDGET_SECONDS[min(wave, len(BUDGET_SECONDS)) - 1]


def remaining_ranges(wave: int, requests: int) -> int:
    """Return into how many ranges the rest is cut after a turn of a wave that has sent so many requests."""
    affordable = int(requests * SHARE_FOR_CUTS / LISTS_PER_RANGE)
    least = FIRST_REMAINING_RANGES if wave == 1 else MIN_REMAINING_RANGES
    return min(max(affordable, least), MAX_REMAINING_RANGES)


def compare(clients: Clients, run: Run, range_id: str, key_range: KeyRange, turn: Turn) -> dict[str, Any]:
    """Return the record of a range: what is current, which shards hold the plan, and what is handed back."""
    folder = RunFolder(clients.work, run.folder)
    plan = _PlanWriter.of(folder, run, range_id, turn.attempt)
    resolver = Resolver(clients, run)
    rest = None
    try:
        with Heartbeat(folder, range_id, range_record_name(range_id)) as heartbeat:
            rest = _compare_until_deadline(clients, run, key_range, turn, plan, resolver, heartbeat)
        handed_back = _cut_remaining(clients, run, range_id, rest) if rest else []
        broken = ""
    except (RangeBroken, ClientError) as error:
        if isinstance(error, ClientError) and not is_permanent(error):
            raise
        handed_back = []
        broken = f"{describe_range(run, key_range)} could not be compared: {describe_with_bucket(error)}"
    finally:
        resolver.close()
    return {
        "range": {"id": range_id, **key_range.to_json()},
        "broken": broken,
        "left": rest and rest.to_json(),
        "handedBack": [part.to_json() for part in handed_back],
        "unusualPages": clients.requests.unusual_pages,
        **plan.close(),
        **turn_summary(plan.tally, plan.failures, turn, clients),
    }


def _cut_remaining(clients: Clients, run: Run, range_id: str, rest: KeyRange) -> list[KeyRange]:
    wave = int(range_id.partition("-")[0])
    return cut_range(clients, run, rest, remaining_ranges(wave, sum(clients.requests.counts().values())))


def describe_range(run: Run, key_range: KeyRange) -> str:
    """Return what a person is told of a range: `s3://from/ -> s3://into/ (keys after 'a' up to 'm')`."""
    after = f" after {key_range.after!r}" if key_range.after is not None else ""
    up_to = f" up to {key_range.up_to!r}" if key_range.up_to is not None else ""
    whole = "the whole prefix" if run.source.prefix else "the whole bucket"
    keys = f"keys{after}{up_to}" if after or up_to else whole
    return f"{run.source.address()} -> {run.destination.address()} ({keys})"


def _compare_until_deadline(
    clients: Clients,
    run: Run,
    key_range: KeyRange,
    turn: Turn,
    plan: _PlanWriter,
    resolver: Resolver,
    heartbeat: Heartbeat,
) -> KeyRange | None:
    """Decide the keys of a range in order; return what is left of it when the turn is over."""
    is_in_scope = scope_filter(run.options) if run.options.include or run.options.exclude else None
    source = Listing(clients.source, run.source, key_range)
    destination = Listing(clients.destination, run.destination, key_range)
    end = None
    for number, pair in enumerate(merge(source, destination), 1):
        if is_in_scope is None or is_in_scope(pair_key(pair)):
            plan.decide(pair, resolver)
        else:
            plan.leave_out(pair)
        if number % KEYS_PER_CLOCK_CHECK == 0 or resolver.is_full():
            plan.collect(resolver)
            heartbeat.beat(counts_of(plan.tally, number))
            if turn.is_over():
                end = pair_key(pair)
                break
    plan.collect(resolver, all_of_them=True)
    plan.listed = {"source": source.count_up_to(end), "destination": destination.count_up_to(end)}
    return None if end is None else _remaining_range(key_range, end)


def _remaining_range(key_range: KeyRange, cursor: str) -> KeyRange | None:
    if key_range.after is not None and cursor <= key_range.after:
        raise NoProgress(f"the range after {key_range.after!r} ended at {cursor!r}")
    return None if cursor == key_range.up_to else KeyRange(cursor, key_range.up_to)


@dataclass
class _PlanWriter:
    """What is to be done in one range, flowing into shards as it is decided."""

    run: Run
    copy: ShardWriter
    large: ShardWriter
    delete: ShardWriter
    failures: ShardWriter
    tally: Tally
    listed: dict[str, int] = field(default_factory=lambda: {"source": 0, "destination": 0})
    out_of_scope: dict[str, int] = field(default_factory=lambda: {"source": 0, "destination": 0})
    kept: dict[str, int] = field(default_factory=lambda: {"source": 0, "destination": 0})
    paired: int = 0
    orphans: int = 0
    unprovable: int = 0

    @classmethod
    def of(cls, folder: RunFolder, run: Run, range_id: str, attempt: str) -> _PlanWriter:
        """Return an empty plan."""

        def name(kind: str) -> Callable[[int], str]:
            return lambda number: f"{kind}/{range_id}-{number:04d}-{attempt}.jsonl"

        failures = failure_writer(folder, range_id, attempt)
        return cls(
            run,
            copy=ShardWriter(folder, name("copy"), first_keys=FIRST_COPY_KEYS),
            large=ShardWriter(folder, name("large"), math.inf),
            delete=ShardWriter(folder, name("delete"), math.inf),
            failures=failures,
            tally=Tally(failures),
        )

    def leave_out(self, pair: Pair) -> None:
        """Count a key that `include` and `exclude` leave out."""
        source, destination = pair
        self.out_of_scope["source"] += source is not None
        self.out_of_scope["destination"] += destination is not None

    def decide(self, pair: Pair, resolver: Resolver) -> None:
        """Decide one key by its listings, or have both sides asked."""
        source, destination = pair
        self.paired += source is not None and destination is not None
        options = self.run.options
        decision = decide(source, destination, options.compareMetadata, options.compareTags)
        if decision is Decision.CURRENT:
            assert source is not None
            self.tally.count("current", source.size)
        elif decision in (Decision.ASK_METADATA, Decision.ASK_CHECKSUMS, Decision.ASK_TAGS):
            assert source is not None and destination is not None
            resolver.submit(source, destination, decision)
        elif decision is Decision.ORPHAN:
            assert destination is not None
            self._add_orphan(destination)
        else:
            assert source is not None
            self._add_source(source, destination, decision)

    def collect(self, resolver: Resolver, all_of_them: bool = False) -> None:
        """Take in the keys that have been decided meanwhile."""
        for source, destination, result in resolver.results(all_of_them):
            if isinstance(result, Outcome):
                self.tally.add(result)
            else:
                self._add_source(source, destination, self._apply_unprovable(result))

    def _apply_unprovable(self, decision: Decision) -> Decision:
        if decision is not Decision.UNPROVABLE:
            return decision
        self.unprovable += 1
        return Decision.COPY if self.run.options.unprovable == "copy" else Decision.UNPROVABLE

    def _add_orphan(self, destination: Entry) -> None:
        self.orphans += 1
        if self.run.options.delete:
            orphan = ToDelete(destination.key, destination.etag, destination.size)
            self.delete.add(orphan.to_json())
        else:
            self.kept["destination"] += 1

    def _add_source(self, source: Entry, destination: Entry | None, decision: Decision) -> None:
        if decision is Decision.CURRENT:
            self.tally.count("current", source.size)
        elif decision is Decision.UNPROVABLE:
            self.kept["source"] += 1
            self.tally.count("kept", source.size)
        elif not self.run.is_mappable(source.key):
            self.tally.add(
                Outcome(source.key, "unmappable", 0, "its key at the destination is not of 1 to 1,024 bytes")
            )
        elif source.storage_class in ARCHIVE_CLASSES and not source.is_restored:
            self.tally.add(Outcome(source.key, "archived", 0, _why_archived(source)))
        else:
            (self.large if is_large(source) else self.copy).add(to_copy(source, destination).to_json())

    def close(self) -> dict[str, Any]:
        """Write what is not written yet; return the plan's part of the record."""
        shards = {"copy": self.copy.close(), "large": self.large.close(), "delete": self.delete.close()}
        return {
            "listed": self.listed,
            "outOfScope": self.out_of_scope,
            "kept": self.kept,
            "paired": self.paired,
            "orphans": self.orphans,
            "unprovable": self.unprovable,
            "shards": shards,
        }


def _why_archived(source: Entry) -> str:
    if source.is_being_restored:
        return f"{source.storage_class}, and its restore is under way"
    return f"{source.storage_class}, and no restored copy of it"


def is_large(entry: Entry) -> bool:
    """Whether an object is copied by a worker of its own."""
    return entry.size > LARGE_BYTES or (part_count(entry.etag) or 0) > LARGE_PARTS


def to_copy(source: Entry, destination: Entry | None) -> ToCopy:
    """Return what a copier needs of two listed objects."""
    replaces_etag = destination and destination.etag
    return ToCopy(source.key, source.etag, source.size, source.storage_class, source.checksum, replaces_etag)
