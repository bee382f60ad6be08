"""One emulator and one deployment for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed_project import Project, copy_project

from deployment.emulator.emulator import Emulator


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """The embedded emulator, ended with the tests."""
    with Emulator(region="eu-west-1") as running:
        yield running


@pytest.fixture(scope="session")
def deployed(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, deployed by bare `fab`; not to be edited by tests."""
    project = Project(copy_project(tmp_path_factory.mktemp("deployed")), dict(emulator.environment))
    done = project.fab()
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def editable(emulator: Emulator, tmp_path: Path) -> Project:
    """A copy of the project with a stack of its own, not deployed yet."""
    project = Project(copy_project(tmp_path), dict(emulator.environment))
    config = project.folder / "fabfile_config.py"
    config.write_text(config.read_text().replace('"sync-buckets"', f'"sync-{abs(hash(tmp_path)) % 10**6}"'))
    return project
