"""Which scenarios are played: a sample, or all."""

from __future__ import annotations

import time

import pytest
import reliability_page
from running import Told
from table import all_rows

SAMPLE_EVERY = 8
BEGAN = time.monotonic()
TOLD: list[Told] = []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Draw the scenarios from the table."""
    if "row" in metafunc.fixturenames:
        rows = all_rows()
        if metafunc.config.getoption("--faults") == "sample":
            rows = rows[::SAMPLE_EVERY]
        metafunc.parametrize("row", rows, ids=[row.name.replace("\x01", "?") for row in rows])


@pytest.fixture(scope="session")
def told() -> list[Told]:
    """Return what the scenarios have come to so far."""
    return TOLD


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the page after a whole run in one process in which every scenario kept its promises."""
    is_whole = session.config.getoption("--faults") == "write" and len(TOLD) == len(all_rows())
    if is_whole and all(told.is_as_promised for told in TOLD):
        reliability_page.write(TOLD, time.monotonic() - BEGAN)
