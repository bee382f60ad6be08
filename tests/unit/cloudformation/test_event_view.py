"""What is shown while CloudFormation works: the block on a terminal, the lines elsewhere."""

from __future__ import annotations

import io
import re

import pytest

from deployment.cloudformation import event_view
from deployment.cloudformation.change_sets import ChangeSet
from deployment.cloudformation.events import Event, Operation, OperationState
from deployment.console import Console
from tests.stacks import TEMPLATE

CREATION = Operation("id", "Creating the stack sync-buckets", resources=9)
FAILURE = "User x is not authorized to perform: iam:CreateRole on resource: " + "y" * 60


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def event(logical_id: str, status: str, reason: str = "") -> Event:
    is_stack = logical_id == "stack"
    return Event(f"{logical_id}{status}", logical_id, "AWS::S3::Bucket", status, reason, is_stack)


BEGUN = (
    event("stack", "CREATE_IN_PROGRESS"),
    event("WorkBucket", "CREATE_IN_PROGRESS"),
    event("CopyKeysRole", "CREATE_IN_PROGRESS"),
    event("WorkBucket", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
)
GOES_ON = (*BEGUN, event("WorkBucket", "CREATE_COMPLETE"), event("CopyKeys", "CREATE_IN_PROGRESS"))
FAILED = (
    *GOES_ON,
    event("CopyKeysRole", "CREATE_FAILED", FAILURE),
    event("CopyKeys", "CREATE_FAILED", "Resource creation cancelled"),
    event("stack", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [CopyKeysRole]."),
    event("WorkBucket", "DELETE_IN_PROGRESS"),
)
OUTCOMES = [
    OperationState("CREATE_IN_PROGRESS", BEGUN),
    OperationState("CREATE_IN_PROGRESS", GOES_ON),
    OperationState("ROLLBACK_IN_PROGRESS", FAILED),
]


def test_the_counter_is_of_all_resources_that_the_change_set_has() -> None:
    assert [event_view.counter(events, 9) for events in ((), BEGUN, GOES_ON)] == [
        "[ 0/9]",
        "[ 0/9]",
        "[ 1/9]",
    ]
    assert event_view.counter(GOES_ON, 120) == "[  1/120]"


def test_where_nobody_knows_how_many_there_are_it_is_of_those_that_have_begun() -> None:
    assert event_view.counter(GOES_ON, None) == "[ 1/3]"
    assert event_view.counter(GOES_ON, 1) == "[ 1/3]", "more may come than the change set knew of"


def test_in_a_rollback_the_counter_begins_anew_out_of_what_there_is_to_undo() -> None:
    assert event_view.counter(FAILED, 9) == "[ 0/3]"


def test_the_block_has_a_line_for_each_resource_at_work_with_our_file() -> None:
    assert event_view.block(GOES_ON, TEMPLATE) == (
        "\n  CopyKeysRole  lambda_functions/copy_keys.py\n  CopyKeys      lambda_functions/copy_keys.py"
    )
    assert event_view.block(BEGUN, {}) == "\n  WorkBucket    AWS::S3::Bucket\n  CopyKeysRole  AWS::S3::Bucket"
    assert event_view.block((), {}) == ""


def test_without_a_terminal_every_event_that_says_something_new_is_one_line() -> None:
    out, err = io.StringIO(), io.StringIO()

    event_view.show(OUTCOMES, CREATION, TEMPLATE, Console(out, err, io.StringIO(), environ={}))

    assert err.getvalue() == (
        "Creating the stack sync-buckets\n"
        "  [ 0/9] WorkBucket  AWS::S3::Bucket  creating\n"
        "  [ 0/9] CopyKeysRole  lambda_functions/copy_keys.py  creating\n"
        "  [ 1/9] WorkBucket  AWS::S3::Bucket  created\n"
        "  [ 1/9] CopyKeys  lambda_functions/copy_keys.py  creating\n"
        f"  [ 1/9] CopyKeysRole  lambda_functions/copy_keys.py  CREATE_FAILED: {FAILURE}\n"
        "  [ 1/9] CopyKeys  lambda_functions/copy_keys.py  cancelled\n"
        "  CloudFormation rolls back: The following resource(s) failed to create: [CopyKeysRole].\n"
        "  [ 0/3] WorkBucket  AWS::S3::Bucket  deleting\n"
    )
    assert out.getvalue() == ""


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_is_not_to_be_redrawn_gets_the_same_lines(environ: dict[str, str]) -> None:
    err = Terminal()

    event_view.show(
        OUTCOMES, CREATION, TEMPLATE, Console(Terminal(), err, Terminal(), environ=environ, width=200)
    )

    assert len(err.getvalue().splitlines()) == 9
    assert not re.search(r"\x1b\[[0-9;?]*[A-Zhl]", err.getvalue()), "nothing moves the cursor"


@pytest.mark.parametrize("width", [80, 200])
def test_on_a_terminal_the_block_is_redrawn_and_only_failures_stay(width: int) -> None:
    err, times = Terminal(), iter(range(100, 1000, 21))
    console = Console(
        Terminal(), err, Terminal(), environ={"TERM": "xterm"}, clock=lambda: next(times), width=width
    )

    event_view.show(OUTCOMES, CREATION, TEMPLATE, console)

    shown = re.sub(r"\x1b\[[0-9;?]*m", "", err.getvalue())
    assert re.search(
        r"\[ 0/3\] \d\d:\d\d Creating the stack sync-buckets *\n *WorkBucket  AWS::S3::Bucket", shown
    )
    unfolded = " ".join(shown.split())
    assert f"CREATE_FAILED: {FAILURE} " in unfolded, "whole, also where it is longer than a line"
    assert "CloudFormation rolls back" in shown
    assert "created" not in shown and "cancelled" not in shown
    assert shown.rstrip().endswith("\x1b[2K"), "the block is erased at the end"


def test_a_resource_that_is_changed_once_more_by_the_rollback_is_shown_once_more() -> None:
    events = [
        event("WorkBucket", "UPDATE_IN_PROGRESS"),
        event("WorkBucket", "UPDATE_COMPLETE"),
        event("stack", "UPDATE_ROLLBACK_IN_PROGRESS", "no"),
        event("WorkBucket", "UPDATE_IN_PROGRESS"),
    ]

    assert event_view.event_line(events, 1, {}) == "  [ 0/1] WorkBucket  AWS::S3::Bucket  updating"


def test_a_status_without_a_word_is_shown_as_aws_writes_it() -> None:
    assert event_view.event_line([event("Copy", "IMPORT_COMPLETE")], None, TEMPLATE) == (
        "  [ 1/1] Copy  lambda_functions/copy.py  IMPORT_COMPLETE"
    )


def test_an_update_of_nothing_but_outputs_says_so() -> None:
    change_set = ChangeSet("arn", "stack", False, ())

    assert event_view.change_lines(change_set, TEMPLATE) == [
        "No resource changes, only outputs of the stack."
    ]
