"""How what was given is told: quoted in a sentence, and whole in a report that JSON has to carry."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_functions.shared.spelling import JSON, has_half_a_character, quote, writable

PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=3)


def nested(base: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        base, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=2), part, max_size=3)
    )


def depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(depth, parts), default=0)


@given(nested(PLAIN | st.floats()), st.integers(0, 6))
def test_json_can_write_it_and_it_is_no_deeper(value: Any, levels: int) -> None:
    told = writable(value, levels)

    json.dumps(told, allow_nan=False)
    assert depth(told) <= levels


@given(nested(PLAIN | st.floats(allow_nan=False, allow_infinity=False)))
def test_what_json_has_and_is_not_too_deep_stays_as_it_is(value: Any) -> None:
    assert writable(value, depth(value)) == value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        ({"a": [math.nan]}, {"a": ["NaN"]}),
        ({"a": {"b": {"c": 1}}, "d": [2]}, {"a": {"b": "..."}, "d": [2]}),
    ],
)
def test_what_it_has_not_is_named(value: Any, told: Any) -> None:
    assert writable(value, 2) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [("x" * 78, f'"{"x" * 78}"'), ("x" * 79, f'"{"x" * 76}...'), (None, "null"), (["ü"], '["ü"]')],
)
def test_what_is_quoted_has_80_characters_at_most(value: Any, told: str) -> None:
    assert quote(value) == told
    assert len(told) <= 80


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        ("\ud7ff", False),
        ("\ud800", True),
        ("\udbff", True),
        ("\udc00", True),
        ("\udfff", True),
        ("\ue000", False),
        ("a\U0001f600b", False),
        ("a\U0001f600\ud83d", True),
    ],
    ids=ascii,
)
def test_half_a_character_is_one_of_the_surrogates_and_none_beside_them(text: str, expected: bool) -> None:
    assert has_half_a_character(text) is expected


def test_options_of_an_input_are_told_as_json() -> None:
    assert JSON.name("prefix") == '"prefix"'
    assert JSON.pair("prefix", "a/") == '"prefix": "a/"'
    assert JSON.given("prefix", 7) == '"prefix" is 7'
