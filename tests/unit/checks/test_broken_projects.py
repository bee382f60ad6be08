"""Projects with mistakes, and the whole report of `fab check` on each: every mistake, its file, its line, its sentence.

A folder of `broken_projects/` holds the files in which it differs from `good_project/`, and the `report.txt` that is
expected. `SYNCBUCKETS_WRITE_REPORTS=1` writes the reports anew; read what has changed before it is committed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from places import TESTS

from deployment.checks import check as checks
from deployment.checks.check import Findings, report_text

GOOD = TESTS / "good_project"
BROKEN = sorted(path for path in (TESTS / "broken_projects").iterdir() if path.is_dir())
NAMES = [path.name for path in BROKEN]

# cfn-lint lists all that would have been right, which grows with AWS.
PLACEHOLDERS = re.compile(r"Known: \$\{.*")
LISTED = re.compile(r"(is not one of |does not match )['\[].{60,}?(?= \(cfn-lint )")


@pytest.fixture(autouse=True)
def no_configuration_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fabfile_config", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION")


def check(overlay: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> Findings:
    """Return the findings of the good project with the files of an overlay."""
    project = into / "project"
    shutil.copytree(GOOD, project, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(overlay, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("report.txt"))
    monkeypatch.syspath_prepend(str(project))
    return checks.project(project)


def shortened(report: str) -> str:
    return PLACEHOLDERS.sub("Known: …", LISTED.sub(r"\1…", report))


def test_the_good_project_is_good(tmp_path, monkeypatch):
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    findings = check(nothing, tmp_path, monkeypatch)
    assert report_text(findings) == (
        "No problems found.\n"
        "Checked: 1 Lambda function, 1 state machine, template, policies.\n"
        "Note: there is no fabfile_config.py, so the settings are those of fabfile_config_template.py.\n"
        "Note: SOURCE_BUCKETS is empty: the functions may read every bucket of the account, and of others that let "
        "them. Name your buckets in fabfile_config.py to narrow that."
    )


@pytest.mark.parametrize("overlay", BROKEN, ids=NAMES)
def test_the_report_on_a_broken_project_is_the_one_that_is_expected(overlay, tmp_path, monkeypatch):
    found = shortened(report_text(check(overlay, tmp_path, monkeypatch))) + "\n"
    expected = overlay / "report.txt"
    if os.environ.get("SYNCBUCKETS_WRITE_REPORTS"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("overlay", BROKEN, ids=NAMES)
def test_every_broken_project_has_problems_and_every_problem_its_place(overlay):
    *problems, checked = [
        line
        for line in (overlay / "report.txt").read_text(encoding="utf-8").splitlines()
        if not line.startswith("Note: ")
    ]
    assert checked.startswith("Checked: ")
    assert problems and problems != ["No problems found."]
    assert [line for line in problems if not re.match(r"[\w/. -]+(:\d+)?: .", line)] == []


def test_there_are_at_least_twelve_kinds_of_mistakes():
    assert len(BROKEN) >= 12
