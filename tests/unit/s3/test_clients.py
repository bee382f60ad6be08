"""Clients: what they count, which headers they send, and their time limits. Nothing leaves the process."""

from __future__ import annotations

import ast
import contextlib
import random
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
import botocore.session
import pytest
from answered_wire import Wire
from botocore import xform_name
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError
from botocore.loaders import Loader
from places import PROJECT

from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.clients import connect, extra_headers, request_kind

FUNCTIONS = PROJECT / "lambda_functions"
PLACE = {"Bucket": "bucket", "Key": "key"}
UPLOAD = {**PLACE, "UploadId": "1"}
SOURCE = {"CopySource": {"Bucket": "from", "Key": "key"}}
TAGS: Any = {"Tagging": {"TagSet": []}}
SLOW_DOWN = (503, "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")

# Every operation on the two data buckets and the work bucket: what it is counted as, what it needs, what it is answered.
OPERATIONS: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "ListObjectsV2": ("LIST", {"Bucket": "bucket"}, "<ListBucketResult/>"),
    "HeadBucket": ("HEAD_BUCKET", {"Bucket": "bucket"}, ""),
    "GetBucketTagging": ("GET_BUCKET_TAGGING", {"Bucket": "bucket"}, "<Tagging/>"),
    "HeadObject": ("HEAD", PLACE, ""),
    "GetObject": ("GET", PLACE, ""),
    "GetObjectAttributes": (
        "GET_OBJECT_ATTRIBUTES",
        {**PLACE, "ObjectAttributes": ["ObjectParts"]},
        "<GetObjectAttributesResponse/>",
    ),
    "GetObjectTagging": ("GET_OBJECT_TAGGING", PLACE, "<Tagging/>"),
    "GetObjectLockConfiguration": (
        "GET_OBJECT_LOCK_CONFIGURATION",
        {"Bucket": "bucket"},
        "<ObjectLockConfiguration/>",
    ),
    "RestoreObject": ("RESTORE_OBJECT", PLACE, ""),
    "ListObjectAnnotations": ("LIST_OBJECT_ANNOTATIONS", PLACE, "<ListObjectAnnotationsOutput/>"),
    "GetObjectAnnotation": ("GET_OBJECT_ANNOTATION", {**PLACE, "AnnotationName": "a"}, ""),
    "PutObjectAnnotation": (
        "PUT_OBJECT_ANNOTATION",
        {**PLACE, "AnnotationName": "a", "AnnotationPayload": b"1"},
        "<PutObjectAnnotationOutput/>",
    ),
    "PutObject": ("PUT_OBJECT", PLACE, ""),
    "PutObjectTagging": ("PUT_OBJECT_TAGGING", {**PLACE, **TAGS}, ""),
    "CopyObject": ("COPY", {**PLACE, **SOURCE}, "<CopyObjectResult/>"),
    "CreateMultipartUpload": ("CREATE_MULTIPART_UPLOAD", PLACE, "<InitiateMultipartUploadResult/>"),
    "UploadPart": ("UPLOAD_PART", {**UPLOAD, "PartNumber": 1}, ""),
    "UploadPartCopy": ("UPLOAD_PART_COPY", {**UPLOAD, **SOURCE, "PartNumber": 1}, "<CopyPartResult/>"),
    "CompleteMultipartUpload": ("COMPLETE_MULTIPART_UPLOAD", UPLOAD, "<CompleteMultipartUploadResult/>"),
    "AbortMultipartUpload": ("ABORT_MULTIPART_UPLOAD", UPLOAD, ""),
    "ListParts": ("LIST_PARTS", UPLOAD, "<ListPartsResult/>"),
    "ListMultipartUploads": (
        "LIST_MULTIPART_UPLOADS",
        {"Bucket": "bucket"},
        "<ListMultipartUploadsResult/>",
    ),
    "DeleteObject": ("DELETE", PLACE, ""),
    "DeleteObjects": (
        "DELETE_OBJECTS",
        {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "key"}]}},
        "<DeleteResult/>",
    ),
}


def send(client: Any, operation: str) -> Any:
    _, parameters, _ = OPERATIONS[operation]
    return getattr(client, xform_name(operation))(**parameters)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no retry wait; return the seconds that it would have waited."""
    seconds: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


def operations_in_use() -> set[str]:
    """Return the S3 operations that are called anywhere in the Lambdas."""
    known = {xform_name(name): name for name in clients.client("s3").meta.service_model.operation_names}
    used: set[str] = set()
    for path in FUNCTIONS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                named = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                used |= {known[name] for name in (node.func.attr, *named) if name in known}
    return used


def test_the_table_of_this_test_has_every_operation_that_the_lambdas_use() -> None:
    assert operations_in_use() == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_counted_under_its_name_when_it_is_sent(operation: str) -> None:
    kind, _, body = OPERATIONS[operation]
    connected = connect("eu-west-1", "eu-west-1")
    Wire(body=body).under(connected.source)

    send(connected.source, operation)

    assert request_kind(operation) == kind
    assert connected.requests.counts() == {kind: 1}


def test_both_data_buckets_are_counted_and_the_work_bucket_is_not() -> None:
    connected = connect("eu-west-1", "us-east-1")
    for client in (connected.source, connected.destination, connected.work):
        send(Wire().under(client), "HeadObject")

    assert connected.requests.counts() == {"HEAD": 2}
    assert [one.meta.region_name for one in (connected.source, connected.destination, connected.work)] == [
        "eu-west-1",
        "us-east-1",
        "eu-west-1",
    ]


def test_two_buckets_of_one_region_are_counted_once() -> None:
    connected = connect("us-east-1", "us-east-1")
    send(Wire().under(connected.destination), "HeadObject")

    assert connected.requests.counts() == {"HEAD": 1}


def test_no_region_is_the_region_that_the_function_runs_in() -> None:
    connected = connect(None, None)

    assert connected.source.meta.region_name == connected.work.meta.region_name == "eu-west-1"


def test_what_is_refused_before_it_is_sent_is_not_counted() -> None:
    connected = connect(None, None)

    with pytest.raises(ParamValidationError):
        connected.source.head_object(Bucket="bucket")
    assert connected.requests.counts() == {}


def test_counts_are_a_copy() -> None:
    connected = connect(None, None)
    connected.requests.counts()["LIST"] = 5

    assert connected.requests.counts() == {}


def test_retries_are_counted_and_carry_the_same_headers(slept: list[float]) -> None:
    connected = connect(None, None)
    wire = Wire(SLOW_DOWN, SLOW_DOWN, body="<CopyObjectResult/>")
    wire.under(connected.destination)

    with extra_headers("CopyObject", {"If-None-Match": "*"}):
        send(connected.destination, "CopyObject")

    assert connected.requests.counts() == {"COPY": 3}
    assert wire.headers("If-None-Match") == ["*"] * 3
    assert len(slept) == 2


def test_a_request_that_is_never_answered_well_is_sent_nine_times(slept: list[float]) -> None:
    connected = connect(None, None)
    Wire(*[SLOW_DOWN] * 20).under(connected.source)

    with pytest.raises(ClientError):
        send(connected.source, "ListObjectsV2")

    assert connected.requests.counts() == {"LIST": 9}
    assert len(slept) == 8


NAMELESS = (500, "<Error><Code>Unknown</Code></Error>")


@pytest.mark.parametrize(
    "fault", [NAMELESS, (502, ""), (503, ""), (504, ""), EndpointConnectionError(endpoint_url="https://s3")]
)
def test_what_botocore_knows_to_pass_is_tried_as_often_as_what_we_know(
    fault: Any, slept: list[float]
) -> None:
    wire = Wire(*[fault] * 20)

    with pytest.raises((ClientError, EndpointConnectionError)):
        send(wire.under(clients.client("s3")), "ListObjectsV2")

    assert len(wire.sent) == 9


EXPIRED = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"]
# Three quarters of the longest that each pause may be.
PAUSES = [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0]


@pytest.mark.parametrize(
    ("operation", "status", "code", "pauses"),
    [
        ("CopyObject", 400, "KMS.ThrottlingException", PAUSES),
        ("CopyObject", 400, "KMS.KMSInternalException", PAUSES),
        ("CopyObject", 403, "RequestTimeTooSkewed", PAUSES),
        *[("CopyObject", 400, code, PAUSES[:3]) for code in EXPIRED],
        ("HeadObject", 400, "", [0, *PAUSES[1:3]]),  # first at once, in the region that the answer names
        ("HeadObject", 403, "", []),
        ("HeadObject", 404, "", []),
        ("CopyObject", 400, "InvalidRequest", []),
        ("CopyObject", 400, "KMS.DisabledException", []),
        ("CopyObject", 409, "OperationAborted", []),
        ("CopyObject", 412, "PreconditionFailed", []),
    ],
)
def test_a_request_is_tried_as_often_as_its_error_may_pass_with_pauses_that_double(
    operation: str,
    status: int,
    code: str,
    pauses: list[float],
    slept: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.75)
    answer = status, f"<Error><Code>{code}</Code></Error>" if code else ""
    # The region, without which botocore asks the bucket for it before it repeats a HEAD.
    wire = Wire(*[answer] * 20, headers={"x-amz-bucket-region": "eu-west-1"})

    with pytest.raises(ClientError) as caught:
        send(wire.under(clients.client("s3")), operation)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert (slept, len(wire.sent)) == (pauses, len(pauses) + 1)


def test_nothing_in_the_environment_changes_how_requests_are_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AWS recommends `standard`, and a botocore of tomorrow may have it by default."""
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")

    assert clients.client("s3").meta.config.retries == {"mode": "legacy", "total_max_attempts": 9}


# botocore's `standard` mode has 500 tokens a client and takes 5 for a retry: it would give up after a hundred.
def test_throttling_of_many_requests_does_not_use_up_the_retries_of_others(slept: list[float]) -> None:
    connected = connect(None, None)
    Wire(*[SLOW_DOWN] * 600).under(connected.source)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: send_in_spite_of_errors(connected.source), range(80)))

    assert connected.requests.counts()["LIST"] >= 600


def send_in_spite_of_errors(client: Any) -> None:
    with contextlib.suppress(ClientError):
        send(client, "ListObjectsV2")


def test_requests_of_many_threads_are_all_counted() -> None:
    connected = connect(None, None)
    Wire().under(connected.source)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: send(connected.source, "HeadObject"), range(200)))

    assert connected.requests.counts() == {"HEAD": 200}


# --- Headers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"If-None-Match": "*"},
        {"If-Match": '"0cc175b9c0f1b6a831c399e269772661"'},
        {"If-Match": '"x-3"', "x-amz-object-annotation-directive": "EXCLUDE"},
    ],
)
@pytest.mark.parametrize("operation", ["CopyObject", "CompleteMultipartUpload", "DeleteObject"])
def test_extra_headers_are_sent_and_signed(operation: str, headers: dict[str, str]) -> None:
    wire = Wire(body=OPERATIONS[operation][2])

    with extra_headers(operation, headers):
        send(wire.under(clients.client("s3")), operation)

    assert {name: wire.headers(name) for name in headers} == {
        name: [value] for name, value in headers.items()
    }
    assert set(map(str.lower, headers)) <= set(wire.signed()[0])


def test_extra_headers_end_with_their_block_even_after_an_error() -> None:
    wire = Wire((412, "<Error><Code>PreconditionFailed</Code></Error>"), body="<CopyObjectResult/>")
    client = wire.under(clients.client("s3"))

    with pytest.raises(ClientError), extra_headers("CopyObject", {"If-None-Match": "*"}):
        send(client, "CopyObject")
    send(client, "CopyObject")

    assert wire.headers("If-None-Match") == ["*", None]


def test_threads_do_not_see_the_extra_headers_of_each_other() -> None:
    wire = Wire()
    client, both = wire.under(clients.client("s3")), threading.Barrier(3, timeout=30)

    def work(value: str | None) -> None:
        with extra_headers("DeleteObject", {"If-Match": value} if value else {}):
            both.wait()
            client.delete_object(Bucket="bucket", Key=value or "none")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, ["a", "b", None]))

    sent = zip((request.url[-1] for request in wire.sent), wire.headers("If-Match"), strict=True)
    assert sorted(sent, key=str) == [("a", "a"), ("b", "b"), ("e", None)]


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - {"CopyObject"}))
def test_extra_headers_go_with_one_kind_of_call_only(operation: str) -> None:
    """A HEAD with `If-None-Match: *` would be answered with 304, a lease with `If-Match` not be written."""
    wire = Wire(body=OPERATIONS[operation][2])

    with extra_headers("CopyObject", {"If-None-Match": "*", "If-Match": "x"}):
        send(wire.under(clients.client("s3")), operation)

    assert (wire.headers("If-None-Match"), wire.headers("If-Match")) == ([None], [None])


class OldLoader(Loader):
    """The data of a botocore that knows no conditions on what is written and no annotations."""

    UNKNOWN = ("IfMatch", "IfNoneMatch", "AnnotationDirective")

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        model = super().load_service_model(service_name, type_name, api_version)
        if (service_name, type_name) == ("s3", "service-2"):
            for operation in ("CopyObject", "CompleteMultipartUpload", "DeleteObject", "PutObject"):
                shape = f"{operation}Request"
                for name in self.UNKNOWN:
                    model["shapes"][shape]["members"].pop(name, None)
        return model


@pytest.fixture(scope="module")
def old_session() -> boto3.session.Session:
    session = botocore.session.Session()
    session.register_component("data_loader", OldLoader())
    return boto3.session.Session(botocore_session=session)


@pytest.mark.parametrize("operation", ["CopyObject", "CompleteMultipartUpload", "DeleteObject"])
def test_extra_headers_are_sent_by_a_botocore_that_does_not_know_them(
    operation: str, old_session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_session", lambda: old_session)
    wire, client = Wire(body=OPERATIONS[operation][2]), clients.client("s3")
    headers = {"If-Match": '"x"', "x-amz-object-annotation-directive": "EXCLUDE"}

    with pytest.raises(ParamValidationError):
        getattr(client, xform_name(operation))(**OPERATIONS[operation][1], IfMatch='"x"')
    with extra_headers(operation, headers):
        send(wire.under(client), operation)

    assert {name: wire.headers(name) for name in headers} == {
        name: [value] for name, value in headers.items()
    }
    assert set(map(str.lower, headers)) <= set(wire.signed()[0])


@pytest.mark.parametrize(("name", "header"), [("IfMatch", "If-Match"), ("IfNoneMatch", "If-None-Match")])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_condition_on_a_file_is_sent_and_signed_whether_botocore_knows_it_or_not(
    name: str,
    header: str,
    is_known: bool,
    old_session: boto3.session.Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without it two runs could both hold the lease of a destination."""
    if not is_known:
        monkeypatch.setattr(clients, "_session", lambda: old_session)
    wire = Wire()
    client = wire.under(clients.client("s3"))

    client.put_object(**PLACE, **{name: '"x"'})
    client.put_object(**PLACE)

    assert wire.headers(header) == ['"x"', None]
    assert header.lower() in wire.signed()[0]


@pytest.mark.parametrize(
    ("given", "sent"),
    [({}, {}), ({"ChecksumSHA256": "47DEQ"}, {"x-amz-checksum-sha256": "47DEQ"})],
)
def test_an_empty_part_has_the_checksum_that_it_is_given_or_none(
    given: dict[str, str], sent: dict[str, str]
) -> None:
    """S3 refuses one that the upload was not opened with, and newer botocores would add a CRC32 to each."""
    wire = Wire()

    wire.under(clients.client("s3")).upload_part(**UPLOAD, PartNumber=1, Body=b"", **given)

    (request,) = wire.sent
    told = {name.lower(): wire.headers(name)[0] for name in request.headers}
    assert {name: value for name, value in told.items() if "checksum" in name or "trailer" in name} == sent
    assert "crc32" not in request.url.lower()


# --- Limits ---------------------------------------------------------------------------------------------------


def test_the_destination_is_waited_for_as_long_as_a_lambda_may_run_and_nobody_else_is() -> None:
    connected = connect("eu-west-1", "eu-west-1")
    configs = [one.meta.config for one in (connected.source, connected.destination, connected.work)]

    assert [config.read_timeout for config in configs] == [60, 900, 60]
    assert {config.connect_timeout for config in configs} == {10}
    assert {(config.max_pool_connections, config.tcp_keepalive) for config in configs} == {(128, True)}


def test_clients_of_other_services_are_made_as_well() -> None:
    assert clients.client("stepfunctions", "us-east-1").meta.region_name == "us-east-1"


def test_clients_can_be_made_in_many_threads_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: clients.client("s3", "eu-west-1"), range(8)))

    assert len({id(client) for client in made}) == 8


@pytest.mark.parametrize("characters", ["&#x1;&#X1F;&#0;&#11;&#xfffe;&#65535;", "\x01\x1f\ufffe\uffff"])
@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "CompleteMultipartUpload", "ListParts"])
def test_an_answer_that_repeats_a_key_that_xml_cannot_hold_is_read_and_sent_for_once(
    operation: str, characters: str
) -> None:
    _, _, empty = OPERATIONS[operation]
    name = empty.strip("</>")
    wire = Wire(body=f"<{name}><Key>a{characters}b&#9;&#x26;</Key><UploadId>1</UploadId></{name}>")
    connected = connect("eu-west-1", "eu-west-1")
    wire.under(connected.destination)

    answer = send(connected.destination, operation)

    assert answer["Key"] == "ab\t&"
    assert len(wire.sent) == 1


AT_ONCE = ["CopyObject", "UploadPartCopy", "CompleteMultipartUpload"]


@pytest.mark.parametrize("operation", AT_ONCE)
@pytest.mark.parametrize("body", ["", " \n"])
def test_a_write_that_is_answered_at_once_and_says_nothing_more_is_sent_again(
    operation: str, body: str, slept: list[float]
) -> None:
    """S3 has not said that it was done."""
    wire = Wire(*[(200, body)] * 3, body=OPERATIONS[operation][2])

    send(wire.under(clients.client("s3")), operation)

    assert len(wire.sent) == 4


@pytest.mark.parametrize("operation", AT_ONCE)
@pytest.mark.parametrize("status", [403, 404, 412])
def test_a_write_that_is_refused_without_a_word_is_refused(
    operation: str, status: int, slept: list[float]
) -> None:
    wire = Wire((status, ""), body=OPERATIONS[operation][2])

    with pytest.raises(ClientError) as caught:
        send(wire.under(clients.client("s3")), operation)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert len(wire.sent) == 1


COPIED = "<CopyObjectResult><ETag>&quot;1&quot;</ETag></CopyObjectResult>"


def test_the_result_of_a_copy_is_not_read() -> None:
    wire = Wire(body=COPIED)

    answer = send(wire.under(clients.client("s3")), "CopyObject")

    assert answer["CopyObjectResult"] == {}


@pytest.mark.parametrize(
    "unfinished", [COPIED[:-1], COPIED[:9], "<Error><Code>InternalError</Code></Error>", f"<Error>{COPIED}"]
)
def test_a_copy_whose_answer_is_an_error_or_not_whole_is_sent_again(
    unfinished: str, slept: list[float]
) -> None:
    wire = Wire((200, unfinished), body=COPIED)

    send(wire.under(clients.client("s3")), "CopyObject")

    assert len(wire.sent) == 2


def test_every_request_says_who_sends_it() -> None:
    wire = Wire(body=COPIED)

    send(wire.under(clients.client("s3")), "CopyObject")

    assert wire.headers("User-Agent") == [f"SyncBuckets Botocore/{botocore.__version__}"]
