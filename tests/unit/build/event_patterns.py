"""Whether an event matches a pattern of EventBridge, as far as ours go.

As documented: every field of the pattern must match, by one of its alternatives; `null` matches null; `exists: false` a field
that is not there; `prefix` and `wildcard` texts; `anything-but` what is there and is none of what it has.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NOT_THERE = object()


def matches(event: Mapping[str, Any], pattern: Mapping[str, Any]) -> bool:
    """Whether all fields of the pattern match, and of `$or` one of its patterns."""
    return all(
        any(matches(event, one) for one in wanted)
        if name == "$or"
        else _field(event.get(name, _NOT_THERE), wanted)
        for name, wanted in pattern.items()
    )


def _field(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and matches(value, wanted)
    return any(_one(value, alternative) for alternative in wanted)


def _one(value: Any, alternative: Any) -> bool:
    if not isinstance(alternative, Mapping):
        return value is not _NOT_THERE and bool(value == alternative)
    ((operator, operand),) = alternative.items()
    if operator == "exists":
        return (value is not _NOT_THERE) == operand
    if operator == "anything-but":
        refused = operand if isinstance(operand, list) else [operand]
        return isinstance(value, str) and not any(_one(value, one) for one in refused)
    if operator == "prefix":
        return isinstance(value, str) and value.startswith(operand)
    assert operator == "wildcard"
    parts = ".*".join(map(re.escape, operand.split("*")))
    return isinstance(value, str) and re.fullmatch(parts, value, re.DOTALL) is not None
