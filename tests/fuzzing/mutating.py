"""Changes to what is right, a few at a time: JSON by its structure, text by its lines, words and characters, bytes one by one."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Sequence
from typing import Any

# What programs stumble over: ends of lines that are none, what looks like nothing, both sides of the surrogates, halves of
# characters, what a terminal, a shell, HTML, XML, YAML, JSON or a spreadsheet obeys, digits of other scripts.
NASTY = [
    *("", " ", "\n", "\r\n", "\r", "\t", "\0", "\x01", "\x1b[2J", "\x1b]8;;x\x07", "\x7f", "\x85", "\x9b31m"),
    *("\u2028", "\u2029", "\u202e", "\u200d", "\ufeff", "\ufffd", "\ufffe", "\uffff", "\ud7ff", "\ue000"),
    *(
        "\ud800",
        "\udfff",
        "\udcff",
        "\U00010000",
        "\U0010ffff",
        "é",
        "e\u0301",
        "İ",
        "ſ",
        "ǆ",
        "３",
        "٣",
        "一",
    ),
    *(
        "<",
        ">",
        "&",
        "'",
        '"',
        "`",
        "$(x)",
        "${x}",
        "{",
        "}",
        "[",
        "]",
        "%",
        "%0A",
        "%00",
        "\\",
        "\\u0000",
        "/",
        "//",
    ),
    *(
        "../",
        "..",
        ".",
        "*",
        "?",
        "**",
        "[a",
        "[!",
        "=1+1",
        "+1",
        "-1",
        "@a",
        "#",
        "# ---",
        "---",
        "...",
        ":",
        ": ",
        ",",
    ),
    *(
        "!Ref x",
        "!!python/name:os.system",
        "&a",
        "*a",
        "<<: *a",
        "|",
        ">",
        "null",
        "~",
        "true",
        "NaN",
        "Infinity",
    ),
    *(
        "</script>",
        "<!--",
        "-->",
        "]]>",
        "javascript:x",
        "[red]",
        "[/]",
        "{0}",
        "{x.y}",
        "%s",
        "%(x)s",
        "a" * 1100,
    ),
    *("0", "00", "-0", "1e400", "1_000", "0x1f", "9" * 20, "9" * 400, "2026-02-30", "12:60", "{}", "[]"),
]
ODD_VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 2**31, 2**53 + 1, 2**63, -(2**63), 10**30, 0.0, -0.0, 0.5, 1e-7, 1e300),
    *(
        float("nan"),
        float("inf"),
        float("-inf"),
        "",
        "a",
        "0",
        "true",
        [],
        {},
        [[]],
        [{}],
        {"": None},
        [None],
    ),
    *(["a"], {"a": 1}, [0], ["", ""]),
]
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


def text_of(chance: random.Random, most: int = 6, alphabet: Sequence[str] = NASTY) -> str:
    """Return a text of up to so many pieces."""
    return "".join(chance.choice(alphabet) for _ in range(chance.randint(0, most)))


def value_of(chance: random.Random, depth: int = 2) -> Any:
    """Return any value of JSON, and now and then what only Python's JSON knows."""
    kind = chance.randrange(6)
    if kind == 0:
        return text_of(chance)
    if depth and kind == 1:
        return [value_of(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    if depth and kind == 2:
        return {text_of(chance, 2): value_of(chance, depth - 1) for _ in range(chance.randint(0, 3))}
    if kind == 3 and chance.random() < 0.02:
        return deep(chance.choice([20, 100, 300]), chance.choice([list, dict]))
    return copy.deepcopy(chance.choice(ODD_VALUES))


def deep(levels: int, kind: type) -> Any:
    """Return a list in a list in a list, or objects."""
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    return value


def changed_json(chance: random.Random, sample: Any, changes: int, names: Sequence[str] = ()) -> Any:
    """Return a sample with so many changes at any places; `names` are those that an object may get besides its own."""
    value = copy.deepcopy(sample)
    for _ in range(changes):
        value = _changed_once(chance, value, names)
    return value


def _changed_once(chance: random.Random, value: Any, names: Sequence[str]) -> Any:
    is_container = isinstance(value, dict | list) and len(value) > 0
    if not is_container or chance.random() < 0.03:
        return _other_value(chance, value)
    place = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    if isinstance(value[place], dict | list) and chance.random() < 0.7:
        value[place] = _changed_once(chance, value[place], names)
        return value
    kind = chance.randrange(8)
    if kind == 0:
        del value[place]
    elif kind == 1 and isinstance(value, dict):
        value[chance.choice([*names, f"{place} ", str(place).lower(), text_of(chance, 2)])] = value.pop(place)
    elif kind == 2 and isinstance(value, dict):
        value[chance.choice([*names, text_of(chance, 2)])] = value_of(chance)
    elif kind == 3 and isinstance(value, list):
        value.insert(place, copy.deepcopy(chance.choice(value)))
    elif kind == 4:
        value[place] = copy.deepcopy(value[chance.choice(list(value))] if isinstance(value, dict) else value)
    else:
        value[place] = _other_value(chance, value[place])
    return value


def _other_value(chance: random.Random, value: Any) -> Any:
    kind = chance.randrange(4)
    if isinstance(value, str) and kind:
        return changed_text(chance, value, 1)
    if isinstance(value, int | float) and not isinstance(value, bool) and kind:
        return chance.choice(
            [value + 1, value - 1, -value, value * 10, value * 10**12, str(value), float(value)]
        )
    if isinstance(value, bool) and kind == 1:
        return not value
    return chance.choice([[value], {"a": value}]) if kind == 2 else value_of(chance)


def changed_text(chance: random.Random, text: str, changes: int, pieces: Sequence[str] = NASTY) -> str:
    """Return a text with so many changes; `pieces` are what is put in."""
    for _ in range(changes):
        parts = chance.choice([_lines, _words, list])(text)
        text = "".join(_changed_parts(chance, parts, [chance.choice(pieces)]))
    return text


def changed_bytes(chance: random.Random, body: bytes, changes: int) -> bytes:
    """Return bytes of which so many places are others, or cut."""
    for _ in range(changes):
        start = chance.randint(0, len(body))
        put_in = bytes(chance.choices(range(256), k=chance.randint(0, 3)))
        body = body[:start] + put_in + body[start + chance.choice([0, 1, 1, 2, 50, len(body)]) :]
    return body


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _words(text: str) -> list[str]:
    return _WORDS.findall(text)


def _changed_parts(chance: random.Random, parts: list[str], put_in: list[str]) -> list[str]:
    """Return parts of which some are left out, repeated, exchanged, moved, or others put in their place."""
    first, second = sorted(chance.choices(range(len(parts) + 1), k=2))
    short = min(second, first + chance.randint(1, 3))
    return chance.choice(
        [
            [*parts[:first], *parts[short:]],
            [*parts[:first], *put_in, *parts[first:]],
            [*parts[:first], *put_in, *parts[first + 1 :]],
            [*parts[:first], *put_in, *parts[first + 1 :]],
            [*parts[:second], *parts[first:short], *parts[second:]],
            [*parts[:first], *parts[short:second], *parts[first:short], *parts[second:]],
            [*parts[:first], *parts[second:]]
            if chance.random() < 0.2
            else [*parts[:first], *parts[first + 1 :]],
        ]
    )
