"""Whether the functions and the state machines may do no more than they need.

`check` calls it. Statements are judged where they are written, in the front matter, as only there a `*` of a person can
be distinguished from the one that `${SourceObjects}` becomes when the settings name no bucket. That one is no mistake, but is
said. cfn-lint judges whether a statement is one at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from deployment.build.machine_role import machine_of_policy
from deployment.errors import Problem
from deployment.project.front_matter import FunctionSpec
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec, items, mapping
from deployment.project.yaml_reading import Place, line_of

# AWS's own policies that allow everything, or everything of a service.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
_TOO_BROAD_POLICIES = re.compile(r"(.*/)?(\w*FullAccess|AdministratorAccess|PowerUserAccess)")

_EVERYTHING = re.compile(r"\*|arn:.+:s3:::\*.*")

# What a setting that is empty opens, by the placeholder that it fills.
_UNRESTRICTED = {
    "SOURCE_BUCKETS": ("source_buckets", "${Source", "read every bucket"),
    "DESTINATION_BUCKETS": ("destination_buckets", "${Destination", "write into every bucket"),
}


def problems(
    specs: Sequence[FunctionSpec], built: Mapping[str, Any], machines: Sequence[MachineSpec] = ()
) -> Iterator[Problem]:
    """Yield what is allowed too freely: by the front matter of functions and machines, and by the other roles of the template."""
    for spec in specs:
        for place, message in _broad_policies(spec.properties.get("Policies")):
            yield Problem(spec.source, line_of(("Policies", *place), spec.places), message)
    for machine in machines:
        for place, message in _broad_policies(machine.properties.get("Policies")):
            yield Problem(machine.where, line_of(("Policies", *place), machine.places), message)
    of_functions = {f"{spec.logical_id}Role" for spec in specs}
    for logical_id, resource in mapping(built.get("Resources")).items():
        if resource["Type"] == "AWS::IAM::Role" and logical_id not in of_functions:
            for policy in resource["Properties"].get("Policies", []):
                if machine_of_policy(policy["PolicyName"], machines):
                    continue  # said of its file
                for _, message in _wildcards(policy["PolicyDocument"]["Statement"]):
                    yield Problem(f"the template/Resources/{logical_id}", None, message)


def notes(
    specs: Sequence[FunctionSpec | MachineSpec], settings: Settings, wrong_settings: Collection[str] = ()
) -> Iterator[str]:
    """Yield what the settings leave open, which is right but worth knowing; nothing of settings that have mistakes."""
    for name, (field, placeholder, may) in _UNRESTRICTED.items():
        if name in wrong_settings:
            continue
        using = [spec for spec in specs if placeholder in json.dumps(spec.properties.get("Policies"))]
        if using and not getattr(settings, field):
            yield (
                f"{name} is empty: the functions may {may} of the account, and of others that let them. "
                "Name your buckets in fabfile_config.py to narrow that."
            )


def _broad_policies(policies: Any) -> Iterator[tuple[Place, str]]:
    """Yield place and sentence for `Policies` in any of SAM's forms: names, documents, statements, alone or listed."""
    listed = enumerate(policies) if isinstance(policies, list) else [(None, policies)]
    for index, policy in listed:
        place: Place = () if index is None else (index,)
        if isinstance(policy, str) and _TOO_BROAD_POLICIES.fullmatch(policy):
            yield place, f"{policy} allows more than a function needs: write statements of your own"
        for way, statement in _statements(mapping(policy)):
            yield from (((*place, *way, *rest), text) for rest, text in _statement_findings(statement))


def _statements(policy: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    if "Effect" in policy:
        yield (), policy
    statements = policy.get("Statement")
    if isinstance(statements, Mapping):
        yield ("Statement",), statements
    for index, statement in enumerate(items(statements)):
        yield ("Statement", index), mapping(statement)


def _statement_findings(statement: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    if statement.get("Effect") == "Deny":
        return
    for negated in ("NotAction", "NotResource"):
        if negated in statement:
            yield (negated,), f"allows by {negated}, so whatever is not named: name what is needed instead"
    yield from _wildcard_actions(statement)
    yield from _open_resources(statement)


def _wildcards(statements: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Place, str]]:
    for statement in statements:
        if statement.get("Effect") != "Deny":
            yield from _wildcard_actions(statement)


def _wildcard_actions(statement: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for place, action in _texts("Action", statement.get("Action")):
        if "*" in action:
            yield place, f"allows the action {action}: name each action that is needed"


def _open_resources(statement: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for place, resource in _texts("Resource", statement.get("Resource")):
        if not _EVERYTHING.fullmatch(resource):
            continue
        actions = [action for _, action in _texts("Action", statement.get("Action"))]
        narrow = [action for action in actions if _can_be_narrowed(action)]
        if narrow:
            yield (
                place,
                f"allows {', '.join(narrow)} on {resource}: name the resource, or write a placeholder "
                "such as ${SourceObjects}",
            )


def _texts(name: str, value: Any) -> Iterator[tuple[Place, str]]:
    """Yield the texts of a field that holds one or many, those that CloudFormation fills too."""
    listed = enumerate(value) if isinstance(value, list) else [(None, value)]
    for index, element in listed:
        text = mapping(element).get("Fn::Sub", element)
        if isinstance(text, str):
            yield (name,) if index is None else (name, index), text


def _can_be_narrowed(action: str) -> bool:
    """Whether IAM lets an action be allowed for some resources only; by the list that cfn-lint brings."""
    if "*" in action:
        return False  # said already
    from cfnlint.data import AdditionalSpecs
    from cfnlint.helpers import load_resource

    service, _, name = action.lower().partition(":")
    known = mapping(load_resource(AdditionalSpecs, "Policies.json").get(service)).get("Actions", {})
    return bool(known.get(name, {"Resources": ["*"]}).get("Resources"))
