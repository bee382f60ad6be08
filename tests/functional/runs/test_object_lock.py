"""Object Lock: given to copies where the input says so, and to none otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from fake_s3 import MB, Request
from grants import DENIED
from runs_on_fake_s3 import World

from lambda_functions.shared.apply import object_lock

UNTIL = "2030-01-01T00:00:00.000Z"
PAST = "2020-01-01T00:00:00.000Z"
RETAINED = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": UNTIL}
ENDED = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": PAST}
HELD = {"ObjectLockLegalHoldStatus": "ON"}
EVENT = {
    "ObjectLockMode": "GOVERNANCE",
    "ObjectLockEventHold": "ON",
    "ObjectLockEventHoldDurationYears": 3,
}


@pytest.fixture(autouse=True)
def locking(world: World) -> None:
    world.destination.has_object_lock = world.destination.is_versioned = True


def lock_of(world: World, key: str) -> dict[str, Any]:
    return dict(world.destination.objects[key].lock)


def put(world: World, kind: str, key: str, **more: Any) -> None:
    if kind == "whole":
        world.source.put(key, b"1", **more)
    else:
        world.source.put_parts(key, 5 * MB, b"1", **more)


@pytest.fixture(params=["whole", "parts", "large"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "large":
        monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 1)
    return str(request.param)


@pytest.mark.parametrize(
    ("lock", "carried"),
    [
        (RETAINED, RETAINED),
        (HELD, HELD),
        ({**RETAINED, **HELD}, {**RETAINED, **HELD}),
        ({"ObjectLockLegalHoldStatus": "OFF"}, {}),
        (ENDED, {}),
        ({**ENDED, **HELD}, HELD),
        (EVENT, {name: str(value) for name, value in EVENT.items()}),
        ({**EVENT, **ENDED}, {name: str(value) for name, value in EVENT.items()}),
        ({**EVENT, "ObjectLockEventHold": "OFF"}, {}),
        ({}, {}),
    ],
)
def test_a_copy_has_the_lock_of_its_source_unless_that_has_ended(
    world: World, kind: str, lock: dict[str, Any], carried: dict[str, Any]
) -> None:
    put(world, kind, "key", lock=lock)

    report = world.run(objectLock="copy")

    assert (report["outcome"], report["copied"]["objects"]) == ("Succeeded", 1)
    assert lock_of(world, "key") == carried


def test_without_the_option_no_lock_is_read_asked_or_given(world: World, kind: str) -> None:
    put(world, kind, "key", lock={**RETAINED, **HELD})

    assert world.run()["outcome"] == "Succeeded"

    assert lock_of(world, "key") == {}
    assert [one for one in world.s3.sent if one.operation == "GetObjectLockConfiguration"] == []


def test_it_takes_a_head_for_each_object_in_one_piece_and_the_plan_says_so(world: World) -> None:
    for number in range(3):
        world.source.put(f"{number}", b"1")
    world.source.put("empty", b"")
    world.source.put_parts("parts", 5 * MB, b"1")

    record = world.worker(objectLock="copy").compare()
    report = world.run(objectLock="copy")

    assert record["toSend"]["HEAD"] == report["requests"]["HEAD"] == 5
    assert report["requests"]["GET_OBJECT_LOCK_CONFIGURATION"] == 1


@pytest.mark.parametrize("checksum", [None, ("SHA256", "COMPOSITE")])
def test_an_empty_last_part_is_uploaded_with_what_a_locked_upload_asks_for(
    world: World, checksum: tuple[str, str] | None
) -> None:
    world.source.put_parts("key", 5 * MB, b"", lock=RETAINED, checksum=checksum)

    assert world.run(objectLock="copy")["outcome"] == "Succeeded"
    assert (lock_of(world, "key"), world.destination.objects["key"].part_sizes) == (RETAINED, (5 * MB, 0))


@pytest.mark.parametrize(
    ("operation", "told"),
    [("GetObjectRetention", HELD), ("GetObjectLegalHold", RETAINED), ("GetObjectRetention", {})],
)
def test_a_lock_that_may_not_be_read_is_a_failure_and_not_a_copy_without_one(
    world: World, kind: str, operation: str, told: dict[str, str]
) -> None:
    put(world, kind, "key", lock=told)
    world.s3.before(operation, DENIED)

    report = world.run(objectLock="copy")

    assert report["outcome"] == "SyncIncomplete"
    assert report["notSynchronised"][0]["error"] == f"AccessDenied: Access Denied ({operation})"
    assert world.destination.keys() == []


def test_each_worker_asks_one_object_whether_it_may_read_locks_unless_it_is_told_of_some(
    world: World,
) -> None:
    for number in range(20):
        world.source.put(f"{number:02}", b"1", lock={**RETAINED, **HELD} if number == 0 else {})
    worker = world.worker(objectLock="copy")

    for key in ("00", "01", "02"):
        assert worker.copy(world.to_copy(key)).what == "copied"
    assert "GET_OBJECT_RETENTION" not in world.sent()

    other = world.worker(objectLock="copy")
    for key in ("03", "04"):
        assert other.copy(world.to_copy(key)).what == "copied"
    assert (world.sent()["GET_OBJECT_RETENTION"], world.sent()["GET_OBJECT_LEGAL_HOLD"]) == (1, 1)


def test_a_source_that_vanishes_before_it_is_asked_for_its_lock_has_vanished(world: World) -> None:
    world.source.put("key", b"1")
    world.s3.before("GetObjectRetention", lambda _: world.source.delete("key"))

    assert world.run(objectLock="copy")["skipped"]["vanished"] == 1


def test_a_lock_that_differs_is_no_reason_to_copy(world: World) -> None:
    world.source.put("key", b"1")
    world.run(objectLock="copy")
    world.source.alter("key", lock=HELD)

    assert world.run(objectLock="copy", compareMetadata="all")["current"]["objects"] == 1


def test_the_lock_is_that_of_the_object_that_is_copied_after_all(world: World) -> None:
    world.source.put("key", b"old", lock=HELD)
    world.s3.before("CopyObject", lambda _: world.source.put("key", b"new", lock=RETAINED))

    assert world.run(objectLock="copy")["outcome"] == "Succeeded"
    assert lock_of(world, "key") == RETAINED


def test_a_redirect_of_an_object_with_content_is_not_carried_because_it_was_asked_for_a_lock(
    world: World,
) -> None:
    world.source.put("key", b"1", redirect="/there", lock=HELD)

    world.run(objectLock="copy")

    assert world.destination.objects["key"].redirect is None


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_destination_without_object_lock_is_refused_before_any_change(world: World, dry_run: bool) -> None:
    world.destination.has_object_lock = False
    world.source.put("key", b"1")

    report = world.run(objectLock="copy", dryRun=dry_run)

    assert (report["outcome"], report["cause"]) == (
        "InvalidInput",
        '"objectLock" is "copy", and the destination bucket "destination-bucket" has no Object Lock; expected a bucket with it: '
        'turn it on in its properties, or leave "objectLock" out. Nothing was changed.',
    )
    assert world.destination.keys() == []


def test_a_destination_that_may_not_be_asked_is_refused_with_what_it_takes(world: World) -> None:
    world.s3.before("GetObjectLockConfiguration", DENIED)

    report = world.run(objectLock="copy")

    assert (report["outcome"], report["cause"]) == (
        "InvalidInput",
        '"objectLock" is "copy", and whether the destination bucket "destination-bucket" has Object Lock may not be asked; '
        "expected s3:GetBucketObjectLockConfiguration in its policy (see docs/permissions.md). Nothing was changed.",
    )


def test_the_bucket_is_asked_as_that_of_the_expected_owner(world: World) -> None:
    world.run(objectLock="copy", destinationOwner=world.destination.owner)

    (request,) = [one for one in world.s3.sent if one.operation == "GetObjectLockConfiguration"]
    assert request.asked["ExpectedBucketOwner"] == world.destination.owner


def test_a_retention_that_s3_refuses_is_a_failure_of_that_object(world: World) -> None:
    world.source.put("key", b"1", lock=RETAINED)

    def pass_by(_: Request) -> None:
        world.source.alter("key", lock={**RETAINED, "ObjectLockRetainUntilDate": PAST})
        world.s3.later(10 * 365 * 86400)

    world.s3.before("CopyObject", pass_by)

    report = world.run(objectLock="copy")

    assert (report["outcome"], report["failed"]["objects"]) == ("SyncIncomplete", 1)
    assert "InvalidArgument" in report["causes"]


@pytest.mark.parametrize(
    ("clock", "is_carried"), [("11:59:59", True), ("12:00:00", False), ("12:00:01", False)]
)
def test_a_retention_that_ends_at_this_moment_is_over(clock: str, is_carried: bool) -> None:
    """S3 takes no date that is not in the future, and the copy would fail: by its own clock, not by ours."""
    lock = {object_lock.MODE: "GOVERNANCE", object_lock.UNTIL: "2026-11-22T12:00:00Z"}
    head = {"ResponseMetadata": {"HTTPHeaders": {"date": f"Sun, 22 Nov 2026 {clock} GMT", **lock}}}

    assert object_lock.carried_headers(head) == (lock if is_carried else {})
