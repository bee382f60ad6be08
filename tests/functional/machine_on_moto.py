"""Runs the rendered state machine on moto, its Tasks being our handlers called in this very process.

moto interprets Amazon States Language but runs no Lambda without Docker, builds a client for every call and really sleeps
between retries. Four private names of it are replaced here; `test_machine_on_moto.py` asserts that they exist.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

from deployment import machines

PROJECT = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
WORK_BUCKET = "work-bucket"
ACCOUNT = "123456789012"
MOTO = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}
LAMBDAS = (
    "validate_input",
    "list_ranges",
    "compare_listings",
    "copy_keys",
    "copy_large_object",
    "delete_orphaned_keys",
    "tally_run",
)


@dataclass
class FakeContext:
    """Lambda's context with as much time as a test wants."""

    remaining_ms: int = 900_000
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        """Return the same time whenever asked."""
        return self.remaining_ms


Handler = Callable[[dict[str, Any], FakeContext], Any]


@dataclass
class Machine:
    """The state machine on moto; `wrap[name]` may replace a handler, `calls` are the Lambdas in the order of their calls."""

    client: Any
    arn: str
    wrap: dict[str, Callable[[Handler, dict[str, Any], FakeContext], Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def run(self, options: Any, name: str | None = None) -> dict[str, Any]:
        """Start an execution and wait for its end; return DescribeExecution's answer."""
        started = self.client.start_execution(
            stateMachineArn=self.arn, name=name or str(uuid.uuid4()), input=json.dumps(options)
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.client.describe_execution(executionArn=started["executionArn"])
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.02)
        raise AssertionError("the execution did not end within 60 s")

    def report(self, options: Any) -> dict[str, Any]:
        """Run to success; return the report."""
        found = self.run(options)
        assert found["status"] == "SUCCEEDED", (found.get("error"), found.get("cause"))
        report: dict[str, Any] = json.loads(found["output"])
        return report

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Call a handler as the machine does."""
        self.calls.append(name)
        handler: Handler = importlib.import_module(f"lambda_functions.{name}").handler
        if name in self.wrap:
            return self.wrap[name](handler, event, FakeContext())
        return handler(event, FakeContext())


@contextlib.contextmanager
def machine_on_moto(max_delete: int | str | None = None) -> Iterator[Machine]:
    """Yield the state machine, created in a fresh moto with an empty work bucket."""
    with mock_aws(config=MOTO):
        boto3.client("s3", REGION).create_bucket(
            Bucket=WORK_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        client = boto3.client("stepfunctions", REGION)
        machine = Machine(client, "")
        with _patched(machine):
            machine.arn = _create(client, max_delete)
            yield machine


def _create(client: Any, max_delete: int | str | None) -> str:
    (spec,) = machines.read_all(PROJECT / "state_machines")
    versions = {name: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:1" for name in LAMBDAS}
    values = {"WorkBucket": WORK_BUCKET, "Partition": "aws", "MaxConcurrency": 4, "MaxDelete": max_delete}
    definition = machines.render(spec, versions, values)
    role = f"arn:aws:iam::{ACCOUNT}:role/machine"
    name = "sync-buckets-state-machine-20260101-000000"
    arn: str = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)[
        "stateMachineArn"
    ]
    return arn


@contextlib.contextmanager
def _patched(machine: Machine) -> Iterator[None]:
    clients: dict[tuple[str, str], Any] = {}

    def cached(region: str, service: str, **_: Any) -> Any:
        return clients.setdefault((region, service), boto3.client(service, region))

    def invoke(parameters: dict[str, Any], **_: Any) -> dict[str, Any]:
        name = parameters["FunctionName"].split(":")[6]
        payload = parameters["Payload"]
        event = json.loads(payload) if isinstance(payload, str | bytes) else payload
        try:
            return {"StatusCode": 200, "Payload": machine.invoke(name, event)}
        except Exception as error:
            what = {
                "errorType": type(error).__name__,
                "errorMessage": str(error),
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": what}

    with (
        mock.patch.object(lambda_eval_utils, "_invoke_lambda_function", invoke),
        mock.patch.object(lambda_eval_utils, "boto_client_for", cached),
        mock.patch.object(retrier_decl, "time", SimpleNamespace(sleep=machine.slept.append)),
    ):
        yield
