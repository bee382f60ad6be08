"""What happens to the resources of a stack: from a change set of CloudFormation's, or from two templates compared here.

Pure. A change set knows what is replaced, and needs a stack; two templates can be compared without any call, which is
all there is before the first deployment. Values before and after come from whichever of the two has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

FUNCTION = "AWS::Serverless::Function"
LAMBDA_FUNCTION = "AWS::Lambda::Function"

_ROLE_PROPERTIES = ("Policies", "PermissionsBoundary", "AssumeRolePolicyDocument", "RolePath", "Tags")
_REPLACING_PROPERTIES = {"FunctionName", "PackageType"}
_SHARED_PROPERTIES = ("Tags",)
"""Those that both the function and its role have."""


@dataclass(frozen=True)
class PropertyChange:
    """One property, or an attribute such as DeletionPolicy; `path` is `Environment/Variables/WORK_BUCKET`.

    `before` and `after` are JSON values; None where there is or was none, or where `values_known` is false. `cause` is what
    the property refers to, where CloudFormation only says that it may change with that.
    """

    path: str
    before: Any = None
    after: Any = None
    values_known: bool = True
    cause: str = ""


@dataclass(frozen=True)
class Change:
    """What happens to one resource.

    `action` is Add, Modify, Remove, or Retain for what leaves the stack and stays; `replacement` is AWS's True, False or
    Conditional, "" where it does not apply or nobody knows.
    """

    action: str
    logical_id: str
    resource_type: str
    replacement: str = ""
    properties: tuple[PropertyChange, ...] = ()
    physical_id: str = field(default="", compare=False)
    """The name in AWS of what is there already; "" where it is not told."""


def loses_function(change: Change) -> bool:
    """Whether a function goes with all its versions: it leaves the stack, or another one takes its place.

    A version is not kept by its own DeletionPolicy then: it is a part of its function. Where only templates were compared,
    nobody says what is replaced; a function is for these properties:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
    """
    if change.resource_type not in (FUNCTION, LAMBDA_FUNCTION):
        return False
    paths = {prop.path.split("/")[0] for prop in change.properties}
    is_replaced = change.replacement in ("True", "Conditional") or (
        not change.replacement and bool(paths & _REPLACING_PROPERTIES)
    )
    return change.action == "Remove" or (change.action == "Modify" and is_replaced)


def lost_functions(changes: Iterable[Change], template: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names in Lambda of the functions that go, sorted; `template` is the deployed one, which names them too."""
    resources = template.get("Resources", {})
    return tuple(
        sorted(
            change.physical_id
            or str(_properties_of(resources, change).get("FunctionName", change.logical_id))
            for change in changes
            if loses_function(change)
        )
    )


def _properties_of(resources: Mapping[str, Any], change: Change) -> Mapping[str, Any]:
    found: Mapping[str, Any] = resources.get(change.logical_id, {}).get("Properties", {})
    return found


def from_change_set(record: Mapping[str, Any]) -> Change:
    """Return what a ResourceChange of DescribeChangeSet says."""
    is_kept = record["Action"] == "Remove" and record.get("PolicyAction") == "Retain"
    details = [_detail(detail) for detail in record.get("Details", ()) if "Target" in detail]
    best: dict[str, PropertyChange] = {}
    for prop in sorted(details, key=lambda prop: (bool(prop.cause), not prop.values_known)):
        best.setdefault(prop.path, prop)
    return Change(
        "Retain" if is_kept else record["Action"],
        record["LogicalResourceId"],
        record["ResourceType"],
        record.get("Replacement", ""),
        tuple(best.values()),
        record.get("PhysicalResourceId", ""),
    )


def compare_templates(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return how the resources of two templates of ours differ, functions counted as SAM makes them: each with a role."""
    old, new = expand_functions(before), expand_functions(after)
    added = [Change("Add", name, new[name]["Type"]) for name in new if name not in old]
    removed = [Change(removal_action(old[name]), name, old[name]["Type"]) for name in old if name not in new]
    modified = [
        Change("Modify", name, new[name]["Type"], properties=found)
        for name in new
        if name in old and (found := tuple(_resource_changes(old[name], new[name])))
    ]
    return (*modified, *added, *removed)


def with_values(changes: Iterable[Change], compared: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes of a change set, with the values of a comparison where CloudFormation tells none."""
    known = {change.logical_id: change for change in compared}
    return tuple(_with_values(change, known.get(change.logical_id)) for change in changes)


def expand_functions(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the resources by logical id with SAM's functions as the two resources that SAM makes of each.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources-function.html
    """
    resources: dict[str, dict[str, Any]] = {}
    for name, resource in template.get("Resources", {}).items():
        if resource["Type"] != FUNCTION:
            resources[name] = dict(resource)
            continue
        own = resource.get("Properties", {})
        resources[name] = {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                key: own[key] for key in own if key not in _ROLE_PROPERTIES or key in _SHARED_PROPERTIES
            },
        }
        if "Role" not in own:
            role = {key: own[key] for key in own if key in _ROLE_PROPERTIES}
            resources[f"{name}Role"] = {"Type": "AWS::IAM::Role", "Properties": role}
    return resources


def canonical_json(value: Any) -> str:
    """Return JSON as text that is equal exactly for equal documents; to Python, True and 1 are equal, to AWS they are not."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def removal_action(resource: Mapping[str, Any]) -> str:
    """Return what happens to a resource that leaves the stack: Retain, or Remove."""
    return "Retain" if resource.get("DeletionPolicy") == "Retain" else "Remove"


def _resource_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[PropertyChange]:
    """Yield what differs: properties one by one, attributes (DeletionPolicy, Type) as a whole."""
    yield from _differences(old.get("Properties", {}), new.get("Properties", {}), ())
    yield from _differences(_attributes(old), _attributes(new), ())


def _attributes(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "Properties"}


def _differences(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[PropertyChange]:
    """Yield the differing values; into mappings with names of the user's or AWS's own, not into functions and lists."""
    if canonical_json(old) == canonical_json(new):
        return
    if not (_is_plain_mapping(old) and _is_plain_mapping(new)):
        yield PropertyChange("/".join(path), old, new)
        return
    for key in dict.fromkeys([*old, *new]):
        yield from _differences(old.get(key), new.get(key), (*path, key))


def _is_plain_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and not any(key == "Ref" or key.startswith("Fn::") for key in value)


def _detail(detail: Mapping[str, Any]) -> PropertyChange:
    """Return one detail of a change set; its values are text, JSON where the property is no text."""
    target = detail["Target"]
    attribute, path = target.get("Attribute", "Properties"), target.get("Path", "")
    path = path.removeprefix("/Properties").strip("/") or target.get("Name") or attribute
    known = "BeforeValue" in target or "AfterValue" in target
    cause = detail.get("CausingEntity", "") if detail.get("Evaluation") == "Dynamic" else ""
    return PropertyChange(path, target.get("BeforeValue"), target.get("AfterValue"), known, cause)


def _with_values(change: Change, compared: Change | None) -> Change:
    is_silent = not any(prop.values_known for prop in change.properties)
    if change.action != "Modify" or compared is None or not compared.properties or not is_silent:
        return change
    known_paths = {prop.path.split("/")[0] for prop in compared.properties}
    renamed = {"Code": "CodeUri"}
    rest = [prop for prop in change.properties if renamed.get(prop.path, prop.path) not in known_paths]
    return replace(change, properties=(*compared.properties, *rest))
