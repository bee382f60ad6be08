"""A sync that the configuration names: what its executions are given, and when they start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UTC = "UTC"


@dataclass(frozen=True)
class Sync:
    """An entry of SYNCS.

    `input` is what an execution of it is given, its `name` included; `schedule` an expression of EventBridge Scheduler, None for
    a sync that people start; `timezone` the name of a zone of the IANA's database, in which a `cron` or `at` is read.
    """

    name: str
    input: Mapping[str, Any]
    schedule: str | None = None
    timezone: str = UTC


def read(value: Any) -> tuple[Sync, ...]:
    """Return the entries of SYNCS; raise ValueError with what is expected."""
    if not isinstance(value, dict):
        raise ValueError("expected names and their syncs: {}")
    return tuple(_entry(name, entry) for name, entry in value.items())


def _entry(name: str, entry: Mapping[str, Any]) -> Sync:
    given = {key: part for key, part in entry.items() if key not in ("schedule", "timezone")}
    return Sync(name, {**given, "name": name}, entry.get("schedule"), entry.get("timezone", UTC))
