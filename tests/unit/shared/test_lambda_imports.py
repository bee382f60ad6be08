"""Who may import whom in lambda_functions/: each folder is used by those above it only, and nothing imports in a circle."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

from places import PROJECT

LAMBDAS = PROJECT / "lambda_functions"
BASE = {"root", "s3", "work_bucket", "equality"}
MAY_IMPORT = {
    "root": {"root"},
    "s3": {"root", "s3"},
    "work_bucket": BASE - {"equality"},
    "equality": {"root", "s3"},
    "compare": {*BASE, "compare"},
    "apply": {*BASE, "apply"},
    "tally": {*BASE, "tally", "waves", "uploads"},
    "handler": {*BASE, "compare", "apply", "tally", "waves", "uploads"},
}


def imports(path: Path) -> set[Path]:
    """Return our own files that a file imports, inside functions too."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [
        f"{node.module}.{name.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    ]
    names += [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    ours = [name.split(".") for name in names if name.startswith("lambda_functions.")]
    files = [
        PROJECT.joinpath(*parts[:end]).with_suffix(".py")
        for parts in ours
        for end in (len(parts), len(parts) - 1)
    ]
    return {file for file in files if file.is_file()}


def room(path: Path) -> str:
    """Return the folder of a file under shared/; single files that others may use as well stand for themselves."""
    if path.stem in ("equality", "waves", "uploads"):
        return path.stem
    return {"lambda_functions": "handler", "shared": "root"}.get(path.parent.name, path.parent.name)


IMPORTS = {path: imports(path) for path in sorted(LAMBDAS.rglob("*.py"))}


def test_nobody_imports_upwards_or_sideways() -> None:
    of_single = {"waves": "compare", "uploads": "apply"}
    found = [
        f"{path.relative_to(LAMBDAS)} imports {other.relative_to(LAMBDAS)}"
        for path, others in IMPORTS.items()
        for other in others
        if not {room(other), of_single.get(room(other))} & MAY_IMPORT[of_single.get(room(path), room(path))]
    ]
    assert found == []


def test_a_handler_serves_one_phase_and_is_imported_by_nobody() -> None:
    for path, others in IMPORTS.items():
        rooms = {room(other) for other in others}
        assert "handler" not in rooms
        assert room(path) != "handler" or len(rooms & {"compare", "apply", "tally"}) <= 1, path


def test_nothing_imports_in_a_circle() -> None:
    TopologicalSorter(IMPORTS).prepare()
