"""Where in a piece to ask for a page, so that another stream can read on from there: guesses, from what was read so far.

How many pages are left of a piece is estimated by how far apart the ends of its last pages are (`key_space`). Where that number
is believable, the middle of what is left is asked for. Where it is not (numbers with leading zeros promise billions), positions
are asked for ever further ahead, until one has no key behind it; then between the last two. This is a search without bounds as of
Bentley and Yao (An almost optimal algorithm for unbounded searching, 1976), several steps at a time.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lambda_functions.shared.compare.key_space import LAST, LENGTH, KeySpace
from lambda_functions.shared.compare.pieces import Piece, Reading

# Nearer than that, in pages, a position is likely to be overtaken while it is asked for: a page is decided, one is under way.
PAGES_AHEAD = 2.0
# What is parted must be worth the pages that both halves read beyond their ends.
LEAST_PAGES = 4.0
# So many times the pages that were read are believed to be left.
BELIEVED_TIMES = 50
BELIEVED_PAGES = 20
# What is handed back as a range of its own at least: reading beyond its end costs a page or two.
LEAST_SHARE = 64.0
# How much further ahead the next position is where the number of pages left is not believed.
STRIDE = 4.0
# How many positions of one piece are asked for at once: more where they are found, fewer where they are not.
WINDOW = 4.0
# A position may be a bit before the one that was meant, if it is shorter for it: parts of a page.
PRECISION = 64
# Of the other pieces' beginnings, those that are taken to tell what keys look like.
LANDMARKS = 12


@dataclass
class Search:
    """What asking in a piece has taught: `hint`, after which the guide has no key; whether estimates were right so far.

    `side` is that guide: of the other side nothing is known. `reach` is how many pages ahead was asked with success, `asked_end`
    behind which prefix was asked already.
    """

    side: int | None
    hint: str | None = None
    is_believed: bool = True
    window: float = WINDOW
    reach: float = 0.0
    asked_end: str | None = None

    def fail(self, position: str) -> None:
        """Note that there is no key between a position and the end."""
        self.hint = position if self.hint is None else min(self.hint, position)
        self.is_believed, self.reach = False, 0.0
        self.window = max(1.0, self.window / 2)

    def part(self, reach: float) -> Search:
        """Begin anew for what is before a position that was found; return what is known behind it."""
        behind = Search(self.side, self.hint, self.hint is None, self.window * 1.5, reach, self.asked_end)
        self.hint, self.is_believed, self.reach = None, True, 0.0
        self.window *= 1.5
        return behind


@dataclass(frozen=True)
class Estimate:
    """How much is left of a piece: between two values of a key space, so much for each page."""

    space: KeySpace
    low: int
    high: int
    page: int

    @property
    def pages(self) -> float:
        """Return how many pages are left."""
        return (self.high - self.low) / self.page

    def pages_to(self, position: str) -> float:
        """Return how many pages ahead a position is."""
        return (self.space.value(position) - self.low) / self.page

    def position(self, pages: float) -> str:
        """Return the position so many pages ahead."""
        return self.space.key_at(self.low + int(pages * self.page), self.page // PRECISION)


def estimate(
    reading: Reading, end: str | None, hint: str | None, landmarks: Sequence[str]
) -> Estimate | None:
    """Return how much is left behind what was read; None where too little was. `landmarks` are keys of the range, in order."""
    if reading.last is None or len(reading.edges) < 2:
        return None
    at = bisect_left(landmarks, reading.last)
    near = landmarks[max(0, at - LANDMARKS) : at + LANDMARKS]
    ends = [end.replace(LAST, "")] if end else []
    space = KeySpace([*reading.sample, *near, *reading.edges], filter(None, ends))
    values = [space.value(edge) for edge in reading.edges]
    page = max(1, (values[-1] - values[0]) // (len(values) - 1))
    high = min(LENGTH if bound is None else space.value(bound) for bound in (end, hint))
    return Estimate(space, values[-1], max(high, values[-1]), page)


def position_behind_all(piece: Piece, search: Search, found: Estimate) -> str | None:
    """Return the position behind everything that looks like the keys so far, where none is known to be; once."""
    end = found.space.end()
    is_open = piece.end is None or piece.end > end
    is_known = search.asked_end == end or (search.hint is not None and search.hint <= end)
    return end if end != LAST and is_open and not is_known and piece.contains(end) else None


def next_position(
    piece: Piece, search: Search, found: Estimate, pending: Sequence[str], caution: float
) -> tuple[str, float] | None:
    """Return where to ask next, and how many pages ahead that is; None where it is not worth it.

    `pending` are positions of this piece that are asked for; `caution` is 1, or more where estimates prove to be too great.
    """
    if found.pages < LEAST_PAGES:
        return None
    nearest = min(PAGES_AHEAD * caution, found.pages / 2)
    asked = sorted(pages for pages in map(found.pages_to, pending) if 0 < pages < found.pages)
    points = [nearest, *asked, found.pages]
    is_believed = search.is_believed and found.pages <= BELIEVED_TIMES * (_pages_read(piece) + BELIEVED_PAGES)
    distances = _halves(points) if is_believed else _strides(points, search)
    for pages in distances:
        position = found.position(pages)
        if _is_new(position, piece, search, pending):
            return position, pages
    return None


def shares(piece: Piece, search: Search, found: Estimate, count: int) -> list[str]:
    """Return positions in order that part what is left of a piece into about so many shares.

    Where nothing proves that there are keys as far as is estimated, some are nearer, by orders of magnitude.
    """
    distances = [found.pages * number / count for number in range(1, count)]
    if piece.end is None or search.hint is not None:
        distances = [*distances[1::2], *_orders_of_magnitude(found.pages, count // 2)]
    parts = {found.position(pages) for pages in distances}
    return sorted(position for position in parts if _is_new(position, piece, search, ()))


def _orders_of_magnitude(pages: float, count: int) -> list[float]:
    return [LEAST_SHARE * (pages / LEAST_SHARE) ** (number / count) for number in range(count)]


def _pages_read(piece: Piece) -> int:
    guide = piece.guide()
    return 0 if guide is None else piece.readings[guide].pages


def _halves(points: Sequence[float]) -> list[float]:
    """Return the middles of gaps that are wide enough, the widest first."""
    gaps = sorted(((high - low, (low + high) / 2) for low, high in pairwise(points)), reverse=True)
    return [middle for width, middle in gaps if width >= LEAST_PAGES / 2]


def _strides(points: Sequence[float], search: Search) -> list[float]:
    """Return the next stride ahead, or where one went too far the middles of gaps by orders of magnitude, the widest first."""
    logarithms = [math.log(max(point, points[0])) for point in points]
    gaps = [(high - low, math.exp((low + high) / 2)) for low, high in pairwise(logarithms)]
    if search.hint is None:
        return [min(max(points[-2], search.reach) * STRIDE, gaps[-1][1])]
    return [middle for _, middle in sorted(gaps, reverse=True) if middle >= points[0]]


def _is_new(position: str, piece: Piece, search: Search, pending: Sequence[str]) -> bool:
    guide = piece.guide()
    last = None if guide is None else piece.readings[guide].last
    is_ahead = last is None or position > last
    is_before_hint = search.hint is None or position < search.hint
    return is_ahead and is_before_hint and piece.contains(position) and position not in pending
