"""The page of a run, however it ended: what it says first, and that nothing is missing where a report says little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fake_executions import REPORT
from tests.planned_runs import report_of
from tests.reported_runs import Bucket, ended, made

OLDEST = {name: REPORT[name] for name in ("source", "destination", "dryRun", "copied", "deleted", "current")}


def states() -> dict[str, tuple[str, dict[str, Any], dict[str, str], str]]:
    """Every way a run can end: status, report, error and cause, and what the page says of it first."""
    refused = {**report_of(4, 9000), "dryRun": False, "outcome": "DeletionRefused"}
    given = {"options": {"source": "a", "destination": "b", "prefix": "in/", "destinationPrefix": ""}}
    none = {"objects": 0, "bytes": 0}
    plan = "machine/sunday"
    return {
        "everything": ("SUCCEEDED", {**REPORT, **given}, {}, "were copied from a/in/ to b, 3 were deleted there"),
        "nothing": (
            "SUCCEEDED", {**REPORT, "copied": none, "deleted": none, "skipped": {}}, {},
            "Nothing had to be copied or deleted: 98,765 objects were already equal.",
        ),
        "only deletes": ("SUCCEEDED", {**REPORT, "copied": none}, {}, "Nothing was copied from photos to photos-copy, 3 obj"),
        "only left out": (
            "SUCCEEDED", {**REPORT, "copied": none, "deleted": none, "skipped": {"archived": 1}}, {},
            "Nothing was copied or deleted: 98,765 objects were already equal.1 object was left out, see below.",
        ),
        "incomplete": (
            "FAILED", {**REPORT, "failed": {"objects": 1}, "changed": {"objects": 4}},
            {"error": "SyncIncomplete", "cause": "5 objects were not synchronised."}, "5 objects were not synchronised.1,200",
        ),
        "broken": ("FAILED", REPORT, {"error": "SyncIncomplete", "cause": "it broke."}, "The run ended before it was done."),
        "refused": (
            "FAILED", refused, {"error": "DeletionRefused", "cause": "9,000 of 9,007 would be deleted."},
            "The run was refused, and nothing was changed.It would have copied 4 objects (0 bytes) from photos to "
            "photos-copy and deleted 9,000 objects there.",
        ),
        "too dear": (
            "FAILED", {**refused, "outcome": "CostRefused"}, {"error": "CostRefused", "cause": "$9 are more than $1."},
            "The run was refused, and nothing was changed.",
        ),
        "stopped": (
            "FAILED", {**REPORT, "stopped": {"objects": 7}, "outcome": "Stopped"}, {"error": "Stopped", "cause": "at noon."},
            "The run was stopped, with 7 objects left to do.",
        ),
        "invalid": (
            "FAILED", {"source": "a", "destination": None, "plan": {}}, {"error": "InvalidInput", "cause": 'no "sauce".'},
            "The run did not begin: nothing was compared, and nothing was changed.",
        ),
        "hardly anything": ("FAILED", {"outcome": "AlreadyRunning"}, {"error": "AlreadyRunning"}, "The run did not begin"),
        "not equal": (
            "FAILED", REPORT, {"error": "NotInSync", "cause": "2 keys differ."}, "The two buckets are not equal.1,200 obj",
        ),
        "dry run": (
            "SUCCEEDED", report_of(4, 1), {},
            "A sync would copy 4 objects (0 bytes) from photos to photos-copy and delete 1 object there.This was a dry run",
        ),
        "dry and equal": ("SUCCEEDED", report_of(0, 0), {}, "A sync would have nothing to do: 7 objects were already equal."),
        "dry and broken": ("FAILED", report_of(4, 1), {"error": "SyncIncomplete"}, "The dry run was not completed"),
        "applied": (
            "SUCCEEDED", {**REPORT, "appliedPlan": plan, "planDigest": "ab"}, {}, f"The plan {plan} was carried out.1,200",
        ),
        "first": (
            "SUCCEEDED", {**REPORT, "deleted": none, "current": none}, {}, "none was deleted there, and none was already equal.",
        ),
        "old": ("SUCCEEDED", OLDEST, {}, "1,200 objects (5.0 MiB) were copied"),
    }  # fmt: skip


@pytest.mark.parametrize("name", states())
def test_whatever_becomes_of_a_run_the_page_says_it_first(aws: Bucket, tmp_path: Path, name: str) -> None:
    status, left, end, said = states()[name]
    ended(aws, status, left, **end)
    aws.put_failures()
    page = made(aws, tmp_path)
    assert said in page.words
    assert page.dangers() == []
    assert end.get("cause", "") in page.words
    badges = [one for one in page.classes("span") if one.startswith("badge is-")]
    warned = name in ("refused", "too dear", "stopped")
    assert badges == [
        "badge is-good" if status == "SUCCEEDED" else "badge is-warn" if warned else "badge is-bad"
    ]
    assert not {"None", "nan"} & set(page.words.split())
