"""The rights of the example of a Lambda and a state machine of one's own: they suffice for its calls, and there are no others."""

from __future__ import annotations

import copy
import types
from typing import Any

import boto3
import own_machine_page as page
import pytest
import yaml
from iam_calls import CALLS
from iam_documents import policy
from iam_evaluation import Request, is_allowed
from iam_grants import ACCOUNT, MACHINE, REGION, listed, specs
from moto import mock_aws
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from deployment.build import bundle, template
from deployment.project import front_matter
from deployment.project.settings import Settings

SETTINGS = Settings(source_buckets=("photos",), destination_buckets=("photos-copy",))
OWN = "count_objects"
LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/sync-buckets/{OWN}:*"
DEPLOYMENT = f"arn:aws:s3:::sync-buckets-deployment-{ACCOUNT}-{REGION}"


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All resources of the stack with the example in it."""
    folder = tmp_path_factory.mktemp("lambda_functions")
    (folder / page.LAMBDA.name).write_text(page.blocks("python")[0], encoding="utf-8")
    every = [*specs(), front_matter.read(folder / page.LAMBDA.name)]
    bundles = [bundle.Bundle(spec.name, f"{spec.name}.zip", b"") for spec in every]
    built = template.make(every, bundles, SETTINGS, "zips", ["count-objects", MACHINE])
    translated: dict[str, Any] = Translator({}, Parser()).translate(copy.deepcopy(built), {})["Resources"]
    return translated


def filled(value: Any) -> Any:
    """The ARN that CloudFormation would make of a resource; what belongs to the sync stays as it is."""
    if value == {"Fn::GetAtt": ["CountObjectsLogGroup", "Arn"]}:
        return LOG
    text = str(value.get("Fn::Sub", value)) if isinstance(value, dict) else str(value)
    pseudo = {"AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "AWS::Region": REGION}
    for name, meant in pseudo.items():
        text = text.replace(f"${{{name}}}", meant)
    return text


def statements(resources: dict[str, Any], role: str) -> list[dict[str, Any]]:
    return [
        {**statement, "Resource": [filled(one) for one in listed(statement["Resource"])]}
        for policy in resources[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def calls() -> set[str]:
    """What the handler asks of AWS, as botocore names it."""
    module, seen = types.ModuleType(OWN), set()
    exec(compile(page.blocks("python")[0], str(page.LAMBDA), "exec"), module.__dict__)
    context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 300_000)
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="photos")
        client.put_object(Bucket="photos", Key="2026/1.jpg", Body=b"1")
        client.meta.events.register("before-call.*.*", lambda model, **_: seen.add(model.name))
        patch.setattr(boto3, "client", lambda service: {"s3": client}[service])
        assert module.handler({"bucket": "photos", "prefix": "2026/"}, context)["objects"] == 1
    return seen


def test_its_role_allows_what_its_calls_need_and_nothing_else(resources: dict[str, Any]) -> None:
    needed = {need.action for call in calls() for need in CALLS[f"s3:{call}"].needs if not need.when}
    allowed = {
        (action, arn)
        for statement in statements(resources, "CountObjectsRole")
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
        for arn in statement["Resource"]
    }
    its_log = {("logs:CreateLogStream", LOG), ("logs:PutLogEvents", LOG)}
    assert allowed == {(action, "arn:aws:s3:::photos") for action in needed} | its_log


@pytest.mark.parametrize(
    ("action", "arn", "may"),
    [
        ("s3:ListBucket", "arn:aws:s3:::photos", True),
        ("s3:ListBucket", "arn:aws:s3:::photos-copy", False),
        ("s3:ListBucket", "arn:aws:s3:::photos2", False),
        ("s3:ListBucket", DEPLOYMENT, False),
        ("s3:GetObject", "arn:aws:s3:::photos/2026/1.jpg", False),
        ("s3:PutObject", "arn:aws:s3:::photos-copy/2026/1.jpg", False),
        ("logs:PutLogEvents", LOG, True),
        ("logs:PutLogEvents", LOG.replace(OWN, "copy_keys"), False),
    ],
)
def test_one_request_is_answered_as_the_page_says(
    resources: dict[str, Any], action: str, arn: str, may: bool
) -> None:
    assert is_allowed(Request(action, arn), statements(resources, "CountObjectsRole")) is may


def test_where_no_bucket_is_named_the_deployment_buckets_are_denied_all_the_same(
    resources: dict[str, Any],
) -> None:
    anything = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::*"}
    own = [anything, *statements(resources, "CountObjectsRole")]
    assert is_allowed(Request("s3:ListBucket", "arn:aws:s3:::films"), own)
    assert not is_allowed(Request("s3:ListBucket", DEPLOYMENT), own)


def test_the_page_shows_the_statement_as_it_is_in_the_template(resources: dict[str, Any]) -> None:
    shown = yaml.safe_load(page.blocks("yaml")[1])
    policies = resources["CountObjectsRole"]["Properties"]["Policies"]
    assert shown in [policy["PolicyDocument"]["Statement"] for policy in policies]


def test_the_role_of_the_machines_may_call_every_lambda_of_the_stack(resources: dict[str, Any]) -> None:
    called = [
        arn
        for one in statements(resources, "StateMachineRole")
        if "lambda:InvokeFunction" in listed(one["Action"])
        for arn in one["Resource"]
    ]
    functions = [*(spec.logical_id for spec in specs()), "CountObjects"]
    assert sorted(called) == sorted(f"${{{name}.Arn}}:*" for name in functions)


DEPLOYER = f"arn:aws:{{}}:{REGION}:111122223333:"
STATES = (
    ("states:CreateStateMachine", "stateMachine:count-objects-20261128-183103"),
    ("states:DeleteStateMachine", "stateMachine:count-objects-20261128-183103"),
    ("states:ListExecutions", "stateMachine:count-objects-20261128-183103"),
    ("states:DescribeExecution", "execution:count-objects-20261128-183103:monday"),
    ("states:StopExecution", "execution:count-objects-20261128-183103:monday"),
)


def of_deployer(with_the_machine: bool) -> list[dict[str, Any]]:
    """The statements of the policy of fab, with what the page says to add to those about state machines."""
    found: list[dict[str, Any]] = policy("fab")["Statement"]
    added = MACHINE, "count-objects"
    return [
        {
            **one,
            "Resource": [*listed(one["Resource"]), *(arn.replace(*added) for arn in listed(one["Resource"]))],
        }
        if with_the_machine and f":{MACHINE}-" in str(one["Resource"])
        else one
        for one in found
    ]


@pytest.mark.parametrize(("action", "resource"), STATES)
def test_whoever_deploys_needs_the_machines_name_in_their_policy(action: str, resource: str) -> None:
    request = Request(action, DEPLOYER.format("states") + resource)
    assert [is_allowed(request, of_deployer(added)) for added in (False, True)] == [False, True]


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("lambda:CreateFunction", f"{DEPLOYER.format('lambda')}function:sync-buckets-count-objects"),
        ("lambda:PublishVersion", f"{DEPLOYER.format('lambda')}function:sync-buckets-count-objects"),
        ("iam:CreateRole", "arn:aws:iam::111122223333:role/sync-buckets-CountObjectsRole-1A2B3C"),
        ("logs:CreateLogGroup", f"{DEPLOYER.format('logs')}log-group:/sync-buckets/count_objects"),
    ],
)
def test_functions_roles_and_logs_of_ones_own_are_covered_by_it(action: str, arn: str) -> None:
    assert is_allowed(Request(action, arn), of_deployer(False))
