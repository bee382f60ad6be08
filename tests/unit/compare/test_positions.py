"""Where to ask next: in the middle of what is believed to be left, or ever further ahead where that cannot be believed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import entries

from benchmarks.shapes import SHAPES
from lambda_functions.shared.compare.key_space import LAST
from lambda_functions.shared.compare.pieces import SOURCE, Piece
from lambda_functions.shared.compare.positions import (
    Estimate,
    Search,
    estimate,
    next_position,
    position_behind_all,
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


# --- What a search learns -----------------------------------------------------------------------------------------


def test_a_failure_leaves_the_nearest_hint_and_makes_the_search_careful() -> None:
    search = Search(SOURCE, window=4.0, reach=9.0)

    for position in ("m", "p", "d"):
        search.fail(position)

    assert (search.hint, search.is_believed, search.reach, search.window) == ("d", False, 0.0, 1.0)


def test_what_is_known_lies_behind_a_cut_and_before_it_everything_begins_anew() -> None:
    search = Search(SOURCE, "x", False, 2.0, 5.0, "z")

    behind = search.part(7.0)

    assert behind == Search(SOURCE, "x", False, 3.0, 7.0, "z")
    assert search == Search(SOURCE, None, True, 3.0, 0.0, "z")
