"""`fab report --csv` and which files can be wanted together; the page has tests of its own."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deployment.cloudformation import lookup
from deployment.errors import ConfigurationError, ExecutionFailed
from deployment.step_functions import runs
from deployment.step_functions.run_report import FailureFiles
from deployment.step_functions.runs import Run
from deployment.tasks.runs import report
from deployment.tasks.runs.failure_files import csv_row, write_csv
from deployment.tasks.runs.report import Wanted
from tests.fake_executions import ARN, BEGAN, FOLDER, REPORT, piped
from tests.page_reader import PageReader
from tests.planned_runs import planned, report_of
from tests.reported_runs import DENIED, Bucket, ended, line

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1",
    "＋1",
    "－1",
    "＠1",
    '=HYPERLINK("http://x")',
]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An account whose newest run, called monday, has failed at two keys."""
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(runs, "find", lambda installation, name, deployed: Run(ARN, "FAILED", BEGAN))
    found = Bucket()
    ended(
        found,
        "FAILED",
        {**REPORT, "failed": {"objects": 2}},
        error="SyncIncomplete",
        cause="2 objects were not.",
    )
    found.put_failures([line('a, "b"')], [line("c\nd", "vanished", "")])
    return found


def written(aws: Bucket, **wanted: Any) -> tuple[str, str]:
    console, out, err = piped()
    report.report(aws.installation(), None, console, Wanted(**wanted))
    return out.getvalue(), err.getvalue()


def test_csv_has_all_keys_as_rfc_4180_wants_them(aws: Bucket, tmp_path: Path) -> None:
    file = tmp_path / "failures.csv"
    shown, said = written(aws, csv=str(file))
    assert file.read_bytes() == (
        b'key,what,error\r\n"a, ""b""",failed,AccessDenied: Access Denied (CopyObject)\r\n"c\nd",vanished,\r\n'
    )
    assert shown.startswith("monday, ")
    assert said == f"2 keys written to {file}\n"


def test_csv_on_standard_output_is_all_there_is(aws: Bucket) -> None:
    shown, said = written(aws, csv="-")
    assert list(csv.reader(io.StringIO(shown))) == [
        ["key", "what", "error"],
        ['a, "b"', "failed", DENIED],
        ["c\nd", "vanished", ""],
    ]
    assert said == "2 keys written to standard output\n"


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
@pytest.mark.parametrize("place", range(3))
def test_no_cell_is_a_formula(text: str, place: int) -> None:
    cells = ["k", "failed", "why"]
    cells[place] = text
    ((*found,),) = csv.reader(io.StringIO(csv_row(cells), newline=""))
    assert found[place] == "'" + text.replace("\r", "\\r")
    assert found[:place] + found[place + 1 :] == cells[:place] + cells[place + 1 :]


@pytest.mark.parametrize(
    "key", ["'", "'=1", "a=1", "a-b/c+d@e", " a", "ü/日本", "0x1", "", "\\r", "x" * 1024]
)
def test_one_apostrophe_less_is_the_key(key: str) -> None:
    ((found, *_),) = csv.reader(io.StringIO(csv_row([key, "failed", ""])))
    assert found.removeprefix("'") == key
    assert (found != key) == key.startswith("'")


@pytest.mark.parametrize(
    ("key", "text"), [("a\0b\x1b[2J", "a\\x00b\\x1b[2J"), ("a\u202eb", "a\\u202eb"), ("\ud800", "\\ud800")]
)
def test_what_an_editor_would_obey_or_refuse_is_written_as_an_escape_sequence(
    aws: Bucket, tmp_path: Path, key: str, text: str
) -> None:
    aws.put_failures([line(key)])
    written(aws, csv=str(tmp_path / "failures.csv"))
    assert (tmp_path / "failures.csv").read_text(encoding="utf-8").splitlines()[
        1
    ] == f"{text},failed,{DENIED}"


def test_a_run_without_failures_has_the_names_of_columns_only(aws: Bucket, tmp_path: Path) -> None:
    ended(aws, "FAILED", {"source": "a"}, error="InvalidInput", cause="no.")
    _, said = written(aws, csv=str(tmp_path / "none.csv"))
    assert (tmp_path / "none.csv").read_bytes() == b"key,what,error\r\n"
    assert said.startswith("0 keys written to ")


def test_keys_that_no_file_names_are_told(aws: Bucket, tmp_path: Path) -> None:
    aws.put_failures([line("a")], unfinished=3)
    _, said = written(aws, csv=str(tmp_path / "some.csv"))
    assert said.endswith("Of 3 shards there is no record up to the end: their keys are not among them.\n")


def test_a_hundred_thousand_keys_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    class Folder:
        def failure_files(self) -> FailureFiles:
            return FailureFiles([])

        def failures(self, files: FailureFiles) -> Iterator[Mapping[str, str]]:
            return (line(f"some/rather/long/key-{number:09}") for number in range(100_000))

    console, _, _ = piped()
    tracemalloc.start()
    write_csv(Folder(), {"copied": {}}, str(tmp_path / "all.csv"), console)  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "all.csv").stat().st_size > 7_000_000
    assert peak < 2_000_000


# What can be wanted together


def test_every_file_and_the_table_can_be_wanted_at_once(aws: Bucket, tmp_path: Path) -> None:
    aws.put_wave(1, [{"copy": [[planned("a", "new")]]}])
    left = {**report_of(1, 0), "outcome": "DeletionRefused", "dryRun": False, "failed": {"objects": 2}}
    ended(aws, "FAILED", left, error="DeletionRefused", cause="no.")
    names = ("html", "csv", "plan", "failures")
    shown, said = written(aws, **{name: str(tmp_path / name) for name in names})
    assert shown.startswith("monday, ")
    assert [line_.partition(str(tmp_path))[0] for line_ in said.splitlines()][:4] == [
        "2 keys written to ", "2 keys written to ", "The page was written to ", "1 planned line written to ",
    ]  # fmt: skip
    assert all((tmp_path / name).stat().st_size for name in names)


def test_with_json_the_document_is_on_standard_output_and_the_files_are_written(
    aws: Bucket, tmp_path: Path
) -> None:
    shown, _ = written(aws, as_json=True, html=str(tmp_path / "a.html"), csv=str(tmp_path / "a.csv"))
    assert json.loads(shown)["status"] == "FAILED"
    assert "2 objects were not." in PageReader((tmp_path / "a.html").read_text(encoding="utf-8")).words
    assert (tmp_path / "a.csv").exists()


def test_the_page_on_standard_output_is_all_there_is(aws: Bucket) -> None:
    shown, said = written(aws, html="-")
    assert shown.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert PageReader(shown).dangers() == []
    assert said == "The page was written to standard output\n"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            {"as_json": True, "html": "-"},
            "--json and --html - both write to standard output; expected one of them, or --html FILE",
        ),
        (
            {"as_json": True, "csv": "-"},
            "--json and --csv - both write to standard output; expected one of them, or --csv FILE",
        ),
        (
            {"html": "-", "csv": "-"},
            "--html - and --csv - both write to standard output; expected one of them, or --csv FILE",
        ),
        (
            {"plan": "-", "html": "-"},
            "--list - and --html - both write to standard output; expected one of them, or --html FILE",
        ),
        (
            {"as_json": True, "plan": "-", "failures": "-"},
            "--list - and --failures - both write to standard output; expected one of them, or --failures FILE",
        ),
        ({"html": "a", "csv": "a"}, "--html a and --csv a are one file; expected a file for each"),
        (
            {"html": "a", "failures": "./b/../a"},
            "--failures ./b/../a and --html a are one file; expected a file for each",
        ),
        (
            {"plan": "same", "csv": "hard"},
            "--list same and --csv hard are one file; expected a file for each",
        ),
        (
            {"plan": "same", "html": "soft"},
            "--list same and --html soft are one file; expected a file for each",
        ),
    ],
)
def test_no_two_can_go_to_one_place(
    wanted: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("same").touch()
    Path("hard").hardlink_to("same")
    Path("soft").symlink_to("same")
    with pytest.raises(ConfigurationError) as caught:
        Wanted(**wanted)
    assert str(caught.value) == said


def test_a_list_in_json_and_files_go_together() -> None:
    assert Wanted(as_json=True, plan="-", html="a", csv="b", failures="c").has_stdout


@pytest.mark.parametrize("flag", ["html", "csv"])
@pytest.mark.parametrize("place", ["", "no/such/folder", "a\0b"])
def test_a_file_that_cannot_be_written_is_one_sentence(
    aws: Bucket, tmp_path: Path, flag: str, place: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"^--{flag} .*: the file cannot be written: "):
        written(aws, **{flag: str(tmp_path / place)})


def test_a_file_that_is_there_is_written_anew_as_with_the_other_flags(aws: Bucket, tmp_path: Path) -> None:
    for name in ("html", "csv", "failures"):
        (tmp_path / name).write_text("old " * 100_000, encoding="utf-8")
    written(aws, **{name: str(tmp_path / name) for name in ("html", "csv", "failures")})
    assert not [file for file in tmp_path.iterdir() if "old " in file.read_text(encoding="utf-8")]


def test_a_run_that_goes_on_has_no_page(aws: Bucket, tmp_path: Path) -> None:
    aws.statuses, aws.end = ["RUNNING"], {}
    with pytest.raises(ExecutionFailed, match="goes on, and has no report yet"):
        written(aws, html=str(tmp_path / "page.html"))
    assert list(tmp_path.iterdir()) == []


def test_what_the_page_needs_of_failures_is_read_once_for_the_page_and_the_table(
    aws: Bucket, tmp_path: Path
) -> None:
    written(aws, html=str(tmp_path / "page.html"))
    asked = [parameters["Key"] for name, parameters in aws.calls if name == "get_object"]
    assert asked.count(f"{FOLDER}/failures.json") == 1


def test_the_table_has_its_own_clock_and_the_page_says_when_it_was_made(aws: Bucket, tmp_path: Path) -> None:
    aws.end["stopDate"] = BEGAN + timedelta(hours=3)
    shown, _ = written(aws, html=str(tmp_path / "page.html"))
    assert "it took 3 h 00 min" in shown
    assert (
        "Made by fab report --html, 2026-11-22 10:00:00 UTC."
        in PageReader((tmp_path / "page.html").read_text()).words
    )
