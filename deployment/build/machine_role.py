"""The role of the state machines, and what their front matter adds to the template.

All machines of a stack share one role. It allows what `policies` says of Lambdas and the work bucket, and besides what the
files' own `Policies` say, a policy a machine under its name. A substitution that CloudFormation computes is an output, from
which a deployment takes it when it creates the machine.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from deployment.build import definitions, policies
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec
from deployment.project.tags import tags_of, upper_case_list

LOGICAL_ID = "StateMachineRole"

# The name of an output has letters and digits only.
_UNNAMEABLE = re.compile(r"[^A-Za-z0-9]")


def resources(
    functions: Sequence[str],
    settings: Settings,
    machine_names: Sequence[str],
    machines: Sequence[MachineSpec],
    values: Mapping[str, list[Any] | str],
) -> dict[str, dict[str, Any]]:
    """Return the role; `functions` are logical ids, `values` what the placeholders of a front matter stand for."""
    base = {
        "PolicyName": "StateMachine",
        "PolicyDocument": policies.state_machine_policy(functions, machine_names),
    }
    own = {machine.name: own_policies(machine, values) for machine in machines}
    managed = [
        _managed_arn(policy) for listed in own.values() for policy in listed if not _is_document(policy)
    ]
    properties = {
        "Description": f"What the state machines of {settings.stack_name} may do",
        "AssumeRolePolicyDocument": policies.state_machine_trust(),
        "Policies": [base, *(policy for name, listed in own.items() for policy in _inline(name, listed))],
        **({"ManagedPolicyArns": managed} if managed else {}),
        "Tags": upper_case_list(tags_of(settings)),
        **policies.boundary(settings),
    }
    return {LOGICAL_ID: {"Type": "AWS::IAM::Role", "Properties": properties}}


def own_policies(machine: MachineSpec, values: Mapping[str, list[Any] | str]) -> list[Any]:
    """Return the filled `Policies` of a machine: documents, and names or ARNs of managed policies."""
    return [
        policy if _is_document(policy) or not _is_statement(policy) else policies.document([policy])
        for policy in policies.function_policies(machine.properties.get("Policies", []), values)
    ]


def outputs(machines: Sequence[MachineSpec]) -> dict[str, Any]:
    """Return the outputs for the substitutions that CloudFormation computes."""
    return {
        output_name(machine.name, name, value): {"Value": value}
        for machine in machines
        for name, value in definitions.computed_substitutions(machine).items()
    }


def output_name(machine: str, substitution: str, value: Any) -> str:
    """Return the output of a substitution, another one for every value, so that a plan knows which ones are new."""
    digest = hashlib.sha256(json.dumps([machine, substitution, value], sort_keys=True).encode()).hexdigest()
    return f"Substitution{_UNNAMEABLE.sub('', substitution)}{digest[:10]}"


def machine_of_policy(policy_name: str, machines: Sequence[MachineSpec]) -> MachineSpec | None:
    """Return the machine from whose front matter a policy of the role comes."""
    return next((machine for machine in machines if policy_name.startswith(f"{machine.name}-")), None)


def _inline(name: str, listed: Sequence[Any]) -> list[dict[str, Any]]:
    documents = [policy for policy in listed if _is_document(policy)]
    return [
        {"PolicyName": f"{name}-{number}", "PolicyDocument": policy}
        for number, policy in enumerate(documents)
    ]


def _is_document(policy: Any) -> bool:
    return isinstance(policy, Mapping) and "Statement" in policy


def _is_statement(policy: Any) -> bool:
    return isinstance(policy, Mapping) and "Effect" in policy


def _managed_arn(policy: Any) -> Any:
    """The ARN of a managed policy: given as such, computed by CloudFormation, or by the name that AWS gave it."""
    if not isinstance(policy, str) or policy.startswith("arn:"):
        return policy
    return policies.sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{policy}")
