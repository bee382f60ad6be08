"""Where to ask next: in the middle of what is believed to be left, or ever further ahead where that cannot be believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import entries

from benchmarks.shapes import SHAPES
from lambda_functions.shared.compare import positions
from lambda_functions.shared.compare.key_space import LAST, LENGTH, KeySpace
from lambda_functions.shared.compare.pieces import DESTINATION, SOURCE, Piece, Reading
from lambda_functions.shared.compare.positions import (
    Estimate,
    Search,
    estimate,
    next_position,
    position_behind_all,
    shares,
)

PAGE = 100


def piece_of(keys: list[str], pages: int, end: str | None = None) -> Piece:
    """Return a piece of which so many pages of the source were read."""
    piece = Piece(None, end)
    for page in range(pages):
        piece.readings[SOURCE].take(entries(keys[page * PAGE : (page + 1) * PAGE]), "more", end)
    return piece


def estimate_of(piece: Piece, hint: str | None = None, landmarks: tuple[str, ...] = ()) -> Estimate:
    found = estimate(piece.readings[SOURCE], piece.end, hint, landmarks)
    assert found is not None
    return found


SEQUENTIAL = [f"{number:06d}" for number in range(100_000)]


def test_nothing_is_estimated_of_what_was_not_read() -> None:
    assert estimate(Piece(None, None).readings[SOURCE], None, None, []) is None


def test_a_page_of_one_key_has_no_width_and_takes_the_smallest_that_there_is() -> None:
    reading = Reading(None)
    reading.take(entries(["a"]), "more", None)

    found = estimate(reading, None, None, [])

    assert found is not None and (found.page, found.high) == (1, LENGTH)


@pytest.mark.parametrize(
    ("end", "hint", "high"),
    [("000400", None, "000400"), ("000400", "000350", "000350"), ("000350", "000400", "000350")],
)
def test_what_is_left_ends_at_the_end_or_where_there_is_known_to_be_no_key(
    end: str, hint: str | None, high: str
) -> None:
    found = estimate_of(piece_of(SEQUENTIAL, 3, end), hint)

    assert (found.low, found.high) == (found.space.value("000299"), found.space.value(high))
    assert found.pages == (found.high - found.low) / found.page


def test_a_page_is_as_wide_as_those_that_were_read_on_the_average() -> None:
    found = estimate_of(piece_of(SEQUENTIAL, 3))

    first, last = (found.space.value(key) for key in ("000000", "000299"))
    assert found.page == (last - first) // 3


def test_an_end_that_was_read_already_leaves_nothing_and_not_less() -> None:
    found = estimate_of(piece_of(SEQUENTIAL, 3), "000100")

    assert (found.high, found.pages) == (found.low, 0)


@pytest.mark.parametrize(("read_to", "expected"), [(15, (3, 27)), (5, (0, 17)), (29, (17, 30))])
def test_keys_are_taken_to_look_like_what_was_read_last_and_the_beginnings_of_twelve_pieces_on_either_side(
    read_to: int, expected: tuple[int, int]
) -> None:
    landmarks = [f"{number:02d}" for number in range(30)]
    reading = Reading(None)
    reading.take(entries(["00", landmarks[read_to]]), "more", None)
    made_from: list[list[str]] = []

    def space(keys: Iterable[str], ends: Iterable[str]) -> KeySpace:
        made_from.extend([list(keys), list(ends)])
        return KeySpace(*made_from)

    with mock.patch.object(positions, "KeySpace", space):
        estimate(reading, f"3{LAST}", None, landmarks)

    keys, ends = made_from
    assert keys == ["00", *landmarks[slice(*expected)], "00", landmarks[read_to]]
    assert ends == ["3"], "the mark of an end is no character"


@pytest.mark.parametrize(("cells", "places"), [(64, 6), (64 - 1 / 1024, 7)])
def test_a_position_is_no_longer_than_the_64th_of_a_page_asks_for(cells: float, places: int) -> None:
    """A page has so many cells of the sixth place."""
    space = KeySpace(["0" * 64, "a" * 64])
    found = Estimate(space, 0, LENGTH, int(cells * (LENGTH >> 24)))

    assert len(found.position(1.0)) == places


@pytest.mark.parametrize(("end", "pages"), [("009999", 97), ("000999", 7), ("000400", 1)])
def test_pages_up_to_an_end_are_counted_by_those_that_were_read(end: str, pages: int) -> None:
    found = estimate_of(piece_of(SEQUENTIAL, 3, end))

    assert found.pages == pytest.approx(pages, rel=0.15, abs=1)
    assert found.pages_to("000499") == pytest.approx(2, abs=0.3)


def test_where_the_guide_has_no_key_nothing_is_left() -> None:
    piece = piece_of(SEQUENTIAL, 3, "009999")

    assert estimate_of(piece, "000999").pages == pytest.approx(estimate_of(piece).pages * 7 / 97, rel=0.15)


@pytest.mark.parametrize("shape", ["hexadecimal", "sequential", "Chinese"])
def test_a_position_some_pages_ahead_has_about_so_many_pages_before_it(shape: str) -> None:
    keys = SHAPES[shape](20_000)
    piece = piece_of(keys, 30, keys[-1])

    position = estimate_of(piece).position(50)

    before = sum(keys[30 * PAGE - 1] < key <= position for key in keys) / PAGE
    assert 25 <= before <= 100


def test_what_is_left_is_asked_in_its_middle_then_in_the_middles_of_both_halves() -> None:
    piece, search = piece_of(SEQUENTIAL, 3, "009999"), Search(SOURCE)
    found, pending = estimate_of(piece), list[str]()
    for _ in range(3):
        position, pages = next_position(piece, search, found, pending, 1.0) or ("", 0.0)
        assert found.pages_to(position) == pytest.approx(pages, abs=0.1)
        pending.append(position)

    assert [position[:3] for position in pending] == ["005", "007", "002"]


def test_where_much_too_much_seems_to_be_left_it_is_asked_ever_further_ahead() -> None:
    """Numbers with leading zeros promise thousands of pages."""
    piece, search = piece_of(SEQUENTIAL, 3), Search(SOURCE, is_believed=False)
    found, pending = estimate_of(piece), list[str]()
    distances = []
    for _ in range(4):
        position, pages = next_position(piece, search, found, pending, 1.0) or ("", 0.0)
        pending.append(position)
        distances.append(pages)

    assert distances == sorted(distances)
    assert distances[0] == pytest.approx(8, abs=0.5)
    assert all(2 <= far / near <= 5 for near, far in pairwise(distances))


def test_what_is_too_little_is_not_parted() -> None:
    piece = piece_of(SEQUENTIAL, 3, "000400")

    assert next_position(piece, Search(SOURCE), estimate_of(piece), [], 1.0) is None


@pytest.mark.parametrize("is_believed", [True, False])
def test_nothing_is_asked_where_nothing_seems_to_be_left(is_believed: bool) -> None:
    piece = piece_of(SEQUENTIAL, 3, SEQUENTIAL[3 * PAGE - 1])
    found = estimate_of(piece)

    assert found.pages == 0
    assert next_position(piece, Search(SOURCE, None, is_believed), found, [], 1.0) is None


def test_caution_asks_further_ahead() -> None:
    piece = piece_of(SEQUENTIAL, 3)
    found, search = estimate_of(piece), Search(SOURCE, is_believed=False)

    near, far = (next_position(piece, search, found, [], caution) for caution in (1.0, 4.0))

    assert near is not None and far is not None and far[1] > 2 * near[1]


@given(
    st.lists(st.text("ab/é\uffff\U00010000", min_size=1, max_size=5), min_size=8, max_size=60, unique=True),
    st.none() | st.text("ab/é\uffff", min_size=1, max_size=3),
    st.booleans(),
    st.integers(0, 6),
)
def test_a_position_is_new_and_ahead_in_the_piece(
    keys: list[str], hint: str | None, is_believed: bool, asked: int
) -> None:
    keys = sorted(keys)
    piece = Piece(None, keys[-1])
    piece.readings[SOURCE].take(entries(keys[:2]), "more", keys[-1])
    piece.readings[SOURCE].take(entries(keys[2:4]), "more", keys[-1])
    search, pending = Search(SOURCE, hint, is_believed), list[str]()

    for _ in range(asked):
        found = estimate(piece.readings[SOURCE], piece.end, hint, keys[4:-1])
        where = found and next_position(piece, search, found, pending, 1.0)
        if not where:
            break
        position, _ = where
        assert keys[3] < position < keys[-1] and (hint is None or position < hint)
        assert position not in pending
        pending.append(position)


# --- The same to the page, on a line of six hexadecimal digits whose pages are 256 keys ---------------------------

RULER = KeySpace(["000000", "aaaaaa"])
A_KEY = 1 / 256


def at(pages: float) -> str:
    """Return the position so many pages behind the first."""
    return f"{int(pages * 256):06x}"


def measured(pages_read: int = 3, last: float = 0.0, end: float | None = None) -> Piece:
    """Return a piece that has read so many pages of the source, up to the page `last`."""
    piece = Piece(None, None if end is None else at(end))
    piece.readings[SOURCE].pages, piece.readings[SOURCE].last = pages_read, at(last)
    return piece


def left(pages: float) -> Estimate:
    """Return the estimate that so many pages are left behind the first position."""
    return Estimate(RULER, 0, RULER.value(at(pages)), RULER.value(at(1)))


def next_pages(
    pages: float, search: Search | None = None, pending: Sequence[float] = (), caution: float = 1.0
) -> float | None:
    """Return how many pages ahead is asked where so many are left and some positions are asked for already."""
    asked = [at(one) for one in pending]
    where = next_position(measured(), search or Search(SOURCE), left(pages), asked, caution)
    assert where is None or where[0] == at(where[1])
    return where and where[1]


@pytest.mark.parametrize(
    ("pages", "pending", "caution", "expected"),
    [
        # Two pages ahead is too near, or more with caution, but not more than half of all: the middle of what is behind.
        (100.0, [], 1.0, 51.0),
        (100.0, [], 4.0, 54.0),
        (10.0, [], 4.0, 7.5),
        # What is parted must be worth it.
        (4.0, [], 1.0, 3.0),
        (4.0 - A_KEY, [], 1.0, None),
        # The widest gap, in whatever order its ends were asked for.
        (100.0, [51.0], 1.0, 75.5),
        (100.0, [41.0], 1.0, 70.5),
        (100.0, [61.0], 1.0, 31.5),
        (100.0, [71.0, 31.0], 1.0, 51.0),
        # A gap of two pages is worth it.
        (6.0, [4.0], 1.0, 5.0),
        (6.0 - 2 * A_KEY, [4.0 - A_KEY], 1.0, None),
        # What is asked for where there is nothing left parts nothing.
        (100.0, [0.0], 1.0, 51.0),
        (100.0, [100.0], 1.0, 51.0),
        (100.0, [120.0], 1.0, 51.0),
    ],
)
def test_the_middle_of_the_widest_gap_is_asked_for(
    pages: float, pending: list[float], caution: float, expected: float | None
) -> None:
    assert next_pages(pages, None, pending, caution) == expected


@pytest.mark.parametrize(("pages_read", "believed"), [(3, 1150), (0, 1000), (100, 6000)])
def test_fifty_times_the_pages_that_were_read_and_twenty_are_believed_to_be_left(
    pages_read: int, believed: int
) -> None:
    """If there seem to be more, that may be leading zeros: in the middle there would be nothing."""
    piece = measured(pages_read)

    middle = next_position(piece, Search(SOURCE), left(believed), [], 1.0)
    near = next_position(piece, Search(SOURCE), left(believed + A_KEY), [], 1.0)

    assert middle == (at(1 + believed / 2), 1 + believed / 2)
    assert near == (at(8), 8)


def test_what_counts_is_how_much_was_read_of_the_side_that_says_where_keys_are() -> None:
    piece = measured(pages_read=100)
    piece.readings[SOURCE].is_done = True
    piece.readings[DESTINATION].pages, piece.readings[DESTINATION].last = 3, at(0)

    assert next_position(piece, Search(DESTINATION), left(6000), [], 1.0) == (at(8), 8)
    assert next_position(piece, Search(DESTINATION), left(1150), [], 1.0) == (at(576), 576)


@pytest.mark.parametrize(
    ("pages", "reach", "pending", "caution", "expected"),
    [
        # Four times as far as what is too near, as was asked for, or as was found by the last question.
        (10_000.0, 0.0, [], 1.0, 8.0),
        (10_000.0, 0.0, [], 3.0, 24.0),
        (10_000.0, 0.0, [8.0], 1.0, 32.0),
        (10_000.0, 0.0, [32.0, 8.0], 1.0, 128.0),
        (10_000.0, 30.0, [], 1.0, 120.0),
        (10_000.0, 30.0, [120.0], 1.0, 480.0),
        # But no farther than the middle magnitude of what is left.
        (20_000.0, 100.0, [], 1.0, 200.0),
        (128.0, 0.0, [32.0], 1.0, 64.0),
        # What is asked for where nothing is left takes nobody further.
        (128.0, 0.0, [32.0, 128.0], 1.0, 64.0),
    ],
)
def test_where_estimates_are_not_believed_each_position_is_four_times_as_far_as_the_last(
    pages: float, reach: float, pending: list[float], caution: float, expected: float
) -> None:
    search = Search(SOURCE, is_believed=False, reach=reach)

    assert next_pages(pages, search, pending, caution) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("pending", "expected"),
    [([], 32.0), ([8.0], 64.0), ([64.0], 128**0.5), ([100.0, 8.0], 800**0.5), ([1.0], 32.0)],
)
def test_where_it_went_too_far_the_middle_magnitude_of_the_widest_gap_is_asked_for(
    pending: list[float], expected: float
) -> None:
    """Between the two pages that are too near and the 512 behind which there is nothing."""
    search = Search(SOURCE, at(512), is_believed=False)

    assert next_pages(512.0, search, pending) == pytest.approx(expected)


def test_a_gap_whose_middle_is_of_no_use_is_passed_over_for_the_next() -> None:
    search = Search(SOURCE, at(60), is_believed=False)

    assert next_pages(512.0, search, [8.0]) == pytest.approx(4.0), "64 pages ahead there is nothing"


@pytest.mark.parametrize(
    ("last", "hint", "end", "pending", "is_asked"),
    [
        (50.0, None, None, [], True),
        (51.0, None, None, [], False),  # nothing but what was read
        (0.0, 52.0, None, [], True),
        (0.0, 51.0, None, [], False),  # there is no key behind it
        (0.0, None, 52.0, [], True),
        (0.0, None, 51.0, [], False),  # the end itself
        (0.0, None, None, [51.0], False),
    ],
)
def test_a_position_that_would_teach_nothing_is_not_asked_for(
    last: float, hint: float | None, end: float | None, pending: list[float], is_asked: bool
) -> None:
    piece = measured(last=last, end=end)
    search = Search(SOURCE, None if hint is None else at(hint))

    with mock.patch.object(positions, "_halves", lambda points: [51.0]):
        where = next_position(piece, search, left(100), [at(one) for one in pending], 1.0)

    assert where == ((at(51), 51.0) if is_asked else None)


# --- What is handed back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "hint", "last", "count", "expected"),
    [
        (4096, None, 0, 4, [1024, 2048, 3072]),
        (4096, None, 0, 1, []),
        (4096, None, 1024, 4, [2048, 3072]),
        (3072, None, 0, 4, [1024, 2048]),
        # Every other share is nearer, from 64 pages on, each the same times as far as the one before.
        (None, None, 0, 4, [64, 512, 2048]),
        (None, None, 0, 6, [64, 256, 4096 / 3, 4096 * 2 / 3, 1024]),
        (None, None, 0, 3, [64, 4096 * 2 / 3]),
        (None, None, 0, 1, []),
        # The same where it was asked in vain.
        (4096, 2049, 0, 4, [64, 512, 2048]),
        (4096, 2048, 0, 4, [64, 512]),
    ],
)
def test_what_is_left_is_parted_evenly_up_to_an_end_and_else_by_magnitudes_too(
    end: int | None, hint: int | None, last: int, count: int, expected: list[float]
) -> None:
    piece = measured(last=last, end=end)
    search = Search(SOURCE, None if hint is None else at(hint))

    found = [int(position, 16) / 256 for position in shares(piece, search, left(4096), count)]

    assert found == pytest.approx(sorted(expected), abs=2 * A_KEY)


# --- Behind everything --------------------------------------------------------------------------------------------


def test_behind_everything_that_looks_like_the_keys_so_far_is_asked_once() -> None:
    piece, search = piece_of(SHAPES["photos"](2_000), 3), Search(SOURCE)
    found = estimate_of(piece)

    behind = position_behind_all(piece, search, found)
    search.asked_end = behind

    assert behind is not None and behind.startswith("photos/") and behind.endswith(LAST)
    assert position_behind_all(piece, search, found) is None


def test_behind_everything_is_not_asked_where_an_end_or_a_failure_says_it_already() -> None:
    keys = SHAPES["photos"](2_000)
    closed, opened = piece_of(keys, 3, "photos/000001/"), piece_of(keys, 3)

    assert position_behind_all(closed, Search(SOURCE), estimate_of(closed)) is None
    assert position_behind_all(opened, Search(SOURCE, hint="photos/5"), estimate_of(opened)) is None


BEHIND = f"p/{LAST}"


@pytest.mark.parametrize(
    ("end", "hint", "asked_end", "claimed", "is_asked"),
    [
        (None, None, None, None, True),
        (f"{BEHIND}a", None, None, None, True),
        (BEHIND, None, None, None, False),
        (None, f"{BEHIND}a", None, None, True),  # nothing is known of what is between
        (None, BEHIND, None, None, False),
        (None, None, f"o/{LAST}", None, True),
        (None, None, BEHIND, None, False),
        (None, None, None, "p/z", True),
        (None, None, None, f"{BEHIND}a", False),  # all before it is decided
    ],
)
def test_behind_everything_is_asked_if_it_is_in_the_piece_and_nothing_is_known_of_it(
    end: str | None, hint: str | None, asked_end: str | None, claimed: str | None, is_asked: bool
) -> None:
    piece, search = Piece(claimed, end), Search(SOURCE, hint, asked_end=asked_end)
    found = Estimate(KeySpace(["p/a", "p/b"]), 0, LENGTH, 1)

    assert position_behind_all(piece, search, found) == (BEHIND if is_asked else None)


def test_nothing_is_behind_the_last_character_where_keys_have_nothing_in_common() -> None:
    found = Estimate(KeySpace(["a", "b"]), 0, LENGTH, 1)

    assert position_behind_all(Piece(None, None), Search(SOURCE), found) is None


# --- What a search learns -----------------------------------------------------------------------------------------


def test_a_failure_leaves_the_nearest_hint_and_makes_the_search_careful() -> None:
    search = Search(SOURCE, window=4.0, reach=9.0)

    for position in ("m", "p", "d"):
        search.fail(position)

    assert (search.hint, search.is_believed, search.reach, search.window) == ("d", False, 0.0, 1.0)


def test_where_nothing_is_known_to_be_empty_estimates_are_believed_behind_a_cut_too() -> None:
    search = Search(SOURCE, None, False)

    assert search.part(7.0) == Search(SOURCE, None, True, 6.0, 7.0)
    assert search == Search(SOURCE, None, True, 6.0)


def test_one_position_is_always_asked_for_however_many_were_in_vain() -> None:
    search = Search(SOURCE, window=3.0)

    search.fail("x")
    assert search.window == 1.5
    search.fail("w")
    assert search.window == 1.0


def test_what_is_known_lies_behind_a_cut_and_before_it_everything_begins_anew() -> None:
    search = Search(SOURCE, "x", False, 2.0, 5.0, "z")

    behind = search.part(7.0)

    assert behind == Search(SOURCE, "x", False, 3.0, 7.0, "z")
    assert search == Search(SOURCE, None, True, 3.0, 0.0, "z")
