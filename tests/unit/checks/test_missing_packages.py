"""Who has installed only what the demo needs learns from `fab check` what to add, before anything is checked."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest
from places import PROJECT

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
        f"`fab check` needs the package {absent}, which is not installed. "
        f"Run: {Path(sys.executable).name} -m pip install -r requirements.txt"
    )
    assert caught.value.exit_code == 1
