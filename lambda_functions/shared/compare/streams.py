"""Which pages of a key range to read next, for several streams at once: positions in, decisions out; no threads, no S3.

One stream reads one piece, both sides of it side by side. A stream without a piece asks for a page at a position of another's
piece (`positions`): where there are keys, it is cut there and the page is the first of the new piece; where there are none,
nothing is cut, for orphans may still be there. So the ends of pieces only ever come from cuts between, see `pieces`.

Everything is judged by what is so when an answer comes, not when it was asked for: the piece at a position may be another by
then, or have got past it, and then the page is dropped.
"""

from __future__ import annotations

import functools
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lambda_functions.shared.compare import positions
from lambda_functions.shared.compare.pieces import SIDES, Chunk, Piece, Reading
from lambda_functions.shared.compare.positions import Estimate, Search
from lambda_functions.shared.option_rules import MAX_KEY_BYTES
from lambda_functions.shared.s3.list_page import Entry
from lambda_functions.shared.s3.listing import KeyRange

# How many streams a worker has that lists at 80 ms: with more, one processor decides no faster.
STREAMS = 8
# Nothing is cut before so many pages have come: most buckets are smaller, and a cut costs a LIST or so.
FIRST_PAGES = 4
# How many LISTs cuts and guesses may cost: some at once, and a share of the pages that were read, less of very many. What may be
# spent at once is spent once a run: ranges of later waves are many, and have been cut already.
FIRST_EXTRA = 14
LATER_EXTRA = 1
SHARE = 0.15
SHARE_BEYOND = 0.03
BEYOND_PAGES = 200
# Into how many ranges what is left is handed back, about: those with an end, and as many without.
MOST_HANDED_BACK = 32
# A turn that has read less hands its pieces back as they are: 64 ranges without a key would cost as much again.
PAGES_OF_A_LARGE_TURN = 500
# How estimates are mistrusted where positions are overtaken, because there are fewer pages than they say.
MORE_CAUTION = 1.5
LESS_CAUTION = 1.25
MOST_CAUTION = 16.0


@dataclass(frozen=True, eq=False)
class Request:
    """A page to read: of a side, after a key or from a token on. `reading` is whose it is; a guess has none."""

    side: int
    after: str | None
    token: str | None
    reading: Reading | None
    generation: int


@dataclass(eq=False)
class _Guess:
    """A position that is asked for, and how many pages ahead it was."""

    position: str
    pages_ahead: float


@dataclass
class Streams:
    """The pieces of a key range, and how they are read.

    `most_bytes` is what a position may have, `first_extra` how many LISTs may be spent on cuts before pages have paid for them.
    """

    key_range: KeyRange
    most_streams: int = STREAMS
    most_bytes: int = MAX_KEY_BYTES
    first_extra: int = FIRST_EXTRA
    pieces: list[Piece] = field(default_factory=list)
    has_moved: bool = False
    _done: list[KeyRange] = field(default_factory=list)
    _searches: dict[Piece, Search] = field(default_factory=dict)
    _estimates: dict[Piece, tuple[object, Estimate | None]] = field(default_factory=dict)
    _guesses: dict[Request, _Guess] = field(default_factory=dict)
    _landmarks: list[str] = field(default_factory=list)
    _pages: int = 0
    _extra: int = 0
    _caution: float = 1.0
    _generation: int = 0

    def __post_init__(self) -> None:
        whole = Piece(self.key_range.after, self.key_range.up_to)
        self._add(whole, Search(whole.guide()))

    def requests(self) -> list[Request]:
        """Return the pages to be asked for now; each is to be answered by `receive`."""
        return [*self._next_pages(), *self._next_guesses()]

    def receive(self, request: Request, page: Sequence[Entry], token: str | None) -> list[Chunk]:
        """Take in a page, and where the listing goes on; return what can be decided by it. Raises RangeBroken."""
        self._pages += 1
        guess = self._guesses.pop(request, None)
        take_in = functools.partial(self._cut_at, guess) if guess else self._continue
        changed = take_in(request, page, token)
        return [chunk for piece in changed if (chunk := self._claim(piece))]

    def _claim(self, piece: Piece) -> Chunk | None:
        chunk = piece.claim()
        if chunk is not None:
            self.has_moved = True
            if piece.is_done():
                self.pieces.remove(piece)
                self._searches.pop(piece)
                self._estimates.pop(piece, None)
                self._done.append(KeyRange(piece.began, piece.end))
        return chunk

    def slow_down(self, request: Request) -> None:
        """Read with half as many streams from now on, because S3 was too busy for a request; once for all that were under way."""
        if request.generation == self._generation:
            self.most_streams = max(1, self.most_streams // 2)
            self._generation += 1

    def remaining(self) -> list[KeyRange]:
        """Return what is not decided, in order of keys: its pieces, the large ones in parts, so that workers share it evenly.

        No LIST tells where these parts end, so some may have no keys; every key is in one of them all the same.
        """
        found = {piece: self._estimate(piece) for piece in self.pieces}
        total = sum(one.pages for piece, one in found.items() if one and piece.end is not None)
        return [part for piece in self.pieces for part in self._parts(piece, found[piece], total)]

    def _parts(self, piece: Piece, found: Estimate | None, total: float) -> list[KeyRange]:
        if found is None or found.pages < 2 * positions.LEAST_SHARE or self._pages < PAGES_OF_A_LARGE_TURN:
            return [piece.remaining()]
        share = 1.0 if piece.end is None else found.pages / total
        count = min(int(MOST_HANDED_BACK * share), int(found.pages / positions.LEAST_SHARE))
        ends = positions.shares(piece, self._search(piece), found, max(1, count))
        return [KeyRange(*edges) for edges in pairwise([piece.claimed, *ends, piece.end])]

    def decided(self) -> list[KeyRange]:
        """Return what was handed out, in order of keys, what is end to end as one."""
        begun = [
            KeyRange(piece.began, piece.claimed) for piece in self.pieces if piece.claimed != piece.began
        ]
        return _join([*self._done, *begun])

    def _add(self, piece: Piece, search: Search) -> None:
        self.pieces.append(piece)
        self.pieces.sort(key=lambda one: one.remaining().place())
        self._searches[piece] = search

    def _next_pages(self) -> Iterator[Request]:
        for piece in self.pieces[: self.most_streams]:
            for side in SIDES:
                reading = piece.readings[side]
                if reading.wants_page():
                    reading.is_under_way = True
                    after = None if reading.token else reading.after
                    yield Request(side, after, reading.token, reading, self._generation)

    def _continue(self, request: Request, page: Sequence[Entry], token: str | None) -> list[Piece]:
        reading = request.reading
        assert reading is not None
        reading.is_under_way = False
        piece = next((one for one in self.pieces if reading in one.readings), None)
        if piece is None or reading.is_done:
            self._extra += 1
            return []
        reading.take(page, token, piece.end)
        is_in_vain = bool(page) and piece.end is not None and page[0].key > piece.end
        self._extra += is_in_vain and piece.end != self.key_range.up_to
        return [piece]

    def _next_guesses(self) -> Iterator[Request]:
        while len(self.pieces) + len(self._guesses) < self.most_streams and self._may_guess():
            request = self._next_guess()
            if request is None:
                return
            yield request

    def _may_guess(self) -> bool:
        beyond = max(0, self._pages - BEYOND_PAGES)
        most = self.first_extra + SHARE * (self._pages - beyond) + SHARE_BEYOND * beyond
        most = min(most, 2 * self._pages - FIRST_PAGES)
        return self._pages >= FIRST_PAGES and self._extra + len(self._guesses) < most

    def _next_guess(self) -> Request | None:
        ranked = sorted(self._worth_cutting(), key=lambda one: one[0], reverse=True)
        for _, piece, found, pending in ranked:
            where = self._position(piece, found, pending)
            if where is not None and len(where[0].encode()) <= self.most_bytes:
                guide = piece.guide()
                assert guide is not None
                request = Request(guide, where[0], None, None, self._generation)
                self._guesses[request] = _Guess(*where)
                return request
        return None

    def _worth_cutting(self) -> Iterator[tuple[float, Piece, Estimate, list[str]]]:
        """Yield the pieces that may have enough left, and how much that is shared by those who asked for a part of it."""
        for piece in self.pieces:
            found, search = self._estimate(piece), self._search(piece)
            pending = [guess.position for guess in self._guesses.values() if piece.contains(guess.position)]
            guide = piece.guide()
            if (
                found is None
                or guide is None
                or piece.readings[guide].token is None
                or len(pending) >= search.window
            ):
                continue
            if positions.position_behind_all(piece, search, found):
                yield float("inf"), piece, found, pending
            elif found.pages >= positions.LEAST_PAGES * self._caution:
                worth = min(found.pages, piece.readings[guide].pages + positions.BELIEVED_PAGES) / (
                    1 + len(pending)
                )
                yield worth * (2 if piece.end is None else 1), piece, found, pending

    def _position(self, piece: Piece, found: Estimate, pending: Sequence[str]) -> tuple[str, float] | None:
        search = self._search(piece)
        behind_all = positions.position_behind_all(piece, search, found)
        if behind_all is None:
            return positions.next_position(piece, search, found, pending, self._caution)
        search.asked_end = behind_all
        return None if behind_all in pending else (behind_all, 0.0)

    def _search(self, piece: Piece) -> Search:
        """Return what asking in a piece has taught, which is nothing if its guide is another than it was."""
        if self._searches[piece].side != piece.guide():
            self._searches[piece] = Search(piece.guide())
        return self._searches[piece]

    def _estimate(self, piece: Piece) -> Estimate | None:
        """Return how much is left of a piece; as before where it has read nothing since, because this takes a millisecond."""
        guide, hint = piece.guide(), self._search(piece).hint
        if guide is None:
            return None
        known = (guide, piece.readings[guide].last, piece.end, hint)
        before, found = self._estimates.get(piece, (None, None))
        if before != known:
            found = positions.estimate(piece.readings[guide], piece.end, hint, self._landmarks)
            self._estimates[piece] = known, found
        return found

    def _cut_at(
        self, guess: _Guess, request: Request, page: Sequence[Entry], token: str | None
    ) -> list[Piece]:
        """Cut where there are keys behind a position; return both parts."""
        self._extra += 1
        piece = next((one for one in self.pieces if one.contains(guess.position)), None)
        if piece is None or _is_overtaken(piece.readings[request.side], guess.position):
            self._caution = min(self._caution * MORE_CAUTION, MOST_CAUTION)
            return []
        if not page or (piece.end is not None and page[0].key > piece.end):
            if request.side == self._search(piece).side:
                self._search(piece).fail(guess.position)
            return []
        return [piece, self._cut(piece, guess, request.side, page, token)]

    def _cut(self, piece: Piece, guess: _Guess, side: int, page: Sequence[Entry], token: str | None) -> Piece:
        self._caution = max(1.0, self._caution / LESS_CAUTION)
        behind = piece.cut(guess.position)
        behind.readings[side].take(page, token, behind.end)
        insort(self._landmarks, page[0].key)
        self.has_moved = True
        self._add(behind, self._search(piece).part(guess.pages_ahead))
        return behind


def _is_overtaken(reading: Reading, position: str) -> bool:
    return reading.is_done or (reading.last is not None and reading.last >= position)


def _join(ranges: Sequence[KeyRange]) -> list[KeyRange]:
    joined: list[KeyRange] = []
    for one in sorted(ranges, key=KeyRange.place):
        if joined and joined[-1].up_to == one.after:
            joined[-1] = KeyRange(joined[-1].after, one.up_to)
        else:
            joined.append(one)
    return joined
