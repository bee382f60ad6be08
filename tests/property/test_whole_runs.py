"""Whole runs through the rendered state machine on moto, in worlds that Hypothesis draws, against an oracle of its own.

`SYNCBUCKETS_EXAMPLES=2000 python -m pytest tests/property` looks ten times as long as an ordinary run of the tests.
"""

from __future__ import annotations

import gc
import itertools
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import moto.s3.models
import moto_as_aws
import oracle
import pytest
from hypothesis import HealthCheck, given, note, settings
from machine_on_moto import Machine, machine_on_moto
from moto_as_aws import fill, forget, snapshot
from oracle import Bucket, Prediction
from reports import leases, written
from worlds import World, worlds

EXAMPLES = int(os.environ.get("SYNCBUCKETS_EXAMPLES", "200"))
IDLE = {"HEAD_BUCKET", "LIST"}
numbers = itertools.count()


@pytest.fixture(scope="module")
def running() -> Iterator[Machine]:
    """Yield one state machine for all examples, in one moto in which parts may be of a single byte."""
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL + 1)
    threshold = gc.get_threshold()
    with pytest.MonkeyPatch.context() as patch, moto_as_aws.more_like_aws(), moto_as_aws.faster():
        patch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1)
        with machine_on_moto() as machine:
            gc.freeze()
            gc.set_threshold(50_000, 20, 100)
            yield machine
    gc.set_threshold(*threshold)
    logging.getLogger("moto.stepfunctions").setLevel(logging.NOTSET)


@dataclass(frozen=True)
class Place:
    """The buckets of one example, and the machine that syncs them."""

    machine: Machine
    options: dict[str, Any]

    @property
    def source(self) -> str:
        """Return the name of the source bucket."""
        return str(self.options["source"])

    @property
    def destination(self) -> str:
        """Return the name of the destination bucket."""
        return str(self.options["destination"])

    def run(self, **options: Any) -> tuple[Prediction, dict[str, Any]]:
        """Run; return what had to happen and the report, after everything has been compared with what did happen."""
        told = {**self.options, **options}
        before, source = snapshot(self.destination), snapshot(self.source)
        found = oracle.predict(source, before, told)
        self.machine.wire.sent.clear()
        execution = self.machine.run(told)
        report = self._report(execution, found)
        note(f"{told}: {execution.get('error')} {execution.get('cause')} {json.dumps(report, indent=1)}")
        self._compare(found, told, report, before, source)
        return found, report

    def _report(self, execution: dict[str, Any], found: Prediction) -> dict[str, Any]:
        assert execution.get("error") == found.error, (execution.get("error"), execution.get("cause"))
        assert execution["status"] == ("FAILED" if found.error else "SUCCEEDED")
        if found.error == "InvalidInput":
            return {}
        report = written(execution)
        if not found.error:
            assert json.loads(execution["output"]) == report
        return report

    def _compare(
        self, found: Prediction, told: dict[str, Any], report: dict[str, Any], before: Bucket, source: Bucket
    ) -> None:
        assert oracle.wrong_objects(before, snapshot(self.destination), found, told) == []
        assert self.source == self.destination or snapshot(self.source) == source, "the source never changes"
        assert leases() == []
        assert moto_as_aws.backend().get_bucket(self.destination).multiparts == {}
        if not report:
            return
        expected = found.reported(told)
        assert {name: report[name] for name in expected} == expected
        named = {one["key"]: one["what"] for one in report["notSynchronised"]}
        assert named == found.skipped
        assert report["requests"] == self.machine.wire.counts(self.source, self.destination)


@settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(world=worlds())
def test_a_run_does_to_every_object_what_the_oracle_says_and_the_next_one_finds_nothing_to_do(
    running: Machine, world: World
) -> None:
    number = next(numbers)
    source, destination = f"source-{number}", f"source-{number}" if world.is_one_bucket else f"destination-{number}"
    place = Place(running, {"source": source, "destination": destination, **world.options})
    try:
        fill(source, dict(world.source))
        if not world.is_one_bucket:
            fill(destination, dict(world.destination))
        note(repr(snapshot(source)) + "\n" + repr(snapshot(destination)))
        check(place, world)
    finally:
        forget(running, *{source, destination})


def check(place: Place, world: World) -> None:
    """Run until nothing can be left to do."""
    planned = place.run()
    if not place.options.get("dryRun"):
        done = planned
    else:
        assert set(planned[1].get("requests", IDLE)) <= IDLE | {"HEAD"}, "a dry run only reads"
        done = place.run(dryRun=False)
        assert done[1].get("plan") == planned[1].get("plan")
    if done[0].error is None:
        check_that_nothing_is_left(place)


def check_that_nothing_is_left(place: Place) -> None:
    """Run once more: deletes are over, and so are copies but for objects that nothing can ever prove equal.

    These are objects whose ETag tells nothing (KMS) and that have no checksum which their copy has as well: "copies them, on
    every run, for as long as the source has no checksum" (docs/input.md).
    """
    found, report = place.run(dryRun=False)
    assert not found.error
    assert report["deleted"]["objects"] == 0
    assert set(found.copies) <= found.unprovable
    assert all(one.encryption == "aws:kms" for one in found.copies.values())
    if not found.undecided and not found.copies:
        assert set(report["requests"]) == IDLE, "two listings decide everything"
