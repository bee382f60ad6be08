"""The input of an execution: its defaults, and the whole sentence for each thing that can be wrong with it."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.filter_rules import LISTED_CLASSES, STORAGE_CLASSES
from lambda_functions.shared.option_rules import KMS_WORDS, RULES, max_delete_problem
from lambda_functions.shared.options import (
    MAX_INPUT_BYTES,
    NAMES,
    Options,
    max_deletes,
    overlap,
    parse,
)
from lambda_functions.shared.run import option_warnings

DEFAULTS = {"maxConcurrency": 20, "maxDelete": None}
END = (
    ". Nothing was changed. Start again with, for example, "
    '{"source": "my-source-bucket", "destination": "my-destination-bucket"}.'
)
AMOUNT = "expected an amount of US dollars, such as 20 or 0.5"
BUCKET = 'expected the name of a general-purpose bucket, such as "my-bucket"'
KNOWN = (
    "source, destination, prefix, destinationPrefix, startAfter, include, exclude, "
    "minSize, maxSize, modifiedAfter, modifiedBefore, storageClasses, overwrite, delete, maxDelete, "
    "maxCostUsd, allowEmptySource, dryRun, verify, compareMetadata, compareTags, copyTags, unprovable, storageClass, "
    "objectLock, annotations, restore, acl, "
    "serverSideEncryption, sseKmsKeyId, requestPayer, maxConcurrency, sourceOwner, destinationOwner, name"
)


def options(**data: Any) -> Options:
    return parse({"source": "from", "destination": "into", **data}, DEFAULTS)


def refusal(data: Any) -> str:
    with pytest.raises(Refused) as caught:
        parse(data, DEFAULTS)
    assert caught.value.error == "InvalidInput"
    assert str(caught.value) == caught.value.cause
    return caught.value.cause


def problem(**data: Any) -> str:
    """Return what is said about one value, without the sentences that follow every time."""
    cause = refusal({"source": "from", "destination": "into", **data})
    assert cause.endswith(END)
    return cause.removesuffix(END)


def test_two_buckets_are_enough_and_everything_else_has_a_default() -> None:
    assert options() == Options(
        source="from",
        destination="into",
        prefix="",
        destinationPrefix="",
        startAfter=None,
        include=(),
        exclude=(),
        minSize=None,
        maxSize=None,
        modifiedAfter=None,
        modifiedBefore=None,
        storageClasses=(),
        overwrite=True,
        delete=True,
        maxDelete=None,
        maxCostUsd=None,
        allowEmptySource=False,
        dryRun=False,
        verify=False,
        compareMetadata=True,
        compareTags=False,
        copyTags=True,
        unprovable="copy",
        storageClass="source",
        acl=None,
        serverSideEncryption=None,
        sseKmsKeyId=None,
        requestPayer=False,
        maxConcurrency=20,
        sourceOwner=None,
        destinationOwner=None,
        name=None,
    )


def test_every_option_that_the_design_names_is_known() -> None:
    assert ", ".join(NAMES) == KNOWN
    assert tuple(RULES) == NAMES


def test_every_option_is_taken_as_it_is_given() -> None:
    given_options = {
        "source": "one",
        "destination": "two",
        "prefix": "a/",
        "destinationPrefix": "",
        "startAfter": "k",
        "include": ["*.log"],
        "exclude": ["tmp/*", "*~"],
        "minSize": 0,
        "maxSize": 5 * 1024**4,
        "modifiedAfter": "2026-11-28t14:00:00.5+02:00",
        "modifiedBefore": "2026-12-31T23:59:60Z",
        "storageClasses": ["STANDARD", "GLACIER_IR"],
        "overwrite": "newer",
        "delete": False,
        "maxDelete": "12.5%",
        "maxCostUsd": 0.5,
        "allowEmptySource": True,
        "dryRun": True,
        "verify": False,
        "compareMetadata": False,
        "compareTags": True,
        "copyTags": True,
        "acl": "bucket-owner-full-control",
        "serverSideEncryption": "aws:kms",
        "sseKmsKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "unprovable": "keep",
        "storageClass": "GLACIER_IR",
        "objectLock": "copy",
        "annotations": "copy",
        "restore": {"days": 7, "tier": "Bulk"},
        "requestPayer": True,
        "maxConcurrency": 10_000,
        "sourceOwner": "111122223333",
        "destinationOwner": "012345678901",
        "name": "Photos_of-2026",
    }

    assert parse(given_options, DEFAULTS).to_json() == given_options


def test_the_destination_prefix_is_the_prefix_unless_it_is_said() -> None:
    assert options(prefix="photos/").destinationPrefix == "photos/"
    assert options(prefix="photos/", destinationPrefix="").destinationPrefix == ""


def test_defaults_of_the_deployment_hold_where_the_input_says_nothing() -> None:
    two = {"source": "from", "destination": "into"}

    assert parse(two, {"maxConcurrency": 7, "maxDelete": "10%"}).maxConcurrency == 7
    assert parse(two, {"maxConcurrency": 7, "maxDelete": "10%"}).maxDelete == "10%"
    assert parse({**two, "maxDelete": 5}, {"maxConcurrency": 7, "maxDelete": "10%"}).maxDelete == 5
    assert parse(two, {"maxConcurrency": None, "maxDelete": None}).maxConcurrency == 20


@pytest.mark.parametrize("value", [0, 1, 10**12, "0%", "10%", "0.5%", "99.99%", "100%", "100.0%"])
def test_max_delete_is_a_number_of_objects_or_a_share(value: int | str) -> None:
    assert options(maxDelete=value).maxDelete == value
    assert max_delete_problem(value) is None


@pytest.mark.parametrize("name", ["abc", "a-b.c", "0123", "a" * 63])
def test_names_of_general_purpose_buckets_are_fine(name: str) -> None:
    assert options(source=name).source == name


@pytest.mark.parametrize("value", STORAGE_CLASSES)
def test_every_storage_class_of_general_purpose_buckets_is_fine(value: str) -> None:
    assert options(storageClass=value).storageClass == value


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        ([], "the input is []; expected an object"),
        (None, "the input is null; expected an object"),
        ("from", 'the input is "from"; expected an object'),
        ({}, '"source" is missing; "destination" is missing'),
        ({"source": "from"}, '"destination" is missing'),
        (
            {"sorce": "from", "destination": "into"},
            '"sorce" is not an option (did you mean "source"?); "source" is missing',
        ),
        (
            {" destination": "into", "source": "from"},
            '" destination" is not an option (did you mean "destination"?); "destination" is missing',
        ),
    ],
)
def test_an_input_that_is_none_is_refused(data: Any, cause: str) -> None:
    assert refusal(data) == cause + END


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"dryrun": True}, '"dryrun" is not an option (did you mean "dryRun"?)'),
        ({"exclud": []}, '"exclud" is not an option (did you mean "exclude"?)'),
        ({"quux": 1}, f'"quux" is not an option (known are {KNOWN})'),
        ({"compareTags": 1}, '"compareTags" is 1; expected true or false'),
        ({"acl": "private"}, '"acl" is "private"; expected one of "bucket-owner-full-control"'),
        ({"copyTags": "no"}, '"copyTags" is "no"; expected true or false'),
        (
            {"serverSideEncryption": "SSE-C"},
            '"serverSideEncryption" is "SSE-C"; expected one of "AES256", "aws:kms", "aws:kms:dsse"',
        ),
        (
            {"serverSideEncryption": "aws:kms", "sseKmsKeyId": ""},
            '"sseKmsKeyId" is ""; expected the ARN or id of a key of KMS as text',
        ),
        (
            {"serverSideEncryption": "aws:kms", "sseKmsKeyId": "a key\n"},
            '"sseKmsKeyId" is "a key\\n"; expected the ARN or id of a key of KMS as text',
        ),
        ({"comment": "x"}, f'"comment" is not an option (known are {KNOWN})'),
        ({"Comments": "x"}, f'"Comments" is not an option (known are {KNOWN})'),
        ({"verify": 1}, '"verify" is 1; expected true or false'),
        (
            {"verify": True, "dryRun": True},
            '"verify" is true and "dryRun" is true; a dry run changes nothing, so there is nothing to verify: leave one of '
            "them out, or use `fab verify`",
        ),
        ({"maxCostUsd": "5"}, f'"maxCostUsd" is "5"; {AMOUNT}'),
        ({"maxCostUsd": 0}, f'"maxCostUsd" is 0; {AMOUNT}'),
        ({"maxCostUsd": -0.5}, f'"maxCostUsd" is -0.5; {AMOUNT}'),
        ({"maxCostUsd": True}, f'"maxCostUsd" is true; {AMOUNT}'),
        ({"maxCostUsd": None}, f'"maxCostUsd" is null; {AMOUNT}'),
        ({"maxCostUsd": float("nan")}, f'"maxCostUsd" is NaN; {AMOUNT}'),
        ({"maxCostUsd": float("inf")}, f'"maxCostUsd" is Infinity; {AMOUNT}'),
        ({"maxCostUsd": 10**40}, f'"maxCostUsd" is 1{"0" * 40}; {AMOUNT}'),
        ({"delete": "false"}, '"delete" is "false"; expected true or false'),
        ({"dryRun": 1}, '"dryRun" is 1; expected true or false'),
        ({"allowEmptySource": None}, '"allowEmptySource" is null; expected true or false'),
        ({"compareMetadata": []}, '"compareMetadata" is []; expected true, false or "all"'),
        ({"requestPayer": "requester"}, '"requestPayer" is "requester"; expected true or false'),
        ({"prefix": 7}, '"prefix" is 7; expected text'),
        ({"startAfter": None}, '"startAfter" is null; expected text'),
        (
            {"destinationPrefix": "é" * 513},
            f'"destinationPrefix" is "{"é" * 76}...; it has 1,026 bytes; a key has at most 1,024',
        ),
        (
            {"include": "*.log"},
            '"include" is "*.log"; expected a list of patterns, such as ["*.log", "tmp/*"]',
        ),
        (
            {"exclude": ["a", ""]},
            '"exclude" is ["a", ""]; expected a list of patterns, such as ["*.log", "tmp/*"]',
        ),
        (
            {"maxConcurrency": 0},
            '"maxConcurrency" is 0; expected a whole number from 1 to 10,000',
        ),
        (
            {"maxConcurrency": 10_001},
            '"maxConcurrency" is 10001; expected a whole number from 1 to 10,000',
        ),
        (
            {"maxConcurrency": True},
            '"maxConcurrency" is true; expected a whole number from 1 to 10,000',
        ),
        ({"unprovable": "ask"}, '"unprovable" is "ask"; expected one of "copy", "keep"'),
        (
            {"storageClass": "OUTPOSTS"},
            '"storageClass" is "OUTPOSTS"; expected one of "source", "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", '
            '"ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"',
        ),
        (
            {"sourceOwner": 111122223333},
            '"sourceOwner" is 111122223333; expected the 12 digits of an AWS account as text, such as "111122223333"',
        ),
        (
            {"destinationOwner": "1234"},
            '"destinationOwner" is "1234"; expected the 12 digits of an AWS account as text, such as "111122223333"',
        ),
    ],
)
def test_a_wrong_value_is_shown_with_what_was_expected(data: dict[str, Any], text: str) -> None:
    assert problem(**data) == text


@pytest.mark.parametrize(
    "value", [-1, 1.5, True, None, "10", "101%", "100.1%", "-1%", "%", "１０%", "10%\n", "ten", [1]]
)
def test_max_delete_is_refused_when_it_is_neither_a_number_nor_a_share(value: Any) -> None:
    assert problem(maxDelete=value) == (
        f'"maxDelete" is {json.dumps(value, ensure_ascii=False)}; expected a number of objects, such as 1000, or a share of the '
        'destination, such as "10%"'
    )
    assert max_delete_problem(value) == (
        'expected a number of objects, such as 1000, or a share of the destination, such as "10%"'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, BUCKET),
        ("", BUCKET),
        ("ab", BUCKET),
        ("My Bucket", BUCKET),
        ("...", BUCKET),
        ("-bucket", BUCKET),
        ("bucket.", BUCKET),
        ("my..bucket", BUCKET),
        ("bucket/", 'expected only the bucket\'s name, "bucket"'),
        (
            "bucket/photos/",
            'expected only the bucket\'s name, "bucket", and "prefix": "photos/" for what is under it',
        ),
        ("./photos", BUCKET),
        ("https://photos", BUCKET),
        ("s3://", BUCKET),
        ("s3://ab/photos", BUCKET),
        ("s3://my bucket", BUCKET),
        ("arn:aws:s3:::my..bucket/photos", BUCKET),
        ("s3://photos", 'expected only the bucket\'s name, "photos"'),
        ("s3://photos/", 'expected only the bucket\'s name, "photos"'),
        (
            "s3://photos/2026/a",
            'expected only the bucket\'s name, "photos", and "prefix": "2026/a" for what is under it',
        ),
        ("arn:aws:s3:::photos", 'expected only the bucket\'s name, "photos"'),
        (
            "arn:aws-cn:s3:::photos/a/",
            'expected only the bucket\'s name, "photos", and "prefix": "a/" for what is under it',
        ),
        (
            "arn:aws:s3:::photos/a:::b/c",
            'expected only the bucket\'s name, "photos", and "prefix": "a:::b/c" for what is under it',
        ),
        (
            "arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap",
            "an ARN that is not a bucket's; expected the name of a general-purpose bucket",
        ),
        (
            "arn:aws:s3:eu-west-1:111122223333:accesspoint/photos",
            "an ARN that is not a bucket's; expected the name of a general-purpose bucket",
        ),
        (
            "arn:aws:lambda:eu-west-1:111122223333:function:photos",
            "an ARN that is not a bucket's; expected the name of a general-purpose bucket",
        ),
        (
            "photos--euw1-az1--x-s3",
            "a directory bucket, which lists its keys in no order and cannot be compared; expected a general-purpose bucket",
        ),
        (
            "photos-0123456789-s3alias",
            "an access point's alias; expected the name of the bucket behind it",
        ),
        ("photos--ol-s3", "an access point's alias; expected the name of the bucket behind it"),
    ],
)
def test_what_is_not_the_name_of_a_general_purpose_bucket_is_refused(value: Any, text: str) -> None:
    shown = json.dumps(value)
    assert problem(source=value) == f'"source" is {shown}; {text}'


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html: us-east-1 had other rules before March 2018.
@pytest.mark.parametrize("name", ["My-Bucket", "my_bucket", "_Logs_", "A" * 64, "a_B.c-" * 42 + "end"])
def test_names_of_buckets_that_are_older_than_the_rules_of_today_are_fine(name: str) -> None:
    assert (options(source=name).source, options(destination=name).destination) == (name, name)


@pytest.mark.parametrize(
    "name", ["Photos--use1-az1--x-s3", "Photos-0123-s3alias", "arn:aws:s3:::Photos", "s3://Photos"]
)
def test_capitals_make_no_bucket_of_what_names_something_else(name: str) -> None:
    assert problem(source=name).startswith(f'"source" is "{name}"; ')


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html reserves these endings as well.
def test_the_alias_of_a_multi_region_access_point_is_refused() -> None:
    assert problem(source="mfzwi23gnjvgw.mrap") == (
        '"source" is "mfzwi23gnjvgw.mrap"; an access point\'s alias; expected the name of the bucket behind it'
    )


def test_an_address_given_as_destination_is_told_to_be_a_destination_prefix() -> None:
    assert problem(destination="s3://photos/2026/") == (
        '"destination" is "s3://photos/2026/"; expected only the bucket\'s name, "photos", and "destinationPrefix": "2026/" '
        "for what is under it"
    )


def test_everything_wrong_is_said_at_once_unknown_names_first() -> None:
    data = {"delete": "no", "Source": "from", "maxCostUsd": 0, "destination": "In to"}

    assert refusal(data) == (
        '"Source" is not an option (did you mean "source"?); "source" is missing; '
        f'"delete" is "no"; expected true or false; "maxCostUsd" is 0; {AMOUNT}; "destination" is "In to"; {BUCKET}{END}'
    )


def test_of_many_problems_ten_are_said_and_the_others_counted() -> None:
    flags = ("delete", "allowEmptySource", "dryRun", "compareMetadata", "requestPayer")
    wrong = dict.fromkeys(
        (*flags, "prefix", "startAfter", "include", "exclude", "unprovable", "maxDelete"), 0
    )
    cause = problem(**{**wrong, "maxDelete": -1, "maxConcurrency": 0})

    assert cause.count("; expected ") == 10
    assert cause.endswith('"unprovable" is 0; expected one of "copy", "keep"; and 2 more')


@pytest.mark.parametrize("name", ["acl", "verify", "maxDelete", "include"])
def test_spaces_and_colons_around_a_name_do_not_hide_which_one_was_meant(name: str) -> None:
    """Whoever types JSON by hand writes `"acl : "`; so many of them make the name unlike every option."""
    written = f"  : : {name} : : "
    assert problem(**{written: 1}) == f'"{written}" is not an option (did you mean "{name}"?)'


def test_an_unknown_name_is_shown_with_its_beginning_only() -> None:
    assert problem(**{"x" * 1000: 1}) == f'"{"x" * 76}... is not an option (known are {KNOWN})'


def test_a_long_value_is_shown_with_its_beginning_only() -> None:
    assert problem(delete="x" * 1000) == f'"delete" is "{"x" * 76}...; expected true or false'


def test_an_input_of_more_than_32_kib_is_refused() -> None:
    frame = len(json.dumps({"source": "from", "destination": "into", "include": [""]}))
    fits = ["x" * (MAX_INPUT_BYTES - frame)]

    assert options(include=fits).include == tuple(fits)
    assert problem(include=[fits[0] + "x"]) == (
        "the input is larger than 32,768 bytes; name prefixes instead of single keys"
    )


def test_names_beside_a_plan_that_are_no_options_are_shown_as_values_are_and_not_all_of_them() -> None:
    with pytest.raises(Refused) as caught:
        parse(
            {"plan": "a", "prefix": "b", "\udfff": 1, "x" * 1000: 1, **dict.fromkeys(map(str, range(20)))}, {}
        )

    caught.value.cause.encode()
    expected = f'"prefix", "\\udfff", "{"x" * 76}..., "0", "1", "2", "3", "4", "5", "6", 13 more cannot stand beside "plan"'
    assert caught.value.cause.startswith(expected)


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = {"a": value} if levels % 2 else [value]
    return value


# What is nested so deeply that Python can just read it, it cannot write again from a function that is called by others.
@pytest.mark.parametrize("levels", [64, 65, 401, 950, 2001])
@pytest.mark.parametrize("name", ["Comment", "prefix", "maxSize", "plan", "unknown"])
def test_what_is_nested_deeply_is_refused(name: str, levels: int) -> None:
    assert problem(**{name: nested(levels)}) == (
        "the input is nested more than 64 levels deep; expected options and their values"
    )


def test_an_input_that_is_nothing_but_nested_lists_is_refused() -> None:
    with pytest.raises(Refused, match="nested more than 64 levels deep"):
        parse(nested(2000), {})


def test_a_remark_may_be_nested() -> None:
    assert options(Comment=nested(62)) == options()


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"a": -math.inf}])
@pytest.mark.parametrize("name", ["Comment", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"])
def test_a_remark_that_is_not_json_is_refused_before_step_functions_refuses_it(name: str, value: Any) -> None:
    assert problem(**{name: value}) == (
        f'"{name}" has a number that JSON does not know, NaN or Infinity; leave it out'
    )


# JSON can carry half a surrogate pair, a key cannot: https://www.rfc-editor.org/rfc/rfc8259#section-8.2
@pytest.mark.parametrize("name", ["prefix", "destinationPrefix", "startAfter"])
def test_text_that_utf_8_cannot_carry_is_refused(name: str) -> None:
    data = json.loads('{"source": "from", "destination": "into", "' + name + '": "a\\ud800"}')

    assert (
        refusal(data).encode()
        == (
            f'"{name}" is "a\\ud800"; it has half a character (a lone surrogate), which no key can have{END}'
        ).encode()
    )


@pytest.mark.parametrize("name", ["include", "exclude"])
@pytest.mark.parametrize("half", ["\ud800", "\udfff", "\ude00\ud83d"])
def test_a_pattern_that_utf_8_cannot_carry_is_refused(name: str, half: str) -> None:
    data = json.loads(json.dumps({"source": "from", "destination": "into", name: ["*.log", f"a{half}*"]}))
    shown = f"a{half}*".encode("utf-8", "backslashreplace").decode()

    assert refusal(data) == (
        f'"{name}" is ["*.log", "{shown}"]; it has half a character (a lone surrogate), which no key can have{END}'
    )


TEXTS = {
    **dict.fromkeys(("source", "destination", "prefix", "destinationPrefix", "startAfter"), "photos"),
    "maxDelete": "10%",
    "compareMetadata": "all",
    "modifiedAfter": "2026-11-28T14:00:00Z",
    "modifiedBefore": "2026-11-28T14:00:00Z",
    "overwrite": "newer",
    "unprovable": "keep",
    "storageClass": "STANDARD",
    "acl": "bucket-owner-full-control",
    "serverSideEncryption": "aws:kms",
    "sseKmsKeyId": "alias/mine",
    "sourceOwner": "111122223333",
    "destinationOwner": "111122223333",
    "name": "photos",
}


def test_the_table_of_texts_has_every_option_that_may_be_text() -> None:
    assert [name for name in NAMES if name not in TEXTS and not RULES[name](next(iter(TEXTS.values())))] == []


@pytest.mark.parametrize("name", TEXTS)
def test_no_option_that_is_text_takes_half_a_character(name: str) -> None:
    data = {"source": "from", "destination": "into", "serverSideEncryption": "aws:kms", name: TEXTS[name]}
    assert getattr(parse(data, DEFAULTS), name) == TEXTS[name]
    assert f'"{name}" is ' in refusal({**data, name: TEXTS[name] + "\ud800"})


@pytest.mark.parametrize("digits", ["١١١١٢٢٢٢٣٣٣٣", "１１１１２２２２３３３３"])  # Arabic-Indic, full-width
def test_an_account_has_ascii_digits_only(digits: str) -> None:
    assert problem(sourceOwner=digits) == (
        f'"sourceOwner" is "{digits}"; expected the 12 digits of an AWS account as text, such as "111122223333"'
    )


@pytest.mark.parametrize(
    ("prefix", "destination_prefix"), [("", ""), ("a/", "a/"), ("a/", "a/b/"), ("a/b", "a"), ("", "x")]
)
def test_one_bucket_with_overlapping_prefixes_is_refused(prefix: str, destination_prefix: str) -> None:
    data = {"source": "one", "destination": "one", "prefix": prefix, "destinationPrefix": destination_prefix}

    assert refusal(data) == (
        f'source and destination are the same bucket, "one", and their prefixes overlap ("{prefix}" and "{destination_prefix}"); '
        f"expected two buckets, or prefixes of which neither begins the other{END}"
    )


@pytest.mark.parametrize("glob", ["*", "**", "*****"])
def test_to_exclude_everything_beside_include_is_refused_with_the_right_form(glob: str) -> None:
    assert problem(include=["*.jpg"], exclude=[glob]) == (
        f'"exclude" is ["{glob}"]; "{glob}" matches every key, and excluded wins; "include" alone is enough, because only what '
        'it matches is in scope: leave "exclude" out'
    )


def test_to_exclude_everything_is_refused_wherever_it_stands_in_the_list() -> None:
    assert problem(exclude=["tmp/*", "**"]) == (
        '"exclude" is ["tmp/*", "**"]; "**" matches every key, and excluded wins; expected patterns of what is to be left alone, '
        'such as ["*.log", "tmp/*"]'
    )


@pytest.mark.parametrize("glob", ["*/*", "?*", "*?", "[*]", "*.*", "*a*"])
def test_a_pattern_that_leaves_some_key_may_be_excluded(glob: str) -> None:
    data = {"source": "from", "destination": "into", "include": ["*"], "exclude": [glob]}

    assert parse(data, DEFAULTS).exclude == (glob,)


def test_one_bucket_with_separate_prefixes_is_fine() -> None:
    assert parse({"source": "one", "destination": "one", "prefix": "a/", "destinationPrefix": "b/"}, DEFAULTS)


@pytest.mark.parametrize("name", ["A" * 256, "my-bücket"])
def test_no_bucket_has_more_than_255_characters_or_others_than_those_of_english(name: str) -> None:
    assert problem(source=name).endswith(f"; {BUCKET}")


# The last value that is fine, and the first that is not.
LIMITS: list[tuple[str, Any, Any]] = [
    ("prefix", "x" * 1024, "x" * 1025),
    ("destinationPrefix", "é" * 512, "é" * 512 + "x"),
    ("startAfter", "x" * 1024, "x" * 1025),
    ("maxSize", 0, -1),
    ("maxDelete", 0, -1),
    ("maxDelete", "100.000%", "100.001%"),
    ("maxCostUsd", 10**9, 10**9 + 1),
    ("maxCostUsd", 1e9, 1_000_000_000.5),
    ("maxCostUsd", 5e-324, 0.0),
    ("maxConcurrency", 1, 0),
    ("maxConcurrency", 10_000, 10_001),
    ("sourceOwner", "1" * 12, "1" * 11),
    ("destinationOwner", "1" * 12, "1" * 13),
    ("name", "x", ""),
    ("name", "x" * 64, "x" * 65),
    ("sseKmsKeyId", "k", ""),
    ("sseKmsKeyId", "k" * 2048, "k" * 2049),
    ("sseKmsKeyId", "!", " "),
    ("sseKmsKeyId", "~", "\x7f"),
]


@pytest.mark.parametrize(("name", "last", "first_wrong"), LIMITS)
def test_a_value_may_be_as_large_or_as_small_as_its_limit_and_no_further(
    name: str, last: Any, first_wrong: Any
) -> None:
    beside = {"serverSideEncryption": "aws:kms"} if name == "sseKmsKeyId" else {}

    assert getattr(options(**beside, **{name: last}), name) == last
    assert problem(**beside, **{name: first_wrong}).startswith(f'"{name}" is ')


@pytest.mark.parametrize("name", ["maxConcurrency", "maxDelete", "minSize"])
def test_a_number_of_things_is_a_whole_one(name: str) -> None:
    assert getattr(options(**{name: 2}), name) == 2
    assert problem(**{name: 2.0}).startswith(f'"{name}" is 2.0; expected a ')


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("overwrite", (True, False, "newer")),
        ("compareMetadata", (True, False, "all")),
        ("unprovable", ("copy", "keep")),
        ("objectLock", ("none", "copy")),
        ("annotations", ("none", "copy")),
        ("acl", ("bucket-owner-full-control",)),
        ("serverSideEncryption", ("AES256", "aws:kms", "aws:kms:dsse")),
    ],
)
def test_each_word_of_an_option_is_taken_and_no_other(name: str, values: tuple[Any, ...]) -> None:
    assert [getattr(options(**{name: value}), name) for value in values] == list(values)
    for value in ("", "x", None, 1, ["copy"], {}):
        assert problem(**{name: value}).startswith(f'"{name}" is {json.dumps(value)}; expected ')


@pytest.mark.parametrize(("number", "end"), [(9, ""), (10, ""), (11, "; and 1 more")])
def test_problems_are_counted_from_the_eleventh_on(number: int, end: str) -> None:
    wrong = {f"{letter}\n": 1 for letter in "abcdefghijk"[:number]}
    said = problem(**wrong)

    assert said.count(" is not an option ") == min(number, 10)
    assert said.endswith(f"known are {KNOWN}){end}")


def test_an_input_may_be_nested_64_levels_deep() -> None:
    """The input itself is the first of them."""
    assert options(Comment=nested(62)) == options()
    assert problem(Comment=nested(63)).startswith("the input is nested more than 64 levels deep")


@given(st.text(), st.text(), st.text())
def test_prefixes_overlap_exactly_if_a_key_can_be_under_both(one: str, other: str, rest: str) -> None:
    longer = max(one, other, key=len) + rest
    assert overlap(one, other) == (longer.startswith(one) and longer.startswith(other))
    assert overlap(one, other) == overlap(other, one)


@pytest.mark.parametrize("remark", ["what this is for", None, {"any": ["thing"]}])
def test_what_step_functions_and_its_users_put_into_an_input_is_let_through(remark: Any) -> None:
    added = {
        "Comment": remark,
        "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:aws:states:eu-west-1:1:execution:a:b",
    }

    assert options(**added) == options()


@pytest.mark.parametrize("given_with", [{}, {"serverSideEncryption": "AES256"}])
def test_a_key_of_kms_without_a_word_for_kms_is_refused(given_with: dict[str, Any]) -> None:
    assert problem(sseKmsKeyId="key", **given_with) == (
        '"sseKmsKeyId" names a key of KMS; expected "serverSideEncryption": "aws:kms" or "aws:kms:dsse" beside it'
    )


@pytest.mark.parametrize("word", ["aws:kms", "aws:kms:dsse"])
def test_a_key_of_kms_goes_with_each_word_for_kms_and_either_word_without_a_key(word: str) -> None:
    assert options(serverSideEncryption=word, sseKmsKeyId="alias/mine").sseKmsKeyId == "alias/mine"
    assert options(serverSideEncryption=word).sseKmsKeyId is None


def test_tags_that_are_compared_and_never_copied_are_refused() -> None:
    assert problem(compareTags=True, copyTags=False) == (
        '"compareTags" is true and "copyTags" is false, so tags that differ would stay so; expected one of the two alone'
    )
    assert options(copyTags=False).copyTags is False


NO_CONTRADICTIONS: list[dict[str, Any]] = [
    {"verify": True},
    {"dryRun": True},
    {"verify": False, "dryRun": True},
    {"verify": True, "dryRun": False},
    {"compareTags": True},
    {"copyTags": False},
    {"compareTags": True, "copyTags": True},
    {"compareTags": False, "copyTags": False},
    {"minSize": 1},
    {"maxSize": 0},
    {"modifiedAfter": "2026-11-28T14:00:00Z"},
    {"modifiedBefore": "2026-11-28T14:00:00Z"},
    {"serverSideEncryption": "AES256"},
    {"prefix": "a/", "destinationPrefix": "a/"},
    {"include": ["*"]},
    {"source": "one", "destination": "one", "prefix": "a/", "destinationPrefix": "b/"},
]


@pytest.mark.parametrize("data", NO_CONTRADICTIONS, ids=str)
def test_half_of_a_contradiction_is_none(data: dict[str, Any]) -> None:
    found = options(**data)

    assert {name: getattr(found, name) for name in data} == {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }


def test_all_contradictions_are_said_at_once() -> None:
    data = {
        "source": "one",
        "destination": "one",
        "sseKmsKeyId": "key",
        "compareTags": True,
        "copyTags": False,
        "minSize": 2,
        "maxSize": 1,
        "modifiedAfter": "2026-11-28T14:00:00Z",
        "modifiedBefore": "2026-11-28T16:00:00+02:00",
    }

    assert refusal(data).count("; expected ") == 5


def test_only_an_encryption_that_is_asked_for_has_a_warning() -> None:
    assert option_warnings(options()) == []
    assert option_warnings(options(serverSideEncryption="AES256")) == [
        "serverSideEncryption holds for what is copied; what is already equal at the destination is not copied again for it "
        "and stays encrypted as it is."
    ]


KEYS = st.text(max_size=20)
GLOBS = st.lists(st.text(min_size=1, max_size=8), max_size=4)
MOMENTS = st.datetimes(
    max_value=datetime(9999, 1, 1), timezones=st.just(timezone(timedelta(hours=5, minutes=30)))
)
BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True)
INPUTS = st.fixed_dictionaries(
    {"source": BUCKETS.map(lambda name: f"s{name}"), "destination": BUCKETS.map(lambda name: f"d{name}")},
    optional={
        "prefix": KEYS,
        "destinationPrefix": KEYS,
        "startAfter": KEYS,
        "include": GLOBS,
        "exclude": GLOBS.filter(lambda globs: all(glob.strip("*") for glob in globs)),
        "minSize": st.integers(0, 10**12),
        "maxSize": st.integers(10**12),
        "modifiedAfter": MOMENTS.map(lambda found: found.isoformat()),
        "modifiedBefore": st.sampled_from(["9999-12-31T23:59:59Z", "9999-12-31t23:59:59.9+02:00"]),
        "storageClasses": st.lists(st.sampled_from(LISTED_CLASSES)),
        "overwrite": st.booleans() | st.just("newer"),
        "delete": st.booleans(),
        "maxDelete": st.integers(0, 10**12) | st.integers(0, 100).map(lambda share: f"{share}%"),
        "allowEmptySource": st.booleans(),
        "dryRun": st.booleans(),
        "compareMetadata": st.booleans() | st.just("all"),
        "acl": st.just("bucket-owner-full-control"),
        "serverSideEncryption": st.sampled_from(["AES256", *KMS_WORDS]),
        "unprovable": st.sampled_from(["copy", "keep"]),
        "storageClass": st.sampled_from(["source", *STORAGE_CLASSES]),
        "requestPayer": st.booleans(),
        "maxConcurrency": st.integers(1, 10_000),
        "sourceOwner": st.from_regex(r"[0-9]{12}", fullmatch=True),
        "destinationOwner": st.from_regex(r"[0-9]{12}", fullmatch=True),
        "name": st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    },
).flatmap(
    lambda data: st.sampled_from(
        [{}, {"compareTags": True}, {"compareTags": False, "copyTags": False}, {"copyTags": True}]
    ).map(lambda tags: {**data, **tags})
)


@given(INPUTS)
def test_options_come_back_from_json_as_they_went(data: dict[str, Any]) -> None:
    parsed = parse(data, DEFAULTS)

    assert Options.from_json(json.loads(json.dumps(parsed.to_json()))) == parsed
    assert parse(
        {name: value for name, value in parsed.to_json().items() if value is not None}, DEFAULTS
    ) == parse({**data, "destinationPrefix": parsed.destinationPrefix}, DEFAULTS)


@given(INPUTS)
def test_what_the_input_says_is_what_the_options_say(data: dict[str, Any]) -> None:
    said = parse(data, DEFAULTS).to_json()

    assert {name: said[name] for name in data} == data


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
JSON_VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=5), PLAIN, max_size=3)


@given(JSON_VALUES | st.dictionaries(st.sampled_from([*NAMES, "x"]), JSON_VALUES, max_size=6))
def test_whatever_the_input_is_there_are_options_or_one_sentence(data: Any) -> None:
    try:
        parse(data, DEFAULTS)
    except Refused as refused:
        assert refused.error == "InvalidInput"
        assert refused.cause.endswith(END)


SHARES = (
    st.integers(0, 100).map(str)
    | st.decimals(0, 100, places=2).map(str)
    | st.decimals(0, 1, places=4).map(str)
)


@pytest.mark.parametrize(
    ("max_delete", "destination_objects", "most"),
    [
        (None, 10, None),
        (0, 10, 0),
        (7, 0, 7),
        ("10%", 0, 0),
        ("10%", 9, 0),
        ("10%", 10, 1),
        ("10%", 19, 1),
        ("0.1%", 1000, 1),
        ("100%", 10**12, 10**12),
        ("33.3%", 1000, 333),
        ("0.57%", 10_000, 57),
        ("1.1%", 1_000_000, 11_000),
    ],
)
def test_max_delete_is_a_number_or_a_share_rounded_down(
    max_delete: int | str | None, destination_objects: int, most: int | None
) -> None:
    assert max_deletes(max_delete, destination_objects) == most


@given(SHARES, st.integers(0, 10**12))
def test_a_share_is_exact_however_many_objects_there_are(share: str, destination_objects: int) -> None:
    assert max_deletes(f"{share}%", destination_objects) == math.floor(
        Fraction(share) * destination_objects / 100
    )


@given(st.integers(0, 100), st.integers(0, 10**12))
def test_a_share_never_allows_more_than_it_says(share: int, destination_objects: int) -> None:
    most = max_deletes(f"{share}%", destination_objects)

    assert most is not None
    assert most * 100 <= share * destination_objects < (most + 1) * 100
