"""The figures as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from benchmarks.scale.constants import Constants, OtherTools, facts
from benchmarks.scale.course import FUNCTIONS, Course, floor_lists
from benchmarks.scale.keys import SHAPES
from benchmarks.scale.others import Job, offers
from benchmarks.scale.runs import CHANGES, NOTHING, SIZES, TRIALS, Runs, workers_of_accounts
from benchmarks.scale.schedule import PHASES, Bill, Schedule, bill, schedule
from lambda_functions.shared.tally.costs import estimate_usd

MOST_WORKERS = 1000
PLAIN = next(iter(SHAPES))
BILLED = {
    "lists": "LIST",
    "copies": "COPY",
    "heads": "HEAD",
    "lambda_time": "Lambda time",
    "lambda_calls": "Lambda calls",
    "transitions": "state transitions",
    "work_writes": "work bucket, PUT",
    "work_reads": "work bucket, GET",
}


def everything(runs: Runs) -> str:
    """Return all tables."""
    parts = [
        ("Nothing to do: requests, states, papers", unchanged(runs)),
        ("Nothing to do: time and dollars by the number of workers", by_workers(runs)),
        ("Time by phase, random-looking keys", by_phase(runs)),
        ("Dollars by item, random-looking keys", by_item(runs)),
        ("Longest invocations", invocations(runs)),
        ("Beside other ways", beside(runs)),
        ("Each constant twice as bad: 10^9 objects, nothing to do, 1,000 workers", sensitivity(runs)),
        ("Other settings of ours: 10^9 objects, nothing to do, 1,000 workers", settings(runs)),
        ("What a report would count", counts(runs)),
        ("Constants", constants()),
    ]
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts)


def unchanged(runs: Runs) -> str:
    """Return waves, LISTs, the parent's history and the largest papers of runs with nothing to do."""
    head = ["objects", "keys", "waves", "ranges", "LIST", "over the floor", "to the floor", "parent's events", "largest state",
            "largest child", "largest index", "largest record"]  # fmt: skip
    rows = []
    for count in SIZES:
        for shape in SHAPES:
            course = runs.course(count, shape)
            lists, floor = course.requests["LIST"], floor_lists(course.work)
            ranges = sum(len(step.seconds) for step in course.steps if step.wave)
            largest = [course.largest[name] for name in ("state of the parent", "input of a child")]
            papers = [course.largest[name] for name in ("ranges/*.json", "compared/*.json")]
            rows.append([power(count), shape, course.waves, ranges, lists, lists - floor, f"{lists / floor:.4f}", course.events,
                         *map(_bytes, [*largest, *papers])])  # fmt: skip
    return table(head, rows)


def by_workers(runs: Runs) -> str:
    """Return time and dollars for the numbers of workers that accounts of 10 and of 1,000 concurrent Lambdas give."""
    choices = workers_of_accounts()
    head = ["objects", "keys", *(f"{name}: {workers:,}" for name, workers in choices), "dollars"]
    rows = []
    for count in SIZES:
        for shape in SHAPES:
            planned = [runs.planned(count, shape, NOTHING, workers) for _, workers in choices]
            times = [duration(one.wall_seconds) for one in planned]
            rows.append([power(count), shape, *times, _span([bill(one).total for one in planned])])
    return table(head, rows)


def by_phase(runs: Runs) -> str:
    """Return the wall clock by phase, at the default of a large account and with all of its Lambdas."""
    head = ["objects", "what is to be done", "workers", *PHASES, "all"]
    rows = []
    for count, change, workers, planned in _changed(runs):
        times = [duration(planned.phases[phase]) for phase in PHASES]
        rows.append([power(count), change, f"{workers:,}", *times, duration(planned.wall_seconds)])
    return table(head, rows)


def by_item(runs: Runs) -> str:
    """Return dollars by item, and what the report of the run says."""
    head = ["objects", "what is to be done", "workers", *BILLED.values(), "all", "`estimatedCostUsd`"]
    rows = []
    for count, change, workers, planned in _changed(runs):
        paid = bill(planned)
        estimate = planned.course.report["estimatedCostUsd"]
        rows.append(
            [power(count), change, f"{workers:,}", *map(usd, _items(paid)), usd(paid.total), usd(estimate)]
        )
    return table(head, rows)


def invocations(runs: Runs) -> str:
    """Return the longest invocation of each function over all runs, beside its timeout."""
    longest: dict[str, float] = {}
    for _, _, _, planned in _changed(runs):
        for name, seconds in planned.longest_seconds.items():
            longest[name] = max(longest.get(name, 0.0), seconds)
    for shape in SHAPES:
        seconds = runs.planned(SIZES[-1], shape, NOTHING, MOST_WORKERS).longest_seconds["compare_listings"]
        longest["compare_listings"] = max(longest["compare_listings"], seconds)
    rows = [
        [f"`{name}`", f"{seconds:.0f} s", f"{FUNCTIONS[name]['Timeout']} s"]
        for name, seconds in sorted(longest.items())
    ]
    return table(["function", "longest", "timeout"], rows)


def beside(runs: Runs) -> str:
    """Return what other ways to do the same would take and cost."""
    rows = []
    for count in SIZES:
        for change, (copied, deleted, is_first) in CHANGES.items():
            for workers in (40, MOST_WORKERS):
                planned = runs.planned(count, PLAIN, change, workers)
                name = f"SyncBuckets, {workers:,} workers"
                rows.append(
                    [power(count), change, name, duration(planned.wall_seconds), usd(bill(planned).total), ""]
                )
            job = Job(count, int(count * copied), int(count * deleted), is_first)
            for offer in offers(job, Constants(), OtherTools()):
                time = "not published" if offer.seconds is None else duration(offer.seconds)
                rows.append([power(count), change, offer.tool, time, usd(offer.usd), offer.remark])
    return table(["objects", "what is to be done", "with", "time", "dollars", "remark"], rows)


def sensitivity(runs: Runs) -> str:
    """Return time and dollars with each constant twice as bad, one at a time."""
    base = runs.planned(SIZES[-1], PLAIN, NOTHING, MOST_WORKERS)
    rows = [["all as assumed", "", "", duration(base.wall_seconds), usd(bill(base).total)]]
    for one, worse in Constants().worse():
        planned = schedule(Course(base.course.work, worse).go(), MOST_WORKERS)
        value, bad = (number(getattr(some, one.name)) for some in (Constants(), worse))
        rows.append([_words(one.name), value, bad, duration(planned.wall_seconds), usd(bill(planned).total)])
    single = replace(Constants(), objects_a_partition=float(SIZES[-1]))
    planned = schedule(Course(base.course.work, single).go(), MOST_WORKERS)
    rows.append(
        ["partitions of each bucket", "10", "1", duration(planned.wall_seconds), usd(bill(planned).total)]
    )
    fewer = schedule(base.course, MOST_WORKERS // 2)
    rows.append(["workers", "1,000", "500", duration(fewer.wall_seconds), usd(bill(fewer).total)])
    return table(["constant", "value", "twice as bad", "time", "dollars"], rows)


def settings(runs: Runs) -> str:
    """Return what other settings would give, for every shape of keys."""
    rows = []
    for trial in TRIALS:
        courses = [runs.tried(trial, SIZES[-1], shape) for shape in SHAPES]
        planned = [schedule(course, MOST_WORKERS) for course in courses]
        most = max(course.requests["LIST"] / floor_lists(course.work) for course in courses)
        times = [duration(one.wall_seconds) for one in planned]
        rows.append([trial.name, *times, _span([bill(one).total for one in planned]), f"{most:.4f}"])
    return table(["setting", *SHAPES, "dollars", "LIST to the floor, at most"], rows)


def counts(runs: Runs) -> str:
    """Return the counts that `estimate_usd` is given, as docs/cost.md has them."""
    kinds = ("LIST", "HEAD", "COPY", "HEAD_BUCKET")
    rows = []
    for count in (10**4, *SIZES):
        for change in CHANGES:
            course = runs.course(count, PLAIN, change)
            turns, seconds = worked(course)
            sent = {kind: course.requests.get(kind, 0) for kind in kinds}
            rows.append(
                [
                    power(count),
                    change,
                    *sent.values(),
                    turns,
                    seconds,
                    usd(estimate_usd(sent, turns, seconds)),
                ]
            )
    return table(["objects", "what is to be done", *kinds, "turns", "seconds", "dollars"], rows)


def worked(course: Course) -> tuple[int, int]:
    """Return turns and seconds of the workers, as the records of a run say them."""
    rates = {"copying": course.constants.copies_a_second, "deleting": course.constants.deletes_a_second}
    turns, seconds = 0, 0.0
    for step in course.steps:
        if step.is_map:
            turns += len(step.seconds)
            seconds += sum(step.seconds) if step.wave else sum(step.objects) / rates[step.phase]
    return turns, round(seconds)


def constants() -> str:
    """Return every constant with its source."""
    rows = [
        [_words(one.name), number(value), unit, source]
        for one, value, unit, source in facts(Constants(), OtherTools())
    ]
    return table(["constant", "value", "unit", "where it comes from"], rows)


# --- Small matters ------------------------------------------------------------------------------------------------


def _changed(runs: Runs) -> Iterable[tuple[int, str, int, Schedule]]:
    for count in SIZES:
        for change in CHANGES:
            for workers in (40, MOST_WORKERS):
                yield count, change, workers, runs.planned(count, PLAIN, change, workers)


def _items(paid: Bill) -> list[float]:
    return [getattr(paid, name) for name in BILLED]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; whole numbers get their commas."""
    texts = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(head), ["---"] * len(head), *texts])


def power(count: int) -> str:
    """Return `10^6`."""
    return f"10^{len(str(count)) - 1}"


def usd(dollars: float) -> str:
    """Return dollars as docs/cost.md writes them."""
    return "0" if not dollars else f"{dollars:,.4f}" if dollars < 1 else f"{dollars:,.2f}"


def duration(seconds: float) -> str:
    """Return `12 s`, `8.7 min`, `3.1 h`, `4.2 days`; nothing for no time."""
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {name}"
    return f"{seconds:.0f} s" if seconds else ""


def number(value: float) -> str:
    """Return a constant's value, short and exact."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.12f}".rstrip("0").rstrip(".")


def _words(name: str) -> str:
    return name.replace("_usd", " price").replace("_", " ")


def _bytes(size: int) -> str:
    return f"{size / 1024:.1f} KiB"


def _span(dollars: Sequence[float]) -> str:
    least, most = usd(min(dollars)), usd(max(dollars))
    return least if least == most else f"{least} to {most}"
