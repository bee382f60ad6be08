"""The stand-in itself: the private names of moto that it replaces exist, and it is as strict as AWS where moto is not."""

from __future__ import annotations

import contextlib
import inspect
import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.hooks import BaseEventHooks
from buckets import Bucket
from machine_on_moto import LAMBDAS, REGION, FakeContext, LambdaError, Machine, client, definition
from moto.core.base_backend import BaseBackend
from moto.core.botocore_stubber import BotocoreStubber
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    MapRunRecord,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils, state_task_lambda
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from short_turns import pages_a_turn, short_pages
from wire import DENIED, REFUSED, stored
from workers import Killed

from lambda_functions.shared.s3 import clients

MAX_STATE_BYTES = 256 * 1024


def parameters_of(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_the_private_names_of_moto_that_are_replaced_exist() -> None:
    assert parameters_of(lambda_eval_utils._invoke_lambda_function) == [
        "parameters",
        "region",
        "state_credentials",
    ]
    assert boto_client.boto3 is boto3
    assert parameters_of(BaseBackend.urls.fget) == ["self"]
    assert parameters_of(BaseExecutionWorkerCommunication.terminated) == ["self"]
    assert "exec_arn" in Execution.__annotations__
    assert parameters_of(DistributedIterationComponent._map_run) == ["self", "env", "eval_input"]
    assert parameters_of(AmazonStateLanguageParser.parse) == ["definition"]
    assert parameters_of(json_path.parse)[0] == "path"
    assert parameters_of(result_path.parse)[0] == "string"
    assert retrier_decl.time.sleep
    assert state_task_lambda.lambda_eval_utils is lambda_eval_utils


def test_a_map_run_of_moto_knows_what_its_items_became_and_how_many_failures_are_tolerated() -> None:
    record = MapRunRecord(
        "arn:aws:states:x:1:stateMachine:m", "arn", 4, 0, 5.0, label="CopyKeys"
    )  # fields, not rules: moto leaves the rule out

    assert (record.tolerated_failure_count, record.tolerated_failure_percentage) == (0, 5.0)
    assert (record.item_counter.failed.get(), record.item_counter.total.get()) == (0, 0)


def test_the_names_of_our_own_clients_that_the_wire_uses_exist() -> None:
    assert parameters_of(clients._session().client)[:2] == ["service_name", "region_name"]
    assert isinstance(clients.client("s3", REGION)._endpoint._event_emitter, BaseEventHooks)
    assert parameters_of(BotocoreStubber.__call__) == ["self", "event_name", "request", "kwargs"]


def test_every_lambda_of_the_state_machine_is_a_handler_here() -> None:
    found = json.dumps(definition())

    assert all(f"function:{name}:1" in found for name in LAMBDAS)


def test_every_map_catches_what_goes_wrong_and_only_small_ones_are_inline() -> None:
    maps = {name: state for name, state in definition()["States"].items() if state["Type"] == "Map"}

    found = {
        name: (state["ItemProcessor"]["ProcessorConfig"]["Mode"], state["Catch"][0]["Next"])
        for name, state in maps.items()
    }
    assert found == {
        "CompareRanges": ("DISTRIBUTED", "Report"),
        "CopyKeys": ("DISTRIBUTED", "TallyCopies"),
        "CopyKeysInline": ("INLINE", "TallyCopies"),
        "CopyLargeObjects": ("DISTRIBUTED", "TallyCopies"),
        "DeleteOrphanedKeys": ("DISTRIBUTED", "TallyDeletes"),
        "DeleteOrphanedKeysInline": ("INLINE", "TallyDeletes"),
    }


def test_a_task_whose_lambda_raises_is_tried_again_without_sleeping_and_then_caught(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, str]
) -> None:
    machine.wrap["list_ranges"] = raise_error("Sandbox.Timedout")

    found = machine.run(sync)

    assert machine.calls.count("list_ranges") == 1 + 3
    assert len(machine.slept) == 3
    assert all(0 <= slept <= most for slept, most in zip(machine.slept, (2, 4, 8), strict=True))
    assert found["error"] == "SyncIncomplete"


def test_what_a_lambda_returns_must_be_json(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, str]
) -> None:
    machine.wrap["list_ranges"] = lambda handler, event, context: {"keys": {1, 2}}

    found = machine.run(sync)

    assert found["cause"].startswith(
        "the run broke while starting: TypeError: Object of type set is not JSON serializable. "
    )


def test_a_distributed_map_fails_if_more_items_failed_than_are_tolerated(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    sync: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source.put_all({"a": b"1", "b": b"2"})
    short_pages(monkeypatch, 1)
    pages_a_turn(monkeypatch, 0, 1000)
    machine.wrap["compare_listings"] = raise_error("Runtime.ExitError")

    started = machine.start(sync)
    found = machine.wait(started)

    assert found["error"] == "SyncIncomplete"
    assert machine.states(started)[-4:] == ["CompareRanges", "Report", "HowDidItEnd", "SyncIncomplete"]


def test_the_history_of_a_run_is_short_and_no_event_is_near_the_limit_of_a_state(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, str]
) -> None:
    source.put_all({f"k/{number:03d}": b"x" for number in range(200)})
    destination.put_all({f"o/{number:03d}": b"x" for number in range(50)})

    started = machine.start(sync)
    assert machine.wait(started)["status"] == "SUCCEEDED"

    events = machine.events(started)
    assert len(events) < 100
    assert max(len(json.dumps(event, default=str)) for event in events) < MAX_STATE_BYTES / 16


def test_the_wire_sees_what_workers_send_and_not_what_tests_send(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, str]
) -> None:
    source.put("a", b"1")

    machine.run(sync)

    assert machine.wire.keys("CopyObject", destination.name) == ["a"]
    assert machine.wire.keys("PutObject", source.name) == []


def test_a_worker_that_the_wire_kills_sends_nothing_more_whatever_it_catches(
    machine: Machine, source: Bucket
) -> None:
    machine.wire.kill("HeadObject")

    def stubborn(ours: Any) -> None:
        with contextlib.suppress(BaseException):
            ours.head_object(Bucket=source.name, Key="a")
        ours.put_object(Bucket=source.name, Key="a")

    with pytest.raises(Killed, match="dead already"), machine.wire.process():
        stubborn(clients.client("s3", REGION))
    assert source.keys() == []

    with machine.wire.process():
        clients.client("s3", REGION).put_object(Bucket=source.name, Key="a")
    assert source.keys() == ["a"]


def test_the_wire_refuses_a_copy_whose_source_has_another_etag(
    machine: Machine, source: Bucket, destination: Bucket
) -> None:
    etag = source.put("a", b"1")
    ours, place = clients.client("s3", REGION), {"Bucket": destination.name, "Key": "a"}
    copy = {**place, "CopySource": {"Bucket": source.name, "Key": "a"}}

    ours.copy_object(**copy, CopySourceIfMatch=f'"{etag}"')
    source.put("a", b"2")

    with pytest.raises(ClientError) as caught:
        ours.copy_object(**copy, CopySourceIfMatch=f'"{etag}"')
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == REFUSED.status
    assert caught.value.response["Error"]["Code"] == REFUSED.code


@pytest.mark.parametrize(
    ("there", "condition", "status"),
    [
        (b"1", {"If-None-Match": "*"}, 412),
        (None, {"If-None-Match": "*"}, 200),
        (b"1", {"If-Match": '"c4ca4238a0b923820dcc509a6f75849b"'}, 200),
        (b"2", {"If-Match": '"c4ca4238a0b923820dcc509a6f75849b"'}, 412),
        (None, {"If-Match": '"c4ca4238a0b923820dcc509a6f75849b"'}, 404),
    ],
)
def test_the_wire_lets_a_copy_replace_only_what_its_condition_names(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    there: bytes | None,
    condition: dict[str, str],
    status: int,
) -> None:
    source.put("a", b"new")
    if there is not None:
        destination.put("a", there)

    with clients.extra_headers("CopyObject", condition):
        assert status == status_of_copy(source, destination)


def status_of_copy(source: Bucket, destination: Bucket) -> int:
    copy = {"Bucket": destination.name, "Key": "a", "CopySource": {"Bucket": source.name, "Key": "a"}}
    try:
        answer = clients.client("s3", REGION).copy_object(**copy)
    except ClientError as error:
        answer = error.response
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def test_the_wire_deletes_only_keys_that_have_the_etag_that_is_named(
    machine: Machine, destination: Bucket
) -> None:
    etags = {key: destination.put(key, key) for key in ("a", "b")}
    destination.put("b", b"another")
    listed = [{"Key": key, "ETag": f'"{etag}"'} for key, etag in {**etags, "gone": etags["a"]}.items()]

    answer = clients.client("s3", REGION).delete_objects(Bucket=destination.name, Delete={"Objects": listed})

    errors = {error["Key"]: error["Code"] for error in answer["Errors"]}
    assert errors == {"b": "PreconditionFailed", "gone": "NoSuchKey"}
    assert destination.keys() == ["b"]


def test_moto_never_does_what_the_wire_has_refused(machine: Machine, source: Bucket) -> None:
    machine.wire.on("DeleteObject", DENIED)
    source.put("a", b"1")

    with pytest.raises(ClientError, match="Access Denied"):
        clients.client("s3", REGION).delete_object(Bucket=source.name, Key="a")
    assert source.keys() == ["a"]


def test_the_wire_refuses_another_owner(machine: Machine, source: Bucket) -> None:
    ours = clients.client("s3", REGION)

    ours.head_bucket(Bucket=source.name, ExpectedBucketOwner="123456789012")

    with pytest.raises(ClientError) as caught:
        ours.head_bucket(Bucket=source.name, ExpectedBucketOwner="210987654321")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_object_of_moto_can_be_made_as_old_as_a_test_wants(machine: Machine, source: Bucket) -> None:
    began = time.monotonic()
    source.put("a", b"1", age_seconds=10)
    source.put("b", b"1", age_seconds=1000)
    took = time.monotonic() - began
    listed = client("s3").list_objects_v2(Bucket=source.name)["Contents"]

    # A date of S3 has whole seconds, and one may have passed between both.
    seconds = (listed[0]["LastModified"] - listed[1]["LastModified"]).total_seconds()
    assert abs(seconds - 990) <= 1 + took
    assert stored(source.name, "a").etag == listed[0]["ETag"]


def raise_error(error_type: str):
    """Return a wrapper in which the Lambda ends with this error."""

    def wrapper(handler: object, event: object, context: FakeContext) -> object:
        raise LambdaError(error_type, "it ended")

    return wrapper
