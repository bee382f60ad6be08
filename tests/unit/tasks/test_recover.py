"""`fab recover`: what it says, asks and sends for a stack in each status, and what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.cloudformation import stack
from deployment.errors import ConfigurationError, Declined, StackError
from deployment.project.settings import Settings
from deployment.tasks.stack import recover as recovery
from tests.fake_cloudformation import STACK_ID, STACK_STATUSES, FakeCloudFormation, refusal
from tests.recording_console import RecordingConsole
from tests.stacks import FLAGS, PLACE, TEMPLATE, installed_with

STUCK = "UPDATE_ROLLBACK_FAILED"
HISTORY = [
    ("", "UPDATE_COMPLETE", ""),
    ("", "UPDATE_IN_PROGRESS", ""),
    ("Copy", "UPDATE_FAILED", "what made the rollback necessary"),
    ("", "UPDATE_ROLLBACK_IN_PROGRESS", ""),
    ("WorkBucket", "UPDATE_FAILED", "It is gone."),
    ("CopyKeysRole", "UPDATE_FAILED", "no reason of AWS's"),
]
RECOVERED = [
    [("", "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"), ("WorkBucket", "UPDATE_IN_PROGRESS", "")],
    [("WorkBucket", "UPDATE_COMPLETE", ""), ("", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "")],
    [("", "UPDATE_ROLLBACK_COMPLETE", "")],
]
FAILED_AGAIN = [
    [("", "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")],
    [("CopyKeysRole", "UPDATE_FAILED", "still not"), ("", STUCK, "no way back")],
]
QUESTION = "Continue rolling back sync-buckets in account 123456789012, region eu-west-1? [y/N]"
REASONS = (
    f"{PLACE} is stuck (UPDATE_ROLLBACK_FAILED):\n"
    "  WorkBucket (AWS::Lambda::Function) UPDATE_FAILED: It is gone.\n"
    "  CopyKeysRole (AWS::Lambda::Function, lambda_functions/copy_keys.py) UPDATE_FAILED: no reason of AWS's\n"
)


def stuck(continued: Sequence[Any] = RECOVERED, history: Sequence[Any] = HISTORY) -> FakeCloudFormation:
    fake = FakeCloudFormation(STUCK, history=history, continued=continued)
    fake.template = TEMPLATE
    return fake


def recover(
    fake: FakeCloudFormation, console: RecordingConsole, skip: Sequence[str] = (), yes: bool = False
) -> None:
    recovery.recover(installed_with(fake, Settings()), skip, console, yes)  # type: ignore[arg-type]


def test_a_stuck_stack_is_explained_asked_for_rolled_back_and_followed_to_its_end() -> None:
    fake, console = stuck(), RecordingConsole(["y"])

    recover(fake, console)

    ((call, request),) = fake.calls
    assert call == "continue_update_rollback"
    assert request == {"StackName": STACK_ID, "ClientRequestToken": request["ClientRequestToken"]}
    assert console.questions == [QUESTION]
    assert console.updates == ["Rolling back the stack sync-buckets"]
    assert console.steps == [
        f"{REASONS}CloudFormation tries all of it again; what is not fixed yet will fail again.",
        "  CloudFormation rolls back: User Initiated",
        "  [ 0/1] WorkBucket  AWS::Lambda::Function  updating",
        "  [ 1/1] WorkBucket  AWS::Lambda::Function  updated",
    ]
    assert console.results == [f"{PLACE}: UPDATE_ROLLBACK_COMPLETE. Run `fab` to deploy this folder."]


def test_only_what_was_named_is_skipped_and_what_that_means_is_said_before_and_after() -> None:
    fake, console = stuck(), RecordingConsole()

    recover(fake, console, skip=("WorkBucket", "CopyKeysRole"), yes=True)

    assert fake.calls[0][1]["ResourcesToSkip"] == ["WorkBucket", "CopyKeysRole"]
    assert console.questions == []
    assert console.steps[0] == (
        f"{REASONS}"
        "Skipped: WorkBucket, CopyKeysRole. CloudFormation counts that as rolled back without touching it: it stays as "
        "it is.\n"
        "CloudFormation tries the rest again; what is not fixed yet will fail again."
    )
    assert console.results == [
        f"{PLACE}: UPDATE_ROLLBACK_COMPLETE. Look at WorkBucket, CopyKeysRole first: CloudFormation counts it as what "
        "it was before the update. Run `fab` to deploy this folder."
    ]


@pytest.mark.parametrize("answer", ["", "n", "no", "sync-buckets"])
def test_any_other_answer_than_yes_leaves_the_stack_as_it_is(answer: str) -> None:
    fake = stuck()

    with pytest.raises(Declined) as caught:
        recover(fake, RecordingConsole([answer]))

    assert str(caught.value) == "Nothing was recovered: the answer was not y."
    assert (fake.calls, fake.status) == ([], STUCK)


def test_where_nobody_can_be_asked_the_flag_that_answers_is_named() -> None:
    fake = stuck()

    with pytest.raises(Declined) as caught:
        recover(fake, RecordingConsole())

    assert str(caught.value) == (
        "Nothing was recovered: there is no terminal to ask on. To recover without asking: fab recover --yes"
    )
    assert fake.calls == []


@pytest.mark.parametrize(
    "name, guess",
    [
        ("workbucket", " Did you mean WorkBucket?"),
        ("CopyKeyRole", " Did you mean CopyKeysRole?"),
        ("Copy", ""),
    ],
)
def test_what_does_not_keep_the_stack_cannot_be_skipped(name: str, guess: str) -> None:
    fake = stuck()

    with pytest.raises(ConfigurationError) as caught:
        recover(fake, RecordingConsole(["y"]), skip=("WorkBucket", name))

    assert str(caught.value) == (
        f"--skip names {name}.{guess} Only what keeps the stack can be skipped: WorkBucket, CopyKeysRole. "
        "Nothing was changed."
    )
    assert fake.calls == []


def test_where_the_events_have_gone_cloudformation_alone_judges_the_names() -> None:
    fake, console = stuck(history=()), RecordingConsole()

    recover(fake, console, skip=("WorkBucket",), yes=True)

    assert fake.calls[0][1]["ResourcesToSkip"] == ["WorkBucket"]
    assert console.steps[0].startswith(f"{PLACE} is stuck (UPDATE_ROLLBACK_FAILED).\nSkipped: WorkBucket.")


def test_a_rollback_that_fails_again_ends_with_what_keeps_the_stack_now() -> None:
    fake = stuck(FAILED_AGAIN)

    with pytest.raises(StackError) as caught:
        recover(fake, RecordingConsole(["y"]))

    assert str(caught.value) == (
        f"{PLACE} is stuck (UPDATE_ROLLBACK_FAILED):\n"
        "  CopyKeysRole (AWS::Lambda::Function, lambda_functions/copy_keys.py) UPDATE_FAILED: still not\n"
        "Fix that, then run: fab recover\n"
        "To leave out what cannot be fixed: fab recover --skip CopyKeysRole\n"
        "Then run `fab` again."
    )


def test_whoever_stops_watching_is_told_that_it_goes_on_and_watching_it_ends_well() -> None:
    fake, console = stuck(), RecordingConsole(["y"])

    def interrupted(seconds: float) -> None:
        fake.sleep(seconds)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recovery.recover(installed_with(fake, Settings(), sleep=interrupted), (), console, False)  # type: ignore[arg-type]

    assert console.steps[-1] == (
        "The operation continues in AWS. `fab watch` follows it to its end; then run `fab` again."
    )
    watching = RecordingConsole()
    stack.watch(installed_with(fake, Settings()), watching)  # type: ignore[arg-type]
    assert watching.results == [
        f"{PLACE}: UPDATE_ROLLBACK_COMPLETE. Run `fab` again: it does what is left to do."
    ]


HEALTHY = [
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
    *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
]
COMMANDS = {
    **dict.fromkeys(("REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"), "fab"),
    "UPDATE_FAILED": f"aws cloudformation rollback-stack {FLAGS}",
    **dict.fromkeys(("DELETE_FAILED", "IMPORT_ROLLBACK_FAILED"), "fab delete"),
}


@pytest.mark.parametrize("status", HEALTHY)
def test_a_healthy_stack_has_nothing_to_recover_and_that_is_no_error(status: str) -> None:
    fake, console = FakeCloudFormation(status), RecordingConsole()

    recover(fake, console)

    assert console.results == [f"{PLACE} is in {status}, so there is nothing to recover; run: fab"]
    assert (fake.calls, console.questions) == ([], [])


@pytest.mark.parametrize(
    "status", [name for name in STACK_STATUSES if name not in (*HEALTHY, STUCK, "DELETE_COMPLETE")]
)
def test_in_every_other_status_one_sentence_names_what_to_run_instead(status: str) -> None:
    fake = FakeCloudFormation(status)
    fake.change_set_names = ["syncbuckets-0123"]

    with pytest.raises(StackError) as caught:
        recover(fake, RecordingConsole(["y"]), skip=("WorkBucket",), yes=True)

    command = COMMANDS.get(status, "fab watch")
    assert str(caught.value) == f"{PLACE} is in {status}, so there is nothing to recover; run: {command}"
    assert fake.calls == []


@pytest.mark.parametrize("status", [None, "DELETE_COMPLETE"])
def test_where_there_is_no_stack_it_says_so(status: str | None) -> None:
    with pytest.raises(StackError) as caught:
        recover(FakeCloudFormation(status), RecordingConsole(["y"]))

    assert str(caught.value) == f"{PLACE} does not exist, so there is nothing to recover; run: fab"


def test_a_stack_of_somebody_else_is_never_touched() -> None:
    fake = FakeCloudFormation(STUCK, tags=[], history=HISTORY)

    with pytest.raises(StackError, match="is not ours"):
        recover(fake, RecordingConsole(["y"]), yes=True)

    assert fake.calls == []


def test_without_the_template_the_files_are_missing_and_nothing_else() -> None:
    fake, console = stuck(), RecordingConsole(["y"])
    fake.template = refusal("GetTemplate", "AccessDenied", "no")

    recover(fake, console)

    assert "  CopyKeysRole (AWS::Lambda::Function) UPDATE_FAILED" in console.steps[0]
    assert fake.status == "UPDATE_ROLLBACK_COMPLETE"


@given(
    st.lists(st.from_regex(r"[A-Za-z0-9]+", fullmatch=True), min_size=1), st.sampled_from([",", ", ", " ,"])
)
def test_names_are_read_in_their_order_each_once(names: list[str], comma: str) -> None:
    assert recovery.skipped_names(comma.join(names)) == tuple(dict.fromkeys(names))


def test_without_the_flag_nothing_is_skipped() -> None:
    assert recovery.skipped_names(None) == ()


@pytest.mark.parametrize("text", ["", " ", ",", "a,", "a b", "a;b", "WorkBucket*", "a,,b", "ä"])
def test_what_cannot_be_names_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        recovery.skipped_names(text)

    assert str(caught.value) == (
        f"--skip is {text!r}: expected names of resources with commas between them, such as WorkBucket,CopyKeysRole"
    )
