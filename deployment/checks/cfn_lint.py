"""What is wrong with the template, said of the file and line that a person would edit.

`check` calls it. The template is judged as CloudFormation will see it, after SAM's transformation: only
then does cfn-lint look into the functions' policies, where a mistyped action or resource would otherwise
show at the first copy. The transformation is AWS's own, run here.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from deployment.build.machine_role import LOGICAL_ID, machine_of_policy
from deployment.checks.runtimes import REPORTED_HERE
from deployment.errors import Problem
from deployment.project.front_matter import FunctionSpec
from deployment.project.states_language import MachineSpec, items, mapping
from deployment.project.yaml_reading import Place, line_of

# Asked for by SAM for every role of a function; its ARN differs between partitions, which no check looks at.
_MANAGED_POLICIES = {
    "AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

# All that SAM needs of a function to make its role and its code.
_REQUIRED_PROPERTIES = ("Runtime", "Handler", "CodeUri")

Finding = tuple[list[str], str]


def problems(
    built: Mapping[str, Any],
    specs: Sequence[FunctionSpec],
    region: str,
    machines: Sequence[MachineSpec] = (),
) -> Iterator[Problem]:
    """Yield what SAM refuses in a template, and what cfn-lint finds in what SAM makes of the rest."""
    with _without_garbage_collection():
        plain, refusals = _transform(built, region)
        if refusals:  # once more without what was refused, or one function would hide the others
            plain, _ = _transform(_without_refused(built, refusals), region)
        findings = [*refusals, *(_lint(plain, region) if plain else ())]
    for path, message in findings:
        machine = _machine_of(path, plain, machines)
        if machine:
            place = _of_statement(path, machine, plain) or ("Policies",)
            yield Problem(machine.where, line_of(place, machine.places), message)
        else:
            yield _locate(path, message, specs, built, plain)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Leave garbage for a second: cfn-lint makes a million objects that all stay, and looking through them takes 0.4 s."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _transform(built: Mapping[str, Any], region: str) -> tuple[dict[str, Any], list[Finding]]:
    """Return the template in plain CloudFormation, and (path, message) of what SAM refuses."""
    import boto3
    from samtranslator.metrics.metrics import Metrics
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    metrics = Metrics()
    session = boto3.Session(region_name=region, botocore_session=_session_without_profile())
    translator = Translator(_MANAGED_POLICIES, Parser(), boto_session=session, metrics=metrics)
    try:
        return translator.translate(json.loads(json.dumps(built)), {}), []
    except InvalidDocumentException as error:
        return {}, [(_resource(cause), f"{cause.message} (SAM)") for cause in error.causes]
    finally:
        metrics.publish()  # to nobody; it would warn otherwise


def _session_without_profile() -> Any:
    """A session that asks the environment for no profile: the check is offline, and AWS_PROFILE may name none that exists."""
    import botocore.session

    return botocore.session.Session(session_vars={"profile": (None, None, None, None)})


def _resource(cause: Any) -> list[str]:
    logical_id = getattr(cause, "_logical_id", None)
    return ["Resources", logical_id] if logical_id else []


def _without_refused(built: Mapping[str, Any], refusals: Sequence[Finding]) -> dict[str, Any]:
    """The template with nothing but the least in every function that SAM refuses, or in one of whose events."""
    refused = [path[1] for path, _ in refusals if len(path) > 1]
    resources = {
        name: _minimal(resource)
        if resource["Type"] == "AWS::Serverless::Function"
        and any(logical_id.startswith(name) for logical_id in refused)
        else resource
        for name, resource in built["Resources"].items()
    }
    return {**built, "Resources": resources}


def _minimal(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {**resource, "Properties": {name: resource["Properties"][name] for name in _REQUIRED_PROPERTIES}}


def _lint(plain: Mapping[str, Any], region: str) -> Iterator[Finding]:
    """Yield (path in the template, message) for all that cfn-lint finds."""
    import cfnlint.api  # half a second, which only a check should take
    from cfnlint.config import ManualArgs

    # cfn-lint takes the two escapes of a character beyond U+FFFF for a mistake, so it gets the character.
    text = json.dumps(plain, ensure_ascii=False)
    for match in cfnlint.api.lint(text, config=ManualArgs(regions=[region])):
        if match.rule.id in REPORTED_HERE:
            continue
        path = [str(part) for part in match.path or ()]
        place = f"{'/'.join(path[3:])}: " if len(path) > 3 else ""
        yield path, f"{place}{match.message} (cfn-lint {match.rule.id})"


def _locate(
    path: Sequence[str],
    message: str,
    specs: Sequence[FunctionSpec],
    built: Mapping[str, Any],
    plain: Mapping[str, Any],
) -> Problem:
    """Where a person would look: the place in the front matter, else the one in the template."""
    spec = _owner(path, specs, built)
    if spec is None:
        return Problem("/".join(["the template", *path[:3]]), None, message)
    place = _in_front_matter(path, spec, plain) or _named_event(message, spec)
    return Problem(spec.source, line_of(place, spec.places), message)


def _machine_of(
    path: Sequence[str], plain: Mapping[str, Any], machines: Sequence[MachineSpec]
) -> MachineSpec | None:
    """The machine whose front matter a policy of the role comes from."""
    if list(path[:4]) != ["Resources", LOGICAL_ID, "Properties", "Policies"] or len(path) < 5:
        return None
    policy = plain["Resources"][LOGICAL_ID]["Properties"]["Policies"][int(path[4])]
    return machine_of_policy(policy["PolicyName"], machines)


def _owner(
    path: Sequence[str], specs: Sequence[FunctionSpec], built: Mapping[str, Any]
) -> FunctionSpec | None:
    """The function of a resource: its own, its role, or one that SAM has made for it, such as an event's rule."""
    logical_id = path[1] if len(path) > 1 and path[0] == "Resources" else ""
    made_by_sam = logical_id not in built["Resources"]
    owners = [
        spec
        for spec in specs
        if logical_id in (spec.logical_id, f"{spec.logical_id}Role")
        or (made_by_sam and logical_id.startswith(spec.logical_id))
    ]
    return max(owners, key=lambda spec: len(spec.logical_id), default=None)


def _in_front_matter(path: Sequence[str], spec: FunctionSpec, plain: Mapping[str, Any]) -> Place:
    if path[1] == f"{spec.logical_id}Role":
        return _of_statement(path, spec, plain) or _property_place(path[3:], spec)
    if path[1] == spec.logical_id:
        return _property_place(path[3:], spec)
    event = path[1].removeprefix(spec.logical_id)
    named = [name for name in mapping(spec.properties.get("Events")) if event.startswith(name)]
    return ("Events", max(named, key=len)) if named else ()


def _named_event(message: str, spec: FunctionSpec) -> Place:
    """The event that SAM names in a text such as "Event with id [Nightly] is invalid"."""
    events = mapping(spec.properties.get("Events"))
    return next((("Events", name) for name in re.findall(r"\[(\w+)\]", message) if name in events), ())


def _property_place(path: Sequence[str], spec: FunctionSpec) -> Place:
    """The place of a property that SAM may have given a longer name: Tracing becomes TracingConfig."""
    own = next((name for name in spec.properties for found in path[:1] if found.startswith(name)), None)
    return (own, *(int(part) if part.isdigit() else part for part in path[1:])) if own else ()


def _of_statement(path: Sequence[str], spec: FunctionSpec | MachineSpec, plain: Mapping[str, Any]) -> Place:
    """The place of a role's statement: found by what it says, as empty statements have been left out of the role."""
    if list(path[2:4]) != ["Properties", "Policies"] or len(path) < 8:
        return ()
    try:
        wanted = plain["Resources"][path[1]]["Properties"]["Policies"][int(path[4])]["PolicyDocument"]
        statement = wanted["Statement"]
        statement = statement[int(path[7])] if isinstance(statement, list) else statement
    except (KeyError, IndexError, ValueError, TypeError):
        return ()
    field = path[8:9] if isinstance(wanted["Statement"], list) else path[7:8]
    for place, own in _own_statements(spec):
        if all(own.get(name) == statement.get(name) for name in ("Sid", "Effect", "Action", "Condition")):
            return (*place, *field)
    return ()


def _own_statements(spec: FunctionSpec | MachineSpec) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    policies = spec.properties.get("Policies")
    listed = enumerate(policies) if isinstance(policies, list) else [(None, policies)]
    for index, policy in listed:
        place: Place = ("Policies",) if index is None else ("Policies", index)
        statements = mapping(policy).get("Statement", policy)
        if isinstance(statements, Mapping):
            yield ((*place, "Statement") if statements is not policy else place), statements
        for number, statement in enumerate(items(statements)):
            yield (*place, "Statement", number), mapping(statement)
