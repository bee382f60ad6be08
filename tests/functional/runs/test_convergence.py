"""A second run right after the first copies nothing, multipart objects included."""

from __future__ import annotations

from typing import Any

from buckets import Bucket
from machine_on_moto import Machine

MB = 1024**2


def test_a_multipart_object_of_64_mb_keeps_its_etag_and_is_current_on_the_second_run(
    machine: Machine, source: Bucket, destination: Bucket, sync: dict[str, Any]
) -> None:
    source.put_parts(
        "video", *(bytes([number]) * 8 * MB for number in range(8)), ContentType="video/mp4", Tagging="a=b"
    )
    report = machine.report(sync)
    assert report["requests"]["UPLOAD_PART_COPY"] == 8
    assert destination.snapshot() == source.snapshot()
    again = machine.report(sync)
    assert again["copied"] == {"objects": 0, "bytes": 0}
    assert set(again["requests"]) == {"LIST", "HEAD_BUCKET"}
