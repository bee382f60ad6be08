"""Which integration of a state machine has no right for it: a note, as the other side may allow it too.

`check` calls it. A machine that calls a service which its role does not name is deployed, and fails with AccessDenied where it
gets there, unless a policy of the resource itself lets the role in.
https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployment.checks.integrations import integration_of, needed_actions
from deployment.project.states_language import MachineSpec, State, items, lambda_of, mapping, states
from deployment.project.yaml_reading import Place

_FUNCTION = re.compile(r"arn:[^:]*:lambda:.*")
_WORK_BUCKET = "${WorkBucket}"


def findings(
    machine: MachineSpec, rendered: Mapping[str, Any], machines: Sequence[MachineSpec]
) -> Iterator[tuple[Place, str]]:
    """Yield place and sentence of everything that a machine calls and nothing allows.

    `machines` are all that share the role; `rendered` is this one with its placeholders filled.
    """
    listed = [policy for one in machines for policy in _policies(one)]
    if any(not _is_readable(policy) for policy in listed):
        return  # a managed policy, whose statements only AWS knows
    allowed = [action for policy in listed for action in _allowed(policy)]
    written = {state.place: state for state in states(machine.definition)}
    for state in states(rendered):
        for place, name, needed in _calls(state, written.get(state.place, state)):
            missing = [action for action in needed if not _is_allowed(action, allowed)]
            if missing:
                message = f"the state {state.name} calls {name}, which needs {', '.join(missing)}"
                yield (*state.place, *place), f"{message}: name it in the Policies of the file's front matter"


def _calls(state: State, written: State) -> Iterator[tuple[Place, str, tuple[str, ...]]]:
    """Yield the place, the name and the needed actions of what a state calls beside its Lambdas and the work bucket."""
    fields = state.fields
    resource = fields.get("Resource")
    if fields.get("Type") == "Task" and "Credentials" not in fields and lambda_of(written.fields) is None:
        found = integration_of(resource)
        if found:
            yield ("Resource",), found.name + found.pattern, needed_actions(found)
        elif isinstance(resource, str) and _FUNCTION.fullmatch(resource):
            yield ("Resource",), resource, ("lambda:InvokeFunction",)
    for name, actions in (
        ("ItemReader", {"s3:getObject": "s3:GetObject", "s3:listObjectsV2": "s3:ListBucket"}),
        ("ResultWriter", {"s3:putObject": "s3:PutObject"}),
    ):
        found = integration_of(mapping(fields.get(name)).get("Resource"))
        given = mapping(mapping(written.fields.get(name)).get("Parameters", {}))
        is_ours = given.get("Bucket") == _WORK_BUCKET and not (found and found.action == "listObjectsV2")
        if found and found.name in actions and not is_ours:
            yield (name, "Resource"), f"{found.name} in its {name}", (actions[found.name],)


def _policies(machine: MachineSpec) -> list[Any]:
    given = machine.properties.get("Policies", [])
    return given if isinstance(given, list) else [given]


def _is_readable(policy: Any) -> bool:
    return isinstance(policy, Mapping) and bool(policy.keys() & {"Effect", "Statement"})


def _allowed(policy: Mapping[str, Any]) -> Iterator[str]:
    statement = policy.get("Statement", policy)
    for entry in items(statement) or [statement]:
        if mapping(entry).get("Effect") == "Allow":
            actions = mapping(entry).get("Action", "*")  # NotAction allows nearly everything
            yield from (action for action in items(actions) or [actions] if isinstance(action, str))


def _is_allowed(action: str, allowed: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in allowed)
