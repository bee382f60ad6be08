"""Shards: writing them in bounded pieces, and working through one, turn by turn."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import FOLDER, memory_folder, written_shard

from lambda_functions.shared.compare.plan_writer import FIRST_COPY_BYTES, FIRST_COPY_KEYS
from lambda_functions.shared.errors import NoProgress
from lambda_functions.shared.invocation import StopRequest, Turn
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.work_bucket.heartbeat import Heartbeat
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder
from lambda_functions.shared.work_bucket.shards import (
    MAX_SHARD_BYTES,
    MAX_SHARD_KEYS,
    ShardWriter,
    record_name,
    take_turn,
)


def written(sizes: list[int], max_bytes: int = MAX_SHARD_BYTES) -> tuple[RunFolder, list[dict[str, Any]]]:
    folder = memory_folder()
    writer = ShardWriter(folder, lambda number: f"copy/1-0001-{number:04d}.jsonl", max_bytes)
    for number, size in enumerate(sizes):
        writer.add({"key": f"{number}", "size": size})
    return folder, writer.close()


def test_nothing_to_do_is_no_shard() -> None:
    folder, shards = written([])

    assert shards == []
    assert list(folder.list_names("")) == []


def test_a_shard_is_full_with_2000_keys() -> None:
    assert MAX_SHARD_KEYS == 2000
    folder, shards = written([1] * 4001)
    files = [folder.client.files[folder.key(one["file"])] for one in shards]

    assert shards == [
        {"file": name, "objects": objects, "sha256": hashlib.sha256(file).hexdigest(), "bytes": objects}
        for name, objects, file in zip(
            ("copy/1-0001-0001.jsonl", "copy/1-0001-0002.jsonl", "copy/1-0001-0003.jsonl"),
            (2000, 2000, 1),
            files,
            strict=True,
        )
    ]


def test_the_first_shards_are_shorter_if_wanted_and_grow_to_2000_keys() -> None:
    folder = memory_folder()
    writer = ShardWriter(folder, lambda number: f"copy/{number}", first_keys=500)
    for number in range(12_000):
        writer.add({"key": f"{number}"})

    assert [one["objects"] for one in writer.close()] == [500] * 4 + [1000] * 4 + [2000] * 3


def test_the_first_shards_are_smaller_if_wanted_and_grow_to_16_gib() -> None:
    gib = 1024**3
    writer = ShardWriter(memory_folder(), lambda number: f"copy/{number}", first_bytes=2 * gib)
    for number in range(130):
        writer.add({"key": f"{number}", "size": gib})

    assert [one["bytes"] // gib for one in writer.close()] == [2] * 4 + [4] * 4 + [8] * 4 + [16] * 4 + [10]


@pytest.mark.parametrize(
    ("objects", "size", "workers"),
    [
        (10, 1, 1),
        (250, 1, 1),
        (1000, 1, 4),
        (3000, 1, 8),
        (63_000, 1, 40),
        (40, 512 * 1024**2, 7),
        (4, 8 * 1024**3, 4),
    ],
)
def test_a_small_sync_has_as_many_workers_as_are_worth_their_beginning(
    objects: int, size: int, workers: int
) -> None:
    writer = ShardWriter(
        memory_folder(), lambda number: f"{number}", first_keys=FIRST_COPY_KEYS, first_bytes=FIRST_COPY_BYTES
    )
    for number in range(objects):
        writer.add({"key": f"{number}", "size": size})

    assert len(writer.close()) == workers


def test_a_shard_is_full_with_16_gib() -> None:
    gib = 1024**3

    assert [one["bytes"] // gib for one in written([6 * gib, 10 * gib, 1 * gib, 16 * gib])[1]] == [16, 1, 16]


def test_a_shard_has_16_gib_to_the_byte() -> None:
    gib = 1024**3
    assert MAX_SHARD_BYTES == 17_179_869_184
    sizes = [16 * gib - 1, 1, 1, 16 * gib - 1, 2]

    assert [(one["objects"], one["bytes"]) for one in written(sizes)[1]] == [
        (2, 16 * gib),
        (2, 16 * gib),
        (1, 2),
    ]


def test_a_line_without_a_size_has_no_bytes() -> None:
    writer = ShardWriter(memory_folder(), lambda number: f"failures/{number}", max_bytes=10)
    for line in ({"key": "a"}, {"key": "b", "size": 10}, {"key": "c"}, {"key": "d"}):
        writer.add(line)

    assert [(one["objects"], one["bytes"]) for one in writer.close()] == [(4, 10)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"by_key": True}, ["a", "b", "c", "d"]),
        ({"by_key": False}, ["b", "a", "d", "c"]),
        ({}, ["b", "a", "d", "c"]),
    ],
)
def test_the_lines_of_a_shard_are_in_their_order_or_if_wanted_in_that_of_their_keys(
    order: dict[str, bool], expected: list[str]
) -> None:
    """Each shard by itself: what comes later cannot be in one that was written before."""
    folder = memory_folder()
    writer = ShardWriter(folder, lambda number: f"copy/{number}", first_keys=2, **order)
    for key in "badc":
        writer.add({"key": key})

    assert [line["key"] for one in writer.close() for line in folder.read_lines(one)] == expected


def test_shards_are_written_by_a_pool_while_more_is_added_and_named_in_order() -> None:
    folder, held = memory_folder(), threading.Event()
    put = folder.client.put_object

    def put_later(**asked: Any) -> None:
        assert held.wait(20)
        put(**asked)

    folder.client.put_object = put_later
    with ThreadPoolExecutor(3) as pool:
        writer = ShardWriter(folder, lambda number: f"copy/{number}", first_keys=1, pool=pool)
        for number in range(4):
            writer.add({"key": f"{number}"})
        assert list(folder.client.files) == []
        held.set()
        shards = writer.close()

    assert [one["file"] for one in shards] == [f"copy/{number}" for number in range(1, 5)]
    assert [folder.read_lines(one) for one in shards] == [[{"key": f"{number}"}] for number in range(4)]


def test_a_shard_that_a_pool_could_not_write_is_an_error_of_the_plan() -> None:
    folder = memory_folder()

    def put_nothing(**asked: Any) -> None:
        raise ConnectionError("no way")

    folder.client.put_object = put_nothing
    with ThreadPoolExecutor(1) as pool:
        writer = ShardWriter(folder, lambda number: f"copy/{number}", pool=pool)
        writer.add({"key": "a"})
        with pytest.raises(ConnectionError, match="no way"):
            writer.close()


def test_a_writer_waits_where_too_many_shards_wait_to_be_written() -> None:
    """Memory would otherwise hold what S3 is slow to take. The oldest is waited for: it is the first that can be done."""
    waited, names = list[str](), list[str]()

    class Unwritten(Future[dict[str, Any]]):
        name = ""

        def result(self, timeout: float | None = None) -> dict[str, Any]:
            if not self.done():
                waited.append(self.name)
                self.set_result({"objects": 1})
            return super().result(timeout)

    class Pool(Executor):
        def submit(self, write: Any, /, name: str, *_: Any, **__: Any) -> Unwritten:
            future = Unwritten()
            future.name = name
            names.append(name)
            return future

    writer = ShardWriter(memory_folder(), str, first_keys=1, max_bytes=1, pool=Pool())
    for number in range(11):
        writer.add({"key": f"{number}", "size": 1})

    assert (waited, len(names)) == (["1", "2"], 10), "8 may wait, and the last of the 11 is not full yet"
    assert len(writer.close()) == 11


def test_an_object_larger_than_a_shard_has_one_of_its_own() -> None:
    assert [(one["objects"], one["bytes"]) for one in written([5, 20, 5], max_bytes=10)[1]] == [
        (1, 5),
        (1, 20),
        (1, 5),
    ]


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 40))
def test_shards_hold_every_line_once_in_order_and_say_what_they_hold(
    sizes: list[int], max_bytes: int
) -> None:
    folder, shards = written(sizes, max_bytes)
    lines = [folder.read_lines(one) for one in shards]

    assert [line["key"] for held in lines for line in held] == [str(number) for number in range(len(sizes))]
    assert [(len(held), sum(line["size"] for line in held)) for held in lines] == [
        (one["objects"], one["bytes"]) for one in shards
    ]
    assert all(one["bytes"] <= max_bytes or one["objects"] == 1 for one in shards)


@dataclass
class Clock:
    """Seconds that pass only when a test says so."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds


def turn_of(seconds: float, clock: Clock | None = None) -> Turn:
    return Turn(0.0, seconds, "attempt", (clock or Clock()).now, utc_now=lambda: BEGAN)


BEGAN = datetime(2026, 11, 22, 10, 11, 12, 345_678, tzinfo=UTC)
LINES = [{"key": f"key-{number}", "size": 10} for number in range(5)]


SHARD: dict[str, Any] = {
    "id": "copy-000001",
    **written_shard(memory_folder(), "copy/1-0001-0001-request.jsonl", LINES),
}


def clients() -> Clients:
    return Clients(None, None, None, RequestCounter())


def working(most: int, what: str = "copied") -> Callable[[Sequence[Any]], list[Outcome]]:
    """Return the work of a turn whose time holds so many lines."""
    return lambda lines: [Outcome(line["key"], what, line["size"]) for line in lines[:most]]


@pytest.fixture
def folder() -> RunFolder:
    made = memory_folder()
    made.write_lines(SHARD["file"], LINES)
    return made


def take(folder: RunFolder, start: int, work: Callable[[Sequence[Any]], list[Outcome]]) -> dict[str, Any]:
    return take_turn(folder, "copied", SHARD, start, turn_of(10), clients(), work)


def test_a_turn_says_where_to_go_on_until_the_shard_is_done(folder: RunFolder) -> None:
    assert take(folder, 0, working(3)) == {"done": False, "next": 3}
    assert take(folder, 3, working(3)) == {"done": True, "next": 5}
    assert folder.read("copied/copy-000001-3.json") == {
        "file": f"{FOLDER}/copied/copy-000001-3.json",
        "shard": "copy-000001",
        "start": 3,
        "next": 5,
        "tally": {"copied": {"objects": 2, "bytes": 20}},
        "causes": {},
        "failures": [],
        "requests": {},
        "startedAt": "2026-11-22T10:11:12.345Z",
        "seconds": 0.0,
    }


def test_a_turn_that_has_a_record_is_not_done_again(folder: RunFolder) -> None:
    take(folder, 0, working(3))

    def again(lines: Sequence[Any]) -> list[Outcome]:
        raise AssertionError("a turn was done twice")

    assert take(folder, 0, again) == {"done": False, "next": 3}


def test_of_two_attempts_at_the_same_turn_the_first_record_wins(folder: RunFolder) -> None:
    def overtaken(lines: Sequence[Any]) -> list[Outcome]:
        take(folder, 0, working(2))
        return working(5)(lines)

    assert take(folder, 0, overtaken) == {"done": False, "next": 2}


def test_keys_that_were_not_synchronised_are_named_in_a_file_that_the_record_names(folder: RunFolder) -> None:
    take(folder, 0, lambda lines: [Outcome(lines[0]["key"], "failed", 0, "AccessDenied: no (CopyObject)")])

    files = folder.read(record_name("copied", "copy-000001", 0))["failures"]
    assert [one["file"] for one in files] == ["failures/copy-000001-0-attempt-0001.jsonl"]
    assert folder.read_lines(files[0]) == [
        {"key": "key-0", "what": "failed", "error": "AccessDenied: no (CopyObject)"}
    ]


def test_a_turn_that_gets_nowhere_is_an_error(folder: RunFolder) -> None:
    with pytest.raises(NoProgress) as caught:
        take(folder, 0, working(0))

    assert str(caught.value) == "the turn of copy/1-0001-0001-request.jsonl from line 0 began nothing"


# Its record would be found again and again by whoever follows the chain of turns, and by every retry.
def test_a_turn_that_gets_nowhere_leaves_no_record(folder: RunFolder) -> None:
    with pytest.raises(NoProgress):
        take(folder, 0, working(0))

    assert folder.read(record_name("copied", "copy-000001", 0)) is None


def test_a_record_that_leads_back_is_not_followed(folder: RunFolder) -> None:
    """Turns would go round in a circle."""
    take(folder, 3, working(1))
    name = record_name("copied", "copy-000001", 3)
    folder.write(name, {**folder.read(name), "next": 2})

    with pytest.raises(RunFileBroken, match='its "next" is not what a run writes'):
        take(folder, 3, working(1))


@pytest.mark.parametrize("position", [0, -1, None, "3"])
def test_a_record_that_leads_nowhere_is_not_followed(folder: RunFolder, position: Any) -> None:
    """The Map would call the same turn again and again, and find the same record."""
    take(folder, 0, working(3))
    name = record_name("copied", "copy-000001", 0)
    folder.write(name, {**folder.read(name), "next": position})

    with pytest.raises(RunFileBroken, match='its "next" is not what a run writes'):
        take(folder, 0, working(3))


def test_what_a_turn_has_sent_is_in_its_record(folder: RunFolder) -> None:
    counted = clients()
    counted.requests._count_request("before-send.s3.CopyObject")

    take_turn(folder, "copied", SHARD, 0, turn_of(10), counted, working(5))

    assert folder.read("copied/copy-000001-0.json")["requests"] == {"COPY": 1}


def test_the_seconds_of_a_turn_are_told_in_thousandths_and_it_began_when_the_invocation_did(
    folder: RunFolder,
) -> None:
    clock = Clock()

    def slow(lines: Sequence[Any]) -> list[Outcome]:
        clock.seconds = 1.23456
        return working(5)(lines)

    take_turn(folder, "copied", SHARD, 0, turn_of(10, clock), clients(), slow)

    record = folder.read("copied/copy-000001-0.json")
    assert (record["seconds"], record["startedAt"]) == (1.235, "2026-11-22T10:11:11.111Z")


def test_how_far_a_turn_is_is_said_after_every_outcome(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Any] = []
    monkeypatch.setattr(Heartbeat, "beat", lambda self, counts: said.append(counts))

    take(folder, 3, lambda lines: [Outcome("key-3", "copied", 10), Outcome("key-4", "failed")])

    assert said == [
        {"objects": 1, "bytes": 10, "failed": 0},
        {"objects": 2, "bytes": 10, "failed": 1},
    ]


# --- Runs that are to stop ------------------------------------------------------------------------------------


class Stop:
    """What somebody asks for, from some moment on."""

    def __init__(self, request: StopRequest | None = None) -> None:
        self.request = request
        self.turn = replace(turn_of(10), stop=lambda: self.request)

    def after(self, most: int) -> Callable[[Sequence[Any]], list[Outcome]]:
        """Return the work of a turn that is told to stop once it has begun so many lines."""

        def work(lines: Sequence[Any]) -> list[Outcome]:
            self.request = StopRequest()
            return working(most)(lines)

        return work


@pytest.mark.parametrize(("start", "most", "position"), [(0, 2, 2), (0, 4, 4), (3, 1, 4)])
def test_a_stop_in_the_midst_ends_a_shard_and_its_record_says_so(
    folder: RunFolder, start: int, most: int, position: int
) -> None:
    stop = Stop()
    done = take_turn(folder, "copied", SHARD, start, stop.turn, clients(), stop.after(most))
    record = folder.read(record_name("copied", "copy-000001", start))

    assert done == {"done": True, "next": position}
    assert (record["stopped"], record["start"], record["next"]) == (True, start, position)
    assert take(folder, start, working(5)) == done, "nor does another attempt go on"


@pytest.mark.parametrize(("start", "most"), [(0, 5), (3, 2)])
def test_a_stop_after_the_last_line_has_stopped_nothing(folder: RunFolder, start: int, most: int) -> None:
    stop = Stop()

    assert take_turn(folder, "copied", SHARD, start, stop.turn, clients(), stop.after(most)) == {
        "done": True,
        "next": 5,
    }
    assert "stopped" not in folder.read(record_name("copied", "copy-000001", start))


@pytest.mark.parametrize("start", [0, 3])
def test_a_turn_that_begins_after_a_stop_begins_no_line_and_leaves_a_record(
    folder: RunFolder, start: int
) -> None:
    """Without the record its objects would count as lost with their worker."""
    given: list[Any] = []

    def work(lines: Sequence[Any]) -> list[Outcome]:
        given.append(lines)
        return []

    done = take_turn(folder, "copied", SHARD, start, Stop(StopRequest()).turn, clients(), work)

    assert (done, given) == ({"done": True, "next": start}, [[]])
    assert folder.key(SHARD["file"]) not in folder.client.read
    assert folder.read(record_name("copied", "copy-000001", start))["stopped"] is True


def test_a_turn_that_begins_after_the_end_of_the_map_fails_at_once_and_leaves_nothing(
    folder: RunFolder,
) -> None:
    files = dict(folder.client.files)
    stop = Stop(StopRequest(ends_map=True))

    assert take_turn(folder, "copied", SHARD, 3, stop.turn, clients(), working(5)) == {
        "done": True,
        "next": 3,
        "fail": True,
    }
    assert (folder.client.files, folder.client.read) == (files, [])
