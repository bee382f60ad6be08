"""Leases that are not as they should be: unreadable, of an execution that nobody knows, too late, kept for uploads."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from samples import EXECUTION, NOON, MemoryS3, client_error, run_of

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.run import Run
from lambda_functions.shared.work_bucket.executions import MISSING, Execution
from lambda_functions.shared.work_bucket.lease_cycles import (
    Lease,
    feeds,
    lease_document,
    overlapping,
    parse_lease,
)
from lambda_functions.shared.work_bucket.leases import (
    LeaseLost,
    Leases,
    keep_lease,
    lease_key,
    release_lease,
    require_lease,
)

RUNNING, GONE = Execution("RUNNING"), Execution(MISSING)
OURS, THEIRS = EXECUTION, {**EXECUTION, "id": f"{EXECUTION['id']}-of-them", "name": "theirs"}
LATER = NOON + timedelta(minutes=75)


class World:
    """A work bucket, the clock of the run that looks at it, and what Step Functions knows."""

    def __init__(self) -> None:
        self.client = MemoryS3()
        self.now = LATER
        self.executions: dict[str, Execution] = {}
        self.cleaned: list[str] = []
        self.problems: list[str] = []

    def take(self, run: Run | None = None) -> list[str]:
        known = self.executions
        leases = Leases(self.client, "work-bucket", lambda arn: known.get(arn, RUNNING), lambda: self.now)
        return leases.take(run or run_of(), self.clean_up)

    def clean_up(self, folder: str) -> list[str]:
        self.cleaned.append(folder)
        return self.problems

    def refusal(self, run: Run | None = None) -> str:
        with pytest.raises(Refused) as caught:
            self.take(run)
        assert caught.value.error == "AlreadyRunning"
        return caught.value.cause

    def document(self, run: Run) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.client.files[lease_key(run)])
        return document


@pytest.fixture
def world() -> World:
    return World()


# --- Files that cannot be read


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"execution": "arn:', "Unterminated string starting at: line 1 column 15 (char 14)"),
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"[]", "it is not a JSON object"),
        (b"{}", "it does not say execution, prefix, folder, startedAt"),
        (b'{"execution": "x", "folder": "y", "startedAt": "z"}', "it does not say prefix"),
        (b"\xfa", "'utf-8' codec can't decode byte 0xfa in position 0: invalid start byte"),
        (
            b'{"execution": "x", "prefix": "", "folder": "y", "startedAt": "z", "missingSince": "2026-11-22T12:00:00"}',
            "it says 2026-11-22T12:00:00, without a time zone",
        ),
    ],
)
def test_a_lease_that_cannot_be_read_is_named_with_its_age_and_when_it_may_be_deleted(
    world: World, body: bytes, why: str
) -> None:
    world.client.files["leases/into/spoilt.json"] = body

    assert world.refusal() == (
        "s3://work-bucket/leases/into/spoilt.json, written at 2026-11-22 12:00:00 UTC (75 minutes ago), should be the lease of "
        f"a run and cannot be read ({why}), so another execution may be writing into into. Nothing was changed. Delete that "
        "file once no execution that began before 2026-11-22 12:00:00 UTC is running and 16 minutes have passed since the last "
        "of them ended, then start again."
    )
    assert world.cleaned == []


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(-3, "0 minutes ago"), (0.9, "0 minutes ago"), (1, "1 minute ago"), (2, "2 minutes ago")],
)
def test_the_age_of_a_lease_is_told_by_our_clock_and_none_is_older_than_it_can_be(
    world: World, minutes: float, told: str
) -> None:
    world.client.files["leases/into/spoilt.json"] = b"{"
    world.now = NOON + timedelta(minutes=minutes)

    assert f"2026-11-22 12:00:00 UTC ({told})" in world.refusal()


def test_a_lease_that_cannot_be_read_stops_no_run_that_has_nothing_to_do_with_its_destination(
    world: World,
) -> None:
    world.client.files["leases/elsewhere/spoilt.json"] = b"{"

    assert world.take() == []


def test_nobody_is_asked_about_a_lease_that_cannot_be_read(world: World) -> None:
    """It names no execution, and DescribeExecution is throttled by account."""
    world.client.files["leases/elsewhere/spoilt.json"] = b"{"
    asked: list[str] = []

    def ask(arn: str) -> Execution:
        asked.append(arn)
        return RUNNING

    Leases(world.client, "work-bucket", ask, lambda: world.now).take(run_of(), world.clean_up)

    assert set(asked) == {OURS["id"]}


def test_a_lease_that_cannot_be_read_may_be_of_a_run_that_feeds_this_one_and_reads_what_it_writes(
    world: World,
) -> None:
    world.client.files["leases/from/spoilt.json"] = b"{"

    assert world.refusal().startswith("s3://work-bucket/leases/from/spoilt.json, written at ")


def test_a_run_whose_own_lease_cannot_be_read_is_refused_before_it_begins(world: World) -> None:
    world.client.files[lease_key(run_of())] = b"{"

    assert world.refusal().startswith(f"s3://work-bucket/{lease_key(run_of())}, written at ")


def test_a_worker_whose_lease_cannot_be_read_says_which_file_that_is(world: World) -> None:
    world.client.files[lease_key(run_of())] = b"{"

    with pytest.raises(LeaseLost) as caught:
        require_lease(world.client, run_of())
    assert str(caught.value) == (
        f"s3://work-bucket/{lease_key(run_of())}, the lease of {EXECUTION['id']}, cannot be read (Expecting property name "
        "enclosed in double quotes: line 1 column 2 (char 1)); start a new execution"
    )


# --- Executions that Step Functions does not know


def test_an_execution_that_does_not_exist_counts_for_930_seconds_from_when_that_was_first_seen(
    world: World,
) -> None:
    theirs = run_of(THEIRS)
    world.take(theirs)
    world.executions[theirs.execution] = GONE

    first = world.refusal()
    assert world.document(theirs)["missingSince"] == "2026-11-22T13:15:00+00:00"
    world.now = LATER + timedelta(seconds=929)
    second = world.refusal()
    world.now = LATER + timedelta(seconds=930)

    assert world.take() == []
    assert first == second
    assert "Wait until 13:30:30 UTC, when its last Lambda must be over, then start again." in first
    assert world.cleaned == [theirs.folder]
    assert list(world.client.files) == [lease_key(run_of())]


@pytest.mark.parametrize(
    ("status", "code"),
    [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict"), (404, "NoSuchKey")],
)
def test_a_lease_that_another_run_notes_or_removes_at_the_same_moment_counts_as_held(
    world: World, status: int, code: str
) -> None:
    theirs = run_of(THEIRS)
    world.take(theirs)
    world.executions[theirs.execution] = GONE
    put, sent = world.client.put_object, []

    def lost_race(**parameters: Any) -> None:
        if "IfMatch" in parameters:
            sent.append(parameters["IfMatch"])
            raise client_error(status, code, "PutObject")
        put(**parameters)

    world.client.put_object = lost_race  # type: ignore[method-assign, assignment]

    assert "when its last Lambda must be over" in world.refusal()
    assert sent == [world.client._etag(lease_key(theirs))]
    assert "missingSince" not in world.document(theirs)


def test_an_execution_that_turns_up_again_counts_as_running_whatever_was_noted(world: World) -> None:
    theirs = run_of(THEIRS)
    world.take(theirs)
    world.executions[theirs.execution] = GONE
    world.refusal()
    del world.executions[theirs.execution]
    world.now = LATER + timedelta(hours=1)

    assert "Wait until it has ended, then start again." in world.refusal()


def test_the_lease_of_an_execution_that_is_known_is_not_written_to(world: World) -> None:
    """A note that it is missing would count from then on, should Step Functions not know it one day."""
    theirs = run_of(THEIRS)
    world.take(theirs)
    before = world.document(theirs)

    world.refusal()

    assert world.document(theirs) == before


# --- Attempts that come too late


def ended(at: datetime) -> Execution:
    return Execution("FAILED", at)


def test_an_attempt_that_comes_after_its_executions_end_takes_its_lease_away_again(world: World) -> None:
    world.executions[OURS["id"]] = ended(NOON - timedelta(seconds=1))

    with pytest.raises(LeaseLost) as caught:
        world.take()

    assert str(caught.value) == (
        f"{OURS['id']} had ended (FAILED) before this attempt had its lease on into; nothing was changed"
    )
    assert world.client.files == {}


@pytest.mark.parametrize("is_there_already", [True, False])
def test_an_attempt_that_comes_too_late_leaves_a_lease_that_workers_may_still_be_writing_under(
    world: World, is_there_already: bool
) -> None:
    if is_there_already:
        world.take()
        world.executions[OURS["id"]] = ended(NOON - timedelta(seconds=1))
    else:
        # Written by this very attempt, but before the end: a second attempt has found it and was accepted.
        world.executions[OURS["id"]] = ended(NOON)

    with pytest.raises(LeaseLost):
        world.take()

    assert list(world.client.files) == [lease_key(run_of())]


def test_an_execution_that_step_functions_does_not_know_yet_takes_its_lease(world: World) -> None:
    world.executions[OURS["id"]] = GONE

    assert world.take() == []


def test_a_refused_attempt_leaves_the_lease_that_another_attempt_of_its_execution_was_accepted_with(
    world: World,
) -> None:
    world.take()
    slow = run_of()
    world.client.files[lease_key(run_of(THEIRS))] = b"{"

    world.refusal(slow)

    assert lease_key(slow) in world.client.files


# --- Leases that are kept for uploads


def kept(world: World) -> Run:
    """Leave the lease of a run that is over and could not abort all of its uploads."""
    theirs = run_of(THEIRS)
    world.take(theirs)
    world.executions[theirs.execution] = ended(LATER)
    keep_lease(world.client, theirs, LATER)
    return theirs


def test_a_lease_that_is_kept_for_uploads_blocks_nobody_and_is_tried_by_every_run_until_they_are_gone(
    world: World,
) -> None:
    theirs = kept(world)
    assert world.document(theirs)["endedAt"] == "2026-11-22T13:15:00+00:00"

    world.problems = ["the upload 1 of 'a' was not aborted: no"]
    assert world.take() == world.problems
    assert lease_key(theirs) in world.client.files
    world.problems = []
    assert world.take() == []

    assert world.cleaned == [theirs.folder] * 2
    assert list(world.client.files) == [lease_key(run_of())]


def test_a_lease_that_is_kept_for_uploads_closes_no_circle(world: World) -> None:
    kept(world)

    assert world.take(run_of(source="into", destination="from")) == []


def test_a_worker_of_a_run_that_is_over_does_not_write_under_a_lease_that_is_kept_for_uploads(
    world: World,
) -> None:
    theirs = kept(world)

    with pytest.raises(LeaseLost) as caught:
        require_lease(world.client, theirs)
    assert str(caught.value) == f"{THEIRS['id']} has given back its lease on into; start a new execution"


# --- What Report gives back


@pytest.mark.parametrize("destination", [None, 5, "", "..", "into/../x", "In to", "x" * 2000, ["into"], {}])
def test_an_input_that_names_no_bucket_has_no_lease_to_give_back(world: World, destination: Any) -> None:
    world.take()

    release_lease(None, destination, OURS["id"])

    assert list(world.client.files) == [lease_key(run_of())]


def test_a_lease_is_given_back_by_the_destination_and_the_execution_alone(world: World) -> None:
    world.take()

    release_lease(world.client, "into", OURS["id"])

    assert world.client.files == {}


WRITTEN = lease_document(run_of(name="nightly"))


# What a lease says that nobody wrote may give a destination free, or hide that its run reads what this one writes.
@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("endedAt", None, "its endedAt is null; expected text"),
        ("endedAt", {}, "its endedAt is {}; expected text"),
        ("endedAt", True, "its endedAt is true; expected text"),
        ("endedAt", "soon", "Invalid isoformat string: 'soon'"),
        ("endedAt", "2026-11-22T10:11:12", "it says 2026-11-22T10:11:12, without a time zone"),
        ("sourcePrefix", 5, "its sourcePrefix is 5; expected text"),
        ("sourcePrefix", ["a"], 'its sourcePrefix is ["a"]; expected text'),
        ("name", None, "its name is null; expected text"),
        ("name", ["x" * 100], 'its name is ["' + "x" * 78 + "; expected text"),
        ("missingSince", 5, "Invalid isoformat string: '5'"),
        # Nobody can be asked about an execution without a name, and a folder without one is not that of a run.
        ("execution", "", "it does not say execution"),
        ("folder", "", "it does not say folder"),
    ],
)
def test_a_lease_with_another_kind_of_value_cannot_be_read(name: str, value: Any, problem: str) -> None:
    lease = parse_lease("into", json.dumps({**WRITTEN, name: value}).encode())

    assert (lease.problem, lease.ended_at, lease.source) == (problem, "", None)
    assert overlapping(lease, Lease.of(run_of(destinationPrefix="anything/")))


@pytest.mark.parametrize("source", [None, 5, ["from"], {}, True])
def test_a_source_that_is_no_text_is_unknown_and_counts_as_everything(source: Any) -> None:
    """Taken for a bucket's name it would be none, and the circle of two runs would not be seen."""
    lease = parse_lease("into", json.dumps({**WRITTEN, "source": source}).encode())

    assert (lease.problem, lease.source) == ("", None)
    assert feeds(Lease.of(run_of(destination="elsewhere")), lease)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"execution":' * 200_000])
def test_a_lease_that_is_nested_deeply_cannot_be_read_and_stops_nobody_elsewhere(body: bytes) -> None:
    assert parse_lease("into", body).problem == "it is nested too deeply"


def test_the_end_of_a_run_is_read_as_it_was_written() -> None:
    ended = {**WRITTEN, "endedAt": NOON.isoformat()}

    assert parse_lease("into", json.dumps(ended).encode()).ended_at == NOON.isoformat()
