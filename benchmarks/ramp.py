"""`python -m benchmarks.ramp [--write-docs]`: many workers copy into one fresh partition of S3, in virtual time.

What decides how many copies a worker has in flight is the product's own rule (`shared/apply/in_flight.py`); beside it stands
the same number always. What is modelled is the partition, a token bucket that answers 503 where it is empty; a copy, which takes
0.05 to 0.15 s; a 503, which takes 0.02 s; and the clients' retries: as many, after as long, as `shared/s3/clients.py` says. Every
worker takes shards of 2,000 objects, one after the other, as its Map gives them out. Random numbers are the same every time.
"""

from __future__ import annotations

import argparse
import heapq
import random
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks import documents
from benchmarks.children import PROJECT
from lambda_functions.shared.apply.in_flight import InFlight
from lambda_functions.shared.s3.clients import MAX_ATTEMPTS
from lambda_functions.shared.work_bucket.shards import MAX_SHARD_KEYS

# Writes a second that a partition takes, S3's own figure or a 35th of it; objects to copy into it; workers; whether by the rule.
COURSES = [
    (rate, objects, workers, is_ramp)
    for rate, objects, numbers in (
        (3_500, 400_000, (1, 5, 40)),
        (3_500, 90_000, (40,)),
        (100, 100_000, (1, 5, 40)),
    )
    for workers in numbers
    for is_ramp in (False, True)
]
# What comes at once is taken up to so many seconds' worth. S3 does not say; a large one hides what is too much.
BURST_SECONDS = 0.1
COPY_SECONDS = (0.05, 0.15)
REFUSAL_SECONDS = 0.02
# Of a Lambda with 1,769 MB.
COPIES_IN_FLIGHT = 55
BEGIN = "<!-- ramp: made by `python -m benchmarks.ramp --write-docs`, do not edit -->"
END = "<!-- end of ramp -->"


class Rule(Protocol):
    """What tells a worker how many copies to have in flight."""

    def limit(self, now: float) -> int:
        """Return how many."""

    def slow_down(self, now: float) -> None:
        """Take note of a 503."""


@dataclass
class Fixed:
    """Always the same number."""

    number: int

    def limit(self, now: float) -> int:
        """Return the number."""
        return self.number

    def slow_down(self, now: float) -> None:
        """Do nothing."""


@dataclass
class Ramp:
    """The product's rule."""

    state: InFlight

    def limit(self, now: float) -> int:
        """Return what the rule says at this moment."""
        self.state = self.state.until(now)
        return self.state.limit

    def slow_down(self, now: float) -> None:
        """Hand a 503 to the rule."""
        self.state = self.state.after_throttling(now)


@dataclass
class Partition:
    """A token bucket: so many writes a second."""

    rate: float
    at: float = 0.0
    tokens: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin full."""
        self.tokens = max(1.0, self.rate * BURST_SECONDS)

    def takes(self, now: float) -> bool:
        """Whether a write that arrives now is done."""
        self.tokens = min(self.tokens + (now - self.at) * self.rate, max(1.0, self.rate * BURST_SECONDS))
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Worker:
    """One Lambda: what is left of its shard, and what of it is under way."""

    rule: Rule
    left: int = 0
    in_flight: int = 0


@dataclass
class Course:
    """Copies by many workers, event by event; afterwards `seconds`, `refused` (503s) and `failed` (objects) tell how it went."""

    partition: Partition
    workers: list[Worker]
    objects: int
    chance: random.Random = field(default_factory=lambda: random.Random(20261128))
    seconds: float = 0.0
    refused: int = 0
    failed: int = 0
    _not_given_out: int = 0
    _events: list[tuple[float, int, Worker, int]] = field(default_factory=list)
    _number: int = 0

    def run(self) -> Course:
        """Copy everything."""
        self._not_given_out = self.objects
        for worker in self.workers:
            self._begin_copies(worker, 0.0)
        while self._events:
            now, _, worker, attempt = heapq.heappop(self._events)
            self._happen(worker, attempt, now)
            self._begin_copies(worker, now)
            self.seconds = now
        return self

    def _begin_copies(self, worker: Worker, now: float) -> None:
        """Fill up what may be in flight; a worker gets another shard when all of the last one is done."""
        if not worker.left and not worker.in_flight:
            worker.left = min(MAX_SHARD_KEYS, self._not_given_out)
            self._not_given_out -= worker.left
        while worker.left and worker.in_flight < worker.rule.limit(now):
            worker.left -= 1
            worker.in_flight += 1
            self._plan(now, worker, 1)

    def _happen(self, worker: Worker, attempt: int, now: float) -> None:
        """An attempt arrives at the partition, or (0) a copy has ended."""
        if not attempt:
            worker.in_flight -= 1
        elif self.partition.takes(now):
            self._plan(now + self.chance.uniform(*COPY_SECONDS), worker, 0)
        else:
            self.refused += 1
            worker.rule.slow_down(now)
            self._send_again(worker, attempt, now + REFUSAL_SECONDS)

    def _send_again(self, worker: Worker, attempt: int, now: float) -> None:
        if attempt < MAX_ATTEMPTS:
            self._plan(now + self.chance.random() * 2 ** (attempt - 1), worker, attempt + 1)
        else:
            self.failed += 1
            self._plan(now, worker, 0)

    def _plan(self, at: float, worker: Worker, attempt: int) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, worker, attempt))


def course(rate: int, objects: int, workers: int, is_ramp: bool) -> Course:
    """Return how it goes when so many workers copy so many objects into a partition of this rate."""

    def rule() -> Rule:
        return Ramp(InFlight.begin(COPIES_IN_FLIGHT, objects, 0.0)) if is_ramp else Fixed(COPIES_IN_FLIGHT)

    return Course(Partition(rate), [Worker(rule()) for _ in range(workers)], objects).run()


def table() -> str:
    """Return the table of all courses, in Markdown."""
    return "\n".join(
        [
            "| a partition of | objects | workers | copies in flight | seconds | copies a second | 503s | objects failed |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *(row(*of) for of in COURSES),
        ]
    )


def row(rate: int, objects: int, workers: int, is_ramp: bool) -> str:
    """Return the line of one course."""
    went = course(rate, objects, workers, is_ramp)
    how = "by the rule" if is_ramp else f"always {COPIES_IN_FLIGHT} each"
    speed = f"{went.seconds:,.0f} | {(objects - went.failed) / went.seconds:,.0f}"
    return f"| {rate:,}/s | {objects:,} | {workers} | {how} | {speed} | {went.refused:,} | {went.failed:,} |"


def main() -> None:
    """Run all courses, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ramp", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    text = table()
    print(text)
    if arguments.write_docs:
        documents.put(PROJECT / "docs" / "performance.md", text, BEGIN, END)


if __name__ == "__main__":
    main()
