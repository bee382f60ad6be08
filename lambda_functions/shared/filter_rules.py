"""What is expected of the options that filter by what a listing says of an object: sizes, moments, storage classes. Pure.

A moment is a date and time of RFC 3339 with its zone, whatever zone that is: `2026-11-28T14:00:00Z`, `2026-11-28T16:00:00+02:00`.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from lambda_functions.shared.spelling import Spelling, quote

# What a copy can be given.
STORAGE_CLASSES = (
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
)  # fmt: skip
# What ListObjectsV2 may say of an object, which is more than what a copy can be given:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
LISTED_CLASSES = (
    *STORAGE_CLASSES, "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP", "AWS_BACKUP_WARM",
    "AWS_BACKUP_LOW_COST_WARM",
)  # fmt: skip
# https://www.rfc-editor.org/rfc/rfc3339#section-5.6; "T" and "Z" may be small, and a space may stand for "T".
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,100}))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_EXPECTED_MOMENT = "expected a date and time with its zone, such as"


def size_problem(value: Any) -> str | None:
    """Say what is expected of a number of bytes; None if the value is right."""
    is_right = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if is_right else "expected a whole number of bytes, such as 1048576"


def moment_problem(value: Any) -> str | None:
    """Say what is expected of a moment; None if the value is right."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return f'{_EXPECTED_MOMENT} "2026-11-28T14:00:00Z" or "2026-11-28T16:00:00+02:00"'
    try:
        moment(value)
    except ValueError:
        return f'there is no such date or time; {_EXPECTED_MOMENT} "2026-11-28T14:00:00Z"'
    return None


def classes_problem(value: Any) -> str | None:
    """Say what is expected of a list of storage classes; None if the value is right."""
    expected = f"expected a list of some of {', '.join(LISTED_CLASSES)}"
    if not isinstance(value, list):
        return expected
    unknown = [name for name in value if not (isinstance(name, str) and name in LISTED_CLASSES)]
    return f"{quote(unknown[0])} is not a storage class that S3 lists; {expected}" if unknown else None


def overwrite_problem(value: Any) -> str | None:
    """Say what is expected of `overwrite`; None if the value is right."""
    return None if isinstance(value, bool) or value == "newer" else 'expected true, false or "newer"'


@functools.lru_cache
def moment(text: str) -> datetime:
    """Return a moment in UTC, in whole microseconds, the next one where it is between two; raise ValueError for one that is none.

    What is before the year 1 in UTC, or after 9999, is the first or the last moment that there is: no object is beyond either.
    """
    match = _MOMENT.fullmatch(text)
    if not match:
        raise ValueError(text)
    *fields, fraction, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = map(int, fields)
    is_leap = second == 60
    local = datetime(year, month, day, hour, minute, second - is_leap, tzinfo=UTC)
    east = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    found = _shift(local, east if sign == "-" else -east)
    if is_leap:
        return _after_leap_second(found)
    return _shift(found, timedelta(microseconds=_microseconds(fraction or "0")))


def sizes_contradiction(smallest: int | None, largest: int | None, spelling: Spelling) -> str | None:
    """Say that no size is between `minSize` and `maxSize`, which are both allowed themselves; None where some is."""
    if smallest is None or largest is None or smallest <= largest:
        return None
    both = f"{spelling.given('minSize', smallest)} and {spelling.given('maxSize', largest)}"
    return (
        f"{both}, so no object has a size between; expected {spelling.name('minSize')} to be the smaller one"
    )


def moments_contradiction(first: str | None, end: str | None, spelling: Spelling) -> str | None:
    """Say that no moment is between `modifiedAfter`, allowed itself, and `modifiedBefore`, which is not; None where some is."""
    if first is None or end is None or moment(first) < moment(end):
        return None
    both = f"{spelling.given('modifiedAfter', first)} and {spelling.given('modifiedBefore', end)}"
    name = spelling.name("modifiedAfter")
    return f"{both}, so no object was modified between; expected {name} to be the earlier one"


def _shift(found: datetime, by: timedelta) -> datetime:
    try:
        return found + by
    except OverflowError:
        return (datetime.max if by > timedelta() else datetime.min).replace(tzinfo=UTC)


def _after_leap_second(before: datetime) -> datetime:
    """Return what follows on 23:59:60 UTC, which only the last day of a month may have; computers know no such second."""
    after = _shift(before, timedelta(seconds=1))
    if (before.hour, before.minute) != (23, 59) or (
        after.day != 1 and after.replace(tzinfo=None) != datetime.max
    ):
        raise ValueError(f"{before} is followed by no leap second")
    return after


def _microseconds(digits: str) -> int:
    """Return a fraction of a second, rounded up: what is at or after it is then the same, to the microsecond."""
    per_second: int = 10 ** len(digits)
    return -(-int(digits) * 10**6 // per_second)
