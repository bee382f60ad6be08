"""Writes YAML that every parser and every person reads alike: no anchors, no aliases, no short tags.

For the documents that `fab template` and `fab definition` print, and for the texts that `fab plan` compares: PyYAML would
write an alias wherever one object is used twice, and a comparison with what AWS returns would show it as a change.
"""

from __future__ import annotations

from typing import Any

import yaml


def plain_yaml(value: Any, width: int, allow_unicode: bool = False) -> str:
    """Return a document in which every value is written out wherever it is used; beyond ASCII only if it is allowed."""
    text: str = yaml.dump(
        value, Dumper=_PlainDumper, sort_keys=False, width=width, allow_unicode=allow_unicode
    )
    return text


class _PlainDumper(yaml.SafeDumper):  # type: ignore[misc, unused-ignore]  # with and without types-PyYAML
    """SafeDumper that writes a value out wherever it is used."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
