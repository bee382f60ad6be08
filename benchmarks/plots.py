"""The results as plots: small SVG files, the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from benchmarks.planning import Planned
from benchmarks.results import Results
from benchmarks.syncing import SCENARIOS, Synced
from benchmarks.tools import AWS, OURS, OURS_BOTOCORE, RCLONE, S5CMD

COLOURS = {
    OURS.name: "#0b6e4f",
    OURS_BOTOCORE.name: "#8fc7ae",
    AWS.name: "#d98a00",
    RCLONE.name: "#3b6fb6",
    S5CMD.name: "#a34a8b",
}
_STYLE: Any = {
    "svg.hashsalt": "benchmarks",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(results: Results, folder: Path) -> list[Path]:
    """Write the plots that the results allow; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    with matplotlib.rc_context(_STYLE):
        if results.delayed:
            drawn.append(_draw_delayed(results.delayed, folder / "planning-latency.svg"))
        if results.planned:
            drawn.append(_draw_growth(results.planned, folder / "growth.svg"))
        if results.synced:
            drawn.append(_draw_syncs(results.synced, folder / "syncs.svg"))
    return drawn


def _draw_delayed(runs: Sequence[Planned], path: Path) -> Path:
    """Draw the wall clock of all tools, and what ours is between with keys of any shape."""
    figure, axes = pyplot.subplots(figsize=(6, 3.4), layout="constrained")
    _lines(axes, [run for run in runs if not run.shape], lambda run: run.wall_seconds)
    shaped = [run for run in runs if run.shape]
    sizes = sorted({run.keys for run in shaped})
    seconds = [[run.wall_seconds for run in shaped if run.keys == keys] for keys in sizes]
    axes.fill_between(
        sizes,
        [min(some) for some in seconds],
        [max(some) for some in seconds],
        color=COLOURS[OURS.name],
        alpha=0.25,
        label=f"{OURS.name}, keys of ten shapes",
    )
    axes.set_ylabel(f"planning, seconds, {runs[0].delay_ms:g} ms a request")
    _keys_scale(axes)
    _legend(figure, axes)
    return _save(figure, path)


def _draw_growth(runs: Sequence[Planned], path: Path) -> Path:
    figure, (cost, memory) = pyplot.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    _lines(cost, runs, lambda run: run.cpu_seconds / run.keys * 1e6)
    cost.set_ylabel("processor time, µs for each key")
    _lines(memory, runs, lambda run: run.peak_bytes / 1e6)
    memory.set_ylabel("peak memory, MB")
    for axes in (cost, memory):
        _keys_scale(axes)
    _legend(figure, cost)
    return _save(figure, path)


def _keys_scale(axes: Axes) -> None:
    axes.set(xscale="log", yscale="log", xlabel="keys a side")
    axes.grid(alpha=0.3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, axes: Axes) -> None:
    """Name the colours once, below the plots, where they hide nothing."""
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=8
    )


def _lines(axes: Axes, runs: Sequence[Planned], value: Callable[[Planned], float]) -> None:
    for tool in dict.fromkeys(run.tool for run in runs):
        mine = sorted((run for run in runs if run.tool == tool), key=lambda run: run.keys)
        axes.plot(
            [run.keys for run in mine], [value(run) for run in mine], "o-", color=COLOURS[tool], label=tool
        )


def _draw_syncs(runs: Sequence[Synced], path: Path) -> Path:
    delays = sorted({run.delay_ms for run in runs})
    figure, all_axes = pyplot.subplots(
        1, len(delays), figsize=(4 * len(delays), 3.2), layout="constrained", squeeze=False
    )
    for axes, delay in zip(all_axes[0], delays, strict=True):
        some = [run for run in runs if run.delay_ms == delay]
        _bars(axes, some)
        held_back = f"{delay[0]:g} to {delay[1]:g} ms a request" if delay[1] else "no delay"
        axes.set_title(f"{some[0].objects:,} objects, {held_back}", fontsize=9)
    all_axes[0][0].set_ylabel("seconds")
    _legend(figure, all_axes[0][0])
    return _save(figure, path)


def _bars(axes: Axes, runs: Sequence[Synced]) -> None:
    tools = list(dict.fromkeys(run.tool for run in runs))
    width = 0.8 / len(tools)
    for number, tool in enumerate(tools):
        seconds = {run.scenario: run.wall_seconds for run in runs if run.tool == tool}
        places = [place + (number - (len(tools) - 1) / 2) * width for place in range(len(SCENARIOS))]
        axes.bar(places, [seconds[name] for name in SCENARIOS], width, color=COLOURS[tool], label=tool)
    axes.set_xticks(range(len(SCENARIOS)), SCENARIOS)
    axes.grid(axis="y", alpha=0.3)


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path
