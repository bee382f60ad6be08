"""The books: a world that balances has no gap, and every term that is changed is missed in the accounts that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_functions.shared.outcomes import SKIPPED
from lambda_functions.shared.tally.books import (
    carried_gaps,
    comparison_gaps,
    describe_gaps,
    range_gaps,
    work_gaps,
)

Range = tuple[str | None, str | None]
COUNT = st.integers(0, 10**12)
# What is counted on its own; the rest follows from it.
FREE = (
    "sourceOutOfScope", "current", "sourceKept", "copies", "skipped", "undecided",
    "destinationOutOfScope", "paired", "deletes", "destinationKept",
)  # fmt: skip
# The accounts that a term stands in.
ACCOUNTS = {
    "sourceListed": {"the source"},
    "sourceOutOfScope": {"the source"},
    "current": {"the source"},
    "sourceKept": {"the source"},
    "copies": {"the source"},
    "skipped": {"the source", "the names"},
    "undecided": {"the source", "the names"},
    "destinationListed": {"the destination"},
    "destinationOutOfScope": {"the destination"},
    "paired": {"the destination"},
    "orphans": {"the destination", "the orphans"},
    "deletes": {"the orphans"},
    "destinationKept": {"the orphans"},
    "named": {"the names"},
}


def balanced(free: dict[str, int]) -> dict[str, int]:
    orphans = free["deletes"] + free["destinationKept"]
    source = sum(
        free[name] for name in ("sourceOutOfScope", "current", "sourceKept", "copies", "skipped", "undecided")
    )
    return {
        **free,
        "sourceListed": source,
        "orphans": orphans,
        "destinationListed": free["destinationOutOfScope"] + free["paired"] + orphans,
        "named": free["skipped"] + free["undecided"],
    }


BOOKS = st.fixed_dictionaries(dict.fromkeys(FREE, COUNT)).map(balanced)
CHANGE = st.integers(-(10**12), 10**12).filter(bool)


def accounts_of(gaps: list[str]) -> set[str]:
    return {gap.partition("in the account of ")[2].partition(",")[0] for gap in gaps}


@given(BOOKS, st.sampled_from(sorted(ACCOUNTS)), CHANGE)
def test_a_term_that_is_changed_is_missed_in_exactly_the_accounts_that_hold_it(
    books: dict[str, int], term: str, change: int
) -> None:
    assert set(books) == set(ACCOUNTS)
    assert comparison_gaps(books) == []
    assert accounts_of(comparison_gaps({**books, term: books[term] + change})) == ACCOUNTS[term]


DONE = {"copies": "copied", "deletes": "deleted"}


def tally_of(counts: dict[str, int]) -> dict[str, dict[str, int]]:
    return {what: {"objects": count, "bytes": 7} for what, count in counts.items()}


WORK = st.fixed_dictionaries(
    dict.fromkeys(("done", "changed", "failed", "not begun", *SKIPPED), COUNT),
)


@given(st.sampled_from(sorted(DONE)), WORK, st.data())
def test_work_that_does_not_add_up_is_missed_whatever_was_changed(
    name: str, work: dict[str, int], data: st.DataObject
) -> None:
    words = ("changed", "failed", *(SKIPPED if name == "copies" else ()))
    counts = {DONE[name]: work["done"], **{what: work[what] for what in words}}
    named, not_begun = sum(work[what] for what in words), work["not begun"]
    planned = work["done"] + named + not_begun

    def gaps(planned: int = planned, not_begun: int = not_begun, named: int = named) -> set[str]:
        return accounts_of(work_gaps(name, planned, tally_of(counts), not_begun, named))

    assert gaps() == set()

    of_work, of_names = {f"the {name}"}, {f"the names of {name}"}
    change = data.draw(CHANGE)
    assert gaps(planned=planned + change) == of_work
    assert gaps(not_begun=not_begun + change) == of_work
    assert gaps(named=named + change) == of_names
    what = data.draw(st.sampled_from(sorted(counts)))
    counts[what] += change
    assert gaps() == (of_work if what == DONE[name] else of_work | of_names)


def test_gaps_are_whole_sentences() -> None:
    nothing = dict.fromkeys(ACCOUNTS, 0)
    books = {
        **nothing,
        "sourceListed": 1200,
        "copies": 1100,
        "skipped": 1,
        "destinationListed": 2,
        "orphans": 1,
    }

    assert comparison_gaps(books) == [
        "of 1,200 objects in the account of the source, 1,101 are accounted for (0 out of scope, 0 current, 0 kept by an option, "
        "1,100 to copy, 1 skipped, 0 undecided)",
        "of 2 objects in the account of the destination, 1 are accounted for (0 out of scope, 0 paired, 1 orphans)",
        "of 1 objects in the account of the orphans, 0 are accounted for (0 to delete, 0 kept by an option)",
        "of 0 objects in the account of the names, 1 are accounted for (1 skipped, 0 undecided)",
    ]
    assert work_gaps("copies", 5, tally_of({"copied": 3, "vanished": 1}), 0, 0) == [
        "of 5 objects in the account of the copies, 4 are accounted for (3 copied, 0 changed, 0 failed, 1 skipped, 0 not begun)",
        "of 0 objects in the account of the names of copies, 1 are accounted for (0 changed, 0 failed, 1 skipped)",
    ]
    assert work_gaps("deletes", 5, tally_of({"deleted": 3}), 1, 0) == [
        "of 5 objects in the account of the deletes, 4 are accounted for (3 deleted, 0 changed, 0 failed, 1 not begun)"
    ]
    assert describe_gaps([]) == ""
    assert describe_gaps(["one", "two"]) == "the books do not balance: one; two"


@given(st.dictionaries(st.sampled_from("abc"), COUNT), st.dictionaries(st.sampled_from("abc"), COUNT))
def test_what_was_counted_otherwise_before_is_missed_once_each(
    before: dict[str, int], now: dict[str, int]
) -> None:
    changed = [name for name in "abc" if before.get(name, 0) != now.get(name, 0)]

    assert [gap.partition(":")[0] for gap in carried_gaps(before, now)] == changed


def test_what_was_counted_otherwise_before_is_told_with_both_numbers() -> None:
    assert list(carried_gaps({"copies": 1200, "paired": 1}, {"paired": 1, "named": 2})) == [
        "copies: 1,200 were counted before, and 0 are now",
        "named: 0 were counted before, and 2 are now",
    ]


def record(decided: Sequence[Range], handed_back: Sequence[Range], whole: Range) -> dict[str, Any]:
    def ranges(parts: Sequence[Range]) -> list[dict[str, Any]]:
        return [{"after": after, "upTo": up_to} for after, up_to in parts]

    (of_all,) = ranges([whole])
    return {
        "range": {"id": "2-0001", **of_all},
        "decided": ranges(decided),
        "handedBack": ranges(handed_back),
    }


LOST = ["what the range 2-0001 decided and handed back is not the whole of it"]
edges_of_ranges = st.tuples(
    st.sets(st.text(max_size=2), min_size=1, max_size=6).map(sorted), st.booleans(), st.booleans()
).map(lambda drawn: [*([None] if drawn[1] else []), *drawn[0], *([None] if drawn[2] or not drawn[1] else [])])


@given(edges_of_ranges, st.data())
def test_a_part_of_a_range_that_is_lost_or_there_twice_is_missed(
    edges: list[str | None], data: st.DataObject
) -> None:
    whole, parts = (edges[0], edges[-1]), list(pairwise(edges))
    is_decided = [data.draw(st.booleans()) for _ in parts]
    which = data.draw(st.integers(0, len(parts) - 1))

    def gaps(parts: Sequence[Range], are_decided: Sequence[bool]) -> list[str]:
        sides = [
            [part for part, one in zip(parts, are_decided, strict=True) if one is side]
            for side in (True, False)
        ]
        return list(range_gaps([record(sides[0], data.draw(st.permutations(sides[1])), whole)]))

    assert gaps(parts, is_decided) == []
    assert (
        gaps([*parts[:which], *parts[which + 1 :]], [*is_decided[:which], *is_decided[which + 1 :]]) == LOST
    )
    assert gaps([*parts, parts[which]], [*is_decided, True]) == LOST
    assert gaps([*parts, parts[which]], [*is_decided, False]) == LOST


@pytest.mark.parametrize(
    ("decided", "handed_back"),
    [
        ([], []),
        ([("a", "m")], []),
        ([], [("m", "z")]),
        ([("a", "m")], [("n", "z")]),
        ([("a", "n")], [("m", "z")]),
        ([(None, "z")], []),
        ([("a", None)], []),
        ([("a", "z"), ("z", None)], []),
        ([("a", "z")], [("a", "z")]),
    ],
)
def test_a_range_whose_parts_are_not_end_to_end_the_whole_of_it_is_missed(
    decided: list[Range], handed_back: list[Range]
) -> None:
    assert list(range_gaps([record(decided, handed_back, ("a", "z"))])) == LOST
