"""The waves of a comparison: each is an index of ranges, and a record for each of them that was compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
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


def range_id(wave: int, number: int) -> str:
    """Return the id of a range of a wave, counted from 1: `2-0001`."""
    return f"{wave}-{number:04d}"


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
    items = [{"id": range_id(wave, number), **key_range} for number, key_range in enumerate(ranges, 1)]
    return folder.write_index_once(wave_index_name(wave), items)


def read_wave(folder: RunFolder, index: Mapping[str, Any]) -> tuple[list[Record], str]:
    """Return the records of a wave, and why it cannot be built upon ("" if it can); `index` names that of the wave.

    The index is read beside them, as the wave and the number of its ranges tell their names; it must still be what was written.
    """
    wave = int(PurePosixPath(index["index"]).stem)
    names = [range_record_name(range_id(wave, number)) for number in range(1, index["items"] + 1)]
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(folder.read_index, index)
        records = folder.read_many(names)
        reading.result()
    missing = [name for name, record in zip(names, records, strict=True) if record is None]
    lost = (
        f"{len(missing)} of {len(names)} ranges left no record, first {folder.address(missing[0])}"
        if missing
        else ""
    )
    found = [
        require_range(folder, name, record)
        for name, record in zip(names, records, strict=True)
        if record is not None
    ]
    return found, describe_broken(found, lost)


def describe_broken(records: Sequence[Record], lost: str = "") -> str:
    """Return the first reasons why ranges could not be compared, "" if all were; `lost` is said of those without a record."""
    return "; ".join([why for why in (*(record["broken"] for record in records), lost) if why][:3])
