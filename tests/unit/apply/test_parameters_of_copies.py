"""What a copy is asked for with, parameter by parameter: the whole of it, so that nothing is too much and nothing is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from samples import run_of

from lambda_functions.shared.apply.annotations import are_copied, directive
from lambda_functions.shared.apply.copy_parameters import (
    acl,
    copy_source,
    destination_condition,
    encryption,
    storage_class,
    tagging_directive,
    upload_properties,
    website_redirect,
)
from lambda_functions.shared.work_items import ToCopy

ITEM = ToCopy("a/b", "e" * 32, 3)
EMPTY = replace(ITEM, size=0)
FULL_CONTROL = "bucket-owner-full-control"


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, {}),
        ({"sourceOwner": "111122223333"}, {"ExpectedSourceBucketOwner": "111122223333"}),
        ({"requestPayer": True}, {"RequestPayer": "requester"}),
        ({"destinationOwner": "111122223333", "destinationPrefix": "to/"}, {}),
    ],
)
def test_the_source_is_named_as_it_was_listed(options: dict[str, Any], more: dict[str, str]) -> None:
    """Without the ETag, what is copied may be another object than the one that was compared."""
    assert copy_source(run_of(prefix="in/", **options), ITEM) == {
        "CopySource": {"Bucket": "from", "Key": "in/a/b"},
        "CopySourceIfMatch": '"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"',
        **more,
    }


def test_a_copy_replaces_what_was_listed_or_nothing() -> None:
    assert destination_condition(ITEM) == {"If-None-Match": "*"}
    assert destination_condition(replace(ITEM, replaces_etag="f00-2")) == {"If-Match": '"f00-2"'}


@pytest.mark.parametrize(
    ("option", "listed", "expected"),
    [
        ("source", "STANDARD", {}),
        ("source", "GLACIER_IR", {"StorageClass": "GLACIER_IR"}),
        ("source", "AWS_BACKUP_WARM", {}),
        ("STANDARD", "GLACIER_IR", {}),
        ("STANDARD_IA", "STANDARD", {"StorageClass": "STANDARD_IA"}),
        ("STANDARD_IA", "GLACIER_IR", {"StorageClass": "STANDARD_IA"}),
        ("STANDARD_IA", "AWS_BACKUP_WARM", {"StorageClass": "STANDARD_IA"}),
    ],
)
def test_a_copy_has_the_class_of_its_source_or_the_one_that_was_chosen(
    option: str, listed: str, expected: dict[str, str]
) -> None:
    run, item = run_of(storageClass=option), replace(ITEM, storage_class=listed)

    assert storage_class(run, item) == expected
    assert upload_properties(run, item, {}) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"serverSideEncryption": "AES256"}, {"ServerSideEncryption": "AES256"}),
        (
            {"serverSideEncryption": "aws:kms", "sseKmsKeyId": "k-1"},
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k-1"},
        ),
    ],
)
def test_a_copy_is_encrypted_as_was_asked_for_or_as_its_bucket_does(
    options: dict[str, Any], expected: dict[str, str]
) -> None:
    assert encryption(run_of(**options)) == expected
    assert upload_properties(run_of(**options), ITEM, {}) == expected


@pytest.mark.parametrize(("option", "expected"), [({}, {}), ({"acl": FULL_CONTROL}, {"ACL": FULL_CONTROL})])
def test_a_copy_gets_the_acl_that_was_asked_for_in_one_piece_and_in_parts(
    option: dict[str, str], expected: dict[str, str]
) -> None:
    assert acl(run_of(**option)) == expected
    assert upload_properties(run_of(**option), ITEM, {}) == expected


def test_tags_come_along_unless_they_are_to_stay_behind() -> None:
    assert tagging_directive(run_of()) == {}
    assert tagging_directive(run_of(copyTags=False)) == {"TaggingDirective": "REPLACE"}


@pytest.mark.parametrize(
    ("options", "word"),
    [({}, "EXCLUDE"), ({"annotations": "copy"}, "COPY"), ({"annotations": "none"}, "EXCLUDE")],
)
def test_annotations_stay_behind_unless_they_are_to_come_along(options: dict[str, str], word: str) -> None:
    """Without the header S3 copies them, which needs permissions that a role without the option does not have."""
    run = run_of(**options)

    assert directive(run) == {"x-amz-object-annotation-directive": word}
    assert are_copied(run) is (word == "COPY")


@pytest.mark.parametrize(
    ("item", "head", "expected"),
    [
        (EMPTY, {"WebsiteRedirectLocation": "/there"}, {"WebsiteRedirectLocation": "/there"}),
        (ITEM, {"WebsiteRedirectLocation": "/there"}, {}),
        (EMPTY, {}, {}),
        (EMPTY, {"WebsiteRedirectLocation": ""}, {}),
    ],
)
def test_a_redirect_is_carried_by_objects_without_content_whatever_else_had_to_be_asked(
    item: ToCopy, head: dict[str, str], expected: dict[str, str]
) -> None:
    """Whether an object with content has one is asked only where locks are copied; a copy must not depend on that."""
    assert website_redirect(item, head) == expected


def test_an_upload_is_opened_with_what_head_tells_of_the_source_and_with_nothing_else() -> None:
    properties = {
        "CacheControl": "no-cache",
        "ContentDisposition": "inline",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain",
        "Metadata": {"a": "b"},
        "WebsiteRedirectLocation": "/there",
    }
    head = {
        **properties,
        "ExpiresString": "0",
        "ETag": '"e"',
        "ContentLength": 3,
        "StorageClass": "GLACIER_IR",
    }

    assert upload_properties(run_of(), ITEM, head) == properties
    assert upload_properties(run_of(), ITEM, {"ContentType": "", "Metadata": {}, "CacheControl": None}) == {}


@pytest.mark.parametrize(
    ("checksum", "expected"),
    [
        (None, {}),
        (("SHA256", "COMPOSITE"), {"ChecksumAlgorithm": "SHA256", "ChecksumType": "COMPOSITE"}),
        (("CRC32", ""), {"ChecksumAlgorithm": "CRC32"}),
    ],
)
def test_an_upload_is_opened_with_the_checksum_of_its_source(
    checksum: tuple[str, str] | None, expected: dict[str, str]
) -> None:
    assert upload_properties(run_of(), replace(ITEM, checksum=checksum), {}) == expected
