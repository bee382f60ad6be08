"""Reads YAML quickly, with the same messages everywhere, and knows the line of each key and list item by its place.

A place is the way to a value, such as ("States", "Begin", "Retry", 0). `front_matter`, `definitions` and the checks
say where a finding is by its place; here it becomes the line that a person goes to.

PyYAML has two parsers of the same language: libyaml's, several times as fast, and its own. They word and place what they
complain about differently, so a text is read by the fast one, where it is installed, and once more by the other when there
is anything to complain about.

What a text may come to is limited before anything is made of it: a few lines of aliases of aliases stand for billions of
values, and a few thousand brackets are deeper than Python's stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import yaml

from deployment.project import yaml_limits
from deployment.project.yaml_limits import Complaint

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


def line_of(place: Place, lines: Lines) -> int | None:
    """Return the line of a place, or of what it stands in, None when not even that is known."""
    known = (lines.get(place[:length]) for length in range(len(place), 0, -1))
    return next((line for line in known if line is not None), None)


def plain_loaders() -> Loaders:
    """Return both loaders as PyYAML has them, which is enough for nodes; the fast one only where it is installed."""
    found = (getattr(yaml, "CSafeLoader", None), yaml.SafeLoader)
    return tuple(loader for loader in found if loader)


def loaders_with(rules: Callable[[type[Any]], None]) -> Loaders:
    """Return both loaders without YAML 1.1's implicit types; `rules` adds types and constructors to a loader class."""
    types = {"yaml_implicit_resolvers": {}, "yaml_constructors": yaml_limits.constructors()}
    loaders = tuple(
        type("Loader", (base,), {name: dict(of) for name, of in types.items()}) for base in plain_loaders()
    )
    for loader in loaders:
        rules(loader)
    return loaders


def read_yaml(
    text: str, loaders: Loaders, work: Callable[[Any], Result], complaints: type[Exception] = yaml.YAMLError
) -> Result:
    """Return what `work` makes of a loader of this text; raise what it raises.

    `complaints` are what `work` raises besides YAMLError about a text that is wrong.
    """
    yaml_limits.check(text, loaders)
    *fast, exact = loaders
    for loader in fast:
        try:
            return work(loader(text))
        except (yaml.YAMLError, UnicodeError, complaints):
            break
    return work(exact(text))


def sentence(error: yaml.YAMLError, text: str) -> str:
    """Return what a person is told of an error in a YAML text, which `text` says in the parser's words."""
    if isinstance(error, Complaint):
        return text
    return f"this is not YAML: {text}; indent with spaces" if "'\\t'" in text else f"this is not YAML: {text}"


def nodes(top: yaml.Node, above: tuple[yaml.Node, ...] = ()) -> Iterator[yaml.Node]:
    """Yield a node and all under it, keys too; one that contains an alias of itself once."""
    if any(top is ancestor for ancestor in above):
        return
    yield top
    if isinstance(top, yaml.CollectionNode):
        pairs = top.value if isinstance(top, yaml.MappingNode) else [(item,) for item in top.value]
        for child in (node for pair in pairs for node in pair):
            yield from nodes(child, (*above, top))


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
