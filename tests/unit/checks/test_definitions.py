"""State machines as others write them, each a file with AWS's verdict and page: no false alarm, and no mistake passes.

`tests/definitions/valid/` and `invalid/` hold them. A file's head says what AWS makes of it, where AWS says so, which kind of
definition it stands for, and for an invalid one what the only problem says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from places import TESTS

from deployment.build import definitions
from deployment.checks import statelint
from deployment.project import states_language
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec

VALUES = definitions.placeholder_values(Settings(), "work", "aws")
FILES = {kind: sorted((TESTS / "definitions" / kind).glob("*.yaml")) for kind in ("valid", "invalid")}
PAGE = re.compile(r"https://docs\.aws\.amazon\.com/[\w/.#-]+\.html")

# Every kind of definition that was misjudged once.
ROWS = {
    "$$. in comparisons", "$.detail-type", "Assign and $variable", "BackoffRate: 2", "JSONata values",
    "ProcessorConfig in Iterator", "filters", "Timestamp without T or Z", "empty Branches",
    "a service integration that does not exist", "Credentials without RoleArn", "illegal escapes", "x beside x.$",
    "a name of 81 characters", "HeartbeatSeconds not below TimeoutSeconds", "intrinsics with wrong arguments",
    "machine-wide TimeoutSeconds", "opinions", "front matter", "literal ${...}",
}  # fmt: skip


def head_of(path: Path) -> Mapping[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))


def named(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def problems(machine: MachineSpec) -> list[str]:
    return [problem.message for problem in statelint.problems(machine, {}, VALUES)]


def test_there_are_enough_of_them_and_every_row_is_covered() -> None:
    heads = [head_of(path) for paths in FILES.values() for path in paths]
    assert len(heads) >= 60
    assert {head["Row"] for head in heads} >= ROWS


@named([*FILES["valid"], *FILES["invalid"]])
def test_every_definition_has_its_verdict_and_the_page_that_says_so(path: Path) -> None:
    head = head_of(path)
    assert head["Verdict"] == path.parent.name
    assert PAGE.fullmatch(head["Page"])
    assert ("Says" in head) == (head["Verdict"] == "invalid")


@named(FILES["valid"])
def test_a_valid_definition_has_no_problem(path: Path) -> None:
    assert problems(states_language.read(path)) == []


@named(FILES["invalid"])
def test_an_invalid_definition_has_the_one_problem_that_it_is_about(path: Path) -> None:
    (message,) = problems(states_language.read(path))
    assert head_of(path)["Says"] in message


def test_a_definition_over_one_megabyte_is_a_problem() -> None:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"""
    state = {"Type": "Pass", "Result": "x" * (values_limit() - 78), "End": True}
    fits = MachineSpec("big", Path("big.yaml"), {"StartAt": "A", "States": {"A": state}})
    over = MachineSpec(
        "big", Path("big.yaml"), {"StartAt": "A", "States": {"A": state | {"Result": "x" * values_limit()}}}
    )
    assert problems(fits) == []
    (message,) = problems(over)
    assert message.startswith("the definition has 1,048,6") and message.endswith(
        "AWS takes 1,048,576 at most"
    )


def values_limit() -> int:
    return 1024 * 1024
