"""How a comparison goes: by arithmetic for any number of objects, and by the product's own scheduler in virtual time for fewer.

A wave is a list of turns, one for each of its ranges. A turn has the budget of its wave and hands back what is left of the range.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter

from benchmarks.scale.constants import Constants
from lambda_functions.shared.compare.compare import budget_seconds
from lambda_functions.shared.compare.pieces import SOURCE
from lambda_functions.shared.compare.streams import STREAMS, Request, Streams
from lambda_functions.shared.run import MAX_COMPARING
from lambda_functions.shared.s3.list_page import Entry
from lambda_functions.shared.s3.listing import PAGE_KEYS, KeyRange

# What the scheduler spends on cuts at most, roughly (`streams._may_guess`).
EXTRA_LISTS = 40
EXTRA_SHARE = 0.03
_KEY = attrgetter("key")


@dataclass(frozen=True)
class Wave:
    """Seconds of the turns of a wave, one for each of its ranges, and the LISTs of all of them."""

    turns: Sequence[float]
    lists: int


def seconds_a_page(constants: Constants, list_seconds: float, sides: int) -> float:
    """Return the seconds from one page of each side to the next: S3's shared by the streams, or the processor's."""
    processor_seconds = sides * constants.page_cpu_seconds
    return max((list_seconds + processor_seconds) / STREAMS, processor_seconds)


def waves_by_arithmetic(objects: int, sides: int, workers: int, constants: Constants) -> list[Wave]:
    """Return the waves of so many objects where all ranges of a wave are as long as each other, which is the best case."""
    left, ranges, waves = max(1, math.ceil(objects / PAGE_KEYS)), 1, list[Wave]()
    while left:
        at_once = min(ranges, workers, MAX_COMPARING)
        page_seconds = seconds_a_page(constants, constants.list_seconds(at_once, objects), sides)
        most = math.ceil(budget_seconds(len(waves) + 1) / page_seconds)
        pages = min(most, math.ceil(left / ranges))
        read = min(left, pages * ranges)
        # A side without keys is one LIST for each range.
        lists = sides * read + (ranges if sides == 1 else 0)
        extra = math.ceil(EXTRA_SHARE * read) + (0 if waves else EXTRA_LISTS)
        waves.append(Wave([pages * page_seconds] * ranges, lists + extra))
        left, ranges = left - read, ranges * STREAMS
    return waves


def in_virtual_time(
    streams: Streams,
    take_in: Callable[[Request], object],
    list_seconds: float,
    page_seconds: float,
    most_seconds: float = math.inf,
) -> tuple[float, int]:
    """Read what streams ask for; return the seconds that passed, and the LISTs. Always the same.

    LISTs go side by side, one processor calls `take_in` with one request after the other; none is sent after `most_seconds`.
    """
    under_way, now, lists = list[tuple[float, int, Request]](), 0.0, 0
    while True:
        for request in streams.requests() if now < most_seconds else ():
            lists += 1
            heapq.heappush(under_way, (now + list_seconds, lists, request))
        if not under_way:
            return now, lists
        arrives, _, request = heapq.heappop(under_way)
        now = max(now, arrives) + page_seconds
        take_in(request)


def page_of(side: Sequence[Entry], request: Request, page_keys: int) -> tuple[Sequence[Entry], str | None]:
    """Return the page of a side, all of whose objects are in order of keys, and the token of the next one."""
    before = 0 if request.after is None else bisect_right(side, request.after, key=_KEY)
    begin = int(request.token) if request.token else before
    end = begin + page_keys
    return side[begin:end], str(end) if end < len(side) else None


@dataclass(frozen=True)
class VirtualBuckets:
    """Keys of both buckets, read page by page by one worker; time passes only as requests and the processor take it."""

    source: Sequence[Entry]
    destination: Sequence[Entry]
    constants: Constants
    page_keys: int = PAGE_KEYS

    def compare(self, key_range: KeyRange, most_seconds: float) -> tuple[float, int, list[KeyRange]]:
        """Compare a range as a worker does; return its seconds, its LISTs, and what it hands back."""
        streams = Streams(key_range)
        seconds, lists = in_virtual_time(
            streams,
            lambda request: streams.receive(request, *self._page(request)),
            self.constants.list_seconds(1, len(self.source)),
            self.constants.page_cpu_seconds,
            most_seconds,
        )
        return seconds, lists, streams.remaining()

    def waves(self, budget: Callable[[int], float] = budget_seconds) -> list[Wave]:
        """Return the waves of a comparison of all keys, each turn by a worker that no other slows down."""
        ranges, waves = [KeyRange()], list[Wave]()
        while ranges:
            turns = [self.compare(one, budget(len(waves) + 1)) for one in ranges]
            waves.append(Wave([seconds for seconds, _, _ in turns], sum(lists for _, lists, _ in turns)))
            ranges = [one for _, _, handed_back in turns for one in handed_back]
        return waves

    def _page(self, request: Request) -> tuple[Sequence[Entry], str | None]:
        return page_of(self.source if request.side == SOURCE else self.destination, request, self.page_keys)


def entries(keys: Sequence[str]) -> list[Entry]:
    """Return objects with these keys, all alike."""
    return [Entry(key, "", 0, datetime(2026, 1, 1, tzinfo=UTC)) for key in keys]
