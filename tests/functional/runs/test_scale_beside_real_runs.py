"""The model of a run beside real ones: the steps, what each asks of the work bucket, and the states that a run goes through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from buckets import Bucket
from fake_s3 import FakeS3
from installed_botocore import needs_conditions_in_batches
from machine_on_moto import Machine
from runs_on_fake_s3 import World, world_on_fake_s3

from benchmarks.scale.runs import PLAN_REQUESTS, REQUESTS, Job, Run

STEPS = {
    "validate_input": "ValidateInput",
    "list_ranges": "ListRanges",
    "copy_keys": "CopyKeys",
    "tally_run copies": "TallyCopies",
    "delete_orphaned_keys": "DeleteOrphanedKeys",
    "tally_run deletes": "TallyDeletes",
    "tally_run report": "Report",
}
# What a step sends besides copies, deletes and pages of listings.
SMALL_REQUESTS = ("GET", "PUT_OBJECT", "LIST", "HEAD_BUCKET", "DELETE")
# So many small requests of a step may go side by side, so that the model has fewer one after the other.
SIDE_BY_SIDE = 3


@pytest.fixture
def world() -> Iterator[World]:
    with world_on_fake_s3() as made:
        for number in range(50):
            made.source.put(f"{number:03d}", b"1")
            made.destination.put(f"{number:03d}", b"1")
        yield made


@dataclass
class Watch:
    """Counts the small requests of each step of a run."""

    world: World
    sent: dict[str, int] = field(default_factory=dict)
    _step: str = ""
    _before: int = 0

    def begin(self, step: str, number: int = 0) -> None:
        now = small_requests(self.world.s3)
        if self._step in STEPS:
            self.sent[STEPS[self._step]] = now - self._before
        self._step, self._before = step, now


def small_requests(s3: FakeS3) -> int:
    counts = s3.counts("source-bucket", "destination-bucket", "work-bucket")
    return sum(counts.get(kind, 0) for kind in SMALL_REQUESTS)


def watched(world: World) -> dict[str, int]:
    watch = Watch(world)
    world.before_step = watch.begin
    assert world.run()["outcome"] == "Succeeded"
    watch.begin("end")
    # Both buckets' pages are no small requests; on the fake S3 they are LISTs as those of the work bucket are.
    watch.sent["ListRanges"] -= 2
    return watch.sent


@pytest.mark.parametrize(("copied", "deleted"), [(0, 0), (10, 1)])
def test_a_small_run_has_the_steps_of_the_model_and_each_its_requests(
    world: World, copied: int, deleted: int
) -> None:
    for number in range(copied):
        world.source.put(f"new-{number:03d}", b"1")
    for number in range(deleted):
        world.destination.put(f"old-{number:03d}", b"1")

    sent = watched(world)

    assert list(sent) == [step.name for step in Run(Job(1000, copied, deleted), 4).steps()]
    for name, count in sent.items():
        modelled = REQUESTS[name] + (PLAN_REQUESTS.get(name, 0) if copied else 0)
        assert modelled <= count + 1, name
        assert count <= modelled + SIDE_BY_SIDE, name


@needs_conditions_in_batches
def test_the_model_sends_the_requests_of_a_real_run_to_both_buckets(world: World) -> None:
    for number in range(10):
        world.source.put(f"new-{number:03d}", b"1")
    world.destination.put("old", b"1")

    assert world.run()["outcome"] == "Succeeded"

    assert world.sent() == {**Run(Job(1000, 10, 1), 4).requests, "DELETE_OBJECTS": 1}


def test_a_run_with_nothing_to_do_goes_through_the_states_of_the_model(
    machine: Machine, source: Bucket, destination: Bucket
) -> None:
    modelled = [name for step in Run(Job(1000), 4).steps() for name in step.states]

    arn = machine.start({"source": source.name, "destination": destination.name})
    machine.wait(arn)

    assert sorted(machine.states(arn)) == sorted(modelled)
