"""Merging two listings: for every key what each side has, against set algebra."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from samples import entries, entry

from lambda_functions.shared.s3.listing import Entry
from lambda_functions.shared.s3.merging import key_of, merge

KEYS = st.sets(st.text(alphabet="ab\x00é\uffff\U00010000\U0010ffff", max_size=4), max_size=30)


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
    assert [key_of(pair) for pair in merge(entries(["", "a"]), entries([""]))] == ["", "a"]


@given(KEYS, KEYS)
def test_pairs_are_the_union_and_each_side_has_what_it_had(source: set[str], destination: set[str]) -> None:
    pairs = list(merge(entries(source), entries(destination)))

    assert [key_of(pair) for pair in pairs] == sorted(source | destination)
    assert {one.key for one, other in pairs if one and not other} == source - destination
    assert {other.key for one, other in pairs if other and not one} == destination - source
    assert {one.key for one, other in pairs if one and other} == source & destination
    assert all(one.key == other.key for one, other in pairs if one and other)


@given(KEYS, KEYS)
def test_exchanging_the_sides_exchanges_the_pairs(source: set[str], destination: set[str]) -> None:
    forth = list(merge(entries(source), entries(destination)))
    back = list(merge(entries(destination), entries(source)))

    assert forth == [(one, other) for other, one in back]


def test_listings_are_read_no_further_than_needed() -> None:
    read: list[str] = []

    def listing(name: str, keys: str) -> Iterator[Entry]:
        for key in keys:
            read.append(name + key)
            yield entry(key)

    pairs = merge(listing("source ", "ace"), listing("destination ", "bdf"))

    assert key_of(next(pairs)) == "a"
    assert read == ["source a", "destination b"]
    assert key_of(next(pairs)) == "b"
    assert read == ["source a", "destination b", "source c"]
