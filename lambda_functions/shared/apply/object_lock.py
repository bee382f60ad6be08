"""The Object Lock of a copy: that of its source, where the options say so; S3 itself copies none of it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html

HeadObject tells it, and CopyObject and CreateMultipartUpload take it, in headers of the same names; so it goes from one to the
other as it is, event holds too, which most versions of botocore do not know. A retention that has ended, by
S3's clock, is not carried: S3 takes dates in the future only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lambda_functions.shared.s3.heads import answered_at

MODE, UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
LEGAL_HOLD = "x-amz-object-lock-legal-hold"
EVENT_HOLD = "x-amz-object-lock-event-hold"
# How long the retention is that begins when the event hold is taken off: one of the two.
EVENT_HOLD_DURATIONS = (
    "x-amz-object-lock-event-hold-duration-days",
    "x-amz-object-lock-event-hold-duration-years",
)
ON = "ON"


def lock_headers(head: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that give a copy the lock that HeadObject told of its source; none where it has none.

    Whoever may not read retention or legal hold is told nothing of them, which looks the same.
    """
    told = head.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    now = datetime.fromisoformat(answered_at(head) or datetime.now(UTC).isoformat())
    carried = []
    is_held = told.get(EVENT_HOLD) == ON
    if told.get(UNTIL) and _is_future(told[UNTIL], now):
        carried += [MODE, UNTIL]
    elif is_held:
        carried.append(MODE)
    if is_held:
        carried += [EVENT_HOLD, *EVENT_HOLD_DURATIONS]
    if told.get(LEGAL_HOLD) == ON:
        carried.append(LEGAL_HOLD)
    return {name: told[name] for name in carried if told.get(name)}


def _is_future(until: str, now: datetime) -> bool:
    moment = datetime.fromisoformat(until)
    return moment.replace(tzinfo=moment.tzinfo or UTC) > now
