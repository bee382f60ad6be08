"""The metrics of a run: one line in the embedded metric format, and none where nobody looks at it."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest
from samples import EXECUTION, memory_folder

from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.tally.ending import end_run
from lambda_functions.shared.tally.metrics import UNITS, log_metrics, metrics_document, name_of_sync
from lambda_functions.shared.work_bucket.leases import BUSY

REPORT: dict[str, Any] = {
    "startedAt": "2026-11-22T19:58:23.727Z",
    "endedAt": "2026-11-22T20:00:26.100Z",
    "outcome": "Succeeded",
    "cause": "",
    "copied": {"objects": 200, "bytes": 1590},
    "deleted": {"objects": 100, "bytes": 100},
    "failed": {"objects": 3},
    "changed": {"objects": 1},
}


def units(*names: str) -> list[dict[str, str]]:
    return [{"Name": name, "Unit": UNITS[name]} for name in names]


def test_a_run_is_one_object_of_the_embedded_metric_format() -> None:
    assert metrics_document(REPORT, "nightly", "photos") == {
        "_aws": {
            "Timestamp": 1795377626100,
            "CloudWatchMetrics": [
                {
                    "Namespace": "SyncBuckets",
                    "Dimensions": [["Stack", "Sync"]],
                    "Metrics": units(
                        "Objects", "Bytes", "Failures", "DurationSeconds", "Succeeded", "Failed"
                    ),
                },
                {"Namespace": "SyncBuckets", "Dimensions": [["Stack"]], "Metrics": units("Failed")},
            ],
        },
        "Stack": "nightly",
        "Sync": "photos",
        "Objects": 300,
        "Bytes": 1590,
        "Failures": 4,
        "DurationSeconds": 122.373,
        "Succeeded": 1,
        "Failed": 0,
    }


def test_a_run_that_never_came_to_do_anything_has_done_nothing() -> None:
    counted = ("copied", "deleted", "failed", "changed")
    refused = {name: value for name, value in REPORT.items() if name not in counted}
    for report in (refused, {**refused, **{name: {} for name in counted}}):
        found = metrics_document({**report, "outcome": "InvalidInput"}, "nightly", "")
        assert (found["Objects"], found["Bytes"], found["Failures"]) == (0, 0, 0)


def test_the_line_has_left_the_process_before_the_lambda_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda freezes the process then, and what waits in it is written late or never."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "utf-8"))
    monkeypatch.setenv("METRICS_STACK", "nightly")

    log_metrics(REPORT, "photos")

    assert json.loads(written.getvalue()) == metrics_document(REPORT, "nightly", "photos")


def test_runs_without_a_name_share_one_dimension() -> None:
    assert metrics_document(REPORT, "nightly", "")["Sync"] == "unnamed"


@pytest.mark.parametrize(
    ("outcome", "cause", "succeeded", "failed"),
    [
        ("Succeeded", "", 1, 0),
        ("SyncIncomplete", "3 objects were not synchronised", 0, 1),
        ("InvalidInput", "the source is missing", 0, 1),
        ("Stopped", "The run was stopped", 0, 0),
        ("AlreadyRunning", f"{BUSY} into into", 0, 0),
        ("AlreadyRunning", "an execution that is over may still be writing into into", 0, 1),
    ],
)
def test_what_somebody_has_stopped_or_had_to_make_way_has_neither_succeeded_nor_failed(
    outcome: str, cause: str, succeeded: int, failed: int
) -> None:
    found = metrics_document({**REPORT, "outcome": outcome, "cause": cause}, "nightly", "photos")
    assert (found["Succeeded"], found["Failed"]) == (succeeded, failed)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"name": "photos"}, "photos"),
        ({"name": None}, ""),
        ({}, ""),
        ({"name": 7}, ""),
        ({"name": "two\nlines"}, ""),
        ({"name": "x" * 65}, ""),
        ({"name": "ü"}, ""),
    ],
)
def test_only_what_may_be_a_name_becomes_a_dimension(given: dict[str, Any], name: str) -> None:
    assert name_of_sync(given) == name


@pytest.mark.parametrize(("stack", "dry"), [("", False), (None, False), ("nightly", True)])
def test_nothing_is_printed_of_a_dry_run_or_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: str | None, dry: bool
) -> None:
    monkeypatch.delenv("METRICS_STACK", raising=False)
    if stack is not None:
        monkeypatch.setenv("METRICS_STACK", stack)
    log_metrics({**REPORT, "dryRun": dry}, "photos")
    assert capsys.readouterr().out == ""


def test_the_end_of_a_run_prints_one_line_and_names_the_sync_and_the_report_in_the_executions_cause(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METRICS_STACK", "nightly")
    folder = memory_folder()
    state = {
        "execution": EXECUTION,
        "input": {"source": "from", "destination": "into", "name": "photos"},
        "run": {"verdict": "refused", "error": "InvalidInput", "cause": "No."},
    }
    clients = Clients(None, None, folder.client, RequestCounter())

    ended = end_run(clients, state, Turn(0.0, 900.0, "request", lambda: 0.0))

    (line,) = capsys.readouterr().out.splitlines()
    assert {name: json.loads(line)[name] for name in ("Stack", "Sync", "Failed")} == {
        "Stack": "nightly",
        "Sync": "photos",
        "Failed": 1,
    }
    assert (
        ended["executionCause"] == f"{ended['cause']} Sync: photos. Report: {folder.address('report.json')}"
    )
    assert ended["cause"] == folder.read("report.json")["cause"] == "No."
