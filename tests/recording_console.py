"""A console that remembers what was said instead of showing it, and answers with what it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class RecordingConsole:
    is_live = False

    def __init__(self, answers: Sequence[str] | None = None) -> None:
        self.is_interactive = answers is not None
        self.answers = list(answers or ())
        self.questions: list[str] = []
        self.steps: list[str] = []
        self.warnings: list[str] = []
        self.results: list[str] = []
        self.tables: list[tuple[str, Sequence[str], Sequence[Sequence[object]]]] = []
        self.row_styles: list[Sequence[str]] = []
        self.diffs: list[str] = []
        self.updates: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def result(self, text: str, style: str = "") -> None:
        self.results.append(text)

    def say(self, text: str, style: str = "") -> None:
        self.result(text, style)

    def diff(self, text: str) -> None:
        self.diffs.append(text)

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        row_styles: Sequence[str] = (),
    ) -> None:
        self.tables.append((title, columns, rows))
        self.row_styles.append(row_styles)

    @contextmanager
    def progress(self, description: str, now: object = None) -> Iterator[RecordingConsole]:
        self.updates.append(description)
        yield self

    def update(self, text: str | Callable[[], str], counter: str = "") -> None:
        text = text if isinstance(text, str) else text()
        self.updates.append(f"{counter}{text}")

    def ask(self, question: str) -> str:
        self.questions.append(question)
        return self.answers.pop(0)
