"""What a plan says of schedules, as text and as JSON."""

from __future__ import annotations

from dataclasses import replace

from deployment.plan import schedule_lines, view
from deployment.schedules.reconcile import ScheduleChange, reconcile
from deployment.schedules.schedule import DISABLED, Schedule
from tests.deployed_stack import NOTHING_PLANNED
from tests.recording_console import RecordingConsole

NIGHTLY = Schedule("photos", "cron(0 3 * * ? *)", "Europe/Berlin", "machine", "role", "{}", "queue")
PAUSED = replace(NIGHTLY, name="films", state=DISABLED)
CHANGES = (
    ScheduleChange("old", "delete", None, is_paused=True),
    ScheduleChange("photos", "create", NIGHTLY),
    ScheduleChange("films", "update", PAUSED, ("state machine",), True),
    ScheduleChange("music", "update", replace(NIGHTLY, name="music"), ("state machine",)),
    ScheduleChange("texts", "update", replace(NIGHTLY, name="texts"), ("schedule", "input")),
    ScheduleChange("same", "none", replace(NIGHTLY, name="same")),
)
LATER = replace(NIGHTLY, expression="rate(6 hours)", timezone="UTC")
STAYS = (ScheduleChange("films", "none", PAUSED, (), True), ScheduleChange("same", "none", NIGHTLY))


def test_what_has_the_same_coming_shares_a_line_and_pauses_are_said() -> None:
    assert schedule_lines.lines(CHANGES) == [
        "Schedules: 1 schedule would be removed: old and its pause with it",
        "Schedules: 1 schedule would be created: photos cron(0 3 * * ? *) Europe/Berlin",
        "Schedules: 2 schedules would be changed (state machine): films, music",
        "Schedules: 1 schedule would be changed (schedule, input): texts",
        "Paused, and paused afterwards: films. `fab resume NAME` ends that.",
        "Not paused, under another name either: photos. `fab pause photos` after this pauses it.",
    ]
    assert schedule_lines.lines(()) == []


def test_a_pause_that_goes_is_said_with_each_schedule_that_goes() -> None:
    gone = (CHANGES[0], ScheduleChange("tidy", "delete", None))
    assert schedule_lines.lines(gone) == [
        "Schedules: 2 schedules would be removed: old and its pause with it, tidy"
    ]
    created = (CHANGES[1], ScheduleChange("new", "create", replace(NIGHTLY, name="new")))
    assert schedule_lines.lines((gone[1], *created))[1:] == [
        "Schedules: 2 schedules would be created: photos cron(0 3 * * ? *) Europe/Berlin, new cron(0 3 * * ? *) Europe/Berlin"
    ]
    assert schedule_lines.lines((gone[0], *created))[2:] == [
        "Not paused, under another name either: photos, new. `fab pause NAME` after this pauses it."
    ]


def test_of_another_time_the_old_one_is_said_too() -> None:
    (moved,) = reconcile([LATER], [NIGHTLY])
    (elsewhere,) = reconcile([replace(NIGHTLY, timezone="Asia/Tokyo")], [NIGHTLY])
    (otherwise,) = reconcile([replace(NIGHTLY, input='{"source": "b"}')], [NIGHTLY])

    assert schedule_lines.lines([moved]) == [
        "Schedules: 1 schedule would be changed (schedule, time zone): "
        "photos cron(0 3 * * ? *) Europe/Berlin -> rate(6 hours) UTC"
    ]
    assert schedule_lines.lines([elsewhere]) == [
        "Schedules: 1 schedule would be changed (time zone): "
        "photos cron(0 3 * * ? *) Europe/Berlin -> cron(0 3 * * ? *) Asia/Tokyo"
    ]
    assert schedule_lines.lines([otherwise]) == ["Schedules: 1 schedule would be changed (input): photos"]


def test_a_changed_schedule_alone_makes_a_plan_one_that_would_change_something() -> None:
    plan = replace(NOTHING_PLANNED, schedules=CHANGES[1:2])
    console = RecordingConsole()

    view.show(console, plan, False, False)

    assert plan.would_change and not replace(plan, schedules=STAYS).would_change
    assert "Schedules: 1 schedule would be created: photos cron(0 3 * * ? *) Europe/Berlin" in console.results


def test_where_nothing_is_to_do_a_pause_is_said_all_the_same() -> None:
    console = RecordingConsole()
    view.show(console, replace(NOTHING_PLANNED, schedules=STAYS), False, False)
    assert console.results[-1] == (
        "\nNothing to do: everything is up to date.\n"
        "Paused, and paused afterwards: films. `fab resume NAME` ends that."
    )


def test_the_document_has_every_schedule() -> None:
    document = view.document(replace(NOTHING_PLANNED, schedules=CHANGES[2:3]))
    assert document["schedules"] == [
        {"name": "films", "action": "update", "changes": ["state machine"], "paused": True}
    ]
    assert view.document(NOTHING_PLANNED)["schedules"] == []
