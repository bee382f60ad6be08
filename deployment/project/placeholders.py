"""Placeholders such as `${WorkBucket}`: finds and fills them, in front matters and in state machines.

`${!Name}` is the text `${Name}` itself, as in CloudFormation's Fn::Sub
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html).
In a front matter they stand in plain texts. What CloudFormation fills (`!Sub ${WorkBucket.Arn}/runs/*`) is left alone there,
and so are the variables of IAM (`${aws:PrincipalAccount}`). A placeholder for a list stands alone, as a Resource or as an
element of one. What they stand for is known in `build`: `policies.front_matter_values`
for front matters, `definitions.placeholder_values` for state machines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from deployment.project.yaml_reading import Place
from deployment.text import did_you_mean

LISTS = (
    "SourceBuckets", "SourceObjects", "DestinationBuckets", "DestinationObjects", "KmsKeys",
    "StateMachineExecutions",
)  # fmt: skip
TEXTS = ("DeploymentBucket", "MetricsStack")
FILLED_BY_CLOUDFORMATION = ("Fn::Sub",)

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")

# A JSONata expression may have braces of its own behind a $, as in `${"total": $sum(price)}`.
_JSONATA = re.compile(r"\s*\{%")
_NAME_IN_JSONATA = re.compile(r"[\w.:-]+")

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
_IAM_VARIABLE = re.compile(r"[a-z][a-z0-9-]*:[^:].*|[*?$]")


def find(value: Any, left_alone: Collection[str] = (), place: Place = ()) -> Iterator[tuple[Place, str, str]]:
    """Yield (place, name, the whole text) of every placeholder under a value, but under the keys that are left alone."""
    if isinstance(value, str):
        yield from ((place, name, value) for name in _names(value))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find(item, left_alone, (*place, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in left_alone:
                yield from find(item, left_alone, (*place, key))


def fill(value: Any, values: Mapping[str, Any], left_alone: Collection[str] = ()) -> Any:
    """Return `value` with every known placeholder filled and every escape undone; unknown ones stay.

    A text that is one placeholder and nothing else becomes the value itself, so numbers and null keep their type, and a list
    is spliced into a list; inside a longer text a value becomes text.
    """
    if isinstance(value, str):
        return _fill_text(value, values)
    if isinstance(value, list):
        return [element for item in value for element in _elements(item, values, left_alone)]
    if isinstance(value, Mapping):
        return {
            key: item if key in left_alone else fill(item, values, left_alone) for key, item in value.items()
        }
    return value


def mistakes(value: Any) -> Iterator[tuple[str, str]]:
    """Yield (the placeholder as written, what is wrong with it) for every one of a front matter that cannot be filled."""
    for _, name, text in find(value, FILLED_BY_CLOUDFORMATION):
        written = f"${{{name}}}"
        if name in LISTS and text != written:
            yield written, f"{written} is a list and must stand alone, found {text!r}"
        elif name not in LISTS + TEXTS and not _IAM_VARIABLE.fullmatch(name):
            yield written, _unknown_sentence(written)


def as_text(value: Any) -> str:
    """Return a plain value as CloudFormation writes it where it wants text: `true`, `1`, `1.5`."""
    return value if isinstance(value, str) else json.dumps(value)


def _names(text: str) -> Iterator[str]:
    is_jsonata = bool(_JSONATA.match(text))
    for escape, name in _PLACEHOLDER.findall(text):
        if not escape and (not is_jsonata or _NAME_IN_JSONATA.fullmatch(name)):
            yield name


def _fill_text(text: str, values: Mapping[str, Any]) -> Any:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole and not whole[1]:
        return values.get(whole[2], text)
    return _PLACEHOLDER.sub(lambda match: _filled(match, values), text)


def _filled(match: re.Match[str], values: Mapping[str, Any]) -> str:
    return f"${{{match[2]}}}" if match[1] else as_text(values.get(match[2], match[0]))


def _elements(item: Any, values: Mapping[str, Any], left_alone: Collection[str]) -> list[Any]:
    filled = fill(item, values, left_alone)
    return filled if isinstance(item, str) and isinstance(filled, list) else [filled]


def _unknown_sentence(written: str) -> str:
    known = [f"${{{other}}}" for other in LISTS + TEXTS]
    guess = "" if re.search(r"::|\.", written) else did_you_mean(written, known)
    advice = guess or " Write !Sub before a text that CloudFormation shall fill."
    return f"{written} is not known.{advice} Known are {', '.join(known)}."
