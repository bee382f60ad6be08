"""`python -m benchmarks`: measure, write results.json, and make table, plots and documents from it. See README.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import documents, plots, tables
from benchmarks.children import PROJECT, CommandFailed
from benchmarks.planning import Pace, Planned, plan_all
from benchmarks.results import Results, this_machine
from benchmarks.shapes import SHAPES
from benchmarks.syncing import Synced, order, sync_all
from benchmarks.tools import OURS, OURS_ALL, OURS_BOTOCORE, Tool, installed_peers

PARTS = ("planning-latency", "compare", "growth", "sync", "latency", "metadata")
COMPARED_KEYS = (200_000, 1_000_000)
GROWTH_KEYS = (10_000, 100_000)
OUR_GROWTH_KEYS = (2_000_000, 10_000_000)
QUICK_KEYS = (5_000, 10_000)
METADATA_KEYS = 10_000
S3_DELAY_MS = (30.0, 80.0)
# One LIST of 1,000 keys takes so long: https://github.com/aws-samples/s3-fast-list
LIST_DELAY_MS = 80.0
DELAYED_KEYS = (20_000, 100_000, 1_000_000)
OUR_DELAYED_KEYS = (2_000,)
NO_DELAY_MS = (0.0, 0.0)
RESULTS = PROJECT / "benchmarks" / "results.json"
IMAGES = PROJECT / "docs" / "images"


def main(arguments: Sequence[str]) -> int:
    """Return the exit status."""
    options = _options(arguments)
    try:
        results = Results.read(options.results) if options.tables_only else _measure(options)
    except CommandFailed as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if not options.tables_only:
        if options.parts and options.results.exists():
            results = results.completed_by(Results.read(options.results))
        results.write(options.results)
    print(tables.performance(results))
    if options.write_docs:
        _write_documents(results)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; default: all")
    add("--keys", type=int, nargs="+", metavar="N", help="keys a side to plan; default: see README.md")
    add("--objects", type=int, default=5000, help="objects to sync; default: %(default)s")
    add("--delayed-objects", type=int, default=2000, help="objects to sync with delay; default: %(default)s")
    add("--repeats", type=int, default=3, help="plans of each tool, unless slow; default: %(default)s")
    add("--rounds", type=int, default=2, help="whole syncs of each tool; default: %(default)s")
    add(
        "--longest",
        type=float,
        default=200,
        metavar="SECONDS",
        help="skip what takes longer; default: %(default)s",
    )
    add("--quick", action="store_true", help="everything tiny, in less than a minute")
    add("--only-ours", action="store_true", help="leave the peers out")
    add("--results", type=Path, default=RESULTS, help="default: benchmarks/results.json")
    add("--from", dest="source", type=Path, help="measure nothing, take these results")
    add(
        "--write-docs",
        action="store_true",
        help="put tables into README.md and docs/, plots into docs/images/",
    )
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    options.tables_only = options.source is not None
    options.results = options.source or options.results
    if options.quick:
        options.objects, options.delayed_objects, options.repeats, options.rounds = 200, 50, 1, 1
    return options


def _measure(options: argparse.Namespace) -> Results:
    parts = options.parts or PARTS
    metadata = _metadata(options, parts)
    delayed = _delayed(options, parts)
    return Results(this_machine(), _plans(options, parts), _syncs(options, parts), metadata, delayed)


def _delayed(options: argparse.Namespace, parts: Sequence[str]) -> list[Planned]:
    """Measure planning with the latency of S3, beside the peers, and ours with keys of every shape."""
    if "planning-latency" not in parts:
        return []
    pace = Pace(options.repeats, options.longest)
    sizes = QUICK_KEYS if options.quick else options.keys or DELAYED_KEYS
    ours = sizes if options.quick or options.keys else (*OUR_DELAYED_KEYS, *sizes)
    delayed = plan_all(sizes, [*_peers(options), OURS], pace, _say, LIST_DELAY_MS)
    for shape in SHAPES:
        _say(f"keys: {shape}")
        delayed += plan_all(ours, [OURS], pace, _say, LIST_DELAY_MS, shape)
    return delayed


def _metadata(options: argparse.Namespace, parts: Sequence[str]) -> list[Planned]:
    """Measure what asking for the metadata of every object costs, beside the same plan without."""
    if "metadata" not in parts:
        return []
    keys = min(QUICK_KEYS) if options.quick else METADATA_KEYS
    return plan_all([keys], [OURS, OURS_ALL], Pace(options.repeats, options.longest), _say)


def _plans(options: argparse.Namespace, parts: Sequence[str]) -> list[Planned]:
    pace = Pace(options.repeats, options.longest)
    sizes, ours_only = _sizes(options, parts)
    planned = plan_all(sizes, [*_peers(options), OURS_BOTOCORE, OURS], pace, _say)
    return planned + plan_all(ours_only, [OURS], pace, _say)


def _sizes(options: argparse.Namespace, parts: Sequence[str]) -> tuple[Sequence[int], Sequence[int]]:
    """Return the sizes for all tools, and those for us alone."""
    if options.quick:
        return QUICK_KEYS if {"compare", "growth"} & set(parts) else (), ()
    compared = (options.keys or COMPARED_KEYS) if "compare" in parts else ()
    return (*compared, *GROWTH_KEYS) if "growth" in parts else compared, (
        OUR_GROWTH_KEYS if "growth" in parts else ()
    )


def _syncs(options: argparse.Namespace, parts: Sequence[str]) -> list[Synced]:
    synced = []
    tools = order(_peers(options))
    if "sync" in parts:
        synced += sync_all(options.objects, tools, options.rounds, NO_DELAY_MS, _say)
    if "latency" in parts:
        synced += sync_all(options.delayed_objects, tools, options.rounds, S3_DELAY_MS, _say)
    return synced


def _peers(options: argparse.Namespace) -> tuple[Tool, ...]:
    return () if options.only_ours else installed_peers(_say)


def _write_documents(results: Results) -> None:
    for path in plots.draw(results, IMAGES):
        _say(f"wrote {path.relative_to(PROJECT)}")
    documents.put(PROJECT / "docs" / "performance.md", tables.performance(results))
    documents.put(PROJECT / "README.md", tables.summary(results))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
