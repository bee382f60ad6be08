"""What a run says of the comparison at its end, if its input asks for one. Pure but for reading the one record.

It is the last thing that a run does, and done only where nothing failed: whatever else a run ends with comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lambda_functions.shared.errors import message_of
from lambda_functions.shared.options import Options
from lambda_functions.shared.outcomes import pluralize
from lambda_functions.shared.run import Run
from lambda_functions.shared.tally.report import Ending
from lambda_functions.shared.tally.sums import WorkTotals
from lambda_functions.shared.work_bucket.record_shape import require_verified
from lambda_functions.shared.work_bucket.run_folder import RunFolder

SLOT, PHASE = "verification", "verifying"
# As `compare/verify` has them.
FOLDER, RECORD = "verify", "verified.json"
# How many of the keys that differ stand in the cause itself.
NAMED_IN_CAUSE = 3

State = Mapping[str, Any]


@dataclass(frozen=True)
class Verification:
    """The record of the comparison at the end of a run; `error` is why there is none."""

    record: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    first: Sequence[str] = ()

    @property
    def failures(self) -> list[Mapping[str, Any]]:
        """Return the files that name what differs, as the run's own folder knows them."""
        return [{**file, "file": f"{FOLDER}/{file['file']}"} for file in self.record.get("failures", ())]

    def totals(self) -> WorkTotals:
        """Return what it took, and why keys are named, for the sums of the run."""
        if not self.record:
            return WorkTotals()
        names = ("requests", "seconds", "causes")
        return WorkTotals(turns=1, **{name: self.record[name] for name in names})

    def to_json(self) -> dict[str, Any]:
        """Return what stands in the report under "verified": objects compared, those that differ, those written meanwhile."""
        names = ("objects", "isWhole", "differences", "writtenMeanwhile", "unprovable")
        return {name: self.record[name] for name in names if name in self.record}

    def warnings(self, options: Options) -> list[str]:
        """Return what was not verified although nothing is wrong."""
        if not self.record or self.record["isStopped"] or self.record["broken"]:
            return []
        found = []
        if not self.record["isWhole"]:
            found.append(
                f"Verified were the first {self.record['objects']:,} keys that there was time for; "
                f"`fab verify {options.source} {options.destination}` compares all of them."
            )
        if self.record["unprovable"]:
            found.append(
                f"{pluralize(self.record['unprovable'])} could be verified as far as size and date only: no checksum tells."
            )
        return found


def next_after(run: Run, is_right: bool) -> str:
    """Return how a run goes on that has nothing more to copy or delete; `is_right` if nothing of it failed."""
    return "verify" if run.options.verify and is_right else "report"


def read_verification(folder: RunFolder, state: State) -> Verification | None:
    """Return what a run has found that has compared once more, None where it never came to that."""
    slot = state.get(SLOT)
    if not slot:
        return None
    if "objects" not in slot:
        return Verification(error=f"{slot.get('Error', '')}: {message_of(slot.get('Cause', ''))}")
    there = folder.under(FOLDER)
    record = require_verified(there, RECORD, there.require(RECORD))
    return Verification(record, first=_first_keys(folder, record))


def _first_keys(folder: RunFolder, record: Mapping[str, Any]) -> list[str]:
    files = record["failures"][:1]
    lines = [line for file in files for line in folder.under(FOLDER).read_lines(file)]
    return [str(line["key"]) for line in lines[:NAMED_IN_CAUSE]]


def ending(run: Run, found: Verification | None, failures: str) -> Ending:
    """Return how a run ends that has nothing else to complain about; `failures` is the file that leads to all keys."""
    if not run.options.verify:
        return Ending()
    if found is None:
        return Ending("SyncIncomplete", "the buckets were to be compared once more, and were not.", PHASE)
    why = found.error or found.record["broken"]
    if why:
        cause = (
            f"everything was copied and deleted, and comparing once more broke: {why}. "
            f"`fab verify {run.options.source} {run.options.destination}` tells whether the buckets are equal."
        )
        return Ending("SyncIncomplete", cause, PHASE)
    if found.record["differences"]:
        return Ending("NotInSync", _difference_cause(run, found, failures), PHASE)
    if found.record["isStopped"]:
        cause = (
            f"The run was stopped while {PHASE}: everything was copied and deleted, and "
            f"{pluralize(found.record['objects'], 'key')} compared once more, without a difference."
        )
        return Ending("Stopped", cause, PHASE)
    return Ending()


def _difference_cause(run: Run, found: Verification, failures: str) -> str:
    number, first = found.record["differences"], ", ".join(repr(key) for key in found.first)
    what = "differs" if number == 1 else "differ"
    rest = f" and {number - len(found.first):,} more" if number > len(found.first) else ""
    return (
        f"{pluralize(number)} {what} between {run.source.address()} and {run.destination.address()} after the run, and nobody "
        f"is known to have written them meanwhile: {first}{rest}. The files that {failures} lists name all of them. Start again: "
        "a sync makes them equal."
    )
