"""docs/comparison.md against the code: every answer is shown or explained, and what a row names is there."""

from __future__ import annotations

import inspect
import re

import pytest
from invoke.collection import Collection
from named_tests import is_a_test, quoted
from places import PROJECT

import fabfile
import fabfile_config_template

PAGE = PROJECT / "docs" / "comparison.md"
YES, PARTLY, NO = "●", "◐", "–"
OTHERS = ["SAM", "CDK", "Rain", "SLS", "Chalice", "Zappa", "CFNgin", "Sceptre", "kappa", "SFN"]


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, its head first."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (section,) = [one for one in sections if one.startswith(f"{heading}\n")]
    head, _, *rows = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in (head, *rows)]


HEAD, *ANSWERS = table("The table")
_, *PROOFS = table("What SyncBuckets does")
OURS = {row[0]: row[1] for row in ANSWERS}
BY_FEATURE = [pytest.param(*row, id=row[0]) for row in PROOFS]


def problem_of(name: str) -> str | None:
    """Return what is wrong with a task (with its flags), a setting or a file that the page names."""
    if re.fullmatch(r"[A-Z][A-Z_]+", name):
        return None if hasattr(fabfile_config_template, name) else "no such setting"
    program, *words = name.split()
    flags = [word for word in words if word.startswith("--")]
    tasks = Collection.from_module(fabfile)
    task = next((word for word in words if word not in flags), tasks.default)
    if program != "fab" or task not in tasks.task_names:
        return "no such task"
    known = {flag.replace("_", "-") for flag in [*inspect.signature(tasks[task].body).parameters][1:]}
    return None if {flag.removeprefix("--") for flag in flags} <= known else "no such flag"


def test_both_tables_have_the_same_features_in_the_same_order_and_each_once():
    assert [row[0] for row in PROOFS] == [row[0] for row in ANSWERS]
    assert len(OURS) == len(ANSWERS) > 30


def test_syncbuckets_comes_first_and_every_tool_has_an_answer_of_the_legend():
    assert HEAD[:2] == ["feature", "SyncBuckets"]
    assert HEAD[2:] == OTHERS
    answers = [cell for row in ANSWERS for cell in row[1:]]
    assert [cell for cell in answers if cell.removesuffix("*") not in (YES, PARTLY, NO, "n/a")] == []
    assert set(OURS.values()) == {YES, PARTLY, NO}


def test_the_twelve_starred_things_are_there_in_their_order():
    numbers = [int(found) for feature in OURS for found in re.findall(r"^★(\d+) ", feature)]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 13))


def test_of_the_starred_things_every_one_is_there():
    starred = {feature: answer for feature, answer in OURS.items() if feature.startswith("★")}
    assert [feature for feature, answer in starred.items() if answer != YES] == []


@pytest.mark.parametrize(("feature", "how", "shown"), BY_FEATURE)
def test_what_is_there_has_a_task_or_setting_and_a_test_and_what_is_not_a_reason(
    feature: str, how: str, shown: str
):
    assert how.endswith(".")
    assert bool(quoted(shown)) == (OURS[feature] != NO), "what is there, in part or whole, is shown by a test"
    assert quoted(how) or OURS[feature] == NO
    assert OURS[feature] == YES or len(re.findall(r"\w+", how)) > 10, "what is missing, and why"


@pytest.mark.parametrize(("feature", "how", "shown"), BY_FEATURE)
def test_every_task_flag_setting_and_test_that_a_row_names_exists(feature: str, how: str, shown: str):
    problems = {name: problem_of(name) for name in quoted(how)}
    assert {name: problem for name, problem in problems.items() if problem} == {}
    assert [name for name in quoted(shown) if not is_a_test(name)] == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("fab", None),
        ("fab plan --json", None),
        ("fab plna", "no such task"),
        ("sam deploy", "no such task"),
        ("fab plan --force", "no such flag"),
        ("STACK_NAME", None),
        ("STAK_NAME", "no such setting"),
    ],
)
def test_a_name_that_is_not_there_is_noticed(name: str, problem: str | None):
    assert problem_of(name) == problem
