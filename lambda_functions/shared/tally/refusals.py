"""What keeps a plan from being carried out before anything is changed, in sentences for a person. Pure.

Asked for once, over the sums of a comparison that has read both sides to the end; of a dry run as well. The first that applies is
the one that is told: an emptied source, too many deletes, what looks like a wrong destination, too high a cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lambda_functions.shared.options import Options, max_deletes
from lambda_functions.shared.outcomes import pluralize
from lambda_functions.shared.run import Run
from lambda_functions.shared.tally.cost.costs import comparing_usd, planned_cost, total_usd
from lambda_functions.shared.tally.plan import ComparisonTotals

DELETION, COST = "DeletionRefused", "CostRefused"
# Where nobody has set a limit, so many deletes pass whatever their share is: a small mirror is a mirror from the start.
MAX_UNQUESTIONED_DELETES = 1000
NAMED_ITEMS = 3
WORDS = {
    "lists": "LIST requests",
    "reads": "requests that read",
    "transfer": "transfer between regions",
    "restore": "restores from archives",
    "earlyDeletion": "early deletion",
    "kms": "KMS",
    "lambda": "Lambda",
    "states": "state transitions",
}


@dataclass(frozen=True)
class Refusal:
    """Why a plan is not carried out; `error` is what the execution fails with."""

    error: str
    cause: str


def refusal(run: Run, compared: ComparisonTotals) -> Refusal | None:
    """Return what keeps the plan from being carried out, None if nothing does."""
    deletion = deletion_refusal(run.options, compared)
    if deletion:
        return Refusal(DELETION, deletion)
    cost = cost_refusal(run, compared)
    return Refusal(COST, cost) if cost else None


def deletion_refusal(options: Options, compared: ComparisonTotals) -> str:
    """Return why the planned deletes are refused; "" if they are not."""
    deletes, source_objects = compared.plan["delete"]["objects"], compared.left_of_source()
    if deletes and not source_objects and not options.allowEmptySource:
        return (
            f"{pluralize(deletes)} of {options.destination} would be deleted, and nothing is left of the source {options.source} "
            "after prefix, startAfter and filters. Nothing was changed. If the source is meant to be empty, start again with "
            '"allowEmptySource": true.'
        )
    in_scope = compared.in_scope("destination")
    most = max_deletes(options.maxDelete, in_scope)
    if most is None:
        return _wrong_destination(options, deletes, in_scope)
    if deletes > most:
        return (
            f"{pluralize(deletes)} of {options.destination} would be deleted; maxDelete allows {most:,} "
            f"({options.maxDelete}, of {in_scope:,} in scope). Nothing was changed. "
            f'The plan is in the report; if it is right, start again with "maxDelete": {deletes}.'
        )
    return ""


def _wrong_destination(options: Options, deletes: int, in_scope: int) -> str:
    if deletes <= MAX_UNQUESTIONED_DELETES or 2 * deletes <= in_scope:
        return ""
    return (
        f"{deletes:,} of the {in_scope:,} objects of {options.destination} in scope would be deleted, more than half of them: "
        "that is what a wrong destination looks like. Nothing was changed. If it is the right one, start again with "
        '"maxDelete": "100%".'
    )


def cost_refusal(run: Run, compared: ComparisonTotals) -> str:
    """Return why a plan is refused for what it is estimated to cost; "" if it is not."""
    most = run.options.maxCostUsd
    if most is None:
        return ""
    items = planned_cost(run, compared)
    planned = total_usd(items)
    if planned <= most:
        return ""
    enough = math.ceil(planned * 105) / 100
    return (
        f"carrying out the plan is estimated to cost {dollars(planned)} ({_largest(items)}); maxCostUsd allows {dollars(most)}. "
        f"Nothing was changed. Comparing has cost {dollars(comparing_usd(run, compared))} already. "
        f'The plan is in the report; if it is worth that, start again with "maxCostUsd": {enough:.2f}.'
    )


def dollars(usd: float) -> str:
    """Return an amount with as many digits as matter: `$12.30`, `$0.0004`."""
    if usd >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if usd >= 0.0001 or not usd else f"${usd:.8f}".rstrip("0")


def _largest(items: Mapping[str, float]) -> str:
    """Return the items that cost most, in words."""
    ordered = sorted(items.items(), key=lambda item: -item[1])
    named = [f"{_words(name)} {dollars(usd)}" for name, usd in ordered[:NAMED_ITEMS]]
    return ", ".join([*named, *(["..."] if len(ordered) > NAMED_ITEMS else [])])


def _words(item: str) -> str:
    _, is_of_class, storage_class = item.partition(".")
    return f"writes into {storage_class}" if is_of_class else WORDS.get(item, item)
