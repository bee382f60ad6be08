"""The page about costs against the code: its prices, and the items that it explains."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from places import PROJECT

from deployment.page import cost_words
from lambda_functions.shared.filter_rules import STORAGE_CLASSES
from lambda_functions.shared.tally.cost import costs, prices
from lambda_functions.shared.tally.refusals import WORDS

PAGE = (PROJECT / "docs" / "cost.md").read_text(encoding="utf-8")
ITEMS = (
    "lists",
    "reads",
    "writes",
    "transfer",
    "retrieval",
    "restore",
    "earlyDeletion",
    "kms",
    "lambda",
    "states",
)


def rows(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)
    return [line.split(" | ") for line in lines[2:]]


def listed_by_class(beginning: str) -> dict[str, float]:
    """The prices by the classes that a row names whose text begins so, and that those below it name which begin with dots."""
    every = rows("Prices")
    start = next(number for number, row in enumerate(every) if row[0].startswith(beginning))
    names = "|".join(sorted(STORAGE_CLASSES, key=len, reverse=True))
    found = {}
    for number, (what, price) in enumerate(every[start:]):
        if number and not what.startswith("... "):
            break
        found |= dict.fromkeys(re.findall(names, what), float(price[1:].split()[0]))
    return found


def by_thousand(listed: dict[str, float]) -> dict[str, float]:
    return {name: pytest.approx(usd * 1000) for name, usd in listed.items()}


def test_the_prices_by_storage_class_are_those_of_the_code() -> None:
    one = prices.REGIONS["us-east-1"]
    assert listed_by_class("LIST, ") == by_thousand(dict(one.writes))
    assert listed_by_class("HEAD, ") | {"STANDARD": 0.0004} == by_thousand(dict(one.reads))
    assert listed_by_class("retrieval from") == one.retrieval
    assert listed_by_class("storage that") == one.storage


def test_the_other_prices_are_those_of_the_code() -> None:
    one = prices.REGIONS["us-east-1"]
    listed = dict(rows("Prices"))
    assert listed["transfer to another region"] == (
        f"${one.transfer:g} for a GB; ${one.nearby['us-east-2']:g} between us-east-1 and us-east-2"
    )
    assert listed[", ".join(costs.READ_CLASS)] == f"${one.read_usd() * 1000:g} for 1,000"
    assert listed[", ".join(costs.FREE)] == "free"
    assert listed["KMS"] == f"${prices.KMS_REQUEST_USD * 10_000:g} for 10,000 requests"
    assert listed["Lambda, arm64"] == f"${prices.LAMBDA_GB_SECOND_USD:.10f} for a GB-second"
    assert listed["Lambda, requests"] == f"${prices.LAMBDA_REQUEST_USD * 1_000_000:.2f} for 1,000,000"
    transitions = f"${prices.STATE_TRANSITION_USD * 1000:g} for 1,000 state transitions"
    assert listed["Step Functions, standard workflows"] == transitions


def test_the_regions_with_prices_are_named_and_ask_the_same() -> None:
    named = re.search(r"There are lists\nfor (.*?), which are taken to ask the same", PAGE)
    assert named and re.split(", | and ", named[1]) == list(prices.REGIONS)
    one = replace(prices.REGIONS["us-east-1"], nearby={})
    assert [replace(each, date=one.date, nearby={}) for each in prices.REGIONS.values()] == [one] * 4


@pytest.mark.parametrize("region", prices.REGIONS)
def test_every_list_has_a_date_and_a_page(region: str) -> None:
    listed = prices.REGIONS[region]
    assert re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", listed.date)
    assert listed.page == "https://aws.amazon.com/s3/pricing/"


@pytest.mark.parametrize("name", [name for name in vars(prices) if name.endswith("_USD")])
def test_every_other_price_has_its_date_and_page_above_it(name: str) -> None:
    source = (PROJECT / "lambda_functions/shared/tally/cost/prices.py").read_text(encoding="utf-8")
    above = source[: source.index(f"{name} = ")]
    assert re.search(r"# .* 20\d\d-\d\d-\d\d: https://aws.amazon.com/\S+/pricing/\n(\w+ = .*\n)*$", above)


def test_every_item_has_its_row_and_its_words() -> None:
    explained = [re.findall(r"`([A-Za-z]+)", row[0])[0] for row in rows("Items")]
    assert explained == list(ITEMS)
    assert set(WORDS) | {"writes", "retrieval"} == set(ITEMS)
    assert WORDS == cost_words.ITEMS, "a terminal, a page and the cause of an execution call them the same"
