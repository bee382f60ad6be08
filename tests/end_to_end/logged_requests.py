"""A proxy that keeps every request with its body and its answer: what really reaches the emulator.

The emulator ignores the conditions of a CopyObject on its destination. So the proxy asks for the object before it, and before the
completion of an upload, and answers 412 in its place, as S3 does
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

from __future__ import annotations

import contextlib
import http.client
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

HOST = "127.0.0.1"
DROPPED = ("host", "expect", "connection", "transfer-encoding", "content-length")
REPLACED = ("connection", "transfer-encoding", "content-length")
COPY_SOURCE = "x-amz-copy-source"
TOKEN = "x-amz-security-token"
REFUSED = b"<Error><Code>PreconditionFailed</Code><Message>At least one of the pre-conditions did not hold</Message></Error>"
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True)
class Logged:
    """One request; header names in lower case. Of a batch the answer is kept too, because it names what was not done."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes = b""

    def done(self, bucket: str) -> list[tuple[str, str]]:
        """Return what it has done in a bucket, as `writes` says it: nothing of what was answered with an error."""
        if self.status >= 300:
            return []
        failed = {found.text or "" for found in _keys(self.answer, "Error")} if self.answer else set()
        return [write for write in self.writes(bucket) if write[1] not in failed]

    def writes(self, bucket: str) -> list[tuple[str, str]]:
        """Return what it asks to do in a bucket: `[("copy", key)]`, `[("delete", key), ...]`, or nothing."""
        path, _, query = self.path.partition("?")
        named, _, key = unquote(path).lstrip("/").partition("/")
        if named != bucket:
            return []
        if self.method == "PUT" and COPY_SOURCE in self.headers:
            return [("copy", key)]
        if self.method == "DELETE" and key:
            return [("delete", key)]
        if self.method == "POST" and "delete" in query.split("&")[0]:
            return [("delete", found.text or "") for found in _keys(self.body, "Object")]
        return [("another", f"{self.method} {self.path}")] if self.method in ("PUT", "POST", "DELETE") else []


@dataclass(frozen=True)
class Reply:
    """What goes back to the client; of a HEAD's answer the length is that of the body which it has not."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    length: str


@contextlib.contextmanager
def logging_proxy(port: int) -> Iterator[tuple[str, list[Logged]]]:
    """Yield the address of a proxy before the emulator at this port, and what has come so far; it ends with the block."""
    log: list[Logged] = []

    class Handler(PassingHandler):
        upstream_port, requests = port, log

    with serving(Handler) as url:
        yield url, log


@contextlib.contextmanager
def serving(handler: type[PassingHandler]) -> Iterator[str]:
    """Yield the address at which a handler serves as long as the block."""
    with _Server((HOST, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class PassingHandler(BaseHTTPRequestHandler):
    """Passes requests on to the emulator, unless a condition on the destination is not met, and answers back."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream_port: int
    requests: list[Logged]

    def serve(self, body: bytes, headers: dict[str, str]) -> None:
        """Carry one request out, and answer; header names are in lower case."""
        self.answer(self.carry_out(body, headers))

    def carry_out(self, body: bytes, headers: dict[str, str]) -> Reply:
        """Let the emulator do what is asked; return its answer."""
        if (COPY_SOURCE in headers or self.command == "POST") and not self._is_met(headers):
            self.requests.append(Logged(self.command, self.path, headers, body, 412))
            return Reply(412, (("Content-Type", "application/xml"),), REFUSED, str(len(REFUSED)))
        kept = {name: value for name, value in headers.items() if name not in DROPPED}
        answer, content = self._ask(self.command, self.path, body, kept)
        batch = content if self.command == "POST" else b""
        self.requests.append(Logged(self.command, self.path, headers, body, answer.status, batch))
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        named = ((name, value) for name, value in answer.getheaders() if name.lower() not in REPLACED)
        return Reply(answer.status, tuple(named), content, length or "0")

    def answer(self, reply: Reply) -> None:
        """Send an answer."""
        self.send_response_only(reply.status)
        for name, value in (*reply.headers, ("Content-Length", reply.length)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.serve(body, {name.lower(): value for name, value in self.headers.items()})

    def _ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        with contextlib.closing(http.client.HTTPConnection(HOST, self.upstream_port)) as upstream:
            upstream.request(method, path, body, headers)
            answer = upstream.getresponse()
            return answer, answer.read()

    def _is_met(self, headers: dict[str, str]) -> bool:
        """Whether the destination of a copy is what its condition says."""
        if not {"if-match", "if-none-match"} & headers.keys():
            return True
        found, _ = self._ask("HEAD", self.path.partition("?")[0], b"", {TOKEN: headers[TOKEN]})
        etag = found.getheader("ETag") if found.status == 200 else None
        return etag == headers["if-match"] if "if-match" in headers else etag is None

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _take

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _keys(body: bytes, of: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(body)
    return root.findall(f"{NAMESPACE}{of}/{NAMESPACE}Key") + root.findall(f"{of}/Key")
