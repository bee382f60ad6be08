"""The grammar of JSONPath and of intrinsic functions, as Step Functions takes them.

Pure. Only what cannot be read is refused, in the spirit of https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html:
a filter's expression is not looked into, and a key may be written as the interpreter reads it, `$.detail-type` included.
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from deployment.text import did_you_mean, quantity

# The number of arguments of each intrinsic function, least and most; None is any number.
INTRINSICS: dict[str, tuple[int, int | None]] = {
    "States.Array": (0, None),
    "States.ArrayContains": (2, 2),
    "States.ArrayGetItem": (2, 2),
    "States.ArrayLength": (1, 1),
    "States.ArrayPartition": (2, 2),
    "States.ArrayRange": (3, 3),
    "States.ArrayUnique": (1, 1),
    "States.Base64Decode": (1, 1),
    "States.Base64Encode": (1, 1),
    "States.Format": (1, None),
    "States.Hash": (2, 2),
    "States.JsonMerge": (3, 3),
    "States.JsonToString": (1, 1),
    "States.MathAdd": (2, 2),
    "States.MathRandom": (2, 3),
    "States.StringSplit": (2, 2),
    "States.StringToJson": (1, 1),
    "States.UUID": (0, 0),
}
MAX_NESTED_INTRINSICS = 10
_HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512")

# The input ($), the context object ($$) or a variable ($name); then keys, and what stands in brackets.
_START = re.compile(r"\$(\$|[A-Za-z_]\w*)?")
_KEY = re.compile(r"\.{1,2}(\*(?![^\s.\[])|[^\s.\[\]()'\"*][^\s.\[\]()'\"]*(\(\s*\))?)")
_KEY_IN_CALL = re.compile(r"\.{1,2}(\*|[^\s.\[\]()'\",*][^\s.\[\]()'\",]*(\(\s*\))?)")
_RECURSIVE_INDEX = re.compile(r"\.\.(?=\[)")

_CALL = re.compile(r"\s*([A-Za-z_][\w.]*)\s*\(")
_PLAIN_ARGUMENT = re.compile(r"\s*(-?\d+(\.\d+)?([eE][-+]?\d+)?|true|false|null)(?=\s*[,)])")


class _Unreadable(Exception):
    """What is wrong with an intrinsic function."""


def is_path(text: str) -> bool:
    """Whether a text is a path into the input, the context object or a variable."""
    return _path_end(text, 0, _KEY) == len(text)


def is_reference_path(text: str) -> bool:
    """Whether it is one that names a single place: without `*`, `..`, `?`, `:`, `,`, `@` and functions."""
    return is_path(text) and not re.search(r"\.\.|[*?@]|\(\)|\[[^'\"\]]*[:,]", text)


def is_writable_path(text: str) -> bool:
    """Whether a result can be put there: a reference path into the state's input."""
    return is_reference_path(text) and re.match(r"\$($|[.\[])", text) is not None


def intrinsic_mistake(text: str) -> str | None:
    """Return what is wrong with an intrinsic function, None if nothing is."""
    try:
        end = _call(text, 0, 1)
    except _Unreadable as error:
        return str(error)
    rest = text[end:].strip()
    return f"{rest!r} stands behind its end" if rest else None


def value_mistake(text: object) -> str | None:
    """Return what is wrong with the value of a field whose name ends with `.$`: a path or an intrinsic function."""
    if not isinstance(text, str):
        return "expected a path such as $.key, or an intrinsic function, as text"
    if text.startswith("$"):
        return None if is_path(text) else "this is not a JSONPath"
    if _CALL.match(text):
        return intrinsic_mistake(text)
    return "expected a path such as $.key, or an intrinsic function such as States.Format('{}', $.key)"


def _path_end(text: str, at: int, key: re.Pattern[str]) -> int:
    """The position behind the path that begins at a position; -1 where there is none. `key` is what a dot may lead to."""
    start = _START.match(text, at)
    if not start:
        return -1
    at = start.end()
    while at < len(text):
        step = key.match(text, at) or _RECURSIVE_INDEX.match(text, at)
        end = step.end() if step else _bracket_end(text, at)
        if end < 0:
            return at if text[at] in ",) \t\n" else -1
        at = end
    return at


def _bracket_end(text: str, at: int) -> int:
    """The position behind the brackets that begin at a position; -1 where none do, or where they are empty or open."""
    if text[at] != "[" or text[at : at + 2] == "[]":
        return -1
    depth, quote = 0, ""
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"" or (char == "/" and text[:at].rstrip().endswith("=~")):
            quote = char
        else:
            depth += (char in "[(") - (char in "])")
            if depth == 0:
                return at + 1
        at += 1
    return -1


def _call(text: str, at: int, depth: int) -> int:
    """Read one call and return the position behind it; raise _Unreadable."""
    match = _CALL.match(text, at)
    if not match:
        raise _Unreadable(f"{text[at:].strip()!r} is not an intrinsic function")
    name = match[1]
    if name not in INTRINSICS:
        raise _Unreadable(
            f"there is no intrinsic function {name}.{did_you_mean(name, INTRINSICS)}".rstrip(".")
        )
    if depth > MAX_NESTED_INTRINSICS:
        raise _Unreadable(f"more than {MAX_NESTED_INTRINSICS} intrinsic functions are nested")
    arguments, at = _arguments(text, match.end(), name, depth)
    for sentence in _argument_mistakes(name, arguments):
        raise _Unreadable(sentence)
    return at


def _arguments(text: str, at: int, name: str, depth: int) -> tuple[list[str], int]:
    """The arguments of a call as they are written, and the position behind its closing parenthesis."""
    found: list[str] = []
    at = _skip_spaces(text, at)
    if text[at : at + 1] == ")":
        return found, at + 1
    while True:
        end = _argument_end(text, at, name, depth)
        found.append(text[at:end].strip())
        at = _skip_spaces(text, end)
        mark = text[at : at + 1]
        if mark == ")":
            return found, at + 1
        if mark != ",":
            raise _Unreadable(f"{name} is not closed: expected , or ) after {found[-1]}")
        at = _skip_spaces(text, at + 1)


def _argument_end(text: str, at: int, name: str, depth: int) -> int:
    if text[at : at + 1] == "'":
        return _string_end(text, at, name)
    if text[at : at + 1] == "$":
        end = _path_end(text, at, _KEY_IN_CALL)
        if end < 0:
            raise _Unreadable(f"{name} has an argument that is not a JSONPath: {text[at:]}")
        return end
    plain = _PLAIN_ARGUMENT.match(text, at)
    if plain:
        return plain.end()
    if _CALL.match(text, at):
        return _call(text, at, depth + 1)
    raise _Unreadable(f"{name} has an argument that cannot be read: {text[at:] or 'nothing'}")


def _string_end(text: str, at: int, name: str) -> int:
    """The position behind a text in single quotes, in which a backslash stands before ' { } and itself only."""
    start = at
    at += 1
    while at < len(text):
        if text[at] == "\\":
            if text[at + 1 : at + 2] not in ("'", "{", "}", "\\"):
                raise _Unreadable(
                    f"{name} has the escape {text[at : at + 2]}: a backslash may stand before ' {{ }} and \\ only"
                )
            at += 1
        elif text[at] == "'":
            return at + 1
        at += 1
    raise _Unreadable(f"{name} has a text that is not closed: {text[start:]}")


def _argument_mistakes(name: str, arguments: list[str]) -> Iterator[str]:
    least, most = INTRINSICS[name]
    if len(arguments) < least or (most is not None and len(arguments) > most):
        wanted = (
            f"{least}" if least == most else f"at least {least}" if most is None else f"{least} or {most}"
        )
        yield f"{name} has {quantity(len(arguments), 'argument')}: expected {wanted}"
    elif name == "States.Format" and arguments[0].startswith("'"):
        places = len(re.findall(r"\{\}", re.sub(r"\\.", "", arguments[0])))
        if places != len(arguments) - 1:
            given = quantity(len(arguments) - 1, "value")
            yield f"States.Format has {given} for {quantity(places, 'place')} {{}} in its text"
    elif name == "States.Hash" and arguments[1].startswith("'") and arguments[1][1:-1] not in _HASHES:
        yield f"States.Hash has the algorithm {arguments[1]}: expected one of {', '.join(_HASHES)}"
    elif name == "States.JsonMerge" and arguments[2] == "true":
        yield "States.JsonMerge has true as its third argument: AWS merges the top level only, expected false"


def _skip_spaces(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at
