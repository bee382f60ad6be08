"""What EventBridge Scheduler takes, and what is said of everything else."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.syncs import expressions
from deployment.syncs.expressions import At, Cron, Days, Rate, parse, require_timezone

EXAMPLES = 'expected "cron(0 3 * * ? *)", "rate(6 hours)" or "at(2026-12-31T23:00:00)"'
ONE_MARK = (
    "expected ? for the day of the month or for the day of the week, and for one of them only, such as "
    '"cron(0 3 * * ? *)" or "cron(0 3 ? * MON-FRI *)"'
)
SIX = (
    "expected six fields (minute, hour, day of the month, month, day of the week, year), such as "
    '"cron(0 3 * * ? *)", and found '
)
A_RATE = 'expected a whole number above 0 and minutes, hours or days, such as "rate(6 hours)"'
AN_AT = 'expected a date and a time as "at(2026-12-31T23:00:00)"; the time zone is "timezone"'
EVERY_YEAR = frozenset(range(1970, 2200))
EVERY_MONTH = frozenset(range(1, 13))


def cron(days: Days | None = None, weekdays: Days | None = None, **other: frozenset[int]) -> Cron:
    """Return one at 3:00 on these days."""
    fields = {"minutes": frozenset({0}), "hours": frozenset({3}), "months": EVERY_MONTH, "years": EVERY_YEAR}
    return Cron(days=days, weekdays=weekdays, **{**fields, **other})


@pytest.mark.parametrize(
    "fields, expected",
    [
        ("0 3 * * ? *", cron(Days(frozenset(range(1, 32))))),
        ("0 3 1,15 * ? *", cron(Days(frozenset({1, 15})))),
        ("0 3 1-3,20-31/5 * ? *", cron(Days(frozenset({1, 2, 3, 20, 25, 30})))),
        ("0 3 L * ? *", cron(Days(last=True))),
        ("0 3 LW * ? *", cron(Days(last_weekday=True))),
        ("0 3 15W * ? *", cron(Days(nearest=frozenset({15})))),
        ("0 3 ? * MON-FRI *", cron(weekdays=Days(frozenset(range(2, 7))))),
        ("0 3 ? * sun,7 *", cron(weekdays=Days(frozenset({1, 7})))),
        ("0 3 ? * L *", cron(weekdays=Days(frozenset({7})))),
        ("0 3 ? * FRIL *", cron(weekdays=Days(last_of=frozenset({6})))),
        ("0 3 ? * 6#3 *", cron(weekdays=Days(numbered=frozenset({(6, 3)})))),
        ("0 3 ? * FRI#3 *", cron(weekdays=Days(numbered=frozenset({(6, 3)})))),
        ("0 3 * JAN,6-8 ? *", cron(Days(frozenset(range(1, 32))), months=frozenset({1, 6, 7, 8}))),
        ("0 3 * * ? 2026-2028", cron(Days(frozenset(range(1, 32))), years=frozenset({2026, 2027, 2028}))),
        ("0/15 3 * * ? *", cron(Days(frozenset(range(1, 32))), minutes=frozenset({0, 15, 30, 45}))),
        ("*/20 3 * * ? *", cron(Days(frozenset(range(1, 32))), minutes=frozenset({0, 20, 40}))),
        (" 0  3 *\t* ? * ", cron(Days(frozenset(range(1, 32))))),
    ],
)
def test_a_cron_has_the_values_that_its_fields_name(fields: str, expected: Cron) -> None:
    assert parse(f"cron({fields})") == expected


@pytest.mark.parametrize(
    "expression, seconds",
    [("rate(1 minute)", 60), ("rate(90 minutes)", 5400), ("rate(1 hour)", 3600), ("rate(7 days)", 604_800)],
)
def test_a_rate_is_a_number_of_seconds(expression: str, seconds: int) -> None:
    assert parse(expression) == Rate(seconds)


def test_a_moment_is_read_without_a_zone_of_its_own() -> None:
    assert parse("at(2026-12-31T23:00:59)") == At(datetime(2026, 12, 31, 23, 0, 59))


@pytest.mark.parametrize(
    "expression, sentence",
    [
        (None, EXAMPLES),
        (7, EXAMPLES),
        ("", EXAMPLES),
        ("every day", EXAMPLES),
        ("0 3 * * ? *", EXAMPLES),
        ("Cron(0 3 * * ? *)", EXAMPLES),
        ("cron(0 3 * * ? *) ", EXAMPLES),
        ("cron(0 3 * * ?)", SIX + "5"),
        ("cron()", SIX + "0"),
        ("cron(0 3 * * ? * *)", SIX + "7"),
        ("cron(0 3 * * * *)", ONE_MARK),
        ("cron(0 3 ? * ? *)", ONE_MARK),
        ("cron(0 3 1 * 2 *)", ONE_MARK),
        ("cron(99 3 * * ? *)", 'the minute is "99"; expected 0 to 59'),
        ("cron(0 24 * * ? *)", 'the hour is "24"; expected 0 to 23'),
        ("cron(0,70 3 * * ? *)", 'the minute is "70"; expected 0 to 59'),
        ("cron(0 3 0 * ? *)", 'the day of the month is "0"; expected 1 to 31'),
        ("cron(0 3 32W * ? *)", 'the day of the month is "32W", with "32"; expected 1 to 31'),
        ("cron(0 3 1,L * ? *)", 'the day of the month is "L"; expected 1 to 31'),
        ("cron(0 3 * 13 ? *)", 'the month is "13"; expected 1 to 12 or JAN to DEC'),
        ("cron(0 3 * MAY-SEPT ? *)", 'the month is "MAY-SEPT", with "SEPT"; expected 1 to 12 or JAN to DEC'),
        ("cron(0 3 ? * 0 *)", 'the day of the week is "0"; expected 1 to 7 or SUN to SAT'),
        ("cron(0 3 ? * MONDAY *)", 'the day of the week is "MONDAY"; expected 1 to 7 or SUN to SAT'),
        ("cron(0 3 ? * 2/2 *)", 'the day of the week is "2/2"; expected 1 to 7 or SUN to SAT'),
        ("cron(0 3 ? * 6#6 *)", 'the day of the week is "6#6"; expected 1 to 5 behind #, such as 6#3'),
        (
            "cron(0 3 ? * 3#1,6#3 *)",
            'the day of the week is "3#1,6#3"; expected 1 to 5 behind #, such as 6#3',
        ),
        (
            "cron(0 3 ? * FRI-MON *)",
            'the day of the week is "FRI-MON"; expected a range that goes up, or the values with commas between',
        ),
        ("cron(0 3 * * ? 1969)", 'the year is "1969"; expected 1970 to 2199'),
        ("cron(0 3 * * ? 2026-2200)", 'the year is "2026-2200", with "2200"; expected 1970 to 2199'),
        ("cron(0/0 3 * * ? *)", 'the minute is "0/0"; expected a step from 1 to 59 behind /'),
        ("cron(*-5 3 * * ? *)", 'the minute is "*-5"; expected 0 to 59'),
        ("cron(, 3 * * ? *)", 'the minute is ""; expected 0 to 59'),
        ("cron(٣ 3 * * ? *)", 'the minute is "٣"; expected 0 to 59'),
        ("rate(6 hour)", 'expected "rate(6 hours)": AWS takes hour for 1, and hours for more'),
        ("rate(1 minutes)", 'expected "rate(1 minute)": AWS takes minute for 1, and minutes for more'),
        ("rate(0 hours)", A_RATE),
        ("rate(-1 hours)", A_RATE),
        ("rate(1.5 hours)", A_RATE),
        ("rate(6  hours)", A_RATE),
        ("rate(2 weeks)", A_RATE),
        ("rate(30 seconds)", A_RATE),
        ("rate(999999999 days)", "expected 83,814 days at most"),
        ("at(2026-12-31)", AN_AT),
        ("at(2026-12-31T23:00)", AN_AT),
        ("at(2026-02-29T03:00:00)", AN_AT),
        ("at(2026-12-31T23:00:00Z)", AN_AT),
        ("at(2026-12-31 23:00:00)", AN_AT),
        ("at(1969-12-31T23:00:00)", "expected a year from 1970 to 2199"),
    ],
)
def test_everything_else_is_refused_with_what_is_expected(expression: object, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(expression)
    assert str(caught.value) == sentence


@given(st.text(alphabet="0123456789 */-,?LW#()cronrateatMONJAN:T", max_size=40) | st.text(max_size=20))
def test_no_text_is_answered_with_anything_but_a_schedule_or_what_is_expected(text: str) -> None:
    for expression in (text, f"cron({text})", f"rate({text})", f"at({text})", f"cron(0 3 {text} * ? *)"):
        try:
            assert isinstance(parse(expression), Cron | Rate | At)
        except ValueError as error:
            assert "expected" in str(error)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+3"])
def test_a_time_zone_is_one_of_the_database(name: str) -> None:
    assert require_timezone(name) == name


@pytest.mark.parametrize(
    "name, guess",
    [
        ("Europe/Berln", ' Did you mean "Europe/Berlin"?'),
        ("Mars/Olympus", ""),
        ("localtime", ""),
        ("../../etc/passwd", ""),
        (None, ""),
        (1, ""),
    ],
)
def test_any_other_time_zone_is_refused(name: object, guess: str) -> None:
    with pytest.raises(ValueError) as caught:
        require_timezone(name)
    assert str(caught.value) == f'expected the name of a time zone, such as "Europe/Berlin" or "UTC".{guess}'


def test_a_machine_without_time_zones_says_what_is_missing_and_knows_utc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expressions, "_timezones", frozenset)
    assert require_timezone("UTC") == "UTC"
    with pytest.raises(ValueError) as caught:
        require_timezone("Europe/Berlin")
    assert str(caught.value) == "this machine has no time zones to compare it with. Run: pip install tzdata"
