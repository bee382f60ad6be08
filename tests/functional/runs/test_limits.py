"""Limits that a run keeps before it changes anything: what looks like a wrong destination, and what is too dear."""

from __future__ import annotations

import json
from typing import Any

import pytest
from buckets import Bucket
from fake_s3 import MB
from machine_on_moto import Machine
from runs_on_fake_s3 import World

from lambda_functions.shared.work_bucket.approved_plans import plan_digest

WRONG = (
    "{} of the {} objects of destination-bucket in scope would be deleted, more than half of them: that is what a wrong "
    'destination looks like. Nothing was changed. If it is the right one, start again with "maxDelete": "100%".'
)


def fill(world: World, orphans: int, current: int, prefix: str = "") -> None:
    """Put one object that is to be copied, and so many of the destination that the source does not have or has."""
    world.source.put(f"{prefix}new", b"1")
    for number in range(current):
        there = world.destination.put(f"{prefix}current/{number:05}", b"1")
        world.source.put(there.key, there.content, 7200)
    for number in range(orphans):
        world.destination.put(f"{prefix}orphan/{number:05}", b"1")


def is_unchanged(world: World, orphans: int, current: int) -> bool:
    return "new" not in world.destination.objects and len(world.destination.objects) == orphans + current


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_wrong_destination_is_not_emptied(world: World, dry_run: bool) -> None:
    fill(world, 1001, 1000)

    report = world.run(dryRun=dry_run)

    assert (report["outcome"], report["cause"]) == ("DeletionRefused", WRONG.format("1,001", "2,001"))
    assert report["plan"]["delete"]["objects"] == 1001
    assert is_unchanged(world, 1001, 1000)


@pytest.mark.parametrize(
    ("orphans", "current", "options"),
    [
        (1000, 0, {}),
        (1001, 1001, {}),
        (1001, 0, {"maxDelete": "100%"}),
        (1001, 0, {"maxDelete": 1001}),
        (1001, 0, {"delete": False}),
    ],
)
def test_a_small_mirror_half_a_mirror_and_one_with_a_limit_of_its_own_are_synced(
    world: World, orphans: int, current: int, options: dict[str, Any]
) -> None:
    fill(world, orphans, current)

    report = world.run(**options)

    assert report["outcome"] == "Succeeded", report["cause"]
    assert report["deleted"]["objects"] == (0 if options.get("delete") is False else orphans)


def test_what_is_not_under_the_prefix_does_not_make_a_destination_the_right_one(world: World) -> None:
    fill(world, 1001, 0, "in/")
    for number in range(1500):
        world.destination.put(f"beside/{number:05}", b"1")

    report = world.run(prefix="in/")

    assert (report["outcome"], report["cause"]) == ("DeletionRefused", WRONG.format("1,001", "1,001"))


def test_a_plan_that_was_made_before_there_was_this_limit_is_asked_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 1001, 0)
    with monkeypatch.context() as older:
        older.setattr("lambda_functions.shared.tally.refusals.MAX_UNQUESTIONED_DELETES", 10**9)
        plan = world.run(dryRun=True)
    assert plan["outcome"] == "Succeeded"

    applied = world.run(plan="/".join(plan["report"].split("/")[4:6]))

    assert applied["outcome"] == "DeletionRefused"
    assert is_unchanged(world, 1001, 0)


# --- What a plan may cost -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_plan_that_is_too_dear_changes_nothing_and_its_report_has_it_by_item(
    world: World, dry_run: bool
) -> None:
    for number in range(20):
        world.source.put(f"{number:02}", 1000 * MB)

    report = world.run(maxCostUsd=0.25, storageClass="GLACIER_IR", dryRun=dry_run)

    assert report["outcome"] == "CostRefused"
    assert report["cause"].startswith(
        "carrying out the plan is estimated to cost $0.3916 (transfer between regions $0.3906, state transitions $0.0005, writes "
    )
    assert "maxCostUsd allows $0.2500. Nothing was changed. Comparing has cost $0.00" in report["cause"]
    assert report["cause"].endswith('start again with "maxCostUsd": 0.42.')
    assert report["plannedCost"]["transfer"] == pytest.approx(20_000 * MB / 1024**3 * 0.02)
    assert report["phase"] == "planning" and not world.destination.objects
    assert world.run(maxCostUsd=0.42, storageClass="GLACIER_IR")["copied"]["objects"] == 20


def test_a_run_that_carries_out_a_plan_has_the_limit_of_its_dry_run(world: World) -> None:
    world.source.put("a", b"1")
    plan = world.run(dryRun=True, maxCostUsd=1.5)

    applied = world.run(plan="/".join(plan["report"].split("/")[4:6]))

    assert (applied["outcome"], applied["options"]["maxCostUsd"]) == ("Succeeded", 1.5)


def test_a_report_without_the_option_is_a_plan_without_a_limit(world: World) -> None:
    world.source.put("a", b"1")
    plan = world.run(dryRun=True)
    key = plan["report"].split("/", 3)[3]
    stored = json.loads(world.work.objects[key].content.body())
    del stored["options"]["maxCostUsd"]
    plan_file = json.loads(world.work.objects[key.replace("report.json", "plan.json")].content.body())
    stored["planDigest"] = plan_digest(stored["options"], plan_file)
    world.work.put(key, json.dumps(stored).encode())

    assert world.run(plan="/".join(plan["report"].split("/")[4:6]))["outcome"] == "Succeeded"


def test_the_state_machine_ends_with_the_name_of_the_refusal(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, Any]
) -> None:
    source.put("a", b"1")

    found = machine.run({**sync, "maxCostUsd": 0.000001})

    assert (found["status"], found["error"]) == ("FAILED", "CostRefused")
    assert "maxCostUsd allows $0.000001" in found["cause"]
    assert destination.keys() == []


def test_a_region_without_prices_is_named(world: World) -> None:
    world.source.region = "ap-south-1"
    world.source.put("a", 1000 * MB)

    report = world.run()

    assert report["pricedAsUsEast1"] == ["ap-south-1"]
    assert report["cost"]["transfer"] == pytest.approx(1000 * MB / 1024**3 * 0.02)
