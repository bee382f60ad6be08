"""Which integration has no right for it: what each needs, what a front matter allows, and when nothing is claimed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from places import PROJECT

from deployment.build import definitions
from deployment.checks import check, rights
from deployment.checks.integrations import Integration, integration_of, needed_actions
from deployment.project import states_language
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec

VALUES = definitions.placeholder_values(Settings(), "work", "aws")
EVENT_RULES = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
ADVICE = ": name it in the Policies of the file's front matter"
CALL = """\
StartAt: Call
States:
  Call: {Type: Task, Resource: 'arn:aws:states:::%s', End: true}
"""


def machine(states: dict[str, Any], **properties: Any) -> MachineSpec:
    definition = {"StartAt": next(iter(states)), "States": states}
    return MachineSpec("other", Path("state_machines/other.yaml"), definition, properties=properties)


def calling(resource: str, **fields: Any) -> dict[str, Any]:
    return {"Call": {"Type": "Task", "Resource": resource, "End": True, **fields}}


def found(spec: MachineSpec, *others: MachineSpec) -> list[str]:
    rendered = definitions.render_with_placeholders(spec, VALUES)
    return [message for _, message in rights.findings(spec, rendered, [spec, *others])]


def allow(action: Any, effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": "*"}


@pytest.mark.parametrize(
    ("resource", "needed"),
    [
        ("sns:publish", ["sns:Publish"]),
        ("sqs:sendMessage.waitForTaskToken", ["sqs:SendMessage"]),
        ("dynamodb:updateItem", ["dynamodb:UpdateItem"]),
        ("lambda:invoke", ["lambda:InvokeFunction"]),
        ("states:startExecution", ["states:StartExecution"]),
        (
            "states:startExecution.sync:2",
            ["states:StartExecution", "states:DescribeExecution", "states:StopExecution", *EVENT_RULES],
        ),
        ("http:invoke", ["states:InvokeHTTPEndpoint", "events:RetrieveConnectionCredentials"]),
        ("glue:startJobRun.sync", ["glue:StartJobRun", "glue:GetJobRun", "glue:BatchStopJobRun"]),
        ("elasticmapreduce:createCluster", ["elasticmapreduce:RunJobFlow"]),
        ("aws-sdk:s3:listObjectsV2", ["s3:ListBucket"]),
        ("aws-sdk:sfn:describeExecution", ["states:DescribeExecution"]),
        ("aws-sdk:cloudwatchlogs:putLogEvents", ["logs:PutLogEvents"]),
        ("aws-sdk:eventbridge:putEvents", ["events:PutEvents"]),
        ("aws-sdk:lambda:invoke", ["lambda:InvokeFunction"]),
        ("aws-sdk:ssm:getParameter", ["ssm:GetParameter"]),
        ("aws-sdk:s3:getBucketEncryption", []),
        ("eks:call", []),
    ],
)
def test_an_integration_needs_these_actions(resource: str, needed: list[str]) -> None:
    integration = integration_of(f"arn:aws:states:::{resource}")
    assert integration
    assert list(needed_actions(integration)) == needed


def test_what_no_integration_is_has_no_actions() -> None:
    assert integration_of("arn:aws:states:eu-west-1:123456789012:activity:sign") is None
    assert integration_of("arn:aws:lambda:eu-west-1:123456789012:function:x") is None
    assert integration_of("${Resource}") is None
    assert needed_actions(Integration("aws-sdk:nothing", "go", "")) == ()


def test_a_call_that_nothing_allows_is_named_with_what_it_needs() -> None:
    assert found(machine(calling("arn:aws:states:::sns:publish"))) == [
        f"the state Call calls sns:publish, which needs sns:Publish{ADVICE}"
    ]


@pytest.mark.parametrize(
    "policies",
    [
        [allow("sns:Publish")],
        [allow(["sqs:SendMessage", "SNS:publish"])],
        [{"Statement": [allow("sns:*")]}],
        {"Statement": allow("sns:Pub*")},
        ["arn:aws:iam::aws:policy/AmazonSNSFullAccess"],
    ],
)
def test_what_the_front_matter_allows_is_no_finding(policies: Any) -> None:
    assert found(machine(calling("arn:aws:states:::sns:publish"), Policies=policies)) == []


@pytest.mark.parametrize("policies", [[allow("sns:Publish", "Deny")], [allow("sqs:SendMessage")], []])
def test_what_it_does_not_allow_is_one(policies: Any) -> None:
    assert len(found(machine(calling("arn:aws:states:::sns:publish"), Policies=policies))) == 1


def test_machines_of_one_stack_share_their_role() -> None:
    other = machine({"Done": {"Type": "Succeed"}}, Policies=[allow("sns:Publish")])
    assert found(machine(calling("arn:aws:states:::sns:publish")), other) == []


def test_a_task_with_another_role_is_not_judged() -> None:
    role = {"RoleArn": "arn:aws:iam::123456789012:role/theirs"}
    assert found(machine(calling("arn:aws:states:::sns:publish", Credentials=role))) == []


def test_a_lambda_of_others_needs_a_right_and_one_of_ours_has_it() -> None:
    theirs = "arn:aws:lambda:eu-west-1:123456789012:function:theirs"
    assert found(machine(calling("copy_keys"))) == []
    assert found(machine(calling(theirs))) == [
        f"the state Call calls {theirs}, which needs lambda:InvokeFunction{ADVICE}"
    ]


@pytest.mark.parametrize(
    ("action", "bucket", "needed"),
    [
        ("getObject", "${WorkBucket}", None),
        ("getObject", "theirs", "s3:GetObject"),
        ("listObjectsV2", "${WorkBucket}", "s3:ListBucket"),
    ],
)
def test_a_map_may_read_the_work_bucket_and_no_other(action: str, bucket: str, needed: str | None) -> None:
    reader = {"Resource": f"arn:aws:states:::s3:{action}", "Parameters": {"Bucket": bucket}}
    spec = machine({"Each": {"Type": "Map", "ItemReader": reader, "End": True}})
    expected = f"the state Each calls s3:{action} in its ItemReader, which needs {needed}{ADVICE}"
    assert found(spec) == ([expected] if needed else [])


def test_the_shipped_machine_has_every_right() -> None:
    (spec,) = states_language.read_all(PROJECT / "state_machines")
    assert found(spec) == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    shutil.copytree(PROJECT / "tests" / "good_project", made, ignore=shutil.ignore_patterns("__pycache__"))
    return made


def test_fab_check_says_it_as_a_note_with_its_line(project: Path) -> None:
    (project / "state_machines" / "say.yaml").write_text(CALL % "sns:publish")
    checked = check.check(project, Settings(source_buckets=("abc",)))
    assert checked.problems == ()
    assert (
        f"state_machines/say.yaml:3: the state Call calls sns:publish, which needs sns:Publish{ADVICE}"
        in checked.notes
    )


def test_what_a_front_matter_allows_is_judged_as_that_of_a_lambda(project: Path) -> None:
    block = "---\nPolicies:\n  - Effect: Allow\n    Action: [sns:Publish, 's3:*']\n    Resource: '*'\n---\n"
    (project / "state_machines" / "say.yaml").write_text(block + CALL % "sns:publish")
    assert [str(problem) for problem in check.check(project, Settings()).problems] == [
        "state_machines/say.yaml:4: allows the action s3:*: name each action that is needed",
        "state_machines/say.yaml:5: allows sns:Publish on *: name the resource, or write a placeholder such as "
        "${SourceObjects}",
    ]


def test_what_cfn_lint_finds_in_it_is_shown_at_its_line(project: Path) -> None:
    block = (
        "---\nPolicies:\n  - Effect: Alow\n    Action: sns:Publish\n    Resource: arn:aws:sns:*:*:x\n---\n"
    )
    (project / "state_machines" / "say.yaml").write_text(block + CALL % "sns:publish")
    (problem,) = check.check(project, Settings()).problems
    assert (problem.path, problem.line) == ("state_machines/say.yaml", 3)
    assert "'Alow' is not one of ['Allow', 'Deny']" in problem.message


def test_a_machine_with_a_wrong_front_matter_is_looked_at_all_the_same(project: Path) -> None:
    text = "---\nPolicy: []\n---\n" + CALL % "snss:publish"
    (project / "state_machines" / "say.yaml").write_text(text)
    assert [problem.line for problem in check.check(project, Settings()).problems] == [2, 6]
