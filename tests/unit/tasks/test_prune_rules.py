"""Which state machines and function versions may go: the rules, on every world that hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deployment.step_functions.inventory import DeployedMachine, FunctionVersion
from deployment.step_functions.listing import Machine
from deployment.tasks.stack.prune import (
    StackResources,
    decide_machines,
    decide_versions,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def arn(function: str, version: int) -> str:
    return f"arn:aws:lambda:eu-west-1:123456789012:function:{function}:{version}"


def version(function: str, number: int) -> FunctionVersion:
    return FunctionVersion(function, str(number), arn(function, number), "", "")


CALLS = st.sets(st.tuples(st.sampled_from(["f", "g"]), st.integers(1, 12)), max_size=4)
PUBLISHED = [version(function, number) for function in ("f", "g") for number in range(1, 13)]


@st.composite
def worlds(draw: Any) -> list[DeployedMachine]:
    """Draw machines of two names, newest first, as `inventory.read` returns them, and remember what they call."""
    count = draw(st.integers(0, 8))
    found, current = [], set()
    for number in range(count, 0, -1):
        base = draw(st.sampled_from(["a", "b"]))
        is_deleting = draw(st.booleans())
        unread = draw(st.integers(0, 9)) == 0
        calls = draw(CALLS)
        is_current = not is_deleting and base not in current
        current |= {base} if is_current else set()
        found.append(
            DeployedMachine(
                Machine(f"{base}-{number}", "arn", False, NOON),
                base,
                0 if unread else draw(st.integers(0, 2)),
                None if unread else " ".join(arn(*call) for call in sorted(calls)),
                problem="no." if unread else "",
                is_current=is_current,
                is_deleting=is_deleting,
            )
        )
    return found


def names(fates: Sequence[Any], deleted: bool) -> set[str]:
    return {fate.name for fate in fates if fate.is_deleted is deleted}


@given(worlds(), st.integers(1, 4))
def test_the_newest_of_each_name_stay_and_so_does_what_runs_or_cannot_be_read(
    found: list[DeployedMachine], keep: int
) -> None:
    doomed = names(decide_machines(found, keep), True)

    for base in ("a", "b"):
        standing = [one for one in found if one.base == base and not one.is_deleting]
        for position, one in enumerate(standing):
            assert (one.name in doomed) == (position >= keep and not one.running and not one.problem)
    assert not doomed & {one.name for one in found if one.is_current or one.is_deleting}


@given(worlds(), st.integers(1, 4), CALLS)
def test_a_version_goes_only_if_nothing_that_stays_or_runs_calls_it_and_all_of_that_could_be_read(
    found: list[DeployedMachine], keep: int, part_of_stack: set[tuple[str, int]]
) -> None:
    gone = names(decide_machines(found, keep), True)
    users = [one for one in found if one.name not in gone]
    declared = StackResources(("f", "g"), frozenset(arn(*one) for one in part_of_stack))
    doomed = names(decide_versions(PUBLISHED, users, declared), True)

    needed = {
        text.split("function:")[1]
        for one in users
        if one.running or not one.is_deleting
        for text in (one.definition or "").split()
    } | {f"{function}:{number}" for function, number in part_of_stack}
    everything = {one.name for one in PUBLISHED}
    unknown = any(one.definition is None for one in users)
    assert doomed == (set() if unknown else everything - needed)


def test_a_version_is_used_by_whoever_names_it_in_any_way_and_not_by_whoever_names_another() -> None:
    def kept(definition: str) -> bool:
        user = DeployedMachine(Machine("a-1", "arn", False, NOON), "a", 0, definition, is_current=True)
        (fate,) = decide_versions([version("f", 1)], [user], StackResources())
        return not fate.is_deleted

    assert kept(arn("f", 1))
    assert kept('{"Parameters": {"FunctionName": "f:1"}}')
    assert kept('{"FunctionName": "123456789012:function:f:1"}')
    assert not kept(arn("f", 11))
    assert not kept(arn("ff", 1))
    assert not kept(arn("f", 2))
