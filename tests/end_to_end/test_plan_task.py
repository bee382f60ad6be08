"""`fab plan` and the cheap no-op, by the real command line on the embedded emulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from deployed_project import Project

RECORDER = """
import botocore.client as _client
_call = _client.BaseClient._make_api_call
def _recorded(self, operation, parameters):
    with open("calls.txt", "a") as _file:
        _file.write(operation + "\\n")
    return _call(self, operation, parameters)
_client.BaseClient._make_api_call = _recorded
"""

READING = {
    *("GetCallerIdentity", "ListObjectsV2", "DescribeStacks", "GetTemplate", "GetAccountSettings"),
    *("ListStateMachines", "ListTagsForResource", "DescribeStateMachine"),
}


@pytest.fixture
def recorded(editable: Project) -> Project:
    """A project that writes the name of every call to AWS into `calls.txt`."""
    config = editable.folder / "fabfile_config.py"
    config.write_text(config.read_text() + RECORDER)
    return editable


def calls(project: Project) -> list[str]:
    """Return the calls since the last question."""
    path = project.folder / "calls.txt"
    names = path.read_text().split()
    path.unlink()
    return names


def world(project: Project) -> Any:
    """Return all that a plan could have left behind."""
    s3, cloudformation = project.client("s3"), project.client("cloudformation")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    keys = {name: s3.list_objects_v2(Bucket=name).get("KeyCount") for name in buckets}
    stacks = cloudformation.describe_stacks()["Stacks"]
    seen = [(stack["StackId"], stack["StackStatus"], stack.get("LastUpdatedTime")) for stack in stacks]
    sets = {
        stack["StackName"]: [
            one["ChangeSetName"]
            for one in cloudformation.list_change_sets(StackName=stack["StackName"])["Summaries"]
        ]
        for stack in stacks
    }
    return keys, seen, sets, project.machines()


def edit(path: Path, before: str, after: str) -> None:
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after, 1))


def planned(project: Project, *flags: str) -> tuple[int, dict[str, Any]]:
    done = project.fab("plan", "--json", *flags)
    assert "Traceback" not in done.stderr, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


def test_with_nothing_to_do_fab_makes_seven_calls_and_none_of_them_changes_anything(
    recorded: Project,
) -> None:
    assert recorded.fab().returncode == 0
    calls(recorded)
    again = recorded.fab()
    assert "Nothing to do: everything is up to date." in again.stdout
    assert calls(recorded) == [
        "GetCallerIdentity",
        "DescribeStacks",
        "GetTemplate",
        "GetAccountSettings",
        "ListStateMachines",
        "ListTagsForResource",
        "DescribeStateMachine",
    ]


def test_before_the_first_deployment_everything_is_new_and_nothing_is_made(recorded: Project) -> None:
    before = world(recorded)
    status, document = planned(recorded, "--fail-on-changes")
    assert status == 1
    assert world(recorded) == before
    assert set(calls(recorded)) <= READING
    assert document["stackStatus"] is None
    assert document["deploymentBucket"]["action"] == "create"
    assert len(document["uploads"]) == 7
    assert {one["action"] for one in document["resources"]} == {"add"}
    assert [(one["name"], one["action"]) for one in document["stateMachines"]] == [
        ("sync-buckets-state-machine", "create")
    ]
    assert recorded.fab().returncode == 0
    made = recorded.client("cloudformation").describe_stack_resources(StackName=document["stack"])
    assert {(one["logicalId"], one["type"]) for one in document["resources"]} == {
        (one["LogicalResourceId"], one["ResourceType"]) for one in made["StackResources"]
    }


def test_a_change_is_told_before_it_happens_and_the_plan_leaves_nothing_behind(recorded: Project) -> None:
    assert recorded.fab().returncode == 0
    source = recorded.folder / "lambda_functions" / "copy_keys.py"
    edit(source, "# Timeout: 900", "# Timeout: 899")
    before = world(recorded)
    calls(recorded)
    status, document = planned(recorded)
    assert (status, world(recorded)) == (0, before)
    assert set(calls(recorded)) - READING == {"CreateChangeSet", "DescribeChangeSet", "DeleteChangeSet"}
    function = next(one for one in document["resources"] if one["logicalId"] == "CopyKeys")
    timeout = next(one for one in function["properties"] if one["path"] == "Timeout")
    assert timeout == {"path": "Timeout", "before": 900, "after": 899}
    assert [key.startswith("copy_keys-") for key in document["uploads"]] == [True]
    (machine,) = document["stateMachines"]
    assert machine["versions"] == [{"function": "copy_keys", "before": "1", "after": "(new)"}]
    text = recorded.fab("plan").stdout
    assert "copy_keys change Timeout 900 -> 899; code; new version" in " ".join(text.split())
    assert recorded.fab().returncode == 0
    assert planned(recorded, "--fail-on-changes")[0] == 0


def test_termination_protection_is_planned_set_without_any_other_change_and_hinders_fab_delete(
    editable: Project,
) -> None:
    assert editable.fab().returncode == 0
    edit(
        editable.folder / "fabfile_config.py",
        "TERMINATION_PROTECTION = False",
        "TERMINATION_PROTECTION = True",
    )
    _, document = planned(editable)
    assert document["settings"] == [{"path": "TerminationProtection", "before": False, "after": True}]
    assert document["resources"] == []
    done = editable.fab()
    assert "Stack: unchanged, but for its termination protection" in done.stdout
    refused = editable.fab("delete", "--yes")
    assert refused.returncode == 1
    assert "is protected from deletion. Nothing was deleted." in refused.stderr
    machines = editable.client("stepfunctions").list_state_machines()["stateMachines"]
    assert machines, "the refusal came before anything was deleted"
    edit(
        editable.folder / "fabfile_config.py",
        "TERMINATION_PROTECTION = True",
        "TERMINATION_PROTECTION = False",
    )
    assert editable.fab().returncode == 0
    assert editable.fab("delete", "--yes").returncode == 0


@pytest.mark.parametrize(
    "task", [[], ["plan"], ["delete", "--yes"], ["sync", "--source", "abc", "--destination", "abd"]]
)
def test_the_wrong_account_is_refused_by_every_task_after_one_call(
    recorded: Project, task: list[str]
) -> None:
    config = recorded.folder / "fabfile_config.py"
    edit(config, "ALLOWED_ACCOUNTS = []", 'ALLOWED_ACCOUNTS = ["111122223333"]')
    done = recorded.fab(*task)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "Error: These credentials belong to account 000000000000, and ALLOWED_ACCOUNTS in fabfile_config.py allows only "
        "111122223333. Nothing was touched."
    )
    assert calls(recorded) == ["GetCallerIdentity"]
