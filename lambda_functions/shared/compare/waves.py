"""The waves of a comparison: each is an index of ranges, and a record for each of them that was compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lambda_functions.shared.work_bucket.record_shape import require_range
from lambda_functions.shared.work_bucket.run_folder import RunFolder

# After this many waves a source grows faster than it is read, or its keys cannot be cut.
MAX_WAVES = 40

Record = Mapping[str, Any]


def wave_index_name(wave: int) -> str:
    """Return the name of the index of a wave."""
    return f"ranges/{wave}.json"


def range_record_name(range_id: str) -> str:
    """Return the name of a range's record."""
    return f"compared/{range_id}.json"


def wave_of_range(range_id: str) -> int:
    """Return the wave that a range is of: `2-0001` -> 2."""
    return int(range_id.partition("-")[0])


def waves_of(comparison: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what names the indexes of all waves of a run, the present one last; `comparison` is the state of that name.

    Their names are relative to the run's folder: 40 whole keys would take 10 KB of the 256 KiB that a state may have.
    """
    name = wave_index_name(int(comparison["wave"]))
    present = {"index": name, "items": comparison["items"], "sha256": comparison["sha256"]}
    return [*comparison.get("waves", []), present]


def write_wave(folder: RunFolder, wave: int, ranges: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Write the index of a wave, once and for all; return what names it. The ids of its ranges say the wave: `2-0001`."""
    items = [{"id": f"{wave}-{number:04d}", **key_range} for number, key_range in enumerate(ranges, 1)]
    return folder.write_index_once(wave_index_name(wave), items)


def read_wave(folder: RunFolder, index: Mapping[str, Any]) -> tuple[list[Record], str]:
    """Return the records of a wave, and why it cannot be built upon ("" if it can); `index` names that of the wave."""
    items = folder.read_index(index)
    names = [range_record_name(item["id"]) for item in items]
    records = folder.read_many(names)
    missing = [name for name, record in zip(names, records, strict=True) if record is None]
    for name, record in zip(names, records, strict=True):
        if record is not None:
            require_range(folder, name, record)
    broken = [record["broken"] for record in records if record and record["broken"]]
    if missing:
        broken.append(
            f"{len(missing)} of {len(items)} ranges left no record, first {folder.address(missing[0])}"
        )
    return [record for record in records if record], "; ".join(broken[:3])
