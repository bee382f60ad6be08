"""A Lambda and its state machine that are taken out of the folder while they work, on the embedded emulator."""

from __future__ import annotations

import json

from deployed_project import Project

LAMBDA = (
    "# ---\n# MemorySize: 128  # MB\n# Timeout: 10  # seconds\n# ---\n"
    '"""Spare."""\n\n\ndef handler(event, context):\n    return {}\n'
)
MACHINE = (
    "StartAt: Rest\nTimeoutSeconds: 900\nStates:\n"
    "  Rest: {Type: Wait, Seconds: 600, Next: Work}\n"
    "  Work: {Type: Task, Resource: spare, TimeoutSeconds: 20, End: true}\n"
)
FILES = {"lambda_functions/spare.py": LAMBDA, "state_machines/spare.yaml": MACHINE}


def machine_arn(project: Project, base: str) -> str:
    machines = project.client("stepfunctions").list_state_machines()["stateMachines"]
    (arn,) = [one["stateMachineArn"] for one in machines if one["name"].startswith(f"{base}-2")]
    return str(arn)


def test_a_lambda_is_not_taken_from_an_execution_that_runs_and_afterwards_its_machine_is_current_nowhere(
    editable: Project,
) -> None:
    for name, text in FILES.items():
        (editable.folder / name).write_text(text)
    assert editable.fab().returncode == 0
    client, arn = editable.client("stepfunctions"), machine_arn(editable, "spare")
    spare = arn.rpartition(":")[2]
    execution = client.start_execution(stateMachineArn=arn, name="nightly", input="{}")["executionArn"]
    for name in FILES:
        (editable.folder / name).unlink()

    planned, refused = editable.fab("plan"), editable.fab()

    function = json.loads(editable.fab("plan", "--json").stdout)["lostFunctions"]["functions"][0]
    said = f"the function {function} with all its versions"
    assert (
        f"Deleted: {said}. These can no longer be started:\n  {spare}: 1 execution RUNNING: nightly\n"
        in planned.stdout
    )
    assert f"State machine: {spare} is no longer the current one" in planned.stdout
    assert "older version" not in planned.stdout
    assert refused.returncode == 1
    assert (
        f"Error: `fab` would delete {said} while executions that call it are RUNNING:\n  {spare}: 1 execution"
        in refused.stderr
    )
    assert execution in refused.stderr
    assert editable.client("lambda").get_function(FunctionName=function)

    client.stop_execution(executionArn=execution)
    done = editable.fab()
    assert done.returncode == 0, done.stderr
    found = {one["base"]: one for one in json.loads(editable.fab("versions", "--json").stdout)["machines"]}
    assert (found["spare"]["current"], found["spare"]["retired"]) == (False, True)
    assert found["spare"]["missing"] == [f"{function}:1"]
    assert (
        found["sync-buckets-state-machine"]["current"],
        found["sync-buckets-state-machine"]["missing"],
    ) == (True, [])
    assert f"{spare} can no longer be started. This is gone: {function}:1" in editable.fab("versions").stdout
    # That it had an execution is still told, but not that it is there.
    assert spare not in editable.fab("status").stdout.partition("Ended")[0]
    assert editable.fab("rollback", "--to", spare).returncode == 2
    assert (
        editable.fab("prune", "--keep", "9", "--yes")
        .stdout.splitlines()[-1]
        .startswith("Deleted: 1 state machine,")
    )
