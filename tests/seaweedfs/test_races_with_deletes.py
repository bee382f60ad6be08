"""Another writer at the worst moment of a delete, on an S3 that enforces conditions by itself: whole runs, real clients.

Orphans are deleted in both ways: by one DeleteObjects, and by a DeleteObject each, as with a botocore that knows no conditions in
the former.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from installed_botocore import needs_conditions_in_batches
from weed_world import WeedWorld

from lambda_functions.shared.apply import deleter

THEIRS = "the destination was written by somebody else after it was listed"
BACK = "the source has got this key since it was listed; it was not deleted"


@pytest.fixture(params=[pytest.param("DeleteObjects", marks=needs_conditions_in_batches), "DeleteObject"])
def request_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the request by which the orphans of a test are deleted."""
    if request.param == "DeleteObject":
        monkeypatch.setattr(deleter, "_members_of_a_key", lambda client: {})
    return str(request.param)


@pytest.fixture
def world(world: WeedWorld) -> WeedWorld:
    """Return a world with an object on both sides and two orphans."""
    world.source.put("kept", b"1")
    for key in ("kept", "mine", "theirs"):
        world.destination.put(key, b"1")
    return world


def place_of(world: WeedWorld, request_name: str) -> str:
    """Return where the request goes that would delete `theirs`."""
    return world.destination.name if request_name == "DeleteObjects" else f"{world.destination.name}/theirs"


def ended(report: Mapping[str, Any]) -> tuple[str, int, list[tuple[str, str, str]]]:
    """Return outcome, deleted objects and what was not, having seen that the books speak of both orphans once."""
    named = [(one["key"], one["what"], one["error"]) for one in report["notSynchronised"]]
    assert report["plan"]["delete"]["objects"] == 2 == report["deleted"]["objects"] + len(named)
    assert report["changed"]["objects"] == len(named)
    return report["outcome"], report["deleted"]["objects"], named


def test_an_orphan_that_is_rewritten_stays(world: WeedWorld, request_name: str) -> None:
    there = place_of(world, request_name)
    world.s3.before(request_name, lambda: world.destination.put("theirs", b"new"), place=there)

    report = world.run(maxDelete="100%")

    assert ended(report) == ("SyncIncomplete", 1, [("theirs", "changed", THEIRS)])
    assert world.destination.bodies() == {"kept": b"1", "theirs": b"new"}


def test_an_orphan_that_is_gone_counts_as_deleted(world: WeedWorld, request_name: str) -> None:
    there = place_of(world, request_name)
    world.s3.before(request_name, lambda: world.destination.delete("theirs"), place=there)

    report = world.run(maxDelete="100%")

    assert ended(report) == ("Succeeded", 2, [])
    assert world.destination.bodies() == {"kept": b"1"}


def test_an_orphan_that_is_back_at_the_source_stays(world: WeedWorld, request_name: str) -> None:
    there = f"{world.source.name}/theirs"
    world.s3.before("HeadObject", lambda: world.source.put("theirs", b"back"), place=there)

    report = world.run(maxDelete="100%")

    assert ended(report) == ("SyncIncomplete", 1, [("theirs", "changed", BACK)])
    assert world.destination.bodies() == {"kept": b"1", "theirs": b"1"}
    assert world.run(maxDelete="100%")["copied"]["objects"] == 1
    assert world.destination.bodies() == world.source.bodies()


def test_an_orphan_that_comes_back_after_the_source_was_asked_is_copied_by_the_next_run(
    world: WeedWorld, request_name: str
) -> None:
    """No condition of S3's spans two buckets, so this moment stays; the source has the object, and nothing is lost."""
    there = place_of(world, request_name)
    world.s3.before(request_name, lambda: world.source.put("theirs", b"back"), place=there)

    assert ended(world.run(maxDelete="100%")) == ("Succeeded", 2, [])

    assert world.run()["copied"]["objects"] == 1
    assert world.destination.bodies() == world.source.bodies()
