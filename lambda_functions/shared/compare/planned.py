"""What a plan comes to, counted while it is made: why objects are copied or deleted, and which requests that will take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lambda_functions.shared.option_rules import written_class
from lambda_functions.shared.options import Options
from lambda_functions.shared.s3.etags import part_count
from lambda_functions.shared.work_items import ToCopy

# The same as those by which objects are copied, which a test holds.
MAX_COPY_BYTES = 5 * 1024**3
PART_BYTES = 512 * 1024**2
# Why there is a line for an object that can only be restored yet.
RESTORE = "restore"


@dataclass
class Planned:
    """Counts planned lines by reason, and the requests to the two buckets that carrying them out takes if nothing interferes."""

    options: Options | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    as_standard: Counter[str] = field(default_factory=Counter)
    restores: dict[str, dict[str, int]] = field(default_factory=dict)

    def add_copy(self, item: ToCopy) -> None:
        """Count an object that is to be copied."""
        self.reasons[item.reason] += 1
        self._count_class(item)
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
            self.requests["LIST_OBJECT_ANNOTATIONS"] += self._copies("annotations")
        else:
            self.requests["COPY"] += 1
            self.requests["HEAD"] += item.size == 0 or self._copies("objectLock")

    def _copies(self, option: str) -> bool:
        return getattr(self.options, option, "") == "copy"

    def _count_class(self, item: ToCopy) -> None:
        """Count an object whose copy cannot have its class."""
        is_kept = self.options is not None and self.options.storageClass == "source"
        if is_kept and written_class(item.storage_class) != item.storage_class:
            self.as_standard[item.storage_class] += 1

    def add_restore(self, item: ToCopy) -> None:
        """Count an archived object that is to be restored; a later run copies it."""
        self.reasons[RESTORE] += 1
        self.requests["RESTORE_OBJECT"] += 1
        amount = self.restores.setdefault(item.storage_class, {"objects": 0, "bytes": 0})
        amount["objects"] += 1
        amount["bytes"] += item.size

    def add_orphan(self) -> None:
        """Count an object that is to be deleted: it is looked for in the source first, and the delete itself is free."""
        self.reasons["orphan"] += 1
        self.requests["HEAD"] += 1

    def to_json(self) -> dict[str, Any]:
        """Return `{"reasons": {"new": 3}, "toSend": {"COPY": 3}}`, without zeros.

        Where there are any also `"asStandard": {"AWS_BACKUP_WARM": 3}` and `"restores": {"GLACIER": {"objects", "bytes"}}`.
        """
        return {
            "reasons": dict(sorted(self.reasons.items())),
            "toSend": dict(sorted((+self.requests).items())),
            **({"asStandard": dict(sorted(self.as_standard.items()))} if self.as_standard else {}),
            **({"restores": self.restores} if self.restores else {}),
        }


def parts_of(item: ToCopy) -> int:
    """Return in how many parts an object is copied, 1 for a copy in one piece."""
    if item.size > MAX_COPY_BYTES and not part_count(item.etag):
        return -(-item.size // PART_BYTES)
    return part_count(item.etag) or 1
