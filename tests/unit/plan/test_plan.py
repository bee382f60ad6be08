"""What a plan asks, and what it leaves: for every state that the stack may be in."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.build.build import BuiltProject
from deployment.build.bundle import Bundle
from deployment.cloudformation import change_sets
from deployment.cloudformation.changes import Change, PropertyChange
from deployment.errors import StackError
from deployment.plan import plan
from deployment.project.settings import Settings
from deployment.syncs.entries import Sync
from tests.deployed_stack import SETTINGS, Deployed
from tests.fake_cloudformation import STACK_NAME, refusal
from tests.installations import ACCOUNT_ID
from tests.stacks import installed_with

ZIPS = (Bundle("copy_keys", "copy_keys-1.zip", b"one"), Bundle("tally_run", "tally_run-2.zip", b"two"))
TEMPLATE = {
    "Resources": {"WorkBucket": {"Type": "AWS::S3::Bucket", "Properties": {"Flag": True}}},
    "Outputs": {},
}
OTHER = {
    "Resources": {"WorkBucket": {"Type": "AWS::S3::Bucket", "Properties": {"Flag": False}}},
    "Outputs": {},
}
MODIFY = {
    "ResourceChange": {
        "Action": "Modify",
        "LogicalResourceId": "WorkBucket",
        "ResourceType": "AWS::S3::Bucket",
        "Replacement": "True",
        "Details": [{"Target": {"Attribute": "Properties", "Name": "Flag"}, "Evaluation": "Static"}],
    }
}


class FakeS3:
    """A deployment bucket with some keys, or none of that name."""

    def __init__(self, keys: list[str] | None) -> None:
        self.keys = keys
        self.asked: list[str] = []

    def head_bucket(self, Bucket: str, ExpectedBucketOwner: str) -> dict[str, Any]:
        assert ExpectedBucketOwner == ACCOUNT_ID
        self.asked.append(Bucket)
        status = {"gone": 404, "denied": 403, "moved": 301}.get(Bucket)
        if status:
            answer = {"Error": {"Code": str(status)}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, "HeadBucket")  # type: ignore[arg-type]
        return {}

    def get_paginator(self, _: str) -> FakeS3:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        if self.keys is None:
            raise ClientError({"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "ListObjectsV2")  # type: ignore[typeddict-item]
        return [{"Contents": [{"Key": key} for key in self.keys]}]


def planned(
    fake: Deployed,
    template: Any = TEMPLATE,
    keys: list[str] | None = None,
    settings: Settings = SETTINGS,
    s3: FakeS3 | None = None,
) -> plan.DeploymentPlan:
    """Plan for a stack without functions and state machines."""
    settings = Settings(**{**vars(settings), "max_concurrency": 1})
    built = BuiltProject(
        (),
        (),
        ZIPS,
        template
        | {
            "Outputs": {"StateMachineRoleArn": {"Value": {"Ref": "R"}}, "WorkBucket": {"Value": {"Ref": "W"}}}
        },
    )
    return plan.make(installed_with(fake, settings, s3=s3 or FakeS3(keys), **{"lambda": None}), built)


def deployed(template: Any = TEMPLATE, **more: Any) -> Deployed:
    fake = Deployed(
        template
        | {
            "Outputs": {"StateMachineRoleArn": {"Value": {"Ref": "R"}}, "WorkBucket": {"Value": {"Ref": "W"}}}
        },
        **more,
    )
    fake.outputs = {"StateMachineRoleArn": "arn", "WorkBucket": "work"}
    return fake


def test_of_a_stack_that_is_up_to_date_nothing_changes_and_no_change_set_is_made() -> None:
    fake = deployed()

    found = planned(fake, keys=[])

    assert not found.would_change
    assert found.uploads == (), "what the functions have need not be in the bucket"
    assert set(fake.called()) == {"get_template"}


def test_without_a_stack_everything_is_new_and_nothing_but_questions_is_asked() -> None:
    fake = Deployed()
    fake.status = None

    found = planned(fake)

    assert (found.status, found.creates_bucket, found.uploads) == (
        None,
        True,
        ("copy_keys-1.zip", "tally_run-2.zip"),
    )
    assert found.changes == (Change("Add", "WorkBucket", "AWS::S3::Bucket"),)
    assert fake.called() == []


def test_a_leftover_is_planned_as_a_new_stack() -> None:
    fake = Deployed(status="ROLLBACK_COMPLETE")

    found = planned(fake, keys=[])

    assert (found.status, found.replaces_leftover, found.creates_bucket) == ("ROLLBACK_COMPLETE", True, False)
    assert [change.action for change in found.changes] == ["Add"]
    assert fake.called() == []


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"])
def test_a_stack_that_fab_cannot_work_on_is_an_obstacle_and_no_error(status: str) -> None:
    fake = Deployed(status=status)

    found = planned(fake, keys=[])

    assert status in str(found.obstacle)
    assert found.would_change, "what is not known counts as a change"
    assert (found.changes, found.settings, found.machines) == ((), (), ())
    assert "create_change_set" not in fake.called()


def test_an_update_is_previewed_by_a_change_set_that_is_deleted_again() -> None:
    fake = deployed(OTHER)
    fake._answers = [{"Status": "CREATE_COMPLETE", "Changes": [MODIFY]}]

    found = planned(fake)

    assert found.changes == (
        Change("Modify", "WorkBucket", "AWS::S3::Bucket", "True", (PropertyChange("Flag", False, True),)),
    )
    assert found.is_previewed
    assert fake.called()[-2:] == ["create_change_set", "delete_change_set"]


def test_ctrl_c_while_the_preview_is_made_leaves_no_change_set() -> None:
    fake = deployed(OTHER)
    fake._answers = [{"Status": "CREATE_PENDING"}]

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    fake.sleep = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        planned(fake)
    assert fake.called()[-1] == "delete_change_set"


def test_a_template_that_would_have_to_be_uploaded_is_compared_here() -> None:
    long = {"Description": "x" * change_sets.BODY_MAX_BYTES}
    fake = deployed(OTHER)

    found = planned(fake, TEMPLATE | long)

    assert found.changes == (
        Change("Modify", "WorkBucket", "AWS::S3::Bucket", properties=(PropertyChange("Flag", False, True),)),
    )
    assert not found.is_previewed
    assert set(fake.called()) == {"get_template"}


def test_a_template_that_can_neither_be_sent_nor_compared_is_said_to_be() -> None:
    fake = deployed()
    fake.template = refusal("GetTemplate", "AccessDenied", "no")

    with pytest.raises(StackError, match="Allow cloudformation:GetTemplate"):
        planned(fake, TEMPLATE | {"Description": "x" * change_sets.BODY_MAX_BYTES})


def test_tags_and_termination_protection_of_the_stack_are_settings() -> None:
    fake = deployed()
    settings = Settings(stack_name=STACK_NAME, termination_protection=True)

    found = planned(fake, keys=[], settings=settings)

    assert found.settings == (
        PropertyChange("TerminationProtection", False, True),
        PropertyChange(
            "Tags", {"team": "storage", "syncbuckets:stack": STACK_NAME}, {"syncbuckets:stack": STACK_NAME}
        ),
    )


def test_outputs_alone_are_a_change_although_a_change_set_does_not_name_them() -> None:
    fake = deployed()
    fake.template = {**fake.template, "Outputs": {"WorkBucket": {"Value": {"Ref": "W"}}}}
    fake._answers = [{"Status": "CREATE_COMPLETE", "Changes": []}]

    found = planned(fake, keys=[])

    assert (found.changes, found.would_change) == ((), True)
    assert found.settings == (
        PropertyChange("Outputs", ["WorkBucket"], ["StateMachineRoleArn", "WorkBucket"]),
    )


def test_buckets_of_syncs_that_do_not_exist_are_found_and_what_is_denied_is_not_among_them() -> None:
    pairs = {"one": ("there", "gone"), "two": ("gone", "denied"), "three": ("moved", "there")}
    syncs = tuple(Sync(name, {"source": a, "destination": b, "name": name}) for name, (a, b) in pairs.items())
    s3 = FakeS3([])

    found = planned(deployed(), settings=Settings(**{**vars(SETTINGS), "syncs": syncs}), s3=s3)

    assert found.missing_buckets == {"gone": ["one", "two"]}
    assert sorted(s3.asked) == ["denied", "gone", "moved", "there"], "each is asked about once"
    assert not planned(deployed(), keys=[]).missing_buckets
