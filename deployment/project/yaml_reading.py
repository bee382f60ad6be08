"""Reads YAML quickly, with the same messages everywhere, and knows the line of each key and list item by its place.

A place is the way to a value, such as ("States", "Begin", "Retry", 0). `front_matter`, `definitions` and the checks
say where a finding is by its place; here it becomes the line that a person goes to.

PyYAML has two parsers of the same language: libyaml's, several times as fast, and its own. They word and place what they
complain about differently, so a text is read by the fast one, where it is installed, and once more by the other when there
is anything to complain about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

Place = tuple[str | int, ...]
Lines = Mapping[Place, int]

Result = TypeVar("Result")

# `machine_properties` knows them; here they tell a front matter in comments from any other comment.
_OF_A_MACHINE = re.compile(r"# (DefinitionSubstitutions|Policies|Tags):")


Loaders = tuple[type[Any], ...]
"""The loaders to try, the last of which tells what is wrong."""


def places(node: yaml.Node | None) -> dict[Place, int]:
    """Return the line of every key and list item under a node, counting from 1; an alias stands where it is used."""
    return dict(_places(node, (), ())) if node else {}


def places_in(path: Path) -> dict[Place, int]:
    """Return the lines of a YAML file and of its front matter.

    None when it cannot be read: who asks has a finding to report, not this one.
    """
    try:
        block, document = split_front_matter(path.read_text(encoding="utf-8-sig"))
        nodes = [yaml.compose(text, Loader=yaml.SafeLoader) for text in (block or "", document)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return places(nodes[0]) | places(nodes[1])


def split_front_matter(text: str) -> tuple[str | None, str]:
    """Return the block between two lines `---` on top of a YAML file, None without one, and the document below it.

    Both begin with empty lines, so that what they hold keeps its line. Only comments may stand above the block; a file with a
    single `---` is one document, and so is one with nothing below the second. The block may also be written as a Lambda has it,
    in comments between two lines `# ---` at the very top, if it has one of the properties of a machine.
    """
    lines = text.split("\n")
    if lines[0].rstrip() == "# ---":
        return _commented_block(lines), text
    marks = [number for number, line in enumerate(lines) if line.rstrip() == "---"]
    if len(marks) < 2 or _has_content(lines[: marks[0]]) or not _has_content(lines[marks[1] + 1 :]):
        return None, text
    first, second = marks[:2]
    block = [""] * (first + 1) + lines[first + 1 : second]
    return "\n".join(block), "\n".join([""] * (second + 1) + lines[second + 1 :])


def _commented_block(lines: list[str]) -> str | None:
    """The block of a Lambda's form, without its `# `; None where it is an ordinary comment."""
    stripped = [line.rstrip() for line in lines]
    end = stripped.index("# ---", 1) if "# ---" in stripped[1:] else 0
    block = lines[1:end]
    if not all(line.startswith("#") for line in block) or not any(map(_OF_A_MACHINE.match, block)):
        return None
    return "\n".join(["", *(line[2:] for line in block)])


def _has_content(lines: list[str]) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


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
