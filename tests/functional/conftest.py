"""The state machine on moto, with the two buckets of most runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import buckets
import moto.s3.models
import pytest
from buckets import Bucket
from machine_on_moto import Machine, machine_on_moto

from lambda_functions.shared.tally import maps


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Yield the state machine in a fresh moto, in which parts may be of a few bytes."""
    monkeypatch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1)
    # It writes the whole state machine for every error, also for those that a test is about.
    interpreter = logging.getLogger("moto.stepfunctions")
    interpreter.setLevel(logging.CRITICAL + 1)
    with machine_on_moto() as running:
        yield running
    interpreter.setLevel(logging.NOTSET)


@pytest.fixture
def source(machine: Machine) -> Bucket:
    """Return the empty bucket `source-bucket`."""
    return buckets.make("source-bucket")


@pytest.fixture
def destination(machine: Machine) -> Bucket:
    """Return the empty bucket `destination-bucket`."""
    return buckets.make("destination-bucket")


@pytest.fixture
def distributed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have even the smallest run copy and delete in Distributed Maps, as a large one does."""
    monkeypatch.setattr(maps, "MAX_INLINE_SHARDS", 0)


@pytest.fixture(params=["INLINE", "DISTRIBUTED"])
def mode(request: pytest.FixtureRequest) -> str:
    """Return which Maps a test's runs copy and delete in; a test that asks for it takes both."""
    if request.param == "DISTRIBUTED":
        request.getfixturevalue("distributed")
    return str(request.param)


@pytest.fixture
def sync() -> dict[str, str]:
    """Return the input of an ordinary sync."""
    return {"source": "source-bucket", "destination": "destination-bucket"}
