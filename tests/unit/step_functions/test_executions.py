"""Starting, following and reporting an execution, against clients that say what AWS says."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from deployment.aws import account
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ExecutionFailed
from deployment.step_functions import executions, listing
from deployment.step_functions.executions import Execution
from deployment.step_functions.listing import Machine
from deployment.step_functions.progress import Amount, ExecutionProgress, Observer, Units
from deployment.tasks.runs import sync
from deployment.tasks.runs.sync import footer
from tests.installations import installed

MACHINE = "sync-buckets-state-machine-20261122-101112"
ARN = f"arn:aws:states:eu-west-1:123456789012:execution:{MACHINE}:monday"
LINK = f"https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/{ARN}"
FOLDER = f"runs/{MACHINE}/monday"
BEGAN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PLAN = {"copy": {"objects": 5000, "bytes": 3 * 1024**3}, "delete": {"objects": 7, "bytes": 70}}
REPORT: dict[str, Any] = {
    "source": "photos",
    "destination": "photos-copy",
    "dryRun": False,
    "plan": {"copy": {"objects": 1200, "bytes": 5 * 1024**2}, "delete": {"objects": 3, "bytes": 30}},
    "current": {"objects": 98765, "bytes": 20 * 1024**3},
    "copied": {"objects": 1200, "bytes": 5 * 1024**2},
    "deleted": {"objects": 3, "bytes": 30},
    "skipped": {"archived": 0, "vanished": 2, "unmappable": 0},
    "changed": {"objects": 0},
    "unprovable": {"objects": 0},
    "failed": {"objects": 0},
    "requests": {"COPY": 1200, "HEAD": 0, "LIST": 202},
    "estimatedCostUsd": 0.00704,
    "report": f"s3://work/{FOLDER}/report.json",
}


def error(code: str, operation: str = "DescribeExecution", status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)  # type: ignore[arg-type]


class FakeClock:
    """A clock that only sleeping moves; remembers the naps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds


class FakeAws:
    """Step Functions and S3 as far as an execution needs them; an answer that is an exception is raised."""

    def __init__(self) -> None:
        self.statuses: list[Any] = ["RUNNING"]
        self.end: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.map_runs: list[dict[str, Any]] = []
        self.counts: dict[str, dict[str, int]] = {}
        self.objects: dict[str, Any] = {}
        self.refused: dict[str, BaseException] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def installation(self, clock: FakeClock | None = None) -> Installation:
        clock = clock or FakeClock()
        times = {"now": lambda: BEGAN, "monotonic": clock, "sleep": clock.sleep}
        return installed(clock=times, stepfunctions=self, s3=self)

    def _call(self, name: str, parameters: dict[str, Any]) -> None:
        self.calls.append((name, parameters))
        if name in self.refused:
            raise self.refused[name]

    def start_execution(self, **parameters: Any) -> dict[str, Any]:
        self._call("start_execution", parameters)
        return {"executionArn": ARN}

    def describe_execution(self, **parameters: Any) -> dict[str, Any]:
        self._call("describe_execution", parameters)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if isinstance(status, Exception):
            raise status
        return {"executionArn": ARN, "status": status, "startDate": BEGAN, **self.end}

    def get_execution_history(self, **parameters: Any) -> dict[str, Any]:
        self._call("get_execution_history", parameters)
        events = self.history[::-1]
        first = int(parameters.get("nextToken", 0))
        page: dict[str, Any] = {"events": events[first : first + 2]}
        if first + 2 < len(events):
            page["nextToken"] = str(first + 2)
        return page

    def describe_map_run(self, **parameters: Any) -> dict[str, Any]:
        self._call("describe_map_run", parameters)
        return {"itemCounts": self.counts[parameters["mapRunArn"]]}

    def get_object(self, **parameters: Any) -> dict[str, Any]:
        self._call("get_object", parameters)
        if parameters["Key"] not in self.objects:
            raise error("NoSuchKey", "GetObject", 404)
        return {"Body": io.BytesIO(json.dumps(self.objects[parameters["Key"]]).encode())}

    def get_paginator(self, name: str) -> Any:
        pages: dict[str, Callable[..., list[dict[str, Any]]]] = {
            "list_map_runs": lambda **parameters: [{"mapRuns": self.map_runs}],
            "list_objects_v2": self._listing,
        }

        def paginate(**parameters: Any) -> list[dict[str, Any]]:
            self._call(name, parameters)
            return pages[name](**parameters)

        return type("Paginator", (), {"paginate": staticmethod(paginate)})

    def _listing(self, **parameters: Any) -> list[dict[str, Any]]:
        most = parameters["PaginationConfig"]["MaxItems"]
        keys = sorted(key for key in self.objects if key.startswith(parameters["Prefix"]))[:most]
        return [{"Contents": [{"Key": key} for key in keys]}] if keys else [{}]


def entered(name: str) -> dict[str, Any]:
    return {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}}


def exited(name: str, output: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "TaskStateExited",
        "stateExitedEventDetails": {"name": name, "output": json.dumps(output)},
    }


def map_run(label: str, second: int, stopped: bool = False) -> dict[str, Any]:
    run = {"mapRunArn": f"mapRun:{label}", "startDate": BEGAN + timedelta(seconds=second)}
    return {**run, "stopDate": BEGAN} if stopped else run


def counts(total: int, succeeded: int = 0, failed: int = 0) -> dict[str, int]:
    return {"total": total, "succeeded": succeeded, "failed": failed, "timedOut": 0, "aborted": 0}


def copying(aws: FakeAws) -> FakeAws:
    """An execution in the midst of its copies: 10 shards, 4 of them done."""
    aws.history = [
        entered("CompareRanges"),
        exited("TallyComparison", {"comparison": {"plan": PLAN}}),
        {"type": "ChoiceStateEntered", "stateEnteredEventDetails": {"name": "IsAnythingToCopy"}},
        entered("CopyKeys"),
        {"type": "MapRunStarted"},
    ]
    aws.map_runs = [map_run("CompareRanges", 1, stopped=True), map_run("CopyKeys", 2)]
    aws.counts = {"mapRun:CopyKeys": counts(10, succeeded=4)}
    return aws


def piped() -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Console(out, err, io.StringIO(), environ={}), out, err


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
        "RUNNING", "beginning with the first range"
    )


def test_while_comparing_the_ranges_of_the_newest_wave_are_counted() -> None:
    aws = FakeAws()
    aws.history = [entered("CompareRanges")]
    aws.map_runs = [map_run("first", 1), map_run("second", 9), map_run("over", 99, stopped=True)]
    aws.counts = {"mapRun:second": counts(64, succeeded=10, failed=2)}
    picture = Observer(aws.installation(), ARN, "work").look("RUNNING")
    assert picture == ExecutionProgress("RUNNING", "comparing", Units(12, 2, 64))
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
    assert picture.done == Amount(300, 3 * 1024**3)
    assert picture.text() == "copying, 4 of 10 batches\n300 of 5,000 objects, 3.0 GiB of 3.0 GiB"


def test_a_record_is_read_once_and_the_plan_is_looked_for_once() -> None:
    aws = copying(FakeAws())
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = {"tally": {"copied": {"objects": 1, "bytes": 1}}}
    observer = Observer(aws.installation(), ARN, "work")
    first = observer.look("RUNNING")
    aws.calls.clear()
    assert observer.look("RUNNING") == first
    assert [name for name, _ in aws.calls] == [
        "get_execution_history", "list_map_runs", "describe_map_run", "list_objects_v2",
    ]  # fmt: skip


def test_with_too_many_records_done_is_about_the_fraction_of_the_batches() -> None:
    aws = copying(FakeAws())
    aws.objects = {f"{FOLDER}/copied/copy-{number}-0.json": {} for number in range(2001)}
    picture = Observer(aws.installation(), ARN, "work").look("RUNNING")
    assert picture.done == Amount(2000, int(1.2 * 1024**3))
    assert picture.text() == "copying, 4 of 10 batches\nabout 2,000 of 5,000 objects, 1.2 GiB of 3.0 GiB"
    assert "get_object" not in [name for name, _ in aws.calls]


def test_while_deleting_the_deleted_are_counted_without_bytes() -> None:
    aws = copying(FakeAws())
    aws.history.append(entered("DeleteOrphanedKeys"))
    aws.counts = {"mapRun:CopyKeys": counts(1)}
    aws.objects[f"{FOLDER}/deleted/delete-1-0.json"] = {"tally": {"deleted": {"objects": 3, "bytes": 30}}}
    picture = Observer(aws.installation(), ARN, "work").look("RUNNING")
    assert picture.text() == "deleting\n3 of 7 objects"


@pytest.mark.parametrize(
    ("refused", "text"),
    [
        ("list_map_runs", "copying\n100 of 5,000 objects, 1.0 KiB of 3.0 GiB"),
        ("describe_map_run", "copying\n100 of 5,000 objects, 1.0 KiB of 3.0 GiB"),
        ("list_objects_v2", "copying, 4 of 10 batches\nabout 2,000 of 5,000 objects, 1.2 GiB of 3.0 GiB"),
        ("get_object", "copying, 4 of 10 batches\nabout 2,000 of 5,000 objects, 1.2 GiB of 3.0 GiB"),
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


def test_following_ends_with_the_execution_and_looks_less_often_as_time_goes_by() -> None:
    aws, clock = FakeAws(), FakeClock()
    aws.statuses = ["RUNNING"] * 200 + ["SUCCEEDED"]
    pictures = list(executions.follow(aws.installation(clock), ARN))
    assert len(pictures) == 201
    assert pictures[-1] == ExecutionProgress("SUCCEEDED", "finished") and pictures[-1].is_over
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


# The whole of it


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """A deployed account whose next execution succeeds at once."""
    deployed = Machine(MACHINE, "arn:machine", False, BEGAN)
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(listing, "newest", lambda installation, base_name: deployed)
    found = FakeAws()
    found.statuses = ["SUCCEEDED"]
    found.end = {"output": json.dumps(REPORT), "stopDate": BEGAN + timedelta(seconds=95)}
    return found


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_a_sync_ends_with_its_report_as_a_table(aws: FakeAws) -> None:
    console, out, err = piped()
    execution = sync.sync(aws.installation(), {"source": "a", "destination": "b"}, console)
    assert execution.report == REPORT
    assert lines(out.getvalue()) == [
        "photos -> photos-copy",
        "                                   objects       size",
        "─" * 53,
        "copied                               1,200    5.0 MiB",
        "deleted                                  3   30 bytes",
        "already equal                       98,765   20.0 GiB",
        "skipped: vanished during the run         2",
        "Requests to the two buckets: 1,200 COPY, 202 LIST",
        "Estimated cost: $0.0070; it took 1 min 35 s",
        f"Report: s3://work/{FOLDER}/report.json",
    ]
    assert err.getvalue() == f"Started {ARN}\n{LINK}\nSyncing\n  finished\n"
    assert aws.calls[0][1]["input"] == '{"source": "a", "destination": "b"}'


def test_as_json_there_is_one_document_and_nothing_else(aws: FakeAws) -> None:
    console, out, _ = piped()
    sync.sync(aws.installation(), {}, console, as_json=True)
    assert json.loads(out.getvalue()) == {"executionArn": ARN, "status": "SUCCEEDED", "report": REPORT}


def test_without_waiting_there_are_the_arn_and_the_link(aws: FakeAws) -> None:
    console, out, err = piped()
    assert sync.sync(aws.installation(), {}, console, wait=False).status == "RUNNING"
    assert out.getvalue() == f"{ARN}\n{LINK}\n"
    assert err.getvalue() == ""
    assert [name for name, _ in aws.calls] == ["start_execution"]


def test_without_waiting_and_as_json_there_is_one_document(aws: FakeAws) -> None:
    console, out, _ = piped()
    sync.sync(aws.installation(), {}, console, wait=False, as_json=True)
    assert json.loads(out.getvalue()) == {"executionArn": ARN, "status": "RUNNING", "console": LINK}


def test_a_failed_sync_shows_the_report_that_it_has_left_and_then_fails(aws: FakeAws) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": "SyncIncomplete", "cause": "2 objects failed."}
    named = [{"key": "a\nb", "what": "failed", "error": "AccessDenied"}]
    left = {**REPORT, "failed": {"objects": 2}, "deleted": {"objects": 0}, "notSynchronised": named}
    aws.objects[f"{FOLDER}/report.json"] = left
    console, out, _ = piped()
    with pytest.raises(ExecutionFailed, match=r"monday failed with SyncIncomplete: 2 objects failed\."):
        sync.sync(aws.installation(), {}, console)
    assert lines(out.getvalue())[-4:] == [
        "Not synchronised (the report names the files with all of them)",
        "key    what     why",
        "─" * 28,
        "a\\nb   failed   AccessDenied",
    ]
    assert "failed                                   2" in lines(out.getvalue())


@pytest.mark.parametrize("left", [None, {"source": "a", "plan": {}}])
def test_a_failed_sync_without_a_run_just_fails(aws: FakeAws, left: dict[str, Any] | None) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": "InvalidInput", "cause": '"sauce" is not an option.'}
    if left:
        aws.objects[f"{FOLDER}/report.json"] = left
    console, out, _ = piped()
    with pytest.raises(ExecutionFailed, match='failed with InvalidInput: "sauce" is not an option'):
        sync.sync(aws.installation(), {}, console)
    assert out.getvalue() == ""


def test_a_failed_sync_as_json_is_one_document_too(aws: FakeAws) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": "InvalidInput", "cause": "no source."}
    console, out, _ = piped()
    with pytest.raises(ExecutionFailed):
        sync.sync(aws.installation(), {}, console, as_json=True)
    expected = {"executionArn": ARN, "status": "FAILED", "error": "InvalidInput", "cause": "no source."}
    assert json.loads(out.getvalue()) == expected


def test_whoever_stops_watching_is_told_that_the_execution_goes_on(aws: FakeAws) -> None:
    aws.refused["describe_execution"] = KeyboardInterrupt()
    console, _, err = piped()
    with pytest.raises(KeyboardInterrupt):
        sync.sync(aws.installation(), {}, console)
    assert err.getvalue() == (
        f"Started {ARN}\n{LINK}\nSyncing\nThe execution continues in AWS. Stop it with:\n"
        f"  aws stepfunctions stop-execution --region eu-west-1 --execution-arn {ARN}\n"
    )


def test_without_a_state_machine_the_command_that_makes_one_is_named(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "newest", lambda installation, base_name: None)
    console, _, _ = piped()
    with pytest.raises(ExecutionFailed) as caught:
        sync.sync(aws.installation(), {}, console)
    assert str(caught.value) == (
        "There is no state machine sync-buckets-state-machine-... of the stack sync-buckets in "
        "123456789012/eu-west-1. Run `fab` to deploy it."
    )


# The report


def test_the_report_of_a_dry_run_says_what_would_be() -> None:
    dry = {**REPORT, "dryRun": True, "copied": {"objects": 0, "bytes": 0}}
    assert sync.title(dry) == "photos -> photos-copy (dry run: nothing was changed)"
    assert list(sync.rows(dry)) == [
        ("would be copied", 1200, "5.0 MiB"),
        ("would be deleted", 3, "30 bytes"),
        ("already equal", 98765, "20.0 GiB"),
        ("skipped: vanished during the run", 2, ""),
    ]


def test_everything_that_went_wrong_has_a_line_of_its_own() -> None:
    skipped = {"archived": 1, "vanished": 0, "unmappable": 2}
    bad = {
        **REPORT,
        "skipped": skipped,
        "changed": {"objects": 3},
        "unprovable": {"objects": 4},
        "failed": {"objects": 5},
    }
    assert list(sync.rows(bad))[3:] == [
        ("skipped: archived, to be restored first", 1, ""),
        ("skipped: no possible key at the destination", 2, ""),
        ("unprovable: no checksum tells", 4, ""),
        ("changed by others during the run", 3, ""),
        ("failed", 5, ""),
    ]


def test_pages_of_an_unusual_form_are_told_in_a_line_of_their_own_if_there_are_any() -> None:
    told = list(footer({"requests": {}, "estimatedCostUsd": 0.1, "unusualPages": 1200}, 1.0))

    assert told[1] == "1,200 pages of the listings had an unusual form: they were read too, but slowly."
    assert "unusual" not in "".join(footer({**REPORT, "unusualPages": 0}, 1.0))


@pytest.mark.parametrize(
    ("usd", "text"), [(None, "unknown"), (0, "$0.0000"), (0.00704, "$0.0070"), (1234.5, "$1,234.50")]
)
def test_money_has_as_many_digits_as_matter(usd: float | None, text: str) -> None:
    assert sync.cost(usd) == text


def test_a_versioned_destination_is_told_in_a_line_of_its_own() -> None:
    told = list(footer({"requests": {}, "estimatedCostUsd": 0.1, "deleteMarkers": 1200}, 1.0))
    assert (
        told[0]
        == "The destination is versioned: 1,200 of the deletes left a delete marker, old versions stay."
    )
    assert "versioned" not in "".join(
        footer({"requests": {}, "estimatedCostUsd": 0.1, "deleteMarkers": 0}, 1.0)
    )
