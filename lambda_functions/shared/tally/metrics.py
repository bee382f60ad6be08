"""The metrics of a run: one line of its log in the embedded metric format, of which CloudWatch makes metrics by itself.

No request is sent for it. On Lambda a line on stdout is enough, also where the functions' own logs are JSON: what is printed is
not wrapped (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Every metric of every dimension costs by the month, so nothing is written unless `METRICS_STACK` says whose metrics they are,
which it does where the configuration has alarms or a dashboard, and all runs without a name share one dimension.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lambda_functions.shared.option_rules import name_problem
from lambda_functions.shared.work_bucket.leases import BUSY

NAMESPACE = "SyncBuckets"
UNNAMED = "unnamed"
UNITS = {
    "Objects": "Count",
    "Bytes": "Bytes",
    "Failures": "Count",
    "DurationSeconds": "Seconds",
    "Succeeded": "Count",
    "Failed": "Count",
}


def name_of_sync(options: Mapping[str, Any]) -> str:
    """Return the name that a run's input gives its sync, "" for none; a run that was refused may have been given anything."""
    name = options.get("name")
    return str(name) if name_problem(name) is None else ""


def log_metrics(report: Mapping[str, Any], name: str) -> None:
    """Print the metrics of a run that has ended, if somebody wants them; `name` is that of its sync, "" for none."""
    stack = os.environ.get("METRICS_STACK", "")
    if stack and not report.get("dryRun"):
        print(json.dumps(metrics_document(report, stack, name)), flush=True)


def metrics_document(report: Mapping[str, Any], stack: str, name: str) -> dict[str, Any]:
    """Return the metrics of a report as an object in the embedded metric format.

    A run has failed if there is a notice of it: not if somebody has stopped it or if another one was running.
    """
    begun, ended = (datetime.fromisoformat(report[when]) for when in ("startedAt", "endedAt"))
    outcome = report["outcome"]
    is_notable = outcome not in ("Succeeded", "Stopped") and not report["cause"].startswith(BUSY)
    values = {
        "Objects": _count(report, "copied", "objects") + _count(report, "deleted", "objects"),
        "Bytes": _count(report, "copied", "bytes"),
        "Failures": _count(report, "failed", "objects") + _count(report, "changed", "objects"),
        "DurationSeconds": (ended - begun).total_seconds(),
        "Succeeded": int(outcome == "Succeeded"),
        "Failed": int(is_notable),
    }
    directives = [_directive(("Stack", "Sync"), tuple(UNITS)), _directive(("Stack",), ("Failed",))]
    about = {"Timestamp": int(ended.timestamp() * 1000), "CloudWatchMetrics": directives}
    return {"_aws": about, "Stack": stack, "Sync": name or UNNAMED, **values}


def _directive(dimensions: tuple[str, ...], metrics: tuple[str, ...]) -> dict[str, Any]:
    units = [{"Name": metric, "Unit": UNITS[metric]} for metric in metrics]
    return {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": units}


def _count(report: Mapping[str, Any], what: str, of_what: str) -> int:
    """Return a sum of a report; a run that was refused has none."""
    return int(report.get(what, {}).get(of_what, 0))
