"""Every key of both sides is decided once, with the other side's beside it, however the pages come in.

`SYNCBUCKETS_EXAMPLES=20000 python -m pytest tests/unit/compare/test_streams.py` looks longer than an ordinary run of the tests.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import entry
from virtual_streams import ListedSide, World, in_order_of_keys, sides_of

from lambda_functions.shared.compare import pieces, positions
from lambda_functions.shared.compare import streams as streams_module
from lambda_functions.shared.compare.pieces import DESTINATION, SIDES, SOURCE, Piece
from lambda_functions.shared.compare.streams import MOST_HANDED_BACK, Request, Streams
from lambda_functions.shared.errors import RangeBroken
from lambda_functions.shared.s3.listing import KeyRange

EXAMPLES = int(os.environ.get("SYNCBUCKETS_EXAMPLES", "200"))
# What goes wrong if characters are taken for numbers: the first and last of all, both sides of the surrogates, what is no letter.
NASTY = "\x01\x1f -./0129az~\x7f\x80\u4e00\ud7ff\ue000\uffff\U00010000\U0010ffff"
ALPHABETS = ["ab", "01", "0123456789", "0123456789abcdef", "ab/", "a0/", "一丁七", NASTY]
PREFIXES = ["", "a", "deep/prefix/", "deep/prefix/2024/", "\U0010ffff", "\ud7ff/", "0", "\x01"]


def keys_of(seed: int, alphabet: str, prefix: str, count: int, length: int) -> list[str]:
    """Return up to so many keys, as long as that or a bit shorter."""
    chance = random.Random(seed)
    lengths = [chance.randint(max(1, length - 2), length) for _ in range(count)]
    return [prefix + "".join(chance.choices(alphabet, k=length)) for length in lengths]


folders = st.builds(
    keys_of,
    st.integers(0, 1 << 32),
    st.sampled_from(ALPHABETS),
    st.sampled_from(PREFIXES),
    st.sampled_from([300, 100, 30, 3, 1]),
    st.integers(1, 16),
)
numbers = st.builds(
    lambda prefix, begin, count, step: [
        f"{prefix}{number:09d}" for number in range(begin, begin + step * count, step)
    ],
    st.sampled_from(PREFIXES),
    st.integers(0, 10**6),
    st.sampled_from([300, 100, 3]),
    st.sampled_from([1, 7, 1000]),
)
strange = st.lists(st.text(NASTY, max_size=4), max_size=5)
sets_of_keys = st.lists(folders | numbers | strange, max_size=3).map(
    lambda parts: sorted({key for part in parts for key in part})
)
bounds = st.none() | st.text(NASTY, max_size=3) | st.sampled_from(["0000001", "a", "deep/prefix/2", "m"])


@st.composite
def both_sides(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Draw two sets of keys that have much, little or nothing in common."""
    keys, own = draw(sets_of_keys), draw(st.none() | sets_of_keys)
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    shares = draw(st.tuples(*[st.sampled_from([1.0, 0.98, 0.5, 0.02, 0.0])] * 2))
    source, destination = ([key for key in keys if chance.random() < share] for share in shares)
    return source, sorted({*destination, *(own or ())})


@contextmanager
def small_pages(keys_ahead: int) -> Iterator[mock.Mock]:
    """Read no more ahead than that; yield what counts the cuts."""
    with (
        mock.patch.object(pieces, "KEYS_AHEAD", keys_ahead),
        mock.patch.object(Piece, "cut", autospec=True, side_effect=Piece.cut) as cut,
    ):
        yield cut


@settings(max_examples=EXAMPLES)
@given(
    both_sides(),
    bounds,
    bounds,
    st.integers(1, 5),
    st.sampled_from([1, 8, 1000]),
    st.sampled_from([8, 8, 2, 1]),
    st.lists(st.integers(1, 60), max_size=3),
    st.sampled_from([0.0, 0.02]),
    st.integers(0, 1 << 32),
)
def test_every_key_is_decided_once_beside_the_other_sides_or_handed_back(
    keys: tuple[list[str], list[str]],
    after: str | None,
    up_to: str | None,
    page_keys: int,
    keys_ahead: int,
    most_streams: int,
    turns: list[int],
    busy: float,
    seed: int,
) -> None:
    sides = ListedSide(keys[SOURCE], page_keys), ListedSide(keys[DESTINATION], page_keys)
    world = World(sides, random.Random(seed), busy)
    whole = KeyRange(after, up_to)
    left = [whole]

    with small_pages(keys_ahead):
        for most_answers in [*turns, 1_000_000]:
            left = [part for one in left for part in read_turn(world, one, most_streams, most_answers)]

    assert left == []
    for side in SIDES:
        assert world.decided(side) == [key for key in keys[side] if whole.contains(key)]
    for chunk in world.chunks:
        here, there = ({one.key for one in side} for side in sides_of(chunk))
        assert here & set(keys[DESTINATION]) == there & set(keys[SOURCE]), "decided without the other side's"


def read_turn(world: World, key_range: KeyRange, most_streams: int, most_answers: int) -> list[KeyRange]:
    """Read one range for one turn; return what is left of it, after it has been seen to be the rest of what was decided.

    Every other turn is taken for a large one, which hands its pieces back in parts.
    """
    streams = Streams(key_range, most_streams)
    world.read(streams, most_answers)
    is_large = most_answers % 2 == 1
    with (
        mock.patch.object(streams_module, "PAGES_OF_A_LARGE_TURN", 0 if is_large else 10**9),
        mock.patch.object(positions, "LEAST_SHARE", 1.0),
    ):
        remaining = streams.remaining()
    parts = list(in_order_of_keys([*streams.decided(), *remaining]))
    assert parts[0].after == key_range.after and parts[-1].up_to == key_range.up_to
    assert [one.up_to for one in parts[:-1]] == [one.after for one in parts[1:]]
    return remaining


def test_what_a_large_turn_has_left_is_handed_back_in_more_parts_than_pieces() -> None:
    keys = [f"{number:06d}" for number in range(20_000)]
    world = World((ListedSide(keys, 10), ListedSide(keys, 10)), random.Random(1))
    streams = Streams(KeyRange(), 8)
    world.read(streams, 600)

    assert len(streams.pieces) < len(streams.remaining()) <= 2 * MOST_HANDED_BACK


SHAPED = {
    "numbers": [f"{number:06d}" for number in range(400)],
    "hashes": sorted(f"{number * 2654435761 % 2**32:08x}" for number in range(400)),
    "folders": sorted(f"logs/{number % 7}/{number % 28:02d}/{number:05d}.gz" for number in range(400)),
    "nasty": sorted(set(keys_of(1, NASTY, "", 400, 8))),
}


@pytest.mark.parametrize("shape", SHAPED)
@pytest.mark.parametrize("seed", range(5))
def test_what_is_worth_it_is_cut_and_no_stream_is_idle_for_long(shape: str, seed: int) -> None:
    side = ListedSide(SHAPED[shape], 5)

    with small_pages(5) as cut:
        world = World((side, side), random.Random(seed))
        world.read(Streams(KeyRange()))

    assert cut.call_count >= 5
    assert world.decided(SOURCE) == world.decided(DESTINATION) == SHAPED[shape]
    assert world.requests <= 2 * len(SHAPED[shape]) / 5 + 60


@pytest.mark.parametrize("pages", [1, 2])
def test_a_small_bucket_is_read_as_one_stream_reads_it(pages: int) -> None:
    side = ListedSide([f"{number:05d}" for number in range(10 * pages)], 10)
    world = World((side, side), random.Random(1))

    world.read(Streams(KeyRange()))

    assert world.requests == 2 * pages


def test_keys_out_of_order_break_the_range() -> None:
    streams = Streams(KeyRange())
    source, _ = streams.requests()

    with pytest.raises(RangeBroken, match="lists 'a' after 'b': its keys are not in order"):
        streams.receive(source, [entry("b"), entry("a")], None)


# --- Guesses: what becomes of the answer to a question for a position ---------------------------------------------


def begun(source: list[str], destination: list[str]) -> tuple[Streams, list[Request], World]:
    """Return streams that have read two pages of 10 keys a side and now guess, what they ask then, and the buckets."""
    world = World((ListedSide(source, 10), ListedSide(destination, 10)), random.Random(1))
    streams, under_way = Streams(KeyRange()), list[Request]()
    with small_pages(10):
        for _ in range(4):
            under_way += streams.requests()
            answer(streams, world, under_way.pop(0))
        under_way += streams.requests()
    assert any(request.reading is None for request in under_way)
    return streams, under_way, world


def answer(streams: Streams, world: World, request: Request) -> None:
    world.chunks += streams.receive(request, *world.sides[request.side].page(request))


def guess_of(requests: list[Request]) -> Request:
    return next(request for request in requests if request.reading is None)


NUMBERS = [f"{number:05d}" for number in range(1000)]


def test_a_page_that_is_found_behind_a_position_is_the_first_of_a_new_piece() -> None:
    streams, under_way, world = begun(NUMBERS, NUMBERS)
    guess = next(one for one in under_way if one.reading is None and one.after and one.after < NUMBERS[-1])

    answer(streams, world, guess)

    first, second = streams.pieces
    assert (first.end, second.claimed, second.end) == (guess.after, guess.after, None)
    assert [one.key for one in second.readings[guess.side].entries] == [
        key for key in NUMBERS if key > (guess.after or "")
    ][:10]


def test_nothing_behind_a_position_at_the_source_is_no_end_for_orphans_may_be_there() -> None:
    orphans = [f"1{number:05d}" for number in range(300)]
    streams, under_way, world = begun(NUMBERS[:40], [*NUMBERS[:40], *orphans])
    guess = guess_of(under_way)

    streams.receive(guess, [], None)

    assert [(one.claimed is None, one.end) for one in streams.pieces] == [(False, None)]
    streams, world = Streams(KeyRange()), World(world.sides, random.Random(2))
    world.read(streams)
    assert world.decided(DESTINATION) == sorted([*NUMBERS[:40], *orphans])


def test_an_answer_for_a_position_that_was_read_meanwhile_is_dropped() -> None:
    streams, under_way, world = begun(NUMBERS, NUMBERS)
    guess = guess_of(under_way)
    page, token = world.sides[guess.side].page(guess)
    world_without_guesses = World(world.sides, random.Random(1))
    waiting = [one for one in under_way if one.reading is not None]
    streams.most_streams = 1
    while waiting:
        answer(streams, world_without_guesses, waiting.pop(0))
        waiting += streams.requests()

    assert streams.receive(guess, page, token) == []
    assert streams.remaining() == []
    assert world.decided(SOURCE) + world_without_guesses.decided(SOURCE) == NUMBERS


def test_s3_being_busy_halves_the_streams_once_for_all_requests_that_were_under_way() -> None:
    streams, under_way, world = begun(NUMBERS, NUMBERS)
    one, other, *_ = under_way

    streams.slow_down(one)
    streams.slow_down(other)

    assert streams.most_streams == 4
    for expected in (2, 1, 1):
        while not (fresh := streams.requests()):
            answer(streams, world, under_way.pop(0))
        under_way += fresh
        streams.slow_down(one)
        streams.slow_down(fresh[0])
        assert streams.most_streams == expected


@pytest.mark.parametrize("most_bytes", [3, 40])
def test_no_position_is_longer_than_a_key_may_be(most_bytes: int) -> None:
    long = ["k" * 30 + "é" * 2 + key for key in NUMBERS]
    world = World((ListedSide(long, 10), ListedSide(long, 10)), random.Random(1))
    streams = Streams(KeyRange(), most_bytes=most_bytes)
    asked: list[str] = []

    with mock.patch.object(streams, "_cut_at", lambda guess, *_: asked.append(guess.position) or []):
        world.read(streams)

    assert all(len(position.encode()) <= most_bytes for position in asked)
    assert bool(asked) is (most_bytes == 40)


def test_the_side_that_has_much_more_says_where_the_keys_are() -> None:
    """A few keys to keep, and very many orphans: the destination is shared by the streams all the same."""
    few, many = ListedSide(NUMBERS[::50], 10), ListedSide(NUMBERS, 10)

    with small_pages(10) as cut:
        world = World((few, many), random.Random(3))
        world.read(Streams(KeyRange()))

    assert cut.call_count >= 5
    assert (world.decided(SOURCE), world.decided(DESTINATION)) == (NUMBERS[::50], NUMBERS)
