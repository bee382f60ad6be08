"""Uploads that S3 opened for requests whose answer was lost: nobody has their ids, so they are found by their key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.parsers import ResponseParserError
from fake_s3 import BUSY, LOST, MB, Answer, Request
from runs_on_fake_s3 import Worker, World, world_on_fake_s3

from lambda_functions.shared.outcomes import Outcome

ODD = "a/ü +%?&\x01z"
SIZE = 5 * MB + 1
NEVER = 1_000_000
DENIED = Answer(403, "AccessDenied", "Access Denied")
ANOTHER = "arn:aws:sts::111122223333:assumed-role/backup/backup"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "sync-buckets-copy_keys")
    with world_on_fake_s3() as found:
        found.source.put_parts(ODD, 5 * MB, 1)
        yield found


def opened_by(world: World, principal: str, key: str = ODD) -> str:
    """Let somebody open an upload; return its id."""
    before, world.s3.principal = world.s3.principal, principal
    worker = world.worker()
    place = {"Bucket": world.destination.name, "Key": key}
    upload_id = str(worker.clients.destination.create_multipart_upload(**place)["UploadId"])
    world.s3.principal = before
    return upload_id


def copied(world: World, worker: Worker) -> None:
    assert worker.copy(world.to_copy(ODD)) == Outcome(ODD, "copied", SIZE)


def unreadable(request: Request) -> None:
    """Let an answer come to botocore that it cannot read."""
    raise ResponseParserError("no element found")


def open_ids(world: World) -> list[str]:
    return sorted(world.destination.uploads)


def listings(world: World) -> int:
    return len(world.s3.of("ListMultipartUploads"))


def test_an_upload_whose_answer_was_lost_is_found_by_its_key_and_aborted(world: World) -> None:
    world.s3.after("CreateMultipartUpload", LOST, times=3)
    worker = world.worker()

    copied(world, worker)

    assert len(world.s3.of("CreateMultipartUpload")) == 4
    assert (open_ids(world), listings(world)) == ([], 1)
    assert len(world.s3.of("AbortMultipartUpload")) == 3
    assert list(worker.folder.list_names("uploads/")) == []


def test_nobody_lists_uploads_while_every_answer_arrives(world: World) -> None:
    copied(world, world.worker())

    assert listings(world) == 0


def test_a_request_that_s3_refused_and_botocore_repeated_leaves_nothing_to_abort(world: World) -> None:
    world.s3.before("CreateMultipartUpload", BUSY)

    copied(world, world.worker())

    assert (open_ids(world), listings(world), world.s3.of("AbortMultipartUpload")) == ([], 1, [])


def test_uploads_of_others_of_other_keys_and_of_earlier_runs_are_left_alone(world: World) -> None:
    earlier = opened_by(world, world.s3.principal)
    world.s3.later()
    theirs, unsaid = opened_by(world, ANOTHER), opened_by(world, "")
    longer = opened_by(world, world.s3.principal, f"{ODD} and more")
    world.s3.after("CreateMultipartUpload", LOST)

    copied(world, world.worker())

    assert open_ids(world) == sorted([earlier, theirs, unsaid, longer])


def test_all_pages_of_the_uploads_of_a_key_are_read(world: World) -> None:
    world.s3.page_keys = 1
    theirs = [opened_by(world, ANOTHER) for _ in range(3)]
    world.s3.after("CreateMultipartUpload", LOST, times=2)

    copied(world, world.worker())

    assert open_ids(world) == sorted(theirs)
    assert listings(world) == 6


def test_only_uploads_of_keys_that_begin_with_this_one_are_listed(world: World) -> None:
    """A bucket may have a million uploads of other keys under way, each page of which costs a request."""
    world.s3.page_keys = 1
    for number in range(3):
        opened_by(world, ANOTHER, f"another {number}")
    world.s3.after("CreateMultipartUpload", LOST)

    copied(world, world.worker())

    assert (len(open_ids(world)), listings(world)) == (3, 2)


@pytest.mark.parametrize("key", ["a+b", "a%20b", "a b", "a%2Bb"])
@pytest.mark.parametrize("is_encoded", [True, False])
def test_an_upload_is_known_by_its_key_whether_s3_encodes_what_it_lists_or_not(
    world: World, key: str, is_encoded: bool
) -> None:
    """Decoded once too often, `a%20b` is another key, whose uploads may be anybody's."""

    def without_encoding(request: Request) -> dict[str, Any]:
        uploads = [
            {
                "Key": upload.key,
                "UploadId": upload.id,
                "Initiated": upload.initiated,
                "Initiator": {"ID": upload.initiator},
            }
            for upload in world.destination.uploads.values()
        ]
        request.asked.pop("EncodingType", None)  # type: ignore[attr-defined]
        return {"Bucket": request.bucket, "IsTruncated": False, "Uploads": uploads}

    world.source.put_parts(key, 5 * MB, 1)
    others = [
        opened_by(world, world.s3.principal, other)
        for other in ("a+b", "a%20b", "a b", "a%2Bb")
        if other != key
    ]
    world.s3.after("CreateMultipartUpload", LOST)
    if not is_encoded:
        world.s3.before("ListMultipartUploads", without_encoding)

    assert world.worker().copy(world.to_copy(key)).what == "copied"

    assert open_ids(world) == sorted(others)


def test_where_nobody_says_who_opened_an_upload_none_is_aborted(world: World) -> None:
    world.s3.principal = ""
    world.s3.after("CreateMultipartUpload", LOST)

    copied(world, world.worker())

    assert len(open_ids(world)) == 1


@pytest.mark.parametrize(("answer", "times"), [(DENIED, 1), (LOST, 9)])
def test_a_lost_upload_that_cannot_be_aborted_is_written_down_and_aborted_at_the_end(
    world: World, answer: Answer, times: int
) -> None:
    world.s3.after("CreateMultipartUpload", LOST)
    world.s3.before("AbortMultipartUpload", answer, times=times)
    worker = world.worker()

    copied(world, worker)

    (lost,) = open_ids(world)
    (name,) = worker.folder.list_names("uploads/")
    assert worker.folder.read(name)["uploadId"] == lost
    assert worker.abort_all() == []
    assert (open_ids(world), list(worker.folder.list_names("uploads/"))) == ([], [])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (DENIED, "AccessDenied: Access Denied (ListMultipartUploads)"),
        (LOST, "ConnectionClosedError: "),
        (unreadable, "no element found"),
    ],
)
def test_uploads_that_cannot_be_listed_end_no_copy(
    world: World, caplog: pytest.LogCaptureFixture, answer: Any, why: str
) -> None:
    world.s3.after("CreateMultipartUpload", LOST)
    world.s3.before("ListMultipartUploads", answer, times=NEVER)

    copied(world, world.worker())

    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"uploads of {ODD!r} whose answer was lost were not looked for: {why}")


# --- Where no answer ever came


@pytest.mark.parametrize("answer", [LOST, Answer(500, "InternalError", "We encountered an internal error")])
def test_after_a_create_that_was_never_answered_the_uploads_of_this_function_are_aborted(
    world: World, answer: Answer
) -> None:
    theirs = opened_by(world, ANOTHER)
    namesake = opened_by(world, "arn:aws:sts::999999999999:assumed-role/r/sync-buckets-copy_keys")
    world.s3.after("CreateMultipartUpload", answer, times=NEVER)
    worker = world.worker()

    assert worker.copy(world.to_copy(ODD)).what == "failed"

    assert len(world.s3.of("CreateMultipartUpload")) == 2 + 9
    assert open_ids(world) == sorted([theirs, namesake])
    assert world.destination.keys() == []


def test_after_a_create_that_was_never_answered_nothing_is_aborted_if_the_function_has_no_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
    opened_by(world, "arn:aws:sts::111122223333:assumed-role/sync-buckets-copy/")
    world.s3.after("CreateMultipartUpload", LOST, times=NEVER)

    assert world.worker().copy(world.to_copy(ODD)).what == "failed"

    assert len(open_ids(world)) == 1 + 9


def test_after_an_answer_that_cannot_be_read_the_upload_that_it_was_about_is_aborted(world: World) -> None:
    theirs = opened_by(world, ANOTHER)
    world.s3.after("CreateMultipartUpload", unreadable)

    assert world.worker().copy(world.to_copy(ODD)).what == "failed"

    assert (open_ids(world), len(world.s3.of("AbortMultipartUpload"))) == ([theirs], 1)


@pytest.mark.parametrize(
    ("answer", "times_listed"),
    [
        (DENIED, 0),
        (Answer(400, "InvalidRequest"), 0),
        (Answer(499, "ClientClosedRequest"), 0),
        (Answer(500, "InternalError"), 1),
    ],
    ids=str,
)
def test_after_a_create_that_was_refused_nobody_lists_uploads(
    world: World, answer: Answer, times_listed: int
) -> None:
    """A refusal opens none; after a fault S3 may have opened one all the same."""
    world.s3.before("CreateMultipartUpload", answer, times=NEVER)

    assert world.worker().copy(world.to_copy(ODD)).what == "failed"

    assert listings(world) == times_listed


def test_a_very_large_object_is_opened_in_the_same_way(world: World) -> None:
    world.s3.after("CreateMultipartUpload", LOST)
    worker = world.worker()

    state = worker.large().begin(world.to_copy(ODD), False, 0)

    assert state["verdict"] == "copy"
    assert (len(open_ids(world)), listings(world)) == (1, 1)
    (name,) = worker.folder.list_names("uploads/")
    assert [worker.folder.read(name)["uploadId"]] == open_ids(world)


# --- Aborted means gone


def left_open(world: World) -> Worker:
    """Let a worker open an upload, write it down and end."""
    worker = world.worker()
    worker.large().begin(world.to_copy(ODD), False, 0)
    return worker


def straggling(world: World, upload_id: str) -> Callable[[Request], None]:
    """Return what lets S3 know an upload again that was aborted, with a part that was under way."""
    upload = world.destination.uploads[upload_id]

    def arrive(request: Request) -> None:
        world.destination.uploads[upload_id] = upload

    return arrive


def test_a_part_that_arrives_after_the_abort_is_aborted_again(world: World) -> None:
    worker = left_open(world)
    (upload_id,) = open_ids(world)
    world.s3.after("AbortMultipartUpload", straggling(world, upload_id), times=2)

    assert worker.abort_all() == []

    assert [len(world.s3.of(one)) for one in ("AbortMultipartUpload", "ListParts")] == [3, 3]
    assert (open_ids(world), list(worker.folder.list_names("uploads/"))) == ([], [])


def test_an_upload_that_comes_back_three_times_stays_on_the_list_and_is_named(world: World) -> None:
    worker = left_open(world)
    (upload_id,) = open_ids(world)
    world.s3.after("AbortMultipartUpload", straggling(world, upload_id), times=3)

    assert worker.abort_all() == [f"the upload {upload_id} of {ODD!r} was aborted 3 times and is still there"]
    assert len(list(worker.folder.list_names("uploads/"))) == 1

    assert worker.abort_all() == []
    assert list(worker.folder.list_names("uploads/")) == []


def test_an_upload_whose_parts_may_not_be_listed_stays_on_the_list_and_is_named(world: World) -> None:
    worker = left_open(world)
    (upload_id,) = open_ids(world)
    world.s3.before("ListParts", DENIED)

    assert worker.abort_all() == [
        f"the upload {upload_id} of {ODD!r} was aborted, but may still have parts: AccessDenied: Access Denied (ListParts)"
    ]
    assert len(list(worker.folder.list_names("uploads/"))) == 1
    assert worker.abort_all() == []


def test_a_file_of_the_list_that_is_spoilt_is_named_and_the_others_are_aborted(world: World) -> None:
    worker = left_open(world)
    name = "uploads/spoilt.json"
    world.work.put(worker.folder.key(name), b"{")

    assert worker.abort_all() == [
        f"an upload was not aborted: {worker.folder.address(name)} was cut or overwritten: it is not JSON "
        "(Expecting property name enclosed in double quotes: line 1 column 2 (char 1)). Nothing can be concluded from it"
    ]
    assert open_ids(world) == []


def test_an_upload_of_a_bucket_that_is_gone_is_struck_out(world: World) -> None:
    worker = left_open(world)
    del world.s3.buckets[world.destination.name]

    assert worker.abort_all() == []
    assert list(worker.folder.list_names("uploads/")) == []
