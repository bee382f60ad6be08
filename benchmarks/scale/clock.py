"""A run on the clock on the wall, child by child, and what it costs."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.scale.runs import FUNCTIONS, Run, Step


@dataclass
class Clock:
    """Seconds on the wall by step; seconds of Lambda by function, INIT among them, and how many cold starts there were."""

    run: Run
    steps: list[tuple[Step, float]] = field(default_factory=list)
    lambda_seconds: Counter[str] = field(default_factory=Counter)
    cold_starts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.steps = [(step, self._wall(step)) for step in self.run.steps()]

    @property
    def wall_seconds(self) -> float:
        """The whole run."""
        return sum(seconds for _, seconds in self.steps)

    def _wall(self, step: Step) -> float:
        """Children are started one after the other; each waits for a free worker, and the first in each is a cold start."""
        lanes = min(step.at_once, len(step.turns))
        gap = 1 / self.run.constants.child_starts_a_second if step.is_map_run else 0.0
        free, begin, end = [0.0] * lanes, 0.0, 0.0
        for number, seconds in enumerate(step.turns):
            begin = max(begin + gap if number else 0.0, free[0])
            over = begin + step.child_seconds + self._invoke(step.function, seconds, number, lanes)
            heapq.heapreplace(free, over)
            end = max(end, over)
        return end + step.map_seconds + self.run.constants.state_seconds * len(step.states)

    def _invoke(self, function: str, seconds: float, number: int, lanes: int) -> float:
        if number < lanes and number >= self.cold_starts[function]:
            self.cold_starts[function] += 1
            seconds += self.run.constants.init_seconds
        self.lambda_seconds[function] += seconds  # type: ignore[assignment]
        return seconds

    def bill(self) -> Mapping[str, float]:
        """Return dollars by what they are for; what `estimatedCostUsd` leaves out is left out here."""
        run, prices = self.run, self.run.constants
        gb_seconds = sum(
            seconds * FUNCTIONS[name]["MemorySize"] / 1024 for name, seconds in self.lambda_seconds.items()
        )
        calls, sent = sum(len(step.turns) for step, _ in self.steps), run.requests
        return {
            "LIST": sent["LIST"] * prices.write_usd,
            "COPY": sent["COPY"] * prices.write_usd,
            "HEAD": (sent["HEAD"] + sent["HEAD_BUCKET"]) * prices.read_usd,
            "Lambda": gb_seconds * prices.gb_second_usd + calls * prices.invocation_usd,
            "states": run.transitions * prices.transition_usd,
        }
