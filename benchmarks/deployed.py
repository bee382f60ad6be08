"""SyncBuckets on the emulator as a user has it: a copy of the project, deployed by the real `fab`, started as the console does.

One thing differs from what a user deploys: each function's front matter names the proxy as the endpoint of S3, so that what the
functions send is counted and held back like everybody's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.children import PROJECT, CommandFailed

PARTS = ("deployment", "lambda_functions", "state_machines", "fabfile.py", "fabfile_config_template.py")
VARIABLES = "#   Variables:\n"
LONGEST_SECONDS = 900
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Deployed:
    """The newest state machine of the emulator."""

    environment: Mapping[str, str]
    machine_arn: str

    def sync(self, source: str, destination: str, **options: Any) -> dict[str, Any]:
        """Run the state machine to success; return its report."""
        client = emulator_client("stepfunctions", self.environment)
        order = json.dumps({"source": source, "destination": destination, **options})
        arn = client.start_execution(stateMachineArn=self.machine_arn, input=order)["executionArn"]
        deadline = time.monotonic() + LONGEST_SECONDS
        while (execution := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise CommandFailed(f"{arn} still runs after {LONGEST_SECONDS} s")
            time.sleep(POLL_SECONDS)
        if execution["status"] != "SUCCEEDED":
            raise CommandFailed(f"{arn} ended {execution['status']}: {execution.get('cause')}")
        report: dict[str, Any] = json.loads(execution["output"])
        return report

    def history(self, arn: str) -> list[dict[str, Any]]:
        """Return the events of an execution."""
        client = emulator_client("stepfunctions", self.environment)
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]


def emulator_client(service: str, environment: Mapping[str, str], config: Config | None = None) -> Any:
    """Return a client of the emulator itself, past the proxy."""
    return boto3.client(
        service,
        region_name=environment["AWS_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
        config=config,
    )


def copy_project(folder: Path) -> Path:
    """Copy what is needed to deploy, with the configuration as the README says to make it; return the folder."""
    copy_sources(folder)
    shutil.copy(folder / "fabfile_config_template.py", folder / "fabfile_config.py")
    return folder


def copy_sources(folder: Path) -> Path:
    """Copy what the repository has of it, so without a configuration; return the folder."""
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    return folder


def deploy(folder: Path, environment: Mapping[str, str], s3_endpoint: str) -> Deployed:
    """Copy the project into a folder, let its functions talk to this endpoint of S3, and run `fab` there."""
    for path in (copy_project(folder) / "lambda_functions").glob("*.py"):
        point_at(path, s3_endpoint)
    _fab(folder, environment)
    machines = emulator_client("stepfunctions", environment).list_state_machines()["stateMachines"]
    return Deployed(environment, max(machines, key=lambda machine: machine["name"])["stateMachineArn"])


def point_at(function: Path, s3_endpoint: str) -> None:
    """Let a function of a copied project talk to this endpoint of S3."""
    text = function.read_text()
    if text.count(VARIABLES) != 1:
        raise CommandFailed(
            f"{function.name} must have {VARIABLES!r} once, in its front matter, to put the endpoint behind it"
        )
    function.write_text(text.replace(VARIABLES, f"{VARIABLES}#     AWS_ENDPOINT_URL_S3: {s3_endpoint}\n"))


def _fab(folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("fab"))],
        cwd=folder,
        env={**_without_aws(), **environment, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if done.returncode:
        raise CommandFailed(f"fab failed:\n{done.stdout}{done.stderr}")


def _without_aws() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("AWS_")}
