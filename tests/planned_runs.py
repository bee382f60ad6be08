"""The plan that a run leaves in the work bucket, for whoever reads it: written as a run writes it, in waves that overlap."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fake_executions import FOLDER, FakeAws

Line = dict[str, Any]


class PlannedBucket(FakeAws):
    """FakeAws with the files of a plan."""

    def put_wave(
        self, wave: int, records: Sequence[Mapping[str, Sequence[Sequence[Line]]]], back: bool = False
    ) -> None:
        """Put a wave of records, each with the lines of its shards by kind; `back`: the first one hands back a range."""
        items = [
            {"id": f"{wave}-{number:04}", "after": None, "upTo": None}
            for number in range(1, len(records) + 1)
        ]
        self.objects[f"{FOLDER}/ranges/{wave}.json"] = items
        for item, shards in zip(items, records, strict=True):
            self.put_record(
                item["id"], shards, [{"after": "m", "upTo": None}] if back and item is items[0] else []
            )

    def put_record(
        self, name: str, shards: Mapping[str, Sequence[Sequence[Line]]], back: Sequence[Any]
    ) -> None:
        written = {
            kind: [self._put_shard(kind, name, n, lines) for n, lines in enumerate(shards.get(kind, ()))]
            for kind in ("copy", "large", "delete", *(["restore"] if "restore" in shards else []))
        }
        reasons = Counter(
            "restore" if kind == "restore" else line.get("reason", "")
            for kind, files in shards.items()
            for file in files
            for line in file
        )
        self.objects[f"{FOLDER}/compared/{name}.json"] = {
            "file": f"{FOLDER}/compared/{name}.json",
            "range": {"id": name, "after": None, "upTo": None},
            "broken": "",
            "decided": [{"after": None, "upTo": "m"}],
            "handedBack": list(back),
            "shards": written,
            "reasons": dict(reasons),
        }

    def _put_shard(self, kind: str, name: str, number: int, lines: Sequence[Line]) -> dict[str, Any]:
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        file = f"{kind}/{name}-{number:04}-attempt.jsonl"
        self.objects[f"{FOLDER}/{file}"] = body
        return {"file": file, "objects": len(lines), "sha256": hashlib.sha256(body).hexdigest(), "bytes": 0}


def planned(key: str, reason: str, size: int = 3) -> Line:
    """Return a line as a run writes it; without a reason as an older one did."""
    line = {"key": key, "etag": "x", "size": size}
    if reason != "orphan":
        line |= {"class": "STANDARD", "checksum": None, "was": None if reason == "new" else "y"}
    return {**line, "reason": reason} if reason else line


def report_of(copies: int, deletes: int, restore: int = 0, **differing: Any) -> dict[str, Any]:
    """Return the report of a dry run that planned so much."""
    plan = {"copy": {"objects": copies, "bytes": 0}, "delete": {"objects": deletes, "bytes": 0}}
    plan |= {"restore": {"objects": restore, "bytes": 0}} if restore else {}
    nothing = {"objects": 0, "bytes": 0}
    return {
        "source": "photos", "destination": "photos-copy", "dryRun": True, "plan": plan, "current": {"objects": 7, "bytes": 70},
        "copied": nothing, "deleted": nothing, "skipped": {"archived": 0, "vanished": 0, "unmappable": 0},
        "changed": {"objects": 0}, "unprovable": {"objects": 0}, "failed": {"objects": 0}, "requests": {"LIST": 2},
        "estimatedCostUsd": 0.0006, "plannedCostUsd": 0.0294, "report": f"s3://work/{FOLDER}/report.json", **differing,
    }  # fmt: skip
