"""Merging two ordered listings into pairs: for every key, what each side has under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lambda_functions.shared.s3.listing import Entry

Pair = tuple[Entry | None, Entry | None]


def merge(source: Iterable[Entry], destination: Iterable[Entry]) -> Iterator[Pair]:
    """Yield (source, destination) for every key of either side, in order; None where a side does not have the key.

    Both must be strictly increasing by key; `listing.entries` sees to that. Pure: reads both lazily, each once.
    """
    left, right = iter(source), iter(destination)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.key < other.key):
            yield one, None
            one = next(left, None)
        elif one is None or other.key < one.key:
            yield None, other
            other = next(right, None)
        else:
            yield one, other
            one, other = next(left, None), next(right, None)


def key_of(pair: Pair) -> str:
    """Return the key that a pair is about."""
    entry = pair[0] or pair[1]
    assert entry is not None
    return entry.key
