"""What errors say of themselves."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
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
    errors.is_denied,
    errors.is_missing_part,
    errors.is_missing_execution,
    errors.is_archived,
    errors.is_lost_race,
    errors.is_refusal,
    errors.is_transient,
    errors.is_permanent,
)


@pytest.mark.parametrize(
    ("status", "code", "meanings"),
    [
        (404, "404", "missing refusal permanent"),
        (404, "NoSuchKey", "missing refusal permanent"),
        (404, "NoSuchBucket", "missing permanent"),
        (404, "NoSuchUpload", "missing refusal permanent"),
        (0, "NoSuchKey", "missing"),
        (403, "403", "denied permanent"),
        (403, "InvalidObjectState", "denied archived permanent"),
        (416, "416", "missing_part permanent"),
        (400, "ExecutionDoesNotExist", "missing_execution permanent"),
        (412, "PreconditionFailed", "lost_race refusal permanent"),
        (0, "PreconditionFailed", "refusal"),
        (409, "ConditionalRequestConflict", "lost_race refusal transient permanent"),
        (0, "ConditionalRequestConflict", "transient"),
        (503, "SlowDown", "transient"),
        (0, "SlowDown", "transient"),
        (500, "InternalError", "transient"),
        (400, "RequestTimeout", "transient"),
        (429, "TooManyRequestsException", ""),
        (400, "400", "permanent"),
        (400, "KMS.ThrottlingException", "transient"),
        (400, "KMS.KMSInternalException", "transient"),
        (400, "KMS.DependencyTimeoutException", "transient"),
        (400, "KMS.DisabledException", "permanent"),
        (400, "ThrottlingException", "transient"),
        (400, "Throttling", "transient"),
        (400, "RequestThrottled", "transient"),
        (503, "RequestLimitExceeded", "transient"),
        (403, "RequestTimeTooSkewed", "denied transient"),
        (400, "ExpiredToken", "transient"),
        (0, "OperationAborted", "transient"),
        (0, "RequestTimeout", "transient"),
        (0, "ServiceUnavailable", "transient"),
        (0, "AccessDenied", ""),
    ],
)
def test_what_an_answer_of_aws_means(status: int, code: str, meanings: str) -> None:
    error = client_error(status, code, "CopyObject")

    assert [is_so.__name__.removeprefix("is_") for is_so in PREDICATES if is_so(error)] == meanings.split()


@pytest.mark.parametrize("error", [OSError("no route"), ValueError(), errors.SyncError("why")])
def test_an_error_that_is_no_answer_of_aws_means_nothing(error: Exception) -> None:
    assert not any(is_so(error) for is_so in PREDICATES)
    assert (errors.code_of(error), errors.status_of(error)) == ("", 0)


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
