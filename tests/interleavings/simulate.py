"""Simulate many seeds, or one with its schedule.

python tests/interleavings/simulate.py --seeds 10000 --jobs 2
python tests/interleavings/simulate.py --seed 4711
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import time
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), *(str(TESTS / folder) for folder in ("", "functional", "interleavings"))]

import conftest  # noqa: E402, F401 - false credentials, before anything imports boto3
from lease_orders import IN_THE_WAY, Search  # noqa: E402
from seeds import Found, simulate  # noqa: E402


def main() -> int:
    """Return the exit status: 1 if a seed has failed."""
    parser = argparse.ArgumentParser(description="Simulate interleavings of runs, request by request.")
    parser.add_argument("--seed", type=int, help="only this one; its schedule is printed")
    parser.add_argument("--first", type=int, default=0, help="the first of many seeds (0)")
    parser.add_argument("--seeds", type=int, default=300, help="how many (300)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once (1)")
    parser.add_argument(
        "--leases", action="store_true", help="every order of the requests of two leases instead"
    )
    given = parser.parse_args()
    if given.leases:
        return search_leases()
    if given.seed is not None:
        found = simulate(given.seed)
        print_schedule(found)
        return bool(found.problem)
    began = time.monotonic()
    numbers = range(given.first, given.first + given.seeds)
    with multiprocessing.Pool(given.jobs, collect_rarely) as pool:
        return summary(list(pool.imap(simulate, numbers, chunksize=20)), time.monotonic() - began)


def search_leases() -> int:
    """Print how many orders there are of two runs that are in each other's way; return the exit status."""
    is_wrong = False
    for name, lines in IN_THE_WAY.items():
        for more in ({}, {"dead": True}, {"crashes": 1}):
            began = time.process_time()
            search = Search(lines, **more).run()
            sums = f"{search.schedules:,} schedules, {len(search.states):,} states, {len(search.problems)} problems"
            print(f"{name} {more or ''}: {sums}, {time.process_time() - began:.1f} s")
            is_wrong |= bool(search.problems)
    return int(is_wrong)


def collect_rarely() -> None:
    """Look for garbage less often; looking takes a third of the time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def print_schedule(found: Found) -> None:
    """Print what happened, step by step."""
    print(f"seed {found.seed}: {found.scenario}")
    for number, step in enumerate(found.schedule, 1):
        print(f"{number:5} {step}")
    print(f"outcomes: {found.outcomes}\n{found.problem or 'every promise was kept'}")


def summary(every: list[Found], seconds: float) -> int:
    """Print sums and the seeds that failed; return the exit status."""
    failed = [found for found in every if found.problem]
    steps = sum(len(found.schedule) for found in every)
    print(f"{len(every):,} seeds, {steps:,} steps, {seconds:,.0f} s")
    print(f"scenarios: {dict(Counter(found.scenario for found in every))}")
    print(f"executions: {dict(Counter(outcome for found in every for outcome in found.outcomes))}")
    print(f"deleted: {sum(found.deleted for found in every):,}")
    print(f"requests of stragglers that reached a bucket: {sum(found.by_stragglers for found in every):,}")
    for found in failed:
        print(f"seed {found.seed} ({found.scenario}): {found.problem}")
    if failed:
        print_schedule(min(failed, key=lambda found: len(found.schedule)))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
