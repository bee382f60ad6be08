"""Where the states of a machine lead: to states that are there, every one reached, and an end at last.

`statelint` calls it. statelint sees the first of this too, but says it less well, takes two states that go on to
each other for reached, and names every state behind a mistyped `Next`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deployment.project.states_language import Scope, State, items, mapping, scopes
from deployment.project.yaml_reading import Place
from deployment.text import did_you_mean, nearest_name

Finding = tuple[Place, str]

_LAST_TYPES = ("Succeed", "Fail")
_TYPES = ("Choice", "Map", "Parallel", "Pass", "Task", "Wait", *_LAST_TYPES)


def findings(machine: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the place and the sentence of every transition, state and end that is not as it must be."""
    everywhere = {state.name for scope in scopes(machine) for state in scope.states}
    for scope in scopes(machine):
        if scope.states:
            yield from _scope_findings(scope, everywhere)
        elif scope.has_no_states:  # of any other kind of States statelint tells
            yield (*scope.place, "States"), "there are no States: expected at least one"


def _scope_findings(scope: Scope, everywhere: set[str]) -> Iterator[Finding]:
    names = {state.name for state in scope.states}
    broken = [
        (place, user, target)
        for place, user, target in _transitions(scope)
        if not _is_state_name(target, names)
    ]
    yield from (
        (place, _dangling_sentence(user, target, names, everywhere)) for place, user, target in broken
    )
    reached = _reachable(scope, names)
    if scope.start is not None:  # else statelint says so
        for state in scope.states:
            if state.name not in reached:
                yield state.place, f"the state {state.name} is never reached: no way from StartAt leads to it"
    if not broken and not any(_is_last(state) for state in scope.states if state.name in reached):
        end = "expected End: true, or a state of the type Succeed or Fail"
        yield (*scope.place, "States"), f"no state is the last one, so it would never end: {end}"


def _transitions(scope: Scope) -> Iterator[tuple[Place, str, Any]]:
    """Yield the place, the user and the target of everything that names a state."""
    if scope.start is not None:
        yield (*scope.place, "StartAt"), "StartAt", scope.start
    for state in scope.states:
        for way, target in _targets(state):
            yield (*state.place, *way), f"the state {state.name}", target


def _targets(state: State) -> Iterator[tuple[Place, Any]]:
    for name in ("Next", "Default"):
        if name in state.fields:
            yield (name,), state.fields[name]
    for name in ("Choices", "Catch"):
        for index, entry in enumerate(items(state.fields.get(name))):
            if "Next" in mapping(entry):
                yield (name, index, "Next"), entry["Next"]


def _dangling_sentence(user: str, target: Any, names: set[str], everywhere: set[str]) -> str:
    found = f"{user} leads to {target}, which is not a state"
    guess = did_you_mean(str(target), sorted(names))
    if guess:
        return f"{found}.{guess}"
    if _is_state_name(target, everywhere):
        return f"{found} beside it: a state can only lead to one of its own level"
    return f"{found}: expected one of {', '.join(sorted(names))}"


def _reachable(scope: Scope, names: set[str]) -> set[str]:
    """The states on a way from the first; a mistyped name counts as the one that was meant, so as not to blame it twice."""
    ways: dict[str, set[str]] = {}
    for state in scope.states:
        meant = (_resolve_target(target, names) for _, target in _targets(state))
        ways[state.name] = {name for name in meant if name}
    first = _resolve_target(scope.start, names)
    reached: set[str] = set()
    waiting = {first} if first else set(names)
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= ways[name] - reached
    return reached


def _resolve_target(target: Any, names: set[str]) -> str | None:
    return str(target) if _is_state_name(target, names) else nearest_name(str(target), sorted(names))


def _is_state_name(target: Any, names: set[str]) -> bool:
    return isinstance(target, str) and target in names


def _is_last(state: State) -> bool:
    """Whether a machine may end here; a mistyped type, of which statelint tells, may have been meant to."""
    kind = state.fields.get("Type")
    return state.fields.get("End") is True or kind in _LAST_TYPES or kind not in _TYPES
