"""The model of syncs of any size: what it takes from the product is the product's, and its arithmetic adds up."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import MemoryS3

from benchmarks.scale import tables
from benchmarks.scale.clock import Clock
from benchmarks.scale.comparing import VirtualBuckets, Wave, entries, waves_by_arithmetic
from benchmarks.scale.constants import Constants
from benchmarks.scale.runs import PROJECT, Job, Run, shards_of
from benchmarks.shapes import SHAPES
from lambda_functions.shared.compare.compare import BUDGET_SECONDS
from lambda_functions.shared.compare.streams import STREAMS
from lambda_functions.shared.tally.cost.costs import TRANSITIONS_OF_PARENT, estimate_usd
from lambda_functions.shared.tally.cost.prices import STATE_TRANSITION_USD
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import ShardWriter

BILLION = 10**9
PAGE = 10


def clock(objects: int, copied: int = 0, deleted: int = 0, workers: int = 40) -> Clock:
    return Clock(Run(Job(objects, copied, deleted), workers))


# --- What is promised ---------------------------------------------------------------------------------------


def test_a_small_sync_with_nothing_to_do_takes_four_seconds_and_three_lambdas() -> None:
    small = clock(1000)

    assert [step.name for step, _ in small.steps] == ["ValidateInput", "ListRanges", "Report"]
    assert small.wall_seconds <= 4


def test_ten_copies_and_a_delete_take_seven_seconds() -> None:
    assert clock(1000, 10, 1).wall_seconds <= 7


def test_a_million_objects_with_nothing_to_do_take_half_a_minute_in_one_wave() -> None:
    million = clock(10**6)

    assert len(million.run.waves) == 1
    assert million.wall_seconds <= 30


def test_a_billion_objects_in_equal_ranges_take_nine_minutes_and_eleven_dollars() -> None:
    billion = clock(BILLION)

    assert billion.wall_seconds <= 9 * 60
    assert sum(billion.bill().values()) <= 11
    assert billion.bill()["Lambda"] <= 0.40


# --- Comparing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_arithmetic_is_what_the_scheduler_takes_and_sends_where_one_worker_is_enough(shape: str) -> None:
    keys = entries(SHAPES[shape](10_000))
    (virtual,) = VirtualBuckets(keys, keys, Constants(), PAGE).waves()
    (computed,) = waves_by_arithmetic(10**6, 2, 40, Constants())

    assert virtual.turns[0] == pytest.approx(computed.turns[0], rel=0.25)
    assert 2000 <= virtual.lists <= 1.03 * computed.lists


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 40))
def test_virtual_waves_read_every_page_of_both_sides_whatever_they_hand_back(
    source: int, destination: int, tenths: int
) -> None:
    keys = entries([f"{number:04d}" for number in range(500)])
    buckets = VirtualBuckets(keys[:source], keys[-destination:], Constants(), PAGE)

    lists = sum(wave.lists for wave in buckets.waves(lambda wave: tenths / 10))

    assert lists >= -(-source // PAGE) + -(-destination // PAGE)


def test_a_wave_hands_back_a_range_for_each_stream_and_no_turn_is_longer_than_its_budget() -> None:
    waves = waves_by_arithmetic(BILLION, 2, 40, Constants())

    assert [len(wave.turns) for wave in waves] == [STREAMS**number for number in range(len(waves))]
    for wave, budget in zip(waves, BUDGET_SECONDS, strict=True):
        assert max(wave.turns) <= budget + 0.1
    assert 2 * BILLION / 1000 <= sum(wave.lists for wave in waves) <= 1.05 * 2 * BILLION / 1000


def test_a_bucket_without_keys_is_a_list_a_side() -> None:
    assert VirtualBuckets([], [], Constants()).waves()[0].lists == 2


def test_a_page_takes_longer_the_more_read_one_partition_and_never_less_than_s3_s_rate() -> None:
    constants = Constants()

    assert constants.list_seconds(1, 10**6) == pytest.approx(constants.page_seconds, abs=0.003)
    assert constants.list_seconds(1000 // STREAMS, 10**8) == pytest.approx(constants.busy_page_seconds)
    assert constants.list_seconds(60, BILLION) < constants.list_seconds(60, 10**8)
    slow = replace(constants, reads_a_partition=100.0)
    assert slow.list_seconds(60, 10**8) == pytest.approx(60 * STREAMS / 100)


# --- A run --------------------------------------------------------------------------------------------------


@given(st.integers(0, 9000), st.integers(1, 700))
def test_shards_are_those_that_the_shard_writer_makes(objects: int, first_keys: int) -> None:
    writer = ShardWriter(
        RunFolder(MemoryS3(), "runs/m/e", "work"), lambda number: f"{number}", first_keys=first_keys
    )
    for number in range(objects):
        writer.add({"key": f"{number}", "size": 1})

    assert list(shards_of(objects, first_keys)) == [one["objects"] for one in writer.close()]


def test_forty_shards_are_an_inline_map_and_more_are_a_map_run() -> None:
    few, many = clock(10**5, 10_000), clock(10**5, 100_000)
    kinds = [
        {step.name: step.is_map_run for step, _ in one.steps if step.child_transitions} for one in (few, many)
    ]

    assert kinds == [{"CopyKeys": False}, {"CopyKeys": True}]


def test_what_a_map_run_takes_more_than_an_inline_map_is_on_the_clock() -> None:
    def copying(objects: int) -> tuple[float, float]:
        step, wall = next(one for one in clock(10**5, objects).steps if one[0].name == "CopyKeys")
        return wall, max(step.turns)

    (inline, turn), (distributed, longer) = copying(1000), copying(100_000)
    constants = Constants()
    assert inline == pytest.approx(
        turn + constants.init_seconds + constants.inline_map_seconds + 4 * constants.state_seconds
    )
    assert distributed > longer + constants.map_run_seconds


def test_a_cold_start_is_billed_and_happens_once_for_each_worker() -> None:
    small = clock(1000, 10, 1)

    assert set(small.cold_starts.values()) == {1}
    turns = sum(seconds for step, _ in small.steps for seconds in step.turns)
    init = len(small.cold_starts) * Constants().init_seconds
    assert sum(small.lambda_seconds.values()) == pytest.approx(turns + init)


def test_more_workers_are_quicker_and_one_after_the_other_is_the_sum() -> None:
    times = [clock(BILLION, workers=workers).wall_seconds for workers in (1, 5, 10, 40)]
    run = Run(Job(BILLION), 1)

    assert times == sorted(times, reverse=True)
    assert times[0] > sum(seconds for wave in run.waves for seconds in wave.turns)


def test_copies_are_held_to_what_s3_writes() -> None:
    first = Clock(Run(Job(10**5, 10**5, is_first=True), 1000))
    copying = sum(seconds for step, seconds in first.steps if step.name == "CopyKeys")

    assert copying > 10**5 / Constants().writes_a_partition


@pytest.mark.parametrize("job", tables.jobs(10**5).values(), ids=tables.jobs(10**5))
def test_the_bill_has_the_requests_and_prices_of_the_reports_own_estimate(job: Job) -> None:
    run = Run(job, 40)
    bill = Clock(run).bill()
    estimate = estimate_usd(run.requests, 0, 0) - TRANSITIONS_OF_PARENT * STATE_TRANSITION_USD

    assert bill["LIST"] + bill["COPY"] + bill["HEAD"] == pytest.approx(estimate, abs=2e-6)


@pytest.mark.parametrize("job", tables.jobs(10**5).values(), ids=tables.jobs(10**5))
def test_the_report_estimates_what_the_bill_comes_to(job: Job) -> None:
    run = Run(job, 40)

    estimate = estimate_usd(run.requests, *run.worked)
    assert estimate == pytest.approx(sum(Clock(run).bill().values()), rel=0.1, abs=5e-4)


def test_a_run_goes_through_the_states_of_its_steps() -> None:
    assert Run(Job(1000), 40).transitions == 1 + 8
    run = Run(Job(1000), 40)
    run.waves = [Wave([30.0], 5000), Wave([60.0] * 8, 50_000)]
    assert run.transitions == 1 + 8 + 3 + 8 * 2


# --- The page -----------------------------------------------------------------------------------------------


def test_every_constant_says_what_it_is_and_where_it_comes_from() -> None:
    told = {one.name: one.metadata for one in fields(Constants)}

    assert [name for name, one in told.items() if not one["unit"]] == []
    wanted = re.compile("https://|assumed|measured")
    assert [name for name, one in told.items() if not wanted.search(one["source"])] == []


@pytest.mark.parametrize("page", ["scale.md", "performance.md"])
def test_the_pages_have_the_steps_of_small_runs_as_they_are(page: str) -> None:
    assert tables.steps() in (PROJECT / "docs" / page).read_text(encoding="utf-8")


def test_the_page_has_the_constants_as_they_are() -> None:
    assert tables.constants() in (PROJECT / "docs/scale.md").read_text(encoding="utf-8")
