"""What filters leave alone, key by key: source objects that do not pass, orphans, and what is not to be overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from samples import NOON, entry, memory_folder, run_of

from lambda_functions.shared.compare.filters import filters_of
from lambda_functions.shared.compare.pieces import Chunk
from lambda_functions.shared.compare.plan_writer import PlanWriter
from lambda_functions.shared.equality import Decision
from lambda_functions.shared.options import Options
from lambda_functions.shared.run import size_filter, source_filter
from lambda_functions.shared.s3.list_page import parse
from lambda_functions.shared.s3.listing import Entry
from lambda_functions.shared.tally.books import comparison_gaps
from lambda_functions.shared.tally.plan import ComparisonTotals, total_of_records

OTHER = "92eb5ffee6ae2fec3ad71c777531578f"
SECOND = timedelta(seconds=1)
AT_NOON, LATER = NOON.isoformat(), (NOON + SECOND).isoformat()
NEW, CHANGED = Decision.NEW.value, Decision.SIZE.value


class Nobody:
    """Answers no question, because filters ask none."""

    asked: int = 0

    def submit(self, source: Entry, destination: Entry, question: Decision) -> None:
        self.asked += 1

    def is_full(self) -> bool:
        return False

    def results(self, all_of_them: bool = False) -> Iterator[Any]:
        yield from ()


def decided(
    source: list[Entry], destination: list[Entry], **options: Any
) -> tuple[dict[str, list[str]], ComparisonTotals, int]:
    """Return the planned keys by kind, the sums, and how many keys were asked for; the books balance."""
    folder, nobody = memory_folder(), Nobody()
    with ThreadPoolExecutor(2) as pool:
        writer = PlanWriter.of(folder, run_of(**options), "1-0001", "attempt", pool)
        writer.decide_all(Chunk(source, destination), nobody)  # type: ignore[arg-type]
        record = {**writer.close(), "tally": writer.tally.to_json(), "failures": writer.failures.close()}
    rest = {"unusualPages": 0, "causes": {}, "requests": {}, "seconds": 0.0}
    sums = total_of_records([{**record, **rest}])
    assert nobody.asked or comparison_gaps(sums.books()) == []
    keys = {
        kind: [line["key"] for shard in record["shards"][kind] for line in folder.read_lines(shard)]
        for kind in ("copy", "large", "delete")
    }
    return keys, sums, nobody.asked


def passes(found: Entry, **options: Any) -> bool:
    """Whether a source object that the destination does not have is copied."""
    keys, sums, _ = decided([found], [], **options)
    assert sums.filtered["source"] == sums.kept["source"] == (keys["copy"] == [])
    return keys["copy"] == [found.key]


def test_without_filters_there_is_nothing_to_ask() -> None:
    options = Options("from", "into", include=("*",), delete=False)

    assert (filters_of(options), size_filter(options), source_filter(options)) == (None, None, None)


@pytest.mark.parametrize(
    ("size", "options", "is_copied"),
    [
        (0, {"minSize": 0}, True),
        (0, {"minSize": 1}, False),
        (0, {"maxSize": 0}, True),
        (1, {"maxSize": 0}, False),
        (4, {"minSize": 5}, False),
        (5, {"minSize": 5}, True),
        (5, {"maxSize": 5}, True),
        (6, {"maxSize": 5}, False),
        (5, {"minSize": 5, "maxSize": 5}, True),
        (4, {"minSize": 5, "maxSize": 5}, False),
        (6, {"minSize": 5, "maxSize": 5}, False),
        (16 << 30, {"maxSize": 16 << 30}, True),
    ],
)
def test_both_sizes_are_allowed_ones(size: int, options: dict[str, int], is_copied: bool) -> None:
    assert passes(entry("a", size=size), **options) is is_copied


@pytest.mark.parametrize(
    ("options", "is_copied"),
    [
        ({"modifiedAfter": AT_NOON}, True),
        ({"modifiedAfter": LATER}, False),
        ({"modifiedBefore": AT_NOON}, False),
        ({"modifiedBefore": LATER}, True),
        ({"modifiedAfter": AT_NOON, "modifiedBefore": LATER}, True),
        ({"modifiedAfter": (NOON - SECOND).isoformat(), "modifiedBefore": AT_NOON}, False),
        ({"modifiedAfter": "0001-01-01T00:00:00+14:00"}, True),
        ({"modifiedBefore": "0001-01-01T00:00:00+14:00"}, False),
        ({"modifiedBefore": "9999-12-31T23:59:60Z"}, True),
    ],
)
def test_the_first_moment_is_included_and_the_last_is_not(options: dict[str, str], is_copied: bool) -> None:
    assert passes(entry("a"), **options) is is_copied


@pytest.mark.parametrize(
    ("text", "is_copied"),
    [
        ("2026-03-29T01:30:00+02:00", True),
        ("2026-03-28t23:30:00z", True),
        ("2026-03-28T23:30:00.000Z", True),
        ("2026-03-28T23:30:00.0000001Z", False),
        ("2026-03-28T23:29:59.9999999Z", True),
        ("2026-03-29T00:30:00Z", False),
    ],
)
def test_a_moment_is_the_same_in_every_zone_and_to_any_fraction(text: str, is_copied: bool) -> None:
    written = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)

    assert passes(entry("a", modified=written), modifiedAfter=text) is is_copied
    assert passes(entry("a", modified=written), modifiedBefore=text) is not is_copied


PAGE = (
    "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key><LastModified>2026-11-28T14:00:00.000Z</LastModified>"
    "<ETag>&quot;0cc175b9c0f1b6a831c399e269772661&quot;</ETag><Size>3</Size>{}</Contents></ListBucketResult>"
)


@pytest.mark.parametrize(
    ("listed", "classes", "is_copied"),
    [
        ("", ("STANDARD",), True),
        ("", ("GLACIER", "STANDARD"), True),
        ("", ("STANDARD_IA",), False),
        ("<StorageClass>STANDARD_IA</StorageClass>", ("STANDARD_IA",), True),
        ("<StorageClass>STANDARD_IA</StorageClass>", ("STANDARD", "ONEZONE_IA"), False),
        ("<StorageClass>AWS_BACKUP_WARM</StorageClass>", ("AWS_BACKUP_WARM",), True),
        ("<StorageClass>DEEP_ARCHIVE</StorageClass>", ("STANDARD",), False),
    ],
)
def test_a_class_is_as_the_listing_has_it_and_none_is_standard(
    listed: str, classes: tuple[str, ...], is_copied: bool
) -> None:
    page = parse(PAGE.format(listed).encode())
    assert page is not None
    (found,) = page.entries("")

    assert passes(found, storageClasses=classes) is is_copied


def test_all_filters_together_have_to_let_an_object_pass() -> None:
    every = {"minSize": 3, "modifiedAfter": AT_NOON, "storageClasses": ("STANDARD",)}

    assert passes(entry("a"), **every)
    for wrong in ({"size": 2}, {"modified": NOON - SECOND}, {"storage_class": "GLACIER"}):
        assert not passes(entry("a", **wrong), **every)


@pytest.mark.parametrize(
    "there",
    [
        {"size": 9},
        {"size": 1, "etag": OTHER, "modified": NOON - SECOND},
        {"modified": NOON + SECOND},
        {"storage_class": "GLACIER"},
    ],
)
@pytest.mark.parametrize("overwrite", [True, False, "newer"])
def test_a_key_whose_source_object_is_filtered_out_is_present_whatever_the_destination_has(
    there: dict[str, Any], overwrite: Any
) -> None:
    keys, sums, asked = decided(
        [entry("a")], [entry("a", **there)], minSize=4, overwrite=overwrite, compareMetadata="all"
    )

    assert (keys, asked) == ({"copy": [], "large": [], "delete": []}, 0)
    assert (sums.paired, sums.orphans, sums.tally) == (1, 0, {})
    assert sums.filtered == sums.kept == {"source": 1, "destination": 0}
    assert (sums.in_scope("source"), sums.left_of_source()) == (1, 0)


@pytest.mark.parametrize("there", [{"size": 4}, {"size": 9}, {"size": 3, "etag": OTHER}])
def test_a_key_whose_source_object_passes_is_copied_whatever_the_destination_has(
    there: dict[str, Any],
) -> None:
    keys, sums, _ = decided([entry("a", modified=NOON + SECOND)], [entry("a", **there)], maxSize=3)

    assert keys["copy"] == ["a"]
    assert sums.filtered == {"source": 0, "destination": 0}


def test_what_is_filtered_out_is_not_named_as_skipped_and_needs_no_worker_of_its_own() -> None:
    source = [
        entry("archived", storage_class="GLACIER"),
        entry("folder/", size=0),
        entry("k" * 1024),
        entry("large", size=20 << 30),
    ]

    keys, sums, _ = decided(
        source, [], destinationPrefix="p/", minSize=5, maxSize=16 << 30, storageClasses=("STANDARD",)
    )

    assert keys == {"copy": [], "large": [], "delete": []}
    assert (sums.tally, sums.filtered["source"]) == ({}, 4)


def test_patterns_leave_out_before_filters_do() -> None:
    _, sums, _ = decided([entry("a"), entry("b")], [entry("c")], exclude=("b", "c"), minSize=4)

    assert sums.out_of_scope == {"source": 1, "destination": 1}
    assert sums.filtered == {"source": 1, "destination": 0}


# --- Orphans


@pytest.mark.parametrize(
    ("options", "deleted"),
    [
        ({"minSize": 1}, ["b", "c"]),
        ({"maxSize": 1}, ["a", "b"]),
        ({"minSize": 1, "maxSize": 1}, ["b"]),
        ({"minSize": 0}, ["a", "b", "c"]),
        ({"modifiedAfter": AT_NOON}, []),
        ({"modifiedBefore": LATER}, []),
        ({"storageClasses": ("STANDARD",)}, []),
        ({"minSize": 1, "modifiedBefore": LATER}, []),
        ({"overwrite": False}, ["a", "b", "c"]),
        ({"overwrite": "newer"}, ["a", "b", "c"]),
    ],
)
def test_an_orphan_is_judged_by_its_own_size_and_kept_where_only_its_source_could_be_judged(
    options: dict[str, Any], deleted: list[str]
) -> None:
    orphans = [entry(key, size=size) for size, key in enumerate("abc")]

    keys, sums, _ = decided([entry("z")], orphans, **options)

    assert keys["delete"] == deleted
    assert (sums.orphans, sums.in_scope("destination")) == (3, 3)
    assert sums.kept["destination"] == sums.filtered["destination"] == 3 - len(deleted)


def test_an_orphan_that_no_run_deletes_is_kept_by_that_option_and_by_no_filter() -> None:
    _, sums, _ = decided([], [entry("a")], delete=False, minSize=9, modifiedBefore=LATER)

    assert (sums.kept["destination"], sums.filtered["destination"]) == (1, 0)


# --- What the destination has already

DESTINATIONS = {
    "other size": {"size": 4},
    "other bytes": {"etag": OTHER},
    "same": {},
}


@pytest.mark.parametrize("what", DESTINATIONS)
@pytest.mark.parametrize("seconds", [-1, 0, 1])
@pytest.mark.parametrize("compared", [{}, {"compareMetadata": "all"}, {"compareTags": True}])
def test_what_the_destination_has_is_never_overwritten_and_nothing_is_asked(
    what: str, seconds: int, compared: dict[str, Any]
) -> None:
    there = entry("a", modified=NOON + seconds * SECOND, **DESTINATIONS[what])

    keys, sums, asked = decided([entry("a")], [there], overwrite=False, **compared)

    assert (keys["copy"], asked, sums.paired) == ([], 0, 1)
    is_current = what == "same" and seconds >= 0 and not compared
    assert sums.tally == ({"current": {"objects": 1, "bytes": 3}} if is_current else {})
    assert (sums.not_overwritten, sums.kept["source"]) == (not is_current, not is_current)


@pytest.mark.parametrize("overwrite", [False, "newer"])
def test_what_is_missing_is_copied_all_the_same(overwrite: Any) -> None:
    keys, sums, _ = decided([entry("a")], [], overwrite=overwrite)

    assert (keys["copy"], sums.not_overwritten) == (["a"], 0)


@pytest.mark.parametrize(
    ("what", "seconds", "copied", "questions"),
    [
        ("other size", -1, 1, 0),
        ("other size", 0, 0, 0),
        ("other size", 1, 0, 0),
        ("other bytes", -1, 1, 0),
        ("other bytes", 0, 0, 0),
        ("other bytes", 1, 0, 0),
        ("same", -1, 0, 1),
        ("same", 0, 0, 0),
        ("same", 1, 0, 0),
    ],
)
def test_newer_overwrites_only_what_was_written_later(
    what: str, seconds: int, copied: int, questions: int
) -> None:
    there = entry("a", modified=NOON + seconds * SECOND, **DESTINATIONS[what])

    keys, sums, asked = decided([entry("a")], [there], overwrite="newer")

    assert (len(keys["copy"]), asked) == (copied, questions)
    assert sums.not_overwritten == (what != "same" and seconds >= 0)


def test_newer_at_the_source_is_judged_by_the_table_which_may_say_that_it_is_current() -> None:
    older = entry("a", modified=NOON - SECOND)

    _, sums, asked = decided([entry("a")], [older], overwrite="newer", compareMetadata=False)

    assert (asked, sums.tally, sums.not_overwritten) == (0, {"current": {"objects": 1, "bytes": 3}}, 0)


# --- Records


def test_records_of_before_there_were_filters_are_read() -> None:
    _, sums, _ = decided([entry("a")], [entry("b")])
    folder = memory_folder()
    with ThreadPoolExecutor(2) as pool:
        record = PlanWriter.of(folder, run_of(), "1-0001", "attempt", pool).close()
    rest = {"tally": {}, "failures": [], "unusualPages": 0, "causes": {}, "requests": {}, "seconds": 0.0}
    before = {name: value for name, value in record.items() if name not in ("filtered", "notOverwritten")}

    old = total_of_records([{**before, **rest}])

    assert (old.filtered, old.not_overwritten) == ({"source": 0, "destination": 0}, 0)
    assert old == total_of_records([{**record, **rest}])
    assert sums.left_of_source() == 1
