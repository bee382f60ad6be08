"""The S3 clients of one invocation, and the count of what they really send.

A run needs up to three: one in the region of each data bucket and one in our own region for the work bucket. Requests to
the data buckets are counted at the moment they are sent, retries included; requests to the work bucket are not.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from lambda_functions.shared.errors import EXPIRED_CODES, is_passing_code
from lambda_functions.shared.s3 import model_loader
from lambda_functions.shared.s3.before_parse import let_emit_before_parse
from lambda_functions.shared.s3.list_page import Page, page_from_botocore, parse

# Our names for the requests that people count; every other operation is its own name in upper case with underscores.
KINDS = {
    "ListObjectsV2": "LIST",
    "HeadObject": "HEAD",
    "GetObject": "GET",
    "CopyObject": "COPY",
    "DeleteObject": "DELETE",
}

# CopyObject may be silent for minutes while S3 moves gigabytes; botocore's own limit of 60 s would send it again and again.
COPY_TIMEOUT_SECONDS = 900
READ_TIMEOUT_SECONDS = 60
CONNECT_TIMEOUT_SECONDS = 10
# More than the threads of any worker, objects and parts together.
CONNECTIONS = 128
# One text for all requests: botocore would put its own together twice for each, at a tenth of a COPY's processor time.
USER_AGENT = "SyncBuckets"
# botocore's `standard` mode gives up for a whole client after about a hundred retries, which S3's ordinary throttling of a prefix
# that warms up exceeds at once; `legacy` backs off for every request by itself: eight pauses of 0 to 1, 2, 4 ... 128 seconds.
# So a request that is always answered with 5xx is given up after two minutes on average, and 255 seconds at most.
MAX_ATTEMPTS = 9
RETRIES = {"mode": "legacy", "total_max_attempts": MAX_ATTEMPTS}
# What may pass and may stay for ever is tried less often, for 7 seconds at most: credentials that have expired, and a HEAD that
# is answered with 400, whose code nobody knows. It may be KMS, which a HEAD for checksums asks, or an object under a client's own
# key: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
MAX_UNCERTAIN_ATTEMPTS = 4

# What S3's answers may hold and XML may not, as it is or as a reference: keys are repeated with all their control characters
# (https://github.com/boto/botocore/issues/3496).
_NOT_XML = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]"
    rb"|&#0*(?:[0-8]|1[124-9]|2\d|3[01]|6553[45]);|&#x0*(?:[0-8bcef]|1[0-9a-f]|fff[ef]);",
    re.IGNORECASE,
)

# S3 sends status 200 before these are done, and what came of them in the document that follows:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
ANSWERED_AT_ONCE = ("CopyObject", "UploadPartCopy", "CompleteMultipartUpload")

# The conditions of a write and the headers that they are.
CONDITIONS = {"IfMatch": "If-Match", "IfNoneMatch": "If-None-Match"}

# What botocore calls a HEAD's 400, which has no body.
NAMELESS_BAD_REQUEST = "400"

_client_creation = threading.Lock()
_extra_headers: contextvars.ContextVar[tuple[str, Mapping[str, str]]] = contextvars.ContextVar(
    "extra_headers", default=("", MappingProxyType({}))
)
_wants_page: contextvars.ContextVar[bool] = contextvars.ContextVar("wants_page", default=False)
# Under which name an answer of ListObjectsV2 has its page, if we have read that and not botocore.
_PAGE = "Page"
_NO_OBJECTS = b"<ListBucketResult/>"


class RequestCounter:
    """Counts requests by kind, and pages that had to be left to botocore; safe to share between threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.unusual_pages = 0

    def watch(self, client: Any) -> Any:
        """Count everything that this client sends from now on; return the client."""
        client.meta.events.register("before-send.s3", self._count_request)
        client.meta.events.register("after-call.s3.ListObjectsV2", self._count_unusual_page)
        return client

    def _count_request(self, event_name: str, **_: Any) -> None:
        kind = request_kind(event_name.rpartition(".")[2])
        with self._lock:
            self._counts[kind] += 1

    def _count_unusual_page(self, parsed: Mapping[str, Any], **_: Any) -> None:
        if _wants_page.get() and _PAGE not in parsed and "Error" not in parsed:
            with self._lock:
                self.unusual_pages += 1

    def counts(self) -> dict[str, int]:
        """Return a copy: `{"LIST": 12, "COPY": 3}`."""
        with self._lock:
            return dict(self._counts)


@dataclass(frozen=True)
class Clients:
    """The clients of one invocation; `source` and `destination` are counted in `requests`."""

    source: Any
    destination: Any
    work: Any
    requests: RequestCounter


def connect(source_region: str | None, destination_region: str | None) -> Clients:
    """Return clients for the two regions; None means the region that the function runs in."""
    requests = RequestCounter()
    source = requests.watch(client("s3", source_region))
    destination = requests.watch(client("s3", destination_region, COPY_TIMEOUT_SECONDS))
    return Clients(source, destination, client("s3"), requests)


def client(service: str, region: str | None = None, read_timeout_seconds: int = READ_TIMEOUT_SECONDS) -> Any:
    """Return a boto3 client with our time limits; creating one is not thread-safe, so it happens under a lock."""
    with _client_creation:
        new_client = _session().client(service, region_name=region, config=_config(read_timeout_seconds))
    if service == "s3":
        let_emit_before_parse(new_client)
        new_client.meta.events.register("before-parameter-build.s3", _remember_bucket)
        new_client.meta.events.register("before-parameter-build.s3.PutObject", _take_conditions_out)
        new_client.meta.events.register("after-call.s3", _name_bucket)
        new_client.meta.events.register("before-call.s3", _add_headers)
        new_client.meta.events.register("needs-retry.s3", _pause_before_retry)
        new_client.meta.events.register("before-call.s3.UploadPart", _add_no_checksum)
        for operation in ("CreateMultipartUpload", "CompleteMultipartUpload", "ListParts"):
            # With a star, because these are called before botocore's own, which takes an answer that it cannot read for an error.
            new_client.meta.events.register(f"before-parse.*.{operation}", _remove_unreadable_characters)
        for operation in ANSWERED_AT_ONCE:
            new_client.meta.events.register(f"before-parse.*.{operation}", _note_missing_answer)
        new_client.meta.events.register("before-parse.*.CopyObject", _drop_copy_result)
        new_client.meta.events.register("before-parse.*.ListObjectsV2", _parse_page)
    return new_client


def list_page(client: Any, **parameters: Any) -> Page:
    """Return a page of ListObjectsV2: all but reading a usual answer is botocore's, see `list_page`."""
    token = _wants_page.set(True)
    try:
        answer = client.list_objects_v2(**parameters)
    finally:
        _wants_page.reset(token)
    page: Page = answer.get(_PAGE) or page_from_botocore(answer)
    return replace(page, retries=answer["ResponseMetadata"].get("RetryAttempts", 0))


@contextlib.contextmanager
def extra_headers(operation: str, headers: Mapping[str, str]) -> Iterator[None]:
    """Send these headers with one kind of call, such as `CopyObject`, of this thread inside the block.

    Conditions on the destination and newer directives go this way because the botocore of a Lambda runtime may be older
    than they are: a parameter it does not know would be refused, a header is signed and sent by every version.
    """
    token = _extra_headers.set((operation, headers))
    try:
        yield
    finally:
        _extra_headers.reset(token)


def request_kind(operation: str) -> str:
    """Return the name under which an operation is counted: `ListObjectsV2` -> `LIST`, `HeadBucket` -> `HEAD_BUCKET`."""
    return KINDS.get(operation) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()


def _remember_bucket(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["bucket"] = params.get("Bucket", "")


def _name_bucket(parsed: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    """Let an error say which bucket it is about, for `errors.bucket_of`."""
    if "Error" in parsed:
        parsed.setdefault("ResponseMetadata", {})["Bucket"] = context.get("bucket", "")


def _take_conditions_out(model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Take conditions that this botocore does not know out of the parameters; they are sent as headers.

    PutObject has had them since 20 August 2024: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    unknown = [name for name in CONDITIONS if name in params and name not in model.input_shape.members]
    context["conditions"] = {CONDITIONS[name]: params.pop(name) for name in unknown}


def _add_headers(model: Any, params: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
    params["headers"].update(context.get("conditions", {}))
    operation, headers = _extra_headers.get()
    if model.name == operation:
        params["headers"].update(headers)


def _pause_before_retry(
    response: tuple[Any, Mapping[str, Any]] | None, attempts: int, **_: Any
) -> float | None:
    """Return the seconds until a request is sent again that botocore itself would not repeat; None if it is not to be.

    botocore knows what passes by code and status together, and none of KMS's codes with their prefix. Its pauses are kept. What a
    worker's turn cannot wait for is named as failed when the turn ends.
    """
    error = response[1].get("Error", {}) if response else {}
    most = _max_attempts(str(error.get("Code", "")))
    return random.random() * 2 ** (attempts - 1) if attempts < most else None


def _max_attempts(code: str) -> int:
    if is_passing_code(code):
        return MAX_ATTEMPTS
    return MAX_UNCERTAIN_ATTEMPTS if code in EXPIRED_CODES or code == NAMELESS_BAD_REQUEST else 0


def _add_no_checksum(params: dict[str, Any], **_: Any) -> None:
    """Keep botocore from adding a CRC32 to a part whose upload has no checksums, which S3 would refuse."""
    params["context"].get("checksum", {}).pop("request_algorithm", None)


def _remove_unreadable_characters(response_dict: dict[str, Any], **_: Any) -> None:
    """Remove what botocore cannot read; it would take the upload for failed, and begin another four."""
    response_dict["body"] = _NOT_XML.sub(b"", response_dict["body"])


def _note_missing_answer(response_dict: dict[str, Any], **_: Any) -> None:
    """Give status 200 without a document the status of a fault, so that it is repeated: S3 has not said that it was done."""
    if response_dict["status_code"] == 200 and not response_dict["body"].strip():
        response_dict["status_code"] = 500


def _drop_copy_result(response_dict: dict[str, Any], **_: Any) -> None:
    """Spare botocore the reading of what nobody asks for; an answer that may be an error stays as it is."""
    body = response_dict["body"]
    if body.endswith(b"</CopyObjectResult>") and b"<Error>" not in body:
        response_dict["body"] = b"<CopyObjectResult/>"


def _parse_page(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Put a page into the answer and leave botocore an empty one, if it is asked for and of the usual form."""
    page = parse(response_dict["body"]) if _wants_page.get() and response_dict["status_code"] == 200 else None
    if page:
        response_dict["body"], customized_response_dict[_PAGE] = _NO_OBJECTS, page


@functools.cache
def _session() -> boto3.session.Session:
    session = botocore.session.Session()
    model_loader.use_fast_loader(session)
    return boto3.session.Session(botocore_session=session)


@functools.cache
def _config(read_timeout_seconds: int) -> Config:
    return Config(
        retries=RETRIES,
        read_timeout=read_timeout_seconds,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        max_pool_connections=CONNECTIONS,
        user_agent=USER_AGENT,
        tcp_keepalive=True,
    )
