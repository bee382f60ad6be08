"""One world on moto: its runs, each compared with what the oracle says, until nothing can be left to do."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import judging
import moto_as_aws
import oracle
from blueprints import World
from machine_on_moto import Machine
from moto_as_aws import encrypt_by_default, fill, forget, snapshot
from oracle import Bucket, Encryption, Prediction
from reports import leases, written

IDLE = {"HEAD_BUCKET", "LIST"}
READING = IDLE | {"HEAD", "GET_OBJECT_TAGGING"}
numbers = itertools.count()


def check(machine: Machine, world: World) -> None:
    """Make the world, run in it, forget it."""
    with placed(machine, world) as place:
        check_runs(place)


@contextlib.contextmanager
def placed(machine: Machine, world: World) -> Iterator[Place]:
    """Yield the world in buckets of its own, and forget it."""
    number = next(numbers)
    source = f"source-{number}"
    destination = source if world.is_one_bucket else f"destination-{number}"
    try:
        fill(source, world.source)
        if not world.is_one_bucket:
            fill(destination, world.destination)
        encrypt_by_default(destination, world.encryption)
        names = {"source": source, "destination": destination}
        yield Place(machine, {**names, **world.options}, world.encryption)
    finally:
        forget(machine, *{source, destination})


@dataclass(frozen=True)
class Place:
    """The buckets of one example, and the machine that syncs them; `encryption` is the destination's default."""

    machine: Machine
    options: dict[str, Any]
    encryption: Encryption

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
        self._compare(found, told, report, before, source)
        return found, report

    def _report(self, execution: dict[str, Any], found: Prediction) -> dict[str, Any]:
        error, cause = execution.get("error"), execution.get("cause")
        report = {} if error == "InvalidInput" else written(execution)
        assert error == found.error, (
            f"{error} instead of {found.error}: {cause} {report.get('notSynchronised')}"
        )
        assert execution["status"] == ("FAILED" if error else "SUCCEEDED")
        assert error or json.loads(execution["output"]) == report
        return report

    def _compare(
        self, found: Prediction, told: dict[str, Any], report: dict[str, Any], before: Bucket, source: Bucket
    ) -> None:
        source = oracle.with_restored(source, found, told)
        before = oracle.with_restored(before, found, told) if self.source == self.destination else before
        wrong = judging.wrong_objects(before, snapshot(self.destination), found, told, self.encryption)
        wrong += judging.wrong_requests(self.machine.wire.sent, told)
        assert not wrong, "\n".join(wrong)
        assert self.source == self.destination or snapshot(self.source) == source, "the source never changes"
        assert leases() == []
        assert moto_as_aws.backend().get_bucket(self.destination).multiparts == {}
        if not report:
            return
        wrong = judging.wrong_report(report, found, told)
        assert not wrong, "\n".join(wrong)
        assert report["requests"] == self.machine.wire.counts(self.source, self.destination)


def check_runs(place: Place) -> None:
    """Run until nothing can be left to do."""
    planned = place.run()
    if not place.options.get("dryRun"):
        done = planned
    else:
        assert set(planned[1].get("requests", IDLE)) <= READING, "a dry run only reads"
        done = place.run(dryRun=False)
        assert done[1].get("plan") == planned[1].get("plan")
    if done[0].error is None:
        check_that_restored_sources_are_copied(place, done[0])
        check_that_nothing_is_left(place)


def check_that_restored_sources_are_copied(place: Place, before: Prediction) -> None:
    """Run once more where archived sources were asked for: moto has them at once, so that all of them are copied."""
    if before.restores:
        into = place.options.get("destinationPrefix", place.options.get("prefix", ""))
        found, _ = place.run(dryRun=False)
        assert not found.restores
        assert (
            set(found.copies) - found.unprovable == {into + key for key in before.restores} - found.unprovable
        )


def check_that_nothing_is_left(place: Place) -> None:
    """Run once more: deletes are over, and so are copies but for objects that nothing can ever prove equal.

    These are objects whose ETag tells nothing (KMS) and that have no checksum which their copy has as well: "copies them, on
    every run, for as long as the source has no checksum" (docs/input.md).
    """
    found, report = place.run(dryRun=False)
    assert not found.error
    assert report["deleted"]["objects"] == 0
    assert set(found.copies) <= found.unprovable
    writes_under_kms = oracle.encryption_of_copies(place.options, place.encryption).is_kms
    assert writes_under_kms or all(one.is_under_kms for one in found.copies.values())
    if not found.undecided and not found.copies and not place.options.get("compareTags"):
        assert set(report["requests"]) == IDLE, "two listings decide everything"
