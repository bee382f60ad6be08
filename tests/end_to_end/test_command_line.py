"""The command line and a deployment: what is dry changes nothing, a refused run shows its plan, a closed pipe is no mistake."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from deployed_project import FAB, Project


@pytest.fixture(scope="module")
def buckets(deployed: Project) -> Project:
    """A source with one object under `in/`, a destination with another there and one beside it."""
    for name, keys in (("cli-source", ["in/new"]), ("cli-destination", ["in/old", "outside"])):
        client = deployed.bucket(name)
        for key in keys:
            client.put_object(Bucket=name, Key=key, Body=b"x")
    return deployed


def keys_of(project: Project, bucket: str) -> list[str]:
    return [one["Key"] for one in project.client("s3").list_objects_v2(Bucket=bucket).get("Contents", ())]


@pytest.mark.parametrize(
    "line",
    [
        "sync cli-source cli-destination --dry",
        "--dry sync cli-source cli-destination",
        "-R sync cli-source cli-destination",
    ],
)
def test_a_dry_sync_changes_nothing(buckets: Project, line: str) -> None:
    done = buckets.fab(*line.split())

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("cli-source -> cli-destination (dry run: nothing was changed)\n")
    assert keys_of(buckets, "cli-destination") == ["in/old", "outside"]
    shown = buckets.fab("status").stdout
    assert "SUCCEEDED: dry run, 1 would be copied, 2 would be deleted" in shown


@pytest.mark.parametrize(
    "line", ["delete --dry --yes", "--dry delete --yes", "delete --yes -R", "delete --yes -H a"]
)
def test_a_dry_delete_is_refused_and_deletes_nothing(buckets: Project, line: str) -> None:
    done = buckets.fab(*line.split())

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: Nothing was done: ")
    assert buckets.machines() and buckets.work_keys("runs/") is not None


def test_a_refused_sync_of_two_addresses_shows_its_plan_and_where_its_report_is(buckets: Project) -> None:
    words = ["sync", "s3://cli-source/in", "cli-destination/in/", "--max-delete", "0"]

    done, as_json = buckets.fab(*words), buckets.fab(*words, "--json")

    assert (done.returncode, as_json.returncode) == (1, 1)
    assert done.stderr.startswith("Syncing cli-source/in/ -> cli-destination/in/: account ")
    assert done.stdout.startswith("cli-source/in/ -> cli-destination/in/ (refused: nothing was changed)\n")
    assert [line.split() for line in done.stdout.splitlines()[3:5]] == [
        ["would", "be", "copied", "1", "1", "byte"],
        ["would", "be", "deleted", "1", "1", "byte"],
    ]
    document = json.loads(as_json.stdout)
    assert document["error"] == document["report"]["outcome"] == "DeletionRefused"
    assert document["report"]["report"].startswith("s3://sync-buckets-work")
    shown = buckets.fab("status").stdout
    assert "    cli-source/in/ -> cli-destination/in/\n    FAILED with DeletionRefused, after" in shown
    assert document["cause"].split(";")[0] in shown
    assert "start again with --max-delete 1." in shown and "start again with --max-delete 1." in done.stderr


def test_what_comes_from_standard_input_is_overruled_by_flags(buckets: Project) -> None:
    given = json.dumps({"source": "cli-source", "destination": "cli-destination", "dryRun": False})
    done = subprocess.run(
        [str(FAB), "sync", "--input", "-", "--dry-run", "--exclude", "out*", "--json"],
        cwd=buckets.folder,
        env={**os.environ, **buckets.environment},
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)["report"]
    assert (report["dryRun"], report["plan"]["delete"]["objects"]) == (True, 1)


@pytest.mark.skipif(os.name == "nt", reason="a pipe without a reader is an error of another kind there")
@pytest.mark.parametrize(
    "line",
    ["sync cli-source cli-destination --dry-run", "sync cli-source cli-destination --dry-run --json --no-wait",
     "status", "status --json", "versions", "logs", "plan", "watch", ""],
)  # fmt: skip
@pytest.mark.parametrize("closed", ["stdout", "both"])
def test_a_reader_that_has_gone_is_no_mistake(buckets: Project, line: str, closed: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        done = subprocess.run(
            [str(FAB), *line.split()],
            cwd=buckets.folder,
            env={**os.environ, **buckets.environment},
            stdin=subprocess.DEVNULL,
            stdout=nobody,
            stderr=subprocess.PIPE if closed == "stdout" else nobody,
            text=True,
            timeout=120,
        )
    assert done.returncode in (0, 1, 141)
    assert "Traceback" not in (done.stderr or "") and "Broken" not in (done.stderr or "")
    assert (
        done.returncode == 141
        or (line == "watch" and closed == "stdout")
        or (line == "logs" and not done.returncode)
    )
