"""Whoever deploys with the documents of docs/permissions.md stays inside the boundary, and still can deploy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from iam_documents import page, policy
from iam_evaluation import Request, is_allowed
from moto import mock_aws
from moto.core import enable_iam_authentication

from deployment.build.policies import document

ACCOUNT = "111122223333"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/my-boundary"
OTHER = f"arn:aws:iam::{ACCOUNT}:policy/other"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sync-buckets-CopyKeysRole-1"
HAS, HAS_OTHER, HAS_NONE = {"iam:PermissionsBoundary": BOUNDARY}, {"iam:PermissionsBoundary": OTHER}, {}
FAB, CONFINED = policy("fab")["Statement"], policy("confined")["Statement"]
EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]

# The condition key names the boundary that is given (CreateRole, PutRolePermissionsBoundary) or that the role has:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
ATTACKS = {
    "make a role without a boundary": Request("iam:CreateRole", ROLE, HAS_NONE),
    "make a role with a boundary of their own": Request("iam:CreateRole", ROLE, HAS_OTHER),
    "take the boundary off": Request("iam:DeleteRolePermissionsBoundary", ROLE, HAS),
    "put a wider boundary in its place": Request("iam:PutRolePermissionsBoundary", ROLE, HAS_OTHER),
    "write a policy for a role that never had one": Request("iam:PutRolePolicy", ROLE, HAS_NONE),
    "write a policy for a role with another": Request("iam:PutRolePolicy", ROLE, HAS_OTHER),
    "attach a managed policy to a role without one": Request("iam:AttachRolePolicy", ROLE, HAS_NONE),
    "write a new version of the boundary": Request("iam:CreatePolicyVersion", BOUNDARY),
    "go back to an older version of the boundary": Request("iam:SetDefaultPolicyVersion", BOUNDARY),
    "delete the boundary": Request("iam:DeletePolicy", BOUNDARY),
}
# What their own document does not give: so many ways around a boundary.
NEVER_GIVEN = {
    "make a user": Request("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x"),
    "make keys for a user": Request("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/admin"),
    "write a policy for a user": Request("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/me"),
    "attach a managed policy": Request("iam:AttachRolePolicy", ROLE, HAS),
    "write a policy for a role of another name": Request(
        "iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/admin", HAS
    ),
    "give a role of another name to Lambda": Request(
        "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", {"iam:PassedToService": "lambda.amazonaws.com"}
    ),
    "give a role to a machine": Request("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
    "give CloudFormation a role": Request(
        "iam:PassRole", ROLE, {"iam:PassedToService": "cloudformation.amazonaws.com"}
    ),
}
DEPLOYING = {
    "make a role": Request("iam:CreateRole", ROLE, HAS),
    "write its policies": Request("iam:PutRolePolicy", ROLE, HAS),
    "take one of them away": Request("iam:DeleteRolePolicy", ROLE, HAS),
    "give an older role the boundary": Request("iam:PutRolePermissionsBoundary", ROLE, HAS),
    "say who may take it": Request("iam:UpdateAssumeRolePolicy", ROLE),
    "tag it": Request("iam:TagRole", ROLE),
    "read it": Request("iam:GetRole", ROLE),
    "give it to Lambda": Request("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    "give it to Step Functions": Request(
        "iam:PassRole", ROLE, {"iam:PassedToService": "states.amazonaws.com"}
    ),
    "delete it": Request("iam:DeleteRole", ROLE, HAS),
}


@pytest.mark.parametrize("request_", ATTACKS.values(), ids=ATTACKS)
def test_a_confined_deployer_cannot(request_: Request) -> None:
    assert not is_allowed(request_, [*FAB, *CONFINED])
    assert not is_allowed(request_, [*EVERYTHING, *FAB, *CONFINED]), "nor with whatever else they are allowed"


@pytest.mark.parametrize("request_", NEVER_GIVEN.values(), ids=NEVER_GIVEN)
def test_what_would_be_a_way_around_is_given_to_nobody_who_deploys(request_: Request) -> None:
    assert not is_allowed(request_, [*FAB, *CONFINED])


@pytest.mark.parametrize("request_", DEPLOYING.values(), ids=DEPLOYING)
def test_a_confined_deployer_can_still_deploy(request_: Request) -> None:
    assert is_allowed(request_, [*FAB, *CONFINED])


def test_a_condition_on_creating_roles_alone_confines_nobody() -> None:
    on_creating = {**CONFINED[0], "Action": ["iam:CreateRole"]}
    free = [name for name, request in ATTACKS.items() if is_allowed(request, [*FAB, on_creating])]
    assert free == [
        "take the boundary off",
        "put a wider boundary in its place",
        "write a policy for a role that never had one",
        "write a policy for a role with another",
    ]


def test_a_role_that_is_allowed_everything_has_what_the_boundary_leaves() -> None:
    boundary = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
    assert is_allowed(Request("s3:GetObject", "arn:aws:s3:::photos/a"), EVERYTHING, boundary=boundary)
    for action in (
        "iam:CreateUser",
        "iam:CreateAccessKey",
        "ec2:RunInstances",
        "secretsmanager:GetSecretValue",
    ):
        assert not is_allowed(Request(action, "*"), EVERYTHING, boundary=boundary)


# --- Under IAM that is enforced, as far as moto goes: it knows no conditions, and no ARNs of policies ----------


@pytest.fixture
def iam() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("iam", region_name="eu-west-1")


def deployer(iam: Any, *statements: Any) -> Any:
    """Return IAM as a deployer with these statements sees it, whose account is moto's."""
    text = json.dumps(document(statements)).replace(ACCOUNT, "123456789012")
    iam.create_user(UserName="deployer")
    iam.put_user_policy(UserName="deployer", PolicyName="own", PolicyDocument=text)
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    return boto3.client(
        "iam", "eu-west-1", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


@pytest.mark.parametrize("is_confined", [False, True])
def test_only_a_deployer_who_is_not_confined_takes_the_boundary_off(iam: Any, is_confined: bool) -> None:
    text = json.dumps(document(EVERYTHING))
    boundary = iam.create_policy(PolicyName="my-boundary", PolicyDocument=text)["Policy"]["Arn"]
    role = {"RoleName": "sync-buckets-x", "AssumeRolePolicyDocument": json.dumps(document([]))}
    iam.create_role(**role, PermissionsBoundary=boundary)
    unconditional = [one for one in CONFINED if "Condition" not in one]
    theirs = deployer(iam, *FAB, *(unconditional if is_confined else ()))

    with enable_iam_authentication():
        if is_confined:
            with pytest.raises(ClientError, match="AccessDenied"):
                theirs.delete_role_permissions_boundary(RoleName="sync-buckets-x")
        else:
            theirs.delete_role_permissions_boundary(RoleName="sync-buckets-x")

    assert ("PermissionsBoundary" in iam.get_role(RoleName="sync-buckets-x")["Role"]) is is_confined


def test_the_table_of_who_can_do_what_names_rights_that_exist_and_has_every_door() -> None:
    _, _, section = page("permissions.md").partition("### Who can do what")
    rows = [
        line.strip("| ").split(" | ")
        for line in section.partition("### ")[0].splitlines()
        if line.startswith("| ")
    ][2:]
    assert [row[0].partition(":")[0] for row in rows] == [
        "start executions",
        "write into the work bucket",
        "stop runs",
        "read the work bucket",
        "write into the deployment bucket",
        "invoke the functions",
        "deploy",
    ]
    assert all(len(row) == 3 and all(row) for row in rows)
