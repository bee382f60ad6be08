"""Every order in which two runs can take, use and give back their leases."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import pytest
from lease_orders import Search

from lambda_functions.shared.run import Run
from lambda_functions.shared.work_bucket.lease_cycles import Lease
from lambda_functions.shared.work_bucket.leases import LeaseFile, Leases

A_TO_B = {"source": "bucket-a", "destination": "bucket-b"}
B_TO_A = {"source": "bucket-b", "destination": "bucket-a"}
PART = {**A_TO_B, "prefix": "p/"}
C_TO_A = {"source": "bucket-c", "destination": "bucket-a"}
IN_THE_WAY = {"same": [A_TO_B, A_TO_B], "part": [A_TO_B, PART], "circle": [A_TO_B, B_TO_A]}
BOTH, ONE, NONE = ("taken", "taken"), ("AlreadyRunning", "taken"), ("AlreadyRunning", "AlreadyRunning")


@pytest.mark.parametrize("lines", IN_THE_WAY.values(), ids=IN_THE_WAY)
@pytest.mark.parametrize("dead", [False, True], ids=["", "beside a dead one"])
def test_never_do_both_write_and_each_gives_its_lease_back(lines: Sequence[Mapping[str, str]], dead: bool) -> None:
    search = Search(lines, dead=dead).run()
    assert search.problems == []
    assert {BOTH, ONE, NONE} <= search.outcomes
    assert search.schedules > 10


@pytest.mark.parametrize("lines", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_whichever_request_is_the_last_of_a_run_that_crashes(lines: Sequence[Mapping[str, str]]) -> None:
    search = Search(lines, crashes=1).run()
    assert search.problems == []
    assert ("AlreadyRunning", "crashed") in search.outcomes


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


@pytest.mark.skipif("EVERY_LEASE_ORDER" not in os.environ, reason="takes minutes: EVERY_LEASE_ORDER=1 asks for it")
def test_every_order_without_leaving_out_those_that_lead_to_a_known_state() -> None:
    search = Search([A_TO_B, A_TO_B], is_pruned=False).run()
    assert search.problems == []
    print(f"{search.schedules:,} schedules")
