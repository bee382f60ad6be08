"""How many requests a worker has in flight: the rule, and the gate that holds threads to it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_functions.shared.apply import in_flight
from lambda_functions.shared.apply.in_flight import (
    GROWTH_SECONDS,
    HALVING_SECONDS,
    MANY_OBJECTS,
    Gate,
    InFlight,
    gate_of,
)

PATIENCE_SECONDS = 60
COURSES = st.lists(st.tuples(st.floats(0, 40), st.booleans()), max_size=60)


@given(st.integers(1, 200), st.integers(0, 10**9), COURSES)
def test_never_below_one_never_above_the_most_and_halved_once_a_second_at_most(most, planned, course):
    state, now, halvings = InFlight.begin(most, planned, 0.0), 0.0, []
    for seconds, is_refused in course:
        now += seconds
        before = state.until(now)
        state = before.after_throttling(now) if is_refused else before
        assert 1 <= state.limit <= most
        if state != before:
            halvings.append(now)
            assert state.level == max(1.0, before.level / 2)
        else:
            assert not is_refused or now - halvings[-1] < HALVING_SECONDS
    assert all(later - earlier >= HALVING_SECONDS for earlier, later in itertools.pairwise(halvings))


@given(st.floats(1, 64), st.lists(st.floats(0.01, 1), min_size=1, max_size=10))
def test_how_often_it_is_asked_does_not_matter_while_it_is_at_work(level, pauses):
    state, now = InFlight(200, level, 0.0), 0.0
    for seconds in pauses:
        now += seconds
        state = state.until(now)

    assert state.level == pytest.approx(InFlight(200, level, 0.0).until(now).level)


@pytest.mark.parametrize(
    "most, planned, limit",
    [
        (55, 0, 55),
        (55, 99_999, 55),
        (55, 100_000, 13),
        (64, 10**9, 16),
        (8, 10**9, 2),
        (1, 10**9, 1),
        (3, 10**9, 1),
    ],
)
def test_a_large_plan_begins_with_a_quarter(most, planned, limit):
    assert InFlight.begin(most, planned, 5.0).limit == limit


def test_it_grows_by_half_in_ten_seconds_until_all_are_in_flight():
    state, limits = InFlight.begin(64, MANY_OBJECTS, 100.0), []
    for step in range(6):
        limits.append(state.until(100.0 + step * 10).limit)
        state = state.until(100.0 + step * 10)

    assert limits == [16, 24, 36, 54, 64, 64]


def test_it_grows_evenly_between_and_from_a_quarter_to_all_in_34_seconds():
    state = InFlight.begin(64, MANY_OBJECTS, 0.0)
    assert [state.until(seconds).limit for seconds in (0.0, 2.5, 5.0, 7.5, 10.0)] == [16, 17, 19, 21, 24]

    limits = []
    for second in range(36):
        state = state.until(float(second))
        limits.append(state.limit)

    assert limits[33:] == [60, 63, 64]


def test_time_in_which_a_lambda_was_frozen_is_growth_of_ten_seconds_at_most():
    state = InFlight.begin(64, MANY_OBJECTS, 0.0)

    assert state.until(3600.0).limit == 24
    assert state.until(3600.0).until(3600.0).limit == 24


def test_a_clock_that_goes_back_changes_nothing():
    state = InFlight.begin(64, MANY_OBJECTS, 100.0)

    assert state.until(40.0).limit == 16


def test_503s_of_requests_that_were_under_way_together_halve_once_and_a_later_one_again():
    state = InFlight.begin(64, 0, 0.0)
    for number in range(64):
        state = state.after_throttling(number / 100)
    together = state.limit

    assert (together, state.after_throttling(0.999).limit, state.after_throttling(1.0).limit) == (32, 32, 16)


class Clock:
    seconds = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    one = Clock()
    monkeypatch.setattr(in_flight, "time", SimpleNamespace(monotonic=lambda: one.seconds))
    gate_of.cache_clear()
    yield one
    gate_of.cache_clear()


def test_a_gate_lets_in_as_many_as_may_be_in_flight_and_the_next_when_one_has_ended(clock: Clock) -> None:
    gate, most, inside, lock = Gate.begin(8, MANY_OBJECTS), 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def work() -> None:
        nonlocal most, inside
        with gate:
            with lock:
                inside += 1
                most = max(most, inside)
            both.wait(PATIENCE_SECONDS)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert (most, inside, any(thread.is_alive() for thread in threads)) == (2, 0, False)


class Full(Exception):
    """Whoever asked for a place would have to wait."""


class Door(threading.Condition):
    """The gate's own condition, which tells of a wait instead of waiting, and how many it has called in."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[int] = []

    def notify(self, n: int = 1) -> None:
        self.called.append(n)

    def wait(self, timeout: float | None = None) -> bool:
        raise Full


def test_a_gate_is_full_when_exactly_as_many_are_inside_as_may_be_and_each_that_goes_makes_one_place(
    clock: Clock,
) -> None:
    gate = Gate.begin(2)
    gate._changed = Door()
    with gate:
        with gate, pytest.raises(Full):
            gate.__enter__()
        with gate, pytest.raises(Full):
            gate.__enter__()
        gate.slow_down()
        with pytest.raises(Full):
            gate.__enter__()
    with gate:
        pass


def test_whoever_goes_calls_in_as_many_as_there_are_places_now(clock: Clock) -> None:
    """Nobody else would: who waits would look again a second later, with every copy."""
    gate, door = Gate.begin(3), Door()
    gate._changed = door

    with gate, gate, gate:
        pass

    assert door.called == [1, 2, 3]


def test_a_place_is_free_again_after_an_error(clock: Clock) -> None:
    gate = Gate.begin(1)
    for _ in range(3):
        with pytest.raises(KeyError), gate:
            raise KeyError

    with gate:
        pass


def test_a_thread_that_waits_is_let_in_when_the_limit_has_grown(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of gigabytes holds its place for minutes; nobody waits for its end where there is room by now."""
    monkeypatch.setattr(in_flight, "LOOK_SECONDS", 0.001)
    gate, is_in = Gate.begin(4, MANY_OBJECTS), threading.Event()

    def work() -> None:
        with gate:
            is_in.set()

    with gate:
        thread = threading.Thread(target=work)
        thread.start()
        assert not is_in.is_set()
        clock.seconds = GROWTH_SECONDS
        assert gate.limit() == 1
        clock.seconds = 2 * GROWTH_SECONDS
        assert is_in.wait(PATIENCE_SECONDS)
    thread.join(PATIENCE_SECONDS)


def test_a_share_is_of_the_places_and_never_nothing(clock: Clock) -> None:
    gate = Gate.begin(32, MANY_OBJECTS)

    assert (Gate.begin(32).share(1000), gate.share(1000), gate.share(2)) == (1000, 250, 1)


def test_a_warm_lambda_goes_on_where_its_last_turn_ended_and_another_run_begins_anew(clock: Clock) -> None:
    gate_of("runs/sync/first", 10, 32).slow_down()

    assert gate_of("runs/sync/first", 10, 32).limit() == 16
    assert gate_of("runs/sync/second", 10, 32).limit() == 32


def answer(status: int, code: str) -> Any:
    parsed = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return None, parsed if code else {"ResponseMetadata": {"HTTPStatusCode": status}}


@pytest.mark.parametrize(
    "heard, limit",
    [
        (answer(503, "SlowDown"), 16),
        (answer(503, "503"), 16),
        (answer(500, "SlowDown"), 16),
        (answer(400, "KMS.ThrottlingException"), 16),
        (answer(429, "TooManyRequests"), 16),
        (answer(500, "InternalError"), 32),
        (answer(403, "AccessDenied"), 32),
        (answer(412, "PreconditionFailed"), 32),
        (answer(200, ""), 32),
        (None, 32),
    ],
)
def test_only_being_asked_to_come_more_slowly_halves(clock: Clock, heard: Any, limit: int) -> None:
    gate, handlers = Gate.begin(32), []
    register = SimpleNamespace(register=lambda event, handler: handlers.append((event, handler)))
    gate.watch(SimpleNamespace(meta=SimpleNamespace(events=register)))

    for event, handler in handlers:
        assert event == "needs-retry.s3"
        assert handler(response=heard, attempts=1) is None

    assert (len(handlers), gate.limit()) == (1, limit)
