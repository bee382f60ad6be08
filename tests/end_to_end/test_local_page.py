"""The commands that docs/operating.md and docs/deploying.md show for the emulator are played on one that is empty."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed_project import Project, copy_project
from places import PROJECT

from deployment.emulator.emulator import ACCOUNT_ID, Emulator

BUCKET = f"sync-buckets-deployment-{ACCOUNT_ID}-us-east-1"
MISSING = ("fab", "sync", "photos-orig", "not-there-at-all")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Project]:
    """A copy of the project without a configuration, and an emulator of its own, as `fab local` starts it."""
    with Emulator() as running:
        project = Project(copy_project(tmp_path), dict(running.environment))
        (project.folder / "fabfile_config.py").unlink()
        yield project


def commands(page: str, mark: str) -> str:
    """The lines of the block under a mark."""
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    (block,) = re.findall(rf"^<!-- {re.escape(mark)} -->\n```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(block)


def run(project: Project, lines: str) -> str:
    """Paste lines into a shell with the emulator's variables and the environment of these tests; return what they write."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-e"],
        input=lines,
        cwd=project.folder,
        env={**os.environ, **project.environment, "NO_COLOR": "1", "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_from_an_empty_emulator_to_a_sync_a_notice_and_nothing_again(empty: Project) -> None:
    synced = run(empty, commands("operating.md", "fab local: begin"))
    assert "photos: photos-orig -> photos-copy (dry run: nothing was changed)" in synced
    assert len(empty.client("s3").list_objects_v2(Bucket="photos-copy")["Contents"]) == 20

    again = empty.fab("verify", "photos")
    assert "In sync: 20 objects are equal." in again.stdout and "exactly this plan" not in again.stdout
    said = empty.fab("policies", "photos", "--source-account", "444455556666").stdout
    assert "(as given; this endpoint confirms every account)" in said

    empty.replace("fabfile_config.py", "NOTIFY = []", 'NOTIFY = ["me@example.com"]')
    assert (
        "NoticeSubscription" in (planned := empty.fab("plan").stdout) and "mails to me@example.com" in planned
    )
    assert "Its link has to be followed before any notice comes" in run(empty, "fab")
    run(empty, commands("operating.md", "fab local: listen"))
    assert empty.fab(*MISSING[1:], "--dry-run").returncode == empty.fab(*MISSING[1:]).returncode == 1
    heard: list[str] = []
    empty.wait_until(
        lambda: heard.append(run(empty, commands("operating.md", "fab local: read"))) or "".join(heard) != ""
    )
    assert "".join(heard).count("SyncBuckets: a sync has failed (InvalidInput).") == 1
    assert '"dryRun": true' not in "".join(heard)

    assert "docs/deploying.md says how to remove it" in run(empty, "fab delete --yes")
    run(empty, commands("deploying.md", "remove the deployment bucket").replace("BUCKET", BUCKET))
    assert BUCKET not in [one["Name"] for one in empty.client("s3").list_buckets()["Buckets"]]
