"""What streams cost, in virtual time that is always the same: LISTs beyond the pages that there are, and seconds.

`python -m benchmarks planning-latency` measures the same over HTTP, and a million keys.
"""

from __future__ import annotations

import functools

import pytest
from virtual_streams import ListedSide, read_in_virtual_time

from benchmarks.shapes import SHAPES
from lambda_functions.shared.compare.streams import LATER_EXTRA

# The LISTs over the floor for 20,000 and for 100,000 keys a side: no rule may become worse for any shape without a word here.
MOST_OVER = {
    "hexadecimal": (16, 16),
    "sequential": (20, 22),
    "dates": (21, 36),
    "deep": (20, 27),
    "99 % in one folder": (27, 30),
    "Chinese": (10, 10),
    "photos": (20, 40),
    "words": (18, 43),
    "nested": (10, 22),
    "mixed": (28, 46),
}


def keys(shape: str, count: int) -> ListedSide:
    """Return so many keys of a shape, listed."""
    return ListedSide(SHAPES[shape](count))


@functools.lru_cache(maxsize=1)
def whole(shape: str) -> ListedSide:
    """Return 60,000 keys; the tests that take parts of them go shape by shape, so that one shape is kept."""
    return keys(shape, 60_000)


def test_every_shape_has_its_bounds() -> None:
    assert set(MOST_OVER) == set(SHAPES)


@pytest.mark.parametrize("shape", SHAPES)
def test_2000_keys_cost_a_list_more_at_most(shape: str) -> None:
    side = keys(shape, 2_000)

    timed = read_in_virtual_time(side, side)

    assert timed.lists_over <= 1
    assert timed.seconds <= 0.2


@pytest.mark.parametrize("shape", SHAPES)
def test_20000_keys_are_read_in_little_more_than_a_second(shape: str) -> None:
    side = keys(shape, 20_000)

    timed = read_in_virtual_time(side, side)

    assert timed.lists_over <= MOST_OVER[shape][0] <= 30
    assert timed.seconds <= 1.2


@pytest.mark.parametrize("shape", SHAPES)
def test_100000_keys_are_read_in_little_more_than_what_one_processor_takes_to_decide_them(shape: str) -> None:
    side = keys(shape, 100_000)

    timed = read_in_virtual_time(side, side)

    assert timed.lists_over <= MOST_OVER[shape][1] <= 60
    assert timed.seconds <= 2.3


@pytest.mark.parametrize("shape", SHAPES)
def test_200000_keys_cost_two_per_cent_and_60_lists_more_at_most(shape: str) -> None:
    side = keys(shape, 200_000)

    assert read_in_virtual_time(side, side).lists_over <= 0.02 * 400 + 60


@pytest.mark.parametrize("shape", SHAPES)
def test_a_range_of_a_later_wave_has_its_pages_to_pay_for_what_it_cuts(shape: str) -> None:
    side = keys(shape, 20_000)

    assert read_in_virtual_time(side, side, first_extra=LATER_EXTRA).lists_over <= 12


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ((0, 3_000), (0, 60_000)),
        ((0, 30_000), (0, 60_000)),
        ((0, 60_000, 20), (0, 60_000)),
        ((0, 30_000), (25_000, 60_000)),
        ((0, 60_000), (0, 3_000)),
        ((0, 0), (0, 60_000)),
        ((0, 60_000), (0, 0)),
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_where_one_side_has_what_the_other_has_not_streams_share_it_all_the_same(
    shape: str, source: tuple[int, ...], destination: tuple[int, ...]
) -> None:
    """One stream takes 5.1 s for 60 pages."""
    side = whole(shape)

    timed = read_in_virtual_time(side.part(slice(*source)), side.part(slice(*destination)))

    assert timed.lists_over <= 45
    assert timed.seconds <= 3.5


def test_one_stream_reads_one_page_after_the_other_and_none_in_vain() -> None:
    side = keys("hexadecimal", 20_000)

    timed = read_in_virtual_time(side, side, most_streams=1)

    assert timed.lists_over == 0
    assert timed.seconds == pytest.approx(20 * 0.080 + 40 * 0.0055, abs=0.2)
