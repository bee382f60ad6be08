"""What was not synchronised, by cause, with the first keys."""

from __future__ import annotations

from collections.abc import Iterator

from deployment.page.facts import Facts
from deployment.page.markup import Html
from deployment.page.parts import group, note, section


def show(facts: Facts) -> Html | None:
    """Return the section, None where everything was synchronised."""
    if not facts.causes and not facts.notes:
        return None
    return section("Not synchronised, by cause", *_groups(facts), *map(note, facts.notes))


def _groups(facts: Facts) -> Iterator[Html]:
    more = f"All of them: fab report {facts.name} --csv FILE"
    for place, cause in enumerate(sorted(facts.causes, key=lambda one: -one.objects)):
        yield group(cause, not place, more)
