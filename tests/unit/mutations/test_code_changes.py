"""The changes that are tried: each is of its kind, can be read, is another program, and is made and taken back as a whole."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
import yaml
from mutations.changes import Change, null_change
from mutations.other_changes import machine_changes, policy_changes
from mutations.python_changes import python_changes
from mutations.targets import DANGEROUS, MACHINE, NEAREST, changes_of, files_of, nearest_tests
from places import PROJECT

main = importlib.import_module("mutations.__main__")


def lines(source: str) -> list[str]:
    """Return what each change makes of a module of one line."""
    found = python_changes("a.py", source.encode())
    return [change.apply(source.encode()).decode() for change in found]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b", ["(a <= b)"]),
        ("a is None", ["(a is not None)"]),
        ("a and b and c", ["(b and c)", "(a and c)", "(a and b)", "(a or b or c)"]),
        ("x = not a", ["x = (a)"]),
        ("x = 1", ["x = (2)", "x = (0)"]),
        ("x = True", ["x = False"]),
        ("x: int = 3", ["x: int = (4)", "x: int = (2)"]),
        ("raise a", ["pass"]),
        ("call(b, c=d, **e)", ["pass", "(call(b, **e))", "(call(b, c=d))"]),
        ("x = a if b else c", ["x = (a)", "x = (c)", "x = a if (not (b)) else c"]),
        ("x = ('A', 'B')", ["x = ('B',)", "x = ('A',)"]),
        ("x = {'é': a, 'b': c}", ["x = {'b': c}", "x = {'é': a}"]),
        ("é = 'ü' + a", ["é = ('ü' - a)"]),
        ("x = f'{a + 1}'", []),
        ("x = 'words'", []),
        ("@dataclass(frozen=True)\nclass A: pass", []),
    ],
)
def test_every_kind_of_change_to_a_line(before: str, after: list[str]) -> None:
    assert sorted(lines(before)) == sorted(after)


def test_changes_inside_of_statements() -> None:
    source = "for a in b:\n    try:\n        continue\n    except (A, B):\n        return c\n"

    changed = [
        text.split("\n") for text in lines(f"def f():\n    {source.replace(chr(10), chr(10) + '    ')}")
    ]

    assert [[line.strip() for line in text if line.strip() in WANTED] for text in changed] == [
        [wanted] for wanted in WANTED
    ]


WANTED = ["break", "except (B,):", "except (A,):", "return None"]

DEFINITION = b"""
A:
  Retry: [{MaxAttempts: 3}]
  Choices: [{Variable: $.a, NumericGreaterThan: 9, Next: B}]
B:
  Shared: &shared {Catch: [{Next: A}]}
C: *shared
"""


def test_a_machine_loses_its_nets_and_compares_with_something_else() -> None:
    found = [
        (change.kind, change.line, yaml.safe_load(change.apply(DEFINITION)))
        for change in machine_changes(MACHINE, DEFINITION)
    ]

    assert [(kind, line) for kind, line, _ in found] == [
        ("field dropped", 3),
        ("field dropped", 3),
        ("value", 4),
        ("value", 4),
        ("field dropped", 6),
    ]
    assert [after["A"].get("Retry") for _, _, after in found][:2] == [None, [{}]]
    assert [after["A"]["Choices"][0]["NumericGreaterThan"] for _, _, after in found][2:4] == [10, 8]


def test_a_function_loses_its_permissions_one_by_one() -> None:
    source = (
        b"# ---\n#   Statement:\n#       - Sid: A\n#         Action: [ a:B, c:D ]\n"
        b"#       - Sid: E\n#         Action: f:G\n# ---\n"
    )

    left = [change.apply(source).decode() for change in policy_changes("a.py", source)]

    assert [[word for word in ("a:B", "c:D", "f:G") if word in text] for text in left] == [
        ["f:G"],
        ["a:B", "c:D"],
        ["c:D", "f:G"],
        ["a:B", "f:G"],
    ]


@pytest.mark.parametrize("path", [*DANGEROUS, MACHINE, "lambda_functions/copy_keys.py"])
def test_a_change_of_nothing_leaves_the_same_program(path: str) -> None:
    source = (PROJECT / path).read_bytes()
    after = null_change(path, source).apply(source)

    assert after != source
    if path == MACHINE:
        assert after.decode().startswith(source.decode())
    else:
        assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(source))


def test_every_file_of_the_core_has_tests_that_are_there() -> None:
    paths = files_of(PROJECT, "even")

    assert set(DANGEROUS) <= set(paths) and MACHINE in paths
    assert files_of(PROJECT, "dangerous") == sorted(DANGEROUS)
    assert all(nearest_tests(path) for path in paths)
    named = {test for stages in NEAREST.values() for stage in stages for test in stage.split()}
    assert [test for test in sorted(named) if not (PROJECT / test).exists()] == []


def test_a_seed_draws_the_same_changes_evenly_and_each_once() -> None:
    by_path = {
        path: [Change(path, "constant", line, 0, 0, "") for line in range(count)]
        for path, count in (("a", 2), ("b", 9), ("c", 9))
    }

    drawn = main.draw(by_path, 11, seed=7)

    assert drawn == main.draw(by_path, 11, seed=7) != main.draw(by_path, 11, seed=8)
    assert len(set(drawn)) == 11
    counts = [sum(change.path == path for change in drawn) for path in by_path]
    assert counts[0] == 2 and sorted(counts[1:]) == [4, 5]
    assert len(main.draw(by_path, 99, seed=7)) == 20


def test_a_small_project_whose_only_test_notices_one_of_its_changes(tmp_path: Path) -> None:
    """From the change to the verdict: with pytest, in a copy, changed back afterwards."""
    from mutations.running import Copy

    project = tmp_path / "project"
    project.mkdir()
    (project / "code.txt").write_text("")
    (project / "sums.py").write_text(
        "def add(a, b):\n    log(1)\n    return a + b\n\n\ndef log(a):\n    pass\n"
    )
    (project / "test_sums.py").write_text(
        "from sums import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n"
    )
    source = (project / "sums.py").read_bytes()
    copy = Copy.of(project, tmp_path / "copy", (), 60)
    by_kind = {change.kind: change for change in python_changes("sums.py", source)}

    tried = {
        kind: copy.try_change(change, [["test_sums.py"]]).noticed_by
        for kind, change in (by_kind | {"nothing": null_change("sums.py", source)}).items()
        if kind in ("operator", "statement dropped", "nothing")
    }

    assert tried == {"operator": "test_sums.py::test_it", "statement dropped": "", "nothing": ""}
    both = [
        null_change("sums.py", source),
        null_change("test_sums.py", (project / "test_sums.py").read_bytes()),
    ]
    assert copy.try_together(both, ["test_sums.py"]) == ""
    assert copy.try_together([both[1], by_kind["operator"]], ["test_sums.py"]) == "test_sums.py::test_it"
    assert (copy.folder / "sums.py").read_bytes() == source


def test_what_was_tried_is_told_by_file_and_what_nobody_noticed_by_line() -> None:
    from mutations.running import Result

    path = "lambda_functions/shared/equality.py"
    changes = changes_of(PROJECT, path)[:3]
    results = [Result(change, name) for change, name in zip(changes, ("a test", "", "another"), strict=True)]

    told = list(main.report([path, "never tried"], results, 7))

    assert told[:3] == [
        "Seed 7: noticed, of the changes that were tried",
        f"     2 of    3  {path}",
        "     2 of    3  in all: 66.7%",
    ]
    assert told[3:] == ["Not noticed:", f"  {changes[1].describe((PROJECT / path).read_bytes())}"]
