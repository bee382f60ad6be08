"""What a report warns of, whole: a scope that leaves nothing of the source."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import EXECUTION, compared_record, compared_state, memory_folder, run_of

from lambda_functions.shared.compare.waves import write_wave
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.options import Options
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.tally.ending import end_run
from lambda_functions.shared.tally.plan import ComparisonTotals, total_of_records
from lambda_functions.shared.tally.warnings import scope_warnings


def totals(listed: tuple[int, int], out_of_scope: tuple[int, int] = (0, 0)) -> ComparisonTotals:
    left_out = {"source": out_of_scope[0], "destination": out_of_scope[1]}
    return total_of_records([compared_record(listed=listed, outOfScope=left_out)])


def warnings(listed: tuple[int, int], out_of_scope: tuple[int, int] = (0, 0), **options: Any) -> list[str]:
    return scope_warnings(Options("from", "into", **options), totals(listed, out_of_scope))


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"prefix": "photso/"}, 'under the prefix "photso/"'),
        ({"startAfter": "z"}, 'after the key "z"'),
        ({"prefix": "p/", "startAfter": "z"}, 'under the prefix "p/" after the key "z"'),
        ({"prefix": "p/", "include": ("*.jpg",)}, 'under the prefix "p/"'),
    ],
)
def test_a_prefix_or_a_beginning_that_nothing_was_listed_under_may_be_misspelt(
    options: dict[str, Any], where: str
) -> None:
    assert warnings((0, 0), **options) == [
        f"Nothing was listed in the source from {where}: check its spelling."
    ]


@pytest.mark.parametrize(
    ("options", "names_leave"),
    [
        ({"include": ("*.jgp",)}, "include leaves"),
        ({"exclude": ("?*",)}, "exclude leaves"),
        ({"include": ("a*",), "exclude": ("a*",)}, "include and exclude leave"),
    ],
)
def test_patterns_that_leave_nothing_of_a_source_that_has_objects_are_told(
    options: dict[str, Any], names_leave: str
) -> None:
    assert warnings((1200, 7), (1200, 7), **options) == [
        f"1,200 objects of the source from were listed, and {names_leave} none in scope: check the patterns. A pattern has to "
        "match the whole key."
    ]


def test_that_patterns_are_about_keys_without_the_prefix_is_told_where_there_is_one() -> None:
    assert warnings((1, 0), (1, 0), prefix="photos/", include=("photos/*",)) == [
        "1 object of the source from was listed, and include leaves none in scope: check the patterns. A pattern has to match "
        'the whole key, without the prefix "photos/".'
    ]


@pytest.mark.parametrize(
    ("listed", "out_of_scope", "options", "sentence"),
    [
        (
            (5, 9),
            (5, 6),
            {"include": ("*.a",)},
            "3 objects in scope, and the source from has none: all of them are orphans.",
        ),
        (
            (5, 1),
            (5, 0),
            {"exclude": ("?*",)},
            "1 object in scope, and the source from has none: it is an orphan.",
        ),
        (
            (0, 9),
            (0, 0),
            {"prefix": "p/"},
            "9 objects in scope, and the source from has none: all of them are orphans.",
        ),
        (
            (0, 2),
            (0, 0),
            {"startAfter": "z"},
            "2 objects in scope, and the source from has none: all of them are orphans.",
        ),
    ],
)
def test_a_destination_that_has_objects_in_scope_where_the_source_has_none_is_told(
    listed: tuple[int, int], out_of_scope: tuple[int, int], options: dict[str, Any], sentence: str
) -> None:
    assert warnings(listed, out_of_scope, **options)[1:] == [f"The destination into has {sentence}"]


def test_a_long_prefix_is_told_with_its_beginning_only() -> None:
    long = "x" * 1024

    assert warnings((0, 0), prefix=long) == [
        f'Nothing was listed in the source from under the prefix "{long[:76]}...: check its spelling.'
    ]


@pytest.mark.parametrize("listed", [(0, 0), (0, 5)])
def test_an_empty_source_that_nothing_limits_is_no_mistake(listed: tuple[int, int]) -> None:
    assert warnings(listed) == []


@given(
    st.integers(1, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.fixed_dictionaries(
        {},
        optional={
            "prefix": st.just("p/"),
            "startAfter": st.just("a"),
            "include": st.just(("*.a",)),
            "exclude": st.just(("b",)),
        },
    ),
)
def test_a_run_whose_source_has_objects_in_scope_is_never_warned_of(
    in_scope: int, left_out: int, at_destination: int, options: dict[str, Any]
) -> None:
    assert warnings((in_scope + left_out, at_destination), (left_out, 0), **options) == []


# --- Filters


def filtered(listed: tuple[int, int], left_out: int, orphans_kept: int, **options: Any) -> list[str]:
    record = compared_record(
        listed=listed,
        filtered={"source": left_out, "destination": orphans_kept},
        orphans=orphans_kept,
        kept={"source": left_out, "destination": orphans_kept},
    )
    return scope_warnings(Options("from", "into", **options), total_of_records([record]))


BEFORE = {"modifiedBefore": "2026-11-28T14:00:00Z"}
AFTER = {"modifiedAfter": "2026-11-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("left_out", "options", "sentence"),
    [
        (
            1,
            {"minSize": 0},
            "1 object of the source from is in scope, and minSize leaves none of them: check what it says.",
        ),
        (
            1200,
            {"minSize": 5, "maxSize": 9},
            "1,200 objects of the source from are in scope, and minSize and maxSize leave none of them: check what these say.",
        ),
        (
            2,
            {"minSize": 5, **BEFORE, "storageClasses": ("GLACIER",)},
            "2 objects of the source from are in scope, and minSize, modifiedBefore and storageClasses leave none of them: "
            "check what these say.",
        ),
    ],
)
def test_filters_that_leave_nothing_of_a_source_are_told(
    left_out: int, options: dict[str, Any], sentence: str
) -> None:
    assert filtered((left_out, 0), left_out, 0, **options) == [sentence]
    assert filtered((left_out + 1, 0), left_out, 0, **options) == []


@pytest.mark.parametrize(
    ("number", "options", "sentence"),
    [
        (
            1,
            BEFORE,
            "1 orphan of the destination into is kept: modifiedBefore looks at source objects, and the source does not have it "
            "any more. Only a run without that option deletes orphans.",
        ),
        (
            1200,
            {**AFTER, **BEFORE, "storageClasses": ("STANDARD",), "minSize": 1},
            "1,200 orphans of the destination into are kept: modifiedAfter, modifiedBefore and storageClasses look at source "
            "objects, and the source does not have them any more. Only a run without these options deletes orphans.",
        ),
    ],
)
def test_orphans_that_cannot_be_judged_are_told_with_their_number(
    number: int, options: dict[str, Any], sentence: str
) -> None:
    assert filtered((1, number), 0, number, **options) == [sentence]


def test_orphans_that_are_kept_for_their_size_or_by_another_option_are_no_warning() -> None:
    assert filtered((1, 5), 0, 5, minSize=9) == []
    assert filtered((1, 5), 0, 0, delete=False, **BEFORE) == []


# --- In the report --------------------------------------------------------------------------------------------


def warned(**comparison: Any) -> list[str]:
    """Return the warnings of a whole report of a run under a prefix in which nothing was listed."""
    folder, run = memory_folder(), run_of(prefix="p/", destinationPrefix="p/")
    record = compared_record()
    folder.write("compared/1-0001.json", record)
    sums, wave = total_of_records([record]), write_wave(folder, 1, [{"after": None, "upTo": None}])
    state = {
        "execution": EXECUTION,
        "input": {},
        "run": {"verdict": "valid", **run.to_json(), "requests": {}, "warnings": ["What was before."]},
        "comparison": {**compared_state(wave, sums), **comparison},
    }
    clients = Clients(None, None, folder.client, RequestCounter())
    end = end_run(clients, state, Turn(0.0, 900.0, "request", lambda: 0.0))
    assert end["outcome"] == ("SyncIncomplete" if comparison else "Succeeded")
    found: list[str] = end["report"]["warnings"]
    return found


def test_a_green_run_stays_green_and_is_warned_of_in_its_report() -> None:
    assert warned() == [
        'Nothing was listed in the source from under the prefix "p/": check its spelling.',
        "What was before.",
    ]


def test_a_comparison_that_broke_says_nothing_of_what_is_in_scope() -> None:
    assert warned(broken="s3://from/ is out of order") == ["What was before."]
