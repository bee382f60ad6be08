"""LIST requests of whole comparisons through the real handlers, at a hundredth of the size: pages of 10 keys instead of 1,000."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from runs_on_fake_s3 import World, world_on_fake_s3
from short_turns import pages_a_turn, short_pages

from lambda_functions.shared.compare.streams import STREAMS

PAGE_KEYS = 10


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Yield a world whose pages are a hundredth of S3's."""
    short_pages(monkeypatch, PAGE_KEYS)
    with world_on_fake_s3() as made:
        yield made


SHAPES: dict[str, Callable[[int], str]] = {
    "numbers": lambda number: f"{number * 7919 % 100_000:05d}",
    "hexadecimal": lambda number: f"{number * 2654435761 % 2**32:08x}",
    "days": lambda number: f"logs/2026/{number % 12 + 1:02d}/{number % 28 + 1:02d}/{number:05d}.gz",
}


def fill(world: World, keys: int, shape: str = "numbers") -> None:
    for number in range(keys):
        key = SHAPES[shape](number)
        world.source.put(key, b"1")
        world.destination.put(key, b"1")


@pytest.mark.parametrize("keys", [0, 1, 9, 11, 20])
def test_small_buckets_cost_their_pages_only(world: World, keys: int) -> None:
    """0, 1, 900, 1,100 and 2,000 keys a side."""
    fill(world, keys)

    assert world.run()["outcome"] == "Succeeded"

    assert world.sent() == {"HEAD_BUCKET": 2, "LIST": 2 * max(1, -(-keys // PAGE_KEYS))}


def test_20000_keys_a_side_cost_less_than_30_lists_more_than_their_pages(world: World) -> None:
    fill(world, 200)

    assert world.run()["outcome"] == "Succeeded"

    assert 40 <= world.sent()["LIST"] <= 40 + 30


FLOOR = 400


@pytest.mark.parametrize("shape", SHAPES)
def test_200_pages_a_side_cost_at_most_2_per_cent_and_60_lists_more(world: World, shape: str) -> None:
    """200,000 keys a side, which one worker reads."""
    fill(world, 2000, shape)

    report = world.run()

    assert (report["outcome"], report["current"]["objects"]) == ("Succeeded", 2000)
    assert world.sent() == report["requests"] == {"HEAD_BUCKET": 2, "LIST": report["requests"]["LIST"]}
    assert FLOOR <= report["requests"]["LIST"] <= 1.02 * FLOOR + 60


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pages", [250, 120])
def test_what_a_worker_hands_back_costs_the_pages_that_its_streams_had_at_hand_and_little_else(
    world: World, monkeypatch: pytest.MonkeyPatch, pages: int, shape: str
) -> None:
    pages_a_turn(monkeypatch, pages, 10_000)
    fill(world, 2000, shape)

    report = world.run()

    assert (report["outcome"], report["current"]["objects"]) == ("Succeeded", 2000)
    assert len([name for name in world.work.objects if "/ranges/" in name]) == 2
    assert world.sent() == report["requests"]
    assert FLOOR <= report["requests"]["LIST"] <= 1.02 * FLOOR + 60 + 2 * 2 * STREAMS
