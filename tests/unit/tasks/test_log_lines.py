"""Events of a function's log as lines: the formats that Lambda writes, levels, stack traces, nothing that is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.tasks.runs.log_lines import Line, line_of

AT_MS = 1795369572045  # 2026-11-22 17:46:12.045 UTC


def line(message: Any) -> Line:
    text = message if isinstance(message, str) else json.dumps(message)
    return line_of({"timestamp": AT_MS, "message": text, "logStreamName": "2026/11/22/[1]ab"}, "copy_keys")


def parts(message: Any) -> tuple[str, str, str]:
    found = line(message)
    return found.level, found.message, found.request_id


def test_what_the_code_logs_has_its_level_message_and_request() -> None:
    written = {
        "timestamp": "2026-11-22T17:46:12Z", "level": "WARNING", "message": "slow", "logger": "x", "requestId": "r-1",
    }  # fmt: skip
    assert parts(written) == ("WARNING", "slow", "r-1")


def test_an_error_of_the_code_is_followed_by_its_stack() -> None:
    written = {
        "level": "ERROR",
        "message": "unforeseen",
        "stackTrace": ['  File "/var/task/copy_keys.py", line 3, in handler\n    copy()\n', "  File x\n"],
        "errorType": "KeyError",
        "errorMessage": "'etag'",
        "requestId": "r-1",
    }
    assert parts(written) == (
        "ERROR",
        "unforeseen\nKeyError: 'etag'\n  File \"/var/task/copy_keys.py\", line 3, in handler\n    copy()\n  File x",
        "r-1",
    )


def test_an_error_that_ended_an_invocation_is_an_error_whatever_it_calls_its_level() -> None:
    assert parts({"log_level": "ERROR", "errorType": "E", "errorMessage": "m"}) == ("ERROR", "E: m", "")
    assert parts({"errorType": "E", "errorMessage": "m"}) == ("ERROR", "E: m", "")


@pytest.mark.parametrize(
    "kind, record, level, message",
    [
        ("platform.start", {"requestId": "r-1", "version": "3"}, "INFO", "start"),
        (
            "platform.report",
            {
                "requestId": "r-1",
                "status": "success",
                "metrics": {
                    "durationMs": 1203.6, "billedDurationMs": 1204, "memorySizeMB": 512, "maxMemoryUsedMB": 98,
                    "initDurationMs": 310.2,
                },
            },
            "INFO",
            "report: 1204 ms, billed 1204 ms, 98 MB used, start 310 ms",
        ),
        (
            "platform.report",
            {"requestId": "r-1", "status": "timeout", "metrics": {"durationMs": 3000.0}},
            "ERROR",
            "report: timeout, 3000 ms",
        ),
        (
            "platform.runtimeDone",
            {"requestId": "r-1", "status": "failure", "errorType": "Runtime.ExitError"},
            "ERROR",
            "runtimeDone: failure Runtime.ExitError",
        ),
    ],
)  # fmt: skip
def test_what_lambda_says_of_an_invocation_is_short_and_failures_are_errors(
    kind: str, record: dict[str, Any], level: str, message: str
) -> None:
    assert parts({"time": "2026-11-22T17:46:12Z", "type": kind, "record": record}) == (level, message, "r-1")


@pytest.mark.parametrize(
    "text, level",
    [
        ("START RequestId: 8b6 Version: 1", ""),
        ("[ERROR] KeyError: 'etag'", "ERROR"),
        ("[WARNING] slow", "WARNING"),
        ("2026-11-22T17:46:12Z 8b6 Task timed out after 3.00 seconds", "ERROR"),
        ("RequestId: 8b6 Error: Runtime exited with error: signal: killed", "ERROR"),
        ("an [ERROR] in the middle of a sentence", ""),
    ],
)
def test_plain_text_stays_as_it_is_and_its_failures_are_errors(text: str, level: str) -> None:
    assert parts(text) == (level, text, "")


def test_on_a_terminal_errors_stand_out() -> None:
    assert [line(text).style for text in ("[ERROR] x", "[WARNING] x", "[INFO] x", "x")] == [
        "bold red", "yellow", "", "",
    ]  # fmt: skip


def test_a_line_has_time_function_level_and_message_and_further_lines_are_indented() -> None:
    assert line("[ERROR] a\tb\nc\n").text(20) == (
        "2026-11-22 17:46:12.045  copy_keys             ERROR    [ERROR] a  b\n    c"
    )
    assert line("x").text(9) == "2026-11-22 17:46:12.045  copy_keys           x"


def test_as_json_a_line_has_what_was_written_too() -> None:
    written = {"level": "INFO", "message": {"copied": 3}, "requestId": "r-1"}
    assert line(written).to_json() == {
        "time": "2026-11-22T17:46:12.045Z",
        "function": "copy_keys",
        "level": "INFO",
        "message": '{"copied": 3}',
        "requestId": "r-1",
        "logStream": "2026/11/22/[1]ab",
        "raw": json.dumps(written),
    }


_NAMES = st.sampled_from(
    [
        "message",
        "level",
        "type",
        "record",
        "metrics",
        "durationMs",
        "status",
        "stackTrace",
        "errorType",
        "requestId",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(_NAMES, _JSON, max_size=6) | st.text(max_size=30) | _JSON)
def test_nothing_that_can_be_written_breaks_the_reader(written: Any) -> None:
    found = line(written)
    assert found.raw == (written if isinstance(written, str) else json.dumps(written))
    assert isinstance(found.text(10), str)
    json.dumps(found.to_json())


@pytest.mark.parametrize("raw", ["[" * 5000, '{"message":' * 5000])
def test_what_is_nested_deeply_is_shown_as_it_was_written(raw: str) -> None:
    line = line_of({"timestamp": 0, "message": raw}, "copy_keys")

    assert (line.message, line.level) == (raw, "")


@pytest.mark.parametrize("levels", [100, 900, 960, 990, 3000])
def test_a_message_that_is_nested_is_shown_too(levels: int) -> None:
    raw = f'{{"message": {"[" * levels}{"]" * levels}}}'

    assert "[[[" in line_of({"timestamp": 0, "message": raw}, "copy_keys").message


def test_a_level_with_a_line_end_makes_no_second_line() -> None:
    line = line_of(
        {"timestamp": 0, "message": json.dumps({"level": "info\nERROR", "message": "a"})}, "copy_keys"
    )

    assert line.text(9) == "1970-01-01 00:00:00.000  copy_keys  INFO\\NERROR  a"


@pytest.mark.parametrize("value", [10**400, -1, True, "5", float("inf"), float("nan"), None])
def test_a_metric_that_is_no_amount_is_left_out(value: Any) -> None:
    record = {"metrics": {"durationMs": value, "maxMemoryUsedMB": 98}}
    line = line_of(
        {"timestamp": 0, "message": json.dumps({"type": "platform.report", "record": record})}, "copy_keys"
    )

    assert line.message == "report: 98 MB used"
