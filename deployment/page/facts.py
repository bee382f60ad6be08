"""What a page tells of a run, as plain data; `tasks/runs` puts it together, and nothing here asks AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deployment.text import size


def has_begun(report: Mapping[str, Any]) -> bool:
    """Whether a run has compared anything; an input that was refused has hardly a report."""
    return "copied" in report


def is_refused(report: Mapping[str, Any]) -> bool:
    """Whether a guard stopped the run between its plan and its first change."""
    return str(report.get("outcome", "")).endswith("Refused")


def is_plan_only(report: Mapping[str, Any]) -> bool:
    """Whether a plan was made and not carried out."""
    return bool(report.get("dryRun")) or is_refused(report)


@dataclass(frozen=True)
class Amount:
    """What became of some objects: its name in the report, its words for a person, how many, and their bytes if known."""

    name: str
    words: str
    objects: int
    size_bytes: int | None = None

    @property
    def size_in_words(self) -> str:
        """Return the size, "" where it is not known."""
        return "" if self.size_bytes is None else size(self.size_bytes)


@dataclass(frozen=True)
class Group:
    """Keys that belong together, by cause or by what is planned: how many, and the first, each with two remarks."""

    title: str
    objects: int
    first: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class WorkerTurn:
    """One turn of one worker: in which phase, of which record, when, and how many objects it dealt with.

    A very large object has a turn for each of its steps.
    """

    phase: str
    record: str
    began_at: datetime
    seconds: float
    objects: int = 0
    size_bytes: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Timing:
    """The turns of a run that say when they began, how many do not, and in words why there are not more."""

    turns: Sequence[WorkerTurn] = ()
    without_start: int = 0
    why_none: str = ""


@dataclass(frozen=True)
class Facts:
    """All that a page is made of. `amounts` are shown as they are; `given` are the options that somebody chose.

    `cause` is why a run did not succeed, and `notes` is what is to be known about `causes`.
    """

    name: str
    arn: str
    link: str
    status: str
    error: str
    cause: str
    began_at: datetime
    made_at: datetime
    seconds: float
    source: str
    destination: str
    report: Mapping[str, Any]
    given: Mapping[str, Any] = field(default_factory=dict)
    amounts: Sequence[Amount] = ()
    causes: Sequence[Group] = ()
    planned: Sequence[Group] = ()
    notes: Sequence[str] = ()
    remarks: Sequence[str] = ()
    timing: Timing = field(default_factory=Timing)

    @property
    def has_begun(self) -> bool:
        """Whether the run has compared anything."""
        return has_begun(self.report)

    @property
    def is_refused(self) -> bool:
        """Whether a guard stopped the run before its first change."""
        return is_refused(self.report)

    @property
    def is_plan_only(self) -> bool:
        """Whether a plan was made and not carried out."""
        return is_plan_only(self.report)

    @property
    def outcome(self) -> str:
        """Return the word of the report, else the error of the execution, else its status."""
        return str(self.report.get("outcome") or self.error or self.status.capitalize())

    @property
    def has_succeeded(self) -> bool:
        """Whether the execution ended green."""
        return self.status == "SUCCEEDED"
