"""How `fab status` writes buckets with their prefixes, the counts of a dry run, and why an execution failed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployment.step_functions.executions import Execution, input_of, sides
from deployment.tasks.stack.status_words import (
    MAX_CAUSE_CHARACTERS,
    EndedExecution,
    RunningExecution,
    Subject,
    ended_text,
    result_words,
    running_text,
    subject_of,
)

ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:monday"
STOPPED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SIDES = Subject("a/x/ -> b/x/")


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


PHOTOS = {"destination": "photos-copy", "name": "photos", "source": "photos-orig"}
SCHEDULED = {"photos": json.dumps(PHOTOS)}
BY_FAB = ARN.replace("monday", "fab-20261122-101112-1a2b3c")


@pytest.mark.parametrize(
    "arn, given, lines",
    [
        (ARN, json.dumps(PHOTOS), ["photos (schedule): photos-orig -> photos-copy"]),
        (BY_FAB, json.dumps(PHOTOS), ["photos (fab): photos-orig -> photos-copy"]),
        # Who has started what is written otherwise, and what no schedule gives, nobody knows.
        (ARN, json.dumps(PHOTOS, indent=2), ["photos: photos-orig -> photos-copy"]),
        (ARN, json.dumps({**PHOTOS, "name": "films"}), ["films: photos-orig -> photos-copy"]),
        (ARN, json.dumps({"source": "a", "destination": "b"}), ["a -> b"]),
        (BY_FAB, json.dumps({"source": "a", "destination": "b"}), ["a -> b"]),
        (ARN, json.dumps({"name": ["photos"]}), []),
        (ARN, "[]", []),
        (ARN, None, []),
    ],
)
def test_an_execution_is_known_by_the_name_of_its_sync_and_by_what_has_started_it(
    arn: str, given: str | None, lines: list[str]
) -> None:
    described = {"executionArn": arn, "input": given}
    assert subject_of(described, input_of(described), SCHEDULED).lines() == lines


def test_who_carries_out_a_plan_has_the_buckets_of_its_dry_run_as_long_as_that_is_known() -> None:
    described = {"executionArn": BY_FAB, "input": '{"plan": "machine-20261122-101112/fab-20261122-100000-1"}'}
    plan = "the plan of the dry run fab-20261122-100000-1"

    known = subject_of(described, {**PHOTOS, "dryRun": True}, SCHEDULED)

    assert known.lines() == ["photos (fab): photos-orig -> photos-copy", plan] and not known.is_dry
    assert subject_of(described, {}, SCHEDULED).lines() == [plan]


@pytest.mark.parametrize(
    "status, error", [("FAILED", "DeletionRefused"), ("FAILED", "InvalidInput"), ("ABORTED", None)]
)
def test_a_dry_run_that_was_refused_or_stopped_is_called_one(status: str, error: str | None) -> None:
    of_it = Subject("a -> b", is_dry=True)
    text = ended_text(EndedExecution(Execution(ARN, status, None, error, "Too many.", 4.0), STOPPED, of_it))
    why = f" with {error}" if error else ""
    assert text.splitlines()[2:] == [
        f"    {status}{why}: dry run, nothing was changed, after 4.0 s",
        "    Too many.",
    ]


def test_a_dry_run_that_runs_is_called_one() -> None:
    running = RunningExecution(ARN, STOPPED, Subject("a -> b", is_dry=True), None)
    assert running_text(running, STOPPED + timedelta(seconds=7)) == "  monday, for 7 s, a dry run\n    a -> b"


def ended(
    cause: str | None, report: dict[str, Any] | None = None, error: str = "SyncIncomplete"
) -> EndedExecution:
    status = "SUCCEEDED" if report else "FAILED"
    return EndedExecution(
        Execution(ARN, status, report, None if report else error, cause, 4.0), STOPPED, SIDES
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
        Subject(),
    )
    assert ended_text(by_fab).endswith("start again with --max-delete 3")
    assert ended_text(ended(cause)).endswith(cause)
    limited = replace(
        by_fab,
        execution=replace(by_fab.execution, cause="maxDelete allows 0"),
        origins={"maxDelete": "MAX_DELETE"},
    )
    assert ended_text(limited).endswith("    MAX_DELETE allows 0")


@pytest.mark.parametrize("cause", [None, ""])
def test_without_a_cause_there_is_no_line(cause: str | None) -> None:
    assert ended_text(ended(cause)).endswith("FAILED with SyncIncomplete, after 4.0 s")


def test_a_long_cause_is_cut_and_says_where_the_rest_is() -> None:
    line = ended_text(ended("x" * 32_000)).splitlines()[-1]
    assert line == f"    {'x' * MAX_CAUSE_CHARACTERS}... (--json has all of it)"


COUNTING = "count-objects-20261122-101112"
OTHER = f"arn:aws:states:eu-west-1:123456789012:execution:{COUNTING}:monday"


def test_an_execution_of_another_machine_has_its_name_and_its_answer() -> None:
    answer = {"bucket": "photos", "objects": 5, "done": True}
    told = EndedExecution(
        Execution(OTHER, "SUCCEEDED", answer, None, None, 4.0), STOPPED, Subject(), COUNTING
    )
    assert ended_text(told) == (
        "  monday of count-objects-20261122-101112, 2026-11-22 10:00:00 UTC\n"
        "    SUCCEEDED, after 4.0 s\n"
        '    {"bucket": "photos", "objects": 5, "done": true}'
    )
    running = RunningExecution(OTHER, STOPPED, Subject(), None, COUNTING)
    assert (
        running_text(running, STOPPED + timedelta(seconds=7))
        == "  monday of count-objects-20261122-101112, for 7 s"
    )


def test_the_answer_of_another_machine_is_cut_and_has_no_control_characters() -> None:
    long = EndedExecution(
        Execution(OTHER, "SUCCEEDED", {"text": "\x1b" + "x" * 1000}, None, None, 4.0),
        STOPPED,
        Subject(),
        COUNTING,
    )
    last = ended_text(long).splitlines()[-1]
    assert len(last) < MAX_CAUSE_CHARACTERS + 50
    assert last.endswith("... (--json has all of it)")
    assert "\x1b" not in last


@pytest.mark.parametrize(
    "answer",
    [
        {"dryRun": True, "plan": "x"},
        {"dryRun": True, "plan": {"copy": "three", "delete": {"objects": None}}},
        {"copied": "three", "deleted": {"objects": None}},
        {"copied": {"objects": "3"}},
        {"copied": True},
        [1, 2],
        "done",
        None,
        7,
    ],
)
def test_whatever_a_machine_answers_can_be_told(answer: Any) -> None:
    told = result_words(Execution(OTHER, "SUCCEEDED", answer, None, None, 4.0))
    assert told in ("SUCCEEDED", "SUCCEEDED: dry run, 0 would be copied, 0 would be deleted")
