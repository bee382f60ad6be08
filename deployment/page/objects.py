"""Where the objects went: from which bucket to which, how many and how much of them, as a picture and in numbers."""

from __future__ import annotations

from collections.abc import Iterator

from deployment.page.facts import Amount, Facts
from deployment.page.markup import Html, element, isolated
from deployment.page.parts import group, note, section, table
from deployment.page.pictures import colour, stacked
from deployment.page.sentences import delete_markers, number, sized

MAIN = ("copied", "deleted", "current", "plan copy", "plan delete")
"""Those of the amounts that everybody asks for."""

REMARKS = ("unprovable",)
"""Amounts whose objects are counted as something else already."""


def show(facts: Facts) -> Html | None:
    """Return the section, None for a run that has not begun."""
    if not facts.has_begun:
        return None
    amounts = [one for one in facts.amounts if one.name not in REMARKS]
    bars = [
        element("figure", element("figcaption", f"by {what}"), bar)
        for what, bar in (("objects", stacked(amounts, False)), ("bytes", stacked(amounts, True)))
        if bar is not None
    ]
    numbers = [(_word(one), f"{one.objects:,}", one.size_in_words) for one in facts.amounts]
    return section(
        "What would be done" if facts.is_plan_only else "Where the objects went",
        _from_to(facts),
        *bars,
        table(["", "objects", "size"], numbers),
        *(note(text) for text in _notes(facts)),
    )


def show_plan(facts: Facts) -> Html | None:
    """Return the first keys of a plan that was not carried out, None where there are none."""
    there = [one for one in facts.planned if one.objects]
    if not there:
        return None
    more = f"All of them: fab report {facts.name} --list FILE"
    return section(
        "First keys of the plan", *(group(one, not place, more) for place, one in enumerate(there))
    )


def _from_to(facts: Facts) -> Html:
    plan = facts.report.get("plan", {})
    amount = sized(plan.get("copy") if facts.is_plan_only else facts.report.get("copied"))
    arrow = element(
        "div",
        element("span", amount),
        element("span", class_="arrow", aria_hidden="true"),
        element("span", "to be copied" if facts.is_plan_only else "copied", class_="label"),
        class_="way",
    )
    return element("div", _side(facts, "source"), arrow, _side(facts, "destination"), class_="from-to")


def _side(facts: Facts, side: str) -> Html:
    listed = facts.report.get("listed", {}).get(side)
    out_of_scope = number(facts.report.get("outOfScope", {}), side)
    told = "" if listed is None else f"{listed:,} objects listed"
    told += f", {out_of_scope:,} out of scope" if out_of_scope else ""
    return element(
        "div",
        element("span", side, class_="label"),
        element("strong", isolated(facts.source if side == "source" else facts.destination)),
        element("span", told, class_="label"),
        class_="side",
    )


def _word(amount: Amount) -> Html:
    dot = (
        ""
        if amount.name in REMARKS
        else element("i", class_=f"dot is-{colour(amount.name)}", aria_hidden="true")
    )
    return element("span", dot, amount.words)


def _notes(facts: Facts) -> Iterator[str]:
    yield from delete_markers(facts.report)
    if facts.report.get("appliedPlan"):
        yield f"What the dry run {facts.report['appliedPlan']} had listed was carried out."
