"""What schedules add to whoever runs `fab`, and what Scheduler may do: needed, sufficient, and only where there are any."""

from __future__ import annotations

import dataclasses
import json
import re

import cfnlint.api
import pytest
from cfnlint.config import ManualArgs
from iam_deployer import (
    SERVICES,
    actions_of_calls,
    calls_in_sources,
    handled_by_cloudformation,
    needed_by_cloudformation,
)
from iam_documents import page, policy
from iam_evaluation import Request, is_allowed
from iam_grants import NARROW, actions, listed, statements, translated
from iam_tasks import SCHEDULED, TASKS

from deployment.syncs.entries import read

WITH_SCHEDULES = dataclasses.replace(
    NARROW,
    syncs=read(
        {
            "photos": {
                "source": "source-bucket",
                "destination": "destination-bucket",
                "schedule": "rate(6 hours)",
            }
        }
    ),
)
ACCOUNT = "111122223333"
FAB, SCHEDULES = policy("fab")["Statement"], policy("schedules")["Statement"]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sync-buckets-SyncSchedulesRole-1"
TO_SCHEDULER = {"iam:PassedToService": "scheduler.amazonaws.com"}
HERE = f"eu-west-1:{ACCOUNT}"
OURS = {
    "schedule": f"arn:aws:scheduler:{HERE}:schedule/sync-buckets/photos",
    "group": f"arn:aws:scheduler:{HERE}:schedule-group/sync-buckets",
    "queue": f"arn:aws:sqs:{HERE}:sync-buckets-SyncSchedulesDeadLetters-1",
}


def test_both_documents_together_are_what_is_needed_with_schedules_and_nothing_more() -> None:
    calls = [call for tasks in (TASKS, SCHEDULED) for calls in tasks.values() for call in calls]
    needed = actions_of_calls(calls) | needed_by_cloudformation(WITH_SCHEDULES)
    allowed = actions(FAB) | actions(SCHEDULES)
    assert {"missing": sorted(needed - allowed), "beyond": sorted(allowed - needed)} == {
        "missing": [],
        "beyond": [],
    }


def test_nothing_of_it_is_needed_without_schedules() -> None:
    services = {action.partition(":")[0] for action in needed_by_cloudformation(NARROW)}
    of_tasks = {call.partition(":")[0] for calls in TASKS.values() for call in calls}
    assert (services | of_tasks) & {"scheduler", "sqs"} == set()
    assert actions(FAB) & actions(SCHEDULES) == {"iam:PassRole"}  # of another role, to another service


def test_every_action_of_the_schedules_is_one_that_a_task_or_cloudformation_takes() -> None:
    more = handled_by_cloudformation(WITH_SCHEDULES) - handled_by_cloudformation(NARROW)
    calls = {call for calls in SCHEDULED.values() for call in calls}
    assert {one for one in calls_in_sources() if one.partition(":")[0] in ("scheduler", "sqs")} <= calls
    assert {"scheduler", "sqs"} <= SERVICES.keys()
    assert actions(SCHEDULES) == more | actions_of_calls(
        call for call in calls if call.partition(":")[0] in ("scheduler", "sqs")
    )


@pytest.mark.parametrize("action", sorted(actions(SCHEDULES) - {"scheduler:ListSchedules", "iam:PassRole"}))
def test_each_is_allowed_on_what_is_ours_and_on_nothing_else(action: str) -> None:
    kinds = {"queue"} if action.startswith("sqs:") else {"group", "schedule"}
    ours = [OURS[kind] for kind in kinds]
    assert all(is_allowed(Request(action, arn), SCHEDULES) for arn in ours)
    for arn in ours:
        other = re.sub(r"sync-buckets(?=/|-Sync|$)", "another", arn)
        assert other != arn and not is_allowed(Request(action, other), SCHEDULES)
    assert not any(is_allowed(Request(action, arn), FAB) for arn in ours)


def test_the_role_of_the_schedules_is_given_to_scheduler_and_to_nobody_else() -> None:
    def gives(role: str, service: str) -> bool:
        return is_allowed(Request("iam:PassRole", role, {"iam:PassedToService": service}), SCHEDULES)

    assert gives(ROLE, "scheduler.amazonaws.com")
    assert not gives(ROLE, "ec2.amazonaws.com")
    assert not gives(
        f"arn:aws:iam::{ACCOUNT}:role/sync-buckets-StateMachineRole-1", "scheduler.amazonaws.com"
    )
    assert not is_allowed(Request("iam:PassRole", ROLE, TO_SCHEDULER), FAB)


def test_only_lists_reach_everything() -> None:
    unnamed = [one for one in SCHEDULES if "*" in listed(one["Resource"])]
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
    assert actions(unnamed) == {"scheduler:ListSchedules"}


def test_the_role_of_the_schedules_may_what_the_page_says() -> None:
    role = translated(WITH_SCHEDULES)["SyncSchedulesRole"]
    said = set(re.findall(r"^\| `(\w+:\w+)` \| [^|]+ \| [^|]+ \|$", section("The schedules"), re.MULTILINE))
    documents = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert said == {action for statement in documents for action in statement["Action"]}
    (starting, _) = documents
    only = {"Properties": {"Policies": [{"PolicyDocument": {"Statement": [starting]}}]}}
    (resolved,) = statements(only)
    assert resolved["Resource"] == [
        "arn:aws:states:eu-west-1:123456789012:stateMachine:sync-buckets-state-machine-????????-??????"
    ]
    assert role["Properties"]["PermissionsBoundary"] == NARROW.permissions_boundary_arn


@pytest.mark.parametrize("task", SCHEDULED)
def test_the_page_says_what_each_task_needs_for_schedules(task: str) -> None:
    written = ", ".join(f"`{action}`" for action in sorted(actions_of_calls(SCHEDULED[task])))
    assert f"| `fab {task}` | {written} |" in section("With schedules"), f"| `fab {task}` | {written} |"


def test_the_document_is_what_iam_understands() -> None:
    resource = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy("schedules")}}
    text = json.dumps({"Resources": {"Schedules": resource}})
    found = cfnlint.api.lint(text, config=ManualArgs(regions=["eu-west-1"]))
    rules = ("E", "W3037", "W3045")
    assert [f"{match.message} {match.path}" for match in found if match.rule.id.startswith(rules)] == []


def section(heading: str) -> str:
    """What stands under a heading, up to the next."""
    found = re.search(rf"^#+ {heading}$(.*?)(?=^#+ |\Z)", page("permissions.md"), re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]
