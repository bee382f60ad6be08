"""What a report tells of money: in all, item by item, and what is not in it."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.tasks.runs.report_text import NOT_IN_IT, footer
from deployment.tasks.runs.verify import options_of
from deployment.text import dollars
from lambda_functions.shared.options import parse
from tests.planned_runs import report_of

COSTS = {
    "estimatedCostUsd": 0.0006,
    "cost": {"lambda": 0.00002, "lists": 0.00001, "states": 0.0005, "newItem": 0.00007},
    "plannedCostUsd": 25.0211,
    "plannedCost": {
        "transfer": 20.0,
        "writes.STANDARD_IA": 5.0,
        "earlyDeletion": 0.02,
        "lambda": 0.0008,
        "states": 0.0003,
    },
}
REGION = "No prices are known of ap-south-1: those of us-east-1 were taken, and its own may be much higher."


def about_money(**differing: Any) -> list[str]:
    told = list(footer(report_of(4, 1, **{**COSTS, **differing}), 1.0))
    return told[1:-1]


def test_what_a_dry_run_shows_is_what_a_run_would_cost_by_item_the_dearest_first() -> None:
    assert about_money() == [
        "Estimated cost of the run: $25.02, of which $0.0006 for comparing, as now; it took 1.0 s",
        "By item: transfer between regions $20.00, writes into STANDARD_IA $5.00, early deletion $0.0200, Lambda $0.0008, state "
        f"transitions $0.0008, newItem less than $0.0001, LIST requests less than $0.0001. {NOT_IN_IT}",
    ]


@pytest.mark.parametrize("error", ["DeletionRefused", "CostRefused"])
def test_a_refused_run_shows_the_same(error: str) -> None:
    assert about_money(dryRun=False, outcome=error) == about_money()


def test_a_run_shows_what_it_has_cost() -> None:
    assert about_money(dryRun=False) == [
        "Estimated cost: $0.0006; it took 1.0 s",
        "By item: state transitions $0.0005, newItem less than $0.0001, Lambda less than $0.0001, LIST requests less than "
        f"$0.0001. {NOT_IN_IT}",
    ]


def test_a_region_whose_prices_are_not_known_is_named() -> None:
    assert about_money(pricedAsUsEast1=["ap-south-1"])[-1] == REGION
    two = about_money(pricedAsUsEast1=["ap-south-1", "sa-east-1"])[-1]
    assert two.startswith("No prices are known of ap-south-1 and sa-east-1: those of us-east-1 were taken")


def test_a_report_of_an_older_deployment_has_no_items() -> None:
    told = list(footer(report_of(4, 1), 1.0))
    assert [line for line in told if "By item" in line or "Not in it" in line] == []


def test_next_to_nothing_is_not_nothing() -> None:
    assert (dollars(0.00004), dollars(0.0001), dollars(0)) == ("less than $0.0001", "$0.0001", "$0.0000")


def test_a_verification_has_no_limit_of_its_cost() -> None:
    given = {"source": "abc", "destination": "abd", "maxCostUsd": 0.01}
    assert parse(options_of(given, deep=False), {}).maxCostUsd is None
