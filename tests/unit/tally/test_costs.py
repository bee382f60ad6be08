"""Costs: every request has the price that AWS asks for it, a run is the sum of what it used, a plan of what it will use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import compared_record, run_of, shard

from lambda_functions.shared.option_rules import Restore
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import request_kind
from lambda_functions.shared.tally.cost.costs import (
    FREE,
    INIT_SECONDS,
    LISTS,
    READ_CLASS,
    WORKER_GB,
    Items,
    comparing_usd,
    estimate_usd,
    planned_cost,
    request_usd,
    run_cost,
    total_usd,
)
from lambda_functions.shared.tally.cost.prices import price_list, without_list
from lambda_functions.shared.tally.plan import ComparisonTotals, total_of_records
from lambda_functions.shared.tally.sums import WorkTotals

# https://aws.amazon.com/s3/pricing/, S3 Standard in us-east-1: "PUT, COPY, POST, LIST" and "GET, SELECT, and all other requests"
WRITE_USD, READ_USD = 0.005 / 1000, 0.0004 / 1000
GB_SECOND, TRANSITION = 0.0000133334, 0.025 / 1000
GB, GB_MONTH = 1024**3, 30 * 1024**3


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
        ("GetBucketTagging", READ_USD),
        ("GetObjectLockConfiguration", READ_USD),
        ("GetObjectRetention", READ_USD),
        ("GetObjectLegalHold", READ_USD),
        ("GetObjectAnnotation", READ_USD),
        ("ListObjectAnnotations", WRITE_USD),
        ("ListParts", WRITE_USD),
        ("ListMultipartUploads", WRITE_USD),
        ("RestoreObject", 0.0),  # priced by class and tier
        ("DeleteObject", 0.0),
        ("DeleteObjects", 0.0),
        ("AbortMultipartUpload", 0.0),
    ],
)
def test_every_operation_that_we_use_has_its_price(operation: str, usd: float) -> None:
    assert request_usd(request_kind(operation)) == usd


@pytest.mark.parametrize(
    ("storage_class", "written", "read"),
    [
        ("STANDARD", 5, 0.4), ("INTELLIGENT_TIERING", 5, 0.4), ("REDUCED_REDUNDANCY", 5, 0.4), ("STANDARD_IA", 10, 1),
        ("ONEZONE_IA", 10, 1), ("GLACIER_IR", 20, 10), ("GLACIER", 30, 0.4), ("DEEP_ARCHIVE", 50, 0.4), ("NEW_CLASS", 5, 0.4),
    ],
)  # fmt: skip
def test_a_million_requests_cost_what_their_storage_class_asks(
    storage_class: str, written: float, read: float
) -> None:
    assert request_usd("COPY", storage_class) * 1_000_000 == pytest.approx(written)
    assert request_usd("HEAD", storage_class) * 1_000_000 == pytest.approx(read)


def test_a_request_that_nobody_has_priced_costs_the_dearer_class() -> None:
    assert request_usd("SOMETHING_NEW") == WRITE_USD


def test_no_kind_is_both_free_and_paid() -> None:
    assert not set(FREE) & set(READ_CLASS) and not set(LISTS) & {*FREE, *READ_CLASS}


def test_a_run_costs_its_requests_its_workers_and_its_states() -> None:
    requests = {"LIST": 1000, "COPY": 1_000_000, "HEAD": 10_000, "DELETE_OBJECTS": 77}
    s3 = 0.005 + 5.0 + 0.004
    lambdas = 1000 * WORKER_GB * 0.0000133334 + 500 * 0.20 / 1_000_000
    states = (500 * 3 + 20) * 0.025 / 1000

    assert estimate_usd(requests, turns=500, seconds=1000.0) == round(s3 + lambdas + states, 6) == 5.070134


def test_a_large_run_costs_exactly_what_aws_asks_for_each_invocation_and_transition() -> None:
    """Prices of a ten-millionth are wrong by dollars where there are billions of them."""
    turns = 10**9
    assert estimate_usd({}, turns, seconds=0.0) == 200.0 + 75_000.0 + 0.0005
    assert estimate_usd({}, turns=0, seconds=1024 / 1769 * 10**9) == 13_333.4 + 0.0005


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


# --- A plan, item by item -------------------------------------------------------------------------------------


def run_in(source: str | None = "us-east-1", destination: str | None = "us-east-1", **options: Any) -> Run:
    """Return a run between two regions."""
    run = run_of(maxConcurrency=4, **options)
    return replace(
        run,
        source=replace(run.source, region=source),
        destination=replace(run.destination, region=destination),
    )


def planned(copies: int = 0, size: int = 0, deletes: int = 0, **values: Any) -> ComparisonTotals:
    """Return a comparison that plans so many copies and deletes, one shard each."""
    shards = {
        "copy": [shard("copy/a", copies, size)] if copies else [],
        "delete": [shard("delete/a", deletes, 0)] if deletes else [],
    }
    return total_of_records([compared_record(shards=shards, seconds=0.0, **values)])


def near(**items: float) -> Items:
    """Return items as they must be, to a hundred-millionth; `writes_X` is `writes.X`."""
    return {name.replace("_", ".", 1): pytest.approx(usd, abs=1e-8) for name, usd in items.items()}


def s3_items(items: Items) -> Items:
    return {name: usd for name, usd in items.items() if name not in ("lambda", "states")}


def test_a_plan_costs_its_requests_its_turns_and_what_copying_supposedly_takes() -> None:
    compared = planned(4500, 10, 1001, toSend={"COPY": 4500, "HEAD": 1001, "UPLOAD_PART_COPY": 1500})

    assert planned_cost(run_in(), compared) == near(
        reads=(1001 + 2) * READ_USD,  # a HEAD_BUCKET for each thousand that are deleted
        writes_STANDARD=6000 * WRITE_USD,
        states=2 * 3 * TRANSITION,
        **{
            "lambda": (6000 / 150 + 1001 / 500 + 2 * INIT_SECONDS) * WORKER_GB * GB_SECOND
            + 2 * 0.2 / 1_000_000
        },
    )


@pytest.mark.parametrize(
    ("deletes", "batches"), [((1,), 1), ((999,), 1), ((1000,), 1), ((1001,), 2), ((2000,), 2), ((1, 1000), 2)]
)
def test_the_destination_is_looked_at_before_each_thousand_deletes_of_a_shard(
    deletes: tuple[int, ...], batches: int
) -> None:
    shards = {"delete": [shard(f"delete/{number}", count) for number, count in enumerate(deletes)]}
    compared = total_of_records([compared_record(shards=shards)])

    assert planned_cost(run_in(), compared)["reads"] == pytest.approx(batches * READ_USD, abs=1e-9)


def test_a_plan_of_large_objects_costs_a_turn_for_each_object_and_one_for_each_other_shard() -> None:
    shards = {
        "copy": [shard("copy/a", 1, 0), shard("copy/b", 1, 0)],
        "large": [shard("large/a", 30, 0), shard("large/b", 400, 0)],
        "delete": [shard(f"delete/{number}", 1, 0) for number in range(5)],
        "restore": [shard(f"restore/{number}", 1, 0) for number in range(6)],
    }

    items = planned_cost(run_in(), total_of_records([compared_record(shards=shards)]))

    assert items["states"] == pytest.approx((2 + 30 + 400 + 5 + 6) * 3 * TRANSITION)


def test_asking_for_restores_takes_a_worker_the_time_that_copying_takes() -> None:
    shards = {"copy": [shard("copy/a", 3000, 0)], "restore": [shard("restore/a", 1500, 0)]}
    sent = {"COPY": 3000, "RESTORE_OBJECT": 1500}
    compared = total_of_records([compared_record(shards=shards, toSend=sent)])

    assert planned_cost(run_in(), compared)["lambda"] == pytest.approx(
        (4500 / 150 + 2 * INIT_SECONDS) * WORKER_GB * GB_SECOND + 2 * 0.2 / 1_000_000, abs=1e-8
    )


def test_a_plan_of_nothing_costs_nothing() -> None:
    assert planned_cost(run_in(), planned()) == {} and total_usd({}) == 0.0


def test_no_more_workers_begin_cold_than_work_at_the_same_time() -> None:
    shards = {"copy": [shard(f"copy/{number}", 1, 0) for number in range(9)]}
    compared = total_of_records([compared_record(shards=shards)])

    seconds = 4 * INIT_SECONDS
    assert planned_cost(run_in(), compared)["lambda"] == pytest.approx(
        seconds * WORKER_GB * GB_SECOND + 9 * 0.2 / 1_000_000, abs=1e-8
    )


@pytest.mark.parametrize(
    ("source", "destination", "usd"),
    [
        ("us-east-1", "us-east-1", 0), ("us-east-1", "us-east-2", 10), ("us-east-2", "us-east-1", 10),
        ("us-east-1", "us-west-2", 20), ("eu-west-1", "us-east-1", 20), ("ap-south-1", "eu-west-1", 20),
        ("ap-south-1", "ap-south-1", 0), (None, "us-east-1", 0), ("us-east-1", None, 0),
    ],
)  # fmt: skip
def test_bytes_that_leave_their_region_are_paid_for(
    source: str | None, destination: str | None, usd: float
) -> None:
    items = planned_cost(run_in(source, destination), planned(1, 1000 * GB))

    assert items.get("transfer", 0) == pytest.approx(usd)


def test_writes_are_priced_by_the_class_of_the_copy_and_reads_by_that_of_the_source() -> None:
    compared = planned(
        1000,
        1,
        toSend={"COPY": 1000, "HEAD": 500},
        toPay={"byClass": {"COPY.GLACIER_IR": 400, "HEAD.STANDARD_IA": 100}},
    )

    assert s3_items(planned_cost(run_in(), compared)) == near(
        reads=400 * READ_USD + 100 * 0.001 / 1000,
        writes_STANDARD=600 * WRITE_USD,
        writes_GLACIER_IR=400 * 0.02 / 1000,
    )


def test_what_is_read_from_a_class_with_a_price_for_reading_is_retrieval() -> None:
    retrieved = {
        "STANDARD_IA": 100 * GB,
        "ONEZONE_IA": 10 * GB,
        "GLACIER_IR": 1000 * GB,
        "GLACIER": GB,
        "DEEP_ARCHIVE": GB,
        "NEW_CLASS": GB,
    }

    items = planned_cost(run_in(), planned(5, sum(retrieved.values()), toPay={"retrieved": retrieved}))

    assert s3_items(items) == near(retrieval=1 + 0.1 + 30)


def test_what_is_left_of_a_least_time_is_early_deletion() -> None:
    early = {
        "copy.STANDARD_IA": 30 * GB_MONTH,
        "delete.DEEP_ARCHIVE": 1000 * GB_MONTH,
        "delete.NEW_CLASS": 1000 * GB_MONTH,
    }

    items = planned_cost(run_in(), planned(5, 1, 7, toPay={"early": early}))

    assert items["earlyDeletion"] == pytest.approx(30 * 0.0125 + 1000 * 0.00099)


@pytest.mark.parametrize(
    ("storage_class", "usd"),
    [
        ("STANDARD_IA", 12.5), ("ONEZONE_IA", 10.0), ("GLACIER_IR", 4.0), ("GLACIER", 3.6), ("DEEP_ARCHIVE", 0.99),
        ("STANDARD", 0.0), ("INTELLIGENT_TIERING", 0.0), ("REDUCED_REDUNDANCY", 0.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("what", ["copy", "delete"])
def test_a_month_that_is_left_of_1000_gb_costs_what_their_storage_class_asks(
    what: str, storage_class: str, usd: float
) -> None:
    early = {f"{what}.{storage_class}": 1000 * GB_MONTH}

    items = planned_cost(run_in(), planned(5, 1, 7, toPay={"early": early}))

    assert items.get("earlyDeletion", 0.0) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("word", "usd"), [("aws:kms", 30.0), ("aws:kms:dsse", 30.0), ("AES256", 0.0), (None, 0.0)]
)
def test_kms_is_asked_once_for_each_copy_under_a_key_of_it(word: str | None, usd: float) -> None:
    compared = planned(
        1, 1, toSend={"COPY": 4_000_000, "UPLOAD_PART_COPY": 6_000_000, "CREATE_MULTIPART_UPLOAD": 9}
    )

    assert planned_cost(run_in(serverSideEncryption=word), compared).get("kms", 0.0) == pytest.approx(usd)


def test_a_record_of_an_older_deployment_is_priced_as_far_as_it_tells() -> None:
    assert s3_items(planned_cost(run_in(), planned(3, 30))) == {}


def test_restores_are_an_item_of_the_plan_and_of_the_run_by_what_was_asked_for() -> None:
    restores = {
        "DEEP_ARCHIVE": {"objects": 1000, "bytes": 500 * GB},
        "GLACIER": {"objects": 1000, "bytes": GB},
    }
    record = compared_record(
        shards={"restore": [shard("restore/a", 2000, 501 * GB)]},
        restores=restores,
        toSend={"RESTORE_OBJECT": 2000},
    )
    compared = total_of_records([record])
    run = run_in(restore=Restore(7, "Standard"))
    half = WorkTotals({"restoring": {"objects": 1000, "bytes": 0}}, requests={"RESTORE_OBJECT": 1000})

    assert s3_items(planned_cost(run, compared)) == near(restore=0.10 + 10.0 + 0.05 + 0.01)
    assert s3_items(run_cost(run, compared, half, {})) == near(restore=10.16 / 2)
    assert "restore" not in run_cost(run, compared, WorkTotals(), {})


# --- A run, item by item --------------------------------------------------------------------------------------


def test_a_run_is_priced_by_what_it_sent_and_by_the_classes_that_its_plan_knows() -> None:
    to_pay = {
        "byClass": {"COPY.GLACIER_IR": 50},
        "retrieved": {"STANDARD_IA": 100 * GB},
        "early": {"copy.GLACIER": 90 * GB_MONTH, "delete.GLACIER": 900 * GB_MONTH},
    }
    compared = planned(
        100, 200 * GB, 10, toSend={"COPY": 100, "HEAD": 10}, toPay=to_pay, requests={"LIST": 7, "HEAD": 3}
    )
    half = WorkTotals(
        {"copied": {"objects": 50, "bytes": 100 * GB}, "failed": {"objects": 50, "bytes": 0}},
        requests={"COPY": 110}, turns=2, seconds=10.0,
    )  # fmt: skip

    items = run_cost(run_in("us-east-1", "eu-west-1"), compared, half, {"HEAD_BUCKET": 2, "LIST": 1})

    assert items == near(
        lists=8 * WRITE_USD,
        reads=5 * READ_USD,
        writes_STANDARD=55 * WRITE_USD,
        writes_GLACIER_IR=55 * 0.02 / 1000,
        transfer=2.0,
        retrieval=0.5,
        earlyDeletion=45 * 0.0036,
        states=(3 * 3 + 20) * TRANSITION,
        **{"lambda": (10 + 3 * INIT_SECONDS) * WORKER_GB * GB_SECOND + 3 * 0.2 / 1_000_000},
    )


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        ("LIST", "lists"), ("LIST_PARTS", "lists"), ("LIST_MULTIPART_UPLOADS", "lists"), ("LIST_OBJECT_ANNOTATIONS", "lists"),
        ("HEAD", "reads"), ("HEAD_BUCKET", "reads"), ("GET", "reads"), ("GET_OBJECT_ATTRIBUTES", "reads"),
        ("GET_OBJECT_TAGGING", "reads"), ("GET_BUCKET_TAGGING", "reads"), ("GET_OBJECT_LOCK_CONFIGURATION", "reads"),
        ("GET_OBJECT_RETENTION", "reads"), ("GET_OBJECT_LEGAL_HOLD", "reads"), ("GET_OBJECT_ANNOTATION", "reads"),
        ("COPY", "writes.STANDARD"), ("UPLOAD_PART_COPY", "writes.STANDARD"), ("PUT_OBJECT_TAGGING", "writes.STANDARD"),
    ],
)  # fmt: skip
def test_every_request_is_shown_under_the_item_that_says_what_it_is_for(kind: str, item: str) -> None:
    """A listing among the writes would look like copies that nobody planned."""
    usd = READ_USD if item == "reads" else WRITE_USD
    nothing = replace(planned(), turns=0)

    assert run_cost(run_in(), nothing, WorkTotals(), {kind: 1000}) == near(
        states=20 * TRANSITION, **{item: 1000 * usd}
    )


def test_a_run_that_copied_more_than_was_planned_pays_for_no_more_than_all_of_what_was_planned() -> None:
    """Objects may have grown since they were listed; what a class asks for was known of the listed ones only."""
    to_pay = {"retrieved": {"STANDARD_IA": 100 * GB}, "early": {"copy.GLACIER": 90 * GB_MONTH}}
    compared = planned(100, 200 * GB, toPay=to_pay)
    more = WorkTotals({"copied": {"objects": 150, "bytes": 400 * GB}})

    assert s3_items(run_cost(run_in(), compared, more, {})) == near(retrieval=1.0, earlyDeletion=90 * 0.0036)


def test_requests_of_a_kind_that_was_not_planned_are_standard() -> None:
    compared = planned(100, 1, toSend={"HEAD": 5}, toPay={"byClass": {"COPY.GLACIER_IR": 50}})
    done = WorkTotals({"copied": {"objects": 100, "bytes": 1}}, requests={"COPY": 1000})

    assert s3_items(run_cost(run_in(), compared, done, {})) == near(writes_STANDARD=1000 * WRITE_USD)


def test_a_run_that_did_nothing_of_its_plan_costs_nothing_of_what_the_plan_would() -> None:
    to_pay = {
        "byClass": {"COPY.GLACIER_IR": 50},
        "retrieved": {"STANDARD_IA": 100 * GB},
        "early": {"copy.GLACIER": 90 * GB_MONTH, "delete.GLACIER": 900 * GB_MONTH},
    }
    sent = {"COPY": 100, "HEAD": 10, "UPLOAD_PART_COPY": 7}
    compared = planned(100, 200 * GB, 10, toSend=sent, toPay=to_pay)
    run = run_in("us-east-1", "eu-west-1", serverSideEncryption="aws:kms", restore=Restore(7, "Standard"))

    assert run_cost(run, replace(compared, turns=0), WorkTotals(), {}) == near(states=20 * TRANSITION)


def test_comparing_costs_what_the_records_of_the_ranges_say() -> None:
    compared = replace(planned(9, 9, requests={"LIST": 1000}), seconds=100.0)

    expected = 0.005 + (100 + INIT_SECONDS) * WORKER_GB * GB_SECOND + 0.2 / 1_000_000 + 3 * TRANSITION
    assert comparing_usd(run_in(), compared) == pytest.approx(expected, abs=1e-6)


def test_a_region_without_prices_takes_those_of_us_east_1_and_is_named() -> None:
    assert price_list("xx-new-1") is price_list(None) is price_list("us-east-1")
    assert without_list(("xx-new-1", "us-east-1")) == without_list(("xx-new-1", "xx-new-1")) == ["xx-new-1"]
    assert without_list((None, "us-east-1", "us-east-2", "us-west-2", "eu-west-1")) == []
