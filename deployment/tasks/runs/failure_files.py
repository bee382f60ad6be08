"""Everything that a run has not synchronised: by cause with the first keys, or all of it as JSON lines or as CSV.

CSV is for people and their spreadsheets (RFC 4180, UTF-8 without a byte order mark), JSON lines are for programs, and exact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployment.console import Console
from deployment.errors import ExecutionFailed
from deployment.page.facts import has_begun
from deployment.page.sentences import left_out, not_synchronised
from deployment.step_functions.run_report import FailureFiles, Line, RunFolder
from deployment.tasks.runs.output import STDOUT, named, opened
from deployment.text import quantity, visible

KEYS_SHOWN = 20
"""Of each cause; `--failures` and `--csv` write all of them."""

MAX_CAUSES = 20
OTHER_CAUSES = "other causes"
COLUMNS = ("key", "what", "error")

# The code at the beginning of what a run writes for a person, such as `AccessDenied: Access Denied (CopyObject)`.
_CODE = re.compile(r"([A-Z]\w+(?:\.\w+)*|\d{3}): ")

# With these, also behind blanks, and in the wide forms of East Asia, a spreadsheet takes a cell for a formula. The apostrophe is
# among them so that taking one away from the beginning of a cell that has one gives what was there.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile("\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20']|[\t\r\n]")

# https://www.rfc-editor.org/rfc/rfc4180#section-2
_TO_QUOTE = re.compile('[",\\r\\n]')


@dataclass
class Cause:
    """Objects that failed for one reason: how many, and the first of them."""

    objects: int = 0
    first: list[Line] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Count one more."""
        self.objects += 1
        if len(self.first) < KEYS_SHOWN:
            self.first.append(line)


@dataclass(frozen=True)
class Failures:
    """What was not synchronised, by cause; `problem` is why only what the report itself names is known, in a sentence."""

    causes: Mapping[str, Cause] = field(default_factory=dict)
    unfinished_shards: int = 0
    problem: str = ""


def find(folder: RunFolder, report: Mapping[str, Any]) -> Failures:
    """Return what a run that has left this report has not synchronised; nothing is read where there is nothing."""
    if not has_begun(report) or not has_failures(report):
        return Failures()
    try:
        files = folder.failure_files()
        return Failures(by_cause(folder.failures(files)), files.unfinished_shards)
    except ExecutionFailed as error:
        return Failures(problem=f"{error} So only what the report itself names is shown.")


def has_failures(report: Mapping[str, Any]) -> bool:
    """Whether a report counts anything that was not synchronised."""
    return bool(
        report.get("causes") or report.get("notSynchronised") or left_out(report) or not_synchronised(report)
    )


def by_cause(lines: Iterable[Line]) -> dict[str, Cause]:
    """Return what was not synchronised by AWS's code, or by the word for what became of it where there is none."""
    causes: dict[str, Cause] = {}
    for line in lines:
        code = _CODE.match(line.get("error", ""))
        name = code[1] if code else line["what"]
        name = name if name in causes or len(causes) < MAX_CAUSES else OTHER_CAUSES
        causes.setdefault(name, Cause()).add(line)
    return causes


def describe_unfinished(shards: int, is_stopped: bool) -> str:
    """Return what is to be known of shards whose objects no file names, "" where there are none."""
    if not shards:
        return ""
    because, what = (
        ("the run was stopped", "no file names their objects")
        if is_stopped
        else ("a worker broke", "their objects count as failed, and no file names them")
    )
    return (
        f"Of {quantity(shards, 'shard')} there is no record up to the end, because {because}: {what}. "
        "The next sync takes them up."
    )


def write_jsonl(folder: RunFolder, report: Mapping[str, Any], place: str, console: Console) -> None:
    """Write everything that was not synchronised as JSON lines, one object each."""
    _write("--failures", folder, report, place, console, json.dumps)


def write_csv(folder: RunFolder, report: Mapping[str, Any], place: str, console: Console) -> None:
    """Write the same as CSV, with a line of names on top."""
    end = "" if place == STDOUT else "\r"  # what opens a file ends its lines with \n

    def row_of(line: Line) -> str:
        return csv_row([line.get(name, "") for name in COLUMNS]) + end

    _write("--csv", folder, report, place, console, row_of, csv_row(COLUMNS) + end)


def csv_row(cells: Sequence[str]) -> str:
    """Return a row without its line end; what a spreadsheet would take for a formula has an apostrophe in front.

    Characters that a terminal or an editor would obey or hide are escape sequences, but for line feeds and tabs.
    """
    return ",".join(map(_cell, cells))


def _cell(text: str) -> str:
    cell = f"'{visible(text)}" if _FORMULA.match(text) else visible(text)
    quoted = cell.replace('"', '""')
    return f'"{quoted}"' if _TO_QUOTE.search(cell) else cell


def _write(
    flag: str,
    folder: RunFolder,
    report: Mapping[str, Any],
    place: str,
    console: Console,
    text_of: Callable[[Line], str],
    head: str = "",
) -> None:
    files = folder.failure_files() if has_begun(report) else FailureFiles([])
    number = 0
    with opened(flag, place, console) as write:
        if head:
            write(head)
        for line in folder.failures(files):
            write(text_of(line))
            number += 1
    console.step(f"{quantity(number, 'key')} written to {named(place)}")
    if files.unfinished_shards:
        console.warning(
            f"Of {quantity(files.unfinished_shards, 'shard')} there is no record up to the end: their keys are not among them."
        )
