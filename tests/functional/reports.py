"""Reading what a run left in the work bucket, and saying whole reports in few words."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from machine_on_moto import MACHINE, WORK_BUCKET, client

# What differs from run to run, or is another rule's business (the costs have unit tests).
PASSING = (
    *("file", "startedAt", "endedAt", "report", "requests", "failures"),
    *("estimatedCostUsd", "plannedCostUsd", "cost", "plannedCost"),
    *("format", "options", "planDigest"),
)


def folder(found: dict[str, Any]) -> str:
    """Return the run folder of an execution (DescribeExecution's answer), as a key of the work bucket."""
    return f"runs/{MACHINE}/{found['name']}"


def address(found: dict[str, Any], name: str = "") -> str:
    """Return a file of the run folder as people read it."""
    return f"s3://{WORK_BUCKET}/{folder(found)}/{name}"


def work_keys(prefix: str) -> list[str]:
    """Return the keys of the work bucket under a prefix."""
    answer = client("s3").list_objects_v2(Bucket=WORK_BUCKET, Prefix=prefix)
    return [one["Key"] for one in answer.get("Contents", ())]


def read(found: dict[str, Any], name: str) -> Any:
    """Return a JSON document of the run folder."""
    key = f"{folder(found)}/{name}"
    return json.loads(client("s3").get_object(Bucket=WORK_BUCKET, Key=key)["Body"].read())


def written(found: dict[str, Any]) -> dict[str, Any]:
    """Return report.json of an execution, whatever became of it."""
    report: dict[str, Any] = read(found, "report.json")
    assert report.pop("file") == f"{folder(found)}/report.json"
    return report


def records(found: dict[str, Any], kind: str) -> list[Any]:
    """Return the records of a kind: `compared`, `copied`, `deleted`."""
    place = f"{folder(found)}/{kind}/"
    return [read(found, key.removeprefix(f"{folder(found)}/")) for key in work_keys(place)]


def named_in_failures(found: dict[str, Any]) -> list[dict[str, str]]:
    """Return the lines of all files that name what was not synchronised, sorted by key."""
    assert written(found)["failures"] == address(found, "failures.json")
    bodies = (
        client("s3").get_object(Bucket=WORK_BUCKET, Key=f"{folder(found)}/{name}")["Body"].read()
        for name in read(found, "failures.json")["files"]
    )
    lines = [json.loads(line) for body in bodies for line in body.splitlines()]
    return sorted(lines, key=lambda line: str(line["key"]))


def leases() -> list[str]:
    """Return the leases that are held."""
    return work_keys("leases/")


def sized(objects: int = 0, size_bytes: int = 0) -> dict[str, int]:
    """Return a count as reports hold it."""
    return {"objects": objects, "bytes": size_bytes}


def lasting(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what differs from run to run; of the causes only how many objects each has."""
    kept = {name: value for name, value in report.items() if name not in PASSING}
    for code, cause in kept.get("causes", {}).items():
        assert causes_of([cause["example"]]) == {code: 1}
    return {**kept, "causes": {code: cause["objects"] for code, cause in report.get("causes", {}).items()}}


def causes_of(lines: list[dict[str, str]]) -> dict[str, int]:
    """Return how many keys that were not synchronised have which cause: AWS's code, or the word for what became of them."""
    codes = (re.match(r"([A-Z][\w.]+|[0-9]{3}): ", line["error"]) for line in lines)
    return dict(Counter(code[1] if code else line["what"] for code, line in zip(codes, lines, strict=True)))


def report_of(**said: Any) -> dict[str, Any]:
    """Return the lasting part of a whole report in which nothing happened but what is said.

    `copy` and `delete` are the plan; what was planned is also what was copied and deleted, unless that is said as well. `listed`
    are the numbers of source and destination: what is current on both sides, copies of new keys, orphans, unless it is said.
    """
    copy, delete = said.pop("copy", sized()), said.pop("delete", sized())
    current = said.pop("current", sized())
    listed = said.pop(
        "listed", (current["objects"] + copy["objects"], current["objects"] + delete["objects"])
    )
    skipped = {"archived": 0, "vanished": 0, "unmappable": 0, **said.pop("skipped", {})}
    whole = {
        "source": "source-bucket",
        "destination": "destination-bucket",
        "dryRun": False,
        "plan": {"copy": copy, "delete": delete},
        "listed": {"source": listed[0], "destination": listed[1]},
        "outOfScope": {"source": 0, "destination": 0},
        "current": current,
        "copied": copy,
        "deleted": delete,
        "deleteMarkers": 0,
        "skipped": skipped,
        "changed": {"objects": 0},
        "unprovable": {"objects": 0},
        "failed": {"objects": 0},
        "causes": causes_of(said.get("notSynchronised", [])),
        "unusualPages": 0,
        "warnings": [],
        "notSynchronised": [],
        "outcome": "Succeeded",
        "cause": "",
        "phase": "",
    }
    assert set(said) <= set(whole), set(said) - set(whole)
    return {**whole, **said}
