"""One world with objects on either side of every bound, under each filter alone and under each pair of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import oracle
import place
import pytest
from blueprints import THEN, Blueprint, World
from machine_on_moto import Machine
from oracle import Object

SIZES = (0, 2, 5)
MOMENTS = (THEN, THEN + 1, THEN + 2)
CLASSES = ("STANDARD", "STANDARD_IA", "GLACIER")
# What the destination has under a key: as many bytes or another number, and how many seconds later it was written.
THERE = (None, (0, 1), (0, -1), (1, 0), (1, -1))
EAST = timezone(timedelta(hours=5, minutes=45))
FILTERS: dict[str, Any] = {
    "minSize": 2,
    "maxSize": 2,
    "modifiedAfter": datetime.fromtimestamp(THEN + 1, EAST).isoformat(),
    "modifiedBefore": datetime.fromtimestamp(THEN + 2, UTC).isoformat(),
    "storageClasses": ["STANDARD", "GLACIER"],
    "overwrite": "newer",
}
OTHER_VALUES: dict[str, Any] = {"overwrite": False, "modifiedBefore": "2023-11-14T22:13:20.5z", "maxSize": 4}


def source() -> Iterator[tuple[str, Blueprint]]:
    """Yield an object for every size, moment and state of the destination, every third of one class: a report names 20 keys."""
    for number, (size, moment, there) in enumerate(itertools.product(SIZES, MOMENTS, THERE)):
        found = Blueprint(b"s" * size, modified=moment, storage_class=CLASSES[number % len(CLASSES)])
        yield f"{number:02d} {there}", found


def destination() -> Iterator[tuple[str, Object]]:
    """Yield what the destination has: copies, other objects, and orphans of every size."""
    for (key, found), there in zip(source(), itertools.cycle(THERE), strict=False):
        if there:
            yield key, Blueprint(found.body + b"+" * there[0], modified=found.modified + there[1]).made()
    for size in SIZES:
        yield f"orphan {size}", Blueprint(b"o" * size, modified=THEN + 1, storage_class="STANDARD_IA").made()


def chosen() -> Iterator[dict[str, Any]]:
    """Yield every filter alone, every pair, and some with other values."""
    for one, other in itertools.combinations_with_replacement(FILTERS, 2):
        yield {one: FILTERS[one], other: FILTERS[other]}
    for name, value in OTHER_VALUES.items():
        yield {name: value}
        yield {**FILTERS, name: value, "modifiedAfter": "0001-01-01T00:00:00+01:00"}


@pytest.mark.parametrize("options", list(chosen()), ids=str)
def test_every_filter_and_every_pair_does_on_both_sides_what_the_oracle_says(
    running: Machine, options: dict[str, Any]
) -> None:
    world = World({key: found.made() for key, found in source()}, dict(destination()), options)

    place.check(running, world)


def outcome(options: dict[str, Any]) -> tuple[set[str], ...]:
    """Return what the oracle says is copied, deleted, and left alone for which reason."""
    before = {key: found.made() for key, found in source()}
    found = oracle.predict(before, dict(destination()), {"source": "a", "destination": "b", **options})
    return set(found.copies), set(found.deletes), found.filtered, found.kept_orphans, found.not_overwritten


def test_the_world_is_rich_enough_for_every_filter_to_tell_in_every_pair() -> None:
    pairs = list(itertools.combinations(FILTERS, 2))
    unseen = [
        (one, other)
        for one, other in pairs
        if outcome({one: FILTERS[one], other: FILTERS[other]})
        in (outcome({one: FILTERS[one]}), outcome({other: FILTERS[other]}))
    ]
    assert (len(pairs), unseen) == (15, [])
    assert all(outcome({name: FILTERS[name]}) != outcome({}) for name in FILTERS)
