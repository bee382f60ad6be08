"""What a plan comes to: its reasons, and the requests that carrying it out takes."""

from __future__ import annotations

import pytest

from lambda_functions.shared.apply import parts
from lambda_functions.shared.compare import planned
from lambda_functions.shared.compare.planned import Planned, parts_of
from lambda_functions.shared.options import Options
from lambda_functions.shared.work_items import ToCopy

GB = 1024**3


@pytest.mark.parametrize(
    ("etag", "size", "count"),
    [
        ("x", 1, 1),
        ("x", 0, 1),
        ("x", 5 * GB, 1),
        ("x", 5 * GB + 1, 11),
        ("x-1", 1, 1),
        ("x-7", 1, 7),
        ("x-1", 6 * GB, 1),
    ],
)
def test_an_object_is_copied_in_its_own_parts_or_in_those_that_its_size_asks_for(
    etag: str, size: int, count: int
) -> None:
    assert parts_of(ToCopy("a", etag, size)) == count


def test_the_limits_are_those_by_which_objects_are_copied() -> None:
    assert (planned.MAX_COPY_BYTES, planned.PART_BYTES) == (parts.MAX_COPY_BYTES, parts.PART_BYTES)


def test_a_plan_counts_its_reasons_and_requests() -> None:
    counted = Planned()
    for item in (
        ToCopy("a", "x", 1, reason="new"),
        ToCopy("b", "x", 0, reason="size"),
        ToCopy("c", "x-3", 9, reason="new"),
    ):
        counted.add_copy(item)
    counted.add_orphan()

    assert counted.to_json() == {
        "reasons": {"new": 2, "orphan": 1, "size": 1},
        "toSend": {
            "COMPLETE_MULTIPART_UPLOAD": 1,
            "COPY": 2,
            "CREATE_MULTIPART_UPLOAD": 1,
            "GET_OBJECT_TAGGING": 1,
            "HEAD": 3,
            "UPLOAD_PART_COPY": 3,
        },
    }


def test_a_plan_counts_what_is_restored_by_class_and_what_options_add() -> None:
    two = {"source": "from", "destination": "into"}
    counted = Planned(Options(**two, objectLock="copy", annotations="copy"))
    counted.add_copy(ToCopy("a", "x", 1, "SNOW", reason="new"))
    counted.add_copy(ToCopy("b", "x-2", 9, reason="new"))
    for key, storage_class in (("c", "GLACIER"), ("d", "DEEP_ARCHIVE"), ("e", "GLACIER")):
        counted.add_restore(ToCopy(key, "x", 5, storage_class, reason="new", restore=True))

    said = counted.to_json()

    assert said["reasons"] == {"new": 2, "restore": 3}
    assert said["asStandard"] == {"SNOW": 1}
    assert said["restores"] == {
        "GLACIER": {"objects": 2, "bytes": 10},
        "DEEP_ARCHIVE": {"objects": 1, "bytes": 5},
    }
    assert said["toSend"] == {
        "COMPLETE_MULTIPART_UPLOAD": 1,
        "COPY": 1,
        "CREATE_MULTIPART_UPLOAD": 1,
        "GET_OBJECT_TAGGING": 1,
        "HEAD": 2,
        "LIST_OBJECT_ANNOTATIONS": 1,
        "RESTORE_OBJECT": 3,
        "UPLOAD_PART_COPY": 2,
    }


def test_a_plan_of_nothing_has_no_zeros() -> None:
    assert Planned().to_json() == {"reasons": {}, "toSend": {}}
