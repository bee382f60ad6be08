"""Renders a state machine: the ARNs of Lambda versions for their file names, values for `${placeholders}`.

Stands between `states_language`, which reads the files, and `state_machines`, which creates what comes out
of here. Pure, but that the line of a mistake is looked up in its file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from deployment.errors import Problem, StateMachineError
from deployment.project import placeholders
from deployment.project.front_matter import FunctionSpec
from deployment.project.function_properties import is_intrinsic
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec, lambda_of, states
from deployment.project.yaml_reading import Place, line_of
from deployment.text import did_you_mean

MAX_DEFAULT_CONCURRENCY = 40
"""The share of an account that a sync takes unasked; MAX_CONCURRENCY and the input's `maxConcurrency` can say more."""

BUILT_IN = frozenset({"WorkBucket", "Partition", "MaxConcurrency", "MaxDelete", "RunRetentionDays"})
"""The placeholders that every state machine has."""

_ANY_FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function"


def placeholder_values(
    settings: Settings,
    work_bucket: str,
    partition: str,
    default_concurrency: Callable[[], int] = lambda: MAX_DEFAULT_CONCURRENCY,
) -> dict[str, Any]:
    """Return what `${...}` may stand for in a state machine. A new placeholder is a line here.

    `default_concurrency` is asked where the settings say nothing: AWS has to be asked for the account's own.
    """
    return {
        "WorkBucket": work_bucket,
        "Partition": partition,
        "MaxConcurrency": settings.max_concurrency or default_concurrency(),
        "MaxDelete": settings.max_delete,
        "RunRetentionDays": settings.run_retention_days,
    }


def render(
    spec: MachineSpec, function_versions: Mapping[str, str], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the definition with ARNs for Lambdas and values for placeholders.

    `function_versions` maps a Lambda's file name to the ARN of its published version. A text that is one placeholder and
    nothing else becomes the value itself, so numbers and null keep their type; inside a longer text it becomes text.
    The file's own substitutions are added; one that CloudFormation computes stays as written unless `values` has it.
    Raises StateMachineError naming every Lambda and every placeholder that is not known.
    """
    found = list(mistakes(spec, function_versions, values))
    if found:
        problems = [Problem(spec.where, _line(spec, place), message) for place, message in found]
        raise StateMachineError("\n".join(str(problem) for problem in problems))
    return _fill(spec, function_versions, values)


def mistakes(
    spec: MachineSpec, functions: Iterable[str], values: Iterable[str]
) -> Iterator[tuple[Place, str]]:
    """Yield the place and the sentence of every Lambda and every placeholder that is not known, or is defined twice."""
    own, given = substitutions(spec), set(values)
    for name in sorted(own.keys() & BUILT_IN):
        yield (
            ("DefinitionSubstitutions", name),
            f"{name} is a placeholder of the deployment already; rename it",
        )
    yield from _unknown_lambdas(spec, set(functions))
    yield from _unknown_placeholders(spec, given | own.keys())


def substitutions(spec: MachineSpec) -> dict[str, Any]:
    """Return the placeholders that a file defines for itself."""
    return dict(spec.properties.get("DefinitionSubstitutions", {}))


def computed_substitutions(spec: MachineSpec) -> dict[str, Any]:
    """Return those of them that CloudFormation computes: they are outputs of the stack."""
    return {name: value for name, value in substitutions(spec).items() if is_intrinsic(value)}


def render_with_placeholders(spec: MachineSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition as `render` would, with made-up ARNs and with unknown placeholders as written.

    For checks, which go on in spite of mistakes.
    """
    called = {lambda_of(state.fields) for state in states(spec.definition)} - {None}
    versions = {str(name): f"{_ANY_FUNCTION}:{name}:1" for name in called}
    return _fill(spec, versions, values)


def _fill(spec: MachineSpec, versions: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in substitutions(spec).items() if not is_intrinsic(value)}
    filled: dict[str, Any] = placeholders.fill(_bind_lambdas(spec.definition, versions), {**own, **values})
    return filled


def _unknown_lambdas(spec: MachineSpec, known: set[str]) -> Iterator[tuple[Place, str]]:
    for state in states(spec.definition):
        resource, called = state.fields.get("Resource"), lambda_of(state.fields)
        if called is not None and called not in known:
            message = f"the state {state.name} calls the Lambda {called}, which is not in lambda_functions/."
            yield (*state.place, "Resource"), message + _suggestions(PurePath(called).stem, known, "{}")
        elif called is None and isinstance(resource, str) and not resource.startswith(("arn:", "${")):
            expected = "expected an ARN, or the name of a file in lambda_functions/ without .py"
            yield (*state.place, "Resource"), f"the state {state.name} has Resource: {resource}: {expected}"


def _unknown_placeholders(spec: MachineSpec, known: set[str]) -> Iterator[tuple[Place, str]]:
    state_names = {state.place: state.name for state in states(spec.definition)}
    said: set[tuple[str, str]] = set()
    for place, name, _ in placeholders.find(spec.definition):
        ways = (place[:length] for length in range(len(place), 0, -1))
        state = next((state_names[way] for way in ways if way in state_names), "")
        if name not in known and (state, name) not in said:
            said.add((state, name))
            user = f"the state {state}" if state else "the state machine"
            yield place, f"{user} uses ${{{name}}}, which has no value.{_suggestions(name, known, '${{{}}}')}"


def _line(spec: MachineSpec, place: Place) -> int | None:
    """The line of a place; where the file is not at hand, that of its state."""
    of_states = (spec.state_lines.get(str(part)) for part in reversed(place))
    return line_of(place, spec.places) or next((line for line in of_states if line), None)


def _suggestions(found: str, known: Iterable[str], written: str) -> str:
    """Return the nearest of the known names, then all of them."""
    names = sorted(known)
    return f"{did_you_mean(found, names, written)} Known: {', '.join(written.format(name) for name in names) or 'none'}."


def _bind_lambdas(machine: Any, versions: Mapping[str, str]) -> Any:
    """Return a machine whose Tasks name the ARNs of Lambda versions, at every depth.

    Only where a state can stand is looked at: a `Resource` inside Parameters is somebody's data.
    """
    if not isinstance(machine, Mapping) or not isinstance(machine.get("States"), Mapping):
        return machine
    states = {name: _bind_state(state, versions) for name, state in machine["States"].items()}
    return {**machine, "States": states}


def _bind_state(state: Any, versions: Mapping[str, str]) -> Any:
    if not isinstance(state, Mapping):
        return state
    bound = dict(state)
    called = lambda_of(state)
    if called is not None:
        bound["Resource"] = versions[called]
    for field_name in {"ItemProcessor", "Iterator"} & bound.keys():
        bound[field_name] = _bind_lambdas(bound[field_name], versions)
    if isinstance(bound.get("Branches"), list):
        bound["Branches"] = [_bind_lambdas(branch, versions) for branch in bound["Branches"]]
    return bound


def check_rendering(specs: Iterable[MachineSpec], functions: Iterable[FunctionSpec]) -> None:
    """Raise StateMachineError now, before anything is deployed, for what rendering would find after the deployment."""
    names = {function.name: "" for function in functions}
    problems = []
    for spec in specs:
        try:
            render(spec, names, placeholder_values(Settings(), "", ""))
        except StateMachineError as error:
            problems.append(str(error))
    if problems:
        raise StateMachineError("\n".join(problems))


def fingerprint(
    definition: Mapping[str, Any], role_arn: str, own_tags: Mapping[str, str] | None = None
) -> str:
    """Return 16 hex digits that change when the definition, the role or the tags of a machine's own file do."""
    text = json.dumps([definition, role_arn, *([own_tags] if own_tags else [])], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
