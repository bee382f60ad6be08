"""The pictures of a page, as inline SVG without a word in it, so that they may be stretched to any width."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from deployment.page.facts import Amount, WorkerTurn
from deployment.page.markup import Html, element, join
from deployment.page.turns import Phase, lanes
from deployment.text import duration, objects, size

WIDTH = 1000.0
"""Of every picture, in its own units; the page stretches it."""

LEAST_WIDTH = 6.0
"""Of what is not nothing: two failures among a million objects are seen."""

LANES_HEIGHT = 320
LANE_HEIGHT = 12
TICKS = 4
"""As many as the style has columns for the times below a picture."""

_COLOURS = {
    "copied": "copy",
    "plan copy": "copy",
    "deleted": "delete",
    "plan delete": "delete",
    "current": "equal",
    "archived": "left",
    "vanished": "left",
    "unmappable": "left",
    "restoring": "left",
    "comparing": "compare",
    "copying": "copy",
    "deleting": "delete",
}


def colour(name: str) -> str:
    """Return the class of what became of objects, or of a phase; what went wrong is red."""
    return _COLOURS.get(name, "bad")


def stacked(amounts: Sequence[Amount], by_size: bool) -> Html | None:
    """Return one bar with a piece for each amount, None where there is nothing to show."""
    numbers = [(one, (one.size_bytes or 0) if by_size else one.objects) for one in amounts]
    there = [(one, count) for one, count in numbers if count > 0]
    whole = sum(count for _, count in there)
    if not whole:
        return None
    widths = [max(count / whole * WIDTH, LEAST_WIDTH) for _, count in there]
    scale, left, pieces = WIDTH / sum(widths), 0.0, []
    for (one, count), width in zip(there, widths, strict=True):
        told = f"{one.words}: {size(count) if by_size else objects(count)}"
        pieces.append(_bar(left, 0, width * scale, 10, colour(one.name), told))
        left += width * scale
    label = "; ".join(f"{one.words}: {size(count) if by_size else f'{count:,}'}" for one, count in there)
    return _picture(10, "stack", label, pieces)


def timeline(turns: Sequence[WorkerTurn], began_at: datetime, total_seconds: float) -> Html:
    """Return a row for each worker at once, with its turns."""
    rows = lanes(turns)
    height = min(float(LANE_HEIGHT), LANES_HEIGHT / len(rows))
    scale = WIDTH / total_seconds
    bars = [
        _turn_bar(turn, number * height, height, scale, (turn.began_at - began_at).total_seconds())
        for number, row in enumerate(rows)
        for turn in row
    ]
    label = f"{len(turns):,} turns of workers, at most {len(rows):,} at once, in {duration(total_seconds)}"
    return _picture(len(rows) * height, "lanes", label, [*_grid(len(rows) * height), *bars])


def phase_bar(phase: Phase, total_seconds: float) -> Html:
    """Return a bar from the phase's beginning to its end, on the time of the whole run."""
    scale = WIDTH / total_seconds
    width = max(phase.seconds * scale, LEAST_WIDTH)
    left = min(phase.began_seconds * scale, WIDTH - width)
    bar = _bar(left, 2, width, 6, colour(phase.name), f"{phase.name}: {duration(phase.seconds)}")
    return _picture(10, "phase", f"{phase.name}, {duration(phase.seconds)}", [bar])


def axis(total_seconds: float) -> Html:
    """Return the times below a picture: its beginning, its end, and some between."""
    marks = [element("span", duration(total_seconds * tick / TICKS)) for tick in range(1, TICKS + 1)]
    return element("div", element("span", "0"), *marks, class_="axis", aria_hidden="true")


def whole_seconds(phases: Sequence[Phase], seconds: float) -> float:
    """Return how long a picture of a run lasts: to its end, or to that of its last turn, whose clock may be another."""
    return max([seconds, *(phase.ended_seconds for phase in phases), 0.001])


def _turn_bar(turn: WorkerTurn, top: float, height: float, scale: float, seconds: float) -> Html:
    width = max(turn.seconds * scale, LEAST_WIDTH / 3)
    left = min(max(seconds * scale, 0.0), WIDTH - width)
    done = f", {objects(turn.objects)}" if turn.objects else ""
    failed = f", {turn.failed:,} not synchronised" if turn.failed else ""
    told = f"{turn.record}: {duration(turn.seconds)} from {duration(max(seconds, 0.0))} on{done}{failed}"
    return _bar(
        left, top + height * 0.1, width, height * 0.8, "bad" if turn.failed else colour(turn.phase), told
    )


def _grid(height: float) -> list[Html]:
    lefts = [WIDTH * tick / TICKS for tick in range(1, TICKS)]
    return [
        element("rect", x=_short(left), y="0", width="1", height=_short(height), class_="grid")
        for left in lefts
    ]


def _bar(left: float, top: float, width: float, height: float, kind: str, told: str) -> Html:
    place = {"x": left, "y": top, "width": width, "height": height}
    attributes = {name: _short(value) for name, value in place.items()}
    rect = element("rect", class_=f"is-{kind}", **attributes)
    return element("g", element("title", told), rect)


def _picture(height: float, kind: str, label: str, parts: Sequence[Html]) -> Html:
    return element(
        "svg",
        join(*parts),
        viewBox=f"0 0 {_short(WIDTH)} {_short(height)}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_=kind,
        style=f"height:{_short(height)}px" if kind == "lanes" else None,
    )


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
