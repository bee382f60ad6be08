"""Keys that two listings cannot decide, asked for on the fake S3: every answer is a decision or says why there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent import futures
from threading import Event
from typing import Any

import pytest
from fake_s3 import LOST, Answer
from runs_on_fake_s3 import World, entry_of, world_on_fake_s3

from lambda_functions.shared.compare import undecided
from lambda_functions.shared.compare.undecided import Resolver
from lambda_functions.shared.equality import Decision
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.s3.list_page import Entry

DENIED = Answer(403, "AccessDenied", "Access Denied")
ASK_CHECKSUMS, ASK_METADATA, ASK_TAGS = Decision.ASK_CHECKSUMS, Decision.ASK_METADATA, Decision.ASK_TAGS
GONE = Outcome("key", "vanished", 0, "the source object was gone when it was asked for")


@pytest.fixture
def world() -> Iterator[World]:
    with world_on_fake_s3() as one:
        one.source.put("key", b"1", tags={"of": "both"})
        one.destination.put("key", b"1", 0, tags={"of": "both"})
        yield one


def resolver_of(world: World, **options: Any) -> Resolver:
    worker = world.worker(**options)
    return Resolver(worker.clients, worker.run)


def pair_of(world: World, key: str = "key") -> tuple[Entry, Entry]:
    """Return what both listings have of a key."""
    return entry_of(world.source.objects[key]), entry_of(world.destination.objects[key])


class Asked:
    """The one answer to a question about `key`."""

    def __init__(self, world: World, question: Decision, **options: Any) -> None:
        resolver, self.entries = resolver_of(world, **options), pair_of(world)
        self.ask = lambda: self._ask(resolver, question)

    def _ask(self, resolver: Resolver, question: Decision) -> Decision | Outcome:
        resolver.submit(*self.entries, question)
        ((source, self.destination, answer),) = resolver.results(all_of_them=True)
        resolver.close()
        assert source == self.entries[0]
        return answer


# --- What is not known is a failure of its key


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize(
    ("question", "operation"),
    [(ASK_TAGS, "GetObjectTagging"), (ASK_METADATA, "HeadObject"), (ASK_CHECKSUMS, "HeadObject")],
)
@pytest.mark.parametrize("answer", [DENIED, LOST], ids=str)
def test_a_side_that_does_not_answer_makes_a_failure_and_never_a_current_key(
    world: World, side: str, question: Decision, operation: str, answer: Answer
) -> None:
    """Called current, it would keep what has drifted, and the run would say that both buckets are equal."""
    world.s3.before(operation, answer, bucket=getattr(world, side).name, times=99)

    failed = Asked(world, question).ask()

    assert isinstance(failed, Outcome)
    assert (failed.key, failed.what, failed.size) == ("key", "failed", 0)
    assert failed.error.startswith("could not be compared: ")


def test_a_run_whose_tags_may_not_be_read_is_incomplete(world: World) -> None:
    world.s3.before("GetObjectTagging", DENIED, times=99)

    report = world.run(compareTags=True)

    assert (report["outcome"], report["failed"]["objects"]) == ("SyncIncomplete", 1)


def test_tags_that_are_denied_are_asked_for_once(world: World) -> None:
    """A key whose tags may not be read is there: nothing else has to be asked to know that it fails."""
    world.s3.before("GetObjectTagging", DENIED, times=99)
    assert isinstance(Asked(world, ASK_TAGS).ask(), Outcome)

    assert world.s3.of("HeadObject") == []


# --- What is gone when it is asked for


@pytest.mark.parametrize("question", [ASK_TAGS, ASK_METADATA, ASK_CHECKSUMS])
def test_a_destination_that_is_gone_is_a_new_copy_on_the_condition_that_it_still_is(
    world: World, question: Decision
) -> None:
    asked = Asked(world, question)
    world.destination.delete("key")

    assert asked.ask() is Decision.NEW
    assert asked.destination is None


@pytest.mark.parametrize("question", [ASK_TAGS, ASK_METADATA, ASK_CHECKSUMS])
def test_a_source_that_is_gone_is_vanished_and_its_copy_is_not_touched(
    world: World, question: Decision
) -> None:
    asked = Asked(world, question)
    world.source.delete("key")

    assert asked.ask() == GONE
    assert asked.destination == asked.entries[1]


@pytest.mark.parametrize("question", [ASK_TAGS, ASK_METADATA])
def test_a_source_bucket_that_is_gone_is_a_failure_and_no_vanished_object(
    world: World, question: Decision
) -> None:
    asked = Asked(world, question)
    del world.s3.buckets[world.source.name]

    failed = asked.ask()

    assert isinstance(failed, Outcome)
    assert failed.what == "failed"


@pytest.mark.parametrize(("theirs", "decision"), [("both", Decision.CURRENT), ("one", Decision.TAGS)])
def test_an_object_that_is_there_again_is_compared_as_a_whole(
    world: World, theirs: str, decision: Decision
) -> None:
    """One missing answer must not leave the question about the tags unanswered."""
    world.destination.put("key", b"1", 0, tags={"of": theirs})
    world.s3.before("GetObjectTagging", Answer(404, "NoSuchKey"), bucket=world.source.name)

    assert Asked(world, ASK_TAGS).ask() is decision


def test_an_object_that_is_there_again_with_other_metadata_is_copied(world: World) -> None:
    asked = Asked(world, ASK_TAGS)
    world.destination.put("key", b"1", 0, tags={"of": "both"}, metadata={"other": "yes"})
    world.s3.before("GetObjectTagging", Answer(404, "NoSuchKey"), bucket=world.source.name)

    assert asked.ask() is Decision.METADATA


@pytest.mark.parametrize("side", ["source", "destination"])
def test_tags_that_are_denied_because_the_object_is_gone_are_no_failure(world: World, side: str) -> None:
    """Who may list one prefix only gets 403 for what is not there; a listing tells."""
    world.source.put("in/key", b"1")
    world.destination.put("in/key", b"1", 0)
    asked = Asked(world, ASK_TAGS, prefix="in/", destinationPrefix="in/")
    bucket = getattr(world, side)
    bucket.delete("in/key")
    for operation in ("GetObjectTagging", "HeadObject"):
        world.s3.before(operation, DENIED, bucket=bucket.name, times=99)

    assert asked.ask() == (GONE if side == "source" else Decision.NEW)


# --- Tags after heads


@pytest.mark.parametrize("question", [ASK_TAGS, ASK_METADATA])
@pytest.mark.parametrize(("theirs", "compares", "decision"), [
    ("other", True, Decision.TAGS), ("both", True, Decision.CURRENT), ("other", False, Decision.CURRENT),
])  # fmt: skip
def test_tags_are_compared_where_the_option_says_so(
    world: World, question: Decision, theirs: str, compares: bool, decision: Decision
) -> None:
    world.destination.put("key", b"1", 0, tags={"of": theirs})
    if question is ASK_TAGS and not compares:
        return  # is asked only where tags are compared

    assert Asked(world, question, compareTags=compares).ask() is decision


def test_a_key_that_is_copied_anyway_is_not_asked_for_its_tags(world: World) -> None:
    world.destination.put("key", b"1", 0, metadata={"other": "yes"})

    assert Asked(world, ASK_METADATA, compareTags=True).ask() is Decision.METADATA

    assert world.s3.of("GetObjectTagging") == []


# --- Many at once


def test_64_answers_are_waited_for_for_each_thread_that_asks() -> None:
    """A turn that is over waits for these, and has half a minute to do so."""
    assert undecided.MAX_PENDING == 64 * undecided.HEAD_THREADS


def test_answers_come_in_the_order_of_the_keys_however_long_each_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records and shards are sorted; a key that overtook another would be compared, and listed, in another range."""
    monkeypatch.setattr(undecided, "MAX_PENDING", 4)
    keys = [f"key-{number}" for number in range(9)]
    for key in keys:
        world.source.put(key, b"1")
        world.destination.put(key, b"1", 0)
    resolver, answered = resolver_of(world), []
    for key in keys:
        resolver.submit(*pair_of(world, key), ASK_METADATA)
        answered += [source.key for source, _, _ in resolver.results()]
        assert not resolver.is_full()

    answered += [source.key for source, _, _ in resolver.results(all_of_them=True)]
    resolver.close()

    assert answered == keys


def test_an_answer_that_is_not_there_yet_is_not_waited_for_before_many_are_pending(world: World) -> None:
    """One key after the other would be asked for, each for a round of its own, while all the other threads idle."""
    resolver, is_looked_for = resolver_of(world), Event()
    world.s3.before("HeadObject", lambda request: is_looked_for.wait(timeout=10))

    resolver.submit(*pair_of(world), ASK_METADATA)
    taken = [*resolver.results()]
    is_looked_for.set()
    answered = [*resolver.results(all_of_them=True)]
    resolver.close()

    assert (taken, [answer for _, _, answer in answered]) == ([], [Decision.CURRENT])


def test_an_answer_that_has_come_does_not_make_an_earlier_one_waited_for(world: World) -> None:
    for key in ("slow", "swift"):
        world.source.put(key, b"1")
        world.destination.put(key, b"1", 0)
    resolver, may_answer = resolver_of(world), Event()
    world.s3.before("HeadObject", lambda request: may_answer.wait(timeout=10), key="slow", times=2)
    for key in ("slow", "swift"):
        resolver.submit(*pair_of(world, key), ASK_METADATA)
    futures.wait([resolver._pending[-1]], timeout=10)

    taken = [*resolver.results()]
    may_answer.set()
    resolver.close()

    assert taken == []


def test_once_so_many_are_pending_the_first_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a bound, the pairs of a whole range would be held in memory where nothing but HEADs can decide them."""
    monkeypatch.setattr(undecided, "MAX_PENDING", 2)
    resolver, may_answer = resolver_of(world), Event()
    world.s3.before("HeadObject", lambda request: may_answer.wait(timeout=10), times=4)

    resolver.submit(*pair_of(world), ASK_METADATA)
    is_full_of_one = resolver.is_full()
    resolver.submit(*pair_of(world), ASK_METADATA)
    is_full_of_two = resolver.is_full()
    may_answer.set()
    taken = [answer for _, _, answer in resolver.results()]
    resolver.close()

    assert (is_full_of_one, is_full_of_two, resolver.is_full()) == (False, True, False)
    assert taken[0] is Decision.CURRENT


def test_an_answer_that_is_there_is_given_on_without_waiting_for_more(world: World) -> None:
    """Kept until many are pending, it would hold back the keys behind it, and the progress of the run."""
    resolver = resolver_of(world)
    resolver.submit(*pair_of(world), ASK_METADATA)

    ends_at, taken = time.monotonic() + 10, []
    while not taken and time.monotonic() < ends_at:
        taken = [answer for _, _, answer in resolver.results()]
    resolver.close()

    assert taken == [Decision.CURRENT]


def test_what_is_not_asked_yet_when_a_comparison_breaks_is_never_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands may be pending; asked for none the less, or only waited for, they would keep the worker from its end."""
    monkeypatch.setattr(undecided, "HEAD_THREADS", 1)
    resolver, goes_on = resolver_of(world), Event()
    waited: list[bool] = []
    world.s3.before("HeadObject", lambda request: waited.append(goes_on.wait(timeout=10)))
    for _ in range(3):
        resolver.submit(*pair_of(world), ASK_METADATA)

    resolver.close()
    goes_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("undecided"):
            thread.join(timeout=10)

    assert (waited, len(world.s3.of("HeadObject"))) == ([True], 2)
