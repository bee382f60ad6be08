"""Clients of a botocore that emits no `before-parse`, or finds errors in few answers: whatever is installed is made to be one.

Newer ones do both themselves. What they do is taken off a client, and a botocore says that it is older than it is.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import botocore
import botocore.endpoint
import botocore.handlers
import pytest
from answered_wire import Wire
from botocore import xform_name
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from lambda_functions.shared.s3 import clients
from lambda_functions.shared.s3.before_parse import let_emit_before_parse
from lambda_functions.shared.s3.botocore_version import is_older

INSTALLED = botocore.__version__
OLDEST, EMITTING = "1.34.145", "1.35.48"
PLACE = {"Bucket": "bucket", "Key": "key"}
UPLOAD = {**PLACE, "UploadId": "1"}
SOURCE = {"CopySource": {"Bucket": "from", "Key": "key"}}
OF_NO_PASSING_CODE = "<Error><Code>Unknown</Code><Message>Nobody knows.</Message></Error>"
# What is asked, and an answer to it. S3 may say with status 200 that any of them has failed.
ANSWERED_WITH_XML: dict[str, tuple[dict[str, Any], str]] = {
    "ListObjectsV2": ({"Bucket": "bucket"}, "<ListBucketResult/>"),
    "GetObjectTagging": (PLACE, "<Tagging><TagSet/></Tagging>"),
    "DeleteObjects": ({"Bucket": "bucket", "Delete": {"Objects": [{"Key": "key"}]}}, "<DeleteResult/>"),
    "CopyObject": ({**PLACE, **SOURCE}, "<CopyObjectResult/>"),
    "CreateMultipartUpload": (PLACE, "<InitiateMultipartUploadResult/>"),
    "UploadPartCopy": ({**UPLOAD, **SOURCE, "PartNumber": 1}, "<CopyPartResult/>"),
    "CompleteMultipartUpload": (UPLOAD, "<CompleteMultipartUploadResult/>"),
    "ListParts": (UPLOAD, "<ListPartsResult/>"),
}


class Quiet:
    """The events of an endpoint that emits no `before-parse`."""

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def emit(self, event_name: str, **about: Any) -> Any:
        return [] if event_name.startswith("before-parse.") else self._usual.emit(event_name, **about)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usual, name)


def as_older(client: Any, emits: bool) -> Any:
    """Return the client with the handlers that an older botocore has, and without those that it does not have."""
    events, own = client.meta.events, botocore.handlers
    for name in ("_handle_200_error", "handle_expires_header"):
        events.unregister("before-parse.s3.*", getattr(own, name, None))
    events.unregister("needs-retry.s3.*", getattr(own, "_update_status_code", None))
    for operation in ("CopyObject", "UploadPartCopy", "CompleteMultipartUpload"):
        events.unregister(f"needs-retry.s3.{operation}", own.check_for_200_error)
        events.register_first(f"needs-retry.s3.{operation}", own.check_for_200_error)
    if not emits:
        client._endpoint._event_emitter = Quiet(client._endpoint._event_emitter)
    return client


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Return what makes a client of ours with a botocore of this version."""

    def made(version: str) -> Any:
        if is_older(INSTALLED, version):
            pytest.skip(f"botocore {INSTALLED} is older, and does less by itself")
        emits = version.startswith("1.35") and version >= "1.35.16"
        monkeypatch.setattr(botocore, "__version__", version)
        monkeypatch.setattr(
            clients, "let_emit_before_parse", lambda client: let_emit_before_parse(as_older(client, emits))
        )
        return clients.client("s3")

    return made


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda seconds: None))


def send(client: Any, operation: str) -> Any:
    return getattr(client, xform_name(operation))(**ANSWERED_WITH_XML[operation][0])


@pytest.mark.parametrize("version", ["1.34.145", "1.35.15", "1.35.16", "1.35.48", "1.35.49"])
def test_whoever_waits_for_an_answer_is_told_of_it_once_before_it_is_read(
    older: Callable[[str], Any], version: str
) -> None:
    """Twice would change an answer that is changed already, and never would leave every page to botocore."""
    told: list[Any] = []
    client = older(version)
    client.meta.events.register("before-parse.s3.ListObjectsV2", lambda **about: told.append(about))
    Wire(body="<ListBucketResult/>").under(client)

    send(client, "ListObjectsV2")

    (about,) = told
    assert about["operation_model"].name == "ListObjectsV2"
    assert about["response_dict"]["body"] == b"<ListBucketResult/>"
    assert about["customized_response_dict"] == {}


@pytest.mark.parametrize("version", [OLDEST, EMITTING])
def test_what_is_changed_before_an_answer_is_read_is_what_is_read(
    older: Callable[[str], Any], version: str
) -> None:
    def change(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
        response_dict["body"] = b"<ListBucketResult><KeyCount>7</KeyCount></ListBucketResult>"
        customized_response_dict["Page"] = "ours"

    client = older(version)
    client.meta.events.register("before-parse.s3.ListObjectsV2", change)
    Wire(body="<ListBucketResult/>").under(client)

    answer = send(client, "ListObjectsV2")

    assert (answer["KeyCount"], answer["Page"]) == (7, "ours")


def test_an_answer_whose_operation_botocore_reads_nothing_of_is_read_by_botocore(
    older: Callable[[str], Any],
) -> None:
    """DeleteBucketTagging is such a one: its answer has no shape, so that nobody can tell whose it is."""
    wire = Wire((403, "<Error><Code>AccessDenied</Code></Error>"))
    client = wire.under(older(OLDEST))

    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_bucket_tagging(Bucket="bucket")
    answer = client.delete_bucket_tagging(Bucket="bucket")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(wire.sent) == 2


@pytest.mark.parametrize("operation", ANSWERED_WITH_XML)
@pytest.mark.parametrize("version", [OLDEST, EMITTING])
@pytest.mark.parametrize("unfinished", ["an error", "cut off"])
def test_an_answer_with_status_200_that_is_an_error_or_cut_off_is_asked_for_again(
    older: Callable[[str], Any], operation: str, version: str, unfinished: str
) -> None:
    """A page that was taken for an empty one would have us delete what is under its keys."""
    good = ANSWERED_WITH_XML[operation][1]
    wire = Wire((200, OF_NO_PASSING_CODE if unfinished == "an error" else good[:-1]), body=good)

    answer = send(wire.under(older(version)), operation)

    assert len(wire.sent) == 2
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("version", [OLDEST, EMITTING])
def test_an_error_with_status_200_that_does_not_pass_is_a_fault_with_its_code_after_nine_tries(
    older: Callable[[str], Any], version: str
) -> None:
    wire = Wire(body=OF_NO_PASSING_CODE)

    with pytest.raises(ClientError) as caught:
        send(wire.under(older(version)), "ListObjectsV2")

    assert caught.value.response["Error"]["Code"] == "Unknown"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert len(wire.sent) == 9


@pytest.mark.parametrize("version", [OLDEST, EMITTING])
@pytest.mark.parametrize("status", [403, 404, 412])
def test_an_error_with_its_own_status_keeps_it_and_is_not_asked_for_again(
    older: Callable[[str], Any], version: str, status: int
) -> None:
    wire = Wire((status, OF_NO_PASSING_CODE))

    with pytest.raises(ClientError) as caught:
        send(wire.under(older(version)), "ListObjectsV2")

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert len(wire.sent) == 1


@pytest.mark.parametrize("version", [OLDEST, EMITTING])
@pytest.mark.parametrize(
    ("operation", "asked"),
    [("HeadObject", PLACE), ("PutObject", PLACE), ("UploadPart", {**UPLOAD, "PartNumber": 1})],
)
def test_an_answer_that_has_no_body_is_not_taken_for_one_that_is_cut_off(
    older: Callable[[str], Any], version: str, operation: str, asked: dict[str, Any]
) -> None:
    wire = Wire()

    getattr(wire.under(older(version)), xform_name(operation))(**asked)

    assert len(wire.sent) == 1


@pytest.mark.parametrize("version", [OLDEST, EMITTING])
@pytest.mark.parametrize("content", ["<Error><Code>SlowDown</Code></Error>", "no XML"])
def test_the_bytes_of_an_object_are_no_answer_to_look_at(
    older: Callable[[str], Any], version: str, content: str
) -> None:
    wire = Wire(body=content)

    answer = wire.under(older(version)).get_object(**PLACE)

    assert answer["Body"].read() == content.encode()
    assert len(wire.sent) == 1


@pytest.mark.parametrize("version", [OLDEST, EMITTING])
@pytest.mark.parametrize("error", [EndpointConnectionError, ReadTimeoutError])
def test_a_connection_that_is_lost_before_there_is_an_answer_is_tried_again(
    older: Callable[[str], Any], version: str, error: Any
) -> None:
    wire = Wire(error(endpoint_url="https://s3", error="lost"), body="<ListBucketResult/>")

    send(wire.under(older(version)), "ListObjectsV2")

    assert len(wire.sent) == 2


@pytest.mark.parametrize("version", [OLDEST, EMITTING])
@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("CompleteMultipartUpload", "<CompleteMultipartUploadResult><Key>\x01</Key></CompleteMultipartUploadResult>"),
        ("CreateMultipartUpload", "<InitiateMultipartUploadResult><Key>&#1;</Key></InitiateMultipartUploadResult>"),
        ("CopyObject", "<CopyObjectResult><Key>\x01</Key></CopyObjectResult>"),
    ],
)  # fmt: skip
def test_an_answer_that_our_clients_have_made_readable_is_not_taken_for_one_that_is_cut_off(
    older: Callable[[str], Any], version: str, operation: str, body: str
) -> None:
    """An upload that is completed again is not there any more, and a second one is begun that nobody ever ends."""
    wire = Wire(body=body)

    send(wire.under(older(version)), operation)

    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Expires": "0"}, "0"),
        ({"Expires": "Wed, 02 Jan 2030 00:00:00 GMT"}, "Wed, 02 Jan 2030 00:00:00 GMT"),
        ({"Expires": ""}, ""),
        ({}, None),
    ],
)
@pytest.mark.parametrize("operation", ["head_object", "get_object"])
def test_what_stands_as_a_date_is_told_as_it_is(
    older: Callable[[str], Any], operation: str, headers: dict[str, str], told: str | None
) -> None:
    """A HEAD that cannot be read for it is no answer at all, and the object would never be compared."""
    client = Wire(headers=headers).under(older(OLDEST))

    answer = getattr(client, operation)(**PLACE)

    assert (answer.get("ExpiresString"), "Expires" in answer) == (told, False)
