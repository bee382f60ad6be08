"""What a plan comes to: its reasons, and the requests that carrying it out takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from samples import entry, run_of

from lambda_functions.shared.apply import parts
from lambda_functions.shared.compare import planned
from lambda_functions.shared.compare.planned import Planned, parts_of
from lambda_functions.shared.work_items import ToCopy

MB, GB = 1024**2, 1024**3


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
    counted = Planned.of(run_of(objectLock="copy", annotations="copy"))
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


# --- What else is charged for ---------------------------------------------------------------------------------


def paid(*items: ToCopy, **options: Any) -> dict[str, Any]:
    """Return what a plan of these copies says of what is charged for by class."""
    counted = Planned.of(run_of(**options))
    for item in items:
        counted.add_copy(item)
    found: dict[str, Any] = counted.to_json().get("toPay", {})
    return found


def test_objects_of_standard_into_standard_are_charged_by_their_requests_alone() -> None:
    assert paid(ToCopy("a", "x", 1), ToCopy("b", "x-3", 9)) == {}


def test_a_copy_is_written_in_its_class_and_read_from_that_of_its_source() -> None:
    items = ToCopy("a", "x", 7, "STANDARD_IA"), ToCopy("b", "x", 0, "GLACIER_IR"), ToCopy("c", "x", 5)

    assert paid(*items) == {
        "byClass": {"COPY.GLACIER_IR": 1, "COPY.STANDARD_IA": 1, "HEAD.GLACIER_IR": 1},
        "retrieved": {"STANDARD_IA": 7},
    }
    assert paid(*items, storageClass="ONEZONE_IA") == {
        "byClass": {"COPY.ONEZONE_IA": 3, "HEAD.GLACIER_IR": 1},
        "retrieved": {"STANDARD_IA": 7},
    }
    assert paid(*items, storageClass="STANDARD") == {
        "byClass": {"HEAD.GLACIER_IR": 1},
        "retrieved": {"STANDARD_IA": 7},
    }


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_upload_into_an_archive_is_one_into_standard_until_it_is_completed(storage_class: str) -> None:
    item = ToCopy("a", "x-3", 9)

    assert paid(item, storageClass=storage_class) == {
        "byClass": {f"COMPLETE_MULTIPART_UPLOAD.{storage_class}": 1}
    }
    assert paid(item, storageClass="GLACIER_IR") == {
        "byClass": {
            "COMPLETE_MULTIPART_UPLOAD.GLACIER_IR": 1,
            "CREATE_MULTIPART_UPLOAD.GLACIER_IR": 1,
            "UPLOAD_PART_COPY.GLACIER_IR": 3,
        }
    }


def test_lists_are_charged_as_those_of_standard_whatever_is_listed() -> None:
    said = paid(ToCopy("a", "x-3", 9, "STANDARD_IA"), annotations="copy")

    assert said["byClass"] == {
        "COMPLETE_MULTIPART_UPLOAD.STANDARD_IA": 1,
        "CREATE_MULTIPART_UPLOAD.STANDARD_IA": 1,
        "GET_OBJECT_TAGGING.STANDARD_IA": 1,
        "HEAD.STANDARD_IA": 1,
        "UPLOAD_PART_COPY.STANDARD_IA": 3,
    }


def test_tags_that_are_not_copied_are_not_asked_for() -> None:
    counted = Planned.of(run_of(copyTags=False))
    counted.add_copy(ToCopy("a", "x-3", 9))

    assert "GET_OBJECT_TAGGING" not in counted.to_json()["toSend"]


@pytest.mark.parametrize(
    ("storage_class", "size", "age_days", "byte_days"),
    [
        ("STANDARD", MB, 1, 0), ("INTELLIGENT_TIERING", MB, 1, 0), ("STANDARD_IA", MB, 10, 20 * MB), ("STANDARD_IA", MB, 30, 0),
        ("STANDARD_IA", MB, 300, 0), ("ONEZONE_IA", 1, 29, 128 * 1024), ("GLACIER_IR", 1, 0, 90 * 128 * 1024),
        ("GLACIER", 10, 80, 100), ("DEEP_ARCHIVE", 10, 80, 1000), ("DEEP_ARCHIVE", 10, 180, 0),
        ("STANDARD_IA", 1, 0, 30 * 128 * 1024),
        ("ONEZONE_IA", 128 * 1024, 0, 30 * 128 * 1024), ("ONEZONE_IA", 128 * 1024 + 1, 29, 128 * 1024 + 1),
        ("GLACIER", 0, 80, 0), ("DEEP_ARCHIVE", 1, 0, 180), ("GLACIER", 100, 89.5, 50),
    ],
)  # fmt: skip
def test_what_is_replaced_or_deleted_before_its_least_time_is_counted_by_what_is_left(
    storage_class: str, size: int, age_days: float, byte_days: int
) -> None:
    run = run_of()
    counted = Planned.of(run)
    there = entry(
        "a", size=size, storage_class=storage_class, modified=run.start_second() - timedelta(age_days)
    )

    counted.add_copy(ToCopy("a", "x", 1), there)
    counted.add_orphan(there)
    counted.add_orphan(there)

    early = {f"copy.{storage_class}": byte_days, f"delete.{storage_class}": 2 * byte_days}
    assert counted.to_json().get("toPay", {}) == ({"early": early} if byte_days else {})


def test_what_has_been_paid_for_longer_than_its_least_time_takes_nothing_from_what_others_cost() -> None:
    run = run_of()
    counted = Planned.of(run)

    for age_days in (80, 90.5, 1000):
        counted.add_orphan(
            entry("a", size=10, storage_class="GLACIER", modified=run.start_second() - timedelta(age_days))
        )

    assert counted.to_json()["toPay"] == {"early": {"delete.GLACIER": 100}}
