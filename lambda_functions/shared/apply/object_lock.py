"""The Object Lock of a copy: that of its source, where the options say so; S3 itself copies none of it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html

HeadObject tells it, and CopyObject and CreateMultipartUpload take it, in headers of the same names; so it goes from one to the
other as it is, event holds too, which most versions of botocore do not know. A retention that has ended, by S3's clock, is not
carried: S3 takes dates in the future only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from weakref import WeakSet

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import is_denied
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.s3.heads import answered_at
from lambda_functions.shared.work_items import ToCopy

MODE, UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
LEGAL_HOLD = "x-amz-object-lock-legal-hold"
EVENT_HOLD = "x-amz-object-lock-event-hold"
# How long the retention is that begins when the event hold is taken off: one of the two.
EVENT_HOLD_DURATIONS = (
    "x-amz-object-lock-event-hold-duration-days",
    "x-amz-object-lock-event-hold-duration-years",
)
ON = "ON"

# The clients with which retention, and those with which a legal hold, has been seen to be readable.
_readers: Mapping[str, WeakSet[Clients]] = {MODE: WeakSet(), LEGAL_HOLD: WeakSet()}


def copies_locks(run: Run) -> bool:
    """Whether copies get the lock of their source."""
    return run.options.objectLock == "copy"


def lock_headers(clients: Clients, run: Run, item: ToCopy, head: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that give a copy the lock that HeadObject told of its source; none where it has none.

    HeadObject tells nothing to whoever may not read a lock, as if there were none. So the first object without retention that a
    worker meets, and the first without a legal hold, are asked for it in so many words; raises ClientError where that is denied.
    """
    if not copies_locks(run):
        return {}
    told = head.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    source = clients.source
    for name, ask in ((MODE, source.get_object_retention), (LEGAL_HOLD, source.get_object_legal_hold)):
        if name not in told and clients not in _readers[name]:
            _require_right(ask, run, item)
        _readers[name].add(clients)
    return carried_headers(head)


def _require_right(ask: Callable[..., Any], run: Run, item: ToCopy) -> None:
    """Raise ClientError if this is denied; that there is no lock, or anything else, is told to those who may know."""
    try:
        ask(**run.source.object_parameters(item.key))
    except ClientError as error:
        if is_denied(error):
            raise


def carried_headers(head: Mapping[str, Any]) -> dict[str, str]:
    """Return what of a lock, as HeadObject tells it, a copy can be given."""
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
