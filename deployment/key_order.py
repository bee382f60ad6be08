"""Sorts more lines than memory holds: in runs that fit, kept in temporary files, and merged when all are there.

A hundred million lines are a thousand runs, merged 64 at a time as they come, so that neither memory nor the number of open files
grows with them. The files have no names and are gone when the program is. Pure but for these files.
"""

from __future__ import annotations

import heapq
import itertools
import json
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

RUN_LINES = 50_000
BATCH_LINES = 500
"""So many lines of each run are in memory while runs are merged."""

MAX_RUNS = 64
"""So many runs of one length there are before they become one."""

Line = list[Any]
"""A key, and what JSON can hold behind it."""


def in_key_order(
    lines: Iterable[Line], run_lines: int = RUN_LINES, max_runs: int = MAX_RUNS
) -> Iterator[Line]:
    """Yield the lines in the order of their keys: that of Unicode's code points, as S3 lists keys; raise OSError without disk."""
    remaining, spill = iter(lines), _Spill(max_runs)
    try:
        while len(run := sorted(itertools.islice(remaining, run_lines))) == run_lines:
            spill.add(run)
        yield from spill.merge(run)
    finally:
        spill.close()


class _Spill:
    """Runs in files, by how often they were merged: a run of the next level is made of `max_runs` of one."""

    def __init__(self, max_runs: int) -> None:
        self._max_runs = max_runs
        self._levels: list[list[IO[bytes]]] = []

    def add(self, lines: Iterable[Line], level: int = 0) -> None:
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(_written(lines))
        if len(runs) >= self._max_runs:
            self.add(heapq.merge(*map(_read, runs)), level + 1)
            _close(runs)

    def merge(self, rest: Iterable[Line]) -> Iterator[Line]:
        runs = [run for level in self._levels for run in level]
        return heapq.merge(rest, *map(_read, runs)) if runs else iter(rest)

    def close(self) -> None:
        for runs in self._levels:
            _close(runs)


def _written(lines: Iterable[Line]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by whoever merges it
    remaining = iter(lines)
    while batch := list(itertools.islice(remaining, BATCH_LINES)):
        file.write(json.dumps(batch).encode() + b"\n")
    file.flush()
    return file


def _read(run: IO[bytes]) -> Iterator[Line]:
    run.seek(0)
    for batch in run:
        yield from json.loads(batch)


def _close(runs: list[IO[bytes]]) -> None:
    while runs:
        runs.pop().close()
