"""The page of a run: one file that loads nothing and runs nothing, to be sent on to somebody who has no account.

Its Content-Security-Policy forbids scripts and every request, whatever should get into it.
https://www.w3.org/TR/CSP3/#meta-element
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from deployment.page import causes, money, objects, times
from deployment.page.facts import Facts
from deployment.page.markup import Html, element, isolated, join
from deployment.page.parts import definitions, section
from deployment.page.sentences import headline, left_out, not_synchronised
from deployment.text import dollars, duration, utc

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
STYLE = Path(__file__).with_name("page.css")


def page(facts: Facts) -> str:
    """Return the whole document."""
    body = [
        _head_of_page(facts),
        _tiles(facts),
        objects.show(facts),
        causes.show(facts),
        objects.show_plan(facts),
        times.show(facts),
        money.show(facts),
        _options(facts),
        _foot(facts),
    ]
    document = element("html", _head(facts), element("body", element("main", *body)), lang="en")
    return f"<!DOCTYPE html>\n{document}\n"


def _head(facts: Facts) -> Html:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        element("link", rel="icon", href="data:,"),  # or a browser asks a server for one
        element("title", f"{facts.outcome}: {facts.source} -> {facts.destination}"),
        element("style", Html(STYLE.read_text(encoding="utf-8"))),
    )


def _head_of_page(facts: Facts) -> Html:
    mood = (
        "good" if facts.has_succeeded else "warn" if facts.is_refused or facts.outcome == "Stopped" else "bad"
    )
    badges = [element("span", facts.outcome, class_=f"badge is-{mood}")]
    if facts.report.get("dryRun"):
        badges.append(element("span", "dry run", class_="badge"))
    first, rest = headline(facts)
    when = f"{utc(facts.began_at)} UTC, took {duration(facts.seconds)}"
    return element(
        "header",
        element("p", "SyncBuckets ", isolated(facts.name), " · ", when, class_="over"),
        element("p", *badges, class_="badges"),
        element("h1", first),
        element("p", rest, class_="lead") if rest else None,
        element("p", facts.cause, class_=f"cause is-{mood}") if facts.cause else None,
        *(element("p", f"Warning: {text}", class_="cause is-warn") for text in facts.remarks),
    )


def _tiles(facts: Facts) -> Html | None:
    """Return the numbers that everybody asks for."""
    if not facts.has_begun:
        return None
    left, skipped = not_synchronised(facts.report), left_out(facts.report)
    shown = [one for one in facts.amounts if one.name in objects.MAIN]
    tiles = [_tile(one.words, f"{one.objects:,}", one.size_in_words) for one in shown]
    if not facts.is_plan_only or left:
        tiles.append(
            _tile(
                "not synchronised",
                f"{left:,}",
                f"{skipped:,} left out" if skipped else "",
                "is-bad" if left else "",
            )
        )
    tiles.append(_tile("time", duration(facts.seconds), ""))
    tiles.append(_tile("estimated cost", dollars(facts.report.get("estimatedCostUsd")), ""))
    return element("div", *tiles, class_="tiles")


def _tile(label: str, value: str, below: str, class_: str = "") -> Html:
    return element(
        "div",
        element("span", label, class_="label"),
        element("strong", value),
        element("span", below, class_="label") if below else None,
        class_=f"tile {class_}".strip(),
    )


def _options(facts: Facts) -> Html | None:
    """Return what somebody chose, and behind a click all that stayed at its default."""
    options = facts.report.get("options") or {}
    chosen = [(name, _json(value)) for name, value in {**facts.given, **_chosen(facts)}.items()]
    others = [(name, _json(value)) for name, value in options.items() if name not in facts.given]
    if not chosen and not others:
        return None
    folded = element("details", element("summary", f"All others ({len(others)})"), definitions(others))
    return section("Options", definitions(chosen), folded if others else None)


def _chosen(facts: Facts) -> dict[str, object]:
    options = facts.report.get("options") or {}
    return {name: value for name, value in options.items() if name in facts.given}


def _json(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)


def _foot(facts: Facts) -> Html:
    return element("footer", definitions(list(_places(facts))), _made(facts))


def _places(facts: Facts) -> Iterator[tuple[str, object]]:
    yield "Execution", facts.arn
    yield (
        "Console",
        element("a", "Open it in the AWS console", href=facts.link, rel="noreferrer noopener"),
    )
    for name, words in (
        ("report", "Report"),
        ("failures", "Files of failures"),
        ("planDigest", "Digest of the plan"),
    ):
        if facts.report.get(name):
            yield words, facts.report[name]


def _made(facts: Facts) -> Html:
    how = join("Made by ", element("code", "fab report --html"), f", {utc(facts.made_at)} UTC.")
    return element(
        "p", how, " This page loads nothing and runs nothing. It names buckets and keys.", class_="over"
    )
