"""Filters drawn by Hypothesis, alone and in pairs, with bounds near to what objects of worlds are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import oracle_filters
from blueprints import THEN
from hypothesis import strategies as st

ZONES = (UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=9, minutes=30)))
CLASSES = ("STANDARD", "STANDARD", "STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE", "ONEZONE_IA")


@st.composite
def moments(draw: Callable[..., Any]) -> str:
    """Draw a moment at, or a little beside, that of an object, as people in some zone write it; or one far away."""
    far = draw(st.sampled_from([*[""] * 6, "0001-01-01T00:00:00Z", *[""] * 6, "9999-12-31t23:59:59.999z"]))
    if far:
        return str(far)
    moment = THEN + draw(st.sampled_from([1, 0, 2, -1, 3, 4, 3601]))
    fraction = timedelta(milliseconds=draw(st.sampled_from([0, 0, 500, 1])))
    text = (datetime.fromtimestamp(moment, draw(st.sampled_from(ZONES))) + fraction).isoformat()
    small = draw(st.booleans())
    return text.replace("+00:00", "Z").lower() if small else text


FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "minSize": st.sampled_from([1, 0, 2, 3, 8]),
    "maxSize": st.sampled_from([2, 0, 1, 7, 10**15]),
    "modifiedAfter": moments(),
    "modifiedBefore": moments(),
    "storageClasses": st.lists(st.sampled_from(CLASSES), min_size=1, max_size=3),
    "overwrite": st.sampled_from([False, "newer", "newer", True]),
}


@st.composite
def filters(draw: Callable[..., Any]) -> dict[str, Any]:
    """Draw none, one or two; two that contradict each other are mostly put right."""
    number = draw(st.sampled_from([0, 1, 2, 0, 2, 1, 0]))
    names = draw(st.lists(st.sampled_from(sorted(FILTERS)), min_size=number, max_size=number, unique=True))
    found = {name: draw(FILTERS[name]) for name in names}
    if oracle_filters.leave_nothing(found) and draw(st.sampled_from([True, True, True, False, True])):
        found = dict(zip(found, reversed(found.values()), strict=True))
    return found
