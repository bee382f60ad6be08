"""A bucket that answers ListObjectsV2 and nothing else, in memory: quick enough for thousands of examples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from samples import NOON

from lambda_functions.shared.option_rules import MAX_KEY_BYTES

ETAG = "0cc175b9c0f1b6a831c399e269772661"


class ListedBucket:
    """Answers as S3 does, in pages of at most `page_keys`; or in the order given, as S3 never should."""

    def __init__(self, keys: Iterable[str], page_keys: int = 1000, *, is_sorted: bool = True) -> None:
        self.keys = sorted(set(keys)) if is_sorted else list(keys)
        self.page_keys = page_keys
        self.asked: list[dict[str, Any]] = []

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        assert asked.get("StartAfter") != ""
        assert len(asked.get("StartAfter", "").encode()) <= MAX_KEY_BYTES
        under = [key for key in self.keys if key.startswith(asked["Prefix"])]
        keys = [key for key in under if key > asked["StartAfter"]] if "StartAfter" in asked else under
        keys = keys[self._first_index(asked, keys) :]
        page = keys[: min(asked["MaxKeys"], self.page_keys)]
        more = {"NextContinuationToken": page[-1]} if len(page) < len(keys) else {}
        metadata: dict[str, Any] = {"ResponseMetadata": {}}
        return {"Contents": list(map(self.content, page)), "IsTruncated": bool(more), **more, **metadata}

    def _first_index(self, asked: dict[str, Any], keys: list[str]) -> int:
        """Return where a page begins: behind the key that its token names, if it names one."""
        token = asked.get("ContinuationToken")
        return keys.index(token) + 1 if token in keys else 0

    def content(self, key: str) -> dict[str, Any]:
        """Return what a page says of an object."""
        return {"Key": key, "ETag": f'"{ETAG}"', "Size": 3, "LastModified": NOON}


class RefusingBucket(ListedBucket):
    """Answers no LIST but with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__([])
        self.error = error

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        raise self.error
