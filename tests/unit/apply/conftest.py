"""The world of most workers here; a test file that needs another one has a `world` of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from runs_on_fake_s3 import World, world_on_fake_s3


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world in which nothing is amiss."""
    with world_on_fake_s3() as one:
        yield one


@pytest.fixture
def least_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let every pause that is drawn be the longest; return the shortest that each might have been."""
    drawn: list[float] = []

    def longest(least: float, most: float) -> float:
        drawn.append(least)
        return most

    monkeypatch.setattr("random.uniform", longest)
    return drawn
