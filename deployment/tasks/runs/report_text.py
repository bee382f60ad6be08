"""The report of a run as a table and sentences: what the Lambda `tally_run` has written, put into words and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from deployment.command_line.sync_flags import in_flags
from deployment.console import Console
from deployment.page.cost_words import cost_item
from deployment.page.facts import Amount, has_begun, is_plan_only, is_refused
from deployment.page.sentences import delete_markers
from deployment.step_functions.executions import sides
from deployment.text import dollars, duration, quantity

Row = tuple[str, int, str]

_ROWS = (
    ("copied", "copied"),
    ("deleted", "deleted"),
    ("current", "already equal"),
)

CANNOT_BE_APPLIED = "This plan can be read, but not be carried out"
"""The beginning of a warning, as the Lambda `validate_input` writes it."""

_LEFT_ALONE = {
    "source": "left out by filters at the source",
    "destination": "kept at the destination by filters",
}

_SKIPPED = {
    "archived": "skipped: archived, to be restored first",
    "vanished": "skipped: vanished during the run",
    "unmappable": "skipped: no possible key at the destination",
    "restoring": "skipped: archived, a restore is under way",
}

_TROUBLE = {
    "unprovable": "unprovable: no checksum tells",
    "stopped": "not done: the run was stopped",
    "changed": "changed by others during the run",
    "failed": "failed",
}


NOT_IN_IT = "Not in it: storage, the work bucket, logs, and what docs/cost.md names."


def show_report(
    report: Mapping[str, Any] | None,
    seconds: float | None,
    console: Console,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Write a report as a table to stdout, with what it cost and what failed below; nothing where no run has begun.

    `options` are what the execution was started with; they have the prefixes. `seconds` are left out where nobody knows them.
    """
    if report is None or not has_begun(report):
        return
    show_sums(report, seconds, console, options)
    show_failures(report, console)


def show_sums(
    report: Mapping[str, Any],
    seconds: float | None,
    console: Console,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Write the same without what failed."""
    styles = ["red" if one.name in _TROUBLE else "" for one in amounts(report)]
    console.table(title(report, options), ["", "objects", "size"], list(rows(report)), styles)
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
    """Return which sync, if it has a name, which buckets and prefixes, and whether anything was really done."""
    why = "refused" if is_refused(report) else "dry run" if report.get("dryRun") else ""
    told = report.get("options") or options or report
    name = f"{told['name']}: " if told.get("name") else ""
    return f"{name}{sides(told)}{f' ({why}: nothing was changed)' if why else ''}"


def rows(report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what became of the objects: what, how many, how much. What went wrong is left out where it did not."""
    for one in amounts(report):
        yield one.words, one.objects, one.size_in_words


def amounts(report: Mapping[str, Any]) -> Iterator[Amount]:
    """Yield the same as numbers, each with its name in the report."""
    if is_plan_only(report):
        plan = report.get("plan", {})
        yield _amount("plan copy", "would be copied", plan.get("copy"))
        yield _amount("plan delete", "would be deleted", plan.get("delete"))
        yield from _unless_none("plan restore", "archived, would be restored", plan.get("restore"))
        yield _amount("current", "already equal", report.get("current"))
    else:
        for name, words in _ROWS:
            yield _amount(name, words, report.get(name))
    for side, words in _LEFT_ALONE.items():
        yield from _unless_none(f"filtered {side}", words, report.get("filtered", {}).get(side))
    yield from _unless_none("notOverwritten", "not overwritten", report.get("notOverwritten"))
    for name, words in _SKIPPED.items():
        yield from _unless_none(name, words, report.get("skipped", {}).get(name))
    for name, words in _TROUBLE.items():
        yield from _unless_none(name, words, report.get(name))


def footer(report: Mapping[str, Any], seconds: float | None) -> Iterator[str]:
    """Yield what was out of scope, what a delete means there, requests, cost and time, and where the whole report is."""
    yield from scope(report)
    yield from delete_markers(report)
    requests: Mapping[str, int] = report.get("requests", {})
    listed = ", ".join(f"{count:,} {name}" for name, count in requests.items() if count) or "none"
    yield f"Requests to the two buckets: {listed}"
    unusual = int(report.get("unusualPages", 0))
    if unusual:
        yield f"{unusual:,} pages of the listings had an unusual form: they were read too, but slowly."
    yield _costs(report) + ("" if seconds is None else f"; it took {duration(seconds)}")
    yield from cost_items(report)
    yield from verified(report)
    if report.get("report"):
        yield f"Report: {report['report']}"
    yield from how_to_apply(report)


def verified(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the comparison at the end of a run has found, if there was one."""
    found = report.get("verified")
    if not found or "objects" not in found:
        return
    what = f"{found['differences']:,} of them differ" if found["differences"] else "no difference"
    meanwhile = f", {found['writtenMeanwhile']:,} written meanwhile" if found["writtenMeanwhile"] else ""
    yield f"Compared once more: {quantity(found['objects'], 'key')}, {what}{meanwhile}"


def how_to_apply(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield how to carry out what a dry run has planned, and what it has planned where another one has carried that out."""
    digest, place = report.get("planDigest"), str(report.get("report", ""))
    if report.get("appliedPlan"):
        yield f"Carried out was the plan {report['appliedPlan']}, with the digest {digest}"
    elif digest and _plans_something(report) and not _cannot_be_applied(report):
        # In backticks nothing is folded: half of this command would carry out the plan without its digest.
        yield f"To carry out exactly this plan: `fab sync --plan {place.split('/')[-2]} --plan-digest {digest}`"


def _plans_something(report: Mapping[str, Any]) -> bool:
    return any(_amount(kind, "", planned).objects for kind, planned in report.get("plan", {}).items())


def _cannot_be_applied(report: Mapping[str, Any]) -> bool:
    return any(CANNOT_BE_APPLIED in str(text) for text in report.get("warnings", ()))


def _costs(report: Mapping[str, Any]) -> str:
    """Return what the run has cost, or where only a plan was made, what a run would cost that carries it out."""
    usd, planned = report.get("estimatedCostUsd"), report.get("plannedCostUsd")
    if usd is None or planned is None or not is_plan_only(report):
        return f"Estimated cost: {dollars(usd)}"
    return (
        f"Estimated cost of the run: {dollars(usd + planned)}, of which {dollars(usd)} for comparing, as now"
    )


def cost_items(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what that is made of, dearest first, and what is not in it; nothing of a report that has no items."""
    costs = [report.get("cost"), report.get("plannedCost") if is_plan_only(report) else None]
    if costs[0] is None:
        return
    items: Counter[str] = Counter()
    for cost_of_some in filter(None, costs):
        items.update(cost_of_some)
    named = [f"{cost_item(name)} {dollars(usd)}" for name, usd in items.most_common()]
    yield f"By item: {', '.join(named)}. {NOT_IN_IT}"
    regions = report.get("pricedAsUsEast1", ())
    if regions:
        yield f"No prices are known of {' and '.join(regions)}: those of us-east-1 were taken, and its own may be much higher."


def scope(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was listed and left out, unless nothing was left out."""
    listed, left_out = report.get("listed", {}), report.get("outOfScope", {})
    if any(left_out.values()):
        sides = (
            f"{listed.get(side, 0):,} at the {side} ({left_out.get(side, 0):,} out of scope)"
            for side in ("source", "destination")
        )
        yield f"Objects listed: {', '.join(sides)}"


def _amount(name: str, words: str, amount: Any) -> Amount:
    if isinstance(amount, Mapping):
        return Amount(name, words, int(amount.get("objects", 0)), amount.get("bytes"))
    return Amount(name, words, int(amount or 0))


def _unless_none(name: str, words: str, amount: Any) -> Iterator[Amount]:
    found = _amount(name, words, amount)
    if found.objects:
        yield found
