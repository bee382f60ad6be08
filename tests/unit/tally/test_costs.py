"""Costs: every request that we send has the price that AWS asks for it, and a run is the sum of what it used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_functions.shared.s3.clients import request_kind
from lambda_functions.shared.tally.costs import (
    FREE,
    READ_CLASS,
    WORKER_GB,
    estimate_plan_usd,
    estimate_usd,
    request_usd,
)

# https://aws.amazon.com/s3/pricing/, S3 Standard in us-east-1: "PUT, COPY, POST, LIST" and "GET, SELECT, and all other requests"
WRITE_USD, READ_USD = 0.005 / 1000, 0.0004 / 1000


@pytest.mark.parametrize(
    ("operation", "usd"),
    [
        ("ListObjectsV2", WRITE_USD),
        ("CopyObject", WRITE_USD),
        ("CreateMultipartUpload", WRITE_USD),
        ("UploadPartCopy", WRITE_USD),
        ("CompleteMultipartUpload", WRITE_USD),
        ("PutObjectTagging", WRITE_USD),
        ("HeadObject", READ_USD),
        ("HeadBucket", READ_USD),
        ("GetObject", READ_USD),
        ("GetObjectAttributes", READ_USD),
        ("GetObjectTagging", READ_USD),
        ("DeleteObject", 0.0),
        ("DeleteObjects", 0.0),
        ("AbortMultipartUpload", 0.0),
    ],
)
def test_every_operation_that_we_use_has_its_price(operation: str, usd: float) -> None:
    assert request_usd(request_kind(operation)) == usd


def test_a_request_that_nobody_has_priced_costs_the_dearer_class() -> None:
    assert request_usd("SOMETHING_NEW") == WRITE_USD


def test_no_kind_is_both_free_and_paid() -> None:
    assert not set(FREE) & set(READ_CLASS)


def test_a_run_costs_its_requests_its_workers_and_its_states() -> None:
    requests = {"LIST": 1000, "COPY": 1_000_000, "HEAD": 10_000, "DELETE_OBJECTS": 77}
    s3 = 0.005 + 5.0 + 0.004
    lambdas = 1000 * WORKER_GB * 0.0000133334 + 500 * 0.20 / 1_000_000
    states = (500 * 3 + 20) * 0.025 / 1000

    assert estimate_usd(requests, turns=500, seconds=1000.0) == round(s3 + lambdas + states, 6) == 5.070134


def test_a_run_that_did_nothing_costs_its_state_transitions() -> None:
    assert estimate_usd({}, turns=0, seconds=0.0) == 0.0005


@given(
    st.dictionaries(st.sampled_from(["LIST", "HEAD", "COPY", "DELETE"]), st.integers(0, 10**9)),
    st.integers(0, 10**6),
    st.floats(0, 10**9),
)
def test_more_of_anything_never_costs_less(requests: dict[str, int], turns: int, seconds: float) -> None:
    cost = estimate_usd(requests, turns, seconds)

    assert cost >= 0
    assert estimate_usd({**requests, "COPY": requests.get("COPY", 0) + 1000}, turns, seconds) > cost
    assert estimate_usd(requests, turns + 1, seconds) > cost
    assert estimate_usd(requests, turns, seconds + 1000) > cost


def test_a_plan_costs_its_requests_its_turns_and_what_copying_supposedly_takes() -> None:
    to_send = {"COPY": 4500, "HEAD": 1000, "UPLOAD_PART_COPY": 1500}
    s3 = 6.0 * 0.005 + 0.0004
    lambdas = (6000 / 150 + 1000 / 500) * WORKER_GB * 0.0000133334 + 5 * 0.20 / 1_000_000

    found = estimate_plan_usd(to_send, turns=5, deletes=1000)

    assert found == round(s3 + lambdas + 5 * 3 * 0.025 / 1000, 6) == 0.031743


def test_a_plan_of_nothing_costs_nothing() -> None:
    assert estimate_plan_usd({}, 0, 0) == 0.0
