"""Leases, in moto's S3: two runs never write into the same part of a destination."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from samples import EXECUTION, NOON, MemoryS3, client_error, run_of

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.options import overlap
from lambda_functions.shared.run import Run
from lambda_functions.shared.work_bucket.executions import (
    STRAGGLERS_SECONDS,
    Execution,
    asking,
    busy_until,
)
from lambda_functions.shared.work_bucket.leases import (
    BUSY,
    OVER,
    UNCLEAR,
    LeaseLost,
    Leases,
    lease_key,
    release_lease,
    require_lease,
)


def execution(name: str) -> dict[str, str]:
    return {**EXECUTION, "id": EXECUTION["id"].replace("first", name), "name": name}


FIRST, SECOND, THIRD = (execution(name) for name in ("first", "second", "third"))


ENDED = "it has ended"
RUNNING = Execution("RUNNING")
DEAD = Execution("ABORTED", NOON - timedelta(hours=1))


def release(client: Any, run: Run) -> None:
    release_lease(client, run.destination.bucket, run.execution)


def of_running(running: set[str]) -> Any:
    """What Step Functions tells if these executions are running and all others are dead."""
    return lambda arn: RUNNING if arn in running else DEAD


class World:
    """The leases in one work bucket, who is running, and whose folders were cleaned up."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.running: set[str] = set()
        self.cleaned: list[str] = []
        self.not_cleaned: list[str] = []
        self.leases = Leases(client, "work-bucket", of_running(self.running))

    def take(self, run: Run) -> list[str]:
        self.running.add(run.execution)
        return self.leases.take(run, self.clean_up)

    def clean_up(self, folder: str) -> list[str]:
        self.cleaned.append(folder)
        return self.not_cleaned

    def keys(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket="work-bucket").get("Contents", ())
        return [one["Key"] for one in found]


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        client.create_bucket(
            Bucket="work-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield World(client)


def test_a_lease_names_the_execution_its_prefix_its_papers_and_what_it_reads(world: World) -> None:
    run = run_of(FIRST, prefix="b/", destinationPrefix="a/")

    world.take(run)

    assert world.keys() == [lease_key(run)]
    assert lease_key(run).startswith("leases/into/")
    body = world.client.get_object(Bucket="work-bucket", Key=lease_key(run))["Body"].read()
    assert json.loads(body) == {
        "execution": FIRST["id"],
        "prefix": "a/",
        "folder": "runs/sync-20261122-101112/first",
        "startedAt": "2026-11-22T10:11:12.345Z",
        "source": "from",
        "sourcePrefix": "b/",
    }


@pytest.mark.parametrize(
    ("held", "wanted"), [("", ""), ("a/", "a/"), ("a/", "a/b/"), ("a/b/", "a/"), ("", "x")]
)
def test_a_run_into_an_overlapping_part_is_refused_and_told_who_is_there(
    world: World, held: str, wanted: str
) -> None:
    world.take(run_of(FIRST, destination="photos", destinationPrefix=held))

    with pytest.raises(Refused) as caught:
        world.take(run_of(SECOND, destination="photos", destinationPrefix=wanted))

    assert caught.value.error == "AlreadyRunning"
    assert caught.value.cause == (
        f'another execution is writing into photos, prefix "{held}": {FIRST["id"]}, started 2026-11-22T10:11:12.345Z. '
        "Nothing was changed. Wait until it has ended, then start again."
    )
    both = [run_of(one, destination="photos") for one in (FIRST, SECOND)]
    assert set(world.keys()) == {lease_key(run) for run in both}
    assert world.cleaned == []


@pytest.mark.parametrize(
    ("status", "beginning"),
    [
        ("RUNNING", BUSY),
        ("unknown", UNCLEAR),
        ("missing", UNCLEAR),
        *((status, OVER) for status in ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")),
    ],
)
def test_a_refusal_begins_so_that_a_rule_can_tell_a_run_that_is_running_from_one_that_is_over(
    world: World, status: str, beginning: str
) -> None:
    ended_at = None if status in ("RUNNING", "unknown", "missing") else NOON
    others = {FIRST["id"]: Execution(status, ended_at)}
    world.take(run_of(FIRST))
    leases = Leases(world.client, "work-bucket", lambda arn: others.get(arn, RUNNING), lambda: NOON)

    with pytest.raises(Refused) as caught:
        leases.take(run_of(SECOND), world.clean_up)

    assert caught.value.cause.startswith(f'{beginning} into, prefix "": {FIRST["id"]}, started ')
    assert caught.value.cause.startswith(BUSY) == (status == "RUNNING")


def test_runs_into_separate_parts_run_side_by_side(world: World) -> None:
    world.take(run_of(FIRST, destinationPrefix="a/"))
    world.take(run_of(SECOND, destinationPrefix="b/"))
    world.take(run_of(THIRD, destination="elsewhere"))

    assert len(world.keys()) == 3


def test_a_destination_whose_name_begins_another_is_another(world: World) -> None:
    world.take(run_of(FIRST, destination="into-2"))
    world.take(run_of(SECOND, destination="into"))

    assert len(world.keys()) == 2


def test_the_same_source_can_be_read_by_two_runs(world: World) -> None:
    world.take(run_of(FIRST, source="from", destination="one"))
    world.take(run_of(SECOND, source="from", destination="two"))


def test_taking_ones_own_lease_again_is_no_error(world: World) -> None:
    world.take(run_of(FIRST))
    world.take(run_of(FIRST))

    assert world.keys() == [lease_key(run_of(FIRST))]


def test_the_lease_of_a_dead_run_does_not_count_and_what_it_left_is_cleaned_up(world: World) -> None:
    world.take(run_of(FIRST))
    world.running.clear()

    world.take(run_of(SECOND))

    assert world.cleaned == ["runs/sync-20261122-101112/first"]
    assert world.keys() == [lease_key(run_of(SECOND))]


def test_a_dead_run_that_could_not_be_cleaned_up_keeps_its_lease_for_the_next_run_to_try(
    world: World,
) -> None:
    world.take(run_of(FIRST))
    world.running.clear()
    world.not_cleaned = ["the upload 1 was not aborted"]

    world.take(run_of(SECOND))
    assert set(world.keys()) == {lease_key(run_of(FIRST)), lease_key(run_of(SECOND))}
    world.running.clear()
    world.not_cleaned = []
    world.take(run_of(THIRD))

    assert world.keys() == [lease_key(run_of(THIRD))]
    assert world.cleaned.count("runs/sync-20261122-101112/first") == 2


def test_a_dead_run_elsewhere_is_left_alone(world: World) -> None:
    world.take(run_of(FIRST, destinationPrefix="a/"))
    world.running.clear()

    world.take(run_of(SECOND, destinationPrefix="b/"))

    assert world.cleaned == []
    assert len(world.keys()) == 2


def test_a_lease_given_back_is_free_and_giving_it_back_twice_is_no_error(world: World) -> None:
    world.take(run_of(FIRST))
    release(world.client, run_of(FIRST))
    release(world.client, run_of(FIRST))

    world.take(run_of(SECOND))

    assert world.keys() == [lease_key(run_of(SECOND))]


def test_a_worker_goes_on_only_while_its_run_has_its_lease(world: World) -> None:
    run = run_of(FIRST)
    world.take(run)
    require_lease(world.client, run)
    release(world.client, run)
    world.take(run_of(SECOND))

    with pytest.raises(LeaseLost) as caught:
        require_lease(world.client, run)
    assert str(caught.value) == (f"{FIRST['id']} has given back its lease on into; start a new execution")


def test_a_lease_that_is_given_back_while_it_is_looked_at_does_not_count(world: World) -> None:
    run = run_of(FIRST)
    world.take(run)

    class Vanishing:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.client, name)

        def get_object(self, **parameters: str) -> Any:
            release(world.client, run)
            return world.client.get_object(**parameters)

    seen = Leases(Vanishing(), "work-bucket", lambda arn: RUNNING)
    assert seen.take(run_of(SECOND), world.clean_up) == []

    assert world.keys() == [lease_key(run_of(SECOND))]


def test_of_two_runs_that_begin_together_both_are_refused_rather_than_none(world: World) -> None:
    world.leases._write(lease_key(run_of(FIRST)), run_of(FIRST))

    with pytest.raises(Refused):
        Leases(world.client, "work-bucket", lambda arn: RUNNING).take(run_of(SECOND), world.clean_up)
    world.leases._write(lease_key(run_of(SECOND)), run_of(SECOND))
    with pytest.raises(Refused):
        Leases(world.client, "work-bucket", lambda arn: RUNNING).take(run_of(FIRST), world.clean_up)


PREFIXES = st.sampled_from(["", "a", "a/", "a/b", "b/", "ab"])
STEPS = st.lists(st.tuples(st.sampled_from(["take", "end", "die"]), st.integers(0, 4)), max_size=20)


@given(st.lists(PREFIXES, min_size=5, max_size=5), STEPS)
def test_whatever_happens_no_two_living_runs_write_into_the_same_part(
    prefixes: list[str], steps: list[tuple[str, int]]
) -> None:
    runs = [run_of(execution(f"run-{number}"), destinationPrefix=prefixes[number]) for number in range(5)]
    alive: set[str] = set()
    client = MemoryS3()
    leases = Leases(client, "work-bucket", of_running(alive))
    for what, number in steps:
        run = runs[number]
        if what == "end" and run.execution in alive:
            release(client, run)
        if what != "take":
            alive.discard(run.execution)
        elif run.execution not in alive:
            alive.add(run.execution)
            try:
                leases.take(run, lambda folder: [])
            except Refused:
                release(client, run)
                alive.discard(run.execution)
        living = [one.destination.prefix for one in runs if one.execution in alive]
        assert not any(
            overlap(one, other) for index, one in enumerate(living) for other in living[index + 1 :]
        )


# --- Asking Step Functions ------------------------------------------------------------------------------------


class StepFunctions:
    """Answers DescribeExecution, or with an error."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        assert executionArn == FIRST["id"]
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def until(answer: dict[str, Any] | Exception, now: datetime = NOON) -> str:
    execution = asking(StepFunctions(answer))(FIRST["id"])
    return busy_until(execution, NOON, now)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"status": "RUNNING"}, ENDED),
        (client_error(400, "AccessDeniedException", "DescribeExecution"), ENDED),
        (client_error(503, "ServiceUnavailable", "DescribeExecution"), ENDED),
        (EndpointConnectionError(endpoint_url="https://states"), ENDED),
    ],
)
def test_an_execution_counts_as_running_unless_step_functions_says_that_it_is_not(
    answer: dict[str, Any] | Exception, expected: str
) -> None:
    assert until(answer) == expected


GONE = client_error(400, "ExecutionDoesNotExist", "DescribeExecution")


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE", "gone"])
def test_an_execution_that_has_ended_is_busy_until_its_last_lambda_must_be_over(status: str) -> None:
    ended = GONE if status == "gone" else {"status": status, "stopDate": NOON}

    assert until(ended, NOON) == "12:15:30 UTC, when its last Lambda must be over"
    assert until(ended, NOON + timedelta(seconds=STRAGGLERS_SECONDS - 1)) != ""
    assert until(ended, NOON + timedelta(seconds=STRAGGLERS_SECONDS)) == ""


def test_an_execution_is_asked_for_once() -> None:
    asked: list[str] = []

    class Counting(StepFunctions):
        def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
            asked.append(executionArn)
            return super().describe_execution(executionArn=executionArn)

    ask = asking(Counting({"status": "RUNNING", "input": '{"source": "a", "prefix": "p/"}'}))
    assert ask(FIRST["id"]).source() == ask(FIRST["id"]).source() == ("a", "p/")
    assert asked == [FIRST["id"]]


@pytest.mark.parametrize(
    "given", ["", "{", "[]", "null", "{}", '{"source": 5}', '{"source": "a", "prefix": 5}']
)
def test_an_input_that_cannot_be_read_says_nothing_of_a_source(given: str) -> None:
    assert Execution("RUNNING", input=given).source() is None
