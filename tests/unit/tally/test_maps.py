"""Which Map works through the shards of a run: decided by their number, their pointers and the turns that they may need."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import PROJECT
from samples import compared_record, memory_folder, shard

from deployment.project import front_matter
from lambda_functions.shared.invocation import MARGIN_SECONDS
from lambda_functions.shared.tally.maps import MAX_INLINE_TURNS, TURN_SECONDS, choose_maps, turns_needed
from lambda_functions.shared.tally.plan import total_of_records, write_indexes
from lambda_functions.shared.work_bucket.shards import MAX_SHARD_BYTES, MAX_SHARD_KEYS

FUNCTIONS = {spec.name: spec.properties for spec in front_matter.read_all(PROJECT / "lambda_functions")}


def pointers(number: int, objects: int = 1, size: int = 1, file: str = "f") -> list[dict[str, Any]]:
    return [{"id": f"copy-{one:06d}", **shard(file, objects, size)} for one in range(1, number + 1)]


def chosen(copy: list[dict[str, Any]], delete: list[dict[str, Any]]) -> tuple[str, str]:
    found = choose_maps(copy, delete)
    return found["copy"]["map"], found["delete"]["map"]


@pytest.mark.parametrize(
    ("copies", "deletes", "expected"),
    [
        (0, 0, ("", "")),
        (1, 0, ("INLINE", "")),
        (0, 1, ("", "INLINE")),
        (40, 0, ("INLINE", "")),
        (41, 0, ("DISTRIBUTED", "")),
        (0, 40, ("", "INLINE")),
        (0, 41, ("", "DISTRIBUTED")),
        (20, 20, ("INLINE", "INLINE")),
        (21, 20, ("INLINE", "DISTRIBUTED")),
        (41, 40, ("DISTRIBUTED", "INLINE")),
        (41, 41, ("DISTRIBUTED", "DISTRIBUTED")),
    ],
)
def test_forty_shards_of_both_kinds_together_are_worked_through_inline(
    copies: int, deletes: int, expected: tuple[str, str]
) -> None:
    assert chosen(pointers(copies), pointers(deletes)) == expected


def test_only_an_inline_map_is_given_its_pointers_in_the_state() -> None:
    copy, delete = pointers(3), pointers(41)

    assert choose_maps(copy, delete) == {
        "copy": {"map": "INLINE", "inline": copy},
        "delete": {"map": "DISTRIBUTED", "inline": []},
    }


@pytest.mark.parametrize(("characters", "expected"), [(3_000, "INLINE"), (3_300, "DISTRIBUTED")])
def test_pointers_of_more_than_64_kib_stay_out_of_the_state(characters: int, expected: str) -> None:
    assert chosen(pointers(20, file="f" * characters), []) == (expected, "")


def test_the_pointers_of_both_kinds_share_64_kib() -> None:
    half = pointers(10, file="f" * 3_200)

    assert chosen(half, half[:8]) == ("INLINE", "INLINE")
    assert chosen(half, half) == ("INLINE", "DISTRIBUTED")


@pytest.mark.parametrize(
    ("objects", "size", "expected"),
    [
        (MAX_SHARD_KEYS, 0, ("INLINE", "INLINE")),
        (1, MAX_SHARD_BYTES, ("INLINE", "INLINE")),
        (500, MAX_SHARD_BYTES, ("INLINE", "INLINE")),
        (MAX_SHARD_KEYS, MAX_SHARD_BYTES, ("DISTRIBUTED", "INLINE")),
        (1, 10**14, ("DISTRIBUTED", "INLINE")),
        (10_000, 0, ("DISTRIBUTED", "DISTRIBUTED")),
        (8700, 0, ("INLINE", "INLINE")),  # two turns of 870 seconds to the second, at five keys a second
        (8701, 0, ("DISTRIBUTED", "DISTRIBUTED")),
    ],
)
def test_a_shard_that_may_need_more_than_two_turns_is_not_worked_through_inline_and_deletes_move_no_bytes(
    objects: int, size: int, expected: tuple[str, str]
) -> None:
    few = pointers(3)
    one = pointers(1, objects, size)

    assert (chosen([*few, *one], [])[0], chosen([], [*few, *one])[1]) == expected


@pytest.mark.parametrize(("size", "expected"), [(64 * 1024, "INLINE"), (64 * 1024 + 1, "DISTRIBUTED")])
def test_pointers_of_64_kib_are_the_most_that_a_state_carries(size: int, expected: str) -> None:
    """It has 256 KiB: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
    few = pointers(3)
    few[0]["file"] += "f" * (size - len(json.dumps(few)))

    assert len(json.dumps(few)) == size
    assert (chosen(few, [])[0], chosen([], few)[1]) == (expected, expected)


@given(
    st.integers(1, MAX_SHARD_KEYS),
    st.integers(0, MAX_SHARD_BYTES),
    st.integers(0, 10**6),
    st.integers(0, 10**12),
)
def test_more_objects_and_more_bytes_never_take_fewer_turns(
    objects: int, size: int, more: int, larger: int
) -> None:
    small = {"objects": objects, "bytes": size}
    large = {"objects": objects + more, "bytes": size + larger}

    for has_bytes in (True, False):
        assert 0 < turns_needed(small, has_bytes) <= turns_needed(large, has_bytes)


@pytest.mark.parametrize(
    ("objects", "size", "copies", "deletes"),
    [(2000, 0, 400, 400), (0, 16 * 1024**3, 1638.4, 0), (2000, 16 * 1024**3, 2038.4, 400)],
)
def test_a_shard_is_taken_for_as_slow_as_five_keys_and_ten_megabytes_a_second(
    objects: int, size: int, copies: float, deletes: float
) -> None:
    full = {"objects": objects, "bytes": size}

    assert turns_needed(full, has_bytes=True) == pytest.approx(copies / 870)
    assert turns_needed(full, has_bytes=False) == pytest.approx(deletes / 870)


POINTERS = st.lists(
    st.builds(
        lambda objects, size, file: shard("f" * file, objects, size),
        st.integers(1, 20_000),
        st.integers(0, 10**12),
        st.integers(1, 5_000),
    ),
    max_size=60,
)


@given(POINTERS, POINTERS)
def test_whatever_is_chosen_the_state_carries_no_more_than_40_pointers_of_64_kib_all_or_none_of_a_kind(
    copy: list[dict[str, Any]], delete: list[dict[str, Any]]
) -> None:
    found = choose_maps(copy, delete)
    carried = [*found["copy"]["inline"], *found["delete"]["inline"]]

    assert len(carried) <= 40
    assert len(json.dumps(carried).encode()) <= 64 * 1024
    for kind, whole in (("copy", copy), ("delete", delete)):
        is_inline = found[kind]["map"] == "INLINE"
        assert found[kind]["inline"] == (whole if is_inline else [])
        assert bool(found[kind]["map"]) == bool(whole)
        assert not is_inline or all(turns_needed(one, kind == "copy") <= MAX_INLINE_TURNS for one in whole)


@pytest.mark.parametrize("worker", ["copy_keys", "delete_orphaned_keys"])
def test_a_turn_is_as_long_as_the_lambda_that_takes_it_allows(worker: str) -> None:
    assert FUNCTIONS[worker]["Timeout"] - MARGIN_SECONDS == TURN_SECONDS


def test_the_pointers_in_the_state_are_those_of_the_index() -> None:
    folder = memory_folder()
    shards = {"copy": [shard(f"copy/{one}") for one in range(5)], "delete": [shard("delete/1")]}

    written = write_indexes(folder, total_of_records([compared_record(shards=shards)]))

    assert written["copy"]["inline"] == folder.read_index(written["copy"])
    assert written["delete"]["inline"] == folder.read_index(written["delete"])
    assert set(written["large"]) == {"index", "items", "sha256"}
