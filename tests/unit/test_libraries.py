"""The matrix of old and new libraries: which versions, which interpreters, and what a cell says."""

from __future__ import annotations

import re
from pathlib import Path

import libraries
import pytest

from lambda_functions.shared.s3.botocore_version import OLDEST_BOTOCORE, is_older
from tests.locked_packages import pins

LOCK = (libraries.PROJECT / "requirements.lock").read_text(encoding="utf-8")


def interpreter(folder: Path, name: str, version: str, status: int = 0) -> Path:
    """Write a program that says it is this Python, or that it cannot start, as a shim of a version that is not chosen does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {version}\nexit {status}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer on which no Python is installed yet."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def test_the_rows_are_the_oldest_supported_that_of_lambda_and_the_locked_one() -> None:
    locked = next(str(pin.version) for pin in pins(LOCK) if pin.name == "botocore")
    assert (libraries.VERSIONS["oldest"], libraries.VERSIONS["newest"]) == (OLDEST_BOTOCORE, locked)
    assert is_older(libraries.VERSIONS["oldest"], libraries.VERSIONS["lambda"])
    assert is_older(libraries.VERSIONS["lambda"], libraries.VERSIONS["newest"])


def test_only_aws_s_own_libraries_are_free_to_be_older_than_the_lock() -> None:
    held = {re.match(r"[\w.-]+", line)[0] for line in libraries.constraints().splitlines()}
    assert {pin.name for pin in pins(LOCK)} - held == {"boto3", "botocore", "s3transfer"}
    assert {re.match(r"[\w-]+", package)[0] for package in libraries.PACKAGES} <= held
    assert "networkx==3.6.1 ; python_full_version < '3.12'\n" in libraries.constraints()


def test_a_shim_that_does_not_start_and_another_version_are_passed_over(places: Path) -> None:
    interpreter(places / "a", "python3.12", "3.12.1", status=127)
    interpreter(places / "b", "python3.12", "3.11.9")
    interpreter(places / "pyenv/versions/3.12.4/bin", "python", "3.12.4")
    newest = interpreter(places / "pyenv/versions/3.12.10/bin", "python", "3.12.10")
    assert libraries.find("3.12") == libraries.Interpreter(newest, "3.12.10")
    on_path = interpreter(places / "b", "python3.12", "3.12.7")
    assert libraries.find("3.12") == libraries.Interpreter(on_path, "3.12.7")
    assert libraries.find("3.1") is None


def test_an_interpreter_may_be_named_as_a_program_or_a_path(places: Path) -> None:
    own = interpreter(places / "b", "python3", "3.13.2")
    assert libraries.find("python3") == libraries.find(str(own)) == libraries.Interpreter(own, "3.13.2")


@pytest.mark.parametrize(
    ("status", "last_line", "cell"),
    [
        (0, "12 passed in 3.44s", libraries.Cell("12 passed, 3 s", True)),
        (0, "= 900 passed, 7 skipped in 75.51s (0:01:15) =", libraries.Cell("900 passed, 7 skipped, 76 s", True)),
        (1, "1 failed, 2 passed, 1 error in 1.00s", libraries.Cell("FAILED: 1 failed, 2 passed, 1 error, 1 s", False)),
        (4, "ERROR: no such option", libraries.Cell("FAILED: ERROR: no such option", False)),
        (5, "3 deselected in 0.10s", libraries.Cell("FAILED: 3 deselected, 0 s", False)),
    ],
)  # fmt: skip
def test_a_cell_says_what_pytest_counted_and_whether_all_went_well(
    status: int, last_line: str, cell: libraries.Cell
) -> None:
    assert libraries.of_pytest(status, f"....\n{last_line}\n") == cell


def test_a_botocore_that_is_not_for_a_python_is_told_with_the_reason_and_is_no_failure() -> None:
    said = (
        "ERROR: Ignored the following versions that require a different python version: "
        "1.43.105 Requires-Python >=3.8; 1.43.106 Requires-Python >=3.10\n"
        "ERROR: Could not find a version that satisfies the requirement boto3==1.43.106 (from versions: 1.0.0)\n"
        "ERROR: No matching distribution found for boto3==1.43.106\n"
    )
    assert libraries.of_pip(said) == libraries.Cell("cannot be: boto3==1.43.106 needs Python >=3.10", True)


@pytest.mark.parametrize(
    "said",
    [
        "ERROR: Could not find a version that satisfies the requirement boto3==9.9 (from versions: none)\n"
        "ERROR: No matching distribution found for boto3==9.9\n",
        "WARNING: Retrying\nERROR: No matching distribution found for boto3==9.9\n\n",
    ],
)
def test_whatever_else_cannot_be_installed_is_a_failure(said: str) -> None:
    reason = "FAILED: ERROR: No matching distribution found for boto3==9.9"
    assert libraries.of_pip(said) == libraries.Cell(reason, False)


@pytest.mark.parametrize(
    ("arguments", "failing", "status"),
    [
        ([], None, 0),
        ([], ("lambda", "3.13.0"), 1),
        (["--botocore", "oldest"], ("lambda", "3.13.0"), 0),
        (["--python", "3.13"], ("newest", "3.13.0"), 1),
        (["--python", "3.12"], None, 1),
    ],
)
def test_one_cell_that_failed_is_a_failure_and_so_is_a_python_that_was_asked_for_and_is_not_there(
    arguments: list[str],
    failing: tuple[str, str] | None,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(row: str, python: libraries.Interpreter, folder: Path, rest: list[str]) -> libraries.Cell:
        assert (folder.exists(), rest) == (True, ["-k", "not scale"])
        return libraries.Cell("as it is", (row, python.version) != failing)

    there = {name: libraries.Interpreter(Path(name), f"{name}.0") for name in ("3.11", "3.13")}
    monkeypatch.setattr(libraries, "run", run)
    monkeypatch.setattr(libraries, "find", there.get)
    assert libraries.main([*arguments, "--", "-k", "not scale"]) == status
    assert ("No Python 3.12 that makes" in capsys.readouterr().out) == ("3.13" not in arguments)


def test_the_table_has_a_row_a_botocore_and_a_column_a_python() -> None:
    fine = libraries.Cell("1 passed, 1 s", True)
    cells = {(row, python): fine for row in ("oldest", "1.40.4") for python in ("3.11.7", "3.13.0")}
    assert libraries.table(cells) == [
        "| botocore | Python 3.11.7 | Python 3.13.0 |",
        "| --- | --- | --- |",
        f"| {OLDEST_BOTOCORE} (oldest) | 1 passed, 1 s | 1 passed, 1 s |",
        "| 1.40.4 | 1 passed, 1 s | 1 passed, 1 s |",
    ]
