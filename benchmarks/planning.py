"""Parts `compare` and `growth`: every tool plans the same sync of two invented buckets, and none changes anything."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from benchmarks.children import CommandFailed, Measured, Server, environment, measure, server
from benchmarks.invented import expected_plan
from benchmarks.tools import Tool

Say = Callable[[str], None]


@dataclass(frozen=True)
class Planned:
    """What one tool took for one size: medians over `repeats` runs; `keys` on each side."""

    tool: str
    keys: int
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    repeats: int
    requests: dict[str, int]
    unusual_pages: int | None = None


@dataclass
class Pace:
    """Bounds the time: what would take too long is not begun, and what took long is not repeated."""

    repeats: int
    longest_seconds: float
    unrepeated_seconds: float = 20.0

    def is_bearable(self, tool: Tool, keys: int, known: Sequence[Planned]) -> bool:
        """Whether a tool is expected to be done with so many keys in time, judged by its largest size so far."""
        if tool.most_keys is not None and keys > tool.most_keys:
            return False
        smaller = [one for one in known if one.tool == tool.name]
        if not smaller:
            return True
        last = max(smaller, key=lambda one: one.keys)
        return last.wall_seconds * keys / last.keys <= self.longest_seconds


def plan_all(sizes: Sequence[int], tools: Sequence[Tool], pace: Pace, say: Say) -> list[Planned]:
    """Measure every bearable pair of a size and a tool, smaller sizes first."""
    known: list[Planned] = []
    for keys in sorted(set(sizes)):
        bearable = [tool for tool in tools if pace.is_bearable(tool, keys, known)]
        for tool in tools:
            if tool not in bearable:
                say(f"{tool.name}: left out at {keys:,} keys")
        with server("benchmarks.endpoint", str(keys)) as endpoint:
            known += _side_by_side(endpoint, keys, bearable, pace, say)
    return known


def _side_by_side(endpoint: Server, keys: int, tools: Sequence[Tool], pace: Pace, say: Say) -> list[Planned]:
    """Run the tools in turns, so that whatever else the machine does at a time is borne by all of them."""
    runs: dict[str, list[Planned]] = {tool.name: [] for tool in tools}
    for _ in range(pace.repeats):
        for tool in tools:
            if sum(run.wall_seconds for run in runs[tool.name]) < pace.unrepeated_seconds:
                runs[tool.name].append(_plan(endpoint, keys, tool))
                say(_line(runs[tool.name][-1]))
    return [_median(some) for some in runs.values()]


def _plan(endpoint: Server, keys: int, tool: Tool) -> Planned:
    endpoint.told()
    measured = measure(tool.plan("source", "destination", endpoint.url), environment(endpoint.url))
    plan = tool.read_plan(measured.output)
    _check(tool, plan, keys, measured)
    return Planned(
        tool.name,
        keys,
        measured.wall_seconds,
        measured.cpu_seconds,
        measured.peak_bytes,
        1,
        endpoint.told(),
        plan.get("unusual_pages"),
    )


def _check(tool: Tool, plan: dict[str, int], keys: int, measured: Measured) -> None:
    """Refuse figures of a tool that did not find what there is to do: nobody is fast by doing nothing."""
    expected = expected_plan(keys)
    found = {name: plan[name] for name in expected}
    if found != expected or plan.get("handed_back"):
        last = measured.output[-1000:]
        raise CommandFailed(f"{tool.name} planned {found} instead of {expected} for {keys:,} keys:\n{last}")


def _median(runs: Sequence[Planned]) -> Planned:
    """Return the medians of the figures; the rest is the same in all runs."""
    figures = {
        name: statistics.median(getattr(run, name) for run in runs)
        for name in ("wall_seconds", "cpu_seconds")
    }
    peak = round(statistics.median(run.peak_bytes for run in runs))
    return Planned(**{**asdict(runs[-1]), **figures, "peak_bytes": peak, "repeats": len(runs)})


def _line(run: Planned) -> str:
    seconds = f"{run.cpu_seconds:.2f} s of processor, {run.wall_seconds:.2f} s"
    return f"{run.tool}: {run.keys:,} keys: {seconds}, {run.peak_bytes / 1e6:.0f} MB"
