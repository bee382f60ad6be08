"""Adding up what was done, from the records that the indexes lead to."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import memory_folder, shard

from lambda_functions.shared.invocation import StopRequest, Turn
from lambda_functions.shared.outcomes import IN_SYNC, SKIPPED, object_count
from lambda_functions.shared.tally import sums as adding
from lambda_functions.shared.tally.breakage import Breakage, name_of
from lambda_functions.shared.tally.plan import KINDS
from lambda_functions.shared.tally.sums import (
    CHUNK_ITEMS,
    WorkTotals,
    add_up,
    broken_totals,
    index_items,
    read_totals,
)
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

WORDS = (*IN_SYNC, *SKIPPED, "changed", "failed")


TALLIES = st.dictionaries(
    st.sampled_from(WORDS),
    st.fixed_dictionaries({"objects": st.integers(0, 10**10), "bytes": st.integers(0, 10**18)}),
)


COUNTS = st.dictionaries(st.sampled_from(["LIST", "HEAD", "COPY"]), st.integers(0, 10**10))


APPLIED = st.builds(
    WorkTotals,
    tally=TALLIES,
    failures=st.lists(st.builds(shard, st.text(max_size=3))),
    causes=st.just({}),
    requests=COUNTS,
    breakages=st.just([]),
    turns=st.integers(0, 100),
    seconds=st.integers(0, 10**6).map(float),
    unfinished=st.lists(st.text(max_size=3)),
    unfinished_objects=st.integers(0, 100),
    broken=st.integers(0, 100),
    unclear=st.integers(0, 100),
    stopped_objects=st.integers(0, 100),
)


def test_two_sums_are_added_up_number_by_number() -> None:
    one = WorkTotals(
        tally={"copied": {"objects": 1, "bytes": 10}},
        causes={"AccessDenied": {"objects": 2, "example": {"key": "a"}}},
        failures=[shard("failures/a")],
        requests={"COPY": 3, "HEAD": 4},
        turns=5,
        seconds=6.5,
        unfinished=["copy/a"],
        unfinished_objects=7,
        broken=8,
        breakages=[{"item": "copy-000001"}],
        unclear=9,
        stopped_objects=10,
    )
    other = WorkTotals(
        tally={"copied": {"objects": 100, "bytes": 1000}, "failed": {"objects": 200, "bytes": 0}},
        causes={"AccessDenied": {"objects": 200, "example": {"key": "b"}}},
        failures=[shard("failures/b")],
        requests={"COPY": 300, "LIST": 400},
        turns=500,
        seconds=600.0,
        unfinished=["delete/a"],
        unfinished_objects=700,
        broken=800,
        breakages=[{"item": "delete-000001"}],
        unclear=900,
        stopped_objects=1000,
    )

    assert (one + other).to_json() == {
        "tally": {"copied": {"objects": 101, "bytes": 1010}, "failed": {"objects": 200, "bytes": 0}},
        "causes": {"AccessDenied": {"objects": 202, "example": {"key": "a"}}},
        "failures": [shard("failures/a"), shard("failures/b")],
        "requests": {"COPY": 303, "HEAD": 4, "LIST": 400},
        "turns": 505,
        "seconds": 606.5,
        "unfinished": ["copy/a", "delete/a"],
        "unfinished_objects": 707,
        "broken": 808,
        "breakages": [{"item": "copy-000001"}, {"item": "delete-000001"}],
        "unclear": 909,
        "stopped_objects": 1010,
    }


@given(APPLIED, APPLIED, APPLIED)
def test_it_does_not_matter_how_what_was_applied_is_bracketed(
    one: WorkTotals, two: WorkTotals, three: WorkTotals
) -> None:
    assert ((one + two) + three).to_json() == (one + (two + three)).to_json()
    assert (one + two).not_done() == one.not_done() + two.not_done()


def test_what_is_undone_has_failed_or_was_changed_or_has_not_been_begun() -> None:
    words = {word: {"objects": 10**number, "bytes": 0} for number, word in enumerate(WORDS)}
    undone = sum(10 ** WORDS.index(word) for word in ("changed", "failed"))

    assert WorkTotals(tally=words, unfinished_objects=7).not_done() == undone + 7


def test_of_what_broke_in_two_sums_twenty_are_told_of_and_all_are_counted() -> None:
    one, other = (
        WorkTotals(broken=15, breakages=[{"item": f"{kind}-{number}"} for number in range(15)])
        for kind in ("copy", "delete")
    )

    both = one + other

    assert both.broken == 30
    assert both.breakages == [*one.breakages, *other.breakages[:5]]


def test_what_a_stop_left_is_not_in_sync_and_has_not_failed() -> None:
    words = {"copied": 1000, "failed": 3, "changed": 5, "stopped": 20}
    tally = {what: {"objects": count, "bytes": 0} for what, count in words.items()}
    done = WorkTotals(tally=tally, unfinished_objects=110, stopped_objects=70)

    assert done.failed() == 3 + (110 - 70), "those whose worker broke, not those that nobody began"
    assert done.stopped() == 20 + 70
    assert done.not_done() == 3 + 5 + 20 + 110


@given(APPLIED)
def test_sums_come_back_from_json_as_they_went(applied: WorkTotals) -> None:
    assert WorkTotals.from_json(json.loads(json.dumps(applied.to_json()))) == applied


def turn_record(start: int, following: int, **tally: int) -> dict[str, Any]:
    return {
        "shard": "copy-000001",
        "start": start,
        "next": following,
        "tally": {what: {"objects": count, "bytes": count * 10} for what, count in tally.items()},
        "failures": [shard(f"failures/{start}.jsonl")] if "failed" in tally else [],
        "causes": {},
        "requests": {"COPY": following - start},
        "seconds": 2.0,
    }


def turn_that_ends(after_looks: float) -> Turn:
    """Return a turn that is over when its clock has been looked at so many times."""
    looks = iter(range(10**6))
    return Turn(0.0, after_looks, "attempt", lambda: float(next(looks)))


def comparison_of(folder: RunFolder, **items: list[dict[str, Any]]) -> dict[str, Any]:
    """Write the indexes of a plan; return what the state of the comparison says of them."""
    return {kind: folder.write_index(f"{kind}.json", items.get(kind, [])) for kind in KINDS}


A = {"id": "copy-000001", **shard("copy/a.jsonl", 5, 50)}


def read_all(folder: RunFolder, kind: str = "copied", **items: list[dict[str, Any]]) -> WorkTotals:
    items = items or {"copy": [A]}
    comparison = comparison_of(folder, **items)
    folder.client.read.clear()
    found = index_items(folder, kind, comparison)
    position, applied = add_up(folder, kind, found, 0, WorkTotals(), turn_that_ends(1000))
    assert position == len(found)
    return applied


@pytest.fixture
def folder() -> RunFolder:
    return memory_folder()


def test_the_turns_of_a_shard_are_followed_from_its_first_line_to_its_last(folder: RunFolder) -> None:
    folder.write("copied/copy-000001-0.json", turn_record(0, 3, copied=2, failed=1))
    folder.write("copied/copy-000001-3.json", turn_record(3, 5, copied=2))

    copied = read_all(folder)

    names = ("large.json", "copy.json", "copied/copy-000001-0.json", "copied/copy-000001-3.json")
    assert folder.client.read == [folder.key(name) for name in names]
    assert copied.to_json() == {
        "tally": {"copied": {"objects": 4, "bytes": 40}, "failed": {"objects": 1, "bytes": 10}},
        "failures": [shard("failures/0.jsonl")],
        "requests": {"COPY": 5},
        "turns": 2,
        "seconds": 4.0,
        "unfinished": [],
        "unfinished_objects": 0,
        "causes": {},
        "broken": 0,
        "breakages": [],
        "unclear": 0,
        "stopped_objects": 0,
    }


def test_each_of_many_turns_of_a_shard_is_read_once(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_object = folder.client.get_object

    def get(**asked: Any) -> Any:
        assert len(folder.client.read) < 10, "it does not come to the last turn"
        return get_object(**asked)

    monkeypatch.setattr(folder.client, "get_object", get)
    for start, following in ((0, 1), (1, 3), (3, 4), (4, 5)):
        folder.write(f"copied/copy-000001-{start}.json", turn_record(start, following, copied=1))

    assert (read_all(folder).turns, read_all(folder).unfinished_objects) == (4, 0)
    records = [key for key in folder.client.read if "/copied/" in key]
    assert records == [folder.key(f"copied/copy-000001-{start}.json") for start in (0, 1, 3, 4)]


def test_lines_behind_the_last_record_are_unfinished(folder: RunFolder) -> None:
    folder.write("copied/copy-000001-0.json", turn_record(0, 3, copied=3))

    copied = read_all(folder)

    assert (copied.unfinished, copied.unfinished_objects, copied.not_done()) == (["copy/a.jsonl"], 2, 2)


def test_a_shard_without_a_record_is_unfinished_as_a_whole(folder: RunFolder) -> None:
    assert (read_all(folder).not_done(), read_all(folder).turns) == (5, 0)


def test_what_no_index_names_does_not_count(folder: RunFolder) -> None:
    folder.write("copied/copy-000001-0.json", turn_record(0, 5, copied=5))
    folder.write("copied/copy-000002-0.json", turn_record(0, 9, failed=9))
    folder.write("copied/copy-000001-2.json", turn_record(2, 5, failed=3))

    assert read_all(folder).tally == {"copied": {"objects": 5, "bytes": 50}}


def test_large_objects_are_copied_objects_and_one_without_a_record_is_unfinished(folder: RunFolder) -> None:
    folder.write("copied/copy-000001-0.json", turn_record(0, 5, copied=5))
    folder.write("copied/large-000001-0.json", turn_record(0, 1, copied=1))
    large = [{"id": "large-000001", "line": {}}, {"id": "large-000002", "line": {}}]

    copied = read_all(folder, copy=[A], large=large)

    assert copied.tally == {"copied": {"objects": 6, "bytes": 60}}
    assert (copied.unfinished, copied.unfinished_objects) == (["large-000002"], 1)


def test_what_was_deleted_is_read_through_its_own_index() -> None:
    folder = memory_folder()
    delete = [{"id": "delete-000001", **shard("delete/a.jsonl", 2, 20)}]
    folder.write("deleted/delete-000001-0.json", turn_record(0, 2, deleted=2))

    assert read_all(folder, "deleted", delete=delete).tally == {"deleted": {"objects": 2, "bytes": 20}}


@pytest.mark.parametrize(
    ("kind", "gone"), [("copied", "large.json"), ("copied", "copy.json"), ("deleted", "delete.json")]
)
def test_an_index_that_is_missing_is_not_an_empty_one(kind: str, gone: str) -> None:
    folder = memory_folder()
    comparison = comparison_of(folder)
    folder.remove(gone)

    with pytest.raises(RunFileBroken, match=f"/{gone} is not there"):
        index_items(folder, kind, comparison)


def test_more_records_than_a_turn_can_read_are_added_up_in_several() -> None:
    folder, count = memory_folder(), 2 * CHUNK_ITEMS + 10
    items = [{"id": f"copy-{number}", **shard(f"copy/{number}", 2)} for number in range(count)]
    for number in range(count):
        folder.write(f"copied/copy-{number}-0.json", turn_record(0, 2, copied=2))

    position, applied, turns = 0, WorkTotals(), 0
    while position < count:
        position, applied = add_up(folder, "copied", items, position, applied, turn_that_ends(0))
        turns += 1

    assert turns == 3
    assert applied.tally == {"copied": {"objects": 2 * count, "bytes": 20 * count}}
    assert (applied.turns, applied.not_done()) == (count, 0)


@pytest.mark.parametrize(("looks", "expected"), [(0, 2), (1, 4), (2, 6), (3, 7), (100, 7)])
def test_a_turn_reads_one_chunk_whatever_its_time_is_and_more_of_them_while_it_lasts(
    monkeypatch: pytest.MonkeyPatch, looks: int, expected: int
) -> None:
    """A turn that read nothing would be followed by turns for ever, and one that stopped after a chunk by too many."""
    monkeypatch.setattr(adding, "CHUNK_ITEMS", 2)
    folder = memory_folder()
    items = [{"id": f"copy-{number}", **shard(f"copy/{number}", 1)} for number in range(7)]
    for item in items:
        folder.write(f"copied/{item['id']}-0.json", turn_record(0, 1, copied=1))

    position, applied = add_up(folder, "copied", items, 0, WorkTotals(), turn_that_ends(looks))

    assert position == object_count(applied.tally, "copied") == applied.turns == expected


# --- What a turn leaves to the next --------------------------------------------------------------------------


def test_before_its_first_turn_a_phase_has_no_sums(folder: RunFolder) -> None:
    assert read_totals(folder, None) == read_totals(folder, {}) == WorkTotals()


def test_sums_are_those_that_the_turn_before_has_written_or_nothing_is_concluded_from_them(
    folder: RunFolder,
) -> None:
    """The state knows the tally as well, so that a file which was replaced is noticed."""
    written = WorkTotals(tally={"copied": {"objects": 5, "bytes": 50}}, turns=1)
    folder.write("tally/copied-5.json", written.to_json())
    progress = {"at": 5, "sums": "tally/copied-5.json", "tally": written.tally}

    assert read_totals(folder, progress).tally == written.tally
    with pytest.raises(RunFileBroken) as caught:
        read_totals(folder, {**progress, "tally": {"copied": {"objects": 6, "bytes": 50}}})
    assert str(caught.value) == (
        f"{folder.address('tally/copied-5.json')} has other sums than those that were written"
    )


# --- After a stop --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends_map", "stopped_objects", "unclear"), [(False, 2 + 10, 1), (True, 2 + 10 + 9, 0)]
)
def test_what_a_stop_left_is_told_from_what_broke_and_from_workers_that_left_no_word(
    folder: RunFolder, ends_map: bool, stopped_objects: int, unclear: int
) -> None:
    """Only where the Map was ended has a shard without any word not begun; otherwise its worker may still be writing."""
    sizes = {"whole": 5, "given-up": 5, "not-begun": 10, "broken": 8, "silent": 9}
    items = [{"id": name, **shard(f"copy/{name}", size)} for name, size in sizes.items()]
    folder.write("copied/whole-0.json", turn_record(0, 5, copied=5))
    folder.write("copied/given-up-0.json", turn_record(0, 1, copied=1))
    folder.write("copied/given-up-1.json", {**turn_record(1, 3, copied=1, stopped=1), "stopped": True})
    folder.write(
        "copied/given-up-3.json", turn_record(3, 5, copied=2)
    )  # no turn follows one that was stopped
    folder.write("copied/not-begun-0.json", {**turn_record(0, 0), "stopped": True})
    left = Breakage("broken", "Runtime.ExitError", "it ended")
    folder.write(name_of("broken"), asdict(left))
    turn = replace(turn_that_ends(1000), stop=lambda: StopRequest(ends_map))

    _, applied = add_up(folder, "copied", items, 0, WorkTotals(), turn)

    assert (applied.stopped_objects, applied.unclear, applied.broken) == (stopped_objects, unclear, 1)
    assert applied.unfinished == [f"copy/{name}" for name in ("given-up", "not-begun", "broken", "silent")]
    assert applied.unfinished_objects == 2 + 10 + 8 + 9
    assert applied.breakages == [asdict(left)]
    assert (object_count(applied.tally, "copied"), applied.turns) == (7, 4)
    assert applied.stopped() == stopped_objects + 1
    assert applied.failed() == 8 + (0 if ends_map else 9)


@pytest.mark.parametrize(("number", "told"), [(0, 0), (19, 19), (20, 20), (21, 20)])
def test_what_broke_is_told_of_the_first_twenty_workers(number: int, told: int) -> None:
    breakages = [Breakage(f"copy-{one:06d}", "KeyError", "why") for one in range(number)]

    assert broken_totals(breakages) == WorkTotals(
        broken=number, breakages=[asdict(one) for one in breakages[:told]]
    )


@given(st.lists(st.integers(1, 6), max_size=8), st.lists(st.integers(0, 6), min_size=8, max_size=8))
def test_no_object_of_any_shard_is_counted_twice_or_forgotten(sizes: list[int], reached: list[int]) -> None:
    folder = memory_folder()
    items = [{"id": f"copy-{number}", **shard(f"copy/{number}", size)} for number, size in enumerate(sizes)]
    for item, end in zip(items, reached, strict=False):
        for start in range(min(end, item["objects"])):
            folder.write(f"copied/{item['id']}-{start}.json", turn_record(start, start + 1, copied=1))

    _, applied = add_up(folder, "copied", items, 0, WorkTotals(), turn_that_ends(1000))

    assert object_count(applied.tally, "copied") + applied.unfinished_objects == sum(sizes)
    assert len(applied.unfinished) == sum(end < size for size, end in zip(sizes, reached, strict=False))
