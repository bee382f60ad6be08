"""What a running execution looks like: its phase, how far its Distributed Map is, how much of the plan is done.

Comes after `executions.start`, and only ever reads. Everything but the execution's status is a courtesy: a call that
is throttled, refused or not known at an endpoint leaves a gap and never ends the watching.

The phase is the last state of a known name in the execution's history, the plan what a state that compares
returned, done what the files in the run's folder of the work bucket add up to (`run_files`), the pace how that moved from
look to look (`estimates`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.installation import Installation
from deployment.step_functions import listing
from deployment.step_functions.estimates import (
    Amount,
    Pace,
    Sample,
    add_sample,
    pace,
    percent,
    since_work_began,
)
from deployment.step_functions.run_files import Counts, RunFiles
from deployment.step_functions.run_report import folder_of, place_of
from deployment.text import duration, objects, quantity, size

Answer = TypeVar("Answer")

PHASES: Mapping[str, str] = {
    "Begin": "starting",
    "ValidateInput": "checking the input",
    **dict.fromkeys(("ListRanges", "CompareRanges", "TallyComparison"), "comparing"),
    "CopyKeys": "copying",
    **dict.fromkeys(("CopyKeysInline", "CopyShardInline", "ShardCopiedInline"), "copying"),
    "CopyLargeObjects": "copying",
    "TallyCopies": "copying",
    "DeleteOrphanedKeys": "deleting",
    **dict.fromkeys(("DeleteOrphanedKeysInline", "DeleteShardInline", "ShardDeletedInline"), "deleting"),
    "TallyDeletes": "deleting",
    "VerifyBuckets": "verifying",
    "Report": "reporting",
}
"""Of a state's name; a state that is not named here belongs to the phase before it.

The iterations of an inline Map stand in the history of the execution, and soon hide the Map itself."""

_KINDS: Mapping[str, str] = {
    "comparing": "compared",
    "copying": "copied",
    "deleting": "deleted",
}
"""Of a phase: the folder of its records."""

_PARTS = {"copying": "copy", "deleting": "delete"}
"""Of a phase: its part of the plan."""

PLANNING_STATES = ("ListRanges", "TallyComparison")
"""The output of one of them has the plan: of the first, where one worker was enough to compare everything."""

HISTORY_PAGE_EVENTS = 200
PLAN_PAGES = 5
BRANCHES = 2
"""Of a look beside its own thread: the Distributed Map, and the history."""

NOTHING = Amount(0, 0)
NO_NEWS = "workers report every 10 s, for the first time after 5 s"
"""As `lambda_functions/shared/work_bucket/heartbeat.py` has it."""

ENDED_STATUSES = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Units:
    """Items of the Distributed Map that runs now: key ranges, or shards of keys."""

    done: int
    failed: int
    total: int


@dataclass(frozen=True)
class ExecutionProgress:
    """How far an execution is; what could not be found out is None.

    `done` is what was dealt with in this phase, in whatever way it ended; while comparing it is keys, and nothing is planned.
    `failed` is how many objects of the run are known not to be in sync.
    """

    status: str
    phase: str = "running"
    units: Units | None = None
    planned: Amount | None = None
    done: Amount | None = None
    is_estimate: bool = False
    failed: int = 0
    pace: Pace | None = None

    def text(self, seconds_later: float = 0.0) -> str:
        """Return it as text: phase and batches, then, where they are known, amounts and pace on lines of their own.

        `seconds_later` is for how long that has been known: the time left counts down.
        """
        amounts = self._keys() if self.phase == "comparing" else self._amounts()
        lines = [self.phase + self._units(), amounts, self._pace_and_failures(seconds_later)]
        return "\n".join(filter(None, lines))

    def _units(self) -> str:
        if self.units is None or self.units.total < 2:
            return ""
        kind = "ranges" if self.phase == "comparing" else "batches"
        failed = f", {self.units.failed:,} of them failed" if self.units.failed else ""
        return f", {self.units.done:,} of {self.units.total:,} {kind}{failed}"

    def _keys(self) -> str:
        return f"{quantity(self.done.objects, 'key')} compared" if self.done and self.done.objects else ""

    def _amounts(self) -> str:
        if self.planned is None:
            return ""
        has_size = self.phase == "copying" and self.planned.size_bytes > 0
        whole = objects(self.planned.objects)
        if self.done is None:
            return f"{whole}, {size(self.planned.size_bytes)}" if has_size else whole
        about = "about " if self.is_estimate else ""
        sizes = f", {size(self.done.size_bytes)} of {size(self.planned.size_bytes)}" if has_size else ""
        return f"{about}{self.done.objects:,} of {whole}{sizes}, {percent(self.done, self.planned)} %"

    def _pace_and_failures(self, seconds_later: float) -> str:
        said = []
        if self.pace:
            is_comparing = self.phase == "comparing"
            said.append(f"{_number(self.pace.objects_per_second)} {'keys' if is_comparing else 'objects'}/s")
            if self.phase == "copying" and self.planned and self.planned.size_bytes:
                said.append(f"{size(self.pace.bytes_per_second)}/s")
            if self.pace.seconds_left is not None:
                left = max(self.pace.seconds_left - seconds_later, 0)
                said.append(f"about {duration(round(left))} left")
        elif self.planned and self.done == NOTHING:
            said.append(NO_NEWS)
        if self.failed:
            said.append(f"{self.failed:,} failed so far")
        return ", ".join(said)


class Observer:
    """Polls one execution; remembers between two polls what cannot have changed, and how fast it went.

    Without `work_bucket` (the user may not be allowed to read it), done is estimated.
    """

    def __init__(self, installation: Installation, execution_arn: str, work_bucket: str | None) -> None:
        self._steps = installation.step_functions
        self._clock = installation.clock
        self._arn = execution_arn
        self._phase = "running"
        self._comparison: Mapping[str, Any] | None = None
        self._failed: dict[str, int] = {}
        self._samples: dict[str, tuple[Sample, ...]] = {}
        self._files: RunFiles | None = None
        if work_bucket:
            place = place_of(installation, work_bucket)
            self._files = RunFiles(installation.client("s3"), place, folder_of(execution_arn))

    def look(self, status: str) -> ExecutionProgress:
        """Return how far an execution of this status is."""
        # Side by side, because at a slow endpoint a look then takes as long as its longest branch.
        with ThreadPoolExecutor(BRANCHES) as pool:
            units = pool.submit(_or_none, self._running_units)
            phase = pool.submit(self._phase_and_plan)
            before, began = self._phase, self._clock.monotonic()
            counts = self._counts(before)
            self._phase, planned = phase.result()
            if self._phase != before:
                began = self._clock.monotonic()
                counts = self._counts(self._phase)
            picture = ExecutionProgress(status, self._phase, units.result(), planned)
        picture = replace(picture, failed=self._all_failed())
        if counts is not None:
            at_seconds = began - counts.age_seconds
            if counts.working_seconds:
                self._forget_start(self._phase, at_seconds - counts.working_seconds)
            return self._with_done(picture, counts.amount, at_seconds)
        if planned and picture.units and picture.units.total:
            share = planned.part(picture.units.done / picture.units.total)
            return replace(self._with_done(picture, share, began), is_estimate=True)
        return picture

    def _forget_start(self, phase: str, began_at_seconds: float) -> None:
        """Let the pace of a phase begin when its workers did."""
        kind = _KINDS[phase]
        self._samples[kind] = since_work_began(self._samples.get(kind, ()), began_at_seconds)

    def _with_done(self, picture: ExecutionProgress, done: Amount, at_seconds: float) -> ExecutionProgress:
        """Return the picture with what was dealt with at a moment, and how fast that goes."""
        kind, planned = _KINDS[picture.phase], picture.planned
        samples = self._samples[kind] = add_sample(self._samples.get(kind, ()), at_seconds, done)
        done = samples[-1].done if planned is None else samples[-1].done.at_most(planned)
        return replace(picture, done=done, pace=pace(samples, self._clock.monotonic(), planned))

    def _phase_and_plan(self) -> tuple[str, Amount | None]:
        """Return the phase, the last one where it cannot be asked for, and what it is to do."""
        phase = _or_none(self._last_phase) or self._phase
        part = _PARTS.get(phase)
        if part is None:
            return phase, None
        self._comparison = self._comparison or _or_none(self._find_comparison)
        return phase, Amount.of(self._comparison["plan"].get(part, {})) if self._comparison else None

    def _counts(self, phase: str) -> Counts | None:
        """Return what was dealt with in a phase, None where its files cannot be read, are too many, or there are none."""
        files, kind = self._files, _KINDS.get(phase)
        counts = _or_none(lambda: files.counts(kind)) if files and kind else None
        if counts is not None and kind:
            self._failed[kind] = counts.failed
        return counts

    def _all_failed(self) -> int:
        """Return how many objects of the run are not in sync, as far as that is known, the phases before this one included."""
        undecided = int((self._comparison or {}).get("undecided") or 0)
        return sum({**self._failed, "compared": max(undecided, self._failed.get("compared", 0))}.values())

    def _last_phase(self) -> str | None:
        page = self._history(includeExecutionData=False)
        names = (event.get("stateEnteredEventDetails", {}).get("name") for event in page["events"])
        return next((PHASES[name] for name in names if name in PHASES), None)

    def _running_units(self) -> Units | None:
        running = listing.running_map_runs(self._steps, self._arn)
        if not running:
            return None
        newest = max(running, key=lambda run: run["startDate"])
        counts = self._steps.describe_map_run(mapRunArn=newest["mapRunArn"])["itemCounts"]
        failed = counts["failed"] + counts["timedOut"] + counts["aborted"]
        return Units(counts["succeeded"] + failed, failed, counts["total"])

    def _find_comparison(self) -> Mapping[str, Any] | None:
        """Return what was compared, with the plan, as the newest state says it that has one."""
        token: dict[str, str] = {}
        for _ in range(PLAN_PAGES):
            page = self._history(**token)
            comparison = comparison_in(page["events"])
            if comparison is not None or "nextToken" not in page:
                return comparison
            token = {"nextToken": page["nextToken"]}
        return None

    def _history(self, **options: Any) -> Any:
        newest_first = {"reverseOrder": True, "maxResults": HISTORY_PAGE_EVENTS}
        return self._steps.get_execution_history(executionArn=self._arn, **newest_first, **options)


def comparison_in(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return what the first event says in which a planning state ended, None if none did or there is no plan yet."""
    for event in events:
        ended = event.get("stateExitedEventDetails", {})
        if ended.get("name") in PLANNING_STATES and ended.get("output"):
            comparison: Mapping[str, Any] = json.loads(ended["output"]).get("comparison", {})
            return comparison if "plan" in comparison else None
    return None


def _number(value: float) -> str:
    """Return a rate in as many digits as matter: `0.4`, `210`."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _or_none(read: Callable[[], Answer | None]) -> Answer | None:
    try:
        return read()
    except (
        ClientError,
        BotoCoreError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        return None  # AWS does not say it, or a file is not what a run writes: a gap in what is known; the next poll may fill it
