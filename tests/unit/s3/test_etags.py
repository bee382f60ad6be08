"""What ETags tell of an object's content."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import NOON

from lambda_functions.shared.s3.checksums import composite_of_one
from lambda_functions.shared.s3.etags import (
    is_md5,
    multipart_etag,
    one_part_etag,
    part_count,
    same_etag,
)

A, B = hashlib.md5(b"a").hexdigest(), hashlib.md5(b"b").hexdigest()


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_etags_say_the_same_exactly_if_the_bytes_are_the_same(one: bytes, other: bytes) -> None:
    plain, in_one_part = hashlib.md5(one).hexdigest(), one_part_etag(hashlib.md5(other).hexdigest())

    assert in_one_part == hashlib.md5(hashlib.md5(other).digest()).hexdigest() + "-1"
    assert same_etag(plain, in_one_part) == same_etag(in_one_part, plain) == (one == other)
    assert same_etag(in_one_part, in_one_part)


@pytest.mark.parametrize("etag", ["", A + "-1", A.upper(), A[:-1], A + "0", "g" * 32])
def test_what_is_no_md5_has_no_form_of_one_part(etag: str) -> None:
    assert one_part_etag(etag) is None


@pytest.mark.parametrize(
    ("etag", "parts"),
    [
        (A, None),
        (A + "-1", 1),
        (A + "-10000", 10_000),
        ("", None),
        ("-7", None),
        (A + "-", None),
        ("a-b", None),
    ],
)
def test_an_etag_names_its_number_of_parts(etag: str, parts: int | None) -> None:
    assert part_count(etag) == parts


def head(etag: str = A, **values: Any) -> dict[str, Any]:
    return {"ETag": f'"{etag}"', "ContentLength": 3, "LastModified": NOON, **values}


KMS = {"ServerSideEncryption": "aws:kms"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, True),
        ({"ServerSideEncryption": "AES256"}, True),
        (KMS, False),
        ({"SSECustomerAlgorithm": "AES256"}, False),
        ({"ETag": f'"{A}-1"'}, False),
    ],
)
def test_an_etag_is_the_md5_of_plain_objects_of_one_piece(values: dict[str, Any], expected: bool) -> None:
    assert is_md5(head(**values)) is expected


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=20))
def test_the_etag_of_an_upload_is_that_of_its_parts_together(contents: list[bytes]) -> None:
    digests = [hashlib.md5(content) for content in contents]
    whole = hashlib.md5(b"".join(digest.digest() for digest in digests)).hexdigest()

    assert multipart_etag([digest.hexdigest() for digest in digests]) == f"{whole}-{len(contents)}"


def test_parts_that_are_encrypted_by_kms_tell_nothing() -> None:
    assert multipart_etag(["0cc175b9c0f1b6a831c399e269772661", "not-an-md5"]) is None


# --- A Python that is made for FIPS


def test_an_md5_is_computed_where_it_may_only_be_one_of_no_use_for_security(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python refuses it otherwise, and no copy could be compared: https://docs.python.org/3/library/hashlib.html#hashlib.new"""

    def for_fips(usual: Callable[..., Any]) -> Callable[..., Any]:
        def made(*given: Any, usedforsecurity: bool = True) -> Any:
            if usedforsecurity:
                raise ValueError("disabled for FIPS")
            return usual(*given, usedforsecurity=False)

        return made

    etag, whole = hashlib.md5(b"a").hexdigest(), base64.b64encode(hashlib.sha256(b"a").digest()).decode()
    expected = one_part_etag(etag), multipart_etag([etag]), composite_of_one("SHA256", whole)
    monkeypatch.setattr(hashlib, "md5", for_fips(hashlib.md5))
    monkeypatch.setattr(hashlib, "new", for_fips(hashlib.new))

    assert (one_part_etag(etag), multipart_etag([etag]), composite_of_one("SHA256", whole)) == expected
