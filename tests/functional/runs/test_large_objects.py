"""Very large objects, made of a few bytes here: begin, groups of parts side by side, complete; or again, or abort."""

from __future__ import annotations

import re
from typing import Any

import pytest
from buckets import HOUR, Bucket
from machine_on_moto import FakeContext, Handler, LambdaError, Machine
from reports import (
    lasting,
    leases,
    named_in_failures,
    records,
    report_of,
    sized,
    work_keys,
    written,
)
from wire import DENIED, Answer, Request

Sync = dict[str, Any]
STEPS = ("CREATE_MULTIPART_UPLOAD", "UPLOAD_PART_COPY", "COMPLETE_MULTIPART_UPLOAD")
PROPERTIES: dict[str, Any] = {
    "ContentType": "text/plain",
    "CacheControl": "no-cache",
    "Metadata": {"colour": "red"},
    "Tagging": "team=a%20b&x=",
    "StorageClass": "STANDARD_IA",
}


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give objects of more than two parts a worker of their own, and each worker two parts."""
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 2)
    monkeypatch.setattr("lambda_functions.shared.apply.parts.GROUP_PARTS", 2)


@pytest.fixture
def taken(machine: Machine) -> list[str]:
    """Return the list of the steps of large copies that are being taken."""
    steps: list[str] = []

    def noted(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        steps.append(event["step"])
        return handler(event, context)

    machine.wrap["copy_large_object"] = noted
    return steps


def line(key: str, what: str, error: str) -> dict[str, str]:
    return {"key": key, "what": what, "error": error}


def test_an_object_of_many_parts_is_begun_copied_in_groups_and_completed(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, taken: list[str]
) -> None:
    etag = source.put_parts("large", b"11", b"22", b"33", b"44", b"5", **PROPERTIES)

    report = machine.report(sync)

    assert taken[0] == "begin"
    assert taken[1:-1] == ["parts"] * 3
    assert taken[-1] == "complete"
    assert etag.endswith("-5")
    assert destination.snapshot() == source.snapshot()
    assert lasting(report) == report_of(copy=sized(1, 9))
    assert [report["requests"][step] for step in STEPS] == [1, 5, 1]
    assert report["requests"] == machine.wire.counts(source.name, destination.name)
    assert destination.uploads() == []
    assert machine.report(sync)["current"] == sized(1, 9)


def test_an_object_that_is_large_by_its_size_is_copied_in_default_parts(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    sync: Sync,
    monkeypatch: pytest.MonkeyPatch,
    taken: list[str],
) -> None:
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_BYTES", 5)
    monkeypatch.setattr("lambda_functions.shared.apply.parts.PART_BYTES", 4)
    source.put("large", b"123456789", Metadata={"a": "b"})
    source.put("small", b"12345")

    report = machine.report(sync)

    assert lasting(report) == report_of(copy=sized(2, 14))
    assert taken == ["begin", "parts", "parts", "complete"]
    assert destination.bodies() == source.bodies()
    assert destination.stored("large").metadata == (("a", "b"),)


def test_large_and_ordinary_objects_are_added_up_together_and_orphans_go_after_both(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "b": b"2"})
    source.put_parts("large 1", b"1", b"2", b"3")
    source.put_parts("large 2", b"1", b"2", b"3", b"4")
    destination.put("large 1", b"old", age_seconds=2 * HOUR)
    destination.put("orphan", b"55555")

    started = machine.start(sync)
    found = machine.wait(started)

    assert lasting(written(found)) == report_of(listed=(4, 2), copy=sized(4, 9), delete=sized(1, 5))
    assert destination.snapshot() == source.snapshot()
    states = machine.states(started)
    maps = [state for state in states if state.startswith(("CopyKeys", "CopyLarge", "DeleteOrphaned"))]
    assert maps == ["CopyKeysInline", "CopyLargeObjects", "DeleteOrphanedKeysInline"]


def test_part_boundaries_that_were_guessed_wrongly_are_asked_for_exactly_and_copied_again(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, taken: list[str]
) -> None:
    # Three parts, the first of four bytes, nine bytes in all: that looks like 4 + 4 + 1.
    source.put_parts("misleading", b"1234", b"567", b"89")

    report = machine.report(sync)

    once = ["begin", "parts", "parts", "complete"]
    assert taken == once * 2
    assert destination.snapshot() == source.snapshot()
    assert lasting(report) == report_of(copy=sized(1, 9))
    assert destination.uploads() == []


def test_a_group_that_fails_is_its_object_s_failure_its_upload_is_aborted_and_others_go_on(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("ordinary", b"1")
    source.put_parts("bad", b"1", b"2", b"3")
    source.put_parts("good", b"4", b"5", b"6")
    destination.put("orphan", b"1")
    machine.wire.on("UploadPartCopy", DENIED, key="bad")

    found = machine.run(sync)

    why = "AccessDenied: Access Denied (UploadPartCopy)"
    assert lasting(written(found)) == report_of(
        listed=(3, 1),
        plan={"copy": sized(3, 7), "delete": sized(1, 1)},
        copied=sized(2, 4),
        deleted=sized(),
        failed={"objects": 1},
        notSynchronised=[line("bad", "failed", why)],
        outcome="SyncIncomplete",
        cause=found["cause"],
        phase="copying",
    )
    assert named_in_failures(found) == [line("bad", "failed", why)]
    assert destination.uploads() == []
    assert destination.keys() == ["good", "ordinary", "orphan"]
    assert leases() == []


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ("HeadObject", "403: Forbidden (HeadObject)"),
        ("GetObjectTagging", "AccessDenied: Access Denied (GetObjectTagging)"),
        ("CreateMultipartUpload", "AccessDenied: Access Denied (CreateMultipartUpload)"),
        ("CompleteMultipartUpload", "AccessDenied: Access Denied (CompleteMultipartUpload)"),
    ],
)
def test_a_large_copy_that_is_denied_at_any_step_is_named_and_leaves_no_upload(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str, why: str
) -> None:
    source.put_parts("large", b"1", b"2", b"3")
    machine.wire.on(operation, DENIED)

    found = machine.run(sync)

    assert written(found)["notSynchronised"] == [line("large", "failed", why)]
    assert destination.keys() == []
    assert destination.uploads() == []


def test_a_large_object_that_is_found_archived_is_skipped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("large", b"1", b"2", b"3")
    destination.put("orphan", b"1")
    machine.wire.on("UploadPartCopy", Answer(403, "InvalidObjectState", "It is archived"))

    report = machine.report(sync)

    why = "InvalidObjectState: It is archived (UploadPartCopy)"
    assert report["notSynchronised"] == [line("large", "archived", why)]
    assert destination.keys() == []
    assert destination.uploads() == []


# --- A source that moves on


def doing(what: Any) -> Any:
    """Return an action that changes the world, then lets the request go on."""

    def act(request: Request) -> None:
        what()

    return act


@pytest.mark.parametrize(
    "operation", ["HeadObject", "GetObjectTagging", "CreateMultipartUpload", "UploadPartCopy"]
)
def test_a_large_object_that_changed_is_begun_again_as_what_it_is_now(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str
) -> None:
    source.put_parts("large", b"1", b"2", b"3")
    machine.wire.on(operation, doing(lambda: source.put_parts("large", b"4", b"5", b"6", b"7")), times=1)

    report = machine.report(sync)

    assert report["copied"] == sized(1, 4)
    assert destination.snapshot() == source.snapshot()
    assert destination.uploads() == []


def test_a_large_object_that_never_holds_still_is_changed(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, taken: list[str]
) -> None:
    source.put_parts("large", b"1", b"2", b"3")
    versions = iter(range(100))

    def rewrite() -> None:
        source.put_parts("large", b"1", b"2", f"{next(versions)}".encode())

    machine.wire.on("GetObjectTagging", doing(rewrite))

    found = machine.run(sync)

    why = "the source changed 3 times while it was read"
    assert written(found)["notSynchronised"] == [line("large", "changed", why)]
    assert taken.count("begin") == 3
    assert destination.uploads() == []


@pytest.mark.parametrize("operation", ["HeadObject", "UploadPartCopy"])
def test_a_large_object_that_vanished_is_skipped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str
) -> None:
    source.put_parts("large", b"1", b"2", b"3")
    machine.wire.on(operation, doing(lambda: source.delete("large")), times=1)

    report = machine.report(sync)

    assert report["skipped"]["vanished"] == 1
    assert destination.keys() == []
    assert destination.uploads() == []


def test_what_somebody_else_wrote_meanwhile_is_not_replaced_by_a_large_object(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("large", b"1", b"2", b"3")
    theirs = doing(lambda: destination.put("large", b"theirs", 0))
    machine.wire.on("CompleteMultipartUpload", theirs, times=1)

    found = machine.run(sync)

    assert written(found)["changed"] == {"objects": 1}
    assert destination.bodies() == {"large": b"theirs"}
    assert destination.uploads() == []


# --- Workers that end


PAPERS = {
    "the shard of the comparison": "large/1-0001-0001-[0-9a-f-]{36}[.]jsonl",
    "how it is to be copied": "large/large-000001-[0-9a-f-]{36}[.]json",
    "the parts of a group": "large/large-000001-[0-9a-f-]{36}-[13][.]json",
    "the record": "copied/large-000001-0[.]json",
    "the list of uploads": "uploads/[0-9a-f]{32}[.]json",
}


@pytest.mark.parametrize("paper", PAPERS)
def test_a_step_that_is_killed_before_it_writes_its_paper_is_repeated(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, paper: str
) -> None:
    source.put_parts("large", b"1", b"2", b"3")
    machine.wire.kill("PutObject", key=lambda key: bool(re.search(f"/{PAPERS[paper]}$", key)))

    found = machine.run(sync)

    assert lasting(written(found)) == report_of(copy=sized(1, 3))
    assert destination.snapshot() == source.snapshot()
    # Killed between S3's opening an upload and writing down its id, it leaves one without parts that nobody knows.
    assert destination.uploads() == (["large"] if paper == "the list of uploads" else [])
    assert len(machine.slept) == 1


@pytest.mark.parametrize("step", ["begin", "parts", "complete"])
def test_a_step_whose_answer_never_came_is_repeated_and_no_upload_is_left(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, step: str
) -> None:
    source.put_parts("large", b"1", b"2", b"3")
    lost: list[str] = []

    def answers_too_late(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        answer = handler(event, context)
        if event["step"] == step and not lost:
            lost.append(step)
            raise LambdaError("Sandbox.Timedout", "after all was done")
        return answer

    machine.wrap["copy_large_object"] = answers_too_late

    assert lasting(machine.report(sync)) == report_of(copy=sized(1, 3))
    assert destination.snapshot() == source.snapshot()
    assert destination.uploads() == []


@pytest.mark.parametrize("operation", ["CompleteMultipartUpload", "UploadPartCopy"])
def test_a_step_of_a_large_copy_whose_answer_was_lost_is_no_failure(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, operation: str
) -> None:
    source.put_parts("large", b"1", b"2", b"3")
    machine.wire.lose(operation)

    assert lasting(machine.report(sync)) == report_of(copy=sized(1, 3))
    assert destination.uploads() == []


@pytest.mark.parametrize("step", ["begin", "parts", "complete"])
def test_a_large_copy_whose_worker_crashes_for_good_is_a_failure_and_is_aborted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, step: str
) -> None:
    source.put_parts("bad", b"1", b"2", b"3")
    source.put_parts("good", b"4", b"5", b"6")

    def crashing(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if event["step"] == step and event["item"]["line"]["key"] == "bad":
            raise LambdaError("Runtime.ExitError", "it ended")
        return handler(event, context)

    machine.wrap["copy_large_object"] = crashing

    found = machine.run(sync)

    assert written(found)["notSynchronised"] == [line("bad", "failed", "Runtime.ExitError: it ended")]
    assert written(found)["copied"] == sized(1, 3)
    assert destination.keys() == ["good"]
    assert destination.uploads() == []
    assert leases() == []


def test_a_large_copy_whose_every_worker_crashes_ends_the_run_with_what_is_unfinished(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("large", b"1", b"2", b"3")

    def crashing(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        raise LambdaError("Runtime.ExitError", "it ended")

    machine.wrap["copy_large_object"] = crashing

    found = machine.run(sync)

    assert found["cause"].startswith(
        "the run broke while copying: large-000001: Runtime.ExitError: it ended. "
    )
    assert (written(found)["failed"], written(found)["phase"]) == ({"objects": 1}, "copying")


def test_a_group_whose_time_is_over_names_the_parts_that_it_did_not_copy(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("large", b"1", b"2", b"3", b"4")

    def hurried(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        return handler(event, FakeContext(remaining_ms=2_000) if event["step"] == "parts" else context)

    machine.wrap["copy_large_object"] = hurried

    found = machine.run(sync)

    why = "1 of 2 parts did not fit into a worker's time"
    assert written(found)["notSynchronised"] == [line("large", "failed", why)]
    assert destination.uploads() == []


def test_papers_of_a_large_copy_are_read_by_every_step_and_its_record_is_one(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_parts("large", b"1", b"2", b"3")

    found = machine.run(sync, name="large")

    (record,) = records(found, "copied")
    assert (record["shard"], record["start"], record["next"]) == ("large-000001", 0, 1)
    papers = work_keys("runs/sync-buckets-state-machine-20260101-000000/large/large/")
    # The upload itself, two groups of parts, and the shard that the comparison wrote.
    assert len(papers) == 4
