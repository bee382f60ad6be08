"""The end of a run: one report, from the records alone, whether it succeeded, failed, was refused or broke.

Pure but for the records that it is given; writing it, giving back the lease and aborting uploads is the handler's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lambda_functions.shared.errors import message_of
from lambda_functions.shared.options import Options
from lambda_functions.shared.outcomes import (
    DELETE_MARKERS,
    SKIPPED,
    add_causes,
    add_counts,
    add_tallies,
    object_count,
    pluralize,
)
from lambda_functions.shared.run import Run
from lambda_functions.shared.tally import stopping
from lambda_functions.shared.tally.books import carried_gaps, comparison_gaps, describe_gaps, work_gaps
from lambda_functions.shared.tally.breakage import Breakage
from lambda_functions.shared.tally.cost.costs import planned_cost, run_cost, total_usd
from lambda_functions.shared.tally.cost.prices import without_list
from lambda_functions.shared.tally.plan import ComparisonTotals
from lambda_functions.shared.tally.refusals import DELETION
from lambda_functions.shared.tally.sums import WorkTotals
from lambda_functions.shared.work_bucket.approved_plans import FORMAT

# How many of the keys that were not synchronised stand in the report itself; files name all of them.
NAMED_KEYS = 20


@dataclass(frozen=True)
class Ending:
    """How a run ended: `error` is "" for success, else the name that the execution fails with."""

    error: str = ""
    cause: str = ""
    phase: str = ""


def report(
    run: Run, compared: ComparisonTotals, copied: WorkTotals, deleted: WorkTotals, others: Mapping[str, int]
) -> dict[str, Any]:
    """Return what the execution returns and report.json holds; `others` are requests that no record counts."""
    done = copied + deleted
    tally = add_tallies([compared.tally, done.tally])
    requests = add_counts([compared.requests, done.requests, others])
    nothing = {"objects": 0, "bytes": 0}
    return {
        "source": run.options.source,
        "destination": run.options.destination,
        "dryRun": run.options.dryRun,
        **({"name": run.options.name} if run.options.name else {}),
        "format": FORMAT,
        "options": run.options.to_json(),
        "plan": compared.plan,
        **({"appliedPlan": run.plan.name, "planDigest": run.plan.digest} if run.plan else {}),
        "listed": dict(compared.listed),
        "outOfScope": dict(compared.out_of_scope),
        **_filtered(run.options, compared),
        "current": add_tallies({"current": tally.get(what, nothing)} for what in ("current", "kept"))[
            "current"
        ],
        "copied": tally.get("copied", nothing),
        "deleted": tally.get("deleted", nothing),
        DELETE_MARKERS: object_count(tally, DELETE_MARKERS),
        "skipped": _skipped(run, tally),
        "changed": {"objects": object_count(tally, "changed")},
        "unprovable": {"objects": compared.unprovable},
        "failed": {"objects": object_count(compared.tally, "failed") + done.failed()},
        **({"stopped": {"objects": done.stopped()}} if done.stopped() else {}),
        "causes": add_causes([compared.causes, done.causes]),
        "requests": requests,
        "unusualPages": compared.unusual_pages,
        **_costs(run, compared, done, others),
    }


def _skipped(run: Run, tally: Mapping[str, Any]) -> dict[str, int]:
    """Return how many objects were skipped, by word; "restoring" is one only where a restore may be asked for."""
    words = [what for what in SKIPPED if what != "restoring" or run.options.restore]
    return {what: object_count(tally, what) for what in words}


def _costs(
    run: Run, compared: ComparisonTotals, done: WorkTotals, others: Mapping[str, int]
) -> dict[str, Any]:
    """Return what the run has cost and its plan was to cost, by item, and which regions were priced as us-east-1."""
    cost, planned = run_cost(run, compared, done, others), planned_cost(run, compared)
    unknown = without_list((run.source.region, run.destination.region))
    return {
        "estimatedCostUsd": total_usd(cost),
        "cost": cost,
        "plannedCostUsd": total_usd(planned),
        "plannedCost": planned,
        **({"pricedAsUsEast1": unknown} if unknown else {}),
    }


def _filtered(options: Options, compared: ComparisonTotals) -> dict[str, Any]:
    """Return what filters left alone on either side, and what was not overwritten, of a run that has such options."""
    filtered = {"filtered": dict(compared.filtered)} if options.has_filters else {}
    existing = {"objects": compared.not_overwritten}
    return {**filtered, **({} if options.overwrite is True else {"notOverwritten": existing})}


def ending(
    state: Mapping[str, Any],
    compared: ComparisonTotals,
    copied: WorkTotals,
    deleted: WorkTotals,
    failures: str,
) -> Ending:
    """Return how the run ended; the first reason that applies is the one that is given. `failures` is the file to look into."""
    done, comparison = copied + deleted, state.get("comparison") or {}
    if state.get("error") and not stopping.has_ended_map(state, done):
        return Ending("SyncIncomplete", _broken_cause(state, done), phase_of(state))
    if comparison.get("broken"):
        return Ending("SyncIncomplete", f"{comparison['broken']}. Nothing was changed.", "comparing")
    if comparison.get("refusal"):
        return Ending(comparison.get("refusedAs", DELETION), comparison["refusal"], "planning")
    not_done = object_count(compared.tally, "failed") + done.not_done()
    unbalanced = describe_gaps(find_gaps(state, compared, copied, deleted))
    if stopping.is_stopped(state) and not unbalanced:
        next_step = _what_next(state, stopping.STRAGGLERS_ARE_OVER if done.unclear else "")
        cause = stopping.cause(compared, copied, deleted, phase_of(state), next_step)
        return Ending("Stopped", cause, phase_of(state))
    if not_done and not stopping.is_stopped(state):
        cause = _incomplete_cause(not_done, compared, done, failures, state)
        return Ending("SyncIncomplete", cause, phase_of(state))
    return Ending("SyncIncomplete", f"{unbalanced}.", phase_of(state)) if unbalanced else Ending()


def find_gaps(
    state: Mapping[str, Any], compared: ComparisonTotals, copied: WorkTotals, deleted: WorkTotals
) -> Iterator[str]:
    """Yield what does not add up in a run that has nothing else to complain about."""
    comparison = state.get("comparison") or {}
    books = compared.books()
    yield from comparison_gaps(books)
    yield from carried_gaps(comparison.get("books", {}), books)
    for name, done in (("copies", copied), ("deletes", deleted)):
        planned, began = books[name], bool(state.get(name))
        yield from work_gaps(
            name, planned, done.tally, done.unfinished_objects if began else planned, done.named
        )
        is_expected = comparison.get("next") == "apply" and not stopping.is_stopped(state)
        if planned and not began and is_expected:
            yield f"{planned:,} {name} were planned and none was begun"


def phase_of(state: Mapping[str, Any]) -> str:
    """Return in which phase a run was when it came to its report, in one word."""
    if state.get("verification"):
        return "verifying"
    if state.get("deletes") or (state.get("copies") or {}).get("next") == "delete":
        return "deleting"
    if (state.get("comparison") or {}).get("next") == "apply":
        return "copying"
    return "comparing" if state.get("comparison") else "starting"


def may_have_stragglers(state: Mapping[str, Any], done: WorkTotals) -> bool:
    """Whether Lambdas of the run may still be writing.

    A Map that breaks ends its children, not the Lambdas they wait for. One that goes on without a child that broke has waited
    for it, unless Step Functions itself did not learn how that child's Lambda ended.
    """
    is_broken = bool(state.get("error")) and not stopping.has_ended_map(state, done)
    return done.unclear > 0 or (is_broken and phase_of(state) in ("copying", "deleting"))


def _broken_cause(state: Mapping[str, Any], done: WorkTotals) -> str:
    error = state["error"]
    why = first_breakage(done) or f"{error.get('Error', '')}: {message_of(error.get('Cause', ''))}"
    when = stopping.STRAGGLERS_ARE_OVER if may_have_stragglers(state, done) else "now"
    return (
        f"the run broke while {phase_of(state)}: {why}. The logs of its Lambdas say more. What it had done by then is in the "
        f"report. {_what_next(state, when)}"
    )


def first_breakage(done: WorkTotals) -> str:
    """Return what broke first, and how many others did, in a sentence without its full stop; "" where nothing did."""
    if not done.breakages:
        return ""
    others = f" ({done.broken - 1:,} more broke)" if done.broken > 1 else ""
    return f"{Breakage.from_json(done.breakages[0]).describe()}{others}"


def _incomplete_cause(
    not_done: int,
    compared: ComparisonTotals,
    done: WorkTotals,
    failures: str,
    state: Mapping[str, Any],
) -> str:
    failed = object_count(compared.tally, "failed") + done.failed()
    changed = object_count(done.tally, "changed")
    remaining = compared.plan["delete"]["objects"] - object_count(done.tally, "deleted")
    why = "" if "deletes" in state else ": nothing is deleted after a failure"
    orphans = f" {_count_was(remaining, 'orphan')} kept{why}." if remaining > 0 else ""
    broke = first_breakage(done)
    broke = f" What broke: {broke}." if broke else ""
    next_step = _what_next(state, stopping.STRAGGLERS_ARE_OVER if done.unclear else "")
    return (
        f"{_count_was(not_done, 'object')} not synchronised ({failed:,} failed, {changed:,} changed meanwhile).{broke}{orphans} "
        f"The files that {failures} lists name them. {next_step}"
    )


def _what_next(state: Mapping[str, Any], when: str) -> str:
    """Return what to do after a run that is incomplete: a sync goes on where it stopped, a plan is good for one execution."""
    when = f" {when}" if when else ""
    if (state.get("run") or {}).get("plan"):
        return f"Make a new dry run{when}, it shows what is left: a plan is carried out once."
    return f"Start again{when}: a sync takes up where the last one stopped."


def _count_was(number: int, noun: str) -> str:
    """Return `1 object was`, `2 objects were`."""
    return f"{pluralize(number, noun)} {'was' if number == 1 else 'were'}"
