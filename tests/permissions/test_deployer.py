"""The policy of `fab` in docs/permissions.md allows what its tasks and CloudFormation need, and nothing else."""

from __future__ import annotations

import dataclasses
import re

import pytest
from iam_deployer import (
    ACTIONS,
    UNUSED,
    UNUSED_OF_NOTICES,
    actions_of_calls,
    buckets_without_owner,
    calls_in_sources,
    handled_by_cloudformation,
    is_read,
    matches,
    needed_by_cloudformation,
)
from iam_documents import page, policy
from iam_grants import NARROW, actions
from iam_tasks import SCHEDULED, TASKS

from deployment.syncs.entries import Sync

NOTICES = dataclasses.replace(
    NARROW,
    notify=("ops@example.com",),
    notify_on="always",
    dashboard=True,
    syncs=(Sync("photos", {"source": "a", "destination": "b"}, "rate(1 day)"),),
)


def test_every_call_in_the_sources_belongs_to_a_task():
    of_tasks = {call for tasks in (TASKS, SCHEDULED) for calls in tasks.values() for call in calls}
    assert calls_in_sources() - of_tasks == set()


def test_the_policy_of_fab_is_what_its_tasks_and_cloudformation_need_and_nothing_more():
    tasks = actions_of_calls(call for calls in TASKS.values() for call in calls)
    needed, allowed = tasks | needed_by_cloudformation(), actions(policy("fab")["Statement"])
    assert {"missing": sorted(needed - allowed), "beyond": sorted(allowed - needed)} == {
        "missing": [],
        "beyond": [],
    }


def test_the_policy_of_notices_is_what_cloudformation_needs_for_them_beyond_that_of_fab():
    others = actions(
        [*policy("fab")["Statement"], *policy("schedules")["Statement"]]
    )  # a scheduled sync brings those
    needed = needed_by_cloudformation(NOTICES) - others
    assert actions(policy("notices")["Statement"]) == needed
    reasons = [pattern for patterns in UNUSED_OF_NOTICES.values() for pattern in patterns]
    handled = handled_by_cloudformation(NOTICES)
    assert [pattern for pattern in reasons if not any(matches(one, [pattern]) for one in handled)] == []


def test_rights_about_notices_reach_everything_only_where_sns_knows_no_resource():
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html"""
    unnamed = [one for one in policy("notices")["Statement"] if one["Resource"] == "*"]
    assert actions(unnamed) == {
        "sns:GetSubscriptionAttributes",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
    }


def test_every_reason_is_about_something_that_cloudformation_might_do():
    handled = {action for action in handled_by_cloudformation() if not is_read(action)}
    patterns = [pattern for patterns in UNUSED.values() for pattern in patterns]
    assert [pattern for pattern in patterns if not any(matches(one, [pattern]) for one in handled)] == []


def test_every_row_of_the_table_is_about_a_call_of_some_task_and_names_its_page():
    called = {call for tasks in (TASKS, SCHEDULED) for calls in tasks.values() for call in calls}
    assert ACTIONS.keys() - called == set()
    assert all(page.startswith("https://docs.aws.amazon.com/") for _, page in ACTIONS.values())


def test_no_permission_of_fab_reaches_everything_where_it_can_be_said_what():
    unnamed = [one for one in policy("fab")["Statement"] if one["Resource"] == "*"]
    # Lists of the whole account and settings of the account have no resource to name
    # (https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html).
    assert actions(unnamed) == {
        "lambda:GetAccountSettings",
        "logs:DescribeIndexPolicies",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "states:ListStateMachines",
    }
    assert [action for action in actions(policy("fab")["Statement"]) if "*" in action] == []


def test_roles_are_given_to_lambda_and_step_functions_only():
    (giving,) = [one for one in policy("fab")["Statement"] if one["Action"] == "iam:PassRole"]
    assert giving["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "states.amazonaws.com"]}
    }


def test_every_call_about_a_bucket_says_whose_it_must_be():
    assert buckets_without_owner() == []


@pytest.mark.parametrize("task", TASKS)
def test_the_documentation_says_what_each_task_needs(task):
    row = re.search(rf"^\| `fab {task}` \| (.*?) \|$", page("permissions.md"), re.MULTILINE)
    assert row, f"| `fab {task}` | {written(task)} |"
    assert row[1] == written(task)


def written(task: str) -> str:
    return ", ".join(f"`{action}`" for action in sorted(actions_of_calls(TASKS[task])))
