"""Uploads that a run has left under way: a file that names none is told, and keeps nobody from the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samples import FOLDER, AbortedUploads, MemoryS3

from lambda_functions.shared.apply.uploads import abort_all, first_problems
from lambda_functions.shared.work_bucket.run_folder import RunFolder

UPLOAD = {"parameters": {"Bucket": "into"}, "key": "a", "region": None, "uploadId": "u-1"}


@pytest.mark.parametrize(
    "document",
    [
        *({name: value for name, value in UPLOAD.items() if name != missing} for missing in ("parameters", "key", "uploadId")),
        *({**UPLOAD, "parameters": value} for value in (None, "into", 5, ["a"])),
    ],
)  # fmt: skip
def test_a_file_that_names_no_upload_is_told_and_stays_and_the_others_are_aborted(
    document: dict[str, Any],
) -> None:
    s3, destination = MemoryS3(), AbortedUploads()
    for number, written in enumerate([document, UPLOAD]):
        s3.files[f"{FOLDER}/uploads/{number}.json"] = json.dumps(written).encode()

    problems = abort_all(RunFolder(s3, FOLDER, is_older=True), destination)

    assert problems == [
        f"an upload was not aborted: s3://work-bucket/{FOLDER}/uploads/0.json was overwritten: it names no upload"
    ]
    assert list(s3.files) == [f"{FOLDER}/uploads/0.json"]
    assert destination.aborted == [{"Bucket": "into", "Key": "a", "UploadId": "u-1"}]


@pytest.mark.parametrize(
    ("number", "more"), [(5, []), (6, ["and 1 more, see there"]), (1005, ["and 1,000 more, see there"])]
)
def test_five_are_named_and_the_others_counted(number: int, more: list[str]) -> None:
    problems = [f"upload {one} was not aborted" for one in range(number)]

    assert first_problems(problems, where=", see there") == [*problems[:5], *more]
