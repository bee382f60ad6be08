"""The papers of a run, in moto's S3: a record is written once and for all, and shards are bounded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from samples import FOLDER, MemoryS3, client_error, memory_folder, run_of

from lambda_functions.shared.errors import SyncError
from lambda_functions.shared.run import AppliedPlan
from lambda_functions.shared.work_bucket import run_folder
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

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
    folder.write("ranges/1.json", {})

    assert folder.bucket == "work-bucket"
    assert folder.key("ranges/1.json") == "runs/sync-20261122-101112/first/ranges/1.json"
    assert folder.address("report.json") == "s3://work-bucket/runs/sync-20261122-101112/first/report.json"
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="work-bucket")["Contents"]] == [
        "runs/sync-20261122-101112/first/ranges/1.json"
    ]


def test_a_document_comes_back_as_it_went_and_the_last_one_counts(folder: RunFolder) -> None:
    folder.write("copy.json", {"first": KEY})
    folder.write("copy.json", {"key": KEY, "number": 10**15, "nothing": None})

    assert folder.read("copy.json") == {
        "file": folder.key("copy.json"),
        "key": KEY,
        "number": 10**15,
        "nothing": None,
    }


def test_what_is_not_there_is_none(folder: RunFolder) -> None:
    folder.write("compared/1.json", {})

    assert folder.read("compared/2.json") is None
    assert folder.read_many(["compared/2.json", "compared/1.json", "compared/3.json"]) == [
        None,
        {"file": folder.key("compared/1.json")},
        None,
    ]


def test_a_paper_that_must_be_there_is_an_error_where_it_is_not(folder: RunFolder) -> None:
    folder.write("copy.json", {"next": 1})

    assert folder.require("copy.json")["next"] == 1
    with pytest.raises(RunFileBroken) as caught:
        folder.require("delete.json")
    assert str(caught.value) == (
        "s3://work-bucket/runs/sync-20261122-101112/first/delete.json is not there: the run's files have expired, or "
        "somebody removed it. Nothing can be concluded from it"
    )


def test_many_documents_come_back_in_the_order_of_their_names(folder: RunFolder) -> None:
    names = [f"compared/{number}.json" for number in range(80)]
    for number, name in enumerate(names):
        folder.write(name, {"number": number})

    assert [one["number"] for one in folder.read_many(names[::-1])] == list(range(80))[::-1]


def test_lines_come_back_as_they_went_whatever_is_in_a_key(s3: Any, folder: RunFolder) -> None:
    lines = [{"key": KEY, "size": 1}, {"key": "", "size": 2}]

    shard = folder.write_lines("copy/1.jsonl", lines)

    assert folder.read_lines(shard) == lines
    body = s3.get_object(Bucket="work-bucket", Key=folder.key("copy/1.jsonl"))["Body"].read()
    assert body.count(b"\n") == 2
    assert [json.loads(line) for line in body.split(b"\n")[:-1]] == lines


def test_a_shard_that_is_missing_is_an_error(folder: RunFolder) -> None:
    with pytest.raises(RunFileBroken, match=r"/copy/none\.jsonl is not there"):
        folder.read_lines({"file": "copy/none.jsonl", "objects": 0, "sha256": ""})


def test_the_first_record_wins_and_whoever_comes_later_is_told(folder: RunFolder) -> None:
    first = {"file": folder.key("copied/a-0.json"), "next": 3}

    assert folder.write_once("copied/a-0.json", {"next": 3}) == first
    assert folder.write_once("copied/a-0.json", {"next": 5}) == first
    assert folder.read("copied/a-0.json") == first


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
    winner = {"file": f"{FOLDER}/copied/a-0.json", "next": 3}
    folder = RunFolder(ConflictingS3(json.dumps(winner).encode()), FOLDER)

    assert folder.write_once("copied/a-0.json", {"next": 5}) == winner
    assert paused == []


# "On a 409 failure you should retry the upload": https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
def test_a_record_whose_rival_came_to_nothing_is_written_after_all(paused: list[float]) -> None:
    folder = RunFolder(ConflictingS3(None), FOLDER)

    record = folder.write_once("copied/a-0.json", {"next": 5})

    assert record == {"file": f"{FOLDER}/copied/a-0.json", "next": 5}
    assert folder.read("copied/a-0.json") == record
    assert paused == [0.1]


def test_a_record_that_can_never_be_written_is_an_error(paused: list[float]) -> None:
    with pytest.raises(SyncError) as caught:
        RunFolder(ConflictingS3(None, conflicts=99), FOLDER).write_once("copied/a-0.json", {"next": 5})

    assert str(caught.value) == (
        "s3://work-bucket/runs/sync-20261122-101112/first/copied/a-0.json could not be written: other writers were in the way"
    )
    assert paused == [0.1, 0.4, 1.6, 6.4]


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
        folder.write(name, {})
    RunFolder(s3, FOLDER + "-second").write("uploads/d.json", {})

    assert list(folder.list_names("uploads/")) == ["uploads/a.json", "uploads/b.json"]


def test_a_file_can_be_removed_twice(folder: RunFolder) -> None:
    folder.write("uploads/a.json", {})
    folder.remove("uploads/a.json")
    folder.remove("uploads/a.json")

    assert folder.read("uploads/a.json") is None


# --- Files that are not what they should be

RECORD, INDEX, SHARD = "copied/a-0.json", "copy.json", "copy/a.jsonl"
LINES = [{"key": "a"}, {"key": "b"}]


def address(name: str) -> str:
    return f"s3://work-bucket/{FOLDER}/{name}"


def no_file_of_ours(name: str, owner: str | None) -> str:
    return f"{address(name)} is not that file of this run: it says that it is {owner}. Nothing can be concluded from it"


@pytest.mark.parametrize("body", [b"[" * 5000, b'{"file":' * 5000])
def test_a_document_that_is_nested_deeply_is_broken(body: bytes) -> None:
    folder = memory_folder()
    folder.client.files[folder.key(RECORD)] = body

    with pytest.raises(RunFileBroken, match="was cut or overwritten: it is not JSON"):
        folder.read(RECORD)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"file": "runs/m/other/copied/a-0.json"}',
            no_file_of_ours(RECORD, "runs/m/other/copied/a-0.json"),
        ),
        (
            f'{{"file": "{FOLDER}/copied/b-0.json"}}'.encode(),
            no_file_of_ours(RECORD, f"{FOLDER}/copied/b-0.json"),
        ),
        (b"{}", no_file_of_ours(RECORD, None)),
        (b"[]", no_file_of_ours(RECORD, None)),
        (
            b'{"file": "ru',
            f"{address(RECORD)} was cut or overwritten: it is not JSON (Unterminated string starting at: line 1 column 10 "
            "(char 9)). Nothing can be concluded from it",
        ),
        (
            b"",
            f"{address(RECORD)} was cut or overwritten: it is not JSON (Expecting value: line 1 column 1 (char 0)). Nothing can "
            "be concluded from it",
        ),
    ],
)
def test_a_document_that_is_another_one_or_was_cut_is_broken_for_every_reader(
    body: bytes, expected: str
) -> None:
    folder = memory_folder()
    folder.client.files[folder.key(RECORD)] = body

    for read in (
        lambda: folder.read(RECORD),
        lambda: folder.require(RECORD),
        lambda: folder.read_many([RECORD]),
        lambda: folder.write_once(RECORD, {"next": 5}),
    ):
        with pytest.raises(RunFileBroken) as caught:
            read()
        assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (None, "is not there: the run's files have expired, or somebody removed it"),
        (b'[{"key": "a"}]', "was cut or overwritten: it has 1 entries, and 2 were written"),
        (b"{}", "was cut or overwritten: it has -1 entries, and 2 were written"),
        (
            b'[{"key": "a"}, {"key"',
            "was cut or overwritten: it is not JSON (Expecting ':' delimiter: line 1 column 22 (char 21))",
        ),
        (
            b'[{"key": "a"}, {"key": "c"}]',
            "was overwritten: its SHA-256 is not that of what was written",
        ),
    ],
)
def test_an_index_that_is_not_what_was_written_is_broken(body: bytes | None, what: str) -> None:
    folder = memory_folder()
    index = folder.write_index(INDEX, LINES)
    assert folder.read_index(index) == LINES
    folder.remove(INDEX)
    folder.client.files.update({} if body is None else {folder.key(INDEX): body})

    with pytest.raises(RunFileBroken) as caught:
        folder.read_index(index)
    assert str(caught.value) == f"{address(INDEX)} {what}. Nothing can be concluded from it"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (None, "is not there: the run's files have expired, or somebody removed it"),
        (b'{"key": "a"}\n', "was cut or overwritten: it has 1 entries, and 2 were written"),
        (b'{"key": "a"}\n{"key"', "was overwritten: its SHA-256 is not that of what was written"),
        (b'{"key": "a"}\n{"key": "c"}\n', "was overwritten: its SHA-256 is not that of what was written"),
    ],
)
def test_lines_that_are_not_what_was_written_are_broken(body: bytes | None, what: str) -> None:
    folder = memory_folder()
    shard = folder.write_lines(SHARD, LINES)
    assert folder.read_lines(shard) == LINES
    folder.remove(SHARD)
    folder.client.files.update({} if body is None else {folder.key(SHARD): body})

    with pytest.raises(RunFileBroken) as caught:
        folder.read_lines(shard)
    assert str(caught.value) == f"{address(SHARD)} {what}. Nothing can be concluded from it"


def test_what_it_is_can_be_left_unchecked_to_see_what_the_books_alone_notice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But not whether it is JSON, and as many lines as were written."""
    folder = memory_folder()
    shard = folder.write_lines(SHARD, LINES)
    folder.client.files[folder.key(SHARD)] = b'{"key": "a"}\n{"key": "c"}\n'
    folder.client.files[folder.key(RECORD)] = b'{"file": "another", "next": 3}'
    monkeypatch.setattr(run_folder, "VERIFY", False)

    assert folder.read_lines(shard) == [{"key": "a"}, {"key": "c"}]
    assert folder.read(RECORD)["next"] == 3
    folder.client.files[folder.key(SHARD)] = b'{"key": "a"}\n'
    with pytest.raises(RunFileBroken, match="it has 1 entries, and 2 were written"):
        folder.read_lines(shard)


def test_documents_of_an_earlier_deployment_do_not_say_which_file_they_are() -> None:
    client = memory_folder().client
    older = RunFolder(client, FOLDER, is_older=True)
    client.files[older.key("uploads/a.json")] = b'{"uploadId": "1"}'
    client.files[older.key("uploads/b.json")] = b'{"file": "another", "uploadId": "1"}'

    assert older.read("uploads/a.json") == {"uploadId": "1"}
    with pytest.raises(RunFileBroken):
        older.read("uploads/b.json")
    with pytest.raises(RunFileBroken):
        RunFolder(client, FOLDER).read("uploads/a.json")


def test_of_two_attempts_at_an_index_the_second_gets_what_names_the_first() -> None:
    folder = memory_folder()

    first = folder.write_index_once("ranges/2.json", LINES)

    assert folder.write_index_once("ranges/2.json", LINES[:1]) == first
    assert folder.read_index(first) == LINES


# --- Files of a plan that is carried out


@pytest.mark.parametrize(
    "name",
    [
        "/runs/m/other/copy/a.jsonl",
        f"/{FOLDER}/copy/a.jsonl",
        "/leases/x",
        "/runs/m/planned",
        "/",
        "//",
        "//x",
    ],
)
def test_a_file_outside_of_the_own_folder_and_of_the_plans_is_not_read(name: str) -> None:
    client = MemoryS3()
    client.files[name[1:]] = b"{}"
    for plan in ("", "runs/m/planned"):
        with pytest.raises(RunFileBroken, match="neither a file of this run nor of the plan"):
            RunFolder(client, FOLDER, plan=plan).read(name)
    assert client.read == []


def test_a_file_of_the_plan_is_read_by_its_absolute_name() -> None:
    client = MemoryS3()
    shard = RunFolder(client, "runs/m/planned").write_lines("copy/a.jsonl", [{"key": "k"}])
    folder = RunFolder(client, FOLDER, plan="runs/m/planned")
    assert folder.read_lines({**shard, "file": "/runs/m/planned/copy/a.jsonl"}) == [{"key": "k"}]
    assert folder.address("/runs/m/planned/copy/a.jsonl").endswith("/runs/m/planned/copy/a.jsonl")


def test_the_folder_of_a_run_reads_the_plan_that_it_carries_out_and_none_without_one() -> None:
    client = MemoryS3()
    client.files["runs/m/planned/copy/a.jsonl"] = b"a"
    run = run_of()
    applied = replace(run, plan=AppliedPlan("runs/m/planned", "5" * 64, []))

    folder = RunFolder.of(client, applied)

    assert (folder.path, folder.bucket, folder.plan) == (FOLDER, "work-bucket", "runs/m/planned")
    assert folder.digest("/runs/m/planned/copy/a.jsonl") == hashlib.sha256(b"a").hexdigest()
    with pytest.raises(RunFileBroken):
        RunFolder.of(client, run).digest("/runs/m/planned/copy/a.jsonl")


def test_a_folder_in_a_folder_of_a_run_has_the_same_names_and_the_same_plan() -> None:
    client = MemoryS3()
    folder = RunFolder(client, FOLDER, plan="runs/m/planned").under("verify")
    folder.write("verified.json", {"objects": 3})

    assert list(client.files) == [f"{FOLDER}/verify/verified.json"]
    assert folder.key("/runs/m/planned/a") == "runs/m/planned/a"


def test_a_file_whose_checksum_is_wanted_must_be_there() -> None:
    with pytest.raises(RunFileBroken, match=r"/copy/a\.jsonl is not there"):
        memory_folder().digest("copy/a.jsonl")
