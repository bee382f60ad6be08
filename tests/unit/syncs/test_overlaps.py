"""Syncs of one configuration beside each other: which undo each other, and which only look so."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.errors import ConfigurationError
from deployment.project.settings import Settings, from_module
from deployment.syncs import overlaps
from deployment.syncs.entries import Sync

NIGHTLY = {"schedule": "cron(0 3 * * ? *)"}
KEEPS = {"delete": False}
TWO = "SYNCS['two']: it and SYNCS['one'] "
CIRCLE = f"{TWO}make a circle: each writes what the next one reads"


def entry(source: str, destination: str, **more: Any) -> dict[str, Any]:
    return {"source": source, "destination": destination, **more}


def settings_of(**syncs: dict[str, Any]) -> Settings:
    module = ModuleType("fabfile_config")
    vars(module).update(SYNCS=syncs)
    return from_module(module, {})


def mistakes(**syncs: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        settings_of(**syncs)
    return [line.strip().removeprefix("fabfile_config.py: ") for line in str(caught.value).splitlines()[1:-1]]


def notes(**syncs: dict[str, Any]) -> tuple[str, ...]:
    """The notes on a configuration without a mistake."""
    return overlaps.find(settings_of(**syncs).syncs).notes


def test_two_that_delete_in_the_same_bucket_are_refused_with_both_names() -> None:
    assert mistakes(one=entry("aaa", "into"), two=entry("bbb", "into")) == [
        f'{TWO}both write into the bucket "into", from different sources, and each deletes what the other copies; '
        'expected a "destinationPrefix" of its own for each, or "delete": False in both'
    ]


@pytest.mark.parametrize(
    "one, two, end",
    [
        ({}, KEEPS, "SYNCS['one'] deletes what it copies; expected destinations apart, or \"delete\": False in SYNCS['one']"),
        (KEEPS, {}, "it deletes what SYNCS['one'] copies; expected destinations apart, or \"delete\": False in SYNCS['two']"),
        ({"exclude": ["*.tmp"]}, {},
         "it deletes what SYNCS['one'] copies; expected destinations apart, or \"delete\": False in SYNCS['two']"),
        ({}, {"modifiedAfter": "2026-01-01T00:00:00Z"},
         "SYNCS['one'] deletes what it copies; expected destinations apart, or \"delete\": False in SYNCS['one']"),
    ],
)  # fmt: skip
def test_one_that_deletes_what_the_other_copies_is_enough(
    one: dict[str, Any], two: dict[str, Any], end: str
) -> None:
    (said,) = mistakes(one=entry("aaa", "into", **one), two=entry("bbb", "into", **two))
    assert said == f'{TWO}both write into the bucket "into", from different sources, and {end}'


def test_a_prefix_that_begins_the_other_is_the_same_part() -> None:
    said = mistakes(
        one=entry("aaa", "into"), two=entry("bbb", "into", destinationPrefix="photos/", delete=False)
    )
    assert said == [
        f'{TWO}both write into the bucket "into" under "photos/", from different sources, and SYNCS[\'one\'] deletes what it '
        'copies; expected destinations apart, or "exclude": ["photos/*"] in SYNCS[\'one\']'
    ]
    moved = mistakes(one=entry("aaa", "into", prefix="x/", destinationPrefix=""), two=entry("aaa", "into"))
    assert len(moved) == 1 and "each deletes" in moved[0]


@pytest.mark.parametrize(
    "one, two",
    [
        (entry("aaa", "into"), entry("aaa", "into", **NIGHTLY)),
        (entry("aaa", "into"), entry("aaa", "into", prefix="photos/", **NIGHTLY)),
        (entry("aaa", "into", prefix="a/", destinationPrefix=""), entry("aaa", "into", prefix="a/b/", destinationPrefix="b/")),
        (entry("aaa", "into", **KEEPS), entry("bbb", "into", **KEEPS)),
        (entry("aaa", "into", storageClasses=["STANDARD"]), entry("bbb", "into", **KEEPS)),
        (entry("aaa", "into", prefix="a/"), entry("bbb", "into", prefix="b/")),
        (entry("aaa", "into"), entry("bbb", "into-another")),
        (entry("aaa", "into"), entry("bbb", "into", dryRun=True)),
        (entry("aaa", "into", exclude=["photos/*"]), entry("bbb", "into", destinationPrefix="photos/")),
        (entry("bbb", "into", destinationPrefix="photos/2026/"), entry("aaa", "into", exclude=["*.tmp", "photos/*"])),
        (entry("aaa", "bbb"), entry("bbb", "ccc")),
    ],
)  # fmt: skip
def test_what_goes_together_is_neither_refused_nor_noted(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert notes(one=one, two=two) == ()


@pytest.mark.parametrize(
    "one, two",
    [
        ({"exclude": ["*.jpg"]}, {"include": ["*.jpg"]}),
        ({"exclude": ["pho?os/*"]}, {"destinationPrefix": "photos/", **KEEPS}),
        ({"maxSize": 10}, {"minSize": 11}),
        (KEEPS, {"destinationPrefix": "photos/"}),
    ],
)
def test_what_only_keys_can_tell_is_noted(one: dict[str, Any], two: dict[str, Any]) -> None:
    (note,) = notes(one=entry("aaa", "into", **one), two=entry("bbb", "into", **two))
    assert note.startswith(f'{TWO}both write into the bucket "into"') and "`fab sync NAME --dry-run`" in note


def test_many_into_one_bucket_are_a_line_each() -> None:
    said = mistakes(**{f"sync-{number}": entry(f"from-{number}", "into") for number in range(30)})
    assert len(said) == 29 and all("it and SYNCS['sync-0'] both" in line for line in said)


def test_a_circle_that_deletes_by_schedules_is_refused() -> None:
    assert mistakes(one=entry("aaa", "bbb", **NIGHTLY), two=entry("bbb", "aaa", **NIGHTLY)) == [
        f"{CIRCLE}, and all delete by a schedule, so what is new in one bucket is deleted before it is copied; expected "
        'one direction, or "delete": False in all of them'
    ]
    (three,) = mistakes(
        one=entry("aaa", "bbb", **NIGHTLY),
        two=entry("ccc", "aaa", prefix="x/", destinationPrefix="", **NIGHTLY),
        six=entry("bbb", "ccc", **NIGHTLY),
    )
    assert three.startswith("SYNCS['six']: it and SYNCS['one'], SYNCS['two'] make a circle")


@pytest.mark.parametrize(
    "one, two",
    [(NIGHTLY, {}), ({}, {}), ({**NIGHTLY, **KEEPS}, NIGHTLY), ({**NIGHTLY, "exclude": ["*.tmp"]}, NIGHTLY), (KEEPS, KEEPS)],
)  # fmt: skip
def test_the_way_back_from_a_copy_is_noted_only(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert notes(one=entry("aaa", "bbb", **one), two=entry("bbb", "aaa", **two)) == (
        f"{CIRCLE}, so a run of one may delete or overwrite what is new in a bucket before the next one has copied it.",
    )


def test_a_circle_in_which_nothing_is_lost_is_no_matter() -> None:
    merged = {**KEEPS, **NIGHTLY, "overwrite": "newer"}
    assert notes(one=entry("aaa", "bbb", **merged), two=entry("bbb", "aaa", **merged)) == ()
    apart = entry("bbb", "aaa", prefix="x/", destinationPrefix="y/", **NIGHTLY)
    assert notes(one=entry("aaa", "bbb", prefix="z/", **NIGHTLY), two=apart) == ()


NAMES = st.sampled_from(["aaa", "bbb", "ccc"])
PREFIXES = st.sampled_from(["", "a/", "a/b/"])
ENTRY = st.fixed_dictionaries(
    {"source": NAMES, "destination": NAMES},
    optional={"prefix": PREFIXES, "destinationPrefix": PREFIXES, "delete": st.booleans()},
)


@given(ENTRY, ENTRY)
def test_refused_are_two_only_if_one_deletes_keys_that_the_other_takes_from_elsewhere(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    syncs = [Sync("one", one), Sync("two", two)]
    refused = any("both write" in sentence for _, sentence in overlaps.find(syncs).mistakes)
    assert refused == (_loses(one, two) or _loses(two, one))


def _loses(deleter: dict[str, Any], loser: dict[str, Any]) -> bool:
    """Whether a key that a sync copies is always an orphan for the other: said with one key instead of prefixes."""
    key = loser.get("destinationPrefix", loser.get("prefix", "")) + "key"
    origin = (loser["source"], loser.get("prefix", "") + "key")
    into = deleter.get("destinationPrefix", deleter.get("prefix", ""))
    if deleter["destination"] != loser["destination"] or not key.startswith(into):
        return False
    return deleter.get("delete", True) and (
        (deleter["source"], deleter.get("prefix", "") + key[len(into) :]) != origin
    )
