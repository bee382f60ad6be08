"""The model of a billion objects beside the real handlers, at a size that both can do: the same LISTs, ranges and records."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from runs_on_fake_s3 import World, world_on_fake_s3
from short_turns import short_pages

# The model cuts ranges as workers did that had one stream. What it is to say of streams has to come back with it.
pytest.importorskip(
    "benchmarks.scale.turns",
    reason="the model of a billion objects knows no streams yet",
    exc_type=ImportError,
)

from benchmarks.scale.course import Course
from benchmarks.scale.keys import NO_KEYS
from benchmarks.scale.turns import Comparer, Work
from lambda_functions.shared.invocation import Turn

PAGE_KEYS = 10


@dataclass(frozen=True)
class Stored:
    """Keys that are there."""

    keys: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.keys)

    def key(self, index: int) -> str:
        return self.keys[index]

    def rank(self, position: str | None) -> int:
        return 0 if position is None else bisect_right(self.keys, position)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Yield a world whose pages are a hundredth of S3's, and so are the model's."""
    short_pages(monkeypatch, PAGE_KEYS)
    monkeypatch.setattr("benchmarks.scale.turns.PAGE_KEYS", PAGE_KEYS)
    with world_on_fake_s3() as made:
        yield made


def pages_a_turn(pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every turn end after so many pages a side, in the handlers and in the model."""
    looks: dict[str, int] = {}

    def is_over(turn: Turn) -> bool:
        looks[turn.attempt] = looks.get(turn.attempt, 0) + 1
        return looks[turn.attempt] >= pages

    monkeypatch.setattr(Turn, "is_over", is_over)
    monkeypatch.setattr(Comparer, "most_pages", lambda self, wave, spent: pages)


SHAPES = {
    "numbers": lambda number: f"{number * 7919 % 100_000:05d}",
    "hexadecimal": lambda number: f"{number * 2654435761 % 2**32:08x}",
    "folders": lambda number: f"logs/{number % 7}/{number % 28:02d}/{number:05d}.gz",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pages", [20, 60, 125])
def test_the_model_sends_the_lists_of_the_real_handlers_for_200_000_keys_a_side(
    world: World, monkeypatch: pytest.MonkeyPatch, pages: int, shape: str
) -> None:
    pages_a_turn(pages, monkeypatch)
    keys = Stored(tuple(sorted({SHAPES[shape](number) for number in range(2000)})))
    for key in keys.keys:
        world.source.put(key, b"1")
        world.destination.put(key, b"1")

    modelled = watched(monkeypatch)

    assert world.run()["outcome"] == "Succeeded"
    course = Course(Work(keys, keys)).go()

    assert course.index_lengths == real_indexes(world)
    for real, model in zip(records(world, "compared"), sorted(modelled, key=range_id), strict=True):
        assert (real["range"], real["handedBack"]) == (model["range"], model["handedBack"])
        # The page under way when a turn is over is not sent if it has not begun, which takes an S3 that answers at once.
        spared = model["requests"]["LIST"] - real["requests"]["LIST"]
        assert 0 <= spared <= (2 if model["handedBack"] else 0)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the list that the records of the model's turns go to."""
    kept: list[dict[str, Any]] = []
    turn = Comparer.turn

    def watching(*given: Any) -> dict[str, Any]:
        kept.append(turn(*given))
        return kept[-1]

    monkeypatch.setattr(Comparer, "turn", watching)
    return kept


def range_id(record: Mapping[str, Any]) -> str:
    return str(record["range"]["id"])


def test_the_model_copies_what_the_real_handlers_copy(world: World) -> None:
    keys = Stored(tuple(f"{number:05d}" for number in range(300)))
    for key in keys.keys:
        world.source.put(key, b"1")

    assert world.run()["outcome"] == "Succeeded"
    course = Course(Work(keys, NO_KEYS, 1.0)).go()

    assert course.requests == world.sent()


def test_the_models_records_have_what_real_records_have(world: World) -> None:
    for number in range(30):
        world.source.put(f"{number:03d}", b"1")
    world.run()
    keys = Stored(tuple(f"{number:03d}" for number in range(30)))
    model = Course(Work(keys, NO_KEYS, 1.0, object_bytes=1)).go().first_records

    real = records(world, "compared") + records(world, "copied")
    assert [without_places_and_times(one) for one in real] == [without_places_and_times(one) for one in model]


def without_places_and_times(record: Mapping[str, Any]) -> dict[str, Any]:
    """Names of shards have an attempt in them."""
    shards = record.get("shards", {}) and json.loads(json.dumps(record["shards"]))
    for shard in shards and [one for kind in shards.values() for one in kind]:
        assert shard.pop("file") and len(shard.pop("sha256")) == 64
    _, _, name = record["file"].rpartition("/")
    return {**record, "file": name, "shards": shards, "seconds": 0}


def records(world: World, folder: str) -> list[dict[str, Any]]:
    return [
        json.loads(stored.content.body())
        for name, stored in sorted(world.work.objects.items())
        if f"/{folder}/" in name
    ]


def real_indexes(world: World) -> dict[str, int]:
    return {
        name.rpartition("/")[2]: len(json.loads(stored.content.body()))
        for name, stored in world.work.objects.items()
        if "/ranges/" in name
    }
