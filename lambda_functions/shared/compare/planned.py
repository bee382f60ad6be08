"""What a plan comes to, counted while it is made: why objects are copied or deleted, and which requests that will take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lambda_functions.shared.s3.etags import part_count
from lambda_functions.shared.work_items import ToCopy

# The same as those by which objects are copied, which a test holds.
MAX_COPY_BYTES = 5 * 1024**3
PART_BYTES = 512 * 1024**2


@dataclass
class Planned:
    """Counts planned lines by reason, and the requests to the two buckets that carrying them out takes if nothing interferes."""

    reasons: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)

    def add_copy(self, item: ToCopy) -> None:
        """Count an object that is to be copied."""
        self.reasons[item.reason] += 1
        parts = parts_of(item)
        if parts > 1:
            self.requests["UPLOAD_PART_COPY"] += parts
            for kind in (
                "HEAD",
                "GET_OBJECT_TAGGING",
                "CREATE_MULTIPART_UPLOAD",
                "COMPLETE_MULTIPART_UPLOAD",
            ):
                self.requests[kind] += 1
        else:
            self.requests["COPY"] += 1
            self.requests["HEAD"] += item.size == 0

    def add_orphan(self) -> None:
        """Count an object that is to be deleted: it is looked for in the source first, and the delete itself is free."""
        self.reasons["orphan"] += 1
        self.requests["HEAD"] += 1

    def to_json(self) -> dict[str, Any]:
        """Return `{"reasons": {"new": 3}, "toSend": {"COPY": 3}}`, without zeros."""
        return {
            "reasons": dict(sorted(self.reasons.items())),
            "toSend": dict(sorted((+self.requests).items())),
        }


def parts_of(item: ToCopy) -> int:
    """Return in how many parts an object is copied, 1 for a copy in one piece."""
    if item.size > MAX_COPY_BYTES and not part_count(item.etag):
        return -(-item.size // PART_BYTES)
    return part_count(item.etag) or 1
