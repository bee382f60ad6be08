"""The world of most runs on the fake S3; a test file that needs another one has a `world` of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from runs_on_fake_s3 import World, world_on_fake_s3


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world in which nothing is amiss."""
    with world_on_fake_s3() as one:
        yield one
