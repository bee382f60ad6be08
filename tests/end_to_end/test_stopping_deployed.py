"""`fab stop` during a copy on the emulator: what was copied is counted by a proxy before S3, not by records of ours."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from deployed_project import Project, copy_project

from benchmarks.children import Server, server
from benchmarks.deployed import point_at
from deployment.emulator.emulator import Emulator

MANY_OBJECTS = 160
OBJECTS = int(os.environ.get("SYNCBUCKETS_OBJECTS", "1500"))
SLOW = "3000/4000/COPY"  # milliseconds: 1,500 copies take some 18 s, and nobody waits for what leads to them
SECONDS_TO_REPORT = 5

NEVER_INLINE = ("lambda_functions/shared/tally/maps.py", "MAX_INLINE_SHARDS = 40", "MAX_INLINE_SHARDS = 0")
STOPS = "deployment/step_functions/stops.py"
EDITS = {
    "INLINE": (),
    "DISTRIBUTED": (NEVER_INLINE,),
    # Many shards are worked through by two children at once, and `fab stop` takes more than twenty that are left for very many.
    "MANY": (
        NEVER_INLINE,
        ("lambda_functions/shared/work_bucket/shards.py", "MAX_SHARD_KEYS = 2000", "MAX_SHARD_KEYS = 2"),
        (
            "state_machines/sync_buckets_state_machine.yaml",
            "    <<: &copy-keys\n      Type: Map\n",
            "    <<: &copy-keys\n      Type: Map\n      MaxConcurrency: 2\n",
        ),
        (STOPS, "MANY_SHARDS = 1_000", "MANY_SHARDS = 20"),
        (STOPS, "LOOK_SECONDS = 5.0", "LOOK_SECONDS = 0.1"),
        (STOPS, "CLOCKS_DIFFER = timedelta(seconds=10)", "CLOCKS_DIFFER = timedelta(0)"),
    ),
}


@dataclass(frozen=True)
class Place:
    """A project of its own whose Lambdas reach S3 through the proxy."""

    mode: str
    project: Project
    proxy: Server

    def count(self) -> dict[str, int]:
        """Return the requests since this was last asked, such as `{"my-bucket COPY": 3}`."""
        counts: dict[str, int] = self.proxy.told()
        return counts

    def delay(self, how: str) -> dict[str, int]:
        """Hold requests back for so long from now on; returns the same."""
        counts: dict[str, int] = self.proxy.told(f"/-/delay/{how}")
        return counts


@pytest.fixture(params=["INLINE", "DISTRIBUTED"])
def place(
    request: pytest.FixtureRequest, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """The project with Maps of one kind, deployed beside the others."""
    mode = str(request.param)
    project = Project(copy_project(tmp_path_factory.mktemp(f"stop-{mode}")), dict(emulator.environment))
    port = emulator.environment["AWS_ENDPOINT_URL"].rpartition(":")[2]
    with server("benchmarks.proxy", port) as proxy:
        for function in (project.folder / "lambda_functions").glob("*.py"):
            point_at(function, proxy.url)
        for file, before, after in EDITS[mode]:
            project.replace(file, before, after)
        project.replace("fabfile_config.py", '"sync-buckets"', f'"stop-{mode.lower()}"')
        done = project.fab()
        assert done.returncode == 0, done.stdout + done.stderr
        yield Place(mode, project, proxy)


def keys(client: Any, bucket: str) -> dict[str, datetime]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {one["Key"]: one["LastModified"] for page in pages for one in page.get("Contents", ())}


def work_keys(place: Place) -> list[str]:
    client = place.project.client("s3")
    found = [one["Name"] for one in client.list_buckets()["Buckets"]]
    (work,) = [one for one in found if one.startswith(f"stop-{place.mode.lower()}-work")]
    return list(keys(client, work))


def asked_to_stop(place: Place, name: str) -> bool:
    return any(key.endswith(f"/{name}/stop.json") for key in work_keys(place))


def test_a_stop_in_the_midst_of_a_copy_loses_nothing_deletes_nothing_and_the_next_run_copies_the_rest(
    place: Place,
) -> None:
    project = place.project
    source, destination = f"stop-{place.mode.lower()}-from", f"stop-{place.mode.lower()}-into"
    client = project.bucket(source)
    project.bucket(destination)
    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(
                lambda number: client.put_object(Bucket=source, Key=f"{number:05}", Body=b"123"),
                range(OBJECTS),
            )
        )
    client.put_object(Bucket=destination, Key="orphan", Body=b"1")
    place.delay(SLOW)
    place.count()
    started = json.loads(project.fab("sync", source, destination, "--no-wait", "--json").stdout)[
        "executionArn"
    ]
    name = started.rpartition(":")[2]
    project.wait_until(lambda: len(keys(client, destination)) > 200)

    with ThreadPoolExecutor(1) as terminal:
        stopping = terminal.submit(project.fab, "stop", name[:-2], "--yes")
        project.wait_until(lambda: asked_to_stop(place, name))
        before = place.delay("0/0")  # what is held back already is what is under way
        stopped = stopping.result()

    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    document = json.loads(project.fab("report", name, "--json").stdout)
    report, there = document["report"], keys(client, destination)
    sent = Counter(before) + Counter(place.count())
    copied = report["copied"]["objects"]
    assert (document["status"], report["outcome"], report["phase"]) == ("FAILED", "Stopped", "copying")
    assert copied == sent[f"{destination} COPY"] == len(there) - 1
    assert 200 < copied < OBJECTS
    assert report["stopped"]["objects"] == OBJECTS - copied
    assert [kind for kind in sent if "DELETE" in kind and kind.startswith(destination)] == []
    assert "orphan" in there
    ended = datetime.fromisoformat(report["endedAt"])
    seconds = (ended - max(there.values())).total_seconds()
    print(f"{place.mode}: {copied:,} of {OBJECTS:,} copied, report {seconds:.1f} s after the last request")
    assert seconds <= SECONDS_TO_REPORT
    said = f"The run was stopped while copying: {copied:,} of {OBJECTS:,} objects were copied"
    assert said in stopped.stdout + stopped.stderr

    again = project.fab("sync", source, destination, "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    rest = json.loads(again.stdout)["report"]
    assert rest["copied"]["objects"] == place.count()[f"{destination} COPY"] == OBJECTS - copied
    assert rest["deleted"]["objects"] == 1
    assert keys(client, destination).keys() == keys(client, source).keys()


@pytest.mark.parametrize("place", ["MANY"], indirect=True)
def test_a_map_run_of_very_many_shards_is_told_to_tolerate_nothing_and_the_run_ends_as_stopped(
    place: Place,
) -> None:
    project, steps = place.project, place.project.client("stepfunctions")
    client = project.bucket("stop-many-from")
    project.bucket("stop-many-into")
    for number in range(MANY_OBJECTS):
        client.put_object(Bucket="stop-many-from", Key=f"{number:05}", Body=b"123")
    place.count()
    started = json.loads(
        project.fab("sync", "stop-many-from", "stop-many-into", "--no-wait", "--json").stdout
    )["executionArn"]
    project.wait_until(lambda: len(keys(client, "stop-many-into")) > 3)

    stopped = project.fab("stop", "--yes")

    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert "Its other batches, which had not begun, are left out." in stopped.stderr
    (map_run,) = steps.list_map_runs(executionArn=started)["mapRuns"]
    told = steps.describe_map_run(mapRunArn=map_run["mapRunArn"])
    assert (told["toleratedFailureCount"], told["toleratedFailurePercentage"]) == (0, 0.0)
    assert told["itemCounts"]["failed"] > 0
    report = json.loads(project.fab("report", "--json").stdout)["report"]
    copied = report["copied"]["objects"]
    assert (report["outcome"], report["failed"], report["deleted"]["objects"]) == (
        "Stopped",
        {"objects": 0},
        0,
    )
    assert copied == place.count()["stop-many-into COPY"] == len(keys(client, "stop-many-into"))
    assert report["stopped"]["objects"] == MANY_OBJECTS - copied
    leases = [key for key in work_keys(place) if key.startswith("leases/")]
    assert leases == [], "the next sync may start at once"


def test_without_a_run_that_is_running_there_is_nothing_to_stop(deployed: Project) -> None:
    deployed.execute(source="no-such-source", destination="no-such-destination")
    done = deployed.fab("stop", "--yes")
    assert done.returncode == 1
    assert "is RUNNING." in done.stderr
