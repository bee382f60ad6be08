"""The runs by which the functions show what they call: everything a sync can meet, each thing once."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import buckets
import pytest
from fake_s3 import HOUR, LOST, MB, Answer, Request
from grants import grant_by_prefix
from iam_recorder import Recorder
from machine_on_moto import FakeContext, Handler, LambdaError, Machine, client, machine_on_moto
from runs_on_fake_s3 import World, world_on_fake_s3
from short_turns import pages_a_turn, short_pages
from wire import DENIED

# More than the header of CreateMultipartUpload takes.
LONG_TAGS = {f"tag {number}": "ü" * 200 for number in range(5)}
FULL_CONTROL = "bucket-owner-full-control"
CONFLICT = Answer(409, "ConditionalRequestConflict", "Somebody else is writing")


def recorded() -> Recorder:
    """Return the recorder after all runs."""
    recorder = Recorder()
    with recorder.on():
        for run in (
            ordinary,
            very_large,
            decided_by_asking,
            raced,
            interfered_with,
            granted_by_prefix,
            kept,
        ):
            with world_on_fake_s3() as world:
                run(world)
        for run in (ordinary, decided_by_asking, interfered_with):
            with world_on_fake_s3() as world, handing_back():
                run(world)
        with machine_on_moto() as machine:
            after_a_dead_run(machine)
            with_names_like_those_of_an_installation(machine)
    return recorder


@contextlib.contextmanager
def handing_back() -> Iterator[None]:
    """Let the first worker hand back all but a key, so that those of the second wave have to decide the others."""
    with pytest.MonkeyPatch.context() as patch:
        short_pages(patch, 1)
        pages_a_turn(patch, 0, 10_000)
        yield


def ordinary(world: World) -> None:
    """New and changed objects, plain, empty, archived, of parts; orphans of any key; a dry run before, nothing to do after."""
    world.destination.encryption = "aws:kms"
    _fill(world)
    for orphan in ("orphan", "orphan\x01"):
        world.destination.put(orphan, b"1")
    assert world.run(dryRun=True)["outcome"] == "Succeeded"
    world.s3.after("CreateMultipartUpload", LOST)
    report = world.run(acl=FULL_CONTROL, compareTags=True)
    assert (report["outcome"], report["deleted"]["objects"]) == ("Succeeded", 2), report
    assert world.run(compareTags=True)["outcome"] == "Succeeded"
    _carry_out_a_plan(world)
    assert world.run(sourceOwner="999999999999")["outcome"] == "InvalidInput"


def _carry_out_a_plan(world: World) -> None:
    """Make a dry run and carry out what it has planned; a second try is refused."""
    world.source.put("planned", b"1")
    world.destination.put("planned orphan", b"1")
    world.name = "planned"
    world.run(dryRun=True)
    world.name = ""
    assert world.run(plan="planned")["outcome"] == "Succeeded"
    assert world.run(plan="planned")["outcome"] == "InvalidInput"


def very_large(world: World) -> None:
    """The same objects, those of parts copied by many workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 1)
        _fill(world)
        world.s3.after("CreateMultipartUpload", LOST)
        assert world.run(acl=FULL_CONTROL)["outcome"] == "Succeeded"
        world.source.put_parts("lost", 5 * MB, 1, tags=LONG_TAGS)
        world.s3.after("CompleteMultipartUpload", LOST)
        assert world.run()["outcome"] == "Succeeded"
        _race(world, "large", world.source.put_parts, "UploadPartCopy")


def decided_by_asking(world: World) -> None:
    """Objects that only HEAD requests can tell apart, one of which vanishes before it is asked for."""
    for key in ("equal", "vanishing"):
        world.source.put(key, b"1", checksum="SHA256", encryption="aws:kms", age_seconds=2 * HOUR)
        world.destination.put(key, b"1", checksum="SHA256", encryption="aws:kms")
    world.s3.before("HeadObject", _doing(lambda: world.source.delete("vanishing")), key="vanishing")
    assert world.run()["current"]["objects"] == 1


def raced(world: World) -> None:
    """Whatever may be gone, or be another, at the moment it is copied or deleted."""
    _race(world, "plain", world.source.put, "CopyObject")
    world.destination.objects.clear()
    world.source.put("kept", b"1")
    for key in ("orphan", "orphan\x01", "replaced", "replaced\x01"):
        world.destination.put(key, b"1")

    def interfere() -> None:
        for key in ("orphan", "orphan\x01"):
            world.destination.delete(key)
        for key in ("replaced", "replaced\x01"):
            world.destination.put(key, b"another")

    world.s3.before("DeleteObjects", _doing(interfere))
    # S3 says of a delete that was done already, by a try whose answer was lost, that its condition does not hold.
    world.s3.after("DeleteObject", Answer(412, "PreconditionFailed", "It does not hold"), key="orphan\x01")
    world.run()


def interfered_with(world: World) -> None:
    """Every record is written by somebody else at the same moment, whose own try then fails or succeeds."""
    _fill(world)
    world.destination.put("orphan", b"1")
    for name in ("/ranges/1.json", "/compared/", "/copied/", "/deleted/"):
        is_record = _is_record(name)
        world.s3.before("PutObject", CONFLICT, bucket="work-bucket", key=is_record)
        world.s3.after("PutObject", LOST, bucket="work-bucket", key=is_record, nth=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambda_functions.shared.work_bucket.run_folder.RECORD_PAUSES_SECONDS", (0, 0, 0, 0))
        assert world.run()["outcome"] == "Succeeded"


def granted_by_prefix(world: World) -> None:
    """Both buckets may be listed under a prefix only, so a refused HEAD is not the last word; a copy finds no destination."""
    world.source.put("p/changed", b"new")
    world.destination.put("p/changed", b"old", 2 * HOUR)
    world.destination.put("p/orphan", b"1")
    for bucket in (world.source, world.destination):
        grant_by_prefix(world, bucket, "p/")
    world.s3.before("CopyObject", _doing(lambda: world.destination.delete("p/changed")))
    assert world.run(prefix="p/")["changed"]["objects"] == 1
    assert world.run(prefix="p/")["deleted"]["objects"] == 1


def kept(world: World) -> None:
    """What S3 does not copy by itself, of objects in one piece, of parts and very large ones; and an archived object."""
    world.destination.has_object_lock = True
    lock = {
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockRetainUntilDate": "2030-01-01T00:00:00.000Z",
        "ObjectLockLegalHoldStatus": "ON",
    }
    options = {"objectLock": "copy", "annotations": "copy", "restore": {"days": 1, "tier": "Bulk"}}
    more: dict[str, Any] = {"lock": lock, "annotations": {"note": b"1"}}
    world.source.put("unlocked", b"1")
    assert world.run(**options)["outcome"] == "Succeeded"
    world.source.put("whole", b"1", **more)
    world.source.put_parts("parts", 5 * MB, 1, **more)
    world.source.put("archived", b"1", storage_class="GLACIER")
    assert world.run(**options)["outcome"] == "Succeeded"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 1)
        world.source.put_parts("large", 5 * MB, 1, **more)
        assert world.run(**options)["outcome"] == "Succeeded"


def after_a_dead_run(machine: Machine) -> None:
    """A run that another one keeps out, one that clears away what a dead one left, and one that leaves an upload itself."""
    source, destination = buckets.make("source-bucket"), buckets.make("destination-bucket")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
        source.put_parts("parts", b"1", b"2")
        sync = {"source": source.name, "destination": destination.name}
        machine.wire.kill("UploadPartCopy", times=1_000_000)
        machine.wrap["tally_run"] = _crashing_after_the_copies
        dead = machine.start(sync)
        machine.wait(dead)
        machine.wire.relent()
        machine.wrap.clear()
        assert machine.run(sync)["error"] == "AlreadyRunning"
        machine.long_ago(dead)
        assert destination.uploads() != []
        machine.report(sync)
        assert destination.uploads() == []
        machine.wire.kill("UploadPartCopy", times=1_000_000)
        source.put_parts("more", b"1", b"2")
        broken = machine.start(sync)
        machine.wait(broken)
        assert destination.uploads() == []
        machine.long_ago(broken)
        machine.wire.relent()
        machine.wire.on("UploadPartCopy", DENIED)
        machine.wire.on("AbortMultipartUpload", DENIED)
        machine.run(sync)
        machine.wire.relent()
        _put_lease_of_nobody(machine)
        assert machine.run(sync)["error"] == "AlreadyRunning"
        client("s3").delete_object(Bucket="work-bucket", Key=LEASE_OF_NOBODY)
        machine.report(sync)
        assert destination.uploads() == []


def with_names_like_those_of_an_installation(machine: Machine) -> None:
    """Two buckets that only their tags tell from those of an installation."""
    source, destination = buckets.make("old-workbucket"), buckets.make("new-workbucket")
    machine.report({"source": source.name, "destination": destination.name})


LEASE_OF_NOBODY = "leases/destination-bucket/nobody.json"


def _put_lease_of_nobody(machine: Machine) -> None:
    """Leave the lease of an execution that Step Functions does not know."""
    arn = f"{machine.arn.replace(':stateMachine:', ':execution:')}:nobody"
    lease = {"execution": arn, "prefix": "", "folder": "runs/m/nobody", "startedAt": "2026-01-01T00:00:00Z"}
    client("s3").put_object(Bucket="work-bucket", Key=LEASE_OF_NOBODY, Body=json.dumps(lease))


def _fill(world: World) -> None:
    """Objects of every kind, the half of them there already in another form."""
    for place, more in ((world.source, {}), (world.destination, {"age_seconds": 2 * HOUR})):
        text = b"source" if place is world.source else b"destination"
        place.put("changed", text, **more)
        place.put_parts("changed parts", 5 * MB, text, **more)
        place.put("equal", b"1", checksum="SHA256", **more)
    source = world.source
    source.put("empty", b"", redirect="/there")
    source.put("archived", b"1", storage_class="GLACIER")
    source.put("new", b"1", tags={"a": "b"})
    source.put_parts("parts", 5 * MB, 5 * MB, tags={"a": "b"})
    source.put_parts("long tags", 5 * MB, 1, tags=LONG_TAGS)
    source.put_parts("odd parts", 6 * MB, 5 * MB, 5 * MB)
    source.put_parts("odd parts with checksums", 6 * MB, 5 * MB, 5 * MB, checksum=("SHA256", "COMPOSITE"))
    source.put_parts("empty end", 5 * MB, b"")


def _race(world: World, name: str, put: Callable[..., Any], operation: str) -> None:
    """Copy three objects: the source of one goes away, the destination of another, and of one both are written anew."""
    for key in (f"{name} source", f"{name} destination", f"{name} both"):
        put(key, *([5 * MB, 1] if operation == "UploadPartCopy" else [b"1"]), age_seconds=HOUR)
        world.destination.put(key, b"old", 2 * HOUR)
    world.s3.before(operation, _doing(lambda: world.source.delete(f"{name} source")), key=f"{name} source")
    world.s3.before(
        operation, _doing(lambda: world.destination.delete(f"{name} destination")), key=f"{name} destination"
    )
    world.s3.before(
        operation, _doing(lambda: world.destination.put(f"{name} both", b"x")), key=f"{name} both"
    )
    world.run()


def _doing(act: Callable[[], Any]) -> Callable[[Request], None]:
    def action(_: Request) -> None:
        act()

    return action


def _is_record(name: str) -> Callable[[str], bool]:
    return lambda key: name in key


def _crashing_after_the_copies(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
    if event["phase"] != "comparison":
        raise LambdaError("Runtime.ExitError", "it ended")
    return handler(event, context)
