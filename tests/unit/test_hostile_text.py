"""What strangers write (keys, inputs of executions, messages of services) never commands the terminal of whoever runs `fab`."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit

import fabfile
from deployment.checks import check
from deployment.console import Console
from deployment.emulator import demo, emulator
from deployment.errors import ExecutionFailed, FrontMatterError, Problem, StackError
from deployment.text import one_line, visible

TASKS = Collection.from_module(fabfile)

COMMANDS = {
    "clears the screen": "\x1b[2J",
    "sets the title": "\x1b]0;owned\x07",
    "writes the clipboard": "\x1b]52;c;cm0gLXJm\x1b\\",
    "is a link to elsewhere": "\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "does so in one character": "\x9b2J\x9d0;owned\x9c",
    "goes back to the beginning of the line": "really 9,999 deletes\rno delete",
    "takes the last character back": "yes\b\b\bno ",
    "rings": "\a",
    "deletes": "\x7f",
    "is a null": "\0",
}
CONTROLS = {f"U+{number:04X}": chr(number) for number in (*range(0x20), *range(0x7F, 0xA0))}
DIRECTIONS = {
    f"U+{number:04X}": chr(number)
    for number in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
UNSEEN = {
    f"U+{number:04X}": chr(number)
    for number in (
        *(0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200C, 0x200D, 0x2028, 0x2029),
        *(0x2060, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0xE0001, 0xE0041, 0xE0100, 0xDFFF, 0xD800),
    )
}
HOSTILE = COMMANDS | CONTROLS | DIRECTIONS | UNSEEN
ALL = "".join(HOSTILE.values())
MAY_STAND = "\n\t"


def obeyed(text: str) -> list[str]:
    """The characters of a text that a terminal would obey or hide; ends of lines may stand, everything else is written."""
    return [
        f"U+{ord(char):04X}"
        for char in text
        if char not in MAY_STAND
        and (char in ALL_UNSEEN or (unicodedata.category(char)[0] in "CZ" and char != " "))
    ]


ALL_UNSEEN = frozenset("".join([*CONTROLS.values(), *DIRECTIONS.values(), *UNSEEN.values()]))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_that_a_terminal_obeys_or_hides_is_left(text: str) -> None:
    assert obeyed(visible(f"a{text}b")) == []
    shown = one_line(f"a{text}b")
    assert (obeyed(shown), "\n" in shown, "\t" in shown) == ([], False, False)
    assert len(shown) > len(f"a{text}b")


@pytest.mark.parametrize(
    "text", ["Grüße", "日本語", "مرحبا", "שלום", "e\u0301", "😀", "한국어", "ไทย", "a b", "£€"]
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert (visible(text), one_line(text)) == (text, text)


ERRORS: dict[str, Callable[[str], Exception]] = {
    "a mistake in a file": lambda text: FrontMatterError([Problem(text, 1, text)]),
    "a stack that failed": StackError,
    "an execution that failed": ExecutionFailed,
    "a refusal of AWS": lambda text: ClientError({"Error": {"Code": text, "Message": text}}, "PutObject"),
    "an endpoint": lambda text: EndpointConnectionError(endpoint_url=text),
}
SIDES = {"source": "from", "destination": "into"}
REQUIRED = {"sync": SIDES, "verify": SIDES}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("name", TASKS.task_names)
def test_no_error_of_any_task_sends_commands_to_the_terminal(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise ERRORS[kind](ALL)

    for place, function in (
        (fabfile.configuration, "load"),
        (fabfile.configuration, "load_or_defaults"),
        (emulator, "serve"),
        (demo, "run"),
        (check, "project"),
    ):
        monkeypatch.setattr(place, function, fail)

    with pytest.raises(Exit) as caught:
        TASKS[name].body(Context(), **REQUIRED.get(name, {}))

    assert obeyed(str(caught.value.message)) == []
    assert "\\x1b[2J" in str(caught.value.message)


def test_no_way_through_the_console_sends_commands_to_the_terminal() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err, io.StringIO(), environ={})

    console.step(ALL)
    console.warning(ALL)
    console.result(ALL)
    console.result(ALL, "red")
    console.table(ALL, [ALL], [[ALL]])
    console.diff(f"+{ALL}")
    console.ask(ALL)
    with console.progress(ALL) as progress:
        progress.update(ALL, ALL)

    assert obeyed(out.getvalue() + err.getvalue()) == []


def test_a_json_document_stays_one_that_can_be_read() -> None:
    out = io.StringIO()
    Console(out, io.StringIO(), io.StringIO(), environ={}).result(json.dumps({"key": ALL}))

    assert json.loads(out.getvalue()) == {"key": ALL}
