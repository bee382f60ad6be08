"""Every scenario of the table: what the run was allowed to come to, and that the next one converges."""

from __future__ import annotations

import pytest
from fault_proxy import CONNECTIONS
from reliability_page import PAGE, rows_of, rows_of_page
from running import Told, play
from scenarios import EMULATOR, LIMITS, Scenario
from table import all_rows


def test_a_scenario(row: Scenario, told: list[Told], request: pytest.FixtureRequest) -> None:
    if row.place == EMULATOR and row.fault.startswith("worker killed") and not CONNECTIONS.exists():
        pytest.skip("the process that has a connection is only found on Linux")
    shown = play(row, lambda: request.getfixturevalue("deployed"))
    told.append(shown)

    assert shown.fired, "the fault never struck: this scenario shows nothing"
    assert shown.complaints == []
    assert shown.is_as_promised, f"not {row.must}, but {shown.ending.outcome}: {shown.ending.cause}"


def test_the_table_is_large_enough_and_touches_every_family() -> None:
    rows = all_rows()
    assert len(rows) >= 120
    assert len({row.family for row in rows}) >= 10


def test_the_page_lists_exactly_the_scenarios_of_the_table() -> None:
    assert rows_of_page() == rows_of(all_rows())


def test_every_limit_is_named_in_the_page() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert [limit for limit in LIMITS.values() if limit not in text] == []
