"""The clock on the wall: a course put on so many workers, child by child, and the Lambda time that is paid for."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from benchmarks.scale.course import Course, Step

PHASES = (
    "starting",
    "comparing",
    "tallies of waves",
    "copying",
    "tally of copies",
    "deleting",
    "tally of deletes",
    "reporting",
)


@dataclass
class Schedule:
    """Seconds on the wall by phase; seconds of Lambda, cold starts among them, and invocations by function."""

    course: Course
    workers: int
    phases: Counter[str] = field(default_factory=Counter)
    lambda_seconds: Counter[str] = field(default_factory=Counter)
    invocations: Counter[str] = field(default_factory=Counter)
    waves: list[tuple[int, float]] = field(default_factory=list)
    longest_seconds: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._warm: Counter[str] = Counter()
        for step in self.course.steps:
            wall = self._map(step) if step.is_map else self._lambda(step.function, step.seconds[0], 0)
            self.phases[step.phase] += wall  # type: ignore[assignment]
            if step.wave:
                self.waves.append((len(step.seconds), wall))

    @property
    def wall_seconds(self) -> float:
        """The whole run."""
        return float(sum(self.phases.values()))

    def comparing_seconds(self) -> float:
        """All waves and what is between them."""
        return float(self.phases["comparing"] + self.phases["tallies of waves"])

    def _map(self, step: Step) -> float:
        """Children are started one after the other; each waits for a free worker. Return the seconds of the whole Map."""
        constants = self.course.constants
        free = [0.0] * min(self.workers, len(step.seconds))
        begin = end = 0.0
        for number, seconds in enumerate(self._seconds(step)):
            begin = max(begin + 1 / constants.child_starts_a_second if number else 0.0, free[0])
            over = begin + self._lambda(step.function, seconds, number if number < len(free) else 0)
            heapq.heapreplace(free, over)
            end = max(end, over)
        return end + constants.map_overhead_seconds

    def _lambda(self, function: str, seconds: float, lane: int) -> float:
        """Return how long a state with this Lambda takes; the first call in an environment is a cold start."""
        constants = self.course.constants
        if lane >= self._warm[function] or not self._warm[function]:
            self._warm[function] += 1
            seconds += constants.init_cpu_seconds / constants.processor(self.course.memory_mb[function])
        self.lambda_seconds[function] += seconds  # type: ignore[assignment]
        self.longest_seconds[function] = max(self.longest_seconds[function], seconds)  # type: ignore[assignment]
        self.invocations[function] += 1
        return seconds + constants.child_overhead_seconds

    def _seconds(self, step: Step) -> Iterator[float]:
        if not step.objects:
            return iter(step.seconds)
        constants, work = self.course.constants, self.course.work
        rates = {"copying": constants.copies_a_second, "deleting": constants.deletes_a_second}
        allowed = constants.writes_a_partition * constants.partitions(work.source.count)
        rate = min(rates[step.phase], allowed / min(self.workers, len(step.seconds)))
        return (fixed + objects / rate for fixed, objects in zip(step.seconds, step.objects, strict=True))


def schedule(course: Course, workers: int) -> Schedule:
    """Return a course on so many workers; run anew if S3 answers so many of them more slowly."""
    most = max(len(step.seconds) for step in course.steps if step.is_map)
    if course.is_throttled(min(workers, most)):
        course = replace(course, workers=workers).go()
    return Schedule(course, workers)


@dataclass(frozen=True)
class Bill:
    """Dollars by what they are for."""

    lists: float
    copies: float
    heads: float
    lambda_time: float
    lambda_calls: float
    transitions: float
    work_writes: float
    work_reads: float

    @property
    def total(self) -> float:
        """All of it."""
        return float(sum(vars(self).values()))


def bill(scheduled: Schedule) -> Bill:
    """Return what a run costs; data transfer, KMS, logs and storage are left out, as in `estimatedCostUsd`."""
    course, prices = scheduled.course, scheduled.course.constants
    sent, work = Counter(course.requests), course.work_bucket.requests
    gb_seconds = sum(
        seconds * course.memory_mb[name] / 1024 for name, seconds in scheduled.lambda_seconds.items()
    )
    return Bill(
        lists=sent["LIST"] * prices.write_usd,
        copies=sent["COPY"] * prices.write_usd,
        heads=(sent["HEAD"] + sent["HEAD_BUCKET"]) * prices.read_usd,
        lambda_time=gb_seconds * prices.gb_second_usd,
        lambda_calls=scheduled.invocations.total() * prices.invocation_usd,
        transitions=course.states.total() * prices.transition_usd,
        work_writes=(work["PUT"] + work["LIST"]) * prices.write_usd,
        work_reads=work["GET"] * prices.read_usd,
    )
