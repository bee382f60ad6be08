"""Reading a bucket's keys in order: one side of one key range, page by page, the next page under way while one is used.

S3 lists general-purpose buckets in the order of their keys' UTF-8 bytes, which is the order of Python's text
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ListingKeysUsingAPIs.html). A listing that breaks that order cannot be
compared, so it ends in an error. So does one that cannot be read to its end: what was not read is unknown, not absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lambda_functions.shared.errors import RangeBroken
from lambda_functions.shared.key_ranges import KeyRange
from lambda_functions.shared.run import Side
from lambda_functions.shared.sync_input import MAX_KEY_BYTES

# The most that one LIST returns: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
PAGE_KEYS = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One object as listed; `key` is relative, `etag` without quotes, `checksum` such as ("CRC64NVME", "FULL_OBJECT")."""

    key: str
    etag: str
    size: int
    modified: datetime
    storage_class: str = "STANDARD"
    is_restored: bool = False
    checksum: tuple[str, str] | None = None


def entries(client: Any, side: Side, key_range: KeyRange) -> Iterator[Entry]:
    """Yield the objects of a range in order; raise `RangeBroken` where the listing comes out of order.

    Requests: one LIST for each 1,000 keys, the last one possibly reaching past the end of the range.
    """
    last: str | None = None
    for page in _pages(client, side, key_range.after):
        for found in page.get("Contents", ()):
            entry = _entry(found, side.prefix)
            if key_range.after is not None and entry.key <= key_range.after:
                continue
            if last is not None and entry.key <= last:
                raise RangeBroken(
                    f"{side.where()} lists {entry.key!r} after {last!r}: its keys are not in order"
                )
            if key_range.up_to is not None and entry.key > key_range.up_to:
                return
            last = entry.key
            yield entry


def first_key(client: Any, side: Side, after: str | None) -> str | None:
    """Return the first relative key after `after`, or None where there is none: one LIST of one key."""
    page = _list(client, side, _start(side, after), None, 1)
    while not page.get("Contents") and page.get("IsTruncated"):
        page = _list(client, side, {}, page["NextContinuationToken"], 1)
    found = page.get("Contents", ())
    return found[0]["Key"].removeprefix(side.prefix) if found else None


def is_longer_than_a_page(client: Any, side: Side, after: str | None) -> bool:
    """Whether more than 1,000 keys follow `after`: one LIST."""
    return bool(_list(client, side, _start(side, after), None, PAGE_KEYS).get("IsTruncated"))


def _pages(client: Any, side: Side, after: str | None) -> Iterator[Mapping[str, Any]]:
    pool = ThreadPoolExecutor(1, thread_name_prefix="listing")
    try:
        coming: Future[Mapping[str, Any]] | None = pool.submit(
            _list, client, side, _start(side, after), None, PAGE_KEYS
        )
        while coming:
            page = coming.result()
            token = _next_token(page, side)
            coming = pool.submit(_list, client, side, {}, token, PAGE_KEYS) if token else None
            yield page
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _next_token(page: Mapping[str, Any], side: Side) -> str | None:
    """Return where a listing goes on, None at its end; a page that does not say so is not taken for the last one."""
    is_truncated, token = page.get("IsTruncated"), page.get("NextContinuationToken")
    if is_truncated is None or (is_truncated and not token):
        raise RangeBroken(
            f"a page of {side.where()} does not say whether it is the last: its keys are unknown"
        )
    return str(token) if is_truncated else None


def _start(side: Side, after: str | None) -> dict[str, str]:
    """Return where a listing begins: just after a relative key, or a little before it if that is longer than a key may be."""
    if after is None or not side.key(after):
        return {}
    return {"StartAfter": side.key(after).encode()[:MAX_KEY_BYTES].decode("utf-8", "ignore")}


def _list(
    client: Any, side: Side, start: Mapping[str, str], token: str | None, keys: int
) -> Mapping[str, Any]:
    going_on = {"ContinuationToken": token} if token else start
    page: Mapping[str, Any] = client.list_objects_v2(
        **side.parameters(),
        **going_on,
        Prefix=side.prefix,
        MaxKeys=keys,
        OptionalObjectAttributes=["RestoreStatus"],
    )
    return page


def _entry(found: Mapping[str, Any], prefix: str) -> Entry:
    restore = found.get("RestoreStatus") or {}
    algorithms = found.get("ChecksumAlgorithm")
    return Entry(
        key=found["Key"].removeprefix(prefix),
        etag=found["ETag"].strip('"'),
        size=found["Size"],
        modified=found["LastModified"],
        storage_class=found.get("StorageClass", "STANDARD"),
        is_restored="RestoreExpiryDate" in restore and not restore.get("IsRestoreInProgress"),
        checksum=(algorithms[0], found.get("ChecksumType", "")) if algorithms else None,
    )
