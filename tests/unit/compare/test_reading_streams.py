"""Reading with several streams: the clock ends it, and an error of any page is an error of the range."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listed_bucket import ListedBucket
from samples import run_of
from virtual_streams import in_order_of_keys

from lambda_functions.shared.compare import pieces
from lambda_functions.shared.compare.pieces import Chunk
from lambda_functions.shared.compare.reading import read_chunks
from lambda_functions.shared.compare.streams import Streams
from lambda_functions.shared.errors import NoProgress, RangeBroken
from lambda_functions.shared.invocation import StopRequest, Turn
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.s3.listing import KeyRange

NUMBERS = [f"{number:04d}" for number in range(400)]
PATIENCE_SECONDS = 20


@dataclass
class Clock:
    """The time of a turn that has 100 seconds."""

    now: float = 0.0

    def turn(self) -> Turn:
        return Turn(0.0, 100.0, "attempt", lambda: self.now)


@dataclass
class Counting(ListedBucket):
    """Counts what is under way at the same time."""

    keys: list[str]
    page_keys: int = 10
    asked: list[dict[str, Any]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        with self.lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        answer = super().list_objects_v2(**asked)
        with self.lock:
            self.under_way -= 1
        return answer


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages of ten keys be worth cutting."""
    monkeypatch.setattr(pieces, "KEYS_AHEAD", 10)


def begin(
    source: Any, destination: Any, streams: Streams, turn: Turn | None = None, run: Run | None = None
) -> Iterator[Chunk]:
    clients = Clients(source, destination, None, RequestCounter())
    return read_chunks(clients, run or run_of(), streams, turn or Clock().turn())


def keys_of(chunks: list[Chunk]) -> tuple[list[str], list[str]]:
    source = [one.key for chunk in chunks for one in chunk.source]
    return sorted(source), sorted(one.key for chunk in chunks for one in chunk.destination)


KEYS = st.sets(st.text(alphabet="ab/é\uffff\U00010000\U0010ffff", max_size=4), max_size=40)


@settings(max_examples=60)
@given(
    KEYS,
    KEYS,
    st.none() | st.text("abé", max_size=2),
    st.none() | st.text("abé", max_size=2),
    st.integers(1, 5),
    st.sampled_from(["p/", "é"]),
)
def test_exactly_the_keys_of_the_range_are_read(
    source: set[str], destination: set[str], after: str | None, up_to: str | None, page_keys: int, prefix: str
) -> None:
    key_range, run = KeyRange(after, up_to), run_of(prefix=prefix, destinationPrefix="q/")
    here = ListedBucket([prefix + key for key in source] + ["", "a", "z"], page_keys)
    there = ListedBucket(["q/" + key for key in destination] + ["", "a", "z"], page_keys)
    streams = Streams(key_range)

    found = keys_of(list(begin(here, there, streams, run=run)))

    assert found == tuple(sorted(filter(key_range.contains, keys)) for keys in (source, destination))
    assert (streams.decided(), streams.remaining()) == ([key_range], [])


def test_several_streams_read_a_range_and_no_more_lists_are_under_way_than_they_have(
    short_pages: None,
) -> None:
    source, destination = Counting(NUMBERS), Counting(NUMBERS)

    found = keys_of(list(begin(source, destination, Streams(KeyRange()))))

    assert found == (NUMBERS, NUMBERS)
    assert any("StartAfter" in asked for asked in (*source.asked, *destination.asked))
    assert source.most_under_way + destination.most_under_way <= 16


@pytest.mark.parametrize("most_streams", [8, 1])
def test_both_sides_are_asked_for_their_first_page_at_the_same_time(most_streams: int) -> None:
    together = threading.Barrier(2)

    class Waiting(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            together.wait(
                PATIENCE_SECONDS
            )  # breaks if the other side is asked only when this one has answered
            return super().list_objects_v2(**asked)

    streams = Streams(KeyRange(), most_streams)

    assert keys_of(list(begin(Waiting("a"), Waiting("a"), streams))) == (["a"], ["a"])


def test_the_next_pages_are_asked_for_while_one_is_decided(short_pages: None) -> None:
    second = threading.Event()

    class Telling(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            answer = super().list_objects_v2(**asked)
            if "ContinuationToken" in asked:
                second.set()
            return answer

    chunks = begin(Telling(NUMBERS, 10), Telling(NUMBERS, 10), Streams(KeyRange()))

    assert next(chunks)
    assert second.wait(PATIENCE_SECONDS)
    chunks.close()


def test_a_turn_that_is_over_takes_in_what_is_under_way_and_hands_the_rest_back(short_pages: None) -> None:
    source, destination, clock = Counting(NUMBERS), Counting(NUMBERS), Clock()
    streams = Streams(KeyRange(None, "zzz"))
    chunks = []
    for chunk in begin(source, destination, streams, clock.turn()):
        chunks.append(chunk)
        if len(chunks) == 12:
            clock.now, asked = 100.0, len(source.asked) + len(destination.asked)

    parts = list(in_order_of_keys([*streams.decided(), *streams.remaining()]))
    decided = [key for key in NUMBERS if any(one.contains(key) for one in streams.decided())]
    assert keys_of(chunks) == (decided, decided)
    assert 2 <= len(streams.remaining()) <= 8
    assert [parts[0].after, *(one.up_to for one in parts)] == [*(one.after for one in parts), "zzz"]
    assert len(source.asked) + len(destination.asked) <= asked + 16


@pytest.mark.parametrize(("now", "read"), [(160.0, 20), (160.01, 10)])
def test_what_comes_more_than_a_minute_after_the_end_of_a_turn_is_left_to_the_next(
    now: float, read: int, short_pages: None
) -> None:
    second, late = threading.Event(), threading.Event()

    class Telling(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            if "ContinuationToken" in asked:
                second.set()
                assert late.wait(PATIENCE_SECONDS)
            return super().list_objects_v2(**asked)

    class Empty(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            assert second.wait(PATIENCE_SECONDS), "the next page of the source is under way"
            return super().list_objects_v2(**asked)

    clock, streams = Clock(), Streams(KeyRange())
    chunks = begin(Telling(NUMBERS, 10), Empty([]), streams, clock.turn())
    first = next(chunks)
    clock.now = now
    late.set()

    assert keys_of([first, *chunks]) == (NUMBERS[:read], [])
    assert streams.decided() == [KeyRange(None, NUMBERS[read - 1])]
    assert streams.remaining() == [KeyRange(NUMBERS[read - 1], None)]


@pytest.mark.parametrize("now", [100.0, 1000.0])
def test_a_turn_without_any_time_reads_the_first_pages_all_the_same(now: float, short_pages: None) -> None:
    """However late it is: a turn that got nowhere would be repeated for ever."""
    source, streams = ListedBucket(NUMBERS, 10), Streams(KeyRange())

    found = keys_of(list(begin(source, ListedBucket([]), streams, Clock(now=now).turn())))

    assert found == (NUMBERS[:10], [])
    assert (len(source.asked), streams.remaining()) == (1, [KeyRange(NUMBERS[9], None)])


def test_a_run_that_is_to_stop_reads_nothing_at_all_and_hands_everything_back() -> None:
    source, streams = ListedBucket(NUMBERS, 10), Streams(KeyRange("a", None))
    turn = Turn(0.0, 100.0, "attempt", lambda: 0.0, StopRequest)

    assert list(begin(source, ListedBucket(NUMBERS), streams, turn)) == []
    assert (source.asked, streams.remaining()) == ([], [KeyRange("a", None)])


def test_a_run_that_is_stopped_while_it_reads_takes_in_what_is_under_way_and_begins_no_page_more() -> None:
    source, streams = ListedBucket(NUMBERS, 10), Streams(KeyRange())
    turn = Turn(0.0, 100.0, "attempt", lambda: 0.0, lambda: StopRequest() if source.asked else None)

    found = keys_of(list(begin(source, ListedBucket([]), streams, turn)))

    assert found == (NUMBERS[:10], [])
    assert len(source.asked) == 1
    assert streams.remaining() == [KeyRange(NUMBERS[9], None)]


def test_a_turn_that_got_nowhere_is_an_error() -> None:
    """Else it would hand back for ever what it was given."""

    class Empty(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            clock.now = 100.0
            more = {"IsTruncated": True, "NextContinuationToken": "on"}
            return {**super().list_objects_v2(**asked), "Contents": [], **more}

    clock = Clock()

    with pytest.raises(NoProgress, match="the range after 'a' ended where it began"):
        list(begin(Empty([]), Empty([]), Streams(KeyRange("a", None)), clock.turn()))


@pytest.mark.parametrize("which", ["from", "into"])
def test_keys_out_of_order_are_told_with_the_side_that_lists_them(which: str) -> None:
    right, wrong = ListedBucket(["p/a"]), ListedBucket(["p/b", "p/a"], is_sorted=False)
    sides = (wrong, right) if which == "from" else (right, wrong)

    with pytest.raises(RangeBroken) as caught:
        list(begin(*sides, Streams(KeyRange()), run=run_of(prefix="p/", destinationPrefix="p/")))

    assert str(caught.value) == f"s3://{which}/p/ lists 'a' after 'b': its keys are not in order"


@pytest.mark.parametrize("side", [0, 1])
def test_an_error_of_any_page_ends_it_and_is_never_the_end_of_a_side(side: int, short_pages: None) -> None:
    class Breaking(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            if len(self.asked) == 8:
                raise ConnectionError("the line is dead")
            return super().list_objects_v2(**asked)

    sides: list[ListedBucket] = [ListedBucket(NUMBERS, 10), ListedBucket(NUMBERS, 10)]
    sides[side] = Breaking(NUMBERS, 10)
    streams = Streams(KeyRange())

    with pytest.raises(ConnectionError, match="the line is dead"):
        list(begin(*sides, streams))

    assert streams.remaining()


def test_an_error_is_raised_at_once_whatever_else_is_under_way() -> None:
    """A page that takes minutes, with all its repetitions, must not keep a range that is broken anyway."""
    told, waited = threading.Event(), list[bool]()

    class Slow(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            waited.append(told.wait(PATIENCE_SECONDS))
            return super().list_objects_v2(**asked)

    class Breaking(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            raise ConnectionError("the line is dead")

    try:
        with pytest.raises(ConnectionError, match="the line is dead"):
            list(begin(Slow("a"), Breaking("a"), Streams(KeyRange())))
        assert waited == []
    finally:
        told.set()


def test_a_page_that_s3_was_too_busy_for_halves_the_streams() -> None:
    class Busy(ListedBucket):
        def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
            return {**super().list_objects_v2(**asked), "ResponseMetadata": {"RetryAttempts": 1}}

    streams = Streams(KeyRange())

    list(begin(Busy("a"), ListedBucket("a"), streams))

    assert streams.most_streams == 4
