"""What a running execution looks like: its phase, how far its Distributed Map is, how much of the plan is done.

Comes after `executions.start`, and only ever reads. Everything but the execution's status is a courtesy: a call that
is throttled, refused or not known at an endpoint leaves a gap and never ends the watching.

The phase is the last state of a known name in the execution's history, the plan what the state TallyComparison
returned, done what the records in the run's folder of the work bucket add up to, `{"tally": {"copied": {"objects": 3,
"bytes": 12}}}` each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.installation import Installation
from deployment.text import objects, size

Answer = TypeVar("Answer")

PHASES: Mapping[str, str] = {
    "Begin": "starting",
    "ValidateInput": "checking the input",
    "ListRanges": "beginning with the first range",
    "CompareRanges": "comparing",
    "TallyComparison": "comparing",
    "CopyKeys": "copying",
    **dict.fromkeys(("CopyKeysInline", "CopyShardInline", "ShardCopiedInline"), "copying"),
    "CopyLargeObjects": "copying",
    "TallyCopies": "copying",
    "DeleteOrphanedKeys": "deleting",
    **dict.fromkeys(("DeleteOrphanedKeysInline", "DeleteShardInline", "ShardDeletedInline"), "deleting"),
    "TallyDeletes": "deleting",
    "Report": "reporting",
}
"""Of a state's name; a state that is not named here belongs to the phase before it.

The iterations of an inline Map stand in the history of the execution, and soon hide the Map itself."""

_PARTS = {
    "copying": ("copy", "copied"),
    "deleting": ("delete", "deleted"),
}
"""Of a phase: its part of the plan, and its folder of records, whose records have the same word."""

MAX_RECORDS_READ = 2_000
"""With more records, done is the plan's fraction that the Distributed Map reports: nobody sees the difference."""

RECORD_READERS = 8
HISTORY_PAGE_EVENTS = 200
PLAN_PAGES = 5
ENDED_STATUSES = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Amount:
    """A number of objects and their bytes."""

    objects: int
    size_bytes: int

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Amount:
        """Return the amount in `{"objects": 3, "bytes": 12}`."""
        return cls(int(data.get("objects", 0)), int(data.get("bytes", 0)))

    def part(self, fraction: float) -> Amount:
        """Return this share of the amount, 0 to 1."""
        return Amount(int(self.objects * fraction), int(self.size_bytes * fraction))


@dataclass(frozen=True)
class Units:
    """Items of the Distributed Map that runs now: key ranges, or shards of keys."""

    done: int
    failed: int
    total: int


@dataclass(frozen=True)
class ExecutionProgress:
    """How far an execution is; what could not be found out is None."""

    status: str
    phase: str = "running"
    units: Units | None = None
    planned: Amount | None = None
    done: Amount | None = None
    is_estimate: bool = False

    def text(self) -> str:
        """Return it as text: phase and batches, then, where they are known, objects and bytes on a line of their own."""
        return "\n".join(filter(None, [self.phase + self._units(), self._amounts()]))

    def _units(self) -> str:
        if self.units is None or self.units.total < 2:
            return ""
        kind = "ranges" if self.phase == "comparing" else "batches"
        failed = f", {self.units.failed:,} of them failed" if self.units.failed else ""
        return f", {self.units.done:,} of {self.units.total:,} {kind}{failed}"

    def _amounts(self) -> str:
        if self.planned is None:
            return ""
        has_size = self.phase == "copying" and self.planned.size_bytes > 0
        whole = objects(self.planned.objects)
        if self.done is None:
            return f"{whole}, {size(self.planned.size_bytes)}" if has_size else whole
        about = "about " if self.is_estimate else ""
        sizes = f", {size(self.done.size_bytes)} of {size(self.planned.size_bytes)}" if has_size else ""
        return f"{about}{self.done.objects:,} of {whole}{sizes}"


class Observer:
    """Polls one execution; remembers between two polls what cannot have changed.

    Without `work_bucket` (the user may not be allowed to read it), done is estimated.
    """

    def __init__(self, installation: Installation, execution_arn: str, work_bucket: str | None) -> None:
        self._steps = installation.step_functions
        self._s3 = installation.client("s3")
        self._arn = execution_arn
        self._bucket = work_bucket
        self._place = {"Bucket": work_bucket, "ExpectedBucketOwner": installation.account_id}
        self._phase = "running"
        self._plan: Mapping[str, Any] | None = None
        self._records: dict[str, Amount] = {}

    def look(self, status: str) -> ExecutionProgress:
        """Return how far an execution of this status is."""
        self._phase = _or_none(self._last_phase) or self._phase
        units = _or_none(self._running_units)
        if self._phase not in _PARTS:
            return ExecutionProgress(status, self._phase, units)
        part, word = _PARTS[self._phase]
        self._plan = self._plan or _or_none(self._find_plan)
        planned = None if self._plan is None else Amount.of(self._plan.get(part, {}))
        done = _or_none(lambda: self._done(word)) if self._bucket else None
        if done is None and planned and units and units.total:
            return ExecutionProgress(
                status, self._phase, units, planned, planned.part(units.done / units.total), True
            )
        return ExecutionProgress(status, self._phase, units, planned, done)

    def _last_phase(self) -> str | None:
        page = self._history(includeExecutionData=False)
        names = (event.get("stateEnteredEventDetails", {}).get("name") for event in page["events"])
        return next((PHASES[name] for name in names if name in PHASES), None)

    def _running_units(self) -> Units | None:
        runs = self._steps.get_paginator("list_map_runs").paginate(executionArn=self._arn)
        running = [run for page in runs for run in page["mapRuns"] if not run.get("stopDate")]
        if not running:
            return None
        newest = max(running, key=lambda run: run["startDate"])
        counts = self._steps.describe_map_run(mapRunArn=newest["mapRunArn"])["itemCounts"]
        failed = counts["failed"] + counts["timedOut"] + counts["aborted"]
        return Units(counts["succeeded"] + failed, failed, counts["total"])

    def _find_plan(self) -> Mapping[str, Any] | None:
        """Return the plan from the newest output of TallyComparison."""
        token: dict[str, str] = {}
        for _ in range(PLAN_PAGES):
            page = self._history(**token)
            plan = plan_in(page["events"])
            if plan is not None or "nextToken" not in page:
                return plan
            token = {"nextToken": page["nextToken"]}
        return None

    def _history(self, **options: Any) -> Any:
        newest_first = {"reverseOrder": True, "maxResults": HISTORY_PAGE_EVENTS}
        return self._steps.get_execution_history(executionArn=self._arn, **newest_first, **options)

    def _done(self, word: str) -> Amount | None:
        """Return what the records add up to; None where there are too many to read."""
        names = self._record_names(word)
        if len(names) > MAX_RECORDS_READ:
            return None
        new = [name for name in names if name not in self._records]
        with ThreadPoolExecutor(RECORD_READERS) as pool:
            self._records.update(
                zip(new, pool.map(lambda name: self._read_record(name, word), new), strict=True)
            )
        amounts = [self._records[name] for name in names]
        return Amount(sum(amount.objects for amount in amounts), sum(amount.size_bytes for amount in amounts))

    def _record_names(self, word: str) -> list[str]:
        """Return the keys of the records, of not more pages than are worth reading."""
        machine, execution = self._arn.split(":")[6:8]
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            **self._place,
            Prefix=f"runs/{machine}/{execution}/{word}/",
            PaginationConfig={"MaxItems": MAX_RECORDS_READ + 1},
        )
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def _read_record(self, key: str, word: str) -> Amount:
        body = self._s3.get_object(**self._place, Key=key)["Body"].read()
        return Amount.of(json.loads(body)["tally"].get(word, {}))


def plan_in(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return `{"copy": ..., "delete": ...}` from the first event in which TallyComparison ended, None if none did."""
    for event in events:
        ended = event.get("stateExitedEventDetails", {})
        if ended.get("name") == "TallyComparison" and ended.get("output"):
            plan: Mapping[str, Any] | None = json.loads(ended["output"]).get("comparison", {}).get("plan")
            return plan
    return None


def _or_none(read: Callable[[], Answer | None]) -> Answer | None:
    try:
        return read()
    except (ClientError, BotoCoreError, KeyError, ValueError):
        return None  # a gap in what is known; the next poll may fill it
