"""Cutting a key range into several by skip-scanning.

Cuts are made between two ends
of an existing range, so every key stays in exactly one range whatever the cuts are: their quality decides speed, never
coverage.

Skip-scanning finds where the keys of a range fork: the longest prefix that all of them share, by binary search over the
prefixes of the first key, each step one LIST of one key that begins after everything with that prefix. Then it steps from
sibling to sibling at the fork. Each sibling is a cut, and a range to fork in turn, breadth first, until there are enough.

Where a bucket forks says nothing about where its keys are: 99 % of them may be in one of a hundred folders. So the ranges are
weighed from the first on, each with one LIST of a page: ranges that together fit into it are light and become one, and a range
that does not is heavy. Cuts that light ranges give back are made in the heavy ones, and the new ranges weighed in turn. Where
the first few are all heavy, weighing ends: such a bucket is even enough.
"""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lambda_functions.shared.options import MAX_KEY_BYTES
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.listing import KeyRange, first_key, page_end

# The greatest character: prefix + LAST comes after every key with that prefix but those that go on with this very character.
LAST = "\U0010ffff"
# A cut costs a little more than one probe where keys are many; this bounds what an unlucky bucket may cost.
PROBES_PER_RANGE = 8
# Fewer ranges are not weighed: it costs a few LISTs, and the next wave mends what is uneven.
WEIGHED_FROM = 16
# Ranges are light if so many of them together fit into a page.
LIGHT_RANGES = 4
# So many pages in a row that make nothing lighter end the weighing, which would cost a LIST for each of the other ranges.
MAX_FRUITLESS_PAGES = 4
ROUNDS = 3
# After half of the steps, and so many at least, the others at the first fork become as long as it is wide: it may have more
# siblings than there are cuts, such as thousands of Chinese first characters, and nearly all keys would be behind the last cut.
ADJACENT_SIBLINGS = 4
# Code points that are no characters, so that no position may hold one.
FIRST_SURROGATE, LAST_SURROGATE = 0xD800, 0xDFFF

Probe = Callable[[str | None], str | None]


@dataclass(frozen=True)
class _Fork:
    """A range still to be forked; all its keys begin with the first `shared` characters of `first`."""

    first: str
    shared: int
    end: str | None


def cut_range(clients: Clients, run: Run, key_range: KeyRange, wanted: int) -> list[KeyRange]:
    """Return ranges that together are `key_range`; one if neither side has more than 1,000 keys after its beginning.

    The source is cut; the destination only where the source is short, because an orphaned bucket has to be read as well.
    Requests: one or two LISTs of a page, then LISTs of one key and a few of a page.
    """
    for client, side in ((clients.source, run.source), (clients.destination, run.destination)):
        end = page_end(client, side, key_range.after)
        if end is not None and not key_range.ends_by(end):
            probe = functools.partial(first_key, client, side)
            weigh = functools.partial(page_end, client, side)
            return cut(key_range, wanted, probe, len(side.prefix.encode()), weigh)
    return [key_range]


def cut(
    key_range: KeyRange, wanted: int, probe: Probe, prefix_bytes: int = 0, page_end: Probe | None = None
) -> list[KeyRange]:
    """Return at most `wanted` ranges that together are `key_range`.

    `probe(after)` returns the first key after a position; `prefix_bytes` is what the side's prefix adds to a position.
    `page_end(after)` returns the last key of a full page after a position, None where the keys end within it; without it
    ranges are not weighed. At most 8 LISTs for each range that is wanted.
    """
    prober = _Prober(probe, wanted * PROBES_PER_RANGE, prefix_bytes)
    ranges = _split(key_range, wanted, prober)
    if page_end is not None and len(ranges) == wanted >= WEIGHED_FROM:
        weigher = _Prober(page_end, wanted, prefix_bytes)
        for _ in range(ROUNDS):
            ranges, heavy = _weigh(ranges, weigher)
            if not heavy or len(ranges) == wanted:
                break
            ranges = _cut_heavy(ranges, heavy, wanted, prober)
    return ranges


def _split(key_range: KeyRange, wanted: int, prober: _Prober) -> list[KeyRange]:
    edges = [key_range.after, *sorted(_cuts(key_range, wanted - 1, prober)), key_range.up_to]
    return [KeyRange(after, up_to) for after, up_to in itertools.pairwise(edges)]


def _weigh(ranges: list[KeyRange], weigher: _Prober) -> tuple[list[KeyRange], list[KeyRange]]:
    """Return the ranges, light neighbours made one, and those of them that are heavy, or not weighed after pages in vain."""
    merged: list[KeyRange] = []
    heavy: list[KeyRange] = []
    index = in_vain = 0
    while index < len(ranges) and in_vain < MAX_FRUITLESS_PAGES:
        page_end = weigher.within(ranges[index].after, None)
        if page_end is None:
            break
        behind = next(
            (at for at in range(index, len(ranges)) if not ranges[at].ends_by(page_end)), len(ranges)
        )
        if behind - index >= LIGHT_RANGES:
            merged.append(KeyRange(ranges[index].after, ranges[behind - 1].up_to))
            index, in_vain = behind, 0
        else:
            heavy += [ranges[index]] if behind == index else []
            merged.append(ranges[index])
            index, in_vain = index + 1, in_vain + 1
    if in_vain == MAX_FRUITLESS_PAGES:
        heavy += ranges[index:]
    return [*merged, *ranges[index:]], heavy


def _cut_heavy(ranges: list[KeyRange], heavy: list[KeyRange], wanted: int, prober: _Prober) -> list[KeyRange]:
    """Return the ranges with the heavy ones cut until there are `wanted`."""
    parts: list[KeyRange] = []
    heavy_left = len(heavy)
    for number, key_range in enumerate(ranges):
        if key_range in heavy:
            free = wanted - len(parts) - len(ranges[number:])
            parts += _split(key_range, 1 + free // heavy_left, prober)
            heavy_left -= 1
        else:
            parts.append(key_range)
    return parts


class _Prober:
    """Asks for the first key after a position; silent once its probes are spent or a position is longer than a key may be."""

    def __init__(self, probe: Probe, most: int, prefix_bytes: int) -> None:
        self._probe = probe
        self._left = most
        self._most_bytes = MAX_KEY_BYTES - prefix_bytes

    def within(self, after: str | None, end: str | None) -> str | None:
        """Return the first key after `after` and not after `end`."""
        if self._left <= 0 or (after is not None and len(after.encode()) > self._most_bytes):
            return None
        self._left -= 1
        key = self._probe(after)
        return key if key is not None and (end is None or key <= end) else None


def _cuts(key_range: KeyRange, wanted: int, prober: _Prober) -> set[str]:
    cuts: set[str] = set()
    first = prober.within(key_range.after, key_range.up_to) if wanted > 0 else None
    forks = deque([_Fork(first, 0, key_range.up_to)] if first is not None else [])
    while forks and len(cuts) < wanted:
        fork = _at_first_fork(forks.popleft(), prober)
        for position, sibling in _siblings(fork, prober, wanted - len(cuts), not cuts):
            if position is not None:
                cuts.add(position)
            forks.append(sibling)
    return {position for position in cuts if key_range.contains(position) and position != key_range.up_to}


def _at_first_fork(fork: _Fork, prober: _Prober) -> _Fork:
    """Return the fork with `shared` raised to the longest prefix of its first key that all its keys share."""
    low, high = fork.shared, len(fork.first)
    while low < high:
        middle = (low + high + 1) // 2
        beyond = prober.within(fork.first[:middle] + LAST, fork.end)
        if beyond is None:
            low = middle
        else:
            high = min(middle - 1, _shared_length(fork.first, beyond))
            low = min(low, high)
    return _Fork(fork.first, low, fork.end)


def _siblings(fork: _Fork, prober: _Prober, most: int, is_first: bool) -> Iterator[tuple[str | None, _Fork]]:
    """Yield (cut, the sibling before it) for each step at the fork; last (None, what reaches the end)."""
    current, length, stride = fork.first, fork.shared + 1, 1
    for step in range(most):
        if step == max(ADJACENT_SIBLINGS, most // 2) and is_first:
            stride = _stride(current, fork, prober, most - step)
        position = _behind(current, fork.shared, stride)
        following = prober.within(position, fork.end)
        if following is None or following[:length] <= current[:length]:
            if current != fork.first:
                yield None, _Fork(current, _shared_by(current, fork, stride), fork.end)
            return
        yield position, _Fork(current, _shared_by(current, fork, stride), position)
        current = following
    yield None, _Fork(current, fork.shared, fork.end)


def _behind(current: str, shared: int, stride: int) -> str:
    """Return the position behind so many siblings: characters at the fork, whether there are keys with them or not."""
    if len(current) <= shared:
        return current
    character = min(ord(current[shared]) + stride - 1, ord(LAST))
    if FIRST_SURROGATE <= character <= LAST_SURROGATE:
        character = FIRST_SURROGATE - 1
    return current[:shared] + chr(character) + LAST


def _shared_by(current: str, fork: _Fork, stride: int) -> int:
    return min(fork.shared + (stride == 1), len(current))


def _stride(current: str, fork: _Fork, prober: _Prober, most: int) -> int:
    """Return how many characters a step passes, so that `most` steps reach the last one that has keys; 1 within ASCII.

    The last one is looked for by halving what is left of Unicode, so it may be half as far as it is taken to be.
    """
    if len(current) <= fork.shared or current[fork.shared].isascii():
        return 1
    low, high = ord(current[fork.shared]), ord(LAST)
    while (
        high - low > most
        and prober.within(_behind(current, fork.shared, (high - low) // 2), fork.end) is None
    ):
        high = (low + high) // 2
    return max(1, (high - low) // most)


def _shared_length(text: str, other: str) -> int:
    return next(
        (index for index, (a, b) in enumerate(zip(text, other, strict=False)) if a != b),
        min(len(text), len(other)),
    )
