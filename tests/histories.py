"""The arithmetic of a state machine's history: how many events states, loops and the longest way through them have.

Computed from the definition as it is deployed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from places import PROJECT

MACHINE = yaml.safe_load(
    (PROJECT / "state_machines/sync_buckets_state_machine.yaml").read_text(encoding="utf-8")
)
MOST_EVENTS = 25_000

# Events of a state: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
# Task: entered, scheduled, started, succeeded, exited. Distributed Map: entered, started, run started, run succeeded, succeeded,
# exited. Inline Map: entered, started, succeeded, exited, and for each item started and succeeded.
EVENTS = {"Pass": 2, "Choice": 2, "Succeed": 2, "Task": 5, "Fail": 1}
DISTRIBUTED_MAP_EVENTS, INLINE_MAP_EVENTS, INLINE_ITEM_EVENTS, EXECUTION_EVENTS = 6, 4, 2, 2

State = Mapping[str, Any]


def states_of(definition: State) -> Mapping[str, State]:
    """Return the states of a machine, or of one inside a Map."""
    states: Mapping[str, State] = definition["States"]
    return states


def all_states(definition: State) -> Iterator[tuple[str, State]]:
    """Yield every state at every depth."""
    for name, state in states_of(definition).items():
        yield name, state
        if "ItemProcessor" in state:
            yield from all_states(state["ItemProcessor"])


STATES = dict(all_states(MACHINE))


def events_of(state: State, items: int = 0) -> int:
    """Return the events of a state that is entered once; of an inline Map, with all states of so many items."""
    if state["Type"] != "Map":
        return EVENTS[state["Type"]]
    if state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED":
        return DISTRIBUTED_MAP_EVENTS
    one_item = INLINE_ITEM_EVENTS + sum(
        events_of(inner) for inner in states_of(state["ItemProcessor"]).values()
    )
    return INLINE_MAP_EVENTS + items * one_item


def following(state: State) -> set[str]:
    """Return the states that may come after a state."""
    choices = [choice["Next"] for choice in (*state.get("Choices", ()), *state.get("Catch", ()))]
    return {name for name in (state.get("Next"), state.get("Default"), *choices) if name}


def most_events(definition: State, name: str, been: tuple[str, ...] = ()) -> int:
    """Return the events of the longest way from a state to an end that enters no state twice."""
    state = states_of(definition)[name]
    onwards = [
        most_events(definition, one, (*been, name)) for one in following(state) if one not in (*been, name)
    ]
    return events_of(state) + max(onwards, default=0)


def reachable(definition: State, name: str) -> set[str]:
    """Return the states that a way leads to from a state."""
    found: set[str] = set()
    new = following(states_of(definition)[name])
    while new:
        found |= new
        new = {far for near in new for far in following(states_of(definition)[near])} - found
    return found


def loops_of(definition: State) -> list[set[str]]:
    """Return the loops: states that can be entered again, together with all that are on the way back."""
    far = {name: reachable(definition, name) for name in states_of(definition)}
    loops = {frozenset(one for one in far[name] if name in far[one]) for name in far if name in far[name]}
    return sorted(map(set, loops), key=sorted)


def events_of_loop(loop: set[str], items: int = 0) -> int:
    """Return the events of going once through a loop."""
    return sum(events_of(STATES[name], items) for name in loop)


def child(name: str) -> State:
    """Return the machine inside a Map."""
    definition: State = STATES[name]["ItemProcessor"]
    return definition
