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

from deployment.front_matter import FunctionSpec

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


def make(spec: FunctionSpec, project: Path) -> Bundle:
    """Return the zip of one function, its paths relative to `project`."""
    return make_all([spec], project)[0]


def make_all(specs: Sequence[FunctionSpec], project: Path) -> tuple[Bundle, ...]:
    """Return the zips of all functions, in their order; what functions share is read once."""
    folders = {spec.path.parent for spec in specs}
    shared = {folder: _contents(_files(folder / SHARED), project) for folder in folders}
    return tuple(_bundle(spec, _contents([spec.path], project) | shared[spec.path.parent]) for spec in specs)


def _bundle(spec: FunctionSpec, files: Mapping[str, bytes]) -> Bundle:
    content = zipped(files)
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Bundle(spec.name, f"{spec.name}-{digest}.zip", content)


def _contents(paths: Iterable[Path], project: Path) -> dict[str, bytes]:
    """Return path in the zip -> content."""
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in paths}


def zipped(files: Mapping[str, bytes]) -> bytes:
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


def _files(folder: Path) -> Iterator[Path]:
    """All files below `folder`, without what Python, editors and file managers leave behind."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        is_litter = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not is_litter and not path.name.endswith((".pyc", "~")):
            yield path
