"""Workers that are killed at the worst moment: what they did is done again or recognised, and counted once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from buckets import HOUR, Bucket
from machine_on_moto import FakeContext, Handler, Machine
from reports import lasting, leases, named_in_failures, records, report_of, sized, work_keys, written
from wire import DENIED, Request
from workers import Killed

Sync = dict[str, Any]

PERHAPS_OURS = "the destination has a new object of the same size; nothing can prove whether this run or somebody else wrote it"


def of_everything(source: Bucket, destination: Bucket, prefix: str = "") -> None:
    """Put something into both buckets for every way in which a worker writes."""
    source.put_all(
        {f"{prefix}{key}": body for key, body in {"new": b"1", "changed": b"22", "same": b"333"}.items()}
    )
    source.put(f"{prefix}drifted", b"4444", Metadata={"a": "b"})
    source.put(f"{prefix}redirect", b"", WebsiteRedirectLocation="/elsewhere")
    source.put_parts(f"{prefix}parts", b"5", b"6", Tagging="a=b")
    source.put(f"{prefix}cold", b"7", StorageClass="GLACIER")
    destination.put_all({f"{prefix}changed": b"old", f"{prefix}drifted": b"4444"}, age_seconds=2 * HOUR)
    destination.put_all({f"{prefix}{key}": b"333" for key in ("same", "orphan", "odd\norphan")})


def whole(prefix: str = "") -> dict[str, Any]:
    """Return the report of a sync of `of_everything`."""
    archived = {"key": "cold", "what": "archived", "error": "GLACIER, and no restored copy of it"}
    return report_of(
        listed=(7, 5),
        copy=sized(5, 9),
        delete=sized(2, 6),
        current=sized(1, 3),
        skipped={"archived": 1},
        notSynchronised=[archived],
    )


def expected(source: Bucket, prefix: str = "") -> dict[str, Any]:
    """Return what is under a prefix of the destination after a sync of `of_everything`."""
    return {key: found for key, found in source.snapshot(prefix).items() if key != "cold"}


@pytest.mark.parametrize("record", ["/compared/", "/copied/", "/deleted/"])
def test_a_worker_that_is_killed_after_its_work_and_before_its_record_is_repeated_and_counts_once(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, record: str
) -> None:
    of_everything(source, destination)
    machine.wire.kill("PutObject", key=record)

    report = machine.report(sync)

    worker = {"/compared/": "list_ranges", "/copied/": "copy_keys", "/deleted/": "delete_orphaned_keys"}[
        record
    ]
    assert machine.calls.count(worker) == 2
    assert lasting(report) == whole()
    assert destination.snapshot() == expected(source)
    assert leases() == []


def test_what_a_killed_copier_had_copied_is_not_replaced_but_recognised(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "b": b"2"})
    source.put_parts("parts", b"1", b"2")
    written_at: dict[str, Any] = {}

    def remember(request: Request) -> None:
        written_at.update(
            {key: destination.client.head_object(Bucket=destination.name, Key=key) for key in "ab"}
        )
        raise Killed

    machine.wire.on("PutObject", remember, key="/copied/", times=1)

    report = machine.report(sync)

    # Sent again under `If-None-Match: *`, refused, looked at on both sides.
    assert report["copied"] == sized(3, 4)
    assert machine.wire.keys("CopyObject", destination.name) == ["a", "a", "b", "b"]
    for key in "ab":
        now = destination.client.head_object(Bucket=destination.name, Key=key)
        assert now["LastModified"] == written_at[key]["LastModified"]
    assert destination.uploads() == []


def test_what_a_killed_deleter_had_deleted_counts_as_deleted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"1")
    destination.put_all({"a": b"1", "x": b"22", "y\n": b"333"})
    machine.wire.kill("PutObject", key="/deleted/")

    report = machine.report(sync)

    assert lasting(report) == report_of(delete=sized(2, 5), current=sized(1, 1))
    assert len(machine.wire.keys("DeleteObjects", destination.name)) == 2


def test_a_copy_that_nothing_can_prove_to_be_our_own_is_changed_and_the_next_run_makes_it_again(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put("a", b"123", ServerSideEncryption="aws:kms")
    source.alter("a", checksum_algorithm=None, checksum_value=None, _etag="1" * 32)
    destination.put("a", b"124", age_seconds=2 * HOUR)

    def encrypted_as_aws_would(request: Request) -> None:
        # The copy's ETag is random with KMS; moto gives it that of the bytes.
        destination.alter(
            "a", encryption="aws:kms", _etag="2" * 32, checksum_algorithm=None, checksum_value=None
        )
        raise Killed

    machine.wire.on("PutObject", encrypted_as_aws_would, key="/copied/", times=1)

    found = machine.run(sync)

    assert written(found)["outcome"] == "SyncIncomplete"
    assert named_in_failures(found) == [{"key": "a", "what": "changed", "error": PERHAPS_OURS}]
    assert machine.report(sync)["copied"] == sized(1, 3)
    assert destination.bodies() == {"a": b"123"}


def test_failures_that_a_killed_attempt_had_named_are_named_once(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "b": b"2"})
    machine.wire.on("CopyObject", DENIED, key="b")
    machine.wire.kill("PutObject", key="/copied/")

    found = machine.run(sync)

    assert written(found)["failed"] == {"objects": 1}
    assert [line["key"] for line in named_in_failures(found)] == ["b"]
    assert len(work_keys(f"runs/sync-buckets-state-machine-20260101-000000/{found['name']}/failures/")) == 2


WRITES = (
    "PutObject",
    "CopyObject",
    "CreateMultipartUpload",
    "UploadPartCopy",
    "CompleteMultipartUpload",
    "DeleteObjects",
    "DeleteObject",
)
# Each Lambda is tried four times, so the kills of a whole run are spread over some runs.
ROUNDS = 5


def test_a_worker_may_be_killed_before_any_write_of_a_whole_run(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    of_everything(source, destination, "undisturbed/")
    machine.report({**sync, "prefix": "undisturbed/"})
    writes = list(dict.fromkeys(which(sent) for sent in machine.wire.sent if sent.operation in WRITES))
    assert len(writes) > 20

    for number in range(ROUNDS):
        prefix = f"round {number}/"
        of_everything(source, destination, prefix)
        machine.wire.relent()
        killed = kill_each(machine, writes[number::ROUNDS])

        report = machine.report({**sync, "prefix": prefix})

        assert killed == set(writes[number::ROUNDS])
        assert lasting(report) == whole()
        assert destination.snapshot(prefix) == expected(source, prefix)
        assert parts_left(destination) == []
        assert leases() == []


def which(request: Request) -> str:
    """Return what a write is, the same in every run: without prefixes, ids and hashes."""
    key = re.sub(r"undisturbed/|round \d/|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}", "", request.key)
    return f"{request.operation} {request.bucket} {key}"


def kill_each(machine: Machine, writes: list[str]) -> set[str]:
    """Kill the worker that is about to send one of these writes, once for each; return those that it has come to."""
    killed: set[str] = set()

    def kill_once(request: Request) -> None:
        if which(request) in writes and which(request) not in killed:
            killed.add(which(request))
            raise Killed(f"killed before {request.operation} {request.key}")

    for operation in WRITES:
        machine.wire.on(operation, kill_once)
    return killed


def parts_left(bucket: Bucket) -> list[Any]:
    """Return the parts of uploads under way.

    A worker that is killed between S3's opening an upload and writing down its id leaves an upload that nobody knows. It has no
    parts, so it costs nothing.
    """
    uploads = bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", ())
    places = [{"Bucket": bucket.name, "Key": one["Key"], "UploadId": one["UploadId"]} for one in uploads]
    return [part for place in places for part in bucket.client.list_parts(**place).get("Parts", ())]


def twice(machine: Machine, inner: list[Any]) -> Callable[[Handler, dict[str, Any], FakeContext], Any]:
    """Return a wrapper in which a second attempt does all of the work while the first one is about to write its record."""

    def wrapper(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        kind = {
            "range": "/compared/",
            "shard": "/copied/" if "copy-" in str(event.get("shard")) else "/deleted/",
        }
        record = next((name for part, name in kind.items() if part in event), "/compared/")
        machine.wire.on(
            "PutObject", lambda request: inner.append(handler(event, FakeContext())), key=record, times=1
        )
        return handler(event, context)

    return wrapper


@pytest.mark.parametrize("worker", ["list_ranges", "copy_keys", "delete_orphaned_keys"])
def test_of_two_attempts_at_the_same_time_the_first_record_wins_and_both_say_what_it_says(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, worker: str
) -> None:
    of_everything(source, destination)
    inner: list[Any] = []
    outer: list[Any] = []
    racing = twice(machine, inner)

    def noted(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        outer.append(racing(handler, event, context))
        return outer[-1]

    machine.wrap[worker] = noted

    found = machine.run(sync, name="race")

    assert len(inner) == 1
    kind = {"list_ranges": "compared", "copy_keys": "copied", "delete_orphaned_keys": "deleted"}[worker]
    assert inner == outer
    assert len(records(found, kind)) == 1
    assert lasting(json.loads(found["output"])) == whole()
    assert destination.snapshot() == expected(source)


def test_the_shards_of_the_losing_attempt_are_litter_that_nobody_reads(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    of_everything(source, destination)
    machine.wrap["list_ranges"] = twice(machine, [])

    found = machine.run(sync, name="race")

    folder = "runs/sync-buckets-state-machine-20260101-000000/race"
    (record,) = records(found, "compared")
    named = {f"{folder}/{shard['file']}" for shard in record["shards"]["copy"]}
    shards = set(work_keys(f"{folder}/copy/"))
    assert len(shards) == 2
    assert named < shards
    read = [sent.key for sent in machine.wire.sent if sent.operation == "GetObject" and "/copy/" in sent.key]
    assert set(read) == named


def test_a_turn_that_has_a_record_already_is_not_done_again(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({"a": b"1", "b": b"2"})
    answers: list[Any] = []

    def three_times(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        answers.extend(handler(event, FakeContext()) for _ in range(3))
        return answers[-1]

    machine.wrap["copy_keys"] = three_times

    report = machine.report(sync)

    assert answers == [{"fail": False, "done": True, "next": 2, "turns": 1}] * 3
    assert report["requests"]["COPY"] == 2
    assert machine.wire.keys("CopyObject", destination.name) == ["a", "b"]


def test_a_tally_that_is_repeated_comes_to_the_same_end(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    of_everything(source, destination)

    def repeated(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        first = handler(event, FakeContext())
        second = handler(event, context)
        times = ("endedAt", "estimatedCostUsd")
        assert without(first.get("report"), *times) == without(second.get("report"), *times)
        return second

    machine.wrap["tally_run"] = repeated

    assert lasting(machine.report(sync)) == whole()


def without(report: dict[str, Any] | None, *names: str) -> dict[str, Any]:
    return {name: value for name, value in (report or {}).items() if name not in names}
