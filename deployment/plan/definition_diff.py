"""What a deployment would do to the state machines, found out before the stack is brought up to date.

The part of `plan` after the stack's changes are known. The definition is rendered by the code that a deployment uses, from
the outputs that the stack will have; what AWS only names while it deploys (a new version's number) reads `(new)`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deployment.aws.installation import Installation
from deployment.build import template
from deployment.cloudformation.changes import Change
from deployment.project.front_matter import FunctionSpec
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec
from deployment.project.yaml_writing import plain_yaml
from deployment.step_functions import listing, state_machines
from deployment.step_functions.listing import Machine
from deployment.text import unified_diff

NEW = "(new)"
"""In place of what AWS will only then assign."""


@dataclass(frozen=True)
class MachinePlan:
    """What becomes of one file of `state_machines/`; `action` is "create", "none", or "retire" where there is no file any more.

    `newest` is the present machine. `diff` is from its definition to the wanted one, without the versions of functions;
    `versions` has those that change, as (function, version now, version then); `role_changes` is for a new role.
    """

    name: str
    action: str
    newest: str | None = None
    diff: str = ""
    versions: tuple[tuple[str, str, str], ...] = ()
    role_changes: bool = False


def plan_machines(
    installation: Installation,
    specs: Iterable[MachineSpec],
    functions: Iterable[FunctionSpec],
    outputs: Mapping[str, str],
) -> tuple[MachinePlan, ...]:
    """Return what becomes of every state machine when the stack has these outputs; nothing is changed."""
    rendered = state_machines.render_all(installation, specs, functions, outputs)
    role = outputs["StateMachineRoleArn"]
    return tuple(_plan_machine(installation, spec, definition, role) for spec, definition in rendered)


def retired_machines(installation: Installation, names: Iterable[str]) -> tuple[MachinePlan, ...]:
    """Return the plan for names that were deployed and have no file any more: their newest machine is no longer current."""
    found = ((name, listing.newest(installation, name)) for name in sorted(names))
    return tuple(MachinePlan(name, "retire", machine.name) for name, machine in found if machine)


def expected_outputs(
    installation: Installation,
    functions: Iterable[FunctionSpec],
    wanted: Mapping[str, Any],
    present: Mapping[str, str],
    changes: Iterable[Change],
) -> dict[str, str]:
    """Return the outputs that the stack will have: its present ones, but for what is created or replaced."""
    made = {change.logical_id for change in changes if change.action == "Add" or change.replacement == "True"}
    arn = f"arn:{installation.partition}:lambda:{installation.region}:{installation.account_id}:function"
    names = {
        f"{function.logical_id}Version": f"{arn}:{template.function_name(function, installation.settings)}:{NEW}"
        for function in functions
    }
    return {
        name: names.get(name, NEW) if made & _referenced_ids(output) or name not in present else present[name]
        for name, output in wanted["Outputs"].items()
    }


def readable_yaml(definition: Any, settings: Settings) -> tuple[str, dict[str, str]]:
    """Return a definition as YAML that names Lambdas as its file does, and the versions of the Lambdas."""
    arn = re.compile(
        rf"arn:[\w-]+:lambda:[\w-]+:\d{{12}}:function:{re.escape(settings.stack_name)}-([\w-]+):(\S+)"
    )
    versions: dict[str, str] = {}

    def short(found: re.Match[str]) -> str:
        name = found[1].replace("-", "_")
        versions[name] = found[2]
        return name

    text = plain_yaml(definition, width=10_000, allow_unicode=True)
    return arn.sub(short, text), versions


def _plan_machine(
    installation: Installation, spec: MachineSpec, definition: Mapping[str, Any], role: str
) -> MachinePlan:
    client = installation.step_functions
    current = listing.newest(installation, spec.name)
    if current is None:
        return MachinePlan(spec.name, "create")
    if state_machines.is_current(client, current, state_machines.wanted_fingerprint(spec, definition, role)):
        return MachinePlan(spec.name, "none", current.name)
    described = client.describe_state_machine(stateMachineArn=current.arn)
    return _compare(installation.settings, spec, definition, current, described, role)


def _compare(
    settings: Settings,
    spec: MachineSpec,
    definition: Mapping[str, Any],
    current: Machine,
    described: Mapping[str, Any],
    role: str,
) -> MachinePlan:
    old_text, old = readable_yaml(json.loads(described["definition"]), settings)
    new_text, new = readable_yaml(definition, settings)
    versions = tuple((name, old[name], new[name]) for name in new if name in old and old[name] != new[name])
    diff = unified_diff(old_text, new_text, current.name, f"{spec.name} (new)")
    return MachinePlan(spec.name, "create", current.name, diff, versions, described["roleArn"] != role)


def _referenced_ids(output: Any) -> set[str]:
    """Return the logical ids that an output of our template stands for."""
    value = output["Value"]
    if isinstance(value, str):
        return set()
    attribute = value.get("Fn::GetAtt")
    return {value["Ref"]} if "Ref" in value else {attribute[0]} if attribute else set()
