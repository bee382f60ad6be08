"""Starting, following and reporting an execution, against clients that say what AWS says."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from deployment.aws import account
from deployment.errors import ExecutionFailed
from deployment.step_functions import executions
from deployment.step_functions.estimates import Amount
from deployment.step_functions.executions import Execution
from deployment.step_functions.progress import ExecutionProgress, Observer, Units
from tests.fake_executions import (
    ARN,
    BEGAN,
    FOLDER,
    LINK,
    REPORT,
    FakeAws,
    FakeClock,
    copying,
    counts,
    entered,
    error,
    map_run,
)

# Starting


def test_an_execution_is_started_under_a_name_of_its_own() -> None:
    aws = FakeAws()
    assert executions.start(aws.installation(), "machine", {"source": "a"}) == ARN
    [(_, first)] = aws.calls
    assert first["input"] == '{"source": "a"}'
    assert first["stateMachineArn"] == "machine"
    assert first["name"].startswith("fab-20261122-100000-")
    assert executions.start(aws.installation(), "machine", {}, name="mine") == ARN
    assert aws.calls[1][1]["name"] == "mine"


# Following


def test_the_phase_is_the_last_state_of_a_known_name() -> None:
    aws = FakeAws()
    aws.history = [entered("ValidateInput"), entered("ListRanges"), entered("SomethingNew")]
    assert Observer(aws.installation(), ARN, None).look("RUNNING") == ExecutionProgress(
        "RUNNING", "comparing"
    )


def test_while_comparing_the_ranges_of_the_newest_wave_are_counted() -> None:
    aws = FakeAws()
    aws.history = [entered("CompareRanges")]
    aws.map_runs = [map_run("first", 1), map_run("second", 9), map_run("over", 99, stopped=True)]
    aws.counts = {"mapRun:second": counts(64, succeeded=10, failed=2)}
    picture = Observer(aws.installation(), ARN, "work").look("RUNNING")
    assert picture == ExecutionProgress("RUNNING", "comparing", Units(12, 2, 64), done=Amount(0, 0))
    assert picture.text() == "comparing, 12 of 64 ranges, 2 of them failed"


def test_while_copying_done_is_what_the_records_add_up_to() -> None:
    aws = copying(FakeAws())
    for number in range(3):
        tally = {"copied": {"objects": 100, "bytes": 1024**3}, "failed": {"objects": 1, "bytes": 9}}
        aws.objects[f"{FOLDER}/copied/copy-{number}-0.json"] = {"tally": tally}
    aws.objects[f"{FOLDER}/copied/copy-9-0.json"] = {"tally": {"archived": {"objects": 3, "bytes": 0}}}
    aws.objects[f"{FOLDER}/deleted/delete-1-0.json"] = {"tally": {"deleted": {"objects": 3, "bytes": 0}}}
    picture = Observer(aws.installation(), ARN, "work").look("RUNNING")
    assert picture.planned == Amount(5000, 3 * 1024**3)
    assert picture.done == Amount(306, 3 * 1024**3)
    assert picture.text() == (
        "copying, 4 of 10 batches\n306 of 5,000 objects, 3.0 GiB of 3.0 GiB, 12 %\n3 failed so far"
    )


def test_a_record_is_read_once_and_the_plan_is_looked_for_once() -> None:
    aws = copying(FakeAws())
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = {"tally": {"copied": {"objects": 1, "bytes": 1}}}
    observer = Observer(aws.installation(), ARN, "work")
    first = observer.look("RUNNING")
    aws.calls.clear()
    assert observer.look("RUNNING") == first
    assert sorted(name for name, _ in aws.calls) == [
        "describe_map_run", "get_execution_history", "list_map_runs", "list_objects_v2", "list_objects_v2",
    ]  # fmt: skip


def test_with_too_many_records_done_is_about_the_fraction_of_the_batches() -> None:
    aws = copying(FakeAws())
    aws.objects = {f"{FOLDER}/copied/copy-{number}-0.json": {} for number in range(2001)}
    picture = Observer(aws.installation(), ARN, "work").look("RUNNING")
    assert picture.done == Amount(2000, int(1.2 * 1024**3))
    assert (
        picture.text() == "copying, 4 of 10 batches\nabout 2,000 of 5,000 objects, 1.2 GiB of 3.0 GiB, 39 %"
    )
    assert "get_object" not in [name for name, _ in aws.calls]


def test_while_deleting_the_deleted_are_counted_without_bytes() -> None:
    aws = copying(FakeAws())
    aws.history.append(entered("DeleteOrphanedKeys"))
    aws.counts = {"mapRun:CopyKeys": counts(1)}
    aws.objects[f"{FOLDER}/deleted/delete-1-0.json"] = {"tally": {"deleted": {"objects": 3, "bytes": 30}}}
    picture = Observer(aws.installation(), ARN, "work").look("RUNNING")
    assert picture.text() == "deleting\n3 of 7 objects, 42 %"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("CopyKeysInline", "copying\n300 of 5,000 objects, 3.0 GiB of 3.0 GiB, 12 %"),
        ("CopyShardInline", "copying\n300 of 5,000 objects, 3.0 GiB of 3.0 GiB, 12 %"),
        ("ShardCopiedInline", "copying\n300 of 5,000 objects, 3.0 GiB of 3.0 GiB, 12 %"),
        ("DeleteOrphanedKeysInline", "deleting\n3 of 7 objects, 42 %"),
        ("DeleteShardInline", "deleting\n3 of 7 objects, 42 %"),
        ("ShardDeletedInline", "deleting\n3 of 7 objects, 42 %"),
    ],
)
def test_in_an_inline_map_done_is_what_the_records_add_up_to_too(state: str, text: str) -> None:
    aws = copying(FakeAws())
    aws.map_runs = []
    aws.history = [event for event in aws.history if event != entered("CopyKeys")] + [entered(state)]
    tally = {"copied": {"objects": 300, "bytes": 3 * 1024**3}}
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = {"tally": tally}
    aws.objects[f"{FOLDER}/deleted/delete-1-0.json"] = {"tally": {"deleted": {"objects": 3, "bytes": 0}}}
    assert Observer(aws.installation(), ARN, "work").look("RUNNING").text() == text


@pytest.mark.parametrize(
    ("refused", "text"),
    [
        ("list_map_runs", "copying\n100 of 5,000 objects, 1.0 KiB of 3.0 GiB, 1 %"),
        ("describe_map_run", "copying\n100 of 5,000 objects, 1.0 KiB of 3.0 GiB, 1 %"),
        (
            "list_objects_v2",
            "copying, 4 of 10 batches\nabout 2,000 of 5,000 objects, 1.2 GiB of 3.0 GiB, 39 %",
        ),
        ("get_object", "copying, 4 of 10 batches\nabout 2,000 of 5,000 objects, 1.2 GiB of 3.0 GiB, 39 %"),
        ("get_execution_history", "running, 4 of 10 batches"),
    ],
)
@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_refused_call_leaves_a_gap_in_the_picture_only(refused: str, text: str, code: str) -> None:
    aws = copying(FakeAws())
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = {"tally": {"copied": {"objects": 100, "bytes": 1024}}}
    aws.refused[refused] = error(code)
    assert Observer(aws.installation(), ARN, "work").look("RUNNING").text() == text


def test_what_is_not_json_leaves_a_gap_only() -> None:
    aws = copying(FakeAws())
    aws.history[1]["stateExitedEventDetails"]["output"] = '{"truncated": '
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = {"unexpected": 1}
    assert Observer(aws.installation(), ARN, "work").look("RUNNING").text() == "copying, 4 of 10 batches"


@pytest.mark.parametrize(
    "record",
    [
        *([], None, {"tally": 95.0}, {"tally": {"copied": {"objects": {}}}}),
        *({"tally": {"copied": {"objects": 1e999}}}, b"[" * 5000),
    ],
)
def test_a_record_that_no_run_writes_leaves_a_gap_only(record: Any) -> None:
    aws = copying(FakeAws())
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = record
    known = "copying, 4 of 10 batches\nabout 2,000 of 5,000 objects, 1.2 GiB of 3.0 GiB, 39 %"
    assert Observer(aws.installation(), ARN, "work").look("RUNNING").text() == known


def test_a_heartbeat_that_is_nested_deeply_counts_as_none() -> None:
    aws = copying(FakeAws())
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = {"tally": {"copied": {"objects": 100, "bytes": 1024}}}
    aws.objects[f"{FOLDER}/alive/copy-2.json"] = b"[" * 5000
    assert "100 of 5,000 objects" in Observer(aws.installation(), ARN, "work").look("RUNNING").text()


def test_following_ends_with_the_execution_and_looks_less_often_as_time_goes_by() -> None:
    aws, clock = FakeAws(), FakeClock()
    aws.statuses = ["RUNNING"] * 200 + ["SUCCEEDED"]
    pictures = list(executions.follow(aws.installation(clock), ARN))
    assert len(pictures) == 201
    assert pictures[-1] == ExecutionProgress("SUCCEEDED", "finished")
    assert clock.naps == [0.5] * 30 + [1.0] * 105 + [5.0] * 65


def test_following_survives_throttling_server_faults_and_a_lost_network() -> None:
    aws, clock = FakeAws(), FakeClock()
    aws.statuses = [
        error("ThrottlingException"), error("InternalError", status=500),
        EndpointConnectionError(endpoint_url="https://x"), "RUNNING", "SUCCEEDED",
    ]  # fmt: skip
    pictures = list(executions.follow(aws.installation(clock), ARN))
    assert [picture.status for picture in pictures] == ["RUNNING", "SUCCEEDED"]


def test_following_gives_up_after_twenty_looks_in_vain() -> None:
    aws, clock = FakeAws(), FakeClock()
    aws.statuses = [error("ThrottlingException")]
    with pytest.raises(ExecutionFailed) as caught:
        list(executions.follow(aws.installation(clock), ARN))
    assert str(caught.value) == (
        f"Lost contact with the execution {ARN}: AWS refused DescribeExecution with ThrottlingException: no"
    )
    assert len(aws.calls) == 20


def test_following_does_not_wait_for_a_permission() -> None:
    aws, clock = FakeAws(), FakeClock()
    aws.statuses = [error("AccessDeniedException")]
    with pytest.raises(ClientError):
        list(executions.follow(aws.installation(clock), ARN))
    assert clock.naps == []


# The end


def test_the_result_of_a_success_is_its_report() -> None:
    aws = FakeAws()
    aws.statuses = ["SUCCEEDED"]
    aws.end = {"output": json.dumps(REPORT), "stopDate": BEGAN + timedelta(seconds=95)}
    assert executions.result(aws.installation(), ARN) == Execution(ARN, "SUCCEEDED", REPORT, None, None, 95.0)


@pytest.mark.parametrize(
    ("execution", "text"),
    [
        (
            Execution(ARN, "FAILED", None, "DeletionRefused", "9 deletes planned, 5 allowed."),
            "The execution monday failed with DeletionRefused: 9 deletes planned, 5 allowed.",
        ),
        (
            Execution(
                ARN, "FAILED", None, "Lambda.Unknown", '{"errorMessage": "out of memory", "trace": []}'
            ),
            "The execution monday failed with Lambda.Unknown: out of memory",
        ),
        (Execution(ARN, "FAILED", None, "Odd", "[1]"), "The execution monday failed with Odd: [1]"),
        (Execution(ARN, "ABORTED"), "The execution monday was stopped."),
        (Execution(ARN, "TIMED_OUT"), "The execution monday took too long."),
    ],
)
def test_any_other_end_is_an_error_that_says_why(execution: Execution, text: str) -> None:
    with pytest.raises(ExecutionFailed) as caught:
        executions.require_success(execution)
    assert str(caught.value) == text


def test_the_link_leads_to_the_execution_in_the_aws_console() -> None:
    assert account.execution_link(ARN) == LINK
