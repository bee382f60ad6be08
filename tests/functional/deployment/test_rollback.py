"""`fab rollback` on moto: which machine it goes back to, what it refuses, and that the next deployment goes forward again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from deployments_on_moto import BASE, HEADER, ROLE, Deployments, definition_of, refuse
from moto import mock_aws

from deployment.aws.installation import Clock, Installation
from deployment.errors import ConfigurationError, StateMachineError
from deployment.project.states_language import MachineSpec
from deployment.step_functions import listing, state_machines
from deployment.step_functions.listing import Machine
from deployment.tasks.stack import rollback
from tests.installations import no_sleep
from tests.recording_console import RecordingConsole

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
COPY = "sync-buckets-copy"
OLD, NEW, AGAIN = "20261101-100000", "20261102-100000", "20261103-100000"


NOT_BY_THIS = "Schedules, notices, permissions and settings do not go back this way: check out the older sources and run `fab`."


@pytest.fixture
def deployed() -> Iterator[Deployments]:
    """Two different deployments."""
    with mock_aws():
        made = Deployments()
        made.machine(OLD, made.function(COPY, "copy 1"))
        made.machine(NEW, made.function(COPY, "copy 2"))
        yield made


def at(deployed: Deployments, now: datetime = NOW) -> Installation:
    return replace(deployed.installation, clock=Clock(now=lambda: now, sleep=no_sleep))


def go_back(
    deployed: Deployments, to: str | None = None, console: RecordingConsole | None = None, now: datetime = NOW
) -> Machine:
    console = console or RecordingConsole()
    return rollback.rollback(at(deployed, now), to, console)


def definition(deployed: Deployments, name: str) -> Any:
    return json.loads(
        deployed.states.describe_state_machine(stateMachineArn=deployed.arn(name))["definition"]
    )


def said(deployed: Deployments, to: str | None = None) -> str:
    """Return the message of the refusal, after which nothing has been made."""
    before = deployed.machines()
    with pytest.raises((ConfigurationError, StateMachineError)) as caught:
        go_back(deployed, to)
    assert deployed.machines() == before
    return str(caught.value)


def test_the_older_definition_comes_back_as_a_new_machine_which_is_the_current_one(
    deployed: Deployments,
) -> None:
    console = RecordingConsole()

    made = go_back(deployed, console=console)

    assert (made.name, made.created) == (f"{BASE}-20261122-143000", True)
    assert definition(deployed, made.name) == definition(deployed, f"{BASE}-{OLD}")
    assert deployed.machines() == [f"{BASE}-{OLD}", f"{BASE}-{NEW}", made.name]
    newest = listing.newest(deployed.installation, BASE)
    assert newest and newest.name == made.name
    assert console.steps == [HEADER]
    assert console.results == [
        f"{BASE}-20261122-143000 created, with the definition of {BASE}-{OLD}.\n"
        "  https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/statemachines/view/"
        f"{deployed.arn(made.name)}\n"
        "It is the current one now. Executions that are running continue with what they were started with.\n"
        "The stack is not rolled back: schedules, notices, permissions and settings are those of the last `fab`. To have older "
        "ones, check out the older sources and run `fab`.\n"
        "The next `fab` makes the code of this folder current again."
    ]


def test_the_next_deployment_of_the_newer_code_makes_a_machine_again(deployed: Deployments) -> None:
    newer = definition_of([f"arn:aws:lambda:eu-west-1:123456789012:function:{COPY}:2"])
    spec = MachineSpec(BASE, Path("state_machines/sync_it.yaml"), {})

    def fab() -> Machine:
        return state_machines.create_if_changed(at(deployed), spec, newer, ROLE, RecordingConsole())

    assert fab().created, "the machine made by hand has no hash in its tags"
    assert not fab().created
    back = go_back(deployed)
    forward = fab()

    assert (back.created, forward.created, fab().created) == (True, True, False)
    assert definition(deployed, back.name) == definition(deployed, f"{BASE}-{OLD}")
    assert definition(deployed, forward.name) == newer
    assert deployed.machines()[-1] == forward.name


def test_machines_that_do_the_same_as_the_current_one_are_passed_over(deployed: Deployments) -> None:
    current = f"arn:aws:lambda:eu-west-1:123456789012:function:{COPY}:2"
    deployed.machine(AGAIN, current)

    assert definition(deployed, go_back(deployed).name) == definition(deployed, f"{BASE}-{OLD}")


def test_a_named_machine_is_taken_however_old_it_is(deployed: Deployments) -> None:
    deployed.machine(AGAIN, deployed.function(COPY, "copy 3"))

    assert definition(deployed, go_back(deployed, f"{BASE}-{OLD}").name) == definition(
        deployed, f"{BASE}-{OLD}"
    )


def test_a_machine_with_the_same_definition_is_not_made_twice(deployed: Deployments) -> None:
    first = go_back(deployed)
    console = RecordingConsole()

    again = go_back(deployed, f"{BASE}-{OLD}", console)

    assert (again.name, again.created) == (first.name, False)
    assert console.results == [
        f"Nothing to do: {first.name} is current and has the definition of {BASE}-{OLD}."
    ]


def test_going_back_twice_is_going_forward(deployed: Deployments) -> None:
    go_back(deployed)

    assert definition(deployed, go_back(deployed).name) == definition(deployed, f"{BASE}-{NEW}")


def test_everything_that_is_gone_is_named_and_nothing_is_made(deployed: Deployments) -> None:
    deployed.functions.delete_function(FunctionName=COPY, Qualifier="1")
    deployed.iam.delete_role(RoleName="sync-buckets-machine")
    deployed.s3.delete_bucket(Bucket="sync-buckets-work")

    assert said(deployed) == (
        f"{BASE}-{OLD} can no longer be started, so it cannot be the current one again. This is gone:\n"
        f"  function version {COPY}:1\n"
        "  role sync-buckets-machine\n"
        "  work bucket sync-buckets-work\n"
        "Choose another one of `fab versions`, or deploy the older sources with `fab`."
    )


@pytest.mark.parametrize(
    "service, operation, code",
    [
        ("functions", "GetFunctionConfiguration", "AccessDeniedException"),
        ("iam", "GetRole", "AccessDenied"),
        ("s3", "HeadBucket", "403"),
    ],
)
def test_what_cannot_be_asked_is_not_taken_for_gone_nor_for_there(
    deployed: Deployments, service: str, operation: str, code: str
) -> None:
    before = deployed.machines()
    refuse(getattr(deployed, service), operation, code)

    with pytest.raises(ClientError, match=operation):
        go_back(deployed)
    assert deployed.machines() == before


def test_an_unknown_name_is_answered_with_the_nearest(deployed: Deployments) -> None:
    assert said(deployed, f"{BASE}-20261101-10000") == (
        f"--to is '{BASE}-20261101-10000': there is no such state machine. Did you mean {BASE}-{OLD}? "
        "`fab versions` lists them."
    )


def test_the_current_one_is_current_already(deployed: Deployments) -> None:
    assert said(deployed, f"{BASE}-{NEW}") == f"{BASE}-{NEW} is the current one already."


def test_with_nothing_older_that_differs_it_says_so(deployed: Deployments) -> None:
    deployed.states.delete_state_machine(stateMachineArn=deployed.arn(f"{BASE}-{OLD}"))

    assert said(deployed) == (
        f"There is nothing to go back to: no other state machine differs from {BASE}-{NEW}. {NOT_BY_THIS}"
    )


def test_where_nothing_is_deployed_it_says_so(deployed: Deployments) -> None:
    for name in (f"{BASE}-{OLD}", f"{BASE}-{NEW}"):
        deployed.states.delete_state_machine(stateMachineArn=deployed.arn(name))

    assert said(deployed) == "No state machine is deployed. Run `fab` to deploy it."


def test_with_machines_of_two_names_one_must_be_named(deployed: Deployments) -> None:
    deployed.machine(OLD, base="another")

    assert said(deployed) == (
        f"There are machines of another, {BASE}. Say which one is meant, such as: fab rollback --to another"
    )


def test_a_name_without_timestamp_means_the_newest_of_that_name_that_differs(deployed: Deployments) -> None:
    deployed.machine(OLD, base="another")

    assert said(deployed, "another") == (
        f"There is nothing to go back to: no other state machine differs from another-{OLD}. {NOT_BY_THIS}"
    )
    made = go_back(deployed, BASE)
    described = deployed.states.describe_state_machine(stateMachineArn=made.arn)
    older = deployed.states.describe_state_machine(stateMachineArn=deployed.arn(f"{BASE}-{OLD}"))
    assert (made.name.startswith(f"{BASE}-"), described["definition"]) == (True, older["definition"])


def test_a_machine_that_cannot_be_read_is_not_chosen(deployed: Deployments) -> None:
    refuse(
        deployed.states,
        "DescribeStateMachine",
        "AccessDeniedException",
        {"stateMachineArn": deployed.arn(f"{BASE}-{OLD}")},
    )

    assert said(deployed, f"{BASE}-{OLD}") == (
        f"{BASE}-{OLD} cannot be read: AWS refused DescribeStateMachine with AccessDeniedException: no."
    )
    assert said(deployed).startswith("There is nothing to go back to")
