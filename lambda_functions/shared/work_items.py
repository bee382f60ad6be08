"""What is to be done with one object, as it travels: a line of a shard, or part of an event.

The names in JSON are fixed: a run under way, and the clean-up of an older one, read what an earlier deployment has written.
Unknown names are ignored, and what an older file does not say has its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToCopy:
    """An object of the source as it was listed; `key` is relative, `size` in bytes, `etag` without quotes.

    `checksum` is algorithm and type, such as ("CRC64NVME", "FULL_OBJECT"). `replaces_etag` is the ETag of the object at
    the destination that the copy may replace; None means that there must be none. `reason` is why it is copied, in the words of
    `equality.Decision`; "" where an earlier deployment did not say. `restore`: it is archived, and all that is to be done is to
    ask for a copy of it that can be read.
    """

    key: str
    etag: str
    size: int
    storage_class: str = "STANDARD"
    checksum: tuple[str, str] | None = None
    replaces_etag: str | None = None
    reason: str = ""
    restore: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return `{"key", "etag", "size", "class", "checksum", "was", "reason", "restore"}`, the last two if there is one."""
        source = {"key": self.key, "etag": self.etag, "size": self.size, "class": self.storage_class}
        line = {**source, "checksum": self.checksum, "was": self.replaces_etag}
        if self.restore:
            line["restore"] = True
        return {**line, "reason": self.reason} if self.reason else line

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ToCopy:
        """Return the object that `to_json` wrote."""
        key, etag, size = data["key"], data["etag"], data["size"]
        checksum = tuple(data["checksum"]) if data.get("checksum") else None
        storage_class, was, reason = data.get("class", "STANDARD"), data.get("was"), data.get("reason", "")
        is_archived = data.get("restore", False)
        return cls(key, etag, size, storage_class, checksum, was, reason, is_archived)


@dataclass(frozen=True, slots=True)
class ToDelete:
    """An object of the destination as it was listed, of which the source has nothing."""

    key: str
    etag: str
    size: int

    def to_json(self) -> dict[str, Any]:
        """Return `{"key", "etag", "size", "reason"}`: an orphan is the only thing that is ever deleted."""
        return {"key": self.key, "etag": self.etag, "size": self.size, "reason": "orphan"}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ToDelete:
        """Return the object that `to_json` wrote."""
        return cls(data["key"], data["etag"], data["size"])
