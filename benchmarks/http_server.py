"""As much of an HTTP/1.1 server as S3's clients need, and as little work for it as can be."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from benchmarks.kinds import Request, read_request

HOST = "127.0.0.1"
_REASONS = {200: "OK", 404: "Not Found", 501: "Not Implemented"}


@dataclass(frozen=True)
class Answer:
    """Status, body and headers; `length` stands in the place of the body's where HEAD tells an object's.

    It is held back for `delay_seconds`."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    delay_seconds: float = 0.0

    def on_the_wire(self) -> bytes:
        """Return the whole answer."""
        length = len(self.body) if self.length is None else self.length
        kind = "application/xml" if self.body[:1] == b"<" else "application/octet-stream"
        lines = [f"HTTP/1.1 {self.status} {_REASONS[self.status]}", f"Content-Length: {length}"]
        lines += [f"Content-Type: {kind}", "x-amz-request-id: 0"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


Answerer = Callable[[Request, bytes], Answer]


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer
        self._received = b""
        self._told_to_continue = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, rest = self._received.partition(b"\r\n\r\n")
            request = read_request(head)
            length = int(request.headers.get("content-length", 0))
            if len(rest) < length:
                self._ask_for_the_body(request)
                return
            self._received, self._told_to_continue = rest[length:], False
            self._send(self._answer(request, rest[:length]))

    def _send(self, answer: Answer) -> None:
        """Send an answer in its time: a client asks for the next one only when it has this one."""
        if answer.delay_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(answer.delay_seconds, self._transport.write, answer.on_the_wire())
        else:
            self._transport.write(answer.on_the_wire())

    def _ask_for_the_body(self, request: Request) -> None:
        if "expect" in request.headers and not self._told_to_continue:
            self._told_to_continue = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def serve_until_input_ends(answer: Answerer) -> None:
    """Listen on a free port, print it, and end with standard input: that is, with whoever started this."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answer), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()
