"""AWS's errors in one vocabulary: what an error means, and how a person is told of it."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)

_TRANSIENT_STATUSES = (429, 500, 502, 503, 504)


def is_transient(error: ClientError | BotoCoreError) -> bool:
    """Whether the next look may succeed: throttling, a fault of the server, no network."""
    if isinstance(error, BotoCoreError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in _TRANSIENT_STATUSES or "Throttl" in error_code(error)


def error_code(error: ClientError) -> str:
    """Return AWS's code of a refusal, such as AccessDeniedException; "" where it gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: ClientError) -> bool:
    """Whether AWS says that it may not be done, not that it cannot."""
    return error_code(error) in ("AccessDenied", "AccessDeniedException")


def aws_sentence(error: BotoCoreError | ClientError) -> str:
    """Return one sentence for an AWS error: the operation, AWS's code and AWS's own message."""
    if isinstance(error, ClientError):
        found = error.response.get("Error", {})
        message = found.get("Message") or "without a message"
        return f"AWS refused {error.operation_name} with {found.get('Code', 'an unknown code')}: {message}"
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return _NO_CREDENTIALS
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError)):
        return f"{error}. Check the network, the region's name and AWS_ENDPOINT_URL."
    return f"{type(error).__name__}: {error}"


_NO_CREDENTIALS = (
    "There are no AWS credentials. Set AWS_PROFILE in fabfile_config.py or in the environment, or run "
    "`aws configure`."
)
