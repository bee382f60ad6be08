"""The figures as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from itertools import product

from benchmarks.scale.clock import Clock
from benchmarks.scale.comparing import VirtualBuckets, entries
from benchmarks.scale.constants import Constants
from benchmarks.scale.runs import Job, Run
from benchmarks.shapes import SHAPES
from benchmarks.tables import table as markdown
from lambda_functions.shared.compare.compare import budget_seconds
from lambda_functions.shared.s3.list_page import Entry
from lambda_functions.shared.tally.cost.costs import estimate_usd

SIZES = (10**3, 10**5, 10**6, 10**9)
ACCOUNTS = (5, 40, 1000)
NOTHING, SOME, ALL = "nothing", "1 % copied, 0.1 % deleted", "all copied, the destination is empty"
BILLION = Job(10**9)
# The scheduler at a tenth of a billion objects: pages of 10 keys, so that they fit into memory, and a tenth of each budget.
TENTH_KEYS, TENTH_PAGE = 10**6, 10
WHY = {
    "ValidateInput": "asks both buckets and takes the lease: nothing may begin before",
    "ListRanges": "lists both buckets, compares, adds up and writes the plan, all in one invocation",
    "CopyKeys": "the copies: a worker for each shard, which may be killed and go on",
    "TallyCopies": "orphans may go only after every copy has succeeded",
    "DeleteOrphanedKeys": "asks at the source for each orphan again, then deletes",
    "TallyDeletes": "the books must balance before the report says so",
    "Report": "writes the report, aborts what is left under way, gives back the lease",
}


def jobs(objects: int) -> dict[str, Job]:
    """Return what may be to do with so many objects."""
    some = Job(objects, objects // 100, objects // 1000)
    return {NOTHING: Job(objects), SOME: some, ALL: Job(objects, objects, is_first=True)}


def everything() -> str:
    """Return all tables."""
    parts = {"Time, states, dollars": runs(), "Each step of small runs, 1,000 objects": steps(),
             "A billion keys by the scheduler itself, at a tenth of the pages, 40 workers": scheduler(),
                  "What a report would count": counts(), "Constants": constants()}  # fmt: skip
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts.items())


def runs() -> str:
    """Return what runs of all sizes take and cost, by the number of workers that accounts give."""
    rows, bill = list[list[object]](), dict[str, float]()
    for objects, change, workers in product(SIZES, (NOTHING, SOME, ALL), ACCOUNTS):
        clock = Clock(Run(jobs(objects)[change], workers))
        bill = dict(clock.bill())
        rows.append([power(objects), change, f"{workers:,}", len(clock.run.waves), clock.run.transitions,
                     duration(clock.wall_seconds), *map(usd, bill.values()), usd(sum(bill.values()))])  # fmt: skip
    return table(["objects", "to do", "workers", "waves", "state transitions", "time", *bill, "all, $"], rows)


def steps() -> str:
    """Return the seconds of each step of runs of 1,000 objects, and why it stays."""
    clocks = [Clock(Run(jobs(1000)[change], 40)) for change in (NOTHING, SOME)]
    seconds = [{step.name: f"{wall:.1f}" for step, wall in clock.steps} for clock in clocks]
    rows = [[f"`{name}`", *(one.get(name, "") for one in seconds), WHY[name]] for name in seconds[-1]]
    rows.append(["all", *(f"{clock.wall_seconds:.1f}" for clock in clocks), ""])
    return table(["step", "nothing to do, s", "10 copied, 1 deleted, s", "why it stays"], rows)


def scheduler() -> str:
    """Return the waves of a tenth of the pages of a billion keys, run by the product's scheduler; seconds are times ten."""
    rows = [[shape, *_scheduled(entries(make(TENTH_KEYS)))] for shape, make in SHAPES.items()]
    return table(["keys", "waves", "ranges", "longest turn to the mean", "LIST to the floor", "time"], rows)


def _scheduled(keys: list[Entry]) -> list[object]:
    buckets, run = VirtualBuckets(keys, keys, Constants(), TENTH_PAGE), Run(BILLION, 40)
    waves = buckets.waves(lambda wave: budget_seconds(wave) / 10)
    run.waves = [replace(wave, turns=[10 * seconds for seconds in wave.turns]) for wave in waves]
    turns = [seconds for wave in run.waves[1:] for seconds in wave.turns]
    over = sum(wave.lists for wave in waves) / (2 * TENTH_KEYS / TENTH_PAGE)
    uneven = f"{max(turns) / statistics.mean(turns):.1f}"
    return [len(waves), len(turns), uneven, f"{over:.4f}", duration(Clock(run).wall_seconds)]


def counts() -> str:
    """Return the counts that `estimate_usd` is given, as docs/cost.md has them."""
    kinds, rows = ("LIST", "HEAD", "COPY", "HEAD_BUCKET"), list[list[object]]()
    for change, job in ((change, job) for n in (10**4, 10**6, 10**9) for change, job in jobs(n).items()):
        run = Run(job, 40)
        (turns, seconds), sent = run.worked, {kind: run.requests[kind] for kind in kinds}
        dollars = usd(estimate_usd(sent, turns, seconds))
        rows.append([power(job.objects), change, *sent.values(), turns, seconds, dollars])
    return table(["objects", "what is to be done", *kinds, "turns", "seconds", "dollars"], rows)


def constants() -> str:
    """Return every constant with its source."""
    rows = [
        [one.name.replace("_", " "), f"{getattr(Constants(), one.name):,.6g}", *one.metadata.values()]
        for one in fields(Constants)
    ]
    return table(["constant", "value", "unit", "where it comes from"], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; whole numbers get their commas."""
    return markdown(head, [[f"{one:,}" if isinstance(one, int) else str(one) for one in row] for row in rows])


def power(count: int) -> str:
    """Return `10^6`."""
    return f"10^{len(str(count)) - 1}"


def usd(dollars: float) -> str:
    """Return dollars as docs/cost.md writes them."""
    return "0" if not dollars else f"{dollars:,.4f}" if dollars < 1 else f"{dollars:,.2f}"


def duration(seconds: float) -> str:
    """Return `3.1 s`, `12 s`, `8.7 min`, `3.1 h`, `4.2 days`."""
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {name}"
    return f"{seconds:.1f} s" if seconds < 20 else f"{seconds:.0f} s"
