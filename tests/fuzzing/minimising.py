"""Makes a case of plain data smaller for as long as it fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

MOST_TRIES = 3000
# Of containers in containers; what is nested deeper stays as it is.
MOST_DEPTH = 12


def minimise(case: Any, still_fails: Callable[[Any], bool]) -> Any:
    """Return the smallest case that was found with some thousand tries; the case itself where nothing can be left out."""
    tries = 0
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for smaller in _smaller(case):
            tries += 1
            if tries > MOST_TRIES:
                return case
            if still_fails(smaller):
                case, is_smaller = smaller, True
                break
    return case


def _smaller(case: Any, depth: int = MOST_DEPTH) -> Iterator[Any]:
    """Yield cases with something left out, much before little; containers first, then what is in them."""
    if isinstance(case, dict):
        yield from (value for value in case.values() if depth < MOST_DEPTH and isinstance(value, dict | list))
        yield from ({key: value for key, value in case.items() if key != left_out} for left_out in case)
        if depth:
            for key, value in case.items():
                yield from ({**case, key: less} for less in _smaller(value, depth - 1))
    elif isinstance(case, list | tuple):
        if isinstance(case, list):
            yield from (value for value in case if depth < MOST_DEPTH and isinstance(value, dict | list))
            yield from _shorter(case)
        for place, value in enumerate(case if depth else ()):
            parts = (type(case)([less]) for less in _smaller(value, depth - 1))
            yield from (case[:place] + part + case[place + 1 :] for part in parts)
    elif isinstance(case, str | bytes):
        yield from _shorter(case)
    elif isinstance(case, int) and not isinstance(case, bool) and case:
        yield from dict.fromkeys([0, 1 if case > 1 else 0, case // 2 if case > 0 else -case])


def _shorter(case: Any) -> Iterator[Any]:
    length = len(case)
    step = length
    while step:
        yield from (case[:start] + case[start + step :] for start in range(0, length, step))
        step //= 2
