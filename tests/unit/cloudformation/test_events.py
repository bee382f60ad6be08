"""Following an operation: which events are its own, when it is over, and what happens when AWS does not answer."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as some

from deployment.cloudformation import events
from deployment.cloudformation.events import MAX_FAILED_POLLS, Operation
from tests.fake_cloudformation import STACK_ID, FakeCloudFormation, refusal
from tests.stacks import installed_with

THROTTLED = refusal("DescribeStacks", "Throttling", "Rate exceeded")
NO_NETWORK = EndpointConnectionError(endpoint_url="https://x/")


class Failing(FakeCloudFormation):
    """Answers so many looks with an error first."""

    def __init__(self, error: Exception, looks: int, **options: Any) -> None:
        super().__init__(**options)
        self.error, self.looks = error, looks

    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        self.looks -= 1
        if self.looks >= 0:
            raise self.error
        return dict(super().describe_stacks(**request))


def end_of(fake: FakeCloudFormation, operation: Operation) -> events.OperationState:
    return list(events.follow(installed_with(fake), operation))[-1]


def test_events_of_another_token_are_not_the_operations_own() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE")
    after = events.newest_event(fake, STACK_ID)
    fake.begin(
        [
            ("", "UPDATE_IN_PROGRESS", ""),
            ("Other", "UPDATE_FAILED", "somebody else's"),
            ("", "UPDATE_COMPLETE", ""),
        ]
    )
    for event in (
        ("", "UPDATE_IN_PROGRESS", ""),
        ("CopyKeys", "UPDATE_COMPLETE", ""),
        ("", "UPDATE_COMPLETE", ""),
    ):
        fake.happen(*event, ClientRequestToken="ours")

    outcome = end_of(fake, Operation(STACK_ID, "", after, "ours"))

    assert [event.logical_id for event in outcome.events if not event.is_stack] == ["CopyKeys"]


def test_events_without_a_token_count_because_not_every_endpoint_repeats_it() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE")
    after = events.newest_event(fake, STACK_ID)
    for event in (("CopyKeys", "UPDATE_COMPLETE", ""), ("", "UPDATE_COMPLETE", "")):
        fake.happen(*event)

    outcome = end_of(fake, Operation(STACK_ID, "", after, "ours"))

    assert [event.logical_id for event in outcome.events] == ["CopyKeys", "sync-buckets"]


def test_the_end_of_somebody_elses_operation_is_not_the_end_of_ours() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE")
    after = events.newest_event(fake, STACK_ID)
    fake.begin([("", "UPDATE_COMPLETE", "")])
    looks = []
    for outcome in events.follow(installed_with(fake), Operation(STACK_ID, "", after, "ours")):
        looks.append(outcome)
        if len(looks) == 3:
            fake.happen("", "UPDATE_COMPLETE", "", ClientRequestToken="ours")

    assert len(looks) == 4


@pytest.mark.parametrize("error", [THROTTLED, NO_NETWORK], ids=["throttled", "no network"])
def test_looks_in_vain_are_repeated_with_growing_pauses(error: Exception) -> None:
    fake = Failing(error, 6, status="UPDATE_COMPLETE")

    assert end_of(fake, Operation(STACK_ID, "")).status == "UPDATE_COMPLETE"
    assert fake.naps == [4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize("error", [THROTTLED, NO_NETWORK], ids=["throttled", "no network"])
def test_after_many_looks_in_vain_it_is_given_up(error: Exception) -> None:
    fake = Failing(error, 1000, status="UPDATE_COMPLETE")

    with pytest.raises((ClientError, BotoCoreError)):
        end_of(fake, Operation(STACK_ID, ""))
    assert len(fake.naps) == MAX_FAILED_POLLS - 1


def test_a_refusal_that_does_not_pass_ends_the_watching_at_once() -> None:
    fake = Failing(refusal("DescribeStacks", "ExpiredToken", "It has expired."), 1, status="UPDATE_COMPLETE")

    with pytest.raises(ClientError, match="ExpiredToken"):
        end_of(fake, Operation(STACK_ID, ""))
    assert fake.naps == []


def test_the_last_operation_begins_after_the_end_of_the_one_before() -> None:
    fake = FakeCloudFormation(
        history=[
            ("", "CREATE_IN_PROGRESS", ""),
            ("", "CREATE_COMPLETE", ""),
            ("", "UPDATE_IN_PROGRESS", ""),
            ("", "UPDATE_FAILED", "Validation failed"),
            ("", "UPDATE_ROLLBACK_IN_PROGRESS", ""),
            ("WorkBucket", "UPDATE_FAILED", "no"),
            ("", "UPDATE_ROLLBACK_FAILED", ""),
        ]
    )

    found = events.last_operation(fake, STACK_ID)

    assert [event.status for event in found] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_FAILED",
    ]
    assert events.running_operation(fake, STACK_ID, "title") == Operation(STACK_ID, "title", "event-1")


NAMES = some.sampled_from(["CopyKeys", "WorkBucket", "CopyKeysRole"])
BATCHES = some.lists(
    some.lists(some.tuples(NAMES, some.just("UPDATE_IN_PROGRESS"), some.just("")), max_size=5)
)


@given(before=some.integers(0, 5), batches=BATCHES)
def test_however_the_events_come_each_is_seen_once_and_in_its_order(
    before: int, batches: list[list[tuple[str, str, str]]]
) -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", history=[("Old", "CREATE_COMPLETE", "")] * before)
    after = events.newest_event(fake, STACK_ID)
    fake.begin([("", "UPDATE_IN_PROGRESS", "")], *batches, [("", "UPDATE_COMPLETE", "")])

    outcomes = list(events.follow(installed_with(fake), Operation(STACK_ID, "", after)))

    wanted = ["sync-buckets", *(event[0] for batch in batches for event in batch), "sync-buckets"]
    assert [event.logical_id for event in outcomes[-1].events] == wanted
    for earlier, later in itertools.pairwise(outcomes):
        assert later.events[: len(earlier.events)] == earlier.events
