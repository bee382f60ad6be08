"""The streams that a person reads, and what becomes of `fab` when the reader goes: `fab status | head -1` ends without a word.

Not a signal: SIGPIPE would end `fab` as quietly, and for a connection to AWS that breaks as well.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TextIO

PIPE_CLOSED = 141
"""The exit status that shells give to what writes into a pipe that nobody reads any more: 128 and SIGPIPE."""


def columns(stream: TextIO) -> int | None:
    """Return the width of the terminal that a stream writes to, None where it writes to something else."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None if stream.isatty() else None
    except (OSError, ValueError):  # a stream of a test has no number
        return None


class OutputClosed(BrokenPipeError):
    """Whoever read what a person was to see has gone, as `head` does: there is nothing left to say, and nobody to say it to."""


def let_go_of_stdout() -> None:
    """Send what is still to be written to stdout nowhere; Python would try once more at its end, and complain.

    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    with contextlib.suppress(OSError, ValueError):  # a stream of a test has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Stream:
    """A stream of text that says with an error of its own that nobody reads it any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError as error:
            raise OutputClosed(*error.args) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError as error:
            raise OutputClosed(*error.args) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
