"""A run whose page is looked at."""

from __future__ import annotations

import pytest

from deployment.cloudformation import lookup
from deployment.step_functions import runs
from deployment.step_functions.runs import Run
from tests.fake_executions import ARN, BEGAN, REPORT
from tests.reported_runs import Bucket, ended


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An account whose newest run, called monday, has succeeded; two workers copied for 20 of 95 seconds."""
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(runs, "find", lambda installation, name, deployed: Run(ARN, "FAILED", BEGAN))
    found = Bucket()
    ended(found, "SUCCEEDED", {**REPORT, "skipped": {}, "outcome": "Succeeded"})
    found.put_turn("compared", "1-0001", 1.0, 4.0, listed={"source": 90, "destination": 80}, paired=70)
    found.put_turn("copied", "copy-000001-0", 6.0, 20.0)
    found.put_turn("copied", "copy-000002-0", 7.0, 10.0, tally={"failed": {"objects": 3}})
    return found
