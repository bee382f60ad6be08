"""Renders a state machine: the ARNs of Lambda versions for their file names, values for `${placeholders}`.

Stands between `definitions`, which reads the files, and `machines`, which creates what comes out of here. Pure.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deployment.definitions import MachineSpec, lambda_of, states_of
from deployment.errors import Problem, StateMachineError

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


def render(
    spec: MachineSpec, function_versions: Mapping[str, str], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the definition with ARNs for Lambdas and values for placeholders.

    `function_versions` maps a Lambda's file name to the ARN of its published version. A text that is one placeholder and
    nothing else becomes the value itself, so numbers and null keep their type; inside a longer text it becomes text.
    Raises StateMachineError naming every Lambda and every placeholder that is not known.
    """
    problems = [*_unknown_lambdas(spec, function_versions), *_unknown_placeholders(spec, values)]
    if problems:
        raise StateMachineError("\n".join(str(problem) for problem in problems))
    filled: dict[str, Any] = _filled(_bound(spec.definition, function_versions), values)
    return filled


def _unknown_lambdas(spec: MachineSpec, versions: Mapping[str, str]) -> Iterator[Problem]:
    for name, state in states_of(spec.definition):
        called = lambda_of(state)
        if called is not None and called not in versions:
            message = f"the state {name} calls the Lambda {called}, which is not in lambda_functions/."
            yield Problem(spec.where, spec.state_lines.get(name), message + _choices(called, versions, "{}"))


def _unknown_placeholders(spec: MachineSpec, values: Mapping[str, Any]) -> Iterator[Problem]:
    for state, name in dict.fromkeys(_placeholders(spec.definition)):
        if name not in values:
            user = f"the state {state}" if state else "the state machine"
            message = f"{user} uses ${{{name}}}, which has no value."
            message += _choices(name, values, "${{{}}}")
            yield Problem(spec.where, spec.state_lines.get(state), message)


def _choices(found: str, known: Iterable[str], written: str) -> str:
    """Return the nearest of the known names, then all of them."""
    names = sorted(known)
    nearest = difflib.get_close_matches(found, names, n=1)
    guess = f" Did you mean {written.format(nearest[0])}?" if nearest else ""
    return f"{guess} Known: {', '.join(written.format(name) for name in names) or 'none'}."


def _placeholders(value: Any, state: str = "") -> Iterator[tuple[str, str]]:
    """Yield the state and the name of every placeholder under a value."""
    if isinstance(value, str):
        yield from ((state, name) for name in _PLACEHOLDER.findall(value))
    elif isinstance(value, list):
        for item in value:
            yield from _placeholders(item, state)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key == "States" and isinstance(item, Mapping):
                for name, fields in item.items():
                    yield from _placeholders(fields, name)
            else:
                yield from _placeholders(item, state)


def _bound(machine: Any, versions: Mapping[str, str]) -> Any:
    """Return a machine whose Tasks name the ARNs of Lambda versions, at every depth.

    Only where a state can stand is looked at: a `Resource` inside Parameters is somebody's data.
    """
    if not isinstance(machine, Mapping) or not isinstance(machine.get("States"), Mapping):
        return machine
    states = {name: _bound_state(state, versions) for name, state in machine["States"].items()}
    return {**machine, "States": states}


def _bound_state(state: Any, versions: Mapping[str, str]) -> Any:
    if not isinstance(state, Mapping):
        return state
    bound = dict(state)
    called = lambda_of(state)
    if called is not None:
        bound["Resource"] = versions[called]
    for field_name in {"ItemProcessor", "Iterator"} & bound.keys():
        bound[field_name] = _bound(bound[field_name], versions)
    if isinstance(bound.get("Branches"), list):
        bound["Branches"] = [_bound(branch, versions) for branch in bound["Branches"]]
    return bound


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole:
        return values[whole[1]]
    return _PLACEHOLDER.sub(lambda match: _as_text(values[match[1]]), value)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
