"""Outcomes and sums: the words of the report, and that it does not matter in which order things are added up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import memory_folder

from lambda_functions.shared.outcomes import (
    IN_SYNC,
    SKIPPED,
    Outcome,
    Tally,
    add_causes,
    add_counts,
    add_tallies,
    object_count,
    pluralize,
)
from lambda_functions.shared.work_bucket.shards import ShardWriter

DONE = ("copied", "deleted", "current")
PASSED_OVER = ("archived", "vanished", "unmappable", "restoring")
WORDS = (*DONE, *PASSED_OVER, "changed", "stopped", "failed", "missing", "different", "extra")
OUTCOMES = st.lists(st.builds(Outcome, st.text(max_size=3), st.sampled_from(WORDS), st.integers(0, 10**15)))
TALLIES = st.dictionaries(
    st.sampled_from(WORDS),
    st.fixed_dictionaries({"objects": st.integers(0, 10**10), "bytes": st.integers(0, 10**18)}),
)
COUNTS = st.dictionaries(st.sampled_from(["LIST", "HEAD", "COPY"]), st.integers(0, 10**10))


class Named(list[dict[str, Any]]):
    """Takes the lines of the keys that a report must name."""

    def add(self, line: Any) -> None:
        self.append(line)


def tally_of(outcomes: list[Outcome], named: Named | ShardWriter | None = None) -> Tally:
    tally = Tally(Named() if named is None else named)
    for outcome in outcomes:
        tally.add(outcome)
    return tally


def test_a_tally_counts_objects_and_bytes_of_each_word() -> None:
    tally = tally_of(
        [Outcome("a", "copied", 5), Outcome("b", "copied", 7), Outcome("c", "archived", 0, "why")]
    )

    assert tally.to_json() == {
        "archived": {"objects": 1, "bytes": 0},
        "copied": {"objects": 2, "bytes": 12},
    }


def test_what_a_run_passes_over_and_still_succeeds_is_archived_vanished_unmappable_or_restoring() -> None:
    """These are taken out of both sides of the books, and told apart in every report, in this order."""
    assert SKIPPED == PASSED_OVER
    assert IN_SYNC == DONE


def test_an_outcome_that_says_no_more_than_what_became_of_a_key_adds_no_bytes_no_cause_and_no_marker() -> (
    None
):
    named = Named()
    tally = tally_of([Outcome("a", "failed")], named)

    assert tally.to_json() == {"failed": {"objects": 1, "bytes": 0}}
    assert named == [{"key": "a", "what": "failed", "error": ""}]
    assert tally.causes == {
        "failed": {"objects": 1, "example": {"key": "a", "what": "failed", "error": ""}},
    }


@pytest.mark.parametrize("what", WORDS)
def test_keys_are_named_unless_they_are_as_they_should_be(what: str) -> None:
    outcome, named = Outcome("a/key", what, 5, "why"), Named()

    tally_of([outcome], named)

    assert outcome.to_json() == {"key": "a/key", "what": what, "error": "why"}
    assert named == ([] if what in DONE else [outcome.to_json()])


def test_failures_are_grouped_by_their_code_with_the_first_example_of_each() -> None:
    denied = "AccessDenied: Access Denied (CopyObject)"
    tally = tally_of(
        [
            Outcome("a", "failed", 0, denied),
            Outcome("b", "failed", 0, "KMS.ThrottlingException: Rate exceeded (CopyObject)"),
            Outcome("c", "failed", 0, denied),
            Outcome("d", "failed", 0, "403: Forbidden (HeadObject)"),
            Outcome("e", "changed", 0, "somebody else wrote it meanwhile"),
            Outcome("f", "copied", 5),
        ]
    )

    assert {code: (cause["objects"], cause["example"]["key"]) for code, cause in tally.causes.items()} == {
        "AccessDenied": (2, "a"),
        "KMS.ThrottlingException": (1, "b"),
        "403": (1, "d"),
        "changed": (1, "e"),
    }
    assert tally.causes["AccessDenied"]["example"] == {"key": "a", "what": "failed", "error": denied}


def test_causes_beyond_the_eighth_are_one() -> None:
    tally = tally_of([Outcome(f"{number}", "failed", 0, f"Code{number}: no") for number in range(11)])

    assert list(tally.causes) == [*(f"Code{number}" for number in range(8)), "other"]
    assert (tally.causes["other"]["objects"], tally.causes["other"]["example"]["key"]) == (3, "8")


def test_a_cause_among_the_first_eight_is_counted_as_itself_however_late_it_comes_again() -> None:
    codes = [*(f"Code{number}" for number in range(8)), "Code7", "Code8", "Code0", "Code9"]
    tally = tally_of([Outcome("k", "failed", 0, f"{code}: no") for code in codes])

    assert {code: cause["objects"] for code, cause in tally.causes.items()} == {
        "Code0": 2, **{f"Code{number}": 1 for number in range(1, 7)}, "Code7": 2, "other": 2,
    }  # fmt: skip


def test_causes_of_several_turns_add_up_with_the_first_example_of_each_and_stay_as_they_were() -> None:
    one, other = ({"AccessDenied": {"objects": 2, "example": {"key": key}}} for key in "ab")

    assert add_causes([one, other, {"403": {"objects": 1, "example": {"key": "c"}}}]) == {
        "AccessDenied": {"objects": 4, "example": {"key": "a"}},
        "403": {"objects": 1, "example": {"key": "c"}},
    }
    assert one == {"AccessDenied": {"objects": 2, "example": {"key": "a"}}}


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("403: Forbidden", "403"),
        ("40: no", "failed"),
        ("4031: no", "failed"),
        ("A: no", "failed"),
        ("Ab: no", "Ab"),
        ("ab: no", "failed"),
        ("A.B.C: no", "failed"),
        ("Kms.Rate.Limit: no", "Kms.Rate.Limit"),
        ("Kms.: no", "failed"),
        ("AccessDenied:no", "failed"),
        ("no AccessDenied: no", "failed"),
        ("", "failed"),
    ],
)
def test_a_cause_is_the_code_at_the_beginning_of_an_error_or_what_became_of_the_key(
    error: str, cause: str
) -> None:
    assert list(Outcome("k", "failed", 0, error).cause()) == [cause]


def test_an_example_of_a_cause_is_told_with_its_beginning_only() -> None:
    (cause,) = tally_of([Outcome("k" * 1000, "failed", 0, f"Code: {'e' * 1000}")]).causes.values()

    assert cause["example"] == {"key": "k" * 60, "what": "failed", "error": f"Code: {'e' * 54}"}


def test_deletes_that_left_a_marker_are_counted_beside_those_that_freed_something() -> None:
    tally = tally_of([Outcome("a", "deleted", 5), Outcome("b", "deleted", 7, left_marker=True)])

    assert tally.to_json() == {
        "deleteMarkers": {"objects": 1, "bytes": 0},
        "deleted": {"objects": 2, "bytes": 12},
    }


def test_names_go_to_files_of_2000_lines_whatever_the_objects_were_large() -> None:
    folder = memory_folder()
    writer = ShardWriter(folder, lambda number: f"failures/1-0001-request-{number:04d}.jsonl")

    tally_of([Outcome(f"{number}", "archived", 10**12) for number in range(4001)], writer)

    files = writer.close()
    assert [one["objects"] for one in files] == [2000, 2000, 1]
    assert files[2]["file"] == "failures/1-0001-request-0003.jsonl"
    assert len(folder.read_lines(files[2])) == 1


@given(OUTCOMES, OUTCOMES)
def test_tallies_of_two_halves_add_up_to_the_tally_of_the_whole(
    one: list[Outcome], other: list[Outcome]
) -> None:
    assert (
        add_tallies([tally_of(one).to_json(), tally_of(other).to_json()])
        == tally_of([*one, *other]).to_json()
    )


@given(OUTCOMES)
def test_nothing_is_lost_in_a_tally(outcomes: list[Outcome]) -> None:
    tally = tally_of(outcomes).to_json()

    assert sum(object_count(tally, word) for word in WORDS) == len(outcomes)
    assert sum(sized["bytes"] for sized in tally.values()) == sum(outcome.size for outcome in outcomes)
    assert json.loads(json.dumps(tally)) == tally


@given(TALLIES, TALLIES, TALLIES)
def test_it_does_not_matter_how_tallies_are_bracketed_or_ordered(one: Any, two: Any, three: Any) -> None:
    assert (
        add_tallies([add_tallies([one, two]), three])
        == add_tallies([one, add_tallies([two, three])])
        == add_tallies([three, two, one])
    )
    assert add_tallies([one, {}]) == add_tallies([one]) == one
    assert add_tallies([]) == {}


@given(COUNTS, COUNTS, COUNTS)
def test_it_does_not_matter_how_counts_are_bracketed_or_ordered(one: Any, two: Any, three: Any) -> None:
    assert (
        add_counts([add_counts([one, two]), three])
        == add_counts([one, add_counts([two, three])])
        == add_counts([three, two, one])
    )
    assert add_counts([one, {}]) == one
    assert add_counts([]) == {}


@given(TALLIES)
def test_adding_up_leaves_what_is_added_as_it_was(tally: Any) -> None:
    before = json.dumps(tally)

    add_tallies([tally, tally])

    assert json.dumps(tally) == before


def test_counts_are_in_the_order_of_their_names() -> None:
    assert list(add_counts([{"LIST": 1, "COPY": 2}, {"HEAD": 3}])) == ["COPY", "HEAD", "LIST"]


def test_a_word_that_did_not_occur_has_no_objects() -> None:
    assert object_count({"copied": {"objects": 3, "bytes": 1}}, "failed") == 0


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0 days"), (1, "1 day"), (2, "2 days"), (1000, "1,000 days"), (-1, "-1 days")],
)
def test_a_number_is_told_with_its_noun(number: int, told: str) -> None:
    assert pluralize(number, "day") == told


def test_what_is_counted_are_objects_if_nothing_else_is_said() -> None:
    assert (pluralize(1), pluralize(1200)) == ("1 object", "1,200 objects")


# --- What was applied ---------------------------------------------------------------------------------------
