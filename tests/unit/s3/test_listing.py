"""Reading one page of a side's keys: from where, what it says of each, and where the listing goes on; merging two sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from listed_bucket import ETAG, ListedBucket, RefusingBucket
from samples import NOON, client_error, entry, run_of
from samples import entries as listed

from lambda_functions.shared.compare.key_space import LAST
from lambda_functions.shared.errors import RangeBroken
from lambda_functions.shared.option_rules import MAX_KEY_BYTES
from lambda_functions.shared.run import Side
from lambda_functions.shared.s3.listing import Entry, KeyRange, merge, pair_key, read_page

KEY_SETS = st.sets(st.text(alphabet="ab\x00é\uffff\U00010000\U0010ffff", max_size=4), max_size=30)
KEYS = st.text(alphabet="ab/é\uffff\U00010000\U0010ffff", max_size=4)


def keys_behind(client: Any, after: str | None = None, side: Side | None = None) -> list[str]:
    """Return the keys of all pages behind a position."""
    page = read_page(client, side or run_of().source, after)
    keys = [one.key for one in page.entries]
    while page.token:
        page = read_page(client, side or run_of().source, after, page.token)
        keys += [one.key for one in page.entries]
    return keys


def test_a_listing_goes_on_from_its_tokens_until_a_page_has_none() -> None:
    bucket = ListedBucket([f"{number:04d}" for number in range(2500)])

    assert keys_behind(bucket) == bucket.keys
    assert [asked.get("ContinuationToken") for asked in bucket.asked] == [None, "0999", "1999"]


def test_every_request_names_the_bucket_its_owner_and_what_is_to_be_told() -> None:
    bucket = ListedBucket(["p/a", "p/b"])

    read_page(bucket, run_of(prefix="p/", sourceOwner="111122223333", requestPayer=True).source, None)

    assert bucket.asked == [
        {
            "Bucket": "from",
            "ExpectedBucketOwner": "111122223333",
            "RequestPayer": "requester",
            "Prefix": "p/",
            "MaxKeys": 1000,
            "OptionalObjectAttributes": ["RestoreStatus"],
        }
    ]


def test_a_request_has_a_position_with_its_prefix_or_a_token_and_never_both() -> None:
    bucket, side = ListedBucket(["p/a", "p/b", "p/c", "q"], page_keys=1), run_of(prefix="p/").source

    page = read_page(bucket, side, "a")
    read_page(bucket, side, "a", page.token)

    assert ([one.key for one in page.entries], page.token) == (["b"], "p/b")
    given = [
        {name: asked[name] for name in ("StartAfter", "ContinuationToken") if name in asked}
        for asked in bucket.asked
    ]
    assert given == [{"StartAfter": "p/a"}, {"ContinuationToken": "p/b"}]


def test_a_key_equal_to_the_prefix_is_the_empty_key_and_comes_first() -> None:
    bucket, side = ListedBucket(["p/", "p/a"]), run_of(prefix="p/").source

    assert keys_behind(bucket, None, side) == ["", "a"]
    assert keys_behind(bucket, "", side) == ["a"]


@pytest.mark.parametrize("after", [None, ""])
def test_a_listing_of_a_whole_bucket_after_no_key_has_no_position(after: str | None) -> None:
    bucket = ListedBucket(["a"])

    assert keys_behind(bucket, after) == ["a"]

    assert "StartAfter" not in bucket.asked[0]


@given(
    st.integers(1000, 1024), st.sampled_from(["a", "é", "中", LAST]), st.integers(0, 30), st.integers(0, 1000)
)
def test_a_position_longer_than_a_key_may_be_begins_a_little_earlier(
    prefix_bytes: int, filler: str, length: int, size: int
) -> None:
    """The other side of the range may have a shorter prefix, and longer relative keys; who asks leaves out what is before."""
    prefix, after = "p" * prefix_bytes, filler * length
    room = (MAX_KEY_BYTES - prefix_bytes) // len(filler.encode())
    keys = [filler * count for count in range(room + 1)]

    found = keys_behind(ListedBucket([prefix + key for key in keys]), after, run_of(prefix=prefix).source)

    assert [key for key in found if key > after] == [key for key in keys if key > after]
    assert found == sorted(found)


def test_an_entry_says_what_a_decision_needs() -> None:
    class Telling(ListedBucket):
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

    assert read_page(Telling(names), run_of().source, None).entries == [
        Entry("archived", ETAG, 3, NOON, "GLACIER"),
        Entry("checksum", ETAG, 3, NOON, checksum=("CRC64NVME", "FULL_OBJECT")),
        Entry("plain", ETAG, 3, NOON),
        Entry("restored", ETAG, 3, NOON, "DEEP_ARCHIVE", is_restored=True),
        Entry("restoring", ETAG, 3, NOON, "GLACIER", is_being_restored=True),
        Entry("restoring longer", ETAG, 3, NOON, "GLACIER", is_being_restored=True),
    ]


def test_an_empty_page_that_is_not_the_last_is_not_the_end() -> None:
    """S3 may answer so after many deletes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html."""

    class Sparse(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            answer = super().list_objects_v2(**asked)
            if "ContinuationToken" not in asked:
                answer |= {"Contents": [], "IsTruncated": True, "NextContinuationToken": "from the beginning"}
            return answer

    page = read_page(Sparse(["a"]), run_of().source, None)

    assert (list(page.entries), page.token) == ([], "from the beginning")
    assert keys_behind(Sparse(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize(
    "says",
    [
        {"IsTruncated": True},
        {"NextContinuationToken": "on"},
        {"IsTruncated": None},
        {"IsTruncated": True, "NextContinuationToken": ""},
    ],
)
def test_a_page_that_does_not_say_clearly_whether_it_is_the_last_is_not_taken_for_the_last(
    says: dict[str, Any],
) -> None:
    class Undecided(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            return {**super().list_objects_v2(**asked), **says}

    with pytest.raises(RangeBroken) as caught:
        read_page(Undecided(["a"]), run_of(prefix="p/").source, None)

    assert (
        str(caught.value)
        == "a page of s3://from/p/ does not say whether it is the last: its keys are unknown"
    )


@pytest.mark.parametrize("token", ["", None])
def test_the_last_page_goes_on_nowhere(token: str | None) -> None:
    class Ending(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            return {**super().list_objects_v2(**asked), "NextContinuationToken": token}

    assert read_page(Ending(["a"]), run_of().source, None).token is None


def test_a_page_that_s3_refuses_breaks_the_range_and_says_why() -> None:
    denied = client_error(403, "AccessDenied", "ListObjectsV2", "no")

    with pytest.raises(RangeBroken, match=r"^AccessDenied: no \(ListObjectsV2\)"):
        read_page(RefusingBucket(denied), run_of().source, None)


@pytest.mark.parametrize(
    "error", [client_error(503, "SlowDown", "ListObjectsV2"), ConnectionError("the line is dead")]
)
def test_what_passes_is_left_to_the_next_attempt(error: Exception) -> None:
    with pytest.raises((ClientError, ConnectionError)) as caught:
        read_page(RefusingBucket(error), run_of().source, None)

    assert caught.value is error


@pytest.mark.parametrize(
    ("attempts", "was_busy"), [({}, False), ({"RetryAttempts": 0}, False), ({"RetryAttempts": 2}, True)]
)
def test_a_page_says_whether_it_had_to_be_asked_for_again(attempts: dict[str, int], was_busy: bool) -> None:
    class Retried(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            return {**super().list_objects_v2(**asked), "ResponseMetadata": attempts}

    assert read_page(Retried(["a"]), run_of().source, None).was_busy is was_busy


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


def test_ranges_are_sorted_by_where_they_begin_and_what_begins_nowhere_is_first() -> None:
    """The empty key is a key like any other: what begins after it comes after what begins before it."""
    first, second, third, fourth = (
        KeyRange(None, "a"),
        KeyRange("", "b"),
        KeyRange("a", None),
        KeyRange("b", "c"),
    )

    assert sorted([fourth, second, third, first], key=KeyRange.place) == [first, second, third, fourth]


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
