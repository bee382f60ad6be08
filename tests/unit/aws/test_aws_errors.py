"""AWS's errors: what they mean, and the sentence that a person reads."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidRegionError,
)

from deployment.aws.errors import aws_sentence, error_code, is_denied, is_missing, is_throttled, is_transient


def refusal(code: str, operation: str = "GetCallerIdentity", message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    "error, sentence",
    [
        (
            refusal("AccessDenied", "CreateBucket", "You may not."),
            "AWS refused CreateBucket with AccessDenied: You may not.",
        ),
        (ClientError({}, "ListBuckets"), "AWS refused ListBuckets with an unknown code: without a message"),
        (
            ConnectTimeoutError(endpoint_url="https://s3"),
            'Connect timeout on endpoint URL: "https://s3". Check the network, the region\'s name and AWS_ENDPOINT_URL.',
        ),
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:4566/"),
            'Could not connect to the endpoint URL: "http://127.0.0.1:4566/". Nothing answers there on this machine; an '
            "emulator of `fab local` that has ended does not come back under its old address. Run `fab local` and paste its "
            "new lines, or go to AWS from a new terminal.",
        ),
        (
            InvalidRegionError(region_name="x"),
            "InvalidRegionError: Provided region_name 'x' doesn't match a supported format.",
        ),
    ],
)
def test_what_botocore_raises_becomes_one_sentence(error: Any, sentence: str) -> None:
    assert aws_sentence(error) == sentence


@pytest.mark.parametrize(
    "code, message, check",
    [
        ("AccessDeniedException", "", is_denied),
        ("AccessDenied", "", is_denied),
        ("NoSuchBucket", "", is_missing),
        ("404", "", is_missing),
        ("ValidationError", "Stack with id x does not exist", is_missing),
        ("ThrottlingException", "", is_throttled),
        ("Throttling", "", is_transient),
    ],
)
def test_what_an_error_means_is_told_by_its_code(code: str, message: str, check: Any) -> None:
    checks = (is_denied, is_missing, is_throttled)
    error = refusal(code, "GetIt", message)

    assert check(error)
    assert error_code(error) == code
    assert sum(one(error) for one in checks) == 1


def test_any_other_validation_error_is_not_about_something_missing() -> None:
    assert not is_missing(refusal("ValidationError", "DescribeStacks", "1 validation error detected"))
