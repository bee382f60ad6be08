"""The table of docs/reliability.md: written by the command that plays every scenario, and read back by a test."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from places import PROJECT
from running import Told
from scenarios import Scenario

PAGE = PROJECT / "docs" / "reliability.md"
BEGIN, END = "<!-- faults -->\n", "<!-- end of faults -->\n"
HEADER = "| what happens | to what | how often | on | struck | runs ended |\n| --- | --- | --- | --- | --- | --- |\n"
Group = tuple[str, str, str]


def write(shown: Sequence[Told], seconds: float) -> None:
    """Put the table of one run into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(
        before + BEGIN + table_of(shown, seconds) + END + rest.partition(END)[2], encoding="utf-8"
    )


def table_of(shown: Sequence[Told], seconds: float) -> str:
    """Return the sentences about the whole run, and a line for each fault, how often and where."""
    groups: Mapping[Group, list[Told]] = defaultdict(list)
    for told in shown:
        groups[(told.row.fault, told.row.amount, told.row.place)].append(told)
    struck = sum(told.fired for told in shown)
    places = Counter(told.row.place for told in shown)
    whole = (
        f"{len(shown)} scenarios in {seconds:.0f} s, one after the other: "
        f"{', '.join(f'{number} on the {place}' for place, number in places.items())}. Their faults struck {struck:,} times. "
        f"{_endings(shown)}; no promise was broken.\n\n"
    )
    return whole + HEADER + "".join(_line(group, of_group) for group, of_group in groups.items())


def _line(group: Group, shown: Sequence[Told]) -> str:
    fault, amount, place = group
    targets = ", ".join(f"`{target_text(told.row.target)}`" for told in shown)
    return f"| {fault} | {targets} | {amount} | {place} | {sum(one.fired for one in shown):,} | {_endings(shown)} |\n"


def _endings(shown: Iterable[Told]) -> str:
    counts = Counter("green" if told.ending.is_green else "failed, with a cause" for told in shown)
    return ", ".join(f"{number} {word}" for word, number in sorted(counts.items(), reverse=True))


def target_text(target: str) -> str:
    """Return a target without characters that a page cannot hold."""
    return target.replace("\x01", "\\x01")


def rows_of_page() -> set[tuple[str, str, str, str]]:
    """Return fault, target, amount and place of every scenario that the page lists."""
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].partition(HEADER)[2]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    return {
        (fault, target.strip("`"), amount, place)
        for fault, targets, amount, place, *_ in cells
        for target in targets.split(", ")
    }


def rows_of(rows: Iterable[Scenario]) -> set[tuple[str, str, str, str]]:
    """Return the same of a table."""
    return {(row.fault, target_text(row.target), row.amount, row.place) for row in rows}
