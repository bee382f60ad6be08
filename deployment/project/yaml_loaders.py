"""PyYAML's two parsers behind one door: libyaml's, several times as fast, and PyYAML's own for whatever is wrong.

Both read the same language, but word and place what they complain about differently. So a text is read by the fast one,
where it is installed, and once more by the other when there is anything to complain about: messages are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import yaml

Result = TypeVar("Result")

Loaders = tuple[type[Any], ...]
"""The loaders to try, the last of which tells what is wrong."""


def with_rules(rules: Callable[[type[Any]], None]) -> Loaders:
    """Return both loaders without YAML 1.1's implicit types; `rules` adds types and constructors to a loader class."""
    found = (getattr(yaml, "CSafeLoader", None), yaml.SafeLoader)
    loaders = tuple(type("Loader", (base,), {"yaml_implicit_resolvers": {}}) for base in found if base)
    for loader in loaders:
        rules(loader)
    return loaders


def read(
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
