"""What errors say of themselves."""

from __future__ import annotations

import json

import pytest

from lambda_functions.shared.errors import message_of


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ('{"errorMessage": "it broke", "errorType": "X"}', "it broke"),
        ("the Map Run failed", "the Map Run failed"),
        ("", ""),
        ("{}", "{}"),
        ("[1]", "[1]"),
        ("null", "null"),
        ("x" * 2000, "x" * 1000),
    ],
)
def test_the_message_of_a_lambda_is_taken_out_of_its_error(cause: str, message: str) -> None:
    assert message_of(cause) == message


# The cause of an execution has at most 32,768 characters, as the error of a Lambda alone may have.
def test_a_long_message_of_a_lambda_is_cut_as_any_other() -> None:
    assert message_of(json.dumps({"errorMessage": "x" * 30_000})) == "x" * 1000
