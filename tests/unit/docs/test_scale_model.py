"""The model of a billion objects: what it decides is the product's, what it counts adds up, and the quotas hold."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import MemoryS3

# The model cuts ranges as workers did that had one stream. What it is to say of streams has to come back with it.
pytest.importorskip(
    "benchmarks.scale.turns",
    reason="the model of a billion objects knows no streams yet",
    exc_type=ImportError,
)

from benchmarks.scale import tables
from benchmarks.scale.__main__ import BEGIN, END, put
from benchmarks.scale.constants import Constants, OtherTools
from benchmarks.scale.course import FUNCTIONS, MACHINE, PROJECT, Course, floor_lists
from benchmarks.scale.keys import NO_KEYS, SHAPES, Numbered
from benchmarks.scale.machine import EVENTS
from benchmarks.scale.others import Job, offers
from benchmarks.scale.runs import ALL, NOTHING, SOME, Runs, Trial, work, workers_of_accounts
from benchmarks.scale.schedule import bill, schedule
from benchmarks.scale.turns import Work
from lambda_functions.shared.compare.key_space import LAST
from lambda_functions.shared.tally.costs import (
    LAMBDA_GB_SECOND_USD,
    LAMBDA_REQUEST_USD,
    STATE_TRANSITION_USD,
    TRANSITIONS_OF_PARENT,
    TRANSITIONS_PER_TURN,
    WORKER_GB,
    estimate_usd,
)
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import ShardWriter

BILLION = 10**9
MOST_EVENTS = 1000
MOST_STATE_BYTES = 256 * 1024
EVEN = "hexadecimal"
RUNS = Runs()


# --- Keys ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [100, 12_345])
def test_computed_keys_are_in_the_order_of_their_numbers_and_each_is_found_again(
    shape: str, count: int
) -> None:
    keys = SHAPES[shape](count)
    whole = [keys.key(number) for number in range(keys.count)]

    assert len(whole) == count
    assert whole == sorted(set(whole))
    assert [keys.rank(key) for key in whole] == list(range(1, count + 1))


POSITIONS = st.text("0159afgc/-.lobject s" + LAST, max_size=20)


@pytest.mark.parametrize("shape", SHAPES)
@given(cut=st.integers(0, 999), length=st.integers(0, 40), more=POSITIONS)
def test_a_position_has_as_many_keys_before_it_as_a_list_of_them_has(
    shape: str, cut: int, length: int, more: str
) -> None:
    keys = SHAPES[shape](1000)
    whole = [keys.key(number) for number in range(1000)]

    for position in (more, whole[cut][:length] + more, whole[cut] + more):
        assert keys.rank(position) == bisect_right(whole, position)


def test_nothing_is_before_the_beginning() -> None:
    assert Numbered(10, "a", 3).rank(None) == NO_KEYS.rank(None) == NO_KEYS.rank("a") == NO_KEYS.count == 0


# --- Quotas, at a billion -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_billion_objects_fit_into_one_history_and_every_state_into_256_kib(shape: str) -> None:
    course = RUNS.course(BILLION, shape)

    assert course.report["current"]["objects"] == BILLION
    assert course.report["outcome"] == "Succeeded"
    assert course.events < MOST_EVENTS
    assert course.largest["state of the parent"] < MOST_STATE_BYTES
    assert course.largest["input of a child"] < MOST_STATE_BYTES


@pytest.mark.parametrize("shape", SHAPES)
def test_listing_a_billion_keys_costs_at_most_2_per_cent_more_lists_than_the_floor(shape: str) -> None:
    course = RUNS.course(BILLION, shape)

    assert floor_lists(course.work) <= course.requests["LIST"] <= 1.02 * floor_lists(course.work)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("workers", [5, 1000])
def test_every_invocation_ends_before_its_timeout(shape: str, workers: int) -> None:
    longest = schedule(RUNS.course(BILLION, shape), workers).longest_seconds

    assert [name for name, seconds in longest.items() if seconds >= FUNCTIONS[name]["Timeout"]] == []


def test_a_billion_keys_with_nothing_to_do_take_less_than_ten_minutes_and_fifteen_dollars() -> None:
    scheduled = schedule(RUNS.course(BILLION, EVEN), 1000)

    assert scheduled.wall_seconds < 600
    assert bill(scheduled).total < 15


def test_a_billion_objects_of_which_one_in_a_hundred_has_changed() -> None:
    course = RUNS.course(BILLION, EVEN, SOME)

    copied, deleted = course.report["copied"]["objects"], course.report["deleted"]["objects"]
    assert (copied, deleted) == (BILLION // 100, BILLION // 1000)
    assert (course.requests["COPY"], course.requests["HEAD"]) == (copied, deleted)
    assert course.events < MOST_EVENTS
    assert course.largest["input of a child"] < MOST_STATE_BYTES


# --- States -------------------------------------------------------------------------------------------------


def test_the_history_of_a_small_run_is_that_of_the_states_it_goes_through() -> None:
    walk = RUNS.course(1000, EVEN).walk

    assert list(walk.entered) == [
        "Begin",
        "ValidateInput",
        "IsInputValid",
        "ListRanges",
        "CompareRanges",
        "TallyComparison",
        "IsComparisonDone",
        "Report",
        "HowDidItEnd",
        "Succeeded",
    ]
    assert walk.events == 2 + sum(EVENTS[MACHINE["States"][name]["Type"]] for name in walk.entered) == 38
    assert walk.transitions == 11


def test_copies_and_deletes_are_more_states_of_the_same_machine() -> None:
    walk = RUNS.course(10**5, EVEN, SOME).walk

    assert {"CopyKeys", "DeleteOrphanedKeys", "TallyDeletes"} <= set(walk.entered)


def test_a_first_copy_copies_everything_and_lists_the_empty_destination_once_a_range() -> None:
    course = RUNS.course(50_000, EVEN, ALL)

    assert course.report["copied"]["objects"] == course.requests["COPY"] == 50_000
    assert course.requests["LIST"] == 50 + 1


# --- Shards -------------------------------------------------------------------------------------------------


@given(st.integers(0, 9000))
def test_shards_are_those_that_the_shard_writer_makes(objects: int) -> None:
    writer = ShardWriter(RunFolder(MemoryS3(), "runs/m/e", "work"), lambda number: f"{number}")
    for number in range(objects):
        writer.add({"key": f"{number}", "size": 1})
    course = RUNS.course(1000, EVEN)
    comparer = course.comparer(10)
    shards = replace(comparer, work=Work(course.work.source, NO_KEYS, 1.0, object_bytes=1)).shards(
        "copy", "1-0001", 0, objects
    )

    assert [(one["objects"], one["bytes"]) for one in shards] == [
        (one["objects"], one["bytes"]) for one in writer.close()
    ]


# --- Time and dollars ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [NOTHING, SOME, ALL])
def test_the_bill_has_the_requests_and_prices_of_the_reports_own_estimate(change: str) -> None:
    course = RUNS.course(10**6, EVEN, change)
    paid, sent = bill(schedule(course, 40)), course.report["requests"]

    assert paid.lists + paid.copies + paid.heads == pytest.approx(
        estimate_usd(sent, 0, 0) - empty_estimate(), abs=2e-6
    )


@pytest.mark.parametrize("change", [NOTHING, SOME, ALL])
def test_the_reports_estimate_is_made_of_the_models_turns_and_seconds(change: str) -> None:
    course = RUNS.course(10**6, EVEN, change)
    turns, seconds = tables.worked(course)
    lambdas = seconds * WORKER_GB * LAMBDA_GB_SECOND_USD + turns * LAMBDA_REQUEST_USD
    states = (turns * TRANSITIONS_PER_TURN + TRANSITIONS_OF_PARENT) * STATE_TRANSITION_USD
    requests = estimate_usd(course.report["requests"], 0, 0) - empty_estimate()

    # The report's seconds are not rounded, those here are.
    assert course.report["estimatedCostUsd"] == pytest.approx(requests + lambdas + states, abs=3e-5)


@pytest.mark.parametrize("change", [NOTHING, SOME, ALL])
def test_the_report_estimates_what_the_bill_comes_to_but_for_what_it_says_it_leaves_out(change: str) -> None:
    course = RUNS.course(10**6, EVEN, change)

    assert course.report["estimatedCostUsd"] == pytest.approx(bill(schedule(course, 40)).total, rel=0.05)


def empty_estimate() -> float:
    return TRANSITIONS_OF_PARENT * STATE_TRANSITION_USD


def test_more_workers_are_quicker_and_one_after_the_other_is_the_sum() -> None:
    course = RUNS.course(10**6, EVEN)
    times = [schedule(course, workers).phases["comparing"] for workers in (1, 2, 10, 40)]
    turns = [seconds for step in course.steps if step.wave for seconds in step.seconds]

    assert times == sorted(times, reverse=True)
    assert times[0] > sum(turns)
    assert times[-1] < sum(turns)


def test_workers_that_ask_for_more_than_s3_answers_are_held_back() -> None:
    even = work(10**8, EVEN)
    free = Course(even).go()
    held = Course(even, Constants(reads_a_partition=200.0)).go()

    assert schedule(held, 1000).wall_seconds > 1.5 * schedule(free, 1000).wall_seconds
    assert schedule(held, 5).wall_seconds == pytest.approx(schedule(free, 5).wall_seconds)


def test_copies_are_held_to_what_s3_writes() -> None:
    scheduled = schedule(RUNS.course(10**6, EVEN, ALL), 1000)

    assert scheduled.phases["copying"] > 10**6 / Constants().writes_a_partition


def test_accounts_give_the_workers_that_the_deployment_computes() -> None:
    assert [workers for _, workers in workers_of_accounts()] == [5, 10, 40, 1000]


def test_a_setting_that_is_tried_is_undone() -> None:
    trial = Trial("many", {"FIRST_REMAINING_RANGES": 30})

    assert ranges(RUNS.tried(trial, 10**6, EVEN))[1] > ranges(RUNS.course(10**6, EVEN))[1] > 1
    assert RUNS.tried(Trial("ours"), 10**6, EVEN).requests == RUNS.course(10**6, EVEN).requests


def ranges(course: Course) -> list[int]:
    return [len(step.seconds) for step in course.steps if step.wave]


def test_every_constant_says_what_it_is_and_where_it_comes_from() -> None:
    told = {one.name: one.metadata for group in (Constants, OtherTools) for one in fields(group)}

    assert [name for name, one in told.items() if not one["unit"]] == []
    assert [
        name for name, one in told.items() if not re.search("https://|assumed|measured", one["source"])
    ] == []


def test_each_constant_alone_is_made_twice_as_bad() -> None:
    normal = Constants()
    for one, worse in normal.worse():
        changed = [
            other.name
            for other in fields(normal)
            if getattr(worse, other.name) != getattr(normal, other.name)
        ]
        assert changed == [one.name]


# --- Others -------------------------------------------------------------------------------------------------


def test_the_command_line_tool_copies_ten_objects_at_a_time_while_it_lists() -> None:
    offer = offers(Job(10**6, 10**6, 0, is_first=True), Constants(), OtherTools())[0]

    assert (offer.tool, offer.seconds) == ("aws s3 sync", pytest.approx(10_000))
    assert offer.usd == pytest.approx(5.005 + 10_000 / 3600 * 0.096)


def test_batch_operations_ask_a_dollar_a_million_besides_the_copies() -> None:
    offer = offers(Job(10**6, 10**6, 0, is_first=True), Constants(), OtherTools())[1]

    assert offer.usd == pytest.approx(0.0025 + 0.25 + 1 + 5)


def test_datasync_asks_for_every_object_and_for_the_gigabytes() -> None:
    offer = offers(Job(10**6, 10**6, 0, is_first=True), Constants(), OtherTools())[2]

    assert offer.seconds is None
    assert offer.usd == pytest.approx(0.55 + 100 * 0.015 + 5.005 + 3 * 0.4)


def test_what_a_run_leaves_in_the_work_bucket_is_plain_json() -> None:
    course = RUNS.course(1000, EVEN)

    assert json.loads(json.dumps(course.report)) == course.report


# --- The page -----------------------------------------------------------------------------------------------


def test_the_page_has_the_constants_as_they_are() -> None:
    assert tables.constants() in (PROJECT / "docs/scale.md").read_text(encoding="utf-8")


def test_tables_are_put_between_their_markers_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")

    put(page, "new")

    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")

    with pytest.raises(ValueError, match=r"page\.md needs the lines"):
        put(page, "new")
    assert page.read_text(encoding="utf-8") == "nothing"
