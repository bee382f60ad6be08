"""Functions that a deployment would delete while something calls them, on moto: what is named, what is refused, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from deployments_on_moto import BASE, Deployments, refuse
from moto import mock_aws

from deployment.aws.installation import Clock, Installation
from deployment.build.build import Sources
from deployment.cloudformation import stack
from deployment.cloudformation.lookup import CurrentStack
from deployment.errors import StackError
from deployment.project.settings import Settings
from deployment.step_functions import callers
from deployment.tasks.stack import deploy
from tests.recording_console import RecordingConsole

COPY, LIST, COPY_KEYS = "sync-buckets-copy", "sync-buckets-list", "sync-buckets-copy-keys"
OLD, NEW = f"{BASE}-20261101-100000", f"{BASE}-20261102-100000"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"
REMOVED = {"Action": "Remove", "LogicalResourceId": "Copy", "ResourceType": "AWS::Lambda::Function"}
SAID = f"`fab` would delete the function {COPY} with all its versions while executions that call it are RUNNING:\n  "
UNKNOWN = f"It is not known whether an execution that calls the function {COPY} with all its versions is RUNNING:\n  "


@pytest.fixture
def deployed() -> Iterator[Deployments]:
    """Two deployments: the older machine calls `copy`, both call `list`, and a third has `copy` in the name of its function."""
    with mock_aws():
        made = Deployments()
        listing = made.function(LIST, "list")
        made.machine("20261101-100000", made.function(COPY, "copy"), listing)
        made.machine("20261102-100000", listing)
        made.machine("20261103-100000", made.function(COPY_KEYS, "keys"), base="other")
        yield made


def refusal(deployed: Deployments, *functions: str) -> str | None:
    try:
        deploy.require_idle(deployed.installation, functions or (COPY,))
    except StackError as error:
        return str(error)
    return None


def names(deployed: Deployments, function: str = COPY) -> list[str]:
    return [caller.machine for caller in callers.find(deployed.installation, (function,)).callers]


def test_a_function_that_only_idle_machines_call_may_go(deployed: Deployments) -> None:
    deployed.start(NEW)
    deployed.start("other-20261103-100000")

    assert refusal(deployed) is None
    assert (names(deployed), names(deployed, LIST)) == ([OLD], [NEW, OLD])


def test_while_an_execution_that_calls_it_runs_it_may_not_however_old_the_machine(
    deployed: Deployments,
) -> None:
    arn = deployed.start(OLD)
    deployed.start(OLD, "weekly")

    said = str(refusal(deployed))

    assert said.startswith(f"{SAID}{OLD}: 2 executions RUNNING: ")
    assert f"stop-execution --region eu-west-1 --execution-arn {arn.rpartition(':')[0]}:" in said
    for name in ("nightly", "weekly"):
        deployed.states.stop_execution(executionArn=f"{arn.rpartition(':')[0]}:{name}")
    assert refusal(deployed) is None


@pytest.mark.parametrize(
    "named",
    [
        {"Resource": f"{ARN}{COPY}"},
        {"Resource": f"{ARN}{COPY}:live"},
        {"Resource": f"{ARN}{COPY}:$LATEST"},
        {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": COPY}},
        {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": f"{ARN}{COPY}:1"}},
    ],
    ids=["no version", "an alias", "latest", "by name", "a parameter"],
)
def test_however_a_machine_names_it(deployed: Deployments, named: dict[str, Any]) -> None:
    states = {"Call": {"Type": "Task", **named, "End": True}}
    machine = deployed.machine(
        "20261104-100000", definition=json.dumps({"StartAt": "Call", "States": states})
    )
    deployed.start(machine)

    assert str(refusal(deployed)).startswith(f"{SAID}{machine}: 1 execution RUNNING: nightly")


def test_many_executions_are_counted_and_the_first_named(deployed: Deployments) -> None:
    for number in range(12):
        deployed.start(OLD, f"run-{number:02}")

    said = str(refusal(deployed))

    assert f"{OLD}: 12 executions RUNNING: " in said
    assert ", and 2 more\n" in said


@pytest.mark.parametrize("operation", ["DescribeStateMachine", "ListExecutions"])
def test_what_may_not_be_read_is_not_taken_for_idle(deployed: Deployments, operation: str) -> None:
    refuse(deployed.states, operation, "AccessDeniedException", {"stateMachineArn": deployed.arn(OLD)})

    assert refusal(deployed) == (
        f"{UNKNOWN}{OLD}: AWS refused {operation} with AccessDeniedException: no.\n"
        "Nothing was deployed. Allow that to whoever deploys (docs/permissions.md), then run `fab` again."
    )


def test_a_machine_whose_tags_may_not_be_read_is_judged_by_its_definition(deployed: Deployments) -> None:
    for name in (OLD, NEW):
        refuse(
            deployed.states,
            "ListTagsForResource",
            "AccessDeniedException",
            {"resourceArn": deployed.arn(name)},
        )

    assert refusal(deployed) is None
    deployed.start(OLD)
    assert str(refusal(deployed)).startswith(f"{SAID}{OLD}: ")
    refuse(
        deployed.states,
        "DescribeStateMachine",
        "AccessDeniedException",
        {"stateMachineArn": deployed.arn(NEW)},
    )
    assert UNKNOWN in str(refusal(deployed))


def test_without_the_right_to_list_machines_nothing_goes(deployed: Deployments) -> None:
    refuse(deployed.states, "ListStateMachines", "AccessDeniedException")

    with pytest.raises(ClientError, match="ListStateMachines"):
        deploy.require_idle(deployed.installation, (COPY,))


def test_a_deployment_without_a_function_that_goes_asks_nothing(deployed: Deployments) -> None:
    refuse(deployed.states, "ListStateMachines", "AccessDeniedException")

    deploy.require_idle(deployed.installation, ())


# --- the stack, right before the change set is executed --------------------------------------------------------


def change_set(**change: Any) -> dict[str, Any]:
    return {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": REMOVED | change}]}


def update(deployed: Deployments, *answers: dict[str, Any]) -> list[str]:
    """Deploy the stack with these change sets; return the calls that changed something."""
    deployed.stack._answers = list(answers)
    deployed.stack._timelines["execute"] = [[("", "UPDATE_IN_PROGRESS", ""), ("", "UPDATE_COMPLETE", "")]]
    deployed.stack.template = {
        "Resources": {"Copy": {"Type": "AWS::Serverless::Function", "Properties": {"FunctionName": COPY}}}
    }
    installation = replace(deployed.installation, clock=Clock(sleep=deployed.stack.sleep))
    stack.deploy(
        installation,
        {"Resources": {}},
        CurrentStack({"StackStatus": "UPDATE_COMPLETE", "StackId": "arn:stack"}, False),
        RecordingConsole(),  # type: ignore[arg-type]
        lambda lost: deploy.require_idle(installation, lost),
    )
    return deployed.stack.called()


LOSING = [
    {},
    {"PhysicalResourceId": COPY},
    {"ResourceType": "AWS::Serverless::Function"},
    {"Action": "Modify", "Replacement": "True", "PhysicalResourceId": COPY},
    {"Action": "Modify", "Replacement": "Conditional", "PhysicalResourceId": COPY},
]
KEEPING: list[dict[str, Any]] = [
    {"Action": "Modify", "Replacement": "False"},
    {"Action": "Remove", "PolicyAction": "Retain"},
    {"ResourceType": "AWS::Logs::LogGroup"},
    {"LogicalResourceId": "Keys", "PhysicalResourceId": COPY_KEYS},
]


@pytest.mark.parametrize("change", LOSING)
def test_whatever_takes_the_function_away_is_refused_and_the_change_set_is_deleted(
    deployed: Deployments, change: dict[str, Any]
) -> None:
    deployed.start(OLD)

    with pytest.raises(StackError, match=r"^`fab` would delete the function sync-buckets-copy with"):
        update(deployed, change_set(**change))
    assert deployed.stack.called() == ["create_change_set", "delete_change_set"]


@pytest.mark.parametrize("change", KEEPING)
def test_what_keeps_the_function_is_not_refused(deployed: Deployments, change: dict[str, Any]) -> None:
    deployed.start(OLD)

    assert update(deployed, change_set(**change)) == ["create_change_set", "execute_change_set"]


def test_an_execution_that_starts_while_the_change_set_is_made_is_seen(deployed: Deployments) -> None:
    def started(seconds: float) -> None:
        deployed.start(OLD)

    deployed.stack.sleep = started  # type: ignore[method-assign]
    with pytest.raises(StackError, match="1 execution RUNNING: nightly"):
        update(deployed, {"Status": "CREATE_IN_PROGRESS"}, change_set())
    assert "execute_change_set" not in deployed.stack.called()


# --- the whole of `fab` ---------------------------------------------------------------------------------------


@pytest.fixture
def sources(deployed: Deployments, tmp_path: Path) -> Sources:
    """A folder from which the file of `copy` is gone."""
    deployed.stack.outputs = {"WorkBucket": "w", "StateMachineRoleArn": "r", "StateMachines": BASE}
    deployed.stack.template = {
        "Resources": {"Copy": {"Type": "AWS::Serverless::Function", "Properties": {"FunctionName": COPY}}}
    }
    deployed.stack._answers = [change_set(), change_set()]
    return Sources((), (), ())


def limited(deployed: Deployments) -> Installation:
    """The installation with a limit of Lambdas, for which moto cannot be asked."""
    return replace(deployed.installation, settings=Settings(stack_name="sync-buckets", max_concurrency=7))


@pytest.mark.parametrize("ask", [False, True])
def test_fab_refuses_before_it_asks_and_before_anything_is_changed(
    deployed: Deployments, sources: Sources, ask: bool
) -> None:
    deployed.start(OLD)
    console = RecordingConsole(["yes"])

    with pytest.raises(StackError, match="1 execution RUNNING: nightly"):
        deploy.deploy(limited(deployed), sources, console, ask)  # type: ignore[arg-type]
    assert console.questions == []
    assert "execute_change_set" not in deployed.stack.called()


def test_what_starts_while_a_person_thinks_is_asked_for_again(
    deployed: Deployments, sources: Sources
) -> None:
    class StartsWhileAsked(RecordingConsole):
        def ask(self, question: str) -> str:
            deployed.start(OLD)
            return super().ask(question)

    console = StartsWhileAsked(["yes"])
    with pytest.raises(StackError, match="1 execution RUNNING: nightly"):
        deploy.deploy(limited(deployed), sources, console, ask=True)  # type: ignore[arg-type]
    assert len(console.questions) == 1
    assert any(f"\n  {OLD}" in text for text in console.results), "the plan names the machine"
    assert "execute_change_set" not in deployed.stack.called()
