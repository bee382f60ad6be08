"""Who may import whom in `deployment/`, imports inside of functions too: nobody imports upwards, and nothing in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from places import PROJECT

BASIC = {"errors", "text"}
ON_AWS = BASIC | {"build", "aws", "project", "console"}
TASKS = ON_AWS | {"checks", "cloudformation", "step_functions", "plan"}
MAY_IMPORT = {
    "text": set(),
    "errors": {"text"},
    "console": BASIC,
    "project": BASIC,
    "build": BASIC | {"project"},
    "aws": BASIC | {"project"},
    "cloudformation": ON_AWS,
    "step_functions": ON_AWS,
    "checks": ON_AWS - {"aws"},
    "plan": ON_AWS | {"cloudformation", "step_functions"},
    "tasks": TASKS,
    "emulator": TASKS | {"tasks"},
}
TASKS_THAT_SHARE = {("status", "versions"), ("logs", "log_lines")}
MOST_MODULES = 14
FILES = [path for path in (PROJECT / "deployment").rglob("*.py") if path.name != "__init__.py"]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts)


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of ours that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("deployment"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else str(node.module)


MODULES = {name_of(path) for path in FILES}
IMPORTS = {name_of(path): set(imported(path)) for path in FILES}


def is_allowed(importer: str, target: str) -> bool:
    here, there = importer.split(".")[1], target.split(".")[1]
    if here == there == "tasks":
        return (importer.split(".")[-1], target.split(".")[-1]) in TASKS_THAT_SHARE
    return here == there or there in MAY_IMPORT[here]


def test_every_wing_imports_only_from_those_below_it() -> None:
    assert [(a, b) for a in IMPORTS for b in IMPORTS[a] if not is_allowed(a, b)] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert len([*TopologicalSorter(IMPORTS).static_order()]) == len(MODULES)


def test_no_folder_has_more_modules_than_can_be_seen_at_once() -> None:
    folders = [path.parent for path in FILES]
    assert {folder.name for folder in folders if folders.count(folder) > MOST_MODULES} == set()


def test_what_is_deleted_is_not_planned_first() -> None:
    """`fab delete` must not wait for the plan's modules."""
    seen, waiting = set(), {"deployment.tasks.stack.delete"}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting |= IMPORTS.get(name, set()) - seen
    assert [name for name in seen if name.startswith("deployment.plan")] == []
