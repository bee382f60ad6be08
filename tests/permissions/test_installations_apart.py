"""Two installations in one account: by the rendered policies, neither has anything to do with the buckets of the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from iam_evaluation import Request, is_allowed
from iam_grants import ACCOUNT, REGION, of_type, resolved, role_of, specs, statements, translated

from deployment.build import policies
from deployment.project.settings import Settings

OPEN = Settings()
OURS = f"arn:aws:iam::{ACCOUNT}:role/sync-buckets-CopyKeysRole-1"
THEIRS = f"arn:aws:iam::{ACCOUNT}:role/theirs-CopyKeysRole-1"
# The same stack's name in another region: the tag is the same, the role is not.
NAMESAKE = f"arn:aws:iam::{ACCOUNT}:role/sync-buckets-CopyKeysRole-2"
WORK = "arn:aws:s3:::work-bucket"
DEPLOYMENT = f"arn:aws:s3:::theirs-deployment-{ACCOUNT}-{REGION}"
READ_AND_WRITE = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")


def principal(arn: str, stack: str | None = "sync-buckets") -> dict[str, str]:
    """The keys that are in a request of a role, with TLS."""
    tag = {"aws:PrincipalTag/syncbuckets:stack": stack} if stack else {}
    return {"aws:PrincipalArn": arn, "aws:SecureTransport": "true", **tag}


def work_bucket_policy() -> list[dict[str, Any]]:
    """The statements of the work bucket's policy; the first function's role has the ARN `OURS`, the others each their own."""
    (policy,) = of_type("AWS::S3::BucketPolicy", OPEN).values()
    found = []
    for one in policy["Properties"]["PolicyDocument"]["Statement"]:
        arns = [resolved(arn) for arn in one["Resource"]]
        found.append({**one, "Resource": arns, "Condition": _filled(one["Condition"])})
    return found


def _filled(condition: Mapping[str, Any]) -> dict[str, Any]:
    roles = condition.get("ArnNotEquals", {}).get("aws:PrincipalArn", ())
    arns = [
        OURS if role["Fn::GetAtt"][0] == "CopyKeysRole" else f"{OURS}/{role['Fn::GetAtt'][0]}"
        for role in roles
    ]
    return {**condition, **({"ArnNotEquals": {"aws:PrincipalArn": arns}} if arns else {})}


def all_functions_together() -> list[dict[str, Any]]:
    """What the roles of all functions allow and deny, as if one role had it."""
    return [one for spec in specs() for one in statements(role_of(spec, OPEN))]


@pytest.mark.parametrize("role", [THEIRS, NAMESAKE])
@pytest.mark.parametrize("key", ["runs/m/1/copy/1.jsonl", "leases/photos/1.json", "map-runs/1"])
@pytest.mark.parametrize("action", READ_AND_WRITE)
def test_another_installation_s_role_can_do_nothing_in_our_work_bucket(
    action: str, key: str, role: str
) -> None:
    context = principal(role, "theirs" if role == THEIRS else "sync-buckets")
    request = Request(action, f"{WORK}/{key}", context)

    assert not is_allowed(request, all_functions_together(), work_bucket_policy())


@pytest.mark.parametrize("action", READ_AND_WRITE)
def test_without_the_bucket_s_own_policy_it_could(action: str) -> None:
    request = Request(action, f"{WORK}/leases/photos/1.json", principal(THEIRS, "theirs"))
    assert is_allowed(request, all_functions_together())


def test_our_own_roles_use_our_work_bucket_as_before() -> None:
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        request = Request(action, f"{WORK}/runs/m/1/x.json", principal(OURS))
        assert is_allowed(request, all_functions_together(), work_bucket_policy())


def test_every_role_of_the_stack_is_let_in_and_has_the_tag_that_others_are_known_by() -> None:
    roles = of_type("AWS::IAM::Role", OPEN)
    (policy,) = of_type("AWS::S3::BucketPolicy", OPEN).values()
    conditions = [one["Condition"] for one in policy["Properties"]["PolicyDocument"]["Statement"]]
    (let_in,) = [one["ArnNotEquals"]["aws:PrincipalArn"] for one in conditions if "ArnNotEquals" in one]
    assert {role["Fn::GetAtt"][0] for role in let_in} == set(roles)
    for name, role in roles.items():
        assert {"Key": "syncbuckets:stack", "Value": "sync-buckets"} in role["Properties"]["Tags"], name


def test_who_has_no_tag_of_an_installation_is_not_meant() -> None:
    administrator = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
    context = principal(f"arn:aws:iam::{ACCOUNT}:role/admin", None)
    assert is_allowed(Request("s3:GetObject", f"{WORK}/runs/x", context), administrator, work_bucket_policy())


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:ListBucketMultipartUploads"])
def test_no_function_lists_a_deployment_bucket_whatever_allows_it(action: str) -> None:
    everything = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
    for spec in specs():
        allowed = [*everything, *statements(role_of(spec, OPEN))]
        assert not is_allowed(Request(action, DEPLOYMENT), allowed), spec.name
        assert is_allowed(Request(action, "arn:aws:s3:::my-deployment-artifacts"), allowed), spec.name


@pytest.mark.parametrize("action", READ_AND_WRITE)
def test_no_role_of_any_installation_touches_what_is_in_a_deployment_bucket(action: str) -> None:
    own = [policies.keep_installations_out([DEPLOYMENT, f"{DEPLOYMENT}/*"])]
    for arn in (OURS, THEIRS):
        request = Request(action, f"{DEPLOYMENT}/copy_keys-0123456789abcdef.zip", principal(arn))
        assert is_allowed(request, all_functions_together())
        assert not is_allowed(request, all_functions_together(), own)


@pytest.mark.parametrize(
    "key",
    [
        f"backup/theirs-deployment-{ACCOUNT}-{REGION}/copy_keys-0123456789abcdef.zip",
        "backup/theirs-workbucket-1a2b3c4d5e6f/leases/photos/1.json",
        "a-workbucket-b/runs/1",
    ],
)
def test_keys_that_contain_such_names_are_copied_as_any_others(key: str) -> None:
    for action in ("s3:GetObject", "s3:PutObject"):
        assert is_allowed(
            Request(action, f"arn:aws:s3:::photos/{key}", principal(OURS)), all_functions_together()
        )


def test_the_state_machine_s_role_is_one_of_those_that_are_let_in() -> None:
    allowed = list(statements(translated(OPEN)["StateMachineRole"]))
    request = Request("s3:GetObject", f"{WORK}/runs/m/1/index.json", principal(f"{OURS}/StateMachineRole"))
    assert is_allowed(request, allowed, work_bucket_policy())
