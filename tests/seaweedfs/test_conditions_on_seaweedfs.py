"""Every condition that our workers rely on, asked of SeaweedFS itself: were one not enforced, races on it would show nothing.

Sent with botocore's own parameters, none of our code between. Statuses are SeaweedFS's; where AWS answers otherwise, it is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from weed_world import WeedWorld

WRONG = '"00000000000000000000000000000000"'
REFUSED = (412, "PreconditionFailed")


@pytest.fixture
def world(world: WeedWorld) -> WeedWorld:
    """Return a world with the key `there` on both sides, other bytes in each."""
    world.source.put("there", b"source")
    world.destination.put("there", b"destination")
    return world


def said(request: Callable[..., Any], **parameters: Any) -> tuple[int, str]:
    """Return status and code of a request that must be refused."""
    with pytest.raises(ClientError) as refusal:
        request(**parameters)
    response: dict[str, Any] = refusal.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def upload(world: WeedWorld, key: str) -> dict[str, Any]:
    """Return what completes an upload of one copied part."""
    place = {"Bucket": world.destination.name, "Key": key}
    client = world.destination.client
    place["UploadId"] = client.create_multipart_upload(**place)["UploadId"]
    copied = client.upload_part_copy(**place, PartNumber=1, CopySource=f"{world.source.name}/there")
    return {
        **place,
        "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}]},
    }


@pytest.mark.parametrize(
    ("key", "condition"),
    [
        ("there", {"IfNoneMatch": "*"}),
        ("there", {"IfMatch": WRONG}),
        ("missing", {"IfMatch": WRONG}),  # AWS: 404
    ],
)
def test_copies_and_uploads_are_refused_by_what_is_at_the_destination(
    world: WeedWorld, key: str, condition: dict[str, str]
) -> None:
    client, place = world.destination.client, {"Bucket": world.destination.name, "Key": key}
    source = f"{world.source.name}/there"

    assert said(client.copy_object, **place, CopySource=source, **condition) == REFUSED
    assert said(client.complete_multipart_upload, **upload(world, key), **condition) == REFUSED
    assert said(client.put_object, **place, Body=b"", **condition) == REFUSED

    assert world.destination.bodies() == {"there": b"destination"}


def test_the_right_condition_is_let_through(world: WeedWorld) -> None:
    client, etag = world.destination.client, world.destination.etags()["there"]
    source = f"{world.source.name}/there"

    client.copy_object(Bucket=world.destination.name, Key="there", CopySource=source, IfMatch=f'"{etag}"')
    client.complete_multipart_upload(**upload(world, "new"), IfNoneMatch="*")

    assert world.destination.bodies() == {"there": b"source", "new": b"source"}


def test_copies_and_parts_are_refused_where_the_source_is_another_one_or_gone(world: WeedWorld) -> None:
    client, place = world.destination.client, {"Bucket": world.destination.name, "Key": "there"}
    part = {**place, "UploadId": client.create_multipart_upload(**place)["UploadId"], "PartNumber": 1}

    for key, answer in [("there", REFUSED), ("gone", (404, "NoSuchKey"))]:
        source = {"CopySource": f"{world.source.name}/{key}", "CopySourceIfMatch": WRONG}
        assert said(client.copy_object, **place, **source) == answer
        assert said(client.upload_part_copy, **part, **source) == answer

    assert world.destination.bodies() == {"there": b"destination"}


def test_a_delete_is_refused_for_the_keys_that_have_another_etag(world: WeedWorld) -> None:
    client, bucket = world.destination.client, world.destination.name
    right = f'"{world.destination.put("orphan", b"1")}"'
    asked = [
        {"Key": "gone", "ETag": WRONG},
        {"Key": "orphan", "ETag": right},
        {"Key": "there", "ETag": WRONG},
    ]

    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": asked})

    assert [deleted["Key"] for deleted in answer["Deleted"]] == ["orphan"]
    assert {(error["Key"], error["Code"]) for error in answer["Errors"]} == {
        ("gone", "NoSuchKey"),
        ("there", "PreconditionFailed"),
    }
    assert said(client.delete_object, Bucket=bucket, Key="there", IfMatch=WRONG) == REFUSED
    assert said(client.delete_object, Bucket=bucket, Key="gone", IfMatch=WRONG) == REFUSED  # AWS: 404
    assert world.destination.bodies() == {"there": b"destination"}


def test_parts_that_are_copied_as_they_were_written_give_the_same_etag(world: WeedWorld) -> None:
    """So that a second run finds an object of parts current; parts above `-filer.maxMB` would not."""
    world.source.put_parts("parts", b"x" * 5 * 1024**2, b"y")

    assert world.run(maxDelete="100%")["outcome"] == "Succeeded"

    assert world.source.etags() == world.destination.etags()
    assert world.destination.etags()["parts"].endswith("-2")
    assert world.run()["current"]["objects"] == 2
