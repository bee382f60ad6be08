"""One small change to one file: what every kind of file's mutator yields."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

NOTHING = "nothing changed"


@dataclass(frozen=True)
class Change:
    """The bytes `start` to `end` of a file become `new`; `kind` says what that is, such as "condition dropped"."""

    path: str
    kind: str
    line: int
    start: int
    end: int
    new: str

    def apply(self, source: bytes) -> bytes:
        """Return the file with this change."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def describe(self, source: bytes) -> str:
        """Return a line of text: `path:12  condition dropped: a and b -> a`."""
        if self.kind == NOTHING:
            return f"{self.path}  {self.kind}"
        old = " ".join(source[self.start : self.end].decode().split())
        new = " ".join(self.new.split()) or "nothing"
        return f"{self.path}:{self.line}  {self.kind}: {_cut(old)} -> {_cut(new)}"


def null_change(path: str, source: bytes) -> Change:
    """Return a change that changes nothing: a module written anew by `ast` below its own comments, a comment more in any other.

    A test that notices it would call every change noticed.
    """
    text = source.decode()
    head = "".join(_leading_comments(text))
    is_plain = path.endswith(".py") and not head
    new = f"{ast.unparse(ast.parse(text))}\n" if is_plain else f"{text}# Nothing is changed.\n"
    return Change(path, NOTHING, 1, 0, len(source), new)


def that_hold(source: bytes, changes: Iterator[Change], reads: Callable[[str], object]) -> list[Change]:
    """Return the changes that leave a file which can be read, each once, and another one than before."""
    before, found = reads(source.decode()), {}
    for change in changes:
        text = change.apply(source).decode()
        try:
            after = reads(text)
        except (SyntaxError, ValueError):
            continue
        if after != before:
            found.setdefault(text, change)
    return list(found.values())


def _leading_comments(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        if not line.startswith("#"):
            return
        yield line


def _cut(text: str, most: int = 90) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
