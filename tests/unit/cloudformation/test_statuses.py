"""Every status that a stack can have: what `fab`, `fab delete` and `fab watch` do in it, and what they say."""

from __future__ import annotations

import pytest

from deployment.cloudformation import stack, statuses
from deployment.errors import StackError
from deployment.project.settings import Settings
from tests.fake_cloudformation import STACK_STATUSES, FakeCloudFormation
from tests.recording_console import RecordingConsole
from tests.stacks import CREATED, FLAGS, PLACE, READY, TEMPLATE, deploy, deploy_with, installed_with

UPDATED = [[("", "UPDATE_IN_PROGRESS", "")], [("", "UPDATE_COMPLETE", "")]]
REMADE = ["REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"]
HEALTHY = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
]
BUSY = [name for name in STACK_STATUSES if name.endswith("_IN_PROGRESS") and name != "REVIEW_IN_PROGRESS"]
STUCK = ["DELETE_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_FAILED"]
GONE = ["DELETE_COMPLETE"]


def stack_in(status: str, **timelines: object) -> FakeCloudFormation:
    """A stack of ours in this status, whose next change set can be executed."""
    executed = UPDATED if status in HEALTHY else CREATED
    fake = FakeCloudFormation(status, change_set=READY, executed=executed, **timelines)  # type: ignore[arg-type]
    if status == "REVIEW_IN_PROGRESS":
        fake.change_set_names = ["syncbuckets-0123"]
    return fake


def error_of(fake: FakeCloudFormation) -> str:
    with pytest.raises(StackError) as caught:
        deploy(fake)
    return str(caught.value)


def test_every_status_of_the_model_has_one_way_out() -> None:
    assert sorted([*REMADE, *HEALTHY, *BUSY, *STUCK, *GONE]) == sorted(STACK_STATUSES)


@pytest.mark.parametrize("status", STACK_STATUSES)
def test_in_no_status_anything_is_done_that_leads_nowhere(status: str) -> None:
    """Either it ends deployed, or nothing was touched and a sentence names what to run."""
    fake = stack_in(status)
    try:
        assert deploy(fake).changed
        assert fake.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    except StackError as error:
        assert fake.calls == []
        assert fake.status == status
        assert f"({status})" in str(error)
        assert "`fab" in str(error) and "run" in str(error).lower()


@pytest.mark.parametrize("status", HEALTHY)
def test_a_healthy_stack_is_updated(status: str) -> None:
    fake = stack_in(status)

    assert deploy(fake).changed
    assert fake.called() == ["create_change_set", "execute_change_set"]
    assert fake.calls[0][1]["ChangeSetType"] == "UPDATE"


@pytest.mark.parametrize("status", [None, *GONE])
def test_where_there_is_none_one_is_created(status: str | None) -> None:
    fake = FakeCloudFormation(status, change_set=READY, executed=CREATED)

    assert deploy(fake).changed
    assert fake.calls[0][1]["ChangeSetType"] == "CREATE"


@pytest.mark.parametrize("status", REMADE)
def test_what_a_failed_first_creation_left_is_removed_and_made_anew_without_asking(status: str) -> None:
    fake, console = stack_in(status), RecordingConsole()

    assert deploy(fake, console).changed
    assert fake.called() == ["delete_stack", "create_change_set", "execute_change_set"]
    assert fake.calls[1][1]["ChangeSetType"] == "CREATE"
    assert console.steps[0] == f"{PLACE} was never created ({status}); removing what is left of it."


@pytest.mark.parametrize("status", [status for status in STACK_STATUSES if status not in GONE])
def test_a_stack_of_somebody_else_is_never_touched(status: str) -> None:
    fake = stack_in(status, tags=[{"Key": "syncbuckets:stack", "Value": "another"}])
    fake.change_set_names = ["by-hand"]

    assert error_of(fake) == (
        f"{PLACE} is not ours: it has no tag syncbuckets:stack = sync-buckets. Nothing was changed. "
        "Set another STACK_NAME in fabfile_config.py."
    )
    assert fake.calls == []


@pytest.mark.parametrize("status", BUSY)
def test_a_busy_stack_is_left_alone_and_the_way_to_follow_it_is_named(status: str) -> None:
    fake = stack_in(status)

    assert error_of(fake) == (
        f"{PLACE} is busy ({status}), so nothing was started. `fab watch` follows it to its end; then run `fab` again."
    )
    assert fake.calls == []


BROKEN_UPDATE = [
    ("", "CREATE_IN_PROGRESS", ""),
    ("WorkBucket", "CREATE_FAILED", "an old story"),
    ("", "UPDATE_COMPLETE", ""),
    ("", "UPDATE_IN_PROGRESS", ""),
    ("CopyKeys", "UPDATE_FAILED", "what made the rollback necessary"),
    ("Copy", "UPDATE_FAILED", "Resource update cancelled"),
    ("", "UPDATE_ROLLBACK_IN_PROGRESS", ""),
    ("WorkBucket", "UPDATE_FAILED", "It is gone."),
    ("CopyKeysRole", "UPDATE_FAILED", "User x is not authorized to perform: iam:PutRolePolicy on y"),
]


def test_an_update_that_could_not_be_rolled_back_names_what_keeps_it_and_the_command() -> None:
    fake = stack_in("UPDATE_ROLLBACK_FAILED", history=BROKEN_UPDATE)

    assert error_of(fake) == (
        f"{PLACE} is stuck (UPDATE_ROLLBACK_FAILED):\n"
        "  WorkBucket (AWS::Lambda::Function) UPDATE_FAILED: It is gone.\n"
        "  CopyKeysRole (AWS::Lambda::Function) UPDATE_FAILED: User x is not authorized to perform: "
        "iam:PutRolePolicy on y\n"
        "Allow iam:PutRolePolicy to whoever deploys; docs/permissions.md has the whole policy.\n"
        "Fix that, then run: fab recover\n"
        "To leave out what cannot be fixed: fab recover --skip WorkBucket,CopyKeysRole\n"
        "Then run `fab` again."
    )


def test_an_update_that_somebody_made_without_rollback_names_its_failures_and_the_command() -> None:
    fake = stack_in("UPDATE_FAILED", history=BROKEN_UPDATE[3:6])

    assert error_of(fake) == (
        f"{PLACE} is stuck (UPDATE_FAILED):\n"
        "  CopyKeys (AWS::Lambda::Function) UPDATE_FAILED: what made the rollback necessary\n"
        f"Fix that, then run: aws cloudformation rollback-stack {FLAGS}\n"
        "Then run `fab` again."
    )


def test_a_stack_that_could_not_be_deleted_names_what_would_not_go() -> None:
    history = [("", "DELETE_IN_PROGRESS", ""), ("WorkBucket", "DELETE_FAILED", "The bucket is not empty.")]
    fake = stack_in("DELETE_FAILED", history=history)

    assert error_of(fake) == (
        f"{PLACE} is stuck (DELETE_FAILED):\n"
        "  WorkBucket (AWS::Lambda::Function) DELETE_FAILED: The bucket is not empty.\n"
        "Something has written to the bucket meanwhile; `fab delete` empties it.\n"
        "Fix that, then run: fab delete\n"
        f"To keep some of its resources: aws cloudformation delete-stack {FLAGS} --retain-resources WorkBucket\n"
        "Then run `fab` again."
    )


def test_an_import_that_could_not_be_undone_says_what_there_is_to_do() -> None:
    assert error_of(stack_in("IMPORT_ROLLBACK_FAILED")) == (
        f"{PLACE} is stuck (IMPORT_ROLLBACK_FAILED).\n"
        "Run: fab delete\n"
        "To keep the stack, have whoever imported resources into it undo that in the CloudFormation console.\n"
        "Then run `fab` again."
    )


def test_a_status_that_aws_adds_one_day_is_stuck_and_not_touched() -> None:
    assert statuses.stuck_sentence("The stack x", "HIBERNATED", "fab", [], "", {}) == (
        "The stack x is stuck (HIBERNATED).\n"
        "Run: fab delete\n"
        "To keep the stack, look at it in the CloudFormation console first.\n"
        "Then run `fab` again."
    )


def test_the_command_has_the_profile_that_the_settings_have() -> None:
    fake = stack_in("UPDATE_FAILED")

    with pytest.raises(StackError) as caught:
        deploy_with(installed_with(fake, Settings(profile="prod")), TEMPLATE, RecordingConsole())

    assert f"Run: aws cloudformation rollback-stack {FLAGS} --profile prod\n" in str(caught.value)


@pytest.mark.parametrize("status", [*REMADE, *HEALTHY, *STUCK])
def test_whatever_has_come_to_rest_can_be_deleted(status: str) -> None:
    fake = stack_in(status)

    assert stack.delete(installed_with(fake, Settings()), RecordingConsole()) is True
    assert fake.called() == ["delete_stack"]


@pytest.mark.parametrize("status", BUSY)
def test_a_busy_stack_is_not_deleted(status: str) -> None:
    fake = stack_in(status)

    with pytest.raises(StackError) as caught:
        stack.delete(installed_with(fake, Settings()), RecordingConsole())

    assert str(caught.value) == (
        f"{PLACE} is busy ({status}), so nothing was started. `fab watch` follows it to its end; then run `fab delete` "
        "again."
    )
    assert fake.calls == []


# --- fab watch ----------------------------------------------------------------------------------------------


def watch(fake: FakeCloudFormation) -> RecordingConsole:
    console = RecordingConsole()
    stack.watch(installed_with(fake, Settings()), console)
    return console


@pytest.mark.parametrize("status", [None, *REMADE, *HEALTHY, *STUCK, *GONE])
def test_where_nothing_is_going_on_watching_says_so_and_ends(status: str | None) -> None:
    fake = stack_in(status) if status else FakeCloudFormation()

    expected = (
        f"{PLACE} does not exist, so there is nothing to follow; run: fab"
        if status in (None, *GONE)
        else f"{PLACE}: no operation is in progress ({status})."
    )
    assert watch(fake).results == [expected]
    assert (fake.calls, fake.naps) == ([], [])


def test_watching_shows_what_has_happened_already_and_follows_it_to_its_end() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", history=[("WorkBucket", "CREATE_COMPLETE", "before")])
    fake.begin(
        [("", "UPDATE_IN_PROGRESS", ""), ("CopyKeys", "UPDATE_IN_PROGRESS", "")],
        [("CopyKeys", "UPDATE_COMPLETE", ""), ("", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")],
        [("", "UPDATE_COMPLETE", "")],
    )
    fake.template = TEMPLATE

    console = watch(fake)

    assert console.updates == ["Following the stack sync-buckets (UPDATE_IN_PROGRESS)"]
    assert console.steps == [
        "  [ 0/1] CopyKeys  lambda_functions/copy_keys.py  updating",
        "  [ 1/1] CopyKeys  lambda_functions/copy_keys.py  updated",
    ]
    assert console.results == [f"{PLACE}: UPDATE_COMPLETE. Run `fab` again: it does what is left to do."]
    assert fake.calls == []


def test_watching_a_deployment_that_fails_ends_with_its_cause() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE")
    fake.begin(
        [("", "UPDATE_IN_PROGRESS", "")],
        [("CopyKeys", "UPDATE_FAILED", "no"), ("", "UPDATE_ROLLBACK_IN_PROGRESS", "CopyKeys failed")],
        [("", "UPDATE_ROLLBACK_COMPLETE", "")],
    )

    with pytest.raises(StackError) as caught:
        watch(fake)

    assert str(caught.value) == (
        f"{PLACE} could not be deployed: CopyKeys (AWS::Lambda::Function) UPDATE_FAILED: no\n"
        "CloudFormation has rolled everything back. Fix the cause, then run `fab` again."
    )


def test_watching_a_deletion_ends_when_the_stack_is_gone() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE")
    fake.begin([("", "DELETE_IN_PROGRESS", "")], [("", "DELETE_COMPLETE", "")])

    assert watch(fake).results == [
        f"{PLACE}: DELETE_COMPLETE. Run `fab delete` again: it does what is left to do."
    ]
