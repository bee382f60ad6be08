"""Which scenarios are played: a sample, or all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from table import all_rows

SAMPLE_EVERY = 8
TOLD: list[object] = []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Draw the scenarios from the table."""
    if "row" in metafunc.fixturenames:
        rows = all_rows()
        if metafunc.config.getoption("--faults") == "sample":
            rows = rows[::SAMPLE_EVERY]
        metafunc.parametrize("row", rows, ids=[row.name.replace("\x01", "?") for row in rows])


@pytest.fixture(scope="session")
def told() -> list[object]:
    """Return what the scenarios have come to so far."""
    return TOLD


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the page after a whole run in which every scenario passed."""
    if session.config.getoption("--faults") == "write" and exitstatus == 0 and len(TOLD) == len(all_rows()):
        reliability_page.write(TOLD, time.monotonic() - BEGAN)
