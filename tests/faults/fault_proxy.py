"""A proxy before the emulator's S3 at which requests meet faults: chosen by operation, bucket, key and number, and counted."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from logged_requests import Logged, PassingHandler, Reply, serving

from benchmarks.kinds import Request, read_request

ALWAYS = 10**6
LONGEST_SECONDS = 60.0
CONNECTIONS = Path("/proc/net/tcp")
OPERATIONS = {
    "LIST": "ListObjectsV2",
    "HEAD_BUCKET": "HeadBucket",
    "HEAD": "HeadObject",
    "GET": "GetObject",
    "PUT": "PutObject",
    "COPY": "CopyObject",
    "COPY_PART": "UploadPartCopy",
    "POST_UPLOADS": "CreateMultipartUpload",
    "COMPLETE_UPLOAD": "CompleteMultipartUpload",
    "GET_ATTRIBUTES": "GetObjectAttributes",
    "GET_TAGGING": "GetObjectTagging",
    "PUT_TAGGING": "PutObjectTagging",
    "DELETE_OBJECTS": "DeleteObjects",
    "DELETE": "DeleteObject",
}


@dataclass
class Rule:
    """What strikes which requests: those of an operation in a bucket whose keys are meant, from the nth on, so many times.

    `strike` may answer in the emulator's place; if it does not, the request takes its course. `fired` is how often it has struck.
    """

    operation: str
    bucket: str
    strike: Callable[[FaultyHandler], None]
    is_meant: Callable[[str], bool] = lambda key: True
    nth: int = 1
    times: int = ALWAYS
    seen: int = 0
    fired: int = 0

    def is_due(self, operation: str, request: Request) -> bool:
        """Count a request; return whether it is struck."""
        if (operation, request.bucket) != (self.operation, self.bucket) or not self.is_meant(request.key):
            return False
        self.seen += 1
        is_due = self.seen >= self.nth and self.fired < self.times
        self.fired += is_due
        return is_due


@dataclass
class Faults:
    """The rules in force, what has come, and what went wrong with a strike itself; one for all connections of a proxy."""

    rules: list[Rule] = field(default_factory=list)
    log: list[Logged] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, request: Request) -> list[Rule]:
        """Count a request; return what strikes it."""
        operation = operation_of(request)
        with self._lock:
            return [rule for rule in self.rules if rule.is_due(operation, request)]

    def relent(self) -> None:
        """Let everything pass from now on."""
        with self._lock:
            self.rules = []


def operation_of(request: Request) -> str:
    """Return S3's name of what a request asks for, or our own word for what no worker sends in a run of this suite."""
    kind = request.kind()
    if kind == "DELETE" and "uploadId" in request.query:
        return "AbortMultipartUpload"
    return OPERATIONS.get(kind, kind)


@contextlib.contextmanager
def fault_proxy(port: int) -> Iterator[tuple[str, Faults]]:
    """Yield the address of such a proxy before the emulator at this port, and its rules; it ends with the block."""
    set_rules = Faults()

    class Handler(FaultyHandler):
        upstream_port, requests, faults = port, set_rules.log, set_rules

    with serving(Handler) as url:
        yield url, set_rules


class FaultyHandler(PassingHandler):
    """One connection of a worker; a strike is given the handler, and does to the request what it likes."""

    faults: Faults

    def serve(self, body: bytes, headers: dict[str, str]) -> None:
        """Let everything strike that is due, and carry the request out if nothing has answered."""
        self.body, self.asked, self.is_answered = body, headers, False
        for rule in self.faults.due(self._request()):
            try:
                rule.strike(self)
            except Exception as error:
                self.faults.problems.append(f"{rule.operation}: {type(error).__name__}: {error}")
                raise
        if not self.is_answered:
            self.answer(self.carry_out(body, headers))

    def answer(self, reply: Reply) -> None:
        """Send an answer, unless the client has hung up meanwhile."""
        self.is_answered = True
        try:
            super().answer(reply)
        except ConnectionError:
            self.close_connection = True

    def carried_out(self) -> Reply:
        """Let the emulator do what this request asks for; return its answer."""
        return self.carry_out(self.body, self.asked)

    def fail(self, status: int, code: str, message: str) -> None:
        """Answer with an error in the emulator's place."""
        document = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        body = b"" if self.command == "HEAD" else document
        self.answer(Reply(status, (("Content-Type", "application/xml"),), body, str(len(body))))

    def cut(self) -> None:
        """Carry the request out, send half of the answer's body, and close the connection."""
        reply = self.carried_out()
        self.answer(replace(reply, body=reply.body[: len(reply.body) // 2]))
        self.close_connection = True

    def reset(self) -> None:
        """Reset the connection without an answer."""
        self.is_answered = self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def outwait(self) -> None:
        """Answer nothing until the client has given up and closed the connection."""
        self.is_answered = self.close_connection = True
        self.connection.settimeout(LONGEST_SECONDS)
        with contextlib.suppress(ConnectionError):
            assert self.connection.recv(1) == b"", "the client has gone on without its answer"

    def kill_worker(self) -> None:
        """Kill the Lambda's process that has sent this request."""
        worker = process_behind(self.client_address[1], self.connection.getsockname()[1])
        assert b"_worker.py" in Path(f"/proc/{worker}/cmdline").read_bytes(), f"{worker} is no Lambda"
        os.kill(worker, signal.SIGKILL)
        self.is_answered = self.close_connection = True

    def key(self) -> str:
        """Return the key of the request."""
        return self._request().key

    def _request(self) -> Request:
        head = "".join(f"\r\n{name}: {value}" for name, value in self.asked.items())
        return read_request(f"{self.command} {self.path} HTTP/1.1{head}".encode("latin-1"))


def process_behind(port: int, server_port: int) -> int:
    """Return the process that has the connection between these ports of the loopback interface, as Linux says under /proc.

    Another connection may have the same port at its own end, to another server.
    """
    ends = [f"0100007F:{port:04X}", f"0100007F:{server_port:04X}"]
    lines = [line.split() for line in CONNECTIONS.read_text(encoding="ascii").splitlines()[1:]]
    (inode,) = {line[9] for line in lines if line[1:3] == ends and line[9] != "0"}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(link.readlink()) == f"socket:[{inode}]":
                return int(link.parts[2])
    raise ProcessLookupError(f"no process has a connection from port {port} to port {server_port}")
