"""Running the nearest tests on a copy of the project in which one thing is changed."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .changes import Change

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".bench", ".hypothesis", ".*_cache", "__pycache__")
# pytest: tests failed, or could not even be collected. Other statuses say that nothing was tested.
NOTICED = (1, 2)
# What tests the changes themselves, by the files that are changed, and what compares texts, as that a page shows a function.
NOT_RUN = ("--ignore=tests/unit/mutations", "--ignore=tests/unit/docs")


@dataclass(frozen=True)
class Result:
    """A change and which test noticed it first; "" if none did."""

    change: Change
    noticed_by: str


@dataclass(frozen=True)
class Copy:
    """A copy of the project that one change after the other is made in; `prefix` stands before every command."""

    folder: Path
    prefix: tuple[str, ...]
    timeout_seconds: float

    @classmethod
    def of(cls, project: Path, folder: Path, prefix: tuple[str, ...], timeout_seconds: float) -> Copy:
        """Make the copy."""
        shutil.copytree(project, folder, ignore=LEFT_OUT)
        return cls(folder, prefix, timeout_seconds)

    def try_change(self, change: Change, stages: list[list[str]]) -> Result:
        """Run the tests on the changed copy, stage by stage until one notices, and change it back."""
        with self._changed([change]):
            return Result(change, next(filter(None, map(self._first_failure, stages)), ""))

    def try_together(self, changes: Sequence[Change], tests: list[str]) -> str:
        """Run the tests on the copy with one change to each of several files; return the first that fails, "" if none does."""
        with self._changed(changes):
            return self._first_failure(tests)

    @contextlib.contextmanager
    def _changed(self, changes: Sequence[Change]) -> Iterator[None]:
        before = {change.path: (self.folder / change.path).read_bytes() for change in changes}
        try:
            for change in changes:
                (self.folder / change.path).write_bytes(change.apply(before[change.path]))
            yield
        finally:
            for path, source in before.items():
                (self.folder / path).write_bytes(source)

    def _first_failure(self, tests: list[str]) -> str:
        """Return the name of the first test that fails, or why there is none; "" if all pass."""
        pytest = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "--tb=no",
            "-p",
            "no:cacheprovider",
            *NOT_RUN,
            *tests,
        ]
        # Bytecode is told apart by second and size, and a change may be made within one and be no longer than before.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [*self.prefix, *pytest],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=self.timeout_seconds,
            )
        except subprocess.TimeoutExpired:
            return f"not done after {self.timeout_seconds:.0f} seconds"
        if done.returncode == 0:
            return ""
        if done.returncode not in NOTICED:
            raise RuntimeError(f"pytest ended with {done.returncode} for {tests}: {done.stdout}{done.stderr}")
        named = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return named[0].split(" - ")[0].split(" ", 1)[1] if named else "a test that says no name"
