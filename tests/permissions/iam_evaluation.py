"""What IAM answers to one request, by the rules of its pages, for the condition keys that moto does not know.

Only what the documents of this project use: a request is allowed if some Allow of the principal's policies fits, its boundary (if
it has one) allows it too, and no Deny fits, of those nor of the resource's own policy. Inside one account.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from iam_grants import listed

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """One action on one resource; `context` has the condition keys that AWS puts into such a request."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def is_allowed(
    request: Request,
    policies: Iterable[Statement],
    of_the_resource: Iterable[Statement] = (),
    boundary: Iterable[Statement] | None = None,
) -> bool:
    """Return whether a principal with these statements may do it."""
    own, limits = list(policies), None if boundary is None else list(boundary)
    everything = [*own, *of_the_resource, *(limits or ())]
    if any(one["Effect"] == "Deny" and fits(one, request) for one in everything):
        return False
    return _allows(own, request) and (limits is None or _allows(limits, request))


def _allows(statements: Iterable[Statement], request: Request) -> bool:
    return any(one["Effect"] == "Allow" and fits(one, request) for one in statements)


def fits(statement: Statement, request: Request) -> bool:
    """Return whether a statement is about a request; actions are compared without regard to capitals, ARNs with."""
    actions = [_pattern(one, re.IGNORECASE) for one in listed(statement["Action"])]
    arns = [_pattern(one) for one in listed(statement["Resource"])]
    return (
        any(one.fullmatch(request.action) for one in actions)
        and any(one.fullmatch(request.resource) for one in arns)
        and all(
            _holds(operator, key, listed(values), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """`*` and `?` stand for slashes too, `${*}`, `${?}` and `${$}` for the characters themselves.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
    """
    between_literals = re.split(r"\$\{([*?$])\}", text)
    parts = [
        re.escape(part) if number % 2 else re.escape(part).replace(r"\*", ".*").replace(r"\?", ".")
        for number, part in enumerate(between_literals)
    ]
    return re.compile("".join(parts), flags | re.DOTALL)


def _like(value: str, wanted: str) -> bool:
    return bool(_pattern(wanted).fullmatch(value))


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
}


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    """Return whether one condition holds; a key that is not in the request fails what is positive and fits what is negated."""
    value = context.get(key)
    if operator == "Null":
        return (value is None) == (wanted == ["true"])
    plain = operator.removesuffix("IfExists").replace("Not", "")
    if value is None:
        return operator.endswith("IfExists") or "Not" in operator
    return any(_COMPARE[plain](value, one) for one in wanted) != ("Not" in operator)
