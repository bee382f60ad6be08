"""The places at which a run adds up what it has, and decides how it goes on: after comparing, copying, deleting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lambda_functions.shared.compare.waves import MAX_WAVES, read_wave, wave_index_name, write_wave
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import object_count
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.tally.plan import read_comparison, refusal, write_indexes
from lambda_functions.shared.tally.sums import WorkTotals, add_up, index_items
from lambda_functions.shared.work_bucket.run_folder import RunFolder


def tally_comparison(clients: Clients, state: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """Return the next wave, or the plan and whether it is applied.

    `{"next": "compare", "wave": 2, "index", "items"}`, or `{"next": "apply" | "report", "wave", "plan", "copy", "large",
    "delete", "broken", "refusal", "undecided"}`.
    """
    run = Run.from_json(state["run"])
    folder, wave = RunFolder(clients.work, run.folder), int(state["comparison"]["wave"])
    records, broken = read_wave(folder, wave)
    handed_back = [key_range for record in records for key_range in record["handedBack"]]
    if handed_back and not broken:
        if wave < MAX_WAVES:
            items = write_wave(folder, wave + 1, handed_back)
            index = folder.key(wave_index_name(wave + 1))
            return {"next": "compare", "wave": wave + 1, "index": index, "items": items}
        broken = (
            f"after {MAX_WAVES} waves {len(handed_back):,} ranges are left: there is more to read, or it grows faster, "
            "than one run can; sync a prefix at a time"
        )
    return {"wave": wave, "broken": broken, **_plan(folder, run, wave, records, broken)}


def tally_copies(clients: Clients, state: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """Return whether the orphans may go: only if every copy of the run succeeded and every key could be decided.

    `{"next": "tally" | "delete" | "report", "at": 1024, "sums": "tally/copied-1024.json"}`, "tally" meaning another turn.
    """
    progress, copied = _add_up(clients, state, turn, "copied", state.get("copies"))
    comparison = state["comparison"]
    is_allowed = comparison["delete"]["items"] and not (
        copied.not_done() or comparison["undecided"] or state.get("error")
    )
    return {"next": "delete" if is_allowed else "report", **progress}


def tally_deletes(clients: Clients, state: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """Return `{"next": "tally" | "report", "at", "sums"}`."""
    return {"next": "report", **_add_up(clients, state, turn, "deleted", state.get("deletes"))[0]}


def _add_up(
    clients: Clients, state: Mapping[str, Any], turn: Turn, kind: str, progress: Mapping[str, Any] | None
) -> tuple[dict[str, Any], WorkTotals]:
    """Go on adding up; return where it stands, with `"next": "tally"` if this turn did not reach the end, and the sums."""
    folder = RunFolder(clients.work, Run.from_json(state["run"]).folder)
    items = index_items(folder, kind)
    before = WorkTotals(**folder.require(progress["sums"])) if progress else WorkTotals()
    position, applied = add_up(folder, kind, items, progress["at"] if progress else 0, before, turn)
    name = f"tally/{kind}-{position}.json"
    folder.write(name, applied.to_json())
    again = {"next": "tally"} if position < len(items) else {}
    return {"at": position, "sums": name, **again}, applied


def _plan(
    folder: RunFolder, run: Run, wave: int, records: Sequence[Mapping[str, Any]], broken: str
) -> dict[str, Any]:
    compared = read_comparison(folder, wave - 1, records)
    why_refused = "" if broken else refusal(run.options, compared)
    is_applied = any(compared.shards.values()) and not (broken or why_refused or run.options.dryRun)
    nothing = {kind: {"index": "", "items": 0} for kind in ("copy", "large", "delete")}
    return {
        "next": "apply" if is_applied else "report",
        "refusal": why_refused,
        "plan": compared.plan,
        "undecided": object_count(compared.tally, "failed"),
        **(write_indexes(folder, compared) if is_applied else nothing),
    }
