"""Ranges that are handed back: when a range's time is spent the rest is cut again, and every key is compared exactly once."""

from __future__ import annotations

from typing import Any

import pytest
from buckets import Bucket
from machine_on_moto import MACHINE, FakeContext, Handler, LambdaError, Machine
from reports import lasting, leases, read, records, report_of, sized, work_keys, written
from short_turns import pages_a_turn, short_pages

from lambda_functions.shared.compare import waves

Sync = dict[str, Any]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Make every range hand back its rest after a few pages, and pages so short that a small bucket is worth cutting."""
    short_pages(monkeypatch, 2)
    pages_a_turn(monkeypatch, 10, 4)
    return monkeypatch


def compared(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of all compared ranges."""
    return records(found, "compared")


def covered(found: dict[str, Any], keys: list[str]) -> list[str]:
    """Return the keys that were compared: those of what each range says that it decided."""
    parts = [part for record in compared(found) for part in record["decided"]]
    return sorted(key for part in parts for key in keys if within(key, part["after"], part["upTo"]))


def within(key: str, after: str | None, up_to: str | None) -> bool:
    return (after is None or key > after) and (up_to is None or key <= up_to)


def folders(source: Bucket, destination: Bucket) -> tuple[list[str], list[str]]:
    """Fill both buckets unevenly: one deep folder, single keys, keys that begin with each other; return both sides' keys."""
    shared = [f"deep/er/{number:03d}" for number in range(20)]
    only_source = [f"s{number}" for number in range(5)] + ["deep", "deep/", "a\n", "ü", "\U0010ffff"]
    only_destination = [f"deep/er/{number:03d}x" for number in range(0, 20, 2)] + [
        "z" * number for number in range(1, 6)
    ]
    source.put_all(dict.fromkeys(shared + only_source, b"1"))
    destination.put_all(dict.fromkeys(shared + only_destination, b"1"))
    return shared + only_source, shared + only_destination


def test_every_key_is_compared_exactly_once_however_often_ranges_are_handed_back(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, hurried: pytest.MonkeyPatch
) -> None:
    ours, theirs = folders(source, destination)
    every_key = sorted({*ours, *theirs})

    started = machine.start(sync, name="waves")
    found = machine.wait(started)

    report = written(found)
    waves = len(work_keys(f"runs/{MACHINE}/waves/ranges/"))
    assert 2 <= waves <= 10
    assert max(len(record["handedBack"]) for record in compared(found)) >= 2
    states = machine.states(started)
    assert (states.count("ListRanges"), states.count("CompareRanges")) == (1, waves - 1)
    assert states.count("TallyComparison") == waves - 1
    assert lasting(report) == report_of(copy=sized(10, 10), delete=sized(15, 15), current=sized(20, 20))
    assert covered(found, every_key) == every_key
    listed = [record["listed"] for record in compared(found)]
    assert sum(one["source"] for one in listed) == len(ours)
    assert sum(one["destination"] for one in listed) == len(theirs)
    assert destination.keys() == source.keys()


def test_requests_of_all_waves_are_counted(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, hurried: pytest.MonkeyPatch
) -> None:
    folders(source, destination)

    report = machine.report(sync)

    assert report["requests"] == machine.wire.counts(source.name, destination.name)


def test_the_ranges_of_every_wave_are_exactly_what_the_wave_before_handed_back(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, hurried: pytest.MonkeyPatch
) -> None:
    folders(source, destination)

    found = machine.run(sync, name="waves")

    by_id = {record["range"]["id"]: record for record in compared(found)}
    waves = len(work_keys(f"runs/{MACHINE}/waves/ranges/"))
    for wave in range(1, waves):
        ranges = read(found, f"ranges/{wave}.json")
        following = read(found, f"ranges/{wave + 1}.json")
        handed_back = [part for one in ranges for part in by_id[one["id"]]["handedBack"]]
        assert [{"after": one["after"], "upTo": one["upTo"]} for one in following] == handed_back
    assert [one["id"] for one in read(found, "ranges/2.json")][:2] == ["2-0001", "2-0002"]


def test_a_range_of_which_every_turn_reads_a_page_only_still_comes_to_an_end(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, hurried: pytest.MonkeyPatch
) -> None:
    short_pages(hurried, 1)
    pages_a_turn(hurried, 0, 0)
    source.put_all({f"{number:02d}": b"1" for number in range(12)})

    found = machine.run(sync, name="waves")

    assert written(found)["copied"] == sized(12, 12)
    assert machine.calls.count("compare_listings") == 11
    assert all(len(record["handedBack"]) <= 1 for record in compared(found))


def test_buckets_that_grow_faster_than_they_are_read_end_in_a_clear_cause(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, hurried: pytest.MonkeyPatch
) -> None:
    hurried.setattr("lambda_functions.shared.tally.phases.MAX_WAVES", 8)
    short_pages(hurried, 1)
    pages_a_turn(hurried, 0, 0)
    source.put_all({f"{number:02d}": b"1" for number in range(10)})
    destination.put("orphan", b"1")

    started = machine.start(sync)
    found = machine.wait(started)

    assert (found["error"], found["cause"]) == (
        "SyncIncomplete",
        "after 8 waves 1 ranges are left: there is more to read, or it grows faster, than one run can; sync a prefix at a time. "
        "Nothing was changed.",
    )
    assert written(found)["phase"] == "comparing"
    assert machine.calls.count("compare_listings") == 7
    assert len(machine.events(started)) / 8 * waves.MAX_WAVES < 1000
    assert destination.keys() == ["orphan"]
    assert leases() == []


def test_a_bucket_that_fits_into_a_page_is_one_range(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync
) -> None:
    source.put_all({f"{number:03d}": b"1" for number in range(100)})

    found = machine.run(sync)

    assert read(found, "ranges/1.json") == [{"id": "1-0001", "after": None, "upTo": None}]


@pytest.mark.parametrize("side", ["source", "destination"])
def test_whichever_bucket_has_more_than_a_worker_reads_is_handed_back_in_pieces(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    sync: Sync,
    hurried: pytest.MonkeyPatch,
    side: str,
) -> None:
    (source if side == "source" else destination).put_all({f"{number:02d}": b"1" for number in range(90)})

    found = machine.run({**sync, "allowEmptySource": True})

    (first,) = (record for record in compared(found) if record["range"]["id"] == "1-0001")
    ranges = [{name: one[name] for name in ("after", "upTo")} for one in read(found, "ranges/2.json")]
    assert found["status"] == "SUCCEEDED"
    assert 2 <= len(ranges) <= 8
    assert ranges == first["handedBack"]
    assert first["decided"][0]["after"] is None


def test_filters_and_start_after_hold_in_every_wave(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, hurried: pytest.MonkeyPatch
) -> None:
    source.put_all({f"p/{number:03d}": b"1" for number in range(30)})
    destination.put_all({f"p/{number:03d}x": b"1" for number in range(30)})

    report = machine.report({**sync, "prefix": "p/", "startAfter": "009", "exclude": ["*5", "*5x"]})

    # 010 to 029 but 015 and 025; of the orphans also 009x, which comes after 009.
    assert (report["copied"], report["deleted"]) == (sized(18, 18), sized(19, 19))
    assert destination.keys("p/000") == ["p/000x"]


def test_a_worker_that_is_killed_in_a_later_wave_is_repeated(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, hurried: pytest.MonkeyPatch
) -> None:
    folders(source, destination)
    machine.wire.kill("PutObject", key="/compared/2-")

    report = machine.report(sync)

    assert lasting(report) == report_of(copy=sized(10, 10), delete=sized(15, 15), current=sized(20, 20))


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("compare_listings", "2-0001: Runtime.ExitError: it ended"),
        ("tally_run", "Runtime.ExitError: it ended"),
    ],
)
def test_a_later_wave_that_crashes_for_good_ends_the_run_with_a_report_that_says_where(
    machine: Machine,
    source: Bucket,
    destination: Bucket,
    sync: Sync,
    hurried: pytest.MonkeyPatch,
    name: str,
    cause: str,
) -> None:
    pages_a_turn(hurried, 0, 1000)
    source.put_all({f"{number:02d}": b"1" for number in range(10)})
    destination.put("orphan", b"1")

    def crashing(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        if event.get("phase", "comparison") == "comparison":
            raise LambdaError("Runtime.ExitError", "it ended")
        return handler(event, context)

    machine.wrap[name] = crashing

    found = machine.run(sync)

    assert (found["error"], found["cause"]) == (
        "SyncIncomplete",
        f"the run broke while comparing: {cause}. The logs of its Lambdas say more. What it had done by then is in the report. "
        "Start again now: a sync takes up where the last one stopped.",
    )
    assert destination.keys() == ["orphan"]
    assert leases() == []


def test_of_two_attempts_of_a_later_wave_at_the_same_time_the_first_record_wins(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, hurried: pytest.MonkeyPatch
) -> None:
    pages_a_turn(hurried, 0, 1000)
    source.put_all({f"{number:02d}": b"1" for number in range(10)})
    answers: list[Any] = []

    def twice(handler: Handler, event: dict[str, Any], context: FakeContext) -> Any:
        name = f"/compared/{event['range']['id']}.json"
        machine.wire.on(
            "PutObject", lambda request: answers.append(handler(event, FakeContext())), key=name, times=1
        )
        answers.append(handler(event, context))
        return answers[-1]

    machine.wrap["compare_listings"] = twice

    assert written(machine.run(sync))["copied"] == sized(10, 10)
    assert answers == [{"id": "2-0001"}] * 2


def test_a_copy_shard_that_needs_several_turns_goes_on_where_the_last_turn_stopped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.put_all({f"{number:02d}": b"1" for number in range(10)})
    # A turn of 2.5 s or less begins its first object and no other: two seconds are kept for each.
    machine.wrap["copy_keys"] = lambda handler, event, context: handler(
        event, FakeContext(remaining_ms=4_000)
    )

    found = machine.run(sync)

    turns = records(found, "copied")
    assert written(found)["copied"] == sized(10, 10)
    assert machine.calls.count("copy_keys") == len(turns) == 10
    assert sorted((turn["start"], turn["next"]) for turn in turns) == [(n, n + 1) for n in range(10)]
    assert destination.bodies() == source.bodies()


def test_deletes_that_need_several_turns_go_on_where_the_last_turn_stopped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.apply.deleter.BATCH_KEYS", 4)
    source.put("a", b"1")
    destination.put_all({"a": b"1", **{f"orphan/{number}": b"1" for number in range(10)}})
    machine.wrap["delete_orphaned_keys"] = lambda handler, event, context: handler(
        event, FakeContext(remaining_ms=100_000)
    )

    found = machine.run(sync)

    turns = sorted((turn["start"], turn["next"]) for turn in records(found, "deleted"))
    assert turns == [(0, 4), (4, 8), (8, 10)]
    assert written(found)["deleted"] == sized(10, 10)
    assert destination.keys() == ["a"]


def test_adding_up_that_needs_several_turns_goes_on_where_the_last_turn_stopped(
    machine: Machine, source: Bucket, destination: Bucket, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_functions.shared.tally.sums.CHUNK_ITEMS", 2)
    monkeypatch.setattr("lambda_functions.shared.work_bucket.shards.MAX_SHARD_KEYS", 2)
    source.put_all({f"{number:02d}": b"1" for number in range(10)})
    destination.put_all({f"orphan/{number}": b"1" for number in range(10)})
    machine.wrap["tally_run"] = lambda handler, event, context: handler(event, FakeContext(remaining_ms=0))

    started = machine.start(sync)
    found = machine.wait(started)

    states = machine.states(started)
    assert lasting(written(found)) == report_of(copy=sized(10, 10), delete=sized(10, 10))
    assert (states.count("TallyCopies"), states.count("TallyDeletes")) == (3, 3)
