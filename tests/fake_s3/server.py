"""The S3 itself: takes requests one after the other, does what a test wants to happen before and after them, and answers."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.endpoint
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from client_twins import made_once, twin_of
from workers import Killed, Process, Workers

from fake_s3 import extras, protocol, reading, uploading, writing
from fake_s3.model import service_model
from fake_s3.stored import Bucket, Refusal
from lambda_functions.shared.s3 import clients

Operation = Callable[[Any, Mapping[str, Any]], dict[str, Any]]
OPERATIONS: Mapping[str, Operation] = {
    "HeadBucket": reading.head_bucket,
    "ListObjectsV2": reading.list_objects_v2,
    "HeadObject": reading.head_object,
    "GetObject": reading.get_object,
    "GetObjectAttributes": reading.get_object_attributes,
    "GetObjectTagging": reading.get_object_tagging,
    "PutObject": writing.put_object,
    "CopyObject": writing.copy_object,
    "DeleteObject": writing.delete_object,
    "DeleteObjects": writing.delete_objects,
    "PutObjectTagging": writing.put_object_tagging,
    "CreateMultipartUpload": uploading.create_multipart_upload,
    "UploadPart": uploading.upload_part,
    "UploadPartCopy": uploading.upload_part_copy,
    "CompleteMultipartUpload": uploading.complete_multipart_upload,
    "AbortMultipartUpload": uploading.abort_multipart_upload,
    "ListMultipartUploads": uploading.list_multipart_uploads,
    "ListParts": uploading.list_parts,
    "RestoreObject": extras.restore_object,
    "GetObjectLockConfiguration": extras.get_object_lock_configuration,
    "GetObjectRetention": extras.get_object_retention,
    "GetObjectLegalHold": extras.get_object_legal_hold,
    "ListObjectAnnotations": extras.list_object_annotations,
    "GetObjectAnnotation": extras.get_object_annotation,
    "PutObjectAnnotation": extras.put_object_annotation,
}


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `asked` are its parameters."""

    operation: str
    bucket: str
    key: str
    asked: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What S3 says instead; with status 200 an error that is found after the answer has begun."""

    status: int
    code: str = ""
    message: str = ""


BUSY = Answer(503, "SlowDown", "Please reduce your request rate.")
LOST = Answer(0, "lost")  # the connection is closed
EMPTY = Answer(200, "empty")  # no document at all
CUT = Answer(0, "cut")  # the connection is closed in the middle of the document, and nobody notices

# May change the world, and answer: an Answer, or a page or other answer as parameters. None lets things take their course.
Action = Callable[[Request], Any]


@dataclass
class _Rule:
    operation: str
    is_meant: Callable[[Request], bool]
    action: Action
    is_after: bool
    skip: int
    left: int

    def applies(self, request: Request, is_after: bool) -> bool:
        """Whether it is this rule's turn; counts the requests that it is about."""
        if (self.operation, self.is_after) != (request.operation, is_after) or not self.is_meant(request):
            return False
        self.skip -= 1
        if self.skip >= 0 or not self.left:
            return False
        self.left -= 1
        return True


@dataclass
class FakeS3(Workers):
    """An S3 with buckets, a clock, and a record of what was asked of it; `principal` is who asks, the initiator of uploads."""

    clock: datetime = datetime(2026, 11, 22, 12, 0, 0, 750_000, tzinfo=UTC)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    page_keys: int = reading.MAX_PAGE
    principal: str = "arn:aws:sts::111122223333:assumed-role/sync-buckets-copy/sync-buckets-copy_keys"
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)
    answered: list[tuple[Request, dict[str, Any]]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    upload_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _rules: list[_Rule] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.RLock)

    def bucket(self, name: str, **more: Any) -> Bucket:
        """Return a new, empty bucket."""
        self.buckets[name] = Bucket(name, lambda: self.clock, **more)
        return self.buckets[name]

    def later(self, seconds: float = 1) -> None:
        """Let time pass; it does not by itself."""
        self.clock += timedelta(seconds=seconds)

    def before(self, operation: str, action: Action | Answer, **when: Any) -> None:
        """Do this before a request, or answer it so without doing it: the `nth` (1) such request, and so `times` (1) in all.

        `bucket` and `key` (a whole key, or a question about it) say which requests are meant.
        """
        self._add(operation, action, False, **when)

    def after(self, operation: str, action: Action | Answer, **when: Any) -> None:
        """Do this after S3 has done a request; an answer replaces that which S3 would give."""
        self._add(operation, action, True, **when)

    def kill(self, operation: str, after: bool = False, **when: Any) -> None:
        """End the worker before, or just after, such a request."""

        def die(request: Request) -> None:
            raise Killed(f"killed at {request.operation}")

        self._add(operation, die, after, **when)

    def relent(self) -> None:
        """Forget what was said by `before`, `after` and `kill`."""
        self._rules.clear()

    def counts(self, *buckets: str) -> dict[str, int]:
        """Return the requests by kind, as reports count them; to these buckets only, if any are named."""
        asked = [request for request in self.sent if not buckets or request.bucket in buckets]
        return dict(sorted(Counter(clients.request_kind(request.operation) for request in asked).items()))

    def of(self, operation: str) -> list[Request]:
        """Return the requests of one kind, in their order."""
        return [request for request in self.sent if request.operation == operation]

    def _add(
        self,
        operation: str,
        action: Action | Answer,
        is_after: bool,
        bucket: str = "",
        key: str | Callable[[str], bool] = "",
        nth: int = 1,
        times: int = 1,
    ) -> None:
        assert operation in OPERATIONS, operation
        is_key = key if callable(key) else (lambda found: key in ("", found))

        def is_meant(request: Request) -> bool:
            return bucket in ("", request.bucket) and is_key(request.key)

        act = (lambda request: action) if isinstance(action, Answer) else action
        self._rules.append(_Rule(operation, is_meant, act, is_after, nth - 1, times))

    def adopt(self, client: Any) -> Any:
        """Let a client belong to the worker that this thread is, and send to this S3 whatever it sends; return it."""
        process = self.current()
        client.meta.events.register_first(
            "before-send", lambda event_name, request, **_: self.answer(process, event_name, request)
        )
        return client

    def answer(self, process: Process, event_name: str, request: Any) -> AWSResponse:
        """Answer botocore's `before-send` event of a client of this worker."""
        if process.is_dead:
            raise Killed("dead already")
        if event_name == "before-send.sfn.DescribeExecution":
            return self._execution(request)
        assert ".s3." in event_name, f"{event_name}: this is an S3 and nothing else"
        model = service_model().operation_model(event_name.rpartition(".")[2])
        try:
            answer = self._answer(model, request)
            answer.headers["Date"] = format_datetime(self.clock, usegmt=True)
            return answer
        except Killed:
            process.is_dead = True
            raise

    def _execution(self, prepared: Any) -> AWSResponse:
        """Answer as Step Functions, the one thing besides S3 that a worker asks: `executions`, and all others are running."""
        arn = json.loads(prepared.body)["executionArn"]
        running = {"status": "RUNNING", "startDate": self.clock.timestamp()}
        said = {"executionArn": arn, "stateMachineArn": arn, **running, **self.executions.get(arn, {})}
        return protocol.response(prepared.url, 200, json.dumps(said).encode(), {})

    def _answer(self, model: Any, prepared: Any) -> AWSResponse:
        is_head = model.http["method"] == "HEAD"
        try:
            asked = protocol.read(model, prepared)
            request = Request(model.name, asked.get("Bucket", ""), asked.get("Key", ""), asked)
            said = self._done(request)
        except Refusal as refused:
            return protocol.error(prepared.url, refused.status, refused.code, refused.message, is_head)
        if isinstance(said, Answer):
            return self._instead(model, prepared, request, said, is_head)
        status = 206 if "PartNumber" in asked and is_head else None
        return protocol.write(model, prepared.url, self._written(request, said), status)

    def _done(self, request: Request) -> Any:
        """Return what S3 says to a request, parameters or an Answer, having done it unless a test had it otherwise."""
        with self._lock:
            self.sent.append(request)
        said = self._act(request, False)
        if said is None:
            with self._lock:
                said = OPERATIONS[request.operation](self, request.asked)
        instead = self._act(request, True)
        return said if instead is None else instead

    def _act(self, request: Request, is_after: bool) -> Any:
        with self._lock:
            due = [rule for rule in self._rules if rule.applies(request, is_after)]
        said = [rule.action(request) for rule in due]
        return next((one for one in said if isinstance(one, Answer | dict)), None)

    def _written(self, request: Request, said: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.answered.append((request, said))
        return reading.in_url_encoding(said) if request.asked.get("EncodingType") == "url" else said

    def _instead(
        self, model: Any, prepared: Any, request: Request, said: Answer, is_head: bool
    ) -> AWSResponse:
        if said is LOST:
            raise ConnectionClosedError(endpoint_url=prepared.url)
        if said is EMPTY:
            return protocol.response(prepared.url, 200, b"", {})
        if said is CUT:
            whole = protocol.write(
                model,
                prepared.url,
                self._written(request, OPERATIONS[request.operation](self, request.asked)),
            )
            return protocol.response(prepared.url, 200, whole.content[: len(whole.content) // 2], {})
        bucket = self.buckets.get(request.bucket)
        region = bucket.region if bucket else None
        return protocol.error(prepared.url, said.status, said.code, said.message, is_head, region)


@contextlib.contextmanager
def fake_s3(s3: FakeS3 | None = None) -> Iterator[FakeS3]:
    """Let the clients that our workers make from now on talk to a fake S3; botocore's pauses are noted, not made."""
    s3 = s3 or FakeS3()
    with (
        mock.patch.object(clients, "_session", lambda: _Session(s3)),
        mock.patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=_noting(s3.pauses))),
    ):
        yield s3


def _noting(pauses: list[float]) -> Callable[[float], None]:
    """Return what notes a pause in the place of a sleep; not those of a test before, whose threads may still be trying."""
    earlier = set(threading.enumerate()) - {threading.current_thread()}

    def sleep(seconds: float) -> None:
        if threading.current_thread() not in earlier:
            pauses.append(seconds)

    return sleep


@dataclass(frozen=True)
class _Session:
    """Makes the clients of our workers, each with events of its own."""

    s3: FakeS3

    def client(self, service: str, region_name: str | None, config: Config) -> Any:
        """Return a twin of a client that was made before."""
        return self.s3.adopt(twin_of(made_once(service, region_name, config)))
