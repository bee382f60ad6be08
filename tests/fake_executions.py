"""Step Functions and S3 as far as an execution needs them, and a clock that only sleeping moves."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.installation import Installation
from deployment.console import Console
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
    """Step Functions and S3 as far as an execution needs them; an answer that is an exception is raised.

    An object is bytes, or what is JSON in the bucket.
    """

    def __init__(self) -> None:
        self.statuses: list[Any] = ["RUNNING"]
        self.end: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.map_runs: list[dict[str, Any]] = []
        self.counts: dict[str, dict[str, int]] = {}
        self.objects: dict[str, Any] = {}
        self.written: dict[str, datetime] = {}
        self.date = ""
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
        found = self.objects[parameters["Key"]]
        return {"Body": io.BytesIO(found if isinstance(found, bytes) else json.dumps(found).encode())}

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
        found = [
            {"Key": key, "ETag": repr(self.objects[key]), "LastModified": self.written.get(key, BEGAN)}
            for key in keys
        ]
        answer = {"ResponseMetadata": {"HTTPHeaders": {"date": self.date}}} if self.date else {}
        return [{**answer, "Contents": found}] if found else [answer]


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
