"""What is taken for a report of a run: what runs of every version write, and nothing of which a table would say a wrong zero."""

from __future__ import annotations

import math
from typing import Any

import pytest

from deployment.step_functions.report_shape import is_failure, is_report
from tests.fake_executions import REPORT
from tests.planned_runs import report_of


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        report_of(2, 1, restore=1),
        {"source": "a", "plan": {}},
        {"source": [7], "destination": None, "plan": {}},
        {**REPORT, "skipped": {}, "warnings": [], "options": {}, "causes": {}, "verified": {}},
        {**REPORT, "estimatedCostUsd": None, "cost": {"copy": 0.5}, "notSynchronised": [{"key": "a"}]},
        {
            **REPORT,
            "causes": {"AccessDenied": {"objects": 2}},
            "verified": {"objects": 1, "differences": 0, "writtenMeanwhile": 0},
        },
        {**REPORT, "fromTheFuture": [{"a": None}]},
    ],
)
def test_what_runs_write_is_a_report(report: Any) -> None:
    assert is_report(report)


@pytest.mark.parametrize("name", ["plan", "current", "deleted"])
def test_what_a_run_has_begun_with_is_not_zero_because_its_report_does_not_say_it(name: str) -> None:
    assert not is_report({key: value for key, value in REPORT.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("copied", "failed", "stopped") for value in (None, 3, {}, {"objects": ""}, {"objects": -1})),
        *(("current", {"objects": value}) for value in (True, math.nan, math.inf, 10**400, 1.5, None)),
        *(("requests", value) for value in (None, [], {"LIST": None}, {"LIST": "2"})),
        *(("plan", value) for value in ({}, {"copy": {"objects": 1}}, {"copy": 1, "delete": 1})),
        *(("warnings", value) for value in (None, "a", [1])),
        *(("causes", value) for value in ([], {"a": 1}, {"a": {}}, {"a": {"objects": 1, "example": "k"}})),
        *(("notSynchronised", value) for value in (2, ["a"], {"key": "a"})),
        *(("verified", value) for value in (1, {"objects": 1}, {"objects": 1, "differences": None, "writtenMeanwhile": 0})),
        *(("estimatedCostUsd", value) for value in ("1", {}, math.nan)),
        *(("report", value) for value in ("", "here", 1)),
        ("options", []),
        ("source", None),
        ("destination", ["a"]),
        ("cost", {"copy": {}}),
        ("planDigest", 7),
    ],
)  # fmt: skip
def test_what_no_run_writes_is_no_report(name: str, value: Any) -> None:
    assert not is_report({**REPORT, name: value})


@pytest.mark.parametrize("document", [None, [], [{}], "report", 7, True])
def test_what_is_no_object_is_no_report(document: Any) -> None:
    assert not is_report(document)


@pytest.mark.parametrize(
    "line",
    [
        None,
        [],
        {},
        {"key": "a"},
        {"key": 1, "what": "failed"},
        {"key": "a", "what": None},
        {"key": "a", "what": "b", "error": 5},
    ],
)
def test_what_names_no_key_is_no_line_of_failures(line: Any) -> None:
    assert not is_failure(line)


def test_a_line_of_failures_names_a_key_and_what_became_of_it() -> None:
    assert is_failure({"key": "", "what": "vanished"})
    assert is_failure({"key": "a", "what": "failed", "error": "AccessDenied: no (CopyObject)"})
