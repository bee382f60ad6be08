"""The report of a run as a person reads it: what became of the objects, what it took, where the rest is written.

Not the report itself, which the Lambda `tally_run` writes and the execution returns; this only puts it into words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deployment.console import Console
from deployment.text import duration, size

Row = tuple[str, int, str]

_ROWS = (
    ("copied", "copied"),
    ("deleted", "deleted"),
    ("current", "already equal"),
)
_SKIPPED = {
    "archived": "skipped: archived, to be restored first",
    "vanished": "skipped: vanished during the run",
    "unmappable": "skipped: no possible key at the destination",
}
_TROUBLE = {
    "unprovable": "unprovable: no checksum tells",
    "changed": "changed by others during the run",
    "failed": "failed",
}


def show_report(report: Mapping[str, Any] | None, seconds: float, console: Console) -> None:
    """Write a report as a table to stdout, with what it cost below; nothing where no run has begun."""
    if report is None or "copied" not in report:
        return
    shown = list(rows(report))
    styles = ["red" if name in _TROUBLE.values() else "" for name, _, _ in shown]
    console.table(title(report), ["", "objects", "size"], shown, styles)
    for line in footer(report, seconds):
        console.result(line)
    named = [
        [found.get("key"), found.get("what"), found.get("error")]
        for found in report.get("notSynchronised", ())
    ]
    if named:
        console.table(
            "\nNot synchronised (the report names the files with all of them)", ["key", "what", "why"], named
        )


def title(report: Mapping[str, Any]) -> str:
    """Return which buckets, and whether anything was really done."""
    dry = " (dry run: nothing was changed)" if report.get("dryRun") else ""
    return f"{report.get('source')} -> {report.get('destination')}{dry}"


def rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what became of the objects: what, how many, how much. What went wrong is left out where it did not."""
    if report.get("dryRun"):
        plan = report.get("plan", {})
        yield _row("would be copied", plan.get("copy"))
        yield _row("would be deleted", plan.get("delete"))
        yield _row("already equal", report.get("current"))
    else:
        for name, words in _ROWS:
            yield _row(words, report.get(name))
    for name, words in _SKIPPED.items():
        yield from _unless_none(words, report.get("skipped", {}).get(name))
    for name, words in _TROUBLE.items():
        yield from _unless_none(words, report.get(name))


def footer(report: Mapping[str, Any], seconds: float) -> Iterator[str]:
    """Yield what a delete means there, time, requests and cost, and where the whole report is."""
    markers = int(report.get("deleteMarkers", 0))
    if markers:
        yield f"The destination is versioned: {markers:,} of the deletes left a delete marker, old versions stay."
    requests: Mapping[str, int] = report.get("requests", {})
    listed = ", ".join(f"{count:,} {name}" for name, count in requests.items() if count) or "none"
    yield f"Requests to the two buckets: {listed}"
    unusual = int(report.get("unusualPages", 0))
    if unusual:
        yield f"{unusual:,} pages of the listings were of an unusual form: read as well, but slowly."
    yield f"Estimated cost: {cost(report.get('estimatedCostUsd'))}; it took {duration(seconds)}"
    if report.get("report"):
        yield f"Report: {report['report']}"


def cost(usd: float | None) -> str:
    """Return an amount of money with as many digits as matter: `$0.0004`, `$12.30`."""
    if usd is None:
        return "unknown"
    return f"${usd:,.2f}" if usd >= 1 else f"${usd:.4f}"


def _row(words: str, amount: Any) -> Row:
    if isinstance(amount, Mapping):
        bytes_ = amount.get("bytes")
        return words, int(amount.get("objects", 0)), "" if bytes_ is None else size(bytes_)
    return words, int(amount or 0), ""


def _unless_none(words: str, amount: Any) -> Iterator[Row]:
    row = _row(words, amount)
    if row[1]:
        yield row
