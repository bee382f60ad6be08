"""The waves of a comparison: an index of ranges each, and the records that they leave."""

from __future__ import annotations

from typing import Any

import pytest
from samples import FOLDER, LEFT, RIGHT, WHOLE, compared_record, memory_folder, wave_of

from lambda_functions.shared.compare.waves import (
    range_id,
    range_record_name,
    read_wave,
    wave_index_name,
    wave_of_range,
    write_wave,
)
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken


def written(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as it is read: it says which file it is."""
    return {"file": f"{FOLDER}/{range_record_name(record['range']['id'])}", **record}


def test_the_ranges_of_a_wave_are_named_after_it() -> None:
    folder = memory_folder()

    index = write_wave(folder, 2, [LEFT, RIGHT])

    assert wave_index_name(2) == "ranges/2.json"
    assert (index["index"], index["items"]) == (f"{FOLDER}/ranges/2.json", 2)
    assert folder.read_index(index) == [
        {"id": "2-0001", "after": None, "upTo": "m"},
        {"id": "2-0002", "after": "m", "upTo": None},
    ]


@pytest.mark.parametrize(
    ("name", "wave", "number"), [("1-0002", 1, 2), ("12-0001", 12, 1), ("3-12345", 3, 12345)]
)
def test_the_id_of_a_range_says_its_wave_and_its_number(name: str, wave: int, number: int) -> None:
    assert range_id(wave, number) == name
    assert wave_of_range(name) == wave


def test_a_wave_has_as_many_ranges_as_it_needs() -> None:
    folder = memory_folder()

    index = write_wave(folder, 3, [WHOLE] * 10_001)

    assert index["items"] == 10_001
    assert len({one["id"] for one in folder.read_index(index)}) == 10_001


def test_the_records_of_a_wave_are_read_through_its_index() -> None:
    folder = memory_folder()
    one, other = compared_record("1-0001", unprovable=1), compared_record("1-0002", unprovable=2)
    index = wave_of(folder, one, other)
    folder.write(range_record_name("1-0003"), compared_record("1-0003", broken="litter"))

    assert read_wave(folder, index) == ([written(one), written(other)], "")


def test_a_range_without_a_record_breaks_its_wave() -> None:
    folder = memory_folder()
    record = compared_record("1-0002")
    index = wave_of(folder, None, record, None)

    assert read_wave(folder, index) == (
        [written(record)],
        f"2 of 3 ranges left no record, first s3://work-bucket/{FOLDER}/compared/1-0001.json",
    )


def test_ranges_that_could_not_be_compared_break_their_wave_and_three_of_them_are_named() -> None:
    folder = memory_folder()
    index = wave_of(folder, None, *(compared_record(broken=f"{letter} is broken") for letter in "abcd"))

    assert read_wave(folder, index)[1] == "a is broken; b is broken; c is broken"


# Unknown is not absent: an index that cannot be found says nothing about the keys of its ranges.
def test_a_wave_without_an_index_is_an_error() -> None:
    folder = memory_folder()
    index = write_wave(folder, 1, [WHOLE])
    folder.remove("ranges/1.json")

    with pytest.raises(RunFileBroken, match=r"/ranges/1\.json is not there"):
        read_wave(folder, index)


def test_the_ranges_of_a_wave_are_written_once_and_for_all() -> None:
    folder = memory_folder()
    first = write_wave(folder, 1, [LEFT, RIGHT])

    assert write_wave(folder, 1, [WHOLE]) == first
    assert [one["upTo"] for one in folder.read_index(first)] == ["m", None]
