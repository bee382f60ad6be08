"""Rate, percent and time left: whatever the samples are, nothing negative, endless or going back is shown."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.step_functions.estimates import (
    QUIET_SECONDS,
    WINDOW_SECONDS,
    Amount,
    Pace,
    Sample,
    add_sample,
    pace,
    percent,
)

amounts = st.builds(Amount, st.integers(0, 10**10), st.integers(0, 2**60))
moments = st.floats(0, 10**7)


def sampled(looks: list[tuple[float, Amount]]) -> tuple[Sample, ...]:
    samples: tuple[Sample, ...] = ()
    for at_seconds, done in looks:
        samples = add_sample(samples, at_seconds, done)
    return samples


@given(st.lists(st.tuples(moments, amounts), max_size=30), moments, st.none() | amounts)
def test_no_pace_is_negative_or_no_number(
    looks: list[tuple[float, Amount]], later: float, planned: Amount | None
) -> None:
    samples = sampled(looks)
    found = pace(samples, samples[-1].at_seconds + later if samples else later, planned)

    if found is not None:
        shown = [found.objects_per_second, found.bytes_per_second, found.seconds_left or 0.0]
        assert all(math.isfinite(value) and value >= 0 for value in shown)
        assert (found.seconds_left is None) == (planned is None)


@given(st.lists(st.tuples(moments, amounts), max_size=30))
def test_samples_never_go_back_and_reach_over_little_more_than_the_window(
    looks: list[tuple[float, Amount]],
) -> None:
    samples = sampled(looks)

    for before, after in itertools.pairwise(samples):
        assert before.at_seconds < after.at_seconds
        assert before.done != after.done == after.done.at_least(before.done)
    assert all(samples[-1].at_seconds - one.at_seconds < WINDOW_SECONDS for one in samples[1:])


@given(amounts, amounts, amounts)
def test_percent_never_goes_back_and_is_100_at_the_end_only(
    done: Amount, more: Amount, planned: Amount
) -> None:
    later = Amount(done.objects + more.objects, done.size_bytes + more.size_bytes)

    assert 0 <= percent(done, planned) <= percent(later, planned) <= 100
    assert (percent(done, planned) == 100) == (done.objects >= planned.objects)


@given(st.integers(1, 1000), st.integers(0, 2**40), st.integers(2, 50), st.floats(0.1, 60))
def test_at_a_steady_pace_the_time_left_is_right(
    objects: int, size_bytes: int, steps: int, seconds: float
) -> None:
    looks = [(step * seconds, Amount(step * objects, step * size_bytes)) for step in range(steps)]
    planned = Amount(2 * steps * objects, 2 * steps * size_bytes)
    found = pace(sampled(looks), looks[-1][0], planned)

    assert found is not None and found.seconds_left is not None
    assert found.seconds_left == pytest.approx((steps + 1) * seconds)
    assert found.objects_per_second == pytest.approx(objects / seconds)


def test_between_two_steps_the_time_left_counts_down_and_then_grows_when_nothing_comes() -> None:
    samples = sampled([(0, Amount(0, 0)), (10, Amount(100, 0))])
    planned = Amount(1000, 0)
    left = [pace(samples, now, planned) for now in (10, 15, 10 + QUIET_SECONDS, 20 + QUIET_SECONDS)]

    assert left == [Pace(10, 0, 90), Pace(10, 0, 85), Pace(10, 0, 75), Pace(5, 0, 165)]


def test_more_about_a_moment_that_is_over_replaces_what_was_known_of_the_last() -> None:
    samples = sampled([(0, Amount(0, 0)), (10, Amount(100, 0)), (9, Amount(120, 0)), (10, Amount(50, 0))])

    assert samples == (Sample(0, Amount(0, 0)), Sample(10, Amount(120, 0)))


def test_the_pace_is_that_of_the_last_minute() -> None:
    slow = [(float(second), Amount(second, 0)) for second in range(0, 600, 10)]
    fast = [(600.0 + second, Amount(590 + 100 * second, 0)) for second in range(10, 70, 10)]
    found = pace(sampled([*slow, (600.0, Amount(590, 0)), *fast]), 660)

    assert found == Pace(pytest.approx(100, rel=0.2), 0, None)


@pytest.mark.parametrize("looks", [[], [(1.0, Amount(5, 5))], [(1.0, Amount(5, 5)), (2.0, Amount(5, 5))]])
def test_without_a_movement_there_is_no_pace(looks: list[tuple[float, Amount]]) -> None:
    assert pace(sampled(looks), 9.0, Amount(10, 10)) is None


def test_what_has_much_content_is_not_done_when_all_small_objects_are() -> None:
    planned = Amount(1001, 1000 + 100 * 1024**3)

    assert percent(Amount(1000, 1000), planned) == 7
    assert percent(Amount(0, 0), Amount(0, 0)) == 100
