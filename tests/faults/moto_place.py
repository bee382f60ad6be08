"""Whole runs of the rendered state machine on moto among faults: throttled and broken Lambdas, and faults on the wire."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import buckets
import moto.s3.models
import pytest
from fault_oracle import OPTIONS, Buckets, Ending, Oracle
from machine_on_moto import WORK_BUCKET, FakeContext, Handler, LambdaError, Machine, machine_on_moto
from reports import folder
from scenarios import Scenario
from wire import LOST, Answer, Request, stored
from workers import Killed

from lambda_functions.shared.tally import maps

ALWAYS = 10**6
THROTTLED = "Lambda.TooManyRequestsException"
TIMES = {"once": 1, "three times": 3, "30 times": 30, "always": ALWAYS}
ANSWERS = {
    "503 SlowDown": Answer(503, "SlowDown", "Please reduce your request rate."),
    "500 InternalError": Answer(500, "InternalError", "We encountered an internal error. Please try again."),
    "403 AccessDenied": Answer(403, "AccessDenied", "Access Denied"),
    "lost answer": LOST,
}


@dataclass
class MotoPlace:
    """The state machine on moto with its oracle; `fired` counts what the fault has really done."""

    machine: Machine
    source: buckets.Bucket
    destination: buckets.Bucket
    unrelated: buckets.Bucket
    oracle: Oracle = field(init=False)
    fired: int = 0
    _last: str = ""

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.look)

    def look(self) -> Buckets:
        """Read all objects through moto's API, with a client that the wire does not see."""
        return Buckets(*(one.snapshot() for one in (self.source, self.destination, self.unrelated)))

    def arm(self, row: Scenario) -> None:
        """Let the fault of a row strike a Lambda, or requests `operation@bucket`."""
        if "@" in row.target:
            self._arm_wire(row)
        else:
            self._arm_lambda(row)

    def _arm_lambda(self, row: Scenario) -> None:
        fault, _, when = row.fault.partition(" ")

        def strike(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
            if self.fired >= TIMES[row.amount]:
                return handler(event, context)
            self.fired += 1
            if when == "after its work":
                handler(event, context)
            raise LambdaError(fault, "Rate Exceeded." if fault == THROTTLED else "It broke.")

        self.machine.wrap[row.target] = strike

    def _arm_wire(self, row: Scenario) -> None:
        operation, _, bucket = row.target.partition("@")

        def strike(request: Request) -> Answer:
            self.fired += 1
            if row.fault == "worker killed before it":
                raise Killed(f"killed before {operation}")
            return ANSWERS[row.fault]

        self.machine.wire.on(operation, strike, bucket=f"{bucket}-bucket", times=TIMES[row.amount])

    def run(self) -> Ending:
        """Run with the fault that was set."""
        self.oracle.begin()
        self._watch_deletes()
        ending = self._ending()
        self.oracle.after_fault(ending)
        return ending

    def run_again(self) -> Ending:
        """Run once more, an hour later, with nothing in the way."""
        self.machine.wire.relent()
        self.machine.wrap.clear()
        self.machine.long_ago(self._last)
        ending = self._ending()
        self.oracle.after_next(
            ending, [key for one in (self.source, self.destination) for key in one.uploads()]
        )
        return ending

    def _watch_deletes(self) -> None:
        def look(request: Request) -> None:
            self.oracle.before_delete()

        for operation in ("DeleteObjects", "DeleteObject"):
            self.machine.wire.on(operation, look, bucket=self.destination.name)

    def _ending(self) -> Ending:
        self._last = self.machine.start(
            {"source": "source-bucket", "destination": "destination-bucket", **OPTIONS}
        )
        found = self.machine.wait(self._last)
        place = folder(found)
        report = self._file(f"{place}/report.json")
        if report:
            return Ending.of_report(json.loads(report), lambda name: self._file(f"{place}/{name}"))
        return Ending("Failed", f"{found.get('error', '')} {found.get('cause', '')}".strip())

    def _file(self, key: str) -> bytes | None:
        found = stored(WORK_BUCKET, key)
        return found.value if found else None


@contextlib.contextmanager
def moto_place(is_distributed: bool) -> Iterator[MotoPlace]:
    """Yield the machine on a fresh moto, in which parts may be of a few bytes, with filled buckets."""
    interpreter = logging.getLogger("moto.stepfunctions")
    interpreter.setLevel(logging.CRITICAL + 1)
    with pytest.MonkeyPatch.context() as patch, machine_on_moto() as machine:
        patch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1)
        if is_distributed:
            patch.setattr(maps, "MAX_INLINE_SHARDS", 0)
        patch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 2)
        made = (buckets.make(f"{name}-bucket") for name in ("source", "destination", "unrelated"))
        place = MotoPlace(machine, *made)
        fill(place)
        try:
            yield place
        finally:
            interpreter.setLevel(logging.NOTSET)


def fill(place: MotoPlace) -> None:
    """Put something for every Lambda in scope, and a little of it out of scope."""
    here, there = place.source, place.destination
    here.put_all({f"in/new-{number}": f"{number}" for number in range(4)})
    here.put("in/changed", b"now")
    there.put("to/changed", b"then", age_seconds=7200)
    here.put("in/same", b"same", age_seconds=7200)
    there.put("to/same", b"same")
    there.put_all({f"to/orphan-{number}": b"old" for number in range(3)})
    here.put_parts("in/parts", b"1", b"2")
    here.put_parts("in/wide", b"1", b"2", b"3", b"4")
    here.put("in/cold", b"cold", StorageClass="GLACIER")
    for bucket, keys in (
        (here, ("in/left.tmp", "a")),
        (there, ("to/left.tmp", "z")),
        (place.unrelated, ("in/b",)),
    ):
        bucket.put_all({key: key for key in keys})
