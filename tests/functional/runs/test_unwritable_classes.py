"""Storage classes that only other services write: their objects are copied as STANDARD, and the report says so."""

from __future__ import annotations

import pytest
from fake_s3 import MB
from runs_on_fake_s3 import World

OF_OTHERS = [
    "AWS_BACKUP_WARM",
    "AWS_BACKUP_LOW_COST_WARM",
    "OUTPOSTS",
    "SNOW",
    "EXPRESS_ONEZONE",
    "FSX_ONTAP",
]


@pytest.fixture(params=["parts", "large"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "large":
        monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 1)
    return str(request.param)


@pytest.mark.parametrize("storage_class", OF_OTHERS)
def test_a_class_that_nobody_can_write_becomes_standard_and_is_warned_of(
    world: World, kind: str, storage_class: str
) -> None:
    world.source.put("whole", b"1", storage_class=storage_class)
    world.source.put_parts("parts", 5 * MB, b"1", storage_class=storage_class)
    world.source.put("kept", b"1", storage_class="GLACIER_IR")

    report = world.run()

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 3)
    classes = {key: stored.storage_class for key, stored in world.destination.objects.items()}
    assert classes == {"whole": "STANDARD", "parts": "STANDARD", "kept": "GLACIER_IR"}
    assert report["warnings"] == [
        f"2 objects to copy have the storage class {storage_class}, which nobody can write: their copies are STANDARD."
    ]
    assert world.run()["current"]["objects"] == 3


def test_each_class_has_its_count_and_a_dry_run_says_it_before(world: World) -> None:
    world.source.put("a", b"1", storage_class="SNOW")
    world.source.put("b", b"1", storage_class="AWS_BACKUP_WARM")
    said = [
        f"1 object to copy has the storage class {name}, which nobody can write: its copy is STANDARD."
        for name in ("AWS_BACKUP_WARM", "SNOW")
    ]

    assert world.run(dryRun=True)["warnings"] == said
    assert world.run()["warnings"] == said
    assert world.run()["warnings"] == []


def test_a_class_that_was_chosen_for_all_copies_is_nothing_to_warn_of(world: World) -> None:
    world.source.put("key", b"1", storage_class="SNOW")

    assert world.run(storageClass="STANDARD_IA")["warnings"] == []
    assert world.destination.objects["key"].storage_class == "STANDARD_IA"


def test_an_object_that_is_written_anew_into_such_a_class_while_it_is_copied_becomes_standard_too(
    world: World,
) -> None:
    world.source.put("key", b"old")
    world.s3.before("CopyObject", lambda _: world.source.put("key", b"new", storage_class="SNOW"))

    assert world.run()["outcome"] == "Succeeded"
    assert world.destination.objects["key"].storage_class == "STANDARD"
