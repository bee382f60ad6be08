"""What tells of runs and starts them: events of logs, and expressions of time."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deployment.syncs import expressions, times
from deployment.syncs.expressions import Cron
from deployment.tasks.runs.log_lines import line_of
from deployment.text import visible

from .mutating import NASTY, changed_json, changed_text, text_of, value_of
from .promises import require_clear
from .running import Target

METRICS = {"durationMs": 1204.5, "billedDurationMs": 1205, "maxMemoryUsedMB": 98, "initDurationMs": 3}
RAW = [
    json.dumps(
        {"timestamp": "2026-11-28T14:00:00Z", "level": "INFO", "message": "copied a", "requestId": "r-1"}
    ),
    json.dumps(
        {"type": "platform.report", "record": {"requestId": "r", "status": "timeout", "metrics": METRICS}}
    ),
    json.dumps({"errorType": "KeyError", "errorMessage": "a", "stackTrace": ["  File a", "  File b\n"]}),
    "[ERROR] 2026-11-28T14:00:00Z r-1 it failed\nTraceback",
    "2026-11-28 r-1 Task timed out after 3.00 seconds",
]


def draw_log(chance: random.Random) -> dict[str, Any]:
    raw = chance.choice(RAW)
    if raw.startswith("{") and chance.random() < 0.7:
        raw = json.dumps(
            changed_json(chance, json.loads(raw), chance.choice([0, 1, 2, 3])), ensure_ascii=False
        )
    elif chance.random() < 0.05:
        raw = chance.choice(["[" * 5000, '{"message":' * 3000, "9" * 5000, "", "null", '"a"'])
    else:
        raw = changed_text(chance, raw, chance.randint(0, 3))
    return {
        "timestamp": chance.choice([0, 1764338400123, 253402300799999]),
        "message": raw,
        "logStreamName": text_of(chance, 2),
    }


def accepts_log(event: dict[str, Any]) -> bool:
    """Every event is a line that a terminal shows and obeys not, and one line of JSON that has all that was written."""
    event = {"timestamp": 0, "message": "", **event}
    line = line_of(event, "copy-keys")
    shown = visible(line.text(12))
    assert visible(shown) == shown and all(part.startswith("    ") for part in shown.split("\n")[1:]), (
        "a line of a log looks like two"
    )
    written = json.dumps(line.to_json())
    assert "\n" not in written and json.loads(written)["raw"] == json.loads(json.dumps(event["message"]))
    assert line.style in ("", "bold red", "yellow")
    return True


EXPRESSIONS = [
    *(
        "cron(0 3 * * ? *)",
        "cron(0/15 8-18 ? * MON-FRI *)",
        "cron(30 2 L * ? *)",
        "cron(0 0 15W 1-6/2 ? 2026-2030)",
    ),
    *(
        "cron(0 10 ? * 6#3 *)",
        "cron(0 10 ? * 6L 2027,2031)",
        "cron(*/7 0,12,23 LW FEB ? *)",
        "cron(30 2 29 2 ? *)",
    ),
    *(
        "rate(1 minute)",
        "rate(6 hours)",
        "rate(30 days)",
        "at(2027-03-28T02:30:00)",
        "at(2199-12-31T23:59:59)",
    ),
]
PIECES = [
    "*",
    "?",
    "L",
    "W",
    "LW",
    "#",
    "/",
    "-",
    ",",
    "0",
    "1",
    "7",
    "31",
    "32",
    "59",
    "60",
    "MON",
    "feb",
    "2199",
    "2200",
    "1969",
    " ",
    "  ",
    "cron(",
    ")",
    *NASTY,
]
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Africa/Casablanca",
]


def draw_time(chance: random.Random) -> dict[str, Any]:
    text = changed_text(chance, chance.choice(EXPRESSIONS), chance.choice([0, 1, 1, 2]), PIECES)
    zone = (
        chance.choice(ZONES)
        if chance.random() < 0.9
        else chance.choice([text_of(chance, 2), "europe/berlin", "../UTC", "localtime", value_of(chance)])
    )
    return {
        "expression": text if chance.random() < 0.98 else value_of(chance),
        "zone": zone,
        "now": chance.randint(0, 5_000_000_000),
    }


def accepts_time(case: dict[str, Any]) -> bool:
    """Whether a schedule is one; then it comes next when it says, and its intervals are as long as the time between."""
    text, zone = case.get("expression"), case.get("zone", "UTC")
    try:
        schedule = expressions.parse(text)
        times.require_date(schedule)
        expressions.require_timezone(zone)
    except ValueError as error:
        require_clear(visible(str(error)), "expected")
        return False
    now = datetime.fromtimestamp(case.get("now", 0), UTC)
    found = times.next_time(text, zone, now, since=now - timedelta(days=3))
    longest = times.interval_seconds(text)
    assert longest is None or longest > 0
    if found is None:
        return True
    assert found > now, "a schedule comes next in the past"
    if isinstance(schedule, Cron):
        _require_as_written(schedule, found.astimezone(ZoneInfo(zone)))
    following = times.next_time(text, zone, found, since=now - timedelta(days=3))
    assert following is None or following > found
    return True


def _require_as_written(cron: Cron, local: datetime) -> None:
    assert local.minute in cron.minutes and local.hour in cron.hours and local.second == 0
    assert local.month in cron.months and local.year in cron.years
    if cron.weekdays and cron.weekdays.numbers:
        assert local.isoweekday() % 7 + 1 in cron.weekdays.numbers
    if cron.days and cron.days.numbers:
        assert local.day in cron.days.numbers


TARGETS = (
    Target("log_line", draw_log, accepts_log),
    Target("schedule", draw_time, accepts_time),
)
