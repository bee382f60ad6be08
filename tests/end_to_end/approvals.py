"""A plan, the buckets that are changed after it, and what a run that carries it out does, as a proxy sees it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deployed_project import Project
from logged_requests import Logged

Writes = set[tuple[str, str]]


@dataclass(frozen=True)
class Planned:
    """A dry run by its name, where its files are, its digest, and the lines of its list: `("copy", key)`, `("delete", key)`."""

    name: str
    work_bucket: str
    folder: str
    digest: str
    lines: Writes


class Approval:
    """Two buckets, and what has come to the destination since the last plan was made."""

    def __init__(self, project: Project, log: list[Logged], name: str) -> None:
        self.project, self._log = project, log
        self.source, self.destination = f"{name}-source", f"{name}-destination"
        self.client = project.bucket(self.source)
        project.bucket(self.destination)

    def fill(self, objects: int) -> None:
        """Put so many keys that are to be copied, a third of them over others, and a tenth as many orphans."""
        with ThreadPoolExecutor(16) as pool:
            puts = [(self.source, f"{number:05}", b"1") for number in range(objects)]
            puts += [(self.destination, f"{number:05}", b"before") for number in range(0, objects, 3)]
            puts += [(self.destination, f"orphan {number:05}", b"1") for number in range(objects // 10)]
            list(pool.map(lambda one: self.put(*one), puts))

    def put(self, bucket: str, key: str, body: bytes = b"1") -> None:
        """Put an object, over another one if there is one."""
        self.client.put_object(Bucket=bucket, Key=key, Body=body)

    def plan(self) -> Planned:
        """Make a dry run and list its plan; what came before is forgotten."""
        file = self.project.folder / "plan.jsonl"
        done = self.project.fab(
            "sync", self.source, self.destination, "--dry-run", "--json", "--list", str(file)
        )
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)["report"]
        assert self.asked() == set()
        self._log.clear()
        work_bucket, _, key = report["report"].removeprefix("s3://").partition("/")
        folder = key.removesuffix("report.json")
        lines = {as_write(line) for line in file.read_text().splitlines()}
        return Planned(folder.split("/")[-2], work_bucket, folder, report["planDigest"], lines)

    def apply(self, planned: Planned) -> tuple[str, dict[str, Any]]:
        """Carry a plan out; return the error that the run ended with, "" for none, and its report."""
        done = self.project.fab("sync", "--plan", planned.name, "--plan-digest", planned.digest, "--json")
        document = json.loads(done.stdout)
        return document.get("error", ""), document["report"]

    def why_refused(self, planned: Planned) -> str:
        """Try to carry a plan out that is refused; return why, after nothing was sent that could change the destination."""
        before = len(self._log)
        error, report = self.apply(planned)
        assert error == "InvalidInput"
        assert [write for request in self._log[before:] for write in request.writes(self.destination)] == []
        return str(report["cause"])

    def asked(self) -> Writes:
        """Return what was asked for since the plan was made."""
        return {write for request in self._log for write in request.writes(self.destination)}

    def done(self) -> Writes:
        """Return what was done since the plan was made; nothing may have been done twice."""
        found = [write for request in self._log for write in request.done(self.destination)]
        assert len(found) == len(set(found))
        return set(found)

    @contextlib.contextmanager
    def tampered(self, planned: Planned, name: str, before: bytes, after: bytes) -> Iterator[None]:
        """Change a file of a plan, the first one whose name begins so, for as long as the block."""
        work, prefix = planned.work_bucket, f"{planned.folder}{name}"
        key = self.client.list_objects_v2(Bucket=work, Prefix=prefix)["Contents"][0]["Key"]
        body = self.client.get_object(Bucket=work, Key=key)["Body"].read()
        assert body.count(before) == 1
        self.put(work, key, body.replace(before, after))
        yield
        self.put(work, key, body)


def as_write(line: str) -> tuple[str, str]:
    """Return what a line of `--list --json` plans."""
    planned = json.loads(line)
    return planned["action"], planned["key"]
