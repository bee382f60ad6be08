"""Rows of a plan about notices and alarms: whose each is, by the template that `build` really makes."""

from __future__ import annotations

from deployment.build.notices import notice_resources
from deployment.cloudformation.changes import Change, PropertyChange, compare_templates
from deployment.plan import notice_words
from deployment.plan.rows import Row, rows
from deployment.project.settings import Settings
from deployment.syncs.entries import Sync

SETTINGS = Settings(
    notify=("me@example.com",),
    notify_on="always",
    dashboard=True,
    syncs=(Sync("photos", {"source": "a", "destination": "b", "name": "photos"}, "rate(1 day)"),),
)
TEMPLATE = {"Resources": notice_resources.parts(SETTINGS, ["sync-buckets-state-machine"])["Resources"]}


def test_everything_that_notices_and_alarms_are_made_of_has_words() -> None:
    words = {name: notice_words.whose(name, TEMPLATE) for name in TEMPLATE["Resources"]}

    assert "" not in words.values() and len(set(words.values())) == len(words)
    assert {
        words[name] for name in words if name.startswith(("NotSucceededAlarm", "NoticeSubscription"))
    } == {
        "alarm of photos",
        "mails to me@example.com",
    }
    assert words["NoticeOfEnd"] == "notice of runs that ended ABORTED or TIMED_OUT"
    assert (words["FailedAlarm"], words["Dashboard"]) == (
        "alarm of all failed runs",
        "dashboard sync-buckets",
    )


def test_a_row_says_whose_it_is_whether_it_comes_changes_or_goes() -> None:
    alarm = next(name for name in TEMPLATE["Resources"] if name.startswith("NotSucceededAlarm"))
    period = PropertyChange("Period", "86400", "3600")
    changed = Change("Modify", alarm, "AWS::CloudWatch::Alarm", "False", (period,))

    assert rows([changed], TEMPLATE) == [Row(alarm, "change", "alarm of photos; Period 86400 -> 3600", False)]
    for before, after, word in (({}, TEMPLATE, "add"), (TEMPLATE, {"Resources": {}}, "remove")):
        found = {row.name: row for row in rows(compare_templates(before, after), TEMPLATE)}
        assert (found[alarm].word, found[alarm].what) == (word, "alarm of photos")


def test_what_has_nothing_to_do_with_notices_has_its_type() -> None:
    others = {"Queue": {"Type": "AWS::SQS::Queue"}, "Mine": {"Type": "AWS::Events::Rule", "Properties": {}}}
    assert [notice_words.whose(name, {"Resources": others}) for name in (*others, "Gone")] == ["", "", ""]
