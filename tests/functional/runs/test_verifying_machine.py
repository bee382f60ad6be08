"""A run that verifies in the state machine itself: the last state before its report, and what that leads to."""

from __future__ import annotations

from typing import Any

import pytest
from buckets import Bucket
from machine_on_moto import FakeContext, Handler, Machine
from reports import leases, written

STEPS = ["VerifyBuckets", "Report", "HowDidItEnd"]


def is_second(event: dict[str, Any]) -> bool:
    return event.get("phase") == "verify"


@pytest.mark.parametrize("orphans", [0, 1])
def test_both_buckets_are_compared_once_more_after_the_copies_and_the_deletes(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, Any], mode: str, orphans: int
) -> None:
    source.put_all({f"{number}": b"1" for number in range(3)})
    destination.put_all({f"orphan{number}": b"1" for number in range(orphans)})

    started = machine.start({**sync, "verify": True})
    found = machine.wait(started)

    report = written(found)
    assert found["status"] == "SUCCEEDED", found
    assert machine.states(started)[-4:] == [*STEPS, "Succeeded"]
    assert (report["verified"]["objects"], report["verified"]["differences"]) == (3, 0)
    assert report["requests"] == machine.wire.counts(source.name, destination.name)


def test_a_run_with_nothing_to_do_compares_once_more_and_one_that_is_not_asked_to_does_not(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, Any]
) -> None:
    source.put("a", b"1")
    machine.report(sync)

    asked = machine.start({**sync, "verify": True})
    machine.wait(asked)
    not_asked = machine.start(sync)
    machine.wait(not_asked)

    assert machine.states(asked)[-6:] == ["ListRanges", "IsComparisonDone", *STEPS, "Succeeded"]
    assert "VerifyBuckets" not in machine.states(not_asked)


def test_a_copy_that_is_lost_ends_the_execution_with_not_in_sync(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, Any]
) -> None:
    source.put_all({f"{number}": b"1" for number in range(3)})

    def losing(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if is_second(event):
            destination.client.delete_object(Bucket=destination.name, Key="1")
        return handler(event, context)

    machine.wrap["list_ranges"] = losing
    started = machine.start({**sync, "verify": True})
    found = machine.wait(started)

    assert (found["status"], found["error"]) == ("FAILED", "NotInSync")
    assert found["cause"].startswith(
        f"1 object differs between s3://{source.name}/ and s3://{destination.name}/"
    )
    assert machine.states(started)[-4:] == [*STEPS, "NotInSync"]
    assert [one["key"] for one in written(found)["notSynchronised"]] == ["1"]
    assert leases() == []


def test_a_worker_that_crashes_while_verifying_ends_the_execution_as_incomplete(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, Any]
) -> None:
    source.put("a", b"1")

    def crashing(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if is_second(event):
            raise MemoryError("no room")
        return handler(event, context)

    machine.wrap["list_ranges"] = crashing
    found = machine.run({**sync, "verify": True})

    assert (found["status"], found["error"]) == ("FAILED", "SyncIncomplete")
    assert found["cause"].startswith(
        "everything was copied and deleted, and comparing once more broke: MemoryError: no room."
    )
    assert leases() == []
    assert destination.snapshot() == source.snapshot()
