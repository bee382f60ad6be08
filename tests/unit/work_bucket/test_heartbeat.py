"""Heartbeats: when they are written, what they say, and that nothing about them can harm the work."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from first_waits import FirstWait
from samples import FOLDER, memory_folder

from lambda_functions.shared.outcomes import Outcome, Tally
from lambda_functions.shared.work_bucket import heartbeat
from lambda_functions.shared.work_bucket.heartbeat import FIRST_SECONDS, Heartbeat, counts, counts_of
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.shards import ShardWriter

RECORD = "copied/copy-000001-0.json"
NAME = "alive/copy-000001.json"


class Waits:
    """Says how long was waited for, and lets the turn end after some waits; the clock moves with them from `began_at` on."""

    def __init__(self, number: int, began_at: float = 0.0) -> None:
        self.seconds: list[float] = []
        self._number, self._began_at = number, began_at

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        return len(self.seconds) > self._number

    def now(self) -> float:
        return self._began_at + sum(self.seconds)


@pytest.fixture(autouse=True)
def first_when_workers_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """All other tests have it never; FIRST_SECONDS was imported before that, so it is what workers have."""
    monkeypatch.setattr(heartbeat, "FIRST_SECONDS", FIRST_SECONDS)


def beating(folder: RunFolder, waits: Waits, **more: Any) -> Heartbeat:
    return Heartbeat(folder, "copy-000001", RECORD, wait=waits, now=waits.now, **more)


def test_the_first_is_due_after_five_seconds_and_the_others_every_ten() -> None:
    folder, waits = memory_folder(), Waits(3)
    alive = beating(folder, waits)
    alive.beat(counts(161, 2347, 2))
    alive.run()

    assert waits.seconds == [5.0, 10.0, 10.0, 10.0]
    assert (alive.written, alive.missed) == (3, 0)
    assert folder.read(NAME) == {
        "file": f"{FOLDER}/{NAME}", "record": RECORD, "objects": 161, "bytes": 2347, "failed": 2, "seconds": 25.0, "missed": 0,
    }  # fmt: skip


def test_seconds_are_those_of_the_turn_whenever_it_began_and_told_in_tenths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat, "FIRST_SECONDS", 0.26)
    folder = memory_folder()
    beating(folder, Waits(1, began_at=86_400.0)).run()

    assert folder.read(NAME)["seconds"] == 0.3


def test_heartbeats_have_a_thread_of_their_own_that_keeps_no_process_alive() -> None:
    """A write that hangs would else keep the worker from ending."""
    wait = FirstWait()

    with Heartbeat(memory_folder(), "copy-000001", RECORD, wait=wait):
        assert wait.thread() == ("heartbeat", True)


def test_nothing_is_written_any_more_once_the_turn_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Lambda that is used again would else have one more thread that writes, for ever, after every turn."""
    written: list[str] = []
    with Heartbeat(memory_folder(), "copy-000001", RECORD) as alive:
        pass

    def write(self: RunFolder, name: str, document: Any) -> None:
        written.append(name)
        alive._over.set()

    monkeypatch.setattr(heartbeat, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(RunFolder, "write", write)
    alive.run()

    assert written == []


def test_a_turn_that_is_over_before_that_writes_nothing() -> None:
    folder = memory_folder()
    with Heartbeat(folder, "copy-000001", RECORD, has_last_word=True) as alive:
        alive.beat(counts(1))

    assert list(folder.list_names("")) == []


@pytest.mark.parametrize(
    ("more", "told"), [({"has_last_word": True}, 9), ({"has_last_word": False}, 5), ({}, 5)]
)
def test_the_last_word_of_a_turn_without_a_record_is_written_if_others_were(
    more: dict[str, bool], told: int
) -> None:
    """With a record to follow, one more would cost a PUT of every shard."""
    folder, waits = memory_folder(), Waits(1)
    alive = beating(folder, waits, **more)
    alive.beat(counts(size_bytes=5))
    alive.run()
    alive.beat(counts(size_bytes=9))
    alive.__exit__(None, None, None)

    assert folder.read(NAME)["bytes"] == told


@pytest.mark.parametrize(
    "error", [OSError("no network"), KeyError("x"), RuntimeError("interpreter shutdown")]
)
def test_what_cannot_be_written_is_counted_and_said_with_the_next(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    folder, written = memory_folder(), RunFolder.write
    answers = [error, error, None]

    def write(self: RunFolder, name: str, document: Any) -> None:
        answer = answers.pop(0)
        if answer:
            raise answer
        written(self, name, document)

    monkeypatch.setattr(RunFolder, "write", write)
    alive = beating(folder, Waits(3))
    alive.run()

    assert (alive.written, alive.missed) == (1, 2)
    assert folder.read(NAME)["missed"] == 2


def test_a_write_that_hangs_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def write(self: RunFolder, name: str, document: Any) -> None:
        begun.set()
        may_end.wait(60)

    monkeypatch.setattr(RunFolder, "write", write)
    monkeypatch.setattr(heartbeat, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(heartbeat, "MAX_WAIT_SECONDS", 0.0)
    try:
        with Heartbeat(memory_folder(), "copy-000001", RECORD, has_last_word=True) as alive:
            assert begun.wait(60)
            alive.beat(counts(1))
        assert not may_end.is_set()
    finally:
        may_end.set()


def test_a_beat_waits_one_second_for_another_that_is_under_way() -> None:
    """So long a turn that is done may be held up by a work bucket that does not answer."""
    waited: list[float] = []

    def acquire(timeout: float) -> bool:
        waited.append(timeout)
        return False

    alive = beating(memory_folder(), Waits(1))
    alive._writing = SimpleNamespace(acquire=acquire)  # type: ignore[assignment]
    alive.run()

    assert (waited, alive.missed) == ([1.0], 1)


def test_beats_that_find_another_under_way_are_counted_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "MAX_WAIT_SECONDS", 0.0)
    folder = memory_folder()
    alive = beating(folder, Waits(2))

    with alive._writing:
        alive.run()

    assert (alive.written, alive.missed, list(folder.list_names(""))) == (0, 2, [])


def test_the_counts_of_a_tally_are_all_that_was_dealt_with_and_what_is_not_in_sync() -> None:
    tally = Tally(ShardWriter(memory_folder(), str))
    for what, size in (("copied", 3), ("copied", 4), ("archived", 0), ("failed", 0), ("changed", 0)):
        tally.add(Outcome("k", what, size))

    assert counts_of(tally, 5) == {"objects": 5, "bytes": 7, "failed": 2}
    assert json.dumps(counts()) == '{"objects": 0, "bytes": 0, "failed": 0}'
