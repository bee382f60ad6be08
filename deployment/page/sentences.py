"""What happened, in sentences: the headline of a page, for somebody who reads nothing else of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deployment.page.facts import Facts
from deployment.text import objects, size

NOT_DONE = ("failed", "changed", "stopped")
"""The words of a report for objects that are not in sync."""


def headline(facts: Facts) -> tuple[str, str]:
    """Return the most important sentence of what happened, and the others, "" where there are none."""
    first, *others = _sentences(facts)
    return first, " ".join(others)


def _sentences(facts: Facts) -> list[str]:
    report = facts.report
    if not facts.has_begun:
        return ["The run did not begin: nothing was compared, and nothing was changed."]
    if facts.is_refused:
        planned = _planned(facts, "copied", "deleted")
        return ["The run was refused, and nothing was changed.", f"It would have {planned}."]
    if report.get("dryRun"):
        return _dry_run(facts)
    return [*_how_far(facts), _done(facts), *_left_out(report)]


def not_synchronised(report: Mapping[str, Any]) -> int:
    """Return how many objects are not in sync."""
    return sum(number(report, what) for what in NOT_DONE)


def left_out(report: Mapping[str, Any]) -> int:
    """Return how many objects were skipped in a run that succeeds all the same."""
    return sum(count for count in report.get("skipped", {}).values() if isinstance(count, int))


def number(report: Mapping[str, Any], what: str) -> int:
    """Return how many objects a report counts as this, 0 where it does not say."""
    amount = report.get(what)
    found = amount.get("objects", 0) if isinstance(amount, Mapping) else amount
    return found if isinstance(found, int) else 0


def delete_markers(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what deletes mean at a versioned destination, if they were such."""
    markers = number(report, "deleteMarkers")
    if markers:
        yield f"The destination is versioned: {markers:,} of the deletes left a delete marker, old versions stay."


def sized(amount: Any) -> str:
    """Return `1,200 objects (5.0 MiB)`, without the size where a report has none."""
    known = amount if isinstance(amount, Mapping) else {"objects": amount or 0}
    bytes_ = known.get("bytes")
    return f"{objects(known.get('objects', 0))}{'' if bytes_ is None else f' ({size(bytes_)})'}"


def _dry_run(facts: Facts) -> list[str]:
    plan = facts.report.get("plan", {})
    if not facts.has_succeeded:
        return [
            "The dry run was not completed, so what a sync would do is not known.",
            "Nothing was changed.",
        ]
    if not any(number(plan, what) for what in ("copy", "delete")):
        return [f"A sync would have nothing to do: {_equal(facts.report)}."]
    return [f"A sync would {_planned(facts, 'copy', 'delete')}.", "This was a dry run: nothing was changed."]


def _planned(facts: Facts, copied: str, deleted: str) -> str:
    plan = facts.report.get("plan", {})
    return (
        f"{copied} {sized(plan.get('copy'))} from {facts.source} to {facts.destination} "
        f"and {deleted} {objects(number(plan, 'delete'))} there"
    )


def _how_far(facts: Facts) -> list[str]:
    report = facts.report
    left, stopped = not_synchronised(report), number(report, "stopped")
    if facts.has_succeeded:
        plan = report.get("appliedPlan")
        return [f"The plan {plan} was carried out."] if plan else []
    if facts.outcome == "Stopped":
        return [f"The run was stopped, with {objects(stopped)} left to do."]
    if facts.outcome == "NotInSync":
        return ["The two buckets are not equal."]
    if left:
        return [f"{_were(objects(left), left)} not synchronised."]
    return ["The run ended before it was done."]


def _done(facts: Facts) -> str:
    report = facts.report
    copied, deleted = number(report, "copied"), number(report, "deleted")
    if not copied and not deleted:
        verb = "had to be" if facts.has_succeeded and not _left_out(report) else "was"
        return f"Nothing {verb} copied or deleted: {_equal(report)}."
    copies = _were(sized(report.get("copied")), copied) if copied else "Nothing was"
    deletes = _were(f"{deleted:,}" if copied else objects(deleted), deleted) if deleted else "none was"
    return f"{copies} copied from {facts.source} to {facts.destination}, {deletes} deleted there, and {_equal(report)}."


def _left_out(report: Mapping[str, Any]) -> list[str]:
    skipped = left_out(report)
    return [f"{_were(objects(skipped), skipped)} left out, see below."] if skipped else []


def _equal(report: Mapping[str, Any]) -> str:
    current = number(report, "current")
    return f"{_were(objects(current), current) if current else 'none was'} already equal"


def _were(words: str, count: int) -> str:
    return f"{words} {'was' if count == 1 else 'were'}"
