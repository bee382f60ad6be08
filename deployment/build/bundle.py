"""From a FunctionSpec to the zip that Lambda runs, the same bytes wherever it is made.

The third step of the pipeline. A zip holds the function's own file and all of `shared/`, under the paths
that they have in the project, so that `from lambda_functions.shared import ...` works on AWS, in tests and
in an editor alike. Its key is its content: whoever has the sources can tell what runs, and what is there
already need not be sent again.

A checkout with CRLF gives the zips of one with LF: line ends are made those of Unix where they mean nothing.

Nothing is compressed, as zlib's output differs between its builds, and the sources are a few kB.
"""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from deployment.errors import FrontMatterError, Problem
from deployment.project import source_files
from deployment.project.front_matter import FunctionSpec
from deployment.text import size

SHARED = "shared"

MAX_CODE_BYTES = 250 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

MAX_FILES = 5_000
"""Ours: of one folder and all below; a link that leads into somebody's home shall not be followed to its end."""

# Languages in which CRLF and LF mean the same, in texts of several lines too; data such as .csv stays as it is.
_ANY_LINE_ENDS = (".py", ".json", ".yaml", ".yml")

# The earliest date that a zip can hold.
_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = stat.S_IFREG | 0o644
_UNIX = 3


@dataclass(frozen=True)
class Bundle:
    """The zip of one function; `key` is its name in the deployment bucket."""

    function_name: str
    key: str
    content: bytes = field(repr=False)


def make_all(specs: Sequence[FunctionSpec], project: Path) -> tuple[Bundle, ...]:
    """Return the zips of all functions, in their order; what functions share is read once.

    Raises FrontMatterError with all that is wrong with the shared files.
    """
    folders = {spec.path.parent for spec in specs}
    found = [problem for folder in sorted(folders) for problem in problems(folder)]
    if found:
        raise FrontMatterError(found)
    shared = {folder: _contents(files_in(folder / SHARED), project) for folder in folders}
    return tuple(_bundle(spec, _contents([spec.path], project) | shared[spec.path.parent]) for spec in specs)


def _bundle(spec: FunctionSpec, files: Mapping[str, bytes]) -> Bundle:
    content = zip_files(files)
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Bundle(spec.name, f"{spec.name}-{digest}.zip", content)


def _contents(paths: Iterable[Path], project: Path) -> dict[str, bytes]:
    """Return path in the zip -> content."""
    return {path.relative_to(project).as_posix(): _as_deployed(path) for path in paths}


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of `files` (path in the zip -> content) that depends on nothing else."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(_entry(name), files[name])
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_STORED
    entry.create_system = _UNIX
    entry.external_attr = _MODE << 16
    return entry


def files_in(folder: Path) -> Iterator[Path]:
    """All files below `folder` that can be read, without what Python, editors and file managers leave behind.

    Links are followed, as Python follows them when it imports; one that leads back to where it stands ends there.
    """
    yield from (path for path, problem in _files_below(folder) if problem is None)


def problems(folder: Path) -> Iterator[Problem]:
    """Yield what cannot be put into a zip, or would be of no use there, of what the functions of `folder` share."""
    total_bytes = 0
    for path, problem in _files_below(folder / SHARED):
        where = path.relative_to(folder.parent).as_posix()
        if problem is None:
            total_bytes += path.stat().st_size
        if problem is None and path.suffix != ".py" and path.suffix.lower() == ".py":
            problem = f"Python imports *.py files only; rename it to {path.stem}.py"
        if problem:
            yield Problem(where, None, problem)
    if total_bytes > MAX_CODE_BYTES:
        text = f"this comes to {size(total_bytes)}: expected {size(MAX_CODE_BYTES)} at most, as Lambda takes no more"
        yield Problem(f"{folder.name}/{SHARED}/", None, text)


def _files_below(folder: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield every file below a folder, and what is wrong with it; nothing of it is read."""
    if not source_files.is_folder(folder):
        return
    files = _files(folder, frozenset(folder.resolve().parents))
    yield from islice(files, MAX_FILES)
    if next(files, None):
        yield folder, f"there are more than {MAX_FILES:,} files here: does a link lead out of the project?"


def _files(folder: Path, above: frozenset[Path]) -> Iterator[tuple[Path, str | None]]:
    place = folder.resolve()
    if place in above:
        return
    try:
        paths = sorted(path for path in folder.iterdir() if not source_files.is_litter(path.name))
    except OSError as error:
        yield folder, f"this cannot be read: {error.strerror}"
        return
    doubles = dict(source_files.same_names(paths))
    for path in paths:
        if source_files.is_folder(path):
            yield from _files(path, above | {place})
        else:
            yield path, doubles.get(path) or source_files.problem_with(path, MAX_CODE_BYTES)


def _as_deployed(path: Path) -> bytes:
    """What a file has in the zip: the line ends of Unix where they make no difference, so that a checkout makes none."""
    content = path.read_bytes()
    return content.replace(b"\r\n", b"\n") if path.suffix in _ANY_LINE_ENDS else content
