"""Pieces of a range: what is handed out is known of both sides, and a cut leaves every key in exactly one of two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import entries, entry

from lambda_functions.shared.compare.pieces import DESTINATION, KEYS_AHEAD, SIDES, SOURCE, Piece, Reading
from lambda_functions.shared.errors import RangeBroken
from lambda_functions.shared.s3.list_page import Entry
from lambda_functions.shared.s3.listing import KeyRange

KEYS = st.sets(st.text("abé\uffff\U00010000\U0010ffff", max_size=3), max_size=20).map(sorted)


def keys_of(found: list[Entry]) -> list[str]:
    return [one.key for one in found]


def piece_of(source: str, destination: str, *, is_done: bool = False, end: str | None = None) -> Piece:
    """Return a piece that has read a page of these keys on either side, keys being letters."""
    piece = Piece(None, end)
    for side, keys in ((SOURCE, source), (DESTINATION, destination)):
        piece.readings[side].take(entries(keys), None if is_done else "more", end)
    return piece


# --- A side -----------------------------------------------------------------------------------------------------


def test_a_page_is_cut_off_at_both_ends_of_a_range() -> None:
    reading = Reading("b")

    reading.take(entries("abcdef"), "more", "d")

    assert (keys_of(reading.entries), reading.is_done, reading.token) == (["c", "d"], True, None)


def test_estimates_are_made_of_the_ends_of_the_last_five_pages_and_every_32nd_key_of_the_last() -> None:
    reading = Reading(None)
    pages = [[f"{page}{number:02d}" for number in range(70)] for page in range(6)]
    edges = ["000", *(page[-1] for page in pages)]

    for count, page in enumerate(pages, 1):
        reading.take(entries(page), "more", None)

        assert reading.pages == count
        assert reading.edges == edges[: count + 1][-5:]
        assert reading.sample == [page[0], page[32], page[64]]
        assert reading.last == page[-1]


def test_a_page_without_keys_counts_and_tells_nothing_of_where_keys_are() -> None:
    reading = Reading(None)
    reading.take(entries("ab"), "more", None)

    reading.take([], "more", None)

    assert (reading.pages, reading.edges, reading.sample, reading.last) == (2, ["a", "b"], ["a"], "b")


@pytest.mark.parametrize(
    ("keys", "token", "end", "is_done"),
    [
        ("ab", "more", None, False),
        ("ab", None, None, True),
        ("ab", "more", "c", False),
        ("ab", "more", "b", True),
        ("abc", "more", "b", True),
        ("", "more", "b", False),
        ("", None, "b", True),
    ],
)
def test_a_side_is_done_with_its_last_page_or_at_the_end_of_the_range(
    keys: str, token: str | None, end: str | None, is_done: bool
) -> None:
    reading = Reading(None)

    reading.take(entries(keys), token, end)

    assert reading.is_done is is_done


@pytest.mark.parametrize("keys", [["b", "a"], ["a", "a"], ["a", "c", "b"], ["a", "z", "b"]])
def test_keys_out_of_order_break_the_range_wherever_it_ends(keys: list[str]) -> None:
    with pytest.raises(RangeBroken) as caught:
        Reading(None).take([entry(key) for key in keys], None, "m")

    assert str(caught.value) == f"lists {keys[-1]!r} after {keys[-2]!r}: its keys are not in order"


@pytest.mark.parametrize("keys", [["z", "b"], ["a", "b", "a"]])
def test_keys_out_of_order_are_noticed_before_what_comes_before_the_range_is_left_out(
    keys: list[str],
) -> None:
    with pytest.raises(RangeBroken):
        Reading("m").take([entry(key) for key in keys], None, None)


def test_a_page_that_begins_before_the_end_of_the_last_breaks_the_range() -> None:
    reading = Reading(None)
    reading.take(entries("ab"), "more", None)

    with pytest.raises(RangeBroken, match="lists 'b' after 'b'"):
        reading.take(entries("bc"), None, None)


def test_the_next_page_is_asked_for_while_there_is_one_at_hand_and_no_more() -> None:
    reading = Reading(None)
    pages = [entries(f"{number:04d}" for number in range(begin, begin + 1000)) for begin in (0, 1000)]
    assert reading.wants_page()

    reading.take(pages[0], "more", None)
    assert len(reading.entries) == KEYS_AHEAD and reading.wants_page()

    reading.is_under_way = True
    assert not reading.wants_page()

    reading.is_under_way = False
    reading.take(pages[1], "more", None)
    assert not reading.wants_page()

    reading.hand_out("0999")
    assert reading.wants_page()


# --- Claiming -----------------------------------------------------------------------------------------------------


def test_only_what_both_sides_were_read_up_to_is_handed_out() -> None:
    piece = piece_of("abcf", "bd")

    chunk = piece.claim()

    assert chunk is not None
    assert (keys_of(list(chunk.source)), keys_of(list(chunk.destination))) == (["a", "b", "c"], ["b", "d"])
    assert piece.remaining() == KeyRange("d", None)
    assert piece.claim() is None


def test_a_side_of_which_nothing_is_known_holds_everything_back() -> None:
    piece = Piece(None, None)
    piece.readings[SOURCE].take(entries("abc"), "more", None)

    assert piece.claim() is None

    piece.readings[DESTINATION].take([], "an empty page that is not the last", None)
    assert piece.claim() is None


def test_a_side_that_was_read_to_its_end_holds_nothing_back() -> None:
    piece = Piece(None, None)
    piece.readings[SOURCE].take(entries("abc"), "more", None)
    piece.readings[DESTINATION].take([], None, None)

    chunk = piece.claim()

    assert chunk is not None and keys_of(list(chunk.source)) == ["a", "b", "c"]
    assert not piece.is_done()


def test_a_piece_of_which_both_sides_were_read_is_handed_out_to_its_end() -> None:
    piece = piece_of("a", "b", is_done=True, end="m")
    assert not piece.is_done()

    assert piece.claim() is not None
    assert (piece.claimed, piece.is_done(), piece.remaining()) == ("m", True, KeyRange("m", "m"))


# --- Cutting ------------------------------------------------------------------------------------------------------


@given(KEYS, KEYS, st.text("abé\uffff", max_size=3), st.tuples(*[st.integers(0, 20)] * 4))
def test_a_cut_leaves_every_key_in_exactly_one_of_two_pieces(
    source: list[str], destination: list[str], position: str, pages: tuple[int, int, int, int]
) -> None:
    """However much of either side was read before the cut: what is missing is read afterwards."""
    whole, sides = Piece(None, None), (source, destination)
    for side in SIDES:
        read_on(whole, side, sides[side], pages[side])
    first = whole.claim()
    parts = [whole]
    if whole.contains(position):
        parts.append(whole.cut(position))
    chunks = [first] if first else []
    for part in parts:
        for side in SIDES:
            while not part.readings[side].is_done:
                read_on(part, side, sides[side], 1 + pages[2 + side])
        chunks += filter(None, [part.claim()])

    for side in SIDES:
        found = [one.key for chunk in chunks for one in (chunk.source, chunk.destination)[side]]
        assert found == sides[side]
    assert all(part.is_done() for part in parts)


def read_on(piece: Piece, side: int, keys: list[str], count: int) -> None:
    """Read a page of so many keys from where a side of a piece stands."""
    reading = piece.readings[side]
    if not count or reading.is_done:
        return
    begin = (
        int(reading.token) if reading.token else len([key for key in keys if not _is_behind(key, reading)])
    )
    page, end = keys[begin : begin + count], begin + count
    reading.take(entries(page), str(end) if end < len(keys) else None, piece.end)


def _is_behind(key: str, reading: Reading) -> bool:
    return reading.after is None or key > reading.after


def test_the_side_that_got_beyond_a_cut_goes_on_behind_it_and_nothing_is_read_twice() -> None:
    piece = piece_of("adx", "bc")
    reading = piece.readings[SOURCE]

    behind = piece.cut("m")

    assert keys_of(piece.readings[SOURCE].entries) == ["a", "d"] and piece.readings[SOURCE].is_done
    assert behind.readings[SOURCE] is reading and keys_of(reading.entries) == ["x"]
    assert (reading.token, behind.readings[DESTINATION].after) == ("more", "m")
    assert (piece.end, behind.claimed, behind.end) == ("m", "m", None)


@pytest.mark.parametrize("keys", ["", "ad", "adx"])
def test_a_side_that_was_read_to_its_end_is_so_on_both_sides_of_a_cut(keys: str) -> None:
    """Asking it again behind each cut would cost a LIST each."""
    piece = Piece(None, None)
    piece.readings[SOURCE].take(entries(keys), None, None)

    behind = piece.cut("m")

    assert [keys_of(part.readings[SOURCE].entries) for part in (piece, behind)] == [
        [key for key in keys if key <= "m"],
        [key for key in keys if key > "m"],
    ]
    assert all(part.readings[SOURCE].is_done for part in (piece, behind))


@pytest.mark.parametrize("last", ["l", "m", "n"])
def test_a_side_is_read_on_behind_a_cut_once_it_has_got_there(last: str) -> None:
    piece = piece_of(f"a{last}", "a")

    behind = piece.cut("m")

    has_got_there = last >= "m"
    assert piece.readings[SOURCE].is_done is has_got_there
    assert (behind.readings[SOURCE].token, behind.readings[SOURCE].after) == (
        ("more", None) if has_got_there else (None, "m")
    )


@pytest.mark.parametrize(
    ("position", "expected"), [("b", False), ("b\x00", True), ("m", False), ("l", True), ("a", False)]
)
def test_a_piece_is_cut_between_its_ends_only(position: str, expected: bool) -> None:
    assert Piece("b", "m").contains(position) is expected
    assert Piece(None, None).contains(position)


# --- Which side says where keys are -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source_pages", "destination_pages", "done", "guide"),
    [
        (0, 0, (), SOURCE),
        (3, 3, (), SOURCE),
        (1, 4, (), SOURCE),
        (1, 5, (), DESTINATION),
        (9, 1, (), SOURCE),
        (3, 3, (SOURCE,), DESTINATION),
        (1, 5, (DESTINATION,), SOURCE),
        (3, 3, (SOURCE, DESTINATION), None),
    ],
)
def test_the_source_says_where_keys_are_unless_it_ended_or_the_destination_has_much_more(
    source_pages: int, destination_pages: int, done: tuple[int, ...], guide: int | None
) -> None:
    piece = Piece(None, None)
    for side, pages in ((SOURCE, source_pages), (DESTINATION, destination_pages)):
        piece.readings[side].pages, piece.readings[side].is_done = pages, side in done

    assert piece.guide() == guide
