"""Where everything stands in a YAML text: the line of each key and list item, by its place.

A place is the way to a value, such as ("States", "Begin", "Retry", 0). `front_matter`, `definitions` and the checks
say where a finding is by its place; here it becomes the line that a person goes to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

Place = tuple[str | int, ...]
Lines = Mapping[Place, int]


def places(node: yaml.Node | None) -> dict[Place, int]:
    """Return the line of every key and list item under a node, counting from 1; an alias stands where it is used."""
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


def _places(node: yaml.Node, place: Place, above: tuple[yaml.Node, ...]) -> Iterator[tuple[Place, int]]:
    if any(node is one for one in above):  # an anchor that contains an alias of itself
        return
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
