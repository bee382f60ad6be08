"""The rooms of the house: who may import whom, that nothing goes in circles, and how large a room may get."""

from __future__ import annotations

import ast
import graphlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import PROJECT

BASE = "errors text"
EVERYWHERE = "run options option_rules plan_input spelling outcomes invocation work_items bucket_names filter_rules errors"
WORK = f"{EVERYWHERE} s3 work_bucket equality"
MAY_IMPORT = {
    "deployment": {
        "text": "",
        "errors": "",
        "packages": "errors",
        "streams": "",
        "key_order": "",
        "console": f"streams {BASE}",
        "syncs": BASE,
        "project": f"syncs {BASE}",
        "command_line": f"streams {BASE}",
        "page": BASE,
        "build": f"project syncs {BASE}",
        "aws": f"project {BASE}",
        "cloudformation": f"build aws project console {BASE}",
        "step_functions": f"key_order build aws project console {BASE}",
        "schedules": f"step_functions build aws project syncs console {BASE}",
        "checks": f"build project syncs console packages {BASE}",
        "plan": f"cloudformation step_functions schedules build aws project syncs console {BASE}",
        "tasks": (
            "command_line page plan checks cloudformation step_functions schedules key_order "
            f"build aws project syncs console {BASE}"
        ),
        "emulator": f"tasks cloudformation step_functions build aws project console packages {BASE}",
    },
    "lambda_functions/shared": {
        **dict.fromkeys(EVERYWHERE.split(), EVERYWHERE),
        "s3": EVERYWHERE,
        "work_bucket": f"{EVERYWHERE} s3",
        "equality": f"{EVERYWHERE} s3",
        "compare": WORK,
        "apply": WORK,
        "tally": f"{WORK} compare.waves apply.uploads",
    },
}
TASKS_TOGETHER = {
    *(("status", part) for part in ("versions", "status_words")),
    *(("policies", part) for part in ("policy_notes", "policy_text")),
    ("logs", "log_lines"),
    ("sync", "follow"),
    ("verify", "follow"),
    ("sync", "approve"),
    ("approve", "report_text"),
    ("follow", "report_text"),
    ("stop", "follow"),
    ("report", "report_text"),
    *((task, "failure_files") for task in ("report", "report_page")),
    *(("report_page", shared) for shared in ("plan_list", "output", "report_text")),
    ("failure_files", "output"),
    ("report", "report_page"),
    *((task, shared) for task in ("follow", "report") for shared in ("plan_list", "output")),
    *((task, shared) for task in ("sync", "verify") for shared in ("plan_list", "output")),
    ("plan_list", "output"),
    ("named_input", "sync_input"),
    ("policies", "named_input"),
    ("syncs_list", "last_runs"),
}
VERBS = {"compare", "apply", "tally"}


def modules(folder: str) -> list[Path]:
    return sorted(
        path.relative_to(PROJECT) for path in (PROJECT / folder).rglob("*.py") if path.stem != "__init__"
    )


def imports(path: Path) -> Iterator[Path]:
    """Yield the files of ours that a file imports, inside of functions too."""
    for node in ast.walk(ast.parse((PROJECT / path).read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        base = getattr(node, "module", None)
        for name in [f"{base}.{name}" for name in names] + [base] if base else names:
            file = Path(*name.split(".")).with_suffix(".py")
            if (PROJECT / file).is_file():
                yield file


def wing(path: Path, house: str) -> str:
    """The room of a file, or the file itself where it stands in none."""
    return path.relative_to(house).with_suffix("").parts[0]


def is_allowed(path: Path, imported: Path, house: str) -> bool:
    here, there = wing(path, house), wing(imported, house)
    if here == there == "tasks":
        return (path.stem, imported.stem) in TASKS_TOGETHER
    allowed = MAY_IMPORT[house][here].split()
    return here == there or there in allowed or f"{there}.{imported.stem}" in allowed


@pytest.mark.parametrize("house", MAY_IMPORT)
def test_nobody_imports_what_is_not_below(house):
    found = [(path, one) for path in modules(house) for one in imports(path) if one.is_relative_to(house)]
    assert [f"{path} imports {one}" for path, one in found if not is_allowed(path, one, house)] == []
    assert {wing(path, house) for path in modules(house)} <= set(MAY_IMPORT[house])


def test_deployment_and_lambdas_meet_in_the_options_of_a_sync_only():
    across = {
        (path.parts[0], str(one))
        for path in modules("deployment")
        for one in imports(path)
        if one.parts[0] != "deployment"
    }
    of_a_sync = ("options", "option_rules")
    assert across <= {("deployment", f"lambda_functions/shared/{module}.py") for module in of_a_sync}
    assert [
        path
        for path in modules("lambda_functions")
        for one in imports(path)
        if one.parts[0] != "lambda_functions"
    ] == []


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "lambda_functions").glob("*.py")), ids=lambda path: path.stem
)
def test_a_handler_does_one_thing(path):
    used = {wing(one, "lambda_functions/shared") for one in imports(path.relative_to(PROJECT))}
    assert len(used & VERBS) == 1 or (path.stem, used & VERBS) == ("list_ranges", {"compare", "tally"})


def test_no_module_imports_itself_by_way_of_others():
    every = [*modules("deployment"), *modules("lambda_functions")]
    list(graphlib.TopologicalSorter({path: set(imports(path)) for path in every}).static_order())


def test_fab_delete_does_not_wait_for_the_modules_of_the_plan():
    needed, waiting = set(), {Path("deployment/tasks/stack/delete.py")}
    while waiting:
        path = waiting.pop()
        needed.add(path)
        waiting |= set(imports(path)) - needed
    assert [path for path in needed if path.is_relative_to("deployment/plan")] == []


def test_a_room_has_at_most_14_modules_a_module_300_lines_and_a_function_40():
    every = [*modules("deployment"), *modules("lambda_functions")]
    assert {
        room: number for room, number in Counter(path.parent for path in every).items() if number > 14
    } == {}
    for path in every:
        text = (PROJECT / path).read_text(encoding="utf-8")
        assert text.count("\n") <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                docstring = (ast.get_docstring(node, clean=False) or "").count("\n")
                assert (node.end_lineno or 0) - node.lineno - docstring < 40, f"{path}: {node.name}"
