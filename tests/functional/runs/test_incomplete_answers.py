"""Answers of S3 in which something is missing: what is unknown is a failure with a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fake_s3 import EMPTY, HOUR, MB, Answer
from installed_botocore import needs_conditions_in_batches
from runs_on_fake_s3 import World, world_on_fake_s3

from lambda_functions.shared.apply.deleter import MAX_TRIES
from lambda_functions.shared.outcomes import Outcome

DENIED = {"Code": "AccessDenied", "Message": "Access Denied"}
NAMELESS = "not deleted: S3 did not say which key it means by AccessDenied: Access Denied (DeleteObjects)"


@pytest.fixture
def world() -> Iterator[World]:
    with world_on_fake_s3() as one:
        one.destination.put("a", b"1")
        one.destination.put("b", b"1")
        yield one


def delete(world: World, said: Mapping[str, Any], times: int) -> list[Outcome]:
    world.s3.before("DeleteObjects", lambda request: said, times=times)
    return world.worker().delete(world.orphans())


@needs_conditions_in_batches
@pytest.mark.parametrize("error", [DENIED, {**DENIED, "Key": "another"}])
def test_an_error_of_a_delete_that_names_no_key_of_ours_is_named_for_the_keys_that_are_left(
    world: World, error: Mapping[str, str]
) -> None:
    outcomes = delete(world, {"Deleted": [{"Key": "a"}], "Errors": [error]}, times=99)

    assert outcomes == [Outcome("a", "deleted", 1), Outcome("b", "failed", 0, NAMELESS)]
    assert len(world.s3.of("DeleteObjects")) == MAX_TRIES


@pytest.mark.parametrize("said", [{"Errors": [DENIED]}, {"Deleted": [{}]}, {"Errors": [{}]}, {}])
def test_keys_that_an_answer_does_not_name_are_asked_for_again(world: World, said: Mapping[str, Any]) -> None:
    assert delete(world, said, times=1) == [Outcome("a", "deleted", 1), Outcome("b", "deleted", 1)]
    assert world.destination.keys() == []


@needs_conditions_in_batches
def test_a_key_that_is_gone_is_deleted_and_one_whose_bucket_is_gone_is_a_failure(world: World) -> None:
    gone = {"Key": "a", "Code": "NoSuchKey", "Message": "Gone."}
    errors = [gone, {"Key": "b", "Code": "NoSuchBucket", "Message": "No."}]

    outcomes = delete(world, {"Errors": errors}, times=1)

    why = "not deleted: NoSuchBucket: No. (DeleteObjects)"
    assert outcomes == [Outcome("a", "deleted", 1), Outcome("b", "failed", 0, why)]


@needs_conditions_in_batches
def test_a_batch_that_is_denied_is_a_failure_of_each_key(world: World) -> None:
    world.s3.before("DeleteObjects", Answer(403, "AccessDenied", "Access Denied"), times=9)
    outcomes = world.worker().delete(world.orphans())
    assert [(one.key, one.what) for one in outcomes] == [("a", "failed"), ("b", "failed")]


def test_tags_that_an_answer_does_not_have_are_a_failure_of_the_copy(world: World) -> None:
    world.source.put_parts("k", 6 * MB, MB)
    world.s3.before("GetObjectTagging", lambda request: {"VersionId": "1"}, times=9)
    why = "its tags are unknown: the answer of GetObjectTagging has no TagSet"
    assert world.worker().copy(world.to_copy("k")) == Outcome("k", "failed", 0, why)
    assert (world.destination.open_uploads(), "k" in world.destination.objects) == ([], False)


def test_tags_that_an_answer_does_not_have_are_not_taken_for_none_when_tags_are_compared(
    world: World,
) -> None:
    world.source.put("k", b"1")
    world.destination.put("k", b"1", HOUR / 2, tags={"a": "b"})
    world.s3.before("GetObjectTagging", lambda request: {"VersionId": "1"}, times=9)
    report = world.run(compareTags=True)
    assert (report["outcome"], report["deleted"]["objects"]) == ("SyncIncomplete", 0)
    assert world.destination.objects["k"].tags == {"a": "b"}


WRITES = ["CopyObject", "UploadPartCopy", "CompleteMultipartUpload"]


@pytest.mark.parametrize("operation", WRITES)
def test_a_write_that_is_answered_with_200_and_nothing_is_not_taken_for_done_but_repeated(
    world: World, operation: str
) -> None:
    world.source.put("one", b"1")
    world.source.put_parts("parts", 5 * MB, b"1")
    world.s3.before(operation, EMPTY, times=2)

    assert world.run()["outcome"] == "Succeeded"

    assert world.destination.contents() == world.source.contents()
    assert world.destination.open_uploads() == []


@pytest.mark.parametrize("operation", WRITES)
def test_a_write_that_is_always_answered_with_200_and_nothing_is_a_failure_that_is_named(
    world: World, operation: str
) -> None:
    world.source.put("one", b"1")
    world.source.put_parts("parts", 5 * MB, b"1")
    world.s3.before(operation, EMPTY, times=99)

    report = world.run()

    failed = "one" if operation == "CopyObject" else "parts"
    assert [line["key"] for line in report["notSynchronised"]] == [failed]
    assert (report["outcome"], world.destination.open_uploads()) == ("SyncIncomplete", [])
    assert "a" in world.destination.objects


def test_an_upload_that_cannot_be_struck_out_is_no_reason_to_leave_the_tags_away(world: World) -> None:
    tags = {f"{number}": "ü" * 200 for number in range(5)}
    world.source.put_parts("parts", 5 * MB, b"1", tags=tags)
    world.s3.before("DeleteObject", Answer(403, "AccessDenied"), bucket="work-bucket")

    assert world.run()["outcome"] == "SyncIncomplete"

    assert world.destination.objects["parts"].tags == tags
