"""Asking for `stop.json`: when a turn asks, what counts as a stop, and what a request that fails does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from first_waits import FirstWait
from samples import client_error, memory_folder

from lambda_functions.shared.invocation import StopRequest, Turn
from lambda_functions.shared.work_bucket import stopping
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_bucket.stopping import FIRST_SECONDS, STOP, StopWatch, read_stop


class Waits:
    """Says how long was waited for, does something before a wait ends, and lets the turn end after some."""

    def __init__(self, number: int, **doing: Any) -> None:
        self.seconds: list[float] = []
        self._number = number
        self._doing = {int(name.removeprefix("at_")): act for name, act in doing.items()}

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        self._doing.get(len(self.seconds), lambda: None)()
        return len(self.seconds) > self._number


@pytest.fixture(autouse=True)
def again_when_workers_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All other tests have it never; FIRST_SECONDS was imported before that, so it is what workers have."""
    monkeypatch.setattr(stopping, "FIRST_SECONDS", FIRST_SECONDS)


def stop(folder: RunFolder, **more: Any) -> None:
    folder.write(STOP, {"askedAt": "2026-11-28T13:00:00Z", **more})


def test_nothing_is_asked_for_where_there_is_no_file() -> None:
    assert read_stop(memory_folder()) is None


@pytest.mark.parametrize(
    ("more", "ends_map"), [({}, False), ({"endsMap": True}, True), ({"endsMap": 1}, False)]
)
def test_the_file_says_whether_shards_that_have_not_begun_fail(more: dict[str, Any], ends_map: bool) -> None:
    folder = memory_folder()
    stop(folder, **more)
    assert read_stop(folder) == StopRequest(ends_map)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        json.dumps({"file": "runs/other", "endsMap": True}).encode(),
    ],
)
def test_a_file_that_cannot_be_read_or_is_anothers_stops_the_run_and_ends_no_map(body: bytes) -> None:
    folder = memory_folder()
    folder.client.files[folder.key(STOP)] = body
    assert read_stop(folder) == StopRequest(False)


def test_a_turn_asks_before_its_first_object_and_every_two_seconds_from_the_fifth_on() -> None:
    folder, waits = memory_folder(), Waits(3)
    watch = StopWatch(folder, waits)
    watch.run()
    assert waits.seconds == [5.0, 2.0, 2.0, 2.0]
    assert folder.client.read == [folder.key(STOP)] * 3


def test_a_turn_of_less_than_five_seconds_asks_once() -> None:
    folder = memory_folder()
    with StopWatch(folder, lambda seconds: True) as watch:
        turn = watch.watched(Turn(0.0, 1.0, "attempt"))
    assert not turn.is_stopped()
    assert folder.client.read == [folder.key(STOP)]


def test_a_turn_asks_in_a_thread_of_its_own_that_keeps_no_process_alive() -> None:
    """A worker that waited itself would do nothing else, and one whose request hangs would never end."""
    wait = FirstWait()

    with StopWatch(memory_folder(), wait):
        assert wait.thread() == ("stop", True)


def test_nothing_is_asked_any_more_once_the_turn_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Lambda that is used again would have one more thread that asks, for ever, after every turn."""
    folder = memory_folder()
    with StopWatch(folder) as watch:
        pass
    stop(folder)
    monkeypatch.setattr(stopping, "FIRST_SECONDS", 0.0)

    watch.run()

    assert watch.request is None
    assert folder.client.read == [folder.key(STOP)]


def test_a_stop_before_the_first_object_is_heard_at_once_and_not_asked_for_again() -> None:
    folder = memory_folder()
    stop(folder)
    with StopWatch(folder, Waits(9)) as watch:
        turn = watch.watched(Turn(0.0, 1.0, "attempt"))
        assert (turn.is_stopped(), turn.ends_map()) == (True, False)
    watch.run()
    assert folder.client.read == [folder.key(STOP)]


def test_a_stop_in_the_midst_is_heard_by_the_turn_that_is_under_way() -> None:
    folder = memory_folder()
    waits = Waits(9, at_3=lambda: stop(folder, endsMap=True))
    watch = StopWatch(folder, waits)
    turn = watch.watched(Turn(0.0, 1.0, "attempt"))
    assert not turn.is_stopped()
    watch.run()
    assert waits.seconds == [5.0, 2.0, 2.0]
    assert (turn.is_stopped(), turn.ends_map()) == (True, True)


def test_a_first_question_that_fails_is_an_error_and_a_later_one_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = memory_folder()
    ask = folder.client.get_object

    def refuse(**_: Any) -> Any:
        raise client_error(503, "SlowDown", "GetObject")

    def recover() -> None:
        monkeypatch.setattr(folder.client, "get_object", ask)
        stop(folder)

    monkeypatch.setattr(folder.client, "get_object", refuse)
    with pytest.raises(ClientError), StopWatch(folder):
        pass
    watch = StopWatch(folder, Waits(9, at_4=recover))
    watch.run()
    assert watch.request == StopRequest()
