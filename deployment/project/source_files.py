"""Files as they lie in a folder: which are sources, which are litter, which cannot be read, and which look as if forgotten.

`front_matter`, `states_language` and `bundle` ask here before they read, so that a pipe is never waited for and a link that
leads nowhere is a sentence. A file that is meant for a deployment but would be left out, such as `copy_keys.PY`, is a
mistake; one that just lies there is left alone, and `fab check` says so.
"""

from __future__ import annotations

import errno
import fnmatch
import io
import os
import re
import stat
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployment.errors import Problem
from deployment.text import size

LITTER = (
    ".*", "__pycache__", "*.pyc", "*.pyo",  # hidden files, .git, .DS_Store, ._x.py, .#x.py, .x.py.swp; Python's own
    "*~", "#*#", "*.swp", "*.swo", "*.bak", "*.orig", "*.rej",  # of editors and of merges
    "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "__macosx", "icon\r",  # of file managers
)  # fmt: skip
"""What Python, editors, git and file managers leave behind, in small letters: never read, never put into a zip."""

_LITTER = re.compile("|".join(map(fnmatch.translate, LITTER)))

DOCUMENTS = (".md", ".rst")
"""Nobody expects that these are deployed, so they are not mentioned."""

MAX_SOURCE_BYTES = 10 * 1024 * 1024
"""Ours: no person writes more into one file. A definition has at most 1 MB, a function's code 250 MB."""


class Unreadable(Exception):
    """A file that cannot be read; `message` says why and what to do, `line` is None where it is the whole file."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Kind:
    """The sources of a folder: their suffix, whether `_x` is left out, and what is said of suffixes that look like sources."""

    suffix: str
    but_underscored: bool
    lookalikes: Mapping[str, str]


_OTHER_LANGUAGES = (
    ".js", ".mjs", ".cjs", ".ts", ".mts", ".rb", ".java", ".kt", ".go", ".rs", ".cs", ".sh", ".ipynb",
)  # fmt: skip
_MACHINE = "only *.py files are read here; a state machine belongs in state_machines/"

LAMBDAS = Kind(
    ".py",
    True,
    {".pyw": "", ".py3": "", ".yaml": _MACHINE, ".yml": _MACHINE}
    | dict.fromkeys(
        _OTHER_LANGUAGES, "only *.py files are read: a Lambda is written in Python here; move it away"
    ),
)
MACHINES = Kind(
    ".yaml",
    False,
    {".yml": "", ".json": "", ".asl": "", ".jsonc": ""}
    | {".py": "only *.yaml files are read here; a Lambda belongs in lambda_functions/"},
)


@dataclass(frozen=True)
class Listing:
    """What lies directly in a folder: the sources, sorted by name; mistakes; and what is left alone."""

    sources: Sequence[Path]
    problems: Sequence[Problem]
    others: Sequence[Path]


def where(path: Path) -> str:
    """Return a file as messages name it: `lambda_functions/copy_keys.py`."""
    return f"{path.parent.name}/{path.name}"


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is nothing of the project's."""
    return _LITTER.match(name.lower()) is not None


def list_folder(folder: Path, kind: Kind) -> Listing:
    """Return what lies in a folder; nothing where there is no folder."""
    paths, problems = _paths_in(folder)
    if kind.but_underscored:
        paths = [path for path in paths if not path.name.startswith("_")]
    sources = [path for path in paths if path.suffix == kind.suffix]
    rest = [path for path in paths if path.suffix != kind.suffix]
    advice = {path: _lookalike(path, kind) for path in rest}
    problems += [Problem(where(path), None, text) for path, text in advice.items() if text]
    problems += [Problem(where(path), None, text) for path, text in same_names(sources)]
    others = [path for path in rest if not advice[path] and path.suffix.lower() not in DOCUMENTS]
    return Listing(sources, problems, others)


def same_names(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each path of one folder that another is the same as where capitals make no difference, with what is wrong."""
    seen: dict[str, Path] = {}
    for path in paths:
        first = seen.setdefault(path.name.casefold(), path)
        if first is not path:
            yield (
                path,
                f"differs from {first.name} in capitals only: one file on macOS and Windows; rename one",
            )


def is_folder(path: Path) -> bool:
    """Whether this is a folder, or a link to one; never an error, whatever the links and permissions."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def problem_with(path: Path, most_bytes: int = MAX_SOURCE_BYTES) -> str | None:
    """Return why a file should not be opened, None where it can be; nothing is read."""
    try:
        found = path.stat()
    except OSError as error:
        return _reason(path, error)
    if stat.S_ISDIR(found.st_mode):
        return "this is a folder: expected a file; rename it or move it away"
    if not stat.S_ISREG(found.st_mode):
        return "this is a pipe, a socket or a device: expected a file; move it away"
    if found.st_size > most_bytes:
        return f"the file has {size(found.st_size)}: expected {size(most_bytes)} at most"
    return None if os.access(path, os.R_OK) else f"this cannot be read: {os.strerror(errno.EACCES)}"


def read_bytes(path: Path, most_bytes: int = MAX_SOURCE_BYTES) -> bytes:
    """Return what is in a file; raise Unreadable."""
    problem = problem_with(path, most_bytes)
    if problem:
        raise Unreadable(problem)
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(_reason(path, error)) from error


def as_utf_8(content: bytes) -> str:
    """Return the text of a file; raise Unreadable with the line of the first byte that is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"the byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise Unreadable(message, line) from error


def text_of(path: Path) -> str:
    """Return the text of a YAML file, without a BOM and with LF; raise Unreadable."""
    return as_utf_8(read_bytes(path)).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def as_python(content: bytes) -> str:
    """Return the text of a Python source as Python reads it, with a BOM or in the encoding of its cookie; raise Unreadable."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except SyntaxError as error:
        raise Unreadable(f"this is not Python: {error.msg}", 1) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"the byte 0x{content[error.start]:02x} is not {error.encoding}; save the file as UTF-8"
        raise Unreadable(message, line) from error


def _paths_in(folder: Path) -> tuple[list[Path], list[Problem]]:
    try:
        return sorted(path for path in folder.iterdir() if not is_litter(path.name)), []
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    except OSError as error:
        return [], [Problem(f"{folder.name}/", None, _reason(folder, error))]


def _lookalike(path: Path, kind: Kind) -> str:
    """What is wrong with a file that looks like a source and would be left out; "" where it does not look like one."""
    if is_folder(path):
        return ""
    stem, suffix = path.stem, path.suffix.lower()
    if suffix == ".txt" and Path(stem).suffix.lower() == kind.suffix:  # what Windows' Notepad adds
        stem, suffix = Path(stem).stem, kind.suffix
    if suffix != kind.suffix and suffix not in kind.lookalikes:
        return ""
    stem = stem.removesuffix(".asl")
    rename = f"only *{kind.suffix} files are read; rename it to {stem}{kind.suffix}, or move it away"
    return kind.lookalikes.get(suffix) or rename


def _reason(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT and path.is_symlink():
        return f"the link leads to {path.readlink()}, which is not there; fix it or remove it"
    if error.errno == errno.ELOOP:
        return "the link leads back to itself; fix it or remove it"
    return f"this cannot be read: {error.strerror or error}"
