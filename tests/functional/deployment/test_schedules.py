"""The schedules of SYNCS on moto: made, changed, repointed, removed, and paused ones left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from scheduled import (
    BASE,
    GROUP,
    NEW,
    OLD,
    QUEUE,
    ROLE,
    arn_of,
    count_calls,
    machine,
    outputs_of,
    syncs,
    with_syncs,
)

from deployment.aws.installation import Installation
from deployment.errors import ConfigurationError, ExecutionFailed, StackError
from deployment.project.settings import Settings
from deployment.schedules import overview, steps
from deployment.syncs.entries import Sync, read
from deployment.tasks.syncs import pausing
from tests.fake_cloudformation import FakeCloudFormation
from tests.installations import installed
from tests.recording_console import RecordingConsole

NIGHTLY = read(
    {
        "photos": {
            "source": "my-source",
            "destination": "my-destination",
            "prefix": "2026/",
            "schedule": "cron(0 3 * * ? *)",
            "timezone": "Europe/Berlin",
        }
    }
)
NOT_ASSUMED = ClientError(
    {
        "Error": {
            "Code": "ValidationException",
            "Message": "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
        }
    },
    "CreateSchedule",
)


class StackWithOutputs(FakeCloudFormation):
    """A stack with the outputs of one that has schedules, or with others."""

    def __init__(self) -> None:
        super().__init__("UPDATE_COMPLETE")
        self.outputs = outputs_of()


@pytest.fixture
def installation() -> Iterator[Installation]:
    """A stack whose group has no schedules yet."""
    with mock_aws():
        stack = StackWithOutputs()
        session = boto3.Session(region_name="eu-west-1")
        made = installed(Settings(), session=session, cloudformation=stack)
        made.client("scheduler").create_schedule_group(Name=GROUP)
        yield made


def deploy(
    installation: Installation, found: tuple[Sync, ...], name: str = OLD, console: Any = None
) -> list[tuple[str, str]]:
    """Bring the schedules up to date; return what was done with which."""
    changes = steps.bring_up_to_date(
        with_syncs(installation, found), outputs_of(), [machine(name)], console or RecordingConsole()
    )
    return [(change.action, change.name) for change in changes]


def schedule(installation: Installation, name: str) -> dict[str, Any]:
    return dict(installation.client("scheduler").get_schedule(GroupName=GROUP, Name=name))


def test_a_schedule_is_made_as_the_entry_says_and_starts_the_machine_that_is_current(
    installation: Installation,
) -> None:
    assert deploy(installation, NIGHTLY) == [("create", "photos")]

    made = schedule(installation, "photos")
    assert (made["ScheduleExpression"], made["ScheduleExpressionTimezone"], made["State"]) == (
        "cron(0 3 * * ? *)",
        "Europe/Berlin",
        "ENABLED",
    )
    assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    given = json.loads(made["Target"].pop("Input"))
    assert given == {
        "source": "my-source",
        "destination": "my-destination",
        "prefix": "2026/",
        "name": "photos",
    }
    assert made["Target"] == {
        "Arn": arn_of(OLD),
        "RoleArn": ROLE,
        "DeadLetterConfig": {"Arn": QUEUE},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10},
    }


def test_with_20_syncs_and_nothing_to_do_there_is_one_list_one_get_a_schedule_and_no_more(
    installation: Installation,
) -> None:
    many = syncs(**{f"sync{number}": "rate(6 hours)" for number in range(20)}, by_hand=None)
    deploy(installation, many)
    calls = count_calls(installation)

    assert {action for action, _ in deploy(installation, many)} == {"none"}
    assert calls == {"ListSchedules": 1, "GetSchedule": 20}


def test_without_schedules_nothing_is_asked(installation: Installation) -> None:
    calls = count_calls(installation)
    deployed = with_syncs(installation, syncs(by_hand=None))

    assert steps.bring_up_to_date(deployed, {"StateMachines": BASE}, [machine(OLD)], RecordingConsole()) == ()
    assert steps.foresee(deployed, {}, {BASE: None}) == ()
    assert steps.states(deployed, {}) == {}
    assert overview.read(deployed, {}) is None
    assert calls == {}


def test_more_schedules_than_a_page_has_are_all_found(installation: Installation) -> None:
    many = syncs(**{f"sync{number:03}": "rate(6 hours)" for number in range(120)})
    deploy(installation, many)

    assert len(deploy(installation, many[:1])) == 120
    assert list(steps.states(installation, outputs_of())) == ["sync000"]


def test_a_new_machine_a_changed_entry_and_a_removed_one_are_followed_and_a_pause_is_kept(
    installation: Installation,
) -> None:
    deploy(installation, syncs(one="rate(1 hour)", two="rate(1 hour)", three="rate(1 hour)"))
    pausing.pause(with_syncs(installation, syncs(one="rate(1 hour)")), "one", RecordingConsole())

    done = deploy(installation, syncs(one="rate(2 hours)", two="rate(1 hour)", four="rate(1 hour)"), NEW)

    assert done == [("delete", "three"), ("create", "four"), ("update", "one"), ("update", "two")]
    assert steps.states(installation, outputs_of()) == {
        "four": "ENABLED",
        "one": "DISABLED",
        "two": "ENABLED",
    }
    assert {schedule(installation, name)["Target"]["Arn"] for name in ("one", "two", "four")} == {arn_of(NEW)}
    assert schedule(installation, "one")["ScheduleExpression"] == "rate(2 hours)"


def test_what_was_changed_by_hand_is_put_right_by_the_next_deployment(installation: Installation) -> None:
    deploy(installation, NIGHTLY)
    client, ours = installation.client("scheduler"), schedule(installation, "photos")
    request = {name: ours[name] for name in ("GroupName", "Name", "ScheduleExpression", "State")}
    target = {name: ours["Target"][name] for name in ("Arn", "RoleArn", "Input")}
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}
    client.update_schedule(**request, Target=target, FlexibleTimeWindow=window)

    assert deploy(installation, NIGHTLY) == [("update", "photos")]
    mended = schedule(installation, "photos")
    assert {
        name: mended[name] for name in mended if name not in ("LastModificationDate", "ResponseMetadata")
    } == {name: ours[name] for name in ours if name not in ("LastModificationDate", "ResponseMetadata")}


def test_it_waits_while_a_new_role_cannot_be_assumed(installation: Installation) -> None:
    waits: list[float] = []
    patient = installed(
        Settings(),
        session=boto3.Session(region_name="eu-west-1"),
        clock={"sleep": waits.append},
        cloudformation=installation.cloudformation,
    )
    refusals = [NOT_ASSUMED, NOT_ASSUMED]

    def refuse(**_: Any) -> None:
        if refusals:
            raise refusals.pop()

    patient.client("scheduler").meta.events.register("provide-client-params.scheduler.CreateSchedule", refuse)
    console = RecordingConsole()

    assert deploy(patient, NIGHTLY, console=console) == [("create", "photos")]
    assert waits == [5, 5]
    assert console.steps == ["Waiting until the new role of the schedules can be used."]
    assert schedule(installation, "photos")["State"] == "ENABLED"


def test_it_does_not_wait_for_ever_and_says_what_to_look_at(installation: Installation) -> None:
    waits: list[float] = []
    patient = installed(
        Settings(),
        session=boto3.Session(region_name="eu-west-1"),
        clock={"sleep": waits.append},
        cloudformation=installation.cloudformation,
    )

    def refuse(**_: Any) -> None:
        raise NOT_ASSUMED

    patient.client("scheduler").meta.events.register("provide-client-params.scheduler.CreateSchedule", refuse)

    with pytest.raises(
        StackError, match=rf"photos: EventBridge Scheduler cannot assume the role {ROLE} even"
    ):
        deploy(patient, NIGHTLY)
    assert sum(waits) == 90


def test_a_rollback_repoints_and_leaves_all_else_as_it_is(installation: Installation) -> None:
    deploy(installation, syncs(one="rate(1 hour)", two="rate(1 hour)"))
    pausing.pause(with_syncs(installation, syncs(one="rate(1 hour)")), "one", RecordingConsole())
    before = {name: schedule(installation, name) for name in ("one", "two")}

    assert steps.repoint(installation, outputs_of(), machine(NEW)) == (
        steps.Repointed("one", True),
        steps.Repointed("two", False),
    )

    for name, was in before.items():
        now = schedule(installation, name)
        assert now["Target"] == was["Target"] | {"Arn": arn_of(NEW)}
        assert [now[part] for part in ("State", "ScheduleExpression", "FlexibleTimeWindow")] == [
            was[part] for part in ("State", "ScheduleExpression", "FlexibleTimeWindow")
        ]
    calls = count_calls(installation)
    assert steps.repoint(installation, outputs_of(), machine(NEW)) == ()
    assert steps.repoint(installation, outputs_of(), machine("another-20261102-100000")) == ()
    assert "UpdateSchedule" not in calls


def test_pausing_and_resuming_change_the_state_and_nothing_else(installation: Installation) -> None:
    deploy(installation, NIGHTLY)
    ours, console, before = (
        with_syncs(installation, NIGHTLY),
        RecordingConsole(),
        schedule(installation, "photos"),
    )

    pausing.pause(ours, "photos", console)
    paused = schedule(installation, "photos")
    assert paused["State"] == "DISABLED"
    assert [paused[part] for part in ("Target", "ScheduleExpression", "ScheduleExpressionTimezone")] == [
        before[part] for part in ("Target", "ScheduleExpression", "ScheduleExpressionTimezone")
    ]
    calls = count_calls(installation)
    pausing.pause(ours, "photos", console)
    pausing.resume(ours, "photos", console)
    pausing.resume(ours, "photos", console)

    assert schedule(installation, "photos")["State"] == "ENABLED"
    assert calls["UpdateSchedule"] == 1
    assert console.results == [
        "photos is paused: its schedule starts nothing until `fab resume photos`.",
        "It stays so through deployments. An execution that runs goes on; `fab stop` ends it.",
        "Nothing to do: photos is paused already.",
        "photos is resumed. What was missed is not made up for: `fab sync photos` starts it now.",
        "Nothing to do: photos is not paused.",
    ]


@pytest.mark.parametrize(
    "name, message",
    [
        ("zebra", "SYNCS in fabfile_config.py has no sync 'zebra'. In it: photos, by_hand."),
        (
            "photo",
            "SYNCS in fabfile_config.py has no sync 'photo'. Did you mean photos? In it: photos, by_hand.",
        ),
        ("by_hand", "by_hand has no schedule to pause: only `fab sync by_hand` starts it."),
        (
            "photos",
            "The schedule of photos is not deployed yet in sync-buckets in 123456789012/eu-west-1. Run `fab` to deploy it.",
        ),
    ],
)
def test_what_cannot_be_paused_is_said_in_a_sentence(
    installation: Installation, name: str, message: str
) -> None:
    ours = with_syncs(installation, syncs(photos="rate(1 hour)", by_hand=None))
    for task in (pausing.pause, pausing.resume):
        with pytest.raises(ConfigurationError) as caught:
            task(ours, name, RecordingConsole())
        assert str(caught.value) == message


def test_the_name_may_be_left_out_where_one_sync_only_has_a_schedule(installation: Installation) -> None:
    deploy(installation, NIGHTLY)
    pausing.pause(with_syncs(installation, NIGHTLY + syncs(by_hand=None)), None, RecordingConsole())
    assert steps.states(installation, outputs_of()) == {"photos": "DISABLED"}

    for found, known in (
        (syncs(one="rate(1 hour)", two="rate(1 hour)"), "With a schedule: one, two."),
        (syncs(by_hand=None), "SYNCS has no sync with a schedule."),
    ):
        with pytest.raises(ConfigurationError) as caught:
            pausing.resume(with_syncs(installation, found), None, RecordingConsole())
        assert str(caught.value) == f"Say which sync is meant: fab resume NAME. {known}"


def test_when_a_schedule_was_made_is_known_and_a_change_of_it_makes_it_no_younger(
    installation: Installation,
) -> None:
    deploy(installation, NIGHTLY)
    before = steps.known(installation, outputs_of())["photos"]
    deploy(installation, NIGHTLY, NEW)
    after = steps.known(installation, outputs_of())["photos"]
    assert (after.made_at, after.machine_arn, after.is_paused) == (before.made_at, arn_of(NEW), False)


def test_a_stack_without_a_group_is_not_deployed_yet(installation: Installation) -> None:
    installation.cloudformation.outputs = {"StateMachines": BASE}
    ours = with_syncs(installation, NIGHTLY)
    with pytest.raises(ConfigurationError, match="is not deployed yet"):
        pausing.pause(ours, "photos", RecordingConsole())


def test_a_group_that_somebody_has_deleted_has_no_schedules(installation: Installation) -> None:
    installation.client("scheduler").delete_schedule_group(Name=GROUP)
    assert steps.states(installation, outputs_of()) == {}
    assert steps.delete_all(installation, outputs_of()) == ()


def test_a_folder_in_which_no_machine_is_the_one_that_syncs_is_refused_before_anything_is_done(
    installation: Installation,
) -> None:
    ours = with_syncs(installation, NIGHTLY)
    assert steps.target_name(ours, ["renamed"]) == "renamed"
    assert steps.target_name(ours, ["tell", BASE]) == BASE
    with pytest.raises(ExecutionFailed, match=f"{BASE} is no longer deployed"):
        steps.target_name(ours, ["tell", "other"])


def test_a_plan_says_what_a_deployment_does(installation: Installation) -> None:
    deploy(installation, syncs(one="rate(1 hour)", two="rate(1 hour)"))
    wanted = with_syncs(installation, syncs(two="rate(1 hour)", three="rate(1 hour)"))
    calls = count_calls(installation)

    planned = steps.foresee(wanted, outputs_of(), {BASE: None})

    assert [(change.action, change.name, change.differs) for change in planned] == [
        ("delete", "one", ()),
        ("create", "three", ()),
        ("update", "two", ("state machine",)),
    ]
    same = steps.foresee(
        with_syncs(installation, syncs(one="rate(1 hour)", two="rate(1 hour)")),
        outputs_of(),
        {BASE: arn_of(OLD)},
    )
    assert [change.action for change in same] == ["none", "none"]
    none_left = steps.foresee(with_syncs(installation, ()), outputs_of(), {BASE: arn_of(OLD)})
    assert [change.action for change in none_left] == ["delete", "delete"]
    new = steps.foresee(wanted, {}, {BASE: None})
    assert [(change.action, change.name) for change in new] == [("create", "three"), ("create", "two")]
    assert calls.keys() == {"ListSchedules", "GetSchedule"}


def test_the_status_counts_schedules_and_what_could_not_be_started(installation: Installation) -> None:
    deploy(installation, syncs(one="rate(1 hour)", two="rate(1 hour)"))
    sqs = installation.client("sqs")
    url = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    empty = overview.read(installation, outputs_of(url))
    assert empty and empty.lines() == ["Schedules: 2. Starts that failed: none"]

    pausing.pause(with_syncs(installation, syncs(one="rate(1 hour)")), "one", RecordingConsole())
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    found = overview.read(installation, outputs_of(url))
    assert found and found.lines() == [
        "Schedules: 2, paused: one. Starts that failed: 1",
        "  1 message in the dead-letter queue: an execution was not started. See docs/schedules.md.",
    ]
    assert found.to_json() == {"scheduled": 2, "paused": ["one"], "deadLetters": 1, "problem": None}


def test_a_status_that_may_not_look_says_so(installation: Installation) -> None:
    sqs = installation.client("sqs")

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no."}}, "GetQueueAttributes")

    sqs.meta.events.register("provide-client-params.sqs.GetQueueAttributes", refuse)
    found = overview.read(installation, outputs_of("https://sqs/x"))
    assert found and found.lines() == [
        "Schedules: not known: AWS refused GetQueueAttributes with AccessDenied: no."
    ]
    assert found.to_json()["scheduled"] is None
