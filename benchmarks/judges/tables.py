"""The hearings as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.judges.hearing import Heard, Judged, Planned
from benchmarks.judges.peers import Verdict
from benchmarks.tables import table


def judged_table(title: str, judged: Sequence[Judged]) -> str:
    """Return a row for each kind, a column for each judge."""
    judges, kinds = _names(one.judge for one in judged), _names(one.kind for one in judged)
    cells = {(one.kind, one.judge): judged_cell(one) for one in judged}
    rows = [[kind, *(cells[kind, judge] for judge in judges)] for kind in kinds]
    return table([title, *judges], rows)


def judged_cell(one: Judged) -> str:
    """Return what a judge says; a judge that would not copy an object into an empty bucket does not see it."""
    blind = one.sees < one.objects and not one.verdict.error
    if blind and one.verdict == Verdict():
        return "– (does not see it)"
    return one.verdict.words() + (" (does not see all of it)" if blind else "")


def planned_table(planned: Sequence[Planned]) -> str:
    """Return a row for each kind, a column for each peer and way of comparing."""
    columns, kinds = _names((one.peer, one.options) for one in planned), _names(one.kind for one in planned)
    cells = {(one.kind, one.peer, one.options): planned_cell(one) for one in planned}
    rows = [[kind, *(cells[kind, *column] for column in columns)] for kind in kinds]
    heads = [f"{peer}, `{options}`" if options else peer for peer, options in columns]
    return table(["our plan after", *heads], rows)


def planned_cell(one: Planned) -> str:
    """Return the plan, whether it is right, and whether the peer had failed."""
    (copies, deletes), (must_copy, must_delete) = one.plan, one.right
    said = Verdict(len(copies), len(deletes)).words()
    if one.plan != one.right:
        said += f", WRONG: {Verdict(len(must_copy), len(must_delete)).words()} is right"
    return said + (" (it failed)" if one.peer_failed else "")


def text_of(heard: Heard, versions: Mapping[str, str]) -> str:
    """Return all tables, and by which releases; `versions` are the first lines of what programs say of theirs."""
    releases = [line.split()[0] if name == "aws" else line for name, line in versions.items()]
    said = [one if one[0] != "v" else f"s5cmd {one}" for one in releases]
    tables = [
        judged_table("after our sync", heard.of_ours),
        judged_table("after its own sync", heard.of_themselves),
        planned_table(heard.plans),
    ]
    return "\n\n".join([f"By {', '.join(said)}.", *tables])


def _names(names: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(names))
