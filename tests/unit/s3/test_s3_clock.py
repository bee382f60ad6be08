"""What S3's answers say besides what was asked: its clock."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_functions.shared.s3.heads import answered_at


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"date": "Sun, 22 Nov 2026 10:11:12 GMT"}, "2026-11-22T10:11:12+00:00"),
        ({"date": "Sun, 22 Nov 2026 11:11:12 +0100"}, "2026-11-22T11:11:12+01:00"),
        ({"date": "Sun, 22 Nov 2026 10:11:12 -0000"}, "2026-11-22T10:11:12+00:00"),
        ({"date": "yesterday"}, None),
        ({"date": ""}, None),
        ({}, None),
    ],
)
def test_the_clock_of_s3_is_read_from_the_date_of_an_answer(
    answer: dict[str, Any], expected: str | None
) -> None:
    assert answered_at({"ResponseMetadata": {"HTTPHeaders": answer}}) == expected


def test_an_answer_without_headers_has_no_date() -> None:
    assert answered_at({}) is None
