"""What errors say of themselves."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from samples import client_error

from lambda_functions.shared import errors
from lambda_functions.shared.errors import RequestFailed, message_of, name_errors


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ('{"errorMessage": "it broke", "errorType": "X"}', "it broke"),
        ("the Map Run failed", "the Map Run failed"),
        ("", ""),
        ("{}", "{}"),
        ("[1]", "[1]"),
        ("null", "null"),
        ("x" * 2000, "x" * 1000),
    ],
)
def test_the_message_of_a_lambda_is_taken_out_of_its_error(cause: str, message: str) -> None:
    assert message_of(cause) == message


# The cause of an execution has at most 32,768 characters, as the error of a Lambda alone may have.
def test_a_long_message_of_a_lambda_is_cut_as_any_other() -> None:
    assert message_of(json.dumps({"errorMessage": "x" * 30_000})) == "x" * 1000


PREDICATES = (
    errors.is_missing,
    errors.is_missing_key,
    errors.is_denied,
    errors.is_missing_part,
    errors.is_missing_execution,
    errors.is_archived,
    errors.is_lost_race,
    errors.is_refusal,
    errors.is_transient,
    errors.is_throttled,
    errors.is_permanent,
)


@pytest.mark.parametrize(
    ("status", "code", "meanings"),
    [
        (404, "404", "missing refusal permanent"),
        (404, "NoSuchKey", "missing missing_key refusal permanent"),
        (404, "NoSuchBucket", "missing permanent"),
        (404, "NoSuchUpload", "missing refusal permanent"),
        (0, "404", "missing"),
        (0, "NoSuchKey", "missing missing_key"),
        (0, "NoSuchBucket", "missing"),
        (0, "NotFound", "missing"),
        (0, "NoSuchUpload", ""),
        (403, "403", "denied permanent"),
        (403, "InvalidObjectState", "denied archived permanent"),
        (0, "InvalidObjectState", "archived"),
        (416, "416", "missing_part permanent"),
        (400, "ExecutionDoesNotExist", "missing_execution permanent"),
        (412, "PreconditionFailed", "lost_race refusal permanent"),
        (412, "412", "lost_race refusal permanent"),
        (0, "PreconditionFailed", "refusal"),
        (409, "409", "lost_race refusal permanent"),
        (409, "ConditionalRequestConflict", "lost_race refusal transient permanent"),
        (409, "OperationAborted", "lost_race refusal transient permanent"),
        (409, "NoSuchBucket", "missing lost_race permanent"),
        (0, "ConditionalRequestConflict", "transient"),
        (503, "SlowDown", "transient throttled"),
        (0, "SlowDown", "transient throttled"),
        (500, "SlowDown", "transient throttled"),
        (500, "InternalError", "transient"),
        (400, "RequestTimeout", "transient"),
        (429, "TooManyRequestsException", "throttled"),
        (503, "503", "throttled"),
        (400, "400", "permanent"),
        (400, "KMS.ThrottlingException", "transient throttled"),
        (400, "KMS.KMSInternalException", "transient"),
        (400, "KMS.DependencyTimeoutException", "transient"),
        (400, "KMS.DisabledException", "permanent"),
        (400, "ThrottlingException", "transient throttled"),
        (400, "Throttling", "transient throttled"),
        (400, "RequestThrottled", "transient throttled"),
        (0, "RequestThrottled", "transient throttled"),
        (503, "RequestLimitExceeded", "transient throttled"),
        (0, "RequestLimitExceeded", "transient throttled"),
        (403, "RequestTimeTooSkewed", "denied transient"),
        (400, "ExpiredToken", "transient"),
        (400, "ExpiredTokenException", "transient"),
        (400, "TokenRefreshRequired", "transient"),
        (0, "OperationAborted", "transient"),
        (0, "RequestTimeout", "transient"),
        (0, "ServiceUnavailable", "transient throttled"),
        (0, "AccessDenied", ""),
    ]
    # A status between those that mean something is a refusal like any other, or a fault like any other.
    + [
        (status, "Other", "permanent")
        for status in (400, 402, 405, 408, 410, 411, 413, 415, 417, 428, 430, 499)
    ]
    + [(status, "Other", "") for status in (200, 304, 399, 500, 501, 502, 504)],
)
def test_what_an_answer_of_aws_means(status: int, code: str, meanings: str) -> None:
    error = client_error(status, code, "CopyObject")

    assert [is_so.__name__.removeprefix("is_") for is_so in PREDICATES if is_so(error)] == meanings.split()


@pytest.mark.parametrize("error", [OSError("no route"), ValueError(), errors.SyncError("why")])
def test_an_error_that_is_no_answer_of_aws_means_nothing(error: Exception) -> None:
    assert not any(is_so(error) for is_so in PREDICATES)
    assert (errors.code_of(error), errors.status_of(error), errors.bucket_of(error)) == ("", 0, "")


def test_an_answer_that_says_nothing_of_itself_means_nothing() -> None:
    error = ClientError({}, "CopyObject")

    assert not any(is_so(error) for is_so in PREDICATES)
    assert (errors.code_of(error), errors.status_of(error), errors.bucket_of(error)) == ("", 0, "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (client_error(403, "AccessDenied", "GetObject", "no"), "AccessDenied: no (GetObject)"),
        (EndpointConnectionError(endpoint_url="https://s3"), "Could not connect to the endpoint URL"),
    ],
    ids=["an answer", "no answer"],
)
def test_what_a_lambda_fails_with_says_which_request_was_refused(error: Exception, said: str) -> None:
    """Step Functions tells nothing but the error's name and message, and that is what a person reads first."""

    @name_errors
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        raise error

    with pytest.raises(RequestFailed, match=re.escape(said)):
        handler({}, None)


def test_a_fault_of_our_own_keeps_its_name() -> None:
    @name_errors
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        raise KeyError("folder")

    with pytest.raises(KeyError):
        handler({}, None)


# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
# and what botocore tries again: https://docs.aws.amazon.com/boto3/latest/guide/retries.html
@pytest.mark.parametrize(
    "code",
    [
        "InternalError", "InternalFailure", "InternalException", "KMSInternalException", "DependencyTimeoutException", "SlowDown",
        "ServiceUnavailable", "ServiceUnavailableException", "Busy", "RequestTimeout", "RequestTimeTooSkewed", "RequestExpired",
        "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled",
        "RequestThrottledException", "PriorRequestNotComplete", "TransactionInProgressException", "EC2ThrottledException",
    ],
)  # fmt: skip
def test_every_code_of_aws_that_passes_by_itself_is_tried_again(code: str) -> None:
    """In an answer with status 200, and of one key of many, there is nothing but the code to go by."""
    assert errors.is_transient(client_error(0, code, "DeleteObjects"))
    assert not errors.is_permanent(client_error(400, code, "CopyObject"))


def about_bucket(bucket: str, message: str = "Access Denied") -> ClientError:
    """Return an error with what our clients note in an answer."""
    error = client_error(403, "AccessDenied", "ListObjectsV2", message)
    error.response["ResponseMetadata"]["Bucket"] = bucket
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (client_error(403, "AccessDenied", "CopyObject", "no"), "AccessDenied: no (CopyObject)"),
        (client_error(404, "404", "HeadObject", "Not Found"), "404: Not Found (HeadObject)"),
        (ClientError({}, "CopyObject"), ":  (CopyObject)"),
        (about_bucket("photos"), "AccessDenied: Access Denied (ListObjectsV2)"),
        (
            EndpointConnectionError(endpoint_url="https://s3"),
            'EndpointConnectionError: Could not connect to the endpoint URL: "https://s3"',
        ),
        (ConnectionResetError("reset"), "ConnectionResetError: reset"),
        (errors.SourceChanged("it changed"), "it changed"),
        (errors.NoProgress(), "NoProgress"),
    ],
)
def test_an_error_is_described_in_one_line(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert errors.describe(error) == errors.explain(error) == said
    assert caplog.records == []


def test_an_error_that_nobody_expected_is_named_and_goes_to_the_log_with_where_it_happened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """`'ETag'` alone would tell nobody what broke."""
    error = KeyError("ETag")

    assert errors.explain(error) == "KeyError: 'ETag'"
    (record,) = caplog.records
    assert (record.levelno, record.exc_info[1] if record.exc_info else None) == (logging.ERROR, error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (about_bucket("photos"), "AccessDenied: Access Denied (ListObjectsV2 of bucket photos)"),
        (about_bucket("photos", "(no)"), "AccessDenied: (no) (ListObjectsV2 of bucket photos)"),
        (about_bucket(""), "AccessDenied: Access Denied (ListObjectsV2)"),
        (client_error(403, "AccessDenied", "ListObjectsV2", "no"), "AccessDenied: no (ListObjectsV2)"),
        (errors.SourceChanged("it changed"), "it changed"),
    ],
)
def test_the_bucket_of_a_request_is_named_where_it_is_known(error: Exception, said: str) -> None:
    assert errors.describe_with_bucket(error) == said


def test_a_refusal_keeps_its_name_and_its_cause_and_says_the_cause() -> None:
    refused = errors.Refused("InvalidInput", "no such bucket")

    assert (refused.error, refused.cause, str(refused)) == (
        "InvalidInput",
        "no such bucket",
        "no such bucket",
    )


# --- The cause of an execution ---------------------------------------------------------------------------------

ADDRESS = "s3://work-bucket/report.json"
REST = f"... (cut; all of it is in {ADDRESS})"
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
MOST = 32_768


@pytest.mark.parametrize("cause", ["", "x" * MOST, "é" * (MOST // 2), "xx" + "€" * ((MOST - 2) // 3)])
def test_a_cause_that_an_execution_can_carry_is_whole(cause: str) -> None:
    assert len(cause.encode()) in (0, MOST)
    assert errors.cut_cause(cause, ADDRESS) == cause


@pytest.mark.parametrize("cause", ["x" * (MOST + 1), "x" * 100_000])
def test_a_longer_cause_is_as_long_as_an_execution_can_carry_and_says_where_the_rest_is(cause: str) -> None:
    """A longer one fails the execution with an error of Step Functions, and says nothing of why."""
    assert errors.cut_cause(cause, ADDRESS) == "x" * (MOST - len(REST)) + REST


def test_a_cause_is_cut_between_two_characters() -> None:
    for shift in range(3):
        cut = errors.cut_cause("x" * shift + "€" * MOST, ADDRESS)
        kept = (MOST - len(REST) - shift) // 3
        assert cut == "x" * shift + "€" * kept + REST


def test_half_a_character_in_a_cause_is_written_out() -> None:
    assert errors.cut_cause("a\ud800b", ADDRESS) == "a\\ud800b"


@pytest.mark.parametrize(
    ("cause", "name", "said"),
    [
        ("It broke.", "photos", f"It broke. Sync: photos. Report: {ADDRESS}"),
        ("It broke.", "", f"It broke. Report: {ADDRESS}"),
        ("", "photos", ""),
        ("", "", ""),
    ],
)
def test_an_execution_fails_with_its_cause_its_sync_and_where_its_report_is(
    cause: str, name: str, said: str
) -> None:
    assert errors.cause_of_execution(cause, name, ADDRESS) == said


@pytest.mark.parametrize("number", [999, 1000, 1001])
def test_the_message_of_a_lambda_has_at_most_a_thousand_characters(number: int) -> None:
    message = "x" * number
    assert message_of(message) == message_of(json.dumps({"errorMessage": message})) == "x" * min(number, 1000)
