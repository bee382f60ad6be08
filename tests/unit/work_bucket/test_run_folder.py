"""The papers of a run, in moto's S3: a record is written once and for all, and shards are bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from samples import FOLDER, MemoryS3, client_error

from lambda_functions.shared.errors import SyncError
from lambda_functions.shared.work_bucket import run_folder
from lambda_functions.shared.work_bucket.run_folder import RECORD_PAUSES_SECONDS, RunFileMissing, RunFolder

KEY = (
    'a "key"\n\x85\u2028é😀\U0010ffff'  # what could be mistaken for the end of a line, or for something else
)


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        client.create_bucket(
            Bucket="work-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield client


@pytest.fixture
def folder(s3: Any) -> RunFolder:
    return RunFolder(s3, FOLDER)


def test_files_are_in_the_work_bucket_under_the_run(s3: Any, folder: RunFolder) -> None:
    folder.write("ranges/1.json", [])

    assert folder.bucket == "work-bucket"
    assert folder.key("ranges/1.json") == "runs/sync-20261122-101112/first/ranges/1.json"
    assert folder.address("report.json") == "s3://work-bucket/runs/sync-20261122-101112/first/report.json"
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="work-bucket")["Contents"]] == [
        "runs/sync-20261122-101112/first/ranges/1.json"
    ]


def test_a_document_comes_back_as_it_went_and_the_last_one_counts(folder: RunFolder) -> None:
    folder.write("copy.json", {"first": KEY})
    folder.write("copy.json", {"key": KEY, "number": 10**15, "nothing": None})

    assert folder.read("copy.json") == {"key": KEY, "number": 10**15, "nothing": None}


def test_what_is_not_there_is_none(folder: RunFolder) -> None:
    folder.write("compared/1.json", 1)

    assert folder.read("compared/2.json") is None
    assert folder.read_many(["compared/2.json", "compared/1.json", "compared/3.json"]) == [None, 1, None]


def test_a_paper_that_must_be_there_is_an_error_where_it_is_not(folder: RunFolder) -> None:
    folder.write("copy.json", [])

    assert folder.require("copy.json") == []
    with pytest.raises(RunFileMissing) as caught:
        folder.require("delete.json")
    assert str(caught.value) == (
        "s3://work-bucket/runs/sync-20261122-101112/first/delete.json is not there: the run's files have expired, or "
        "somebody removed them"
    )


def test_many_documents_come_back_in_the_order_of_their_names(folder: RunFolder) -> None:
    names = [f"compared/{number}.json" for number in range(80)]
    for number, name in enumerate(names):
        folder.write(name, number)

    assert folder.read_many(names[::-1]) == list(range(80))[::-1]


def test_lines_come_back_as_they_went_whatever_is_in_a_key(s3: Any, folder: RunFolder) -> None:
    lines = [{"key": KEY, "size": 1}, {"key": "", "size": 2}]

    folder.write_lines("copy/1.jsonl", lines)

    assert folder.read_lines("copy/1.jsonl") == lines
    body = s3.get_object(Bucket="work-bucket", Key=folder.key("copy/1.jsonl"))["Body"].read()
    assert body.count(b"\n") == 2
    assert [json.loads(line) for line in body.split(b"\n")[:-1]] == lines


def test_a_shard_that_is_missing_is_an_error(folder: RunFolder) -> None:
    with pytest.raises(ClientError) as caught:
        folder.read_lines("copy/none.jsonl")

    assert caught.value.response["Error"]["Code"] == "NoSuchKey"


def test_the_first_record_wins_and_whoever_comes_later_is_told(folder: RunFolder) -> None:
    assert folder.write_once("copied/a-0.json", {"next": 3}) == {"next": 3}
    assert folder.write_once("copied/a-0.json", {"next": 5}) == {"next": 3}
    assert folder.read("copied/a-0.json") == {"next": 3}


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no pause last; return the seconds that were to be waited."""
    seconds: list[float] = []
    monkeypatch.setattr(run_folder, "time", SimpleNamespace(sleep=seconds.append))
    return seconds


class ConflictingS3(MemoryS3):
    """Answers so many conditional PUTs with 409: another one of the same key was under way."""

    def __init__(self, winner: bytes | None, conflicts: int = 1) -> None:
        super().__init__()
        self._winner, self._conflicts = winner, conflicts

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "") -> None:
        if IfNoneMatch and self._conflicts:
            self._conflicts -= 1
            if self._winner is not None:
                self.files[Key] = self._winner
            raise client_error(409, "ConditionalRequestConflict", "PutObject")
        super().put_object(Bucket=Bucket, Key=Key, Body=Body, IfNoneMatch=IfNoneMatch)


def test_a_record_that_was_overtaken_while_it_was_written_is_the_other_one(paused: list[float]) -> None:
    folder = RunFolder(ConflictingS3(b'{"next": 3}'), FOLDER)

    assert folder.write_once("copied/a-0.json", {"next": 5}) == {"next": 3}
    assert paused == []


# "On a 409 failure you should retry the upload": https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
def test_a_record_whose_rival_came_to_nothing_is_written_after_all(paused: list[float]) -> None:
    folder = RunFolder(ConflictingS3(None), FOLDER)

    assert folder.write_once("copied/a-0.json", {"next": 5}) == {"next": 5}
    assert folder.read("copied/a-0.json") == {"next": 5}
    assert paused == [RECORD_PAUSES_SECONDS[0]]


def test_a_record_that_can_never_be_written_is_an_error(paused: list[float]) -> None:
    with pytest.raises(SyncError) as caught:
        RunFolder(ConflictingS3(None, conflicts=99), FOLDER).write_once("copied/a-0.json", {"next": 5})

    assert str(caught.value) == (
        "s3://work-bucket/runs/sync-20261122-101112/first/copied/a-0.json could not be written: other writers were in the way"
    )
    assert paused == list(RECORD_PAUSES_SECONDS)


class ForbiddingS3:
    """Forbids everything."""

    def get_object(self, **_: str) -> None:
        raise client_error(403, "AccessDenied", "GetObject")

    def put_object(self, **_: object) -> None:
        raise client_error(403, "AccessDenied", "PutObject")


def test_what_may_not_be_read_is_not_taken_for_missing() -> None:
    folder = RunFolder(ForbiddingS3(), FOLDER)

    with pytest.raises(ClientError):
        folder.read("compared/1.json")
    with pytest.raises(ClientError):
        folder.write_once("compared/1.json", {})


def test_files_of_a_folder_are_named_relative_to_the_run_and_those_of_others_are_not(
    s3: Any, folder: RunFolder
) -> None:
    for name in ("uploads/b.json", "uploads/a.json", "large/c.json"):
        folder.write(name, 1)
    RunFolder(s3, FOLDER + "-second").write("uploads/d.json", 1)

    assert list(folder.list_names("uploads/")) == ["uploads/a.json", "uploads/b.json"]


def test_a_file_can_be_removed_twice(folder: RunFolder) -> None:
    folder.write("uploads/a.json", 1)
    folder.remove("uploads/a.json")
    folder.remove("uploads/a.json")

    assert folder.read("uploads/a.json") is None


# --- Shards -------------------------------------------------------------------------------------------------
