"""The evaluator that proofs rest on, held to examples of AWS's own pages and to what everybody expects of IAM."""

from __future__ import annotations

from typing import Any

import pytest
from iam_evaluation import Request, fits, is_allowed

OBJECT = "arn:aws:s3:::photos/2024/a.jpg"


def statement(effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:*", "Resource": "*", **more}


def under(operator: str, values: Any, **context: str) -> bool:
    """Whether a statement with this condition on the key `k` fits."""
    return fits(statement(Condition={operator: {"k": values}}), Request("s3:GetObject", OBJECT, context))


def test_nothing_is_allowed_that_nothing_allows_and_a_deny_wins() -> None:
    request = Request("s3:GetObject", OBJECT)
    assert not is_allowed(request, [])
    assert is_allowed(request, [statement()])
    assert not is_allowed(request, [statement(), statement("Deny")])
    assert not is_allowed(request, [statement()], [statement("Deny")])
    assert not is_allowed(request, [statement()], boundary=[statement(Action="s3:PutObject")])
    assert not is_allowed(request, [], boundary=[statement()])


@pytest.mark.parametrize(
    ("action", "resource", "is_meant"),
    [
        ("s3:GetObject", "arn:aws:s3:::photos/*", True),
        ("S3:getobject", "arn:aws:s3:::photos/*", True),
        ("s3:Get*", "arn:aws:s3:::photos/????/a.jpg", True),
        ("s3:GetObject", "arn:aws:s3:::*.jpg", True),
        ("s3:GetObjectAcl", "*", False),
        ("s3:GetObject", "arn:aws:s3:::photos", False),
        ("s3:GetObject", "arn:aws:s3:::Photos/*", False),
        ("s3:GetObject", "arn:aws:s3:::photos/????", False),
    ],
)
def test_a_star_stands_for_slashes_too_and_the_case_of_arns_counts(
    action: str, resource: str, is_meant: bool
) -> None:
    assert fits(statement(Action=action, Resource=resource), Request("s3:GetObject", OBJECT)) is is_meant


@pytest.mark.parametrize(("key", "is_meant"), [("a*b", True), ("axb", False), ("a*b/c", True)])
def test_a_character_of_patterns_in_braces_stands_for_itself(key: str, is_meant: bool) -> None:
    meant = statement(Resource="arn:aws:s3:::photos/a${*}b*")
    assert fits(meant, Request("s3:GetObject", f"arn:aws:s3:::photos/{key}")) is is_meant


def test_a_key_that_is_not_there_fails_what_is_positive_and_fits_what_is_negated() -> None:
    assert [under(one, "x", k="x") for one in ("StringEquals", "StringNotEquals")] == [True, False]
    assert [under(one, "x", k="y") for one in ("StringEquals", "StringNotEquals")] == [False, True]
    assert [under(one, "x") for one in ("StringEquals", "StringNotEquals")] == [False, True]
    assert [under(one, "x") for one in ("StringEqualsIfExists", "ArnNotEquals", "ArnLike")] == [
        True,
        True,
        False,
    ]
    assert [under("Null", one) for one in ("true", "false")] == [True, False]
    assert [under("Null", one, k="x") for one in ("true", "false")] == [False, True]


def test_one_of_several_values_is_enough_and_a_negated_operator_wants_none_of_them() -> None:
    assert under("StringEquals", ["x", "y"], k="y") and under("ArnLike", ["a*", "b?"], k="bc")
    assert not under("ArnNotEquals", ["x", "y"], k="y") and under("ArnNotEquals", ["x", "y"], k="z")
