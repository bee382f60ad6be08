"""A machine of somebody else's beside ours, with rights, tags and placeholders of its own, from its file to its execution."""

from __future__ import annotations

import json

from deployed_project import Project

TELL = """\
---
Policies:
  - Effect: Allow
    Action: sns:Publish
    Resource: !Sub arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:orders
Tags: { cost: 12 }
DefinitionSubstitutions:
  Topic: !Sub arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:orders
  Times: 3
---
StartAt: Tell
States:
  Tell:
    Type: Pass
    Result: { topic: "${Topic}", times: "${Times}", literal: "${!HOME}" }
    End: true
"""
TOPIC = "arn:aws:sns:eu-west-1:000000000000:orders"


def test_a_machine_with_a_front_matter_is_deployed_once_and_runs_with_what_it_says(editable: Project) -> None:
    (editable.folder / "state_machines" / "tell.yaml").write_text(TELL, encoding="utf-8")

    assert editable.fab().returncode == 0
    again = editable.fab("plan", "--fail-on-changes")
    assert again.returncode == 0, again.stdout + again.stderr

    client = editable.client("stepfunctions")
    (arn,) = [
        machine["stateMachineArn"]
        for machine in client.list_state_machines()["stateMachines"]
        if machine["name"].startswith("tell-")
    ]
    assert {"key": "cost", "value": "12"} in client.list_tags_for_resource(resourceArn=arn)["tags"]
    role = client.describe_state_machine(stateMachineArn=arn)["roleArn"].rpartition("/")[2]
    policy = editable.client("iam").get_role_policy(RoleName=role, PolicyName="tell-0")["PolicyDocument"]
    assert policy["Statement"] == [{"Effect": "Allow", "Action": "sns:Publish", "Resource": TOPIC}]

    ended = editable.wait(client.start_execution(stateMachineArn=arn, input="{}")["executionArn"])
    assert json.loads(ended["output"]) == {"topic": TOPIC, "times": 3, "literal": "${HOME}"}
