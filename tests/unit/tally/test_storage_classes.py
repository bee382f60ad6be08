"""What restores cost by class and tier, and what is said of classes."""

from __future__ import annotations

import math

import pytest
from places import PROJECT

from lambda_functions.shared.option_rules import RESTORE_TIERS, Restore
from lambda_functions.shared.tally.cost.prices import REGIONS, US_EAST_1
from lambda_functions.shared.tally.warnings import class_warnings

GB = 1024**3
PRICES = REGIONS[US_EAST_1]


@pytest.mark.parametrize(
    ("storage_class", "tier", "usd"),
    [
        ("GLACIER", "Bulk", 0.0),
        ("GLACIER", "Standard", 0.05 + 5.00),
        ("GLACIER", "Expedited", 10.00 + 15.00),
        ("DEEP_ARCHIVE", "Bulk", 0.025 + 1.25),
        ("DEEP_ARCHIVE", "Standard", 0.10 + 10.00),
    ],
)
def test_a_thousand_requests_and_500_gb_cost_what_aws_says(storage_class: str, tier: str, usd: float) -> None:
    assert math.isclose(PRICES.restore_usd(storage_class, 1000, 500 * GB, tier), usd)
    assert PRICES.restore_usd(storage_class, 0, 0, tier) == 0


@pytest.mark.parametrize("tier", RESTORE_TIERS)
def test_every_class_has_a_price_in_the_tier_that_it_gets(tier: str) -> None:
    for name in ("GLACIER", "DEEP_ARCHIVE"):
        assert (name, Restore(1, tier).tier_of(name)) in PRICES.restores


def test_the_prices_are_those_of_the_page_about_costs() -> None:
    page = (PROJECT / "docs" / "cost.md").read_text(encoding="utf-8")
    for (name, tier), (per_request, per_gb) in PRICES.restores.items():
        price = f"${per_request * 1000:g} for 1,000 and ${per_gb:g} for a GB" if per_request else "free"
        assert f"| RESTORE_OBJECT of {name}, {tier} | {price} |" in page


def test_nothing_is_said_where_every_class_is_kept_and_every_tier_is_there() -> None:
    amount = {"DEEP_ARCHIVE": {"objects": 3, "bytes": 3}}
    assert list(class_warnings({}, {}, None)) == []
    assert list(class_warnings({}, amount, None)) == []
    assert list(class_warnings({}, amount, Restore(1, "Bulk"))) == []
    assert list(class_warnings({}, {"GLACIER": {"objects": 3, "bytes": 3}}, Restore(1, "Expedited"))) == []


def test_numbers_have_commas_and_one_object_has_a_sentence_of_its_own() -> None:
    amount = {"DEEP_ARCHIVE": {"objects": 2000, "bytes": 3}}
    assert list(class_warnings({"SNOW": 1, "FSX_ONTAP": 1200}, amount, Restore(1, "Expedited"))) == [
        "1,200 objects to copy have the storage class FSX_ONTAP, which nobody can write: their copies are STANDARD.",
        "1 object to copy has the storage class SNOW, which nobody can write: its copy is STANDARD.",
        "2,000 objects to restore are in DEEP_ARCHIVE, which has no Expedited: the tier there is Standard.",
    ]
