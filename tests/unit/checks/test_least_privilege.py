"""What is allowed too freely is a finding, what a setting leaves open a note, and neither is anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployment.checks import least_privilege
from deployment.project.front_matter import FunctionSpec
from deployment.project.settings import Settings

BUCKETS = Settings(source_buckets=("here",), destination_buckets=("away",))


def spec_of(policies: Any) -> FunctionSpec:
    places = {("Policies",): 2, ("Policies", 0): 3, ("Policies", 0, "Action"): 4}
    return FunctionSpec("work", Path("lambda_functions/work.py"), {"Policies": policies}, places)


def found(policies: Any) -> list[str]:
    return [str(problem) for problem in least_privilege.problems([spec_of(policies)], {"Resources": {}})]


def allow(action: Any, resource: Any = "${SourceObjects}", effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


WILDCARD = "allows the action s3:*: name each action that is needed"


@pytest.mark.parametrize(
    ("policies", "line"),
    [
        ([allow("s3:*")], 4),
        ([allow(["s3:GetObject", "s3:*"])], 4),
        (allow("s3:*"), 2),
        ([{"Statement": [allow("s3:*")]}], 3),
        ([{"Statement": allow("s3:*")}], 3),
        ({"Statement": [allow("s3:*")]}, 2),
    ],
)
def test_a_wildcard_is_found_in_every_form_of_a_policy(policies, line):
    assert found(policies) == [f"lambda_functions/work.py:{line}: {WILDCARD}"]


@pytest.mark.parametrize(
    "policies",
    [
        [],
        "AWSXRayDaemonWriteAccess",
        ["AmazonS3ReadOnlyAccess"],
        [{"S3ReadPolicy": {"BucketName": "here"}}],
        [allow("s3:*", effect="Deny")],
        [allow("s3:GetObject")],
        [allow("s3:GetObject", "arn:aws:s3:::here/*")],
        [allow("s3:GetObject", {"Fn::Sub": "${WorkBucket.Arn}/*"})],
        [allow("s3:GetObject", {"Fn::GetAtt": ["WorkBucket", "Arn"]})],
        [allow("s3:ListAllMyBuckets", "*")],
        [allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")],
        [{"Effect": "Allow"}],
        [None, 3],
    ],
)
def test_what_is_narrow_or_cannot_be_narrowed_is_left_alone(policies):
    assert found(policies) == []


@pytest.mark.parametrize(
    "resource",
    ["*", "arn:aws:s3:::*", "arn:aws:s3:::*/*", {"Fn::Sub": "arn:${AWS::Partition}:s3:::*/*"}, ["x", "*"]],
)
def test_everything_written_out_is_found_for_actions_that_can_be_narrowed(resource):
    (only,) = found([allow(["s3:GetObject", "s3:ListAllMyBuckets"], resource)])
    assert only.startswith("lambda_functions/work.py:3: allows s3:GetObject on ")


@pytest.mark.parametrize(
    "name",
    [
        "AdministratorAccess",
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "AmazonS3FullAccess",
        "AWSLambda_FullAccess",
    ],
)
def test_a_policy_of_aws_that_allows_everything_is_found(name):
    message = f"{name} allows more than a function needs: write statements of your own"
    assert found([name]) == [f"lambda_functions/work.py:3: {message}"]


def test_a_wildcard_in_another_role_of_the_template_is_found_at_its_place():
    policy = {
        "PolicyName": "all",
        "PolicyDocument": {"Statement": [allow("s3:*"), allow("s3:*", "*", "Deny")]},
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}}
    problems = least_privilege.problems([], {"Resources": {"StateMachineRole": role}})
    assert [str(one) for one in problems] == [f"the template/Resources/StateMachineRole: {WILDCARD}"]


def test_a_setting_that_names_no_bucket_is_a_note_where_a_function_uses_it():
    uses_source = [spec_of([allow("s3:GetObject")])]
    (note,) = least_privilege.notes(uses_source, Settings())
    assert note.startswith("SOURCE_BUCKETS is empty: the functions may read every bucket of the account")
    assert list(least_privilege.notes(uses_source, BUCKETS)) == []
    assert list(least_privilege.notes([spec_of([])], Settings())) == []
