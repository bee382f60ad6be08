"""`fab demo`: everything on this machine, without an AWS account: deploy, sync, check, sync again, and say how it went.

It deploys with the very pipeline of `fab` and starts the very state machine; only the endpoint is the emulator's. The
check reads both buckets itself (`verify`) and believes no report.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deployment.aws.installation import Clock, Installation
from deployment.build import build
from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.emulator import demo_data, verify
from deployment.emulator.demo_data import Folder, Scenario
from deployment.emulator.emulator import Emulator
from deployment.errors import ExecutionFailed
from deployment.project import settings as configuration
from deployment.step_functions import executions
from deployment.step_functions.executions import Execution
from deployment.tasks.stack import deploy
from deployment.text import dollars, duration, objects, size

SOURCE = "demo-source"
DESTINATION = "demo-destination"
DIFFERENCES_SHOWN = 10

NEXT = """Next, with an AWS account:
  cp fabfile_config_template.py fabfile_config.py  # every setting is explained
  fab                                              # deploys what you have seen
  fab sync A B --dry-run                           # what it would do, and why"""


@dataclass(frozen=True)
class DemoResult:
    """What the demo has to tell."""

    scenario: Scenario
    first: Execution
    second: Execution
    checked_objects: int
    seconds: float


def run(project: Path, source_dir: str | Path | None, console: Console) -> None:
    """Show a sync of made-up buckets, or of a folder's files into an empty bucket.

    Raises ConfigurationError for a folder that cannot be shown, EmulatorError, and ExecutionFailed if a run fails or
    does not do what it should, or the buckets are not equal afterwards.
    """
    clock = Clock()
    began = clock.monotonic()
    folder = demo_data.read_folder(Path(source_dir).expanduser()) if source_dir else None
    with Emulator(console) as emulator, emulator.active():
        console.step(f"The emulator answers on {emulator.url}; nothing below reaches AWS.")
        installation = replace(Installation.connect(configuration.defaults()), clock=clock)
        _deploy(installation, project, console)
        outcome = _show(installation, folder, console, began)
    summarise(outcome, console)


def _deploy(installation: Installation, project: Path, console: Console) -> None:
    """Deploy as `fab` does; what `fab` says of it would speak of an AWS account."""
    began = installation.clock.monotonic()
    with console.progress("Deploying, with the same code as to AWS"):
        quiet = Console(io.StringIO(), io.StringIO(), io.StringIO(), environ={})
        deploy.deploy(installation, build.read_sources(project), quiet)
    seconds = installation.clock.monotonic() - began
    console.step(f"Deployed Lambdas, roles, work bucket and state machine in {duration(seconds)}.")


def _show(installation: Installation, folder: Folder | None, console: Console, began: float) -> DemoResult:
    s3 = installation.client("s3")
    scenario = _fill(s3, folder, console, installation.clock)
    first = _sync(installation, console, "First run")
    checked = _check(s3, console)
    second = _sync(installation, console, "Second run")
    _check_reports(scenario, first, second)
    return DemoResult(scenario, first, second, checked, installation.clock.monotonic() - began)


def _fill(s3: Any, folder: Folder | None, console: Console, clock: Clock) -> Scenario:
    for bucket in (SOURCE, DESTINATION):
        s3.create_bucket(Bucket=bucket)
    if folder:
        return demo_data.upload(s3, SOURCE, folder, console)
    with console.progress("Filling two buckets"):
        scenario = demo_data.prepare(s3, SOURCE, DESTINATION, clock)
    console.step(f"Filled two buckets: {_differences_before(scenario)}.")
    return scenario


def _sync(installation: Installation, console: Console, which: str) -> Execution:
    machine_arn = executions.current_machine(installation)
    work_bucket = lookup.outputs(installation).get("WorkBucket")
    arn = executions.start(installation, machine_arn, {"source": SOURCE, "destination": DESTINATION})
    execution = executions.require_success(executions.watch(installation, arn, work_bucket, console, which))
    copied, deleted = _count(execution, "copied"), _count(execution, "deleted")
    console.step(f"{which}: {objects(copied)} copied, {deleted:,} deleted in {duration(execution.seconds)}.")
    return execution


def _check(s3: Any, console: Console) -> int:
    """Return how many objects were compared; raise ExecutionFailed unless the buckets are equal."""
    with console.progress("Reading both buckets to compare them"):
        source, destination = verify.read(s3, SOURCE), verify.read(s3, DESTINATION)
    differences = list(verify.differences(source, destination))
    if differences:
        listed = "\n".join(f"  {sentence}" for sentence in differences[:DIFFERENCES_SHOWN])
        raise ExecutionFailed(
            f"The buckets are not equal after the sync. {len(differences):,} differences:\n{listed}"
        )
    console.step(f"Checked {objects(len(source))} on both sides: all equal.")
    return len(source)


def _check_reports(scenario: Scenario, first: Execution, second: Execution) -> None:
    """Raise ExecutionFailed unless both reports say what must have happened."""
    wanted = {
        "copied": scenario.missing + scenario.changed,
        "deleted": scenario.orphaned,
        "current": scenario.equal,
    }
    after = {"copied": 0, "deleted": 0, "current": scenario.missing + scenario.changed + scenario.equal}
    for which, execution, expected in (("first", first, wanted), ("second", second, after)):
        found = {word: _count(execution, word) for word in expected}
        if found != expected:
            raise ExecutionFailed(f"The {which} run reports {found}, expected {expected}.")


def summarise(outcome: DemoResult, console: Console) -> None:
    """Write to stdout how it went and what to do next."""
    scenario = outcome.scenario
    console.result(f"\nBefore: {_differences_before(scenario)}.\n")
    console.table(
        f"{SOURCE} -> {DESTINATION}",
        ["", "first run", "second run"],
        list(_rows(outcome.first, outcome.second)),
    )
    console.result(
        f"\nAfter:  {objects(outcome.checked_objects)} ({size(scenario.source_bytes)}) read back from both buckets, all equal\n"
        "        in keys, bytes, content headers, user metadata, tags, redirects.\n"
        f"All of it took {duration(outcome.seconds)}.\n\n{NEXT}"
    )


def _differences_before(scenario: Scenario) -> str:
    return (
        f"{objects(scenario.missing)} missing, {scenario.changed} changed, {scenario.orphaned} orphaned, "
        f"{scenario.equal} equal"
    )


def _rows(*runs: Execution) -> Iterator[list[str]]:
    """Yield what was done, the requests, cost and time, a column for each run."""
    for label, word in (("copied", "copied"), ("deleted", "deleted"), ("equal, left alone", "current")):
        yield [label, *(f"{_count(run, word):,}" for run in runs)]
    yield [
        "requests to the two buckets",
        *(f"{sum(_report(run).get('requests', {}).values()):,}" for run in runs),
    ]
    yield ["estimated cost on AWS", *(dollars(_report(run).get("estimatedCostUsd")) for run in runs)]
    yield ["time", *(duration(run.seconds) for run in runs)]


def _report(execution: Execution) -> Mapping[str, Any]:
    return execution.report or {}


def _count(execution: Execution, word: str) -> int:
    return int(_report(execution).get(word, {}).get("objects", 0))
