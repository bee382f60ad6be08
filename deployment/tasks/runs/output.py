"""Where a task writes keys one a line: a file that a person has named, or standard output."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from deployment.console import Console
from deployment.errors import ConfigurationError

STDOUT = "-"


@contextlib.contextmanager
def opened(flag: str, place: str, console: Console) -> Iterator[Callable[[str], object]]:
    """Yield what writes a line to the file, or to standard output; `flag` is the one by which it was named."""
    if place == STDOUT:
        yield console.result
        return
    with _open(flag, place, "w") as stream:
        yield lambda line: stream.write(f"{line}\n")


def require_apart(places: Mapping[str, str], as_json: bool = False) -> None:
    """Raise ConfigurationError where two of these flags name one place; "" is none. `as_json`: a document goes to stdout too."""
    there = [(flag, place) for flag, place in places.items() if place]
    to_stdout = [*(["--json"] if as_json else []), *(f"{flag} -" for flag, place in there if place == STDOUT)]
    if len(to_stdout) > 1:
        first, second, *_ = to_stdout
        raise ConfigurationError(
            f"{first} and {second} both write to standard output; expected one of them, or {second.removesuffix('-')}FILE"
        )
    files = [(flag, place) for flag, place in there if place != STDOUT]
    for (flag, place), (other, same) in itertools.combinations(files, 2):
        if _are_same(place, same):
            raise ConfigurationError(
                f"{flag} {place} and {other} {same} are one file; expected a file for each"
            )


def _are_same(place: str, other: str) -> bool:
    try:
        return Path(place).resolve() == Path(other).resolve() or Path(place).samefile(other)
    except (OSError, ValueError):  # one that is not there yet, or that no file system can have
        return False


def require_writable(flag: str, place: str) -> None:
    """Raise ConfigurationError for a file that cannot be written: now, and not after a run of an hour."""
    if place and place != STDOUT:
        _open(flag, place, "a").close()


def named(place: str) -> str:
    """Return the place in words."""
    return "standard output" if place == STDOUT else place


def _open(flag: str, place: str, mode: str) -> TextIO:
    try:
        return Path(place).open(mode, encoding="utf-8", newline="\n")  # type: ignore[return-value]
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{flag} {place}: the file cannot be written: {why}") from error
