"""The example of a Lambda and a state machine of one's own, offline: its check, its counting in turns, its example of a role."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import own_machine_page as page
import pytest
import yaml
from moto import mock_aws

from benchmarks.deployed import copy_sources
from deployment.checks import check
from deployment.project import states_language
from deployment.project.settings import Settings

SETTINGS = Settings(source_buckets=("photos",), destination_buckets=("photos-copy",))
KEYS = {f"2026/{number:05}.jpg": number for number in range(25)}
PAGE = 20
ODD = {"2026/a b+c%/ü&.jpg": 3, "2026/\x01\x7f": 4, "2026/￿𝒜": 5}
OUTSIDE = {"2025/9": 100, "2026": 100, "2027/0": 100}


@dataclass(frozen=True)
class Context:
    """Lambda's context, as far as the example looks at it."""

    remaining_milliseconds: int

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_milliseconds


PLENTY, LITTLE = Context(300_000), Context(100_000)


@pytest.fixture
def handler() -> Any:
    module = types.ModuleType("count_objects")
    exec(compile(page.blocks("python")[0], str(page.LAMBDA), "exec"), module.__dict__)
    return module.handler


@pytest.fixture(scope="module")
def photos() -> Iterator[None]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(PAGE))
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="photos")
        for key, size in {**KEYS, **ODD, **OUTSIDE}.items():
            client.put_object(Bucket="photos", Key=key, Body=bytes(size))
        yield


def test_the_settings_are_those_of_the_page() -> None:
    configured: dict[str, Any] = {}
    exec(page.SETTINGS, configured)
    assert (configured["SOURCE_BUCKETS"], configured["DESTINATION_BUCKETS"]) == (["photos"], ["photos-copy"])
    assert all(f"`{line}`" in page.text() for line in page.SETTINGS.splitlines())


def test_a_check_finds_and_notes_nothing_as_the_page_says(tmp_path: Path) -> None:
    page.write_files(copy_sources(tmp_path))
    (screen,) = [one for one in page.screens() if one.command == "fab check"]
    assert check.report_text(check.check(tmp_path, SETTINGS)) + "\n" == screen.output


@pytest.mark.usefixtures("photos")
def test_one_turn_counts_what_is_under_the_prefix_and_nothing_else(handler: Any) -> None:
    counted = handler({"bucket": "photos", "prefix": "2026/"}, PLENTY)
    assert counted == {
        "bucket": "photos",
        "prefix": "2026/",
        "objects": len(KEYS) + len(ODD),
        "bytes": sum(KEYS.values()) + sum(ODD.values()),
        "after": max([*KEYS, *ODD], key=str.encode),
        "done": True,
    }
    everything = {**KEYS, **ODD, **OUTSIDE}
    whole = handler({"bucket": "photos"}, PLENTY)
    assert (whole["objects"], whole["bytes"]) == (len(everything), sum(everything.values()))


@pytest.mark.usefixtures("photos")
def test_turns_of_a_page_each_count_every_object_once(handler: Any) -> None:
    first = handler({"bucket": "photos", "prefix": "2026/"}, LITTLE)
    assert (first["objects"], first["done"]) == (PAGE, False)
    assert handler(first, LITTLE) == handler({"bucket": "photos", "prefix": "2026/"}, PLENTY)


@pytest.mark.usefixtures("photos")
def test_nothing_under_a_prefix_is_an_answer_too(handler: Any) -> None:
    counted = handler({"bucket": "photos", "prefix": "1999/"}, LITTLE)
    assert (counted["objects"], counted["bytes"], counted["done"]) == (0, 0, True)


def test_the_machine_calls_the_lambda_until_it_is_done(tmp_path: Path) -> None:
    (tmp_path / page.MACHINE.name).write_text(page.blocks("yaml")[0], encoding="utf-8")
    found = states_language.read(tmp_path / page.MACHINE.name).definition["States"]
    (rule,) = found[found["Count"]["Next"]]["Choices"]
    assert (rule["Variable"], rule["BooleanEquals"], found[rule["Next"]]["Type"]) == (
        "$.done",
        True,
        "Succeed",
    )
    assert found[found["Count"]["Next"]]["Default"] == "Count"


def test_the_page_shows_both_files_and_one_statement() -> None:
    assert [len(page.blocks(kind)) for kind in ("python", "yaml", "diff")] == [1, 2, 1]
    assert [statement["Sid"] for statement in yaml.safe_load(page.blocks("yaml")[1])] == ["ListTheBucket"]


@pytest.mark.parametrize(
    ("shown", "printed", "is_so"),
    [
        ("a\n...\nb\n", "a\nb\n", True),
        ("a\n...\nb\n", "a\nx\ny\nb\n", True),
        ("a\nb\n", "a\nx\nb\n", False),
        ("...\nb\n", "b\nc\n", False),
        ("in-20261128-183103 b\n", "in-20270101-000000 b   \n", True),
        ("in-20261128-183103 b\n", "in-20270101-00000 b\n", False),
        ("SUCCEEDED, after 0.4 s\n", "SUCCEEDED, after 12.5 s\n", True),
        ("SUCCEEDED, after 0.4 s\n", "FAILED, after 0.4 s\n", False),
    ],
)
def test_screens_are_compared_but_for_what_changes(shown: str, printed: str, is_so: bool) -> None:
    assert page.Screen("fab", shown).shows(printed) is is_so
