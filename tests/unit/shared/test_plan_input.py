"""What an input that names a plan may say, and the whole sentences about what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from lambda_functions.shared.options import find_problems

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
