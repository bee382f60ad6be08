"""A run that compares its buckets once more at its end: what it finds there, and what others have written meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fake_s3 import HOUR, MB, Answer
from runs_on_fake_s3 import World, world_on_fake_s3

NAME = "verified"
NOW = 0.0


@pytest.fixture
def world() -> Iterator[World]:
    """A world in which a run copies `new` and `parts`, finds `same` and `equal` current, and deletes `orphan`."""
    with world_on_fake_s3() as made:
        for key in ("new", "same", "equal"):
            made.source.put(key, key.encode())
        made.source.put_parts("parts", 5 * MB, b"rest", checksum=("CRC64NVME", "FULL_OBJECT"))
        for key in ("same", "equal"):
            made.destination.put(key, key.encode(), HOUR / 2)
        made.destination.put("orphan", b"old", 2 * HOUR)
        made.name = NAME
        yield made


def verified(world: World, meanwhile: Callable[[], Any] = lambda: None, **options: Any) -> dict[str, Any]:
    """Run and verify; what happens meanwhile does so a second after everything is copied and deleted. Return the report."""

    def before(step: str, number: int) -> None:
        if step == "list_ranges verify":
            world.s3.later()
            meanwhile()

    world.before_step = before
    return world.run(verify=True, **options)


def named(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["key"], one["what"]) for one in report["notSynchronised"]]


def require_quiet(report: dict[str, Any]) -> None:
    assert (report["outcome"], report["verified"]["differences"], named(report)) == ("Succeeded", 0, []), (
        report
    )
    assert report["verified"]["writtenMeanwhile"] == 1


def test_a_run_that_has_made_both_buckets_equal_says_how_many_keys_it_has_compared_once_more(
    world: World,
) -> None:
    report = verified(world)

    assert (report["outcome"], report["copied"]["objects"], report["deleted"]["objects"]) == (
        "Succeeded",
        2,
        1,
    )
    assert report["verified"] == {
        "objects": 4, "isWhole": True, "differences": 0, "writtenMeanwhile": 0, "unprovable": 0,
    }  # fmt: skip
    assert report["requests"]["LIST"] == len(world.s3.of("ListObjectsV2")) - _lists_of_the_work_bucket(world)
    assert [key for key in world.work.objects if key.startswith("leases/")] == []


def _lists_of_the_work_bucket(world: World) -> int:
    return sum(1 for one in world.s3.of("ListObjectsV2") if one.bucket == world.work.name)


def test_a_run_with_nothing_to_do_compares_once_more_as_well(world: World) -> None:
    assert world.run()["outcome"] == "Succeeded"
    world.name = "again"

    report = verified(world)

    assert report["plan"]["copy"]["objects"] == report["plan"]["delete"]["objects"] == 0
    assert report["verified"]["objects"] == 4


@pytest.mark.parametrize("key", ["new", "parts", "same"])
def test_a_copy_that_is_gone_is_named_whether_this_run_has_copied_it_or_found_it(
    world: World, key: str
) -> None:
    report = verified(world, lambda: world.destination.delete(key))

    assert (report["outcome"], report["phase"]) == ("NotInSync", "verifying")
    assert named(report) == [(key, "missing")]
    assert report["cause"] == (
        f"1 object differs between s3://source-bucket/ and s3://destination-bucket/ after the run, and nobody is known to have "
        f"written them meanwhile: '{key}'. The files that s3://work-bucket/runs/sync/verified/failures.json lists name all of "
        "them. Start again: a sync makes them equal."
    )
    assert report["causes"]["missing"]["objects"] == report["verified"]["differences"] == 1


@pytest.mark.parametrize("key", ["new", "parts"])
def test_bytes_of_equal_size_that_a_copy_of_this_run_does_not_have_are_named(world: World, key: str) -> None:
    size = world.source.objects[key].size

    report = verified(world, lambda: world.destination.put(key, size, NOW, checksum="CRC64NVME"))

    assert (report["outcome"], named(report)) == ("NotInSync", [(key, "different")])


def test_an_old_object_whose_bytes_have_changed_is_named_though_the_run_has_found_it_current(
    world: World,
) -> None:
    report = verified(world, lambda: world.destination.put("same", b"emas", HOUR / 2))

    assert (report["outcome"], named(report)) == ("NotInSync", [("same", "different")])


def test_a_copy_in_parts_of_another_size_may_be_ours_and_is_named(world: World) -> None:
    report = verified(world, lambda: world.destination.put_parts("parts", 5 * MB, age_seconds=NOW))

    assert (report["outcome"], named(report)) == ("NotInSync", [("parts", "different")])


@pytest.mark.parametrize("key", ["orphan", "extra"])
def test_an_old_object_that_only_the_destination_has_is_named(world: World, key: str) -> None:
    """Deleted by the run and there all the same, or never listed before: a delete marker that somebody has removed."""
    report = verified(world, lambda: world.destination.put(key, b"old", 2 * HOUR))

    assert (report["outcome"], named(report)) == ("NotInSync", [(key, "extra")])


def test_an_orphan_of_the_very_second_in_which_the_run_began_is_named_if_its_delete_did_nothing(
    world: World,
) -> None:
    world.destination.put("orphan", b"old", -1)  # a second passes before the run begins
    orphan = world.destination.objects["orphan"]

    report = verified(world, lambda: world.destination.keep(orphan))

    assert orphan.modified == world.s3.clock.replace(microsecond=0) - timedelta(seconds=1)
    assert (report["outcome"], named(report)) == ("NotInSync", [("orphan", "extra")])


def test_a_copy_is_missed_though_its_source_is_of_the_very_second_in_which_the_run_began(
    world: World,
) -> None:
    world.source.put("new", b"new", -1)

    report = verified(world, lambda: world.destination.delete("new"))

    assert (report["outcome"], named(report)) == ("NotInSync", [("new", "missing")])


QUIET: dict[str, Callable[[World], Any]] = {
    "a source that is new": lambda world: world.source.put("latest", b"1", NOW),
    "a source that was written over": lambda world: world.source.put("new", b"other", NOW),
    "a source that was written over with equal size": lambda world: world.source.put("same", b"emas", NOW),
    "a destination that was written over": lambda world: world.destination.put("same", b"emas", NOW),
    "a destination that was written over with another size": lambda world: world.destination.put("same", b"1", NOW),
    "a copy that was written over with another size": lambda world: world.destination.put("new", b"longer", NOW),
    "a destination that the source does not have": lambda world: world.destination.put("latest", b"1", NOW),
    "an orphan that is there again": lambda world: world.destination.put("orphan", b"1", NOW),
    "a source that was deleted after it was copied": lambda world: world.source.delete("new"),
    "a source that was deleted after its copy was found": lambda world: world.source.delete("same"),
    "a source that was deleted after it was copied in parts": lambda world: world.source.delete("parts"),
}  # fmt: skip


@pytest.mark.parametrize("what", QUIET)
def test_what_was_written_meanwhile_is_no_difference(world: World, what: str) -> None:
    require_quiet(verified(world, lambda: QUIET[what](world)))


def test_what_the_run_has_skipped_and_named_is_not_named_once_more(world: World) -> None:
    world.source.put("cold", b"1", storage_class="GLACIER")
    world.source.put("gone", b"1")
    world.destination.put("gone", b"other", 2 * HOUR)
    world.s3.before("CopyObject", lambda request: world.source.delete("gone"), key="gone")

    report = verified(world)

    assert report["outcome"] == "Succeeded", report
    assert report["skipped"] == {"archived": 1, "vanished": 1, "unmappable": 0}
    assert sorted(named(report)) == [("cold", "archived"), ("gone", "vanished")]


def test_what_no_checksum_proves_is_a_warning(world: World) -> None:
    world.destination.encryption = "aws:kms"

    report = verified(world)

    assert report["outcome"] == "Succeeded", report
    assert report["verified"]["unprovable"] > 0
    assert any("no checksum tells" in warning for warning in report["warnings"])


def test_what_is_kept_at_the_destination_is_no_difference(world: World) -> None:
    report = verified(world, delete=False)

    assert (report["outcome"], report["verified"]["differences"]) == ("Succeeded", 0)
    assert "orphan" in world.destination.objects


def test_a_run_that_did_not_copy_everything_ends_as_ever_and_compares_nothing_once_more(world: World) -> None:
    world.s3.before("CopyObject", Answer(403, "AccessDenied", "No"), times=100)
    steps: list[str] = []
    world.before_step = lambda step, number: steps.append(step)

    report = world.run(verify=True)

    assert report["outcome"] == "SyncIncomplete"
    assert "verified" not in report
    assert "list_ranges verify" not in steps


def test_every_key_that_differs_is_in_the_files_that_the_report_leads_to(world: World) -> None:
    for number in range(30):
        world.source.put(f"many-{number:02d}", b"1")

    def lose_all() -> None:
        for key in list(world.destination.objects):
            world.destination.delete(key)

    report = verified(world, lose_all)

    index = json.loads(world.work.objects[f"runs/sync/{NAME}/failures.json"].content.body())
    lines = [
        json.loads(line)
        for file in index["files"]
        for line in world.work.objects[f"runs/sync/{NAME}/{file}"].content.body().splitlines()
    ]
    assert sorted(line["key"] for line in lines) == sorted(world.source.objects)
    assert {line["what"] for line in lines} == {"missing"}
    assert report["verified"]["differences"] == 34
    assert len(report["notSynchronised"]) == 20
    assert "'equal', 'many-00', 'many-01' and 31 more." in report["cause"]


@pytest.mark.parametrize("options", [{"minSize": 100}, {"overwrite": False}])
def test_the_source_of_what_an_option_left_alone_may_be_deleted_meanwhile(
    world: World, options: dict[str, Any]
) -> None:
    """What the destination has there is old, and of a size at which an orphan would be deleted."""
    world.source.put("kept", b"small")
    world.destination.put("kept", bytes(200), HOUR / 2)

    require_quiet(verified(world, lambda: world.source.delete("kept"), **options))
    assert "kept" in world.destination.objects
