"""A limit of SYNCS that refuses a run: `fab sync`, `fab follow`, `fab report` and `fab stop` say where it stands."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.errors import ExecutionFailed
from deployment.project.settings import Settings
from deployment.step_functions import listing
from deployment.step_functions.listing import Machine, MachineList
from deployment.syncs.entries import Sync
from deployment.tasks.runs import follow, report, sync
from deployment.tasks.runs.report import Wanted
from tests.fake_executions import ARN, BEGAN, FOLDER, MACHINE, FakeAws, piped

PHOTOS = Sync("photos", {"source": "from", "destination": "into", "maxDelete": "10%", "name": "photos"})
CAUSE = 'maxDelete allows 0 (10%, of 2 in scope). If it is right, start again with "maxDelete": 1.'
OF_SYNCS = "\"maxDelete\" of SYNCS['photos'] allows 0 (10%, of 2 in scope). If it is right, start again with --max-delete 1."
OF_SETTING = OF_SYNCS.replace("\"maxDelete\" of SYNCS['photos']", "MAX_DELETE of fabfile_config.py")
TYPED = OF_SYNCS.replace("\"maxDelete\" of SYNCS['photos']", "--max-delete")
STARTED_HERE = ARN.replace("monday", "fab-20261122-1")


class Refused(FakeAws):
    """One execution, started by `fab` with some input, that has ended because of its limit."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__()
        self.statuses = ["FAILED"]
        self.end = {
            "executionArn": STARTED_HERE,
            "startDate": BEGAN,
            "stopDate": BEGAN + timedelta(seconds=9),
            "input": json.dumps(given),
            "error": "DeletionRefused",
            "cause": CAUSE,
        }
        self.objects[f"{FOLDER.replace('monday', 'fab-20261122-1')}/report.json"] = {"phase": "plan"}

    def get_paginator(self, name: str) -> Any:
        return self if name == "list_executions" else super().get_paginator(name)

    def paginate(self, **_: Any) -> Any:
        record = {"executionArn": STARTED_HERE, "status": "FAILED", "startDate": BEGAN}
        yield {"executions": [record], "mapRuns": []}

    def place(self) -> Installation:
        return dataclasses.replace(self.installation(), settings=Settings(syncs=(PHOTOS,)))


@pytest.fixture(autouse=True)
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(MACHINE, f"arn:machine:{MACHINE}", False, BEGAN)
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(listing, "newest", lambda installation, base_name: machine)
    monkeypatch.setattr(listing, "list_all", lambda installation: MachineList((machine,), ()))


@pytest.mark.parametrize(
    "given, said",
    [
        (PHOTOS.input, OF_SYNCS),
        ({**PHOTOS.input, "dryRun": True}, OF_SYNCS),
        ({**PHOTOS.input, "maxDelete": "5%"}, TYPED),
        ({"source": "from", "destination": "into"}, OF_SETTING),
    ],
)
def test_the_cause_says_where_the_limit_stands(given: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ExecutionFailed) as caught:
        sync.sync(Refused(given).place(), given, piped()[0])
    assert str(caught.value).endswith(said)


def test_whoever_comes_back_by_the_name_of_the_sync_is_told_the_same() -> None:
    with pytest.raises(ExecutionFailed) as caught:
        follow.follow(Refused(PHOTOS.input).place(), "photos", piped()[0])
    assert str(caught.value).endswith(OF_SYNCS)
    console, out, _ = piped()
    report.report(Refused(PHOTOS.input).place(), "photos", console, Wanted())
    assert f"FAILED with DeletionRefused: {OF_SYNCS}" in out.getvalue().splitlines()
