"""AWS's errors in one vocabulary: what an error means, and how it is said to a person."""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)

_DENIED = ("AccessDenied", "AccessDeniedException")
_MISSING = (
    *("404", "NoSuchBucket", "NoSuchEntity", "NoSuchKey"),
    *("ResourceNotFound", "ResourceNotFoundException", "StateMachineDoesNotExist", "ExecutionDoesNotExist"),
)
_TRANSIENT_STATUSES = (429, 500, 502, 503, 504)

_NO_CREDENTIALS = (
    "There are no AWS credentials. Set AWS_PROFILE in fabfile_config.py or in the environment, or run "
    "`aws configure`."
)


_CHECK_THE_WAY = "Check the network, the region's name and AWS_ENDPOINT_URL."
_EMULATOR_IS_GONE = (
    "Nothing answers there on this machine; an emulator of `fab local` that has ended does not come back under its old "
    "address. Run `fab local` and paste its new lines, or go to AWS from a new terminal."
)


def error_code(error: ClientError) -> str:
    """Return AWS's code of a refusal, such as AccessDeniedException; "" where it gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_message(error: ClientError) -> str:
    """Return AWS's own words; "" where it gave none."""
    return str(error.response.get("Error", {}).get("Message", ""))


def http_status(error: ClientError) -> int | None:
    """Return the status of the answer, None where there was none."""
    status: int | None = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status


def is_denied(error: ClientError) -> bool:
    """Whether AWS says that it may not be done, not that it cannot."""
    return error_code(error) in _DENIED


def is_missing(error: ClientError) -> bool:
    """Whether AWS says that what was asked about does not exist; CloudFormation says so in its message only."""
    is_no_stack = error_code(error) == "ValidationError" and "does not exist" in error_message(error)
    return is_no_stack or error_code(error) in _MISSING


def is_throttled(error: ClientError) -> bool:
    """Whether AWS was asked too often."""
    return "Throttl" in error_code(error)


def is_transient(error: ClientError | BotoCoreError) -> bool:
    """Whether the next attempt may succeed: throttling, a fault of the server, no network."""
    if isinstance(error, BotoCoreError):
        return True
    return http_status(error) in _TRANSIENT_STATUSES or is_throttled(error)


def aws_sentence(error: BotoCoreError | ClientError) -> str:
    """Return one sentence for an AWS error: the operation, AWS's code and AWS's own message."""
    if isinstance(error, ClientError):
        code, message = error_code(error), error_message(error)
        return f"AWS refused {error.operation_name} with {code or 'an unknown code'}: {message or 'without a message'}"
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return _NO_CREDENTIALS
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError)):
        return f"{error}. {_EMULATOR_IS_GONE if _is_on_this_machine(error) else _CHECK_THE_WAY}"
    return f"{type(error).__name__}: {error}"


def _is_on_this_machine(error: BotoCoreError) -> bool:
    host = urlsplit(str(error.kwargs.get("endpoint_url", ""))).hostname
    return host in ("127.0.0.1", "localhost", "::1")
