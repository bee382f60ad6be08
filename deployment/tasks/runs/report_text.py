"""The report of a run as a table and sentences: what the Lambda `tally_run` has written, put into words and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from deployment.command_line.sync_flags import in_flags
from deployment.console import Console
from deployment.step_functions.executions import sides
from deployment.text import duration, size

Row = tuple[str, int, str]

_ROWS = (
    ("copied", "copied"),
    ("deleted", "deleted"),
    ("current", "already equal"),
)

CANNOT_BE_APPLIED = "This plan can be read, but not be carried out"
"""The beginning of a warning, as the Lambda `validate_input` writes it."""

_SKIPPED = {
    "archived": "skipped: archived, to be restored first",
    "vanished": "skipped: vanished during the run",
    "unmappable": "skipped: no possible key at the destination",
}

_TROUBLE = {
    "unprovable": "unprovable: no checksum tells",
    "stopped": "not done: the run was stopped",
    "changed": "changed by others during the run",
    "failed": "failed",
}


NOT_IN_IT = "Not in it: storage, the work bucket, logs, and what docs/cost.md names."

_ITEMS = {
    "lists": "LIST requests",
    "reads": "requests that read",
    "transfer": "transfer between regions",
    "earlyDeletion": "early deletion",
    "kms": "KMS",
    "lambda": "Lambda",
    "states": "state transitions",
}


def show_report(
    report: Mapping[str, Any] | None,
    seconds: float,
    console: Console,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Write a report as a table to stdout, with what it cost and what failed below; nothing where no run has begun.

    `options` are what the execution was started with; they have the prefixes.
    """
    if report is None or "copied" not in report:
        return
    show_sums(report, seconds, console, options)
    show_failures(report, console)


def show_sums(
    report: Mapping[str, Any], seconds: float, console: Console, options: Mapping[str, Any] | None = None
) -> None:
    """Write the same without what failed."""
    shown = list(rows(report))
    styles = ["red" if name in _TROUBLE.values() else "" for name, _, _ in shown]
    console.table(title(report, options), ["", "objects", "size"], shown, styles)
    for line in footer(report, seconds):
        console.say(line)
    for warning in report.get("warnings", ()):
        console.say(f"Warning: {in_flags(str(warning))}", "yellow")


def show_failures(report: Mapping[str, Any], console: Console) -> None:
    """Write why objects were not synchronised, and the first of them, as far as the report itself says it."""
    causes = [
        [code, cause.get("objects"), cause.get("example", {}).get("key")]
        for code, cause in report.get("causes", {}).items()
    ]
    if causes:
        console.table("\nWhy objects were not synchronised", ["cause", "objects", "for example"], causes)
    named = [
        [found.get("key"), found.get("what"), found.get("error")]
        for found in report.get("notSynchronised", ())
    ]
    if named:
        console.table(
            "\nNot synchronised (the report names the files with all of them)", ["key", "what", "why"], named
        )


def title(report: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> str:
    """Return which buckets and prefixes, and whether anything was really done."""
    why = "refused" if is_refused(report) else "dry run" if report.get("dryRun") else ""
    told = report.get("options") or options or report
    return f"{sides(told)}{f' ({why}: nothing was changed)' if why else ''}"


def is_refused(report: Mapping[str, Any]) -> bool:
    """Whether a guard stopped the run between its plan and its first change."""
    return str(report.get("outcome", "")).endswith("Refused")


def is_plan_only(report: Mapping[str, Any]) -> bool:
    """Whether a plan was made and not carried out."""
    return bool(report.get("dryRun")) or is_refused(report)


def rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what became of the objects: what, how many, how much. What went wrong is left out where it did not."""
    if is_plan_only(report):
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
    """Yield what was out of scope, what a delete means there, requests, cost and time, and where the whole report is."""
    yield from scope(report)
    markers = int(report.get("deleteMarkers", 0))
    if markers:
        yield f"The destination is versioned: {markers:,} of the deletes left a delete marker, old versions stay."
    requests: Mapping[str, int] = report.get("requests", {})
    listed = ", ".join(f"{count:,} {name}" for name, count in requests.items() if count) or "none"
    yield f"Requests to the two buckets: {listed}"
    unusual = int(report.get("unusualPages", 0))
    if unusual:
        yield f"{unusual:,} pages of the listings had an unusual form: they were read too, but slowly."
    yield f"{_costs(report)}; it took {duration(seconds)}"
    yield from cost_items(report)
    if report.get("report"):
        yield f"Report: {report['report']}"
    yield from how_to_apply(report)


def how_to_apply(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield how to carry out what a dry run has planned, and what it has planned where another one has carried that out."""
    digest, place = report.get("planDigest"), str(report.get("report", ""))
    if report.get("appliedPlan"):
        yield f"Carried out was the plan {report['appliedPlan']}, with the digest {digest}"
    elif digest and not any(CANNOT_BE_APPLIED in str(text) for text in report.get("warnings", ())):
        yield f"To carry out exactly this plan: fab sync --plan {place.split('/')[-2]} --plan-digest {digest}"


def _costs(report: Mapping[str, Any]) -> str:
    """Return what the run has cost, or where only a plan was made, what a run would cost that carries it out."""
    usd, planned = report.get("estimatedCostUsd"), report.get("plannedCostUsd")
    if usd is None or planned is None or not is_plan_only(report):
        return f"Estimated cost: {cost(usd)}"
    return f"Estimated cost of the run: {cost(usd + planned)}, of which {cost(usd)} for comparing, as now"


def cost_items(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what that is made of, dearest first, and what is not in it; nothing of a report that has no items."""
    costs = [report.get("cost"), report.get("plannedCost") if is_plan_only(report) else None]
    if costs[0] is None:
        return
    items: Counter[str] = Counter()
    for cost_of_some in filter(None, costs):
        items.update(cost_of_some)
    named = [f"{_item(name)} {cost(usd)}" for name, usd in items.most_common()]
    yield f"By item: {', '.join(named)}. {NOT_IN_IT}"
    regions = report.get("pricedAsUsEast1", ())
    if regions:
        yield f"No prices are known of {' and '.join(regions)}: those of us-east-1 were taken, and its own may be much higher."


def _item(name: str) -> str:
    _, is_of_class, storage_class = name.partition(".")
    return f"writes into {storage_class}" if is_of_class else _ITEMS.get(name, name)


def scope(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was listed and left out, unless nothing was left out."""
    listed, left_out = report.get("listed", {}), report.get("outOfScope", {})
    if any(left_out.values()):
        sides = (
            f"{listed.get(side, 0):,} at the {side} ({left_out.get(side, 0):,} out of scope)"
            for side in ("source", "destination")
        )
        yield f"Objects listed: {', '.join(sides)}"


def cost(usd: float | None) -> str:
    """Return an amount of money with as many digits as matter: `$0.0004`, `$12.30`."""
    if usd is None:
        return "unknown"
    if usd >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if usd >= 0.0001 or not usd else "less than $0.0001"


def _row(words: str, amount: Any) -> Row:
    if isinstance(amount, Mapping):
        bytes_ = amount.get("bytes")
        return words, int(amount.get("objects", 0)), "" if bytes_ is None else size(bytes_)
    return words, int(amount or 0), ""


def _unless_none(words: str, amount: Any) -> Iterator[Row]:
    row = _row(words, amount)
    if row[1]:
        yield row
