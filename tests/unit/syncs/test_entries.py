"""SYNCS, judged as the input of an execution is, with the line of every mistake."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import PROJECT, ConfigurationElsewhere

import fabfile_config_template
from deployment.errors import ConfigurationError
from deployment.project import settings
from deployment.project.settings import Settings, from_module
from deployment.syncs.entries import Sync, origins
from lambda_functions.shared.options import NAMES, find_problems, max_deletes

A_NAME = "expected 1 to 64 letters from A to Z, digits, underscores and hyphens, as the name of a sync"
AN_INPUT = (
    "expected the input of an execution, such as "
    '{"source": "my-source-bucket", "destination": "my-destination-bucket"}'
)
EXAMPLE = '{"photos": {"source": "my-source-bucket", "destination": "my-destination-bucket"}}'
MANY = 40
KNOWN = ", ".join([*(name for name in NAMES if name != "name"), "schedule", "timezone"])


def settings_of(**names: object) -> Settings:
    module = ModuleType("fabfile_config")
    vars(module).update(names)
    return from_module(module, {})


def mistakes(**names: object) -> list[str]:
    """The report without its first and last line, and without the file."""
    with pytest.raises(ConfigurationError) as caught:
        settings_of(**names)
    return [line.strip().removeprefix("fabfile_config.py: ") for line in str(caught.value).splitlines()[1:-1]]


def of_entry(**entry: Any) -> list[str]:
    """What is wrong with one entry, without its name."""
    found = mistakes(SYNCS={"photos": {"source": "from", "destination": "into", **entry}})
    assert all(line.startswith("SYNCS['photos']: ") for line in found)
    return [line.removeprefix("SYNCS['photos']: ") for line in found]


@pytest.fixture
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "meta_path", [ConfigurationElsewhere, *sys.meta_path])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fabfile_config", raising=False)
    return tmp_path


def test_an_entry_is_the_input_of_its_executions_with_its_name_and_its_schedule_beside() -> None:
    photos = {"source": "from", "destination": "into", "exclude": ("*.tmp",), "dryRun": True}
    scheduled = {**photos, "schedule": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin"}
    found = settings_of(SYNCS={"photos": photos, "Nightly_2-x": scheduled}).syncs
    given_input = {**photos, "exclude": ["*.tmp"]}
    assert found == (
        Sync("photos", {**given_input, "name": "photos"}, None, "UTC"),
        Sync("Nightly_2-x", {**given_input, "name": "Nightly_2-x"}, "cron(0 3 * * ? *)", "Europe/Berlin"),
    )
    assert [find_problems(dict(sync.input), {}) for sync in found] == [[], []]


@pytest.mark.parametrize("value", [["photos"], "photos", None, 7, ({},)])
def test_syncs_are_a_mapping(value: object) -> None:
    assert mistakes(SYNCS=value) == [f"SYNCS is {value!r}: expected names and their syncs, such as {EXAMPLE}"]


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b", "ä", "x" * 65, "photos\n", 7, None, ("a",)])
def test_a_name_is_made_of_few_characters(name: object) -> None:
    assert mistakes(SYNCS={name: {"source": "from"}}) == [
        f"SYNCS[{name!r}] is {{'source': 'from'}}: {A_NAME}".replace("\n", "\\n")
    ]


@pytest.mark.parametrize("entry", ["from -> into", None, [], {7: "from"}])
def test_an_entry_is_a_mapping_of_options(entry: object) -> None:
    assert mistakes(SYNCS={"photos": entry}) == [f"SYNCS['photos'] is {entry!r}: {AN_INPUT}"]


@pytest.mark.parametrize(
    "entry, sentences",
    [
        (
            {"source": "s3://from/"},
            [
                '"source" is \'s3://from/\'; expected only the bucket\'s name, "from"',
            ],
        ),
        ({"source": "from/photos/"}, [
            '"source" is \'from/photos/\'; expected only the bucket\'s name, "from", and "prefix": \'photos/\' '
            "for what is under it",
        ]),
        ({"destination": "s3://into/a b"}, [
            '"destination" is \'s3://into/a b\'; expected only the bucket\'s name, "into", and "destinationPrefix": \'a b\' '
            "for what is under it",
        ]),
        ({"destination": "into/"}, ['"destination" is \'into/\'; expected only the bucket\'s name, "into"']),
        ({"notify": True}, [f'"notify" is not an option (known are {KNOWN})']),
        ({"nam": "x"}, [f'"nam" is not an option (known are {KNOWN})']),
        ({"MAXDELETE": 7}, ['"MAXDELETE" is not an option (did you mean "maxDelete"?)']),
        ({"prefx": "a/", "delete": "no"}, [
            '"prefx" is not an option (did you mean "prefix"?)',
            '"delete" is \'no\'; expected True or False',
        ]),
        ({"delete": "no"}, ['"delete" is \'no\'; expected True or False']),
        ({"compareMetadata": 1}, ['"compareMetadata" is 1; expected True, False or "all"']),
        ({"sourceOwner": 111122223333}, [
            '"sourceOwner" is 111122223333; expected the 12 digits of an AWS account in quotes, such as "111122223333"',
        ]),
        ({"prefx": "a/"}, ['"prefx" is not an option (did you mean "prefix"?)']),
        ({"shedule": "rate(1 day)"}, ['"shedule" is not an option (did you mean "schedule"?)']),
        ({"timeZone": "UTC"}, ['"timeZone" is not an option (did you mean "timezone"?)']),
        ({"name": "x"}, ['"name" is \'x\'; the name of a sync stands before its entry; leave it out']),
        ({"plan": "x"}, ['"plan" is \'x\'; a plan is good for one execution; leave it out']),
        ({"destination": "from"}, [
            'source and destination are the same bucket, "from", and their prefixes overlap ("" and ""); expected two buckets, '
            "or prefixes of which neither begins the other",
        ]),
        ({"exclude": {"*.tmp"}}, [
            "it has a value that JSON does not know; expected texts, numbers, True, False and lists of texts",
        ]),
        ({"schedule": "every day"}, [
            '"schedule" is \'every day\'; expected "cron(0 3 * * ? *)", "rate(6 hours)" or "at(2026-12-31T23:00:00)"',
        ]),
        ({"schedule": "cron(99 3 * * ? *)"}, [
            '"schedule" is \'cron(99 3 * * ? *)\'; the minute is "99"; expected 0 to 59',
        ]),
        ({"schedule": "cron(0 3 31 2 ? *)"}, [
            '"schedule" is \'cron(0 3 31 2 ? *)\'; there is no such day in any of its months and years; expected one that comes',
        ]),
        ({"timezone": "Europe/Berlin"}, [
            '"timezone" stands without "schedule"; expected both, or none of them',
        ]),
        ({"schedule": "rate(1 day)", "timezone": "Europe/Berln"}, [
            '"timezone" is \'Europe/Berln\'; expected the name of a time zone, such as "Europe/Berlin" or "UTC". '
            'Did you mean "Europe/Berlin"?',
        ]),
        ({"prefix": 7, "maxDelete": -1, "schedule": "rate(1 days)"}, [
            '"prefix" is 7; expected text',
            '"maxDelete" is -1; expected a number of objects, such as 1000, or a share of the destination, such as "10%"',
            '"schedule" is \'rate(1 days)\'; expected "rate(1 day)": AWS takes day for 1, and days for more',
        ]),
    ],
)  # fmt: skip
def test_everything_that_is_wrong_with_an_entry_is_said(entry: dict[str, Any], sentences: list[str]) -> None:
    assert of_entry(**entry) == sentences


def test_every_mistake_has_the_line_of_what_is_wrong(config_folder: Path) -> None:
    (config_folder / "fabfile_config.py").write_text(
        "SYNCS = {\n"
        '    "photos": {\n'
        '        "source": "from",\n'
        '        "destination": "into",\n'
        '        "prefix": 7,\n'
        '        "schedule": "rate(1 days)",\n'
        "    },\n"
        '    "films": {"source": "from"},\n'
        '    "a b": {},\n'
        "}\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        settings.load({})
    assert str(caught.value).splitlines()[1:-1] == [
        "  fabfile_config.py:5: SYNCS['photos']: \"prefix\" is 7; expected text",
        "  fabfile_config.py:6: SYNCS['photos']: \"schedule\" is 'rate(1 days)'; "
        'expected "rate(1 day)": AWS takes day for 1, and days for more',
        "  fabfile_config.py:8: SYNCS['films']: \"destination\" is missing",
        f"  fabfile_config.py:9: SYNCS['a b'] is {{}}: {A_NAME}",
    ]
    assert settings.examine({}).wrong == {"SYNCS"}


def test_many_syncs_are_taken_in_their_order() -> None:
    names = [f"sync-{number}" for number in range(MANY)]
    found = settings_of(SYNCS={name: {"source": "from", "destination": f"into-{name}"} for name in names})
    assert [sync.name for sync in found.syncs] == names


JSONABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.dictionaries(st.sampled_from(["source", "prefix", "delete", "schedule", "timezone", "nme"]), JSONABLE)
)
def test_what_is_taken_is_never_an_invalid_input(entry: dict[str, Any]) -> None:
    try:
        (sync,) = settings_of(SYNCS={"photos": {"source": "from", "destination": "into", **entry}}).syncs
    except ConfigurationError as error:
        assert error.problems
    else:
        assert find_problems(dict(sync.input), {}) == []


# Where the options of an execution come from


LIMITED = Sync("photos", {"source": "from", "destination": "into", "maxDelete": "10%", "name": "photos"})
OF_SYNCS = "\"maxDelete\" of SYNCS['photos']"
OF_SETTING = "MAX_DELETE of fabfile_config.py"


@pytest.mark.parametrize(
    "given, origin",
    [
        (LIMITED.input, OF_SYNCS),
        ({**LIMITED.input, "dryRun": True}, OF_SYNCS),
        ({**LIMITED.input, "maxDelete": 7}, None),
        ({**LIMITED.input, "name": "films"}, None),
        ({"source": "from", "destination": "into", "maxDelete": "10%"}, None),
        ({"source": "from", "destination": "into"}, OF_SETTING),
        ({"plan": "machine/photos"}, None),
    ],
)
def test_a_limit_comes_from_the_entry_the_setting_or_a_flag(
    given: dict[str, Any], origin: str | None
) -> None:
    assert origins([LIMITED], given).get("maxDelete") == origin
    assert "name" not in origins([LIMITED], given)


# Buckets that come from SYNCS

BOTH = {
    "one": {"source": "from", "destination": "into"},
    "two": {"source": "from", "destination": "elsewhere"},
}


def test_the_buckets_may_be_those_of_the_syncs() -> None:
    found = settings_of(SOURCE_BUCKETS="syncs", DESTINATION_BUCKETS="syncs", SYNCS=BOTH)
    assert (found.source_buckets, found.destination_buckets) == (("from",), ("into", "elsewhere"))
    only = settings_of(DESTINATION_BUCKETS="syncs", SYNCS=BOTH)
    assert (only.source_buckets, only.destination_buckets) == ((), ("into", "elsewhere"))


@pytest.mark.parametrize("name", ["SOURCE_BUCKETS", "DESTINATION_BUCKETS"])
def test_no_sync_is_no_bucket_and_never_every_bucket(name: str) -> None:
    sentence = f"{name} is 'syncs': SYNCS names no sync; add one, or name the buckets (every bucket is [])"
    assert mistakes(**{name: "syncs"}) == mistakes(**{name: "syncs", "SYNCS": {}}) == [sentence]


def test_syncs_that_are_wrong_are_said_once() -> None:
    (problem,) = mistakes(SOURCE_BUCKETS="syncs", DESTINATION_BUCKETS="syncs", SYNCS={"photos": {}, **BOTH})[
        :1
    ]
    assert problem == "SYNCS['photos']: \"source\" is missing"
    assert len(mistakes(SOURCE_BUCKETS="syncs", SYNCS=7)) == 1


def test_no_example_refuses_the_first_sync_of_a_small_bucket() -> None:
    """Its limit allows deletes where the destination has few objects, as a share does not."""
    page = (PROJECT / "docs" / "syncs.md").read_text(encoding="utf-8")
    (in_docs,) = re.findall(r"^```python\n(SYNCS = \{\n.*?)```$", page, re.MULTILINE | re.DOTALL)
    in_template = Path(fabfile_config_template.__file__).read_text(encoding="utf-8")
    limits = [re.search(r'"maxDelete": (.+),', text) for text in (in_docs, in_template)]
    assert [limit and limit[1] for limit in limits] == ["1000", "1000"]
    assert max_deletes(1000, 2) == 1000 and max_deletes("10%", 2) == 0


def test_the_example_of_the_template_works_when_it_is_no_comment_any_more() -> None:
    text = Path(fabfile_config_template.__file__).read_text(encoding="utf-8")
    example = re.search(r"^# SYNCS = \{\n(?:#.*\n)*?# \}\n", text, re.MULTILINE)
    assert example
    namespace: dict[str, Any] = {}
    exec(re.sub("^# ", "", example[0], flags=re.MULTILINE), namespace)
    assert settings_of(SYNCS=namespace["SYNCS"]).syncs[0].schedule
