"""One event of a function's log as a person reads it, or as JSON: time, function, level, message.

Pure. Lambda writes JSON lines of two kinds, those of the code (`message`, `level`) and its own (`type`, `record`), and
plain lines where something does not speak JSON. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deployment.text import one_line

ERRORS = ("ERROR", "CRITICAL", "FATAL")
WARNINGS = ("WARN", "WARNING")
STYLES = {**dict.fromkeys(ERRORS, "bold red"), **dict.fromkeys(WARNINGS, "yellow")}
"""Of a level, as rich names them; other levels are plain."""

LEVEL_WIDTH = 7

MAX_METRIC = 10**15
"""Milliseconds or megabytes: more than there will be, and few enough to be divided."""

_PLAIN_LEVEL = re.compile(r"\[(ERROR|CRITICAL|FATAL|WARN|WARNING|INFO|DEBUG)\]")
_PLAIN_FAILURE = re.compile(r"Task timed out after|Runtime exited with error|Status: (error|timeout)")
_SHOWN_METRICS = {
    "durationMs": "{:.0f} ms",
    "billedDurationMs": "billed {:.0f} ms",
    "maxMemoryUsedMB": "{:.0f} MB used",
    "initDurationMs": "start {:.0f} ms",
}


@dataclass(frozen=True)
class Line:
    """One event; `at_ms` is its time in milliseconds since 1970, `raw` what the function or Lambda has written."""

    at_ms: int
    function: str
    level: str
    message: str
    request_id: str
    stream: str
    raw: str

    @property
    def style(self) -> str:
        """How it looks on a terminal."""
        return STYLES.get(self.level, "")

    def text(self, function_width: int) -> str:
        """Return the line; further lines of the message, such as a stack trace, are indented."""
        moment = datetime.fromtimestamp(self.at_ms / 1000, UTC)
        stamp = f"{moment:%Y-%m-%d %H:%M:%S}.{self.at_ms % 1000:03d}"
        message = self.message.rstrip().replace("\t", "  ").replace("\n", "\n    ")
        return f"{stamp}  {self.function:<{function_width}}  {self.level:<{LEVEL_WIDTH}}  {message}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """Return the line for `--json`."""
        moment = datetime.fromtimestamp(self.at_ms // 1000, UTC)
        return {
            "time": f"{moment:%Y-%m-%dT%H:%M:%S}.{self.at_ms % 1000:03d}Z",
            "function": self.function,
            "level": self.level or None,
            "message": self.message,
            "requestId": self.request_id or None,
            "logStream": self.stream,
            "raw": self.raw,
        }


def line_of(event: Mapping[str, Any], function: str) -> Line:
    """Return the line of an event of FilterLogEvents."""
    raw = str(event.get("message", ""))
    level, message, request_id = _parts(raw)
    stream = str(event.get("logStreamName", ""))
    return Line(int(event["timestamp"]), function, level, message, request_id, stream, raw)


def _parts(raw: str) -> tuple[str, str, str]:
    """Return level, message and request id of what was written."""
    with contextlib.suppress(
        ValueError, RecursionError
    ):  # of what is no JSON, or nested too deeply to be written again
        parsed = json.loads(raw)
        if isinstance(parsed, Mapping):
            return _of_mapping(parsed)
    return _plain_level(raw), raw, ""


def _of_mapping(parsed: Mapping[str, Any]) -> tuple[str, str, str]:
    if isinstance(parsed.get("record"), Mapping) and "type" in parsed:
        return _of_lambda(str(parsed["type"]), parsed["record"])
    return _of_code(parsed)


def _plain_level(raw: str) -> str:
    found = _PLAIN_LEVEL.match(raw)
    if found:
        return found[1]
    return "ERROR" if _PLAIN_FAILURE.search(raw) else ""


def _of_code(parsed: Mapping[str, Any]) -> tuple[str, str, str]:
    """What the code has logged, or the error that it has ended with."""
    error = ": ".join(str(parsed[name]) for name in ("errorType", "errorMessage") if parsed.get(name))
    level = one_line(
        str(parsed.get("level") or parsed.get("log_level") or ("ERROR" if error else ""))
    ).upper()
    said = parsed.get("message")
    first = said if isinstance(said, str) else "" if said is None else json.dumps(said)
    trace = parsed.get("stackTrace")
    frames = [str(frame).strip("\n") for frame in trace] if isinstance(trace, list) else []
    message = "\n".join(part for part in (first, error, *frames) if part)
    return (
        level,
        message or json.dumps(parsed),
        str(parsed.get("requestId") or parsed.get("AWSRequestId") or ""),
    )


def _of_lambda(kind: str, record: Mapping[str, Any]) -> tuple[str, str, str]:
    """What Lambda says of an invocation: `report: 1204 ms, billed 1205 ms, 98 MB used`."""
    status = str(record.get("status", "success"))
    metrics = record.get("metrics")
    shown = [
        pattern.format(metrics[name])
        for name, pattern in _SHOWN_METRICS.items()
        if isinstance(metrics, Mapping) and _is_amount(metrics.get(name))
    ]
    failed = (
        [] if status == "success" else [" ".join(filter(None, [status, str(record.get("errorType", ""))]))]
    )
    what = kind.removeprefix("platform.")
    details = ", ".join([*failed, *shown])
    level = "ERROR" if failed else "INFO"
    return level, f"{what}: {details}" if details else what, str(record.get("requestId", ""))


def _is_amount(value: Any) -> bool:
    """Whether a metric is a number that can be written with a unit: no text, and none that is beyond every duration."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MAX_METRIC
