"""What the rendered template grants: for every function, and for the role of the state machines, actions by resource."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from places import PROJECT
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from deployment.build import bundle, template
from deployment.project.front_matter import FunctionSpec, read_all
from deployment.project.settings import Settings

ACCOUNT, REGION = "123456789012", "eu-west-1"
MACHINE = "sync-buckets-state-machine"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
NARROW = Settings(
    source_buckets=("source-bucket",),
    destination_buckets=("destination-bucket",),
    kms_key_arns=(KEY,),
    permissions_boundary_arn=BOUNDARY,
    tags={"team": "data"},
)
STATES = f"arn:aws:states:{REGION}:{ACCOUNT}"
TIMESTAMPED = f"{MACHINE}-????????-??????"

# What a function's resources are called here; anything else keeps its ARN, and so is found to be granted by mistake.
PLACES = {
    "arn:aws:s3:::source-bucket": "source bucket",
    "arn:aws:s3:::source-bucket/*": "source objects",
    "arn:aws:s3:::destination-bucket": "destination bucket",
    "arn:aws:s3:::destination-bucket/*": "destination objects",
    "arn:aws:s3:::work-bucket": "work bucket",
    "arn:aws:s3:::work-bucket/runs/*": "work runs",
    "arn:aws:s3:::work-bucket/runs/*/applied-by.json": "work plans",
    "arn:aws:s3:::work-bucket/leases/*": "work leases",
    KEY: "keys",
    f"{STATES}:execution:{TIMESTAMPED}:*": "executions",
}


@functools.cache
def specs() -> tuple[FunctionSpec, ...]:
    """Return our functions."""
    return read_all(PROJECT / "lambda_functions")


_translated: dict[str, dict[str, Any]] = {}


def translated(settings: Settings) -> dict[str, Any]:
    """Return the resources of the stack in plain CloudFormation, as SAM makes them of our template."""
    if repr(settings) not in _translated:
        built = template.make(specs(), bundle.make_all(specs(), PROJECT), settings, "zips", [MACHINE])
        _translated[repr(settings)] = Translator({}, Parser()).translate(copy.deepcopy(built), {})[
            "Resources"
        ]
    return _translated[repr(settings)]


def statements(role: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role, with lists of actions and of ARNs."""
    for policy in role["Properties"].get("Policies", ()):
        for statement in policy["PolicyDocument"]["Statement"]:
            arns = [resolved(one) for one in listed(statement["Resource"])]
            yield {**statement, "Action": listed(statement["Action"]), "Resource": arns}


def role_of(spec: FunctionSpec, settings: Settings) -> dict[str, Any]:
    """Return the role that a function has."""
    resources = translated(settings)
    logical_id = resources[spec.logical_id]["Properties"]["Role"]["Fn::GetAtt"][0]
    role: dict[str, Any] = resources[logical_id]
    return role


def granted(spec: FunctionSpec, settings: Settings) -> set[tuple[str, str]]:
    """Return what a function may do, by place."""
    own_log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{settings.stack_name}/{spec.name}:*"
    places = {**PLACES, own_log: "its log"}
    return {
        (action, places.get(arn, arn))
        for statement in statements(role_of(spec, settings))
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        for arn in statement["Resource"]
    }


def listed(value: Any) -> list[Any]:
    """Return a list of one, or the list."""
    return list(value) if isinstance(value, list) else [value]


def resolved(value: Any) -> str:
    """Return the ARN that CloudFormation would make of a resource of our template."""
    if isinstance(value, str):
        return value
    if "Fn::GetAtt" in value:
        return _attribute(".".join(value["Fn::GetAtt"]))
    return re.sub(r"\$\{([^}]+)\}", lambda found: _attribute(found[1]), value["Fn::Sub"])


def _attribute(name: str) -> str:
    pseudo = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
    if name in pseudo:
        return pseudo[name]
    logical_id = name.removesuffix(".Arn")
    if logical_id == "WorkBucket":
        return "arn:aws:s3:::work-bucket"
    properties = translated(NARROW)[logical_id]["Properties"]
    if "LogGroupName" in properties:
        return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{properties['LogGroupName']}:*"
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{properties['FunctionName']}"


def roles(settings: Settings) -> dict[str, Any]:
    """Return all roles of the stack."""
    return of_type("AWS::IAM::Role", settings)


def of_type(kind: str, settings: Settings) -> dict[str, Any]:
    """Return the resources of one type."""
    return {name: one for name, one in translated(settings).items() if one["Type"] == kind}


def actions(found: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the actions of statements."""
    return {action for statement in found for action in listed(statement["Action"])}
