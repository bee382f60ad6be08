"""Elements of a page: whatever is put into one is escaped, unless it is an element itself.

So a key, or a message of AWS, can be nothing but text there. Characters that a browser would obey or hide, such as those that
turn the direction of writing, are written as escape sequences, as in the terminal.
"""

from __future__ import annotations

import html

from deployment.text import one_line

# Of HTML only: those of SVG are closed, or all that follows would be inside of them.
_EMPTY_ELEMENTS = frozenset({"meta", "link"})


class Html(str):
    """Text that is markup already; only `element` and `join` make it, and what this project has written itself."""


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Return an element with these children; None and "" are left out, of children and of attributes.

    A blank in an attribute's name is `_`, and one that is a word of Python has another behind it: `class_`.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for name, value in attributes.items()
        if value is not None and value != ""
    )
    start = f"<{tag}{written}>"
    return Html(start if tag in _EMPTY_ELEMENTS else f"{start}{join(*children)}</{tag}>")


def join(*parts: object) -> Html:
    """Return the parts one behind the other, what is no markup escaped."""
    return Html("".join(escaped(part) for part in parts if part is not None))


def escaped(value: object) -> str:
    """Return a value as it may stand in an element and in an attribute's quotation marks."""
    return value if isinstance(value, Html) else html.escape(one_line(str(value)), quote=True)


def isolated(text: object) -> Html:
    """Return a key or another name from outside, which does not turn the writing around it whatever its alphabet."""
    return element("bdi", text)
