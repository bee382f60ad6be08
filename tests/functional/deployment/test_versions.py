"""`fab versions` and `fab status` on moto: what they show, as a table and as JSON."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from deployments_on_moto import BASE, HEADER, WORK_BUCKET, Deployments, refuse
from moto import mock_aws

from deployment.aws.installation import Clock
from deployment.build.bundle import make_all
from deployment.build.definitions import render
from deployment.console import Console
from deployment.errors import StackError
from deployment.project import states_language
from deployment.project.front_matter import read_all
from deployment.project.settings import Settings
from deployment.step_functions import state_machines
from deployment.syncs.entries import Sync
from deployment.tasks.stack import status, versions

COPY = "sync-buckets-copy-it"
OLD, NEW = "20261101-100000", "20261102-100000"
LAMBDA = '# ---\n# MemorySize: 512  # MB\n# Timeout: 30  # seconds\n# ---\n"""It."""\n\n\ndef handler(event, context): ...\n'
MACHINE = (
    "StartAt: Call\n"
    "States:\n"
    "  Call: {Type: Task, Resource: copy_it, Parameters: {bucket: '${WorkBucket}', most: '${MaxConcurrency}'}, End: true}\n"
)
CONCURRENT = Settings(stack_name="sync-buckets", max_concurrency=7)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one function and one state machine."""
    for name, text in (("lambda_functions/copy_it.py", LAMBDA), ("state_machines/sync_it.yaml", MACHINE)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def deployed(project: Path) -> Iterator[Deployments]:
    """The folder was deployed under OLD; under NEW the function was another."""
    with mock_aws():
        made = Deployments()
        made.stack.outputs = {"WorkBucket": WORK_BUCKET}
        deploy(made, project, OLD)
        edit(project, "It.", "Other.")
        deploy(made, project, NEW)
        yield made


def deploy(deployed: Deployments, project: Path, timestamp: str) -> str:
    """Do by hand what `fab` does: the zip becomes a version, the definition a machine."""
    (bundle,) = make_all(read_all(project / "lambda_functions"), project)
    try:
        deployed.functions.update_function_code(FunctionName=COPY, ZipFile=bundle.content)
    except deployed.functions.exceptions.ResourceNotFoundException:
        deployed.functions.create_function(
            FunctionName=COPY,
            Runtime="python3.13",
            Role="arn:aws:iam::123456789012:role/sync-buckets-machine",
            Handler="lambda_functions/copy_it.handler",
            Code={"ZipFile": bundle.content},
            Timeout=30,
            MemorySize=512,
            Architectures=["arm64"],
        )
    version = deployed.functions.publish_version(FunctionName=COPY)["FunctionArn"]
    (spec,) = states_language.read_all(project / "state_machines")
    values = state_machines.values_from_outputs(
        replace(deployed.installation, settings=CONCURRENT), deployed.stack.outputs
    )
    return deployed.machine(timestamp, definition=json.dumps(render(spec, {"copy_it": version}, values)))


def edit(project: Path, before: str, after: str) -> None:
    path = project / "lambda_functions" / "copy_it.py"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def shown(
    module: Any,
    deployed: Deployments,
    project: Path,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    **options: Any,
) -> tuple[str, str]:
    """Return what was written to stdout and stderr, without the blanks at the ends of lines."""
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err, io.StringIO(), environ={})
    module.show(
        replace(deployed.installation, settings=CONCURRENT, clock=Clock(now=now)), project, console, **options
    )
    return re.sub(r" +$", "", out.getvalue(), flags=re.MULTILINE), err.getvalue()


def document(module: Any, deployed: Deployments, project: Path) -> Any:
    out, _ = shown(module, deployed, project, as_json=True)
    return json.loads(out)


def codes(deployed: Deployments, project: Path) -> list[str | None]:
    return [one["code"] for one in document(versions, deployed, project)["machines"]]


def created(deployed: Deployments) -> datetime:
    """When the newest was created, which is not the first in every list of two that were made in one second."""
    machines = deployed.states.list_state_machines()["stateMachines"]
    (moment,) = [one["creationDate"] for one in machines if one["name"] == f"{BASE}-{NEW}"]
    return cast(datetime, moment)


def test_the_table_has_the_newest_first_with_running_executions_and_code(
    deployed: Deployments, project: Path
) -> None:
    deployed.start(f"{BASE}-{OLD}")
    new, old = codes(deployed, project)
    moment = f"{created(deployed).astimezone(UTC):%Y-%m-%d %H:%M}"

    out, err = shown(versions, deployed, project)

    assert err == f"{HEADER}\n"
    assert out == (
        "sync-it, the current one first\n"
        "state machine             created (UTC)      running   code\n"
        f"{'─' * 61}\n"
        f"sync-it-20261102-100000   {moment}         0   {new}\n"
        f"sync-it-20261101-100000   {moment}         1   {old}\n"
        f"This folder: {new}, the same as the current one.\n"
    )
    assert new != old


def test_the_same_sources_have_the_same_code_whatever_the_numbers_of_their_versions(
    deployed: Deployments, project: Path
) -> None:
    edit(project, "Other.", "It.")
    deploy(deployed, project, "20261103-100000")

    newest, middle, oldest = codes(deployed, project)

    assert newest == oldest != middle
    arns = [one["functions"][0]["arn"] for one in document(versions, deployed, project)["machines"]]
    assert [arn.rpartition(":")[2] for arn in arns] == ["3", "2", "1"]


@pytest.mark.parametrize(
    "file, before, after",
    [
        ("lambda_functions/copy_it.py", "def handler", "def  handler"),
        ("lambda_functions/copy_it.py", "Timeout: 30", "Timeout: 31"),
        ("state_machines/sync_it.yaml", "StartAt: Call\n", "StartAt: Call\nComment: other\n"),
    ],
    ids=["source", "front matter", "definition"],
)
def test_any_change_of_the_folder_shows(
    deployed: Deployments, project: Path, file: str, before: str, after: str
) -> None:
    path = project / file
    path.write_text(path.read_text().replace(before, after))

    out, _ = shown(versions, deployed, project)

    assert re.search(
        r"^This folder: [0-9a-f]{6}, not the same as the current one. `fab` deploys it.$", out, re.MULTILINE
    )


def test_another_setting_that_reaches_the_definition_shows_too(deployed: Deployments, project: Path) -> None:
    out = io.StringIO()
    other = Settings(stack_name="sync-buckets", max_concurrency=8)
    versions.show(
        replace(deployed.installation, settings=other), project, Console(out, io.StringIO(), environ={})
    )

    assert "not the same as the current one" in out.getvalue()


def test_a_version_that_is_gone_makes_the_code_unknown(deployed: Deployments, project: Path) -> None:
    deployed.functions.delete_function(FunctionName=COPY, Qualifier="1")

    assert codes(deployed, project)[1] is None
    assert re.search(rf"^{BASE}-{OLD} .* 0   \?$", shown(versions, deployed, project)[0], re.MULTILINE)


def test_a_machine_that_cannot_be_read_is_listed_as_unknown_and_said_why(
    deployed: Deployments, project: Path
) -> None:
    where = {"stateMachineArn": deployed.arn(f"{BASE}-{OLD}")}
    refuse(deployed.states, "DescribeStateMachine", "AccessDeniedException", where)

    out, err = shown(versions, deployed, project)

    assert re.search(rf"^{BASE}-{OLD} .* \? +\?$", out, re.MULTILINE)
    problem = "AWS refused DescribeStateMachine with AccessDeniedException: no."
    assert err == f"{HEADER}\n{BASE}-{OLD}: {problem}\n"
    assert document(versions, deployed, project)["machines"][1]["problem"] == problem


def test_the_json_document_has_all_of_it(deployed: Deployments, project: Path) -> None:
    deployed.start(f"{BASE}-{OLD}")
    found = document(versions, deployed, project)
    (bundle,) = make_all(read_all(project / "lambda_functions"), project)
    zip_hash = bundle.key.removeprefix("copy_it-").removesuffix(".zip")
    version = f"arn:aws:lambda:eu-west-1:123456789012:function:{COPY}:2"

    assert {name: found[name] for name in ("account", "region", "stack")} == {
        "account": "123456789012",
        "region": "eu-west-1",
        "stack": "sync-buckets",
    }
    assert found["folder"] == {"codes": {BASE: found["machines"][0]["code"]}, "problem": None}
    assert found["machines"][0] == {
        "name": f"{BASE}-{NEW}",
        "arn": deployed.arn(f"{BASE}-{NEW}"),
        "base": BASE,
        "createdAt": f"{created(deployed).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "current": True,
        "running": 0,
        "code": found["machines"][0]["code"],
        "functions": [{"arn": version, "zip": zip_hash}],
        "problem": None,
        "retired": False,
        "missing": [],
    }
    assert [(one["current"], one["running"]) for one in found["machines"]] == [(True, 0), (False, 1)]


def test_a_folder_that_cannot_be_read_does_not_hide_what_is_deployed(
    deployed: Deployments, project: Path
) -> None:
    edit(project, "MemorySize", "MemorySise")

    out, _ = shown(versions, deployed, project)

    assert f"{BASE}-{NEW}" in out
    assert "This folder cannot be compared: lambda_functions/copy_it.py:2: " in out


def test_whoever_may_not_ask_for_the_limit_of_lambdas_sees_everything_but_the_folder(
    deployed: Deployments, project: Path
) -> None:
    refuse(deployed.functions, "GetAccountSettings", "AccessDeniedException")
    out = io.StringIO()
    unset = Settings(stack_name="sync-buckets")
    versions.show(
        replace(deployed.installation, settings=unset), project, Console(out, io.StringIO(), environ={})
    )

    assert f"{BASE}-{NEW}" in out.getvalue()
    assert out.getvalue().endswith(
        "This folder cannot be compared: AWS refused GetAccountSettings with AccessDeniedException: no.\n"
    )


def test_where_nothing_is_deployed_they_say_so(project: Path) -> None:
    with mock_aws():
        empty = Deployments()
        empty.stack.status = None
        assert shown(versions, empty, project)[0] == "No state machine is deployed. Run `fab` to deploy it.\n"
        assert shown(status, empty, project)[0] == (
            "Stack: not deployed; run `fab`\nNothing is running, and nothing has ended yet.\n"
        )
        assert document(status, empty, project)["stackStatus"] is None


@pytest.mark.parametrize("module", [versions, status])
def test_a_stack_of_somebody_else_is_not_described(module: Any, deployed: Deployments, project: Path) -> None:
    deployed.stack.tags = []

    with pytest.raises(StackError, match="is not ours"):
        shown(module, deployed, project)


# `fab status`


def test_the_status_says_what_is_deployed_what_runs_and_what_has_ended(
    deployed: Deployments, project: Path
) -> None:
    stopped = deployed.start(f"{BASE}-{OLD}", "stopped", source="a", destination="b")
    deployed.states.stop_execution(executionArn=stopped, error="Deleted", cause="x")
    deployed.start(f"{BASE}-{NEW}", "nightly", source="photos", destination="photos-copy")
    described = deployed.states.describe_execution(executionArn=stopped)
    ended = described["stopDate"].astimezone(UTC)
    seconds = (described["stopDate"] - described["startDate"]).total_seconds()

    out, err = shown(status, deployed, project, now=lambda: datetime.now(UTC) + timedelta(seconds=90))

    assert err == f"{HEADER}\n"
    assert re.sub(r"for 1 min 3\d s", "for 1 min 30 s", re.sub(r"[0-9a-f]{6},", "code,", out)) == (
        "Stack: UPDATE_COMPLETE, last changed 2026-11-02 10:00:00 UTC\n"
        f"State machine: {BASE}-{NEW}\n"
        "This folder: code, the same as the current one.\n"
        "\n"
        "Running\n"
        "  nightly, for 1 min 30 s\n"
        "    photos -> photos-copy\n"
        "    running\n"
        "\n"
        "Ended\n"
        f"  stopped, {ended:%Y-%m-%d %H:%M:%S} UTC\n"
        "    a -> b\n"
        f"    ABORTED, after {seconds:.1f} s\n"
    )


PHOTOS = {"destination": "photos-copy", "name": "photos", "source": "photos-orig"}
SYNCS = (Sync("photos", PHOTOS, "rate(1 day)"),)


def test_runs_are_told_apart_by_sync_and_starter_and_one_that_carries_out_a_plan_has_its_buckets(
    deployed: Deployments, project: Path
) -> None:
    scheduled = deployed.start(f"{BASE}-{NEW}", "1b9d6bcd-bbfd-4b2d", **PHOTOS)
    dry = deployed.start(f"{BASE}-{NEW}", "fab-20261122-100000-1a2b3c", **PHOTOS, dryRun=True)
    deployed.start(
        f"{BASE}-{NEW}", "fab-20261122-101112-4d5e6f", plan=f"{BASE}-{NEW}/fab-20261122-100000-1a2b3c"
    )
    deployed.start(f"{BASE}-{NEW}", "lost", plan=f"{BASE}-{NEW}/of-another-year")
    deployed.states.stop_execution(executionArn=dry, error="DeletionRefused", cause="Too many.")

    ours = replace(deployed.installation, settings=replace(CONCURRENT, syncs=SYNCS))
    found = status.document(ours, status.read(ours, project))

    names = ("sync", "startedBy", "sides", "plan", "dryRun")
    told = {one["executionArn"].rpartition(":")[2]: one for one in [*found["running"], *found["ended"]]}
    sides = "photos-orig -> photos-copy"
    assert {name: [one[part] for part in names] for name, one in told.items()} == {
        scheduled.rpartition(":")[2]: ["photos", "schedule", sides, None, False],
        "fab-20261122-100000-1a2b3c": ["photos", "fab", sides, None, True],
        "fab-20261122-101112-4d5e6f": ["photos", "fab", sides, "fab-20261122-100000-1a2b3c", False],
        "lost": [None, None, "the plan of the dry run of-another-year", None, False],
    }


def test_the_status_as_json_has_executions_of_all_machines(deployed: Deployments, project: Path) -> None:
    arn = deployed.start(f"{BASE}-{OLD}", source="a", destination="b")
    gone = deployed.start(f"{BASE}-{NEW}", "gone")
    deployed.states.stop_execution(executionArn=gone)

    found = document(status, deployed, project)

    assert [one["name"] for one in found["currentMachines"]] == [f"{BASE}-{NEW}"]
    (running,) = found["running"]
    assert {name: running[name] for name in ("executionArn", "sides", "phase", "units", "planned", "done")} == {
        "executionArn": arn, "sides": "a -> b", "phase": "running", "units": None, "planned": None, "done": None,
    }  # fmt: skip
    (ended,) = found["ended"]
    assert (ended["executionArn"], ended["status"], ended["sides"]) == (gone, "ABORTED", None)
    assert ended["console"].endswith(f"/v2/executions/details/{gone}")


def test_of_many_ended_executions_the_last_five_are_shown_and_every_running_one(
    deployed: Deployments, project: Path
) -> None:
    for number in range(12):
        deployed.start(f"{BASE}-{NEW}", f"runs-{number}")
    for number in range(7):
        arn = deployed.start(f"{BASE}-{OLD}", f"ended-{number}")
        deployed.states.stop_execution(executionArn=arn)

    found = document(status, deployed, project)

    assert len(found["running"]) == 12
    assert len([one for one in found["running"] if one["phase"]]) == 10
    assert [one["executionArn"].rpartition(":")[2] for one in found["ended"]] == [
        f"ended-{number}" for number in (6, 5, 4, 3, 2)
    ]
