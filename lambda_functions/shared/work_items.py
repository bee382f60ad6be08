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
    the destination that the copy may replace; None means that there must be none.
    """

    key: str
    etag: str
    size: int
    storage_class: str = "STANDARD"
    checksum: tuple[str, str] | None = None
    replaces_etag: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return `{"key", "etag", "size", "class", "checksum", "was"}`."""
        source = {"key": self.key, "etag": self.etag, "size": self.size, "class": self.storage_class}
        return {**source, "checksum": self.checksum, "was": self.replaces_etag}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ToCopy:
        """Return the object that `to_json` wrote."""
        key, etag, size = data["key"], data["etag"], data["size"]
        checksum = tuple(data["checksum"]) if data.get("checksum") else None
        return cls(key, etag, size, data.get("class", "STANDARD"), checksum, data.get("was"))


@dataclass(frozen=True, slots=True)
class ToDelete:
    """An object of the destination as it was listed, of which the source has nothing."""

    key: str
    etag: str
    size: int

    def to_json(self) -> dict[str, Any]:
        """Return `{"key", "etag", "size"}`."""
        return {"key": self.key, "etag": self.etag, "size": self.size}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ToDelete:
        """Return the object that `to_json` wrote."""
        return cls(data["key"], data["etag"], data["size"])
