"""`fab template` and `fab definition`: what a deployment would send to AWS, as documents for other tools.

Offline. What only AWS knows is left for CloudFormation to fill: the account and the region in the name of the deployment
bucket as `Fn::Sub`; in a definition each Lambda as `${CopyKeys}`, its logical id, and the work bucket and the partition as
`${WorkBucket}` and `${Partition}`, as `DefinitionSubstitutions` of a state machine wants them. docs/other_tools.md shows
how.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deployment.aws.installation import Installation
from deployment.build import bundle, definitions, template
from deployment.cloudformation import lookup
from deployment.errors import ConfigurationError, StateMachineError
from deployment.project import front_matter, states_language
from deployment.project.front_matter import FunctionSpec
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec
from deployment.project.yaml_writing import plain_yaml
from deployment.step_functions import listing


def template_of(project: Path, settings: Settings) -> dict[str, Any]:
    """Return the template of a project, independent of account and region.

    It is the one that `fab` deploys, but for the deployment bucket's name. Raises FrontMatterError, StateMachineError.
    """
    specs = front_matter.read_all(project / "lambda_functions")
    machines = states_language.read_all(project / "state_machines")
    names = [machine.name for machine in machines]
    bucket = f"{settings.stack_name.lower()}-deployment-${{AWS::AccountId}}-${{AWS::Region}}"
    built = template.make(specs, bundle.make_all(specs, project), settings, bucket, names, machines)
    filled: dict[str, Any] = _substitute(built, bucket)
    return filled


def definition_of(project: Path, settings: Settings, name: str | None = None) -> dict[str, Any]:
    """Return the definition of one state machine, by its name without timestamp; the name may be left out if it is the only one.

    Raises ConfigurationError for an unknown name, FrontMatterError and StateMachineError for files that cannot be used.
    """
    functions = front_matter.read_all(project / "lambda_functions")
    spec = _choose(states_language.read_all(project / "state_machines"), name)
    values = definitions.placeholder_values(settings, "${WorkBucket}", "${Partition}")
    return definitions.render(spec, _lambdas(functions), values)


def deployed_definition(installation: Installation, project: Path, name: str | None = None) -> dict[str, Any]:
    """Return the definition of the newest machine of a name as it is in the account; raise StateMachineError without one."""
    spec = _choose(states_language.read_all(project / "state_machines"), name)
    deployed = lookup.deployed_names(installation)
    is_retired = deployed is not None and spec.name not in deployed
    newest = None if is_retired else listing.newest(installation, spec.name)
    if newest is None:
        raise StateMachineError(
            f"There is no state machine {spec.name} in {installation.place}. Run `fab` first."
        )
    described = installation.step_functions.describe_state_machine(stateMachineArn=newest.arn)
    definition: dict[str, Any] = json.loads(described["definition"])
    return definition


def as_yaml(value: Mapping[str, Any]) -> str:
    """Return a document as YAML that every parser reads alike: no short tags, no anchors, nothing beyond ASCII."""
    return plain_yaml(value, width=110).rstrip("\n")


def as_json(value: Mapping[str, Any]) -> str:
    """Return a document as JSON, in ASCII."""
    return json.dumps(value, indent=2)


def _substitute(value: Any, bucket: str) -> Any:
    """The template with `Fn::Sub` around every text that has the deployment bucket's name in it."""
    if isinstance(value, str) and bucket in value:
        # What is no name of CloudFormation's stays as it is, such as an IAM variable beside the bucket.
        return {"Fn::Sub": value.replace("${", "${!").replace(bucket.replace("${", "${!"), bucket)}
    if isinstance(value, list):
        return [_substitute(item, bucket) for item in value]
    if isinstance(value, dict):
        return {key: item if key == "Fn::Sub" else _substitute(item, bucket) for key, item in value.items()}
    return value


def _lambdas(functions: Sequence[FunctionSpec]) -> dict[str, str]:
    return {function.name: f"${{{function.logical_id}}}" for function in functions}


def _choose(specs: Sequence[MachineSpec], name: str | None) -> MachineSpec:
    names = [spec.name for spec in specs]
    if name is None and len(specs) == 1:
        return specs[0]
    if name not in names:
        found = "--name is missing" if name is None else f"--name is {name}"
        raise ConfigurationError(f"{found}: expected one of {', '.join(names)}")
    return specs[names.index(name)]
