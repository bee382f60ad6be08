"""Archived sources in a run that verifies or filters: what the run has named is not named once more, what it has not is."""

from __future__ import annotations

from typing import Any

import pytest
from fake_s3 import HOUR
from runs_on_fake_s3 import World

BULK = {"days": 7, "tier": "Bulk"}


@pytest.mark.parametrize(
    ("options", "word"), [({}, "archived"), ({"restore": BULK}, "restoring")], ids=["skipped", "restored"]
)
def test_an_archived_source_is_named_by_the_run_and_asked_for_once(
    world: World, options: dict[str, Any], word: str
) -> None:
    for key, storage_class in (("missing", "GLACIER"), ("other", "DEEP_ARCHIVE")):
        world.source.put(key, b"123", storage_class=storage_class)
    world.destination.put("other", b"1", 2 * HOUR)

    report = world.run(verify=True, **options)

    assert report["outcome"] == "Succeeded"
    assert {one["key"]: one["what"] for one in report["notSynchronised"]} == {"missing": word, "other": word}
    assert (report["verified"]["differences"], report["verified"]["writtenMeanwhile"]) == (0, 0)
    asked = [one.key for one in world.s3.sent if one.operation == "RestoreObject"]
    assert sorted(asked) == (["missing", "other"] if options else [])
    assert not [name for name in world.work.objects if "/verify/restore/" in name]


def test_a_copy_of_an_archived_source_that_is_lost_meanwhile_is_missing(world: World) -> None:
    world.source.put("a", b"123", storage_class="GLACIER", etag="same")
    world.destination.put("a", b"123", HOUR / 2, etag="same")
    world.before_step = lambda step, number: step == "list_ranges verify" and world.destination.delete("a")

    report = world.run(verify=True, restore=BULK)

    assert report["outcome"] == "NotInSync"
    assert {one["key"]: one["what"] for one in report["notSynchronised"]} == {"a": "missing"}
    assert not [one for one in world.s3.sent if one.operation == "RestoreObject"]


@pytest.mark.parametrize(
    "options",
    [{"storageClasses": ["STANDARD"]}, {"maxSize": 2}, {"overwrite": False}],
    ids=lambda one: next(iter(one)),
)
def test_filters_decide_before_anything_is_restored(world: World, options: dict[str, Any]) -> None:
    world.source.put("a", b"123", storage_class="GLACIER")
    world.destination.put("a", b"1", 2 * HOUR)

    report = world.run(restore=BULK, **options)

    assert report["outcome"] == "Succeeded" and "restore" not in report["plan"]
    assert not any(report["skipped"].values()) and report["notSynchronised"] == []
    assert not [one for one in world.s3.sent if one.operation == "RestoreObject"]
