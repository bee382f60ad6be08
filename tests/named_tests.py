"""What a page of the documentation names between backticks, and whether a test of that name exists."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

from places import PROJECT


def quoted(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def is_a_test(name: str) -> bool:
    """Whether there is a test `path::function`, `path::Class::function`, or one of them with its parameters in brackets."""
    file, _, test = name.partition("::")
    path = PROJECT / file
    return path.is_file() and re.sub(r"\[.*\]$", "", test) in _names_of_tests(path)


@functools.cache
def _names_of_tests(path: Path) -> set[str]:
    """Return the names of the test functions of a file, those in classes as `Class::test`."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return {name for name in names if name.rpartition("::")[2].startswith("test_")}
