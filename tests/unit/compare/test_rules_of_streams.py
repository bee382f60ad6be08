"""The rules of streams to the page: when and where they guess, what that may cost, and what a turn hands back.

Keys are hexadecimal numbers of six digits, a page has 256 of them, and how much is left of a piece is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from samples import entries

from lambda_functions.shared.compare import positions
from lambda_functions.shared.compare.key_space import LAST, KeySpace
from lambda_functions.shared.compare.pieces import DESTINATION, SOURCE, Chunk, Piece, Reading
from lambda_functions.shared.compare.positions import Estimate, Search
from lambda_functions.shared.compare.streams import FIRST_EXTRA, LATER_EXTRA, Request, Streams, _Guess
from lambda_functions.shared.s3.listing import KeyRange

RULER = KeySpace(["000000", "aaaaaa"])


def at(pages: float) -> str:
    """Return the key so many pages behind the first."""
    return f"{int(pages * 256):06x}"


@dataclass(eq=False)
class Measured(Reading):
    """A side of which it is known how many pages are left."""

    left: float | None = None


def piece(first: float = 0, end: float | None = None, left: float | None = 100, read: int = 3) -> Piece:
    """Return a piece from one page to another of which so many pages were read and are left; its next ones are under way."""
    begin = at(first)
    source, destination = (
        Measured(begin, [], begin, "more", read, True, False, [begin] * 2, (), left) for _ in range(2)
    )
    return Piece(begin, None if end is None else at(end), (source, destination))


class Ruled(Streams):
    """Streams with these pieces in the middle of a turn that has read so many pages."""

    def __init__(self, *pieces: Piece, pages: int = 1000, **values: Any) -> None:
        super().__init__(KeyRange(), **values)
        self._pages = pages
        self.pieces.clear()
        self._searches.clear()
        for one in pieces:
            self._add(one, Search(one.guide()))

    def ask(self, position: str, side: int = SOURCE) -> Request:
        """Let a position be asked for; return the request, as it comes back."""
        request = Request(side, position, None, None, 0)
        self._guesses[request] = _Guess(position, 7.0)
        return request

    def answer(self, position: str, *keys: str, side: int = SOURCE) -> list[Chunk]:
        """Let a position be asked for, and a page with these keys be the answer."""
        return self.receive(self.ask(position, side), entries(keys), "more")

    def guesses(self) -> list[str]:
        """Return the positions that are asked for now."""
        return [request.after or "" for request in self.requests() if request.reading is None]


@pytest.fixture(autouse=True)
def estimated(monkeypatch: pytest.MonkeyPatch) -> list[Reading]:
    """Let estimates be what is measured; return the sides that one was made of."""
    sides: list[Reading] = []

    def estimate(
        reading: Reading, end: str | None, hint: str | None, landmarks: list[str]
    ) -> Estimate | None:
        sides.append(reading)
        if not isinstance(reading, Measured) or reading.left is None:
            return None
        page, low = RULER.value(at(1)), RULER.value(reading.last or "")
        return Estimate(RULER, low, low + int(reading.left * page), page)

    monkeypatch.setattr(positions, "estimate", estimate)
    return sides


# --- What cuts and guesses may cost -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pages", "spent", "may"),
    [
        # Nothing before four pages have come, and twice the pages beyond the second at most.
        (3, 0, False), (4, 3, True), (4, 4, False), (5, 5, True), (5, 6, False), (9, 13, True), (9, 14, False),
        # Then fourteen, and 15 of a hundred pages,
        (10, 15, True), (10, 16, False), (20, 16, True), (20, 17, False), (27, 18, True), (200, 43, True), (200, 44, False),
        # but three of a hundred of those beyond 200.
        (201, 44, True), (400, 49, True), (400, 50, False),
    ],
)  # fmt: skip
def test_guesses_may_cost_some_lists_at_once_and_a_share_of_the_pages(
    pages: int, spent: int, may: bool
) -> None:
    streams = Ruled(piece(), pages=pages)
    streams._extra = spent

    assert bool(streams.guesses()) is may


@pytest.mark.parametrize(("spent", "under_way", "asked"), [(43, 0, 1), (42, 0, 2), (42, 1, 1), (43, 1, 0)])
def test_what_is_under_way_is_spent(spent: int, under_way: int, asked: int) -> None:
    streams = Ruled(piece(), pages=200)
    streams._extra = spent
    for number in range(under_way):
        streams.ask(at(90 + number))

    assert len(streams.guesses()) == asked


def test_a_range_of_a_later_wave_may_spend_one_list_before_its_pages_have_paid_for_more() -> None:
    assert (FIRST_EXTRA, LATER_EXTRA) == (14, 1)
    streams = Ruled(piece(), pages=20, first_extra=LATER_EXTRA)
    streams._extra = 3
    assert len(streams.guesses()) == 1


def test_every_answer_to_a_guess_is_spent_whether_it_has_cut_or_not() -> None:
    streams = Ruled(piece())

    streams.answer(at(50), at(60))
    streams.answer(at(70))
    streams.answer(at(0), at(1))

    assert streams._extra == 3


@pytest.mark.parametrize(
    ("keys", "end", "up_to", "spent"),
    [
        (["b"], "m", "z", 0),
        (["m"], "m", "z", 0),
        (["l", "n"], "m", "z", 0),
        (["n"], "m", "z", 1),  # it was cut there for nothing
        ([], "m", "z", 0),
        (["n"], "m", "m", 0),  # any listing of this range has to end so
        (["n"], None, None, 0),
    ],
)
def test_a_page_that_has_nothing_of_its_piece_is_spent_if_a_cut_is_why(
    keys: list[str], end: str | None, up_to: str | None, spent: int
) -> None:
    streams = Streams(KeyRange(None, up_to))
    source, _ = streams.requests()
    streams.pieces[0].end = end

    streams.receive(source, entries(keys), "more")

    assert streams._extra == spent


# --- Where it is asked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [1, 5, 7, 8])
def test_no_more_is_asked_for_than_there_are_streams_without_a_piece(pieces: int) -> None:
    streams = Ruled(*(piece(100 * number, 100 * number + 100) for number in range(pieces)))

    assert len(streams.guesses()) == min(4, 8 - pieces)


@pytest.mark.parametrize(
    ("window", "pending", "asked"), [(4.0, 3, 1), (4.0, 4, 0), (1.0, 0, 1), (1.0, 1, 0), (1.5, 1, 1), (1.5, 2, 0)]
)  # fmt: skip
def test_as_many_positions_of_a_piece_are_asked_for_as_its_window_has(
    window: float, pending: int, asked: int
) -> None:
    one = piece(left=1000)
    streams = Ruled(one, most_streams=pending + 2)
    streams._searches[one].window = window
    for number in range(pending):
        streams.ask(at(10 + number))

    assert len(streams.guesses()) == asked


@pytest.mark.parametrize(
    ("caution", "left", "is_asked"),
    [(1.0, 4.0, True), (1.0, 3.99, False), (2.0, 8.0, True), (2.0, 7.99, False)],
)
def test_what_is_cut_has_four_pages_at_least_and_more_where_estimates_were_too_great(
    caution: float, left: float, is_asked: bool
) -> None:
    streams = Ruled(piece(left=left))
    streams._caution = caution

    assert bool(streams.guesses()) is is_asked


@pytest.mark.parametrize(
    ("closed", "closed_read", "open_", "open_read", "pending", "first"),
    [
        # What was read and twenty pages more is as much as is believed of it, and twice that where no end is known.
        (100, 100, 100, 29, 0, "closed"),
        (100, 100, 100, 30, 0, "closed"),
        (100, 100, 100, 31, 0, "open"),
        (49, 100, 100, 5, 0, "open"),
        (51, 100, 100, 5, 0, "closed"),
        (100, 31, 100, 5, 0, "closed"),
        (100, 29, 100, 5, 0, "open"),
        (51, 100, 26, 100, 0, "open"),
        (53, 100, 26, 100, 0, "closed"),
        # It is shared by those who have asked for a part of it.
        (99, 100, 100, 5, 1, "open"),
        (101, 100, 100, 5, 1, "closed"),
        (101, 100, 100, 5, 2, "open"),
    ],
)
def test_the_piece_that_has_most_left_is_cut_first(
    closed: float, closed_read: int, open_: float, open_read: int, pending: int, first: str
) -> None:
    streams = Ruled(piece(0, 500, closed, closed_read), piece(500, None, open_, open_read))
    for number in range(pending):
        streams.ask(at(300 + number))

    assert (streams.guesses()[0] < at(500)) is (first == "closed")


def test_a_piece_in_which_nothing_is_worth_asking_leaves_it_to_the_next() -> None:
    one, other = piece(0, 500, left=400), piece(500, 1000)
    streams = Ruled(one, other)
    streams._searches[one].hint = at(0.5)

    assert all(position > at(500) for position in streams.guesses())


@pytest.mark.parametrize(("most_bytes", "is_asked"), [(6, True), (5, False)])
def test_a_position_may_be_as_long_as_a_key_may_be(most_bytes: int, is_asked: bool) -> None:
    assert bool(Ruled(piece(), most_bytes=most_bytes).guesses()) is is_asked


def test_nothing_is_asked_of_a_piece_that_has_read_nothing_yet() -> None:
    streams = Ruled(piece(0, 500, left=None), piece(500, left=None))

    assert streams.guesses() == []


def test_a_piece_of_which_nothing_is_known_does_not_keep_others_from_being_cut() -> None:
    streams = Ruled(piece(0, 500, left=None), piece(500))

    guesses = streams.guesses()
    assert guesses and all(position > at(500) for position in guesses)


def test_estimates_are_made_anew_where_something_was_read_or_learnt_since(
    estimated: list[Reading],
) -> None:
    """One takes a millisecond, and all pieces are looked at whenever a page has come."""
    one = piece(left=3)
    streams = Ruled(one)
    streams.requests()
    assert len(estimated) == 1

    streams.requests()
    streams.remaining()
    assert len(estimated) == 1

    one.readings[SOURCE].last = at(1)
    streams.requests()
    assert len(estimated) == 2

    streams._searches[one].fail(at(9))
    streams.requests()
    assert len(estimated) == 3

    one.end = at(8)
    streams.requests()
    assert len(estimated) == 4


# --- Behind everything --------------------------------------------------------------------------------------------


def test_behind_everything_is_asked_before_anything_else_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    behind = f"{at(500)}{LAST}"
    monkeypatch.setattr(KeySpace, "end", lambda space: behind)
    streams = Ruled(piece(0, 500, left=400), piece(500, left=0))

    first, *others = streams.guesses()

    assert first == behind
    assert len(others) == 4 and behind not in others


def test_behind_everything_is_not_asked_again_while_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side may have said so before."""
    behind = f"{at(500)}{LAST}"
    monkeypatch.setattr(KeySpace, "end", lambda space: behind)
    streams = Ruled(piece(500, left=0))
    streams.ask(behind, DESTINATION)

    assert streams.guesses() == []


# --- What is learnt from an answer --------------------------------------------------------------------------------


def test_estimates_are_mistrusted_the_more_positions_are_overtaken_and_trusted_the_more_are_found() -> None:
    streams = Ruled(piece())
    cautions = []
    for _ in range(8):
        streams.answer(at(0), at(1))
        cautions.append(streams._caution)
    assert cautions == [1.5**times for times in range(1, 7)] + [16.0, 16.0]

    for pages in (90, 80):
        streams.answer(at(pages), at(pages + 1))
    assert streams._caution == pytest.approx(16 / 1.25**2)

    streams._caution = 1.2
    streams.answer(at(70), at(71))
    assert streams._caution == 1.0


@pytest.mark.parametrize(("last", "is_overtaken"), [(49, False), (50, True), (51, True)])
def test_a_position_up_to_which_the_side_was_read_meanwhile_cuts_nothing(
    last: float, is_overtaken: bool
) -> None:
    one = piece()
    one.readings[SOURCE].last = at(last)
    streams = Ruled(one)

    streams.answer(at(50), at(60))

    assert len(streams.pieces) == (1 if is_overtaken else 2)


def test_a_position_is_not_overtaken_by_a_side_that_was_not_read_at_all() -> None:
    one = piece()
    one.readings[DESTINATION].last = None
    streams = Ruled(one)

    streams.answer(at(50), at(60), side=DESTINATION)

    assert [part.end for part in streams.pieces] == [at(50), None]


@pytest.mark.parametrize(
    ("keys", "is_cut"), [(["000100"], True), (["000200"], True), (["000201"], False), ([], False), (["000100", "000300"], True)]
)  # fmt: skip
def test_a_piece_is_cut_where_a_key_of_it_is_behind_the_position_else_none_is_expected_there(
    keys: list[str], is_cut: bool
) -> None:
    one = piece(0, 2)
    streams = Ruled(one)

    streams.answer("000080", *keys)

    assert [part.end for part in streams.pieces] == (["000080", at(2)] if is_cut else [at(2)])
    assert streams._searches[one].hint == (None if is_cut else "000080")


def test_what_the_other_side_does_not_have_says_nothing_of_the_side_that_tells_where_keys_are() -> None:
    one = piece()
    streams = Ruled(one)

    streams.answer(at(50), side=DESTINATION)

    assert streams._searches[one] == Search(SOURCE)


def test_what_was_learnt_of_one_side_is_forgotten_where_the_other_tells_where_keys_are() -> None:
    one = piece()
    streams = Ruled(one)
    streams.answer(at(50))
    one.readings[SOURCE].is_done = True

    streams.requests()

    assert streams._searches[one] == Search(DESTINATION)


def test_a_cut_has_moved_on_whatever_becomes_of_it() -> None:
    """Else a turn that ends here would be taken for one that got nowhere."""
    streams = Ruled(piece())

    assert streams.answer(at(50), at(60)) == []
    assert streams.has_moved


def test_a_cut_knows_how_far_ahead_it_was_and_where_keys_were_found() -> None:
    one = piece()
    streams = Ruled(one)

    streams.answer(at(50), at(60), at(61))
    streams.answer(at(40), at(45))

    assert streams._landmarks == [at(45), at(60)]
    assert [streams._searches[part].reach for part in streams.pieces] == [0.0, 7.0, 7.0]


# --- Pages --------------------------------------------------------------------------------------------------------


def test_pieces_are_in_the_order_of_their_keys_in_whatever_order_they_were_cut() -> None:
    streams = Ruled(piece())
    for pages in (50, 20, 80, 10):
        streams.answer(at(pages), at(pages + 1))

    starts = [at(pages) for pages in (0, 10, 20, 50, 80)]
    assert [part.after for part in streams.remaining()] == starts
    assert [one.claimed for one in streams.pieces] == starts


def test_a_side_is_asked_for_what_follows_its_last_page_or_where_it_begins() -> None:
    one = piece()
    one.readings[SOURCE].is_under_way = False
    one.readings[DESTINATION].token = None
    one.readings[DESTINATION].is_under_way = False
    one.readings[DESTINATION].after = at(5)
    streams = Ruled(one, pages=0)

    assert [(one.side, one.after, one.token) for one in streams.requests()] == [
        (SOURCE, None, "more"),
        (DESTINATION, at(5), None),
    ]
    assert all(reading.is_under_way for reading in one.readings)


def test_only_so_many_pieces_as_there_are_streams_are_read_those_in_front_first() -> None:
    pieces = [piece(100 * number, 100 * number + 100) for number in range(3)]
    for one in pieces:
        one.readings[SOURCE].is_under_way = False

    streams = Ruled(*pieces, most_streams=2)

    assert [request.reading for request in streams.requests()] == [one.readings[SOURCE] for one in pieces[:2]]


def test_nothing_is_remembered_of_pieces_that_are_done() -> None:
    one = piece(left=3)
    streams = Ruled(one)
    streams.remaining()
    assert list(streams._estimates) == [one]

    for side, reading in enumerate(one.readings):
        streams.receive(Request(side, None, "more", reading, 0), [], None)

    assert (streams.pieces, streams._searches, streams._estimates) == ([], {}, {})
    assert streams.decided() == [KeyRange(at(0), None)]


def test_what_was_decided_end_to_end_is_one_range_and_gaps_stay() -> None:
    streams = Streams(KeyRange())
    streams._done = [
        KeyRange(*ends) for ends in (("e", "f"), ("p", "q"), (None, "a"), ("c", "d"), ("d", "e"))
    ]

    assert streams.decided() == [KeyRange(None, "a"), KeyRange("c", "f"), KeyRange("p", "q")]


# --- What is handed back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "pages", "ranges"),
    [
        ([128], 500, [2]),
        ([128], 499, [1]),
        ([128 - 1 / 256], 500, [1]),
        ([191], 500, [2]),
        ([192], 500, [3]),
        ([2047], 500, [31]),
        ([2048], 500, [32]),
        ([9000], 500, [32]),
        # In proportion to what each has, but none has shares of less than 64 pages.
        ([3072, 1024], 500, [24, 8]),
        ([4000, 127], 500, [31, 1]),
        ([8192, 128], 500, [31, 1]),
        ([8192, 512], 500, [30, 1]),
        ([None, 256], 500, [1, 4]),
        ([None], 500, [1]),
    ],
)
def test_a_large_turn_hands_back_32_ranges_of_64_pages_or_more(
    left: list[float | None], pages: int, ranges: list[int]
) -> None:
    begins = [10_000 * number for number in range(len(left))]
    pieces = [piece(begin, begin + 10_000, some) for begin, some in zip(begins, left, strict=True)]
    streams = Ruled(*pieces, pages=pages)

    parts = streams.remaining()

    assert [
        sum(one.contains(part.up_to or "") for part in parts) for one in map(Piece.remaining, pieces)
    ] == ranges
    assert [parts[0].after, *(one.up_to for one in parts)] == [*(one.after for one in parts), pieces[-1].end]


def test_parts_are_equal_up_to_an_end_and_begin_near_where_there_is_none() -> None:
    streams = Ruled(piece(0, 10_000, 256), piece(10_000, None, 256), pages=500)

    assert [one.after for one in streams.remaining()] == [
        *map(at, (0, 64, 128, 192)),
        *map(at, (10_000, 10_064, 10_128)),
    ]


@pytest.mark.parametrize(("left", "ranges"), [(192, 3), (9000, 32)])
def test_what_has_no_end_is_handed_back_in_32_ranges_besides_those_that_have_one(
    left: float, ranges: int
) -> None:
    streams = Ruled(piece(0, 10_000, 4096), piece(10_000, None, left), pages=500)

    parts = streams.remaining()

    assert len([one for one in parts if one.up_to and one.up_to <= at(10_000)]) == 32
    assert len(parts) == 32 + ranges
