"""The books of a comparison: whatever is listed, filtered, handed back and chosen, every object is accounted for once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from listed_bucket import ListedBucket
from samples import NOON, MemoryS3, client_error, run_of

from lambda_functions.shared.compare.compare import compare
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.run import Run, scope_filter
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.s3.listing import KeyRange
from lambda_functions.shared.tally.books import comparison_gaps, range_gaps
from lambda_functions.shared.tally.plan import total_of_records

OTHER = '"92eb5ffee6ae2fec3ad71c777531578f"'
LATER = NOON + timedelta(seconds=1)
# What a key is on either side, and what becomes of it; None is absent. Where the ETags differ, HEAD proves nothing.
KINDS: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None]] = {
    "new": ({}, None),
    "archived": ({"StorageClass": "GLACIER"}, None),
    "orphan": (None, {}),
    "current": ({}, {"LastModified": LATER}),
    "changed": ({"Size": 4}, {}),
    "asked for metadata": ({"LastModified": LATER}, {}),
    "unprovable": ({}, {"ETag": OTHER}),
    "denied": ({}, {"ETag": OTHER}),
}


class AskedBucket(ListedBucket):
    """Answers HeadObject too, with nothing that proves anything."""

    def __init__(self, objects: dict[str, dict[str, Any]], denied: set[str], page_keys: int) -> None:
        super().__init__(objects, page_keys)
        self.objects, self.denied = objects, denied

    def head_object(self, *, Bucket: str, Key: str, ChecksumMode: str) -> dict[str, Any]:
        if Key in self.denied:
            raise client_error(403, "403", "HeadObject", "Forbidden")
        return {"ServerSideEncryption": "aws:kms"}

    def content(self, key: str) -> dict[str, Any]:
        return {**super().content(key), "StorageClass": "STANDARD", **self.objects[key]}


KEYS = st.text(alphabet="ab/\u00e9\U0010ffff", min_size=1, max_size=4)
GLOBS = st.lists(st.sampled_from(["a*", "*b", "*/*", "b", "*"]), max_size=2)
OPTIONS = st.fixed_dictionaries(
    {
        "include": GLOBS,
        "exclude": GLOBS,
        "delete": st.booleans(),
        "unprovable": st.sampled_from(["copy", "keep"]),
        "compareMetadata": st.sampled_from([True, False, "all"]),
    }
)


def compare_all(clients: Clients, run: Run, looks_before_end: int) -> list[dict[str, Any]]:
    """Return the records of all waves; the turns of all but the last ones end when they have looked at the clock so often."""
    records: list[dict[str, Any]] = []
    ranges, wave = [KeyRange()], 0
    while ranges:
        wave += 1
        of_wave = []
        for number, key_range in enumerate(ranges, 1):
            looks = iter(range(10**6))
            end = 1e9 if wave > 6 else looks_before_end
            turn = Turn(0.0, end, "attempt", lambda looks=looks: float(next(looks)))  # type: ignore[misc]
            of_wave.append(compare(clients, run, f"{wave}-{number:04d}", key_range, turn))
        records += of_wave
        ranges = [KeyRange.from_json(part) for record in of_wave for part in record["handedBack"]]
    return records


def sides_of(world: dict[str, str]) -> list[dict[str, dict[str, Any]]]:
    """Return what a world has at the source, and at the destination."""
    return [
        {key: values for key, kind in world.items() if (values := KINDS[kind][side]) is not None}
        for side in (0, 1)
    ]


def records_of(world: dict[str, str], run: Run, page_keys: int, looks: int) -> list[dict[str, Any]]:
    """Return the records of all ranges of a world."""
    denied = {key for key, kind in world.items() if kind == "denied"}
    buckets = [AskedBucket(objects, denied, page_keys) for objects in sides_of(world)]
    clients = Clients(*buckets, MemoryS3(), RequestCounter())
    with (
        mock.patch("lambda_functions.shared.compare.pieces.KEYS_AHEAD", page_keys),
        mock.patch("lambda_functions.shared.s3.listing.PAGE_KEYS", page_keys),
    ):
        return compare_all(clients, run, looks)


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(KEYS, st.sampled_from(sorted(KINDS)), max_size=25),
    OPTIONS,
    st.integers(1, 5),
    st.integers(0, 20),
)
def test_every_object_that_is_listed_is_accounted_for_once(
    world: dict[str, str], options: dict[str, Any], page_keys: int, looks: int
) -> None:
    run = run_of(**{name: tuple(one) if isinstance(one, list) else one for name, one in options.items()})
    sides = sides_of(world)

    records = records_of(world, run, page_keys, looks)

    sums = total_of_records(records)
    is_in_scope = scope_filter(run.options)
    left_out = [sum(not is_in_scope(key) for key in objects) for objects in sides]
    assert [record["broken"] for record in records] == [""] * len(records)
    assert [gap for record in records for gap in comparison_gaps(total_of_records([record]).books())] == []
    assert list(range_gaps(records)) == []
    assert sums.listed == {"source": len(sides[0]), "destination": len(sides[1])}
    assert sums.out_of_scope == {"source": left_out[0], "destination": left_out[1]}
    decided = [kind for key, kind in world.items() if is_in_scope(key)]
    assert sums.orphans == decided.count("orphan")
    assert sums.unprovable == decided.count("unprovable")
    assert sums.books()["undecided"] == decided.count("denied")
    assert sums.kept == {
        "source": decided.count("unprovable") if run.options.unprovable == "keep" else 0,
        "destination": 0 if run.options.delete else sums.orphans,
    }


FILTERS: list[dict[str, Any]] = [
    {"minSize": 4},
    {"maxSize": 3},
    {"modifiedAfter": LATER.isoformat()},
    {"modifiedBefore": LATER.isoformat()},
    {"storageClasses": ("STANDARD",)},
    {"storageClasses": ("GLACIER",)},
]


def passes(values: dict[str, Any], chosen: dict[str, Any]) -> bool:
    """Whether an object of a world passes one of these filters."""
    size, is_later = values.get("Size", 3), "LastModified" in values
    return (
        chosen.get("minSize", 0) <= size <= chosen.get("maxSize", size)
        and (is_later or "modifiedAfter" not in chosen)
        and not (is_later and "modifiedBefore" in chosen)
        and values.get("StorageClass", "STANDARD") in chosen.get("storageClasses", ("STANDARD", "GLACIER"))
    )


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(KEYS, st.sampled_from(sorted(KINDS)), max_size=25),
    OPTIONS,
    st.lists(st.sampled_from(FILTERS), max_size=2),
    st.sampled_from([True, False, "newer"]),
    st.integers(1, 5),
    st.integers(0, 20),
)
def test_the_books_balance_whatever_is_filtered_and_kept(
    world: dict[str, str],
    options: dict[str, Any],
    chosen: list[dict[str, Any]],
    overwrite: bool | str,
    page_keys: int,
    looks: int,
) -> None:
    filters = {name: value for one in chosen for name, value in one.items()}
    patterns = {name: tuple(one) if isinstance(one, list) else one for name, one in options.items()}
    run = run_of(**patterns, **filters, overwrite=overwrite)
    source, destination = sides_of(world)

    sums = total_of_records(records_of(world, run, page_keys, looks))

    assert comparison_gaps(sums.books()) == []
    is_in_scope = scope_filter(run.options)
    orphans = [key for key in destination if key not in source and is_in_scope(key)]
    keeps_all = {"modifiedAfter", "modifiedBefore", "storageClasses"} & set(filters)
    kept = [key for key in orphans if keeps_all or not passes(destination[key], filters)]
    left_out = [key for key in source if is_in_scope(key) and not passes(source[key], filters)]
    assert sums.orphans == len(orphans)
    assert sums.filtered == {
        "source": len(left_out),
        "destination": len(kept) if run.options.delete else 0,
    }
    assert sums.kept["destination"] == (len(kept) if run.options.delete else len(orphans))
    assert overwrite is not True or sums.not_overwritten == 0
