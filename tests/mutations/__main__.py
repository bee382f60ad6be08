"""`python -m tests.mutations --seed 7 --sample 30 --modules dangerous`: tells which small changes no test notices.

First all files are changed together so that nothing changes, which has to pass; then changes drawn with the seed, evenly over the
files. The status is 1 if the change of nothing is noticed, or fewer of the others than `--at-least` percent. The copies that are
changed are made at the beginning.
"""

from __future__ import annotations

import argparse
import random
import shlex
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from .changes import Change, null_change
from .running import Copy, Result
from .targets import changes_of, files_of, nearest_tests

PROJECT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Try the changes; return the exit status."""
    options = _options(arguments)
    paths = files_of(PROJECT, options.modules)
    drawn = draw({path: changes_of(PROJECT, path) for path in paths}, options.sample, options.seed)
    changes = drawn[options.skip :]
    touched = sorted({change.path for change in changes})
    nulls = [null_change(path, (PROJECT / path).read_bytes()) for path in touched] if options.nulls else []
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(options.jobs):
            prefix = tuple(shlex.split(options.prefix))
            copies.put(Copy.of(PROJECT, Path(folder, str(number)), prefix, options.timeout))
        wrong = _noticed_nothing(nulls, copies, options)
        results = [] if wrong else list(_tried(changes, copies, options))
    print(f"Changes of nothing, to {len(nulls)} files: {f'noticed by {wrong}' if wrong else 'not noticed'}")
    for line in report(paths, results, options.seed):
        print(line)
    noticed = sum(bool(result.noticed_by) for result in results)
    return int(bool(wrong) or noticed * 100 < len(results) * options.at_least)


def draw(by_path: dict[str, list[Change]], sample: int, seed: int) -> list[Change]:
    """Return so many changes, drawn evenly: one of each file in turn, as long as it has any."""
    chance = random.Random(seed)
    left = {path: chance.sample(changes, len(changes)) for path, changes in by_path.items()}
    drawn: list[Change] = []
    while len(drawn) < sample and any(left.values()):
        turn = [path for path in left if left[path]]
        chance.shuffle(turn)
        drawn += [left[path].pop() for path in turn[: sample - len(drawn)]]
    return drawn


def report(paths: Iterable[str], results: Sequence[Result], seed: int) -> Iterator[str]:
    """Yield the lines of a table by file, and each change that no test noticed."""
    if not results:
        return
    yield f"Seed {seed}: noticed, of the changes that were tried"
    for path in paths:
        of_it = [bool(result.noticed_by) for result in results if result.change.path == path]
        if of_it:
            yield f"  {sum(of_it):4} of {len(of_it):4}  {path}"
    noticed = sum(bool(result.noticed_by) for result in results)
    yield f"  {noticed:4} of {len(results):4}  in all: {noticed / len(results):.1%}"
    yield "Not noticed:"
    for result in sorted(results, key=lambda one: (one.change.path, one.change.line)):
        if not result.noticed_by:
            yield f"  {_described(result.change)}"


def _noticed_nothing(nulls: Sequence[Change], copies: SimpleQueue[Copy], options: argparse.Namespace) -> str:
    """Return the first of all tests that the other changes may meet which notices these; "" if none does."""
    if not nulls:
        return ""
    nearest = [test for change in nulls for stage in nearest_tests(change.path) for test in stage]
    copy = copies.get()
    try:
        return copy.try_together(nulls, list(dict.fromkeys([*nearest, *options.then.split()])))
    finally:
        copies.put(copy)


def _tried(
    changes: Iterable[Change], copies: SimpleQueue[Copy], options: argparse.Namespace
) -> Iterator[Result]:
    def attempt(change: Change) -> Result:
        copy = copies.get()
        try:
            return copy.try_change(
                change, nearest_tests(change.path) + [[one] for one in options.then.split()]
            )
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(attempt, changes):
            how = f"noticed by {result.noticed_by}" if result.noticed_by else "NOT NOTICED"
            print(f"{_described(result.change)}  {how}", file=sys.stderr, flush=True)
            yield result


def _described(change: Change) -> str:
    return change.describe((PROJECT / change.path).read_bytes())


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.mutations", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=30, help="how many changes are tried")
    parser.add_argument("--skip", type=int, default=0, help="how many of them were tried before")
    parser.add_argument(
        "--modules", default="dangerous", help='"dangerous", "even", or parts of paths, with commas'
    )
    parser.add_argument("--then", default="tests/unit", help="tests for what the nearest do not notice")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at once")
    parser.add_argument(
        "--timeout", type=float, default=600, help="seconds; tests that take longer have noticed"
    )
    parser.add_argument("--at-least", type=float, default=0, help="percent that must be noticed")
    parser.add_argument("--prefix", default="", help="a command that runs each pytest, such as nice")
    parser.add_argument(
        "--no-nulls", dest="nulls", action="store_false", help="leave out the changes of nothing"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
