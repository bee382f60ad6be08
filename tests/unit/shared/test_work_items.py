"""What is to be done with one object: its form in JSON is fixed, because other deployments have written and will read it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from lambda_functions.shared.work_items import ToCopy, ToDelete

ETAGS = st.text(alphabet="0123456789abcdef-", min_size=1)
TO_COPY = st.builds(
    ToCopy,
    st.text(),
    ETAGS,
    st.integers(0, 50 * 1024**4),
    st.sampled_from(["STANDARD", "GLACIER_IR"]),
    st.none() | st.tuples(st.just("CRC32"), st.sampled_from(["", "COMPOSITE", "FULL_OBJECT"])),
    st.none() | ETAGS,
    st.sampled_from(["", "new", "checksum"]),
    st.booleans(),
)
TO_DELETE = st.builds(ToDelete, st.text(), ETAGS, st.integers(0, 50 * 1024**4))


def test_the_lines_of_shards_are_byte_for_byte_what_they_have_always_been_without_a_reason() -> None:
    changed = ToCopy("a/é", "x-2", 3, "GLACIER_IR", ("CRC32", "COMPOSITE"), "y")

    assert json.dumps(changed.to_json()) == (
        '{"key": "a/\\u00e9", "etag": "x-2", "size": 3, "class": "GLACIER_IR", "checksum": ["CRC32", "COMPOSITE"], "was": "y"}'
    )
    assert json.dumps(ToCopy("", "x", 0).to_json()) == (
        '{"key": "", "etag": "x", "size": 0, "class": "STANDARD", "checksum": null, "was": null}'
    )


def test_why_something_is_planned_stands_behind_that() -> None:
    line = {
        "key": "a",
        "etag": "x",
        "size": 3,
        "class": "STANDARD",
        "checksum": None,
        "was": None,
        "reason": "new",
    }

    assert json.dumps(ToCopy("a", "x", 3, reason="new").to_json()) == json.dumps(line)
    assert (
        json.dumps(ToDelete("a", "x", 3).to_json())
        == '{"key": "a", "etag": "x", "size": 3, "reason": "orphan"}'
    )


def test_what_is_only_to_be_restored_says_so_before_the_reason() -> None:
    item = ToCopy("a", "x", 3, "GLACIER", reason="new", restore=True)

    assert json.dumps(item.to_json()) == (
        '{"key": "a", "etag": "x", "size": 3, "class": "GLACIER", "checksum": null, "was": null, "restore": true, '
        '"reason": "new"}'
    )


@given(TO_COPY)
def test_what_is_to_be_copied_comes_back_from_json_as_it_went(item: ToCopy) -> None:
    assert ToCopy.from_json(json.loads(json.dumps(item.to_json()))) == item


@given(TO_DELETE)
def test_what_is_to_be_deleted_comes_back_from_json_as_it_went(item: ToDelete) -> None:
    assert ToDelete.from_json(json.loads(json.dumps(item.to_json()))) == item


def test_lines_of_other_deployments_may_say_more_or_less() -> None:
    line = {"key": "a", "etag": "x", "size": 3}

    assert ToCopy.from_json(line) == ToCopy("a", "x", 3, "STANDARD", None, None)
    assert ToCopy.from_json({**line, "was": "y", "colour": "red"}) == ToCopy("a", "x", 3, replaces_etag="y")
    assert ToDelete.from_json({**line, "colour": "red"}) == ToDelete("a", "x", 3)
