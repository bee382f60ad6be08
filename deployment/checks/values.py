"""What the values in a state must be: numbers in their ranges, moments, rules of a Choice, names, sizes.

`statelint` calls it. statelint judges some of this more strictly than AWS does, and some not at all; where both speak,
this is what counts.
https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from deployment.checks.paths import is_path
from deployment.checks.query_language import JSONATA, is_expression
from deployment.project.states_language import State, items, mapping
from deployment.project.yaml_reading import Place
from deployment.text import quantity

Fields = Mapping[str, Any]
Finding = tuple[Place, str]

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
MAX_DEFINITION_BYTES = 1_048_576
# https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
MAX_NAME_LENGTH = 80

_SECONDS = (1, 99_999_999)

# What a field may be, from least to most; whether a fraction may be.
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
# https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
_RANGES: Mapping[str, tuple[int, int | None, bool]] = {
    "BackoffRate": (1, None, True),
    "HeartbeatSeconds": (*_SECONDS, False),
    "IntervalSeconds": (*_SECONDS, False),
    "MaxAttempts": (0, 99_999_999, False),
    "MaxConcurrency": (0, None, False),
    "MaxDelaySeconds": (1, 31_622_399, False),
    "MaxInputBytesPerBatch": (1, 262_144, False),
    "MaxItems": (1, None, False),
    "MaxItemsPerBatch": (1, None, False),
    "Seconds": (0, 99_999_999, False),
    "TimeoutSeconds": (*_SECONDS, False),
    "ToleratedFailureCount": (0, None, False),
    "ToleratedFailurePercentage": (0, 100, True),
}
_WHERE_NUMBERS_ARE: tuple[tuple[str, ...], ...] = ((), ("ItemReader", "ReaderConfig"), ("ItemBatcher",))

# https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)")

# https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
_ORDERS = ("Equals", "GreaterThan", "GreaterThanEquals", "LessThan", "LessThanEquals")
_MOMENTS = frozenset(f"Timestamp{order}" for order in _ORDERS)
_PLAIN = {
    "BooleanEquals", "StringMatches",
    *(f"{kind}{order}" for kind in ("Numeric", "String", "Timestamp") for order in _ORDERS),
}  # fmt: skip
_COMPARED_PATHS = frozenset(f"{name}Path" for name in _PLAIN if name != "StringMatches")
_TESTS = frozenset(f"Is{kind}" for kind in ("Boolean", "Null", "Numeric", "Present", "String", "Timestamp"))
COMPARISONS = _PLAIN | _COMPARED_PATHS | _TESTS


def whole_machine(rendered: Fields) -> Iterator[Finding]:
    """Yield what is wrong with a machine as a whole: its size, and its own timeout."""
    size_bytes = len(json.dumps(rendered).encode())
    if size_bytes > MAX_DEFINITION_BYTES:
        yield (), f"the definition has {size_bytes:,} bytes: AWS takes {MAX_DEFINITION_BYTES:,} at most"
    for place, message in _numbers({"TimeoutSeconds": rendered.get("TimeoutSeconds", 1)}, (), False):
        yield place, f"the state machine {message}"


def findings(state: State, language: str) -> Iterator[Finding]:
    """Yield what is wrong with the values of a state."""
    fields = state.fields
    if not 0 < len(state.name) <= MAX_NAME_LENGTH:
        yield (
            (),
            f"has a name of {quantity(len(state.name), 'character')}: expected 1 to {MAX_NAME_LENGTH}",
        )
    for way in _WHERE_NUMBERS_ARE:
        yield from _numbers(_under(fields, way), way, language == JSONATA)
    for index, entry in enumerate(items(fields.get("Retry"))):
        yield from _numbers(mapping(entry), ("Retry", index), language == JSONATA)
    yield from _heartbeat(fields)
    yield from _credentials(fields)
    if fields.get("Branches") == []:
        yield ("Branches",), "has no Branches: expected at least one machine in the list"
    if fields.get("Type") == "Wait":
        yield from _moments(fields, ("Timestamp",), ())
    for index, rule in enumerate(items(fields.get("Choices"))):
        judge = _condition if language == JSONATA else _rule
        yield from judge(mapping(rule), ("Choices", index))


def _under(fields: Fields, way: tuple[str, ...]) -> Fields:
    for name in way:
        fields = mapping(fields.get(name))
    return fields


def _numbers(fields: Fields, place: Place, may_be_computed: bool) -> Iterator[Finding]:
    for name in _RANGES.keys() & fields.keys():
        least, most, fractions = _RANGES[name]
        value = fields[name]
        if may_be_computed and is_expression(value):
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not (fractions or value % 1 == 0) or value < least or value > (most or value):
            kind = "a number" if fractions else "a whole number"
            limits = f"from {least} to {most}" if most else f"of at least {least}"
            yield (*place, name), f"has {name}: {value!r}: expected {kind} {limits}"


def _heartbeat(fields: Fields) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html"""
    heartbeat, timeout = fields.get("HeartbeatSeconds"), fields.get("TimeoutSeconds")
    if isinstance(heartbeat, int) and isinstance(timeout, int) and heartbeat >= timeout:
        yield (
            ("HeartbeatSeconds",),
            f"has HeartbeatSeconds: {heartbeat}: expected less than its TimeoutSeconds, which is {timeout}",
        )


def _credentials(fields: Fields) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html"""
    credentials = fields.get("Credentials")
    if isinstance(credentials, Mapping) and not credentials.keys() & {"RoleArn", "RoleArn.$"}:
        yield ("Credentials",), "has Credentials without RoleArn: expected the role that the task shall take"


def _moments(fields: Fields, names: tuple[str, ...], place: Place) -> Iterator[Finding]:
    for name in names:
        value = fields.get(name)
        if name in fields and not is_expression(value) and not _is_moment(value):
            yield (*place, name), f"has {name}: {value}: expected a moment such as 2026-11-28T12:00:00Z"


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value))  # which knows how long months are
    except ValueError:
        return False
    return True


def _condition(rule: Fields, place: Place) -> Iterator[Finding]:
    foreign = sorted(rule.keys() & {"And", "Not", "Or", "Variable"})
    if foreign:
        message = f"has {foreign[0]}, which belongs to JSONPath, and its QueryLanguage is JSONata"
        yield (*place, foreign[0]), message
    condition = rule.get("Condition", True)
    if not isinstance(condition, bool) and not is_expression(condition):
        yield (*place, "Condition"), f"has Condition: {condition}: expected an expression between {{% and %}}"


def _rule(rule: Fields, place: Place) -> Iterator[Finding]:
    """Yield what is wrong with a rule of a Choice and with the rules inside it."""
    if "Condition" in rule:
        yield (
            (*place, "Condition"),
            "has Condition, which belongs to JSONata, and its QueryLanguage is JSONPath",
        )
        return
    kinds = sorted(rule.keys() & {"And", "Not", "Or", "Variable"})
    compared = sorted(rule.keys() & COMPARISONS)
    if len(kinds) != 1:
        found = f"{' and '.join(kinds)} together" if kinds else "none of them"
        yield place, f"has a rule with {found}: expected one of Variable, And, Or, Not"
    if kinds == ["Variable"] and not compared:
        yield (
            place,
            "has a rule that compares its Variable with nothing: expected a field such as StringEquals",
        )
    for name in ("Variable", *(name for name in compared if name in _COMPARED_PATHS)):
        if name in rule and not (isinstance(rule[name], str) and is_path(rule[name])):
            yield (*place, name), f"has {name}: {rule[name]}: expected a path, such as $.key"
    for name in compared:
        if name.startswith("Numeric") and name in _PLAIN and not _is_number(rule[name]):
            yield (*place, name), f"has {name}: {rule[name]!r}: expected a number"
    yield from _moments(rule, tuple(name for name in compared if name in _MOMENTS), place)
    for name in ("And", "Or"):
        for index, inner in enumerate(items(rule.get(name))):
            yield from _rule(mapping(inner), (*place, name, index))
    if isinstance(rule.get("Not"), Mapping):
        yield from _rule(rule["Not"], (*place, "Not"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
