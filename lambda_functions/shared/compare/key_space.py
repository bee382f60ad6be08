"""Keys as numbers, to find a place between two of them: arithmetic on what keys look like, for estimates only.

Keys are laid out on a line as in arithmetic coding (Witten, Neal, Cleary: Arithmetic Coding for Data Compression, 1987): the
line is divided evenly among what some keys have in their first place, each part among what they have in the next, and so on.
A place is a character of a path's segment, or a whole segment where only few words stand there. So numbers with leading zeros,
dates, hashes, names and deep folders alike lie about where they are expected. A wrong guess costs a LIST, never a key.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import count

# The greatest character: prefix + LAST comes after every key with that prefix but those that go on with this very character.
LAST = "\U0010ffff"
SEPARATOR = "/"
# How finely the line is divided: some 60 characters deep.
LENGTH = 1 << 256
# A segment is one place if so few of the keys tell it apart; a name that is seen again and again is likely to be a fixed one.
KEYS_PER_WORD = 6
DIGITS = frozenset("0123456789")
HEXADECIMAL = frozenset("0123456789abcdef")
LAST_ASCII = "\x7f"
# Code points that are no characters, so that no position may hold one.
FIRST_SURROGATE, LAST_SURROGATE = "\ud800", "\udfff"

# A segment of the path, and a character of it; the whole segment is the character 0 of those that are words.
_Place = tuple[int, int]


class KeySpace:
    """A line on which keys lie in order, made from some of them; `positions` are no keys, but lie on it too."""

    def __init__(self, keys: Iterable[str], positions: Iterable[str] = ()) -> None:
        paths = [key.split(SEPARATOR) for key in keys]
        self._words = _words(paths)
        self._characters = _characters([*paths, *(one.split(SEPARATOR) for one in positions)], self._words)

    def value(self, key: str) -> int:
        """Return where a key lies, from 0 to LENGTH."""
        low, width, place = 0, LENGTH, (0, 0)
        while key and (choices := self._choices(place)):
            width //= len(choices)
            symbol, key = self._first_symbol(place, key)
            rank = choices.rank(symbol)
            low += rank * width
            if not width or rank == len(choices) or choices[rank] != symbol:
                break
            place = _next_place(place, symbol)
        return low

    def key_at(self, value: int, precision: int) -> str:
        """Return the position at a value, or up to `precision` before it."""
        low, width, place, symbols = 0, LENGTH, (0, 0), []
        while width > precision and (choices := self._choices(place)):
            width //= len(choices)
            rank = min((value - low) // max(width, 1), len(choices) - 1)
            low += rank * width
            symbols.append(choices[rank])
            place = _next_place(place, choices[rank])
        return "".join(symbols)

    def end(self) -> str:
        """Return the position behind everything that lies on the line: LAST after what all keys begin with."""
        symbols, place = "", (0, 0)
        while (choices := self._choices(place)) and len(choices) == 1:
            symbols += choices[0]
            place = _next_place(place, choices[0])
        return symbols + LAST

    def _choices(self, place: _Place) -> _Choices | None:
        return self._words.get(place[0]) or self._characters.get(place)

    def _first_symbol(self, place: _Place, key: str) -> tuple[str, str]:
        """Return what a key has in a place, and what follows it."""
        if place[0] not in self._words:
            return key[0], key[1:]
        word, separator, rest = key.partition(SEPARATOR)
        return word + separator, rest


def _next_place(place: _Place, symbol: str) -> _Place:
    segment, character = place
    return (segment + 1, 0) if symbol.endswith(SEPARATOR) else (segment, character + 1)


class _Choices:
    """What may stand in a place, in order."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._symbols = sorted(symbols)

    def __len__(self) -> int:
        return len(self._symbols)

    def __getitem__(self, rank: int) -> str:
        return self._symbols[rank]

    def rank(self, symbol: str) -> int:
        """Return how many choices come before a symbol."""
        return bisect_left(self._symbols, symbol)


class _CodePoints(_Choices):
    """All characters between two: names in Chinese, say, of whose characters a sample has few."""

    def __init__(self, first: str, last: str) -> None:
        self._first, self._count = ord(first), ord(last) - ord(first) + 1

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, rank: int) -> str:
        character = chr(self._first + rank)
        return chr(ord(FIRST_SURROGATE) - 1) if FIRST_SURROGATE <= character <= LAST_SURROGATE else character

    def rank(self, symbol: str) -> int:
        """Return how many choices come before a symbol."""
        return min(max(ord(symbol[0]) - self._first, 0), self._count)


def _words(paths: Sequence[Sequence[str]]) -> Mapping[int, _Choices]:
    """Return the choices of the segments, by number, that are words: few, without digits, and never the last of a path."""
    seen: dict[int, set[str]] = defaultdict(set)
    for path in paths:
        for segment, word in enumerate(path[:-1]):
            seen[segment].add(word + SEPARATOR)
    last = {len(path) - 1 for path in paths}
    most = max(1, len(paths) // KEYS_PER_WORD)
    return {
        segment: _Choices(words)
        for segment, words in seen.items()
        if segment not in last and len(words) <= most and not any(DIGITS & set(word) for word in words)
    }


def _characters(paths: Sequence[Sequence[str]], words: Mapping[int, _Choices]) -> Mapping[_Place, _Choices]:
    """Return the choices of all other places."""
    seen: dict[_Place, set[str]] = defaultdict(set)
    for place, character in _seen_characters(paths, words):
        seen[place].add(character)
    varying = frozenset().union(*(characters for characters in seen.values() if len(characters) > 1))
    return {place: _complete(characters, varying) for place, characters in seen.items()}


def _seen_characters(
    paths: Sequence[Sequence[str]], words: Mapping[int, _Choices]
) -> Iterator[tuple[_Place, str]]:
    for path in paths:
        for segment, text in enumerate(path):
            if segment not in words:
                text += SEPARATOR if segment < len(path) - 1 else ""
                yield from (
                    ((segment, at), character) for at, character in zip(count(), text) if character != LAST
                )


def _complete(characters: set[str], varying: Set[str]) -> _Choices:
    """Return the choices of a place, of which a sample has some: all digits where it has one, all letters that vary elsewhere."""
    if len(characters) > 1 and max(characters) > LAST_ASCII:
        return _CodePoints(min(characters), max(varying))
    if characters <= HEXADECIMAL and not characters <= DIGITS and characters & DIGITS:
        return _Choices(HEXADECIMAL)
    whole = characters | DIGITS if characters & DIGITS else characters
    has_varying_letters = len(characters) > 1 and any(map(_is_letter, characters))
    return _Choices(whole | set(filter(_is_letter, varying)) if has_varying_letters else whole)


def _is_letter(character: str) -> bool:
    return character.isalpha() and character <= LAST_ASCII
