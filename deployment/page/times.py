"""What took how long: by phase in numbers, and by worker as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from deployment.page.facts import Facts, Timing
from deployment.page.markup import Html, element, join
from deployment.page.parts import note, section, table
from deployment.page.pictures import axis, colour, phase_bar, timeline, whole_seconds
from deployment.page.turns import Phase, phases
from deployment.text import duration, quantity, size


def show(facts: Facts) -> Html | None:
    """Return the section, None for a run that has not begun."""
    if not facts.has_begun:
        return None
    timing = facts.timing
    found = list(phases(timing.turns, facts.began_at))
    notes = [note(text) for text in _missing(timing)]
    if not found:
        return section(f"Time: {duration(facts.seconds)}", *notes)
    total = whole_seconds(found, facts.seconds)
    return section(
        f"Time: {duration(facts.seconds)}", _by_phase(found, total), _by_worker(facts, total), *notes
    )


def _by_phase(found: Sequence[Phase], total: float) -> Html:
    bars = [
        element(
            "div", element("span", phase.name, class_="label"), phase_bar(phase, total), class_="phase-row"
        )
        for phase in found
    ]
    columns = ["", "began after", "took", "workers at once", "turns", "time of workers", "a second"]
    return join(*bars, table(columns, map(_row, found), is_wide=True))


def _row(phase: Phase) -> list[object]:
    dot = element("i", class_=f"dot is-{colour(phase.name)}", aria_hidden="true")
    return [
        element("span", dot, phase.name),
        duration(max(phase.began_seconds, 0.0)),
        duration(phase.seconds),
        f"{phase.at_once:,}",
        f"{phase.turns:,}",
        duration(phase.worker_seconds),
        _rate(phase),
    ]


def _rate(phase: Phase) -> str:
    seconds = max(phase.seconds, 0.001)
    rate = f"{quantity(round(phase.objects / seconds), 'object')}"
    return f"{rate}, {size(phase.size_bytes / seconds)}" if phase.size_bytes else rate


def _by_worker(facts: Facts, total: float) -> Html:
    return element(
        "figure",
        element(
            "figcaption",
            "by worker: a row for each that ran at once, a bar for each of its turns; red where keys failed",
        ),
        timeline(facts.timing.turns, facts.began_at, total),
        axis(total),
    )


def _missing(timing: Timing) -> list[str]:
    if timing.why_none:
        return [timing.why_none]
    if timing.without_start:
        said = (
            "do not say when they began: an older deployment made them"
            if timing.without_start > 1
            else ("does not say when it began: an older deployment made it")
        )
        return [f"{quantity(timing.without_start, 'record')} {said}. Their time is not shown here."]
    return [] if timing.turns else ["No worker has left a record."]
