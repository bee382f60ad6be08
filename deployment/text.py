"""How texts, numbers and moments are written for a person: what a terminal would obey, amounts, sizes, durations, guesses.

Pure. Used by `console` for everything that it writes, and by whoever makes sentences of numbers or looks for a name.
"""

from __future__ import annotations

import difflib
import functools
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

CONTEXT_LINES = 2
"""Around each difference of two texts."""


# Letters and marks that Unicode asks to draw as nothing, besides those of the category Cf: a joiner of graphemes, fillers of
# Hangul, vowels of Khmer, selectors of variants. Two keys that differ by one of them look the same.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_DRAWN_AS_NOTHING = frozenset(
    (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164, *range(0xFE00, 0xFE10), 0xFFA0)
) | frozenset(range(0xE0000, 0xE1000))


# Nearly all text is, and a million keys are looked at in a moment.
_PLAIN = re.compile(r"[\n\t -~]*")


def visible(text: str) -> str:
    """The text with every character that a terminal would obey, hide or refuse written as an escape sequence."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(char if char in "\n\t" or _is_shown(char) else _escape(char) for char in text)


def one_line(text: str) -> str:
    """As `visible`, and line ends and tabs too: for keys, which may hold them."""
    return visible(text.replace("\n", "\\n").replace("\t", "\\t"))


def has_half_a_character(text: str) -> bool:
    """Whether a text has a lone surrogate, which no encoding can write."""
    return any("\ud800" <= char <= "\udfff" for char in text)


def folded(text: str, width: int) -> str:
    """The text with its long lines broken at blanks, as indented as they begin; no word is cut.

    What stands between backticks is to be copied, so it stays on one line however long it is.
    """
    return "\n".join(_fold_line(line, width) for line in text.split("\n"))


def listed(names: Sequence[str], most: int) -> str:
    """The first names, and how many there are more: `a, b and 3 more`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def quantity(number: int, thing: str) -> str:
    """`1 zip`, `12,345 zips`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def objects(number: int) -> str:
    """`1 object`, `12,345 objects`."""
    return quantity(number, "object")


def nearest_name(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most like this one, None where none is; `cutoff` is how like, 0 to 1."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)


def did_you_mean(name: str, known: Iterable[str], written: str = "{}", cutoff: float = 0.6) -> str:
    """Return ` Did you mean this?`, to stand behind a sentence; "" where no known name is like it.

    `written` is how a name is written: `${{{}}}`, say.
    """
    nearest = nearest_name(name, known, cutoff)
    return f" Did you mean {written.format(nearest)}?" if nearest else ""


def size(size_bytes: float) -> str:
    """`999 bytes`, `1.5 KiB`, `20.0 GiB`."""
    if size_bytes < 1024:
        return "1 byte" if size_bytes == 1 else f"{size_bytes:.0f} bytes"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size_bytes /= 1024
        if size_bytes < 1023.95:
            return f"{size_bytes:.1f} {unit}"
    return f"{size_bytes / 1024:,.1f} PiB"


def dollars(usd: float | None) -> str:
    """Return an amount of money with as many digits as matter: `$0.0004`, `$12.30`."""
    if usd is None:
        return "unknown"
    if usd >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if usd >= 0.0001 or not usd else "less than $0.0001"


def duration(seconds: float) -> str:
    """`4.2 s`, `45 s`, `3 min 20 s`, `2 h 05 min`, `30 days` from two days on; no tenths of a second in an int."""
    if seconds < 9.95 and not isinstance(seconds, int):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    hours = f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return hours if whole < 2 * 86_400 else f"{whole / 86_400:.1f} days".replace(".0 ", " ")


def stopwatch(seconds: float) -> str:
    """`00:21`, `12:05`, `1:00:00`: of one width while it runs."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def short_repr(value: object, longest: int = 300) -> str:
    """A value as Python writes it, cut where it is long; its type where it cannot be written, as a number of 4,301 digits."""
    try:
        whole = repr(value)
    except Exception:  # a person's own class may raise anything
        return f"a value of type {type(value).__name__}"
    return whole if len(whole) <= longest else f"{whole[:longest]}…"


def _fold_line(line: str, width: int) -> str:
    body = line.lstrip(" ")
    indent = line[: len(line) - len(body)]
    kept = re.sub("`[^`]*`", lambda quoted: quoted[0].replace(" ", "\0"), body)
    folds = textwrap.wrap(
        kept,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(folds).replace("\0", " ") if len(line) > width else line


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def utc(moment: datetime) -> str:
    """Return a moment as people read it: `2026-11-22 14:30:00`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def iso(moment: datetime) -> str:
    """Return a moment for a JSON document: `2026-11-22T14:30:00Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def unified_diff(before: str, after: str, old_name: str, new_name: str) -> str:
    """Return a unified diff of two texts, "" where they are equal."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), old_name, new_name, n=CONTEXT_LINES, lineterm=""
    )
    return "\n".join(lines)


@functools.lru_cache(4096)
def _is_shown(char: str) -> bool:
    # Cc: control characters; Cf: among others those that turn the direction of writing; Cs: half characters, which
    # no encoding can write; Zl, Zp: line ends that editors obey and terminals do not.
    return (
        unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and ord(char) not in _DRAWN_AS_NOTHING
    )
