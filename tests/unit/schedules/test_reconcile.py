"""What has to happen to schedules, on every pair of sides that hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.schedules.reconcile import ScheduleChange, reconcile
from deployment.schedules.schedule import DISABLED, ENABLED, Schedule

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:sync-buckets-state-machine-20261122-143000"
PHOTOS = Schedule("photos", "rate(1 hour)", "UTC", MACHINE, "role", '{"source": "a"}', "queue")

NAMES = st.sampled_from(["a", "b", "c", "d"])
STATES = st.sampled_from([ENABLED, DISABLED])
SCHEDULES = st.builds(
    Schedule,
    name=NAMES,
    expression=st.sampled_from(["rate(1 hour)", "cron(0 3 * * ? *)"]),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
    machine_arn=st.sampled_from(["old", "new"]),
    role_arn=st.sampled_from(["role", "role of before"]),
    input=st.sampled_from(["{}", '{"dryRun": true}']),
    dead_letter_arn=st.sampled_from(["queue", None]),
    max_event_age_seconds=st.sampled_from([3600, 86400]),
    max_attempts=st.sampled_from([10, 185]),
    window=st.sampled_from(["OFF", "FLEXIBLE"]),
    state=STATES,
)
SIDES = st.lists(SCHEDULES, unique_by=lambda schedule: schedule.name)


def applied(changes: Sequence[ScheduleChange], existing: Sequence[Schedule]) -> dict[str, Schedule]:
    """What is there after the changes have been made."""
    there = {schedule.name: schedule for schedule in existing}
    for change in changes:
        if change.action == "delete":
            del there[change.name]
        elif change.action != "none":
            assert change.wanted is not None
            there[change.name] = change.wanted
    return there


@given(SIDES, SIDES)
def test_afterwards_the_schedules_are_the_configured_ones_and_paused_are_those_that_were(
    wanted: list[Schedule], existing: list[Schedule]
) -> None:
    there = applied(reconcile(wanted, existing), existing)

    before = {schedule.name: schedule.state for schedule in existing}
    assert there == {one.name: replace(one, state=before.get(one.name, one.state)) for one in wanted}


@given(SIDES, SIDES)
def test_a_second_time_there_is_nothing_to_do(wanted: list[Schedule], existing: list[Schedule]) -> None:
    there = applied(reconcile(wanted, existing), existing)

    assert {change.action for change in reconcile(wanted, list(there.values()))} <= {"none"}


@given(SIDES, SIDES)
def test_every_name_has_one_fate_and_only_what_differs_is_touched(
    wanted: list[Schedule], existing: list[Schedule]
) -> None:
    configured, present = ({one.name: one for one in side} for side in (wanted, existing))
    changes = {change.name: change for change in reconcile(wanted, existing)}

    assert changes.keys() == configured.keys() | present.keys()
    for name, change in changes.items():
        assert (change.action == "create") == (name not in present)
        assert (change.action == "delete") == (name not in configured)
        assert (change.action == "update") == bool(change.differs)
        assert change.is_paused == (name in present and present[name].state == DISABLED)


@given(SIDES, SIDES)
def test_what_is_removed_goes_first_and_names_come_in_order(
    wanted: list[Schedule], existing: list[Schedule]
) -> None:
    changes = reconcile(wanted, existing)
    ranks = [("delete", "create", "update", "none").index(change.action) for change in changes]
    assert list(zip(ranks, [change.name for change in changes], strict=True)) == sorted(
        zip(ranks, [change.name for change in changes], strict=True)
    )


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"expression": "rate(2 hours)"}, ("schedule",)),
        ({"timezone": "Europe/Berlin"}, ("time zone",)),
        ({"machine_arn": "another"}, ("state machine",)),
        ({"role_arn": "another"}, ("role",)),
        ({"input": "{}"}, ("input",)),
        ({"dead_letter_arn": None}, ("dead-letter queue",)),
        ({"max_event_age_seconds": None, "max_attempts": 3}, ("retries",)),
        ({"window": "FLEXIBLE"}, ("time window",)),
        ({"expression": "rate(2 hours)", "input": "{}"}, ("schedule", "input")),
        ({"state": DISABLED}, ()),
    ],
)
def test_what_differs_is_said_in_words_and_a_pause_is_no_difference(
    changed: dict[str, object], words: tuple[str, ...]
) -> None:
    (change,) = reconcile([PHOTOS], [replace(PHOTOS, **changed)])
    assert change.differs == words
