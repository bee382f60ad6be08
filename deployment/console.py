"""What a person sees: results on stdout, progress and questions on stderr.

Not for deciding anything, and not for machines: a task with `--json` sends its one document through `result`. Every
step of the pipeline receives a Console and says what it does through it; nothing else in `deployment/` prints.

Colour and redrawing happen only on a terminal, and not with NO_COLOR (https://no-color.org) or CI set; a pipe, a log
and a screen reader get plain lines. Keys and messages come from buckets and from AWS, so no character in them is ever
read as markup or sent to the terminal as a command.

Plain lines are written without rich, and rich is imported where it is used: loading it takes as long as a call to AWS.
"""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TextIO, cast

from deployment.errors import Declined
from deployment.streams import Stream, columns
from deployment.text import folded, one_line, stopwatch, visible

if TYPE_CHECKING:
    import rich.console
    from rich.table import Table
    from rich.text import Text

PLAIN_INTERVAL_SECONDS = 2.0
"""Without a terminal, a progress line is written at most this often."""

TIMED_INTERVAL_SECONDS = 10.0
"""The same where every line has the time."""

UNBOUNDED_WIDTH = 10_000
"""Columns of a pipe: a log is searched and copied from, so nothing in it is folded."""

_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}

_NUMBER = re.compile(r"(about )?[-+]?\$?\d[\d,.]*( ?[A-Za-z%]{1,5})?|-")


class ProgressDisplay(Protocol):
    """What `Console.progress` hands out."""

    def update(self, text: str | Callable[[], str], counter: str = "") -> None:
        """Show this text instead of the last one; on a terminal it may take several lines.

        What gives a text is asked again at each redrawing.
        A counter such as `[ 4/9]` stands before the time, on a terminal only.
        """


class Console:
    """The two output streams and the keyboard. Streams, environment and clock are parameters for the tests' sake."""

    def __init__(
        self,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        stdin: TextIO | None = None,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        width: int | None = None,
    ) -> None:
        self._environ = environ
        self._clock = clock
        self._stdin = stdin or sys.stdin
        self._width = width
        self._is_redrawing = False
        for stream in (stdout or sys.stdout, stderr or sys.stderr):
            if isinstance(
                stream, io.TextIOWrapper
            ):  # a terminal that lacks a character shows its number instead
                stream.reconfigure(errors="backslashreplace")
        self._stdout = cast(TextIO, Stream(stdout or sys.stdout))
        self._stderr = cast(TextIO, Stream(stderr or sys.stderr))

    @property
    def is_interactive(self) -> bool:
        """Whether somebody is there to answer: both the questions and the answers go through a terminal."""
        return self._stdin.isatty() and self._stderr.isatty() and not self._environ.get("CI")

    @property
    def is_live(self) -> bool:
        """Whether progress may be redrawn in place."""
        plain = self._environ.get("CI") or self._environ.get("NO_COLOR")
        return self._stderr.isatty() and not plain and self._environ.get("TERM") != "dumb"

    def step(self, text: str) -> None:
        """Say on stderr what is being done."""
        text = self._fold(text, self._stderr)
        if self._is_redrawing:
            self._err.print(_text(text), soft_wrap=True)
        else:
            print(text, file=self._stderr, flush=True)

    def warning(self, text: str) -> None:
        """Say on stderr what deserves a second look."""
        self._err.print(_text(self._fold(text, self._stderr), "yellow"), soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """Write sentences to stdout; as `result`, but a terminal gets them folded between words."""
        self.result(self._fold(text, self._stdout), style)

    def result(self, text: str, style: str = "") -> None:
        """Write to stdout, whole lines, never folded; `style` is one of rich's ("red", "yellow")."""
        if style:
            self._out.print(_text(visible(text), style), soft_wrap=True)
        else:
            print(visible(text), file=self._stdout, flush=True)

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        row_styles: Sequence[str] = (),
    ) -> None:
        """Write a table to stdout; numbers are aligned to the right, long cells are folded, none is cut.

        `row_styles`, if given, has one rich style for each row ("red", "green", "dim", "").
        """
        from rich import box
        from rich.table import Table

        cells = [[_cell(value) for value in row] for row in rows]
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=any(columns))
        if title:
            self._out.print(_text(visible(title), "bold"), soft_wrap=True)
        for number, name in enumerate(columns):
            values = [row[number] for row in cells if row[number]]
            is_number = bool(values) and all(_NUMBER.fullmatch(value) for value in values)
            table.add_column(_text(one_line(name)), justify="right" if is_number else "left", overflow="fold")
        for number, row in enumerate(cells):
            table.add_row(*map(_text, row), style=row_styles[number] if row_styles else None)
        self._out.print(table)

    def diff(self, text: str) -> None:
        """Write a unified diff to stdout, what goes in red and what comes in green."""
        for line in text.splitlines():
            self._out.print(_text(visible(line), _DIFF_STYLES.get(line[:1], "")), soft_wrap=True)

    @contextmanager
    def progress(
        self, description: str, now: Callable[[], datetime] | None = None
    ) -> Iterator[ProgressDisplay]:
        """A block on stderr that is redrawn on a terminal and gone afterwards; elsewhere a line for every change.

        With `now`, the time of day, it is a line every ten seconds there, with the time, whether anything has changed or not.
        Write no results while it is shown; `step` is fine, its lines appear above the block.
        """
        if self.is_live:
            with self._redraw(_LiveBlock(description, self._clock)) as block:
                yield block
        else:
            plain = _PlainProgress(self.step, self._clock, now)
            self.step(description)
            yield plain
            plain.finish()

    def ask(self, question: str) -> str:
        """The answer typed to a question, without surrounding blanks; "" when the input has ended."""
        self._stderr.write(visible(question) + " ")
        self._stderr.flush()
        return self._stdin.readline().strip()

    def _fold(self, text: str, stream: TextIO) -> str:
        width = self._width if stream.isatty() and self._width else columns(stream)
        return folded(visible(text), width) if width else visible(text)

    @contextmanager
    def _redraw(self, block: _LiveBlock) -> Iterator[_LiveBlock]:
        from rich.live import Live

        with Live(
            get_renderable=block.render,
            console=self._err,
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,  # it would send what is meant for stdout to stderr
            redirect_stderr=False,
        ):
            self._is_redrawing = True
            try:
                yield block
            finally:
                self._is_redrawing = False

    @cached_property
    def _out(self) -> rich.console.Console:
        return self._writer(self._stdout)

    @cached_property
    def _err(self) -> rich.console.Console:
        return self._writer(self._stderr)

    def _writer(self, stream: TextIO) -> rich.console.Console:
        import rich.console

        class Writer(rich.console.Console):
            def on_broken_pipe(self) -> None:
                raise  # rich would end the process with 1

        return Writer(
            file=stream,
            width=self._width or (None if stream.isatty() else UNBOUNDED_WIDTH),
            no_color=bool(self._environ.get("NO_COLOR")) or None,
            markup=False,
            emoji=False,
            highlight=False,
        )


class _LiveBlock:
    """A spinner, a counter, for how long, what is done, and the last text; redrawn several times a second."""

    def __init__(self, description: str, clock: Callable[[], float]) -> None:
        from rich.spinner import Spinner

        self._description = description
        self._read_text: Callable[[], str] = str
        self._counter = ""
        self._clock = clock
        self._began_at = clock()
        self._spinner = Spinner("dots")

    def update(self, text: str | Callable[[], str], counter: str = "") -> None:
        self._read_text = (lambda: text) if isinstance(text, str) else text
        self._counter = counter

    def render(self) -> Table:
        from rich.table import Table

        elapsed = stopwatch(self._clock() - self._began_at)
        head = " ".join(filter(None, (self._counter, elapsed, self._description)))
        text = self._read_text()
        separator = "" if not text or text.startswith("\n") else ": "
        block = Table.grid(padding=(0, 1))
        block.add_column()
        block.add_column(no_wrap=True, overflow="ellipsis")  # the block keeps its height
        block.add_row(self._spinner, _text(visible(f"{head}{separator}{text}")))
        return block


class _PlainProgress:
    """Prints a text when it differs from the last one printed and enough time has passed; with `now` also when it does not."""

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float], now: Callable[[], datetime] | None
    ) -> None:
        self._write, self._clock, self._now = write, clock, now
        self._text = self._written = ""
        self._next_at = clock()

    def update(self, text: str | Callable[[], str], counter: str = "") -> None:
        self._text = text if isinstance(text, str) else text()
        if self._clock() >= self._next_at and (self._now or self._text != self._written):
            self._print()

    def finish(self) -> None:
        """Print the last text, unless it was printed already."""
        if self._text != self._written:
            self._print()

    def _print(self) -> None:
        time_of_day = f"{self._now().astimezone(UTC):%H:%M:%S}  " if self._now else ""
        self._write(f"  {time_of_day}{'; '.join(self._text.splitlines())}")
        self._written = self._text
        self._next_at = self._clock() + (TIMED_INTERVAL_SECONDS if self._now else PLAIN_INTERVAL_SECONDS)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else one_line(str(value))


def _text(value: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(value, style=style)


def require_terminal(console: Console, nothing: str, instead: str) -> None:
    """Raise Declined where nobody can be asked; `nothing` says what was not done, `instead` how to do without a question."""
    if not console.is_interactive:
        raise Declined(f"{nothing} there is no terminal to ask on. {instead}")


def require_yes(console: Console, question: str, nothing: str) -> None:
    """Ask, and raise Declined for every answer but y and yes."""
    if console.ask(f"{question} [y/N]").lower() not in ("y", "yes"):
        raise Declined(f"{nothing} the answer was not y.")
