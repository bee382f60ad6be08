"""How options are written in what is said about them: as JSON, or in other words by whoever asked in other words. Pure.

A sentence about `{"prefix": 7}` says `"prefix" is 7`; to somebody at a command line the same code says `--prefix is 7`.
"""

from __future__ import annotations

import json
import math
from typing import Any, Protocol

MAX_QUOTED_CHARACTERS = 80


class Spelling(Protocol):
    """The words of whoever asked."""

    @property
    def patterns(self) -> str:
        """What a list of patterns looks like, such as `["*.log", "tmp/*"]`."""

    @property
    def as_text(self) -> str:
        """What to add where digits must not be a number; "" where there is only text."""

    @property
    def example(self) -> str:
        """A whole request that is right, behind `Start again with, for example, `."""

    def name(self, option: str) -> str:
        """An option: `"prefix"`."""

    def pair(self, option: str, value: Any) -> str:
        """An option to be given with this value: `"prefix": "photos/"`."""

    def given(self, option: str, value: Any) -> str:
        """The beginning of a sentence about an option that was given: `"prefix" is 7`."""


class JsonSpelling:
    """Those of an execution's input."""

    patterns = '["*.log", "tmp/*"]'
    as_text = " as text"
    example = '{"source": "my-source-bucket", "destination": "my-destination-bucket"}'

    def name(self, option: str) -> str:
        return f'"{option}"'

    def pair(self, option: str, value: Any) -> str:
        return f'"{option}": {quote(value)}'

    def given(self, option: str, value: Any) -> str:
        return f'"{option}" is {quote(value)}'


JSON = JsonSpelling()


def quote(value: Any) -> str:
    """Return a value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= MAX_QUOTED_CHARACTERS else text[: MAX_QUOTED_CHARACTERS - 3] + "..."


def writable(value: Any, levels: int) -> Any:
    """Return a value as JSON can write it: NaN and infinite numbers as text, and "..." for what is nested deeper than so."""
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    if isinstance(value, list | dict) and not levels:
        return "..."
    if isinstance(value, dict):
        return {name: writable(part, levels - 1) for name, part in value.items()}
    return [writable(part, levels - 1) for part in value] if isinstance(value, list) else value


def has_half_a_character(text: str) -> bool:
    """Whether a text has a lone surrogate, which JSON can carry and UTF-8 cannot: https://www.rfc-editor.org/rfc/rfc8259#section-8.2"""
    return any("\ud800" <= char <= "\udfff" for char in text)
