"""State machines in an account: names, tags, what counts as ours, when a new one is made, what is deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import deployments_on_moto
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from deployment.aws.installation import Clock, Installation
from deployment.build import definitions, machine_role
from deployment.errors import StateMachineError
from deployment.project.front_matter import FunctionSpec
from deployment.project.settings import Settings
from deployment.project.states_language import MachineSpec
from deployment.step_functions import listing, state_machines
from deployment.step_functions.listing import Machine
from tests.installations import installed, no_sleep
from tests.recording_console import RecordingConsole

NOW = datetime(2026, 11, 22, 14, 30, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/machine"
SETTINGS = Settings(stack_name="sync-buckets", tags={"team": "storage"})
SPEC = MachineSpec("sync-it", Path("/project/state_machines/sync_it.yaml"), {})
DEFINITION = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
OTHER_DEFINITION = {"StartAt": "Stop", "States": {"Stop": {"Type": "Succeed"}}}
NO_ROLE = (
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
    "provided role."
)


@pytest.fixture
def installation() -> Iterator[Installation]:
    with mock_aws():
        yield installed(SETTINGS, session=boto3.Session(region_name="eu-west-1"))


def create(installation: Installation, definition: dict[str, Any] = DEFINITION, **changes: Any) -> Machine:
    """Create a machine if it has changed, at NOW unless told otherwise, without ever sleeping."""
    arguments: dict[str, Any] = {
        "spec": SPEC,
        "definition": definition,
        "role_arn": ROLE,
        "console": RecordingConsole(),
    }
    clock = {name: changes.pop(name) for name in ("now", "sleep") if name in changes}
    there = replace(installation, clock=Clock(**{"now": lambda: NOW, "sleep": no_sleep, **clock}))
    if settings := changes.pop("settings", None):
        there = replace(there, settings=settings)
    return state_machines.create_if_changed(there, **(arguments | changes))


def machine_by_hand(installation: Installation, name: str, **tags: str) -> str:
    """Create a machine that is not, or not quite, ours."""
    arn: str = installation.client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps(DEFINITION),
        roleArn=ROLE,
        tags=[{"key": key.replace("__", ":"), "value": value} for key, value in tags.items()],
    )["stateMachineArn"]
    return arn


def names(installation: Installation) -> list[str]:
    found = installation.client("stepfunctions").list_state_machines()["stateMachines"]
    return sorted(machine["name"] for machine in found)


def refuse(installation: Installation, *errors: tuple[str, str]) -> None:
    """Let the next calls of CreateStateMachine fail, one for each code and message; those after them succeed."""
    waiting = list(errors)

    def answer(**_: Any) -> None:
        if waiting:
            code, message = waiting.pop(0)
            raise ClientError({"Error": {"Code": code, "Message": message}}, "CreateStateMachine")

    installation.client("stepfunctions").meta.events.register(
        "provide-client-params.stepfunctions.CreateStateMachine", answer
    )


def test_a_machine_is_named_by_the_second_in_utc_and_carries_our_tags(installation: Installation) -> None:
    made = create(installation)

    assert (made.name, made.created) == ("sync-it-20261122-143000", True)
    client = installation.client("stepfunctions")
    described = client.describe_state_machine(stateMachineArn=made.arn)
    assert (json.loads(described["definition"]), described["roleArn"]) == (DEFINITION, ROLE)
    tags = client.list_tags_for_resource(resourceArn=made.arn)["tags"]
    assert tags == [
        {"key": "team", "value": "storage"},
        {"key": "syncbuckets:stack", "value": "sync-buckets"},
        {"key": "syncbuckets:definition", "value": definitions.fingerprint(DEFINITION, ROLE)},
    ]


def test_the_tags_of_its_own_file_are_added_and_cannot_overrule_ours(installation: Installation) -> None:
    own = {"Tags": {"cost": 12, "kept": True, "team": "theirs", "syncbuckets:stack": "theirs"}}
    spec = replace(SPEC, properties=own)
    plain = create(installation)

    made = create(installation, spec=spec, now=lambda: NOW + timedelta(minutes=1))
    again = create(installation, spec=spec, now=lambda: NOW + timedelta(minutes=2))

    assert (plain.created, made.created, again.created) == (True, True, False)
    tags = installation.client("stepfunctions").list_tags_for_resource(resourceArn=made.arn)["tags"]
    assert {tag["key"]: tag["value"] for tag in tags}.items() >= {
        ("cost", "12"), ("kept", "true"), ("team", "storage"), ("syncbuckets:stack", "sync-buckets"),
    }  # fmt: skip


def test_a_substitution_that_cloudformation_computed_is_taken_from_the_outputs(
    installation: Installation,
) -> None:
    topic = {"Ref": "Topic"}
    states = {"One": {"Type": "Pass", "Result": "${Topic} ${Times}", "End": True}}
    spec = replace(
        SPEC,
        definition={"StartAt": "One", "States": states},
        properties={"DefinitionSubstitutions": {"Topic": topic, "Times": 3}},
    )
    outputs = {"WorkBucket": "work", machine_role.output_name("sync-it", "Topic", topic): "arn:topic"}

    there = replace(installation, settings=replace(SETTINGS, max_concurrency=4))
    ((_, rendered),) = state_machines.render_all(there, [spec], [], outputs)

    assert rendered["States"]["One"]["Result"] == "arn:topic 3"


def test_nothing_is_created_while_definition_and_role_stay_the_same(installation: Installation) -> None:
    first = create(installation)

    again = create(installation, now=lambda: NOW + timedelta(days=1))

    assert (again.name, again.arn, again.created) == (first.name, first.arn, False)
    assert names(installation) == ["sync-it-20261122-143000"]


@pytest.mark.parametrize(
    "change", [{"definition": OTHER_DEFINITION}, {"role_arn": f"{ROLE}-2"}], ids=["definition", "role"]
)
def test_a_changed_definition_or_role_makes_a_new_machine_beside_the_old_one(
    installation: Installation, change: dict[str, Any]
) -> None:
    create(installation)

    made = create(installation, **{"now": lambda: NOW + timedelta(minutes=1), **change})

    assert (made.name, made.created) == ("sync-it-20261122-143100", True)
    assert names(installation) == ["sync-it-20261122-143000", "sync-it-20261122-143100"]


def test_going_back_to_an_older_definition_makes_a_new_machine(installation: Installation) -> None:
    create(installation)
    create(installation, OTHER_DEFINITION, now=lambda: NOW + timedelta(minutes=1))

    assert create(installation, now=lambda: NOW + timedelta(minutes=2)).name == "sync-it-20261122-143200"


def test_two_deployments_within_one_second_get_two_names(installation: Installation) -> None:
    create(installation)

    assert create(installation, OTHER_DEFINITION).name == "sync-it-20261122-143001"
    assert create(installation, role_arn=f"{ROLE}-2").name == "sync-it-20261122-143002"


@pytest.mark.parametrize("code", ["StateMachineAlreadyExists", "StateMachineDeleting"])
def test_a_name_that_is_taken_is_left_alone_and_the_next_second_used(
    installation: Installation, code: str
) -> None:
    refuse(installation, (code, ""), (code, ""))

    assert create(installation).name == "sync-it-20261122-143002"


def test_a_clock_that_goes_wrong_does_not_make_an_old_machine_of_the_new_one(
    installation: Installation,
) -> None:
    create(installation)

    made = create(installation, OTHER_DEFINITION, now=lambda: NOW - timedelta(hours=1))

    assert made.name == "sync-it-20261122-143001"
    newest = listing.newest(installation, "sync-it")
    assert newest is not None and newest.arn == made.arn


def test_a_machine_that_is_being_deleted_does_not_count_as_unchanged(installation: Installation) -> None:
    create(installation)

    def deleting(parsed: dict[str, Any], **_: Any) -> None:
        parsed["status"] = "DELETING"

    installation.client("stepfunctions").meta.events.register(
        "after-call.stepfunctions.DescribeStateMachine", deleting
    )

    assert create(installation).name == "sync-it-20261122-143001"


def test_a_new_role_is_waited_for_as_long_as_it_cannot_be_assumed(installation: Installation) -> None:
    refuse(installation, *[("AccessDeniedException", NO_ROLE)] * 3)
    naps: list[float] = []
    console = RecordingConsole()

    made = create(installation, sleep=naps.append, console=console)

    assert made.name == "sync-it-20261122-143000"
    assert naps == [5, 5, 5]
    assert console.steps == ["Waiting until the new role of the state machine can be used."]


def test_a_role_that_cannot_be_assumed_after_ninety_seconds_is_an_error(installation: Installation) -> None:
    refuse(installation, *[("AccessDeniedException", NO_ROLE)] * 100)
    naps: list[float] = []

    with pytest.raises(StateMachineError) as caught:
        create(installation, sleep=naps.append)

    assert sum(naps) == 90
    assert str(caught.value) == (
        f"state_machines/sync_it.yaml: Step Functions cannot assume the role {ROLE} even after 90 seconds: {NO_ROLE} "
        "Run `fab` again; if that does not help, check the role's trust policy."
    )


def test_a_person_without_the_permission_is_told_at_once(installation: Installation) -> None:
    message = (
        "User: arn:aws:iam::1:user/x is not authorized to perform: iam:PassRole on resource: role/machine"
    )
    refuse(installation, ("AccessDeniedException", message))

    with pytest.raises(ClientError, match="iam:PassRole"):
        create(installation)


def test_a_definition_that_aws_refuses_is_told_with_its_file(installation: Installation) -> None:
    refuse(installation, ("InvalidDefinition", "SCHEMA_VALIDATION_FAILED: no such field at /States/End"))

    with pytest.raises(StateMachineError) as caught:
        create(installation)

    assert str(caught.value) == (
        "state_machines/sync_it.yaml: AWS refuses the definition: "
        "SCHEMA_VALIDATION_FAILED: no such field at /States/End"
    )


def test_ours_have_both_our_tag_and_the_pattern_of_our_names(installation: Installation) -> None:
    ours = create(installation)
    older = machine_by_hand(installation, "sync-it-20250101-000000", syncbuckets__stack="sync-buckets")
    machine_by_hand(installation, "sync-it", syncbuckets__stack="sync-buckets")
    machine_by_hand(installation, "sync-it-20269999-999999", syncbuckets__stack="sync-buckets")
    machine_by_hand(installation, "sync-it-20261122-150000", syncbuckets__stack="another")
    machine_by_hand(installation, "sync-it-20261122-160000")
    removed = machine_by_hand(installation, "removed-file-20261122-143001", syncbuckets__stack="sync-buckets")

    found = listing.list_all(installation).ours

    assert [machine.arn for machine in found] == [removed, ours.arn, older]


def refuse_tags(installation: Installation, code: str, *arns: str) -> None:
    """Let AWS refuse to tell the tags of these machines."""
    for arn in arns:
        deployments_on_moto.refuse(
            installation.client("stepfunctions"), "ListTagsForResource", code, {"resourceArn": arn}
        )


def test_a_machine_whose_tags_may_not_be_read_is_not_known_to_be_ours(installation: Installation) -> None:
    foreign = machine_by_hand(installation, "payroll-20261122-150000", syncbuckets__stack="sync-buckets")
    ours = create(installation)
    refuse_tags(installation, "AccessDeniedException", foreign)

    found = listing.list_all(installation)

    assert [machine.arn for machine in found.ours] == [ours.arn]
    assert found.unknown == ("payroll-20261122-150000",)


def test_another_refusal_to_tell_tags_is_not_taken_for_a_foreign_machine(installation: Installation) -> None:
    refuse_tags(installation, "ThrottlingException", create(installation).arn)

    with pytest.raises(ClientError, match="ThrottlingException"):
        listing.list_all(installation)


def test_the_newest_of_our_own_name_must_tell_its_tags(installation: Installation) -> None:
    refuse_tags(installation, "AccessDeniedException", create(installation).arn)

    with pytest.raises(ClientError, match="AccessDeniedException"):
        listing.newest(installation, "sync-it")


def test_finding_the_newest_asks_for_the_tags_of_no_older_one(installation: Installation) -> None:
    for minutes in range(3):
        create(installation, DEFINITION | {"Comment": str(minutes)}, now=lambda: NOW)
    asked: list[str] = []
    installation.client("stepfunctions").meta.events.register(
        "provide-client-params.stepfunctions.ListTagsForResource",
        lambda params, **_: asked.append(params["resourceArn"]),
    )

    newest = listing.newest(installation, "sync-it")

    assert newest is not None
    assert (newest.name, asked) == ("sync-it-20261122-143002", [newest.arn])


def test_there_is_no_newest_where_nothing_was_deployed(installation: Installation) -> None:
    assert listing.newest(installation, "sync-it") is None


def test_deleting_stops_running_executions_and_leaves_other_machines_alone(
    installation: Installation,
) -> None:
    made = create(installation)
    machine_by_hand(installation, "by-hand")
    client = installation.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=made.arn, name="run")["executionArn"]
    assert listing.running(installation, [made]) == (execution,)

    state_machines.delete_all(installation, listing.list_all(installation).ours)

    assert names(installation) == ["by-hand"]


def test_all_machines_are_rendered_with_outputs_and_settings(installation: Installation) -> None:
    definition = {
        "StartAt": "Copy",
        "Comment": "${WorkBucket} ${Partition}",
        "States": {
            "Copy": {
                "Type": "Task",
                "Resource": "copy_keys",
                "Parameters": {"concurrency": "${MaxConcurrency}", "maxDelete": "${MaxDelete}"},
                "End": True,
            }
        },
    }
    spec = MachineSpec("sync-it", SPEC.path, definition)
    version = "arn:aws:lambda:eu-west-1:123456789012:function:sync-buckets-copy-keys:3"
    outputs = {"CopyKeysVersion": version, "WorkBucket": "work", "StateMachineRoleArn": ROLE}
    functions = [FunctionSpec("copy_keys", Path("lambda_functions/copy_keys.py"), {})]
    settings = Settings(max_concurrency=7, max_delete="10%")

    (made,) = state_machines.create_all(
        replace(installation, settings=settings), [spec], functions, outputs, RecordingConsole()
    )

    described = installation.client("stepfunctions").describe_state_machine(stateMachineArn=made.arn)
    rendered = json.loads(described["definition"])
    assert rendered["Comment"] == "work aws"
    assert rendered["States"]["Copy"]["Resource"] == version
    assert rendered["States"]["Copy"]["Parameters"] == {"concurrency": 7, "maxDelete": "10%"}
    assert described["roleArn"] == ROLE


def test_a_rehearsal_finds_what_rendering_would_find_without_any_account() -> None:
    unknown = {"States": {"Copy": {"Type": "Task", "Resource": "copy_kyes", "Bucket": "${WorkBuckt}"}}}
    functions = [FunctionSpec("copy_keys", Path("lambda_functions/copy_keys.py"), {})]
    specs = [MachineSpec("a", Path("m/a.yaml"), unknown), MachineSpec("b", Path("m/b.yaml"), unknown)]

    with pytest.raises(StateMachineError) as caught:
        definitions.check_rendering(specs, functions)

    names = sorted(definitions.placeholder_values(Settings(), "", ""))
    known = f"Known: {', '.join(f'${{{name}}}' for name in names)}."
    expected: Callable[[str], str] = lambda file: (  # noqa: E731
        f"m/{file}.yaml: the state Copy calls the Lambda copy_kyes, which is not in lambda_functions/. "
        "Did you mean copy_keys? Known: copy_keys.\n"
        f"m/{file}.yaml: the state Copy uses ${{WorkBuckt}}, which has no value. "
        f"Did you mean ${{WorkBucket}}? {known}"
    )
    assert str(caught.value) == f"{expected('a')}\n{expected('b')}"
