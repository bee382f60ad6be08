"""The run as it travels: keys and parameters of both sides, filters, and the way through JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import EXECUTION, FOLDER, run_of

from lambda_functions.shared.options import Options
from lambda_functions.shared.run import AppliedPlan, Run, folder_of, scope_filter

KEYS = st.text(alphabet="ab/.*?[]!-\n\U0010ffffé", max_size=8)


def scope(key: str, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> bool:
    return scope_filter(Options("from", "into", include=include, exclude=exclude))(key)


def test_a_run_keeps_its_papers_under_its_state_machine_and_its_own_name() -> None:
    assert folder_of(EXECUTION) == FOLDER == run_of().folder


def test_each_side_has_its_own_prefix_region_and_owner() -> None:
    run = run_of(
        prefix="a/",
        destinationPrefix="b/c/",
        sourceOwner="111122223333",
        destinationOwner="444455556666",
        requestPayer=True,
    )

    assert run.source.key("key") == "a/key"
    assert run.destination.key("key") == "b/c/key"
    assert (run.source.region, run.destination.region) == ("eu-west-1", "us-east-1")
    assert run.source.address("key") == "s3://from/a/key"
    assert run.destination.address() == "s3://into/b/c/"
    assert run.source.parameters() == {
        "Bucket": "from",
        "ExpectedBucketOwner": "111122223333",
        "RequestPayer": "requester",
    }
    assert run.destination.parameters() == {"Bucket": "into", "ExpectedBucketOwner": "444455556666"}


def test_a_request_without_owner_or_payer_carries_the_bucket_only() -> None:
    assert run_of().source.parameters() == {"Bucket": "from"}


@pytest.mark.parametrize(
    ("started_at", "expected"),
    [
        ("2026-11-22T10:11:12.345Z", datetime(2026, 11, 22, 10, 11, 12, tzinfo=UTC)),
        ("2026-11-22T10:11:12Z", datetime(2026, 11, 22, 10, 11, 12, tzinfo=UTC)),
        ("2026-11-22T11:11:12.999999+01:00", datetime(2026, 11, 22, 10, 11, 12, tzinfo=UTC)),
    ],
)
def test_the_beginning_of_a_run_is_cut_to_the_second(started_at: str, expected: datetime) -> None:
    assert run_of({**EXECUTION, "startTime": started_at}).start_second() == expected


def test_a_run_began_when_s3_says_so_and_when_step_functions_says_so_if_s3_was_not_asked() -> None:
    execution = {**EXECUTION, "startTime": "2026-11-22T10:11:12.345Z"}
    regions, options = (None, None), Options("from", "into")
    asked = Run.of(execution, options, regions, "2026-11-22T09:11:13+00:00")

    assert asked.start_second() == datetime(2026, 11, 22, 9, 11, 13, tzinfo=UTC)
    assert asked.to_json()["s3StartedAt"] == "2026-11-22T09:11:13+00:00"
    of_an_older_deployment = {name: value for name, value in asked.to_json().items() if name != "s3StartedAt"}
    assert Run.from_json(of_an_older_deployment).start_second() == datetime(
        2026, 11, 22, 10, 11, 12, tzinfo=UTC
    )


TEXTS = st.text(max_size=10)
RUNS = st.builds(
    lambda options, regions, execution, s3_time: Run.of(execution, options, regions, s3_time),
    st.builds(
        Options,
        source=TEXTS,
        destination=TEXTS,
        prefix=TEXTS,
        destinationPrefix=TEXTS,
        startAfter=st.none() | TEXTS,
        include=st.lists(TEXTS, max_size=3).map(tuple),
        exclude=st.lists(TEXTS, max_size=3).map(tuple),
        delete=st.booleans(),
        maxDelete=st.none() | st.integers(0) | st.just("10%"),
        requestPayer=st.booleans(),
        maxConcurrency=st.integers(1, 10_000),
        sourceOwner=st.none() | st.just("111122223333"),
        destinationOwner=st.none() | st.just("444455556666"),
    ),
    st.tuples(st.none() | TEXTS, st.none() | TEXTS),
    st.just(EXECUTION),
    st.none() | TEXTS,
)


@given(RUNS)
def test_a_run_comes_back_from_json_as_it_went(run: Run) -> None:
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run


@given(RUNS)
def test_a_run_comes_back_from_the_state_that_validate_input_leaves(run: Run) -> None:
    assert Run.from_json({"verdict": "valid", **run.to_json(), "requests": {"HEAD_BUCKET": 2}}) == run


# A run under way, and one that is redriven days later, is read by whichever deployment is there then.
def test_what_the_state_machine_carries_has_had_these_names_since_the_first_version() -> None:
    carried = run_of(maxConcurrency=25).to_json()
    options = carried.pop("options")

    assert options["source"] == "from"
    assert carried == {
        "folder": FOLDER,
        "execution": EXECUTION["id"],
        "startedAt": "2026-11-22T10:11:12.345Z",
        "s3StartedAt": None,
        "compareConcurrency": 25,
        "largeConcurrency": 2,
        "regions": ["eu-west-1", "us-east-1"],
    }


PLAN = AppliedPlan("runs/sync/monday", "5" * 64, [{"index": "ranges/1.json", "items": 1, "sha256": "1" * 64}])


def test_a_run_that_carries_out_a_plan_carries_what_leads_to_its_files() -> None:
    run = replace(run_of(), plan=PLAN)

    assert run.to_json()["plan"] == {"folder": PLAN.folder, "digest": PLAN.digest, "waves": PLAN.waves}
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run
    assert PLAN.name == "sync/monday"


def test_the_comparison_of_a_run_is_in_its_own_folder_or_in_that_of_the_plan_that_it_carries_out() -> None:
    run = run_of()

    assert run.compared_in == FOLDER
    assert replace(run, plan=PLAN).compared_in == "runs/sync/monday"
    assert replace(run, plan=PLAN).folder == FOLDER


@pytest.mark.parametrize(
    ("prefix", "relative", "expected"),
    [
        ("", "a", True),
        ("", "", False),
        ("b/", "", True),
        ("", "x" * 1024, True),
        ("", "x" * 1025, False),
        ("b/", "x" * 1022, True),
        ("b/", "x" * 1023, False),
        ("", "é" * 512, True),
        ("", "é" * 513, False),
        ("", "\U0010ffff" * 256, True),
    ],
)
def test_the_destination_takes_keys_of_1_to_1024_bytes(prefix: str, relative: str, expected: bool) -> None:
    assert run_of(destinationPrefix=prefix).is_mappable(relative) is expected


@pytest.mark.parametrize(
    ("glob", "inside", "outside"),
    [
        ("*", ["", "a", "a/b", "a\nb", "\n"], []),
        ("*.log", [".log", "a.log", "a/b/c.log", "a\n.log"], ["a.log2", "log", "a.LOG", "a.log\n"]),
        ("tmp/*", ["tmp/", "tmp/a", "tmp/a/b"], ["tmp", "x/tmp/a"]),
        ("a?c", ["abc", "a/c", "aéc", "a😀c", "a\nc"], ["ac", "abbc"]),
        ("[ab]/*", ["a/", "b/x"], ["c/x", "ab/x"]),
        ("[!ab]*", ["c", "/a"], ["a", "b", ""]),
        ("[[]x[]]", ["[x]"], ["x"]),
        ("a.c", ["a.c"], ["abc"]),
        ("a|b", ["a|b"], ["a", "b"]),
        ("^a$", ["^a$"], ["a"]),
        ("*a*b*c*", ["abc", "xaxbxcx", "aabbcc"], ["acb", ""]),
    ],
)
def test_globs_cover_whole_keys_and_stars_cross_slashes(
    glob: str, inside: list[str], outside: list[str]
) -> None:
    assert [key for key in (*inside, *outside) if scope(key, include=(glob,))] == inside
    assert [key for key in (*inside, *outside) if not scope(key, exclude=(glob,))] == inside


def test_without_patterns_every_key_is_in_scope() -> None:
    assert scope("") and scope("a/b")


@pytest.mark.parametrize(
    ("glob", "key", "others"),
    [
        ("log[[]1]", "log[1]", ["log1", "log[[]1]"]),
        ("a[*]b", "a*b", ["ab", "axb", "a[*]b"]),
        ("a[?]b", "a?b", ["axb", "a[?]b"]),
        ("a]b", "a]b", ["ab"]),
        ("a\\*", "a\\b", ["a*", "ab"]),
    ],
)
def test_a_character_that_patterns_use_is_itself_in_brackets(glob: str, key: str, others: list[str]) -> None:
    assert [one for one in (key, *others) if scope(one, include=(glob,))] == [key]


def test_a_key_is_in_scope_if_some_pattern_includes_it_and_none_excludes_it() -> None:
    filters: dict[str, Any] = {"include": ("*.jpg", "raw/*"), "exclude": ("tmp/*", "*~")}

    assert scope("a.jpg", **filters)
    assert scope("raw/a", **filters)
    assert not scope("tmp/a.jpg", **filters)
    assert not scope("raw/a~", **filters)
    assert not scope("a.png", **filters)


def matches(glob: str, key: str) -> bool:
    """Say whether a glob of stars and question marks covers a key, by its definition."""
    if not glob:
        return not key
    if glob[0] == "*":
        return any(matches(glob[1:], key[cut:]) for cut in range(len(key) + 1))
    return bool(key) and (glob[0] in ("?", key[0])) and matches(glob[1:], key[1:])


GLOBS = st.lists(st.text(alphabet="ab/*?.é", min_size=1, max_size=5), max_size=3).map(tuple)


@given(GLOBS, GLOBS, KEYS)
def test_scope_is_what_the_patterns_say_one_by_one(
    include: tuple[str, ...], exclude: tuple[str, ...], key: str
) -> None:
    included = not include or any(matches(glob, key) for glob in include)
    excluded = any(matches(glob, key) for glob in exclude)

    assert scope(key, include, exclude) == (included and not excluded)


@given(KEYS, st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=3).map(tuple))
def test_any_text_is_a_pattern(key: str, globs: tuple[str, ...]) -> None:
    assert scope(key, include=globs) in (True, False)
    assert scope(key, include=globs) is not scope(key, exclude=globs)
