"""What an input that names a plan may say, and the whole sentences about what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_functions.shared.options import find_problems
from lambda_functions.shared.plan_input import names_plan

DIGEST = "0123456789abcdef" * 4
A_PLAN = "expected the name of a dry run, or <state machine>/<name>"
A_DIGEST = "expected the 64 hexadecimal digits that the dry run shows with its plan"


@pytest.mark.parametrize(
    "given",
    [
        {"plan": "nightly"},
        {"plan": "sync-buckets-state-machine-20261101-000000/nightly"},
        {"plan": "a" * 80, "planDigest": DIGEST},
        {"plan": f"{'m' * 80}/{'a' * 80}", "maxConcurrency": 7, "Comment": {"of": "anybody"}},
    ],
)
def test_a_plan_and_what_may_stand_beside_it_are_accepted(given: dict[str, Any]) -> None:
    assert find_problems(given, {}) == []


@pytest.mark.parametrize(
    "plan",
    ["", "a b", "a/b/c", "/a", "a/", "a" * 81, "a:b", "a\n", "\ud800", 5, None, ["a"], True],
    ids=ascii,
)
def test_what_can_be_no_name_of_an_execution_is_no_plan(plan: Any) -> None:
    """Taken for one, it would be read from a folder of somebody else, or from none."""
    (problem,) = find_problems({"plan": plan}, {})

    assert problem.endswith(f"; {A_PLAN}")


@pytest.mark.parametrize("digest", ["", DIGEST[1:], f"{DIGEST}0", DIGEST.upper(), f"g{DIGEST[1:]}", 5, None])
def test_a_digest_that_can_be_none_is_refused(digest: Any) -> None:
    (problem,) = find_problems({"plan": "nightly", "planDigest": digest}, {})

    assert problem.endswith(f"; {A_DIGEST}")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"plan": "nightly"}, True),
        ({"planDigest": DIGEST}, True),
        ({"plan": None, "source": "a"}, True),
        ({}, False),
        ({"Plan": "nightly", "source": "plan"}, False),
        # Inputs may be any JSON; what is no object names nothing, whatever stands in it.
        *((value, False) for value in (["plan"], "plan", "a planDigest", None, 5)),
    ],
)
def test_only_an_object_with_one_of_the_two_names_names_a_plan(given: Any, expected: bool) -> None:
    assert names_plan(given) is expected


@pytest.mark.parametrize(
    ("number", "named"),
    [
        (1, '"x0"'),
        (10, ", ".join(f'"x{number}"' for number in range(10))),
        (11, ", ".join([*(f'"x{number}"' for number in range(10)), "1 more"])),
        (12, ", ".join([*(f'"x{number}"' for number in range(10)), "2 more"])),
    ],
)
def test_of_what_cannot_stand_beside_a_plan_the_first_ten_are_named(number: int, named: str) -> None:
    (problem,) = find_problems({"plan": "nightly", **{f"x{at}": at for at in range(number)}}, {})

    assert problem.startswith(f'{named} cannot stand beside "plan": ')


def test_everything_that_is_wrong_is_told_at_once() -> None:
    given = {"plan": 5, "planDigest": 6, "maxConcurrency": 0, "prefix": "a/", "delete": False}

    assert find_problems(given, {}) == [
        '"prefix", "delete" cannot stand beside "plan": all options are those of the dry run, and only "planDigest" and '
        '"maxConcurrency" may be added',
        f'"plan" is 5; {A_PLAN}',
        f'"planDigest" is 6; {A_DIGEST}',
        '"maxConcurrency" is 0; expected a whole number from 1 to 10,000',
    ]
    assert find_problems({"planDigest": DIGEST}, {}) == ['"planDigest" is given without "plan"']
