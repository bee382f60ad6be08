"""What a plan comes to, counted while it is made: why objects are copied or deleted, and what that takes and is charged for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lambda_functions.shared.option_rules import written_class
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.etags import part_count
from lambda_functions.shared.s3.listing import Entry
from lambda_functions.shared.work_items import ToCopy

# The same as those by which objects are copied, which a test holds.
MAX_COPY_BYTES = 5 * 1024**3
PART_BYTES = 512 * 1024**2
# Why there is a line for an object that can only be restored yet.
RESTORE = "restore"
STANDARD = "STANDARD"
# The days that an object of a class is paid for at least, and the bytes:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
MIN_DAYS = {"STANDARD_IA": 30, "ONEZONE_IA": 30, "GLACIER_IR": 90, "GLACIER": 90, "DEEP_ARCHIVE": 180}
MIN_BYTES = {"STANDARD_IA": 128 * 1024, "ONEZONE_IA": 128 * 1024, "GLACIER_IR": 128 * 1024}
# An upload into these is charged as one into STANDARD until it is completed:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuploadpricing
ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
WHOLE = {"COPY": 1}
# Lists are charged as those of STANDARD, whatever is listed: https://aws.amazon.com/s3/pricing/
LISTS = ("LIST_OBJECT_ANNOTATIONS",)
OF_SOURCE = ("HEAD", "GET_OBJECT_TAGGING")
BEFORE_COMPLETION = ("CREATE_MULTIPART_UPLOAD", "UPLOAD_PART_COPY")
DAY = timedelta(days=1)


@dataclass
class Planned:
    """Counts planned lines by reason, and the requests to the two buckets that carrying them out takes if nothing interferes.

    Besides what is charged for otherwise than those requests for STANDARD: `by_class` the requests of other classes
    (`COPY.GLACIER_IR`), `retrieved` the bytes read of each class that copies are made of, `early` how many bytes times days are
    left of the least time that objects which are replaced (`copy.GLACIER`) or deleted (`delete.GLACIER`) are paid for.
    """

    storage_class: str = "source"
    copies_tags: bool = True
    copies_locks: bool = False
    copies_annotations: bool = False
    now: datetime | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    by_class: Counter[str] = field(default_factory=Counter)
    retrieved: Counter[str] = field(default_factory=Counter)
    early: Counter[str] = field(default_factory=Counter)
    as_standard: Counter[str] = field(default_factory=Counter)
    restores: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> Planned:
        """Return the empty counts of a run."""
        options = run.options
        return cls(
            options.storageClass,
            options.copyTags,
            options.objectLock == "copy",
            options.annotations == "copy",
            run.start_second(),
        )

    def add_copy(self, item: ToCopy, replaced: Entry | None = None) -> None:
        """Count an object that is to be copied, and the one that its copy replaces."""
        self.reasons[item.reason] += 1
        requests = self._requests(item)
        for kind, count in requests.items():
            self.requests[kind] += count
        is_kept = self.storage_class == "source"
        written = written_class(item.storage_class) if is_kept else self.storage_class
        if is_kept and written != item.storage_class:
            self.as_standard[item.storage_class] += 1
        if item.storage_class != STANDARD or written != STANDARD:
            self._add_classes(requests, item, written)
        if replaced is not None and replaced.storage_class in MIN_DAYS:
            self._add_early("copy", replaced)

    def add_restore(self, item: ToCopy) -> None:
        """Count an archived object that is to be restored; a later run copies it."""
        self.reasons[RESTORE] += 1
        self.requests["RESTORE_OBJECT"] += 1
        amount = self.restores.setdefault(item.storage_class, {"objects": 0, "bytes": 0})
        amount["objects"] += 1
        amount["bytes"] += item.size

    def add_orphan(self, orphan: Entry | None = None) -> None:
        """Count an object that is to be deleted: it is looked for in the source first, and the delete itself is free."""
        self.reasons["orphan"] += 1
        self.requests["HEAD"] += 1
        if orphan is not None and orphan.storage_class in MIN_DAYS:
            self._add_early("delete", orphan)

    def to_json(self) -> dict[str, Any]:
        """Return `{"reasons": {"new": 3}, "toSend": {"COPY": 3}, "toPay": {"byClass": {...}, ...}}`, without zeros.

        Where there are any also `"asStandard": {"AWS_BACKUP_WARM": 3}` and `"restores": {"GLACIER": {"objects", "bytes"}}`.
        """
        charged = {"byClass": self.by_class, "retrieved": self.retrieved, "early": self.early}
        to_pay = {name: _sorted(counts) for name, counts in charged.items() if +counts}
        return {
            "reasons": dict(sorted(self.reasons.items())),
            "toSend": _sorted(self.requests),
            **({"toPay": to_pay} if to_pay else {}),
            **({"asStandard": _sorted(self.as_standard)} if self.as_standard else {}),
            **({"restores": self.restores} if self.restores else {}),
        }

    def _requests(self, item: ToCopy) -> Mapping[str, int]:
        """Return the requests that copying an object takes."""
        parts = parts_of(item)
        if parts == 1:
            return {"COPY": 1, "HEAD": 1} if item.size == 0 or self.copies_locks else WHOLE
        return {
            "HEAD": 1,
            "GET_OBJECT_TAGGING": int(self.copies_tags),
            "CREATE_MULTIPART_UPLOAD": 1,
            "UPLOAD_PART_COPY": parts,
            "COMPLETE_MULTIPART_UPLOAD": 1,
            "LIST_OBJECT_ANNOTATIONS": int(self.copies_annotations),
        }

    def _add_classes(self, requests: Mapping[str, int], item: ToCopy, written: str) -> None:
        if item.storage_class != STANDARD:
            self.retrieved[item.storage_class] += item.size
        for kind, count in requests.items():
            is_staged = kind in BEFORE_COMPLETION and written in ARCHIVES
            is_standard = is_staged or kind in LISTS
            charged = item.storage_class if kind in OF_SOURCE else STANDARD if is_standard else written
            if charged != STANDARD:
                self.by_class[f"{kind}.{charged}"] += count

    def _add_early(self, what: str, entry: Entry) -> None:
        """Count what is left of the least time since an object was written; that it got its class later is not listed."""
        assert self.now is not None, "the counts of a run know when it began"
        left = MIN_DAYS[entry.storage_class] - (self.now - entry.modified) / DAY
        size = max(entry.size, MIN_BYTES.get(entry.storage_class, 0))
        if left > 0:
            self.early[f"{what}.{entry.storage_class}"] += round(size * left)


def parts_of(item: ToCopy) -> int:
    """Return in how many parts an object is copied, 1 for a copy in one piece."""
    if item.size > MAX_COPY_BYTES and not part_count(item.etag):
        return -(-item.size // PART_BYTES)
    return part_count(item.etag) or 1


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted((+counts).items()))
