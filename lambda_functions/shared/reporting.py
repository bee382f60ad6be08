"""The end of a run: one report, from the records alone, whether it succeeded, failed, was refused or broke.

Pure but for the records that it is given; writing it, giving back the lease and aborting uploads is the handler's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambda_functions.shared.applied import Applied
from lambda_functions.shared.costs import estimate_usd
from lambda_functions.shared.outcomes import SKIPPED, add_counts, objects, total
from lambda_functions.shared.planning import Compared
from lambda_functions.shared.run import Run

# How many of the keys that were not synchronised stand in the report itself; files name all of them.
NAMED_KEYS = 20


@dataclass(frozen=True)
class Ending:
    """How a run ended: `error` is "" for success, else the name that the execution fails with."""

    error: str = ""
    cause: str = ""
    phase: str = ""


def report(
    run: Run, compared: Compared, copied: Applied, deleted: Applied, others: Mapping[str, int]
) -> dict[str, Any]:
    """Return what the execution returns and report.json holds; `others` are requests that no record counts."""
    done = copied + deleted
    tally = total([compared.tally, done.tally])
    requests = add_counts([compared.requests, done.requests, others])
    nothing = {"objects": 0, "bytes": 0}
    return {
        "source": run.options.source,
        "destination": run.options.destination,
        "dryRun": run.options.dryRun,
        "plan": compared.plan,
        "current": tally.get("current", nothing),
        "copied": tally.get("copied", nothing),
        "deleted": tally.get("deleted", nothing),
        "skipped": {what: objects(tally, what) for what in SKIPPED},
        "changed": {"objects": objects(tally, "changed")},
        "unprovable": {"objects": compared.unprovable},
        "failed": {"objects": objects(tally, "failed") + done.unfinished_objects},
        "requests": requests,
        "estimatedCostUsd": estimate_usd(
            requests, compared.turns + done.turns, compared.seconds + done.seconds
        ),
        "failures": [*compared.failures, *done.failures][:NAMED_KEYS],
    }


def ending(
    run: Run, state: Mapping[str, Any], compared: Compared, done: Applied, folder_address: str
) -> Ending:
    """Return how the run ended; the first reason that applies is the one that is given."""
    comparison = state.get("comparison") or {}
    if state.get("error"):
        return Ending("SyncIncomplete", _broken(state), phase_of(state))
    if comparison.get("broken"):
        return Ending("SyncIncomplete", f"{comparison['broken']}. Nothing was changed.", "comparing")
    if comparison.get("refusal"):
        return Ending("DeletionRefused", comparison["refusal"], "planning")
    undone = objects(compared.tally, "failed") + done.undone()
    if undone and not run.options.dryRun:
        return Ending("SyncIncomplete", _incomplete(undone, compared, done, folder_address), phase_of(state))
    return Ending()


def phase_of(state: Mapping[str, Any]) -> str:
    """Return in which phase a run was when it came to its report, in one word."""
    if state.get("copies"):
        return "copying" if state["copies"].get("next") != "delete" else "deleting"
    if (state.get("comparison") or {}).get("next") == "apply":
        return "copying"
    return "comparing" if state.get("comparison") else "starting"


def _broken(state: Mapping[str, Any]) -> str:
    error = state["error"]
    why = f"{error.get('Error', '')}: {message_of(error.get('Cause', ''))}"
    return (
        f"the run broke while {phase_of(state)}: {why}. What it had done by then is in the report; "
        "nothing was deleted that was not an orphan. Start again: a sync takes up where the last one stopped."
    )


def message_of(cause: str) -> str:
    """Return the sentence in a Lambda's error, which comes as JSON; other causes are sentences already."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause[:1000]


def _incomplete(undone: int, compared: Compared, done: Applied, folder_address: str) -> str:
    failed = objects(compared.tally, "failed") + objects(done.tally, "failed") + done.unfinished_objects
    changed = objects(done.tally, "changed")
    deletes = compared.plan["delete"]["objects"] - objects(done.tally, "deleted")
    kept = f" {deletes:,} orphans were kept: nothing is deleted after a failure." if deletes > 0 else ""
    return (
        f"{undone:,} objects were not synchronised ({failed:,} failed, {changed:,} changed meanwhile).{kept} They are named in "
        f"{folder_address}failures/. Start again: a sync takes up where the last one stopped."
    )
