"""No change set and no empty stack is left behind, whatever interrupts a deployment before it is executed."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.errors import StackError
from tests.fake_cloudformation import CHANGE_SET_ID, STACK_ID, FakeCloudFormation, hold_to, refusal
from tests.fake_cloudformation import MODEL as CLOUDFORMATION
from tests.recording_console import RecordingConsole
from tests.stacks import CREATED, READY, TEMPLATE, deploy, deploy_with, installed_with

NOT_WHILE_IT_IS_MADE = refusal(
    "DeleteChangeSet", "InvalidChangeSetStatus", "Cannot delete ChangeSet in status X"
)
THIS_CHANGE_SET = {"ChangeSetName": CHANGE_SET_ID, "StackName": STACK_ID}


class Interrupted(FakeCloudFormation):
    """Ctrl-C while a call is out, which AWS carries out all the same."""

    def __init__(self, interrupted: str, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.interrupted = interrupted

    def create_change_set(self, **request: Any) -> Any:
        return self._perhaps_interrupted("create_change_set", super().create_change_set(**request))

    def describe_change_set(self, **request: Any) -> Any:
        return self._perhaps_interrupted("describe_change_set", super().describe_change_set(**request))

    def execute_change_set(self, **request: Any) -> Any:
        return self._perhaps_interrupted("execute_change_set", super().execute_change_set(**request))

    def _perhaps_interrupted(self, name: str, answer: Any) -> Any:
        if name == self.interrupted:
            raise KeyboardInterrupt
        return answer


class Reluctant(FakeCloudFormation):
    """Refuses to delete a change set so many times."""

    def __init__(self, error: ClientError, times: int, **options: Any) -> None:
        super().__init__("CREATE_COMPLETE", **options)
        self.error, self.times = error, times

    def delete_change_set(self, **request: Any) -> None:
        super().delete_change_set(**request)
        self.times -= 1
        if self.times >= 0:
            raise self.error


@pytest.mark.parametrize("call", ["create_change_set", "describe_change_set", "execute_change_set"])
def test_of_a_first_deployment_that_is_interrupted_nothing_is_left(call: str) -> None:
    fake = Interrupted(call, change_set=READY, executed=CREATED)

    with pytest.raises(KeyboardInterrupt):
        deploy(fake)
    assert fake.called()[-1] == "delete_stack"
    assert fake.status == "DELETE_COMPLETE"


@pytest.mark.parametrize("call", ["create_change_set", "describe_change_set", "execute_change_set"])
def test_of_an_update_that_is_interrupted_the_change_set_is_deleted_and_the_stack_stays(call: str) -> None:
    fake = Interrupted(call, "UPDATE_COMPLETE", change_set=READY)

    with pytest.raises(KeyboardInterrupt):
        deploy(fake)
    assert "delete_stack" not in fake.called()
    name, request = fake.calls[-1]
    assert name == "delete_change_set"
    assert request["ChangeSetName"] in (CHANGE_SET_ID, *fake.change_set_names)


def test_a_call_that_made_nothing_before_it_was_interrupted_leaves_nothing_to_delete() -> None:
    class Unsent(FakeCloudFormation):
        def create_change_set(self, **request: Any) -> Any:
            raise KeyboardInterrupt

    fake = Unsent()

    with pytest.raises(KeyboardInterrupt):
        deploy(fake)
    assert fake.calls == []


def test_a_stack_that_has_begun_to_be_made_is_not_deleted_by_an_interruption() -> None:
    class Begun(Interrupted):
        def _perhaps_interrupted(self, name: str, answer: Any) -> Any:
            if name == "execute_change_set":
                self.happen("", "CREATE_IN_PROGRESS", "")
            return super()._perhaps_interrupted(name, answer)

    fake = Begun("execute_change_set", change_set=READY, executed=CREATED)

    with pytest.raises(KeyboardInterrupt):
        deploy(fake)
    assert "delete_stack" not in fake.called()


def test_an_empty_stack_with_a_change_set_of_somebody_else_is_not_deleted() -> None:
    class Shared(Interrupted):
        def create_change_set(self, **request: Any) -> Any:
            self.change_set_names.append("syncbuckets-of-a-colleague")
            return super().create_change_set(**request)

    fake = Shared("describe_change_set", change_set=READY)

    with pytest.raises(KeyboardInterrupt):
        deploy(fake)
    assert fake.calls[1:] == [("delete_change_set", THIS_CHANGE_SET)]
    assert fake.status == "REVIEW_IN_PROGRESS"


def test_a_change_set_that_is_still_being_made_is_deleted_as_soon_as_aws_lets_us() -> None:
    nothing_to_do = [{"Status": "FAILED", "StatusReason": "No updates are to be performed."}]
    fake = Reluctant(NOT_WHILE_IT_IS_MADE, 3, change_set=nothing_to_do)

    assert not deploy(fake).changed
    assert fake.called() == ["create_change_set", *["delete_change_set"] * 4]


def test_it_is_not_tried_for_ever() -> None:
    nothing_to_do = [{"Status": "FAILED", "StatusReason": "No updates are to be performed."}]
    fake = Reluctant(NOT_WHILE_IT_IS_MADE, 1000, change_set=nothing_to_do)

    assert not deploy(fake).changed
    assert sum(fake.naps) == 30


def test_a_change_set_that_may_not_be_deleted_is_no_secret() -> None:
    nothing_to_do = [{"Status": "FAILED", "StatusReason": "No updates are to be performed."}]
    fake = Reluctant(refusal("DeleteChangeSet", "AccessDenied", "no"), 1, change_set=nothing_to_do)

    with pytest.raises(ClientError, match="AccessDenied"):
        deploy(fake)


def test_a_change_set_that_is_refused_when_it_is_to_be_executed_is_deleted() -> None:
    class Overtaken(FakeCloudFormation):
        def execute_change_set(self, **request: Any) -> Any:
            raise refusal("ExecuteChangeSet", "InvalidChangeSetStatus", "It is OBSOLETE.")

    fake = Overtaken("UPDATE_COMPLETE", change_set=READY)

    with pytest.raises(StackError, match="was faster"):
        deploy(fake)
    assert fake.calls[-1] == ("delete_change_set", THIS_CHANGE_SET)


def test_when_the_network_is_lost_it_is_said_that_the_deployment_goes_on() -> None:
    class Silent(FakeCloudFormation):
        def describe_stack_events(self, **request: Any) -> Any:
            if "execute_change_set" in self.called():
                raise refusal("DescribeStackEvents", "ExpiredToken", "It has expired.")
            return super().describe_stack_events(**request)

    fake, console = Silent("UPDATE_COMPLETE", change_set=READY), RecordingConsole()

    with pytest.raises(ClientError, match="ExpiredToken"):
        deploy_with(installed_with(fake), TEMPLATE, console)
    assert console.steps[-1] == (
        "The operation continues in AWS. `fab watch` follows it to its end; then run `fab` again."
    )


# --- The fake itself -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [{"StackName": 7}, {"Stack": "x", "StackName": "y"}, {}],
    ids=["a wrong type", "an unknown name", "without what is required"],
)
def test_the_fake_takes_no_request_that_botocore_would_not_send(request_: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        hold_to(CLOUDFORMATION.operation_model("DeleteStack").input_shape, request_)


def test_the_fake_gives_no_answer_that_the_model_does_not_know() -> None:
    fake = FakeCloudFormation("MADE_UP")

    with pytest.raises(AssertionError, match="'MADE_UP' is no StackStatus"):
        fake.describe_stacks(StackName="sync-buckets")
