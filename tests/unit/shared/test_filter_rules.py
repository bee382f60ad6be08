"""What the options that filter may say: sizes, moments in any zone, classes, and the whole sentence for what they may not."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.filter_rules import LISTED_CLASSES, moment
from lambda_functions.shared.options import Options, parse

END = (
    ". Nothing was changed. Start again with, for example, "
    '{"source": "my-source-bucket", "destination": "my-destination-bucket"}.'
)
A_MOMENT = 'expected a date and time with its zone, such as "2026-11-28T14:00:00Z"'


def options(**data: Any) -> Options:
    return parse({"source": "from", "destination": "into", **data}, {})


def problem(**data: Any) -> str:
    with pytest.raises(Refused) as caught:
        options(**data)
    assert caught.value.cause.endswith(END)
    return caught.value.cause.removesuffix(END)


@pytest.mark.parametrize("name", ["minSize", "maxSize"])
@pytest.mark.parametrize("value", [-1, 1.0, 0.5, True, None, "1", "1 MB", [1], "x\ud800"])
def test_a_size_is_a_whole_number_of_bytes(name: str, value: Any) -> None:
    assert problem(**{name: value}).endswith("; expected a whole number of bytes, such as 1048576")


@pytest.mark.parametrize(("smallest", "largest"), [(0, 0), (5, 5), (0, 10**30)])
def test_equal_bounds_leave_one_size(smallest: int, largest: int) -> None:
    found = options(minSize=smallest, maxSize=largest)
    assert (found.minSize, found.maxSize) == (smallest, largest)


def test_sizes_that_leave_nothing_are_refused() -> None:
    assert problem(minSize=6, maxSize=5) == (
        '"minSize" is 6 and "maxSize" is 5, so no object has a size between; expected "minSize" to be the smaller one'
    )


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-28T14:00:00Z", datetime(2026, 11, 28, 14)),
        ("2026-11-28t14:00:00z", datetime(2026, 11, 28, 14)),
        ("2026-11-28 14:00:00Z", datetime(2026, 11, 28, 14)),
        ("2026-11-28T16:00:00+02:00", datetime(2026, 11, 28, 14)),
        ("2026-11-28T00:15:00-23:45", datetime(2026, 11, 29)),
        ("2026-11-28T14:00:00-00:00", datetime(2026, 11, 28, 14)),
        ("2024-02-29T23:59:59.5Z", datetime(2024, 2, 29, 23, 59, 59, 500_000)),
        ("2026-11-28T14:00:00.0000001Z", datetime(2026, 11, 28, 14, 0, 0, 1)),
        ("2026-12-31T23:59:59.9999999Z", datetime(2027, 1, 1)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1)),
        ("2017-01-01T01:59:60.75+02:00", datetime(2017, 1, 1)),
        ("2015-06-30T16:59:60-07:00", datetime(2015, 7, 1)),
        ("0001-01-01T00:00:00Z", datetime.min),
        ("0001-01-01T00:00:00+02:00", datetime.min),
        ("9999-12-31T23:00:00-02:00", datetime.max),
        ("9999-12-31T23:59:60Z", datetime.max),
    ],
)
def test_a_moment_may_be_written_in_every_way_of_rfc_3339_and_its_text_is_kept(
    text: str, utc: datetime
) -> None:
    assert moment(text) == utc.replace(tzinfo=UTC)
    assert options(modifiedAfter=text).to_json()["modifiedAfter"] == text


@pytest.mark.parametrize("name", ["modifiedAfter", "modifiedBefore"])
@pytest.mark.parametrize(
    "value",
    [
        *("2026-11-28", "2026-11-28T14:00:00", "2026-11-28T14:00Z", "20261128T140000Z", "14:00:00Z"),
        *("2026-11-28T14:00:00+0200", "2026-11-28T14:00:00+02", "2026-11-28T14:00:00+24:00", "now", ""),
        *(
            "2026-11-28T14:00:00.Z",
            "2026-11-28T14:00:00,5Z",
            " 2026-11-28T14:00:00Z",
            "2026-11-28T14:00:00Z\n",
        ),
        *("２０２６-11-28T14:00:00Z", "+2026-11-28T14:00:00Z", "2026-11-28T14:00:00+02:60"),
        *(1_700_000_000, None, True, ["2026-11-28T14:00:00Z"]),
    ],
)
def test_what_is_no_moment_of_rfc_3339_is_refused(name: str, value: Any) -> None:
    assert problem(**{name: value}) == (
        f'"{name}" is {json.dumps(value, ensure_ascii=False)}; {A_MOMENT} or "2026-11-28T16:00:00+02:00"'
    )


@pytest.mark.parametrize(
    "text",
    [
        *("2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z"),
        *("2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "0000-01-01T00:00:00Z"),
        *("2016-12-30T23:59:60Z", "2016-12-31T23:58:60Z", "2016-12-31T23:59:60+02:00"),
        # On the first day of a month, but not behind the last minute of the month before.
        *("2017-01-01T05:30:60Z", "2017-01-01T23:58:60Z", "2017-01-01T22:59:60Z", "2017-01-01T23:59:60Z"),
    ],
)
def test_a_moment_that_the_calendar_does_not_have_is_refused(text: str) -> None:
    assert problem(modifiedBefore=text) == (
        f'"modifiedBefore" is "{text}"; there is no such date or time; {A_MOMENT}'
    )


@pytest.mark.parametrize(
    ("last", "first_wrong"),
    [
        (f"2026-11-28T14:00:00.{'0' * 100}Z", f"2026-11-28T14:00:00.{'0' * 101}Z"),
        ("2026-11-28T14:00:00+23:59", "2026-11-28T14:00:00+24:00"),
        ("2026-11-28T14:00:00-23:59", "2026-11-28T14:00:00-23:60"),
        ("2026-11-28T23:59:59Z", "2026-11-28T24:00:00Z"),
    ],
)
def test_a_moment_has_at_most_100_digits_behind_its_point_and_less_than_a_day_between_it_and_utc(
    last: str, first_wrong: str
) -> None:
    assert options(modifiedAfter=last).modifiedAfter == last
    assert problem(modifiedAfter=first_wrong).startswith(f'"modifiedAfter" is "{first_wrong[:76]}')


@pytest.mark.parametrize("text", ["now", "2026-11-28", "2026-11-28T14:00:00", "2026-11-28T14:00:60Z"])
def test_text_that_is_no_moment_is_an_error_to_whoever_wants_its_moment(text: str) -> None:
    with pytest.raises(ValueError, match=text[:10]):
        moment(text)


@given(
    st.datetimes(
        timezones=st.timezones()
        | st.builds(timezone, st.timedeltas(-timedelta(hours=14), timedelta(hours=14)))
    )
)
def test_whatever_python_writes_as_a_moment_is_that_moment(found: datetime) -> None:
    offset = found.utcoffset() or timedelta()
    found = found.replace(tzinfo=timezone(timedelta(minutes=offset // timedelta(minutes=1))))
    try:
        utc = found.astimezone(UTC)
    except OverflowError:
        utc = (datetime.min if found.year == 1 else datetime.max).replace(tzinfo=UTC)
    assert moment(found.isoformat()) == utc


@pytest.mark.parametrize(
    ("first", "end"),
    [
        ("2026-11-28T14:00:00Z", "2026-11-28T14:00:00Z"),
        ("2026-11-28T14:00:00Z", "2026-11-28T16:00:00+02:00"),
        ("2026-11-28T14:00:00-01:00", "2026-11-28T14:30:00Z"),
        ("2026-11-28T14:00:00.25Z", "2026-11-28T14:00:00.2Z"),
    ],
)
def test_moments_that_leave_nothing_are_refused(first: str, end: str) -> None:
    assert problem(modifiedAfter=first, modifiedBefore=end) == (
        f'"modifiedAfter" is "{first}" and "modifiedBefore" is "{end}", so no object was modified between; '
        'expected "modifiedAfter" to be the earlier one'
    )


def test_a_day_in_two_zones_is_no_contradiction() -> None:
    found = options(modifiedAfter="2026-11-28T14:00:00+02:00", modifiedBefore="2026-11-28T13:00:00Z")
    assert found.modifiedBefore == "2026-11-28T13:00:00Z"


def test_the_classes_that_may_be_named_are_those_of_which_a_listing_can_be() -> None:
    model = botocore.session.get_session().get_service_model("s3")
    assert set(model.shape_for("ObjectStorageClass").enum) <= set(LISTED_CLASSES)


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
@pytest.mark.parametrize(
    "name",
    [
        *("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING"),
        *("GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE"),
        *("FSX_OPENZFS", "FSX_ONTAP", "AWS_BACKUP_WARM", "AWS_BACKUP_LOW_COST_WARM"),
    ],
)
def test_every_class_that_a_listing_may_name_can_be_asked_for(name: str) -> None:
    """Also those that the botocore of a runtime does not know yet."""
    assert options(storageClasses=[name]).storageClasses == (name,)


def test_no_class_is_no_filter() -> None:
    assert not options(storageClasses=[]).has_filters
    assert options(storageClasses=["GLACIER", "GLACIER"]).storageClasses == ("GLACIER", "GLACIER")


@pytest.mark.parametrize("value", ["GLACIER", None, {"GLACIER": 1}, True, 0])
def test_classes_are_a_list(value: Any) -> None:
    assert problem(storageClasses=value) == (
        f'"storageClasses" is {json.dumps(value)}; expected a list of some of {", ".join(LISTED_CLASSES)}'
    )


@pytest.mark.parametrize("name", ["standard", "GLACIER ", "COLD", "", "source", 1, None, ["GLACIER"], {}])
def test_a_class_that_no_listing_has_is_named(name: Any) -> None:
    assert problem(storageClasses=["STANDARD", name]).endswith(
        f"; {json.dumps(name)} is not a storage class that S3 lists; expected a list of some of {', '.join(LISTED_CLASSES)}"
    )


@pytest.mark.parametrize("value", ["true", "older", "", None, 1, 0, ["newer"], {}])
def test_overwrite_has_three_values(value: Any) -> None:
    assert problem(overwrite=value) == f'"overwrite" is {json.dumps(value)}; expected true, false or "newer"'


@pytest.mark.parametrize("overwrite", [True, False, "newer"])
def test_what_is_overwritten_is_no_filter(overwrite: Any) -> None:
    assert options(overwrite=overwrite).overwrite == overwrite
    assert not options(overwrite=overwrite).has_filters


def test_options_of_before_there_were_filters_are_read_with_none() -> None:
    new = ("minSize", "maxSize", "modifiedAfter", "modifiedBefore", "storageClasses", "overwrite")
    written = {name: value for name, value in options().to_json().items() if name not in new}
    assert Options.from_json(json.loads(json.dumps(written))) == options()


FILTERS: dict[str, Any] = {
    "minSize": 1,
    "maxSize": 0,
    "modifiedAfter": "2026-11-28T14:00:00Z",
    "modifiedBefore": "2026-11-28T14:00:00Z",
    "storageClasses": ["STANDARD"],
}
OF_SOURCE = {"modifiedAfter", "modifiedBefore", "storageClasses"}


@pytest.mark.parametrize("names", [set(pair) for pair in itertools.combinations_with_replacement(FILTERS, 2)])
def test_options_tell_whether_there_are_filters_and_whether_they_look_at_the_source_only(
    names: set[str],
) -> None:
    given_filters = {
        name: tuple(value) if isinstance(value, list) else value for name, value in FILTERS.items()
    }
    found = Options("from", "into", **{name: given_filters[name] for name in names})
    assert (found.has_filters, found.has_source_filters) == (True, bool(names & OF_SOURCE))
