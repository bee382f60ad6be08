"""What several sections of a page are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployment.page.facts import Group
from deployment.page.markup import Html, element, isolated
from deployment.text import quantity


def section(title: str, *children: object) -> Html:
    """Return a section with its title."""
    return element("section", element("h2", title), *children)


def note(text: str) -> Html:
    """Return a sentence in small letters."""
    return element("p", text, class_="note")


def definitions(pairs: Iterable[tuple[str, object]]) -> Html:
    """Return names, each with its value."""
    rows = [
        element(
            "div", element("dt", name), element("dd", value if isinstance(value, Html) else isolated(value))
        )
        for name, value in pairs
    ]
    return element("dl", *rows)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], is_wide: bool = False) -> Html:
    """Return a table whose first column is words, and whose others are numbers; on a phone a wide one is a list."""
    head = [
        element("th", name, scope="col", class_="" if not number else "number")
        for number, name in enumerate(columns)
    ]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(
                element("td", cell, class_="number", data_name=columns[number])
                for number, cell in enumerate(row[1:], 1)
            ),
        )
        for row in rows
    ]
    return element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *body),
        class_="wide" if is_wide else "",
    )


def group(found: Group, is_open: bool, more: str) -> Html:
    """Return a group with its first keys, behind a click; `more` says where the others are."""
    remaining = found.objects - len(found.first)
    remarks = {_remarks(first, second) for _, first, second in found.first}
    is_same = len(remarks) == 1 and len(found.first) > 1  # then it is said once
    keys = [
        element(
            "li",
            element("code", isolated(key) if key else "(the empty key)"),
            None if is_same else element("span", _remarks(first, second)),
        )
        for key, first, second in found.first
    ]
    return element(
        "details",
        element("summary", element("strong", found.title), f" {quantity(found.objects, 'object')}"),
        note(next(iter(remarks))) if is_same else None,
        element("ul", *keys, class_="keys same" if is_same else "keys") if keys else None,
        note(f"and {remaining:,} more. {more}" if keys else more) if remaining > 0 else None,
        open="open" if is_open else None,
    )


def _remarks(first: str, second: str) -> str:
    return f"{first}: {second}" if first and second else first or second
