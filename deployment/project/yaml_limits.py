"""How much a YAML text may come to, and which values it may hold; `yaml_reading` asks before anything is made of a text.

An alias costs a few bytes and stands for all that its anchor names, so aliases of aliases grow without bound; a bracket
costs one, and everything that walks a document goes one call deeper for it. Both are counted in the parser's events, where
neither has happened yet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

MAX_NODES = 100_000
"""Ours: keys and values, each alias as all that it stands for. A definition of 1 MB, AWS's limit, has no more than that.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""

MAX_DEPTH = 100
"""Ours: mappings and lists inside one another; those of the largest state machines known are 30 deep."""

_TAG = "tag:yaml.org,2002:"
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")


class Complaint(yaml.MarkedYAMLError):  # type: ignore[misc, unused-ignore]  # with and without types-PyYAML
    """Something that YAML allows and we do not; `problem` is the whole sentence."""


@dataclass
class _Open:
    """A mapping or list that has begun: its anchor, the nodes in it so far, and how deep they are."""

    anchor: str | None
    nodes: int = 1
    depth: int = 0


def check(text: str, loaders: tuple[type[Any], ...]) -> None:
    """Raise Complaint where a text comes to too much; a text that is not YAML is left to whoever reads it."""
    for loader in loaders:
        try:
            return _count(_events(loader, text))
        except Complaint:
            raise
        except (yaml.YAMLError, UnicodeError):
            continue
    return None


def constructors() -> dict[str | None, Callable[[Any, Any], Any]]:
    """Return what makes values of nodes: those that JSON has, each refused where text and tag do not fit."""
    return {
        f"{_TAG}null": SafeConstructor.construct_yaml_null,
        f"{_TAG}bool": _bool,
        f"{_TAG}int": _number(SafeConstructor.construct_yaml_int),
        f"{_TAG}float": _number(SafeConstructor.construct_yaml_float),
        f"{_TAG}str": SafeConstructor.construct_yaml_str,
        f"{_TAG}seq": SafeConstructor.construct_yaml_seq,
        f"{_TAG}map": SafeConstructor.construct_yaml_map,
        None: _refuse_tag,
    }


def _events(loader: type[Any], text: str) -> Iterator[Any]:
    reading = loader(text)
    try:
        while reading.check_event():
            yield reading.get_event()
    except UnicodeError:
        raise
    except ValueError as error:  # "\U00110000": Python's parser asks chr() for it
        raise Complaint(
            None, None, "an escape sequence here stands for no character", reading.get_mark()
        ) from error
    finally:
        reading.dispose()


def _count(events: Iterator[Any]) -> None:
    known: dict[str | None, _Open] = {}
    stack = [_Open(None)]
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append(_Open(event.anchor))
            _require_depth(len(stack) - 1, event)
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = stack.pop()
            known[ended.anchor] = ended
            _add(stack[-1], ended, event)
        elif isinstance(event, yaml.AliasEvent):
            meant = known.get(event.anchor, _Open(None))  # an alias inside its own anchor is refused later
            _require_depth(len(stack) - 1 + meant.depth, event)
            _add(stack[-1], meant, event)
        elif isinstance(event, yaml.ScalarEvent):
            _require_characters(event)
            known[event.anchor] = one = _Open(event.anchor)
            _add(stack[-1], one, event)


def _add(parent: _Open, child: _Open, event: Any) -> None:
    parent.nodes += child.nodes
    parent.depth = max(parent.depth, child.depth + 1)
    if parent.nodes > MAX_NODES:
        text = (
            f"with its aliases this stands for more than {MAX_NODES:,} values; use fewer aliases of aliases"
        )
        raise Complaint(None, None, text, event.start_mark)


def _require_depth(depth: int, event: Any) -> None:
    if depth > MAX_DEPTH:
        text = f"this is nested more than {MAX_DEPTH} levels deep"
        raise Complaint(None, None, text, event.start_mark)


def _require_characters(event: Any) -> None:
    half = _HALF_CHARACTER.search(event.value)
    if half:
        text = (
            f"\\u{ord(half[0]):04x} is half of a character; write the character itself, or \\U and 8 digits"
        )
        raise Complaint(None, None, text, event.start_mark)


def _refuse_tag(_: Any, node: yaml.Node) -> Any:
    tag = node.tag.replace(_TAG, "!!")
    raise Complaint(None, None, f"the tag {tag} is not known here; leave it out", node.start_mark)


def _bool(loader: Any, node: yaml.Node) -> Any:
    try:
        return SafeConstructor.construct_yaml_bool(loader, node)
    except KeyError as error:
        raise Complaint(None, None, f"{_shown(node)} is neither true nor false", node.start_mark) from error


def _number(construct: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return `construct` for numbers that JSON's readers know: no infinity, nothing beyond the range of a double."""

    def constructed(loader: Any, node: yaml.Node) -> Any:
        text = loader.construct_scalar(node)
        try:
            if math.isfinite(float(text)):
                return construct(loader, node)
        except ValueError as error:
            raise Complaint(None, None, f"{_shown(node)} is not a number", node.start_mark) from error
        raise Complaint(
            None, None, f"the number {_shown(node)} is too large; put it in quotes", node.start_mark
        )

    return constructed


def _shown(node: yaml.Node) -> str:
    text = str(node.value)
    return text if len(text) <= 40 else f"{text[:20]}… ({len(text):,} characters)"
