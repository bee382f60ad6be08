"""Turns: how much time a worker has, and that what does not fit into it is named, handed on, or an error, never lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_functions.shared.invocation import MARGIN_SECONDS, StopRequest, Turn, run_jobs

# Longer than any test: a wait that ends by itself would hide that nobody ended it.
PATIENCE_SECONDS = 30.0


@dataclass
class Clock:
    """Seconds that pass only when a test says so."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds


def turn_of(seconds: float, clock: Clock | None = None) -> Turn:
    return Turn(0.0, seconds, "attempt", (clock or Clock()).now)


def test_a_turn_says_by_the_clock_on_the_wall_when_it_began() -> None:
    clock = Clock(40.25)
    turn = Turn(
        10.0, 100.0, "attempt", clock.now, utc_now=lambda: datetime(2026, 11, 23, 0, 0, 30, tzinfo=UTC)
    )
    assert turn.started_at() == "2026-11-22T23:59:59.750Z"


@dataclass
class Context:
    """What Lambda tells its handler."""

    remaining_millis: int
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_millis


@pytest.mark.parametrize(
    ("remaining_seconds", "budget_seconds", "available_seconds"),
    [
        (900, None, 870),
        (600, 300, 300),
        (600, 30, 30),
        (200, 300, 170),
        (60, None, 30),
        (40, None, 20),
        (0, None, 0),
    ],
)
def test_a_turn_keeps_half_a_minute_back_or_half_of_what_there_is(
    remaining_seconds: int, budget_seconds: float | None, available_seconds: float
) -> None:
    turn = Turn.of(Context(remaining_seconds * 1000), budget_seconds)

    assert turn.ends_at - turn.began_at == pytest.approx(available_seconds)
    assert turn.attempt == "request-1"


@given(st.integers(0, 900_000), st.none() | st.floats(0, 1000))
def test_a_turn_ends_before_its_lambda(remaining_millis: int, budget_seconds: float | None) -> None:
    turn = Turn.of(Context(remaining_millis), budget_seconds)
    available = turn.ends_at - turn.began_at

    assert 0 <= available <= max(remaining_millis / 1000 - MARGIN_SECONDS, remaining_millis / 2000) + 1e-6
    assert budget_seconds is None or available <= budget_seconds + 1e-6


def test_a_turn_knows_what_is_left_and_what_is_spent() -> None:
    clock = Clock()
    turn = turn_of(10, clock)

    assert (turn.elapsed_seconds(), turn.remaining_seconds(), turn.is_over()) == (0, 10, False)
    clock.seconds = 9.875
    assert (turn.elapsed_seconds(), turn.remaining_seconds(), turn.is_over()) == (9.875, 0.125, False)
    clock.seconds = 10
    assert (turn.elapsed_seconds(), turn.remaining_seconds(), turn.is_over()) == (10, 0, True)
    clock.seconds = 12
    assert (turn.elapsed_seconds(), turn.remaining_seconds(), turn.is_over()) == (12, -2, True)


def late(job: Any) -> str:
    return f"{job} was late"


@given(st.lists(st.integers(), max_size=30), st.integers(1, 8))
def test_every_job_ends_once_while_there_is_time(jobs: list[int], workers: int) -> None:
    ended = list(run_jobs(jobs, str, late, turn_of(PATIENCE_SECONDS), workers))

    assert sorted(ended) == [(index, str(job)) for index, job in enumerate(jobs)]


def test_one_worker_ends_its_jobs_in_order() -> None:
    ended = list(run_jobs("abc", str.upper, late, turn_of(PATIENCE_SECONDS), 1))

    assert ended == [(0, "A"), (1, "B"), (2, "C")]


def test_no_jobs_have_no_outcomes() -> None:
    assert list(run_jobs([], str, late, turn_of(0), 4)) == []


def test_the_first_job_has_an_outcome_even_if_the_turn_is_over() -> None:
    ended = list(run_jobs("abc", str.upper, late, turn_of(0), 4))

    assert ended in ([(0, "A")], [(0, "a was late")])


def test_a_later_job_is_begun_only_while_the_seconds_it_needs_remain() -> None:
    """The turn of 100 seconds has the first one whatever it needs, and goes on behind the last one begun."""
    needs = {"a": 500.0, "b": 99.0, "c": 100.0, "d": 1.0}

    ended = list(run_jobs("abcd", str.upper, late, turn_of(100), 4, needs.__getitem__))

    assert sorted(ended) == [(0, "A"), (1, "B")]


def test_time_that_passes_while_jobs_run_is_time_that_later_jobs_do_not_have() -> None:
    clock = Clock()

    def work(job: str) -> str:
        clock.seconds += 40
        return job.upper()

    ended = list(run_jobs("abcdef", work, late, turn_of(100, clock), 1, lambda job: 10))

    assert ended == [(0, "A"), (1, "B"), (2, "C")]


def test_a_job_that_has_not_ended_when_the_turn_ends_is_late_and_does_not_hold_up_the_others() -> None:
    clock, slow_began, release = Clock(), threading.Event(), threading.Event()

    def work(job: str) -> str:
        if job == "slow":
            slow_began.set()
            release.wait(PATIENCE_SECONDS)
        else:
            slow_began.wait(PATIENCE_SECONDS)
            clock.seconds = 100
        return f"{job} done"

    try:
        ended = list(run_jobs(["quick", "slow", "never begun"], work, late, turn_of(100, clock), 2))
    finally:
        release.set()

    assert ended == [(0, "quick done"), (1, "slow was late")]


def test_no_more_jobs_run_at_a_time_than_there_are_workers() -> None:
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def work(job: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(PATIENCE_SECONDS)
        with lock:
            running -= 1
        return job

    ended = list(run_jobs(range(10), work, late, turn_of(PATIENCE_SECONDS), 2))

    assert len(ended) == 10
    assert most == 2


def test_a_limit_that_falls_and_grows_is_kept_while_jobs_run() -> None:
    """Of eight workers first two have work, then one, then four."""
    limits = {0: 2, 4: 1, 6: 4}
    lock, running, ended, most = threading.Lock(), 0, 0, dict.fromkeys(limits, 0)
    phase, limit = 0, 2
    both, four = threading.Barrier(2), threading.Barrier(4)

    def work(job: int) -> int:
        nonlocal running, ended, phase, limit
        with lock:
            running += 1
            most[phase] = max(most[phase], running)
        if job not in (4, 5):
            (both if job < 4 else four).wait(PATIENCE_SECONDS)
        with lock:
            running, ended = running - 1, ended + 1
            if ended in limits:
                phase, limit = ended, limits[ended]
        return job

    ended_jobs = run_jobs(range(14), work, late, turn_of(PATIENCE_SECONDS), 8, limit=lambda: limit)

    assert sorted(index for index, _ in ended_jobs) == list(range(14))
    assert most == limits


class OneByOne:
    """Ends the oldest of its jobs whenever one is waited for; notes how many there were then."""

    under_way: ClassVar[list[int]] = []

    def __init__(self, *_: Any, **__: Any) -> None:
        self.under_way.clear()

    def submit(self, work: Any, job: Any) -> Future[Any]:
        return Future()

    def shutdown(self, **_: bool) -> None:
        pass

    @classmethod
    def wait(cls, running: Any, timeout: float, return_when: str) -> Any:
        cls.under_way.append(len(running))
        oldest = next(iter(running))
        oldest.set_result("done")
        return {oldest}, set(running) - {oldest}


@pytest.mark.parametrize(
    ("limits", "under_way"),
    [
        # Four workers, whatever the limit says beyond that; the last jobs end one after the other.
        (None, [4, 4, 4, 4, 4, 4, 4, 3, 2, 1]),
        ({0: 8}, [4, 4, 4, 4, 4, 4, 4, 3, 2, 1]),
        ({0: 1}, [1] * 10),
        # Three jobs at a time, after four of them one, and after six as many as there are workers.
        ({0: 3, 4: 1, 6: 8}, [3, 3, 3, 3, 2, 1, 4, 3, 2, 1]),
    ],
)
def test_as_many_jobs_are_under_way_as_workers_and_limit_allow(
    limits: dict[int, int] | None, under_way: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.invocation.ThreadPoolExecutor", OneByOne)
    monkeypatch.setattr("lambda_functions.shared.invocation.wait", OneByOne.wait)

    def limit_of() -> int:
        return [most for ended, most in (limits or {}).items() if ended <= len(OneByOne.under_way)][-1]

    ended = run_jobs(range(10), str, late, turn_of(PATIENCE_SECONDS), 4, limit=limits and limit_of)

    assert [index for index, _ in ended] == list(range(10))
    assert OneByOne.under_way == under_way


def test_room_that_a_grown_limit_makes_is_used_before_a_long_job_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lambda_functions.shared.invocation.LOOK_SECONDS", 0.001)
    limits, both = iter([1, 1, 1]), threading.Barrier(2)

    def work(job: int) -> int:
        both.wait(PATIENCE_SECONDS)
        return job

    ended = run_jobs(range(2), work, late, turn_of(PATIENCE_SECONDS), 8, limit=lambda: next(limits, 2))

    assert sorted(ended) == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    ("seconds", "limit", "waits_seconds"),
    [(50.0, None, 50.0), (0.25, None, 0.25), (50.0, 1, 1.0), (0.25, 1, 0.25)],
)
def test_the_end_of_a_job_is_waited_for_until_the_turn_ends_or_a_second_where_more_may_be_begun_by_then(
    seconds: float, limit: int | None, waits_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits longer than its turn has not the half minute any more in which its record is written."""
    waits: list[float] = []

    def noted(running: Any, timeout: float, return_when: str) -> Any:
        waits.append(timeout)
        return wait(running, PATIENCE_SECONDS, return_when)

    monkeypatch.setattr("lambda_functions.shared.invocation.wait", noted)
    limit_of = (lambda: limit) if limit else None

    ended = list(run_jobs("ab", str.upper, late, turn_of(seconds), 1, limit=limit_of))

    assert ended == [(0, "A"), (1, "B")]
    assert waits == [waits_seconds] * 2


def test_a_turn_that_ends_while_all_workers_are_busy_waits_for_none_of_them() -> None:
    release = threading.Event()
    looks = 0

    def now() -> float:
        nonlocal looks
        looks += 1
        assert looks < 100, "the turn is over, and goes on"
        return 0.0 if looks <= 2 else 100.0

    def work(job: str) -> str:
        release.wait(PATIENCE_SECONDS)
        return job.upper()

    try:
        ended = list(run_jobs("ab", work, late, Turn(0.0, 0.001, "attempt", now), 1))
    finally:
        release.set()

    assert ended == [(0, "a was late")]


class AtOnce:
    """Does a job when it is given one, where a pool of threads may take a while; notes how it is shut down."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.shut_down.clear()

    shut_down: ClassVar[list[dict[str, bool]]] = []

    def submit(self, work: Any, job: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(work(job))
        return future

    def shutdown(self, **how: bool) -> None:
        self.shut_down.append(how)


def test_a_job_that_has_ended_with_the_turn_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done has to be said as such: a copy that is reported as late would keep every orphan."""
    monkeypatch.setattr("lambda_functions.shared.invocation.ThreadPoolExecutor", AtOnce)

    assert list(run_jobs("ab", str.upper, late, turn_of(0), 4)) == [(0, "A")]


def test_the_pool_is_given_back_without_waiting_however_the_jobs_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its threads would stay with the Lambda, which serves other shards; to wait for a late job would outlast the turn."""
    monkeypatch.setattr("lambda_functions.shared.invocation.ThreadPoolExecutor", AtOnce)
    at_once = [{"wait": False, "cancel_futures": True}]

    list(run_jobs("ab", str.upper, late, turn_of(10), 1))
    assert AtOnce.shut_down == at_once

    list(run_jobs("ab", str.upper, late, turn_of(0), 1))
    assert AtOnce.shut_down == at_once

    ended = run_jobs("ab", str.upper, late, turn_of(10), 1)
    next(ended)
    ended.close()  # type: ignore[attr-defined]
    assert AtOnce.shut_down == at_once


def test_no_job_is_begun_in_a_run_that_is_to_stop() -> None:
    """Not even the first one, which is begun however little time there is."""
    turn = replace(turn_of(PATIENCE_SECONDS), stop=StopRequest)

    assert list(run_jobs("abc", str.upper, late, turn, 4)) == []


def test_what_is_under_way_when_the_run_is_to_stop_is_waited_for() -> None:
    stopped: list[StopRequest] = []
    both = threading.Barrier(2)

    def work(job: str) -> str:
        both.wait(PATIENCE_SECONDS)
        stopped.append(StopRequest())
        return job.upper()

    turn = replace(turn_of(PATIENCE_SECONDS), stop=lambda: stopped[0] if stopped else None)

    assert sorted(run_jobs("abcd", work, late, turn, 2)) == [(0, "A"), (1, "B")]


@pytest.mark.parametrize(
    ("stop", "expected"),
    [(None, (False, False)), (StopRequest(), (True, False)), (StopRequest(ends_map=True), (True, True))],
)
def test_a_turn_knows_whether_its_run_and_its_map_are_to_end(
    stop: StopRequest | None, expected: tuple[bool, bool]
) -> None:
    turn = replace(turn_of(10), stop=lambda: stop)

    assert (turn.is_stopped(), turn.ends_map()) == expected


def test_jobs_are_read_only_as_they_are_begun() -> None:
    read: list[int] = []

    def jobs() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    ended = run_jobs(jobs(), str, late, turn_of(PATIENCE_SECONDS), 4)
    next(ended)
    ended.close()  # type: ignore[attr-defined]

    assert read == [0, 1, 2, 3]


def test_an_error_that_a_job_does_not_turn_into_an_outcome_reaches_the_worker() -> None:
    def work(job: str) -> str:
        raise KeyError(job)

    with pytest.raises(KeyError, match="a"):
        list(run_jobs("a", work, late, turn_of(PATIENCE_SECONDS), 2))


@given(st.integers(1, 12), st.integers(1, 5), st.lists(st.integers(0, 30), min_size=12, max_size=12))
def test_outcomes_are_those_of_the_first_jobs_so_that_their_number_says_where_to_go_on(
    count: int, workers: int, seconds: list[int]
) -> None:
    clock, lock = Clock(), threading.Lock()

    def work(job: int) -> str:
        with lock:
            clock.seconds += seconds[job]
        return "done"

    ended = list(run_jobs(range(count), work, late, turn_of(60, clock), workers))

    assert sorted(index for index, _ in ended) == list(range(len(ended)))
    assert len(ended) >= 1
    assert len(ended) == count or clock.seconds >= 60


# --- Turns of a shard ---------------------------------------------------------------------------------------
