"""Runs that feed each other: chains go ahead, a circle of any length is refused, as a brute search and whole leases show."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import EXECUTION, NOON, MemoryS3, run_of

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.options import overlap
from lambda_functions.shared.run import Run
from lambda_functions.shared.work_bucket.executions import Execution
from lambda_functions.shared.work_bucket.lease_cycles import (
    Lease,
    feeds,
    find_cycle,
    lease_document,
    overlapping,
)
from lambda_functions.shared.work_bucket.leases import Leases, lease_key, release_lease

RUNNING = Execution("RUNNING")
DEAD = Execution("ABORTED", NOON - timedelta(hours=1))
ARN = EXECUTION["id"].removesuffix("first")


def run(name: str, source: str, destination: str) -> Run:
    """Return a run from one `bucket/prefix` into another."""
    (reads, prefix), (writes, into) = (place.partition("/")[::2] for place in (source, destination))
    execution = {**EXECUTION, "id": f"{ARN}{name}", "name": name}
    return run_of(execution, source=reads, prefix=prefix, destination=writes, destinationPrefix=into)


def taking(*runs: Run, ended: Sequence[str] = ()) -> MemoryS3:
    """Let runs take their leases in this order, at noon; the `ended` ones are long dead when the next one begins."""
    client, current = MemoryS3(), runs[0]

    def ask(arn: str) -> Execution:
        name = arn.removeprefix(ARN)
        return DEAD if name in ended and arn != current.execution else RUNNING

    leases = Leases(client, "work-bucket", ask, lambda: NOON)
    for current in runs:
        leases.take(current, lambda folder: [])
    return client


def cause(*runs: Run, **more: Any) -> str:
    with pytest.raises(Refused) as caught:
        taking(*runs, **more)
    assert caught.value.error == "AlreadyRunning"
    return caught.value.cause


def test_the_way_back_is_refused_while_the_way_there_is_being_written() -> None:
    assert cause(run("one", "a/x/", "b/y/"), run("two", "b/y/", "a/x/")) == (
        "a run from s3://b/y/ to s3://a/x/ would close a circle in which each run takes what another has not copied yet for "
        f"deleted: {ARN}one, started 2026-11-22T10:11:12.345Z, from s3://a/x/ to s3://b/y/. Nothing was changed. Wait until it "
        "has ended, then start again."
    )


def test_a_circle_of_three_names_the_two_others() -> None:
    assert cause(run("one", "a", "b"), run("two", "b", "c"), run("three", "c", "a")) == (
        "a run from s3://c/ to s3://a/ would close a circle in which each run takes what another has not copied yet for "
        f"deleted: {ARN}one, started 2026-11-22T10:11:12.345Z, from s3://a/ to s3://b/, and {ARN}two, started "
        "2026-11-22T10:11:12.345Z, from s3://b/ to s3://c/. Nothing was changed. Wait until one of them has ended, then start "
        "again."
    )


def test_of_a_long_circle_the_first_five_are_named() -> None:
    runs = [run(f"run-{number}", f"b{number}", f"b{number + 1}") for number in range(7)]

    said = cause(*runs, run("last", "b7", "b0"))

    assert [name for name in range(7) if f"{ARN}run-{name}, started" in said] == [0, 1, 2, 3, 4]
    assert (
        " from s3://b4/ to s3://b5/, and 2 more. Nothing was changed. Wait until one of them has ended"
        in said
    )


@pytest.mark.parametrize(("others", "more"), [(5, ""), (6, ", and 1 more")])
def test_of_five_others_all_are_named_and_more_are_told_only_where_there_are_more(
    others: int, more: str
) -> None:
    runs = [run(f"run-{number}", f"b{number}", f"b{number + 1}") for number in range(others)]

    said = cause(*runs, run("last", f"b{others}", "b0"))

    assert f" from s3://b4/ to s3://b5/{more}. Nothing was changed." in said
    assert said.count(", started ") == 5


@pytest.mark.parametrize(
    "runs",
    [
        [run("one", "a", "b"), run("two", "b", "c")],
        [run("one", "b", "c"), run("two", "a", "b")],
        [run("one", "a", "b"), run("two", "a", "c"), run("three", "b", "d"), run("four", "c", "e")],
        [run("one", "a/x/", "b/x/"), run("two", "b/y/", "a/y/")],
        [run("one", "a/x/", "a/y/"), run("two", "a/y/", "a/z/")],
    ],
    ids=["the next link", "the link before", "a tree", "other prefixes", "within one bucket"],
)
def test_chains_go_ahead(runs: list[Run]) -> None:
    assert len(taking(*runs).files) == len(runs)


def test_runs_that_are_on_no_circle_are_not_asked_for() -> None:
    """DescribeExecution is throttled by account, and what it refuses would refuse a run that is in nobody's way."""
    asked: list[str] = []

    def ask(arn: str) -> Execution:
        asked.append(arn.removeprefix(ARN))
        return RUNNING

    leases = Leases(MemoryS3(), "work-bucket", ask, lambda: NOON)
    leases.take(run("one", "a", "b"), lambda folder: [])
    asked.clear()
    leases.take(run("two", "b", "c"), lambda folder: [])

    assert "one" not in asked


def test_a_circle_within_one_bucket_is_one_too() -> None:
    assert "would close a circle" in cause(run("one", "a/x/", "a/y/"), run("two", "a/y/z/", "a/x/"))


def test_a_dead_run_closes_no_circle_and_its_lease_elsewhere_is_left_alone() -> None:
    one = run("one", "a", "b")
    client = taking(one, run("two", "b", "a"), ended=["one"])
    assert lease_key(one) in client.files


def test_another_way_round_counts_where_the_shorter_one_is_dead() -> None:
    runs = [run("dead", "a", "b"), run("one", "a", "c"), run("two", "c", "b"), run("last", "b", "a")]
    assert f"deleted: {ARN}one, " in cause(*runs, ended=["dead"])


def test_of_two_runs_in_opposite_directions_that_begin_together_one_at_least_is_refused() -> None:
    one, two = run("one", "a", "b"), run("two", "b", "a")
    leases = Leases(MemoryS3(), "work-bucket", lambda arn: RUNNING, lambda: NOON)
    leases._write(lease_key(two), two)
    with pytest.raises(Refused):
        leases.take(one, lambda folder: [])
    with pytest.raises(Refused):
        leases.take(two, lambda folder: [])


# --- Leases of older machines


def older(name: str, destination: str) -> tuple[str, bytes]:
    """Return key and content of a lease that names no source."""
    bucket, _, prefix = destination.partition("/")
    document = {
        "execution": f"{ARN}{name}",
        "prefix": prefix,
        "folder": f"runs/m/{name}",
        "startedAt": "yesterday",
    }
    return f"leases/{bucket}/{name}.json", json.dumps(document).encode()


def taking_beside(older_lease: tuple[str, bytes], new: Run, given: str) -> None:
    client = MemoryS3()
    client.files.update([older_lease])
    leases = Leases(client, "work-bucket", lambda arn: Execution("RUNNING", input=given), lambda: NOON)
    leases.take(new, lambda folder: [])


def test_what_the_run_of_an_older_lease_reads_is_asked_of_its_execution() -> None:
    given = json.dumps({"source": "a", "prefix": "x/", "destination": "b"})
    taking_beside(older("old", "b"), run("new", "b", "a/y/"), given)
    with pytest.raises(Refused) as caught:
        taking_beside(older("old", "b"), run("new", "b", "a/x/"), given)
    assert f"deleted: {ARN}old, started yesterday, from s3://a/x/ to s3://b/." in caught.value.cause


@pytest.mark.parametrize("given", ["", "no JSON", "{}", "5"])
def test_an_older_lease_whose_input_cannot_be_read_counts_as_reading_everything(given: str) -> None:
    taking_beside(older("old", "b"), run("new", "c", "d"), given)
    with pytest.raises(Refused) as caught:
        taking_beside(older("old", "b"), run("new", "b", "d"), given)
    assert "from a source that its lease does not name to s3://b/." in caught.value.cause


# --- Against a brute search

PREFIXES = ["", "p/", "p/q/", "r/"]
PLACES = st.tuples(st.sampled_from("abc"), st.sampled_from(PREFIXES))
EDGES = st.tuples(PLACES, PLACES, st.booleans())


def lease(edge: tuple[tuple[str, str], tuple[str, str], bool], number: int) -> Lease:
    (source, prefix), (destination, into), is_unknown = edge
    return Lease(destination, into, None if is_unknown else source, prefix, f"run-{number}")


def goes_round(path: Sequence[Lease]) -> bool:
    """Whether each run of a path writes some key that the next one reads, and the last one some that the first one reads."""
    return all(is_read(writer, reader) for writer, reader in itertools.pairwise([*path, path[0]]))


def is_read(writer: Lease, reader: Lease) -> bool:
    """Whether some key is under both places; every key that matters here is a prefix and a letter."""
    keys = {(bucket, f"{prefix}k") for bucket in "abc" for prefix in PREFIXES}
    reads = {
        key for key in keys if reader.source is None or is_under(key, reader.source, reader.source_prefix)
    }
    return bool(reads & {key for key in keys if is_under(key, writer.destination, writer.prefix)})


def is_under(key: tuple[str, str], bucket: str, prefix: str) -> bool:
    return key[0] == bucket and key[1].startswith(prefix)


def circles(mine: Lease, others: Sequence[Lease]) -> Iterator[list[Lease]]:
    for length in range(1, len(others) + 1):
        for path in itertools.permutations(others, length):
            if goes_round([mine, *path]):
                yield list(path)


@given(EDGES, st.lists(EDGES, max_size=5))
def test_a_circle_is_found_exactly_if_there_is_one_and_none_is_shorter(mine: Any, others: Any) -> None:
    known = lease((*mine[:2], False), 0)
    there = [lease(edge, number) for number, edge in enumerate(others, 1)]
    shortest = next(circles(known, there), [])

    found = find_cycle(known, there)

    assert len(found) == len(shortest)
    assert not found or goes_round([known, *found])


@given(EDGES, EDGES)
def test_one_run_feeds_another_exactly_if_it_writes_a_key_that_the_other_reads(one: Any, other: Any) -> None:
    assert feeds(lease(one, 1), lease(other, 2)) == is_read(lease(one, 1), lease(other, 2))


@given(EDGES, EDGES)
def test_two_runs_overlap_exactly_if_they_write_into_the_same_part_of_a_bucket(one: Any, other: Any) -> None:
    first, second = lease(one, 1), lease(other, 2)
    is_same = first.destination == second.destination and overlap(first.prefix, second.prefix)
    assert overlapping(first, second) == overlapping(second, first) == is_same


STEPS = st.lists(st.tuples(st.sampled_from(["take", "take", "end", "die"]), st.integers(0, 4)), max_size=20)


@given(st.lists(st.tuples(PLACES, PLACES), min_size=5, max_size=5), STEPS)
def test_whatever_happens_no_living_runs_ever_feed_each_other_in_a_circle(places: Any, steps: Any) -> None:
    runs = [
        run(f"run-{number}", "/".join(source), "/".join(into)) for number, (source, into) in enumerate(places)
    ]
    alive: set[str] = set()
    client = MemoryS3()
    leases = Leases(client, "work-bucket", lambda arn: RUNNING if arn in alive else DEAD, lambda: NOON)
    for what, number in steps:
        one = runs[number]
        feeds_itself = feeds(Lease.of(one), Lease.of(one))  # refused before it comes to leases
        if what == "end" and one.execution in alive:
            release_lease(client, one.destination.bucket, one.execution)
        if what != "take" or feeds_itself:
            alive.discard(one.execution)
        elif one.execution not in alive:
            alive.add(one.execution)
            try:
                leases.take(one, lambda folder: [])
            except Refused:
                release_lease(client, one.destination.bucket, one.execution)
                alive.discard(one.execution)
        living = [Lease.of(one) for one in runs if one.execution in alive]
        assert not any(
            goes_round(path) for size in range(2, 6) for path in itertools.permutations(living, size)
        )


def test_the_name_of_a_sync_stands_in_its_lease_and_in_what_the_other_run_is_told() -> None:
    named = run_of({**EXECUTION, "id": f"{ARN}one"}, source="a", destination="b", name="photos")
    nameless = run("two", "a", "b")
    assert lease_document(named)["name"] == Lease.of(named).name == "photos"
    assert "name" not in lease_document(nameless) and Lease.of(nameless).name == ""
    assert cause(named, nameless).startswith(
        f'another execution is writing into b, prefix "": {ARN}one (the sync photos), started 2026-11-22T10:11:12.345Z. '
    )
    assert f"{ARN}one (the sync photos), started" in cause(named, run("two", "b", "a"))
