"""Between our workers and moto: sees every S3 request, answers those that a test wants answered otherwise, as strict as AWS.

moto ignores some of what the product relies on. Here those are answered as AWS documents them:

- `x-amz-copy-source-if-match` of CopyObject and UploadPartCopy: 412
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html)
- `If-Match` and `If-None-Match` of CopyObject, `If-Match` of CompleteMultipartUpload: 412, and 404 for an `If-Match` where
  there is no object (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html)
- the `ETag` of each key of DeleteObjects: an error for that key, the others are deleted
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html)
- HeadObject with PartNumber: ETag and metadata are those of the whole object, moto gives the part's
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html)
- ListObjectsV2 with OptionalObjectAttributes: whether an archived object is restored
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html)
- `x-amz-expected-bucket-owner` and `x-amz-source-expected-bucket-owner`: 403
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html)

What this shows is that our workers send these conditions and read these answers; that AWS gives them is AWS's word.
"""

from __future__ import annotations

import contextlib
import io
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from client_twins import made_once, twin_of
from moto.core.botocore_stubber import BotocoreStubber
from moto.s3.models import FakeKey, s3_backends
from workers import Killed, Process, Workers

from lambda_functions.shared.s3 import clients

ACCOUNT = "123456789012"
XML = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True)
class Request:
    """One S3 request as it is about to be sent."""

    operation: str
    bucket: str
    key: str
    headers: dict[str, str]
    body: bytes
    query: str
    region: str

    @classmethod
    def of(cls, event_name: str, prepared: Any) -> Request:
        """Return what botocore's `before-send` event is about."""
        address = urllib.parse.urlsplit(prepared.url)
        headers = {name.lower(): _text(value) for name, value in prepared.headers.items()}
        body = prepared.body or b""
        return cls(
            event_name.rpartition(".")[2],
            address.netloc.partition(".s3.")[0],
            urllib.parse.unquote(address.path[1:]),
            headers,
            body.encode() if isinstance(body, str) else bytes(body) if isinstance(body, bytes) else b"",
            address.query,
            address.netloc.partition(".s3.")[2].partition(".")[0],
        )

    def source(self) -> tuple[str, str]:
        """Return bucket and key that a copy reads."""
        bucket, _, key = urllib.parse.unquote(self.headers["x-amz-copy-source"]).lstrip("/").partition("/")
        return bucket, key


@dataclass(frozen=True)
class Answer:
    """What S3 says instead of doing it; `body` replaces the document of an error."""

    status: int
    code: str = ""
    message: str = ""
    body: str = ""


DENIED = Answer(403, "AccessDenied", "Access Denied")
GONE = Answer(404, "NoSuchKey", "The specified key does not exist.")
BUSY = Answer(503, "SlowDown", "Please reduce your request rate.")
LOST = Answer(0)
REFUSED = Answer(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")

Action = Callable[[Request], Answer | None]


@dataclass
class _Rule:
    matches: Callable[[Request], bool]
    action: Action
    left: int


class Wire(Workers):
    """What was sent, and what a test wants to happen on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Request] = []
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def on(
        self,
        operation: str,
        action: Action | Answer,
        *,
        bucket: str = "",
        key: str | Callable[[str], bool] = "",
        times: int = 1_000_000,
    ) -> None:
        """Do this when such a request is about to be sent, `times` times; an action that returns None lets it go on.

        `key` is a part of the key, or a question about it.
        """
        is_meant = key if callable(key) else (lambda found: key in found)

        def matches(request: Request) -> bool:
            return request.operation == operation and bucket in ("", request.bucket) and is_meant(request.key)

        act = (lambda request: action) if isinstance(action, Answer) else action
        with self._lock:
            self._rules.append(_Rule(matches, act, times))

    def kill(self, operation: str, **where: Any) -> None:
        """End the worker that is about to send such a request, once unless `times` is given."""

        def die(request: Request) -> Answer | None:
            raise Killed(f"killed before {request.operation}")

        self.on(operation, die, **{"times": 1, **where})

    def lose(self, operation: str, **where: Any) -> None:
        """Have S3 do such a request and lose its answer, once unless `times` is given; botocore then sends it again."""
        self.on(operation, LOST, **{"times": 1, **where})

    def relent(self) -> None:
        """Forget what `on` and `kill` have said."""
        with self._lock:
            self._rules.clear()

    def counts(self, *buckets: str) -> dict[str, int]:
        """Return the requests to these buckets by kind, as a report counts them."""
        kinds = Counter(
            clients.request_kind(request.operation) for request in self.sent if request.bucket in buckets
        )
        return dict(sorted(kinds.items()))

    def keys(self, operation: str, bucket: str) -> list[str]:
        """Return the keys of these requests, sorted."""
        return sorted(
            request.key
            for request in self.sent
            if request.operation == operation and request.bucket == bucket
        )

    def answer(self, process: Process, event_name: str, request: Any) -> AWSResponse | None:
        """Answer botocore's `before-send` event of a client of this process."""
        if ".s3." not in event_name:
            return None
        if process.is_dead:
            raise Killed("dead already")
        seen = Request.of(event_name, request)
        try:
            answer = self._act(seen)
        except Killed:
            process.is_dead = True
            raise
        request.is_lost = answer is LOST
        answer = _refusal(seen) if request.is_lost or answer is None else answer
        request.is_answered = answer is not None
        return _response(request.url, seen, answer) if answer else None

    def _act(self, request: Request) -> Answer | None:
        with self._lock:
            self.sent.append(request)
            rule = next((rule for rule in self._rules if rule.left and rule.matches(request)), None)
            if rule:
                rule.left -= 1
        return rule.action(request) if rule else None


@contextlib.contextmanager
def wire_to_moto() -> Iterator[Wire]:
    """Put a wire between the clients that our workers make from now on, and moto."""
    wire = Wire()
    with (
        mock.patch.object(clients, "_session", lambda: _Session(wire)),
        mock.patch.object(BotocoreStubber, "__call__", moto_unless_answered(BotocoreStubber.__call__)),
    ):
        yield wire


@dataclass(frozen=True)
class _Session:
    """Makes the clients of our workers, each with events of its own and with the wire at their end."""

    wire: Wire

    def client(self, service: str, region_name: str | None, config: Config) -> Any:
        """Return a twin of a client that was made before."""
        twin = twin_of(made_once(service, region_name, config))
        twin.meta.events.register_first("before-send", self._watcher())
        return twin

    def _watcher(self) -> Callable[..., AWSResponse | None]:
        process = self.wire.current()
        return lambda event_name, request, **_: self.wire.answer(process, event_name, request)


def moto_unless_answered(moto: Callable[..., Any]) -> Callable[..., Any]:
    """Return moto's own handler of `before-send`, silent where the wire has answered: botocore asks all its handlers."""

    def call(self: Any, event_name: str, request: Any, **more: Any) -> Any:
        if getattr(request, "is_answered", False):
            return None
        answer = moto(self, event_name, request, **more)
        if getattr(request, "is_lost", False):
            raise ConnectionClosedError(endpoint_url=request.url)
        if event_name.endswith(".HeadObject") and "partNumber=" in request.url:
            _describe_the_whole(Request.of(event_name, request), answer)
        if event_name.endswith(".ListObjectsV2") and "x-amz-optional-object-attributes" in request.headers:
            return _with_restored(Request.of(event_name, request), answer)
        return answer

    return call


def _with_restored(request: Request, answer: AWSResponse) -> AWSResponse:
    there = s3_backends[ACCOUNT]["aws"].buckets.get(request.bucket)
    restored = [key for key in there.keys if there.keys[key]._expiry] if there else []
    if not restored:
        return answer
    body = answer.content.decode()
    for key in restored:
        name = f"<Key>{urllib.parse.quote(key)}</Key>"
        body = body.replace(name, name + _RESTORED)
    return AWSResponse(answer.url, answer.status_code, answer.headers, _Raw(body.encode()))


_RESTORED = (
    "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>"
    "<RestoreExpiryDate>2040-01-01T00:00:00.000Z</RestoreExpiryDate></RestoreStatus>"
)


def _describe_the_whole(request: Request, answer: AWSResponse) -> None:
    whole = stored(request.bucket, request.key)
    if whole and answer.status_code < 300:
        answer.headers.update({**whole.metadata, "ETag": whole.etag})


def stored(bucket: str, key: str) -> Any:
    """Return moto's own object, whose attributes a test may change; None where there is none, or a delete marker."""
    found = s3_backends[ACCOUNT]["aws"].get_bucket(bucket).keys.get(key)
    return found if isinstance(found, FakeKey) else None


def tags_of(found: Any) -> dict[str, str]:
    """Return the tags of one of moto's own objects, also of an archived one, which moto's API refuses."""
    tags: dict[str, str] = s3_backends[ACCOUNT]["aws"].tagger.get_tag_dict_for_resource(found.arn)
    return tags


def _refusal(request: Request) -> Answer | None:
    """Return what AWS would refuse and moto would not."""
    owners = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")
    if any(request.headers.get(name, ACCOUNT) != ACCOUNT for name in owners):
        return DENIED
    if "x-amz-copy-source-if-match" in request.headers:
        source = stored(*request.source())
        if source and source.etag != request.headers["x-amz-copy-source-if-match"]:
            return REFUSED
    if request.operation in ("CopyObject", "CompleteMultipartUpload"):
        return _refused_write(request)
    return _refused_deletes(request) if request.operation == "DeleteObjects" else None


def _refused_write(request: Request) -> Answer | None:
    there = stored(request.bucket, request.key)
    if request.headers.get("if-none-match") == "*" and there:
        return REFUSED
    if "if-match" not in request.headers:
        return None
    if not there:
        return GONE
    return None if there.etag == request.headers["if-match"] else REFUSED


@dataclass
class _Deletes:
    errors: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


def _refused_deletes(request: Request) -> Answer | None:
    """Delete what may be deleted and name the rest; None where nothing is to be refused."""
    deletes = _Deletes()
    for element in ElementTree.fromstring(request.body).iter(f"{XML}Object"):
        key, etag = element.findtext(f"{XML}Key") or "", element.findtext(f"{XML}ETag")
        there = stored(request.bucket, key)
        if etag and not there:
            deletes.errors.append(_error_of(key, GONE))
        elif etag and there.etag.strip('"') != etag.strip('"'):
            deletes.errors.append(_error_of(key, REFUSED))
        else:
            deletes.keys.append(key)
    if not deletes.errors:
        return None
    for key in deletes.keys:
        s3_backends[ACCOUNT]["aws"].delete_object(request.bucket, key)
    return Answer(200, body=f"<DeleteResult>{''.join(deletes.errors)}</DeleteResult>")


def _error_of(key: str, answer: Answer) -> str:
    said = f"<Code>{answer.code}</Code><Message>{escape(answer.message)}</Message>"
    return f"<Error><Key>{escape(key)}</Key>{said}</Error>"


def delete_errors(**codes: str) -> Answer:
    """Return an answer to DeleteObjects that names these keys with these codes."""
    errors = (_error_of(key, Answer(200, code, f"{code} of {key}")) for key, code in codes.items())
    return Answer(200, body=f"<DeleteResult>{''.join(errors)}</DeleteResult>")


def _response(url: str, request: Request, answer: Answer) -> AWSResponse:
    said = f"<Code>{answer.code}</Code><Message>{escape(answer.message)}</Message>"
    body = answer.body or f"<Error>{said}</Error>"
    if request.operation.startswith("Head"):
        body = ""
    return AWSResponse(url, answer.status, {"content-type": "application/xml"}, _Raw(body.encode()))


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield all of it."""
        yield self.read()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
