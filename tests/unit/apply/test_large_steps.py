"""The steps of a very large object, on the fake S3: what each of them writes down, and what the last one adds up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from types import TracebackType
from typing import Any

import pytest
from fake_s3 import MB, Answer, Request
from runs_on_fake_s3 import TURN_SECONDS, World, world_on_fake_s3
from samples import NOON

from lambda_functions.shared.apply import large_objects
from lambda_functions.shared.apply.large_objects import LargeObject, UploadFile
from lambda_functions.shared.apply.multipart import Upload
from lambda_functions.shared.invocation import StopRequest
from lambda_functions.shared.work_items import ToCopy

DENIED = Answer(403, "AccessDenied", "Access Denied")
ARCHIVED = Answer(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
RECORD = "copied/large-000001-0.json"
NOTHING = {"objects": 1, "bytes": 0}


class Beats:
    """A heartbeat that only remembers what it is told."""

    said: list[Mapping[str, int]]
    of: tuple[str, str, bool]

    def __init__(self, folder: Any, item: str, record: str, has_last_word: bool = False) -> None:
        Beats.said, Beats.of = [], (item, record, has_last_word)

    def __enter__(self) -> Beats:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def beat(self, counts: Mapping[str, int]) -> None:
        self.said.append(counts)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return a world whose workers copy one part after the other."""
    monkeypatch.setattr(large_objects, "COPY_THREADS", 1)
    with world_on_fake_s3() as one:
        yield one


def large(world: World, **turn: Any) -> LargeObject:
    """Return a step of an object, in a turn whose clock says noon and what has passed since."""
    worker = world.worker()

    def utc_now() -> datetime:
        return NOON + timedelta(seconds=world.elapsed_seconds)

    turn = {"attempt": "try", "began_at": world.elapsed_seconds, "utc_now": utc_now, **turn}
    return LargeObject(
        worker.clients, worker.run, worker.folder, replace(worker.turn, **turn), "large-000001"
    )


def begun(world: World, *sizes: int) -> dict[str, Any]:
    """Begin an object of parts of these sizes; return the state."""
    world.source.put_parts("key", *sizes)
    return large(world).begin(world.to_copy("key"), False, 0)


def word(world: World) -> dict[str, Any]:
    """Return the one word of the record, and its amount."""
    tally: dict[str, Any] = world.worker().folder.require(RECORD)["tally"]
    return tally


# --- Beginning


def test_the_state_of_an_object_that_is_begun_names_its_upload_and_its_groups(world: World) -> None:
    state = begun(world, *[5 * MB] * 65)

    assert state == {
        "verdict": "copy",
        "line": world.to_copy("key").to_json(),
        "exact": False,
        "tries": 0,
        "upload": "large/large-000001-try.json",
        "groups": [{"first": 1, "last": 64}, {"first": 65, "last": 65}],
    }


def test_what_one_step_writes_of_an_upload_the_next_one_reads() -> None:
    """The names are fixed: a run under way may have been begun by an earlier deployment."""
    item, groups = ToCopy("key", "e" * 32 + "-2", 6, "GLACIER_IR"), [{"first": 1, "last": 2}]
    file = UploadFile(item, Upload("u-1", False), [5, 1], groups, True, False, "a=b", 2)

    written = file.to_json()

    assert written == {
        "line": item.to_json(),
        "uploadId": "u-1",
        "sizes": [5, 1],
        "groups": groups,
        "exact": True,
        "guessed": False,
        "provable": False,
        "tagging": "a=b",
        "tries": 2,
    }
    assert UploadFile.from_json(written) == file


@pytest.mark.parametrize(("ends_map", "verdict"), [(False, "done"), (True, "stop")])
def test_an_object_of_a_run_that_is_to_stop_is_not_begun(world: World, ends_map: bool, verdict: str) -> None:
    world.source.put_parts("key", 5 * MB, 1)
    item = world.to_copy("key")

    state = large(world, stop=lambda: StopRequest(ends_map)).begin(item, True, 1)

    ended = {"exact": False, "tries": 0, "upload": "", "groups": []}
    assert state == {"verdict": verdict, "line": item.to_json(), **ended}
    assert world.sent() == {}
    assert (world.worker().folder.read(RECORD) is None) is ends_map
    assert ends_map or word(world) == {"stopped": NOTHING}


def test_an_object_that_has_its_record_is_done_whoever_asks_again(world: World) -> None:
    """Lambda may repeat an attempt that had ended: a second upload would be paid for."""
    world.source.put_parts("key", 5 * MB, 1)
    item = world.to_copy("key")
    large(world, stop=StopRequest).begin(item, False, 0)

    assert large(world).begin(item, False, 0)["verdict"] == "done"

    assert world.sent() == {}


# --- Groups of parts


def copied_group(world: World, monkeypatch: pytest.MonkeyPatch, state: Any, **turn: Any) -> dict[str, Any]:
    """Copy the first group; return what is written of it."""
    monkeypatch.setattr(large_objects, "Heartbeat", Beats)
    step = large(world, **turn)
    step.copy_parts(state["upload"], state["groups"][0])
    return step.folder.require("large/large-000001-try-1.json")


def test_a_group_says_of_every_part_what_was_made_and_beats_with_the_bytes_that_are_copied(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = begun(world, 5 * MB, 5 * MB, 1)

    document = copied_group(world, monkeypatch, state)

    (upload,) = world.destination.uploads.values()
    assert document["parts"] == [
        {"number": number, "etag": upload.parts[number].etag, "checksums": {}} for number in (1, 2, 3)
    ]
    assert document["problem"] is None
    assert [beat["bytes"] for beat in Beats.said] == [5 * MB, 10 * MB, 10 * MB + 1]
    # Its heartbeat is of the group, and says nothing any more once the record of the whole object is there.
    assert Beats.of == ("large-000001-1", RECORD, True)


@pytest.mark.parametrize(("answer", "what"), [(DENIED, "failed"), (ARCHIVED, "archived")])
def test_a_part_that_failed_is_no_bytes_and_its_error_is_the_problem_of_the_group(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: Answer, what: str
) -> None:
    state = begun(world, 5 * MB, 5 * MB, 1)
    world.s3.before("UploadPartCopy", answer, nth=2)

    document = copied_group(world, monkeypatch, state)

    why = f"{answer.code}: {answer.message} (UploadPartCopy)"
    assert [part["number"] for part in document["parts"]] == [1, 3]
    assert document["problem"] == {"why": why, "what": what}
    assert [beat["bytes"] for beat in Beats.said] == [5 * MB, 5 * MB, 5 * MB + 1]


def test_of_several_parts_that_failed_the_first_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those after it may have failed because of it."""
    state = begun(world, 5 * MB, 5 * MB, 1)
    world.s3.before("UploadPartCopy", DENIED)
    world.s3.before("UploadPartCopy", ARCHIVED, nth=2)

    document = copied_group(world, monkeypatch, state)

    assert document["problem"] == {"why": "AccessDenied: Access Denied (UploadPartCopy)", "what": "failed"}


def test_parts_that_a_turn_could_not_hold_are_the_problem_of_a_group(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(request: Request) -> None:
        world.elapsed_seconds += TURN_SECONDS - 1

    state = begun(world, 5 * MB, 5 * MB, 1)
    world.s3.before("UploadPartCopy", slowly)

    document = copied_group(world, monkeypatch, state)

    assert [part["number"] for part in document["parts"]] == [1]
    assert document["problem"] == {
        "why": "2 of 3 parts did not fit into a worker's time",
        "what": "failed",
    }


def test_parts_that_a_stop_kept_from_beginning_are_no_failure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = begun(world, 5 * MB, 5 * MB, 1)

    document = copied_group(
        world,
        monkeypatch,
        state,
        stop=lambda: StopRequest() if world.s3.of("UploadPartCopy") else None,
    )

    assert document["problem"] == {
        "why": "the run was stopped before 2 of 3 parts were begun",
        "what": "stopped",
    }


def test_a_part_under_way_when_the_time_is_over_is_the_problem_of_its_group(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = begun(world, 5 * MB, 5 * MB, 1)
    hangs, is_frozen = Event(), Event()
    with world.s3.process():
        process, step = world.s3.current(), large(world)

    def hang(request: Request) -> None:
        hangs.set()
        is_frozen.wait(60)

    def now() -> float:
        return TURN_SECONDS if hangs.wait(60) else 0.0

    monkeypatch.setattr(large_objects, "Heartbeat", Beats)
    world.s3.before("UploadPartCopy", hang)
    replace(step, turn=replace(step.turn, now=now)).copy_parts(state["upload"], state["groups"][0])
    process.is_dead = True
    is_frozen.set()

    document = world.worker().folder.require("large/large-000001-try-1.json")
    assert document["parts"] == []
    assert document["problem"] == {
        "why": "part 1 had not ended when its worker's time was over",
        "what": "failed",
    }
    assert [beat["bytes"] for beat in Beats.said] == [0]


def test_a_part_that_failed_is_told_also_where_others_were_not_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That there was no time for the others is not why the object was not copied."""

    def deny_slowly(request: Request) -> Answer:
        world.elapsed_seconds += TURN_SECONDS - 1
        return DENIED

    state = begun(world, 5 * MB, 5 * MB, 1)
    world.s3.before("UploadPartCopy", deny_slowly)

    document = copied_group(world, monkeypatch, state)

    assert document["problem"] == {"why": "AccessDenied: Access Denied (UploadPartCopy)", "what": "failed"}


# --- The end


@pytest.mark.parametrize("what", ["archived", "stopped", "failed"])
def test_an_object_of_which_a_part_was_not_copied_counts_as_what_that_part_was_and_with_no_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    state = begun(world, 5 * MB, 1)
    if what == "stopped":
        copied_group(
            world, monkeypatch, state, stop=lambda: StopRequest() if world.s3.of("UploadPartCopy") else None
        )
    else:
        world.s3.before("UploadPartCopy", ARCHIVED if what == "archived" else DENIED)
        copied_group(world, monkeypatch, state)

    assert large(world).complete(state["upload"])["verdict"] == ("again" if what == "failed" else "done")

    if what != "failed":
        assert word(world) == {what: NOTHING}
    assert world.destination.open_uploads() == []


@pytest.mark.parametrize(
    ("problems", "told"), [(["one", "two"], "one"), (["", "two"], "two"), (["one", ""], "one")]
)
def test_of_several_groups_with_a_problem_the_first_is_told(
    world: World, problems: list[str], told: str
) -> None:
    state = begun(world, *[5 * MB] * 65)
    step = large(world)
    usage = {"requests": {}, "startedAt": "2026-11-22T12:00:00.000Z", "seconds": 0.0}
    for group, why in zip(state["groups"], problems, strict=True):
        problem = {"why": why, "what": "archived"} if why else None
        step.folder.write(
            f"large/large-000001-try-{group['first']}.json", {"parts": [], "problem": problem, **usage}
        )

    assert step.complete(state["upload"])["verdict"] == "done"

    causes = step.folder.require(RECORD)["causes"]
    assert causes == {
        "archived": {"objects": 1, "example": {"key": "key", "what": "archived", "error": told}}
    }


@pytest.mark.parametrize("exact", [False, True])
def test_parts_that_were_asked_for_are_completed_whatever_etag_they_give(world: World, exact: bool) -> None:
    """Where the numbers of a source's parts have gaps, parts of our own have another; begun again, they would have it again."""

    def has_no_part_of_that_number(request: Request) -> Answer | None:
        return Answer(416, "InvalidPartNumber") if "PartNumber" in request.asked else None

    world.source.put_parts("key", 6 * MB, 5 * MB, 5 * MB)
    world.s3.before("HeadObject", has_no_part_of_that_number, times=99)

    state = large(world).begin(world.to_copy("key"), exact, 0)
    large(world).copy_parts(state["upload"], state["groups"][0])

    assert large(world).complete(state["upload"])["verdict"] == "done"
    assert word(world) == {"copied": {"objects": 1, "bytes": 16 * MB}}
    assert world.destination.objects["key"].etag != world.source.objects["key"].etag


def test_parts_that_were_guessed_wrongly_are_not_completed_and_the_next_try_asks_for_them(
    world: World,
) -> None:
    state = begun(world, 6 * MB, 5 * MB, 5 * MB)
    large(world).copy_parts(state["upload"], state["groups"][0])

    again = large(world).complete(state["upload"])

    assert (again["verdict"], again["exact"], again["tries"]) == ("again", True, 0)
    assert (world.destination.keys(), world.destination.open_uploads()) == ([], [])


def test_an_object_is_not_completed_without_all_of_its_parts(world: World) -> None:
    """S3 would complete it all the same, as a shorter object."""
    state = begun(world, *[5 * MB] * 65)
    for group in state["groups"]:
        large(world).copy_parts(state["upload"], group)
    first = world.worker().folder.require("large/large-000001-try-1.json")
    first["parts"].pop()
    first.pop("file", None)
    world.worker().folder.write("large/large-000001-try-1.json", first)

    assert large(world).complete(state["upload"])["verdict"] == "again"

    assert world.s3.of("CompleteMultipartUpload") == []
    assert world.destination.open_uploads() == []


def test_the_record_adds_up_what_all_steps_have_sent_and_how_long_they_took(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(request: Request) -> None:
        world.elapsed_seconds += 1.23456

    world.s3.before("CreateMultipartUpload", slowly)
    world.s3.before("UploadPartCopy", slowly)
    world.s3.before("CompleteMultipartUpload", slowly)
    state = begun(world, 5 * MB, 1)
    copied_group(world, monkeypatch, state)

    assert large(world).complete(state["upload"])["verdict"] == "done"

    steps = [
        {"startedAt": "2026-11-22T12:00:00.000Z", "seconds": 1.235},
        {"startedAt": "2026-11-22T12:00:01.234Z", "seconds": 1.235},
        {"startedAt": "2026-11-22T12:00:02.469Z", "seconds": 1.235},
    ]
    assert list(world.worker().folder.list_names("uploads/")) == []
    record = world.worker().folder.require(RECORD)
    assert record["seconds"] == pytest.approx(3 * 1.235)
    assert {name: value for name, value in record.items() if name not in ("file", "seconds")} == {
        "shard": "large-000001",
        "start": 0,
        "next": 1,
        "tally": {"copied": {"objects": 1, "bytes": 5 * MB + 1}},
        "causes": {},
        "failures": [],
        "requests": {
            "HEAD": 1,
            "GET_OBJECT_TAGGING": 1,
            "CREATE_MULTIPART_UPLOAD": 1,
            "UPLOAD_PART_COPY": 2,
            "COMPLETE_MULTIPART_UPLOAD": 1,
        },
        "startedAt": "2026-11-22T12:00:00.000Z",
        "steps": steps,
    }


@pytest.mark.parametrize(
    ("upload_name", "aborts"), [("large/large-000001-try.json", 1), ("large/other.json", 0), ("", 0)]
)
def test_an_object_whose_worker_came_to_its_own_end_is_a_failure_that_says_why_and_its_upload_is_aborted(
    world: World, upload_name: str, aborts: int
) -> None:
    """The parts of an upload that nobody aborts cost money for ever; a worker that ended before it had one left none."""
    begun(world, 5 * MB, 1)

    state = large(world).abort(world.to_copy("key"), upload_name, "Lambda.Unknown: it ended")

    assert (state["verdict"], state["upload"]) == ("done", "")
    assert world.worker().folder.key("") not in [request.key for request in world.s3.of("GetObject")]
    assert len(world.s3.of("AbortMultipartUpload")) == aborts
    assert len(world.destination.open_uploads()) == 1 - aborts
    record = world.worker().folder.require(RECORD)
    assert record["tally"] == {"failed": NOTHING}
    example = {"key": "key", "what": "failed", "error": "Lambda.Unknown: it ended"}
    assert record["causes"] == {"Lambda.Unknown": {"objects": 1, "example": example}}
    lines = world.worker().folder.read_lines(record["failures"][0])
    assert lines == [example]
