"""The end of `fab`, compared whole."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from deployment.build.notices import notice_resources
from deployment.cloudformation.change_sets import Change
from deployment.cloudformation.stack import DeployedStack
from deployment.project.settings import Settings
from deployment.schedules.reconcile import ScheduleChange
from deployment.step_functions.listing import Machine
from deployment.syncs.entries import Sync
from deployment.tasks.stack import deploy
from tests.installations import installed
from tests.recording_console import RecordingConsole

NAME = "sync-buckets-state-machine-20261122-143000"
ARN = f"arn:aws:states:eu-west-1:123456789012:stateMachine:{NAME}"
CHANGES = (Change("Add", "CopyKeys", "AWS::Lambda::Function"), Change("Modify", "Role", "AWS::IAM::Role"))
LINK = f"https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/statemachines/view/{ARN}"
INSTALLATION = installed()


def machine(created: bool) -> Machine:
    return Machine(NAME, ARN, created, datetime(2026, 11, 22, tzinfo=UTC))


def test_after_a_deployment_it_says_what_was_done_and_how_to_start() -> None:
    deployed = DeployedStack("sync-buckets", {}, True, CHANGES)

    text = deploy.ending(INSTALLATION, ["a.zip", "b.zip"], deployed, [machine(True)])

    assert text == (
        "Account 123456789012, region eu-west-1, stack sync-buckets\n"
        "\n"
        "Uploaded: 2 zips\n"
        "Stack: 2 changes\n"
        f"State machine: {NAME} created\n"
        "\n"
        f"{NAME}\n"
        f"  {LINK}\n"
        "\n"
        "Start it with this input:\n"
        '{"source": "my-source-bucket", "destination": "my-destination-bucket"}\n'
        "or from here, at first only to see what it would do:\n"
        "fab sync my-source-bucket my-destination-bucket --dry-run\n"
        "fab sync my-source-bucket my-destination-bucket"
    )


OTHER = dataclasses.replace(machine(True), name="count-objects-20261122-101112")


def start_of(*machines: Machine) -> list[str]:
    deployed = DeployedStack("sync-buckets", {}, True, CHANGES)
    text = deploy.ending(INSTALLATION, ["a.zip"], deployed, machines)
    return [line for line in text.splitlines() if line.startswith(("Start", "{", "fab sync"))]


@pytest.mark.parametrize("after", [False, True])
def test_with_another_machine_it_says_which_one_takes_that_input(after: bool) -> None:
    both = [OTHER, machine(True)]
    assert start_of(*(reversed(both) if after else both))[0] == f"Start {NAME} with this input:"


def test_where_none_of_several_machines_syncs_it_does_not_say_how_to_start_a_sync() -> None:
    assert start_of(OTHER, dataclasses.replace(OTHER, name="tell-20261122-101112")) == []


def test_when_nothing_was_to_do_it_says_so_and_names_the_configured_buckets() -> None:
    settings = Settings(source_buckets=("photos", "films"), destination_buckets=("photos-copy",))
    deployed = DeployedStack("sync-buckets", {}, False, ())

    text = deploy.ending(installed(settings), [], deployed, [machine(False)])

    assert text == (
        "Account 123456789012, region eu-west-1, stack sync-buckets\n"
        "\n"
        "Nothing to do: everything is up to date.\n"
        "\n"
        f"{NAME}\n"
        f"  {LINK}\n"
        "\n"
        "Start it with this input:\n"
        '{"source": "photos", "destination": "photos-copy"}\n'
        "or from here, at first only to see what it would do:\n"
        "fab sync photos photos-copy --dry-run\n"
        "fab sync photos photos-copy"
    )


def test_where_syncs_have_names_the_first_is_proposed_with_all_of_its_options() -> None:
    photos = Sync(
        "photos", {"source": "from", "destination": "into", "prefix": "ä/", "delete": False, "name": "photos"}
    )
    films = Sync("films", {"source": "a", "destination": "b", "name": "films"})
    settings = Settings(source_buckets=("from", "a"), syncs=(photos, films))

    text = deploy.ending(
        installed(settings), [], DeployedStack("sync-buckets", {}, False, ()), [machine(False)]
    )

    assert text.partition("Start it with this input:\n")[2] == (
        '{"source": "from", "destination": "into", "prefix": "ä/", "delete": false, "name": "photos"}\n'
        "or from here, at first only to see what it would do:\n"
        "fab sync photos --dry-run\n"
        "fab sync photos"
    )


def test_of_syncs_that_may_undo_each_other_it_warns() -> None:
    there = Sync("there", {"source": "a", "destination": "b", "name": "there"}, "rate(1 day)")
    back = Sync("back", {"source": "b", "destination": "a", "name": "back"})
    console = RecordingConsole()
    deploy.warn_of_overlaps(Settings(syncs=(there, back)), console)  # type: ignore[arg-type]
    (warning,) = console.warnings
    assert warning.startswith("SYNCS['back']: it and SYNCS['there'] make a circle")


def test_a_pause_that_goes_with_its_schedule_is_said_at_the_end_too() -> None:
    gone = [ScheduleChange("old", "delete", None, is_paused=True), ScheduleChange("tidy", "delete", None)]
    deployed = DeployedStack("sync-buckets", {}, False, ())
    assert "\nSchedules: 2 removed, gone with its pause: old\n" in deploy.ending(
        INSTALLATION, [], deployed, [machine(False)], gone
    )


MAILS = Settings(notify=("ann@example.com", "bob@example.com"))
ASKED = "Its link has to be followed before any notice comes; `fab status` names who has not done so."


@pytest.mark.parametrize(
    "added, who",
    [
        (("ann@example.com", "bob@example.com"), "ann@example.com, bob@example.com"),
        (("bob@example.com",), "bob@example.com"),
        ((), None),
    ],
)
def test_who_is_to_get_mails_for_the_first_time_has_to_agree_which_is_said(
    added: tuple[str, ...], who: str | None
) -> None:
    ids = {address: logical_id for logical_id, address in notice_resources.mails(MAILS).items()}
    made = [Change("Add" if one in added else "Modify", ids[one], "AWS::SNS::Subscription") for one in ids]
    deployed = DeployedStack("sync-buckets", {}, True, (*CHANGES, *made))

    lines = deploy.ending(installed(MAILS), [], deployed, [machine(True)]).splitlines()

    said = [line for line in lines if line.startswith("Notices: ")]
    assert said == ([f"Notices: AWS has sent a mail to {who}. {ASKED}"] if who else [])


def test_the_mails_are_those_of_the_subscriptions_in_the_template() -> None:
    made = notice_resources.parts(MAILS, ["sync-buckets-state-machine"])["Resources"]
    endpoints = {
        name: one["Properties"]["Endpoint"]
        for name, one in made.items()
        if one["Type"] == "AWS::SNS::Subscription"
    }
    assert endpoints == notice_resources.mails(MAILS) and len(endpoints) == 2
    assert notice_resources.mails(Settings(notify="arn:aws:sns:eu-west-1:123456789012:ops")) == {}


@pytest.mark.parametrize(
    "uploaded, changed, created, lines",
    [
        (["a"], False, False, ["Uploaded: 1 zip", "Stack: unchanged", "State machine: unchanged"]),
        ([], True, False, ["Uploaded: no zips", "Stack: 2 changes", "State machine: unchanged"]),
        ([], False, True, ["Uploaded: no zips", "Stack: unchanged", f"State machine: {NAME} created"]),
    ],
)
def test_any_one_change_is_news(uploaded: list[str], changed: bool, created: bool, lines: list[str]) -> None:
    deployed = DeployedStack("sync-buckets", {}, changed, CHANGES if changed else ())

    text = deploy.ending(INSTALLATION, uploaded, deployed, [machine(created)])

    assert text.splitlines()[2:5] == lines


def test_termination_protection_alone_is_news_too() -> None:
    deployed = DeployedStack("sync-buckets", {}, False, (), True)

    text = deploy.ending(INSTALLATION, [], deployed, [machine(False)])

    assert text.splitlines()[2:5] == [
        "Uploaded: no zips",
        "Stack: unchanged, but for its termination protection",
        "State machine: unchanged",
    ]
