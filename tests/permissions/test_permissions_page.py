"""docs/permissions.md says of every function what its role may do and what it calls, and of other accounts what to allow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import cfnlint.api
import pytest
from cfnlint.config import ManualArgs
from iam_calls import OF_LAMBDA_ITSELF
from iam_documents import page, policy
from iam_grants import NARROW, granted, listed, specs, statements, translated

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MANAGED_POLICY_CHARACTERS = 6144

ONLY_ACL = {"s3:x-amz-acl": "bucket-owner-full-control"}

# What the second column of a table may say.
PLACES = {
    "source and destination buckets": ("source bucket", "destination bucket"),
    "source and destination objects": ("source objects", "destination objects"),
    "destination buckets": ("destination bucket",),
    "source objects": ("source objects",),
    "destination objects": ("destination objects",),
    "work bucket": ("work bucket",),
    "`runs/*` of the work bucket": ("work runs",),
    "`runs/*/applied-by.json` of the work bucket": ("work plans",),
    "`leases/*` of the work bucket": ("work leases",),
    "the configured keys": ("keys",),
    "executions of these state machines": ("executions",),
}


def rows(heading: str) -> list[list[str]]:
    """The rows of the table under a heading that has this text."""
    sections = re.split(r"^#{2,3} ", page("permissions.md"), flags=re.MULTILINE)
    (section,) = [one for one in sections if heading in one.partition("\n")[0]]
    found = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    assert found
    return found


def places(cell: str, function: str) -> tuple[str, ...]:
    """The places that a cell says, none where it says that only another function may do it there."""
    place, _, only = cell.partition(", only ")
    return PLACES[place] if only in ("", f"`{function}`") else ()


def quoted(text: str) -> list[str]:
    return re.findall(r"`(\w+:\w+)`", text)


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.name)
def test_the_table_of_a_function_is_what_its_role_may_do(spec):
    table = rows(f"`{spec.name}`")
    said = {
        (action, place) for row in table for action in quoted(row[0]) for place in places(row[1], spec.name)
    }
    assert said | OF_LAMBDA_ITSELF == granted(spec, NARROW)


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.name)
def test_the_table_names_the_calls_that_its_functions_were_seen_to_make(spec, recorder):
    named = ", ".join(row[2] for row in rows(f"`{spec.name}`")).split(", ")
    # Both functions that copy have one table.
    functions = {"copy_keys", "copy_large_object"} if spec.name.startswith("copy_") else {spec.name}
    seen = {call.operation.partition(":")[2] for call in recorder.calls if call.function in functions}
    assert {name for name in named if not name.startswith("none of")} == seen


def test_the_table_of_the_state_machines_is_what_their_role_may_do():
    said = {action for row in rows("The state machines") for action in quoted(row[0])}
    role = translated(NARROW)["StateMachineRole"]
    assert said == {action for statement in statements(role) for action in statement["Action"]}


@pytest.mark.parametrize("side", ["source", "destination"])
def test_the_owner_of_a_bucket_allows_what_is_needed_there_and_nothing_more(side, recorder):
    needed = {permission for found in recorder.needed().values() for permission in found}
    arns = {f"arn:aws:s3:::my-{side}-bucket": "bucket", f"arn:aws:s3:::my-{side}-bucket/*": "objects"}
    allowed = {
        (action, f"{side} {arns[statement['Resource']]}")
        for statement in policy(side)["Statement"]
        for action in listed(statement["Action"])
    }
    assert allowed == {(action, place) for action, place in needed if place.startswith(f"{side} ")}


def test_the_owner_of_a_key_allows_what_is_needed_of_it(recorder):
    needed = {permission for found in recorder.needed().values() for permission in found}
    assert set(policy("key")["Action"]) == {action for action, place in needed if place == "keys"}


@pytest.mark.parametrize("name", ["source", "destination", "key"])
def test_other_accounts_allow_the_roles_of_this_stack_only(name):
    found = policy(name)
    for statement in found.get("Statement", [found]):
        assert is_for_our_roles(statement)


def is_for_our_roles(statement: Mapping[str, Any]) -> bool:
    ours = {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/sync-buckets-*"}
    narrower = {"StringEquals": ONLY_ACL} if "s3:PutObjectAcl" in listed(statement["Action"]) else {}
    return (
        statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
        and statement["Condition"] == {"ArnLike": ours} | narrower
    )


def test_the_policies_are_what_iam_understands():
    resources: dict[str, Any] = {
        name: {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy(name.lower())}}
        for name in ("Fab", "Confined")
    }
    for side in ("source", "destination"):
        properties = {"Bucket": f"my-{side}-bucket", "PolicyDocument": policy(side)}
        resources[side.capitalize()] = {"Type": "AWS::S3::BucketPolicy", "Properties": properties}
    document = {"Version": "2012-10-17", "Statement": [policy("key")]}
    resources["Key"] = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": document}}
    found = cfnlint.api.lint(json.dumps({"Resources": resources}), config=ManualArgs(regions=["eu-west-1"]))
    rules = ("E", "W3037", "W3045")
    assert [f"{match.message} {match.path}" for match in found if match.rule.id.startswith(rules)] == []


def test_the_policy_of_fab_fits_into_one_managed_policy():
    assert len(re.sub(r"\s", "", json.dumps(policy("fab")))) <= MANAGED_POLICY_CHARACTERS
