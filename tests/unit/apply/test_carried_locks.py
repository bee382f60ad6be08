"""Which headers of a source's Object Lock its copy is given: what has ended, by S3's clock, is left out, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_functions.shared.apply.object_lock import carried_headers

MODE, UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
HOLD = "x-amz-object-lock-legal-hold"
EVENT = "x-amz-object-lock-event-hold"
DAYS, YEARS = f"{EVENT}-duration-days", f"{EVENT}-duration-years"
NOON = "Sun, 22 Nov 2026 12:00:00 GMT"


def head(date: str = NOON, **headers: str) -> dict[str, Any]:
    """Return HeadObject's answer of that moment with these headers, in which `_` stands for `-`."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"ResponseMetadata": {"HTTPHeaders": {"date": date, **told} if date else told}}


@pytest.mark.parametrize(
    ("until", "is_carried"),
    [
        ("2026-11-22T12:00:01Z", True),
        ("2026-11-22T12:00:00Z", False),
        ("2026-11-22T11:59:59Z", False),
        ("2026-11-22T12:00:00.001Z", True),
        # Without a zone it is UTC, as all of S3's dates are.
        ("2026-11-22T12:00:01", True),
        ("2026-11-22T12:00:00", False),
        ("2026-11-22T13:59:59+02:00", False),
        ("2026-11-22T14:00:01+02:00", True),
        ("2026-11-22T11:00:01-01:00", True),
    ],
)
def test_a_retention_is_carried_while_it_lasts(until: str, is_carried: bool) -> None:
    """S3 refuses dates that are over, so the copy would fail; one that lasts and is left out leaves a copy without protection."""
    retention = {MODE: "COMPLIANCE", UNTIL: until}

    assert carried_headers(head(**retention)) == (retention if is_carried else {})


@pytest.mark.parametrize(
    ("until", "is_carried"), [("9999-12-31T00:00:00Z", True), ("2000-01-01T00:00:00Z", False)]
)
@pytest.mark.parametrize("date", ["", "some day"])
def test_where_s3_does_not_say_what_time_it_is_our_own_clock_does(
    until: str, is_carried: bool, date: str
) -> None:
    retention = {MODE: "GOVERNANCE", UNTIL: until}

    assert carried_headers(head(date, **retention)) == (retention if is_carried else {})


@pytest.mark.parametrize("duration", [DAYS, YEARS])
def test_an_event_hold_is_carried_with_its_mode_and_whichever_duration_it_has(duration: str) -> None:
    held = {MODE: "GOVERNANCE", EVENT: "ON", duration: "3"}

    assert carried_headers(head(**held)) == held
    assert carried_headers(head(**{**held, UNTIL: "2020-01-01T00:00:00Z"})) == held
    assert carried_headers(head(**{**held, EVENT: "OFF"})) == {}


@pytest.mark.parametrize(("hold", "carried"), [("ON", {HOLD: "ON"}), ("OFF", {}), ("", {})])
def test_a_legal_hold_is_carried_where_there_is_one(hold: str, carried: dict[str, str]) -> None:
    assert carried_headers(head(**{HOLD: hold})) == carried


def test_nothing_but_the_lock_is_carried() -> None:
    assert carried_headers({}) == {}
    assert carried_headers(head(**{"content-type": "text/plain", "x-amz-meta-a": "b"})) == {}
