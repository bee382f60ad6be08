"""Every scenario of the table: what the run was allowed to come to, and that the next one converges."""

from __future__ import annotations

from running import Told, play
from scenarios import EQUAL, FAILED, Scenario
from table import all_rows


def test_a_scenario(row: Scenario, told: list[Told]) -> None:
    shown = play(row)
    told.append(shown)

    assert shown.fired, "the fault never struck: this scenario shows nothing"
    assert shown.complaints == []
    if row.must in (EQUAL, FAILED):
        assert (row.must == EQUAL) == shown.ending.is_green, f"{shown.ending.outcome}: {shown.ending.cause}"


def test_the_table_is_large_enough_and_touches_every_family() -> None:
    rows = all_rows()
    assert len(rows) >= 120
    assert len({row.family for row in rows}) >= 10
