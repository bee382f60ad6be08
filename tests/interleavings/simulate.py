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
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), *(str(TESTS / folder) for folder in ("", "functional", "interleavings"))]

import conftest  # noqa: E402, F401 - false credentials, before anything imports boto3
from lease_orders import IN_THE_WAY, WAYS, Search  # noqa: E402
from seeds import Found, simulate  # noqa: E402

PROGRESS_SEEDS = 100


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
    sums = Sums()
    numbers = range(given.first, given.first + given.seeds)
    with multiprocessing.Pool(given.jobs, collect_rarely) as pool:
        for done, (found, seconds) in enumerate(pool.imap(timed, numbers, chunksize=20), 1):
            sums.add(found, seconds)
            if done % PROGRESS_SEEDS == 0:
                print(f"seeds {given.first} to {found.seed}: {sums.line()}", flush=True)
    return sums.tell()


def timed(number: int) -> tuple[Found, float]:
    """Simulate a seed; return what it came to, an error that nobody foresaw too, and its seconds of processor time."""
    began = time.process_time()
    try:
        found = simulate(number)
    except Exception:
        found = Found(number, "broken", [], [], traceback.format_exc())
    return found, time.process_time() - began


def search_leases() -> int:
    """Print how many orders there are of two runs that are in each other's way; return the exit status."""
    is_wrong = False
    for name, lines in IN_THE_WAY.items():
        for way, more in WAYS.items():
            began = time.process_time()
            search = Search(lines, **more).run()
            sums = f"{search.schedules:,} schedules, {len(search.states):,} states, {len(search.problems)} problems"
            print(f"{name}, {way}: {sums}, {time.process_time() - began:.1f} s", flush=True)
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


@dataclass
class Sums:
    """What many seeds came to; the schedules of those that failed are kept."""

    began: float = field(default_factory=time.monotonic)
    processor_seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    scenarios: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    schedules: set[int] = field(default_factory=set)
    failed: list[Found] = field(default_factory=list)

    def add(self, found: Found, processor_seconds: float) -> None:
        """Count a seed; print at once what is wrong with it."""
        self.processor_seconds += processor_seconds
        requests = sum(not step.startswith("--") for step in found.schedule)
        self.counts.update(seeds=1, steps=len(found.schedule), requests=requests)
        self.counts.update(deleted=found.deleted, stragglers=found.by_stragglers)
        self.scenarios[found.scenario] += 1
        self.outcomes.update(found.outcomes)
        self.schedules.add(hash(tuple(found.schedule)))
        if found.problem:
            self.failed.append(found)
            print(f"seed {found.seed} ({found.scenario}): {found.problem}", flush=True)

    def line(self) -> str:
        """Return the sums that say how far it is."""
        time_taken = f"{time.monotonic() - self.began:,.0f} s, {self.processor_seconds:,.0f} s of a processor"
        return (
            f"{self.counts['seeds']:,} seeds, {len(self.schedules):,} different schedules, "
            f"{self.counts['requests']:,} requests and starts, {len(self.failed)} seeds failed, {time_taken}"
        )

    def tell(self) -> int:
        """Print all sums, and the shortest schedule that failed; return the exit status."""
        print(self.line())
        print(f"scenarios: {dict(self.scenarios)}")
        print(f"executions: {dict(self.outcomes)}")
        print(f"deleted: {self.counts['deleted']:,}")
        print(f"requests of stragglers that reached a bucket: {self.counts['stragglers']:,}")
        if self.failed:
            print(f"seeds that failed: {[found.seed for found in self.failed]}")
            print_schedule(min(self.failed, key=lambda found: len(found.schedule)))
        return bool(self.failed)


if __name__ == "__main__":
    sys.exit(main())
