"""What a run has left for people: reports, pages, files of failures; whatever keys are called and whatever became of files."""

from __future__ import annotations

import csv
import functools
import io
import json
import random
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from deployment.cloudformation import lookup
from deployment.errors import SyncBucketsError
from deployment.step_functions import progress, runs
from deployment.step_functions.run_files import RunFiles
from deployment.step_functions.runs import Run
from deployment.tasks.runs import report
from deployment.tasks.runs.report import Wanted
from deployment.text import one_line, visible
from tests.fake_executions import ARN, BEGAN, FOLDER, REPORT, piped
from tests.page_reader import PageReader
from tests.planned_runs import planned, report_of
from tests.reported_runs import Bucket

from .mutating import NASTY, changed_json, text_of, value_of
from .promises import require_clear
from .running import Target

CAUSES = {
    "AccessDenied": {
        "objects": 2,
        "example": {"key": "a", "what": "failed", "error": "AccessDenied: no (CopyObject)"},
    }
}
FULL = {
    **REPORT,
    "causes": CAUSES,
    "failed": {"objects": 2},
    "startedAt": "2026-11-22T10:11:12Z",
    "endedAt": "2026-11-22T10:12:47Z",
    "outcome": "SyncIncomplete",
    "cause": "2 objects were not synchronised.",
    "options": {"source": "photos", "destination": "photos-copy", "delete": True},
    "warnings": ["a warning"],
}
FORMULAS = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")


@functools.cache
def _place() -> Path:
    _place.kept = tempfile.TemporaryDirectory(prefix="fuzzing-")  # type: ignore[attr-defined]
    return Path(_place.kept.name)  # type: ignore[attr-defined]


def draw_keys(chance: random.Random) -> list[dict[str, str]]:
    """Return what was not synchronised, with names and errors of any kind."""
    return [
        {
            "key": text_of(chance, 3),
            "what": chance.choice(["failed", "changed", "vanished", "archived"]),
            "error": chance.choice(["", "AccessDenied: ", "503: "]) + text_of(chance, 2),
        }
        for _ in range(chance.randint(1, 4))
    ]


def accepts_keys(lines: list[dict[str, str]]) -> bool:
    """Whatever a key is called, it is text and nothing else in a terminal, a page, a spreadsheet and a line of JSON."""
    lines = [
        {"key": line.get("key", ""), "what": line.get("what", "failed"), "error": line.get("error", "")}
        for line in lines
    ]
    aws = _bucket(FULL | {"failed": {"objects": len(lines)}}, lines)
    _show(aws, Wanted())
    page, table, exact = (_place() / name for name in ("page.html", "table.csv", "exact.jsonl"))
    _show(aws, Wanted(html=str(page), csv=str(table), failures=str(exact)))
    _require_harmless_page(page.read_text(encoding="utf-8"), [line["key"] for line in lines])
    assert [json.loads(line) for line in exact.read_text(encoding="utf-8").splitlines()] == lines
    _require_harmless_csv(table.read_bytes().decode(), lines)
    return True


def _require_harmless_page(document: str, keys: list[str]) -> None:
    read = PageReader(document)
    assert read.dangers() == [], read.dangers()
    _require_plain(document)
    for key in keys:
        assert one_line(key) in read.words, f"the page does not show {key!r}"


def _require_harmless_csv(text: str, lines: list[dict[str, str]]) -> None:
    _require_plain(text.replace("\r\n", "\n"))
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[0] == ["key", "what", "error"] and len(rows) == len(lines) + 1
    for row, line in zip(rows[1:], lines, strict=True):
        assert not any(cell.lstrip().startswith(FORMULAS) for cell in row), f"a spreadsheet computes {row}"
        cells = [cell[1:] if cell.startswith("'") else cell for cell in row]
        assert cells == [visible(line[name]) for name in ("key", "what", "error")]


def _require_plain(text: str) -> None:
    """Raise AssertionError for a character that a terminal or an editor would obey or hide."""
    obeyed = sorted({char for char in text if visible(char) != char})
    assert not obeyed, f"{obeyed} is written as it is"


def _bucket(left: Any, lines: list[dict[str, str]]) -> Bucket:
    aws = Bucket()
    aws.statuses = ["FAILED"]
    given = '{"source": "photos", "destination": "photos-copy"}'
    cause = f"{len(lines)} objects were not synchronised."
    aws.end = {
        "stopDate": BEGAN + timedelta(seconds=95),
        "input": given,
        "error": "SyncIncomplete",
        "cause": cause,
    }
    aws.objects[f"{FOLDER}/report.json"] = left
    aws.put_failures(lines[:2], lines[2:])
    aws.put_turn("copied", "copy-1-0", 5, 10)
    aws.put_turn("compared", "1-0001", 0, 5, listed={"source": 3, "destination": 3}, paired=2)
    return aws


def _show(aws: Bucket, wanted: Wanted) -> str:
    console, out, err = piped()
    with (
        mock.patch.object(lookup, "outputs", lambda installation: {"WorkBucket": "work"}),
        mock.patch.object(runs, "find", lambda installation, name, deployed: Run(ARN, "FAILED", BEGAN)),
    ):
        report.report(aws.installation(), None, console, wanted)
    _require_plain(out.getvalue() + err.getvalue())
    return out.getvalue()


DRY = report_of(2, 1)
NEVER_BEGAN = {"source": [7], "destination": None, "plan": {}, "outcome": "InvalidInput", "options": {}}
LINES = [
    {"key": "a", "what": "failed", "error": "AccessDenied: no (CopyObject)"},
    {"key": "b", "what": "vanished", "error": ""},
]


def draw_files(chance: random.Random) -> dict[str, Any]:
    """Return the files of a run, or of a dry run, of which some were changed, cut or taken away."""
    aws = _bucket(chance.choice([FULL, FULL, DRY, NEVER_BEGAN]), LINES)
    aws.put_wave(
        1, [{"copy": [[planned("a", "new"), planned("b", "size")]], "delete": [[planned("c", "orphan")]]}]
    )
    files = {name.removeprefix(f"{FOLDER}/"): body for name, body in aws.objects.items()}
    files = {name: body.decode() if isinstance(body, bytes) else body for name, body in files.items()}
    for _ in range(chance.choice([0, 1, 1, 1, 2])):
        name = "report.json" if chance.random() < 0.5 else chance.choice(list(files))
        files[name] = _changed_file(chance, files[name])
    return files


def _changed_file(chance: random.Random, body: Any) -> Any:
    if isinstance(body, str) or chance.random() < 0.1:
        text = body if isinstance(body, str) else json.dumps(body)
        return chance.choice(
            [text[: chance.randint(0, len(text))], text + chance.choice(NASTY), "[" * 3000, "null", '"a"', ""]
        )
    return (
        value_of(chance)
        if chance.random() < 0.05
        else changed_json(chance, body, chance.choice([1, 1, 2, 3]))
    )


def accepts_files(files: dict[str, Any]) -> bool:
    """Whether a run can be told of in every way: as a table, as JSON and as a page; else it is said what cannot be read."""
    aws = _bucket(None, [])
    aws.objects = {
        f"{FOLDER}/{name}": body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        for name, body in files.items()
    }
    page, table = _place() / "page.html", _place() / "table.csv"
    wanted = [
        Wanted(),
        Wanted(as_json=True),
        Wanted(html=str(page)),
        Wanted(csv=str(table)),
        Wanted(plan=str(_place() / "plan")),
    ]
    told = [_is_told(aws, one) for one in wanted]
    if told[2]:
        assert PageReader(page.read_text(encoding="utf-8")).dangers() == []
    return all(told)


def _is_told(aws: Bucket, wanted: Wanted) -> bool:
    aws.statuses = ["FAILED"]
    try:
        shown = _show(aws, wanted)
    except SyncBucketsError as error:
        require_clear(visible(str(error)))
        return False
    if wanted.as_json:
        json.loads(shown)
    return True


COPIED = {
    "tally": {"copied": {"objects": 100, "bytes": 1000}, "failed": {"objects": 1, "bytes": 0}},
    "seconds": 9.5,
}
COMPARED = {
    "tally": {"failed": {"objects": 1, "bytes": 0}},
    "listed": {"source": 3, "destination": 3},
    "paired": 2,
}
BEAT = {"objects": 5, "bytes": 50, "failed": 0, "seconds": 3.0, "record": "copied/copy-2-0.json"}


def draw_watched(chance: random.Random) -> dict[str, Any]:
    """Return what is there while a run goes on: a record of each kind, and a heartbeat."""
    files = {"copied/copy-1-0.json": COPIED, "compared/1-0001.json": COMPARED, "alive/copy-2.json": BEAT}
    for name in chance.sample(list(files), chance.choice([0, 1, 1, 2])):
        files[name] = _changed_file(chance, files[name])
    return files


def accepts_watched(files: dict[str, Any]) -> bool:
    """Whether it can be told how far a run is; where it cannot, there is a gap in what is known, and no end of the watching."""
    aws = Bucket()
    aws.objects = {
        f"{FOLDER}/{name}": body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        for name, body in files.items()
    }
    watched = RunFiles(aws, {"Bucket": "work"}, FOLDER)
    found = [progress._or_none(lambda kind=kind: watched.counts(kind)) for kind in ("compared", "copied")]
    for counts in filter(None, found):
        assert all(
            isinstance(number, int | float)
            for number in (counts.amount.objects, counts.amount.size_bytes, counts.failed)
        )
    return all(found)


TARGETS = (
    Target("report_keys", draw_keys, accepts_keys),
    Target("report_files", draw_files, accepts_files),
    Target("watched_run", draw_watched, accepts_watched),
)
