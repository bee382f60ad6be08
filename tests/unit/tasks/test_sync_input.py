"""What `fab sync` starts an execution with: flags, addresses and JSON; judged before it starts, in the words of who asked."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from deployment.command_line.sync_flags import FLAGS, Kind
from deployment.errors import ConfigurationError
from deployment.tasks.runs.sync_input import read
from lambda_functions.shared import options
from lambda_functions.shared.filter_rules import LISTED_CLASSES

AGAIN = " Nothing was changed. Start again with, for example, `fab sync my-source-bucket my-destination-bucket --dry-run`."


def refusal(typed: dict[str, Any], file: str | None = None, stdin: str = "") -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(typed, file, io.StringIO(stdin))
    return str(caught.value)


# Addresses


@pytest.mark.parametrize(
    "source, destination, expected",
    [
        ("abc", "abd", {}),
        ("s3://abc", "s3://abd/", {}),
        ("abc/", "abd", {}),
        ("abc/photos", "abd/photos", {"prefix": "photos/", "destinationPrefix": "photos/"}),
        ("s3://abc/a/b/", "S3://abd/c", {"prefix": "a/b/", "destinationPrefix": "c/"}),
        ("abc", "abd/backup", {"destinationPrefix": "backup/"}),
    ],
)
def test_an_address_is_a_bucket_and_a_folder(source: str, destination: str, expected: dict[str, str]) -> None:
    found = read({"source": source, "destination": destination})

    assert found == {"source": "abc", "destination": "abd", **expected}


@pytest.mark.parametrize("destination", ["abd", "abd/", "s3://abd"])
def test_a_folder_for_the_source_alone_is_not_guessed_at(destination: str) -> None:
    assert refusal({"source": "abc/photos", "destination": destination}) == (
        "The source has the prefix photos/ and the destination has none. Write abd/photos/ for the same prefix there, or add "
        "--destination-prefix= to make the whole bucket abd equal to it."
    )


@pytest.mark.parametrize(
    "address",
    [
        "./abc",
        "../abc",
        "/abc",
        "~/abc",
        "s3:/abc",
        "gs://abc",
        "https://abc.s3.amazonaws.com/x",
        "s3:///abc",
    ],
)
def test_what_is_no_address_is_shown_whole_and_never_taken_for_a_bucket_and_its_folder(address: str) -> None:
    for side, other in (("source", "destination"), ("destination", "source")):
        assert refusal({side: address, other: "abd"}).startswith(
            f'--{side} is "{address}"; expected the name of a general-purpose bucket, such as "my-bucket".'
        )


def test_a_star_in_an_address_is_no_pattern() -> None:
    advice = (
        "; an address has no patterns. For the keys under a folder write the folder, such as abc/photos/, for a pattern "
        "--include, and for a key with a * in it --prefix."
    )
    assert refusal({"source": "abc/*", "destination": "abd"}) == f'--source is "abc/*"{advice}'
    assert refusal({"source": "abd", "destination": "s3://abc/a/*.jpg"}) == (
        f'--destination is "s3://abc/a/*.jpg"{advice}'
    )
    assert read({"source": "abc", "destination": "abd", "prefix": "*/"})["prefix"] == "*/"


def test_a_prefix_that_is_said_stands_for_the_one_that_is_not() -> None:
    whole = read({"source": "abc/photos", "destination": "abd", "destinationPrefix": ""})
    assert whole == {"source": "abc", "destination": "abd", "prefix": "photos/", "destinationPrefix": ""}


def test_an_address_and_a_prefix_must_agree() -> None:
    typed = {"source": "abc/photos", "destination": "abd/x", "prefix": "films/"}
    assert refusal(typed) == (
        '--source is "abc/photos" and --prefix is "films/"; expected one prefix. Write --source abc, or leave --prefix out.'
    )


# Flags, judged by the judge of the input


LIMIT = 'expected a number of objects, such as 1000, or a share of the destination, such as "10%".'
RESTORE = 'expected days, from 1 to 365, and tier, one of "Bulk", "Standard", "Expedited", such as --restore days=7,tier=Bulk'
EVERYTHING = '--exclude is "*"; "*" matches every key, and excluded wins; '


@pytest.mark.parametrize(
    "typed, sentence",
    [
        ({"maxDelete": "ten"}, f'--max-delete is "ten"; {LIMIT}'),
        ({"maxDelete": "9" * 5000}, f'--max-delete is "{"9" * 76}...; {LIMIT}'),
        (
            {"sourceOwner": "12"},
            '--source-owner is "12"; expected the 12 digits of an AWS account, such as "111122223333".',
        ),
        (
            {"exclude": ["*"]},
            f"{EVERYTHING}expected patterns of what is to be left alone, such as --exclude '*.log' --exclude 'tmp/*'.",
        ),
        (
            {"exclude": ["*"], "include": ["*.a"]},
            f"{EVERYTHING}--include alone is enough, because only what it matches is in scope: leave --exclude out.",
        ),
        (
            {"compareTags": True, "copyTags": False},
            "--compare-tags is given and --no-copy-tags is given, so tags that differ would stay so; "
            "expected one of the two alone.",
        ),
        (
            {"sseKmsKeyId": "x"},
            "--sse-kms-key-id names a key of KMS; expected --server-side-encryption aws:kms or "
            '"aws:kms:dsse" beside it.',
        ),
        ({"sseKmsKeyId": ""}, '--sse-kms-key-id is ""; expected the ARN or id of a key of KMS.'),
        (
            {"source": "arn:aws:s3:::abc/x y"},
            '--source is "arn:aws:s3:::abc/x y"; expected only the bucket\'s name, "abc", and '
            "--prefix 'x y' for what is under it.",
        ),
        (
            {"destination": ""},
            '--destination is ""; expected the name of a general-purpose bucket, such as "my-bucket".',
        ),
        ({"restore": "7"}, f'--restore is "7"; {RESTORE}.'),
        ({"restore": {"days": 400, "tier": "Bulk"}}, f"--restore is days=400,tier=Bulk; {RESTORE}."),
        ({"objectLock": "yes"}, '--object-lock is "yes"; expected one of "none", "copy".'),
        ({"minSize": "1 MB"}, '--min-size is "1 MB"; expected a whole number of bytes, such as 1048576.'),
        (
            {"minSize": 3, "maxSize": 2},
            "--min-size is 3 and --max-size is 2, so no object has a size between; expected --min-size to be the smaller one.",
        ),
        (
            {"modifiedAfter": "2026-11-28T14:00:00Z", "modifiedBefore": "2026-11-28T14:00:00Z"},
            '--modified-after is "2026-11-28T14:00:00Z" and --modified-before is "2026-11-28T14:00:00Z", so no object was '
            "modified between; expected --modified-after to be the earlier one.",
        ),
        (
            {"storageClasses": ["STANDARD", "COLD"]},
            f'--storage-classes is "STANDARD" "COLD"; "COLD" is not a storage class that S3 lists; expected a list of some of '
            f"{', '.join(LISTED_CLASSES)}.",
        ),
        ({"overwrite": "always"}, '--overwrite is "always"; expected true, false or "newer".'),
        ({"unprovable": "Keep"}, '--unprovable is "Keep"; expected one of "copy", "keep".'),
    ],
)
def test_what_is_wrong_with_a_flag_is_said_of_the_flag(typed: dict[str, Any], sentence: str) -> None:
    assert refusal({"source": "abc", "destination": "abd", **typed}) == sentence + AGAIN


def test_what_is_missing_is_named_together() -> None:
    assert refusal({}) == f"--source is missing; --destination is missing.{AGAIN}"


@pytest.mark.parametrize(
    "flag", [flag for flag in FLAGS if flag.kind is not Kind.SWITCH], ids=lambda flag: flag.option
)
def test_every_flag_is_judged_as_the_option_is(flag: Any) -> None:
    wrong: Any = [""] if flag.kind in (Kind.PATTERNS, Kind.WORDS) else "x" * 3000
    typed = {"source": "abc", "destination": "abd", flag.option: wrong}
    problems = options.find_problems(typed, {})
    assert len(problems) == 1
    assert refusal(typed).startswith(f"{flag.typed} is ")


# A file of JSON


def test_a_file_and_flags_go_together_and_flags_win(tmp_path: Path) -> None:
    file = tmp_path / "nightly.json"
    file.write_bytes(
        b'\xef\xbb\xbf{"source": "abc", "destination": "abd", "dryRun": false, "Comment": "nightly"}'
    )

    found = read({"dryRun": True}, str(file))

    assert found == {"source": "abc", "destination": "abd", "dryRun": True, "Comment": "nightly"}


def test_standard_input_is_a_file_too() -> None:
    given = {"source": "abc", "destination": "abd", "exclude": ["*.tmp"]}
    assert read({}, "-", io.StringIO(json.dumps(given))) == given
    assert read({}, "-", io.StringIO("\ufeff" + json.dumps(given))) == given, "as PowerShell writes it"


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "--input -: this is empty. Expected, for example, {"),
        ("\ufeff \n", "--input -: this is empty. Expected, for example, {"),
        ("{", "--input -: this is not JSON: Expecting property name"),
        ('{"maxSize": ' + "9" * 5000 + "}", "--input -: this is not JSON: it has a number of 5,000 digits. "),
        (
            '{"source": "s3:///x", "destination": "abd"}',
            '"source" is "s3:///x"; expected the name of a general-purpose',
        ),
        ('{"source": "abc", "source": "abd"}', '--input -: this is not JSON: "source" appears twice. '),
        ("[1]", "--input -: the input is [1]; expected an object"),
        ("[" * 100_000, "--input -: this is nested too deeply"),
        (
            '{"source": "s3://abc/x", "destination": "abd"}',
            '"source" is "s3://abc/x"; expected only the bucket\'s name, "abc", and "prefix": "x" for what is',
        ),
        (
            '{"source": "abc", "destination": "abd", "dry": true}',
            '"dry" is not an option (did you mean "dryRun"?).',
        ),
        ('{"source": "abc", "destination": "abd", "maxDelete": "ten"}', '"maxDelete" is "ten"; expected '),
        (
            '{"source": "abc", "destination": "abd", "maxCostUsd": 0}',
            '"maxCostUsd" is 0; expected an amount of US dollars, such as 20 or 0.5.',
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_its_own_words(text: str, sentence: str) -> None:
    assert refusal({}, "-", text).startswith(sentence)


def test_the_example_is_in_the_form_of_what_was_given() -> None:
    assert refusal({}, "-", "{}").endswith(
        '"source" is missing; "destination" is missing. Nothing was changed. Start again with, for example, '
        '{"source": "my-source-bucket", "destination": "my-destination-bucket", "dryRun": true}.'
    )
    assert refusal({"dryRun": True}, "-", "{}").endswith(AGAIN)


def test_flags_beside_a_file_are_flags_and_the_rest_is_json() -> None:
    file = '{"source": "abc", "destination": "abd", "acl": "x"}'
    sentence = refusal({"maxDelete": "ten"}, "-", file)
    assert '--max-delete is "ten"' in sentence and '"acl" is "x"' in sentence


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing, odd = tmp_path / "no.json", tmp_path / "odd.json"
    odd.write_bytes(b'{"a": "\xff"}')
    assert (
        refusal({}, str(missing)) == f"--input {missing}: the file cannot be read: No such file or directory"
    )
    assert refusal({}, str(tmp_path)) == f"--input {tmp_path}: the file cannot be read: Is a directory"
    assert refusal({}, str(odd)).startswith(
        f"--input {odd}: this is not UTF-8 (byte 8: invalid start byte). Save it as UTF-8."
    )
