"""Executions in the simulation: `World` drives the real handlers of one, and every invocation is a task of its own."""

from __future__ import annotations

import concurrent.futures
import contextlib
import importlib
import json
import queue
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

from runs_on_fake_s3 import TRIES, Context, World
from shortcuts import shortcuts
from simulated_s3 import Attempt, SimulatedS3
from turns import Pool, Queue, ask, block, present, wait_by
from workers import Killed

import lambda_functions.copy_keys
import lambda_functions.delete_orphaned_keys
import lambda_functions.list_ranges
import lambda_functions.tally_run
import lambda_functions.validate_input  # noqa: F401
from lambda_functions.shared import invocation
from lambda_functions.shared.apply import in_flight, parts
from lambda_functions.shared.tally import ending
from lambda_functions.shared.work_bucket import heartbeat, leases, stopping

# What waits for other threads in a way of its own.
STANDARD = (concurrent.futures.ThreadPoolExecutor, queue.SimpleQueue, concurrent.futures.wait)
# As the front matter of each says.
TIMEOUTS = {"validate_input": 60.0, "list_ranges": 600.0, "compare_listings": 600.0}
MAX_STARTS = 4


class ExecutionStopped(BaseException):
    """StopExecution: nothing of the machine goes on; a Lambda that runs does."""


class LostSight(Killed):
    """Step Functions does not know how an invocation has ended, nor whether it has."""

    error_name = "Lambda.Unknown"


@dataclass(frozen=True)
class Start:
    """An execution that may begin: the first turn that it waits for."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} starts"


@dataclass
class Execution(World):
    """One input and its executions: a refused or failed one is started again, at most `MAX_STARTS` in all.

    `attempts` are those of the present execution, `earlier` those of the ones before it, of which some may still go on.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    status: str = ""
    was_stopped: set[str] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    earlier: list[Attempt] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    title: str = ""
    started_at: datetime | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:states:eu-west-1:111122223333:execution:sync:{self.name}"

    @property
    def is_running(self) -> bool:
        return self.status == "RUNNING"

    def run_all(self) -> None:
        """Start again and again, each time when the scheduler says so."""
        for number in range(1, MAX_STARTS + 1):
            ask(Start(f"{self.title}-{number}"))
            self.earlier += self.attempts
            self.name, self.status, self.attempts = f"{self.title}-{number}", "RUNNING", []
            self.started_at = self.s3.clock
            if self._run_once() == "Succeeded":
                return

    def _run_once(self) -> str:
        """Run to whatever end; return its outcome, "" where there is no report because that broke too."""
        try:
            report = self.run(**self.options)
        except ExecutionStopped:
            return ""
        except (Exception, Killed):
            self.end("FAILED")
            return ""
        self.reports.append(report)
        outcome = str(report["outcome"])
        self.end("SUCCEEDED" if outcome == "Succeeded" else "FAILED")
        return outcome

    def end(self, status: str) -> None:
        """Let Step Functions say from now on that the execution has ended; what runs of it is a straggler's."""
        if self.status == "RUNNING":
            self.status = status
            self.was_stopped |= {self.name} if status == "ABORTED" else set()
            self.s3.executions[self.arn] = {"status": status, "stopDate": self.s3.clock.timestamp()}
            for attempt in self.attempts:
                attempt.is_straggler = True

    def _call(self, name: str, event: Mapping[str, Any]) -> Any:
        """Invoke as a Task does, which waits until the attempt has ended, or is lost sight of, or the execution is stopped."""
        for number in range(1, TRIES + 1):
            attempt = self._begin(name, event, number)
            block(lambda one=attempt: one.task.is_done or one.is_straggler or not self.is_running)
            if not self.is_running:
                raise ExecutionStopped
            if attempt.task.is_done and not attempt.task.error:
                return attempt.task.result
            if number == TRIES:
                raise attempt.task.error or LostSight("nobody knows what became of it")
        raise AssertionError("never here")

    def _begin(self, name: str, event: Mapping[str, Any], number: int) -> Attempt:
        handler = importlib.import_module(f"lambda_functions.{name}").handler
        attempt = Attempt(
            execution=self, name=f"{name} #{number}", run_name=self.name, began_at=self.s3.clock.timestamp(),
            timeout_seconds=TIMEOUTS.get(name, 900.0),
        )  # fmt: skip
        context = _Context(attempt, self.s3, f"{self.name}-{len(self.attempts)}")
        whole = json.dumps(event)

        def work() -> Any:
            said = json.loads(json.dumps(handler(json.loads(whole), context)))
            if attempt.is_dead:
                raise Killed("killed, though it went on as if it had not been")
            return said

        self.attempts.append(attempt)
        attempt.task = present().turns.spawn(work, attempt)
        return attempt


class _Context(Context):
    """Lambda's context on the clock of the simulation."""

    def __init__(self, attempt: Attempt, s3: SimulatedS3, name: str) -> None:
        super().__init__(aws_request_id=name)
        self._attempt, self._s3 = attempt, s3

    def get_remaining_time_in_millis(self) -> int:
        ends_at = self._attempt.began_at + self._attempt.timeout_seconds
        return max(0, int(1000 * (ends_at - self._s3.clock.timestamp())))


@contextlib.contextmanager
def on_clock_of(s3: SimulatedS3) -> Iterator[None]:
    """Let the Lambdas' threads, queues and clocks be those of the simulation; no thread of theirs watches a real clock."""

    def seconds() -> float:
        return s3.clock.timestamp()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return s3.clock

    no_threads = SimpleNamespace(Thread=lambda **_: SimpleNamespace(start=lambda: None))
    turn = invocation.Turn.__init__.__defaults__
    assert turn is not None
    with contextlib.ExitStack() as stack:
        for module in _modules():
            for name, instead in (
                ("ThreadPoolExecutor", Pool),
                ("SimpleQueue", Queue),
                ("wait", wait_by(seconds)),
            ):
                if getattr(module, name, None) in STANDARD:
                    stack.enter_context(mock.patch.object(module, name, instead))
        defaults = (seconds, turn[1], lambda: s3.clock)
        stack.enter_context(mock.patch.object(invocation.Turn.__init__, "__defaults__", defaults))
        stack.enter_context(mock.patch.object(invocation, "time", SimpleNamespace(monotonic=seconds)))
        stack.enter_context(mock.patch.object(in_flight, "time", SimpleNamespace(monotonic=seconds)))
        for module in (leases, ending):
            stack.enter_context(mock.patch.object(module, "datetime", Clock))
        for module in (heartbeat, stopping):
            watched = SimpleNamespace(**{**vars(module.threading), **vars(no_threads)})
            stack.enter_context(mock.patch.object(module, "threading", watched))
        stack.enter_context(shortcuts(s3.adopt))
        in_flight.gate_of.cache_clear()
        parts._size_pool.cache_clear()
        yield
        in_flight.gate_of.cache_clear()
        parts._size_pool.cache_clear()


def _modules() -> list[Any]:
    return [module for name, module in sorted(sys.modules.items()) if name.startswith("lambda_functions.")]
