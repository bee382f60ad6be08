"""The places at which a run adds up what it has, and decides how it goes on: after comparing, copying, deleting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lambda_functions.shared.compare.waves import (
    MAX_WAVES,
    Record,
    describe_broken,
    read_wave,
    waves_of,
    write_wave,
)
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.outcomes import add_counts, add_tallies, object_count
from lambda_functions.shared.run import AppliedPlan, Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.tally.books import (
    carried_gaps,
    comparison_gaps,
    describe_gaps,
    range_gaps,
    work_gaps,
)
from lambda_functions.shared.tally.plan import (
    KINDS,
    ComparisonTotals,
    as_borrowed,
    begun_by_copiers,
    read_records,
    total_of_records,
    write_indexes,
)
from lambda_functions.shared.tally.refusals import DELETION, refusal
from lambda_functions.shared.tally.sums import WorkTotals, add_up, index_items, read_totals
from lambda_functions.shared.tally.verification import next_after
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder


def tally_comparison(
    clients: Clients, state: Mapping[str, Any], turn: Turn, known: Sequence[Record] = ()
) -> dict[str, Any]:
    """Return the next wave, or the plan and whether it is applied; `known` are the wave's records where whoever asks has them.

    `{"next": "compare", "wave": 2, "index", "items", "sha256"}`, or `{"next": "apply" | "verify" | "report", "wave", "plan",
    "copy", "large", "delete", "broken", "refusal", "undecided"}`; both with `"waves"`, the indexes of all waves so far, and
    `"books"` and `"tally"`, their sums. A refusal with another error than DeletionRefused names it as `"refusedAs"`. A run that
    is to stop goes on to its report; `"stopped": true` says that this has cut it short.
    """
    run, comparison = Run.from_json(state["run"]), state["comparison"]
    folder, wave = RunFolder.of(clients.work, run), int(comparison["wave"])
    waves = waves_of(comparison)
    records, broken = (known, describe_broken(known)) if known else read_wave(folder, waves[-1])
    of_wave = total_of_records(records)
    books = add_counts([comparison.get("books", {}), of_wave.books()])
    broken = broken or describe_gaps([*comparison_gaps(of_wave.books()), *range_gaps(records)])
    handed_back = [key_range for record in records for key_range in record["handedBack"]]
    tally = add_tallies([comparison.get("tally", {}), of_wave.tally])
    so_far = {"waves": waves, "books": books, "tally": tally}
    if handed_back and not broken and not turn.is_stopped():
        if wave < MAX_WAVES:
            return {
                "next": "compare",
                "wave": wave + 1,
                **write_wave(folder, wave + 1, handed_back),
                **so_far,
            }
        broken = (
            f"after {MAX_WAVES} waves {len(handed_back):,} ranges are left: there is more to read, or it grows faster, "
            "than one run can; sync a prefix at a time"
        )
    earlier = [] if broken else read_records(folder, waves[:-1])
    compared = total_of_records([*earlier, *records])
    broken = broken or describe_gaps([*carried_gaps(books, compared.books()), *range_gaps(earlier)])
    return {
        "wave": wave,
        "broken": broken,
        **so_far,
        **_plan(folder, run, compared, broken, is_whole=not handed_back, turn=turn),
    }


def tally_plan(clients: Clients, run: Run, plan: AppliedPlan, turn: Turn) -> dict[str, Any]:
    """Return the same for the plan of a dry run, which is never another wave: its records again, judged by the same guards."""
    waves = list(plan.waves)
    records = read_records(RunFolder(clients.work, plan.folder), waves)
    compared = as_borrowed(total_of_records(records), plan)
    books = compared.books()
    broken = describe_gaps([*comparison_gaps(books), *range_gaps(records)])
    so_far = {"wave": len(waves), "waves": waves, "books": books, "tally": compared.tally}
    folder = RunFolder.of(clients.work, run)
    return {"broken": broken, **so_far, **_plan(folder, run, compared, broken, is_whole=True, turn=turn)}


def tally_copies(clients: Clients, state: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """Return whether the orphans may go: only if every copy of the run succeeded and every key could be decided.

    `{"next": "tally" | "delete" | "verify" | "report", "at": 1024, "sums": "tally/copied-1024.json", "tally": {...}}`,
    "tally" meaning another turn; with `"stopped": true` and `"endsMap"` where a stop has left something undone.
    """
    progress, copied = _add_up(clients, state, turn, "copied", state.get("copies"))
    comparison = state["comparison"]
    planned, run = begun_by_copiers(comparison["plan"]), Run.from_json(state["run"])
    is_right = not (
        copied.not_done()
        or comparison["undecided"]
        or state.get("error")
        or work_gaps("copies", planned, copied.tally, copied.unfinished_objects, copied.named)
    )
    is_allowed = comparison["delete"]["items"] and is_right
    stopped = _stopped(turn, bool(copied.stopped() or is_allowed))
    is_allowed = is_allowed and not stopped
    if is_allowed and "next" not in progress:
        _require_comparison(clients, run, comparison)
    go_on = "delete" if is_allowed else next_after(run, is_right and not stopped)
    return {"next": go_on, **stopped, **progress}


def _stopped(turn: Turn, leaves_something: bool) -> dict[str, bool]:
    """Return what a phase says of a stop that has left something undone; nothing of one that came too late for that."""
    return {"stopped": True, "endsMap": turn.ends_map()} if turn.is_stopped() and leaves_something else {}


def _require_comparison(clients: Clients, run: Run, comparison: Mapping[str, Any]) -> None:
    """Raise RunFileBroken unless the comparison, on which the deletes rest, is still what it was: they cannot be undone."""
    folder = RunFolder(clients.work, run.compared_in)
    records = read_records(folder, comparison["waves"])
    compared = total_of_records(records)
    gaps = describe_gaps([*carried_gaps(comparison["books"], compared.books()), *range_gaps(records)])
    if gaps:
        raise RunFileBroken(f"the records in {folder.address('compared/')} have changed: {gaps}")
    RunFolder.of(clients.work, run).read_index(comparison["delete"])


def tally_deletes(clients: Clients, state: Mapping[str, Any], turn: Turn) -> dict[str, Any]:
    """Return `{"next": "tally" | "verify" | "report", "at", "sums", "tally"}`, and of a stop what `tally_copies` does."""
    progress, deleted = _add_up(clients, state, turn, "deleted", state.get("deletes"))
    stopped, is_right = (
        _stopped(turn, bool(deleted.stopped())),
        not (deleted.not_done() or state.get("error")),
    )
    go_on = next_after(Run.from_json(state["run"]), is_right and not stopped)
    return {"next": go_on, **stopped, **progress}


def _add_up(
    clients: Clients, state: Mapping[str, Any], turn: Turn, kind: str, progress: Mapping[str, Any] | None
) -> tuple[dict[str, Any], WorkTotals]:
    """Go on adding up; return where it stands, with `"next": "tally"` if this turn did not reach the end, and the sums."""
    folder = RunFolder.of(clients.work, Run.from_json(state["run"]))
    items = index_items(folder, kind, state["comparison"])
    before = read_totals(folder, progress)
    position, applied = add_up(folder, kind, items, progress["at"] if progress else 0, before, turn)
    name = f"tally/{kind}-{position}.json"
    folder.write(name, applied.to_json())
    again = {"next": "tally"} if position < len(items) else {}
    return {"at": position, "sums": name, "tally": applied.tally, **again}, applied


def _plan(
    folder: RunFolder, run: Run, compared: ComparisonTotals, broken: str, is_whole: bool, turn: Turn
) -> dict[str, Any]:
    refused = refusal(run, compared) if is_whole and not broken else None
    is_applied = any(compared.shards.values()) and not (broken or refused or run.options.dryRun)
    stopped = _stopped(turn, not broken and (is_applied or not is_whole))
    is_applied = is_applied and not stopped
    nothing = {kind: {"index": "", "items": 0, "sha256": ""} for kind in KINDS}
    undecided = object_count(compared.tally, "failed")
    is_right = is_whole and not (broken or refused or stopped or undecided)
    return {
        "next": "apply" if is_applied else next_after(run, is_right),
        "refusal": refused.cause if refused else "",
        **({"refusedAs": refused.error} if refused and refused.error != DELETION else {}),
        "plan": compared.plan,
        "undecided": undecided,
        **stopped,
        **(write_indexes(folder, compared) if is_applied else nothing),
    }
