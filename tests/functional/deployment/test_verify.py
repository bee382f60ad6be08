"""The demo's independent check notices every single way in which two objects can differ."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deployment.console import Console
from deployment.emulator import demo, verify
from deployment.errors import ExecutionFailed

OBJECT: dict[str, Any] = {
    "Body": b"content",
    "ContentType": "text/plain",
    "CacheControl": "no-cache",
    "Metadata": {"a": "1"},
    "Tagging": "x=1&y=2",
}


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in ("one", "two"):
            client.create_bucket(Bucket=bucket)
        yield client


def found(s3: Any) -> list[str]:
    return list(verify.differences(verify.read(s3, "one"), verify.read(s3, "two")))


def put_both(s3: Any, key: str, **changes: Any) -> None:
    s3.put_object(Bucket="one", Key=key, **OBJECT)
    s3.put_object(Bucket="two", Key=key, **{**OBJECT, **changes})


def test_equal_buckets_have_no_differences_and_empty_ones_are_equal(s3: Any) -> None:
    assert found(s3) == []
    put_both(s3, "a b/ü+%.txt")
    assert found(s3) == []


def test_an_object_is_read_with_one_request_and_its_tags_with_another(s3: Any) -> None:
    s3.put_object(Bucket="one", Key="k", **OBJECT)
    asked: list[str] = []
    s3.meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name))
    verify.read(s3, "one")
    assert sorted(asked) == ["GetObject", "GetObjectTagging", "ListObjectsV2"]


def test_a_key_on_one_side_only_is_named_with_its_side(s3: Any) -> None:
    s3.put_object(Bucket="one", Key="here\n", Body=b"")
    s3.put_object(Bucket="two", Key="there", Body=b"")
    assert found(s3) == ["'here\\n' is missing in the destination", "'there' is in the destination only"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Metadata": {"a": "2"}}, "'k': user_metadata is {'a': '2'}, expected {'a': '1'}"),
        ({"Metadata": {}}, "'k': user_metadata is {}, expected {'a': '1'}"),
        ({"Tagging": "x=1"}, "'k': tags is {'x': '1'}, expected {'x': '1', 'y': '2'}"),
        (
            {"CacheControl": "max-age=1"},
            "'k': content_headers is {'CacheControl': 'max-age=1', 'ContentType': 'text/plain'}, "
            "expected {'CacheControl': 'no-cache', 'ContentType': 'text/plain'}",
        ),
    ],
)
def test_a_difference_beside_the_content_is_named(s3: Any, change: dict[str, Any], sentence: str) -> None:
    put_both(s3, "k", **change)
    assert found(s3) == [sentence]


def test_content_of_the_same_length_is_compared_byte_by_byte(s3: Any) -> None:
    put_both(s3, "k", Body=b"contenT")
    [sentence] = found(s3)
    assert sentence.startswith("'k': sha256 is ")


def test_a_website_redirect_that_is_lost_is_a_difference(s3: Any) -> None:
    s3.put_object(Bucket="one", Key="k", Body=b"", WebsiteRedirectLocation="/new")
    s3.put_object(Bucket="two", Key="k", Body=b"")
    [sentence] = found(s3)
    assert "'WebsiteRedirectLocation': '/new'" in sentence


def test_buckets_that_are_not_equal_fail_the_demo_with_the_first_differences(s3: Any) -> None:
    for bucket in (demo.SOURCE, demo.DESTINATION):
        s3.create_bucket(Bucket=bucket)
    for number in range(12):
        s3.put_object(Bucket=demo.SOURCE, Key=f"{number:02d}", Body=b"")
    with pytest.raises(ExecutionFailed) as caught:
        demo._check(s3, Console(io.StringIO(), io.StringIO(), io.StringIO(), environ={}))
    listed = "".join(f"\n  '{number:02d}' is missing in the destination" for number in range(10))
    assert str(caught.value) == f"The buckets are not equal after the sync. 12 differences:{listed}"
