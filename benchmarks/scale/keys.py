"""Buckets of any number of keys that nobody stores: which key has a number, and how many keys are not after a position."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

DIGITS = "0123456789abcdef"
YEARS, MONTHS, DAYS = range(2018, 2026), range(1, 13), range(1, 29)
FOLDERS = [f"{letter}{number}" for letter in "abcde" for number in range(10)]
_SCATTER = 0x9E3779B97F4A7C15


class Keys(Protocol):
    """The keys of a bucket in order."""

    @property
    def count(self) -> int:
        """How many there are."""

    def key(self, index: int) -> str:
        """Return a key by its number, from 0."""

    def rank(self, position: str | None) -> int:
        """Return how many keys are not after a position; None is before all of them."""


@dataclass(frozen=True)
class Numbered:
    """Keys of a rising number between two texts; `scattered`, at a place of its own within each step."""

    count: int
    prefix: str
    width: int
    suffix: str = ""
    base: int = 10
    step: int = 1
    scattered: bool = False

    def key(self, index: int) -> str:
        """Return a key by its number."""
        number = f"{self._value(index):0{self.width}{'x' if self.base == 16 else 'd'}}"
        return f"{self.prefix}{number}{self.suffix}"

    def rank(self, position: str | None) -> int:
        """Return how many keys are not after a position."""
        if position is None:
            return 0
        if not position.startswith(self.prefix):
            return self.count if position > self.prefix else 0
        greatest = self._greatest(position[len(self.prefix) :])
        index = min(greatest // self.step, self.count - 1)
        return 0 if greatest < 0 else index + (self._value(index) <= greatest)

    def _value(self, index: int) -> int:
        beside = (index * _SCATTER % 2**64) * self.step >> 64 if self.scattered else 0
        return index * self.step + beside

    def _greatest(self, text: str) -> int:
        """Return the greatest number whose key is not after the prefix and this text; -1 if there is none."""
        alphabet, number = DIGITS[: self.base], 0
        for length, character in enumerate(text[: self.width]):
            digit = alphabet.find(character)
            if digit < 0:
                below = sum(one < character for one in alphabet)
                return int((number * self.base + below) * self.base ** (self.width - length - 1)) - 1
            number = number * self.base + digit
        if len(text) < self.width:
            return int(number * self.base ** (self.width - len(text))) - 1
        return number if text[self.width :] >= self.suffix else number - 1


@dataclass(frozen=True)
class Joined:
    """Keys of several folders, in the order of their keys."""

    parts: Sequence[Keys]

    @cached_property
    def _before(self) -> list[int]:
        return [0, *itertools.accumulate(part.count for part in self.parts)]

    @cached_property
    def _firsts(self) -> list[str]:
        return [part.key(0) for part in self.parts]

    @property
    def count(self) -> int:
        """How many keys there are."""
        return self._before[-1]

    def key(self, index: int) -> str:
        """Return a key by its number."""
        at = bisect_right(self._before, index) - 1
        return self.parts[at].key(index - self._before[at])

    def rank(self, position: str | None) -> int:
        """Return how many keys are not after a position."""
        at = bisect_right(self._firsts, position) - 1 if position is not None else -1
        return self._before[at] + self.parts[at].rank(position) if at >= 0 else 0


NO_KEYS = Joined([])


def hexadecimal(count: int) -> Keys:
    """Return random-looking keys such as UUIDs or checksums."""
    return Numbered(count, "", 32, base=16, step=2**128 // count, scattered=True)


def sequential(count: int) -> Keys:
    """Return numbers in a row."""
    return Numbered(count, "object-", 12, ".bin")


def dated(count: int) -> Keys:
    """Return a folder for each of 2,688 days."""
    days = [f"logs/{year}/{month:02d}/{day:02d}/" for year in YEARS for month in MONTHS for day in DAYS]
    shares = _shares(count, len(days))
    return Joined(
        [Numbered(share, day, 12, ".gz", step=7) for day, share in zip(days, shares, strict=True) if share]
    )


def uneven(count: int) -> Keys:
    """Return 51 folders, 99 % of all keys in one of them."""
    shares = _shares(count // 100, len(FOLDERS))
    parts = [
        Numbered(share, f"{name}/", 12, step=1000)
        for name, share in zip(FOLDERS, shares, strict=True)
        if share
    ]
    big = Numbered(count - sum(part.count for part in parts), "c5big/", 12)
    every: list[Numbered] = sorted([*parts, big], key=lambda part: part.prefix)
    return Joined(every)


def _shares(count: int, parts: int) -> list[int]:
    return [count * (number + 1) // parts - count * number // parts for number in range(parts)]


SHAPES: dict[str, Callable[[int], Keys]] = {
    "hexadecimal": hexadecimal,
    "sequential numbers": sequential,
    "date folders": dated,
    "99 % in one folder": uneven,
}
