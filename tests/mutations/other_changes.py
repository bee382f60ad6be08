"""What can be changed in a state machine, and in the permissions that a function's front matter asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from .changes import Change, that_hold

# What AWS does without being told where one of these is missing is never what was meant. What makes a definition invalid where
# it is missing is left to the validators.
DROPPED = (
    "Retry", "Catch", "ToleratedFailurePercentage", "TimeoutSeconds", "MaxConcurrencyPath", "ResultPath", "MaxAttempts",
    "BackoffRate", "JitterStrategy", "MaxDelaySeconds", "IntervalSeconds", "OutputPath", "Default", "CausePath",
)  # fmt: skip
# What a function's front matter says of its permissions: `Action: [ s3:GetObject, s3:PutObject ]`, or one action for a statement.
_STATEMENT = re.compile(rb"^#  +- Sid: \w+\n(?:(?!#  +- Sid:)#  .*\n)*", re.MULTILINE)
_LIST = re.compile(rb"Action: \[ *([^\]]+?) *\]")
_COMPARED = re.compile(r"(String|Numeric|Boolean)[A-Z]\w*|Is[A-Z]\w*")


def machine_changes(path: str, source: bytes) -> list[Change]:
    """Return every change to a definition in YAML."""
    root = yaml.compose(source.decode(), Loader=yaml.SafeLoader)
    offsets = _byte_offsets(source.decode())

    def found() -> Iterator[Change]:
        for kind, start, end, new in _of(root, set()):
            line = start.line + 1
            yield Change(path, kind, line, offsets[start.index], offsets[end.index], new)

    def reads(text: str) -> object:
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from error

    return that_hold(source, found(), reads)


def policy_changes(path: str, source: bytes) -> list[Change]:
    """Return a change for every statement of a function's policies and every action in a list: it is asked for no more."""
    found = [("statement dropped", *match.span(), "") for match in _STATEMENT.finditer(source)]
    for match in _LIST.finditer(source):
        actions = match[1].decode().replace(" ", "").split(",")
        lists = [", ".join(one for one in actions if one != action) for action in actions]
        found += [("action dropped", *match.span(1), left) for left in lists if left]
    return [
        Change(path, kind, source[:start].count(b"\n") + 1, start, end, new)
        for kind, start, end, new in found
    ]


def _of(node: yaml.Node, seen: set[int]) -> Iterator[tuple[str, yaml.Mark, yaml.Mark, str]]:
    """Yield kind, where it begins and ends, and what stands there instead; what is behind an anchor once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in DROPPED:
                yield "field dropped", key.start_mark, value.end_mark, ""
            elif isinstance(value, yaml.ScalarNode) and _COMPARED.fullmatch(key.value):
                yield from (("value", value.start_mark, value.end_mark, new) for new in _others(value))
            yield from _of(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _of(item, seen)


def _others(value: yaml.ScalarNode) -> list[str]:
    if value.tag.endswith(":bool"):
        return ["false" if value.value == "true" else "true"]
    if value.tag.endswith(":int"):
        return [str(int(value.value) + step) for step in (1, -1)]
    return [f"{value.value}X"]


def _byte_offsets(text: str) -> list[int]:
    offsets = [0]
    for character in text:
        offsets.append(offsets[-1] + len(character.encode()))
    return offsets
