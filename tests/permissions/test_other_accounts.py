"""What `fab policies` has the owners of buckets and keys attach is enough, and nothing of it can go."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import pytest
from fake_s3 import HOUR, LOST, MB
from iam_other_accounts import (
    CASES,
    EVERYTHING,
    OURS,
    READER,
    Guard,
    attached,
    guard,
    options,
    requests_of,
    statements_of,
)
from runs_on_fake_s3 import World, world_on_fake_s3

from deployment.build.bucket_policies import Reader

ACROSS = [case for case in CASES if case != "one account"]


def refused(recorder: Any, case: str, statements: dict[str, list[dict[str, Any]]]) -> list[str]:
    guarding = Guard(case, options(), statements)
    context = {"s3:x-amz-acl": EVERYTHING["acl"]}
    return [
        f"{call.function}: {call.operation}"
        for call, needs in requests_of(recorder.calls)
        if not guarding.allows(call.function, call.operation, needs, **context)
    ]


def one_less(statements: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the statements without one of their actions, each in turn."""
    for on, listed in statements.items():
        for number, statement in enumerate(listed):
            for action in statement["Action"]:
                less = copy.deepcopy(statements)
                less[on][number]["Action"].remove(action)
                yield f"{on}: {action}", less


# What the runs that were watched ask for besides what every run does.
ALL = {"objectLock": "copy", "annotations": "copy", "restore": {"days": 7, "tier": "Bulk"}}


@pytest.mark.parametrize("case", CASES)
def test_every_call_that_the_functions_were_seen_to_make_is_allowed(case, recorder):
    assert refused(recorder, case, statements_of(attached(case, options(**ALL)))) == []


@pytest.mark.parametrize("case", CASES)
def test_the_roles_of_a_stack_that_is_not_deployed_are_allowed_by_their_pattern(case, recorder):
    reader = Reader(OURS, "aws", "sync-buckets", {})
    assert refused(recorder, case, statements_of(attached(case, options(**ALL), reader))) == []


@pytest.mark.parametrize("case", ACROSS)
def test_some_call_is_refused_without_any_one_of_the_actions(case, recorder):
    every = dict(one_less(statements_of(attached(case, options(**ALL)))))
    assert every
    assert [what for what, less in every.items() if not refused(recorder, case, less)] == []


@pytest.mark.parametrize("case", ACROSS)
def test_some_call_is_refused_without_any_one_of_the_roles(case, recorder):
    statements = statements_of(attached(case, options(**ALL)))
    for on, listed in statements.items():
        for number, statement in enumerate(listed):
            for role in statement["Condition"]["ArnLike"]["aws:PrincipalArn"]:
                less = copy.deepcopy(statements)
                less[on][number]["Condition"]["ArnLike"]["aws:PrincipalArn"].remove(role)
                assert refused(recorder, case, less), f"{on}: {statement['Sid']} for {role}"


def test_nobody_else_is_allowed():
    roles = {name: arn.replace("sync-buckets-", "another-") for name, arn in READER.roles.items()}
    statements = statements_of(
        attached("both in another account", options(), Reader(OURS, "aws", "x", roles))
    )
    guarding = Guard("both in another account", options(), statements)
    with world_on_fake_s3() as world:
        guard(world, guarding)
        assert world.run()["outcome"] == "InvalidInput"


# --- Runs under these policies ------------------------------------------------------------------------------


def fill(world: World, prefix: str) -> None:
    """What needs every statement: all kinds of copies, an orphan, an upload whose answer is lost, keys of KMS."""
    world.destination.encryption = "aws:kms"
    source, destination = world.source, world.destination
    source.put(f"{prefix}new", b"1", tags={"a": "b"}, encryption="aws:kms")
    source.put_parts(f"{prefix}parts", 5 * MB, 1, tags={"a": "b"})
    source.put(f"{prefix}changed", b"source")
    destination.put(f"{prefix}changed", b"destination", age_seconds=2 * HOUR)
    destination.put(f"{prefix}orphan", b"1")
    world.s3.after("CreateMultipartUpload", LOST)


@contextlib.contextmanager
def guarded(case: str, prefix: str, statements: dict[str, list[dict[str, Any]]]) -> Iterator[World]:
    with world_on_fake_s3() as world:
        fill(world, prefix)
        guard(world, Guard(case, options(prefix=prefix), statements))
        yield world


def result(case: str, prefix: str, statements: dict[str, list[dict[str, Any]]]) -> tuple[Any, ...]:
    """The outcome, how many objects were copied and deleted, and how many uploads are left."""
    with guarded(case, prefix, statements) as world:
        report = world.run(prefix=prefix, **EVERYTHING)
        done = [report.get(what, {}).get("objects") for what in ("copied", "deleted")]
        return report["outcome"], *done, len(world.destination.uploads)


@pytest.mark.parametrize("prefix", ["", "photos/", "a*b?$/"])
@pytest.mark.parametrize("case", CASES)
def test_a_run_succeeds_with_all_statements_and_not_without_any_one_of_them(case, prefix):
    statements = statements_of(attached(case, options(prefix=prefix)))
    assert result(case, prefix, statements) == ("Succeeded", 3, 1, 0)
    for on, listed in statements.items():
        for number, statement in enumerate(listed):
            less = {**statements, on: [*listed[:number], *listed[number + 1 :]]}
            assert result(case, prefix, less) != ("Succeeded", 3, 1, 0), statement["Sid"]


@pytest.mark.parametrize("case", ["the source in another account", "the destination in another account"])
def test_nothing_beside_the_prefix_is_allowed(case):
    statements = statements_of(attached(case, options(prefix="photos/")))
    with guarded(case, "photos-of-others/", statements) as world:
        assert world.run(prefix="photos-of-others/")["outcome"] != "Succeeded"
