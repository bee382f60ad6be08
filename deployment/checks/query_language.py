"""What belongs to JSONPath and what to JSONata, state by state; and whether what is written in them can be read.

`statelint` calls it. A machine, or one of its states, says with `QueryLanguage` which of the two it speaks. Of JSONata the
structure is judged, the fields and the `{% %}`, and never the expression: only AWS evaluates it.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deployment.checks.paths import is_path, is_reference_path, is_writable_path, value_mistake
from deployment.project.states_language import State, mapping, scopes
from deployment.project.yaml_reading import Place

Fields = Mapping[str, Any]
Finding = tuple[Place, str]

JSONPATH, JSONATA = "JSONPath", "JSONata"

_PATHS = ("InputPath", "OutputPath", "ItemsPath")
_REFERENCE_PATHS = (
    "HeartbeatSecondsPath", "MaxConcurrencyPath", "SecondsPath", "TimeoutSecondsPath", "TimestampPath",
    "ToleratedFailureCountPath", "ToleratedFailurePercentagePath",
)  # fmt: skip
_VALUES = ("CausePath", "ErrorPath")

# What only one of the two languages has, in a state.
_OF_JSONPATH = frozenset(
    {*_PATHS, *_REFERENCE_PATHS, *_VALUES, "Parameters", "Result", "ResultPath", "ResultSelector"}
)
_OF_JSONATA = frozenset({"Arguments", "Items", "Output"})

# Where values are made of paths: fields of a state, and of what stands in it.
_TEMPLATES = ("Assign", "ItemSelector", "Parameters", "ResultSelector")
_NESTED_TEMPLATES = (
    ("ItemReader", "Parameters"),
    ("ItemBatcher", "BatchInput"),
    ("ResultWriter", "Parameters"),
)

_HAS_NO_VARIABLES = ("Succeed", "Fail")
# https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
_VARIABLE = re.compile(r"[^\W\d]\w{0,79}")

# Fields that hold a machine of their own, whose states are looked at by themselves.
_INNER = ("Branches", "ItemProcessor", "Iterator", "Comment")


def languages(machine: Fields) -> dict[Place, str]:
    """Return the query language of every state by its place: its own, or that of the state or machine around it."""
    return {state.place: language for state, _, language in _states_and_languages(machine)}


def downgrades(machine: Fields) -> Iterator[Finding]:
    """Yield the states that want JSONPath inside of JSONata, from which there is no way back."""
    for state, around, language in _states_and_languages(machine):
        if (around, language) == (JSONATA, JSONPATH):
            message = f"the state {state.name} has QueryLanguage: JSONPath inside of JSONata"
            yield (*state.place, "QueryLanguage"), f"{message}: only the other way round is possible"


def findings(fields: Fields, language: str) -> Iterator[Finding]:
    """Yield what a state has of the other language, and what of its own cannot be read."""
    foreign, other = (_OF_JSONPATH, JSONPATH) if language == JSONATA else (_OF_JSONATA, JSONATA)
    for name in fields:
        if name in foreign:
            yield (name,), f"has {name}, which belongs to {other}, and its QueryLanguage is {language}"
    yield from _variables(fields)
    if language == JSONATA:
        yield from _open_expressions(fields, ())
    else:
        yield from _wrong_paths(fields)
        yield from _templates(fields)


def is_expression(value: Any) -> bool:
    """Whether a value is a JSONata expression, as far as its marks tell."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def _states_and_languages(machine: Fields) -> Iterator[tuple[State, str, str]]:
    """Yield each state with the language around it and its own."""
    found: dict[Place, str] = {}
    for scope in scopes(machine):
        above = (scope.place[:length] for length in range(len(scope.place), 0, -1))
        around = next((found[place] for place in above if place in found), _language(machine, JSONPATH))
        for state in scope.states:
            found[state.place] = _language(state.fields, around)
            yield state, around, found[state.place]


def _language(fields: Fields, otherwise: str) -> str:
    given = fields.get("QueryLanguage")
    return given if given in (JSONPATH, JSONATA) else otherwise


def _variables(fields: Fields) -> Iterator[Finding]:
    if "Assign" in fields and fields.get("Type") in _HAS_NO_VARIABLES:
        yield ("Assign",), f"has Assign: a state of the type {fields['Type']} has no variables to set"
    for place, assigned in _with_entries(fields, "Assign"):
        for name in mapping(assigned):
            if not _VARIABLE.fullmatch(name.removesuffix(".$")):
                yield (
                    (*place, name),
                    f"assigns the variable {name}: expected letters, digits and _ after a letter, 80 at most",
                )


def _open_expressions(value: Any, place: Place) -> Iterator[Finding]:
    if isinstance(value, str):
        opens, closes = value.startswith("{%"), value.endswith("%}")
        if opens != closes or (opens and not value[2:-2].strip()):
            yield (
                place,
                f"has {value!r}: expected an expression between {{% and %}}, with nothing around them",
            )
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _open_expressions(item, (*place, index))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if place or name not in _INNER:
                yield from _open_expressions(item, (*place, name))


def _wrong_paths(fields: Fields) -> Iterator[Finding]:
    for names, judge, wanted in (
        (_PATHS, is_path, "a path, such as $.key"),
        (_REFERENCE_PATHS, is_reference_path, "a path to one place, such as $.key"),
    ):
        for name in names:
            text = fields.get(name)
            if isinstance(text, str) and not judge(text):
                yield (name,), f"has {name}: {text}: expected {wanted}"
    for name in _VALUES:
        wrong = value_mistake(fields[name]) if name in fields else None
        if wrong:
            yield (name,), f"has {name}: {fields[name]}: {wrong}"
    for place, text in _with_entries(fields, "ResultPath"):
        if isinstance(text, str) and not is_writable_path(text):
            yield place, f"has ResultPath: {text}: expected a path to one place in the input, such as $.key"


def _templates(fields: Fields) -> Iterator[Finding]:
    for name in _TEMPLATES:
        for place, template in (
            _with_entries(fields, name) if name == "Assign" else [((name,), fields.get(name))]
        ):
            yield from _template_findings(template, place)
    for outer, inner in _NESTED_TEMPLATES:
        yield from _template_findings(mapping(fields.get(outer)).get(inner), (outer, inner))


def _template_findings(template: Any, place: Place) -> Iterator[Finding]:
    if isinstance(template, list):
        for index, item in enumerate(template):
            yield from _template_findings(item, (*place, index))
    for name, value in mapping(template).items():
        if not name.endswith(".$"):
            yield from _template_findings(value, (*place, name))
            continue
        wrong = value_mistake(value)
        if wrong:
            yield (*place, name), f"has {name}: {value}: {wrong}"
        if name.removesuffix(".$") in mapping(template):
            yield (
                (*place, name),
                f"has {name} beside {name.removesuffix('.$')}: they are the same field; keep one",
            )


def _with_entries(fields: Fields, name: str) -> Iterator[tuple[Place, Any]]:
    """Yield a field of a state, and the same of its catchers and rules."""
    if name in fields:
        yield (name,), fields[name]
    for listed in ("Catch", "Choices"):
        entries = fields.get(listed)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if name in mapping(entry):
                yield (listed, index, name), entry[name]
