"""The generated template, translated as AWS does it and created in moto: are these the functions we meant?

moto does not know SAM, so aws-sam-translator turns the template into plain CloudFormation first. It leaves
out the bucket policy and most properties of the work bucket, the alarms, subscriptions and the policy of
the topic of notices, takes every function for x86, and gives a
version's logical id where AWS gives its ARN; those are asserted on the template itself in
`tests/unit/build/test_template.py`.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws
from places import PROJECT
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from deployment.build import bundle, template
from deployment.build.bundle import Bundle
from deployment.build.schedule_resources import group_of
from deployment.project.front_matter import FunctionSpec, read_all
from deployment.project.settings import Settings
from deployment.syncs.entries import Sync, read

REGION = "eu-west-1"
OTHER_REGION = "eu-central-1"
THIRD_REGION = "eu-west-2"
SETTINGS = Settings(
    source_buckets=("here",),
    destination_buckets=("away",),
    log_retention_days=7,
    permissions_boundary_arn="arn:aws:iam::123456789012:policy/boundary",
    tags={"team": "data"},
)
NOTICES = dataclasses.replace(
    SETTINGS,
    notify=("ops@example.com",),
    notify_on="always",
    dashboard=True,
    syncs=(Sync("photos", {"source": "here", "destination": "away"}, "rate(6 hours)"),),
)

SCHEDULED = dataclasses.replace(
    SETTINGS, syncs=read({"photos": {"source": "here", "destination": "away", "schedule": "rate(6 hours)"}})
)

KINDS = (
    "S3..BucketPolicy",
    "SNS..TopicPolicy",
    "SNS..Subscription",
    "CloudWatch..Alarm",
    "Scheduler..ScheduleGroup",
)
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Tried to parse AWS..{kind} but it's not supported") for kind in KINDS
]


@dataclass(frozen=True)
class Deployed:
    """What the tests ask moto about."""

    specs: tuple[FunctionSpec, ...]
    bundles: tuple[Bundle, ...]
    session: boto3.Session

    def client(self, service: str) -> Any:
        return self.session.client(service)

    def outputs(self) -> dict[str, str]:
        stack = self.client("cloudformation").describe_stacks(StackName="sync-buckets")["Stacks"][0]
        assert stack["StackStatus"].endswith("_COMPLETE")
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def function(self, spec: FunctionSpec) -> dict[str, Any]:
        return self.client("lambda").get_function(FunctionName=template.function_name(spec, SETTINGS))

    def versions(self, spec: FunctionSpec) -> list[dict[str, Any]]:
        name = template.function_name(spec, SETTINGS)
        listed = self.client("lambda").list_versions_by_function(FunctionName=name)["Versions"]
        return [version for version in listed if version["Version"] != "$LATEST"]

    def role(self, arn: str) -> dict[str, Any]:
        return self.client("iam").get_role(RoleName=arn.rsplit("/", 1)[1])["Role"]

    def policies(self, arn: str) -> list[dict[str, Any]]:
        iam, name = self.client("iam"), arn.rsplit("/", 1)[1]
        names = iam.list_role_policies(RoleName=name)["PolicyNames"]
        texts = [iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in names]
        return [ast.literal_eval(text) for text in texts]  # moto keeps Python's form instead of JSON


def deployment_bucket(session: boto3.Session) -> str:
    return f"sync-buckets-deployment-123456789012-{session.region_name}"


def body(
    specs: tuple[FunctionSpec, ...], bundles: tuple[Bundle, ...], bucket: str, settings: Settings = SETTINGS
) -> str:
    """The template of these functions in plain CloudFormation."""
    built = template.make(specs, bundles, settings, bucket, ["sync-buckets-state-machine"])
    managed = {
        "AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    }
    translated = Translator(managed, Parser()).translate(copy.deepcopy(built), {})
    return json.dumps(translated)


@pytest.fixture(scope="module", autouse=True)
def moto() -> Iterator[None]:
    """An AWS for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.setenv(name, REGION)
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@pytest.fixture(scope="module")
def deployed(moto: None) -> Deployed:
    """The stack of our own Lambdas, deployed once; no test changes it."""
    return deploy(boto3.Session(region_name=REGION))


def deploy(session: boto3.Session, settings: Settings = SETTINGS) -> Deployed:
    specs = read_all(PROJECT / "lambda_functions")
    bundles = bundle.make_all(specs, PROJECT)
    s3 = session.client("s3")
    bucket = deployment_bucket(session)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": session.region_name})
    for made in bundles:
        s3.put_object(Bucket=bucket, Key=made.key, Body=made.content)
    session.client("cloudformation").create_stack(
        StackName="sync-buckets",
        TemplateBody=body(specs, bundles, bucket, settings),
        Capabilities=["CAPABILITY_IAM"],
    )
    return Deployed(specs, bundles, session)


def test_every_function_has_what_its_front_matter_says(deployed):
    for spec in deployed.specs:
        found = deployed.function(spec)["Configuration"]
        assert found["FunctionName"] == f"sync-buckets-{spec.name.replace('_', '-')}"
        assert found["MemorySize"] == spec.properties["MemorySize"]
        assert found["Timeout"] == spec.properties["Timeout"]
        assert found["Description"] == spec.properties["Description"]
        assert found["Runtime"] == "python3.13"
        assert found["Handler"] == f"lambda_functions/{spec.name}.handler"


def test_every_function_runs_the_zip_that_was_uploaded(deployed):
    s3 = deployed.client("s3")
    for spec, made in zip(deployed.specs, deployed.bundles, strict=True):
        assert deployed.function(spec)["Code"]["Location"].endswith(f"/{made.key}")
        content = s3.get_object(Bucket=deployment_bucket(deployed.session), Key=made.key)["Body"].read()
        assert spec.source in zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_every_function_knows_the_work_bucket(deployed):
    for spec in deployed.specs:
        variables = deployed.function(spec)["Configuration"]["Environment"]["Variables"]
        assert variables["WORK_BUCKET"] == deployed.outputs()["WorkBucket"]


def test_every_function_has_a_role_of_its_own_with_its_own_policies(deployed):
    roles = [deployed.function(spec)["Configuration"]["Role"] for spec in deployed.specs]
    assert len(set(roles)) == len(deployed.specs)
    for spec, role in zip(deployed.specs, roles, strict=True):
        sids = [
            statement["Sid"] for document in deployed.policies(role) for statement in document["Statement"]
        ]
        written = [statement for policy in spec.properties["Policies"] for statement in policy["Statement"]]
        own = [one["Sid"] for one in written if one["Resource"] != "${KmsKeys}"]
        assert sids == [*own, "KeepOutOfDeploymentBuckets", "WriteItsLog"]


def test_policies_name_the_buckets_of_the_settings(deployed):
    copy_keys = next(spec for spec in deployed.specs if spec.name == "copy_keys")
    role = deployed.function(copy_keys)["Configuration"]["Role"]
    text = json.dumps(deployed.policies(role))
    assert "arn:aws:s3:::here/*" in text
    assert "arn:aws:s3:::away/*" in text
    assert f"arn:aws:s3:::{deployed.outputs()['WorkBucket']}/runs/*" in text
    assert "${" not in text


def test_every_role_has_the_boundary_and_the_tags(deployed):
    roles = [deployed.function(spec)["Configuration"]["Role"] for spec in deployed.specs]
    for arn in [*roles, deployed.outputs()["StateMachineRoleArn"]]:
        role = deployed.role(arn)
        tags = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == SETTINGS.permissions_boundary_arn
        assert (tags["team"], tags["syncbuckets:stack"]) == ("data", "sync-buckets")


def test_the_state_machines_may_call_the_versions_of_every_function(deployed):
    arn = deployed.outputs()["StateMachineRoleArn"]
    trust = deployed.role(arn)["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    invoke = deployed.policies(arn)[0]["Statement"][0]
    functions = [deployed.function(spec)["Configuration"]["FunctionArn"] for spec in deployed.specs]
    assert invoke["Action"] == ["lambda:InvokeFunction"]
    assert invoke["Resource"] == [f"{arn}:*" for arn in functions]


def test_every_function_has_one_version_and_an_output_for_it(deployed):
    outputs = deployed.outputs()
    for spec in deployed.specs:
        assert [version["Version"] for version in deployed.versions(spec)] == ["1"]
        assert f"{spec.logical_id}Version" in outputs
    assert len(outputs) == len(deployed.specs) + 3


def test_logs_go_into_groups_named_after_stack_and_file_and_are_forgotten(deployed):
    groups = deployed.client("logs").describe_log_groups()["logGroups"]
    assert {group["logGroupName"]: group["retentionInDays"] for group in groups} == {
        f"/sync-buckets/{spec.name}": 7 for spec in deployed.specs
    }


def test_the_work_bucket_has_a_generated_name_and_is_encrypted(deployed):
    name = deployed.outputs()["WorkBucket"]
    assert name.startswith("sync-buckets-workbucket-")
    found = deployed.client("s3").get_bucket_encryption(Bucket=name)
    rules = found["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


@pytest.mark.filterwarnings("ignore:Unable to delete SyncSchedules, as it was never created")
def test_schedules_come_and_go_with_the_template_and_their_outputs_tell_where_they_are():
    """moto knows no group, and passes it over; its name is said by the template, so the outputs have it."""
    first = deploy(boto3.Session(region_name=THIRD_REGION))
    bucket, client = deployment_bucket(first.session), first.client("cloudformation")
    assert group_of(first.outputs()) is None
    for settings, is_there in ((SCHEDULED, True), (SETTINGS, False)):
        client.update_stack(
            StackName="sync-buckets",
            TemplateBody=body(first.specs, first.bundles, bucket, settings),
            Capabilities=["CAPABILITY_IAM"],
        )
        group = group_of(first.outputs())
        assert (group.name if group else None) == ("sync-buckets" if is_there else None)
        queues = first.client("sqs").list_queues().get("QueueUrls", [])
        assert queues == ([group.queue_url] if group else [])
        if group:
            role = first.role(group.role_arn)
            assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == SETTINGS.permissions_boundary_arn
            arn = f"arn:aws:scheduler:{THIRD_REGION}:123456789012:schedule-group/sync-buckets"
            assert arn in json.dumps(role["AssumeRolePolicyDocument"])


def test_a_changed_timeout_reaches_the_function_as_a_new_version():
    """moto publishes before it updates and so finds nothing new; only the change of the output shows."""
    first = deploy(boto3.Session(region_name=OTHER_REGION))
    before = first.outputs()
    by_name = {spec.name: spec for spec in first.specs}
    copy_keys = by_name["copy_keys"]
    slower = dataclasses.replace(copy_keys, properties={**copy_keys.properties, "Timeout": 123})
    changed = tuple({**by_name, "copy_keys": slower}.values())
    text = body(changed, first.bundles, deployment_bucket(first.session))
    first.client("cloudformation").update_stack(
        StackName="sync-buckets", TemplateBody=text, Capabilities=["CAPABILITY_IAM"]
    )
    after = first.outputs()
    assert [key for key in before if before[key] != after[key]] == ["CopyKeysVersion"]
    assert first.function(copy_keys)["Configuration"]["Timeout"] == 123


def test_with_notices_there_are_rules_to_the_topic_and_without_them_none(deployed):
    session = boto3.Session(region_name="ap-south-1")
    with_notices = deploy(session, NOTICES)

    topic = with_notices.outputs()["NoticeTopicArn"]
    assert topic.endswith(":sync-buckets-notices")
    events = with_notices.client("events")
    rules = {rule["Name"]: json.loads(rule["EventPattern"]) for rule in events.list_rules()["Rules"]}
    names = [f"sync-buckets-notice-of-{kind}" for kind in ("end", "failure", "success")]
    assert sorted(rules) == names
    for name in names:
        (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
        assert target["Arn"] == topic
        (machines,) = rules[name]["detail"]["stateMachineArn"]
        assert machines["prefix"].startswith(
            "arn:aws:states:ap-south-1:123456789012:stateMachine:sync-buckets-"
        )
    assert deployed.client("events").list_rules()["Rules"] == []
    assert "NoticeTopicArn" not in deployed.outputs()
