"""When a schedule runs next, and how long it is from one run to the next. Pure: the time is given.

By the rules of EventBridge Scheduler (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html): a local time
that the clocks skip in spring is skipped, and one that comes twice in autumn runs once, which we take for the first time. A rate
runs when its schedule is made, and is counted from then; 24 hours are 24 hours then, whatever the clocks do.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from deployment.syncs.expressions import FIRST_YEAR, UNIT_SECONDS, At, Cron, Days, Rate, Schedule, parse

LOOKED_AT_DAYS = 400
"""Days with runs, whose distances are measured: more than a year of daily ones, so weekends and ends of months are among them."""

_MONDAY_TO_FRIDAY = range(5)


def next_time(
    expression: str, timezone: str, now: datetime, since: datetime | None = None
) -> datetime | None:
    """Return when a schedule runs next, after `now` and in its time zone; None where it never does.

    `since` is when the schedule was made: a rate runs then, and every so often from then on. Without it nobody knows when, and
    None is returned. Raises ValueError for an expression that is none, ZoneInfoNotFoundError for such a time zone.
    """
    zone, schedule = _zone(timezone), parse(expression)
    now = now.astimezone(UTC)  # two moments of one zone would be compared by what their clocks show
    if isinstance(schedule, Rate):
        return _next_of_rate(schedule, now, since.astimezone(UTC)).astimezone(zone) if since else None
    if isinstance(schedule, At):
        moment = _resolve(schedule.moment, zone)
        return moment if moment and moment > now else None
    return next(_times(schedule, zone, now), None)


def interval_seconds(expression: str) -> int | None:
    """Return the longest time between two runs that follow each other, in seconds; None for one that runs once at most.

    The longest, because it is for who waits for a success: a schedule from Monday to Friday is not late on Sunday. A day has 24
    hours here, whatever the clocks do. Raises ValueError for an expression that is none.
    """
    schedule = parse(expression)
    if isinstance(schedule, Rate):
        return schedule.seconds
    if isinstance(schedule, At):
        return None
    times = [
        hour * 3600 + minute * 60 for hour in sorted(schedule.hours) for minute in sorted(schedule.minutes)
    ]
    within = [later - earlier for earlier, later in pairwise(times)]
    days = list(islice(_dates(schedule, date(FIRST_YEAR, 1, 1)), LOOKED_AT_DAYS))
    between = [
        (later - earlier).days * UNIT_SECONDS["day"] - (times[-1] - times[0])
        for earlier, later in pairwise(days)
    ]
    return max([*within, *between], default=None) if days else None


def require_date(schedule: Schedule) -> None:
    """Raise ValueError for a cron that no day of the calendar fits: the 31st of February."""
    if isinstance(schedule, Cron) and next(_dates(schedule, date(FIRST_YEAR, 1, 1)), None) is None:
        raise ValueError("there is no such day in any of its months and years; expected one that comes")


def _zone(name: str) -> tzinfo:
    """Return a time zone; that of UTC also on a machine that knows no others."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _next_of_rate(rate: Rate, now: datetime, since: datetime) -> datetime:
    step = timedelta(seconds=rate.seconds)
    return since + step * max((now - since) // step + 1, 0)


def _times(cron: Cron, zone: tzinfo, now: datetime) -> Iterator[datetime]:
    """Yield the moments after `now`, the earliest first."""
    for day in _dates(cron, now.astimezone(zone).date()):
        found = (
            _resolve(datetime.combine(day, time(hour, minute)), zone)
            for hour in cron.hours
            for minute in cron.minutes
        )
        yield from sorted(moment for moment in found if moment and moment > now)


def _resolve(local: datetime, zone: tzinfo) -> datetime | None:
    """Return the moment of a local time, the first of two; None for one that the clocks skip."""
    moment = local.replace(tzinfo=zone)
    there_and_back = moment.astimezone(UTC).astimezone(zone)
    return moment if there_and_back.replace(tzinfo=None) == local else None


def _dates(cron: Cron, first: date) -> Iterator[date]:
    for year in sorted(year for year in cron.years if year >= first.year):
        for month in sorted(cron.months):
            for day in _days_of_month(cron, year, month):
                found = date(year, month, day)
                if found >= first:
                    yield found


def _days_of_month(cron: Cron, year: int, month: int) -> list[int]:
    length = calendar.monthrange(year, month)[1]
    days = (
        _by_date(cron.days, year, month, length)
        if cron.days
        else _by_weekday(cron.weekdays, year, month, length)
    )
    return sorted(day for day in days if day <= length)


def _by_date(days: Days, year: int, month: int, length: int) -> set[int]:
    found = set(days.numbers) | {
        _nearest_weekday(year, month, day, length) for day in days.nearest if day <= length
    }
    if days.last:
        found.add(length)
    if days.last_weekday:
        found.add(_nearest_weekday(year, month, length, length))
    return found


def _nearest_weekday(year: int, month: int, day: int, length: int) -> int:
    """Return the day from Monday to Friday of the same month that is nearest to a day."""
    nearby = (day, day - 1, day + 1, day - 2, day + 2)
    return next(
        near
        for near in nearby
        if 1 <= near <= length and calendar.weekday(year, month, near) in _MONDAY_TO_FRIDAY
    )


def _by_weekday(days: Days | None, year: int, month: int, length: int) -> set[int]:
    if days is None:
        return set()
    by_number: dict[int, list[int]] = {number: [] for number in range(1, 8)}
    for day in range(1, length + 1):
        by_number[(calendar.weekday(year, month, day) + 1) % 7 + 1].append(day)
    return {
        *(day for number in days.numbers for day in by_number[number]),
        *(by_number[number][-1] for number in days.last_of),
        *(day for number, which in days.numbered for day in by_number[number][which - 1 : which]),
    }
