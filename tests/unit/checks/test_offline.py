"""`fab check` on its own: it needs no profile, knows every character, and says nothing of settings that are wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from places import PROJECT, TESTS, ConfigurationElsewhere

from deployment.checks import check
from deployment.project import settings as configuration
from deployment.project.settings import Settings

GOOD = TESTS / "good_project"
NARROW = Settings(source_buckets=("abc",))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy = tmp_path / "project"
    shutil.copytree(GOOD, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def with_description(project: Path, written: str) -> list[str]:
    """The problems of a project whose only Lambda has a description, as it is written in YAML."""
    path = project / "lambda_functions" / "work.py"
    path.write_text(
        path.read_text().replace("# ---\n", f"# ---\n# Description: {written}\n", 1), encoding="utf-8"
    )
    return [str(problem) for problem in check.check(project, NARROW).problems]


@pytest.mark.parametrize("profile", ["", "no-such-profile"])
def test_no_profile_is_asked_for(project, profile, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", profile)
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", profile)
    assert check.check(project, NARROW).problems == ()


@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_the_task_needs_no_profile_either(variable):
    environment = {**os.environ, variable: "no-such-profile"}
    command = [sys.executable, "-m", "fabric", "check"]
    found = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout.splitlines()[0]) == (0, "No problems found."), found.stderr


@pytest.mark.parametrize("written", ["😀 copies", '"\\U0001F600 copies"', "!Sub 😀 ${AWS::Region}", "𐀀𝒜"])
def test_a_character_of_any_plane_may_stand_in_a_front_matter(project, written):
    assert with_description(project, written) == []


def test_a_character_of_any_plane_hides_no_finding(project):
    found = with_description(project, "😀\n# ReservedConcurrentExecutions: -1")
    assert found == [
        "lambda_functions/work.py:3: "
        "ReservedConcurrentExecutions: -1 is less than the minimum of 0 (cfn-lint E3034)"
    ]


def test_nothing_is_noted_on_a_setting_that_has_a_mistake(project, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fabfile_config", raising=False)
    (tmp_path / "fabfile_config.py").write_text("SOURCE_BUCKETS = ['Not a bucket']\n")
    examined = configuration.examine({})
    noted = check.check(project, examined.settings, wrong_settings=examined.wrong).notes
    assert [note for note in noted if "SOURCE_BUCKETS" in note] == []
    unwarned = check.check(project, examined.settings).notes
    assert [note.partition(" is ")[0] for note in unwarned] == ["SOURCE_BUCKETS"]


def test_a_setting_that_is_right_is_used_beside_one_that_is_wrong(project, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fabfile_config", raising=False)
    (project / "fabfile_config.py").write_text("SOURCE_BUCKETS = ['abc']\nMAX_DELETE = 'ten'\n")
    monkeypatch.syspath_prepend(project)
    findings = check.project(project)
    assert [(problem.path, problem.line) for problem in findings.problems] == [("fabfile_config.py", 2)]
    assert findings.notes == ()


def test_a_configuration_that_is_a_dangling_link_is_not_taken_for_none(project, monkeypatch):
    monkeypatch.delitem(sys.modules, "fabfile_config", raising=False)
    monkeypatch.setattr(sys, "meta_path", [ConfigurationElsewhere, *sys.meta_path])
    (project / "fabfile_config.py").symlink_to("nowhere.py")
    monkeypatch.syspath_prepend(project)
    (problem,) = check.project(project).problems
    assert str(problem).startswith("fabfile_config.py: fabfile_config.py is missing.")
