"""A proxy that keeps every request with its body and the status of its answer: what really reaches the emulator."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote
from xml.etree import ElementTree

HOST = "127.0.0.1"
DROPPED = ("host", "expect", "connection", "transfer-encoding", "content-length")
COPY_SOURCE = "x-amz-copy-source"
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True)
class Logged:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int

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
            return [("delete", found.text or "") for found in _keys(self.body)]
        return [("another", f"{self.method} {self.path}")] if self.method in ("PUT", "POST", "DELETE") else []


@contextlib.contextmanager
def logging_proxy(port: int) -> Iterator[tuple[str, list[Logged]]]:
    """Yield the address of a proxy before the emulator at this port, and what has come so far; it ends with the block."""
    log: list[Logged] = []

    class Handler(_Handler):
        upstream_port, requests = port, log

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}", log
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream_port: int
    requests: list[Logged]

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        upstream = http.client.HTTPConnection(HOST, self.upstream_port)
        with contextlib.closing(upstream):
            kept = {name: value for name, value in headers.items() if name not in DROPPED}
            upstream.request(self.command, self.path, body, kept)
            answer = upstream.getresponse()
            content = answer.read()
        self.requests.append(Logged(self.command, self.path, headers, body, answer.status))
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _keys(body: bytes) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(body)
    return root.findall(f"{NAMESPACE}Object/{NAMESPACE}Key") + root.findall("Object/Key")
