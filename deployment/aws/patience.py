"""Which errors of AWS pass by themselves, for those who watch something that goes on without them.

Used by `events` and `executions`: throttling, a fault of the server or a lost network must not end the watching
at the first look in vain.
"""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from deployment.aws.account import error_code

_PASSING_STATUSES = (429, 500, 502, 503, 504)


def passes(error: ClientError | BotoCoreError) -> bool:
    """Whether the next look may succeed: throttling, a fault of the server, no network."""
    if isinstance(error, BotoCoreError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in _PASSING_STATUSES or "Throttl" in error_code(error)
