"""The tasks as the `fab` program sees them, and what becomes of errors: one message and an exit status, no traceback."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ParamValidationError
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from places import PROJECT

import fabfile
from benchmarks.deployed import copy_sources
from deployment.errors import ConfigurationError, Declined
from deployment.project.settings import Settings
from deployment.syncs.entries import Sync
from deployment.tasks.runs import verify
from tests.installations import installed
from tests.recording_console import RecordingConsole

TASKS = Collection.from_module(fabfile)


@pytest.fixture
def fresh_clone(tmp_path: Path) -> Path:
    """A copy of what is in the repository, so without `fabfile_config.py`."""
    return copy_sources(tmp_path)


def fab(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fabric", *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )


def exit_of(error: BaseException) -> Exit:
    """Return what `friendly` makes of an error."""

    @fabfile.friendly
    def failing() -> None:
        raise error

    with pytest.raises(Exit) as caught:
        failing()
    return caught.value


def test_what_only_other_tasks_need_is_not_imported_to_find_that_nothing_is_to_do() -> None:
    wings = ("checks", "plan", "emulator", "tasks/stack", "tasks/runs", "tasks/syncs", "schedules")
    files = [path for wing in wings for path in (PROJECT / "deployment" / wing).glob("*.py")]
    others = {".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in files}
    slow = {"boto3", "cfnlint", "moto", "rich", "samtranslator", "statelint"}
    parsers = {"deployment.syncs.expressions", "deployment.syncs.times"}
    unwanted = others - {"deployment.tasks.stack.deploy"} | slow | parsers
    code = f"import sys, fabfile; print(*sorted({unwanted!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert len(others) > 20
    assert done.stdout == "\n"


def test_deploying_is_what_fab_does_by_itself() -> None:
    assert TASKS.default == "deploy"


def test_every_task_has_a_line_for_the_list_and_a_help_text_for_every_flag() -> None:
    for name in TASKS.task_names:
        task = TASKS[name]
        assert task.__doc__ and len(task.__doc__) < 70, name
        for argument in task.get_arguments():
            assert argument.help, f"{name}: {argument.name}"
            assert [flag for flag in argument.names if len(flag) == 1] == [], f"{name}: {argument.names}"


def test_the_default_task_asks_only_if_it_is_told_to_by_its_name(fresh_clone: Path) -> None:
    assert [(argument.name, argument.default) for argument in TASKS["deploy"].get_arguments()] == [
        ("ask", False),
        ("yes", False),
    ]

    ended = fab(fresh_clone, "--ask")

    assert (ended.returncode, ended.stdout, ended.stderr) == (
        2,
        "",
        "Error: There is no flag --ask without a task. Write it behind a task: `fab deploy --ask` or `fab sync --ask`.\n"
        "Usage: fab [TASK] [FLAGS]. `fab help` lists the tasks.\n",
    )


def test_an_account_is_opened_in_one_place_only_which_also_shows_it() -> None:
    source = Path(fabfile.__file__).read_text(encoding="utf-8")
    assert len(re.findall(r"\bconnect\(", source)) == 1


def test_the_account_is_named_before_anything_is_done_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fabfile.Installation, "connect", installed)
    console = RecordingConsole()

    fabfile.enter(console, "Deleting", Settings())  # type: ignore[arg-type]

    assert console.steps == ["Deleting: account 123456789012, region eu-west-1, stack sync-buckets"]


PHOTOS = {"source": "from", "destination": "into", "name": "photos"}


@pytest.mark.parametrize(
    "task, called, given",
    [("sync", "sync.sync", PHOTOS), ("verify", "verify.verify", {**PHOTOS, **verify.FIXED})],
)
def test_a_word_that_names_a_sync_is_its_input(
    monkeypatch: pytest.MonkeyPatch, task: str, called: str, given: dict[str, object]
) -> None:
    settings, inputs = Settings(syncs=(Sync("photos", PHOTOS, "rate(1 day)"),)), []
    monkeypatch.setattr(fabfile.configuration, "load", lambda: settings)
    monkeypatch.setattr(fabfile.Installation, "connect", installed)
    monkeypatch.setattr(f"deployment.tasks.runs.{called}", lambda _, options, *__: inputs.append(options))
    TASKS[task](Context(), source="photos")
    assert inputs == [given]


def test_a_fresh_clone_lists_its_tasks(fresh_clone: Path) -> None:
    ended = fab(fresh_clone, "--list")

    assert (ended.returncode, ended.stderr) == (0, "")
    width = max(map(len, TASKS.task_names))
    tasks = "".join(f"  {name:<{width}}   {TASKS[name].__doc__}\n" for name in sorted(TASKS.task_names))
    assert ended.stdout == f"Available tasks:\n\n{tasks}\nDefault task: deploy\n\n"


def test_a_fresh_clone_is_told_what_to_copy_before_it_can_deploy(fresh_clone: Path) -> None:
    ended = fab(fresh_clone)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "Error: fabfile_config.py is missing. Run: cp fabfile_config_template.py fabfile_config.py\n"
    )


def test_a_fresh_clone_can_be_checked_from_any_of_its_folders(fresh_clone: Path) -> None:
    ended = fab(fresh_clone / "state_machines", "check")

    assert (ended.stderr, ended.returncode) == ("", 0)
    assert ended.stdout.startswith(
        "No problems found.\n"
        "Checked: 7 Lambda functions, 1 state machine, template, policies.\n"
        "Note: there is no fabfile_config.py, so the settings are those of fabfile_config_template.py.\n"
    )


def test_a_check_with_problems_prints_them_all_and_ends_with_2(fresh_clone: Path) -> None:
    overlay = PROJECT / "tests" / "broken_projects" / "no_python"
    shutil.copytree(overlay, fresh_clone, dirs_exist_ok=True)
    (fresh_clone / "fabfile_config.py").write_text("STACK_NAME = 7\n")

    ended = fab(fresh_clone, "check", "--json")

    assert (ended.stderr, ended.returncode) == ("Error: 3 problems found.\n", 2)
    found = json.loads(ended.stdout)
    assert found["problems"][1:] == [
        {
            "path": "lambda_functions/shared/answers.py",
            "line": 5,
            "message": "this is not Python: 'return' outside function",
        },
        {"path": "lambda_functions/work.py", "line": 7, "message": "this is not Python: expected ':'"},
    ]
    assert found["problems"][0]["path"] == "fabfile_config.py"
    assert found["checked"] == {"functions": 8, "stateMachines": 1}


def test_a_fresh_clone_without_credentials_prints_its_documents_and_nothing_else(fresh_clone: Path) -> None:
    for arguments in (["template", "--json"], ["definition"]):
        ended = fab(fresh_clone, *arguments)

        assert (ended.stderr, ended.returncode) == ("", 0)
        assert json.loads(ended.stdout)


def test_a_template_in_yaml_is_the_one_in_json(fresh_clone: Path) -> None:
    assert yaml.safe_load(fab(fresh_clone, "template").stdout) == json.loads(
        fab(fresh_clone, "template", "--json").stdout
    )


def test_a_mistake_in_a_state_machine_ends_a_deployment_before_aws_is_asked(fresh_clone: Path) -> None:
    shutil.copy(fresh_clone / "fabfile_config_template.py", fresh_clone / "fabfile_config.py")
    (fresh_clone / "state_machines" / "broken.yaml").write_text("StartAt: A\nStartAt: B\n")

    ended = fab(fresh_clone)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "Error: state_machines/broken.yaml:2: StartAt appears twice, first on line 1\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["prune", "--keep", "none"],
            "--keep is 'none': expected a number of state machines from 1, such as 3",
        ),
        (
            ["logs", "--since", "10"],
            "--since is '10': expected a number and a unit, such as 90s, 10m, 2h or 1d",
        ),
        (
            ["recover", "--skip", "WorkBucket,"],
            "--skip is 'WorkBucket,': expected names of resources with commas between them, such as "
            "WorkBucket,CopyKeysRole",
        ),
    ],
)
def test_what_is_wrong_with_a_flag_is_said_before_the_configuration_is_read(
    fresh_clone: Path, arguments: list[str], message: str
) -> None:
    ended = fab(fresh_clone, *arguments)

    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"Error: {message}\n")


def test_without_a_terminal_asking_ends_a_deployment_before_it_has_begun(fresh_clone: Path) -> None:
    ended = fab(fresh_clone, "deploy", "--ask")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "Error: Nothing was deployed: there is no terminal to ask on. "
        "To deploy without asking, leave out --ask: fab deploy\n"
    )


def test_the_help_of_sync_needs_no_buckets(fresh_clone: Path) -> None:
    ended = fab(fresh_clone, "sync", "--help")

    assert ended.returncode == 0
    assert "--[no-]wait" in ended.stdout
    assert "--destination-prefix=STRING" in ended.stdout


def test_a_mistake_of_the_user_becomes_its_message_and_its_exit_status() -> None:
    found = exit_of(ConfigurationError("STACK_NAME is 7: expected text"))

    assert (found.message, found.code) == ("Error: STACK_NAME is 7: expected text", 2)
    assert exit_of(Declined("no")).code == 1


@pytest.mark.parametrize(
    "error, message",
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "You may not."}}, "CreateChangeSet"),
            "Error: AWS refused CreateChangeSet with AccessDenied: You may not.",
        ),
        (
            NoCredentialsError(),
            "Error: There are no AWS credentials. Set AWS_PROFILE in fabfile_config.py or in the environment, or run "
            "`aws configure`.",
        ),
        (
            EndpointConnectionError(endpoint_url="https://x/"),
            'Error: Could not connect to the endpoint URL: "https://x/". Check the network, the region\'s name and '
            "AWS_ENDPOINT_URL.",
        ),
    ],
)
def test_what_aws_refuses_and_nobody_has_caught_becomes_one_sentence(error: Exception, message: str) -> None:
    found = exit_of(error)

    assert (found.message, found.code) == (message, 1)


def test_ctrl_c_ends_with_the_status_that_shells_expect() -> None:
    found = exit_of(KeyboardInterrupt())

    assert (found.message, found.code) == ("Interrupted.", 130)


@pytest.mark.parametrize("error", [ZeroDivisionError(), ParamValidationError(report="x")])
def test_a_mistake_of_ours_keeps_its_traceback(error: Exception) -> None:
    @fabfile.friendly
    def failing() -> None:
        raise error

    with pytest.raises(type(error)):
        failing()
