"""A copy of the project that deploys to the emulator by the real `fab` command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.deployed import copy_project as copy_project
from benchmarks.deployed import emulator_client

FAB = Path(sys.executable).with_name("fab")
DEADLINE_SECONDS = 120.0


SHIPPED = "sync-buckets-state-machine-"
"""What the names of the machines begin with that sync."""


@dataclass(frozen=True)
class Project:
    """A copy of the project that a test may edit, and the emulator that it deploys to."""

    folder: Path
    environment: dict[str, str]

    def fab(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `fab` as a person would; standard input is not a terminal."""
        environment = {**os.environ, **self.environment, "NO_COLOR": "1", **variables}
        return subprocess.run(
            [str(FAB), *words],
            cwd=self.folder,
            env={name: value for name, value in environment.items() if value},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    def replace(self, file: str, before: str, after: str) -> None:
        """Write another text in the place of one that stands once in a file."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(before) == 1
        path.write_text(text.replace(before, after))

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client for the emulator."""
        return emulator_client(
            service, {**self.environment, "AWS_REGION": region or self.environment["AWS_REGION"]}
        )

    def machines(self) -> list[str]:
        """Return the names of the state machines, oldest first."""
        found = self.client("stepfunctions").list_state_machines()["stateMachines"]
        return sorted(machine["name"] for machine in found)

    def start(self, **options: Any) -> str:
        """Start the newest machine that syncs as the console does; return the execution's ARN."""
        newest = [arn for arn in self.own_machines() if arn.rpartition(":")[2].startswith(SHIPPED)][-1]
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=newest, input=json.dumps(options)
        )
        return str(started["executionArn"])

    def stack_name(self) -> str:
        """Return what its configuration says."""
        found = re.search(r'STACK_NAME = "(.*)"', (self.folder / "fabfile_config.py").read_text("utf-8"))
        assert found
        return found[1]

    def own_machines(self) -> list[str]:
        """Return the ARNs of the machines of its stack, oldest first: tests deploy others beside them."""
        client, tag = self.client("stepfunctions"), {"key": "syncbuckets:stack", "value": self.stack_name()}
        arns = [machine["stateMachineArn"] for machine in client.list_state_machines()["stateMachines"]]
        return sorted(arn for arn in arns if tag in client.list_tags_for_resource(resourceArn=arn)["tags"])

    def wait(self, arn: str) -> dict[str, Any]:
        """Wait for the end of an execution; return DescribeExecution's answer."""
        client = self.client("stepfunctions")
        self.wait_until(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING")
        execution: dict[str, Any] = client.describe_execution(executionArn=arn)
        return execution

    def execute(self, **options: Any) -> dict[str, Any]:
        """Start and wait."""
        return self.wait(self.start(**options))

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Ask until something is so; it must be within two minutes."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, f"still not so after {DEADLINE_SECONDS} s"
            time.sleep(0.05)

    def work_keys(self, prefix: str) -> list[str]:
        """Return the keys of the work bucket under a prefix."""
        client = self.client("s3")
        (bucket,) = [
            one["Name"]
            for one in client.list_buckets()["Buckets"]
            if one["Name"].startswith("sync-buckets-work")
        ]
        return [
            one["Key"] for one in client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
        ]

    def report(self, **options: Any) -> dict[str, Any]:
        """Execute to success; return the report."""
        execution = self.execute(**options)
        assert execution["status"] == "SUCCEEDED", (execution.get("error"), execution.get("cause"))
        report: dict[str, Any] = json.loads(execution["output"])
        return report

    def bucket(self, name: str, region: str | None = None) -> Any:
        """Create a bucket; return a client of its region."""
        client = self.client("s3", region)
        where = {"LocationConstraint": client.meta.region_name}
        client.create_bucket(Bucket=name, CreateBucketConfiguration=where)
        return client
