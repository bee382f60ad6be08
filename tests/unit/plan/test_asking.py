"""`fab deploy --ask`: the plan as `fab plan` shows it, one question, and what becomes of every answer."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import fabfile
from deployment.aws.account import Account
from deployment.build.build import Wanted
from deployment.cloudformation.lookup import Present
from deployment.errors import Declined, StackError
from deployment.plan import view
from deployment.project.settings import Settings
from tests.deployed_stack import NOTHING_PLANNED, SETTINGS, TAGS
from tests.fake_cloudformation import FakeCloudFormation
from tests.recording_console import RecordingConsole

PLAN = replace(NOTHING_PLANNED, uploads=("copy_keys-1.zip",))
FIXED = replace(SETTINGS, max_concurrency=8)
"""With which Lambda need not be asked."""
QUESTION = "Deploy this to account 123456789012, region eu-west-1? [y/N]"


@pytest.mark.parametrize("answer", ["y", "Y", "yes", "Yes"])
def test_a_deployment_is_wanted_after_the_whole_plan_was_shown_and_the_answer_was_yes(answer: str) -> None:
    console, planned = RecordingConsole([answer]), RecordingConsole()

    assert view.is_deployment_wanted(console, PLAN) is True
    assert console.questions == [QUESTION]

    view.show(planned, PLAN, as_json=False, fail_on_changes=False)
    assert planned.results
    assert (console.results, console.tables, console.diffs) == (
        planned.results,
        planned.tables,
        planned.diffs,
    )


@pytest.mark.parametrize("answer", ["", "n", "no", "j", "sync-buckets", "yes please"])
def test_any_other_answer_declines_it(answer: str) -> None:
    with pytest.raises(Declined) as caught:
        view.is_deployment_wanted(RecordingConsole([answer]), PLAN)

    assert str(caught.value) == "Nothing was deployed: the answer was not y."


def test_where_there_is_nothing_to_do_it_is_said_and_nothing_is_asked() -> None:
    console = RecordingConsole([])

    assert view.is_deployment_wanted(console, replace(PLAN, uploads=())) is False
    assert console.questions == []
    assert console.results == [
        "Account 123456789012, region eu-west-1, stack sync-buckets",
        "\nNothing to do: everything is as it should be.",
    ]


def test_a_stack_that_cannot_be_deployed_is_an_error_and_no_question() -> None:
    console = RecordingConsole([])

    with pytest.raises(StackError, match=r"^The stack is busy\.$"):
        view.is_deployment_wanted(console, replace(PLAN, obstacle="The stack is busy."))

    assert (console.questions, console.results) == ([], [])


# --- the pipeline, on a stack whose zips are all missing -----------------------------------------------------


class Zips:
    """A deployment bucket that is there and empty, and that nothing may be done with but to look."""

    def get_paginator(self, name: str) -> Zips:
        assert name == "list_objects_v2"
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{}]


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> tuple[FakeCloudFormation, list[str]]:
    """A folder with another template than the deployed one; the second value names the steps that were taken."""
    cloudformation, steps = FakeCloudFormation("UPDATE_COMPLETE", tags=TAGS, change_set=READY), []
    cloudformation.template = {"Resources": {}}
    clients = {"cloudformation": cloudformation, "s3": Zips(), "lambda": None}
    account = Account(None, "123456789012", "eu-west-1", "aws", clients)
    template = {
        "Resources": {"WorkBucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {name: {"Value": {"Ref": "WorkBucket"}} for name in ("WorkBucket", "StateMachineRoleArn")},
    }

    def built(settings: Settings, console: RecordingConsole, doing: str = "") -> tuple[Account, Wanted]:
        steps.append(f"build {doing}".strip())
        return account, Wanted((), (), (), template)

    monkeypatch.setattr(fabfile, "build", built)
    for module, name in ((fabfile.deployment_bucket, "send"), (fabfile.stack, "deploy")):
        monkeypatch.setattr(
            module, name, lambda *_, name=name: steps.append(name) or SimpleNamespace(outputs={})
        )
    monkeypatch.setattr(fabfile.state_machines, "create_all", lambda *_: steps.append("create_all"))
    monkeypatch.setattr(fabfile.announcement, "announce", lambda *_: steps.append("announce"))
    return cloudformation, steps


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
    pipeline: tuple[FakeCloudFormation, list[str]],
) -> None:
    cloudformation, steps = pipeline

    with pytest.raises(Declined):
        fabfile.deploy_everything(FIXED, RecordingConsole(["n"]), ask=True)  # type: ignore[arg-type]

    assert steps == ["build"]
    assert cloudformation.called() == ["create_change_set", "delete_change_set"]
    assert cloudformation.status == "UPDATE_COMPLETE"


def test_agreed_what_was_shown_is_what_is_deployed_and_it_is_built_once(
    pipeline: tuple[FakeCloudFormation, list[str]],
) -> None:
    _, steps = pipeline
    console = RecordingConsole(["y"])

    fabfile.deploy_everything(FIXED, console, ask=True)  # type: ignore[arg-type]

    assert steps == ["build", *ACTING]
    assert console.questions == [QUESTION]


def test_unasked_the_pipeline_plans_nothing_and_asks_nothing(
    pipeline: tuple[FakeCloudFormation, list[str]],
) -> None:
    cloudformation, steps = pipeline
    console = RecordingConsole([])

    fabfile.deploy_everything(FIXED, console)  # type: ignore[arg-type]

    assert steps == ["build Deploying", *ACTING]
    assert (console.questions, cloudformation.called()) == ([], [])


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"])
def test_a_stack_that_cannot_be_worked_on_ends_the_pipeline_before_anything_is_uploaded(
    pipeline: tuple[FakeCloudFormation, list[str]], status: str
) -> None:
    cloudformation, steps = pipeline
    cloudformation.status = status

    with pytest.raises(StackError, match=status):
        fabfile.deploy_everything(FIXED, RecordingConsole([]))  # type: ignore[arg-type]

    assert (steps, cloudformation.called()) == (["build Deploying"], [])


def test_what_the_stack_has_already_is_not_even_looked_for_in_the_deployment_bucket(
    pipeline: tuple[FakeCloudFormation, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, steps = pipeline
    present = Present({"StackStatus": "UPDATE_COMPLETE"}, is_as_wanted=True)
    monkeypatch.setattr(fabfile.lookup, "look", lambda *_: present)

    fabfile.deploy_everything(FIXED, RecordingConsole([]))  # type: ignore[arg-type]

    assert steps == ["build Deploying", *ACTING[1:]]
