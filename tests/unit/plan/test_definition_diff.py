"""The state machine that a deployment would make, known before the stack has been deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deployment.build import definitions
from deployment.cloudformation.changes import Change
from deployment.plan import definition_diff
from deployment.plan.definition_diff import MachinePlan
from deployment.project.front_matter import FunctionSpec
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec
from tests.installations import installed

SETTINGS = Settings(max_concurrency=4)
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:sync-buckets"
NEWEST = "sync-20261122-143000"
WANTED = {
    "Outputs": {
        "CopyKeysVersion": {"Value": {"Ref": "CopyKeysVersion1"}},
        "TallyRunVersion": {"Value": {"Ref": "TallyRunVersion1"}},
        "WorkBucket": {"Value": {"Ref": "WorkBucket"}},
        "StateMachineRoleArn": {"Value": {"Fn::GetAtt": ["StateMachineRole", "Arn"]}},
    }
}
PRESENT = {
    "CopyKeysVersion": f"{ARN}-copy-keys:3",
    "TallyRunVersion": f"{ARN}-tally-run:7",
    "WorkBucket": "work",
    "StateMachineRoleArn": "arn:role",
}


def function(name: str) -> FunctionSpec:
    return FunctionSpec(name, Path(f"lambda_functions/{name}.py"), {})


FUNCTIONS = (function("copy_keys"), function("tally_run"))


class FakeStepFunctions:
    """One machine of ours."""

    def __init__(self, definition: Any, role: str = "arn:role", tag: str | None = None) -> None:
        self.definition, self.role = definition, role
        self.tag = tag or definitions.fingerprint(definition, role)

    def get_paginator(self, _: str) -> FakeStepFunctions:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"stateMachines": [{"name": NEWEST, "stateMachineArn": "arn:machine", "creationDate": None}]}]

    def list_tags_for_resource(self, **_: Any) -> dict[str, Any]:
        tags = {"syncbuckets:stack": "sync-buckets", "syncbuckets:definition": self.tag}
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def describe_state_machine(self, **_: Any) -> dict[str, Any]:
        return {"status": "ACTIVE", "definition": json.dumps(self.definition), "roleArn": self.role}


def definition(seconds: int, version: str = "3") -> dict[str, Any]:
    task = {"Type": "Task", "Resource": f"{ARN}-copy-keys:{version}", "TimeoutSeconds": seconds, "End": True}
    return {"StartAt": "Copy", "States": {"Copy": task}}


def expected(changes: list[Change], present: dict[str, str] = PRESENT) -> dict[str, str]:
    return definition_diff.expected_outputs(installed(SETTINGS), FUNCTIONS, WANTED, present, changes)


def plan(client: FakeStepFunctions, outputs: dict[str, str] = PRESENT, seconds: int = 60) -> MachinePlan:
    states = {"Copy": {"Type": "Task", "Resource": "copy_keys", "TimeoutSeconds": seconds, "End": True}}
    spec = MachineSpec("sync", Path("state_machines/sync.yaml"), {"StartAt": "Copy", "States": states})
    (found,) = definition_diff.plan_machines(
        installed(SETTINGS, stepfunctions=client), [spec], FUNCTIONS, outputs
    )
    return found


def test_outputs_stay_where_nothing_is_made_anew() -> None:
    modified = Change("Modify", "CopyKeys", "AWS::Lambda::Function", "False")

    assert expected([modified]) == PRESENT


def test_a_new_version_and_a_replaced_role_have_no_number_yet() -> None:
    changes = [
        Change("Add", "CopyKeysVersion1", "AWS::Lambda::Version"),
        Change("Modify", "StateMachineRole", "AWS::IAM::Role", "True"),
    ]

    assert expected(changes) == PRESENT | {
        "CopyKeysVersion": f"{ARN}-copy-keys:(new)",
        "StateMachineRoleArn": "(new)",
    }


def test_an_output_that_the_stack_does_not_have_yet_is_new() -> None:
    assert expected([], {})["TallyRunVersion"] == f"{ARN}-tally-run:(new)"


def test_a_machine_with_this_definition_and_role_stays() -> None:
    assert plan(FakeStepFunctions(definition(60))) == MachinePlan("sync", "none", NEWEST)


def test_a_changed_state_is_a_diff_that_names_lambdas_as_the_file_does() -> None:
    found = plan(FakeStepFunctions(definition(90)))

    assert (found.action, found.versions, found.role_changes) == ("create", (), False)
    assert found.diff == (
        f"--- {NEWEST}\n"
        "+++ sync (new)\n"
        "@@ -4,4 +4,4 @@\n"
        "     Type: Task\n"
        "     Resource: copy_keys\n"
        "-    TimeoutSeconds: 90\n"
        "+    TimeoutSeconds: 60\n"
        "     End: true"
    )


def test_a_new_version_is_no_diff_but_a_line_of_its_own() -> None:
    outputs = PRESENT | {"CopyKeysVersion": f"{ARN}-copy-keys:(new)"}

    found = plan(FakeStepFunctions(definition(60)), outputs)

    assert found == MachinePlan("sync", "create", NEWEST, "", (("copy_keys", "3", "(new)"),))


def test_another_role_needs_another_machine() -> None:
    assert plan(FakeStepFunctions(definition(60), role="arn:old")) == MachinePlan(
        "sync", "create", NEWEST, role_changes=True
    )


def test_what_two_states_share_is_written_out_and_no_change() -> None:
    retry = [{"ErrorEquals": ["States.ALL"]}]
    states = {name: {"Type": "Task", "Retry": retry} for name in ("One", "Two")}
    deployed = json.loads(json.dumps({"States": states}))

    shared, _ = definition_diff.readable_yaml({"States": states}, SETTINGS)

    assert shared == definition_diff.readable_yaml(deployed, SETTINGS)[0]
    assert "&" not in shared and "*" not in shared
