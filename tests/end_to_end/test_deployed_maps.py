"""Both Maps over shards on the emulator, by real zips: an inline one for a small run, a Distributed one else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from deployed_project import Project, copy_project

from deployment.emulator import verify
from deployment.emulator.emulator import Emulator

MAPS = "lambda_functions/shared/tally/maps.py"
FIRST = "lambda_functions/shared/compare/plan_writer.py"


@pytest.fixture(scope="module", params=["INLINE", "DISTRIBUTED"])
def project(
    request: pytest.FixtureRequest, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Project]]:
    """The project with first shards of one key, worked through in Maps of one kind."""
    mode = str(request.param)
    project = Project(copy_project(tmp_path_factory.mktemp(mode.lower())), dict(emulator.environment))
    config = project.folder / "fabfile_config.py"
    config.write_text(config.read_text().replace('"sync-buckets"', f'"sync-{mode.lower()}"'))
    project.replace(FIRST, "FIRST_COPY_KEYS = 250", "FIRST_COPY_KEYS = 1")
    if mode == "DISTRIBUTED":
        project.replace(MAPS, "MAX_INLINE_SHARDS = 40", "MAX_INLINE_SHARDS = 0")
    done = project.fab()
    assert done.returncode == 0, done.stdout + done.stderr
    yield mode, project


def states_of(project: Project, arn: str) -> list[str]:
    events = project.client("stepfunctions").get_execution_history(executionArn=arn, maxResults=1000)[
        "events"
    ]
    entered = (event.get("stateEnteredEventDetails", {}).get("name") for event in events)
    return [name for name in entered if name]


def records_of(project: Project, arn: str, kind: str) -> list[str]:
    """Return the records that the workers of an execution have left."""
    given = project.client("stepfunctions").describe_execution(executionArn=arn)["output"]
    bucket, _, folder = json.loads(given)["report"].removeprefix("s3://").partition("/")
    prefix = f"{folder.removesuffix('report.json')}{kind}/"
    listed = project.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [one["Key"] for one in listed["Contents"]]


def contents(project: Project, bucket: str) -> Any:
    return verify.read(project.client("s3"), bucket)


def test_several_workers_copy_and_delete_and_a_second_run_enters_no_map(project: tuple[str, Project]) -> None:
    mode, ours = project
    source, destination = f"{mode.lower()}-source", f"{mode.lower()}-destination"
    into = ours.bucket(source)
    for number in range(14):
        into.put_object(Bucket=source, Key=f"{number}", Body=f"object {number}".encode())
    ours.bucket(destination).put_object(Bucket=destination, Key="orphan", Body=b"orphan")
    suffix = {"INLINE": "Inline", "DISTRIBUTED": ""}[mode]

    first = ours.start(source=source, destination=destination)
    ended = ours.wait(first)
    second = ours.start(source=source, destination=destination)

    assert (ended["status"], ours.wait(second)["status"]) == ("SUCCEEDED", "SUCCEEDED"), ended.get("cause")
    assert list(verify.differences(contents(ours, source), contents(ours, destination))) == []
    states = states_of(ours, first)
    assert {f"CopyKeys{suffix}", f"DeleteOrphanedKeys{suffix}"} <= set(states)
    assert not {"CopyKeys", "DeleteOrphanedKeys", "CopyKeysInline", "DeleteOrphanedKeysInline"} & set(
        states_of(ours, second)
    )
    assert len(records_of(ours, first, "copied")) == 9
