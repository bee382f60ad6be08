"""The inline Map of shards and the Distributed one: the same states with the same fields, but for what is meant to differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from places import PROJECT

from deployment.project import states_language

MACHINE = states_language.read(PROJECT / "state_machines/sync_buckets_state_machine.yaml").definition
MAPS = ("CopyKeys", "DeleteOrphanedKeys")

# Of the Map itself, fields that only one of the two has.
ONLY_DISTRIBUTED = {"Label", "ToleratedFailurePercentage", "ItemReader", "ResultWriter"}
ONLY_INLINE = {"ItemsPath"}
# Of its states: those that only the inline Map has, by what leads to them.
TURNS_ARE_COUNTED = {"CopyTookTooLong": "RecordBrokenCopy", "DeleteTookTooLong": "RecordBrokenDelete"}

# Those that only the Distributed Map has: it can be ended before all of its shards have begun.
STOPPED = {"CopyKeys": "CopyIsStopped", "DeleteOrphanedKeys": "DeleteIsStopped"}

State = Mapping[str, Any]


def maps_of(name: str) -> tuple[State, State]:
    states = MACHINE["States"]
    return states[name], states[f"{name}Inline"]


def inner(state: State) -> Mapping[str, State]:
    found: Mapping[str, State] = state["ItemProcessor"]["States"]
    return found


def without_suffix(value: Any) -> Any:
    """Return a definition with the names of the inline states as the Distributed Map has them."""
    if isinstance(value, Mapping):
        return {name: without_suffix(field) for name, field in value.items()}
    if isinstance(value, list):
        return [without_suffix(field) for field in value]
    return value.removesuffix("Inline") if isinstance(value, str) else value


def with_same_attempts(state: State) -> Any:
    """Return a state with the number of times that a throttled Lambda is waited for left out."""
    if "Retry" not in state:
        return dict(state)
    throttled, *others = state["Retry"]
    return {**state, "Retry": [{**throttled, "MaxAttempts": None}, *others]}


@pytest.mark.parametrize("name", MAPS)
def test_both_maps_have_the_same_fields_but_where_their_items_are_and_what_becomes_of_results(
    name: str,
) -> None:
    distributed, inline = maps_of(name)
    shared = distributed.keys() & inline.keys() - {"ItemProcessor"}

    assert distributed.keys() - inline.keys() == ONLY_DISTRIBUTED & distributed.keys()
    assert inline.keys() - distributed.keys() == ONLY_INLINE
    assert {field: distributed[field] for field in shared} == {field: inline[field] for field in shared}
    assert inline["ItemsPath"] == f"$.comparison.{'copy' if name == 'CopyKeys' else 'delete'}.inline"
    assert (distributed["ItemProcessor"]["ProcessorConfig"], inline["ItemProcessor"]["ProcessorConfig"]) == (
        {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        {"Mode": "INLINE"},
    )


@pytest.mark.parametrize("name", MAPS)
def test_both_maps_have_the_same_states_under_other_names(name: str) -> None:
    distributed, inline = maps_of(name)
    names = {without_suffix(state): state for state in inner(inline)}

    assert names.keys() - inner(distributed).keys() == TURNS_ARE_COUNTED.keys() & names.keys()
    assert len(names.keys() - inner(distributed).keys()) == 1
    assert inner(distributed).keys() - names.keys() == {STOPPED[name]}
    assert without_suffix(inline["ItemProcessor"]["StartAt"]) == distributed["ItemProcessor"]["StartAt"]
    assert not set(inner(distributed)) & set(inner(inline))


SAME = [
    (name, state)
    for name in MAPS
    for state in inner(MACHINE["States"][name])
    if not state.startswith("IsShard")
    and state not in ("RecordBrokenCopy", "CopyIsBroken", *STOPPED.values())
]


@pytest.mark.parametrize(("name", "state"), SAME)
def test_a_state_of_both_maps_differs_in_how_often_a_free_lambda_is_waited_for_at_most(
    name: str, state: str
) -> None:
    distributed, inline = maps_of(name)
    ours, theirs = inner(inline)[f"{state}Inline"], inner(distributed)[state]

    assert with_same_attempts(without_suffix(ours)) == with_same_attempts(theirs)


@pytest.mark.parametrize("name", MAPS)
def test_only_the_inline_map_counts_turns(name: str) -> None:
    distributed, inline = maps_of(name)
    verb = "Copied" if name == "CopyKeys" else "Deleted"
    theirs = inner(distributed)[f"IsShard{verb}"]
    ours = without_suffix(inner(inline)[f"IsShard{verb}Inline"])
    is_done, is_over = ours["Choices"]
    is_stopped = {"Variable": "$.turn.fail", "BooleanEquals": True, "Next": STOPPED[name]}

    assert {**ours, "Choices": [is_stopped, is_done]} == theirs
    assert is_over["NumericGreaterThanEquals"] == 10
    too_long = inner(inline)[is_over["Next"]]
    assert f"after {is_over['NumericGreaterThanEquals']} turns" in too_long["Result"]["Cause"]
    assert without_suffix(too_long["Next"]) == TURNS_ARE_COUNTED[is_over["Next"]]


def test_a_broken_copy_fails_the_child_of_a_distributed_map_and_no_iteration_of_an_inline_one() -> None:
    distributed, inline = maps_of("CopyKeys")
    ours, theirs = inner(inline)["RecordBrokenCopyInline"], inner(distributed)["RecordBrokenCopy"]

    assert {catch["Next"] for catch in ours["Catch"]} == {"CopyIsBrokenInline"}
    compared = {field: value for field, value in ours.items() if field != "Catch"}
    assert with_same_attempts(without_suffix(compared)) == with_same_attempts(theirs)
    assert inner(distributed)["CopyIsBroken"]["Type"] == "Fail"
    assert inner(inline)["CopyIsBrokenInline"]["Type"] == "Succeed"
    assert not [state for state in inner(inline).values() if state["Type"] == "Fail"]


def test_a_broken_delete_fails_both_maps_and_a_shard_that_a_stop_keeps_from_beginning_a_distributed_one() -> (
    None
):
    distributed, inline = (
        [one["Error"] for one in inner(state).values() if one["Type"] == "Fail"]
        for state in maps_of("DeleteOrphanedKeys")
    )
    assert (distributed, inline) == (["BrokenShard", "Stopped"], ["BrokenShard"])


def test_a_free_lambda_is_waited_for_1000_times_and_in_an_inline_map_100_times_or_10_to_leave_word() -> None:
    attempts = {
        name: state["Retry"][0]["MaxAttempts"]
        for of_map in MAPS
        for one in maps_of(of_map)
        for name, state in inner(one).items()
        if "Retry" in state
    }

    assert attempts == {
        "CopyShard": 1000,
        "RecordBrokenCopy": 1000,
        "CopyShardInline": 100,
        "RecordBrokenCopyInline": 10,
        "DeleteShard": 1000,
        "RecordBrokenDelete": 1000,
        "DeleteShardInline": 100,
        "RecordBrokenDeleteInline": 10,
    }


def test_a_choice_that_the_tally_has_prepared_picks_the_map() -> None:
    states = MACHINE["States"]
    copies = {rule["StringEquals"]: rule["Next"] for rule in states["IsAnythingToCopy"]["Choices"]}
    deletes = {rule["StringEquals"]: rule["Next"] for rule in states["IsDeletingSmall"]["Choices"]}

    assert copies == {"INLINE": "CopyKeysInline", "DISTRIBUTED": "CopyKeys"}
    assert states["IsAnythingToCopy"]["Default"] == "IsAnythingLargeToCopy"
    assert deletes == {"INLINE": "DeleteOrphanedKeysInline"}
    assert states["IsDeletingSmall"]["Default"] == "DeleteOrphanedKeys"


@pytest.mark.parametrize(
    ("name", "percent"),
    [("CompareRanges", None), ("CopyKeys", 5.0), ("CopyLargeObjects", 5.0), ("DeleteOrphanedKeys", None)],
)
def test_a_copy_that_breaks_does_not_stop_the_others_and_a_comparison_or_delete_does(
    name: str, percent: float | None
) -> None:
    """One large object whose worker crashes would end the copies of all others; after a broken delete nobody goes on deleting."""
    assert MACHINE["States"][name].get("ToleratedFailurePercentage") == percent


def test_every_end_says_its_sync_and_where_its_report_is() -> None:
    """`executionCause` has both; whoever gets a notice of the execution has nothing else to go by."""
    choice = MACHINE["States"]["HowDidItEnd"]
    ends = {one["Next"] for one in choice["Choices"]} | {choice["Default"]}
    causes = {
        name: MACHINE["States"][name].get("CausePath")
        for name in ends
        if MACHINE["States"][name]["Type"] == "Fail"
    }
    assert causes == dict.fromkeys(ends - {"Succeeded"}, "$.end.executionCause")


def test_a_child_that_broke_fails_with_what_broke_it() -> None:
    """The console shows nothing else of it, and Maps of thousands of children are looked through there."""
    maps = {name: inner(state) for name, state in MACHINE["States"].items() if state["Type"] == "Map"}
    causes = {
        name: one.get("CausePath")
        for name, states in maps.items()
        for one in states.values()
        if one.get("Error", "").startswith("Broken")
    }

    assert causes == dict.fromkeys(
        [
            "CompareRanges",
            "CopyKeys",
            "CopyLargeObjects",
            "DeleteOrphanedKeys",
            "DeleteOrphanedKeysInline",
        ],
        "$.broken.cause",
    )
