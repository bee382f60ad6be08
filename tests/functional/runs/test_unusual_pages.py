"""Pages of a listing that are not written as S3 writes them: read all the same, by botocore, and counted in the report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fake_s3 import CUT, protocol
from runs_on_fake_s3 import World, world_on_fake_s3


@pytest.fixture
def world() -> Iterator[World]:
    with world_on_fake_s3() as one:
        for key in ("a", "b\u0001", "ü +%&<"):
            one.source.put(key, b"1")
        one.destination.put("orphan", b"1")
        yield one


def test_usual_pages_are_not_counted(world: World) -> None:
    world.s3.page_keys = 1

    report = world.run()

    assert (report["outcome"], report["unusualPages"]) == ("Succeeded", 0)
    assert world.destination.contents() == world.source.contents()


def test_unusual_pages_are_compared_as_well_and_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "ROOTS", {"ListObjectsV2Output": "ListOfAnotherServer"})

    report = world.run()

    # One of the source and one of the destination; those read to cut ranges are not counted.
    assert (report["outcome"], report["unusualPages"]) == ("Succeeded", 2)
    assert world.destination.contents() == world.source.contents()


def test_a_page_that_is_cut_off_is_asked_for_again_and_is_not_counted(world: World) -> None:
    world.s3.before("ListObjectsV2", CUT, bucket=world.source.name, times=2)

    report = world.run()

    assert (report["outcome"], report["unusualPages"]) == ("Succeeded", 0)
    assert world.destination.contents() == world.source.contents()
    assert len(world.s3.pauses) == 2
