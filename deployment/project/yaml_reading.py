"""Reads YAML quickly, with the same messages everywhere, and knows the line of each key and list item by its place.

A place is the way to a value, such as ("States", "Begin", "Retry", 0). `front_matter`, `definitions` and the checks
say where a finding is by its place; here it becomes the line that a person goes to.

PyYAML has two parsers of the same language: libyaml's, several times as fast, and its own. They word and place what they
complain about differently, so a text is read by the fast one, where it is installed, and once more by the other when there
is anything to complain about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

Place = tuple[str | int, ...]
Lines = Mapping[Place, int]

Result = TypeVar("Result")


Loaders = tuple[type[Any], ...]
"""The loaders to try, the last of which tells what is wrong."""


def places(node: yaml.Node | None) -> dict[Place, int]:
    """Return the line of every key and list item under a node, counting from 1.

    An alias stands where it is used, and what a merge key `<<` brings where it is written, in the anchor's own lines.
    """
    return dict(_places(node, (), ())) if node else {}


def places_in(path: Path) -> dict[Place, int]:
    """Return the lines of a YAML file, none when it cannot be read: who asks has a finding to report, not this one."""
    try:
        return places(yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}


def line_of(place: Place, lines: Lines) -> int | None:
    """Return the line of a place, or of what it stands in, None when not even that is known."""
    known = (lines.get(place[:length]) for length in range(len(place), 0, -1))
    return next((line for line in known if line is not None), None)


def loaders_with(rules: Callable[[type[Any]], None]) -> Loaders:
    """Return both loaders without YAML 1.1's implicit types; `rules` adds types and constructors to a loader class."""
    found = (getattr(yaml, "CSafeLoader", None), yaml.SafeLoader)
    loaders = tuple(type("Loader", (base,), {"yaml_implicit_resolvers": {}}) for base in found if base)
    for loader in loaders:
        rules(loader)
    return loaders


def read_yaml(
    text: str, loaders: Loaders, work: Callable[[Any], Result], complaints: type[Exception] = yaml.YAMLError
) -> Result:
    """Return what `work` makes of a loader of this text; raise what it raises.

    `complaints` are what `work` raises besides YAMLError about a text that is wrong.
    """
    *fast, exact = loaders
    for loader in fast:
        try:
            return work(loader(text))
        except (yaml.YAMLError, UnicodeError, complaints):
            break
    return work(exact(text))


def _places(node: yaml.Node, place: Place, above: tuple[yaml.Node, ...]) -> Iterator[tuple[Place, int]]:
    if any(node is ancestor for ancestor in above):  # an anchor that contains an alias of itself
        return
    for merged in _merged(node):  # first, because a key that is written wins
        yield from _places(merged, place, (*above, node))
    if isinstance(node, yaml.MappingNode):
        children = [(key.value, key.start_mark, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(index, item.start_mark, item) for index, item in enumerate(node.value)]
    else:
        return
    for name, mark, child in children:
        if isinstance(name, str | int):  # a key may be a list, which no place has
            yield (*place, name), mark.line + 1
            yield from _places(child, (*place, name), (*above, node))


def _merged(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield what the merge keys of a mapping bring; of a list, the first comes last, because it wins."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value == "<<":
            yield from reversed(value.value) if isinstance(value, yaml.SequenceNode) else (value,)
