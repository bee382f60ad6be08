"""Part arithmetic: every byte is copied once, within the limits of S3 and of one worker."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_functions.shared.apply.parts import (
    GB,
    GROUP_BYTES,
    GROUP_PARTS,
    MAX_PART_BYTES,
    MAX_PARTS,
    MB,
    PART_BYTES,
    Part,
    default_parts,
    fits,
    from_sizes,
    group_parts,
    uniform_parts,
)

SIZES = st.lists(st.integers(1, MAX_PART_BYTES), min_size=1, max_size=300)
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html: 10,000 parts of 5 GiB are the 50 TB of an object.
LARGEST_OBJECT_BYTES = MAX_PARTS * MAX_PART_BYTES


def assert_cover(parts: Sequence[Part], size: int) -> None:
    """Assert that parts are numbered from 1 and copy every byte once, in order."""
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert (parts[0].first, parts[-1].last) == (0, size - 1)
    assert all(one.last + 1 == other.first for one, other in itertools.pairwise(parts))
    assert all(part.size >= 1 for part in parts)
    assert sum(part.size for part in parts) == size


def test_a_part_says_its_bytes_as_s3_expects_them() -> None:
    assert (Part(1, 0, 5_242_879).byte_range, Part(1, 0, 5_242_879).size) == ("bytes=0-5242879", 5 * MB)


@given(SIZES)
def test_parts_of_given_sizes_cover_every_byte_once(sizes: list[int]) -> None:
    parts = from_sizes(sizes)

    assert_cover(parts, sum(sizes))
    assert [part.size for part in parts] == sizes


@given(st.integers(1, 10**9), st.integers(1, 10**9).filter(lambda size: size > 10**5))
def test_uniform_parts_cover_every_byte_once_and_only_the_last_is_shorter(size: int, part_bytes: int) -> None:
    parts = uniform_parts(size, part_bytes)

    assert_cover(parts, size)
    assert all(part.size == part_bytes for part in parts[:-1])
    assert parts[-1].size <= part_bytes
    assert fits(size, parts[0].size, len(parts))


@given(st.integers(1, LARGEST_OBJECT_BYTES) | st.integers(1, 10 * GB))
def test_parts_of_our_own_choice_cover_every_byte_once_within_the_limits_of_s3(size: int) -> None:
    parts = default_parts(size)

    assert_cover(parts, size)
    assert len(parts) <= MAX_PARTS
    assert all(part.size <= MAX_PART_BYTES for part in parts)
    assert all(part.size >= min(PART_BYTES, size) for part in parts[:-1])


@pytest.mark.parametrize(
    ("size", "count", "largest"),
    [
        (5 * GB + 1, 11, 512 * MB),
        (MAX_PARTS * PART_BYTES, 10_000, 512 * MB),
        (MAX_PARTS * PART_BYTES + 1, 10_000, 512 * MB + 1),
        (50 * 10**12, 10_000, 5 * 10**9),
        (LARGEST_OBJECT_BYTES, 10_000, 5 * GB),
    ],
)
def test_large_objects_have_parts_of_512_mib_or_ten_thousand(size: int, count: int, largest: int) -> None:
    parts = default_parts(size)

    assert (len(parts), parts[0].size) == (count, largest)


@pytest.mark.parametrize(
    ("size", "first", "count", "expected"),
    [
        (10, 5, 2, True),
        (11, 5, 3, True),
        (11, 5, 2, False),
        (10, 5, 3, False),
        (10, 10, 1, True),
        (10, 12, 1, True),
        (10, 0, 1, False),
        (1, 1, 1, True),
        (3, 1, 3, True),
    ],
)
def test_the_first_part_explains_the_number_of_parts_or_not(
    size: int, first: int, count: int, expected: bool
) -> None:
    assert fits(size, first, count) is expected


@given(SIZES)
def test_groups_hold_every_part_once_in_order(sizes: list[int]) -> None:
    numbers = [
        number
        for group in group_parts(from_sizes(sizes))
        for number in range(group["first"], group["last"] + 1)
    ]

    assert numbers == list(range(1, len(sizes) + 1))


@given(SIZES | st.lists(st.integers(1, 10 * MB), min_size=1, max_size=300))
def test_a_group_holds_as_much_as_one_worker_copies_and_not_more(sizes: list[int]) -> None:
    made = group_parts(from_sizes(sizes))
    held = [sizes[group["first"] - 1 : group["last"]] for group in made]

    assert all(len(group) <= GROUP_PARTS and sum(group) <= GROUP_BYTES for group in held)
    for one, following in itertools.pairwise(held):
        assert len(one) == GROUP_PARTS or sum(one) + following[0] > GROUP_BYTES


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([MB] * GROUP_PARTS, [GROUP_PARTS]),
        ([MB] * (2 * GROUP_PARTS + 1), [GROUP_PARTS, GROUP_PARTS, 1]),
        ([GB] * (GROUP_BYTES // GB), [GROUP_BYTES // GB]),
        ([4 * GB] * (GROUP_BYTES // GB), [GROUP_BYTES // GB // 4] * 4),
        ([*[4 * GB] * (GROUP_BYTES // GB // 4 - 1), 4 * GB - 1, 1, 1], [GROUP_BYTES // GB // 4 + 1, 1]),
    ],
)
def test_a_group_is_filled_to_the_last_part_and_byte(sizes: list[int], expected: list[int]) -> None:
    assert [group["last"] - group["first"] + 1 for group in group_parts(from_sizes(sizes))] == expected


def test_no_parts_are_no_groups() -> None:
    assert group_parts([]) == []
