"""Two people at one stack: whatever CloudFormation tells the second, he reads that another was faster, whose, and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployment.aws.account import Account
from deployment.aws.installation import Clock, Installation
from deployment.cloudformation import events, lookup, races, stack
from deployment.cloudformation.events import Operation
from deployment.errors import StackError
from deployment.tasks.stack import recover
from tests.fake_cloudformation import STACK_ID, STACK_NAME, EventText, FakeCloudFormation, refusal
from tests.installations import ACCOUNT_ID, REGION
from tests.recording_console import RecordingConsole
from tests.stacks import CREATED, PLACE, READY, SETTINGS, TEMPLATE, deploy, installed_with

ANN = "fab-ann-0123456789abcdef0123456789abcdef"
TITLE = f"the stack {STACK_NAME} in 123456789012/eu-west-1"
BUSY = [("", "UPDATE_IN_PROGRESS", "")]
HEALTHY = lookup.CurrentStack({"StackStatus": "UPDATE_COMPLETE"}, False)
DONE = [*BUSY, ("", "UPDATE_COMPLETE", "")]


def faster(status: str, who: str = "ann", task: str = "fab", what: str = "Another deployment") -> str:
    ending = (
        "follows the other to its end"
        if status.endswith("_IN_PROGRESS")
        else "shows whether anything is still in progress"
    )
    return (
        f"{what} of {TITLE} was faster: it was begun by {who}, and the stack is in {status} now. "
        f"This one was not carried out. `fab watch` {ending}; then run `{task}` again."
    )


class Raced(FakeCloudFormation):
    """Somebody else's operation has its first batch at the moment of a call of ours, which is refused then."""

    def __init__(
        self, call: str, code: str, message: str, others: list[EventText], token: str = ANN, **options: Any
    ) -> None:
        super().__init__(**{"status": "UPDATE_COMPLETE", "change_set": READY, **options})
        self.raced = call
        self.error = refusal("".join(word.title() for word in call.split("_")), code, message)
        self.others, self.token = others, token

    def _race(self, call: str) -> None:
        if call == self.raced:
            self.begin(self.others, token=self.token)
            raise self.error

    def create_change_set(self, **request: Any) -> Any:
        self._race("create_change_set")
        return super().create_change_set(**request)

    def describe_change_set(self, **request: Any) -> Any:
        self._race("describe_change_set")
        return super().describe_change_set(**request)

    def execute_change_set(self, **request: Any) -> Any:
        self._race("execute_change_set")
        return super().execute_change_set(**request)

    def continue_update_rollback(self, **request: Any) -> Any:
        self._race("continue_update_rollback")
        return super().continue_update_rollback(**request)

    def delete_stack(self, **request: Any) -> Any:
        self._race("delete_stack")
        return super().delete_stack(**request)


def said(fake: FakeCloudFormation) -> str:
    with pytest.raises(StackError) as caught:
        deploy(fake)
    return str(caught.value)


NOT_NOW = f"Stack:{STACK_ID} is in UPDATE_IN_PROGRESS state and can not be updated."
RACES = [
    ("execute_change_set", "ChangeSetNotFound", "ChangeSet [x] does not exist"),
    ("execute_change_set", "ChangeSetNotFoundException", "ChangeSet [x] does not exist"),
    ("execute_change_set", "InvalidChangeSetStatus", "ChangeSet [x] cannot be executed in its status [CREATE_IN_PROGRESS]"),
    ("execute_change_set", "InvalidChangeSetStatusException", "ChangeSet [x] is OBSOLETE"),
    ("execute_change_set", "ValidationError", "The change set is OBSOLETE and cannot be executed."),
    ("execute_change_set", "ValidationError", NOT_NOW),
    ("execute_change_set", "OperationInProgressException", "Another operation is in progress"),
    ("create_change_set", "ValidationError", NOT_NOW),
    ("create_change_set", "ValidationError", f"Stack [{STACK_NAME}] already exists and cannot be created again."),
    ("create_change_set", "AlreadyExistsException", "It exists."),
    ("describe_change_set", "ChangeSetNotFound", "ChangeSet [x] does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "code", "message"), RACES)
@pytest.mark.parametrize(("others", "status"), [(BUSY, "UPDATE_IN_PROGRESS"), (DONE, "UPDATE_COMPLETE")])
def test_every_refusal_of_the_second_deployment_is_the_same_sentence(
    call: str, code: str, message: str, others: list[EventText], status: str
) -> None:
    fake = Raced(call, code, message, others)

    assert said(fake) == faster(status)
    assert "delete_stack" not in fake.called()


@pytest.mark.parametrize(
    ("token", "who"),
    [
        ("Console-UpdateStack-0123", "somebody in the CloudFormation console"),
        ("0123456789abcdef0123456789abcdef", "somebody whose name only CloudTrail knows"),
        ("fab-Deployers-bo-example-com-0123456789abcdef0123456789abcdef", "Deployers-bo-example-com"),
    ],
)
def test_whose_it_was_stands_in_the_token_of_its_events(token: str, who: str) -> None:
    assert said(Raced(*RACES[0], BUSY, token=token)) == faster("UPDATE_IN_PROGRESS", who)


def test_where_events_may_not_be_read_the_name_is_missing_and_the_sentence_is_not() -> None:
    class Closed(Raced):
        def describe_stack_events(self, **request: Any) -> Any:
            if self.status == "UPDATE_IN_PROGRESS":
                raise refusal("DescribeStackEvents", "AccessDenied", "no")
            return super().describe_stack_events(**request)

    assert said(Closed(*RACES[0], BUSY)) == faster(
        "UPDATE_IN_PROGRESS", "somebody whose name only CloudTrail knows"
    )


def test_a_stack_that_was_deleted_before_the_change_set_was_executed() -> None:
    gone = [("", "DELETE_IN_PROGRESS", ""), ("", "DELETE_COMPLETE", "")]
    fake = Raced("execute_change_set", "ValidationError", f"Stack [{STACK_ID}] does not exist", gone)

    assert said(fake) == faster("DELETE_COMPLETE", what="A deletion")


def test_a_change_set_that_aws_is_removing_for_anothers_sake_was_not_refused() -> None:
    fake = FakeCloudFormation("UPDATE_IN_PROGRESS", change_set=[{"Status": "DELETE_COMPLETE"}])

    with pytest.raises(StackError, match="was faster"):
        stack.deploy(installed_with(fake), TEMPLATE, HEALTHY, RecordingConsole())  # type: ignore[arg-type]


def test_a_refusal_that_has_nothing_to_do_with_others_stays_what_it_is() -> None:
    message = "S3 error: The specified bucket does not exist"
    with pytest.raises(ClientError, match="specified bucket"):
        deploy(Raced("create_change_set", "ValidationError", message, []))
    with pytest.raises(ClientError, match="AccessDenied"):
        deploy(Raced("execute_change_set", "AccessDenied", "no", []))


def test_a_call_of_our_own_that_was_sent_twice_is_no_race() -> None:
    class Repeated(FakeCloudFormation):
        def execute_change_set(self, **request: Any) -> Any:
            super().execute_change_set(**request)
            self.sleep(0)
            raise refusal("ExecuteChangeSet", "InvalidChangeSetStatus", "It is being executed.")

    fake = Repeated("UPDATE_COMPLETE", change_set=READY, executed=[BUSY, [("", "UPDATE_COMPLETE", "")]])

    assert deploy(fake).changed
    assert "delete_change_set" not in fake.called()


def test_a_stack_that_is_deleted_while_it_is_deployed_is_no_success() -> None:
    class Deleted(FakeCloudFormation):
        def sleep(self, seconds: float) -> None:
            self.begin([("", "DELETE_IN_PROGRESS", ""), ("", "DELETE_COMPLETE", "")], token=ANN)

    fake = Deleted("UPDATE_COMPLETE", change_set=READY)

    assert said(fake) == (
        f"{PLACE} was deleted while it was being deployed: the deletion was begun by ann. Run `fab` again to create it anew."
    )


def test_outputs_that_the_next_deployment_has_taken_away_again_are_named_a_race_not_a_traceback() -> None:
    template = TEMPLATE | {"Outputs": {"CopyKeysVersion": {"Value": {"Ref": "CopyKeysVersion0"}}}}
    fake = FakeCloudFormation("UPDATE_COMPLETE", change_set=READY, executed=[DONE])

    with pytest.raises(StackError, match="was faster"):
        stack.deploy(installed_with(fake), template, HEALTHY, RecordingConsole())  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE"])
def test_what_another_does_right_after_our_end_is_not_waited_for(ending: str) -> None:
    class Followed(FakeCloudFormation):
        def describe_stacks(self, **request: Any) -> Any:
            if (
                self._events[-1].get("ClientRequestToken", "").startswith("fab-somebody")
                and self.status == "UPDATE_COMPLETE"
            ):
                self.begin(BUSY, [("", ending, "")], token=ANN)
            return super().describe_stacks(**request)

    fake = Followed("UPDATE_COMPLETE", change_set=READY, executed=[DONE])

    assert deploy(fake).changed
    assert fake.status == "UPDATE_IN_PROGRESS", "it is not waited for"


def test_a_deletion_of_anothers_that_fails_is_not_followed_for_ever() -> None:
    fake = FakeCloudFormation("UPDATE_COMPLETE")
    after = events.newest_event(fake, STACK_ID)
    fake.begin([("", "DELETE_IN_PROGRESS", ""), ("", "DELETE_FAILED", "")])

    states = list(events.follow(installed_with(fake), Operation(STACK_ID, "Updating", after, "ours")))

    assert states[-1].status == "DELETE_FAILED"


@pytest.mark.parametrize(
    ("message", "others", "status"),
    [
        (f"Stack [{STACK_NAME}] cannot be deleted while in status UPDATE_IN_PROGRESS", BUSY, "UPDATE_IN_PROGRESS"),
        (NOT_NOW.replace("updated", "deleted"), BUSY, "UPDATE_IN_PROGRESS"),
    ],
)  # fmt: skip
def test_a_deletion_that_comes_second_says_so_too(message: str, others: list[EventText], status: str) -> None:
    fake = Raced("delete_stack", "ValidationError", message, others)

    with pytest.raises(StackError) as caught:
        stack.delete(installed_with(fake), RecordingConsole())  # type: ignore[arg-type]
    assert str(caught.value) == faster(status, task="fab delete")


def test_a_recovery_that_comes_second_says_so_too() -> None:
    others = [("", "UPDATE_ROLLBACK_IN_PROGRESS", "")]
    message = f"Stack [{STACK_NAME}] is in UPDATE_ROLLBACK_IN_PROGRESS state and can not be rolled back."
    fake = Raced(
        "continue_update_rollback", "ValidationError", message, others, status="UPDATE_ROLLBACK_FAILED"
    )

    with pytest.raises(StackError) as caught:
        recover.recover(installed_with(fake), (), RecordingConsole(), yes=True)  # type: ignore[arg-type]
    assert str(caught.value) == faster("UPDATE_ROLLBACK_IN_PROGRESS", task="fab recover")


def test_who_looks_while_another_is_at_work_reads_whose_work_it_is() -> None:
    fake = FakeCloudFormation("UPDATE_COMPLETE")
    fake.begin(BUSY, [("", "UPDATE_COMPLETE", "")], token=ANN)
    console = RecordingConsole()

    assert said(fake) == (
        f"{PLACE} is busy (UPDATE_IN_PROGRESS, begun by ann), so nothing was started. "
        "`fab watch` follows it to its end; then run `fab` again."
    )
    stack.watch(installed_with(fake), console)  # type: ignore[arg-type]
    assert console.updates[0] == f"Following the stack {STACK_NAME} (UPDATE_IN_PROGRESS, begun by ann)"


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        ("arn:aws:iam::123456789012:user/ann", "ann"),
        ("arn:aws:iam::123456789012:user/team/of/ann", "ann"),
        ("arn:aws:sts::123456789012:assumed-role/Deployers/bo@example.com", "Deployers-bo-example-com"),
        ("arn:aws:sts::123456789012:federated-user/cy", "cy"),
        ("arn:aws:iam::123456789012:root", "root"),
        ("", "somebody"),
        (f"arn:aws:iam::123456789012:user/{'é' * 9}", "somebody"),
        (f"arn:aws:sts::123456789012:assumed-role/{'r' * 64}/{'s' * 64}", f"{'r' * 64}-{'s' * 15}"),
    ],
)
def test_the_token_of_an_operation_names_whoever_is_signed_in(caller: str, name: str) -> None:
    fake = FakeCloudFormation(change_set=READY, executed=CREATED)
    account = Account(None, ACCOUNT_ID, REGION, "aws", {"cloudformation": fake}, caller)

    stack.deploy(
        Installation(account, SETTINGS, Clock(sleep=fake.sleep)), TEMPLATE, lookup.CurrentStack(None, False), RecordingConsole()  # type: ignore[arg-type]
    )  # fmt: skip

    token = fake.calls[1][1]["ClientRequestToken"]
    assert races.name_in(token) == name
    assert len(token) <= 128 and token.replace("-", "").isalnum() and token.isascii()
