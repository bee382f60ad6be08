"""What a worker has when it begins, on the fake S3: its lease, its gate, and a stop that it hears of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fake_s3 import BUSY
from runs_on_fake_s3 import Context, World, world_on_fake_s3

from lambda_functions.shared.apply import worker
from lambda_functions.shared.apply.in_flight import gate_of
from lambda_functions.shared.work_bucket.leases import LeaseLost


@pytest.fixture
def world() -> Iterator[World]:
    gate_of.cache_clear()
    with world_on_fake_s3() as one:
        yield one
    gate_of.cache_clear()


@pytest.fixture
def no_lease_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "require_lease", lambda client, run: None)


def event_of(world: World) -> dict[str, Any]:
    return {"run": world.worker().run.to_json()}


@pytest.mark.usefixtures("no_lease_is_asked_for")
@pytest.mark.parametrize(
    ("item", "limit"), [({}, 64), ({"planned": 99_999}, 64), ({"planned": 100_000}, 16), ({"planned": 0}, 64)]
)
def test_a_worker_of_a_large_plan_begins_with_a_quarter_and_one_that_is_told_nothing_with_all(
    world: World, item: dict[str, int], limit: int
) -> None:
    """The index of an earlier deployment does not say how much was planned."""
    with worker.begin(event_of(world), item, Context(), 64) as ours:
        assert ours.gate.limit() == limit


@pytest.mark.usefixtures("no_lease_is_asked_for")
@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_503_of_either_bucket_lets_fewer_in(world: World, side: str) -> None:
    world.source.put("key", b"1")
    world.destination.put("key", b"1")
    bucket = getattr(world, side).name
    world.s3.before("HeadObject", BUSY, bucket=bucket)

    with worker.begin(event_of(world), {}, Context(), 64) as ours:
        getattr(ours.clients, side).head_object(Bucket=bucket, Key="key")
        assert 32 <= ours.gate.limit() < 64


def test_a_worker_whose_run_has_no_lease_does_not_begin(world: World) -> None:
    with pytest.raises(LeaseLost), worker.begin(event_of(world), {}, Context(), 64):
        raise AssertionError("it has begun")
