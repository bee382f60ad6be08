"""Who has installed only what the demo needs learns from `fab check` what to add, before anything is checked."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest
from places import PROJECT

from deployment import packages
from deployment.checks import check
from deployment.errors import PackageMissing


@pytest.mark.parametrize("absent", ["aws-sam-translator", "cfn-lint", "statelint"])
def test_a_linter_that_is_not_installed_is_named_with_the_command_that_installs_it(
    absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = importlib.metadata.version

    def without_it(package: str) -> str:
        if package == absent:
            raise importlib.metadata.PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(importlib.metadata, "version", without_it)
    with pytest.raises(PackageMissing) as caught:
        check.project(PROJECT)
    assert str(caught.value) == (
        f"`fab check` needs the package {absent}, which is not installed. {packages.install_command()}"
    )
    assert caught.value.exit_code == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a file is a program there by its ending")
def test_the_command_is_for_the_python_that_runs_wherever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "my project" / ".venv" / "bin" / "python3.11"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    monkeypatch.chdir(tmp_path / "my project")
    assert packages.install_command() == "Run: .venv/bin/python3.11 -m pip install -r requirements.txt"
    monkeypatch.chdir(tmp_path)
    assert (
        packages.install_command()
        == "Run: 'my project/.venv/bin/python3.11' -m pip install -r requirements.txt"
    )
    monkeypatch.chdir("/")
    monkeypatch.setenv("PATH", f"{python.parent}:/usr/bin")
    assert packages.install_command() == "Run: python3.11 -m pip install -r requirements.txt"
