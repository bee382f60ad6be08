"""Coming back to a run by the real `fab`: following it from another terminal, and reading afterwards what came of it."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

from deployed_project import Project

from tests.page_reader import PageReader

OBJECTS = 300


def test_a_run_is_followed_and_its_report_and_failures_are_read_afterwards(
    deployed: Project, tmp_path: Path
) -> None:
    source = deployed.bucket("followed-source")
    deployed.bucket("followed-destination")
    for number in range(OBJECTS):
        source.put_object(Bucket="followed-source", Key=f"warm/{number:03}", Body=b"12345")
    for number in range(30):
        source.put_object(
            Bucket="followed-source", Key=f"cold/{number:02}", Body=b"1", StorageClass="GLACIER"
        )
    sync = ("sync", "followed-source", "followed-destination", "--no-wait", "--json")
    started = json.loads(deployed.fab(*sync).stdout)["executionArn"]
    name = started.rpartition(":")[2]

    followed = deployed.fab("follow")
    assert followed.returncode == 0, followed.stderr
    assert f"{started}\n" in followed.stderr
    assert "Syncing followed-source -> followed-destination\n" in followed.stderr
    assert re.search(rf"^copied +{OBJECTS} +1\.5 KiB$", followed.stdout, re.MULTILINE)

    document = json.loads(deployed.fab("report", name, "--json").stdout)
    assert (document["executionArn"], document["status"]) == (started, "SUCCEEDED")
    assert document["report"]["skipped"]["archived"] == 30

    shown = deployed.fab("report", name[:-2])
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"{name}, ")
    assert "\narchived: 30 objects\n" in shown.stdout
    assert shown.stdout.endswith(f"\n... and 10 more: fab report {name} --failures FILE\n")

    lines = deployed.fab("report", "--failures", "-").stdout.splitlines()
    assert [json.loads(line)["key"] for line in lines] == [f"cold/{number:02}" for number in range(30)]

    written = deployed.fab(
        "report", name, "--html", str(tmp_path / "page.html"), "--csv", str(tmp_path / "keys.csv")
    )
    assert written.returncode == 0, written.stderr
    rows = list(csv.reader((tmp_path / "keys.csv").read_text(encoding="utf-8").splitlines()))
    assert [row[0] for row in rows] == ["key", *(f"cold/{number:02}" for number in range(30))]
    page = PageReader((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.dangers() == []
    assert (
        f"{OBJECTS} objects (1.5 KiB) were copied from followed-source to followed-destination" in page.words
    )
    assert "archived 30 objects" in page.words
    assert [kind for kind in page.classes("svg") if kind in ("phase", "lanes")] == ["phase", "phase", "lanes"]


def test_a_name_that_no_run_has_is_a_mistake_of_whoever_typed_it(deployed: Project) -> None:
    deployed.execute(source="no-such-source", destination="no-such-destination")
    done = deployed.fab("report", "nobody")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "Error: No run has a name that begins with 'nobody'. `fab status` names the newest ones.\n"
    )
