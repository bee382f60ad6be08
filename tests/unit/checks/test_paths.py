"""Whatever text stands where a path or an intrinsic function should: judged, and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.checks.paths import (
    INTRINSICS,
    intrinsic_mistake,
    is_path,
    is_reference_path,
    is_writable_path,
    value_mistake,
)

MARKS = [
    "$",
    "$$",
    ".",
    "..",
    "a",
    "b-c",
    "[",
    "]",
    "[0]",
    "[*]",
    "'",
    '"',
    "(",
    ")",
    ",",
    " ",
    "\\",
    "{}",
    "?(@.x)",
]
PIECES = st.sampled_from([*MARKS, *INTRINSICS, "States.Nothing", "null", "1", "-2.5"])


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=20))
def test_no_text_breaks_the_grammar(text: str) -> None:
    assert value_mistake(text) is None or isinstance(value_mistake(text), str)
    assert intrinsic_mistake(text) is None or isinstance(intrinsic_mistake(text), str)
    assert is_writable_path(text) <= is_reference_path(text) <= is_path(text)


@pytest.mark.parametrize("value", [None, 1, True, [], {}])
def test_a_value_that_is_no_text_is_a_mistake(value: object) -> None:
    assert value_mistake(value) == "expected a path such as $.key, or an intrinsic function, as text"


@pytest.mark.parametrize("text", ["$", "$.a", "$.a[0].b", "$['a'].b", "$.a-b", "$[0]"])
def test_a_result_can_be_put_in_one_place_of_the_input(text: str) -> None:
    assert is_writable_path(text)


@pytest.mark.parametrize(
    "text", ["$$", "$$.a", "$variable", "$.a[*]", "$..a", "$.a[0,1]", "$.a[1:2]", "$.a.length()"]
)
def test_and_nowhere_else(text: str) -> None:
    assert is_path(text) and not is_writable_path(text)


@pytest.mark.parametrize(
    "text", ["", "a", "$.", "$a.", "$.a.", "$.[a]", "$.a[", "$.a[]", "$.a]", "$ .a", "$.a b", "$.a['x"]
)
def test_what_is_cut_off_is_no_path(text: str) -> None:
    assert not is_path(text)


def test_ten_calls_may_be_nested_and_no_more() -> None:
    def nested(depth: int) -> str:
        return "States.Array(" * depth + ")" * depth

    assert intrinsic_mistake(nested(10)) is None
    assert intrinsic_mistake(nested(11)) == "more than 10 intrinsic functions are nested"
