"""From a FunctionSpec to the zip that Lambda runs, the same bytes wherever it is made.

The third step of the pipeline. A zip holds the function's own file and all of `shared/`, under the paths
that they have in the project, so that `from lambda_functions.shared import ...` works on AWS, in tests and
in an editor alike. Its key is its content: whoever has the sources can tell what runs, and what is there
already need not be sent again.

Nothing is compressed, as zlib's output differs between its builds, and the sources are a few kB.
"""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deployment.project.front_matter import FunctionSpec

SHARED = "shared"

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
    """Return the zips of all functions, in their order; what functions share is read once."""
    folders = {spec.path.parent for spec in specs}
    shared = {folder: _contents(files_in(folder / SHARED), project) for folder in folders}
    return tuple(_bundle(spec, _contents([spec.path], project) | shared[spec.path.parent]) for spec in specs)


def _bundle(spec: FunctionSpec, files: Mapping[str, bytes]) -> Bundle:
    content = zip_files(files)
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Bundle(spec.name, f"{spec.name}-{digest}.zip", content)


def _contents(paths: Iterable[Path], project: Path) -> dict[str, bytes]:
    """Return path in the zip -> content."""
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in paths}


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
    """All files below `folder`, without what Python, editors and file managers leave behind.

    Links are followed, as Python follows them when it imports; one that leads back to where it stands ends there.
    """
    return _files(folder, frozenset(folder.resolve().parents))


def _files(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    place = folder.resolve()
    if place in above or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        is_litter = (
            path.name.startswith(".") or path.name.endswith((".pyc", "~")) or path.name == "__pycache__"
        )
        if path.is_dir() and not is_litter:
            yield from _files(path, above | {place})
        elif path.is_file() and not is_litter:
            yield path
