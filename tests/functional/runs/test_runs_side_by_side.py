"""Runs that meet: in a circle, too late, or after one that left uploads behind; with the whole machine on moto."""

from __future__ import annotations

import json
from typing import Any

import pytest
from buckets import Bucket
from machine_on_moto import ACCOUNT, MACHINE, WORK_BUCKET, FakeContext, Handler, LambdaError, Machine, client
from moto.s3.models import s3_backends
from reports import address, folder, leases, work_keys, written
from test_refusals import copying, dead_execution
from wire import DENIED, Request

from lambda_functions.shared.work_bucket.leases import LeaseLost

Sync = dict[str, Any]
RETRY = "tries again, and until then their parts cost money."


def lease() -> dict[str, Any]:
    """Return the one lease that is held."""
    (key,) = leases()
    body = client("s3").get_object(Bucket=WORK_BUCKET, Key=key)["Body"].read()
    document: dict[str, Any] = json.loads(body)
    return document


# --- In a circle


def test_the_way_back_is_refused_while_the_way_there_is_being_copied_and_nothing_is_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("only in the source", b"1")
    destination.put("only in the destination", b"2")
    back = {"source": destination.name, "destination": source.name}

    with copying(machine, {**sync, "delete": False}) as running:
        found = machine.run(back)

    began = lease_start(machine, running)
    assert (found["error"], found["cause"]) == (
        "AlreadyRunning",
        "a run from s3://destination-bucket/ to s3://source-bucket/ would close a circle in which each run takes what another "
        f"has not copied yet for deleted: {running}, started {began}, from s3://source-bucket/ to s3://destination-bucket/. "
        "Nothing was changed. Wait until it has ended, then start again.",
    )
    assert source.keys() == ["only in the source"]
    assert destination.keys() == ["only in the destination", "only in the source"]
    assert leases() == []
    assert machine.run(back)["status"] == "SUCCEEDED"
    assert source.keys() == destination.keys()


def lease_start(machine: Machine, arn: str) -> str:
    """Return when an execution started, as its report says."""
    name = arn.rpartition(":")[2]
    started: str = written({"name": name})["startedAt"]
    return started


def test_a_dry_run_takes_no_lease_and_is_refused_by_none(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")

    with copying(machine, sync):
        before = leases()
        found = machine.run({**sync, "dryRun": True})
        assert leases() == before

    assert (found["status"], written(found)["plan"]["copy"]["objects"]) == ("SUCCEEDED", 1)
    assert leases() == []


# --- Attempts of ValidateInput


def test_a_run_that_breaks_while_it_begins_keeps_no_lease_and_the_next_one_begins_at_once(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")

    def crashing(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        handler(event, context)
        assert len(leases()) == 1
        raise LambdaError("Runtime.ExitError", "it ended")

    machine.wrap["validate_input"] = crashing
    found = machine.run(sync)
    machine.wrap.clear()

    assert (found["error"], found["cause"]) == (
        "SyncIncomplete",
        "the run broke before it began: Runtime.ExitError: it ended. Nothing was changed.",
    )
    assert leases() == []
    assert machine.run(sync)["status"] == "SUCCEEDED"


def test_a_slow_first_attempt_that_is_refused_leaves_the_lease_of_its_accepted_second_attempt(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    slow: list[Any] = []
    verdicts: list[str] = []
    spoilt = {"Bucket": WORK_BUCKET, "Key": "leases/destination-bucket/spoilt.json"}

    def timed_out(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if not slow:
            slow.append((handler, event))
            raise LambdaError("Sandbox.Timedout", "it goes on")
        return handler(event, context)

    def meanwhile(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        first, its_event = slow[0]
        client("s3").put_object(**spoilt, Body=b"{")
        verdicts.append(first(its_event, FakeContext())["verdict"])
        client("s3").delete_object(**spoilt)
        return handler(event, context)

    machine.wrap.update(validate_input=timed_out, copy_keys=meanwhile)

    assert machine.report(sync)["copied"]["objects"] == 1
    assert verdicts == ["refused"]
    assert leases() == []


def test_an_attempt_that_comes_after_the_end_of_its_execution_leaves_no_lease(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    events: list[dict[str, Any]] = []

    def noted(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        events.append(event)
        return handler(event, context)

    machine.wrap["validate_input"] = noted
    started = machine.start(sync)
    machine.wait(started)
    machine.long_ago(started, 5)
    machine.wrap.clear()

    with pytest.raises(LeaseLost) as caught:
        machine.invoke("validate_input", events[0])

    assert str(caught.value) == (
        f"{started} had ended (SUCCEEDED) before this attempt had its lease on destination-bucket; nothing was changed"
    )
    assert leases() == []


@pytest.mark.parametrize(
    ("worker", "left"),
    [("copy_keys", ["b"]), ("delete_orphaned_keys", ["a", "b"])],
    ids=["copies", "deletes"],
)
def test_a_worker_whose_run_has_its_lease_no_more_changes_nothing(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, worker: str, left: list[str]
) -> None:
    """Another run may hold the destination by then, and each would undo what the other does."""
    source.put("a", b"1")
    destination.put("b", b"2")

    def late(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        for key in leases():
            client("s3").delete_object(Bucket=WORK_BUCKET, Key=key)
        return handler(event, context)

    machine.wrap[worker] = late
    found = machine.run(sync)

    assert found["error"] == "SyncIncomplete"
    assert f"has given back its lease on {destination.name}; start a new execution" in found["cause"]
    assert destination.keys() == left


@pytest.mark.parametrize("given", [None, [], "x", {"destination": 5}, {"destination": "../x" * 400}])
def test_a_run_whose_input_names_no_destination_ends_with_its_report_all_the_same(
    machine: Machine, given: Any
) -> None:
    found = machine.run(given)

    assert (found["error"], written(found)["phase"]) == ("InvalidInput", "starting")


# --- Uploads that stay


def denied_at_the_end(machine: Machine, sync: Sync) -> dict[str, Any]:
    """Run while neither completing nor aborting an upload is allowed."""
    machine.wire.on("CompleteMultipartUpload", DENIED)
    machine.wire.on("AbortMultipartUpload", DENIED)
    found = machine.run(sync)
    machine.wire.relent()
    return found


def upload_id(bucket: Bucket) -> str:
    (upload,) = bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
    return str(upload["UploadId"])


def test_an_upload_that_stays_is_named_beside_the_failure_that_it_comes_from(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")

    found = denied_at_the_end(machine, sync)

    why = "was not aborted: AccessDenied: Access Denied (AbortMultipartUpload)"
    problem = f"the upload {upload_id(destination)} of 'parts' {why}"
    report = written(found)
    assert report["warnings"] == [problem]
    assert report["cause"] == found["cause"]
    assert found["cause"].startswith("1 object was not synchronised (1 failed, 0 changed meanwhile). ")
    assert found["cause"].endswith(
        " Start again: a sync takes up where the last one stopped. "
        f"The{problem[3:]}; the next run into destination-bucket {RETRY}"
    )
    assert report["phase"] == "copying"
    assert lease()["endedAt"] >= report["endedAt"][:10]


def test_of_many_uploads_that_stay_some_are_named_and_the_report_says_where_all_of_them_are(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    for number in range(7):
        source.put_parts(f"parts {number}", b"1", b"2")

    found = denied_at_the_end(machine, sync)

    *named, more = written(found)["warnings"]
    assert len(named) == 5
    assert more == f"and 2 more: {address(found, 'uploads/')}"
    assert len(work_keys(f"{folder(found)}/uploads/")) == 7
    *_, last = found["cause"].split("; ")
    assert last == f"the next run into destination-bucket {RETRY}"
    assert found["cause"].count("was not aborted") == 3
    assert "; and 4 more; " in found["cause"]


def test_every_run_tries_to_abort_what_an_earlier_one_could_not_and_warns_until_it_is_gone(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")
    denied_at_the_end(machine, sync)
    left = upload_id(destination)

    machine.wire.on("AbortMultipartUpload", DENIED)
    second = machine.run(sync)
    machine.wire.relent()
    kept = lease()
    third = machine.run(sync)

    why = "was not aborted: AccessDenied: Access Denied (AbortMultipartUpload)"
    assert second["status"] == third["status"] == "SUCCEEDED"
    assert written(second)["warnings"] == [f"the upload {left} of 'parts' {why}"]
    assert written(third)["warnings"] == []
    assert "endedAt" in kept
    assert (destination.uploads(), destination.keys(), leases()) == ([], ["parts"], [])


def test_uploads_that_a_run_of_an_older_machine_left_are_aborted_too(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")
    dead_execution(machine, sync)
    # Older machines wrote neither into which file they wrote nor what they read.
    without("file", *work_keys(f"runs/{MACHINE}/dead/uploads/"))
    without("source", *leases())

    assert machine.run(sync)["status"] == "SUCCEEDED"
    assert (destination.uploads(), leases()) == ([], [])


def without(name: str, *keys: str) -> None:
    """Rewrite files of the work bucket without one of their members."""
    assert keys
    for key in keys:
        place = {"Bucket": WORK_BUCKET, "Key": key}
        document = json.loads(client("s3").get_object(**place)["Body"].read())
        del document[name]
        client("s3").put_object(**place, Body=json.dumps(document))


@pytest.mark.usefixtures("distributed")
def test_a_part_of_a_straggler_that_arrives_after_the_abort_is_aborted_by_the_next_run(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")
    known = s3_backends[ACCOUNT]["aws"].buckets[destination.name].multiparts
    saved: dict[str, Any] = {}

    def save(request: Request) -> None:
        saved.update(known)

    machine.wire.kill("UploadPartCopy", times=1_000_000)
    machine.wire.on("AbortMultipartUpload", save)
    started = machine.start(sync, name="broken")
    found = machine.wait(started)
    machine.wire.relent()

    uploads = f"runs/{MACHINE}/broken/uploads/"
    assert written(found)["warnings"] == []
    assert (destination.uploads(), len(work_keys(uploads)), len(leases())) == ([], len(saved), 1)
    assert "endedAt" not in lease()

    known.update(saved)  # a straggler's part has arrived
    assert machine.run(sync)["error"] == "AlreadyRunning"
    machine.long_ago(started)
    assert machine.run(sync)["status"] == "SUCCEEDED"
    assert (destination.uploads(), work_keys(uploads), leases()) == ([], [], [])


@pytest.mark.usefixtures("distributed")
def test_uploads_that_stay_of_a_run_that_broke_are_named_and_its_lease_counts_as_long_as_its_lambdas(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("parts", b"1", b"2")
    machine.wire.kill("UploadPartCopy", times=1_000_000)
    machine.wire.on("AbortMultipartUpload", DENIED)

    found = machine.run(sync)

    assert found["cause"].startswith("the run broke while copying: ")
    assert found["cause"].endswith(f"; the next run into destination-bucket {RETRY}")
    assert len(written(found)["warnings"]) == len(destination.uploads()) > 1
    assert "endedAt" not in lease()
    assert machine.run(sync)["error"] == "AlreadyRunning"
