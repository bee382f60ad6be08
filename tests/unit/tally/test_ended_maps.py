"""Whether a Map that ended with an error ended because somebody wanted the run to stop, or because something broke."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_functions.shared.tally.stopping import has_ended_map
from lambda_functions.shared.tally.sums import WorkTotals

ENDED = {"stopped": True, "endsMap": True}


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        ({"copies": ENDED}, True),
        ({"copies": {"next": "delete"}, "deletes": ENDED}, True),
        ({"copies": {"stopped": True, "endsMap": False}}, False),
        ({"copies": {"stopped": True}}, False),
        ({"copies": None}, False),
        ({}, False),
    ],
)
def test_the_error_of_a_map_is_the_one_that_was_asked_for(state: dict[str, Any], answer: bool) -> None:
    assert bool(has_ended_map(state, WorkTotals())) is answer


def test_what_broke_besides_is_an_error_all_the_same() -> None:
    broken = WorkTotals(broken=1)
    assert not has_ended_map({"copies": ENDED}, broken)
