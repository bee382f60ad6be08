"""When a schedule runs next: by examples, and against a search that looks at every minute and every day."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployment.syncs import times
from deployment.syncs.times import interval_seconds, next_time

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)  # a Saturday
DAY = 86400
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Havana",
)


def following(expression: str, zone: str = "UTC", now: datetime = NOON, since: datetime | None = None) -> str:
    found = next_time(expression, zone, now, since)
    return found.isoformat() if found else "never"


@pytest.mark.parametrize(
    "expression, zone, expected",
    [
        ("cron(0 3 * * ? *)", "UTC", "2026-11-29T03:00:00+00:00"),
        ("cron(0 3 * * ? *)", "Europe/Berlin", "2026-11-29T03:00:00+01:00"),
        ("cron(0 12 * * ? *)", "UTC", "2026-11-29T12:00:00+00:00"),
        ("cron(1 12 * * ? *)", "UTC", "2026-11-28T12:01:00+00:00"),
        ("cron(0 3 ? * MON-FRI *)", "UTC", "2026-11-30T03:00:00+00:00"),
        ("cron(0 3 ? * L *)", "UTC", "2026-12-05T03:00:00+00:00"),
        ("cron(0 3 ? * 6L *)", "UTC", "2026-12-25T03:00:00+00:00"),
        ("cron(0 3 ? * 6#3 *)", "UTC", "2026-12-18T03:00:00+00:00"),
        ("cron(0 3 ? * 7#5 *)", "UTC", "2027-01-30T03:00:00+00:00"),
        ("cron(0 3 L * ? *)", "UTC", "2026-11-30T03:00:00+00:00"),
        ("cron(0 3 LW * ? 2027)", "UTC", "2027-01-29T03:00:00+00:00"),
        ("cron(0 3 1W 5 ? *)", "UTC", "2027-05-03T03:00:00+00:00"),
        ("cron(0 3 29 2 ? *)", "UTC", "2028-02-29T03:00:00+00:00"),
        ("cron(0 3 31 2 ? *)", "UTC", "never"),
        ("cron(0 3 * * ? 2025)", "UTC", "never"),
        ("at(2026-11-28T13:00:00)", "UTC", "2026-11-28T13:00:00+00:00"),
        ("at(2026-11-28T13:00:00)", "Europe/Berlin", "never"),
        ("at(2026-11-28T13:00:01)", "Europe/Berlin", "2026-11-28T13:00:01+01:00"),
        ("at(2027-03-28T02:30:00)", "Europe/Berlin", "never"),
        ("rate(6 hours)", "UTC", "never"),
    ],
)
def test_a_schedule_runs_next(expression: str, zone: str, expected: str) -> None:
    assert following(expression, zone) == expected


def test_a_time_that_the_clocks_skip_is_skipped() -> None:
    evening = datetime(2027, 3, 27, 20, tzinfo=UTC)
    assert following("cron(30 2 * * ? *)", "Europe/Berlin", evening) == "2027-03-29T02:30:00+02:00"


def test_a_time_that_comes_twice_runs_the_first_time_only() -> None:
    before, first = datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert following("cron(30 2 * * ? *)", "Europe/Berlin", before) == "2026-10-25T02:30:00+02:00"
    assert following("cron(30 2 * * ? *)", "Europe/Berlin", first) == "2026-10-26T02:30:00+01:00"
    in_the_zone = first.astimezone(ZoneInfo("Europe/Berlin"))
    assert following("cron(30 2 * * ? *)", "Europe/Berlin", in_the_zone) == "2026-10-26T02:30:00+01:00"


def test_utc_needs_no_database_of_time_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "ZoneInfo", lambda name: pytest.fail(f"{name} is looked up"))
    assert following("cron(0 3 * * ? *)") == "2026-11-29T03:00:00+00:00"


@pytest.mark.parametrize(
    "since, expected",
    [
        (NOON - timedelta(hours=13), "2026-11-28T18:00:00+01:00"),
        (NOON - timedelta(hours=12), "2026-11-28T19:00:00+01:00"),
        (NOON, "2026-11-28T19:00:00+01:00"),
        (NOON + timedelta(seconds=1), "2026-11-28T13:00:01+01:00"),
    ],
)
def test_a_rate_counts_from_when_its_schedule_was_made(since: datetime, expected: str) -> None:
    assert following("rate(6 hours)", "Europe/Berlin", since=since) == expected


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("rate(6 hours)", 6 * 3600),
        ("at(2026-11-28T13:00:00)", None),
        ("cron(0 3 * * ? *)", DAY),
        ("cron(0 0/6 * * ? *)", 6 * 3600),
        ("cron(0 8,12 * * ? *)", 20 * 3600),
        ("cron(0 3 ? * MON-FRI *)", 3 * DAY),
        ("cron(0 3 ? * SUN *)", 7 * DAY),
        ("cron(0 3 1 * ? *)", 31 * DAY),
        ("cron(0 8-17 ? * MON-FRI *)", 3 * DAY - 9 * 3600),
        ("cron(* * 1 1 ? *)", 366 * DAY - 86340),
        ("cron(0/5 3 1 1 ? 2027)", 300),
        ("cron(0 3 1 1 ? 2027)", None),
        ("cron(0 3 31 2 ? *)", None),
    ],
)
def test_the_interval_is_the_longest_time_between_two_runs(expression: str, expected: int | None) -> None:
    assert interval_seconds(expression) == expected


# Against a search that knows neither fields nor steps.

MOMENTS = st.datetimes(datetime(2026, 3, 1), datetime(2027, 12, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
NEAR_A_CHANGE = st.sampled_from(
    [
        datetime(2026, 10, 24, 22),
        datetime(2027, 3, 27, 22),
        datetime(2026, 11, 1, 3),
        datetime(2027, 3, 14, 4),
    ]
).map(lambda moment: moment.replace(tzinfo=UTC))


def minutes_after(now: datetime, zone: ZoneInfo, number: int) -> Iterator[datetime]:
    """Yield the local times of the minutes after a moment, those that come for the first time."""
    first = now.replace(second=0, microsecond=0)
    for minute in range(1, number):
        local = (first + timedelta(minutes=minute)).astimezone(zone)
        if not local.fold:
            yield local


@settings(deadline=None, max_examples=60)
@given(
    st.sets(st.integers(0, 59), min_size=1, max_size=4),
    st.sets(st.integers(0, 23), min_size=1, max_size=3),
    st.sampled_from(ZONES),
    MOMENTS | NEAR_A_CHANGE,
)
def test_the_next_time_is_the_first_minute_that_the_clock_shows(
    minutes: set[int], hours: set[int], zone: str, now: datetime
) -> None:
    expression = f"cron({','.join(map(str, minutes))} {','.join(map(str, hours))} * * ? *)"
    shown = (
        local
        for local in minutes_after(now, ZoneInfo(zone), 2 * 1440 + 120)
        if local.minute in minutes and local.hour in hours
    )
    expected = next(shown)
    found = next_time(expression, zone, now)
    assert found is not None
    assert found.astimezone(UTC) == expected.astimezone(UTC)


def is_meant(day: date, field: str) -> bool:
    """Whether a day is one that a field means, by what the calendar on the wall shows."""
    month = [
        date(day.year, day.month, one) for one in range(1, calendar.monthrange(day.year, day.month)[1] + 1)
    ]
    working = [one for one in month if one.strftime("%a") not in ("Sat", "Sun")]
    if field == "L":
        return day == month[-1]
    if field == "LW":
        return day == working[-1]
    if field.endswith("W"):
        wanted = int(field[:-1])
        return wanted <= len(month) and day == min(
            working, key=lambda one: (abs(one.day - wanted), one.day > wanted)
        )
    if "#" in field:
        name, which = field.split("#")
        same = [one for one in month if one.strftime("%a").upper() == name]
        return same[int(which) - 1 : int(which)] == [day]
    if field[:3].isalpha() and field.endswith("L"):
        return day == [one for one in month if one.strftime("%a").upper() == field[:3]][-1]
    if field.isalpha():
        return day.strftime("%a").upper() == field
    return day.day == int(field)


NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTH_DAYS = st.sampled_from(
    [*(str(day) for day in range(1, 32)), *(f"{day}W" for day in range(1, 32)), "L", "LW"]
)
WEEK_DAYS = st.sampled_from(
    [*NAMES, *(f"{name}L" for name in NAMES), *(f"{name}#{which}" for name in NAMES for which in range(1, 6))]
)


@settings(deadline=None, max_examples=150)
@given(st.tuples(MONTH_DAYS, st.just("?")) | st.tuples(st.just("?"), WEEK_DAYS), st.integers(1, 12), MOMENTS)
def test_the_next_day_is_the_first_one_that_the_calendar_shows(
    fields: tuple[str, str], month: int, now: datetime
) -> None:
    field = fields[0] if fields[1] == "?" else fields[1]
    days = (now.date() + timedelta(days=number) for number in range(1, 9 * 366))
    expected = next((day for day in days if day.month == month and is_meant(day, field)), None)
    found = next_time(f"cron(0 0 {fields[0]} {month} {fields[1]} *)", "UTC", now)
    assert (found.date() if found else None) == expected
