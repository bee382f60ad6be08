"""What `fab` does and says, on the embedded emulator: first deployment, nothing to do, changes, mistakes, deletion."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from deployed_project import Project

MACHINE = re.compile(r"sync-buckets-state-machine-\d{8}-\d{6}")


def own_machines(project: Project) -> list[str]:
    """Return the names of the machines of this project's stack, oldest first."""
    return [arn.rpartition(":")[2] for arn in project.own_machines()]


def definition_of(project: Project, name: str) -> dict[str, Any]:
    client = project.client("stepfunctions")
    (arn,) = [
        m["stateMachineArn"] for m in client.list_state_machines()["stateMachines"] if m["name"] == name
    ]
    definition: dict[str, Any] = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
    return definition


def test_bare_fab_names_the_machine_its_console_link_and_the_input(editable: Project) -> None:
    done = editable.fab()
    assert done.returncode == 0, done.stderr
    (name,) = own_machines(editable)
    assert MACHINE.fullmatch(name)
    assert name in done.stdout
    assert (
        "console.aws.amazon.com/states/home?region=eu-west-1#/statemachines/view/arn:aws:states:"
        in done.stdout
    )
    assert '{"source": "my-source-bucket", "destination": "my-destination-bucket"}' in done.stdout


def test_a_second_fab_does_nothing_says_so_and_leaves_nothing_behind(editable: Project) -> None:
    assert editable.fab().returncode == 0
    machines, s3 = own_machines(editable), editable.client("s3")
    buckets = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    again = editable.fab()
    assert again.returncode == 0
    assert "Nothing to do: everything is up to date." in again.stdout
    assert own_machines(editable) == machines
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == buckets
    cloudformation = editable.client("cloudformation")
    for stack in cloudformation.describe_stacks()["Stacks"]:
        left = cloudformation.list_change_sets(StackName=stack["StackName"])["Summaries"]
        assert [
            one for one in left if one["ExecutionStatus"] == "AVAILABLE" or one["Status"] == "FAILED"
        ] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# Timeout: 600           # seconds", "# Timeout: 599           # seconds"),
        ('"""Leave the index', '"""Leave here the index'),
    ],
    ids=["only its Timeout", "its source"],
)
def test_a_changed_lambda_gets_a_version_and_a_machine_and_the_old_machine_keeps_the_old_one(
    editable: Project, before: str, after: str
) -> None:
    assert editable.fab().returncode == 0
    source = editable.folder / "lambda_functions" / "list_ranges.py"
    assert before in source.read_text()
    source.write_text(source.read_text().replace(before, after))
    assert editable.fab().returncode == 0
    old, new = own_machines(editable)
    functions = editable.client("lambda")
    old_arn, new_arn = (
        definition_of(editable, name)["States"]["ListRanges"]["Resource"] for name in (old, new)
    )
    assert old_arn != new_arn
    configurations = [functions.get_function_configuration(FunctionName=arn) for arn in (old_arn, new_arn)]
    if "Timeout" in before:
        assert [one["Timeout"] for one in configurations] == [600, 599]
    else:
        assert configurations[0]["CodeSha256"] != configurations[1]["CodeSha256"]


def test_zips_that_somebody_has_removed_are_sent_again_with_the_next_change(editable: Project) -> None:
    assert editable.fab().returncode == 0
    s3 = editable.client("s3")
    names = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    (bucket,) = [name for name in names if name.startswith(f"{editable.stack_name()}-deployment-")]
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    for key in keys:
        s3.delete_object(Bucket=bucket, Key=key)
    assert "Nothing to do" in editable.fab().stdout
    source = editable.folder / "lambda_functions" / "list_ranges.py"
    source.write_text(source.read_text().replace('"""Leave the index', '"""Leave here the index'))
    changed = editable.fab()
    assert "Uploaded: 7 zips" in changed.stdout
    sent = {one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert len(sent) == 7
    assert len(sent & set(keys)) == 6


def codes(project: Project) -> dict[str, str]:
    """Return what `fab versions` says of each machine's code, the current one first, and of this folder's."""
    done = project.fab("versions", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (folder,) = found["folder"]["codes"].values()
    return {**{machine["name"]: machine["code"] for machine in found["machines"]}, "folder": folder}


def test_a_changed_deployment_is_rolled_back_deployed_again_and_the_older_ones_are_pruned(
    editable: Project,
) -> None:
    assert editable.fab().returncode == 0
    (first,) = own_machines(editable)
    assert codes(editable) == {first: codes(editable)["folder"], "folder": codes(editable)[first]}

    broken(editable, "lambda_functions/list_ranges.py", '{"wave": FIRST_WAVE, ', '{"wave": +FIRST_WAVE, ')
    assert len(set(codes(editable).values())) == 2, "it shows before it is deployed"
    assert editable.fab().returncode == 0
    second = own_machines(editable)[-1]
    rolled_back = editable.fab("rollback")
    assert rolled_back.returncode == 0, rolled_back.stderr
    third = own_machines(editable)[-1]
    found = codes(editable)
    assert list(found) == [third, second, first, "folder"]
    assert found[third] == found[first] != found[second] == found["folder"]
    assert definition_of(editable, third) == definition_of(editable, first)

    assert editable.fab().returncode == 0
    fourth = own_machines(editable)[-1]
    assert codes(editable)[fourth] == found["folder"]
    planned = editable.fab("prune", "--keep", "2", "--dry-run")
    assert own_machines(editable) == [first, second, third, fourth]
    pruned = editable.fab("prune", "--keep", "2", "--yes")
    assert (planned.returncode, pruned.returncode) == (0, 0), pruned.stderr
    assert own_machines(editable) == [third, fourth]
    assert planned.stdout.splitlines()[:-1] == pruned.stdout.splitlines()[:-1]
    assert pruned.stdout.splitlines()[-1] == "Deleted: 2 state machines, 0 function versions."

    last = editable.fab("prune", "--keep", "1", "--yes")
    assert last.stdout.splitlines()[-1] == "Deleted: 1 state machine, 1 function version."
    called = definition_of(editable, fourth)["States"]["ListRanges"]["Resource"]
    client, function = editable.client("lambda"), called.rpartition(":")[0]
    versions = client.list_versions_by_function(FunctionName=function)["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST", called.rpartition(":")[2]]
    refused = editable.fab("rollback")
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert "There is nothing to go back to" in refused.stderr


def test_delete_asks_first_and_with_yes_removes_machines_work_bucket_and_stack(editable: Project) -> None:
    assert editable.fab().returncode == 0
    refused = editable.fab("delete")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert len(own_machines(editable)) == 1
    done = editable.fab("delete", "--yes")
    assert done.returncode == 0, done.stderr
    assert own_machines(editable) == []
    assert "deployment" in done.stdout, "it says that the deployment bucket is kept"


def broken(project: Project, file: str, before: str, after: str) -> None:
    path = project.folder / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after, 1))


MISTAKES = [
    pytest.param(
        ("lambda_functions/copy_keys.py", "# MemorySize: 1769", "# MemorySise: 1769"),
        ["lambda_functions/copy_keys.py:3", "MemorySise", "MemorySize"],
        id="a mistyped key in the front matter",
    ),
    pytest.param(
        ("state_machines/sync_buckets_state_machine.yaml", "StartAt: Begin\n", "StartAt: [Begin\n"),
        ["state_machines/sync_buckets_state_machine.yaml:"],
        id="YAML that cannot be read",
    ),
    pytest.param(
        ("state_machines/sync_buckets_state_machine.yaml", "Resource: list_ranges", "Resource: list_range"),
        ["ListRanges", "list_range", "list_ranges"],
        id="a Lambda that is not there",
    ),
    pytest.param(
        ("fabfile_config.py", "RUN_RETENTION_DAYS = 30", "RUN_RETENTION_DAYS = 3\nSTACKNAME = 1"),
        ["RUN_RETENTION_DAYS", "15", "STACKNAME", "STACK_NAME"],
        id="two mistakes in the configuration, named together",
    ),
]


@pytest.mark.parametrize(("mistake", "said"), MISTAKES)
def test_a_mistake_is_one_clear_message_and_changes_nothing(
    editable: Project, mistake: tuple[str, str, str], said: list[str]
) -> None:
    broken(editable, *mistake)
    done = editable.fab()
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for words in said:
        assert words in done.stderr
    assert own_machines(editable) == []


def test_a_missing_configuration_says_how_to_make_it(editable: Project) -> None:
    (editable.folder / "fabfile_config.py").unlink()
    done = editable.fab()
    assert done.returncode == 2
    assert "cp fabfile_config_template.py fabfile_config.py" in done.stderr
    assert "Traceback" not in done.stderr
    assert editable.fab("--list").returncode == 0, "the tasks can be listed in a fresh clone"


def test_missing_credentials_are_one_sentence(editable: Project) -> None:
    done = editable.fab(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "credentials" in done.stderr.lower()
    assert len([line for line in done.stderr.splitlines() if line.strip()]) <= 2


def test_a_profile_of_the_configuration_is_not_found_beside_the_emulator(
    editable: Project, tmp_path: Path
) -> None:
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[production]\naws_access_key_id = a\naws_secret_access_key = b\n")
    with (editable.folder / "fabfile_config.py").open("a") as config:
        config.write('AWS_PROFILE = "production"\n')
    done = editable.fab(HOME=str(tmp_path))
    assert done.returncode == 1
    assert "The AWS profile production is not configured." in done.stderr


def test_a_terminal_with_the_lines_of_an_earlier_start_is_told_so(editable: Project) -> None:
    done = editable.fab("status", AWS_SESSION_TOKEN="of-an-earlier-start")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: AWS refused GetCallerIdentity with AccessDenied: The emulator did not answer: the request does not "
        "have the session token of this start. It answers to clients that have the variables of this very start, as "
        "`fab local` prints them.\n"
    )


def test_the_project_can_be_deployed_from_any_folder_below_it(editable: Project) -> None:
    below = Path(editable.folder) / "lambda_functions"
    done = Project(below, editable.environment).fab()
    assert done.returncode == 0, done.stderr
