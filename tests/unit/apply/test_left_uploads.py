"""Uploads that a run has left under way: a file that names none is told, and keeps nobody from the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from samples import FOLDER, AbortedUploads, MemoryS3, client_error, memory_folder, run_of

from lambda_functions.shared.apply.uploads import abort_all, first_problems, forget, give_up, remember
from lambda_functions.shared.s3.clients import Clients, RequestCounter
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


# --- From being written down to being struck out

DENIED = client_error(403, "AccessDenied", "AbortMultipartUpload", "no")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://into.s3.amazonaws.com")


class Destination(AbortedUploads):
    """A destination that answers an abort, and then a listing of parts, with these errors; with None an upload is there."""

    def __init__(self, abort: Exception | None, listing: Exception | None) -> None:
        super().__init__()
        self.answers, self.listed = (abort, listing), []

    def abort_multipart_upload(self, **place: Any) -> None:
        super().abort_multipart_upload(**place)
        if self.answers[0]:
            raise self.answers[0]

    def list_parts(self, **place: Any) -> None:
        self.listed.append(place)
        if self.answers[1]:
            raise self.answers[1]


def test_an_upload_is_written_down_with_all_that_its_abort_needs_and_struck_out_alone() -> None:
    """Whoever aborts it knows nothing of the run: not its prefix, and not whose the bucket has to be."""
    folder, destination = memory_folder(), AbortedUploads()
    run = run_of(destinationPrefix="to/", destinationOwner="111122223333")
    for upload_id in ("u-1", "u-2"):
        remember(folder, run.destination, "a", upload_id)

    forget(folder, "u-2")

    assert abort_all(folder, destination) == []
    assert destination.aborted == [
        {"Bucket": "into", "ExpectedBucketOwner": "111122223333", "Key": "to/a", "UploadId": "u-1"}
    ]
    assert list(folder.list_names("uploads/")) == []


def test_an_upload_is_looked_for_by_asking_for_one_of_its_parts() -> None:
    """It may have 10,000, and one is enough to know that it is there."""
    folder, destination = memory_folder(), Destination(None, client_error(404, "NoSuchUpload", "ListParts"))
    remember(folder, run_of().destination, "a", "u-1")

    assert abort_all(folder, destination) == []

    assert destination.listed == [{"Bucket": "into", "Key": "a", "UploadId": "u-1", "MaxParts": 1}]


@pytest.mark.parametrize("may_have_stragglers", [False, True])
def test_what_was_aborted_stays_on_the_list_where_a_worker_may_still_be_writing(
    may_have_stragglers: bool,
) -> None:
    """A part of its may arrive after the abort, and the next run looks again."""
    folder, destination = memory_folder(), AbortedUploads()
    remember(folder, run_of().destination, "a", "u-1")

    assert abort_all(folder, destination, may_have_stragglers) == []

    assert len(destination.aborted) == 1
    assert len(list(folder.list_names("uploads/"))) == may_have_stragglers


@pytest.mark.parametrize(
    ("abort", "listing", "tries", "said"),
    [
        (DENIED, None, 1, "was not aborted: AccessDenied: no (AbortMultipartUpload)"),
        (UNREACHABLE, None, 1, f"was not aborted: EndpointConnectionError: {UNREACHABLE}"),
        (None, DENIED, 1, "was aborted, but may still have parts: AccessDenied: no (AbortMultipartUpload)"),
        (
            None,
            UNREACHABLE,
            1,
            f"was aborted, but may still have parts: EndpointConnectionError: {UNREACHABLE}",
        ),
        (None, None, 3, "was aborted 3 times and is still there"),
        (client_error(404, "NoSuchUpload", "AbortMultipartUpload"), DENIED, 1, ""),
    ],
)
def test_an_upload_that_is_not_known_to_be_gone_is_named_and_stays_on_the_list(
    abort: Exception | None, listing: Exception | None, tries: int, said: str
) -> None:
    folder, destination = memory_folder(), Destination(abort, listing)
    remember(folder, run_of().destination, "a", "u-1")

    assert abort_all(folder, destination) == ([f"the upload u-1 of 'a' {said}"] if said else [])

    assert len(destination.aborted) == tries
    assert len(list(folder.list_names("uploads/"))) == bool(said)


@pytest.mark.parametrize("error", [DENIED, UNREACHABLE, None])
def test_an_upload_that_is_given_up_is_aborted_and_whatever_that_comes_to_the_copy_has_its_own_outcome(
    error: Exception | None,
) -> None:
    destination = Destination(error, None)
    clients = Clients(None, destination, None, RequestCounter())

    give_up(clients, run_of(destinationPrefix="to/"), "a", "u-1")

    assert destination.aborted == [{"Bucket": "into", "Key": "to/a", "UploadId": "u-1"}]
