"""What was measured, as it is kept in `results.json`; tables and plots are made from nothing else."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.planning import Planned
from benchmarks.syncing import Synced
from benchmarks.tools import versions

LISTS = ("planned", "synced", "metadata", "delayed")


@dataclass(frozen=True)
class Results:
    """The machine that it was measured on, the plans of all sizes, the syncs without and with delay, and plans of ours alone.

    `metadata` are those that ask for the metadata of every object, beside those that do not; `delayed` are
    plans with a delay of every request. Older results have none of these. `earlier` has the machine, and with it the date, of
    what was measured before the rest, by the name of its list.
    """

    machine: Mapping[str, Any]
    planned: list[Planned] = field(default_factory=list)
    synced: list[Synced] = field(default_factory=list)
    metadata: list[Planned] = field(default_factory=list)
    delayed: list[Planned] = field(default_factory=list)
    earlier: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the file, sizes and names as they are."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Return what `write` wrote."""
        data = json.loads(path.read_text())
        synced = [Synced(**{**one, "delay_ms": tuple(one["delay_ms"])}) for one in data["synced"]]
        planned, metadata, delayed = (
            [Planned(**one) for one in data.get(name, ())] for name in ("planned", "metadata", "delayed")
        )
        return cls(data["machine"], planned, synced, metadata, delayed, data.get("earlier", {}))

    def completed_by(self, older: Results) -> Results:
        """Return these with the figures of older ones where these have none, so that a part can be measured alone."""
        return Results(
            self.machine,
            self.planned or older.planned,
            self.synced or older.synced,
            self.metadata or older.metadata,
            self.delayed or older.delayed,
            {
                name: older.earlier.get(name, older.machine)
                for name in LISTS
                if getattr(older, name) and not getattr(self, name)
            },
        )


def this_machine() -> dict[str, Any]:
    """Return what the figures depend on, and nothing that names the machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "botocore": importlib.metadata.version("botocore"),
        **versions(),
    }
