"""Alarms and the dashboard on the metrics of runs: what they look at, and how long."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import PROJECT

from deployment.build.notices import metric_resources
from deployment.build.notices.metric_resources import Window, alarms, dashboard, dashboard_body, notes, window
from deployment.project.settings import Settings
from deployment.syncs.entries import Sync
from lambda_functions.shared.tally import metrics

HOUR, DAY = 3600, 86_400


def sync(name: str, schedule: str | None, **options: Any) -> Sync:
    return Sync(name, {"source": "a", "destination": "b", "name": name, **options}, schedule)


def settings(*syncs: Sync, **more: Any) -> Settings:
    return Settings(stack_name="nightly", notify=("ops@example.com",), syncs=syncs, **more)


def properties(found: dict[str, Any]) -> dict[str, Any]:
    (late,) = [one["Properties"] for name, one in found.items() if name.startswith("NotSucceeded")]
    return dict(late)


def test_a_failed_run_raises_the_alarm_of_the_stack():
    failed = alarms(settings(), "topic")["FailedAlarm"]["Properties"]
    assert {name: failed[name] for name in ("AlarmName", "MetricName", "Dimensions", "Threshold")} == {
        "AlarmName": "nightly-failed",
        "MetricName": "Failed",
        "Dimensions": [{"Name": "Stack", "Value": "nightly"}],
        "Threshold": 1,
    }
    assert (failed["ComparisonOperator"], failed["TreatMissingData"], failed["AlarmActions"]) == (
        "GreaterThanOrEqualToThreshold",
        "notBreaching",
        ["topic"],
    )


def test_a_sync_that_has_not_succeeded_for_two_intervals_raises_an_alarm_of_its_own():
    late = properties(alarms(settings(sync("photos", "cron(0 3 * * ? *)")), "topic"))
    assert late["AlarmName"] == "nightly-photos has not succeeded for 2 x its interval of 24 h 00 min"
    assert late["Dimensions"] == [{"Name": "Stack", "Value": "nightly"}, {"Name": "Sync", "Value": "photos"}]
    assert (late["MetricName"], late["Statistic"], late["Threshold"]) == ("Succeeded", "Sum", 1)
    assert (late["ComparisonOperator"], late["TreatMissingData"]) == ("LessThanThreshold", "breaching")
    assert (late["Period"], late["EvaluationPeriods"], late["AlarmActions"]) == (DAY, 2, ["topic"])


@pytest.mark.parametrize(
    ("interval", "intervals", "expected"),
    [
        (60, 2, Window(60, 2)),
        (15 * 60, 2, Window(900, 2)),
        (6 * HOUR, 3, Window(6 * HOUR, 3)),
        (DAY, 7, Window(DAY, 7)),
        (DAY, 8, None),
        (3 * DAY, 2, Window(DAY, 6)),
        (7 * DAY, 1, Window(DAY, 7)),
        (7 * DAY, 2, None),
        (31 * DAY, 2, None),
        (40 * 60, 36, Window(2400, 36)),
        (40 * 60, 37, None),
        (90, 2, Window(120, 2)),
    ],
)
def test_an_alarm_looks_at_whole_intervals_as_far_as_cloudwatch_looks_back(interval, intervals, expected):
    assert window(interval, intervals) == expected


@given(st.integers(60, 40 * DAY), st.integers(1, 100))
def test_a_window_is_never_shorter_than_asked_for_and_within_the_limits_of_cloudwatch(interval, intervals):
    found = window(interval, intervals)
    if found is None:
        assert interval * intervals > DAY - HOUR
        return
    whole = found.period_seconds * found.periods
    assert interval * intervals <= whole <= (7 * DAY if found.period_seconds >= HOUR else DAY)
    assert found.period_seconds % 60 == 0


def test_what_an_alarm_cannot_watch_has_none_and_fab_check_says_so_where_it_matters():
    unwatched = settings(
        sync("weekly", "rate(7 days)"),
        sync("once", "at(2030-01-01T00:00:00)"),
        sync("planned", "rate(1 day)", dryRun=True),
        sync("by-hand", None),
    )
    assert set(alarms(unwatched, "topic")) == {"FailedAlarm"}
    assert list(notes(unwatched)) == [
        "The sync weekly runs once in 7 days. No alarm can say that it has not succeeded, because CloudWatch looks back seven "
        "days, and 2 intervals are 14 days. Failed runs are still told of."
    ]
    assert list(notes(settings(sync("daily", "rate(1 day)")))) == []
    assert list(notes(Settings(syncs=(sync("weekly", "rate(7 days)"),)))) == []


@pytest.mark.parametrize(
    ("schedule", "intervals", "how_often", "why"),
    [
        ("rate(7 days)", 2, "once in 7 days", "seven days, and 2 intervals are 14 days"),
        ("rate(31 days)", 1, "once in 31 days", "seven days, and 1 interval is 31 days"),
        ("rate(36 hours)", 6, "once in 36 h", "seven days, and 6 intervals are 9 days"),
        (
            "rate(40 minutes)",
            37,
            "once in 40 min",
            "one day where an interval is shorter than an hour, and 37 intervals are 24 h 40 min",
        ),
        (
            "cron(0 3 ? * MON *)",
            2,
            "with up to 7 days between two runs",
            "seven days, and 2 intervals are 14 days",
        ),
        (
            "cron(0 3 ? * MON-FRI *)",
            3,
            "with up to 3 days between two runs",
            "seven days, and 3 intervals are 9 days",
        ),
        (
            "cron(0/30 * * * ? *)",
            49,
            "with up to 30 min between two runs",
            "one day where an interval is shorter than an hour, and 49 intervals are 24 h 30 min",
        ),
    ],
)
def test_why_there_is_no_alarm_is_said_in_the_words_of_the_schedule(schedule, intervals, how_often, why):
    of_one = dataclasses.replace(settings(sync("photos", schedule)), notify_after_intervals=intervals)
    assert list(notes(of_one)) == [
        f"The sync photos runs {how_often}. No alarm can say that it has not succeeded, because CloudWatch looks back {why}. "
        "Failed runs are still told of."
    ]


def test_the_sentence_on_the_page_about_notices_is_the_one_that_is_said():
    page = (PROJECT / "docs" / "notices.md").read_text(encoding="utf-8")
    assert f"\n```\n{next(notes(settings(sync('photos', 'rate(7 days)'))))}\n```\n" in page


def test_the_dashboard_has_a_graph_a_metric_with_a_line_a_sync_and_one_for_those_without_a_name():
    body = dashboard_body("nightly", ["photos"])
    shown = {widget["properties"]["metrics"][0][1]: widget for widget in body["widgets"]}
    assert list(shown) == ["Objects", "Bytes", "Failures", "DurationSeconds"]
    assert shown["Bytes"]["properties"]["metrics"] == [
        ["SyncBuckets", "Bytes", "Stack", "nightly", "Sync", "photos", {"label": "photos"}],
        ["SyncBuckets", "Bytes", "Stack", "nightly", "Sync", "unnamed", {"label": "unnamed"}],
    ]
    assert {(one["x"], one["y"]) for one in body["widgets"]} == {(0, 0), (12, 0), (0, 6), (12, 6)}


def test_the_dashboard_is_made_only_where_it_is_wanted():
    assert dashboard(Settings()) == {}
    made = dashboard(Settings(dashboard=True, stack_name="nightly"))["Dashboard"]
    assert made["Properties"]["DashboardName"] == "nightly"
    assert json.loads(made["Properties"]["DashboardBody"]["Fn::Sub"]) == dashboard_body("nightly", [])


def test_alarms_and_graphs_look_at_what_the_lambda_writes():
    written = metrics.metrics_document(
        {"startedAt": "2026-01-01T00:00:00Z", "endedAt": "2026-01-01T00:00:01Z", "outcome": "Succeeded", "cause": ""},
        "nightly",
        "",
    )  # fmt: skip
    by_dimensions = {
        tuple(one["Dimensions"][0]): {metric["Name"] for metric in one["Metrics"]}
        for one in written["_aws"]["CloudWatchMetrics"]
    }
    for alarm in alarms(settings(sync("photos", "rate(1 day)")), "topic").values():
        looks = alarm["Properties"]
        assert looks["MetricName"] in by_dimensions[tuple(one["Name"] for one in looks["Dimensions"])]
    assert {metric for metric, _ in metric_resources.GRAPHS} <= by_dimensions["Stack", "Sync"]
    assert (metric_resources.NAMESPACE, metric_resources.UNNAMED) == (metrics.NAMESPACE, metrics.UNNAMED)
