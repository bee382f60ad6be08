"""Every order in which two runs can take, use and give back their leases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from lease_orders import A_TO_B, B_TO_A, IN_THE_WAY, WAYS, Search

from lambda_functions.shared.run import Run
from lambda_functions.shared.work_bucket.lease_cycles import Lease
from lambda_functions.shared.work_bucket.leases import LeaseFile, Leases

C_TO_A = {"source": "bucket-c", "destination": "bucket-a"}
BOTH, ONE, NONE = ("taken", "taken"), ("AlreadyRunning", "taken"), ("AlreadyRunning", "AlreadyRunning")


CRASHED: Sequence[set[tuple[str, ...]]] = (
    set(),
    {("AlreadyRunning", "crashed"), ("crashed", "taken")},
    {("AlreadyRunning", "crashed"), ("crashed", "taken"), ("crashed", "crashed")},
)
TOLD = (Path(__file__).parents[1] / "README.md").read_text().splitlines()


# What `simulate.py --leases` tells.
@pytest.mark.parametrize("lines", IN_THE_WAY)
@pytest.mark.parametrize("more", WAYS)
def test_never_do_both_write_and_each_gives_its_lease_back(lines: str, more: str) -> None:
    search = Search(IN_THE_WAY[lines], **WAYS[more]).run()
    assert search.problems == []
    assert search.outcomes == {BOTH, ONE, NONE} | CRASHED[search.crashes]
    (row,) = [line for line in TOLD if line.startswith(f"| {more} |")]
    assert f" {search.schedules:,} " in row, (
        "tests/README.md has another figure than `simulate.py --leases` tells"
    )


def test_runs_that_are_in_nobodys_way_are_never_refused() -> None:
    search = Search([A_TO_B, C_TO_A]).run()
    assert search.outcomes == {BOTH}
    assert {problem for problem, _ in search.problems} == {"both write"}


def test_a_take_that_does_not_look_at_others_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leases, "_refuse_overlapping", lambda *_: [])
    search = Search([A_TO_B, A_TO_B]).run()
    assert "both write" in {problem for problem, _ in search.problems}


def test_a_take_that_looks_before_it_writes_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    write, cycles = Leases._write, Leases._refuse_cycles
    given: dict[int, tuple[str, Run]] = {}

    def write_later(self: Leases, key: str, run: Run) -> bool:
        given[id(self)] = (key, run)
        return True

    def write_now(self: Leases, mine: Lease, others: Sequence[LeaseFile]) -> None:
        cycles(self, mine, others)
        write(self, *given[id(self)])

    monkeypatch.setattr(Leases, "_write", write_later)
    monkeypatch.setattr(Leases, "_refuse_cycles", write_now)
    search = Search([A_TO_B, A_TO_B]).run()
    assert "both write" in {problem for problem, _ in search.problems}


def test_ways_that_meet_are_followed_once_and_counted_all() -> None:
    pruned, whole = (
        Search([A_TO_B, B_TO_A], is_pruned=pruned, most_steps=9).run() for pruned in (True, False)
    )
    assert pruned.states == whole.states
    assert pruned.schedules == whole.ends > pruned.ends
