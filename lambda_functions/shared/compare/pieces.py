"""Pieces of a key range: what each has read of both sides, what can be decided of it, and cutting one in two.

A piece is the keys after `claimed` up to `end`. Every key of a range is in exactly one piece, whatever becomes of them: pieces
change in two ways only. `claim` moves `claimed` forward over keys that both sides have been read up to, and hands these out;
`cut` parts one piece in two at a position between. Pure: no threads, no S3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from lambda_functions.shared.errors import RangeBroken
from lambda_functions.shared.s3.list_page import Entry
from lambda_functions.shared.s3.listing import KeyRange

SOURCE, DESTINATION = 0, 1
SIDES = (SOURCE, DESTINATION)
# Keys that a piece has at hand while it asks for the next page: one page, so that the next is under way while this is decided.
KEYS_AHEAD = 1000
# Where the destination has had so many times the pages of the source, it tells better where keys are.
MUCH_MORE = 2
# How much of what was read estimates look at: the ends of the last pages, and some keys of the last one.
EDGES = 5
SAMPLE_EVERY = 32

_KEY = attrgetter("key")


@dataclass(frozen=True)
class Chunk:
    """What both sides have under some keys, in order: of every key there is in them, all that there is."""

    source: Sequence[Entry]
    destination: Sequence[Entry]


@dataclass(eq=False)
class Reading:
    """One side of a piece: what was read of it and is not handed out yet, and where its listing goes on.

    `after` is where it begins, `token` where the next page begins. `edges` are the first key and the last keys of pages,
    `sample` some keys of the last page: what estimates are made of.
    """

    after: str | None
    entries: list[Entry] = field(default_factory=list)
    last: str | None = None
    token: str | None = None
    pages: int = 0
    is_under_way: bool = False
    is_done: bool = False
    edges: list[str] = field(default_factory=list)
    sample: Sequence[str] = ()

    def wants_page(self) -> bool:
        """Whether its next page is to be asked for."""
        return not (self.is_done or self.is_under_way) and len(self.entries) <= KEYS_AHEAD

    def take(self, page: Sequence[Entry], token: str | None, end: str | None) -> None:
        """Take in its next page; raise RangeBroken where keys are not in order."""
        _require_order(self.last, page)
        page = page[_count_up_to(page, self.after) :] if self.last is None else page
        within = page[: _count_up_to(page, end)] if end is not None else page
        self.entries += within
        self.pages += 1
        if within:
            self._remember([entry.key for entry in within])
        is_last = token is None or len(within) < len(page) or (end is not None and self.last == end)
        self.token, self.is_done = (None, True) if is_last else (token, False)

    def _remember(self, keys: Sequence[str]) -> None:
        self.edges = [*(self.edges or [keys[0]]), keys[-1]][-EDGES:]
        self.sample = keys[::SAMPLE_EVERY]
        self.last = keys[-1]

    def hand_out(self, up_to: str | None) -> list[Entry]:
        """Return what there is up to a key, and forget it; None is all."""
        count = len(self.entries) if up_to is None else _count_up_to(self.entries, up_to)
        handed, self.entries = self.entries[:count], self.entries[count:]
        return handed


class Piece:
    """The keys of a range after `claimed` up to `end`, both sides of them; those since `began` are handed out."""

    def __init__(
        self, claimed: str | None, end: str | None, readings: tuple[Reading, Reading] | None = None
    ) -> None:
        self.began = self.claimed = claimed
        self.end = end
        self.readings = readings or (Reading(claimed), Reading(claimed))

    def contains(self, position: str) -> bool:
        """Whether a position is between its ends."""
        is_before_end = self.end is None or position < self.end
        return is_before_end and (self.claimed is None or position > self.claimed)

    def guide(self) -> int | None:
        """Return the side that says where keys are, None if both were read: the source, or the destination if that has more."""
        source, destination = self.readings
        if source.is_done or (not destination.is_done and destination.pages > MUCH_MORE * (source.pages + 1)):
            return None if destination.is_done else DESTINATION
        return SOURCE

    def is_done(self) -> bool:
        """Whether both sides were read to the end and everything was handed out."""
        return all(reading.is_done and not reading.entries for reading in self.readings)

    def claim(self) -> Chunk | None:
        """Hand out what is known of both sides; None where that is nothing."""
        open_ones = [reading for reading in self.readings if not reading.is_done]
        lasts = [reading.last for reading in open_ones if reading.last is not None]
        if len(lasts) < len(open_ones):
            return None
        up_to = min(lasts) if lasts else self.end
        if lasts and self.claimed is not None and up_to is not None and up_to <= self.claimed:
            return None
        self.claimed = up_to
        return Chunk(*(reading.hand_out(up_to) for reading in self.readings))

    def cut(self, position: str) -> Piece:
        """Keep what is up to a position, which must be inside; return a piece of what is behind it."""
        kept, given = zip(*(_part(reading, position) for reading in self.readings), strict=True)
        behind = Piece(position, self.end, (given[SOURCE], given[DESTINATION]))
        self.readings = (kept[SOURCE], kept[DESTINATION])
        self.end = position
        return behind

    def remaining(self) -> KeyRange:
        """Return what is left of it."""
        return KeyRange(self.claimed, self.end)


def _part(reading: Reading, position: str) -> tuple[Reading, Reading]:
    """Return the readings before and behind a position. One that has got beyond it goes on behind it; nothing is read twice."""
    is_beyond = reading.is_done or (reading.last is not None and reading.last >= position)
    if not is_beyond:
        return reading, Reading(position)
    count = _count_up_to(reading.entries, position)
    before = Reading(reading.after, reading.entries[:count], reading.last, pages=reading.pages, is_done=True)
    reading.entries = reading.entries[count:]
    return before, reading


def _count_up_to(entries: Sequence[Entry], key: str | None) -> int:
    return 0 if key is None else bisect_right(entries, key, key=_KEY)


def _require_order(last: str | None, page: Sequence[Entry]) -> None:
    """Raise RangeBroken unless the keys of a page are each greater than the one before, the first one than `last`."""
    keys = [entry.key for entry in page]
    before = [last, *keys[:-1]] if last is not None else keys[:-1]
    after = keys if last is not None else keys[1:]
    if not all(map(str.__lt__, before, after)):
        wrong = next(pair for pair in zip(before, after, strict=True) if pair[0] >= pair[1])
        raise RangeBroken(f"lists {wrong[1]!r} after {wrong[0]!r}: its keys are not in order")
