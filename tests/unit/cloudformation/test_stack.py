"""The stack: what is done in each status, what is said of a failure, and what is left behind (nothing)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.build import logical_ids
from deployment.cloudformation import change_sets, event_view, lookup, stack
from deployment.cloudformation.change_sets import Change, ChangeSet
from deployment.cloudformation.stack import DeployedStack
from deployment.errors import StackError
from tests.fake_cloudformation import CHANGE_SET_ID, STACK_ID, STACK_NAME, FakeCloudFormation, refusal
from tests.recording_console import RecordingConsole
from tests.stacks import (
    CREATED,
    FAILED_CREATION,
    FLAGS,
    NO_CHANGES,
    PLACE,
    READY,
    TEMPLATE,
    deploy,
    deploy_with,
    installed_with,
)


def test_a_first_deployment_creates_the_stack_and_returns_its_outputs() -> None:
    fake = FakeCloudFormation(change_set=READY, executed=CREATED)
    fake.outputs = {"WorkBucket": "work"}

    deployed = deploy(fake)

    assert deployed == DeployedStack(
        STACK_NAME, {"WorkBucket": "work"}, True, (Change("Add", "CopyKeys", "AWS::Lambda::Function"),)
    )
    assert fake.called() == ["create_change_set", "execute_change_set"]


def test_the_change_set_carries_type_capabilities_tags_and_the_whole_template() -> None:
    fake = FakeCloudFormation(change_set=READY, executed=CREATED)

    deploy(fake)

    request = fake.calls[0][1]
    assert request.pop("ChangeSetName") == request.pop("ClientToken")
    assert fake.change_set_names[0].startswith("syncbuckets-")
    assert request == {
        "StackName": STACK_NAME,
        "ChangeSetType": "CREATE",
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Tags": [
            {"Key": "team", "Value": "storage"},
            {"Key": "syncbuckets:stack", "Value": STACK_NAME},
        ],
        "TemplateBody": '{"Resources":{'
        '"Copy":{"Type":"AWS::Serverless::Function","Properties":{"Handler":"lambda_functions/copy.handler"}},'
        '"CopyKeys":{"Type":"AWS::Serverless::Function",'
        '"Properties":{"Handler":"lambda_functions/copy_keys.handler"}},'
        '"WorkBucket":{"Type":"AWS::S3::Bucket"}}}',
    }


def test_it_is_executed_so_that_a_rolled_back_update_leaves_no_version_behind() -> None:
    fake = FakeCloudFormation(change_set=READY, executed=CREATED)

    deploy(fake)

    request = fake.calls[1][1]
    assert request.pop("ClientRequestToken").startswith("fab-somebody-")
    assert request == {
        "ChangeSetName": CHANGE_SET_ID,
        "StackName": STACK_ID,
        "DisableRollback": False,
        "RetainExceptOnCreate": True,
    }


def test_progress_tells_the_changes_and_each_resource_that_is_done() -> None:
    console = RecordingConsole()

    deploy(FakeCloudFormation(change_set=READY, executed=CREATED), console)

    assert console.steps == [
        "1 resource to create",
        "  [ 0/1] CopyKeys  lambda_functions/copy_keys.py  creating",
        "  [ 1/1] CopyKeys  lambda_functions/copy_keys.py  created",
    ]
    assert console.updates == ["Creating the stack sync-buckets"]


def test_a_long_change_set_is_read_to_its_last_page() -> None:
    pages = [
        {"Status": "CREATE_PENDING"},
        {"Status": "CREATE_IN_PROGRESS"},
        READY[0] | {"NextToken": "more"},
        READY[0],
    ]
    fake = FakeCloudFormation(change_set=pages, executed=CREATED)

    assert len(deploy(fake).changes) == 2
    assert fake.naps == [2.0] * 5


def test_an_update_is_not_taken_for_finished_while_the_status_is_still_the_old_one() -> None:
    updated = [[], [], [("", "UPDATE_IN_PROGRESS", "")], [("", "UPDATE_COMPLETE", "")]]
    fake = FakeCloudFormation("UPDATE_COMPLETE", change_set=READY, executed=updated)

    assert deploy(fake).changed
    assert len(fake.naps) == 4


@pytest.mark.parametrize(
    "reason", [NO_CHANGES[0]["StatusReason"], "No updates are to be performed."], ids=["submitted", "updates"]
)
def test_nothing_to_do_is_success_and_the_change_set_is_deleted(reason: str) -> None:
    fake = FakeCloudFormation(
        "CREATE_COMPLETE", change_set=[{"Status": "FAILED", "StatusReason": reason, "Changes": []}]
    )
    fake.outputs = {"WorkBucket": "work"}
    console = RecordingConsole()

    assert deploy(fake, console) == DeployedStack(STACK_NAME, {"WorkBucket": "work"}, False, ())
    assert fake.calls[1:] == [("delete_change_set", {"ChangeSetName": CHANGE_SET_ID, "StackName": STACK_ID})]
    assert console.steps == []


def test_a_refused_first_template_leaves_neither_change_set_nor_stack() -> None:
    fake = FakeCloudFormation(
        change_set=[{"Status": "FAILED", "StatusReason": "Template error: no such thing."}]
    )

    with pytest.raises(StackError) as caught:
        deploy(fake)

    assert str(caught.value) == (
        "CloudFormation refuses the template of the stack sync-buckets: Template error: no such thing."
    )
    assert fake.called() == ["create_change_set", "delete_stack"]
    assert fake.status == "DELETE_COMPLETE"


def test_early_validation_is_explained_with_path_and_reason() -> None:
    fake = FakeCloudFormation(
        "CREATE_COMPLETE",
        change_set=[{"Status": "FAILED", "StatusReason": "[AWS::EarlyValidation::X] use DescribeEvents"}],
        validation_errors=[
            {
                "ValidationPath": "/Resources/WorkBucket",
                "ValidationStatusReason": "The bucket exists already.",
            },
            {"OperationStatus": "IN_PROGRESS"},
            {"LogicalResourceId": "CopyKeys", "ValidationStatusReason": "Timeout is too long."},
        ],
    )

    with pytest.raises(StackError) as caught:
        deploy(fake)

    assert str(caught.value) == (
        "CloudFormation refuses the template of the stack sync-buckets: "
        "[AWS::EarlyValidation::X] use DescribeEvents\n"
        "  /Resources/WorkBucket: The bucket exists already.\n"
        "  CopyKeys (lambda_functions/copy_keys.py): Timeout is too long."
    )
    assert fake.called() == ["create_change_set", *["describe_events"] * 3, "delete_change_set"], (
        "page by page"
    )


def test_early_validation_is_reported_even_if_its_details_may_not_be_read() -> None:
    fake = FakeCloudFormation(
        "CREATE_COMPLETE",
        change_set=[{"Status": "FAILED", "StatusReason": "[AWS::EarlyValidation::X] failed."}],
        validation_errors=refusal("DescribeEvents", "AccessDenied", "no"),
    )

    with pytest.raises(StackError) as caught:
        deploy(fake)

    assert str(caught.value) == (
        "CloudFormation refuses the template of the stack sync-buckets: [AWS::EarlyValidation::X] failed.\n"
        "  The details could not be read: AWS refused DescribeEvents with AccessDenied: no"
    )


def test_ctrl_c_while_the_change_set_is_made_leaves_nothing_behind() -> None:
    fake = FakeCloudFormation(change_set=[{"Status": "CREATE_IN_PROGRESS"}])
    sleeps = iter([KeyboardInterrupt()])

    def sleep(seconds: float) -> None:
        for interrupt in sleeps:
            raise interrupt
        fake.sleep(seconds)

    with pytest.raises(KeyboardInterrupt):
        deploy_with(installed_with(fake, sleep=sleep), TEMPLATE, RecordingConsole())
    assert fake.status == "DELETE_COMPLETE"


def test_ctrl_c_while_the_stack_is_made_says_that_it_goes_on_and_how_to_watch_it() -> None:
    fake = FakeCloudFormation(change_set=READY, executed=CREATED)
    console = RecordingConsole()

    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deploy_with(installed_with(fake, sleep=sleep), TEMPLATE, console)
    assert console.steps[-1] == (
        "The operation continues in AWS. `fab watch` follows it to its end; then run `fab` again."
    )


def test_a_failed_creation_names_the_first_real_failure_its_file_and_what_to_do() -> None:
    failed = [
        (
            "CopyKeysVersion0123456789",
            "CREATE_FAILED",
            "User x is not authorized to perform: lambda:PublishVersion on y",
        )
    ]
    fake = FakeCloudFormation(change_set=READY, executed=[failed, *FAILED_CREATION])
    console = RecordingConsole()

    with pytest.raises(StackError) as caught:
        deploy(fake, console)

    assert str(caught.value) == (
        f"{PLACE} could not be deployed: CopyKeysVersion0123456789 (AWS::Lambda::Function, "
        "lambda_functions/copy_keys.py) CREATE_FAILED: User x is not authorized to perform: "
        "lambda:PublishVersion on y\nAllow lambda:PublishVersion to whoever deploys; docs/permissions.md has the whole "
        "policy.\n"
        "CloudFormation has rolled everything back. Fix the cause, then run `fab` again."
    )
    assert console.warnings == [
        "  [ 0/1] CopyKeysVersion0123456789  lambda_functions/copy_keys.py  CREATE_FAILED: User x is not authorized "
        "to perform: lambda:PublishVersion on y",
    ]
    assert console.steps[1:] == [
        "  [ 0/2] CopyKeysRole  lambda_functions/copy_keys.py  cancelled",
        "  CloudFormation rolls back: The following resource(s) failed to create: [CopyKeys].",
        "  [ 1/3] CopyKeys  lambda_functions/copy_keys.py  deleted",
    ]


def test_a_failed_update_that_cannot_be_undone_names_the_command_that_leads_out() -> None:
    timeline = [
        [("WorkBucket", "UPDATE_FAILED", "it already exists"), ("", "UPDATE_ROLLBACK_IN_PROGRESS", "")],
        [("CopyKeys", "UPDATE_FAILED", "It is gone."), ("", "UPDATE_ROLLBACK_FAILED", "no way back")],
    ]
    fake = FakeCloudFormation("UPDATE_COMPLETE", change_set=READY, executed=timeline)

    with pytest.raises(StackError) as caught:
        deploy(fake)

    assert str(caught.value) == (
        f"{PLACE} could not be deployed: WorkBucket (AWS::Lambda::Function) UPDATE_FAILED: it already exists\n"
        "Remove it if an earlier stack left it, or set another STACK_NAME in fabfile_config.py.\n"
        f"{PLACE} is stuck (UPDATE_ROLLBACK_FAILED):\n"
        "  CopyKeys (AWS::Lambda::Function, lambda_functions/copy_keys.py) UPDATE_FAILED: It is gone.\n"
        "Fix that, then run: fab recover\n"
        "To leave out what cannot be fixed: fab recover --skip CopyKeys\n"
        "Then run `fab` again."
    )


def test_a_failure_without_a_failed_resource_gives_the_stacks_own_reason() -> None:
    fake = FakeCloudFormation(
        change_set=READY,
        executed=[[("", "ROLLBACK_IN_PROGRESS", "A hook said no.")], [("", "ROLLBACK_COMPLETE", "")]],
    )

    with pytest.raises(StackError) as caught:
        deploy(fake)

    assert str(caught.value) == (
        f"{PLACE} could not be deployed: A hook said no.\n"
        "CloudFormation has rolled everything back. Fix the cause, then run `fab` again."
    )


def test_a_stack_that_failed_its_validation_tells_the_findings_of_it() -> None:
    timeline = [
        [("", "CREATE_FAILED", "Validation failed with 1 error(s). Call DescribeEvents.")],
        [("", "ROLLBACK_IN_PROGRESS", "")],
        [("", "ROLLBACK_COMPLETE", "")],
    ]
    finding = {
        "LogicalResourceId": "CopyKeys",
        "ValidationPath": "/Resources/CopyKeys/Properties/Timeout",
        "ValidationStatusReason": "99999 is greater than 900.",
    }
    fake = FakeCloudFormation(change_set=READY, executed=timeline, validation_errors=[finding])

    with pytest.raises(StackError) as caught:
        deploy(fake)

    assert str(caught.value) == (
        f"{PLACE} could not be deployed: sync-buckets (AWS::CloudFormation::Stack) CREATE_FAILED: "
        "Validation failed with 1 error(s). Call DescribeEvents.\n"
        "  /Resources/CopyKeys/Properties/Timeout (lambda_functions/copy_keys.py): 99999 is greater than 900.\n"
        "CloudFormation has rolled everything back. Fix the cause, then run `fab` again."
    )
    assert fake.calls[-1] == (
        "describe_events",
        {"OperationId": "operation-2", "Filters": {"FailedEvents": True}},
    )


def test_a_creation_that_failed_without_a_rollback_is_given_up_after_a_minute_of_silence() -> None:
    fake = FakeCloudFormation(change_set=READY, executed=[[("", "CREATE_FAILED", "no")]])

    with pytest.raises(StackError) as caught:
        deploy(fake)

    assert str(caught.value) == (
        f"{PLACE} could not be deployed: sync-buckets (AWS::CloudFormation::Stack) CREATE_FAILED: no\n"
        "Fix the cause, then run `fab` again."
    )
    assert sum(fake.naps) == 62


def test_a_stack_in_review_is_known_as_ours_by_its_change_set() -> None:
    fake = FakeCloudFormation("REVIEW_IN_PROGRESS", change_set=READY, executed=CREATED)
    fake.change_set_names = ["syncbuckets-0123"]

    assert deploy(fake).changed
    assert fake.called() == ["delete_stack", "create_change_set", "execute_change_set"]


def test_a_stack_in_review_may_be_forgotten_as_soon_as_it_is_deleted() -> None:
    class Forgetting(FakeCloudFormation):
        def describe_stack_events(self, StackName: str, NextToken: str = "0") -> dict[str, Any]:
            self.describe_stacks(StackName=StackName)
            return super().describe_stack_events(StackName=StackName, NextToken=NextToken)

        def delete_stack(self, **request: Any) -> None:
            super().delete_stack(**request)
            self.status = None

    fake = Forgetting("REVIEW_IN_PROGRESS", change_set=READY, executed=CREATED)
    fake.change_set_names = ["syncbuckets-0123"]

    assert deploy(fake).changed


def test_a_template_too_long_for_a_call_goes_by_way_of_the_deployment_bucket() -> None:
    fake = FakeCloudFormation(change_set=READY, executed=CREATED)
    s3 = FakeS3()
    long = {"Description": "x" * change_sets.BODY_MAX_BYTES}
    fake.template = long

    deploy_with(installed_with(fake, s3=s3), long, RecordingConsole())

    url = fake.calls[0][1]["TemplateURL"]
    bucket = "sync-buckets-deployment-123456789012-eu-west-1"
    assert url == f"https://s3.eu-west-1.amazonaws.com/{bucket}/{s3.request['Key']}"
    assert "TemplateBody" not in fake.calls[0][1]
    assert s3.request["Bucket"] == bucket
    assert s3.request["ExpectedBucketOwner"] == "123456789012"
    assert s3.request["Key"].startswith("templates/")


@pytest.mark.parametrize("read", [{"Description": "theirs"}, "Description: theirs", {}], ids=str)
def test_a_template_that_somebody_else_has_put_in_its_place_is_not_executed(read: Any) -> None:
    fake = FakeCloudFormation("UPDATE_COMPLETE", change_set=READY)
    fake.template = read

    with pytest.raises(StackError) as caught:
        deploy_with(
            installed_with(fake, s3=FakeS3()),
            {"Description": "x" * change_sets.BODY_MAX_BYTES},
            RecordingConsole(),
        )

    assert str(caught.value) == (
        "CloudFormation has read another template from the bucket sync-buckets-deployment-123456789012-eu-west-1 than the one "
        "that was sent there, so somebody else writes into it. Nothing was changed. Find out who may do that "
        "(docs/permissions.md), then run `fab` again."
    )
    assert fake.called() == ["create_change_set", "delete_change_set"]


class FakeS3:
    """Takes one object."""

    class meta:
        endpoint_url = "https://s3.eu-west-1.amazonaws.com"

    def put_object(self, **request: Any) -> None:
        self.request = request


def test_deleting_follows_the_stack_until_it_is_gone() -> None:
    timeline = [
        [("", "DELETE_IN_PROGRESS", "")],
        [("CopyKeys", "DELETE_COMPLETE", ""), ("CopyKeysVersion0123456789", "DELETE_SKIPPED", "")],
        [("", "DELETE_COMPLETE", "")],
    ]
    fake = FakeCloudFormation("UPDATE_COMPLETE", deleted=timeline)
    fake.template = TEMPLATE
    console = RecordingConsole()

    assert stack.delete(installed_with(fake), console) is True
    assert console.steps == [
        "  [ 1/1] CopyKeys  lambda_functions/copy_keys.py  deleted",
        "  [ 2/2] CopyKeysVersion0123456789  lambda_functions/copy_keys.py  kept",
    ]


@pytest.mark.parametrize(
    "template",
    [None, "Resources: {}", refusal("GetTemplate", "AccessDenied", "no")],
    ids=["gone", "YAML", "denied"],
)
def test_without_its_template_a_stack_is_deleted_all_the_same_and_shown_by_types(template: Any) -> None:
    timeline = [
        [("", "DELETE_IN_PROGRESS", ""), ("CopyKeys", "DELETE_COMPLETE", "")],
        [("", "DELETE_COMPLETE", "")],
    ]
    fake = FakeCloudFormation("UPDATE_COMPLETE", deleted=timeline)
    fake.template = template
    console = RecordingConsole()

    assert stack.delete(installed_with(fake), console) is True
    assert console.steps == ["  [ 1/1] CopyKeys  AWS::Lambda::Function  deleted"]


def test_deleting_what_does_not_exist_is_not_an_error() -> None:
    fake = FakeCloudFormation()

    assert stack.delete(installed_with(fake), RecordingConsole()) is False


def test_a_stack_that_could_not_be_deleted_before_is_tried_again_and_its_new_failure_is_told() -> None:
    timeline = [
        [],
        [("", "DELETE_IN_PROGRESS", "")],
        [("WorkBucket", "DELETE_FAILED", "The bucket is not empty"), ("", "DELETE_FAILED", "")],
    ]
    fake = FakeCloudFormation("DELETE_FAILED", deleted=timeline)

    with pytest.raises(StackError) as caught:
        stack.delete(installed_with(fake), RecordingConsole())

    assert str(caught.value) == (
        f"{PLACE} is stuck (DELETE_FAILED):\n"
        "  WorkBucket (AWS::Lambda::Function) DELETE_FAILED: The bucket is not empty\n"
        "Something has written to the bucket meanwhile; `fab delete` empties it.\n"
        "Fix that, then run: fab delete\n"
        f"To keep some of its resources: aws cloudformation delete-stack {FLAGS} --retain-resources WorkBucket"
    )


def test_outputs_of_a_stack_that_was_never_deployed_tell_to_deploy_it() -> None:
    with pytest.raises(StackError) as caught:
        lookup.outputs(installed_with(FakeCloudFormation()))

    assert str(caught.value) == f"{PLACE} does not exist. Run `fab` to deploy it."


def test_another_refusal_than_does_not_exist_is_not_taken_for_an_absent_stack() -> None:
    class Refusing(FakeCloudFormation):
        def describe_stacks(self, StackName: str) -> dict[str, Any]:
            raise refusal("DescribeStacks", "AccessDenied", "not authorized")

    with pytest.raises(ClientError):
        deploy(Refusing())


@pytest.mark.parametrize(
    "logical_id, file",
    [
        ("CopyKeys", "lambda_functions/copy_keys.py"),
        ("CopyKeysRole", "lambda_functions/copy_keys.py"),
        ("CopyKeysLogGroup", "lambda_functions/copy_keys.py"),
        ("CopyKeysVersion0123456789", "lambda_functions/copy_keys.py"),
        ("Copy", "lambda_functions/copy.py"),
        ("CopyRole", "lambda_functions/copy.py"),
        ("CopyLargeObject", None),
        ("WorkBucket", None),
    ],
)
def test_a_resource_is_traced_to_its_file(logical_id: str, file: str | None) -> None:
    assert logical_ids.source_of(logical_id, TEMPLATE) == file


def test_a_version_that_leaves_the_stack_and_stays_is_told_so() -> None:
    removed = {
        "Action": "Remove",
        "PolicyAction": "Retain",
        "LogicalResourceId": "CopyKeysVersion0123456789",
        "ResourceType": "AWS::Lambda::Version",
    }
    updated = [[("", "UPDATE_COMPLETE", "")]]
    answer = {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": removed}]}
    console = RecordingConsole()

    deploy(FakeCloudFormation("UPDATE_COMPLETE", change_set=[answer], executed=updated), console)

    assert console.steps == [
        "1 change:",
        "  Retain CopyKeysVersion0123456789 (lambda_functions/copy_keys.py)",
    ]


def test_an_update_lists_its_changes_with_files_and_replacements() -> None:
    changes = (
        Change("Modify", "CopyKeys", "AWS::Lambda::Function", "False"),
        Change("Modify", "WorkBucket", "AWS::S3::Bucket", "True"),
        Change("Modify", "StateMachineRole", "AWS::IAM::Role", "Conditional"),
        Change("Remove", "Old", "AWS::Lambda::Function"),
    )

    assert event_view.change_lines(ChangeSet("arn", "id", False, changes), TEMPLATE) == [
        "4 changes:",
        "  Modify CopyKeys (lambda_functions/copy_keys.py)",
        "  Modify WorkBucket (AWS::S3::Bucket), replaced",
        "  Modify StateMachineRole (AWS::IAM::Role), perhaps replaced",
        "  Remove Old (AWS::Lambda::Function)",
    ]
