"""Archived sources: asked for where the input says so, named as `restoring`, and copied by the run that finds them restored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_s3 import Answer, Content
from grants import DENIED
from runs_on_fake_s3 import World

from lambda_functions.shared.apply.restores import ask_for_restore
from lambda_functions.shared.option_rules import Restore
from lambda_functions.shared.outcomes import Outcome

BULK = {"days": 7, "tier": "Bulk"}
EXPEDITED = {"days": 1, "tier": "Expedited"}


def asked(world: World) -> dict[str, tuple[int, str]]:
    """Return for how many days, and in which tier, each key was asked for."""
    requests = [one.asked for one in world.s3.sent if one.operation == "RestoreObject"]
    return {
        one["Key"]: (
            one["RestoreRequest"]["Days"],
            one["RestoreRequest"]["GlacierJobParameters"]["Tier"],
        )
        for one in requests
    }


def failures(world: World, report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["key"]: (one["what"], one["error"]) for one in report["notSynchronised"]}


def test_archived_sources_are_asked_for_and_named_and_the_run_ends_green(world: World) -> None:
    for key, storage_class in (("deep", "DEEP_ARCHIVE"), ("glacier", "GLACIER")):
        world.source.put(key, b"123", storage_class=storage_class)
    world.source.put("plain", b"1")
    world.destination.put("orphan", b"1")

    report = world.run(restore=BULK)

    assert asked(world) == {"deep": (7, "Bulk"), "glacier": (7, "Bulk")}
    assert report["outcome"] == "Succeeded"
    assert report["plan"] == {
        "copy": {"objects": 1, "bytes": 1},
        "restore": {"objects": 2, "bytes": 6},
        "delete": {"objects": 1, "bytes": 1},
    }
    assert (report["copied"]["objects"], report["deleted"]["objects"]) == (1, 1)
    assert report["skipped"] == {"archived": 0, "vanished": 0, "unmappable": 0, "restoring": 2}
    why = ("restoring", "a restored copy was asked for (Bulk, for 7 days)")
    assert failures(world, report) == {"deep": why, "glacier": why}
    assert report["requests"]["RESTORE_OBJECT"] == 2


def test_the_next_run_copies_what_is_there_and_does_not_ask_again_for_what_is_under_way(world: World) -> None:
    world.source.put("soon", b"123", storage_class="GLACIER")
    world.source.put("later", b"45", storage_class="DEEP_ARCHIVE")
    world.run(restore=BULK)
    world.source.alter("soon", is_restored=True, is_being_restored=False)
    world.s3.sent.clear()

    report = world.run(restore=BULK)

    assert asked(world) == {}
    assert (report["copied"]["objects"], report["skipped"]["restoring"]) == (1, 1)
    assert failures(world, report) == {"later": ("restoring", "DEEP_ARCHIVE, and its restore is under way")}
    assert world.destination.contents() == {"soon": Content.of(b"123")}
    assert world.destination.objects["soon"].storage_class == "GLACIER"


def test_a_dry_run_asks_for_nothing_and_says_what_a_run_would_ask_for_and_what_that_costs(
    world: World,
) -> None:
    for number in range(1000):
        world.source.put(f"{number}", b"1", storage_class="DEEP_ARCHIVE")

    report = world.run(restore={"days": 7, "tier": "Standard"}, dryRun=True)

    assert asked(world) == {}
    assert report["plan"]["restore"] == {"objects": 1000, "bytes": 1000}
    assert report["skipped"]["restoring"] == 0
    assert 0.10 < report["plannedCostUsd"] < 0.11
    report = world.run(restore={"days": 7, "tier": "Standard"})
    assert 0.10 < report["estimatedCostUsd"] < 0.12


def test_the_plan_of_a_dry_run_restores_exactly_what_it_has_shown(world: World) -> None:
    world.source.put("planned", b"1", storage_class="GLACIER")
    world.name = "planned"
    world.run(restore=BULK, dryRun=True)
    world.name = ""
    world.source.put("new", b"1", storage_class="GLACIER")

    report = world.run(plan="planned")

    assert (report["outcome"], report["skipped"]["restoring"]) == ("Succeeded", 1)
    assert asked(world) == {"planned": (7, "Bulk")}


def test_nothing_is_asked_for_that_is_equal_out_of_scope_or_has_no_key_at_the_destination(
    world: World,
) -> None:
    for key in ("equal", "no/excluded", "x" * 1000):
        world.source.put(f"p/{key}", b"1", storage_class="GLACIER", etag="same")
    world.destination.put(f"{'q' * 30}/equal", b"1", age_seconds=0, etag="same")

    report = world.run(prefix="p/", destinationPrefix=f"{'q' * 30}/", exclude=["no/*"], restore=BULK)

    assert asked(world) == {}
    assert report["skipped"] == {"archived": 0, "vanished": 0, "unmappable": 1, "restoring": 0}
    assert report["current"]["objects"] == 1


def test_without_the_option_archived_sources_are_skipped_as_before(world: World) -> None:
    world.source.put("archived", b"1", storage_class="GLACIER")

    report = world.run()

    assert asked(world) == {}
    assert report["skipped"] == {"archived": 1, "vanished": 0, "unmappable": 0}
    assert "restore" not in report["plan"]


def test_deep_archive_has_no_expedited_so_standard_is_asked_for_and_the_report_says_so(world: World) -> None:
    world.source.put("deep", b"1", storage_class="DEEP_ARCHIVE")
    world.source.put("glacier", b"1", storage_class="GLACIER")

    report = world.run(restore=EXPEDITED)

    assert asked(world) == {"deep": (1, "Standard"), "glacier": (1, "Expedited")}
    assert report["warnings"] == [
        "1 object to restore is in DEEP_ARCHIVE, which has no Expedited: the tier there is Standard."
    ]


def test_a_very_large_archived_object_is_asked_for_as_any_other(world: World) -> None:
    world.source.put("huge", 40 * 1024**4, storage_class="GLACIER")
    world.source.put("small", b"1")

    report = world.run(restore=BULK)

    assert asked(world) == {"huge": (7, "Bulk")}
    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 1)


# --- What S3 may answer


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (
            Answer(409, "RestoreAlreadyInProgress", "Object restore is already in progress"),
            Outcome("key", "restoring", 1, "its restore had been asked for already"),
        ),
        (
            Answer(403, "AccessDenied", "Access Denied"),
            Outcome("key", "failed", 0, "AccessDenied: Access Denied (RestoreObject)"),
        ),
        (
            Answer(404, "NoSuchKey", "Gone"),
            Outcome("key", "vanished", 0, "the source object was gone when it was to be restored"),
        ),
        (
            Answer(404, "NoSuchBucket", "Gone"),
            Outcome("key", "failed", 0, "NoSuchBucket: Gone (RestoreObject)"),
        ),
    ],
)
def test_each_answer_is_an_outcome_of_that_object(world: World, answer: Answer, outcome: Outcome) -> None:
    world.source.put("key", b"1", storage_class="GLACIER")
    world.s3.before("RestoreObject", answer)

    report = world.run(restore=BULK)

    assert failures(world, report) == {"key": (outcome.what, outcome.error)}
    assert report["outcome"] == ("SyncIncomplete" if outcome.what == "failed" else "Succeeded")


@pytest.mark.parametrize(
    ("answer", "size"), [(Answer(409, "RestoreAlreadyInProgress"), 1), (Answer(404, "NoSuchKey"), 0)], ids=str
)
def test_what_is_gone_has_no_bytes_that_are_being_restored(world: World, answer: Answer, size: int) -> None:
    world.source.put("key", b"1", storage_class="GLACIER")
    item, worker = world.to_copy("key"), world.worker(restore=Restore(**BULK))
    world.s3.before("RestoreObject", answer)

    outcome = ask_for_restore(worker.clients, worker.run, item)

    assert outcome and outcome.size == size


def test_a_source_that_is_gone_where_only_a_prefix_may_be_listed_has_vanished(world: World) -> None:
    world.source.put("p/key", b"1", storage_class="GLACIER")
    world.s3.before("RestoreObject", lambda _: world.source.delete("p/key"))
    world.s3.after("RestoreObject", DENIED)

    assert world.run(prefix="p/", restore=BULK)["skipped"]["vanished"] == 1


def test_an_object_that_was_restored_meanwhile_is_restoring_and_copied_by_the_next_run(world: World) -> None:
    world.source.put("key", b"1", storage_class="GLACIER")
    world.s3.before("RestoreObject", lambda _: world.source.alter("key", is_restored=True))

    assert world.run(restore=BULK)["skipped"]["restoring"] == 1
    assert world.run(restore=BULK)["copied"]["objects"] == 1


def test_an_object_that_was_written_anew_and_is_not_archived_any_more_is_copied_at_once(world: World) -> None:
    world.source.put("key", b"old", storage_class="GLACIER")
    world.s3.before("RestoreObject", lambda _: world.source.put("key", b"new"))

    report = world.run(restore=BULK)

    assert (report["outcome"], report["copied"]["objects"], report["skipped"]["restoring"]) == (
        "Succeeded",
        1,
        0,
    )
    assert world.destination.contents() == {"key": Content.of(b"new")}


def test_a_worker_that_is_killed_and_begins_again_asks_twice_and_counts_once(world: World) -> None:
    world.source.put("key", b"1", storage_class="GLACIER")
    world.s3.kill("PutObject", key=lambda key: "/copied/" in key)

    report = world.run(restore=BULK)

    assert len([one for one in world.s3.sent if one.operation == "RestoreObject"]) == 2
    assert (report["outcome"], report["skipped"]["restoring"]) == ("Succeeded", 1)


def test_a_run_that_is_stopped_asks_for_nothing_more_and_its_books_balance(world: World) -> None:
    for number in range(100):
        world.source.put(f"{number:03}", b"1", storage_class="GLACIER")
    stop = "runs/sync/stopped/stop.json"
    world.name = "stopped"

    def before_step(step: str, _: int) -> None:
        if step == "copy_keys":
            world.work.put(stop, json.dumps({"file": stop, "endsMap": False}).encode())

    world.before_step = before_step

    report = world.run(restore=BULK)

    assert (report["outcome"], report["stopped"], asked(world)) == ("Stopped", {"objects": 100}, {})


def test_a_restore_is_asked_of_a_requester_pays_bucket_of_the_expected_owner(world: World) -> None:
    world.source.put("key", b"1", storage_class="GLACIER")

    world.run(restore=BULK, requestPayer=True, sourceOwner=world.source.owner)

    (request,) = [one for one in world.s3.sent if one.operation == "RestoreObject"]
    assert (request.asked["RequestPayer"], request.asked["ExpectedBucketOwner"]) == (
        "requester",
        world.source.owner,
    )
