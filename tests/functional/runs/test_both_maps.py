"""Copying and deleting in inline Maps and in Distributed ones: the same comes of both, and where they differ it is meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from buckets import Bucket
from histories import EVENTS, INLINE_ITEM_EVENTS, INLINE_MAP_EVENTS
from machine_on_moto import FakeContext, Handler, LambdaError, Machine, Wrapper
from reports import address, lasting, leases, read, records, report_of, sized, written

from lambda_functions.shared.options import MAX_INPUT_BYTES

Sync = dict[str, Any]
SUFFIX = {"INLINE": "Inline", "DISTRIBUTED": ""}


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have shards of two keys, so that a few objects are shared by several workers."""
    monkeypatch.setattr("lambda_functions.shared.work_bucket.shards.MAX_SHARD_KEYS", 2)


def breaking(shard: str, error_type: str = "Runtime.ExitError", times: int = 1_000_000) -> Wrapper:
    """Return a wrapper in which the Lambda of one shard ends with this error, so many times."""
    left = [times]

    def wrapper(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        item = event["shard"] if "shard" in event else event["state"].get("item", {"id": ""})
        if item["id"] == shard and left[0]:
            left[0] -= 1
            raise LambdaError(error_type, "it ended")
        return handler(event, context)

    return wrapper


def never_done(shard: str, but_after: int = 1_000_000) -> Wrapper:
    """Return a wrapper in which the turns of one shard bring it no further, but the one after so many."""

    def wrapper(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if event["shard"]["id"] != shard or event["turns"] >= but_after:
            return handler(event, context)
        return {"done": False, "fail": False, "next": event["start"], "turns": event["turns"] + 1}

    return wrapper


def start(machine: Machine, source: Bucket, destination: Bucket, sync: Sync) -> tuple[str, dict[str, Any]]:
    """Run a sync of three shards of copies and two of deletes; return its ARN, and how it ended."""
    source.put_all({f"{number}": b"1" for number in range(5)})
    destination.put_all({f"orphan {number}": b"22" for number in range(4)})
    started = machine.start(sync)
    return started, machine.wait(started)


def maps_of(machine: Machine, started: str) -> list[str]:
    """Return the Maps that a run has entered after its comparison."""
    names = ("CopyKeys", "CopyLargeObjects", "DeleteOrphanedKeys")
    return [state for state in machine.states(started) if state.startswith(names)]


def outputs_of(machine: Machine, started: str, state: str) -> list[Any]:
    """Return what a state has handed on whenever it ended, in the history of the run itself."""
    ended = (event.get("stateExitedEventDetails", {}) for event in machine.events(started))
    return [json.loads(details["output"]) for details in ended if details.get("name") == state]


def test_both_maps_copy_and_delete_the_same(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, mode: str
) -> None:
    started, found = start(machine, source, destination, sync)

    assert lasting(written(found)) == report_of(copy=sized(5, 5), delete=sized(4, 8))
    assert destination.snapshot() == source.snapshot()
    assert maps_of(machine, started) == [f"CopyKeys{SUFFIX[mode]}", f"DeleteOrphanedKeys{SUFFIX[mode]}"]
    assert len(records(found, "copied")) == 3
    assert len(read(found, "copy.json")) == 3
    assert leases() == []


def test_an_iteration_of_an_inline_map_hands_nothing_on(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    machine.wrap["copy_keys"] = breaking("copy-000002")
    started, _ = start(machine, source, destination, sync)
    machine.wrap.clear()
    again, _ = start(machine, source, destination, sync)

    assert outputs_of(machine, started, "ShardCopiedInline") == [{}] * 2
    assert outputs_of(machine, started, "CopyIsBrokenInline") == [{}]
    assert outputs_of(machine, again, "ShardDeletedInline") == [{}] * 2


def test_a_run_with_nothing_to_do_enters_no_map_after_its_comparison_and_adds_up_nothing(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, mode: str
) -> None:
    start(machine, source, destination, sync)

    started = machine.start(sync)

    assert machine.wait(started)["status"] == "SUCCEEDED"
    states = machine.states(started)
    assert maps_of(machine, started) == []
    assert states[states.index("IsComparisonDone") + 1 :] == ["Report", "HowDidItEnd", "Succeeded"]


def test_a_run_with_deletes_only_enters_no_map_of_copies(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, mode: str
) -> None:
    source.put("a", b"1")
    machine.report(sync)
    destination.put("orphan", b"22")

    started = machine.start(sync)

    assert machine.wait(started)["status"] == "SUCCEEDED"
    assert maps_of(machine, started) == [f"DeleteOrphanedKeys{SUFFIX[mode]}"]
    assert destination.keys() == ["a"]


def test_a_broken_copy_in_an_inline_map_leaves_word_and_stops_the_deletes_but_no_other_copy(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    machine.wrap["copy_keys"] = breaking("copy-000002")

    _, found = start(machine, source, destination, sync)

    (broken,) = records(found, "broken")
    left = next(item["objects"] for item in read(found, "copy.json") if item["id"] == "copy-000002")
    assert broken["item"] == "copy-000002"
    assert found["error"] == "SyncIncomplete"
    assert "What broke: copy-000002: Runtime.ExitError: it ended. 4 orphans were kept" in found["cause"]
    assert "Start again: a sync takes up where the last one stopped." in found["cause"]
    assert lasting(written(found)) == report_of(
        copy=sized(5, 5),
        delete=sized(4, 8),
        copied=sized(5 - left, 5 - left),
        deleted=sized(),
        failed={"objects": left},
        outcome="SyncIncomplete",
        cause=found["cause"],
        phase="copying",
    )
    assert sum(key.startswith("orphan") for key in destination.bodies()) == 4
    assert len(destination.keys()) == 4 + 5 - left
    assert leases() == []


def test_a_broken_copy_that_leaves_no_word_stops_no_other_copy_and_may_still_be_writing(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    machine.wrap.update(copy_keys=breaking("copy-000002"), tally_run=breaking("copy-000002"))

    _, found = start(machine, source, destination, sync)

    assert records(found, "broken") == []
    assert len(records(found, "copied")) == 2
    assert "Start again in 16 minutes, when its last Lambda must be over" in found["cause"]
    assert len(leases()) == 1


def test_every_copy_that_breaks_in_an_inline_map_is_counted_and_the_next_run_does_the_rest(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    machine.wrap["copy_keys"] = lambda handler, event, context: breaking(event["shard"]["id"])(
        handler, event, context
    )

    _, found = start(machine, source, destination, sync)
    machine.wrap.clear()

    assert written(found)["failed"] == {"objects": 5}
    assert "copy-000001: Runtime.ExitError: it ended (2 more broke)" in found["cause"]
    assert machine.report(sync)["copied"] == sized(5, 5)
    assert destination.snapshot() == source.snapshot()


def test_the_first_broken_delete_ends_either_map_and_its_workers_may_still_be_deleting(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, mode: str
) -> None:
    machine.wrap["delete_orphaned_keys"] = breaking("delete-000001")

    _, found = start(machine, source, destination, sync)

    assert [broken["item"] for broken in records(found, "broken")] == ["delete-000001"]
    assert found["cause"].startswith(
        "the run broke while deleting: delete-000001: Runtime.ExitError: it ended. "
    )
    assert "Start again in 16 minutes, when its last Lambda must be over" in found["cause"]
    assert set(source.keys()) <= set(destination.keys())
    assert len(leases()) == 1


@pytest.mark.parametrize(
    ("worker", "shard", "phase"),
    [("copy_keys", "copy-000001", "copying"), ("delete_orphaned_keys", "delete-000001", "deleting")],
)
def test_an_inline_shard_that_is_not_done_after_ten_turns_is_a_broken_one(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, worker: str, shard: str, phase: str
) -> None:
    machine.wrap[worker] = never_done(shard)

    _, found = start(machine, source, destination, sync)

    others = {"copy_keys": 2, "delete_orphaned_keys": 1}[worker]
    assert 10 <= machine.calls.count(worker) <= 10 + others
    assert (
        f"{shard}: TooManyTurns: it was not done after 10 turns, each as long as a Lambda may run"
        in found["cause"]
    )
    assert written(found)["phase"] == phase
    assert written(found)["outcome"] == "SyncIncomplete"


def test_the_tenth_turn_still_counts(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    machine.wrap["copy_keys"] = never_done("copy-000001", but_after=9)

    _, found = start(machine, source, destination, sync)

    assert found["status"] == "SUCCEEDED"
    assert machine.calls.count("copy_keys") == 10 + 2


def test_a_shard_of_a_distributed_map_has_as_many_turns_as_it_needs(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, distributed: None
) -> None:
    machine.wrap["copy_keys"] = never_done("copy-000001", but_after=12)

    _, found = start(machine, source, destination, sync)

    assert found["status"] == "SUCCEEDED"
    assert machine.calls.count("copy_keys") == 13 + 2


@pytest.mark.parametrize(("times", "status"), [(100, "SUCCEEDED"), (101, "FAILED")])
def test_an_inline_shard_waits_a_hundred_times_for_a_free_lambda(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, times: int, status: str
) -> None:
    machine.wrap["copy_keys"] = breaking("copy-000001", "Lambda.TooManyRequestsException", times)

    _, found = start(machine, source, destination, sync)

    assert found["status"] == status
    assert len(machine.slept) == 100
    assert machine.calls.count("copy_keys") == times + 2 + (status == "SUCCEEDED")


def test_a_shard_of_a_distributed_map_waits_longer_for_a_free_lambda(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, distributed: None
) -> None:
    machine.wrap["copy_keys"] = breaking("copy-000001", "Lambda.TooManyRequestsException", 101)

    _, found = start(machine, source, destination, sync)

    assert found["status"] == "SUCCEEDED"


def test_an_inline_map_takes_the_pointers_from_the_state_and_the_sums_are_made_by_the_index(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    def without_index(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        key = f"{event['run']['folder']}/copy.json"
        source.client.delete_object(Bucket="work-bucket", Key=key)
        return handler(event, context)

    machine.wrap["copy_keys"] = without_index

    _, found = start(machine, source, destination, sync)

    assert f"{address(found, 'copy.json')} is not there" in found["cause"]
    assert set(source.keys()) <= set(destination.keys())
    assert sum(key.startswith("orphan") for key in destination.bodies()) == 4


def test_forty_inline_shards_of_several_turns_and_an_input_of_32_kib_have_the_events_that_arithmetic_gives_them(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({f"{number:02d}": b"1" for number in range(80)})
    sync = {**sync, "exclude": ["x" * (MAX_INPUT_BYTES - 200)]}

    def three_turns(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        return never_done(event["shard"]["id"], but_after=2)(handler, event, context)

    machine.wrap["copy_keys"] = three_turns
    started = machine.start(sync)
    found = machine.wait(started)

    assert lasting(written(found)) == report_of(copy=sized(80, 80))
    assert maps_of(machine, started) == ["CopyKeysInline"]
    assert outputs_of(machine, started, "ShardCopiedInline") == [{}] * 40
    events = machine.events(started)
    a_shard = INLINE_ITEM_EVENTS + 3 * (EVENTS["Task"] + EVENTS["Choice"]) + EVENTS["Succeed"]
    begin, end = (
        next(
            number
            for number, event in enumerate(events)
            if event.get(what, {}).get("name") == "CopyKeysInline"
        )
        for what in ("stateEnteredEventDetails", "stateExitedEventDetails")
    )
    assert end + 1 - begin == INLINE_MAP_EVENTS + 40 * a_shard
    texts = [
        value
        for event in events
        for details in event.values()
        if isinstance(details, dict)
        for value in details.values()
        if isinstance(value, str)
    ]
    assert MAX_INPUT_BYTES < max(map(len, texts)) < 256 * 1024
