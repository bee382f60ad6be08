"""A state machine whose file was renamed, and machines of which a function is gone, on moto: current or startable nowhere."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deployments_on_moto import BASE, WORK_BUCKET, Deployments, refuse
from moto import mock_aws

from deployment.aws.installation import Clock, Installation
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ConfigurationError, ExecutionFailed, StateMachineError
from deployment.plan import definition_diff
from deployment.project.settings import Settings
from deployment.step_functions import executions
from deployment.tasks.stack import documents, prune, rollback, status, versions
from tests.installations import no_sleep
from tests.recording_console import RecordingConsole

COPY, KEEP = "sync-buckets-copy", "sync-buckets-keep"
RENAMED = "sync-all"
OLD, NEW = f"{BASE}-20261101-100000", f"{RENAMED}-20261102-100000"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"


@pytest.fixture
def deployed() -> Iterator[Deployments]:
    """`sync_it.yaml` was deployed, then renamed to `sync_all.yaml` and deployed with other code."""
    with mock_aws():
        made = Deployments()
        made.machine("20261101-100000", made.function(COPY, "copy 1"))
        made.machine("20261102-100000", made.function(COPY, "copy 2"), base=RENAMED)
        made.stack.outputs = {"WorkBucket": WORK_BUCKET, "StateMachines": RENAMED}
        yield made


def limited(deployed: Deployments) -> Installation:
    settings = Settings(stack_name="sync-buckets", max_concurrency=7)
    return replace(deployed.installation, settings=settings, clock=Clock(sleep=no_sleep))


def shown(module: Any, deployed: Deployments, folder: Path, **options: Any) -> str:
    out = io.StringIO()
    module.show(limited(deployed), folder, Console(out, io.StringIO(), io.StringIO(), environ={}), **options)
    return out.getvalue()


def document(deployed: Deployments, folder: Path) -> dict[str, Any]:
    found = json.loads(shown(versions, deployed, folder, as_json=True))["machines"]
    return {machine["name"]: machine for machine in found}


def go_back(deployed: Deployments, to: str | None = None) -> str:
    """Return what is said against going back."""
    before = deployed.machines()
    with pytest.raises((ConfigurationError, StateMachineError)) as caught:
        rollback.rollback(limited(deployed), to, RecordingConsole())  # type: ignore[arg-type]
    assert deployed.machines() == before
    return str(caught.value)


def test_versions_and_status_have_one_current_machine(deployed: Deployments, tmp_path: Path) -> None:
    text = shown(versions, deployed, tmp_path)

    assert f"{RENAMED}, the current one first\n" in text
    assert f"{BASE}, none of them current: the file was renamed or removed\n" in text
    found = document(deployed, tmp_path)
    assert {name: (one["current"], one["retired"]) for name, one in found.items()} == {
        OLD: (False, True),
        NEW: (True, False),
    }
    status_text = shown(status, deployed, tmp_path)
    assert (f"State machine: {NEW}\n" in status_text, BASE in status_text) == (True, False)
    current = json.loads(shown(status, deployed, tmp_path, as_json=True))["currentMachines"]
    assert [machine["name"] for machine in current] == [NEW]


def test_where_the_stack_does_not_say_which_names_are_deployed_every_name_has_a_current_machine(
    deployed: Deployments, tmp_path: Path
) -> None:
    deployed.stack.outputs = {"WorkBucket": WORK_BUCKET}

    assert all(one["current"] for one in document(deployed, tmp_path).values())
    assert go_back(deployed).startswith(f"There are machines of {RENAMED}, {BASE}.")


def test_a_machine_of_the_old_name_cannot_become_the_current_one(deployed: Deployments) -> None:
    assert go_back(deployed, OLD) == (
        f"{OLD} cannot be the current one again: no file has the name {BASE} any more. Deploy the older sources with `fab`, "
        "or choose another one of `fab versions`."
    )
    assert go_back(deployed).startswith(
        f"There is nothing to go back to: no other state machine differs from {NEW}. "
    )


def test_the_old_name_does_not_hinder_going_back_under_the_new_one(deployed: Deployments) -> None:
    deployed.machine("20261103-100000", deployed.function(COPY, "copy 3"), base=RENAMED)

    made = rollback.rollback(limited(deployed), None, RecordingConsole())  # type: ignore[arg-type]

    assert made.name.startswith(f"{RENAMED}-")


def test_with_machines_of_removed_files_only_there_is_nothing_to_go_back_to(deployed: Deployments) -> None:
    deployed.stack.outputs["StateMachines"] = "another"

    assert go_back(deployed).startswith(
        "There is nothing to go back to: every state machine that is left is of a file that"
    )


def test_prune_protects_the_old_name_only_while_it_works(deployed: Deployments) -> None:
    running = deployed.start(OLD)

    def pruned() -> list[Any]:
        console = RecordingConsole()
        prune.prune(limited(deployed), "3", console, yes=True)  # type: ignore[arg-type]
        return [row for _, _, rows in console.tables for row in rows]

    assert [OLD, "keep", "1 execution running"] in pruned()
    deployed.states.stop_execution(executionArn=running)
    rows = pruned()
    assert [OLD, "delete", "no file has its name"] in rows
    assert [f"{COPY}:1", "delete", "no state machine calls it"] in rows
    assert deployed.machines() == [NEW]


def test_sync_starts_the_only_machine_there_is_and_asks_for_a_name_where_there_are_others(
    deployed: Deployments,
) -> None:
    names = lookup.machine_names(lookup.outputs(deployed.installation))

    assert executions.current_machine(deployed.installation, names) == deployed.arn(NEW)
    with pytest.raises(ExecutionFailed, match=r"removed\. Deployed are: a, b\. Give the file"):
        executions.current_machine(deployed.installation, {"b", "a"})
    with pytest.raises(ExecutionFailed, match="Deployed are: none"):
        executions.current_machine(deployed.installation, ())
    ours = deployed.machine("20261104-100000", f"{ARN}{COPY}:2", base=executions.STATE_MACHINE)
    for every in (None, {executions.STATE_MACHINE, RENAMED}):
        assert executions.current_machine(deployed.installation, every) == deployed.arn(ours)


def test_the_plan_says_which_machine_will_be_current_no_longer(deployed: Deployments) -> None:
    found = definition_diff.retired_machines(deployed.installation, {BASE, "never-made"})

    assert [(plan.name, plan.action, plan.newest) for plan in found] == [(BASE, "retire", OLD)]


def test_the_definition_of_the_old_name_is_not_printed_as_what_is_deployed(
    deployed: Deployments, tmp_path: Path
) -> None:
    (tmp_path / "lambda_functions").mkdir()
    (tmp_path / "state_machines").mkdir()
    (tmp_path / "state_machines" / "sync_it.yaml").write_text("StartAt: A\nStates: {}\n")

    with pytest.raises(StateMachineError, match=f"There is no state machine {BASE} in account"):
        documents.deployed_definition(limited(deployed), tmp_path)
    deployed.stack.outputs["StateMachines"] = BASE
    assert "States" in documents.deployed_definition(limited(deployed), tmp_path)


# --- functions that are gone ----------------------------------------------------------------------------------


CALLS = [f"{ARN}{COPY}:1", f"{ARN}{COPY}", f"{ARN}{COPY}:live"]


@pytest.mark.parametrize("called", CALLS)
def test_a_machine_whose_function_is_gone_is_shown_and_refused_as_no_longer_startable(
    deployed: Deployments, tmp_path: Path, called: str
) -> None:
    machine = deployed.machine("20261101-110000", called, deployed.function(KEEP, "keep"), base=RENAMED)
    deployed.functions.delete_function(FunctionName=COPY)
    name = called.removeprefix(ARN)
    kind = "function version" if name.endswith("1") else "function alias" if ":" in name else "function"

    assert document(deployed, tmp_path)[machine]["missing"] == [name]
    assert f"{machine} can no longer be started. This is gone: {name}\n" in shown(
        versions, deployed, tmp_path
    )
    assert go_back(deployed, machine) == (
        f"{machine} can no longer be started, so it cannot be the current one again. This is gone:\n"
        f"  {kind} {name}\n"
        "Choose another one of `fab versions`, or deploy the older sources with `fab`."
    )


def test_a_version_that_went_alone_is_missed_too(deployed: Deployments, tmp_path: Path) -> None:
    deployed.functions.delete_function(FunctionName=COPY, Qualifier="1")

    found = document(deployed, tmp_path)

    assert {name: one["missing"] for name, one in found.items()} == {OLD: [f"{COPY}:1"], NEW: []}


def test_a_function_of_another_account_or_region_is_not_called_gone(
    deployed: Deployments, tmp_path: Path
) -> None:
    elsewhere = [
        ARN.replace("eu-west-1", "us-east-1") + "far:1",
        ARN.replace("123456789012", "210987654321") + "far",
    ]
    machine = deployed.machine("20261104-100000", *elsewhere, base=RENAMED)

    assert document(deployed, tmp_path)[machine]["missing"] == []


def test_a_function_that_may_not_be_asked_for_is_unknown_and_not_gone(
    deployed: Deployments, tmp_path: Path
) -> None:
    refuse(deployed.functions, "ListVersionsByFunction", "AccessDeniedException")

    found = document(deployed, tmp_path)

    assert {name: (one["missing"], one["code"]) for name, one in found.items()} == {
        OLD: ([], None),
        NEW: ([], None),
    }
