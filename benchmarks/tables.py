"""The results as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.planning import Planned
from benchmarks.results import Results
from benchmarks.syncing import SCENARIOS, Synced
from benchmarks.tools import OURS

LIST_TITLES = {
    "planned": "plans without a delay",
    "synced": "whole syncs",
    "metadata": "plans that ask for all metadata",
    "delayed": "plans with a delay",
}


def performance(results: Results) -> str:
    """Return everything, for docs/performance.md."""
    planned = (*_delayed(results.delayed), *_plans(results.planned), *_metadata(results.metadata))
    parts = (*planned, *_syncs(results.synced))
    return "\n\n".join([*_machines(results), *parts])


def summary(results: Results) -> str:
    """Return two tables for the README: plans at the greatest size that most tools have, whole syncs with the longest delay."""
    parts = []
    delayed = _most_compared([run for run in results.delayed if not run.shape])
    if delayed:
        parts += [f"Planning a sync of {_delayed_title(delayed[0])}:", _delayed_table(delayed)]
    longest = max((run.delay_ms for run in results.synced), default=None)
    some = [run for run in results.synced if run.delay_ms == longest]
    if some:
        parts += [f"{_sync_title(some[0])}, seconds:", _wall_table(some)]
    return "\n\n".join(parts)


def _most_compared(runs: Sequence[Planned]) -> list[Planned]:
    """Return the plans of the greatest size that most tools have."""
    tools = Counter(run.keys for run in runs)
    most = max(tools, key=lambda keys: (tools[keys], keys), default=0)
    return [run for run in runs if run.keys == most]


def _delayed(runs: Sequence[Planned]) -> Iterable[str]:
    invented, shaped = ([run for run in runs if bool(run.shape) is is_shaped] for is_shaped in (False, True))
    for keys in sorted({run.keys for run in invented}):
        some = [run for run in invented if run.keys == keys]
        yield f"### Planning, {_delayed_title(some[0])}"
        yield _delayed_table(some)
    if shaped:
        yield f"### Planning with keys of ten shapes, {shaped[0].delay_ms:g} ms a request, SyncBuckets"
        yield "Seconds from the first client to the record, and LISTs beyond the pages of both sides:"
        yield _shape_table(shaped)


def _delayed_title(run: Planned) -> str:
    return f"{_count(run.keys)} keys a side, {run.delay_ms:g} ms a request"


def _delayed_table(runs: Sequence[Planned]) -> str:
    ours = next((run for run in runs if run.tool == OURS.name), None)
    head = [
        "",
        "wall clock, s",
        "beside ours",
        "excluding start, s",
        "processor, s",
        "peak memory, MB",
        "LIST",
        "extra LISTs",
    ]
    rows = [
        [
            run.tool,
            f"{run.wall_seconds:.2f}",
            f"{run.wall_seconds / ours.wall_seconds:.1f} x" if ours else "",
            "" if run.plan_seconds is None else f"{run.plan_seconds:.2f}",
            f"{run.cpu_seconds:.2f}",
            f"{run.peak_bytes / 1e6:.0f}",
            _count(run.requests["LIST"]),
            _count(run.extra_lists),
        ]
        for run in runs
    ]
    return table(head, rows)


def _shape_table(runs: Sequence[Planned]) -> str:
    sizes = sorted({run.keys for run in runs})
    told = {(run.shape, run.keys): f"{run.plan_seconds:.2f}, {run.extra_lists}" for run in runs}
    rows = [
        [shape, *(told.get((shape, keys), "") for keys in sizes)]
        for shape in dict.fromkeys(run.shape for run in runs)
    ]
    return table(["keys a side", *map(_count, sizes)], rows)


def _machines(results: Results) -> Iterable[str]:
    """Yield on what all was measured, and what was measured earlier or elsewhere."""
    yield f"Measured so: {_machine(results.machine)}."
    earlier = [(name, machine) for name, machine in results.earlier.items() if machine != results.machine]
    for machine in (
        one for number, (_, one) in enumerate(earlier) if one not in [m for _, m in earlier[:number]]
    ):
        names = " and ".join(LIST_TITLES[name] for name, found in earlier if found == machine)
        yield f"{names[0].upper()}{names[1:]} so: {_machine(machine)}."


def _machine(machine: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in machine.items())


def _plans(runs: Sequence[Planned]) -> Iterable[str]:
    for keys in sorted({run.keys for run in runs}):
        yield f"### Planning, {_count(keys)} keys a side"
        yield _plan_table([run for run in runs if run.keys == keys])


def _metadata(runs: Sequence[Planned]) -> Iterable[str]:
    if runs:
        yield f"### Planning with the metadata of every object, {_count(runs[0].keys)} keys a side"
        yield _plan_table(runs)


def _plan_table(runs: Sequence[Planned]) -> str:
    ours = next((run for run in runs if run.tool == OURS.name), None)
    head = [
        "",
        "processor, s",
        "beside ours",
        "wall clock, s",
        "peak memory, MB",
        "requests",
        "pages left to botocore",
    ]
    rows = [
        [
            run.tool,
            f"{run.cpu_seconds:.2f}",
            f"{run.cpu_seconds / ours.cpu_seconds:.1f} x" if ours else "",
            f"{run.wall_seconds:.2f}",
            f"{run.peak_bytes / 1e6:.0f}",
            _requests(_to_buckets(run.requests)),
            "" if run.unusual_pages is None else str(run.unusual_pages),
        ]
        for run in runs
    ]
    return table(head, rows)


def _to_buckets(requests: Mapping[str, int]) -> Mapping[str, int]:
    return {kind: count for kind, count in requests.items() if not kind.startswith("WORK_")}


def _syncs(runs: Sequence[Synced]) -> Iterable[str]:
    for delay in sorted({run.delay_ms for run in runs}):
        some = [run for run in runs if run.delay_ms == delay]
        yield f"### Whole syncs: {_sync_title(some[0])}"
        yield "Seconds on the wall clock:"
        yield _wall_table(some)
        yield "Requests as the proxy counted them:"
        yield _request_table(some)


def _sync_title(run: Synced) -> str:
    least, most = run.delay_ms
    delay = f"every request delayed by {least:g} to {most:g} ms" if most else "no delay"
    return f"{_count(run.objects)} objects, {delay}"


def _wall_table(runs: Sequence[Synced]) -> str:
    tools = list(dict.fromkeys(run.tool for run in runs))
    seconds = {(run.tool, run.scenario): f"{run.wall_seconds:.1f}" for run in runs}
    rows = [[tool, *(seconds[tool, scenario] for scenario in SCENARIOS)] for tool in tools]
    return table(["", *SCENARIOS], rows)


def _request_table(runs: Sequence[Synced]) -> str:
    rows = [
        [run.scenario, run.tool, _requests(run.requests), _requests(run.work_requests)]
        for scenario in SCENARIOS
        for run in runs
        if run.scenario == scenario
    ]
    return table(["", "", "to the two buckets", "to our work bucket"], rows)


def _requests(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{_count(count)} {kind}" for kind, count in sorted(counts.items()))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _count(number: int) -> str:
    return f"{number:,}"
