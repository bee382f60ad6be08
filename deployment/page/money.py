"""Requests and what they are estimated to cost, by item where the report has items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deployment.page.cost_words import cost_item
from deployment.page.facts import Facts
from deployment.page.markup import Html
from deployment.page.parts import note, section, table
from deployment.text import dollars


def show(facts: Facts) -> Html | None:
    """Return the section, None for a run that has asked nothing."""
    report = facts.report
    requests = {name: count for name, count in report.get("requests", {}).items() if count}
    if not requests and report.get("estimatedCostUsd") is None:
        return None
    counted = sorted(requests.items(), key=lambda item: -item[1])
    items = _items(report.get("cost") or {})
    return section(
        f"Requests and cost: {dollars(report.get('estimatedCostUsd'))}",
        table(["request to the two buckets", "sent"], [(name, f"{count:,}") for name, count in counted])
        if counted
        else None,
        table(["item", "cost"], items) if items else None,
        *map(note, _notes(facts)),
    )


def _items(cost: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return what a report has of its cost by item, dearest first."""
    dearest = sorted(cost.items(), key=lambda item: -item[1])
    return [(cost_item(name), dollars(usd)) for name, usd in dearest]


def _notes(facts: Facts) -> Iterator[str]:
    planned = facts.report.get("plannedCostUsd")
    if planned is not None and facts.is_plan_only:
        yield f"Carrying the plan out is estimated to cost {dollars(planned)} besides."
    yield "An estimate from the requests and the time of the workers at list prices, not a bill."
