"""Annotations: left out, or copied where the input says so, also of objects that are copied in parts."""

from __future__ import annotations

from typing import Any

import pytest
from fake_s3 import LOST, MB
from grants import DENIED
from installed_botocore import knows
from runs_on_fake_s3 import World

ANNOTATIONS = {"summary": "what it is: ü".encode(), "review/1": b"good", "a b&c": b"x" * 1000}
WHAT_TO_DO = "The next run will not notice; annotate the copy, or delete it"

pytestmark = pytest.mark.skipif(
    not knows("PutObjectAnnotation"), reason="this botocore does not know annotations"
)


@pytest.fixture(params=["whole", "parts", "large"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "large":
        monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 1)
    return str(request.param)


def put(world: World, kind: str, **more: Any) -> None:
    if kind == "whole":
        world.source.put("key", b"1", annotations=ANNOTATIONS, **more)
    else:
        world.source.put_parts("key", 5 * MB, b"1", annotations=ANNOTATIONS, **more)


def test_a_copy_has_the_annotations_of_its_source(world: World, kind: str) -> None:
    put(world, kind)
    world.s3.page_keys = 2

    report = world.run(annotations="copy")

    assert report["outcome"] == "Succeeded"
    assert world.destination.objects["key"].annotations == ANNOTATIONS
    listed = 0 if kind == "whole" else 2
    assert report["requests"].get("LIST_OBJECT_ANNOTATIONS", 0) == listed
    assert report["requests"].get("PUT_OBJECT_ANNOTATION", 0) == (0 if kind == "whole" else 3)


def test_without_the_option_a_copy_has_none_and_none_is_read(world: World, kind: str) -> None:
    put(world, kind)

    assert world.run()["outcome"] == "Succeeded"

    assert world.destination.objects["key"].annotations == {}
    assert [one.operation for one in world.s3.sent if "Annotation" in one.operation] == []


def test_annotations_that_differ_are_no_reason_to_copy(world: World) -> None:
    put(world, "whole")
    world.run(annotations="copy")
    world.source.alter("key", annotations={"another": b"1"})

    assert world.run(annotations="copy", compareMetadata="all")["current"]["objects"] == 1


@pytest.mark.parametrize("operation", ["ListObjectAnnotations", "GetObjectAnnotation", "PutObjectAnnotation"])
def test_annotations_that_cannot_be_written_afterwards_are_a_failure_that_says_so(
    world: World, operation: str
) -> None:
    put(world, "parts")
    world.s3.before(operation, DENIED)

    report = world.run(annotations="copy")

    assert (report["outcome"], report["failed"]["objects"]) == ("SyncIncomplete", 1)
    assert report["notSynchronised"][0]["error"] == (
        f"copied, but its annotations were not, or not all: AccessDenied: Access Denied ({operation}). {WHAT_TO_DO}"
    )


def test_a_copy_whose_answer_was_lost_gets_its_annotations_all_the_same(world: World) -> None:
    put(world, "parts")
    world.s3.after("CompleteMultipartUpload", LOST)

    assert world.run(annotations="copy")["outcome"] == "Succeeded"
    assert world.destination.objects["key"].annotations == ANNOTATIONS


def test_the_plan_counts_a_listing_of_annotations_for_each_object_in_parts(world: World) -> None:
    put(world, "parts")
    world.source.put("whole", b"1")

    assert world.worker(annotations="copy").compare()["toSend"]["LIST_OBJECT_ANNOTATIONS"] == 1
    assert "LIST_OBJECT_ANNOTATIONS" not in world.worker().compare()["toSend"]
