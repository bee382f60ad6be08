"""Reading a bucket's keys in order: one side of one key range, page by page, the next page under way while one is used; and
merging two such listings into pairs: for every key, what each side has under it.

S3 lists general-purpose buckets in the order of their keys' UTF-8 bytes, which is the order of Python's text
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ListingKeysUsingAPIs.html). A listing that breaks that order cannot be
compared, so it ends in an error. So does one that cannot be read to its end: what was not read is unknown, not absent.
"""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import RangeBroken, describe_with_bucket, is_throttled
from lambda_functions.shared.options import MAX_KEY_BYTES
from lambda_functions.shared.run import Side
from lambda_functions.shared.s3.clients import list_page
from lambda_functions.shared.s3.list_page import Entry as Entry
from lambda_functions.shared.s3.list_page import Page

# The most that one LIST returns: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
PAGE_KEYS = 1000

# What each side has under a key.
Pair = tuple[Entry | None, Entry | None]
# The objects of a page, and where the listing goes on.
_Read = tuple[list[Entry], str | None]


@dataclass(frozen=True)
class KeyRange:
    """The relative keys with after < key <= up_to; None is open."""

    after: str | None = None
    up_to: str | None = None

    def contains(self, key: str) -> bool:
        """Whether a key is in this range."""
        return (self.after is None or key > self.after) and (self.up_to is None or key <= self.up_to)

    def ends_by(self, key: str) -> bool:
        """Whether no key of this range can come after a key."""
        return self.up_to is not None and self.up_to <= key

    def to_json(self) -> dict[str, str | None]:
        """Return `{"after": ..., "upTo": ...}`."""
        return {"after": self.after, "upTo": self.up_to}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> KeyRange:
        """Return the range that `to_json` wrote."""
        return cls(data["after"], data["upTo"])


class Listing:
    """The objects of a range in order, to be gone through once; they end in `RangeBroken` where they come out of order.

    The first page is asked for at once, not when the first object is taken, so that both sides of a range begin together.
    Requests: one LIST for each 1,000 keys, the last one possibly reaching past the end of the range.
    """

    def __init__(self, client: Any, side: Side, key_range: KeyRange) -> None:
        pool = ThreadPoolExecutor(1, thread_name_prefix="listing")
        first = pool.submit(_read, client, side, key_range, _start(side, key_range.after))
        self._pages = _clip(key_range, _pages(client, side, key_range, pool, first), side)
        self._page: Sequence[Entry] = ()
        self._listed = 0

    def __iter__(self) -> Iterator[Entry]:
        return chain.from_iterable(self._count_pages())

    def count_up_to(self, up_to: str | None) -> int:
        """Return how many objects the pages had up to a key that was reached; None is the end."""
        beyond = 0 if up_to is None else len(self._page) - bisect_right(self._page, up_to, key=_key_of)
        return self._listed - beyond

    def _count_pages(self) -> Iterator[Sequence[Entry]]:
        for page in self._pages:
            self._page = page
            self._listed += len(page)
            yield page


def _key_of(entry: Entry) -> str:
    return entry.key


def merge(source: Iterable[Entry], destination: Iterable[Entry]) -> Iterator[Pair]:
    """Yield (source, destination) for every key of either side, in order; None where a side does not have the key.

    Both must be strictly increasing by key; `Listing` sees to that. Pure: reads both lazily, each once.
    """
    left, right = iter(source), iter(destination)
    here, there = next(left, None), next(right, None)
    while here is not None or there is not None:
        if there is None or (here is not None and here.key < there.key):
            yield here, None
            here = next(left, None)
        elif here is None or there.key < here.key:
            yield None, there
            there = next(right, None)
        else:
            yield here, there
            here, there = next(left, None), next(right, None)


def pair_key(pair: Pair) -> str:
    """Return the key that a pair is about."""
    entry = pair[0] or pair[1]
    assert entry is not None
    return entry.key


def first_key(client: Any, side: Side, after: str | None) -> str | None:
    """Return the first relative key after `after`, or None where there is none: one LIST of one key."""
    page = _request_page(client, side, _start(side, after), 1)
    while not page.keys and page.is_truncated:
        page = _request_page(client, side, _continuation(_next_token(page, side)), 1)
    return page.keys[0].removeprefix(side.prefix) if page.keys else None


def page_end(client: Any, side: Side, after: str | None) -> str | None:
    """Return the last relative key of a page that begins after `after`, None where no more keys follow it: one LIST."""
    page = _request_page(client, side, _start(side, after), PAGE_KEYS)
    return page.keys[-1].removeprefix(side.prefix) if page.keys and page.is_truncated else None


def _clip(key_range: KeyRange, pages: Iterator[Sequence[Entry]], side: Side) -> Iterator[Sequence[Entry]]:
    """Yield of each page what is in the range, until that ends or its keys are out of order. A whole page at a time is quick."""
    last: str | None = None
    for page in pages:
        keys = [entry.key for entry in page]
        good = _count_in_order(last, keys)
        begin = 0 if key_range.after is None else bisect_right(keys, key_range.after, 0, good)
        end = good if key_range.up_to is None else bisect_right(keys, key_range.up_to, 0, good)
        yield page[begin:end]
        if good < len(keys):
            before = keys[good - 1] if good else last
            raise RangeBroken(
                f"{side.address()} lists {keys[good]!r} after {before!r}: its keys are not in order"
            )
        if end < good:
            return
        last = keys[-1] if keys else last


def _count_in_order(last: str | None, keys: Sequence[str]) -> int:
    """Return how many of the keys are each greater than the one before them, the first one than `last`."""
    if last is not None and keys and keys[0] <= last:
        return 0
    if all(map(operator.lt, keys, islice(keys, 1, None))):
        return len(keys)
    return next(index for index in range(1, len(keys)) if keys[index] <= keys[index - 1])


def _pages(
    client: Any, side: Side, key_range: KeyRange, pool: ThreadPoolExecutor, first: Future[_Read]
) -> Iterator[list[Entry]]:
    try:
        coming: Future[_Read] | None = first
        while coming:
            page, token = coming.result()
            coming = pool.submit(_read, client, side, key_range, _continuation(token)) if token else None
            yield page
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read(client: Any, side: Side, key_range: KeyRange, start: Mapping[str, str]) -> _Read:
    """Read a page; what is behind one that reaches the end of the range would be read for nothing."""
    page = _request_page(client, side, start, PAGE_KEYS)
    entries, token = page.entries(side.prefix), _next_token(page, side)
    return entries, None if entries and key_range.ends_by(entries[-1].key) else token


def _next_token(page: Page, side: Side) -> str | None:
    """Return where a listing goes on, None at its end; a page that does not say so is not taken for the last one."""
    if page.is_truncated is None or page.is_truncated != bool(page.token):
        raise RangeBroken(
            f"a page of {side.address()} does not say whether it is the last: its keys are unknown"
        )
    return page.token if page.is_truncated else None


def _continuation(token: str | None) -> dict[str, str]:
    return {"ContinuationToken": token} if token else {}


def _start(side: Side, after: str | None) -> dict[str, str]:
    """Return where a listing begins: just after a relative key, or a little before it if that is longer than a key may be."""
    if after is None or not side.key(after):
        return {}
    return {"StartAfter": side.key(after).encode()[:MAX_KEY_BYTES].decode("utf-8", "ignore")}


def _request_page(client: Any, side: Side, start: Mapping[str, str], keys: int) -> Page:
    """Return a page; one that S3 refuses however often botocore asks (`clients.RETRIES`) breaks the range.

    Throttling and lost connections do not: they pass, and the next attempt of the worker begins anew.
    """
    try:
        return list_page(
            client,
            **side.parameters(),
            **start,
            Prefix=side.prefix,
            MaxKeys=keys,
            OptionalObjectAttributes=["RestoreStatus"],
        )
    except ClientError as error:
        if is_throttled(error):
            raise
        raise RangeBroken(describe_with_bucket(error)) from error
