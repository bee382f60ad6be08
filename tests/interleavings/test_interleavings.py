"""Executions that meet, request by request, in the orders that seeds draw; and that the rules would notice what they are for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from seeds import SCENARIOS, Found, Seed, simulate

from lambda_functions import tally_run
from lambda_functions.shared.apply import copier, deleter
from lambda_functions.shared.tally import phases
from lambda_functions.shared.work_bucket import executions as asked
from lambda_functions.shared.work_bucket.lease_cycles import Lease, overlapping
from lambda_functions.shared.work_bucket.leases import Leases

# `simulate.py` runs as many as one has time for.
SEEDS = int(os.environ.get("INTERLEAVING_SEEDS", "300"))
BLOCKS = 10
# With each fault below stands a seed that soon finds it; when the order of requests has changed since, another of so many does.
ENOUGH_SEEDS = 400


@pytest.mark.parametrize("block", range(BLOCKS))
def test_whatever_the_order_nothing_is_lost_nobody_is_in_the_way_and_the_next_run_converges(
    block: int,
) -> None:
    for number in range(block, SEEDS, BLOCKS):
        found = simulate(number)
        assert not found.problem, explain(found)


def explain(found: Found) -> str:
    """Return what a person needs: the schedule, and how to see it again."""
    steps = "\n".join(found.schedule)
    again = f"python tests/interleavings/simulate.py --seed {found.seed}"
    return f"{found.problem}\nseed {found.seed}, {found.scenario}, again by `{again}`:\n{steps}"


# Among them are seeds that begin uploads, whose ids become names of files.
@pytest.mark.parametrize("number", [3, 5, 7])
def test_a_seed_is_the_same_whenever_it_is_simulated(number: int) -> None:
    first, again = simulate(number), simulate(number)
    assert first == again
    assert len(first.schedule) > 100


def problems(scenario: str, first_seed: int) -> Iterator[str]:
    """Yield the problems that seeds find from this one on, all of them with this scenario and rough."""
    for number in range(first_seed, first_seed + ENOUGH_SEEDS):
        seed = Seed(number)
        seed.scenario, seed.roughness = scenario, 1.5
        problem = seed.simulate().problem
        if problem:
            yield problem


Patch = Callable[[pytest.MonkeyPatch], None]


def no_overlap(patch: pytest.MonkeyPatch) -> None:
    def only_the_dead(self: Leases, run: Any, others: Any) -> Any:
        there = [file for file in others if overlapping(file.lease, Lease.of(run))]
        return [file for file in there if not self._busy_until(file)]

    patch.setattr(Leases, "_refuse_overlapping", only_the_dead)


def no_circles(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Leases, "_refuse_cycles", lambda *_: None)


def no_wait_for_stragglers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(asked, "STRAGGLERS_SECONDS", -1)


def no_condition_on_the_destination(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(copier, "destination_condition", lambda item: {})


def no_etags_of_orphans(patch: pytest.MonkeyPatch) -> None:
    members = deleter._members_of_a_key
    patch.setattr(
        deleter, "_members_of_a_key", lambda client: {name: 0 for name in members(client) if name != "ETag"}
    )
    patch.setattr(deleter, "extra_headers", lambda *_: contextlib.nullcontext())


def no_question_to_the_source(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(deleter.Deleter, "_check_source", lambda *_: None)


def deletes_after_failures(patch: pytest.MonkeyPatch) -> None:
    tally = phases.tally_copies

    def always_on(*given: Any) -> dict[str, Any]:
        said = tally(*given)
        return {**said, "next": "delete" if said["next"] == "report" else said["next"]}

    patch.setitem(tally_run.PHASES, "copies", always_on)


FAULTS: Mapping[str, tuple[Patch, str, int, str]] = {
    "leases that overlap": (no_overlap, "twice the same", 8, "is writing"),
    "leases of a part and the whole": (no_overlap, "a part and the whole", 11, "is writing"),
    "circles": (no_circles, "there and back", 26, "is writing"),
    "stragglers": (no_wait_for_stragglers, "twice the same", 8, "is writing"),
    "conditions of copies": (
        no_condition_on_the_destination,
        "twice the same",
        22,
        "it replaces what was not there",
    ),
    "conditions of deletes": (no_etags_of_orphans, "twice the same", 10, "no plan says"),
    "questions to the source": (no_question_to_the_source, "twice the same", 0, "was not told"),
    "deletes after failures": (
        deletes_after_failures,
        "twice the same",
        15,
        "no plan says or its copies do not allow",
    ),
}


@pytest.mark.parametrize("what", FAULTS)
def test_seeds_notice_a_run_without(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, scenario, first_seed, words = FAULTS[what]
    assert scenario in SCENARIOS
    break_it(monkeypatch)
    others = []
    for problem in problems(scenario, first_seed):
        if words in problem:
            return
        others.append(problem)
    pytest.fail(f"none of {ENOUGH_SEEDS} seeds from {first_seed} on finds that {words!r}, but {others}")
