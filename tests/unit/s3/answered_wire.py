"""The wire under one client: takes what the client is about to send, and answers it. Nothing leaves the process."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.awsrequest import AWSResponse


class Raw(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Wire:
    """Takes what a client is about to send, and answers it: with a status and a body each, with `body` when those are used up.

    An answer may be an error instead, which is raised as that of a connection. All answers have the same headers.
    """

    def __init__(
        self, *answers: tuple[int, str] | Exception, body: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.sent: list[Any] = []
        self._answers = list(answers)
        self._body = body
        self._headers = headers or {}
        self._lock = threading.Lock()

    def under(self, client: Any) -> Any:
        client.meta.events.register("before-send.s3", self._answer)
        return client

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        with self._lock:
            self.sent.append(request)
            answer = self._answers.pop(0) if self._answers else (200, self._body)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return AWSResponse(request.url, status, dict(self._headers), Raw(body.encode()))

    def headers(self, name: str) -> list[str | None]:
        values = [request.headers.get(name) for request in self.sent]
        return [value.decode() if isinstance(value, bytes) else value for value in values]

    def signed(self) -> list[list[str]]:
        """Return the names of the headers that each request's signature covers."""
        signatures = [str(value) for value in self.headers("Authorization")]
        return [one.split("SignedHeaders=")[1].split(",")[0].split(";") for one in signatures]
