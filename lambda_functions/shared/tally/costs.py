"""What a run has cost, estimated from what it sent and how long its workers ran, and what a plan is going to cost.

Prices in US dollars of us-east-1, on demand, S3 Standard, without data transfer or a free tier:
https://aws.amazon.com/s3/pricing/ https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/step-functions/pricing/
"""

from __future__ import annotations

from collections.abc import Mapping

WRITE_CLASS_USD = 0.005 / 1000
READ_CLASS_USD = 0.0004 / 1000
# RESTORE_OBJECT is priced by class and tier, in `storage_classes`.
FREE = ("DELETE", "DELETE_OBJECTS", "ABORT_MULTIPART_UPLOAD", "RESTORE_OBJECT")
READ_CLASS = (
    "HEAD",
    "HEAD_BUCKET",
    "GET",
    "GET_OBJECT_ATTRIBUTES",
    "GET_OBJECT_TAGGING",
    "GET_BUCKET_TAGGING",
    "GET_OBJECT_LOCK_CONFIGURATION",
    "GET_OBJECT_RETENTION",
    "GET_OBJECT_LEGAL_HOLD",
    "GET_OBJECT_ANNOTATION",
)
LAMBDA_GB_SECOND_USD = 0.0000133334
LAMBDA_REQUEST_USD = 0.20 / 1_000_000
STATE_TRANSITION_USD = 0.025 / 1000
# Memory of the workers, which their front matter sets, and state transitions of one child of a Map (its start, a Task, a Choice).
WORKER_GB = 1769 / 1024
TRANSITIONS_PER_TURN = 3
TRANSITIONS_OF_PARENT = 20
# What a plan supposes of one worker: copies (parts too) and deletes in a second. Their Lambda time is two or three per cent of
# what their requests cost, so that this may be wrong by half without making the estimate wrong.
COPIES_PER_SECOND = 150
DELETES_PER_SECOND = 500


def estimate_usd(requests: Mapping[str, int], turns: int, seconds: float) -> float:
    """Return dollars, rounded to a millionth, of S3 requests by kind and of `turns` workers that ran `seconds` in all."""
    parent = TRANSITIONS_OF_PARENT * STATE_TRANSITION_USD
    return round(_work_usd(requests, turns, seconds) + parent, 6)


def estimate_plan_usd(to_send: Mapping[str, int], turns: int, deletes: int) -> float:
    """Return dollars of carrying out a plan: `to_send` are its requests by kind, one turn for each shard or large object.

    What the run that carries it out costs besides, comparing, is not in it.
    """
    copies = sum(to_send.get(kind, 0) for kind in ("COPY", "UPLOAD_PART_COPY"))
    seconds = copies / COPIES_PER_SECOND + deletes / DELETES_PER_SECOND
    return round(_work_usd(to_send, turns, seconds), 6)


def _work_usd(requests: Mapping[str, int], turns: int, seconds: float) -> float:
    s3 = sum(count * request_usd(kind) for kind, count in requests.items())
    lambdas = seconds * WORKER_GB * LAMBDA_GB_SECOND_USD + turns * LAMBDA_REQUEST_USD
    return s3 + lambdas + turns * TRANSITIONS_PER_TURN * STATE_TRANSITION_USD


def request_usd(kind: str) -> float:
    """Return the price of one request; kinds that nobody listed count as the dearer class."""
    if kind in FREE:
        return 0.0
    return READ_CLASS_USD if kind in READ_CLASS else WRITE_CLASS_USD
