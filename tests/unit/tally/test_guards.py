"""What keeps a plan from being carried out: the limits, the order in which they are told, and the whole sentences."""

from __future__ import annotations

from typing import Any

import pytest
from samples import compared_record, run_of, shard

from lambda_functions.shared.tally.cost.costs import planned_cost, total_usd
from lambda_functions.shared.tally.plan import ComparisonTotals, total_of_records
from lambda_functions.shared.tally.refusals import (
    WORDS,
    Refusal,
    _largest,
    deletion_refusal,
    dollars,
    refusal,
)

WRONG = (
    "{} of the {} objects of into in scope would be deleted, more than half of them: that is what a wrong destination looks "
    'like. Nothing was changed. If it is the right one, start again with "maxDelete": "100%".'
)
GB = 1024**3


def plan(
    deletes: int = 0, destination: int = 0, source: int = 1, copies: int = 0, size: int = 0, **values: Any
) -> ComparisonTotals:
    """Return a comparison of so many objects in scope."""
    shards = {
        "copy": [shard("copy/a", copies, size)] if copies else [],
        "delete": [shard("delete/a", deletes, deletes)] if deletes else [],
    }
    return total_of_records([compared_record(listed=(source, destination), shards=shards, **values)])


def said(compared: ComparisonTotals, **options: Any) -> str:
    found = refusal(run_of(**options), compared)
    assert found is None or found.error == "DeletionRefused"
    return found.cause if found else ""


@pytest.mark.parametrize(
    ("deletes", "destination", "is_refused"),
    [
        (1000, 1000, False), (1000, 1001, False), (1001, 1001, True), (1001, 2001, True), (1001, 2002, False),
        (5000, 10_000, False), (5001, 10_000, True), (5001, 10_002, False), (10_000, 10_000, True), (10**9, 10**9 * 2 - 1, True),
        (0, 5000, False),
    ],
)  # fmt: skip
def test_many_deletes_and_more_than_half_of_the_destination_are_what_a_wrong_one_looks_like(
    deletes: int, destination: int, is_refused: bool
) -> None:
    expected = WRONG.format(f"{deletes:,}", f"{destination:,}") if is_refused else ""
    assert said(plan(deletes, destination)) == expected
    assert said(plan(deletes, destination), dryRun=True) == expected


@pytest.mark.parametrize(
    ("most", "is_refused"), [("100%", False), (5000, False), (4999, True), ("99%", True), (0, True)]
)
def test_a_limit_that_is_given_takes_its_place(most: int | str, is_refused: bool) -> None:
    text = said(plan(5000, 5000), maxDelete=most)
    assert ("maxDelete allows" in text) is is_refused and "wrong destination" not in text


def test_an_emptied_source_is_told_first_and_allowing_that_does_not_lift_the_other() -> None:
    empty = plan(5000, 5000, source=0)
    assert "nothing is left of the source" in said(empty)
    assert said(empty, allowEmptySource=True) == WRONG.format("5,000", "5,000")
    assert said(empty, allowEmptySource=True, maxDelete="100%") == ""
    assert said(plan(1000, 1000, source=0), allowEmptySource=True) == ""


def test_what_the_filters_leave_out_is_no_object_of_the_destination() -> None:
    compared = plan(1500, 5000, outOfScope={"source": 0, "destination": 2001})
    assert said(compared) == WRONG.format("1,500", "2,999")


def dear(**values: Any) -> ComparisonTotals:
    """Return a plan for $20.07 and something: 1,000 GB into another region, and 1,000 copies into GLACIER_IR."""
    to_pay = {"byClass": {"COPY.GLACIER_IR": 1000}}
    return plan(
        copies=1000,
        size=1000 * GB,
        source=1000,
        toSend={"COPY": 1000},
        toPay=to_pay,
        requests={"LIST": 100},
        **values,
    )


TOO_DEAR = (
    "carrying out the plan is estimated to cost $20.02 (transfer between regions $20.00, writes into GLACIER_IR $0.0200, Lambda "
    "$0.0002, ...); maxCostUsd allows {}. Nothing was changed. Comparing has cost $0.0006 already. The plan is in the report; if "
    'it is worth that, start again with "maxCostUsd": 21.03.'
)


@pytest.mark.parametrize(
    ("most", "told"), [(5, "$5.00"), (20.01, "$20.01"), (0.05, "$0.0500"), (0.00001, "$0.00001")]
)
def test_a_plan_that_is_estimated_to_cost_more_is_refused(most: float, told: str) -> None:
    assert refusal(run_of(maxCostUsd=most), dear()) == Refusal("CostRefused", TOO_DEAR.format(told))
    assert refusal(run_of(maxCostUsd=most, dryRun=True), dear()) == Refusal(
        "CostRefused", TOO_DEAR.format(told)
    )


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("lists", "LIST requests"), ("reads", "requests that read"), ("transfer", "transfer between regions"),
        ("restore", "restores from archives"), ("earlyDeletion", "early deletion"), ("kms", "KMS"), ("lambda", "Lambda"),
        ("states", "state transitions"),
    ],
)  # fmt: skip
def test_what_is_paid_for_is_named_in_words(item: str, words: str) -> None:
    assert WORDS[item] == words


def test_three_items_are_all_and_of_four_the_largest_three_are_named_with_three_dots() -> None:
    items = {"lists": 1.0, "kms": 3.0, "states": 2.0}

    assert _largest(items) == "KMS $3.00, state transitions $2.00, LIST requests $1.00"
    assert _largest({**items, "lambda": 0.5}) == f"{_largest(items)}, ..."


@pytest.mark.parametrize("most", [None, 21.03, 20.03, 1000])
def test_one_that_is_not_is_carried_out(most: float | None) -> None:
    assert refusal(run_of(maxCostUsd=most), dear()) is None


def test_a_plan_that_costs_exactly_what_is_allowed_is_carried_out() -> None:
    total = total_usd(planned_cost(run_of(), dear()))

    assert refusal(run_of(maxCostUsd=total), dear()) is None
    assert refusal(run_of(maxCostUsd=total - 1e-6), dear()) is not None


def test_a_plan_of_nothing_is_never_too_dear() -> None:
    assert refusal(run_of(maxCostUsd=0.000001), plan()) is None


def test_deletes_are_told_before_the_cost() -> None:
    found = refusal(run_of(maxCostUsd=0.000001), plan(1001, 1001))
    assert found and found.error == "DeletionRefused"


def test_nothing_is_refused_of_a_run_that_deletes_nothing() -> None:
    assert deletion_refusal(run_of(delete=False).options, plan(0, 5000, source=0)) == ""


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0.0000"),
        (1234.5, "$1,234.50"),
        (1, "$1.00"),
        (0.5, "$0.5000"),
        (0.0001, "$0.0001"),
        (0.00001, "$0.00001"),
    ],
)
def test_amounts_have_the_digits_that_matter(usd: float, text: str) -> None:
    assert dollars(usd) == text
