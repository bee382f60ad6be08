"""`fab syncs` on moto's Step Functions: the newest execution of each name, of whatever machine, and none of strangers."""

from __future__ import annotations

import json
from dataclasses import replace

from deployments_on_moto import REGION, Deployments
from moto import mock_aws

from deployment.syncs.entries import Sync
from deployment.tasks.syncs import syncs_list
from tests.recording_console import RecordingConsole

SYNCS = tuple(
    Sync(name, {"source": "from", "destination": name, "name": name}, "rate(1 day)")
    for name in ("photos", "films")
)


def test_the_last_run_is_found_among_all_our_machines() -> None:
    with mock_aws():
        made = Deployments()
        older, newer = made.machine("20261101-000000"), made.machine("20261122-000000")
        stranger = made.machine("20261123-000000", base="stranger", tags=[])
        made.start(newer, "before", **SYNCS[0].input)
        made.start(older, "last", **SYNCS[0].input)
        made.start(newer, "nameless", source="from", destination="films")
        made.start(stranger, "of-a-stranger", **SYNCS[1].input)
        settings = replace(made.installation.settings, syncs=SYNCS)
        console = RecordingConsole()
        syncs_list.show(replace(made.installation, settings=settings), console, as_json=True)  # type: ignore[arg-type]
    (text,) = console.results
    photos, films = json.loads(text)["syncs"]
    assert photos["lastRun"]["executionArn"].endswith(f"{older}:last")
    assert (photos["lastRun"]["status"], photos["lastRun"]["endedAt"]) == ("RUNNING", None)
    assert f":{REGION}:" in photos["lastRun"]["executionArn"]
    assert (films["lastRun"], photos["nextRun"]) == (None, None)
    assert json.loads(text)["allExecutionsRead"] is True
