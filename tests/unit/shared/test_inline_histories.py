"""An inline Map writes into the history of its run: 40 shards of many turns, throttled and broken, stay within its quota.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from __future__ import annotations

import pytest
from histories import (
    EXECUTION_EVENTS,
    INLINE_ITEM_EVENTS,
    INLINE_MAP_EVENTS,
    MACHINE,
    MOST_EVENTS,
    STATES,
    State,
    child,
    events_of,
    events_of_loop,
    loops_of,
    most_events,
    states_of,
)

from lambda_functions.shared.compare.waves import MAX_WAVES
from lambda_functions.shared.tally.maps import MAX_INLINE_SHARDS, MAX_INLINE_TURNS

# Scheduled, started, failed: a Task that is tried again does not leave its state.
EVENTS_OF_A_RETRY = 3
# What a run may come to with 40 shards at their worst; the rest is for retries of the run's own states.
MOST_EVENTS_OF_A_RUN = 20_000
MAPS = ("CopyKeysInline", "DeleteOrphanedKeysInline")


def most_retries(state: State) -> int:
    """Return the events of all the times that a Task may be tried again in one turn."""
    return EVENTS_OF_A_RETRY * sum(retrier["MaxAttempts"] for retrier in state.get("Retry", ()))


def most_turns(definition: State) -> int:
    """Return how many turns the Choice of an inline Map allows a shard."""
    (limit,) = [
        rule["NumericGreaterThanEquals"]
        for state in states_of(definition).values()
        for rule in state.get("Choices", ())
        if "NumericGreaterThanEquals" in rule
    ]
    turns: int = limit
    return turns


def most_events_of_a_shard(name: str) -> int:
    """Return the events of a shard that takes every turn it gets, is broken at last, and is tried again as often as can be.

    That is once for each Task: a shard whose worker has been started again and again has waited for most of an hour, and a run in
    which forty shards do so in several of their turns would find no Lambda for hours.
    """
    definition = child(name)
    (turn,) = loops_of(definition)
    once = most_events(definition, definition["StartAt"])
    again = (most_turns(definition) - 1) * events_of_loop(turn)
    return INLINE_ITEM_EVENTS + once + again + sum(map(most_retries, states_of(definition).values()))


@pytest.mark.parametrize("name", MAPS)
def test_a_shard_of_an_inline_map_has_at_most_430_events(name: str) -> None:
    assert most_turns(child(name)) == 10 > MAX_INLINE_TURNS
    assert most_events_of_a_shard(name) <= 430


def test_a_run_of_40_waves_and_40_inline_shards_at_their_worst_has_under_20000_events() -> None:
    once = EXECUTION_EVENTS + most_events(MACHINE, MACHINE["StartAt"]) + len(MAPS) * INLINE_MAP_EVENTS
    loops = sum(map(events_of_loop, loops_of(MACHINE)))
    shards = MAX_INLINE_SHARDS * max(map(most_events_of_a_shard, MAPS))

    assert once + MAX_WAVES * loops + shards < MOST_EVENTS_OF_A_RUN < MOST_EVENTS


@pytest.mark.parametrize("name", MAPS)
def test_a_run_of_40_shards_that_all_take_ten_turns_and_are_done_has_under_4000_events(name: str) -> None:
    definition = child(name)
    (turn,) = loops_of(definition)
    succeeds = next(state for state in states_of(definition).values() if state["Type"] == "Succeed")
    a_shard = INLINE_ITEM_EVENTS + most_turns(definition) * events_of_loop(turn) + events_of(succeeds)

    assert MAX_INLINE_SHARDS * a_shard < 4_000


def test_every_inline_map_over_shards_is_looked_at_here() -> None:
    inline = {
        name
        for name, state in STATES.items()
        if state["Type"] == "Map" and state.get("ItemsPath", "").endswith(".inline")
    }

    assert inline == set(MAPS)
