"""The model of many workers and one partition: its partition, its retries, and that the page has what it says."""

from __future__ import annotations

import random

import pytest
from places import PROJECT

from benchmarks import ramp
from benchmarks.ramp import Course, Fixed, Partition, Ramp, Worker, course, row
from lambda_functions.shared.apply.in_flight import InFlight


def test_a_partition_takes_its_rate_and_no_more_than_a_tenth_of_a_second_s_worth_at_once():
    partition = Partition(100)
    at_once = [partition.takes(0.0) for _ in range(20)]
    evenly = [partition.takes(10 + number / 1000) for number in range(2000)]

    assert at_once == [True] * 10 + [False] * 10
    assert sum(evenly) == pytest.approx(10 + 200, abs=2)


def test_without_a_limit_of_the_partition_the_seconds_are_those_of_the_copies():
    went = Course(Partition(10**6), [Worker(Fixed(10))], 10_000, random.Random(1)).run()

    # 10 at once of 0.1 s each; at the end of each of the five shards some wait for the last one.
    assert went.seconds == pytest.approx(100, rel=0.02)
    assert (went.refused, went.failed) == (0, 0)


def test_a_copy_that_is_refused_nine_times_is_an_object_that_failed():
    nothing = Partition(0)
    nothing.tokens = 0
    went = Course(nothing, [Worker(Fixed(3))], 5, random.Random(1)).run()

    assert (went.refused, went.failed) == (9 * 5, 5)
    assert went.seconds < 2 * 255 + 9 * 2 * ramp.REFUSAL_SECONDS


def test_the_rule_hears_what_its_worker_is_refused():
    rule = Ramp(InFlight.begin(55, 0, 0.0))
    went = Course(Partition(100), [Worker(rule)], 500, random.Random(1)).run()

    assert rule.state.limit < 55
    assert went.failed == 0


def test_forty_workers_are_refused_less_and_done_sooner_by_the_rule():
    always, by_the_rule = (course(3_500, 200_000, 40, is_ramp) for is_ramp in (False, True))

    assert by_the_rule.failed == 0
    assert by_the_rule.refused < always.refused / 20
    assert by_the_rule.seconds < always.seconds


@pytest.mark.parametrize("of", [(3_500, 90_000, 40, True), (100, 100_000, 1, True), (100, 100_000, 5, True)])
def test_the_page_has_what_the_command_prints(of):
    assert of in ramp.COURSES
    assert row(*of) in (PROJECT / "docs" / "performance.md").read_text("utf-8").splitlines()
