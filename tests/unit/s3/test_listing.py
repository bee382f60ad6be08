"""Reading one side of a key range, page by page: in order, to the end, and never from beyond what S3 takes as a position."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lambda_functions.shared.compare.key_ranges import LAST
from samples import NOON, entry, run_of
from samples import entries as listed

from lambda_functions.shared.errors import RangeBroken
from lambda_functions.shared.options import MAX_KEY_BYTES
from lambda_functions.shared.run import Side
from lambda_functions.shared.s3.listing import (
    Entry,
    KeyRange,
    Listing,
    first_key,
    merge,
    page_end,
    pair_key,
)

# First and last characters of 1, 2, 3 and 4 bytes, and those on both sides of the hole that surrogates leave: UTF-8 and
# UTF-16 order them differently.
NASTY = "\x00\x01/ab~\x7f\x80é\u07ff\u0800\ud7ff\ue000\ufffd\uffff\U00010000😀\U0010fffe\U0010ffff"
KEYS = st.text(alphabet=NASTY, max_size=6) | st.text(max_size=12)
KEY_SETS = st.sets(st.text(alphabet="ab\x00é\uffff\U00010000\U0010ffff", max_size=4), max_size=30)
ETAG = "0cc175b9c0f1b6a831c399e269772661"


class FakeBucket:
    """Answers ListObjectsV2 as S3 does, in pages of at most `page_keys`; or in the order given, as S3 never should."""

    def __init__(self, keys: list[str], page_keys: int = 1000, *, is_sorted: bool = True) -> None:
        self.keys = sorted(set(keys)) if is_sorted else keys
        self.page_keys = page_keys
        self.asked: list[dict[str, Any]] = []

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        assert asked.get("StartAfter") != ""
        assert len(asked.get("StartAfter", "").encode()) <= MAX_KEY_BYTES
        under = [key for key in self.keys if key.startswith(asked["Prefix"])]
        keys = [key for key in under if key > asked["StartAfter"]] if "StartAfter" in asked else under
        keys = keys[self.going_on(asked, keys) :]
        page = keys[: min(asked["MaxKeys"], self.page_keys)]
        more = {"NextContinuationToken": page[-1]} if len(page) < len(keys) else {}
        return {"Contents": [self.content(key) for key in page], "IsTruncated": bool(more), **more}

    def going_on(self, asked: dict[str, Any], keys: list[str]) -> int:
        """Return where a page begins: behind the key that its token names, if it names one."""
        token = asked.get("ContinuationToken")
        return keys.index(token) + 1 if token in keys else 0

    def content(self, key: str) -> dict[str, Any]:
        return {"Key": key, "ETag": f'"{ETAG}"', "Size": 3, "LastModified": NOON}


def read(client: Any, key_range: KeyRange | None = None, side: Side | None = None) -> list[str]:
    return [one.key for one in Listing(client, side or run_of().source, key_range or KeyRange())]


def test_a_listing_is_read_to_its_end() -> None:
    listing = FakeBucket([f"{number:04d}" for number in range(2500)])

    assert read(listing) == listing.keys
    assert len(listing.asked) == 3


def test_every_request_names_the_bucket_its_owner_and_what_is_to_be_told() -> None:
    listing = FakeBucket(["p/a", "p/b"])

    read(listing, side=run_of(prefix="p/", sourceOwner="111122223333", requestPayer=True).source)

    assert listing.asked == [
        {
            "Bucket": "from",
            "ExpectedBucketOwner": "111122223333",
            "RequestPayer": "requester",
            "Prefix": "p/",
            "MaxKeys": 1000,
            "OptionalObjectAttributes": ["RestoreStatus"],
        }
    ]


def test_a_range_is_read_from_behind_its_beginning_to_its_end() -> None:
    listing = FakeBucket(["p/a", "p/b", "p/c", "p/d", "q"])

    assert read(listing, KeyRange("a", "c"), run_of(prefix="p/").source) == ["b", "c"]
    assert listing.asked[0]["StartAfter"] == "p/a"


def test_a_key_equal_to_the_prefix_is_the_empty_key_and_comes_first() -> None:
    listing, side = FakeBucket(["p/", "p/a"]), run_of(prefix="p/").source

    assert read(listing, KeyRange(None, None), side) == ["", "a"]
    assert read(listing, KeyRange("", None), side) == ["a"]
    assert read(listing, KeyRange(None, ""), side) == [""]


@pytest.mark.parametrize("keys", [["b", "a"], ["a", "a"], ["a", "c", "b"]])
def test_keys_out_of_order_break_the_range(keys: list[str]) -> None:
    with pytest.raises(RangeBroken) as caught:
        read(FakeBucket(keys, is_sorted=False))

    assert str(caught.value) == (
        f"s3://from/ lists {keys[-1]!r} after {keys[-2]!r}: its keys are not in order"
    )


def test_an_error_in_the_middle_of_a_listing_is_not_its_end() -> None:
    class Breaking(FakeBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            if "ContinuationToken" in asked:
                raise ConnectionError("the line is dead")
            return super().list_objects_v2(**asked)

    with pytest.raises(ConnectionError):
        read(Breaking(["a", "b", "c"], page_keys=1))


KEYS = st.text(alphabet="ab/é\uffff\U00010000\U0010ffff", max_size=4)


@given(
    st.sets(KEYS, max_size=30),
    st.none() | KEYS,
    st.none() | KEYS,
    st.integers(1, 5),
    st.sampled_from(["p/", "é"]),
)
def test_exactly_the_keys_of_the_range_are_read_in_order(
    keys: set[str], after: str | None, up_to: str | None, page_keys: int, prefix: str
) -> None:
    key_range = KeyRange(after, up_to)
    listing = FakeBucket([prefix + key for key in keys] + ["", "a", "z"], page_keys)

    found = read(listing, key_range, run_of(prefix=prefix).source)

    assert found == sorted(key for key in keys if key_range.contains(key))


@given(
    st.integers(1000, 1024), st.sampled_from(["a", "é", "中", LAST]), st.integers(0, 30), st.integers(0, 1000)
)
def test_a_position_longer_than_a_key_may_be_begins_a_little_earlier_and_leaves_out_what_is_before(
    prefix_bytes: int, filler: str, length: int, size: int
) -> None:
    """The other side of the range may have a shorter prefix, and longer relative keys."""
    prefix, after = "p" * prefix_bytes, filler * length
    room = (MAX_KEY_BYTES - prefix_bytes) // len(filler.encode())
    keys = [filler * count for count in range(room + 1)]

    found = read(FakeBucket([prefix + key for key in keys]), KeyRange(after), run_of(prefix=prefix).source)

    assert found == [key for key in keys if key > after]


def test_an_entry_says_what_a_decision_needs() -> None:
    class Telling(FakeBucket):
        def content(self, key: str) -> dict[str, Any]:
            more: dict[str, dict[str, Any]] = {
                "archived": {"StorageClass": "GLACIER"},
                "restored": {
                    "StorageClass": "DEEP_ARCHIVE",
                    "RestoreStatus": {"IsRestoreInProgress": False, "RestoreExpiryDate": NOON},
                },
                "restoring": {"StorageClass": "GLACIER", "RestoreStatus": {"IsRestoreInProgress": True}},
                "restoring longer": {
                    "StorageClass": "GLACIER",
                    "RestoreStatus": {"IsRestoreInProgress": True, "RestoreExpiryDate": NOON},
                },
                "checksum": {"ChecksumAlgorithm": ["CRC64NVME"], "ChecksumType": "FULL_OBJECT"},
                "plain": {},
            }
            return {**super().content(key), **more[key]}

    names = ["archived", "checksum", "plain", "restored", "restoring", "restoring longer"]

    assert list(Listing(Telling(names), run_of().source, KeyRange())) == [
        Entry("archived", ETAG, 3, NOON, "GLACIER"),
        Entry("checksum", ETAG, 3, NOON, checksum=("CRC64NVME", "FULL_OBJECT")),
        Entry("plain", ETAG, 3, NOON),
        Entry("restored", ETAG, 3, NOON, "DEEP_ARCHIVE", is_restored=True),
        Entry("restoring", ETAG, 3, NOON, "GLACIER", is_being_restored=True),
        Entry("restoring longer", ETAG, 3, NOON, "GLACIER", is_being_restored=True),
    ]


def test_the_first_key_behind_a_position_costs_one_request_of_one_key() -> None:
    listing, side = FakeBucket(["p/a", "p/b", "q"]), run_of(prefix="p/").source

    assert [first_key(listing, side, after) for after in (None, "", "a", "b")] == ["a", "a", "b", None]
    assert [asked["MaxKeys"] for asked in listing.asked] == [1, 1, 1, 1]


def test_an_empty_page_that_is_not_the_last_is_not_the_end() -> None:
    """S3 may answer so after many deletes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html."""

    class Sparse(FakeBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            if "ContinuationToken" not in asked:
                return {"IsTruncated": True, "NextContinuationToken": "from the beginning"}
            return super().list_objects_v2(**asked)

    assert first_key(Sparse(["a"]), run_of().source, None) == "a"
    assert read(Sparse(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize(("count", "expected"), [(0, None), (1000, None), (1001, "0999")])
def test_a_page_of_1000_keys_has_an_end_if_more_keys_follow(count: int, expected: str | None) -> None:
    listing = FakeBucket([f"{number:04d}" for number in range(count)])

    assert page_end(listing, run_of().source, None) == expected


def test_a_page_out_of_order_is_no_end_of_a_range_even_behind_that() -> None:
    listing = FakeBucket(["a", "z", "b"], is_sorted=False)

    with pytest.raises(RangeBroken, match="are not in order"):
        read(listing, KeyRange(None, "m"))


def test_a_last_page_that_says_where_to_go_on_is_not_taken_for_the_last() -> None:
    class Undecided(FakeBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            return {**super().list_objects_v2(**asked), "NextContinuationToken": "on"}

    with pytest.raises(RangeBroken, match="does not say whether it is the last"):
        read(Undecided(["a"]))


def test_both_sides_of_a_range_are_asked_for_their_first_page_at_the_same_time() -> None:
    together = threading.Barrier(2)

    class Waiting(FakeBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            if not self.asked:
                together.wait(20)  # breaks if the other side is asked only when this one has answered
            return super().list_objects_v2(**asked)

    run = run_of()
    sides = [Listing(Waiting(["a"]), side, KeyRange()) for side in (run.source, run.destination)]

    assert [(one and one.key, other and other.key) for one, other in merge(*sides)] == [("a", "a")]


def test_the_next_page_is_asked_for_while_one_is_used() -> None:
    second = threading.Event()

    class Telling(FakeBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            answer = super().list_objects_v2(**asked)
            if "ContinuationToken" in asked:
                second.set()
            return answer

    found = iter(Listing(Telling(["a", "b", "c"], page_keys=1), run_of().source, KeyRange()))

    assert next(found).key == "a"
    assert second.wait(20)


def test_what_comes_before_a_break_in_the_order_is_told_and_nothing_behind_it() -> None:
    found = iter(Listing(FakeBucket(["a", "b", "b", "c"], is_sorted=False), run_of().source, KeyRange()))

    assert [next(found).key, next(found).key] == ["a", "b"]
    with pytest.raises(RangeBroken):
        next(found)


def test_a_break_in_the_order_from_page_to_page_breaks_the_range() -> None:
    with pytest.raises(RangeBroken, match="lists 'a' after 'b': its keys are not in order"):
        read(FakeBucket(["b", "a"], page_keys=1, is_sorted=False))


def test_the_first_key_is_not_looked_for_behind_a_page_that_does_not_say_where_to_go_on() -> None:
    class Lost(FakeBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            return {"IsTruncated": True}

    with pytest.raises(RangeBroken, match="does not say whether it is the last"):
        first_key(Lost([]), run_of().source, None)


# --- Key ranges -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key_range", "inside", "outside"),
    [
        (KeyRange(), ["", "a", LAST], []),
        (KeyRange(None, "m"), ["", "a", "m"], ["m\x00", "n"]),
        (KeyRange("m", None), ["m\x00", "z"], ["", "m"]),
        (KeyRange("a", "m"), ["a\x00", "b", "m"], ["a", "m\x00"]),
        (KeyRange("", None), ["\x00"], [""]),
        (KeyRange("a", "a"), [], ["a", ""]),
    ],
)
def test_a_range_begins_after_one_key_and_ends_with_another(
    key_range: KeyRange, inside: list[str], outside: list[str]
) -> None:
    assert [key for key in (*inside, *outside) if key_range.contains(key)] == inside


@given(st.builds(KeyRange, st.none() | KEYS, st.none() | KEYS))
def test_a_range_comes_back_from_json_as_it_went(key_range: KeyRange) -> None:
    assert KeyRange.from_json(key_range.to_json()) == key_range


@given(KEYS, KEYS)
def test_keys_are_ordered_as_s3_orders_them_by_their_bytes(one: str, other: str) -> None:
    assert (one < other) == (one.encode() < other.encode())


# --- Merging two listings: for every key what each side has, against set algebra ---------------------------------


def test_two_listings_become_pairs_in_order() -> None:
    here, there = entry("b", etag="1"), entry("b", etag="2")

    assert list(merge([entry("a"), here], [there, entry("c")])) == [
        (entry("a"), None),
        (here, there),
        (None, entry("c")),
    ]


def test_two_empty_listings_have_no_pairs() -> None:
    assert list(merge([], [])) == []


def test_an_empty_key_is_a_key() -> None:
    assert [pair_key(pair) for pair in merge(listed(["", "a"]), listed([""]))] == ["", "a"]


@given(KEY_SETS, KEY_SETS)
def test_pairs_are_the_union_and_each_side_has_what_it_had(source: set[str], destination: set[str]) -> None:
    pairs = list(merge(listed(source), listed(destination)))

    assert [pair_key(pair) for pair in pairs] == sorted(source | destination)
    assert {one.key for one, other in pairs if one and not other} == source - destination
    assert {other.key for one, other in pairs if other and not one} == destination - source
    assert {one.key for one, other in pairs if one and other} == source & destination
    assert all(one.key == other.key for one, other in pairs if one and other)


@given(KEY_SETS, KEY_SETS)
def test_exchanging_the_sides_exchanges_the_pairs(source: set[str], destination: set[str]) -> None:
    forth = list(merge(listed(source), listed(destination)))
    back = list(merge(listed(destination), listed(source)))

    assert forth == [(one, other) for other, one in back]


def test_listings_are_read_no_further_than_needed() -> None:
    read: list[str] = []

    def listing(name: str, keys: str) -> Iterator[Entry]:
        for key in keys:
            read.append(name + key)
            yield entry(key)

    pairs = merge(listing("source ", "ace"), listing("destination ", "bdf"))

    assert pair_key(next(pairs)) == "a"
    assert read == ["source a", "destination b"]
    assert pair_key(next(pairs)) == "b"
    assert read == ["source a", "destination b", "source c"]
