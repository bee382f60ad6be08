"""Heartbeats in whole runs: every kind of worker writes them, and no one else reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fake_s3 import MB
from reports import lasting
from runs_on_fake_s3 import World, world_on_fake_s3

from lambda_functions.shared.s3 import listing
from lambda_functions.shared.work_bucket.heartbeat import Heartbeat

OBJECTS = 1100


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world with work for every kind of worker, whose run is called `same`."""
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 2)
    monkeypatch.setattr("lambda_functions.shared.apply.parts.GROUP_PARTS", 2)
    assert listing.PAGE_KEYS == 1000
    with world_on_fake_s3() as made:
        for number in range(OBJECTS):
            made.source.put(f"k{number:04}", b"123")
        made.source.put_parts("large", *[5 * MB] * 4, b"5")
        made.destination.put("orphan", b"old")
        made.name = "same"
        yield made


def every_beat_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Heartbeat.beat

    def beat(self: Heartbeat, counts: dict[str, int]) -> None:
        said(self, counts)
        self._write()

    monkeypatch.setattr(Heartbeat, "beat", beat)


def alive(world: World) -> dict[str, dict[str, object]]:
    """Return the heartbeats that are there, by item."""
    files = {key: world.work.objects[key].content.body() for key in world.work.objects if "/alive/" in key}
    return {key.rpartition("/")[2].removesuffix(".json"): json.loads(body) for key, body in files.items()}


def test_a_small_run_writes_none(world: World) -> None:
    assert world.run()["outcome"] == "Succeeded"
    assert alive(world) == {}


def test_every_kind_of_worker_says_how_far_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    every_beat_is_due(monkeypatch)
    assert world.run()["outcome"] == "Succeeded"

    found = {
        item: (said["record"], said["objects"], said["bytes"], said["failed"])
        for item, said in alive(world).items()
    }
    copied = [said for item, said in found.items() if item.startswith("copy-")]
    assert sum(int(str(objects)) for _, objects, _, _ in copied) == OBJECTS
    assert sum(int(str(size)) for _, _, size, _ in copied) == 3 * OBJECTS
    assert {item: said for item, said in found.items() if not item.startswith("copy-")} == {
        "1-0001": ("compared/1-0001.json", 1102, 0, 0),
        "delete-000001": ("deleted/delete-000001-0.json", 1, 3, 0),
        "large-000001-1": ("copied/large-000001-0.json", 0, 10 * MB, 0),
        "large-000001-3": ("copied/large-000001-0.json", 0, 10 * MB, 0),
        "large-000001-5": ("copied/large-000001-0.json", 0, 1, 0),
    }


@pytest.mark.parametrize("what", ["written", "broken", "missing"])
def test_a_run_is_the_same_with_them_and_when_they_are_broken_or_cannot_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    before = lasting(world.run(dryRun=True)), world.sent()
    every_beat_is_due(monkeypatch)
    if what == "missing":
        monkeypatch.setattr(Heartbeat, "_document", lambda self: 1 / 0)
    if what == "broken":

        def break_all(step: str, number: int) -> None:
            for key in [key for key in world.work.objects if "/alive/" in key]:
                world.work.put(key, b'{"objects": ')

        world.before_step = break_all
    world.name = "again"
    assert lasting(world.run(dryRun=True)) == before[0]
    assert world.sent() == {name: 2 * number for name, number in before[1].items()}
    world.name = "really"
    report = world.run()
    assert (report["outcome"], report["copied"]["objects"], report["deleted"]["objects"]) == (
        "Succeeded",
        OBJECTS + 1,
        1,
    )
