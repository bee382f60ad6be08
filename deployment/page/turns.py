"""The turns of workers as the records of a run tell them: which phase, when, for how long; and how they lie side by side."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deployment.page.facts import WorkerTurn

PHASES = {"compared": "comparing", "copied": "copying", "deleted": "deleting"}
"""The folder of records, and the phase that leaves them there, in the order in which a run has them."""

_DONE = ("copied", "deleted", "current", "kept", "archived", "vanished", "unmappable", "changed", "failed")
_FAILED = ("changed", "failed")


def turns_of(folder: str, name: str, record: Mapping[str, Any]) -> list[WorkerTurn]:
    """Return the turns that a record is about, none where it does not say when they began; KeyError, TypeError, ValueError
    for what is no record.
    """
    tally = record["tally"]
    listed = record.get("listed", {})  # of a comparison; a key that both sides have is one
    compared = listed.get("source", 0) + listed.get("destination", 0) - record.get("paired", 0)
    objects = (
        sum(tally.get(word, {}).get("objects", 0) for word in _DONE) if folder != "compared" else compared
    )
    size_bytes = sum(tally.get(word, {}).get("bytes", 0) for word in ("copied", "deleted"))
    failed = sum(tally.get(word, {}).get("objects", 0) for word in _FAILED)
    steps = record.get("steps") or [record]
    turns = [
        WorkerTurn(PHASES[folder], name, datetime.fromisoformat(step["startedAt"]), float(step["seconds"]))
        for step in steps
        if step.get("startedAt")
    ]
    last = max(turns, key=lambda turn: turn.began_at, default=None)
    return [
        WorkerTurn(turn.phase, name, turn.began_at, turn.seconds, objects, size_bytes, failed)
        if turn is last
        else turn
        for turn in turns
    ]


@dataclass(frozen=True)
class Phase:
    """What the turns of a phase add up to; seconds are counted from the beginning of the run."""

    name: str
    turns: int
    at_once: int
    began_seconds: float
    ended_seconds: float
    worker_seconds: float
    objects: int
    size_bytes: int

    @property
    def seconds(self) -> float:
        """Return how long it took from the first worker's beginning to the last one's end."""
        return self.ended_seconds - self.began_seconds


def phases(turns: Sequence[WorkerTurn], began_at: datetime) -> Iterator[Phase]:
    """Yield the phases of which there are turns, in their order."""
    for name in PHASES.values():
        own = [turn for turn in turns if turn.phase == name]
        if own:
            began = min(turn.began_at for turn in own)
            ended = max(turn.began_at + timedelta(seconds=turn.seconds) for turn in own)
            yield Phase(
                name,
                len(own),
                len(lanes(own)),
                (began - began_at).total_seconds(),
                (ended - began_at).total_seconds(),
                sum(turn.seconds for turn in own),
                sum(turn.objects for turn in own),
                sum(turn.size_bytes for turn in own),
            )


def lanes(turns: Sequence[WorkerTurn]) -> list[list[WorkerTurn]]:
    """Return the turns in as few rows as they need, so that no two of a row overlap: one for each worker at once."""
    rows: list[list[WorkerTurn]] = []
    free: list[tuple[datetime, int]] = []
    for turn in sorted(turns, key=lambda turn: turn.began_at):
        if free and free[0][0] <= turn.began_at:
            _, row = heapq.heappop(free)
        else:
            row = len(rows)
            rows.append([])
        rows[row].append(turn)
        heapq.heappush(free, (turn.began_at + timedelta(seconds=turn.seconds), row))
    return rows
