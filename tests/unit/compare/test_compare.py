"""Comparing a range: what a person is told of it. What is compared is in tests/functional."""

from __future__ import annotations

import pytest
from samples import run_of

from lambda_functions.shared.compare.compare import describe_range
from lambda_functions.shared.s3.listing import KeyRange


@pytest.mark.parametrize(
    ("key_range", "keys"),
    [
        (KeyRange(), "the whole bucket"),
        (KeyRange("a", None), "keys after 'a'"),
        (KeyRange(None, "m"), "keys up to 'm'"),
        (KeyRange("", "m"), "keys after '' up to 'm'"),
    ],
)
def test_a_range_is_told_in_words(key_range: KeyRange, keys: str) -> None:
    assert describe_range(run_of(), key_range) == f"s3://from/ -> s3://into/ ({keys})"


def test_all_keys_under_a_prefix_are_not_the_whole_bucket() -> None:
    run = run_of(prefix="a/", destinationPrefix="b/")

    assert describe_range(run, KeyRange()) == "s3://from/a/ -> s3://into/b/ (the whole prefix)"
