"""Which scenarios are played: a sample, or all."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import reliability_page
from deployed_place import Deployment, deployed_from
from running import Told
from scenarios import EMULATOR, Scenario
from table import all_rows

SAMPLE_EVERY = 8
# One that cuts an answer, one that kills a worker, one with another writer.
DEPLOYED_SAMPLE = slice(12, None, 20)
BEGAN = time.monotonic()
TOLD: list[Told] = []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Draw the scenarios from the table."""
    if "row" in metafunc.fixturenames:
        rows = chosen(metafunc.config.getoption("--faults"))
        metafunc.parametrize("row", rows, ids=[row.name.replace("\x01", "?") for row in rows])


def chosen(which: str) -> list[Scenario]:
    """Return the scenarios that are to be played; those of the deployed machine take ten times as long, so a sample has few."""
    rows = all_rows()
    on_emulator = [row for row in rows if row.place == EMULATOR]
    if which == "deployed":
        return on_emulator
    if which == "sample":
        return [row for row in rows if row.place != EMULATOR][::SAMPLE_EVERY] + on_emulator[DEPLOYED_SAMPLE]
    return rows


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The project on an emulator, deployed once for all scenarios there."""
    with deployed_from(tmp_path_factory.mktemp("deployed")) as made:
        yield made


@pytest.fixture(scope="session")
def told() -> list[Told]:
    """Return what the scenarios have come to so far."""
    return TOLD


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the page after a whole run in one process in which every scenario kept its promises."""
    is_whole = session.config.getoption("--faults") == "write" and len(TOLD) == len(all_rows())
    if is_whole and all(told.is_as_promised for told in TOLD):
        reliability_page.write(TOLD, time.monotonic() - BEGAN)
