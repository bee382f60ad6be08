"""What a run has cost, estimated from what it sent and how long its workers ran.

Prices in US dollars of us-east-1, on demand, S3 Standard, without data transfer or a free tier:
https://aws.amazon.com/s3/pricing/ https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/step-functions/pricing/
"""

from __future__ import annotations

from collections.abc import Mapping

WRITE_CLASS_USD = 0.005 / 1000
READ_CLASS_USD = 0.0004 / 1000
FREE = ("DELETE", "DELETE_OBJECTS", "ABORT_MULTIPART_UPLOAD")
READ_CLASS = (
    "HEAD",
    "HEAD_BUCKET",
    "GET",
    "GET_OBJECT_ATTRIBUTES",
    "GET_OBJECT_TAGGING",
    "GET_BUCKET_TAGGING",
)
LAMBDA_GB_SECOND_USD = 0.0000133334
LAMBDA_REQUEST_USD = 0.20 / 1_000_000
STATE_TRANSITION_USD = 0.025 / 1000
# Memory of the workers, which their front matter sets, and state transitions of one child of a Map (its start, a Task, a Choice).
WORKER_GB = 1769 / 1024
TRANSITIONS_PER_TURN = 3
TRANSITIONS_OF_PARENT = 20


def estimate_usd(requests: Mapping[str, int], turns: int, seconds: float) -> float:
    """Return dollars, rounded to a millionth, of S3 requests by kind and of `turns` workers that ran `seconds` in all."""
    s3 = sum(count * request_usd(kind) for kind, count in requests.items())
    lambdas = seconds * WORKER_GB * LAMBDA_GB_SECOND_USD + turns * LAMBDA_REQUEST_USD
    states = (turns * TRANSITIONS_PER_TURN + TRANSITIONS_OF_PARENT) * STATE_TRANSITION_USD
    return round(s3 + lambdas + states, 6)


def request_usd(kind: str) -> float:
    """Return the price of one request; kinds that nobody listed count as the dearer class."""
    if kind in FREE:
        return 0.0
    return READ_CLASS_USD if kind in READ_CLASS else WRITE_CLASS_USD
