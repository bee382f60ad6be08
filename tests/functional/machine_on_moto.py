"""Runs the rendered state machine on moto, its Tasks being our handlers called in this very process.

moto interprets Amazon States Language but runs no Lambda without Docker, builds a client for every call, parses a definition
anew for every execution, really sleeps between retries, and lets a Distributed Map succeed however many of its children
failed. Private names of it are replaced here for that; `test_machine_on_moto.py` asserts that they exist.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import botocore.endpoint
from moto import mock_aws
from moto.core.base_backend import BaseBackend
from moto.stepfunctions.parser.api import HistoryEventType, MapRunFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component as distributed,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.parse import asl_parser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from places import PROJECT
from wire import Wire, wire_to_moto
from workers import Killed

from deployment.build import definitions
from deployment.project import states_language
from deployment.project.settings import Settings
from lambda_functions.shared.apply.copier import Copier
from lambda_functions.shared.apply.deleter import Deleter

REGION = "eu-west-1"
WORK_BUCKET = "work-bucket"
ACCOUNT = "123456789012"
MACHINE = "sync-buckets-state-machine-20260101-000000"
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
# An execution takes about half a second here; whatever takes so much longer will never end.
PATIENCE_SECONDS = 30

# moto parses a definition for every execution and a path for every use of it; what comes out is only read.
parse_definition = functools.cache(asl_parser.AmazonStateLanguageParser.parse)
parse_path = functools.cache(json_path.parse)
parse_result_path = functools.cache(result_path.parse)


@functools.cache
def client(service: str, region: str = REGION) -> Any:
    """Return the one client of all tests for a service; moto would load the models of services anew for every test."""
    return _session().client(service, region)


@functools.cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


class LambdaError(Exception):
    """An error whose type is given: those of Lambda's own, such as `Lambda.TooManyRequestsException`, are no class of ours."""

    def __init__(self, error_type: str, message: str = "") -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass
class FakeContext:
    """Lambda's context with as much time as a test wants."""

    remaining_ms: int = 900_000
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        """Return the same time whenever asked."""
        return self.remaining_ms


Handler = Callable[[dict[str, Any], FakeContext], Any]
Wrapper = Callable[[Handler, dict[str, Any], FakeContext], Any]


@dataclass
class Machine:
    """The state machine on moto.

    `wrap[name]` may replace a handler. `calls` are the Lambdas in the order of their calls, `slept` what the machine would have
    slept between them, `paused` what the workers and their clients would have, all in seconds.
    """

    client: Any
    arn: str
    wire: Wire
    wrap: dict[str, Wrapper] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)
    endings: dict[str, threading.Event] = field(default_factory=dict)

    def ended(self, arn: str) -> threading.Event:
        """Return the event that is set when an execution has ended."""
        return self.endings.setdefault(arn, threading.Event())

    def pause(self, seconds: float) -> None:
        """Note a pause instead of making it."""
        if seconds:
            self.paused.append(seconds)

    def start(self, options: Any, name: str | None = None) -> str:
        """Start an execution; return its ARN."""
        arn: str = self.client.start_execution(
            stateMachineArn=self.arn, name=name or str(uuid.uuid4()), input=json.dumps(options)
        )["executionArn"]
        return arn

    def wait(self, arn: str) -> dict[str, Any]:
        """Wait for an execution's end; return DescribeExecution's answer, with the cause as the report has it.

        That every cause also says where the report is, `tests/functional/runs/test_refusals.py` shows once for all.
        """
        in_time = self.ended(arn).wait(PATIENCE_SECONDS)
        assert in_time, f"the execution did not end within {PATIENCE_SECONDS} s"
        found: dict[str, Any] = self.client.describe_execution(executionArn=arn)
        if "cause" in found:
            place = f"s3://{WORK_BUCKET}/runs/{MACHINE}/{found['name']}/report.json"
            found["cause"] = found["cause"].removesuffix(f" Report: {place}")
        return found

    def long_ago(self, arn: str, seconds: float = 3600) -> None:
        """Make an execution one that ended so many seconds earlier."""
        stepfunctions_parser_backends[ACCOUNT][REGION].describe_execution(arn).stop_date -= timedelta(
            seconds=seconds
        )

    def run(self, options: Any, name: str | None = None) -> dict[str, Any]:
        """Start an execution and wait for its end; return DescribeExecution's answer."""
        return self.wait(self.start(options, name))

    def report(self, options: Any) -> dict[str, Any]:
        """Run to success; return the report."""
        found = self.run(options)
        assert found["status"] == "SUCCEEDED", (found.get("error"), found.get("cause"))
        report: dict[str, Any] = json.loads(found["output"])
        return report

    def events(self, arn: str) -> list[dict[str, Any]]:
        """Return the history of an execution."""
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def states(self, arn: str) -> list[str]:
        """Return the states that an execution has entered, in their order."""
        details = (event.get("stateEnteredEventDetails") for event in self.events(arn))
        return [detail["name"] for detail in details if detail]

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Call a handler as the machine does."""
        self.calls.append(name)
        handler: Handler = importlib.import_module(f"lambda_functions.{name}").handler
        with self.wire.process():
            if name in self.wrap:
                return self.wrap[name](handler, event, FakeContext())
            return handler(event, FakeContext())


@contextlib.contextmanager
def machine_on_moto(max_delete: int | str | None = None) -> Iterator[Machine]:
    """Yield the state machine, created in a fresh moto with an empty work bucket."""
    with mock_aws(config=MOTO), wire_to_moto() as wire:
        client("s3").create_bucket(
            Bucket=WORK_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        machine = Machine(client("stepfunctions"), "", wire)
        with _patched(machine):
            machine.arn = _create(machine.client, max_delete)
            yield machine


def definition(max_delete: int | str | None = None) -> dict[str, Any]:
    """Return the state machine as a deployment renders it."""
    (spec,) = states_language.read_all(PROJECT / "state_machines")
    versions = {name: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:1" for name in LAMBDAS}
    settings = Settings(max_concurrency=4, max_delete=max_delete)
    values = definitions.placeholder_values(settings, WORK_BUCKET, "aws")
    return definitions.render(spec, versions, values)


@functools.cache
def _rendered(max_delete: int | str | None) -> str:
    return json.dumps(definition(max_delete))


def _create(step_functions: Any, max_delete: int | str | None) -> str:
    role = f"arn:aws:iam::{ACCOUNT}:role/machine"
    text = _rendered(max_delete)
    created = step_functions.create_state_machine(name=MACHINE, definition=text, roleArn=role)
    arn: str = created["stateMachineArn"]
    return arn


@contextlib.contextmanager
def _patched(machine: Machine) -> Iterator[None]:
    def cached(service_name: str, **_: Any) -> Any:
        return client(service_name)

    def invoke(parameters: dict[str, Any], **_: Any) -> dict[str, Any]:
        name = parameters["FunctionName"].split(":")[6]
        payload = parameters["Payload"]
        event = json.loads(payload) if isinstance(payload, str | bytes) else payload
        try:
            # Through JSON and back, as on AWS: nothing else may be handed over.
            return {"StatusCode": 200, "Payload": json.loads(json.dumps(machine.invoke(name, event)))}
        except (Exception, Killed) as error:
            what = {
                "errorType": getattr(error, "error_type", type(error).__name__),
                "errorMessage": str(error),
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": what}

    def terminated(
        self: Any, reflect: Callable[[Any], None] = BaseExecutionWorkerCommunication.terminated
    ) -> None:
        reflect(self)
        machine.ended(self.execution.exec_arn).set()

    component = distributed.DistributedIterationComponent
    with (
        mock.patch.object(lambda_eval_utils, "_invoke_lambda_function", invoke),
        mock.patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=machine.pause)),
        mock.patch.object(Copier.__init__, "__defaults__", _instead_of_sleep(Copier, machine.pause)),
        mock.patch.object(Deleter.__init__, "__defaults__", _instead_of_sleep(Deleter, machine.pause)),
        mock.patch.object(BaseExecutionWorkerCommunication, "terminated", terminated),
        mock.patch.object(boto_client, "boto3", SimpleNamespace(client=cached)),
        mock.patch.object(retrier_decl, "time", SimpleNamespace(sleep=machine.slept.append)),
        mock.patch.object(asl_parser.AmazonStateLanguageParser, "parse", staticmethod(parse_definition)),
        mock.patch.object(json_path, "parse", parse_path),
        mock.patch.object(BaseBackend, "urls", property(_urls)),
        mock.patch.object(result_path, "parse", parse_result_path),
        mock.patch.object(component, "_map_run", _tolerant_map_run(component._map_run)),
    ):
        yield


_known_urls: dict[tuple[type, str], Any] = {}
_urls_of = BaseBackend.urls.fget


def _urls(backend: Any) -> Any:
    """Return what moto makes anew for every request: the patterns that lead to a service's functions."""
    name = (type(backend), backend.region_name)
    if name not in _known_urls:
        _known_urls[name] = _urls_of(backend)
    return _known_urls[name]


def _instead_of_sleep(kind: type, sleep: Callable[[float], None]) -> tuple[Any, ...]:
    """Return the defaults of a dataclass with another function instead of `time.sleep`."""
    defaults: tuple[Any, ...] = kind.__init__.__defaults__  # type: ignore[misc]
    assert defaults.count(time.sleep) == 1, f"{kind.__name__} pauses in another way now"
    return tuple(sleep if default is time.sleep else default for default in defaults)


def _tolerant_map_run(map_run: Callable[..., None]) -> Callable[..., None]:
    """Return moto's Map Run with what it leaves out: it fails if more of its items failed than are tolerated.

    AWS counts per cent of all items, and tolerates none unless something else is said
    (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html). It also stops the other items; here they
    come to their end.
    """

    def run(self: Any, env: Any, eval_input: Any) -> None:
        map_run(self, env=env, eval_input=eval_input)
        record = eval_input.map_run_record
        failed, all_of_them = record.item_counter.failed.get(), record.item_counter.total.get()
        tolerated = all_of_them * (record.tolerated_failure_percentage or 0) / 100
        if failed > max(tolerated, record.tolerated_failure_count or 0):
            raise FailureEventException(_too_many_failures(env))

    return run


def _too_many_failures(env: Any) -> FailureEvent:
    name = StatesErrorNameType.StatesExceedToleratedFailureThreshold
    details = MapRunFailedEventDetails(
        error=name.to_name(), cause="The specified tolerated failure threshold was exceeded"
    )
    return FailureEvent(
        env=env,
        error_name=StatesErrorName(typ=name),
        event_type=HistoryEventType.MapRunFailed,
        event_details=EventDetails(mapRunFailedEventDetails=details),
    )
