"""What a report says of a run that a person has stopped. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambda_functions.shared.outcomes import object_count, pluralize
from lambda_functions.shared.tally.plan import ComparisonTotals
from lambda_functions.shared.tally.sums import WorkTotals

# When a run may be started again whose lease is kept, because Lambdas of it may still be writing.
STRAGGLERS_ARE_OVER = "in 16 minutes, when its last Lambda must be over"
PHASES = ("comparison", "copies", "deletes")

State = Mapping[str, Any]


def is_stopped(state: State) -> bool:
    """Whether a stop has left something undone, as the phase says in which it was seen."""
    return any((state.get(slot) or {}).get("stopped") for slot in PHASES)


def has_ended_map(state: State, done: WorkTotals) -> bool:
    """Whether the error of a Map is the one that was asked for: shards that had not begun failed, and nothing broke."""
    return any((state.get(slot) or {}).get("endsMap") for slot in PHASES) and not done.broken


def cause(
    compared: ComparisonTotals, copied: WorkTotals, deleted: WorkTotals, phase: str, next_step: str
) -> str:
    """Return how far a stopped run came, in sentences; the last one is what to do next."""
    done = copied + deleted
    sentences = [f"The run was stopped while {phase}: {_how_far(compared, copied, deleted, phase)}."]
    not_in_sync = object_count(compared.tally, "failed") + done.failed(), object_count(done.tally, "changed")
    if any(not_in_sync):
        sentences.append("{:,} failed before that, and {:,} had changed meanwhile.".format(*not_in_sync))
    return " ".join([*sentences, next_step])


def _how_far(compared: ComparisonTotals, copied: WorkTotals, deleted: WorkTotals, phase: str) -> str:
    if phase == "comparing":
        return "nothing was changed"
    copies, deletes = (compared.plan[kind]["objects"] for kind in ("copy", "delete"))
    far = f"{object_count(copied.tally, 'copied'):,} of {pluralize(copies)} were copied"
    if phase == "copying":
        kept = f", {pluralize(deletes, 'orphan')} kept" if deletes else ""
        return f"{far}, nothing was deleted{kept}"
    return f"{far}, {object_count(deleted.tally, 'deleted'):,} of {pluralize(deletes, 'orphan')} deleted"
