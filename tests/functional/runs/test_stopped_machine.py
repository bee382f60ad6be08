"""A stopped run in the state machine itself: shards end their turns, or fail where their Map is to end."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from buckets import Bucket
from machine_on_moto import WORK_BUCKET, FakeContext, Handler, Machine
from reports import leases, records, written

NAME = "stopped"


@pytest.mark.parametrize("ends_map", [False, True])
def test_a_run_that_is_stopped_while_copying_ends_with_stopped_and_the_next_one_does_the_rest(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    sync: dict[str, Any],
    mode: str,
    ends_map: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lambda_functions.shared.work_bucket.shards.MAX_SHARD_KEYS", 2)
    source.put_all({f"{number}": b"1" for number in range(8)})
    destination.put("orphan", b"1")

    first_has_ended = threading.Event()

    def stopping(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if event["shard"]["id"] == "copy-000001":
            answer = handler(event, context)
            first_has_ended.set()
            return answer
        assert first_has_ended.wait(20)
        key = f"{event['run']['folder']}/stop.json"
        body = json.dumps({"file": key, "endsMap": ends_map}).encode()
        source.client.put_object(Bucket=WORK_BUCKET, Key=key, Body=body)
        return handler(event, context)

    machine.wrap["copy_keys"] = stopping
    started = machine.start(sync, NAME)
    found = machine.wait(started)
    machine.wrap.clear()

    report = written(found)
    assert (found["status"], found["error"]) == ("FAILED", "Stopped")
    assert found["cause"].startswith(
        "The run was stopped while copying: 2 of 8 objects were copied, nothing was deleted"
    )
    assert (report["copied"]["objects"], report["stopped"], report["failed"]) == (
        2,
        {"objects": 6},
        {"objects": 0},
    )
    assert records(found, "broken") == []
    assert machine.states(started)[-3:] == ["Report", "HowDidItEnd", "Stopped"]
    assert leases() == []
    again = machine.report(sync)
    assert (again["copied"]["objects"], again["deleted"]["objects"]) == (6, 1)
    assert destination.snapshot() == source.snapshot()
