"""`fab deploy --ask`: the plan as `fab plan` shows it, one question, and what becomes of every answer."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from deployment.aws.installation import Installation
from deployment.build.build import BuiltProject, Sources
from deployment.cloudformation import deployment_bucket, lookup, stack
from deployment.cloudformation.lookup import CurrentStack
from deployment.errors import Declined, StackError
from deployment.plan import view
from deployment.step_functions import listing, state_machines
from deployment.step_functions.callers import Caller, Loss
from deployment.step_functions.listing import MachineList
from deployment.tasks.stack import deploy
from tests.deployed_stack import NOTHING_PLANNED, SETTINGS, TAGS
from tests.fake_cloudformation import FakeCloudFormation
from tests.recording_console import RecordingConsole
from tests.stacks import installed_with

PLAN = replace(NOTHING_PLANNED, uploads=("copy_keys-1.zip",))
FIXED = replace(SETTINGS, max_concurrency=8)
"""With which Lambda need not be asked."""
QUESTION = "Deploy this to account 123456789012, region eu-west-1? [y/N]"


@pytest.mark.parametrize("answer", ["y", "Y", "yes", "Yes"])
def test_a_deployment_is_wanted_after_the_whole_plan_was_shown_and_the_answer_was_yes(answer: str) -> None:
    console, planned = RecordingConsole([answer]), RecordingConsole()

    assert deploy.confirm(console, PLAN) is True
    assert console.questions == [QUESTION]

    view.show(planned, PLAN, as_json=False, fail_on_changes=False)
    assert planned.results.pop() == "\nNothing has been changed. To do this: fab"
    assert (console.results, console.tables, console.diffs) == (
        planned.results,
        planned.tables,
        planned.diffs,
    )


@pytest.mark.parametrize("answer", ["", "n", "no", "j", "sync-buckets", "yes please"])
def test_any_other_answer_declines_it(answer: str) -> None:
    with pytest.raises(Declined) as caught:
        deploy.confirm(RecordingConsole([answer]), PLAN)

    assert str(caught.value) == "Nothing was deployed: the answer was not y."


def test_where_there_is_nothing_to_do_it_is_said_and_nothing_is_asked() -> None:
    console = RecordingConsole([])

    assert deploy.confirm(console, replace(PLAN, uploads=())) is False
    assert console.questions == []
    assert console.results == [
        "Account 123456789012, region eu-west-1, stack sync-buckets",
        "\nNothing to do: everything is up to date.",
    ]


def test_a_stack_that_cannot_be_deployed_is_an_error_and_no_question() -> None:
    console = RecordingConsole([])

    with pytest.raises(StackError, match=r"^The stack is busy\.$"):
        deploy.confirm(console, replace(PLAN, obstacle="The stack is busy."))

    assert (console.questions, console.results) == ([], [])


def test_a_plan_that_is_refused_says_why_once_and_asks_nothing() -> None:
    console, functions = RecordingConsole([]), ("sync-buckets-copy-keys",)
    execution = "arn:aws:states:eu-west-1:123456789012:execution:slow-20261128-121037:held"
    loss = Loss(functions, (Caller("slow-20261128-121037", functions, (execution,)),))

    with pytest.raises(
        StackError, match=r"^`fab` would delete the function sync-buckets-copy-keys with all its versions"
    ):
        deploy.confirm(console, replace(PLAN, loss=loss))

    assert console.questions == []
    assert not any("would delete" in text for text in console.results)


# --- the pipeline, on a stack whose zips are all missing -----------------------------------------------------


class Zips:
    """A deployment bucket that is there and empty, and that nothing may be done with but to look."""

    def get_paginator(self, name: str) -> Zips:
        assert name == "list_objects_v2"
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{}]


NO_SOURCES = Sources((), (), ())
Pipeline = tuple[Installation, FakeCloudFormation, list[str]]


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A folder with another template than the deployed one; the second value names the steps that were taken."""
    cloudformation, steps = FakeCloudFormation("UPDATE_COMPLETE", tags=TAGS, change_set=READY), []
    cloudformation.template = {"Resources": {}}
    installation = installed_with(cloudformation, FIXED, s3=Zips(), **{"lambda": None})
    template = {
        "Resources": {"WorkBucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {name: {"Value": {"Ref": "WorkBucket"}} for name in ("WorkBucket", "StateMachineRoleArn")},
    }

    def built(*_: object) -> BuiltProject:
        steps.append("build")
        return BuiltProject((), (), (), template)

    monkeypatch.setattr(deploy, "build_project", built)
    for module, name in ((deployment_bucket, "send"), (stack, "deploy")):
        monkeypatch.setattr(
            module, name, lambda *_, name=name: steps.append(name) or SimpleNamespace(outputs={})
        )
    monkeypatch.setattr(state_machines, "create_all", lambda *_: steps.append("create_all"))
    monkeypatch.setattr(deploy, "ending", lambda *_: steps.append("announce") or "")
    return installation, cloudformation, steps


READY = [
    {
        "Status": "CREATE_COMPLETE",
        "Changes": [
            {
                "ResourceChange": {
                    "Action": "Add",
                    "LogicalResourceId": "WorkBucket",
                    "ResourceType": "AWS::S3::Bucket",
                }
            }
        ],
    }
]
ACTING = ["send", "deploy", "create_all", "announce"]


def test_declined_the_pipeline_ends_before_it_acts_and_the_change_set_of_the_plan_is_gone(
    pipeline: Pipeline,
) -> None:
    installation, cloudformation, steps = pipeline

    with pytest.raises(Declined):
        deploy.deploy(installation, NO_SOURCES, RecordingConsole(["n"]), ask=True)  # type: ignore[arg-type]

    assert steps == ["build"]
    assert cloudformation.called() == ["create_change_set", "delete_change_set"]
    assert cloudformation.status == "UPDATE_COMPLETE"


def test_agreed_what_was_shown_is_what_is_deployed_and_it_is_built_once(
    pipeline: Pipeline,
) -> None:
    installation, _, steps = pipeline
    console = RecordingConsole(["y"])

    deploy.deploy(installation, NO_SOURCES, console, ask=True)  # type: ignore[arg-type]

    assert steps == ["build", *ACTING]
    assert console.questions == [QUESTION]


def test_unasked_the_pipeline_plans_nothing_and_asks_nothing(
    pipeline: Pipeline,
) -> None:
    installation, cloudformation, steps = pipeline
    console = RecordingConsole([])

    deploy.deploy(installation, NO_SOURCES, console)  # type: ignore[arg-type]

    assert steps == ["build", *ACTING]
    assert (console.questions, cloudformation.called()) == ([], [])


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"])
def test_a_stack_that_cannot_be_worked_on_ends_the_pipeline_before_anything_is_uploaded(
    pipeline: Pipeline, status: str
) -> None:
    installation, cloudformation, steps = pipeline
    cloudformation.status = status

    with pytest.raises(StackError, match=status):
        deploy.deploy(installation, NO_SOURCES, RecordingConsole([]))  # type: ignore[arg-type]

    assert (steps, cloudformation.called()) == (["build"], [])


def test_what_the_stack_has_already_is_not_even_looked_for_in_the_deployment_bucket(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, _, steps = pipeline
    present = CurrentStack({"StackStatus": "UPDATE_COMPLETE"}, is_up_to_date=True)
    monkeypatch.setattr(lookup, "read_deployable", lambda *_: present)

    deploy.deploy(installation, NO_SOURCES, RecordingConsole([]))  # type: ignore[arg-type]

    assert steps == ["build", *ACTING[1:]]


# --- buckets that are taken away while executions are RUNNING ------------------------------------------------

NAMED = replace(FIXED, source_buckets=("kept",), destination_buckets=("copy",))
RUNNING = tuple(
    f"arn:aws:states:eu-west-1:123456789012:execution:machine:run-{number}" for number in range(7)
)
SAID = (
    "After this the functions may no longer read gone, by their policies, and 7 executions are RUNNING: run-0, run-1, run-2, "
    "run-3, run-4 and 2 more. One that works on such a bucket will fail."
)


def policies(*names: str) -> dict[str, Any]:
    resources = [{"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{name}/*"} for name in names]
    statement = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": resources}
    policy = {"PolicyName": "a", "PolicyDocument": {"Statement": [statement]}}
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}}


@pytest.fixture
def narrower(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The pipeline, whose new template no longer lets the functions read one bucket while executions are RUNNING."""
    _, cloudformation, steps = pipeline
    cloudformation.template = {"Resources": {"Role": policies("kept", "gone")}}
    wanted = {"Resources": {"Role": policies("kept")}, "Outputs": {}}
    monkeypatch.setattr(deploy, "build_project", lambda *_: BuiltProject((), (), (), wanted))
    monkeypatch.setattr(listing, "list_all", lambda _: MachineList((), ()))
    monkeypatch.setattr(listing, "running", lambda *_: RUNNING)
    return installed_with(cloudformation, NAMED, s3=Zips(), **{"lambda": None}), cloudformation, steps


def test_buckets_are_taken_from_running_executions_after_a_yes_only(narrower: Pipeline) -> None:
    installation, _, steps = narrower
    console = RecordingConsole(["n"])
    with pytest.raises(Declined, match="Nothing was deployed: the answer was not y"):
        deploy.deploy(installation, NO_SOURCES, console)  # type: ignore[arg-type]
    assert (console.results, console.questions, steps) == ([SAID], ["Deploy all the same? [y/N]"], [])

    deploy.deploy(installation, NO_SOURCES, RecordingConsole(["y"]))  # type: ignore[arg-type]
    assert steps == ACTING


def test_where_nobody_can_be_asked_it_is_refused_and_yes_asks_nobody(narrower: Pipeline) -> None:
    installation, _, steps = narrower
    silent = RecordingConsole([])
    silent.is_interactive = False
    with pytest.raises(Declined) as caught:
        deploy.deploy(installation, NO_SOURCES, silent)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "Nothing was deployed: there is no terminal to ask on. To deploy all the same: fab deploy --yes"
    )
    assert steps == []
    deploy.deploy(installation, NO_SOURCES, silent, yes=True)  # type: ignore[arg-type]
    assert steps == ACTING


def test_buckets_that_nobody_works_on_are_taken_away_without_a_question(
    narrower: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, _, steps = narrower
    monkeypatch.setattr(listing, "running", lambda *_: ())
    console = RecordingConsole([])
    deploy.deploy(installation, NO_SOURCES, console)  # type: ignore[arg-type]
    assert (console.questions, steps) == ([], ACTING)


def test_where_no_bucket_is_taken_away_executions_are_not_looked_for(
    narrower: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation, cloudformation, steps = narrower
    cloudformation.template = {"Resources": {"Role": policies("kept"), "Other": {"Type": "AWS::SQS::Queue"}}}
    monkeypatch.setattr(listing, "list_all", lambda _: pytest.fail("nobody asks for machines"))
    deploy.deploy(installation, NO_SOURCES, RecordingConsole([]))  # type: ignore[arg-type]
    assert steps == ACTING
