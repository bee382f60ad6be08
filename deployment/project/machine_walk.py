"""The way through a state machine: every machine in it, every state, and the place of each.

Only for reading: `transitions`, `state_rules` and `definitions` look at machines in this way. Nothing is taken for
granted, as what is walked here is what a person wrote: what is no mapping counts as an empty one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployment.project.yaml_reading import Place


@dataclass(frozen=True)
class State:
    """One state: its name, the place of its name in the file, and its fields."""

    name: str
    place: Place
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Scope:
    """One machine, or one inside a Map or Parallel state; states go on only to those of their own scope."""

    place: Place
    start: Any
    states: tuple[State, ...]


def scopes(machine: Any, place: Place = ()) -> Iterator[Scope]:
    """Yield a machine and every machine inside it, outer ones first."""
    fields = mapping(machine)
    states = tuple(
        State(str(name), (*place, "States", name), mapping(state))
        for name, state in mapping(fields.get("States")).items()
    )
    yield Scope(place, fields.get("StartAt"), states)
    for state in states:
        for where, inner in _inside(state):
            yield from scopes(inner, where)


def states(machine: Any) -> Iterator[State]:
    """Yield the states of all scopes."""
    for scope in scopes(machine):
        yield from scope.states


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def _inside(state: State) -> Iterator[tuple[Place, Any]]:
    """Yield the machines inside a Map or Parallel state; Iterator is the old name of ItemProcessor."""
    for name in ("ItemProcessor", "Iterator"):
        if isinstance(state.fields.get(name), Mapping):
            yield (*state.place, name), state.fields[name]
    for index, branch in enumerate(items(state.fields.get("Branches"))):
        yield (*state.place, "Branches", index), branch
