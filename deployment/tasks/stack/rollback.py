"""`fab rollback`: makes an older state machine the current one again, as a new machine with the older definition.

Nothing is deleted, and the stack stays as it is: an older definition calls the function versions that it was made with.
So it is refused when one of them, its role or its work bucket is gone. The next `fab` finds that the newest machine does
not have the definition of the folder, and creates one that has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws import account
from deployment.aws.errors import is_missing
from deployment.aws.installation import Installation
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ConfigurationError, StateMachineError
from deployment.project.states_language import MachineSpec, states
from deployment.schedules import steps as schedule_steps
from deployment.step_functions import inventory, state_machines
from deployment.step_functions.inventory import DeployedMachine, base_names
from deployment.step_functions.listing import Machine
from deployment.text import did_you_mean


def rollback(installation: Installation, to: str | None, console: Console) -> Machine:
    """Create a machine with the definition and role of an older one, and return it.

    `to` is that one's name, or a name without timestamp for the newest of that name that differs from the current; None does
    where all machines have one name. Raises ConfigurationError when there is no such
    machine, StateMachineError when what it needs is gone.
    """
    console.step(installation.full_place)
    outputs = lookup.outputs_of(lookup.find(installation))
    found = inventory.read(installation, lookup.machine_names(outputs))
    target = choose_target([machine for machine in found if not machine.is_deleting], to)
    definition = json.loads(target.definition or "{}")
    missing = list(_find_missing(installation, target, definition))
    if missing:
        listed = "\n".join(f"  {what}" for what in missing)
        raise StateMachineError(
            f"{target.name} can no longer be started, so it cannot be the current one again. This is gone:\n{listed}\n"
            "Choose another one of `fab versions`, or deploy the older sources with `fab`."
        )
    spec = MachineSpec(target.base, Path("state_machines", target.name), definition)
    role = str(target.role_arn)
    made = state_machines.create_if_changed(installation, spec, definition, role, console)
    repointed = schedule_steps.repoint(installation, outputs, made)
    console.say(_result_text(target, made))
    if repointed:
        names = [f"{one.name} (paused)" if one.is_paused else one.name for one in repointed]
        console.say(f"Schedules that start it now: {', '.join(names)}")
    return made


def choose_target(machines: Sequence[DeployedMachine], to: str | None) -> DeployedMachine:
    """Return the machine to go back to; raise ConfigurationError when there is none, or more than one kind of them."""
    if not machines:
        raise ConfigurationError("No state machine is deployed. Run `fab` to deploy it.")
    if to in base_names(machines):
        target = _find_previous([machine for machine in machines if machine.base == to])
    else:
        target = _find_named(machines, to) if to else _find_previous(machines)
    if target.is_retired:
        raise ConfigurationError(
            f"{target.name} cannot be the current one again: no file has the name {target.base} any more. Deploy the older "
            "sources with `fab`, or choose another one of `fab versions`."
        )
    if target.is_current:
        raise ConfigurationError(f"{target.name} is the current one already.")
    if target.definition is None:
        raise ConfigurationError(f"{target.name} cannot be read: {target.problem}")
    return target


def buckets_of(definition: Mapping[str, Any]) -> list[str]:
    """Return the buckets that a definition reads from or writes to by itself: those of its Distributed Maps."""
    parts = [
        state.fields.get(name, {}) for state in states(definition) for name in ("ItemReader", "ResultWriter")
    ]
    buckets = [part.get("Parameters", {}).get("Bucket") for part in parts if isinstance(part, Mapping)]
    return sorted({bucket for bucket in buckets if isinstance(bucket, str)})


def _find_named(machines: Sequence[DeployedMachine], name: str) -> DeployedMachine:
    names = [machine.name for machine in machines]
    if name in names:
        return machines[names.index(name)]
    raise ConfigurationError(
        f"--to is {name!r}: there is no such state machine.{did_you_mean(name, names)} `fab versions` lists them."
    )


def _find_previous(machines: Sequence[DeployedMachine]) -> DeployedMachine:
    """Return the newest machine that differs from the current one."""
    machines = [machine for machine in machines if not machine.is_retired]
    bases = base_names(machines)
    if len(bases) > 1:
        raise ConfigurationError(
            f"There are machines of {', '.join(bases)}. Say which one is meant, such as: fab rollback --to {bases[0]}"
        )
    current = next((machine for machine in machines if machine.is_current), None)
    if current is None:
        raise ConfigurationError(
            "There is nothing to go back to: every state machine that is left is of a file that was renamed or removed. "
            "Run `fab` to deploy this folder."
        )
    older = (
        machine
        for machine in machines
        if machine.definition is not None and _content(machine) != _content(current)
    )
    target = next((machine for machine in older if not machine.is_current), None)
    if target is None:
        raise ConfigurationError(
            f"There is nothing to go back to: no other state machine differs from {current.name}. Schedules, notices, "
            "permissions and settings do not go back this way: check out the older sources and run `fab`."
        )
    return target


def _content(machine: DeployedMachine) -> object:
    return machine.definition and json.loads(machine.definition), machine.role_arn


def _find_missing(
    installation: Installation, target: DeployedMachine, definition: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what the machine needs and what is gone. What cannot be asked raises: unknown is not absent, nor present."""
    functions, iam, s3 = (installation.client(service) for service in ("lambda", "iam", "s3"))
    for called in inventory.functions_called(target.definition or ""):
        if _is_gone(functions.get_function_configuration, FunctionName=called.address):
            yield f"{_kind(called.qualifier)} {called.name}"
    role = str(target.role_arn).rpartition("/")[2]
    if _is_gone(iam.get_role, RoleName=role):
        yield f"role {role}"
    for bucket in buckets_of(definition):
        if _is_gone(s3.head_bucket, Bucket=bucket, ExpectedBucketOwner=installation.account_id):
            yield f"work bucket {bucket}"


def _kind(qualifier: str) -> str:
    return "function version" if qualifier.isdecimal() else "function alias" if qualifier else "function"


def _is_gone(ask: Callable[..., Any], **request: str) -> bool:
    """Whether AWS says that something does not exist; any other refusal is raised."""
    try:
        ask(**request)
    except ClientError as error:
        if is_missing(error):
            return True
        raise
    return False


def _result_text(target: DeployedMachine, made: Machine) -> str:
    """Return what has happened and what happens next."""
    if not made.created:
        return f"Nothing to do: {made.name} is current and has the definition of {target.name}."
    return (
        f"{made.name} created, with the definition of {target.name}.\n"
        f"  {account.state_machine_link(made.arn)}\n"
        "It is the current one now. Executions that are running continue with what they were started with.\n"
        "The stack is not rolled back: schedules, notices, permissions and settings are those of the last `fab`. To have older "
        "ones, check out the older sources and run `fab`.\n"
        "The next `fab` makes the code of this folder current again."
    )
