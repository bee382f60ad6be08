"""What a run has left in the work bucket when it has ended: the files of failures, its plan, the records of its turns."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from deployment.tasks.runs import report
from deployment.tasks.runs.report import Wanted
from tests.fake_executions import BEGAN, FOLDER, piped
from tests.page_reader import PageReader
from tests.planned_runs import PlannedBucket

DENIED = "AccessDenied: Access Denied (CopyObject)"


def line(key: str, what: str = "failed", why: str = DENIED) -> dict[str, str]:
    return {"key": key, "what": what, "error": why}


class Bucket(PlannedBucket):
    """FakeAws with the files of a run that has ended."""

    def put_failures(self, *files: list[dict[str, str]], unfinished: int = 0) -> None:
        contents = []
        for number, lines in enumerate(files):
            body = b"".join(json.dumps(one).encode() + b"\n" for one in lines)
            name = f"failures/copy-{number}.jsonl"
            self.objects[f"{FOLDER}/{name}"] = body
            contents.append({"file": name, "objects": len(lines), "sha256": hashlib.sha256(body).hexdigest()})
        self.objects[f"{FOLDER}/failures.json"] = {
            "files": [one["file"] for one in contents],
            "unfinishedShards": ["copy/x.jsonl"] * unfinished,
            "contents": contents,
        }

    def put_turn(self, folder: str, name: str, began: float | None, seconds: float, **values: Any) -> None:
        """Put the record of a turn that began so many seconds after the run; None: its deployment did not say when."""
        at = {} if began is None else {"startedAt": (BEGAN + timedelta(seconds=began)).isoformat()}
        record = {"tally": {"copied": {"objects": 100, "bytes": 1000}}, "seconds": seconds, **at, **values}
        self.objects[f"{FOLDER}/{folder}/{name}.json"] = record


def ended(aws: Bucket, status: str, left: dict[str, Any], **end: str) -> None:
    """Let the run end so, with this report."""
    aws.statuses = [status]
    output = {"output": json.dumps(left)} if status == "SUCCEEDED" else {}
    given = '{"source": "photos", "destination": "photos-copy"}'
    aws.end = {"stopDate": BEGAN + timedelta(seconds=95), "input": given, **output, **end}
    aws.objects[f"{FOLDER}/report.json"] = left


def made(aws: Bucket, folder: Path) -> PageReader:
    """Return the page of the run."""
    console, out, _ = piped()
    report.report(aws.installation(), None, console, Wanted(html=str(folder / "page.html")))
    assert "monday" in out.getvalue()
    return PageReader((folder / "page.html").read_text(encoding="utf-8"))
