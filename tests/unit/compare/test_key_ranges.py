"""Cutting key ranges: every key stays in exactly one range whatever the keys are; where they are ordinary the cuts are good."""

from __future__ import annotations

import itertools
import random
import uuid
from bisect import bisect_right
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lambda_functions.shared.compare.key_ranges import (
    LAST,
    MAX_FRUITLESS_PAGES,
    PROBES_PER_RANGE,
    cut,
    cut_range,
)
from samples import run_of

from lambda_functions.shared.options import MAX_KEY_BYTES
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.s3.listing import KeyRange

# First and last characters of 1, 2, 3 and 4 bytes, and those on both sides of the hole that surrogates leave: UTF-8 and
# UTF-16 order them differently.
NASTY = "\x00\x01/ab~\x7f\x80é\u07ff\u0800\ud7ff\ue000\ufffd\uffff\U00010000😀\U0010fffe\U0010ffff"
NASTY_KEYS = st.text(alphabet=NASTY, max_size=6)
FEW_CHARACTERS = st.text(alphabet="ab\U0010ffff", max_size=8)  # so that many keys begin one another
ANY_KEYS = st.text(max_size=12)
LONG_KEYS = st.builds(
    lambda filler, length, end: filler * (length // len(filler.encode())) + end,
    st.sampled_from(["a", "é", "😀", LAST, "a/"]),
    st.integers(1000, MAX_KEY_BYTES - 8),
    st.text(alphabet="ab", max_size=8),
)
KEY_SETS = st.one_of(
    st.sets(NASTY_KEYS, max_size=60),
    st.sets(FEW_CHARACTERS, max_size=60),
    st.sets(ANY_KEYS, max_size=40),
    st.sets(LONG_KEYS | FEW_CHARACTERS, max_size=25),
)
WANTED = st.integers(1, 20)


class Bucket:
    """Keys in order, and the probes that were asked."""

    page_keys = 1000

    def __init__(self, keys: set[str] | Sequence[str]) -> None:
        self.keys = sorted(set(keys))
        self.probes: list[str | None] = []

    def probe(self, after: str | None) -> str | None:
        self.probes.append(after)
        following = self.position(after)
        return self.keys[following] if following < len(self.keys) else None

    def page_end(self, after: str | None) -> str | None:
        self.probes.append(after)
        last = self.position(after) + self.page_keys - 1
        return self.keys[last] if last < len(self.keys) - 1 else None

    def position(self, after: str | None) -> int:
        return 0 if after is None else bisect_right(self.keys, after)

    def size(self, key_range: KeyRange) -> int:
        end = len(self.keys) if key_range.up_to is None else self.position(key_range.up_to)
        return max(end - self.position(key_range.after), 0)


def range_between(one: str | None, other: str | None) -> KeyRange:
    ends = [end for end in (one, other) if end is not None]
    return KeyRange(min(ends), max(ends)) if len(ends) == 2 else KeyRange(one, other)


RANGES = st.builds(range_between, st.none() | NASTY_KEYS, st.none() | NASTY_KEYS) | st.builds(
    range_between, st.none() | FEW_CHARACTERS, st.none() | FEW_CHARACTERS
)


def assert_tiles(ranges: Sequence[KeyRange], whole: KeyRange) -> None:
    """Assert that ranges follow one another without gap or overlap and together are the whole."""
    assert (ranges[0].after, ranges[-1].up_to) == (whole.after, whole.up_to)
    for one, next_one in itertools.pairwise(ranges):
        assert one.up_to is not None
        assert one.up_to == next_one.after
        assert one.after is None or one.after < one.up_to
    assert len(ranges) == 1 or whole.up_to is None or ranges[-1].after < whole.up_to  # type: ignore[operator]


@given(KEY_SETS, RANGES, WANTED, st.sets(ANY_KEYS | NASTY_KEYS, max_size=10))
def test_every_key_is_in_exactly_one_range(
    keys: set[str], key_range: KeyRange, wanted: int, written_later: set[str]
) -> None:
    ranges = cut(key_range, wanted, Bucket(keys).probe)

    assert_tiles(ranges, key_range)
    for key in keys | written_later:
        assert sum(one.contains(key) for one in ranges) == int(key_range.contains(key))


@given(KEY_SETS, RANGES, WANTED)
def test_no_range_is_empty_while_the_keys_stand_still(
    keys: set[str], key_range: KeyRange, wanted: int
) -> None:
    bucket = Bucket(keys)

    ranges = cut(key_range, wanted, bucket.probe)

    assert len(ranges) == 1 or all(bucket.size(one) for one in ranges)


@given(KEY_SETS, RANGES, st.integers(0, 20), st.integers(0, MAX_KEY_BYTES))
def test_ranges_and_probes_are_never_more_or_longer_than_they_may_be(
    keys: set[str], key_range: KeyRange, wanted: int, prefix_bytes: int
) -> None:
    bucket = Bucket(keys)

    ranges = cut(key_range, wanted, bucket.probe, prefix_bytes)

    assert 1 <= len(ranges) <= max(wanted, 1)
    assert len(bucket.probes) <= wanted * PROBES_PER_RANGE
    assert all(
        after is None or len(after.encode()) + prefix_bytes <= MAX_KEY_BYTES for after in bucket.probes
    )


@given(RANGES, WANTED, st.lists(st.none() | NASTY_KEYS | FEW_CHARACTERS, max_size=200))
def test_answers_that_make_no_sense_spoil_the_cuts_but_not_the_coverage(
    key_range: KeyRange, wanted: int, answers: list[str | None]
) -> None:
    """A bucket that changes while it is probed, or lists out of order, can say anything."""
    given_answers = iter(answers)

    ranges = cut(key_range, wanted, lambda after: next(given_answers, None))

    assert_tiles(ranges, key_range)
    assert len(ranges) <= wanted


@given(KEY_SETS, st.integers(2, 8), st.integers(1, 5))
def test_ranges_cut_again_wave_after_wave_still_hold_every_key_once(
    keys: set[str], wanted: int, keys_a_turn: int
) -> None:
    bucket, seen = Bucket(keys), list[str]()
    ranges, waves = cut(KeyRange(), wanted, bucket.probe), 0
    while ranges:
        waves += 1
        rests = [read(bucket, one, keys_a_turn, seen) for one in ranges]
        ranges = [part for rest in rests if rest for part in cut(rest, wanted, bucket.probe)]

    assert sorted(seen) == bucket.keys
    assert waves <= len(keys) + 1


def read(bucket: Bucket, key_range: KeyRange, most: int, seen: list[str]) -> KeyRange | None:
    """Read a turn's worth of a range, as compare_listings does; return what is left of it."""
    start = bucket.position(key_range.after)
    turn = bucket.keys[start : start + bucket.size(key_range)][:most]
    seen += turn
    return KeyRange(turn[-1], key_range.up_to) if len(turn) < bucket.size(key_range) else None


def test_few_keys_are_cut_into_single_ones() -> None:
    bucket = Bucket(["a", "ab", "abc", "b", "ba"])

    assert [bucket.size(one) for one in cut(KeyRange(), 5, bucket.probe)] == [1, 1, 1, 1, 1]


def test_an_empty_bucket_is_one_range_for_one_probe() -> None:
    bucket = Bucket([])

    assert cut(KeyRange("a", "b"), 64, bucket.probe) == [KeyRange("a", "b")]
    assert bucket.probes == ["a"]


def test_one_range_is_cut_without_a_probe() -> None:
    bucket = Bucket(["a", "b"])

    assert cut(KeyRange(), 1, bucket.probe) == [KeyRange()]
    assert bucket.probes == []


def test_folders_are_cut_where_they_end() -> None:
    bucket = Bucket([f"logs/{year}/{number}" for year in (2024, 2025, 2026) for number in range(5)])

    assert cut(KeyRange(), 3, bucket.probe) == [
        KeyRange(None, "logs/2024" + LAST),
        KeyRange("logs/2024" + LAST, "logs/2025" + LAST),
        KeyRange("logs/2025" + LAST, None),
    ]


def test_a_bucket_that_forks_at_every_character_costs_no_more_probes_than_are_allowed() -> None:
    bucket = Bucket(["a" * length + "b" for length in range(0, 900, 15)])

    ranges = cut(KeyRange(), 20, bucket.probe)

    assert len(bucket.probes) == 20 * PROBES_PER_RANGE
    assert 1 < len(ranges) < 20
    assert_tiles(ranges, KeyRange())


@given(KEY_SETS, RANGES, st.integers(16, 40), st.integers(1, 10), st.integers(0, MAX_KEY_BYTES))
def test_weighed_ranges_hold_every_key_once_and_their_probes_are_bounded(
    keys: set[str], key_range: KeyRange, wanted: int, page_keys: int, prefix_bytes: int
) -> None:
    bucket = Bucket(keys)
    bucket.page_keys = page_keys

    ranges = cut(key_range, wanted, bucket.probe, prefix_bytes, bucket.page_end)

    assert_tiles(ranges, key_range)
    assert len(ranges) <= wanted
    assert len(bucket.probes) <= wanted * (PROBES_PER_RANGE + 1)
    assert all(
        after is None or len(after.encode()) + prefix_bytes <= MAX_KEY_BYTES for after in bucket.probes
    )
    assert len(ranges) == 1 or all(bucket.size(one) for one in ranges)


@given(RANGES, KEY_SETS, st.lists(st.none() | NASTY_KEYS | FEW_CHARACTERS, max_size=200))
def test_pages_that_make_no_sense_spoil_the_weights_but_not_the_coverage(
    key_range: KeyRange, keys: set[str], answers: list[str | None]
) -> None:
    given_answers = iter(answers)

    ranges = cut(key_range, 16, Bucket(keys).probe, 0, lambda after: next(given_answers, None))

    assert_tiles(ranges, key_range)
    assert len(ranges) <= 16


KEYS = 20_000


def uuids() -> list[str]:
    chance = random.Random(7)
    return [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(KEYS)]


def numbers() -> list[str]:
    return [f"object-{number:09d}.bin" for number in range(KEYS)]


def dates() -> list[str]:
    return [
        f"logs/{2018 + number % 8}/{number // 8 % 12 + 1:02d}/{number // 96 % 28 + 1:02d}/{number:06d}.gz"
        for number in range(KEYS)
    ]


def deep() -> list[str]:
    chance = random.Random(7)
    return [f"one/very/deep/folder/that/all/keys/share/{chance.getrandbits(64):016x}" for _ in range(KEYS)]


def one_folder() -> list[str]:
    return [f"small/{number:06d}" if number % 100 == 0 else f"big/{number:06d}" for number in range(KEYS)]


def one_folder_of_many() -> list[str]:
    return [f"{chr(97 + number // 100 % 26)}/{number}" for number in range(0, KEYS, 100)] + one_folder()


def unicode() -> list[str]:
    chance = random.Random(7)
    alphabet = "aäé中文字кшქ한국어😀🚀ß/"
    return [
        "".join(chance.choices(alphabet, k=chance.randint(3, 12))) + str(number) for number in range(KEYS)
    ]


def nested() -> list[str]:
    """Folders within folders within folders, most keys near the top: each level needs a wave of its own."""
    chance = random.Random(3)
    depths = (min(12, int(chance.expovariate(0.3))) for _ in range(KEYS))
    return ["/".join(map(str, range(depth))) + f"/{chance.getrandbits(40):010x}" for depth in depths]


@pytest.mark.parametrize(
    ("keys", "most_probes", "largest_to_mean"),
    [
        (uuids, 85, 4.5),
        (numbers, 95, 3.5),
        (dates, 160, 6.5),
        (deep, 90, 4.5),
        (one_folder, 110, 3.5),
        (unicode, 85, 4.5),
    ],
)
def test_64_ranges_of_ordinary_keys_cost_few_probes_and_none_is_much_larger_than_the_others(
    keys: Callable[[], list[str]], most_probes: int, largest_to_mean: float
) -> None:
    bucket = Bucket(keys())

    sizes = [bucket.size(one) for one in cut(KeyRange(), 64, bucket.probe)]

    assert (len(sizes), sum(sizes), min(sizes) > 0) == (64, len(bucket.keys), True)
    assert len(bucket.probes) <= most_probes
    assert max(sizes) <= largest_to_mean * sum(sizes) / len(sizes)


@pytest.mark.parametrize(("wanted", "largest_share"), [(12, 0.3), (36, 0.1), (64, 0.05)])
def test_thousands_of_first_characters_are_cut_evenly_however_few_cuts_there_are(
    wanted: int, largest_share: float
) -> None:
    chance = random.Random(1)
    ideographs, syllables = range(0x4E00, 0x9C20), range(0xAC00, 0xD310)
    alphabet = [chr(one) for one in (*ideographs, *syllables)]
    bucket = Bucket(["".join(chance.choices(alphabet, k=6)) for _ in range(20_000)])

    sizes = [bucket.size(one) for one in cut(KeyRange(), wanted, bucket.probe)]

    assert (len(sizes), sum(sizes)) == (wanted, len(bucket.keys))
    assert max(sizes) <= largest_share * len(bucket.keys)
    assert len(bucket.probes) <= 2 * wanted


def test_light_ranges_at_the_end_become_one_though_keys_go_on_behind_them() -> None:
    bucket = Bucket([f"{number:04d}" for number in range(5000)])

    ranges = cut(KeyRange(None, "0799"), 20, bucket.probe, 0, bucket.page_end)

    assert ranges == [KeyRange(None, "0799")]


def many_folders(light: Callable[[int], str]) -> list[str]:
    """One key in a hundred in some folder, the others in one folder among those."""
    return [light(number) if number % 100 == 0 else f"big/{number:06d}" for number in range(KEYS)]


@pytest.mark.parametrize(
    ("keys", "most_probes"),
    [
        (one_folder_of_many, 230),
        (lambda: many_folders(lambda number: f"{number // 100 % 100:02d}/{number:06d}"), 300),
        (lambda: many_folders(lambda number: f"{chr(97 + number // 100 % 26)}/{number:06d}"), 300),
    ],
)
def test_a_folder_with_nearly_all_keys_is_cut_wherever_it_is_among_the_others(
    keys: Callable[[], list[str]], most_probes: int
) -> None:
    """Without weighing the 64 ranges are those of the light folders, and the heavy one is 63 times the mean."""
    bucket = Bucket(keys())
    bucket.page_keys = 100  # as 1,000 to 200,000 keys

    unweighed = [bucket.size(one) for one in cut(KeyRange(), 64, bucket.probe)]
    bucket.probes.clear()
    sizes = [bucket.size(one) for one in cut(KeyRange(), 64, bucket.probe, 0, bucket.page_end)]

    assert max(unweighed) > 30 * KEYS / 64
    assert (sum(sizes), min(sizes) > 0) == (len(bucket.keys), True)
    assert max(sizes) <= 4.5 * KEYS / 64
    assert len(bucket.probes) <= most_probes


def test_an_even_bucket_is_weighed_with_a_few_pages_only() -> None:
    bucket = Bucket(uuids())
    bucket.page_keys = 100

    cut(KeyRange(), 64, bucket.probe)
    unweighed = len(bucket.probes)
    cut(KeyRange(), 64, bucket.probe, 0, bucket.page_end)

    assert len(bucket.probes) - 2 * unweighed == MAX_FRUITLESS_PAGES


@pytest.mark.parametrize(
    ("keys", "most_waves"),
    [
        (uuids, 7),
        (numbers, 6),
        (dates, 5),
        (deep, 7),
        (one_folder, 7),
        (one_folder_of_many, 7),
        (unicode, 7),
        (nested, 25),
    ],
)
def test_a_skewed_bucket_balances_itself_in_few_waves(keys: Callable[[], list[str]], most_waves: int) -> None:
    """10^9 keys at 10,000 a second, 1 : 50,000: turns of 30, 60 and 300 seconds read 6, 12 and 60 of these keys."""
    bucket, seen = Bucket(keys()), list[str]()
    ranges, waves = cut(KeyRange(), 8, bucket.probe), 0
    while ranges:
        keys_a_turn = (6, 12, 60)[min(waves, 2)]
        rests = [read(bucket, one, keys_a_turn, seen) for one in ranges]
        ranges = [part for rest in rests if rest for part in cut(rest, 8, bucket.probe)]
        waves += 1

    assert sorted(seen) == bucket.keys
    assert waves <= most_waves


class Listing:
    """Answers ListObjectsV2 for one bucket from a list of keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.bucket = Bucket(keys)
        self.started_after: list[str] = []

    def list_objects_v2(self, **parameters: Any) -> dict[str, Any]:
        after = parameters.get("StartAfter", "")
        self.started_after.append(after)
        keys = [key for key in self.bucket.keys if key.startswith(parameters["Prefix"]) and key > after]
        page = keys[: parameters["MaxKeys"]]
        return {"Contents": [{"Key": key} for key in page], "IsTruncated": len(page) < len(keys)}


def cut_between(
    source: Sequence[str], destination: Sequence[str], key_range: KeyRange, **prefixes: Any
) -> tuple[list[KeyRange], Listing, Listing]:
    sides = Listing(source), Listing(destination)
    clients = Clients(*sides, SimpleNamespace(), RequestCounter())
    return cut_range(clients, run_of(**prefixes), key_range, 8), *sides


def test_a_source_of_more_than_a_page_is_cut_and_the_destination_is_not_asked() -> None:
    ranges, source, destination = cut_between(numbers()[:1001], numbers(), KeyRange())

    assert len(ranges) == 8
    assert 1 < len(source.started_after) <= 1 + 8 * PROBES_PER_RANGE
    assert destination.started_after == []


def test_a_destination_of_more_than_a_page_is_cut_where_the_source_is_short() -> None:
    ranges, source, destination = cut_between([], numbers()[:1001], KeyRange())

    assert len(ranges) == 8
    assert source.started_after == [""]
    assert len(destination.started_after) > 1


def test_two_short_buckets_are_one_range_for_two_requests() -> None:
    ranges, source, destination = cut_between(numbers()[:1000], numbers()[:1000], KeyRange("a", "p"))

    assert ranges == [KeyRange("a", "p")]
    assert source.started_after + destination.started_after == ["a", "a"]


@pytest.mark.parametrize("keys_behind", [0, 3000])
def test_a_range_of_orphans_only_is_cut_however_many_keys_the_source_has_behind_it(keys_behind: int) -> None:
    orphans = [f"m/{number:04d}" for number in range(3000)]
    source = [f"z/{number:04d}" for number in range(keys_behind)]

    ranges, _, _ = cut_between(source, [*orphans, *source], KeyRange("a", "m/~"))

    assert len(ranges) == 8


def test_a_range_that_fits_into_a_page_is_not_cut_whatever_follows_it() -> None:
    ranges, source, destination = cut_between(numbers(), numbers(), KeyRange(None, numbers()[500]))

    assert ranges == [KeyRange(None, numbers()[500])]
    assert (len(source.started_after), len(destination.started_after)) == (1, 1)


def test_a_bucket_is_cut_under_its_prefix_and_the_ranges_are_relative_to_it() -> None:
    keys = [*(f"a/{key}" for key in numbers()[:2000]), "b"]

    ranges, source, _ = cut_between(keys, [], KeyRange(), prefix="a/", destinationPrefix="")

    assert len(ranges) == 8
    assert all(one.up_to is None or one.up_to.startswith("object-") for one in ranges)
    assert all(after == "" or after.startswith("a/object-") for after in source.started_after)
