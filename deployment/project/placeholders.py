"""The placeholders of a front matter, `${SourceBuckets}` and the like, filled from the settings.

They stand in plain texts. What CloudFormation fills (`!Sub ${WorkBucket.Arn}/runs/*`) is left alone, and so
are the variables of IAM (`${aws:PrincipalAccount}`). A placeholder for a list stands alone, as a Resource
or as an element of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

LISTS = (
    "SourceBuckets", "SourceObjects", "DestinationBuckets", "DestinationObjects", "KmsKeys",
    "StateMachineExecutions",
)  # fmt: skip
TEXTS = ("DeploymentBucket",)

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
_IAM_VARIABLE = re.compile(r"[a-z][a-z0-9-]*:[^:].*|[*?$]")


def mistakes(value: Any) -> Iterator[tuple[str, str]]:
    """Yield (the placeholder as written, what is wrong with it) for every one that cannot be filled."""
    for text in _texts(value):
        for placeholder in _PLACEHOLDER.finditer(text):
            written, name = placeholder.group(), placeholder.group(1)
            if name in LISTS and text != written:
                yield written, f"{written} is a list and stands alone, found {text!r}"
            elif name not in LISTS + TEXTS and not _IAM_VARIABLE.fullmatch(name):
                yield written, _unknown(name)


def fill(value: Any, values: Mapping[str, list[Any] | str]) -> Any:
    """Return `value` with every placeholder replaced by its entry of `values`, lists spliced into lists."""
    if isinstance(value, str):
        return _filled(value, values)
    if isinstance(value, list):
        return [element for part in value for element in _elements(part, values)]
    if isinstance(value, dict):
        return {key: part if key == "Fn::Sub" else fill(part, values) for key, part in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:
    """Every text inside `value` that CloudFormation does not fill."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _texts(element)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key != "Fn::Sub":
                yield from _texts(part)


def _filled(text: str, values: Mapping[str, list[Any] | str]) -> Any:
    for name in LISTS:
        if text == f"${{{name}}}":
            return values[name]
    for name in TEXTS:
        text = text.replace(f"${{{name}}}", str(values[name]))
    return text


def _elements(part: Any, values: Mapping[str, list[Any] | str]) -> list[Any]:
    filled = fill(part, values)
    return filled if isinstance(part, str) and isinstance(filled, list) else [filled]


def _unknown(name: str) -> str:
    known = [f"${{{other}}}" for other in LISTS + TEXTS]
    nearest = get_close_matches(f"${{{name}}}", known, n=1)
    if nearest and not re.search(r"::|\.", name):
        hint = f"did you mean {nearest[0]}?"
    else:
        hint = "write !Sub before a text that CloudFormation shall fill."
    return f"${{{name}}} is not known; {hint} Known are {', '.join(known)}."
