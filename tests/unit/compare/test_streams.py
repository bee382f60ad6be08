"""Every key of both sides is decided once, with the other side's beside it, however the pages come in."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from samples import entry

from lambda_functions.shared.compare.pieces import SIDES, Chunk
from lambda_functions.shared.compare.streams import Request, Streams
from lambda_functions.shared.errors import RangeBroken
from lambda_functions.shared.s3.list_page import Entry
from lambda_functions.shared.s3.listing import KeyRange

# What goes wrong if characters are taken for numbers: the first and last of all, both sides of the surrogates, what is no letter.
NASTY = "\x01\x1f -./0129az~\x7f\x80\u4e00\ud7ff\ue000\uffff\U00010000\U0010ffff"
ALPHABETS = ["ab", "01", "0123456789", "0123456789abcdef", "ab/", "a0/", "一丁七", NASTY]
PREFIXES = ["", "a", "deep/prefix/", "deep/prefix/2024/", "\U0010ffff", "\ud7ff/"]


@dataclass
class Bucket:
    """One side, listed a few keys a page."""

    keys: Sequence[str]
    page_keys: int

    def page(self, request: Request) -> tuple[list[Entry], str | None]:
        at = int(request.token) if request.token else self._first_after(request.after)
        end = at + self.page_keys
        return [entry(key) for key in self.keys[at:end]], str(end) if end < len(self.keys) else None

    def _first_after(self, key: str | None) -> int:
        return 0 if key is None else bisect_right(self.keys, key)


@dataclass
class World:
    """Two buckets, and in what order their pages come."""

    sides: tuple[Bucket, Bucket]
    chance: random.Random
    chunks: list[Chunk] = field(default_factory=list)
    requests: int = 0

    def read(self, streams: Streams, most_answers: int) -> None:
        """Answer requests in any order until there are none; after so many answers no more are sent."""
        under_way: list[Request] = []
        answers = 0
        while True:
            sent = streams.requests() if answers < most_answers else []
            under_way += sent
            self.requests += len(sent)
            if not under_way:
                return
            request = under_way.pop(self.chance.randrange(len(under_way)))
            if self.chance.random() < 0.02:
                streams.slow_down(request)
            self.chunks += streams.receive(request, *self.sides[request.side].page(request))
            answers += 1


def flatten(parts: list[list[str]]) -> list[str]:
    return [key for part in parts for key in part]


def keys_like(alphabet: str) -> st.SearchStrategy[list[str]]:
    some = st.text(alphabet, min_size=1, max_size=12)
    many = st.builds(
        lambda prefix, seed, count, length: [
            prefix + "".join(random.Random(f"{seed}{number}").choices(alphabet, k=length))
            for number in range(count)
        ],
        st.sampled_from(PREFIXES),
        st.integers(0, 1 << 32),
        st.integers(0, 300),
        st.integers(1, 16),
    )
    return st.lists(st.one_of(some.map(lambda key: [key]), many), max_size=3).map(
        lambda parts: sum(parts, [])
    )


sets_of_keys = st.lists(st.sampled_from(ALPHABETS).flatmap(keys_like), max_size=2).map(
    lambda parts: sorted(set(flatten(parts)))
)
bounds = st.none() | st.text(NASTY, max_size=3)


@st.composite
def both_sides(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Draw two sets of keys that have much, little or nothing in common."""
    keys = draw(sets_of_keys)
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    shares = draw(st.tuples(*[st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0])] * 2))
    own = draw(st.booleans())
    sides = [[key for key in keys if chance.random() < share] for share in shares]
    return sides[0], sorted({*sides[1], *(draw(sets_of_keys) if own else ())})


@given(
    both_sides(),
    bounds,
    bounds,
    st.integers(1, 7),
    st.sampled_from([1, 2, 8]),
    st.lists(st.integers(1, 40), max_size=4),
    st.randoms(use_true_random=False),
)
def test_every_key_is_decided_once_beside_the_other_sides_or_handed_back(
    keys: tuple[list[str], list[str]],
    after: str | None,
    up_to: str | None,
    page_keys: int,
    most_streams: int,
    turns: list[int],
    chance: random.Random,
) -> None:
    world = World((Bucket(keys[0], page_keys), Bucket(keys[1], page_keys)), chance)
    whole = KeyRange(after, up_to)
    left = [whole]
    for most_answers in [*turns, 1_000_000]:
        left = [
            part for key_range in left for part in read_turn(world, key_range, most_streams, most_answers)
        ]

    assert left == []
    note(f"{world.requests} requests")
    for side in SIDES:
        decided = [one.key for chunk in world.chunks for one in (chunk.source, chunk.destination)[side]]
        assert sorted(decided) == [key for key in keys[side] if whole.contains(key)]
    for key in set(keys[0]) & set(keys[1]):
        seen = [
            sum(any(one.key == key for one in side) for side in sides_of(chunk)) for chunk in world.chunks
        ]
        assert sorted(set(seen) - {0}) in ([], [2]), f"{key!r} is decided without the other side's"


def sides_of(chunk: Chunk) -> tuple[Sequence[Entry], Sequence[Entry]]:
    return chunk.source, chunk.destination


def read_turn(world: World, key_range: KeyRange, most_streams: int, most_answers: int) -> list[KeyRange]:
    """Read one range for one turn; return what is left of it, after it has been seen to be the rest of what was decided."""
    streams = Streams(key_range, most_streams)
    world.read(streams, most_answers)
    parts = sorted(
        [*streams.decided(), *streams.remaining()], key=lambda one: (one.after is not None, one.after or "")
    )
    assert parts[0].after == key_range.after and parts[-1].up_to == key_range.up_to
    assert [one.up_to for one in parts[:-1]] == [one.after for one in parts[1:]]
    return streams.remaining()


def test_a_small_bucket_is_read_as_one_stream_reads_it() -> None:
    keys = [f"{number:05d}" for number in range(20)]
    world = World((Bucket(keys, 10), Bucket(keys, 10)), random.Random(1))

    world.read(Streams(KeyRange(), 8), 1_000_000)

    assert world.requests == 4


def test_keys_out_of_order_break_the_range() -> None:
    streams = Streams(KeyRange(), 8)
    source, _ = streams.requests()

    with pytest.raises(RangeBroken, match="lists 'a' after 'b': its keys are not in order"):
        streams.receive(source, [entry("b"), entry("a")], None)
