"""Two buckets in memory for `streams`: their pages come in any order, or in virtual time, as from S3 through one processor."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from samples import entry

from benchmarks.scale.comparing import in_virtual_time, page_of
from lambda_functions.shared.compare.pieces import SIDES, Chunk
from lambda_functions.shared.compare.streams import FIRST_EXTRA, STREAMS, Request, Streams
from lambda_functions.shared.s3.list_page import Entry
from lambda_functions.shared.s3.listing import PAGE_KEYS, KeyRange

# What S3 takes for a LIST, and one processor at full speed for reading and deciding a page: measured over HTTP.
LIST_SECONDS = 0.080
PAGE_SECONDS = 0.0055


class ListedSide:
    """One side, listed a few keys a page."""

    def __init__(self, keys: Sequence[str], page_keys: int = PAGE_KEYS) -> None:
        self.keys, self.page_keys = keys, page_keys
        self.entries = list(map(entry, keys))

    def part(self, chosen: slice) -> ListedSide:
        """Return a side of some of the keys; it shares their entries."""
        side = copy.copy(self)
        side.keys, side.entries = self.keys[chosen], self.entries[chosen]
        return side

    def page(self, request: Request) -> tuple[Sequence[Entry], str | None]:
        """Return a page and where the listing goes on."""
        return page_of(self.entries, request, self.page_keys)

    def floor(self) -> int:
        """Return the LISTs that it takes at least."""
        return max(1, -(-len(self.keys) // self.page_keys))


@dataclass
class World:
    """Two sides whose pages come in any order, and S3 is sometimes too busy."""

    sides: tuple[ListedSide, ListedSide]
    chance: random.Random
    busy: float = 0.0
    chunks: list[Chunk] = field(default_factory=list)
    requests: int = 0

    def read(self, streams: Streams, most_answers: int = 1_000_000) -> None:
        """Answer requests until there are none; after so many answers no more are sent."""
        under_way: list[Request] = []
        most_streams = streams.most_streams
        for answers in range(10**9):
            sent = streams.requests() if answers < most_answers else []
            under_way += sent
            self.requests += len(sent)
            assert len(under_way) <= 2 * most_streams, "more LISTs are under way than streams can have"
            if not under_way:
                return
            request = under_way.pop(self.chance.randrange(len(under_way)))
            if self.chance.random() < self.busy:
                streams.slow_down(request)
            self.chunks += streams.receive(request, *self.sides[request.side].page(request))

    def decided(self, side: int) -> list[str]:
        """Return the keys of a side that were decided, in order."""
        return sorted(one.key for chunk in self.chunks for one in sides_of(chunk)[side])


def sides_of(chunk: Chunk) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Return what is in a chunk, by side."""
    return chunk.source, chunk.destination


@dataclass(frozen=True)
class Timed:
    """What reading both sides took in virtual time, and how many LISTs more than their pages."""

    seconds: float
    lists_over: int


def read_in_virtual_time(
    source: ListedSide,
    destination: ListedSide,
    most_streams: int = STREAMS,
    list_seconds: float = LIST_SECONDS,
    page_seconds: float = PAGE_SECONDS,
    first_extra: int = FIRST_EXTRA,
) -> Timed:
    """Read both sides to the end: LISTs go side by side, one processor takes in a page after the other. Always the same."""
    sides, streams = (source, destination), Streams(KeyRange(), most_streams, first_extra=first_extra)
    decided = [0, 0]

    def take_in(request: Request) -> None:
        for chunk in streams.receive(request, *sides[request.side].page(request)):
            for side in SIDES:
                decided[side] += len(sides_of(chunk)[side])

    seconds, lists = in_virtual_time(streams, take_in, list_seconds, page_seconds)
    assert decided == [len(side.keys) for side in sides]
    return Timed(seconds, lists - sum(side.floor() for side in sides))


def in_order_of_keys(ranges: Sequence[KeyRange]) -> Iterator[KeyRange]:
    """Return ranges in the order of where they begin."""
    yield from sorted(ranges, key=KeyRange.place)
