"""What others require of a sync, where no other test shows what comes of it here. On the fake S3."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from fake_s3 import HOUR, Answer, Request
from places import PROJECT
from runs_on_fake_s3 import World, world_on_fake_s3
from short_turns import short_pages

PAGE_KEYS = 100
OUR_CODE = str(PROJECT / "lambda_functions" / "*")
IDLE = {"HEAD_BUCKET": 2, "LIST": 2}
# What S3 answers where an object's key is the client's and the request does not bring it, whoever asks.
KEY_OF_THE_CLIENT = Answer(
    400, "InvalidRequest", "The object was stored using a form of Server Side Encryption."
)


# --- Which keys take part


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("README", "readme"),
        ("caf\u00e9", "cafe\u0301"),
        ("\u212b", "\u00c5"),
        ("a b", "a%20b"),
        ("a+b", "a b"),
        ("a/b", "a\\b"),
        ("a/b", "a//b"),
        ("a/b", "/a/b"),
        ("a/b", "a/./b"),
        ("a", "a/"),
        ("a", "a "),
    ],
)
def test_keys_that_only_look_alike_are_two_keys(world: World, here: str, there: str) -> None:
    world.source.put(here, b"1")
    world.destination.put(there, b"1")

    report = world.run()

    assert (report["copied"]["objects"], report["deleted"]["objects"]) == (1, 1)
    assert world.destination.keys() == [here]


@pytest.mark.parametrize(
    ("prefix", "patterns"),
    [
        ("", {"exclude": ["*/"]}),
        ("photos/", {"include": ["?*"], "exclude": ["*/"]}),
        ("photos", {"exclude": ["*/"]}),
    ],
)
def test_markers_of_folders_are_left_alone_on_both_sides_where_a_pattern_excludes_them(
    world: World, prefix: str, patterns: dict[str, list[str]]
) -> None:
    for key in ("photos/", "photos/2026/", "photos/2026/a.jpg"):
        world.source.put(key, b"")
    world.destination.put("photos/gone/", b"")
    world.destination.put("photos/2026/orphan.jpg", b"1")

    report = world.run(prefix=prefix, **patterns)

    assert (report["copied"]["objects"], report["deleted"]["objects"]) == (1, 1)
    assert world.destination.keys() == ["photos/2026/a.jpg", "photos/gone/"]


def test_what_is_excluded_is_asked_for_by_nobody_warned_of_by_nobody_and_makes_no_run_fail(
    world: World,
) -> None:
    world.source.put("in", b"1")
    world.destination.put("in", b"1")
    world.source.put("out/cold", b"1", storage_class="GLACIER")
    world.source.put("out/restoring", b"1", storage_class="GLACIER", is_being_restored=True)
    world.source.put("out/" + "k" * 1020, b"1")
    world.source.put("out/undecided", b"1")
    world.destination.put("longer/out/undecided", b"2")
    world.destination.put("longer/out/orphan", b"2")
    world.destination.put("longer/in", b"1")
    for operation in ("HeadObject", "CopyObject"):
        world.s3.before(operation, Answer(403, "AccessDenied"), times=100)

    report = world.run(exclude=["out/*"], destinationPrefix="longer/")

    assert (report["outcome"], report["warnings"], report["notSynchronised"]) == ("Succeeded", [], [])
    assert report["skipped"] == {"archived": 0, "vanished": 0, "unmappable": 0}
    assert report["outOfScope"] == {"source": 4, "destination": 2}
    assert world.sent() == IDLE


@pytest.mark.parametrize("prefix", ["", "photos/"])
def test_a_second_run_removes_what_the_first_one_excludes(world: World, prefix: str) -> None:
    """Its prefix finds nothing in the source, so that whatever it includes at the destination is an orphan."""
    for key in ("a.jpg", "b.tmp", "deep/c.tmp"):
        world.source.put(prefix + key, b"1")
    for key in ("b.tmp", "deep/c.tmp", "deep/gone.tmp"):
        world.destination.put(prefix + key, b"1")
    world.destination.put("elsewhere.txt", b"1")
    limits = {"prefix": prefix, "exclude": ["*.tmp", "elsewhere.txt"]}

    assert world.run(**limits)["deleted"]["objects"] == 0
    cleaning: dict[str, Any] = {"include": ["*.tmp"], "destinationPrefix": prefix, "allowEmptySource": True}
    assert world.run(prefix="nothing is here/", **cleaning)["deleted"]["objects"] == 3

    assert world.destination.keys() == sorted([prefix + "a.jpg", "elsewhere.txt"])
    assert world.source.keys() == [prefix + key for key in ("a.jpg", "b.tmp", "deep/c.tmp")]


# --- What an object carries


@pytest.mark.parametrize("acl", [{}, {"acl": "bucket-owner-full-control"}])
def test_what_is_current_keeps_the_class_and_the_acl_that_it_has(world: World, acl: dict[str, str]) -> None:
    for key in ("current", "changed"):
        world.source.put(key, b"new")
    world.destination.put("current", b"new", storage_class="ONEZONE_IA")
    world.destination.put("changed", b"old", 2 * HOUR, storage_class="ONEZONE_IA")

    report = world.run(storageClass="STANDARD_IA", **acl)

    assert (report["copied"]["objects"], report["current"]["objects"]) == (1, 1)
    assert world.sent() == {"COPY": 1, **IDLE}
    classes = {key: stored.storage_class for key, stored in world.destination.objects.items()}
    assert classes == {"current": "ONEZONE_IA", "changed": "STANDARD_IA"}


@pytest.mark.parametrize("compare_metadata", [True, "all"])
def test_an_object_under_a_key_of_the_client_fails_by_name_and_orphans_stay(
    world: World, compare_metadata: bool | str
) -> None:
    for key in ("missing", "newer", "open"):
        world.source.put(key, b"1")
    world.destination.put("newer", b"1", 2 * HOUR)
    world.destination.put("orphan", b"1")
    for key in ("missing", "newer"):
        world.s3.before("HeadObject", KEY_OF_THE_CLIENT, bucket=world.source.name, key=key, times=10)
        world.s3.before("CopyObject", KEY_OF_THE_CLIENT, key=key, times=10)

    report = world.run(compareMetadata=compare_metadata)

    assert report["outcome"] == "SyncIncomplete"
    failed = sorted(
        (line["key"], line["what"], line["error"].partition(":")[0]) for line in report["notSynchronised"]
    )
    assert failed == [("missing", "failed", "InvalidRequest"), ("newer", "failed", "could not be compared")]
    assert world.destination.keys() == ["newer", "open", "orphan"]


# --- What it takes


def held_at_the_last_page(keys: int) -> int:
    """Return the bytes that the code of the Lambdas holds when it asks for the last pages of so many equal keys."""
    held: list[int] = []

    def look(request: Request) -> None:
        if len(world.s3.of("ListObjectsV2")) >= 2 * keys / PAGE_KEYS:
            traces = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, OUR_CODE)])
            held.append(sum(trace.size for trace in traces.traces))

    with world_on_fake_s3() as world:
        for number in range(keys):
            stored = world.source.put(f"{number:06d}", b"1")
            world.destination.keep(replace(stored))
        worker = world.worker()
        world.s3.before("ListObjectsV2", look, times=keys)
        tracemalloc.start()
        try:
            assert worker.compare()["tally"]["current"]["objects"] == keys
        finally:
            tracemalloc.stop()
    return max(held)


def test_memory_does_not_grow_with_the_number_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight times as many keys: two pages a side and a stream are held at most, however many there are."""
    short_pages(monkeypatch, PAGE_KEYS)
    few, many = held_at_the_last_page(300), held_at_the_last_page(2400)
    assert few > PAGE_KEYS * 100
    assert many < 4 * few
