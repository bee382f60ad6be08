"""Reading a page of a bucket's keys, and merging what two sides have into pairs: for every key, what each has under it.

S3 lists general-purpose buckets in the order of their keys' UTF-8 bytes, which is the order of Python's text
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ListingKeysUsingAPIs.html). A listing that breaks that order cannot be
compared, so it ends in an error. So does one that cannot be read to its end: what was not read is unknown, not absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import RangeBroken, describe_with_bucket, is_throttled
from lambda_functions.shared.option_rules import MAX_KEY_BYTES
from lambda_functions.shared.run import Side
from lambda_functions.shared.s3.clients import list_page
from lambda_functions.shared.s3.list_page import Entry as Entry
from lambda_functions.shared.s3.list_page import Page

# The most that one LIST returns: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
PAGE_KEYS = 1000

# What each side has under a key.
Pair = tuple[Entry | None, Entry | None]


@dataclass(frozen=True)
class KeyRange:
    """The relative keys with after < key <= up_to; None is open."""

    after: str | None = None
    up_to: str | None = None

    def contains(self, key: str) -> bool:
        """Whether a key is in this range."""
        return (self.after is None or key > self.after) and (self.up_to is None or key <= self.up_to)

    def place(self) -> tuple[bool, str]:
        """Return what ranges are sorted by: where they begin, those that begin nowhere first."""
        return self.after is not None, self.after or ""

    def to_json(self) -> dict[str, str | None]:
        """Return `{"after": ..., "upTo": ...}`."""
        return {"after": self.after, "upTo": self.up_to}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> KeyRange:
        """Return the range that `to_json` wrote."""
        return cls(data["after"], data["upTo"])


@dataclass(frozen=True)
class ReadPage:
    """The objects of a page, where the listing goes on (None at its end), and whether S3 was too busy to answer at once."""

    entries: Sequence[Entry]
    token: str | None
    was_busy: bool


def merge(source: Iterable[Entry], destination: Iterable[Entry]) -> Iterator[Pair]:
    """Yield (source, destination) for every key of either side, in order; None where a side does not have the key.

    Both must be strictly increasing by key; `pieces` sees to that. Pure: reads both lazily, each once.
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


def read_page(client: Any, side: Side, after: str | None, token: str | None = None) -> ReadPage:
    """Return the page that begins after a relative key, or at a token: one LIST. The order of its keys is not looked at."""
    page = _request_page(client, side, {"ContinuationToken": token} if token else _start(side, after))
    return ReadPage(page.entries(side.prefix), _next_token(page, side), page.retries > 0)


def _next_token(page: Page, side: Side) -> str | None:
    """Return where a listing goes on, None at its end; a page that does not say so is not taken for the last one."""
    if page.is_truncated is None or page.is_truncated != bool(page.token):
        raise RangeBroken(
            f"a page of {side.address()} does not say whether it is the last: its keys are unknown"
        )
    return page.token if page.is_truncated else None


def _start(side: Side, after: str | None) -> dict[str, str]:
    """Return where a listing begins: just after a relative key, or a little before it if that is longer than a key may be."""
    if after is None or not side.key(after):
        return {}
    return {"StartAfter": side.key(after).encode()[:MAX_KEY_BYTES].decode("utf-8", "ignore")}


def _request_page(client: Any, side: Side, start: Mapping[str, str]) -> Page:
    """Return a page; one that S3 refuses however often botocore asks (`clients.RETRIES`) breaks the range.

    Throttling and lost connections do not: they pass, and the next attempt of the worker begins anew.
    """
    try:
        return list_page(
            client,
            **side.parameters(),
            **start,
            Prefix=side.prefix,
            MaxKeys=PAGE_KEYS,
            OptionalObjectAttributes=["RestoreStatus"],
        )
    except ClientError as error:
        if is_throttled(error):
            raise
        raise RangeBroken(describe_with_bucket(error)) from error
