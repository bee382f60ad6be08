"""The plan of a run for a person or a program: the first lines of each kind behind a report, or all of them, one a line.

`+ key` new, `* key` other content, `~ key` other metadata or tags, `- key` orphan; as JSON `{"action", "reason", "key", "size"}`.
"""

from __future__ import annotations

import itertools
import json
from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deployment.console import Console
from deployment.errors import ExecutionFailed
from deployment.key_order import Line
from deployment.page.facts import has_begun
from deployment.step_functions.plan_lines import (
    ORPHAN,
    RESTORE,
    SIGNS,
    Plan,
    lines_as_they_come,
    lines_in_order,
    read_plan,
)
from deployment.step_functions.run_report import RunFolder
from deployment.tasks.runs.output import named, opened
from deployment.text import objects, one_line, quantity, size

KEYS_SHOWN = 20
"""Of each kind; `--list` writes all of them."""

SHARDS_SHOWN = 512
"""Of a plan with more shards, so of a million lines, only these are looked through for the first keys."""

LINES_WRITTEN = 1_000
"""At once."""

FLAG = "--list"
TITLES = {"+": "New", "*": "Other content", "~": "Other metadata or tags", "-": "Orphans", "^": "To restore"}


@dataclass
class Kind:
    """The lines with one sign: how many, and the first of them."""

    objects: int = 0
    first: list[Line] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Count one more."""
        self.objects += 1
        if len(self.first) < KEYS_SHOWN or line < self.first[-1]:
            insort(self.first, line)
            del self.first[KEYS_SHOWN:]


def show_plan(
    folder: RunFolder, report: Mapping[str, Any], name: str, console: Console, plan: Plan | None = None
) -> None:
    """Write the first keys of each kind to stdout; only a warning where they cannot be read, because the plan is there.

    `plan` is that of the run where it was read already.
    """
    if not _planned(report):
        return
    try:
        kinds = first_keys(folder, report, plan)
    except ExecutionFailed as error:
        console.warning(f"{error} So the keys of the plan are not shown.")
        return
    for title, kind, count in kinds:
        _show_kind(title, kind, count, console)
    if sum(count for _, _, count in kinds) > sum(len(kind.first) for _, kind, _ in kinds):
        console.say(f"\nAll of them, one a line: `fab report {name} --list FILE`")


def first_keys(
    folder: RunFolder, report: Mapping[str, Any], plan: Plan | None = None
) -> list[tuple[str, Kind, int]]:
    """Return the title of each kind, its first keys, and how many it has; raise ExecutionFailed where there is no whole plan."""
    if not _planned(report):
        return []
    folder = folder.planned_in(report)
    plan = plan or read_plan(folder, report)
    kinds = first_of_each(lines_as_they_come(folder, plan.shards[:SHARDS_SHOWN]))
    return [
        (f"{sign} {title}", kinds[sign], _count(plan, sign, kinds[sign])) for sign, title in TITLES.items()
    ]


def write_list(
    folder: RunFolder, report: Mapping[str, Any], place: str, as_json: bool, console: Console
) -> Plan:
    """Write every planned line to a file or to standard output, in the order of keys; return the plan that has them.

    Raises ExecutionFailed where a run has no plan that can be read, or a disk is full.
    """
    if not has_begun(report):
        raise ExecutionFailed("This run has no plan: it ended before anything was compared.")
    folder = folder.planned_in(report)
    plan = read_plan(folder, report)
    lines = map(json_line if as_json else text_line, lines_in_order(folder, plan))
    try:
        with opened(FLAG, place, console) as write:
            while batch := list(itertools.islice(lines, LINES_WRITTEN)):
                write("\n".join(batch))
    except BrokenPipeError:  # whoever read standard output has gone
        raise
    except OSError as error:
        raise ExecutionFailed(
            f"The plan could not be sorted, or not be written to {named(place)}: {error.strerror or error}. Whatever is "
            "there is not the whole of it. Sorting takes room in the folder for temporary files (TMPDIR)."
        ) from error
    console.step(f"{quantity(plan.objects(), 'planned line')} written to {named(place)}")
    return plan


def first_of_each(lines: Iterable[Line]) -> dict[str, Kind]:
    """Return the first lines of each sign in the order of keys, whatever order they come in."""
    kinds = {sign: Kind() for sign in TITLES}
    for line in lines:
        kinds[SIGNS[line[1]]].add(line)
    return kinds


def text_line(line: Line) -> str:
    """Return `+ key`; what a terminal would obey in a key is an escape sequence."""
    return f"{SIGNS[line[1]]} {one_line(line[0])}"


def json_line(line: Line) -> str:
    """Return `{"action": "copy", "reason": "new", "key": ..., "size": ...}`; an older deployment gave no reason: null."""
    key, reason, size_bytes = line
    action = {ORPHAN: "delete", RESTORE: "restore"}.get(reason, "copy")
    return json.dumps({"action": action, "reason": reason or None, "key": key, "size": size_bytes})


def _planned(report: Mapping[str, Any]) -> int:
    return sum(report.get("plan", {}).get(what, {}).get("objects", 0) for what in ("copy", "delete", RESTORE))


def _count(plan: Plan, sign: str, kind: Kind) -> int:
    return kind.objects if len(plan.shards) <= SHARDS_SHOWN else max(plan.count(sign), kind.objects)


def _show_kind(title: str, kind: Kind, count: int, console: Console) -> None:
    if not kind.first:
        return
    rows = [[key, size(size_bytes), reason] for key, reason, size_bytes in kind.first]
    console.table(f"\n{title}: {objects(count)}", ["key", "size", "why"], rows)
    if count > len(rows):
        console.result(f"... and {count - len(rows):,} more")
