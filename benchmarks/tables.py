"""The results as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.planning import Planned
from benchmarks.results import Results
from benchmarks.syncing import SCENARIOS, Synced
from benchmarks.tools import OURS


def performance(results: Results) -> str:
    """Return everything, for docs/performance.md."""
    parts = (*_plans(results.planned), *_metadata(results.metadata), *_syncs(results.synced))
    return "\n\n".join([_machine(results.machine), *parts])


def summary(results: Results) -> str:
    """Return one table for the README: the comparison at the greatest size that most tools have, and the whole syncs."""
    tools = Counter(run.keys for run in results.planned)
    most = max(tools, key=lambda keys: (tools[keys], keys), default=0)
    biggest = [run for run in results.planned if run.keys == most]
    parts = (
        [f"Planning a sync of {_count(biggest[0].keys)} keys a side:", _plan_table(biggest)]
        if biggest
        else []
    )
    for delay in sorted({run.delay_ms for run in results.synced}):
        some = [run for run in results.synced if run.delay_ms == delay]
        parts += [f"{_sync_title(some[0])}, seconds:", _wall_table(some)]
    return "\n\n".join(parts)


def _machine(machine: Mapping[str, object]) -> str:
    listed = ", ".join(f"{name} {value}" for name, value in machine.items())
    return f"Measured so: {listed}."


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
        "to ours",
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
    return _table(head, rows)


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
    delay = f"every request held back for {least:g} to {most:g} ms" if most else "no delay"
    return f"{_count(run.objects)} objects, {delay}"


def _wall_table(runs: Sequence[Synced]) -> str:
    tools = list(dict.fromkeys(run.tool for run in runs))
    seconds = {(run.tool, run.scenario): f"{run.wall_seconds:.1f}" for run in runs}
    rows = [[tool, *(seconds[tool, scenario] for scenario in SCENARIOS)] for tool in tools]
    return _table(["", *SCENARIOS], rows)


def _request_table(runs: Sequence[Synced]) -> str:
    rows = [
        [run.scenario, run.tool, _requests(run.requests), _requests(run.work_requests)]
        for scenario in SCENARIOS
        for run in runs
        if run.scenario == scenario
    ]
    return _table(["", "", "to the two buckets", "to our work bucket"], rows)


def _requests(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{_count(count)} {kind}" for kind, count in sorted(counts.items()))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _count(number: int) -> str:
    return f"{number:,}"
