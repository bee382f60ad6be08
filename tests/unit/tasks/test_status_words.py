"""How `fab status` writes buckets with their prefixes, the counts of a dry run, and why an execution failed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deployment.step_functions.executions import Execution, sides
from deployment.tasks.stack.status import MAX_CAUSE_CHARACTERS, EndedExecution, ended_text, result_words

ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:monday"
STOPPED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "given, text",
    [
        ({"source": "a", "destination": "b"}, "a -> b"),
        ({"source": "a", "destination": "b", "prefix": ""}, "a -> b"),
        ({"source": "a", "destination": "b", "prefix": "x/"}, "a/x/ -> b/x/"),
        ({"source": "a", "destination": "b", "prefix": "x/", "destinationPrefix": ""}, "a/x/ -> b"),
        ({"source": "a", "destination": "b", "destinationPrefix": "y"}, "a -> b/y"),
        ({"source": 7, "destination": None, "prefix": ["x"]}, "7/['x'] -> None/['x']"),
        ({"plan": "sync-buckets-state-machine-20261122-101112/monday"}, "the plan of the dry run monday"),
        ({"source": "a"}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_both_sides_are_written_with_their_prefixes(given: Any, text: str) -> None:
    assert sides(given) == text


def ended(
    cause: str | None, report: dict[str, Any] | None = None, error: str = "SyncIncomplete"
) -> EndedExecution:
    status = "SUCCEEDED" if report else "FAILED"
    return EndedExecution(
        Execution(ARN, status, report, None if report else error, cause, 4.0), STOPPED, "a/x/ -> b/x/"
    )


def test_a_dry_run_has_its_counts() -> None:
    report = {
        "dryRun": True,
        "plan": {"copy": {"objects": 1200, "bytes": 9}, "delete": {"objects": 3, "bytes": 1}},
    }
    assert result_words(ended(None, report).execution) == (
        "SUCCEEDED: dry run, 1,200 would be copied, 3 would be deleted"
    )
    assert result_words(ended(None, {"dryRun": True}).execution).endswith(
        "0 would be copied, 0 would be deleted"
    )


def test_a_failure_has_its_cause_on_a_line_of_its_own() -> None:
    assert ended_text(ended("2 objects were not\nsynchronised.")) == (
        "  monday, 2026-11-22 10:00:00 UTC\n"
        "    a/x/ -> b/x/\n"
        "    FAILED with SyncIncomplete, after 4.0 s\n"
        "    2 objects were not\\nsynchronised."
    )


def test_the_cause_of_a_lambda_is_its_message() -> None:
    text = ended_text(ended('{"errorMessage": "no \\u001b way", "errorType": "X"}'))
    assert text.splitlines()[-1] == "    no \\x1b way"


def test_a_cause_is_in_flags_where_flags_have_started_the_execution() -> None:
    cause = 'start again with "maxDelete": 3'
    by_fab = EndedExecution(
        Execution(ARN.replace("monday", "fab-20261122-1"), "FAILED", None, "DeletionRefused", cause, 4.0),
        STOPPED,
        "",
    )
    assert ended_text(by_fab).endswith("start again with --max-delete 3")
    assert ended_text(ended(cause)).endswith(cause)


@pytest.mark.parametrize("cause", [None, ""])
def test_without_a_cause_there_is_no_line(cause: str | None) -> None:
    assert ended_text(ended(cause)).endswith("FAILED with SyncIncomplete, after 4.0 s")


def test_a_long_cause_is_cut_and_says_where_the_rest_is() -> None:
    line = ended_text(ended("x" * 32_000)).splitlines()[-1]
    assert line == f"    {'x' * MAX_CAUSE_CHARACTERS}... (--json has all of it)"
