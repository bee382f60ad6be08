"""`fab delete`: what it asks, what it takes away, what it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from deployments_on_moto import refuse
from moto import mock_aws

from deployment.aws.installation import Installation
from deployment.errors import Declined, StackError
from deployment.project.settings import Settings
from deployment.tasks.stack import delete as removal
from tests.fake_cloudformation import FakeCloudFormation
from tests.installations import installed
from tests.recording_console import RecordingConsole

SETTINGS = Settings(stack_name="sync-buckets")
MACHINE = "sync-buckets-state-machine-20261122-143000"
KEPT = (
    "Kept: the deployment bucket sync-buckets-deployment-123456789012-eu-west-1, which has the zips of the functions "
    "(docs/deploying.md says how to remove it), and every bucket that was synchronised."
)
PLAN = (
    "This is deleted from 123456789012/eu-west-1:\n"
    "  the stack sync-buckets\n"
    f"  state machine {MACHINE}\n"
    f"  RUNNING execution, which is stopped: {MACHINE} nightly\n"
    "  the work bucket work with the reports of all runs\n"
    f"{KEPT}"
)


@pytest.fixture
def installation() -> Iterator[Installation]:
    """An account with a stack, a running state machine, a filled work bucket, and a bucket that was synchronised."""
    with mock_aws():
        deployed = FakeCloudFormation("CREATE_COMPLETE")
        deployed.resources = {
            "WorkBucket": {"PhysicalResourceId": "work", "ResourceStatus": "CREATE_COMPLETE"}
        }
        session = boto3.Session(region_name="eu-west-1")
        made = installed(SETTINGS, session=session, clock={"sleep": deployed.sleep}, cloudformation=deployed)
        _fill(made)
        yield made


def _fill(installation: Installation) -> None:
    s3, states = installation.client("s3"), installation.client("stepfunctions")
    for bucket in ("work", "photos"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket="work", VersioningConfiguration={"Status": "Enabled"})
    for key in ("runs/a", "runs/a", "runs/b"):
        s3.put_object(Bucket="work", Key=key, Body=b"x")
    s3.delete_object(Bucket="work", Key="runs/b")
    s3.put_object(Bucket="photos", Key="photo", Body=b"x")
    machine = states.create_state_machine(
        name=MACHINE,
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/machine",
        tags=[{"key": "syncbuckets:stack", "value": "sync-buckets"}],
    )
    states.start_execution(stateMachineArn=machine["stateMachineArn"], name="nightly")


def delete(installation: Installation, console: RecordingConsole, yes: bool = False) -> None:
    removal.delete(installation, console, yes)


def left(installation: Installation) -> dict[str, Any]:
    s3, states = installation.client("s3"), installation.client("stepfunctions")
    versions = s3.list_object_versions(Bucket="work")
    return {
        "stack": installation.client("cloudformation").status,
        "machines": [found["name"] for found in states.list_state_machines()["stateMachines"]],
        "work": len(versions.get("Versions", [])) + len(versions.get("DeleteMarkers", [])),
        "photos": [found["Key"] for found in s3.list_objects_v2(Bucket="photos")["Contents"]],
    }


ALL = {"stack": "CREATE_COMPLETE", "machines": [MACHINE], "work": 4, "photos": ["photo"]}
NOTHING_BUT_PHOTOS = {"stack": "DELETE_COMPLETE", "machines": [], "work": 0, "photos": ["photo"]}


def test_after_the_stacks_name_has_been_typed_everything_but_the_data_is_gone(
    installation: Installation,
) -> None:
    console = RecordingConsole(answers=["sync-buckets"])

    delete(installation, console)

    assert left(installation) == NOTHING_BUT_PHOTOS
    assert console.steps == [PLAN]
    assert console.questions == ["Type sync-buckets to delete it:"]
    assert console.results == [f"sync-buckets in 123456789012/eu-west-1: deleted. {KEPT}"]


def test_with_yes_nothing_is_asked_and_the_running_executions_are_named_all_the_same(
    installation: Installation,
) -> None:
    console = RecordingConsole()

    delete(installation, console, yes=True)

    assert left(installation) == NOTHING_BUT_PHOTOS
    assert (console.steps, console.questions) == ([PLAN], [])


@pytest.mark.parametrize("answer", ["", "y", "yes", "Sync-Buckets"])
def test_any_other_answer_deletes_nothing(installation: Installation, answer: str) -> None:
    with pytest.raises(Declined) as caught:
        delete(installation, RecordingConsole(answers=[answer]))

    assert str(caught.value) == "Nothing was deleted: the answer was not sync-buckets."
    assert left(installation) == ALL


def test_without_a_terminal_and_without_yes_it_fails_at_once(installation: Installation) -> None:
    with pytest.raises(Declined) as caught:
        delete(installation, RecordingConsole())

    assert str(caught.value) == (
        "Nothing was deleted: there is no terminal to ask on. To delete without asking: fab delete --yes"
    )
    assert left(installation) == ALL


def test_a_machine_whose_tags_may_not_be_read_is_named_and_stays(installation: Installation) -> None:
    foreign, states = "payroll-20261122-150000", installation.client("stepfunctions")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    role = "arn:aws:iam::123456789012:role/machine"
    arn = states.create_state_machine(name=foreign, definition=definition, roleArn=role)["stateMachineArn"]
    refuse(states, "ListTagsForResource", "AccessDeniedException", {"resourceArn": arn})
    console = RecordingConsole()

    delete(installation, console, yes=True)

    assert console.steps == [
        PLAN.replace(KEPT, f"Not touched, as their tags may not be read:\n  state machine {foreign}\n{KEPT}")
    ]
    assert left(installation) == NOTHING_BUT_PHOTOS | {"machines": [foreign]}


def test_a_busy_stack_is_told_before_anything_is_deleted(installation: Installation) -> None:
    installation.client("cloudformation").status = "UPDATE_IN_PROGRESS"

    with pytest.raises(StackError, match="is busy"):
        delete(installation, RecordingConsole(), yes=True)
    assert left(installation) == ALL | {"stack": "UPDATE_IN_PROGRESS"}


def test_a_stack_of_somebody_else_is_told_before_anything_is_deleted(installation: Installation) -> None:
    installation.client("cloudformation").tags = []

    with pytest.raises(StackError, match="is not ours"):
        delete(installation, RecordingConsole(), yes=True)
    assert left(installation) == ALL


@pytest.mark.parametrize(
    "resources",
    [{}, {"WorkBucket": {"PhysicalResourceId": "work", "ResourceStatus": "DELETE_COMPLETE"}}],
    ids=["never created", "deleted before"],
)
def test_a_stack_whose_work_bucket_is_not_there_is_deleted_all_the_same(
    installation: Installation, resources: dict[str, dict[str, str]]
) -> None:
    installation.client("cloudformation").resources = resources

    delete(installation, RecordingConsole(), yes=True)

    assert left(installation) == NOTHING_BUT_PHOTOS | {"work": 4}


def test_a_work_bucket_that_somebody_has_deleted_by_hand_does_not_stop_the_rest(
    installation: Installation,
) -> None:
    detail = {"PhysicalResourceId": "gone", "ResourceStatus": "CREATE_COMPLETE"}
    installation.client("cloudformation").resources = {"WorkBucket": detail}

    delete(installation, RecordingConsole(), yes=True)

    assert installation.client("cloudformation").status == "DELETE_COMPLETE"


def test_machines_that_a_deleted_stack_has_left_are_deleted_too(installation: Installation) -> None:
    installation.client("cloudformation").status = "DELETE_COMPLETE"

    delete(installation, RecordingConsole(), yes=True)

    assert left(installation) == NOTHING_BUT_PHOTOS | {"work": 4}


def test_an_object_that_cannot_be_deleted_stops_before_the_stack_and_is_named(
    installation: Installation,
) -> None:
    def refuse(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Errors"] = [{"Key": "runs/a", "Code": "AccessDenied", "Message": "no"}]

    installation.client("s3").meta.events.register("after-call.s3.DeleteObjects", refuse)

    with pytest.raises(StackError) as caught:
        delete(installation, RecordingConsole(), yes=True)

    assert str(caught.value) == "The work bucket work could not be emptied: runs/a: AccessDenied: no"
    assert installation.client("cloudformation").status == "CREATE_COMPLETE"


def test_where_nothing_is_deployed_it_says_so_and_succeeds() -> None:
    console = RecordingConsole()
    with mock_aws():
        session = boto3.Session(region_name="eu-west-1")
        nothing = {"cloudformation": FakeCloudFormation()}
        removal.delete(installed(SETTINGS, session=session, **nothing), console)

    assert console.results == ["sync-buckets in 123456789012/eu-west-1: there is nothing to delete."]


def test_of_many_machines_ten_are_named_and_the_rest_counted() -> None:
    lines = removal._name_lines("state machine", [f"m-{number}" for number in range(1212)])

    assert len(lines) == 11
    assert lines[0] == "  state machine m-0"
    assert lines[-1] == "  and 1,202 more"
