"""LIST requests of whole comparisons through the real handlers, at a hundredth of the size: pages of 10 keys instead of 1,000."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from runs_on_fake_s3 import World, world_on_fake_s3

from lambda_functions.shared.invocation import Turn

PAGE_KEYS = 10


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Yield a world whose pages are a hundredth of S3's."""
    monkeypatch.setattr("lambda_functions.shared.s3.listing.PAGE_KEYS", PAGE_KEYS)
    monkeypatch.setattr("lambda_functions.shared.compare.compare.KEYS_PER_CLOCK_CHECK", PAGE_KEYS)
    with world_on_fake_s3() as made:
        yield made


def pages_a_turn(most: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every turn of a comparison end after so many pages a side; the clock is looked at once a page."""
    looks: dict[str, int] = {}

    def is_over(turn: Turn) -> bool:
        looks[turn.attempt] = looks.get(turn.attempt, 0) + 1
        return looks[turn.attempt] >= most()

    monkeypatch.setattr(Turn, "is_over", is_over)


def fill(world: World, keys: int) -> None:
    for number in range(keys):
        key = f"{number * 7919 % 100_000:05d}"
        world.source.put(key, b"1")
        world.destination.put(key, b"1")


@pytest.mark.parametrize("keys", [1, 9, 11, 20, 200])
def test_buckets_that_one_worker_reads_in_its_first_turn_cost_their_pages_only(
    world: World, keys: int
) -> None:
    """1, 900, 1,100, 2,000 and 20,000 keys a side."""
    fill(world, keys)

    assert world.run()["outcome"] == "Succeeded"

    assert world.sent() == {"HEAD_BUCKET": 2, "LIST": 2 * -(-keys // PAGE_KEYS)}


@pytest.mark.parametrize("pages", [60, 125])
def test_200_pages_a_side_cost_at_most_2_per_cent_and_60_lists_more_wherever_they_are_cut(
    world: World, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    """200,000 keys a side; a worker reads about 125 pages in the 10 seconds of the first wave."""
    pages_a_turn(lambda: pages, monkeypatch)
    fill(world, 2000)

    report = world.run()

    assert (report["outcome"], report["current"]["objects"]) == ("Succeeded", 2000)
    assert len([name for name in world.work.objects if "/ranges/" in name]) == 2
    sent = world.sent()
    assert set(sent) == {"HEAD_BUCKET", "LIST"}
    assert 400 < sent["LIST"] <= 1.02 * 400 + 60
