"""One turn of a worker: how much time it has, and running many small jobs within it.

A turn begins nothing that its remaining time cannot hold, and a job that is not done when the turn must end is that job's
failure, named, never the Lambda's timeout.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

# Left free at the end of every turn for writing its record and answering.
MARGIN_SECONDS = 30.0
# How long to wait for the end of a job before looking whether more may run by now.
LOOK_SECONDS = 1.0

Job = TypeVar("Job")
Result = TypeVar("Result")


class LambdaContext(Protocol):
    """The part of Lambda's context object that the workers use."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation."""


@dataclass(frozen=True)
class StopRequest:
    """A person wants the run to stop; with `ends_map`, shards that have not begun fail instead of ending well."""

    ends_map: bool = False


@dataclass(frozen=True)
class Turn:
    """The time that one invocation has for its work, and whether the run is to stop, see `work_bucket/stopping`."""

    began_at: float
    ends_at: float
    attempt: str
    now: Callable[[], float] = time.monotonic
    stop: Callable[[], StopRequest | None] = lambda: None
    utc_now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of(cls, context: LambdaContext, budget_seconds: float | None = None) -> Turn:
        """Return the turn of an invocation: until `MARGIN_SECONDS` before its timeout, or the budget if that is shorter."""
        began_at = time.monotonic()
        remaining = context.get_remaining_time_in_millis() / 1000
        available = max(remaining - MARGIN_SECONDS, remaining / 2)
        if budget_seconds is not None:
            available = min(available, budget_seconds)
        return cls(began_at, began_at + available, context.aws_request_id)

    def remaining_seconds(self) -> float:
        """Return the seconds left; negative when the turn is over."""
        return self.ends_at - self.now()

    def elapsed_seconds(self) -> float:
        """Return the seconds since the invocation began."""
        return self.now() - self.began_at

    def started_at(self) -> str:
        """Return when the invocation began, as reports say it: `2026-11-22T10:11:12.345Z`."""
        began = self.utc_now() - timedelta(seconds=self.elapsed_seconds())
        return began.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def is_over(self) -> bool:
        """Whether its time is spent: nothing more may begin, and what is under way is not waited for."""
        return self.remaining_seconds() <= 0

    def is_stopped(self) -> bool:
        """Whether the run is to stop: nothing more may begin, but what is under way is waited for."""
        return self.stop() is not None

    def ends_map(self) -> bool:
        """Whether shards that have not begun are to fail, so that their Map ends."""
        request = self.stop()
        return request is not None and request.ends_map


def run_jobs(
    jobs: Iterable[Job],
    work: Callable[[Job], Result],
    timeout_result: Callable[[Job], Result],
    turn: Turn,
    workers: int,
    seconds_needed: Callable[[Job], float] = lambda job: 0.0,
    limit: Callable[[], int] | None = None,
) -> Iterator[tuple[int, Result]]:
    """Yield (index, result) of the jobs that were begun, in the order in which they end.

    The first job is begun whatever it needs, a later one only while its needed seconds remain, and none once the run is to stop;
    jobs are begun in order, so the number of results is where the next turn goes on. A job not done when the turn ends yields
    `timeout_result(job)`. So many jobs run at once as there are workers, or fewer where `limit`, which is asked again and again,
    says so.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="job")
    running: dict[Future[Result], tuple[int, Job]] = {}
    look_seconds = LOOK_SECONDS if limit else math.inf
    try:
        for index, job in enumerate(jobs):
            if turn.is_stopped() or (index and turn.remaining_seconds() <= seconds_needed(job)):
                break
            running[pool.submit(work, job)] = (index, job)
            while len(running) >= min(workers, limit() if limit else workers) and not turn.is_over():
                yield from _collect(running, turn, look_seconds)
        while running and not turn.is_over():
            yield from _collect(running, turn)
        yield from _collect_unfinished(running, timeout_result)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _collect(
    running: dict[Future[Result], tuple[int, Any]], turn: Turn, at_most_seconds: float = math.inf
) -> Iterator[tuple[int, Result]]:
    seconds = min(max(turn.remaining_seconds(), 0), at_most_seconds)
    done, _ = wait(running, timeout=seconds, return_when=FIRST_COMPLETED)
    for future in done:
        index, _job = running.pop(future)
        yield index, future.result()


def _collect_unfinished(
    running: dict[Future[Result], tuple[int, Job]], timeout_result: Callable[[Job], Result]
) -> Iterator[tuple[int, Result]]:
    for future, (index, job) in running.items():
        done = future.done() and not future.cancelled()
        yield index, future.result() if done else timeout_result(job)
