"""What all functions were seen to call, recorded once for all tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from iam_recorder import Recorder
from iam_runs import recorded


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    """Return the recorder after all runs."""
    # It writes the whole state machine for every error, also for those that a run is about.
    interpreter = logging.getLogger("moto.stepfunctions")
    interpreter.setLevel(logging.CRITICAL + 1)
    yield recorded()
    interpreter.setLevel(logging.NOTSET)
