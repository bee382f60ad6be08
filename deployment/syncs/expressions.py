"""When a schedule runs, as EventBridge Scheduler is told: `cron(...)`, `rate(...)`, `at(...)`. Pure.

The forms and ranges are those of https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html. They are judged
here, because AWS would refuse a wrong one only in the middle of a deployment, and emulators take nearly everything.

`cron` has six fields: minutes, hours, day of the month, month, day of the week, year. Each is `*` or a list of values, of ranges
as `2-6` and of steps as `0/15`, with commas between (days of the week have no steps); months and days of the week may be names.
One of the two days, and only one, must be `?`. A day of the month may also be `L` (the last), `15W` (the weekday nearest to the
15th) or `LW` (the last weekday); a day of the week `L` (Saturday), `6L` (the last Friday of the month) or `6#3` (the third one).
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployment.text import did_you_mean

UTC = "UTC"
FIRST_YEAR, LAST_YEAR = 1970, 2199
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
"""In the order of their numbers, which begin with 1."""

UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
# No limit of a rate's value is documented; more days than this lie beyond the last year that a cron can name.
MAX_RATE_DAYS = (LAST_YEAR - FIRST_YEAR) * 366

_EXAMPLES = '"cron(0 3 * * ? *)", "rate(6 hours)" or "at(2026-12-31T23:00:00)"'
_FORM = re.compile(r"(cron|rate|at)\((.*)\)", re.ASCII)
_RATE = re.compile(r"([1-9][0-9]{0,8}) (minute|hour|day)(s?)", re.ASCII)
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_ITEM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\w+))?", re.ASCII)


@dataclass(frozen=True)
class Field:
    """What a field of a cron may hold: numbers from `low` to `high`, and names of the numbers from `low` on."""

    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()


MINUTES = Field("minute", 0, 59)
HOURS = Field("hour", 0, 23)
DAY_OF_MONTH = Field("day of the month", 1, 31)
MONTH = Field("month", 1, 12, MONTHS)
DAY_OF_WEEK = Field("day of the week", 1, 7, DAYS)
YEAR = Field("year", FIRST_YEAR, LAST_YEAR)
FIELDS = (MINUTES, HOURS, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR)


@dataclass(frozen=True)
class Days:
    """A field of days: numbers, or what depends on the month. `None` as a whole is `?`.

    `last` is the last day of the month, `last_weekday` the last of those from Monday to Friday, `nearest` a day of the month of
    which the nearest weekday is meant. `last_of` is a day of the week, 1 to 7, of which the last one of the month is meant,
    `numbered` such a day and which one of the month, 1 to 5.
    """

    numbers: frozenset[int] = frozenset()
    last: bool = False
    last_weekday: bool = False
    nearest: frozenset[int] = frozenset()
    last_of: frozenset[int] = frozenset()
    numbered: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Cron:
    """A `cron(...)`; of the two fields of days one is None."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: Days | None
    months: frozenset[int]
    weekdays: Days | None
    years: frozenset[int]


@dataclass(frozen=True)
class Rate:
    """A `rate(...)`, in seconds."""

    seconds: int


@dataclass(frozen=True)
class At:
    """An `at(...)`: a moment of the schedule's own time zone, without one of its own."""

    moment: datetime


Schedule = Cron | Rate | At


def parse(expression: Any) -> Schedule:
    """Return what an expression says; raise ValueError with what is expected instead."""
    form = _FORM.fullmatch(expression) if isinstance(expression, str) else None
    if form is None:
        raise ValueError(f"expected {_EXAMPLES}")
    if form[1] == "cron":
        return _cron(form[2])
    return _rate(form[2]) if form[1] == "rate" else _at(form[2])


def require_timezone(name: Any) -> str:
    """Return the name of a time zone of the IANA's database; raise ValueError for any other.

    AWS knows these names: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#time-zones
    """
    if isinstance(name, str) and (name == UTC or name in _timezones()):
        return name
    if not _timezones():
        raise ValueError("this machine has no time zones to compare it with. Run: pip install tzdata")
    near = did_you_mean(name, _timezones(), '"{}"') if isinstance(name, str) else ""
    raise ValueError(f'expected the name of a time zone, such as "Europe/Berlin" or "UTC".{near}')


@functools.cache
def _timezones() -> frozenset[str]:
    """Return the names that stand for a place or an offset everywhere, and not for what this machine is set to."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def _rate(text: str) -> Rate:
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(
            'expected a whole number above 0 and minutes, hours or days, such as "rate(6 hours)"'
        )
    number, unit = int(found[1]), found[2]
    if (number == 1) == bool(found[3]):
        right = unit if number == 1 else f"{unit}s"
        raise ValueError(f'expected "rate({number} {right})": AWS takes {unit} for 1, and {unit}s for more')
    if number * UNIT_SECONDS[unit] > MAX_RATE_DAYS * UNIT_SECONDS["day"]:
        raise ValueError(f"expected {MAX_RATE_DAYS:,} days at most")
    return Rate(number * UNIT_SECONDS[unit])


def _at(text: str) -> At:
    try:
        if _AT.fullmatch(text) is None:
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            'expected a date and a time as "at(2026-12-31T23:00:00)"; the time zone is "timezone"'
        ) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}")
    return At(moment)


def _cron(text: str) -> Cron:
    parts = text.split()
    if len(parts) != len(FIELDS):
        titles = ", ".join(field.title for field in FIELDS)
        raise ValueError(
            f'expected six fields ({titles}), such as "cron(0 3 * * ? *)", and found {len(parts)}'
        )
    if [parts[2], parts[4]].count("?") != 1:
        raise ValueError(
            "expected ? for the day of the month or for the day of the week, and for one of them only, such as "
            '"cron(0 3 * * ? *)" or "cron(0 3 ? * MON-FRI *)"'
        )
    minutes, hours, months, years = (_numbers(parts[place], FIELDS[place]) for place in (0, 1, 3, 5))
    return Cron(minutes, hours, _month_days(parts[2]), months, _week_days(parts[4]), years)


def _numbers(text: str, field: Field) -> frozenset[int]:
    return frozenset(number for item in text.split(",") for number in _item(item, field))


def _month_days(text: str) -> Days | None:
    if text == "?":
        return None
    if text in ("L", "LW"):
        return Days(last=text == "L", last_weekday=text == "LW")
    if text.endswith("W"):
        return Days(nearest=frozenset({_number(text[:-1], DAY_OF_MONTH, text)}))
    return Days(_numbers(text, DAY_OF_MONTH))


def _week_days(text: str) -> Days | None:
    if text == "?":
        return None
    if text == "L":
        return Days(frozenset({DAY_OF_WEEK.high}))
    day, hash_sign, which = text.partition("#")
    if hash_sign:
        if which not in ("1", "2", "3", "4", "5"):
            raise ValueError(f'the day of the week is "{text}"; expected 1 to 5 behind #, such as 6#3')
        return Days(numbered=frozenset({(_number(day, DAY_OF_WEEK, text), int(which))}))
    if text.endswith("L"):
        return Days(last_of=frozenset({_number(text[:-1], DAY_OF_WEEK, text)}))
    return Days(_numbers(text, DAY_OF_WEEK))


def _item(text: str, field: Field) -> range:
    """Return the numbers of `*`, `5`, `2-6`, `0/15`, `*/15` or `10-40/5`; a step without an end goes on to the field's last."""
    found = _ITEM.fullmatch(text)
    if found is None or (found[1] == "*" and found[2]) or (found[3] and field is DAY_OF_WEEK):
        raise _wrong(text, field, text)
    first = field.low if found[1] == "*" else _number(found[1], field, text)
    is_open = found[1] == "*" or found[3]
    last = _number(found[2], field, text) if found[2] else field.high if is_open else first
    if last < first:
        raise ValueError(
            f'the {field.title} is "{text}"; expected a range that goes up, or the values with commas between'
        )
    return range(first, last + 1, _step(found[3], field, text))


def _step(text: str | None, field: Field, whole: str) -> int:
    if text is None:
        return 1
    if not text.isdecimal() or not 1 <= int(text[:5]) <= field.high or len(text) > 4:
        raise ValueError(f'the {field.title} is "{whole}"; expected a step from 1 to {field.high} behind /')
    return int(text)


def _number(text: str, field: Field, whole: str) -> int:
    if text.upper() in field.names:
        return field.names.index(text.upper()) + field.low
    if not re.fullmatch(r"[0-9]{1,4}", text) or not field.low <= int(text) <= field.high:
        raise _wrong(text, field, whole)
    return int(text)


def _wrong(text: str, field: Field, whole: str) -> ValueError:
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    found = (
        f'the {field.title} is "{whole}"'
        if text == whole
        else f'the {field.title} is "{whole}", with "{text}"'
    )
    return ValueError(f"{found}; expected {field.low} to {field.high}{names}")
