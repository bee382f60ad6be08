"""The state machines in the account: creates them under a timestamp, and deletes them.

The last step of a deployment, through the Step Functions API and not the stack: CloudFormation would replace a machine,
and deleting one ends its running executions. A machine is never changed. A new one appears beside it when its
definition or role has changed, bound to published Lambda versions, so a running execution never meets new code.

Finding ours is done in `listing`, reading and rendering the files in `states_language` and `definitions`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from deployment.aws.errors import error_code, error_message
from deployment.aws.installation import Installation
from deployment.build.definitions import (
    MAX_DEFAULT_CONCURRENCY,
    computed_substitutions,
    fingerprint,
    placeholder_values,
    render,
)
from deployment.build.machine_role import output_name
from deployment.build.template import texts
from deployment.console import Console
from deployment.errors import StateMachineError
from deployment.project.front_matter import FunctionSpec
from deployment.project.states_language import MachineSpec
from deployment.project.tags import DEFINITION_TAG
from deployment.step_functions.listing import (
    TIMESTAMP,
    Machine,
    base_and_moment,
    newest,
    running,
)

ROLE_TIMEOUT_SECONDS = 90
"""How long a new IAM role may take to be known everywhere; usually ten seconds, sometimes more than sixty."""
ROLE_RETRY_SECONDS = 5


_NAME_IS_TAKEN = ("StateMachineAlreadyExists", "StateMachineDeleting")


def create_all(
    installation: Installation,
    specs: Iterable[MachineSpec],
    functions: Iterable[FunctionSpec],
    outputs: Mapping[str, str],
    console: Console,
) -> tuple[Machine, ...]:
    """Return the current machine of every spec, created where something has changed; `outputs` are those of the stack."""
    rendered = render_all(installation, specs, functions, outputs)
    role = outputs["StateMachineRoleArn"]
    return tuple(
        create_if_changed(installation, spec, definition, role, console) for spec, definition in rendered
    )


def render_all(
    installation: Installation,
    specs: Iterable[MachineSpec],
    functions: Iterable[FunctionSpec],
    outputs: Mapping[str, str],
) -> tuple[tuple[MachineSpec, dict[str, Any]], ...]:
    """Return every spec with the definition that these outputs of the stack make of it."""
    versions = {function.name: outputs[f"{function.logical_id}Version"] for function in functions}
    values = values_from_outputs(installation, outputs)
    return tuple((spec, render(spec, versions, values | _computed(spec, outputs))) for spec in specs)


def create_if_changed(
    installation: Installation,
    spec: MachineSpec,
    definition: Mapping[str, Any],
    role_arn: str,
    console: Console,
) -> Machine:
    """Return the newest machine if it has this definition and role, else a new one.

    Raises StateMachineError when AWS refuses the definition, or cannot assume the role even after 90 seconds.
    """
    client = installation.step_functions
    wanted = wanted_fingerprint(spec, definition, role_arn)
    current = newest(installation, spec.name)
    if current and is_current(client, current, wanted):
        return current
    tags = own_tags(spec) | installation.tags | {DEFINITION_TAG: wanted}
    request = {
        "definition": json.dumps(definition),
        "roleArn": role_arn,
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }
    return _create(installation, spec, request, _free_moment(installation.clock.now(), current), console)


def wanted_fingerprint(spec: MachineSpec, definition: Mapping[str, Any], role_arn: str) -> str:
    """Return the fingerprint of the machine that this spec would become."""
    return fingerprint(definition, role_arn, own_tags(spec))


def own_tags(spec: MachineSpec) -> dict[str, str]:
    """Return the tags that the file of a machine asks for."""
    return texts(spec.properties.get("Tags", {}))


def delete_all(installation: Installation, machines: Iterable[Machine]) -> None:
    """Delete machines. Their executions would end at the next transition anyway; they are stopped, so that they say why."""
    client = installation.step_functions
    for machine in machines:
        for execution_arn in running(installation, [machine]):
            client.stop_execution(
                executionArn=execution_arn, error="Deleted", cause="`fab delete` removed the state machine."
            )
        client.delete_state_machine(stateMachineArn=machine.arn)


def default_concurrency(lambda_client: Any) -> int:
    """Return how many Lambdas a run may use when nobody has said so: half of the account's limit, from 1 to 40."""
    limit = lambda_client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    return int(max(1, min(MAX_DEFAULT_CONCURRENCY, limit // 2)))


def is_current(client: Any, machine: Machine, wanted: str) -> bool:
    """Whether `newest` has the wanted definition and will stay: one that is being deleted is still listed."""
    if machine.fingerprint != wanted:
        return False
    return bool(client.describe_state_machine(stateMachineArn=machine.arn)["status"] == "ACTIVE")


def values_from_outputs(installation: Installation, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of placeholders when the stack has these outputs."""
    return placeholder_values(
        installation.settings,
        outputs["WorkBucket"],
        installation.partition,
        lambda: default_concurrency(installation.client("lambda")),
    )


def _computed(spec: MachineSpec, outputs: Mapping[str, str]) -> dict[str, str]:
    """The spec's own substitutions that CloudFormation has computed."""
    computed = computed_substitutions(spec)
    return {name: outputs[output_name(spec.name, name, value)] for name, value in computed.items()}


def _free_moment(now: datetime, current: Machine | None) -> datetime:
    """Return the present second, or one after the current machine's: the new one must be the newest."""
    parts = base_and_moment(current.name) if current else None
    return max(now, parts[1] + timedelta(seconds=1)) if parts else now


def _create(
    installation: Installation,
    spec: MachineSpec,
    request: Mapping[str, Any],
    moment: datetime,
    console: Console,
) -> Machine:
    """Create a machine under the first free second, waiting for its role if need be."""
    waited_seconds = 0
    while True:
        name = f"{spec.name}-{moment:{TIMESTAMP}}"
        try:
            made = installation.step_functions.create_state_machine(name=name, **request)
            return Machine(name, made["stateMachineArn"], True, made["creationDate"])
        except ClientError as error:
            if error_code(error) in _NAME_IS_TAKEN:
                moment += timedelta(seconds=1)
                continue
            if not _role_is_not_ready(error) or waited_seconds >= ROLE_TIMEOUT_SECONDS:
                _raise_explained(error, spec, request["roleArn"])
                raise
        if not waited_seconds:
            console.step("Waiting until the new role of the state machine can be used.")
        installation.clock.sleep(ROLE_RETRY_SECONDS)
        waited_seconds += ROLE_RETRY_SECONDS


def _role_is_not_ready(error: ClientError) -> bool:
    """Whether Step Functions cannot assume the role (yet), which a new role causes for some seconds.

    A person who lacks a permission gets the same code, with "is not authorized to perform".
    """
    return error_code(error) == "AccessDeniedException" and "authorized to assume" in error_message(error)


def _raise_explained(error: ClientError, spec: MachineSpec, role_arn: str) -> None:
    """Raise StateMachineError for the refusals that have a better sentence than AWS's own."""
    message = error_message(error)
    if error_code(error) in ("InvalidDefinition", "ValidationException"):
        raise StateMachineError(f"{spec.where}: AWS refuses the definition: {message}") from error
    if _role_is_not_ready(error):
        raise StateMachineError(
            f"{spec.where}: Step Functions cannot assume the role {role_arn} even after {ROLE_TIMEOUT_SECONDS} "
            f"seconds: {message} Run `fab` again; if that does not help, check the role's trust policy."
        ) from error
