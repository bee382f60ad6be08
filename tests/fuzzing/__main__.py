"""`python -m tests.fuzzing --seed 7 --seconds 60`: cases that are nearly right for everything that reads something.

Each target is given so many seconds. The status is 1 if a promise is broken, or if a target accepts none of its cases and so
tests nothing. `--only TARGET --case N` plays one case of the seed again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from deployment.text import short_repr

# Paths of the tests, false credentials, and the name of the work bucket.
from tests import conftest  # noqa: F401

from .running import Failure, Result, Target, run
from .targets import TARGETS


def main(arguments: Sequence[str]) -> int:
    """Try the cases; return the exit status."""
    options = _options(arguments)
    results = []
    for target in TARGETS:
        if not options.only or target.name in options.only:
            results.append(_run(target, options))
            print("\n".join(describe_failures(results[-1], options.seed)), end="", flush=True)
    print("\n".join(table(results, options.seed)))
    return int(not all(result.is_good for result in results))


def table(results: Sequence[Result], seed: int) -> Iterator[str]:
    """Yield the lines of what became of the cases."""
    yield f"Seed {seed}"
    yield f"{'target':<20} {'cases':>9} {'accepted':>9} {'refused':>9} {'failed':>7} {'seconds':>8}"
    for result in results:
        counts = f"{result.tried:>9,} {result.accepted:>9,} {result.refused:>9,} {result.failed:>7,}"
        remark = "  tests nothing: every case was refused" if result.tests_nothing else ""
        yield f"{result.name:<20} {counts} {result.seconds:>8.1f}{remark}"


def describe_failures(result: Result, seed: int) -> Iterator[str]:
    """Yield what each kind of failure raised, its smallest case, and how to play it again; an empty line at the end."""
    for failure in result.failures.values():
        yield from _describe(failure, result.name, seed)


def _describe(failure: Failure, name: str, seed: int) -> Iterator[str]:
    yield f"{name}, case {failure.number}: {failure.error!r}, at {failure.place}"
    yield f"  smallest case: {short_repr(failure.smallest, 3000)}"
    yield f"  play it again: python -m tests.fuzzing --seed {seed} --only {name} --case {failure.number}"
    yield ""


def _run(target: Target, options: argparse.Namespace) -> Result:
    if options.case is not None:
        return run(target, options.seed, cases=1, first=options.case)
    return run(target, options.seed, seconds=options.seconds, cases=options.cases)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.fuzzing", description=(__doc__ or "").split("\n\n")[0])
    names = [target.name for target in TARGETS]
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each target")
    parser.add_argument("--cases", type=int, default=0, help="so many for each target instead")
    parser.add_argument("--only", nargs="+", choices=names, metavar="TARGET", help=", ".join(names))
    parser.add_argument("--case", type=int, help="the number of the one case that is played again")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
