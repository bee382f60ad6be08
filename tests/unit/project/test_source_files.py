"""Files as they lie in a folder: what is a source, what is litter, what is named, and what cannot be read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from deployment.errors import FrontMatterError, StateMachineError
from deployment.project import front_matter, source_files, states_language
from deployment.project.source_files import LAMBDAS, MACHINES, Unreadable

LAMBDA = "# ---\n# Timeout: 3\n# ---\ndef handler(event, context): ...\n"
MACHINE = "StartAt: Begin\n"


@pytest.fixture
def lambdas(tmp_path: Path) -> Path:
    """A folder with one Lambda that is right."""
    folder = tmp_path / "lambda_functions"
    folder.mkdir()
    (folder / "work.py").write_text(LAMBDA)
    return folder


@pytest.fixture
def machines(tmp_path: Path) -> Path:
    """A folder with one state machine that is right."""
    folder = tmp_path / "state_machines"
    folder.mkdir()
    (folder / "sync.yaml").write_text(MACHINE)
    return folder


def of_lambdas(folder: Path) -> str:
    with pytest.raises(FrontMatterError) as caught:
        front_matter.read_all(folder)
    return str(caught.value)


def of_machines(folder: Path) -> str:
    with pytest.raises(StateMachineError) as caught:
        states_language.read_all(folder)
    return str(caught.value)


LITTER = [
    ".#work.py", ".work.py.swp", "work.py~", "#work.py#", "._work.py", "work.swp", ".DS_Store", "Thumbs.db",
    "THUMBS.DB", "desktop.ini", "Desktop.ini", "work.py.orig", "work.py.rej", "work.py.BAK", "work.pyc", ".hidden.py",
    ".git", "__MACOSX", "__pycache__", "Icon\r",
]  # fmt: skip


@pytest.mark.parametrize("name", LITTER)
def test_litter_is_neither_read_nor_named(lambdas, machines, name):
    for folder in (lambdas, machines):
        (folder / name).write_text("litter")
    assert [spec.name for spec in front_matter.read_all(lambdas)] == ["work"]
    assert [spec.name for spec in states_language.read_all(machines)] == ["sync"]
    assert source_files.list_folder(lambdas, LAMBDAS).others == []
    assert source_files.list_folder(machines, MACHINES).others == []


def test_the_dangling_link_of_an_editor_is_litter(lambdas, machines):
    (lambdas / ".#work.py").symlink_to("somebody@somewhere.12345:678")
    (machines / ".#sync.yaml").symlink_to("somebody@somewhere.12345:678")
    assert len(front_matter.read_all(lambdas)) == len(states_language.read_all(machines)) == 1


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening_socket(path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, socket.socket(socket.AF_UNIX) as listener:
        patch.chdir(path.parent)  # the address of a socket has 108 characters at most
        listener.bind(path.name)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(source_files.MAX_SOURCE_BYTES + 1)


MADE = {
    "link to nothing": (
        lambda path: path.symlink_to("nowhere"),
        "the link leads to nowhere, which is not there; fix it or remove it",
    ),
    "link to itself": (
        lambda path: path.symlink_to(path.name),
        "the link leads back to itself; fix it or remove it",
    ),
    "folder": (lambda path: path.mkdir(), "this is a folder: expected a file; rename it or move it away"),
    "pipe": (pipe, "this is a pipe, a socket or a device: expected a file; move it away"),
    "socket": (listening_socket, "this is a pipe, a socket or a device: expected a file; move it away"),
    "device": (
        lambda path: path.symlink_to(os.devnull),
        "this is a pipe, a socket or a device: expected a file; move it away",
    ),
    "huge": (huge, "the file has 10.0 MiB: expected 10.0 MiB at most"),
}


@pytest.mark.parametrize("kind", MADE)
def test_what_is_no_file_to_read_is_a_sentence(lambdas, machines, kind):
    make, message = MADE[kind]
    make(lambdas / "x.py")
    assert of_lambdas(lambdas) == f"lambda_functions/x.py: {message}"
    make(machines / "x.yaml")
    assert of_machines(machines) == f"state_machines/x.yaml: {message}"


def test_a_file_that_may_not_be_read_is_a_sentence(lambdas, machines, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).stem == "other")
    assert of_lambdas(lambdas) == "lambda_functions/work.py: this cannot be read: Permission denied"
    assert of_machines(machines) == "state_machines/sync.yaml: this cannot be read: Permission denied"


def test_a_file_that_cannot_be_read_after_all_is_a_sentence(lambdas, monkeypatch):
    def broken(_: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", broken)
    assert of_lambdas(lambdas) == "lambda_functions/work.py: this cannot be read: Input/output error"


def test_a_folder_that_may_not_be_listed_is_a_sentence(lambdas, monkeypatch):
    def refused(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    found = source_files.list_folder(lambdas, LAMBDAS).problems
    assert [str(problem) for problem in found] == [
        "lambda_functions/: this cannot be read: Permission denied"
    ]


def test_the_folder_may_be_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "link", "missing"):
        assert source_files.list_folder(tmp_path / name, LAMBDAS) == source_files.Listing([], [], [])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("copy_keys.PY", "only *.py files are read; rename it to copy_keys.py, or move it away"),
        ("copy_keys.pyw", "only *.py files are read; rename it to copy_keys.py, or move it away"),
        ("copy_keys.py.txt", "only *.py files are read; rename it to copy_keys.py, or move it away"),
        ("copy_keys.PY.TXT", "only *.py files are read; rename it to copy_keys.py, or move it away"),
        (
            "index.mjs",
            "only *.py files are read: a Lambda is written in Python here; move it away",
        ),
        ("sync.YAML", "only *.py files are read here; a state machine belongs in state_machines/"),
    ],
)
def test_what_looks_like_a_lambda_and_would_be_left_out_is_a_mistake(lambdas, name, message):
    (lambdas / name).write_text(LAMBDA)
    assert of_lambdas(lambdas) == f"lambda_functions/{name}: {message}"


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("other.YAML", "other.yaml"),
        ("other.yml", "other.yaml"),
        ("other.Yml", "other.yaml"),
        ("other.json", "other.yaml"),
        ("other.asl.json", "other.yaml"),
        ("other.yaml.txt", "other.yaml"),
    ],
)
def test_what_looks_like_a_state_machine_and_would_be_left_out_is_a_mistake(machines, name, new):
    (machines / name).write_text(MACHINE)
    assert of_machines(machines) == (
        f"state_machines/{name}: only *.yaml files are read; rename it to {new}, or move it away"
    )


def test_a_state_machine_in_json_is_read_once_it_is_renamed(machines):
    (machines / "other.yaml").write_text('{\n  "StartAt": "A\\u00e9\\/",\n  "States": {}\n}\n')
    assert states_language.read(machines / "other.yaml").definition == {"StartAt": "Aé/", "States": {}}


def test_other_files_are_left_alone_and_known(lambdas, machines):
    for folder in (lambdas, machines):
        for name in ("README.md", "event.csv", "_notes.txt"):
            (folder / name).write_text("x")
        (folder / "tests").mkdir()
    (lambdas / "_draft.PY").write_text("x")
    assert [path.name for path in source_files.list_folder(lambdas, LAMBDAS).others] == ["event.csv", "tests"]
    assert [path.name for path in source_files.list_folder(machines, MACHINES).others] == [
        "_notes.txt",
        "event.csv",
        "tests",
    ]


def test_names_that_differ_in_capitals_only_are_a_mistake(machines):
    (machines / "Sync.yaml").write_text(MACHINE)
    assert of_machines(machines) == (
        "state_machines/sync.yaml: differs from Sync.yaml in capitals only: one file on macOS and Windows; rename one"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "work.py:1: there is no front matter"),
        (b"\x00\x01\x02", "work.py:1: there is no front matter"),
        (LAMBDA.encode("utf-16"), "work.py:1: the byte 0xff is not UTF-8; save the file as UTF-8"),
        (LAMBDA.encode() + b"# \xe9\n", "work.py:5: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (
            LAMBDA.encode() + b"x = '\0'\n",
            "work.py: this is not Python: source code string cannot contain null",
        ),
    ],
)
def test_a_lambda_that_is_no_text_is_a_sentence(lambdas, content, message):
    (lambdas / "work.py").write_bytes(content)
    assert f"lambda_functions/{message}" in of_lambdas(lambdas)


@pytest.mark.parametrize("expression", ["-" * 20_000 + "1", "+".join(["1"] * 50_000)])
def test_an_expression_that_is_too_deep_for_python_is_a_sentence(lambdas, expression):
    (lambdas / "work.py").write_text(f"{LAMBDA}x = {expression}\n")
    assert of_lambdas(lambdas).startswith(
        "lambda_functions/work.py: this is not Python: an expression is nested too deep"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "sync.yaml:1: the file is empty"),
        (b"# only this\n", "sync.yaml:1: the file is empty"),
        (b"A: \0\n", "sync.yaml: this is not YAML: the character '\\x00' is not allowed"),
        (MACHINE.encode("utf-16"), "sync.yaml:1: the byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"A: x\nB: \xe9\n", "sync.yaml:2: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (b"A:\n\tB: x\n", "sync.yaml:2: this is not YAML: while scanning for the next token, "
         "found character '\\t' that cannot start any token; indent with spaces"),
    ],
)  # fmt: skip
def test_a_state_machine_that_is_no_yaml_is_a_sentence(machines, content, message):
    (machines / "sync.yaml").write_bytes(content)
    assert of_machines(machines) == f"state_machines/{message}"


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_make_no_difference(lambdas, machines, ends):
    function = front_matter.read(lambdas / "work.py")
    machine = states_language.read(machines / "sync.yaml")
    (lambdas / "work.py").write_bytes(LAMBDA.replace("\n", ends).encode())
    (machines / "sync.yaml").write_bytes(MACHINE.replace("\n", ends).encode())
    assert front_matter.read(lambdas / "work.py").properties == function.properties
    assert states_language.read(machines / "sync.yaml") == machine


def test_python_is_read_in_the_encoding_that_it_names():
    text = "# coding: latin-1\nx = 'é'\n"
    assert source_files.as_python(text.encode("latin-1")) == text
    assert source_files.as_python(b"\xef\xbb\xbfx = 1\n") == "x = 1\n"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"x = 1\ny = '\xe9'\nz = 2\n", 2, "the byte 0xe9 is not utf-8; save the file as UTF-8"),
        (b"# coding: klingon\n", 1, "this is not Python: unknown encoding: klingon"),
        (b"\xef\xbb\xbf# coding: latin-1\n", 1, "this is not Python: encoding problem: utf-8"),
    ],
)
def test_python_in_no_encoding_is_a_sentence(content, line, message):
    with pytest.raises(Unreadable) as caught:
        source_files.as_python(content)
    assert (caught.value.line, caught.value.message) == (line, message)
