"""What is to be done in a key range, flowing into shards as it is decided, and the counts of what was found."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

from lambda_functions.shared.compare.filters import Filters, filters_of
from lambda_functions.shared.compare.found_current import FoundCurrent
from lambda_functions.shared.compare.pieces import Chunk
from lambda_functions.shared.compare.planned import Planned
from lambda_functions.shared.compare.undecided import Resolver
from lambda_functions.shared.equality import QUESTIONS, Decision, decide
from lambda_functions.shared.outcomes import Outcome, Tally
from lambda_functions.shared.run import Run, scope_filter
from lambda_functions.shared.s3.etags import part_count
from lambda_functions.shared.s3.listing import Entry, Pair, merge, pair_key
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import MAX_SHARD_BYTES, ShardWriter, failure_writer
from lambda_functions.shared.work_items import ToCopy, ToDelete

# Objects that get a worker of their own, because one turn of `copy_keys` should not hold them among others.
LARGE_BYTES = MAX_SHARD_BYTES
# What a worker copies in about a second, some 50 objects at a time, and a second is what it takes to begin: a small sync is
# shared by as many workers as are worth that, 1,000 copies by four.
FIRST_COPY_KEYS = 250
FIRST_COPY_BYTES = 2 * 1024**3
LARGE_PARTS = 2000
ARCHIVE_CLASSES = ("GLACIER", "DEEP_ARCHIVE")


@dataclass
class PlanWriter:
    """What is to be done in one range, flowing into shards as it is decided."""

    run: Run
    copy: ShardWriter
    large: ShardWriter
    delete: ShardWriter
    restore: ShardWriter
    failures: ShardWriter
    tally: Tally
    listed: dict[str, int] = field(default_factory=lambda: {"source": 0, "destination": 0})
    out_of_scope: dict[str, int] = field(default_factory=lambda: {"source": 0, "destination": 0})
    kept: dict[str, int] = field(default_factory=lambda: {"source": 0, "destination": 0})
    filtered: dict[str, int] = field(default_factory=lambda: {"source": 0, "destination": 0})
    not_overwritten: int = 0
    paired: int = 0
    orphans: int = 0
    unprovable: int = 0
    planned: Planned = field(default_factory=Planned)
    filters: Filters | None = None
    found_current: FoundCurrent | None = None

    @classmethod
    def of(cls, folder: RunFolder, run: Run, range_id: str, attempt: str, pool: Executor) -> PlanWriter:
        """Return an empty plan; `pool` writes its files."""

        def name(kind: str) -> Callable[[int], str]:
            return lambda number: f"{kind}/{range_id}-{number:04d}-{attempt}.jsonl"

        failures = failure_writer(folder, range_id, attempt)
        return cls(
            run,
            copy=ShardWriter(
                folder,
                name("copy"),
                first_keys=FIRST_COPY_KEYS,
                first_bytes=FIRST_COPY_BYTES,
                pool=pool,
                by_key=True,
            ),
            large=ShardWriter(folder, name("large"), math.inf, pool=pool, by_key=True),
            delete=ShardWriter(folder, name("delete"), math.inf, pool=pool, by_key=True),
            restore=ShardWriter(folder, name("restore"), math.inf, pool=pool, by_key=True),
            failures=failures,
            tally=Tally(failures),
            filters=filters_of(run.options),
            found_current=FoundCurrent(folder, f"{range_id}-{attempt}", pool) if run.options.verify else None,
            planned=Planned.of(run),
        )

    def decide_all(self, chunk: Chunk, resolver: Resolver) -> None:
        """Decide the keys of a chunk."""
        self.listed["source"] += len(chunk.source)
        self.listed["destination"] += len(chunk.destination)
        options = self.run.options
        is_in_scope = scope_filter(options) if options.include or options.exclude else None
        decide_pair = self.decide_filtered if self.filters else self.decide
        for pair in merge(chunk.source, chunk.destination):
            if is_in_scope is None or is_in_scope(pair_key(pair)):
                decide_pair(pair, resolver)
            else:
                self.leave_out(pair)
            if resolver.is_full():
                self.collect(resolver)
        self.collect(resolver)

    def keys(self) -> int:
        """Return how many keys there have been, on either side."""
        return sum(self.listed.values()) - self.paired

    def leave_out(self, pair: Pair) -> None:
        """Count a key that `include` and `exclude` leave out."""
        source, destination = pair
        self.out_of_scope["source"] += source is not None
        self.out_of_scope["destination"] += destination is not None

    def decide_filtered(self, pair: Pair, resolver: Resolver) -> None:
        """Decide one key where objects may be filtered out, or what is there already may be kept."""
        source, destination = pair
        assert self.filters is not None
        if source is None:
            assert destination is not None
            if self.run.options.delete and self.filters.keeps_orphan(destination):
                self._keep_orphan()
                return
        elif self.filters.leaves_out(source):
            self._filter_out(destination)
            return
        elif destination is not None and self.filters.keeps_existing(source, destination):
            self._keep_existing(source, destination)
            return
        self.decide(pair, resolver)

    def decide(self, pair: Pair, resolver: Resolver) -> None:
        """Decide one key by its listings, or have both sides asked."""
        source, destination = pair
        self.paired += source is not None and destination is not None
        options = self.run.options
        decision = decide(source, destination, options.compareMetadata, options.compareTags)
        if decision is Decision.CURRENT:
            assert source is not None
            self.tally.count("current", source.size)
            self._note_current(destination)
        elif decision in QUESTIONS:
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
                self.unprovable += result is Decision.UNPROVABLE
                self._add_source(source, destination, result)

    def _filter_out(self, destination: Entry | None) -> None:
        """Count a key whose source object is filtered out: it is present, so what the destination has under it is no orphan."""
        self.paired += destination is not None
        self.kept["source"] += 1
        self.filtered["source"] += 1
        self._note_current(destination)

    def _keep_orphan(self) -> None:
        self.orphans += 1
        self.kept["destination"] += 1
        self.filtered["destination"] += 1

    def _keep_existing(self, source: Entry, destination: Entry) -> None:
        """Count a key that is not to be overwritten: current if the listings say so, and otherwise nobody asks what differs."""
        self.paired += 1
        self._note_current(destination)
        options = self.run.options
        if decide(source, destination, options.compareMetadata, options.compareTags) is Decision.CURRENT:
            self.tally.count("current", source.size)
        else:
            self.kept["source"] += 1
            self.not_overwritten += 1

    def _add_orphan(self, destination: Entry) -> None:
        self.orphans += 1
        if self.run.options.delete:
            self._plan_delete(destination)
        else:
            self.kept["destination"] += 1

    def _add_source(self, source: Entry, destination: Entry | None, decision: Decision) -> None:
        if decision is Decision.CURRENT:
            self.tally.count("current", source.size)
            self._note_current(destination)
        elif decision is Decision.UNPROVABLE and self.run.options.unprovable != "copy":
            self.kept["source"] += 1
            self.tally.count("kept", source.size)
            self._note_current(destination)
        elif not self.run.is_mappable(source.key):
            self.tally.add(
                Outcome(source.key, "unmappable", 0, "its key at the destination is not of 1 to 1,024 bytes")
            )
        elif source.storage_class in ARCHIVE_CLASSES and not source.is_restored:
            self._add_archived(source, destination, decision)
        else:
            self._plan_copy(source, destination, decision)

    def _plan_delete(self, destination: Entry) -> None:
        self.delete.add(ToDelete(destination.key, destination.etag, destination.size).to_json())
        self.planned.add_orphan(destination)

    def _plan_copy(self, source: Entry, destination: Entry | None, decision: Decision) -> None:
        item = to_copy(source, destination, decision)
        (self.large if is_large(source) else self.copy).add(item.to_json())
        self.planned.add_copy(item, destination)

    def _note_current(self, destination: Entry | None) -> None:
        """Remember what was found current, or has a source and is to stay, where the run is to compare once more."""
        if self.found_current and destination:
            self.found_current.add(destination.key, destination.etag)

    def _add_archived(self, source: Entry, destination: Entry | None, decision: Decision) -> None:
        """Plan a restore where the options ask for one, or name what cannot be copied now."""
        is_restored = self.run.options.restore is not None
        if is_restored and not source.is_being_restored:
            item = replace(to_copy(source, destination, decision), restore=True)
            self.restore.add(item.to_json())
            self.planned.add_restore(item)
        else:
            what = "restoring" if is_restored else "archived"
            self.tally.add(Outcome(source.key, what, 0, _why_archived(source)))

    def close(self) -> dict[str, Any]:
        """Write what is not written yet; return the plan's part of the record."""
        writers = {
            "copy": self.copy,
            "large": self.large,
            "delete": self.delete,
            **({"restore": self.restore} if self.run.options.restore else {}),
        }
        for writer in writers.values():
            writer.flush()  # all side by side
        shards = {kind: writer.close() for kind, writer in writers.items()}
        return {
            "listed": self.listed,
            "outOfScope": self.out_of_scope,
            "kept": self.kept,
            "filtered": self.filtered,
            "notOverwritten": self.not_overwritten,
            "paired": self.paired,
            "orphans": self.orphans,
            "unprovable": self.unprovable,
            **self.planned.to_json(),
            "shards": shards,
            **({"foundCurrent": self.found_current.close()} if self.found_current else {}),
        }


def _why_archived(source: Entry) -> str:
    if source.is_being_restored:
        return f"{source.storage_class}, and its restore is under way"
    return f"{source.storage_class}, and no restored copy of it"


def is_large(entry: Entry) -> bool:
    """Whether an object is copied by a worker of its own."""
    return entry.size > LARGE_BYTES or (part_count(entry.etag) or 0) > LARGE_PARTS


def to_copy(source: Entry, destination: Entry | None, reason: Decision) -> ToCopy:
    """Return what a copier needs of two listed objects, and why there is something to copy."""
    replaces_etag = destination and destination.etag
    return ToCopy(
        source.key,
        source.etag,
        source.size,
        source.storage_class,
        source.checksum,
        replaces_etag,
        reason.value,
    )
