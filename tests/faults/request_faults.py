"""Faults of requests on the fake S3: what the answer is, and to which requests it is given."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from fake_place import ALWAYS, FakePlace
from fake_s3 import Answer, Request
from fake_s3.server import CUT, EMPTY, LOST
from scenarios import Scenario
from workers import Killed

URL = "https://s3.eu-west-1.amazonaws.com"
TIMEOUT_SECONDS = 900
INSTEAD = {
    "500 InternalError": Answer(500, "InternalError", "We encountered an internal error. Please try again."),
    "503 SlowDown": Answer(503, "SlowDown", "Please reduce your request rate."),
    "403 AccessDenied": Answer(403, "AccessDenied", "Access Denied"),
    "400 InvalidRequest": Answer(400, "InvalidRequest", "Invalid Request"),
    "200 with InternalError": Answer(200, "InternalError", "We encountered an internal error."),
    "200 with SlowDown": Answer(200, "SlowDown", "Please reduce your request rate."),
    "half a document": CUT,
    "an empty document": EMPTY,
}
# What has been carried out before the answer is lost, as against what never arrived.
AFTER = ("lost answer", "answer after the time-out", "worker killed after it")
HOW_OFTEN = {"once": (1, 1), "the second": (2, 1), "three times": (1, 3), "always": (1, ALWAYS)}


def arm(place: FakePlace, row: Scenario) -> None:
    """Let requests meet the fault of a row; its target is `operation@bucket` and perhaps `:key`."""
    operation, _, where = row.target.partition("@")
    bucket, _, key = where.partition(":")
    action = place.counted(_action(place, row.fault))
    nth, times = HOW_OFTEN.get(row.amount, (1, ALWAYS))
    if row.amount == "every third":
        action = _every_third(action)
    when = {"bucket": f"{bucket}-bucket", "nth": nth, "times": times, **({"key": key} if key else {})}
    (place.world.s3.after if row.fault in AFTER else place.world.s3.before)(operation, action, **when)


def _every_third(action: Callable[[Request], Any]) -> Callable[[Request], Any]:
    numbers = itertools.count()
    return lambda request: action(request) if next(numbers) % 3 == 0 else None


def _action(place: FakePlace, fault: str) -> Callable[[Request], Any]:
    if fault in INSTEAD:
        return lambda request: INSTEAD[fault]
    actions: Mapping[str, Callable[[Request], Any]] = {
        "connection reset before it": _reset,
        "lost answer": lambda request: LOST,
        "answer after the time-out": lambda request: _late(place),
        "worker killed before it": _kill,
        "worker killed after it": _kill,
        "200 that names every key": _every_key,
    }
    return actions[fault]


def _reset(request: Request) -> None:
    raise ConnectionClosedError(endpoint_url=URL)


def _late(place: FakePlace) -> None:
    place.world.s3.later(TIMEOUT_SECONDS)
    raise ReadTimeoutError(endpoint_url=URL)


def _kill(request: Request) -> None:
    raise Killed(f"killed at {request.operation}")


def _every_key(request: Request) -> dict[str, Any]:
    keys = [one["Key"] for one in request.asked["Delete"]["Objects"]]
    return {"Errors": [{"Key": key, "Code": "InternalError", "Message": "Again."} for key in keys]}
