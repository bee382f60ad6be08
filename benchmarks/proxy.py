"""A proxy that counts S3 requests, and may hold each back for a while: `python -m benchmarks.proxy PORT`.

It stands before the emulator, the same for everyone. Answers pass through unread; of requests only the head is read, and its Host
replaced by the emulator's own, which answers to no other; whoever has no session token of the emulator gets nothing through here.
The delay of a request is drawn from a seeded generator, in the order in which requests come. `GET /-/counts` tells what came
since it was last asked: `{"bucket KIND": n}`; `GET /-/delay/30/80` sets the delay from then on, `.../80/COPY` that of copies
alone.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

from benchmarks.http_server import HOST
from benchmarks.kinds import Request, read_request

SEED = 2026
_HOST_LINE = re.compile(rb"^host:[^\r\n]*", re.IGNORECASE | re.MULTILINE)


@dataclass
class Proxy:
    """Where requests go, how long each is held back at least and at most, and what came."""

    port: int
    delay_ms: tuple[float, float] = (0.0, 0.0)
    delayed_kind: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    _random: random.Random = field(default_factory=lambda: random.Random(SEED))

    def seconds_for(self, request: Request) -> float:
        """Count a request; return how long it is held back."""
        kind = request.kind()
        self.counts[f"{request.bucket} {kind}"] += 1
        if self.delayed_kind not in ("", kind):
            return 0.0
        return self._random.uniform(*self.delay_ms) / 1000

    def tell(self, request: Request) -> bytes:
        """Answer a question about the proxy itself."""
        if request.key.startswith("delay/"):
            least, most, *kinds = request.key.removeprefix("delay/").split("/")
            self.delay_ms, self._random = (float(least), float(most)), random.Random(SEED)
            self.delayed_kind = "".join(kinds)
        told = json.dumps(self.counts).encode()
        self.counts.clear()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told)


class _FromClient(asyncio.Protocol):
    """One client's connection: its requests one after the other, over one connection to the emulator."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._received = bytearray()
        self._body_bytes_left = 0
        self._is_held_back = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        upstream, _ = await loop.create_connection(
            lambda: _FromEmulator(self.transport), HOST, self._proxy.port
        )
        self._upstream = upstream
        self._go_on()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._pass_on()

    def connection_lost(self, error: Exception | None) -> None:
        self._connecting.cancel()
        if self._connecting.done() and not self._connecting.cancelled():
            self._upstream.close()

    def _go_on(self) -> None:
        self._is_held_back = False
        self._pass_on()

    def _pass_on(self) -> None:
        """Send what may be sent: the rest of a body, then the next request, unless it is held back."""
        while self._received and not self._is_held_back:
            if self._body_bytes_left:
                part = bytes(self._received[: self._body_bytes_left])
                self._body_bytes_left -= len(part)
                del self._received[: len(part)]
                self._upstream.write(part)
            elif not self._begin_request():
                return

    def _begin_request(self) -> bool:
        """Take in the next head; return whether there was a whole one."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._received[: end + 4])
        del self._received[: end + 4]
        request = read_request(head[:-4])
        if request.bucket == "-":
            self.transport.write(self._proxy.tell(request))
            return True
        if "transfer-encoding" in request.headers:
            raise NotImplementedError("a body of unknown length: none of the measured tools sends one")
        self._body_bytes_left = int(request.headers.get("content-length", 0))
        addressed = _HOST_LINE.sub(b"Host: %s:%d" % (HOST.encode(), self._proxy.port), head, count=1)
        self._hold_back(addressed, self._proxy.seconds_for(request))
        return True

    def _hold_back(self, head: bytes, seconds: float) -> None:
        if not seconds:
            self._upstream.write(head)
            return
        self._is_held_back = True
        asyncio.get_running_loop().call_later(seconds, self._release, head)

    def _release(self, head: bytes) -> None:
        self._upstream.write(head)
        self._go_on()


class _FromEmulator(asyncio.Protocol):
    """The emulator's answers, passed on as they come."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        self._client.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._client.close()


async def main(port: int) -> None:
    """Listen on a free port, print it, and end with standard input: that is, with whoever started this."""
    loop = asyncio.get_running_loop()
    proxy = Proxy(port)
    server = await loop.create_server(lambda: _FromClient(proxy), HOST, 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
