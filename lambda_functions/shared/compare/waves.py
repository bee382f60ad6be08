"""The waves of a comparison: each is an index of ranges, and a record for each of them that was compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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


def write_wave(folder: RunFolder, wave: int, ranges: Iterable[Mapping[str, Any]]) -> int:
    """Write the index of a wave, once and for all; return how many ranges it has. Their ids say the wave: `2-0001`."""
    index = [{"id": f"{wave}-{number:04d}", **key_range} for number, key_range in enumerate(ranges, 1)]
    return len(folder.write_once(wave_index_name(wave), index))


def read_wave(folder: RunFolder, wave: int) -> tuple[list[Record], str]:
    """Return the records of a wave, and why it cannot be built upon ("" if it can)."""
    index = folder.require(wave_index_name(wave))
    records = folder.read_many([range_record_name(item["id"]) for item in index])
    missing = [item["id"] for item, record in zip(index, records, strict=True) if record is None]
    broken = [record["broken"] for record in records if record and record["broken"]]
    if missing:
        broken.append(
            f"{len(missing)} of {len(index)} ranges of wave {wave} left no record, first {missing[0]}"
        )
    return [record for record in records if record], "; ".join(broken[:3])
