"""The fake S3 under the simulation: every request waits for its turn, and what becomes of it is part of the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ConnectionClosedError
from fake_s3 import FakeS3, Request, protocol
from turns import ask, present
from workers import Killed, Process

DO, KILL_BEFORE, KILL_AFTER, KILL_AND_ARRIVE, LOSE, BUSY = (
    "do",
    "kill",
    "do, kill",
    "kill, arrive later",
    "do, lose",
    "busy",
)
CHANGES = {
    "PutObject", "CopyObject", "DeleteObject", "DeleteObjects", "CreateMultipartUpload", "UploadPartCopy",
    "CompleteMultipartUpload", "AbortMultipartUpload", "PutObjectTagging",
}  # fmt: skip


@dataclass(eq=False)
class Attempt(Process):
    """One invocation of a Lambda for an execution; a straggler is one that nobody waits for any more."""

    execution: Any = None
    name: str = ""
    run_name: str = ""
    began_at: float = 0.0
    timeout_seconds: float = 900.0
    is_straggler: bool = False
    task: Any = None

    def __str__(self) -> str:
        return f"{self.run_name} {self.name}{' (straggler)' if self.is_straggler else ''}"


@dataclass(frozen=True)
class Wanted:
    """A request as the scheduler sees it; `is_late` is one whose worker is dead and which is still on its way to S3."""

    operation: str
    bucket: str
    key: str
    attempt: Attempt
    is_late: bool = False

    @property
    def changes(self) -> bool:
        """Whether it changes something in a bucket of data."""
        return self.operation in CHANGES and self.bucket != "work-bucket"

    @property
    def gives_lease_back(self) -> bool:
        """Whether it is a report's word that its run writes no more."""
        is_lease = self.bucket == "work-bucket" and self.key.startswith("leases/")
        return is_lease and self.operation in CHANGES and self.attempt.name.startswith("tally_run")

    def __str__(self) -> str:
        late = ", which arrives late" if self.is_late else ""
        return f"{self.attempt}: {self.operation} {self.bucket}/{self.key}{late}"


@dataclass
class SimulatedS3(FakeS3):
    """A fake S3 whose requests come one at a time; `watch` sees what changes data or ends a lease, before and after it."""

    watch: Callable[[Wanted, Request, bool], None] = lambda wanted, request, is_after: None
    _late: list[Any] = field(default_factory=list)

    def current(self) -> Process:
        """Return the worker that this thread is."""
        process: Process = present().owner
        return process

    def answer(self, process: Process, event_name: str, request: Any) -> Any:
        """Wait for this request's turn, and answer it as the verdict says."""
        assert isinstance(process, Attempt)
        wanted = self._wanted(process, event_name, request)
        verdict = KILL_BEFORE if process.is_dead else ask(wanted)
        if process.is_dead or verdict in (KILL_BEFORE, KILL_AND_ARRIVE):
            process.is_dead = True
            if verdict == KILL_AND_ARRIVE:
                self._send_late(process, wanted, event_name, request)
            raise Killed(f"killed at {wanted}")
        if verdict == BUSY:
            return self._busy(request)
        answer = self._carry_out(process, wanted, event_name, request)
        if verdict == KILL_AFTER:
            process.is_dead = True
            raise Killed(f"killed after {wanted}")
        if verdict == LOSE:
            raise ConnectionClosedError(endpoint_url=request.url)
        return answer

    def _carry_out(self, process: Attempt, wanted: Wanted, event_name: str, request: Any) -> Any:
        self._now = wanted
        return super().answer(process, event_name, request)

    def _done(self, request: Request) -> Any:
        wanted = self._now
        if wanted.changes or wanted.gives_lease_back or wanted.operation == "HeadObject":
            self.watch(wanted, request, False)
        said = super()._done(request)
        if wanted.changes:
            self.watch(wanted, request, True)
        return said

    def _busy(self, request: Any) -> Any:
        return protocol.error(
            request.url, 503, "SlowDown", "Please reduce your request rate.", request.method == "HEAD"
        )

    def _send_late(self, process: Attempt, wanted: Wanted, event_name: str, request: Any) -> None:
        """Let the request of a worker that is dead arrive at S3 all the same, some time."""
        late = Wanted(wanted.operation, wanted.bucket, wanted.key, process, is_late=True)
        process.is_straggler = True

        def arrive() -> None:
            if ask(late) == DO:
                self._carry_out(Attempt(), late, event_name, request)

        present().turns.spawn(arrive, process)

    def _wanted(self, attempt: Attempt, event_name: str, request: Any) -> Wanted:
        operation = event_name.rpartition(".")[2]
        if ".sfn." in event_name:
            return Wanted(operation, "", "", attempt)
        path = request.url.partition("://")[2].partition("?")[0]
        host, _, key = path.partition("/")
        bucket, dot, _ = host.partition(".s3.")
        if not dot:
            bucket, _, key = key.partition("/")
        return Wanted(operation, bucket, key, attempt)
