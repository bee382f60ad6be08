"""`fab prune` on moto: what goes, what stays and why, and that nothing goes on a guess."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from deployments_on_moto import HEADER, Deployments, refuse
from moto import mock_aws

from deployment.errors import ConfigurationError, Declined, StackError
from deployment.step_functions import inventory
from deployment.tasks.stack import prune as pruning
from tests.recording_console import RecordingConsole

COPY, LIST = "sync-buckets-copy", "sync-buckets-list"
ONE, TWO, THREE, FOUR = (f"2026112{day}-100000" for day in range(1, 5))


@pytest.fixture
def deployed() -> Iterator[Deployments]:
    """Four deployments: the first three changed `copy`, only the first `list`; and what is none of our business."""
    with mock_aws():
        made = Deployments()
        listing = made.function(LIST, "list")
        for number, timestamp in enumerate((ONE, TWO, THREE), start=1):
            made.machine(timestamp, made.function(COPY, f"copy {number}"), listing)
        made.machine(FOUR, made.function(COPY, "copy 4"), listing)
        made.machine(ONE, base="somebody-elses", tags=[])
        made.machine("nightly", listing)
        made.functions.create_function(
            FunctionName="another", Runtime="python3.13", Role="arn:aws:iam::123456789012:role/sync-buckets-machine",
            Handler="a.b", Code={"ZipFile": b"PK\x05\x06" + 18 * b"\0"},
        )  # fmt: skip
        made.functions.publish_version(FunctionName="another")
        yield made


def prune(deployed: Deployments, console: RecordingConsole | None = None, **options: Any) -> RecordingConsole:
    console = console or RecordingConsole()
    pruning.prune(deployed.installation, **{"keep": "2", "console": console, "yes": True, **options})
    return console


def left(deployed: Deployments) -> tuple[list[str], list[str]]:
    """Return our machines' timestamps, and our functions' versions."""
    ours = [name.removeprefix("sync-it-") for name in deployed.machines() if name.startswith("sync-it-2")]
    return ours, deployed.versions(COPY, LIST)


EVERYTHING = (
    [ONE, TWO, THREE, FOUR],
    [*(f"{COPY}:{version}" for version in ("$LATEST", "1", "2", "3", "4")), f"{LIST}:$LATEST", f"{LIST}:1"],
)
THE_NEWEST_TWO = (
    [THREE, FOUR],
    [f"{COPY}:$LATEST", f"{COPY}:3", f"{COPY}:4", f"{LIST}:$LATEST", f"{LIST}:1"],
)
TABLES = [
    (
        "State machines",
        ["name", "", "why"],
        [
            [f"sync-it-{FOUR}", "keep", "current"],
            [f"sync-it-{THREE}", "keep", "among the newest 2"],
            [f"sync-it-{TWO}", "delete", "not among the newest 2"],
            [f"sync-it-{ONE}", "delete", "not among the newest 2"],
        ],
    ),
    (
        "Function versions",
        ["name", "", "why"],
        [
            [f"{COPY}:1", "delete", "no state machine calls it"],
            [f"{COPY}:2", "delete", "no state machine calls it"],
            [f"{COPY}:3", "keep", f"called by {THREE}"],
            [f"{COPY}:4", "keep", "called by the current"],
            [f"{LIST}:1", "keep", "called by the current"],
        ],
    ),
]


def test_the_oldest_go_with_the_versions_that_only_they_call_and_nothing_else(deployed: Deployments) -> None:
    others = [name for name in deployed.machines() if not name.startswith("sync-it-2")]

    console = prune(deployed)

    assert left(deployed) == THE_NEWEST_TWO
    assert [name for name in deployed.machines() if not name.startswith("sync-it-2")] == others
    assert deployed.versions("another") == ["another:$LATEST", "another:1"]
    assert console.steps == [HEADER]
    assert console.tables == TABLES
    assert console.results == ["Deleted: 2 state machines, 2 function versions."]
    assert console.warnings == []


def test_a_dry_run_shows_the_same_plan_and_changes_nothing(deployed: Deployments) -> None:
    console = prune(deployed, dry_run=True)

    assert console.tables == TABLES
    assert console.results == ["Dry run: nothing was deleted."]
    assert left(deployed) == EVERYTHING
    assert prune(deployed).tables == TABLES


def test_a_second_time_there_is_nothing_to_delete(deployed: Deployments) -> None:
    prune(deployed)

    assert prune(deployed, yes=False).results == ["There is nothing to delete."]


def test_a_machine_with_a_running_execution_stays_with_its_versions_however_old_it_is(
    deployed: Deployments,
) -> None:
    deployed.start(f"sync-it-{ONE}")
    deployed.start(f"sync-it-{ONE}", "another")

    console = prune(deployed)

    assert left(deployed) == (
        [ONE, THREE, FOUR],
        [f"{COPY}:{version}" for version in ("$LATEST", "1", "3", "4")] + [f"{LIST}:$LATEST", f"{LIST}:1"],
    )
    assert console.tables[0][2][3] == [f"sync-it-{ONE}", "keep", "2 executions running"]
    assert console.tables[1][2][0] == [f"{COPY}:1", "keep", f"called by {ONE}"]


def test_what_begins_to_run_after_the_plan_stays_and_so_do_its_versions(deployed: Deployments) -> None:
    class StartsWhileAsked(RecordingConsole):
        def ask(self, question: str) -> str:
            deployed.start(f"sync-it-{ONE}")
            return super().ask(question)

    console = prune(deployed, StartsWhileAsked(["yes"]), yes=False)

    assert left(deployed) == (
        [ONE, THREE, FOUR],
        [f"{COPY}:{version}" for version in ("$LATEST", "1", "3", "4")] + [f"{LIST}:$LATEST", f"{LIST}:1"],
    )
    assert console.warnings == [
        f"sync-it-{ONE} stays: 1 execution running.",
        f"{COPY}:1 stays: it is in use now.",
    ]
    assert console.results == ["Deleted: 1 state machine, 1 function version."]
    assert console.questions == ["Delete this from sync-buckets in 123456789012/eu-west-1? Type yes:"]


def test_a_version_that_the_stack_declares_stays_even_if_no_machine_calls_it(deployed: Deployments) -> None:
    deployed.function(COPY, "copy 5")

    console = prune(deployed)

    assert f"{COPY}:5" in left(deployed)[1]
    assert console.tables[1][2][4] == [f"{COPY}:5", "keep", "part of the stack"]


def test_machines_of_every_name_count_for_themselves_and_all_of_them_keep_versions(
    deployed: Deployments,
) -> None:
    called = deployed.functions.get_function_configuration(FunctionName=f"{COPY}:1")["FunctionArn"]
    deployed.machine(ONE, called, base="another-one")

    prune(deployed, keep="1")

    assert f"another-one-{ONE}" in deployed.machines()
    assert left(deployed) == (
        [FOUR], [f"{COPY}:$LATEST", f"{COPY}:1", f"{COPY}:4", f"{LIST}:$LATEST", f"{LIST}:1"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "parameter", "timestamp", "machines"),
    [
        ("DescribeStateMachine", "stateMachineArn", THREE, [THREE, FOUR]),
        ("ListTagsForResource", "resourceArn", ONE, [ONE, THREE, FOUR]),
    ],
    ids=["definition", "tags"],
)
def test_while_one_machine_cannot_be_read_no_version_is_deleted(
    deployed: Deployments, operation: str, parameter: str, timestamp: str, machines: list[str]
) -> None:
    arn = deployed.arn(f"sync-it-{timestamp}")
    refuse(deployed.states, operation, "AccessDeniedException", {parameter: arn})

    console = prune(deployed)

    assert left(deployed) == (machines, EVERYTHING[1])
    assert console.tables[1][2][0] == [f"{COPY}:1", "keep", f"sync-it-{timestamp} could not be read"]


def test_an_old_machine_that_cannot_be_read_is_not_deleted(deployed: Deployments) -> None:
    refuse(
        deployed.states,
        "DescribeStateMachine",
        "AccessDeniedException",
        {"stateMachineArn": deployed.arn(f"sync-it-{ONE}")},
    )

    console = prune(deployed)

    assert left(deployed) == ([ONE, THREE, FOUR], EVERYTHING[1])
    assert console.tables[0][2][3] == [f"sync-it-{ONE}", "keep", "it could not be read"]


def test_a_version_with_an_alias_is_kept_by_aws_and_said_so(deployed: Deployments) -> None:
    refuse(deployed.functions, "DeleteFunction", "ResourceConflictException", {"Qualifier": "1"})

    console = prune(deployed)

    assert f"{COPY}:1" in left(deployed)[1]
    assert console.warnings == [
        f"{COPY}:1 stays: AWS refused DeleteFunction with ResourceConflictException: no."
    ]
    assert console.results == ["Deleted: 2 state machines, 1 function version."]


def test_a_machine_that_is_being_deleted_is_not_listed_but_keeps_its_versions_while_it_runs(
    deployed: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.start(f"sync-it-{ONE}")
    being_deleted(deployed, f"sync-it-{ONE}", f"sync-it-{TWO}")

    console = prune(deployed)

    assert [row[0] for row in console.tables[0][2]] == [f"sync-it-{FOUR}", f"sync-it-{THREE}"]
    assert console.tables[1][2][:2] == [
        [f"{COPY}:1", "keep", f"called by {ONE}"],
        [f"{COPY}:2", "delete", "no state machine calls it"],
    ]
    assert [version for version in left(deployed)[1] if version == f"{COPY}:2"] == []


def being_deleted(deployed: Deployments, *names: str) -> None:
    """Let machines have the status that AWS gives them between DeleteStateMachine and the end of their executions."""

    def answer(parsed: dict[str, Any], **_: Any) -> None:
        if parsed.get("name") in names:
            parsed["status"] = "DELETING"

    deployed.states.meta.events.register("after-call.sfn.DescribeStateMachine", answer)


def test_a_stack_that_is_being_changed_stops_it_before_anything_is_deleted(deployed: Deployments) -> None:
    deployed.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    with pytest.raises(StackError) as caught:
        prune(deployed)

    assert str(caught.value) == (
        "The stack sync-buckets in 123456789012/eu-west-1 is busy (UPDATE_ROLLBACK_IN_PROGRESS). "
        "Run `fab prune` again when it has finished."
    )
    assert left(deployed) == EVERYTHING


def test_without_a_stack_only_machines_are_deleted(deployed: Deployments) -> None:
    deployed.stack.status = None

    console = prune(deployed)

    assert left(deployed) == ([THREE, FOUR], EVERYTHING[1])
    assert [title for title, _, _ in console.tables] == ["State machines"]


def test_without_a_terminal_and_without_yes_it_fails_with_the_command(deployed: Deployments) -> None:
    with pytest.raises(Declined) as caught:
        prune(deployed, yes=False)

    assert str(caught.value) == (
        "Nothing was deleted: there is no terminal to ask on. To delete without asking: fab prune --yes"
    )
    assert left(deployed) == EVERYTHING


@pytest.mark.parametrize("answer", ["", "n", "sync-buckets"])
def test_any_answer_but_yes_deletes_nothing(deployed: Deployments, answer: str) -> None:
    with pytest.raises(Declined, match="the answer was not yes"):
        prune(deployed, RecordingConsole([answer]), yes=False)
    assert left(deployed) == EVERYTHING


@pytest.mark.parametrize("keep", ["0", "-1", "", "three", "1.5", "٣", "9999999"])
def test_any_other_number_to_keep_is_refused(keep: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        pruning.number_to_keep(keep)

    assert str(caught.value) == f"--keep is {keep!r}: expected a number of state machines from 1, such as 3"


def test_a_function_is_never_deleted_as_a_whole(deployed: Deployments) -> None:
    latest = inventory.FunctionVersion(COPY, "$LATEST", "arn", "", "")

    with pytest.raises(AssertionError, match="Lambda would delete the function"):
        pruning._delete_version(deployed.installation, latest)
    assert left(deployed) == EVERYTHING
