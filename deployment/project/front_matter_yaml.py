"""The YAML of a front matter: CloudFormation's short tags, no dates, no repeated keys, lines for mistakes.

Only what `front_matter` needs of YAML stands here; what the keys mean is not known here. Lines count as in
the text that is given, from 1.

Unlike YAML 1.1, `yes` and `on` are texts, `0755` and `1:30` are texts, and so is `2012-10-17`: the version
of a policy must not become a date, nor an account's number something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from deployment.project import yaml_reading
from deployment.project.yaml_limits import Complaint
from deployment.project.yaml_reading import Place, places
from deployment.text import did_you_mean

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
SHORT_TAGS = (
    "And", "Base64", "Cidr", "Condition", "Equals", "FindInMap", "GetAZs", "GetAtt", "If", "ImportValue",
    "Join", "Not", "Or", "Ref", "Select", "Split", "Sub", "Transform",
)  # fmt: skip

_WITHOUT_PREFIX = ("Condition", "Ref")


class Mistakes(Exception):
    """All that is wrong in a block that is YAML; no ValueError, as with `Mistake`."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__(*mistakes)
        self.mistakes = tuple(mistakes)


class Mistake(Exception):
    """Something wrong in one line.

    Deliberately no ValueError, which python-frontmatter takes for "there is no front matter".
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def load(text: str) -> tuple[Any, dict[Place, int]]:
    """Return the value of a YAML text, and the line of everything in it; raise Mistake or Mistakes."""
    try:
        return yaml_reading.read_yaml(text, _LOADERS, _value_and_places, Mistakes)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Mistake(
            mark.line + 1 if mark else 1, yaml_reading.sentence(error, error.problem or "unreadable")
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Mistake(line, f"the character {chr(error.character)!r} is not allowed in YAML") from error


def require_mapping(value: Any, block: str, example: str) -> dict[str, Any]:
    """Return the value of a block if it is properties, such as `example`; raise Mistake with its delimiter's line."""
    if isinstance(value, dict):
        return value
    found = "nothing" if value is None else repr(value)
    line = block.count("\n", 0, len(block) - len(block.lstrip("\n"))) or 1
    raise Mistake(line, f"the front matter holds {found}: expected properties, such as '{example}'")


def _value_and_places(loader: Any) -> tuple[Any, dict[Place, int]]:
    node = loader.get_single_node()
    mistakes = sorted(_mistakes(loader, node), key=lambda mistake: mistake.line) if node else []
    if mistakes:
        raise Mistakes(mistakes)
    lines = places(node)
    return (loader.construct_document(node) if node else None), lines


def _mistakes(loader: Any, top: yaml.Node) -> Iterator[Mistake]:
    """Yield what YAML allows and a template does not; nodes are looked at before anything is made of them."""
    for node in yaml_reading.nodes(top):
        if node.tag.startswith("!") and node.tag[1:] not in SHORT_TAGS:
            name = node.tag[1:]
            guess = did_you_mean(name, SHORT_TAGS, "!{}") or f" Known are !{', !'.join(SHORT_TAGS)}."
            yield Mistake(node.start_mark.line + 1, f"!{name} is not a function of CloudFormation.{guess}")
        if isinstance(node, yaml.MappingNode):
            yield from _key_mistakes(loader, node)


def _key_mistakes(loader: Any, node: yaml.MappingNode) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for key_node, _ in node.value:
        key, line = loader.construct_object(key_node, deep=True), key_node.start_mark.line + 1
        if not isinstance(key, str):
            yield Mistake(line, f"the key {key!r} is not text; put it in quotes")
        elif key in first:
            yield Mistake(line, f"{key} is repeated here, after line {first[key]}; keep one")
        else:
            first[key] = line


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):  # `!!map text`
        raise Complaint(None, None, "expected a mapping", node.start_mark)
    return {key.value: loader.construct_object(value, deep=True) for key, value in node.value}


def _short_tag(loader: Any, name: str, node: yaml.Node) -> dict[str, Any]:
    """`!Name value` in its long form, {"Fn::Name": value}."""
    value = _construct(loader, node)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in _WITHOUT_PREFIX else f"Fn::{name}": value}


def _construct(loader: Any, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)  # there is no fourth kind
    return loader.construct_scalar(node)


def _rules(loader: type[Any]) -> None:
    """Give a loader YAML 1.2's plain values, our mappings, and CloudFormation's short tags."""
    for name, pattern, first in (
        ("null", r"(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("bool", r"([tT]rue|[fF]alse|TRUE|FALSE)$", list("tTfF")),
        ("int", r"[-+]?(0|[1-9][0-9]*)$", list("-+0123456789")),
        ("float", r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?$", list("-+0123456789")),
    ):
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(pattern), first)
    loader.add_constructor("tag:yaml.org,2002:map", _mapping)
    loader.add_multi_constructor("!", _short_tag)


_LOADERS = yaml_reading.loaders_with(_rules)
