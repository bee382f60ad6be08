"""Objects of gigabytes to 50 TB, which exist by name only: how they are cut, what is asked of S3, what a turn can hold.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

from __future__ import annotations

import json
import threading
from datetime import datetime
from typing import Any

import pytest
from fake_s3 import GB, HOUR, LOST, MB, Answer, Request
from installed_botocore import carries
from runs_on_fake_s3 import TURN_SECONDS, World
from workers import Killed

from lambda_functions.shared.apply.copier import COPY_THREADS, timeout_outcome
from lambda_functions.shared.invocation import run_jobs
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.work_items import ToCopy

DENIED = Answer(403, "AccessDenied", "Access Denied")
ONCE = {"HEAD": 1, "GET_OBJECT_TAGGING": 1, "CREATE_MULTIPART_UPLOAD": 1, "COMPLETE_MULTIPART_UPLOAD": 1}
# More than the 2,048 bytes that a header takes, within the limits of tags: ten of at most 128 and 256 characters.
LONG_TAGS = {f"tag {number}": "ü" * 200 for number in range(5)}


def same(world: World, key: str) -> bool:
    return world.source.objects[key].content == world.destination.objects[key].content


def copied(world: World, key: str = "large") -> str:
    """Copy an object with all steps of a very large one; return how often it was begun and what the record says."""
    worker = world.worker()
    state: dict[str, Any] = {
        "verdict": "again",
        "line": world.to_copy(key).to_json(),
        "exact": False,
        "tries": 0,
    }
    begun = 0
    while state["verdict"] == "again":
        begun += 1
        state = world.worker().large().begin(ToCopy.from_json(state["line"]), state["exact"], state["tries"])
        assert len(json.dumps(state)) < 256 * 1024
        if state["verdict"] == "copy":
            for group in state["groups"]:
                world.worker().large().copy_parts(state["upload"], group)
            state = world.worker().large().complete(state["upload"])
    (word,) = worker.folder.require("copied/large-000001-0.json")["tally"]
    return f"{word} at attempt {begun}"


# --- Plain objects of more than 5 GiB. PutObject takes no such object, so nobody should have one; it is copied all the same.


@pytest.mark.parametrize(("size", "parts"), [(5 * GB + 1, 11), (60 * GB, 120)])
def test_a_plain_object_of_more_than_5_gib_is_copied_in_parts_of_512_mib(
    world: World, size: int, parts: int
) -> None:
    world.source.put(
        "key", size, metadata={"a": "b"}, headers={"ContentType": "video/mp4"}, storage_class="STANDARD_IA"
    )

    assert world.worker().copy(world.to_copy("key")) == Outcome("key", "copied", size)

    made = world.destination.objects["key"]
    assert same(world, "key")
    assert (set(made.part_sizes[:-1]), len(made.part_sizes)) == ({512 * MB}, parts)
    assert (made.metadata, made.headers, made.storage_class) == (
        {"a": "b"},
        {"ContentType": "video/mp4"},
        "STANDARD_IA",
    )
    assert world.sent() == {**ONCE, "UPLOAD_PART_COPY": parts}


def test_an_object_of_exactly_5_gib_is_copied_in_one_piece(world: World) -> None:
    world.source.put("key", 5 * GB)

    assert world.worker().copy(world.to_copy("key")) == Outcome("key", "copied", 5 * GB)

    assert world.sent() == {"COPY": 1}


@pytest.mark.parametrize(
    ("checksum", "unprovable", "decided"),
    [("CRC64NVME", "copy", (1, 0, 0)), (None, "copy", (0, 1, 1)), (None, "keep", (1, 1, 0))],
)
def test_the_next_run_proves_such_a_copy_by_a_checksum_of_the_whole_or_not_at_all(
    world: World, checksum: str | None, unprovable: str, decided: tuple[int, int, int]
) -> None:
    # The copy has the ETag of its parts, the source that of one piece: without a checksum every run would copy it again,
    # unless the user says "keep".
    world.source.put("key", 6 * GB, checksum=checksum)
    assert world.run()["copied"]["objects"] == 1

    report = world.run(unprovable=unprovable)

    if checksum and not carries(checksum, "FULL_OBJECT"):
        decided = (0, 1, 1)
    assert tuple(report[what]["objects"] for what in ("current", "unprovable", "copied")) == decided


# --- The largest objects that S3 has


def test_50_terabytes_in_10_000_parts_are_copied_with_one_request_a_part_and_four_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = 5 * 1000**3
    # There is no network to wait for, so threads would only be in each other's way; and fewer groups are fewer papers to read.
    monkeypatch.setattr("lambda_functions.shared.apply.large_objects.COPY_THREADS", 1)
    monkeypatch.setattr("lambda_functions.shared.apply.parts.GROUP_BYTES", 64 * part)
    source = world.source.put_parts("large", *[part] * 10_000, tags={"a": "b"}, metadata={"c": "d"})
    assert source.size == 50 * 1000**4

    assert copied(world) == "copied at attempt 1"

    made = world.destination.objects["large"]
    assert world.sent() == {**ONCE, "UPLOAD_PART_COPY": 10_000}
    assert (made.etag, made.content, made.tags, made.metadata) == (
        source.etag,
        source.content,
        {"a": "b"},
        {"c": "d"},
    )
    assert made.etag.endswith("-10000")
    assert world.destination.open_uploads() == []


def test_a_very_large_object_is_planned_for_workers_of_its_own_and_the_next_run_finds_it_current(
    world: World,
) -> None:
    world.source.put_parts("large", *[200 * MB] * 100, 7)
    world.source.put("small", b"1")

    first, second = world.run(), world.run()

    assert (first["outcome"], first["copied"]["objects"]) == ("Succeeded", 2)
    assert (second["current"]["objects"], second["copied"]["objects"]) == (2, 0)
    assert len(world.s3.of("UploadPartCopy")) == 101


def test_parts_of_one_turn_hold_at_most_64_gib_and_64_parts(world: World) -> None:
    world.source.put_parts("large", *[5 * GB] * 30)
    world.source.put_parts("many", *[5 * MB] * 130)

    groups = [
        world.worker().large().begin(world.to_copy(key), False, 0)["groups"] for key in ("large", "many")
    ]

    assert [[group["last"] - group["first"] + 1 for group in one] for one in groups] == [
        [12, 12, 6],
        [64, 64, 2],
    ]


# --- Parts that are not alike


@pytest.mark.parametrize(
    ("checksum", "asked"), [(("SHA256", "COMPOSITE"), {"GET_OBJECT_ATTRIBUTES": 1}), (None, None)]
)
def test_parts_that_were_guessed_wrongly_are_asked_for_and_copied_exactly(
    world: World, checksum: Any, asked: dict[str, int] | None
) -> None:
    # 6 + 5 + 5 MB looks like 6 + 6 + 4.
    source = world.source.put_parts("large", 6 * MB, 5 * MB, 5 * MB, checksum=checksum)

    assert copied(world) == "copied at attempt 2"

    assert world.destination.objects["large"].etag == source.etag
    # Two plans; where GetObjectAttributes knows no parts, each is asked for.
    exactly = asked or {"GET_OBJECT_ATTRIBUTES": 1}
    assert world.sent() == {
        "HEAD": 2 if asked else 2 + 3,
        "GET_OBJECT_TAGGING": 2,
        "CREATE_MULTIPART_UPLOAD": 2,
        "UPLOAD_PART_COPY": 6,
        "ABORT_MULTIPART_UPLOAD": 1,
        "COMPLETE_MULTIPART_UPLOAD": 1,
        **exactly,
    }
    assert world.destination.open_uploads() == []


def test_parts_that_cannot_be_alike_are_asked_for_before_anything_is_copied(world: World) -> None:
    sizes = [5 * MB + number for number in range(1200)]
    source = world.source.put_parts("large", *reversed(sizes), *[9 * MB] * 5, checksum=("CRC32", "COMPOSITE"))

    assert copied(world) == "copied at attempt 1"

    assert world.destination.objects["large"].etag == source.etag
    assert world.sent() == {**ONCE, "GET_OBJECT_ATTRIBUTES": 2, "UPLOAD_PART_COPY": 1205}


# --- Tags that are too long for a header


@pytest.mark.parametrize("is_large", [False, True])
def test_tags_of_more_than_2_kib_are_put_after_the_copy(world: World, is_large: bool) -> None:
    world.source.put_parts("large", 5 * MB, 1, tags=LONG_TAGS)

    if is_large:
        assert copied(world) == "copied at attempt 1"
    else:
        assert world.worker().copy(world.to_copy("large")).what == "copied"

    assert world.destination.objects["large"].tags == LONG_TAGS
    assert world.sent() == {**ONCE, "UPLOAD_PART_COPY": 2, "PUT_OBJECT_TAGGING": 1}


@pytest.mark.parametrize("is_large", [False, True])
def test_tags_of_more_than_2_kib_are_put_also_where_the_answer_to_complete_was_lost(
    world: World, is_large: bool
) -> None:
    world.source.put_parts("large", 5 * MB, 1, tags=LONG_TAGS)
    world.s3.after("CompleteMultipartUpload", LOST)

    if is_large:
        assert copied(world) == "copied at attempt 1"
    else:
        assert world.worker().copy(world.to_copy("large")).what == "copied"

    assert world.destination.objects["large"].tags == LONG_TAGS


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("lost", [True, False])
def test_tags_of_more_than_2_kib_are_put_also_by_the_successor_of_a_killed_worker(
    world: World, is_large: bool, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 1 if is_large else 2000)
    world.source.put_parts("large", 5 * MB, 1, tags=LONG_TAGS)
    world.s3.kill("CompleteMultipartUpload" if lost else "PutObjectTagging", after=lost)

    assert world.run()["outcome"] == "Succeeded"

    assert world.destination.objects["large"].tags == LONG_TAGS


def test_tags_of_more_than_2_kib_that_cannot_be_put_on_a_very_large_object_are_a_failure_that_says_so(
    world: World,
) -> None:
    world.source.put_parts("large", 5 * MB, 1, tags=LONG_TAGS)
    world.s3.after("CompleteMultipartUpload", LOST)
    world.s3.before("PutObjectTagging", DENIED, times=99)

    assert copied(world) == "failed at attempt 1"


# --- What one turn cannot hold


def test_the_record_of_a_very_large_object_says_of_every_step_when_it_began_and_how_long_it_took(
    world: World,
) -> None:
    world.source.put_parts("large", *[GB] * 130)

    def slowly(request: Request) -> None:
        world.elapsed_seconds += 1

    world.s3.before("UploadPartCopy", slowly, times=130)
    assert copied(world) == "copied at attempt 1"

    folder = world.worker().folder
    record = folder.require("copied/large-000001-0.json")
    began = [datetime.fromisoformat(step["startedAt"]) for step in record["steps"]]
    assert len(began) == 5  # it was begun, copied in three groups, and completed
    assert datetime.fromisoformat(record["startedAt"]) == min(began)
    assert record["seconds"] == sum(step["seconds"] for step in record["steps"]) > 100


def test_an_object_that_a_turn_cannot_move_fails_alone_and_its_upload_is_aborted(world: World) -> None:
    world.source.put("a", b"1")
    world.source.put_parts("slow", *[5 * MB] * 40, 1)
    world.source.put("z", b"1")

    def slowly(request: Request) -> None:
        world.elapsed_seconds += 100

    world.s3.before("UploadPartCopy", slowly, times=99)
    worker = world.worker()

    outcomes = {key: worker.copy(world.to_copy(key)) for key in ("a", "slow")}
    world.elapsed_seconds = 0
    outcomes["z"] = worker.copy(world.to_copy("z"))

    said = "its turn ended before all of its parts were copied"
    assert outcomes == {
        "a": Outcome("a", "copied", 1),
        "slow": Outcome("slow", "failed", 0, said),
        "z": Outcome("z", "copied", 1),
    }
    assert world.destination.open_uploads() == []
    assert 9 <= len(world.s3.of("UploadPartCopy")) < 41


def test_an_object_that_hangs_is_named_when_its_turn_ends_and_its_upload_is_aborted_at_the_end(
    world: World,
) -> None:
    world.source.put_parts("hangs", 5 * MB, 1)
    world.source.put("quick", b"1")
    hanging, frozen = threading.Event(), threading.Event()
    with world.s3.process():
        process, worker = world.s3.current(), world.worker()

    def hang(request: Request) -> None:
        world.elapsed_seconds = TURN_SECONDS + 1
        hanging.set()
        frozen.wait(10)

    world.s3.before("UploadPartCopy", hang, times=2)
    world.s3.before("CopyObject", lambda request: hanging.wait(10) and None)
    items = [world.to_copy("quick"), world.to_copy("hangs")]

    outcomes = dict(run_jobs(items, worker.copy, timeout_outcome, worker.turn, COPY_THREADS))

    said = "the copy had not ended when its worker's time was over"
    assert outcomes == {0: Outcome("quick", "copied", 1), 1: Outcome("hangs", "failed", 0, said)}
    assert world.destination.open_uploads() == ["hangs"]
    # Lambda freezes the worker once it has answered; the report aborts what it left.
    process.is_dead = True
    frozen.set()
    assert world.worker().abort_all() == []
    assert world.destination.open_uploads() == []


def test_an_object_that_has_its_record_is_not_begun_again(world: World) -> None:
    """Lambda may repeat an attempt that had ended: a second upload would be paid for, and a broken state would fail the copy."""
    world.source.put_parts("large", 6 * MB, 1)
    item = world.to_copy("large")
    assert copied(world) == "copied at attempt 1"
    sent = world.sent()

    state = world.worker().large().begin(item, exact=False, tries=0)

    assert (state["verdict"], world.sent()) == ("done", sent)


def test_a_group_that_a_turn_cannot_hold_fails_its_object_alone(world: World) -> None:
    world.source.put_parts("large", *[5 * GB] * 12)

    def slowly(request: Request) -> None:
        world.elapsed_seconds += 300

    world.s3.before("UploadPartCopy", slowly, times=99)

    # Whoever looks finds both sides unchanged, so it is begun three times.
    assert copied(world) == "failed at attempt 3"

    assert (world.destination.keys(), world.destination.open_uploads()) == ([], [])


# --- Workers that are killed, answers that are lost


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("times", [1, 99])
@pytest.mark.parametrize(
    "operation",
    ["HeadObject", "GetObjectTagging", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload"],
)
def test_a_very_large_copy_killed_at_any_step_leaves_no_part_behind(
    world: World, operation: str, after: bool, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 2)
    world.source.put_parts("large", 5 * MB, 5 * MB, 1)
    world.s3.kill(operation, after=after, times=times)

    report = world.run()

    is_done = times == 1 or (operation, after) == ("CompleteMultipartUpload", True)
    assert report["outcome"] == ("Succeeded" if is_done else "SyncIncomplete")
    assert world.destination.keys() == (["large"] if is_done else [])
    # An upload whose worker died before it knew the upload's id is in no list. It holds nothing, so it costs nothing.
    left = list(world.destination.uploads.values())
    assert all(not upload.parts for upload in left)
    assert bool(left) is ((operation, after) == ("CreateMultipartUpload", True))


@pytest.mark.parametrize("paper", ["/uploads/", "/large/", "/copied/"])
def test_a_very_large_copy_killed_before_it_writes_a_paper_is_repeated(
    world: World, paper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.LARGE_PARTS", 2)
    world.source.put_parts("large", 5 * MB, 5 * MB, 1, tags=LONG_TAGS)
    world.s3.kill("PutObject", bucket="work-bucket", key=lambda key: paper in key)

    assert world.run()["copied"] == {"objects": 1, "bytes": 10 * MB + 1}

    assert same(world, "large")
    assert all(not upload.parts for upload in world.destination.uploads.values())


def test_what_somebody_else_completes_first_is_not_replaced_by_a_very_large_object(world: World) -> None:
    world.source.put_parts("large", 5 * MB, 1)
    world.destination.put("large", b"old", 2 * HOUR)
    world.s3.before(
        "CompleteMultipartUpload", lambda request: world.destination.put("large", b"theirs", 0) and None
    )

    assert copied(world) == "changed at attempt 1"

    assert world.destination.objects["large"].size == 6
    assert world.destination.open_uploads() == []


def test_a_killed_worker_never_sends_anything_again(world: World) -> None:
    world.source.put_parts("key", 5 * MB, 5 * MB, 1)
    item = world.to_copy("key")
    world.s3.kill("CompleteMultipartUpload")

    with pytest.raises(Killed), world.s3.process():
        world.worker().copy(item)

    assert (world.s3.sent[-1].operation, world.s3.of("AbortMultipartUpload")) == (
        "CompleteMultipartUpload",
        [],
    )
