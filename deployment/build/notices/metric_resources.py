"""Alarms and the dashboard, on the metrics that `tally_run` writes at the end of every run, as a line of its log.

Their names, and that of the dimension of runs without a name, are those of `lambda_functions/shared/tally/metrics.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployment.build.policies import sub
from deployment.project.settings import Settings
from deployment.project.tags import tags_of, upper_case_list
from deployment.syncs.entries import Sync
from deployment.text import duration, quantity

NAMESPACE = "SyncBuckets"
UNNAMED = "unnamed"
FAILED_ALARM = "FailedAlarm"
DASHBOARD = "Dashboard"

MINUTE_SECONDS, DAY_SECONDS = 60, 86_400
# An alarm looks at seven days at most, and at one where its periods are shorter than an hour; a week has seven of the longest
# periods that we use. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
MAX_WINDOW_SECONDS = 7 * DAY_SECONDS
SHORT_PERIOD_SECONDS, MAX_SHORT_WINDOW_SECONDS = 3600, DAY_SECONDS

# Height and width of a graph; a dashboard has 24 columns.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
GRAPH = {"width": 12, "height": 6}
GRAPHS = (
    ("Objects", "Objects copied and deleted"),
    ("Bytes", "Bytes copied"),
    ("Failures", "Objects not synchronised"),
    ("DurationSeconds", "Seconds from start to end"),
)

Resource = dict[str, Any]


@dataclass(frozen=True)
class Window:
    """How long an alarm looks back: so many periods of so many seconds."""

    period_seconds: int
    periods: int


def alarms(settings: Settings, topic: Any) -> dict[str, Resource]:
    """Return the alarm of runs that fail, and one for each sync with a schedule that can be watched."""
    late = {}
    for sync in settings.syncs:
        interval = _interval_of(sync)
        look = window(interval, settings.notify_after_intervals) if interval else None
        if interval and look:
            alarm = _late_alarm(settings, sync, topic, interval, look)
            late[f"NotSucceededAlarm{_digits(sync.name)}"] = alarm
    return {FAILED_ALARM: _failed_alarm(settings, topic), **late}


def window(interval: int, intervals: int) -> Window | None:
    """Return how an alarm looks at so many intervals, in seconds; None if that is longer than an alarm can look.

    A period is the interval itself, of minutes, or a day where that is longer; together they are never shorter than asked for.
    """
    period = min(_round_up(interval, MINUTE_SECONDS), DAY_SECONDS)
    periods = -(-interval * intervals // period)
    limit = MAX_SHORT_WINDOW_SECONDS if period < SHORT_PERIOD_SECONDS else MAX_WINDOW_SECONDS
    return Window(period, periods) if period * periods <= limit else None


def notes(settings: Settings) -> Iterator[str]:
    """Yield which syncs no alarm can watch, and why; nothing where nobody is to be told."""
    if not settings.notify:
        return
    for sync in settings.syncs:
        interval = _interval_of(sync)
        if interval and not window(interval, settings.notify_after_intervals):
            yield _unwatched(sync, interval, settings.notify_after_intervals)


def dashboard(settings: Settings) -> dict[str, Resource]:
    """Return the dashboard, if the configuration wants one."""
    if not settings.dashboard:
        return {}
    body = dashboard_body(settings.stack_name, [sync.name for sync in settings.syncs])
    properties = {"DashboardName": settings.stack_name, "DashboardBody": sub(json.dumps(body))}
    return {DASHBOARD: {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}}


def dashboard_body(stack: str, names: list[str]) -> dict[str, Any]:
    """Return the body of a dashboard: a graph a metric, in it a line a sync; CloudFormation fills in the region."""
    widgets = [_widget(place, stack, names) for place in range(len(GRAPHS))]
    return {"widgets": widgets}


def _widget(place: int, stack: str, names: list[str]) -> dict[str, Any]:
    metric, title = GRAPHS[place]
    lines = [[NAMESPACE, metric, "Stack", stack, "Sync", name, {"label": name}] for name in (*names, UNNAMED)]
    properties = {
        "title": title,
        "view": "timeSeries",
        "region": "${AWS::Region}",
        "stat": "Maximum" if metric == "DurationSeconds" else "Sum",
        "period": 3600,
        "metrics": lines,
    }
    return {
        "type": "metric",
        "x": place % 2 * GRAPH["width"],
        "y": place // 2 * GRAPH["height"],
        **GRAPH,
        "properties": properties,
    }


def _failed_alarm(settings: Settings, topic: Any) -> Resource:
    return _alarm(
        settings,
        topic,
        AlarmName=f"{settings.stack_name}-failed",
        AlarmDescription="A run of SyncBuckets has failed; its notice says which, or `fab status`",
        MetricName="Failed",
        Dimensions=[{"Name": "Stack", "Value": settings.stack_name}],
        Period=300,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )


def _late_alarm(settings: Settings, sync: Sync, topic: Any, interval: int, look: Window) -> Resource:
    """Missing data are the point: a sync that does not run writes none, and its alarm begins so too."""
    times = settings.notify_after_intervals
    what = f"{sync.name} has not succeeded for {times} x its interval of {duration(interval)}"
    return _alarm(
        settings,
        topic,
        AlarmName=f"{settings.stack_name}-{what}",
        AlarmDescription=f"The sync {what}; `fab status` shows what runs and how the last runs ended",
        MetricName="Succeeded",
        Dimensions=[{"Name": "Stack", "Value": settings.stack_name}, {"Name": "Sync", "Value": sync.name}],
        Period=look.period_seconds,
        EvaluationPeriods=look.periods,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )


def _alarm(settings: Settings, topic: Any, **properties: Any) -> Resource:
    common = {
        "Namespace": NAMESPACE,
        "Statistic": "Sum",
        "Threshold": 1,
        "AlarmActions": [topic],
        "Tags": upper_case_list(tags_of(settings)),
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {**properties, **common}}


def _unwatched(sync: Sync, interval: int, times: int) -> str:
    """Return why a sync has no alarm; the days of a cron may be unequal, and what counts is the longest time between two runs."""
    is_rate = str(sync.schedule).startswith("rate")
    how_often = (
        f"once in {_whole(interval)}" if is_rate else f"with up to {_whole(interval)} between two runs"
    )
    back = (
        "one day where an interval is shorter than an hour"
        if interval < SHORT_PERIOD_SECONDS
        else "seven days"
    )
    return (
        f"The sync {sync.name} runs {how_often}. No alarm can say that it has not succeeded, because CloudWatch looks back "
        f"{back}, and {quantity(times, 'interval')} {'is' if times == 1 else 'are'} {_whole(interval * times)}. "
        "Failed runs are still told of."
    )


def _whole(seconds: int) -> str:
    """Return a duration without what is nought: `7 days`, `40 min`."""
    return duration(seconds).replace(" 00 s", "").replace(" 00 min", "")


def _interval_of(sync: Sync) -> int | None:
    """Return the longest time between two runs in seconds; None for what runs once, by hand, or only plans."""
    from deployment.syncs.times import interval_seconds  # only who is told of runs waits for it

    return interval_seconds(sync.schedule) if sync.schedule and not sync.input.get("dryRun") else None


def _round_up(seconds: int, step: int) -> int:
    return -(-seconds // step) * step


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
