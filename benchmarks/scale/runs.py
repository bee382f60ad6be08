"""A whole run, step by step: which Lambdas it calls and for how long, which states it goes through, what it sends to S3.

Its steps are those of the state machine; copies and deletes are INLINE Maps where forty shards suffice.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.scale.comparing import VirtualBuckets, Wave, entries, waves_by_arithmetic
from benchmarks.scale.constants import Constants
from benchmarks.shapes import hexadecimal
from deployment.project import front_matter
from lambda_functions.shared.apply.deleter import BATCH_KEYS
from lambda_functions.shared.compare.plan_writer import FIRST_COPY_KEYS
from lambda_functions.shared.run import MAX_COMPARING
from lambda_functions.shared.work_bucket.shards import MAX_SHARD_KEYS

PROJECT = Path(__file__).resolve().parents[2]
FUNCTIONS = {spec.name: dict(spec.properties) for spec in front_matter.read_all(PROJECT / "lambda_functions")}
# So many shards, and no more, are worked through by an INLINE Map.
MOST_INLINE_SHARDS = 40
# Up to so many objects the product's scheduler is run; beyond them waves are arithmetic.
MOST_VIRTUAL_OBJECTS = 10**6
# States of a child; that of a Map Run pays for its start too (https://aws.amazon.com/step-functions/pricing/).
CHILD_STATES = {"CompareRanges": 1, "CopyKeys": 3, "DeleteOrphanedKeys": 3}
# Small requests to the work bucket, or to ask for a bucket, one after the other.
REQUESTS = {
    "ValidateInput": 5,
    "ListRanges": 5,
    "CompareRanges": 3,
    "TallyComparison": 6,
    "CopyKeys": 4,
    "TallyCopies": 7,
    "DeleteOrphanedKeys": 5,
    "TallyDeletes": 3,
    "Report": 6,
}
# How many more there are where there is something to do: the plan's shards and indexes are written, then read.
PLAN_REQUESTS = {"ListRanges": 5, "Report": 2}


@dataclass(frozen=True)
class Job:
    """`objects` in each bucket, of which so many are to be copied and deleted; the destination may be empty."""

    objects: int
    copied: int = 0
    deleted: int = 0
    is_first: bool = False

    @property
    def sides(self) -> int:
        """How many of the buckets have anything to list."""
        return 1 if self.is_first else 2


@dataclass(frozen=True)
class Step:
    """A state with a Lambda, and the states up to the next one.

    `turns` are the seconds of its invocations, without INIT; `at_once` how many there are at a time at most, where it is a Map;
    `map_seconds` and `child_seconds` what that and each of its children take besides the Lambda.
    """

    name: str
    function: str
    turns: Sequence[float]
    states: Sequence[str]
    at_once: int = 1
    child_transitions: int = 0
    map_seconds: float = 0.0
    child_seconds: float = 0.0
    is_map_run: bool = False


@dataclass
class Run:
    """What a job comes to with so many workers."""

    job: Job
    workers: int
    constants: Constants = field(default_factory=Constants)

    @functools.cached_property
    def waves(self) -> list[Wave]:
        """The waves of the comparison."""
        job = self.job
        if job.objects > MOST_VIRTUAL_OBJECTS:
            return waves_by_arithmetic(job.objects, job.sides, self.workers, self.constants)
        return _virtual_waves(job.objects, job.is_first, self.constants)

    def steps(self) -> Iterator[Step]:
        """Yield the steps, in order."""
        job, (first, *others) = self.job, self.waves
        yield self._task("ValidateInput", "validate_input", ["Begin", "IsInputValid"])
        yield self._task("ListRanges", "list_ranges", ["IsComparisonDone"], first.turns[0])
        for wave in others:
            at_once = min(self.workers, MAX_COMPARING)
            yield self._map("CompareRanges", "compare_listings", wave.turns, at_once)
            yield self._tally("TallyComparison", ["IsComparisonDone"], len(wave.turns))
        if job.copied or job.deleted:
            copies = self._shards(job.copied, FIRST_COPY_KEYS)
            if copies:
                yield self._work("CopyKeys", "copy_keys", copies, self.constants.copies_a_second)
            after = ["IsAnythingToCopy", "IsCopySmall", "IsAnythingLargeToCopy", "AreDeletesAllowed"]
            yield self._tally("TallyCopies", after, len(copies))
        if job.deleted:
            deletes = self._shards(job.deleted, MAX_SHARD_KEYS)
            function, rate = "delete_orphaned_keys", self.constants.deletes_a_second
            yield self._work("DeleteOrphanedKeys", function, deletes, rate)
            after = ["IsDeleteSmall", "AreDeletesTallied"]
            yield self._tally("TallyDeletes", after, len(deletes))
        yield self._tally("Report", ["HowDidItEnd", "Succeeded"], 0)

    def _task(self, name: str, function: str, states: Sequence[str], more_seconds: float = 0.0) -> Step:
        has_plan = self.job.copied or self.job.deleted
        requests = REQUESTS[name] + (PLAN_REQUESTS.get(name, 0) if has_plan else 0)
        seconds = self._begin(function) + requests * self.constants.request_seconds + more_seconds
        return Step(name, function, [seconds], [name, *states])

    def _work(self, name: str, function: str, shards: Sequence[int], rate: float) -> Step:
        """Copying or deleting: every shard is done in one turn, by as many workers as S3 allows to write."""
        allowed = self.constants.writes_a_partition * self.constants.partitions(self.job.objects)
        workers = max(1, min(self.workers, len(shards)))
        turns = [objects / min(rate, allowed / workers) for objects in shards]
        return self._map(name, function, turns, workers, MOST_INLINE_SHARDS)

    def _map(self, name: str, function: str, turns: Sequence[float], workers: int, inline: int = 0) -> Step:
        constants, states = self.constants, CHILD_STATES[name]
        fixed = self._begin(function) + REQUESTS[name] * constants.request_seconds
        turns = [fixed + seconds for seconds in turns]
        if len(turns) <= inline:
            seconds = constants.inline_map_seconds, states * constants.state_seconds
            return Step(name, function, turns, [name], workers, states, *seconds)
        seconds = constants.map_run_seconds, constants.child_seconds
        return Step(name, function, turns, [name], workers, 1 + states, *seconds, is_map_run=True)

    def _begin(self, function: str) -> float:
        return self.constants.turn_cpu_seconds / self.constants.processor(FUNCTIONS[function]["MemorySize"])

    def _tally(self, name: str, states: Sequence[str], records: int) -> Step:
        return self._task(name, "tally_run", states, records * self.constants.record_seconds)

    def _shards(self, objects: int, first_keys: int) -> list[int]:
        """Return the shards of all ranges, each of which has as many of the objects."""
        ranges = min(sum(len(wave.turns) for wave in self.waves), max(objects, 1))
        share = [objects // ranges + (number < objects % ranges) for number in range(ranges)]
        return [shard for one in share for shard in shards_of(one, first_keys)]

    @property
    def requests(self) -> Counter[str]:
        """Requests to the two buckets."""
        batches = sum(math.ceil(one / BATCH_KEYS) for one in self._shards(self.job.deleted, MAX_SHARD_KEYS))
        lists = sum(wave.lists for wave in self.waves)
        sent = {"LIST": lists, "COPY": self.job.copied, "HEAD": self.job.deleted, "HEAD_BUCKET": 2 + batches}
        return Counter({kind: count for kind, count in sent.items() if count})

    @property
    def transitions(self) -> int:
        """State transitions, those of children among them; a start counts as one."""
        parent = 1 + sum(len(step.states) for step in self.steps())
        return parent + sum(len(step.turns) * step.child_transitions for step in self.steps())

    @property
    def worked(self) -> tuple[int, int]:
        """Turns and seconds of the workers, as the records of a run have them."""
        workers = ("list_ranges", "compare_listings", "copy_keys", "delete_orphaned_keys")
        turns = [seconds for step in self.steps() if step.function in workers for seconds in step.turns]
        return len(turns), round(sum(turns))


@functools.cache
def _virtual_waves(objects: int, is_first: bool, constants: Constants) -> list[Wave]:
    keys = entries(hexadecimal(objects))
    return VirtualBuckets(keys, [] if is_first else keys, constants).waves()


def shards_of(objects: int, first_keys: int) -> Iterator[int]:
    """Yield how many objects each shard of a range has; the first ones are small, see `ShardWriter`."""
    number = 0
    while objects:
        most = min(MAX_SHARD_KEYS, first_keys << number // 4)
        yield min(objects, most)
        objects, number = max(0, objects - most), number + 1
