"""Parts `compare`, `growth` and `planning-latency`: every tool plans the same sync of two buckets."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from benchmarks.children import CommandFailed, Measured, Server, environment, measure, server, two_processors
from benchmarks.invented import expected_plan
from benchmarks.tools import Plan, Tool

Say = Callable[[str], None]
PAGE_KEYS = 1000


@dataclass(frozen=True)
class Planned:
    """What one tool took for one size: medians over `repeats` runs; `keys` on each side.

    `plan_seconds` is what planning took without the start of the program, where it tells that; `shape` is that of the keys.
    """

    tool: str
    keys: int
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    repeats: int
    requests: dict[str, int]
    unusual_pages: int | None = None
    plan_seconds: float | None = None
    shape: str = ""
    delay_ms: float = 0.0

    @property
    def extra_lists(self) -> int:
        """LISTs beyond the pages of both sides."""
        return self.requests["LIST"] - 2 * -(-self.keys // PAGE_KEYS)


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


def plan_all(
    sizes: Sequence[int],
    tools: Sequence[Tool],
    pace: Pace,
    say: Say,
    delay_ms: float = 0.0,
    shape: str = "",
) -> list[Planned]:
    """Measure every bearable pair of a size and a tool, smaller sizes first.

    With a delay of the requests, tool and endpoint have a processor each.
    """
    mine, theirs = two_processors() if delay_ms else (None, None)
    known: list[Planned] = []
    for keys in sorted(set(sizes)):
        bearable = [tool for tool in tools if pace.is_bearable(tool, keys, known)]
        for tool in tools:
            if tool not in bearable:
                say(f"{tool.name}: left out at {keys:,} keys")
        with server("benchmarks.endpoint", str(keys), str(delay_ms), shape, processor=theirs) as endpoint:
            runs = _side_by_side(_Stage(endpoint, keys, mine), bearable, pace, say)
            known += [replace(run, delay_ms=delay_ms, shape=shape) for run in runs]
    return known


@dataclass(frozen=True)
class _Stage:
    """Where a tool plans, and on which processor."""

    endpoint: Server
    keys: int
    processor: int | None


def _side_by_side(stage: _Stage, tools: Sequence[Tool], pace: Pace, say: Say) -> list[Planned]:
    """Run the tools in turns, so that whatever else the machine does at a time is borne by all of them."""
    runs: dict[str, list[Planned]] = {tool.name: [] for tool in tools}
    for _ in range(pace.repeats):
        for tool in tools:
            if sum(run.wall_seconds for run in runs[tool.name]) < pace.unrepeated_seconds:
                runs[tool.name].append(_plan(stage, tool))
                say(_line(runs[tool.name][-1]))
    return [_median(some) for some in runs.values()]


def _plan(stage: _Stage, tool: Tool) -> Planned:
    endpoint, keys = stage.endpoint, stage.keys
    endpoint.told()
    command = tool.plan("source", "destination", endpoint.url)
    measured = measure(command, environment(endpoint.url), stage.processor)
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
        plan.get("seconds"),
    )


def _check(tool: Tool, plan: Plan, keys: int, measured: Measured) -> None:
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
    planned = [run.plan_seconds for run in runs if run.plan_seconds is not None]
    figures["plan_seconds"] = statistics.median(planned) if planned else None
    peak = round(statistics.median(run.peak_bytes for run in runs))
    return Planned(**{**asdict(runs[-1]), **figures, "peak_bytes": peak, "repeats": len(runs)})


def _line(run: Planned) -> str:
    seconds = f"{run.cpu_seconds:.2f} s of processor, {run.wall_seconds:.2f} s"
    return f"{run.tool}: {run.keys:,} keys: {seconds}, {run.peak_bytes / 1e6:.0f} MB"
