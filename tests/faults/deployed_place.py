"""Whole runs of the deployed machine among faults: real zips, Lambdas in processes of their own, and a proxy before their S3."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import buckets
import moto_place
from botocore.exceptions import ClientError
from deployed_project import Project, copy_project
from fault_oracle import OPTIONS, Buckets, Ending, Oracle
from fault_proxy import ALWAYS, Faults, FaultyHandler, Rule, fault_proxy
from moments import RACES, WITH_NAMES, damaged
from scenarios import UNKNOWN_UPLOAD, Scenario

from benchmarks.deployed import point_at
from deployment.aws.errors import is_missing
from deployment.emulator.emulator import Emulator

SHARED = "lambda_functions/shared"
# What would otherwise take minutes, or objects of gigabytes; all else is what everybody deploys.
EDITS = (
    (f"{SHARED}/s3/clients.py", "COPY_TIMEOUT_SECONDS = 900", "COPY_TIMEOUT_SECONDS = 4"),
    (f"{SHARED}/s3/clients.py", "READ_TIMEOUT_SECONDS = 60", "READ_TIMEOUT_SECONDS = 4"),
    (f"{SHARED}/s3/clients.py", "MAX_ATTEMPTS = 9", "MAX_ATTEMPTS = 4"),
    (f"{SHARED}/compare/plan_writer.py", "LARGE_PARTS = 2000", "LARGE_PARTS = 2"),
    (f"{SHARED}/work_bucket/executions.py", "STRAGGLERS_SECONDS = 930", "STRAGGLERS_SECONDS = 4"),
)
LOOKS = 10
BLOCKED = "may still be writing into"  # by the Lambdas of a run that is over, for `STRAGGLERS_SECONDS`
OF_A_RUN = "runs/[^/]+/[^/]+/"
# More than the 2 KiB that a header may hold, so that they follow the copy.
LONG_TAGS = [{"Key": f"{number}", "Value": "ü" * 200} for number in range(5)]
HOW_OFTEN = {"once": (1, 1), "the second": (2, 1), "three times": (1, 3), "always": (1, ALWAYS)}
STRIKES: dict[str, Callable[[FaultyHandler], None]] = {
    "500 InternalError": lambda sent: sent.fail(500, "InternalError", "We encountered an internal error."),
    "503 SlowDown": lambda sent: sent.fail(503, "SlowDown", "Please reduce your request rate."),
    "403 AccessDenied": lambda sent: sent.fail(403, "AccessDenied", "Access Denied"),
    "200 with InternalError": lambda sent: sent.fail(
        200, "InternalError", "We encountered an internal error."
    ),
    "body cut on the wire": FaultyHandler.cut,
    "connection reset before it": FaultyHandler.reset,
    "lost answer": lambda sent: after(sent, FaultyHandler.reset),
    "answer after the time-out": lambda sent: after(sent, FaultyHandler.outwait),
    "worker killed before it": FaultyHandler.kill_worker,
    "worker killed after it": lambda sent: after(sent, FaultyHandler.kill_worker),
}
_numbers = itertools.count(1)


def after(sent: FaultyHandler, strike: Callable[[FaultyHandler], None]) -> None:
    """Strike when the request has been carried out."""
    sent.carried_out()
    strike(sent)


@dataclass(frozen=True)
class Deployment:
    """The project on an emulator of its own, and the faults of the proxy through which its Lambdas reach S3."""

    project: Project
    faults: Faults

    def work_bucket(self) -> str:
        """Return the name of the work bucket."""
        names = [one["Name"] for one in self.project.client("s3").list_buckets()["Buckets"]]
        (name,) = [name for name in names if name.startswith("sync-buckets-work")]
        return str(name)


@contextlib.contextmanager
def deployed_from(folder: Path) -> Iterator[Deployment]:
    """Deploy a copy of the project from this folder by the real `fab`."""
    with Emulator(region="eu-west-1") as emulator, fault_proxy(emulator.port) as (url, faults):
        project = Project(copy_project(folder), dict(emulator.environment))
        for function in (project.folder / "lambda_functions").glob("*.py"):
            point_at(function, url)
        for file, before, changed in EDITS:
            project.replace(file, before, changed)
        done = project.fab()
        assert done.returncode == 0, done.stdout + done.stderr
        yield Deployment(project, faults)


class EmulatedBucket(buckets.Bucket):
    """A bucket of the emulator, which takes no date from anybody."""

    def set_age(self, key: str, age_seconds: float) -> None:
        """Do nothing: an object is as old as it is."""

    def snapshot(self, prefix: str = "") -> dict[str, buckets.Stored]:
        """Return everything, read again if something goes meanwhile: the worker of a stopped run may still delete."""
        for _ in range(LOOKS):
            try:
                return super().snapshot(prefix)
            except ClientError as error:
                if not is_missing(error):
                    raise
        raise AssertionError(f"{self.name} does not come to rest")

    def stored(self, key: str) -> buckets.Stored:
        """Return one object."""
        place = {"Bucket": self.name, "Key": key}
        head = self.client.head_object(**place)
        tags = {tag["Key"]: tag["Value"] for tag in self.client.get_object_tagging(**place)["TagSet"]}
        is_archived = head.get("StorageClass") == "GLACIER"  # nobody may read it
        return buckets.Stored(
            b"" if is_archived else self.client.get_object(**place)["Body"].read(),
            head["ETag"].strip('"'),
            tuple((name, head[name]) for name in buckets.HEADERS if name in head),
            tuple(sorted(head["Metadata"].items())),
            tuple(sorted(tags.items())),
            head.get("WebsiteRedirectLocation"),
            head.get("StorageClass", "STANDARD"),
        )


@dataclass
class DeployedPlace:
    """Filled buckets of a scenario's own on a deployment, with their oracle."""

    deployment: Deployment
    source: EmulatedBucket
    destination: EmulatedBucket
    unrelated: EmulatedBucket
    work: str
    oracle: Oracle = field(init=False)
    rule: Rule | None = None

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.look)

    @property
    def fired(self) -> int:
        """How often the fault has struck, as the proxy counts it."""
        return self.rule.fired if self.rule else 0

    def look(self) -> Buckets:
        """Read all objects past the proxy."""
        return Buckets(*(one.snapshot() for one in (self.source, self.destination, self.unrelated)))

    def arm(self, row: Scenario) -> None:
        """Let the fault of a row strike."""
        if row.family == "file of the run":
            self._arm_file(row)
        elif row.family in ("another writer", "stop"):
            self._arm_moment(row)
        else:
            nth, times = HOW_OFTEN[row.amount]
            self._strike_at(row.target, STRIKES[row.fault], nth, times)

    def _arm_file(self, row: Scenario) -> None:
        """Damage the first file of a kind that a worker reads, right before it does; what is not there yet is left alone."""
        self.oracle.has_plan = row.target not in WITH_NAMES
        kind = re.compile(OF_A_RUN + re.escape(row.target))

        def is_meant(key: str) -> bool:
            return bool(kind.match(key)) and self._file(key) is not None

        def strike(sent: FaultyHandler) -> None:
            place = {"Bucket": self.work, "Key": sent.key()}
            body = damaged(row, self._file(sent.key()) or b"")
            client = self.source.client
            client.delete_object(**place) if body is None else client.put_object(**place, Body=body)

        self._add(Rule("GetObject", self.work, strike, is_meant, times=1))

    def _arm_moment(self, row: Scenario) -> None:
        """Let somebody else act once, before or after a request."""
        when, _, target = row.target.partition(" ")
        act = self._stop if row.fault == "StopExecution" else lambda: RACES[row.fault](self)

        def strike(sent: FaultyHandler) -> None:
            if when == "before":
                act()
                return
            reply = sent.carried_out()
            act()
            sent.answer(reply)

        self._strike_at(target, strike, 1, 1)

    def _strike_at(self, target: str, strike: Callable[[FaultyHandler], None], nth: int, times: int) -> None:
        """Strike requests `operation@bucket`, perhaps those of one `:key` only."""
        operation, _, where = target.partition("@")
        side, _, wanted = where.partition(":")
        bucket = self.work if side == "work" else getattr(self, side).name
        self._add(Rule(operation, bucket, strike, lambda key: wanted in ("", key), nth, times))

    def _add(self, rule: Rule) -> None:
        self.rule = rule
        self.deployment.faults.rules.append(rule)

    def _stop(self) -> None:
        """StopExecution, with a cause as the console asks for one."""
        client = self.deployment.project.client("stepfunctions")
        for machine in self.deployment.project.own_machines():
            running = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
            for execution in running:
                client.stop_execution(executionArn=execution["executionArn"], cause="StopExecution")

    def run(self) -> Ending:
        """Run with the fault that was set."""
        self.oracle.begin()
        for operation in ("DeleteObjects", "DeleteObject"):
            self.deployment.faults.rules.append(
                Rule(operation, self.destination.name, lambda sent: self.oracle.before_delete())
            )
        ending = self._ending()
        self.oracle.after_fault(ending)
        return ending

    def run_again(self, limit: str) -> Ending:
        """Run once more with nothing in the way, as soon as no Lambda of the run before may still be writing.

        `limit` says what is known to stay.
        """
        self.deployment.faults.relent()
        endings = [self._ending()]

        def is_let_in() -> bool:
            if BLOCKED in endings[-1].cause:
                endings.append(self._ending())
            return BLOCKED not in endings[-1].cause

        self.deployment.project.wait_until(is_let_in)
        self.oracle.after_next(endings[-1], self._open_uploads(limit))
        self.oracle.complaints += self.deployment.faults.problems
        self.deployment.faults.problems.clear()
        return endings[-1]

    def _open_uploads(self, limit: str) -> list[str]:
        """Return the keys of uploads under way; by the limit one may stay whose id no worker has sent to the work bucket."""
        sides = (self.source, self.destination)
        answers = [one.client.list_multipart_uploads(Bucket=one.name) for one in sides]
        found = [upload for answer in answers for upload in answer.get("Uploads", ())]
        written = b"".join(one.body for one in self.deployment.faults.log if one.method == "PUT")
        return [one["Key"] for one in found if limit != UNKNOWN_UPLOAD or one["UploadId"].encode() in written]

    def _ending(self) -> Ending:
        found = self.deployment.project.execute(
            source=self.source.name, destination=self.destination.name, compareMetadata="all", **OPTIONS
        )
        machine, _, name = found["executionArn"].split(":", 6)[6].partition(":")
        folder = f"runs/{machine}/{name}"
        report = self._file(f"{folder}/report.json")
        if report:
            return Ending.of_report(json.loads(report), lambda one: self._file(f"{folder}/{one}"))
        return Ending(
            found["status"].capitalize(), f"{found.get('error', '')} {found.get('cause', '')}".strip()
        )

    def _file(self, key: str) -> bytes | None:
        try:
            body: bytes = self.source.client.get_object(Bucket=self.work, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None
        return body


def deployed_place(place: Deployment) -> DeployedPlace:
    """Return filled buckets that no other scenario has, with nothing in the way."""
    place.faults.relent()
    number = next(_numbers)

    def make(side: str) -> EmulatedBucket:
        name = f"{side}-bucket-{number}"
        return EmulatedBucket(name, place.project.bucket(name))

    made = DeployedPlace(place, make("source"), make("destination"), make("unrelated"), place.work_bucket())
    fill(made)
    return made


def fill(place: DeployedPlace) -> None:
    """Put what the machine on moto has, and what makes workers ask for metadata and for tags that no header holds."""
    moto_place.fill(place)
    here, there = place.source, place.destination
    here.put("in/drifted", b"1", Metadata={"a": "b"})
    there.put("to/drifted", b"1")
    here.put_parts("in/tagged", b"1", b"2")
    tagged: dict[str, Any] = {"Bucket": here.name, "Key": "in/tagged"}
    here.client.put_object_tagging(**tagged, Tagging={"TagSet": LONG_TAGS})
