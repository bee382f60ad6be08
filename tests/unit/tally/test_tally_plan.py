"""From records to a plan: sums, waves and guards, and what the run does next."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import (
    FOLDER,
    LEFT,
    RIGHT,
    WHOLE,
    compared_record,
    memory_folder,
    run_of,
    shard,
    wave_of,
    written_shard,
)

from lambda_functions.shared.compare.waves import (
    MAX_WAVES,
    range_record_name,
)
from lambda_functions.shared.invocation import StopRequest, Turn
from lambda_functions.shared.options import Options
from lambda_functions.shared.run import AppliedPlan
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.tally.phases import tally_comparison, tally_copies, tally_deletes, tally_plan
from lambda_functions.shared.tally.plan import (
    KINDS,
    ComparisonTotals,
    as_borrowed,
    read_records,
    total_of_records,
    totals_of_state,
    write_indexes,
)
from lambda_functions.shared.tally.refusals import deletion_refusal
from lambda_functions.shared.tally.warnings import scope_warnings
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

# --- Waves ----------------------------------------------------------------------------------------------------


def test_the_records_of_all_waves_are_read_and_one_that_is_gone_is_missed() -> None:
    folder = memory_folder()
    one = wave_of(folder, compared_record(listed=(1, 10)), wave=1)
    two = wave_of(folder, compared_record(listed=(2, 20)), compared_record(listed=(4, 40)), wave=2)

    assert total_of_records(read_records(folder, [one, two])).listed == {"source": 7, "destination": 70}
    assert read_records(folder, []) == []

    folder.remove(range_record_name("2-0002"))
    with pytest.raises(RunFileBroken) as caught:
        read_records(folder, [one, two])
    assert str(caught.value) == (
        f"1 of 2 ranges left no record, first s3://work-bucket/{FOLDER}/compared/2-0002.json. Nothing can be concluded from it"
    )


# --- Sums -----------------------------------------------------------------------------------------------------


def test_records_add_up_to_a_plan() -> None:
    one = compared_record(
        listed=(10, 4),
        tally={"current": {"objects": 2, "bytes": 20}, "failed": {"objects": 1, "bytes": 0}},
        shards={"copy": [shard("copy/a", 3, 30)], "large": [shard("large/a", 1, 10**12)]},
        failures=[shard("failures/a")],
        unprovable=1,
        unusualPages=5,
        requests={"LIST": 2},
        seconds=1.5,
    )
    other = compared_record(
        listed=(5, 6),
        tally={"current": {"objects": 1, "bytes": 5}},
        shards={"copy": [shard("copy/b", 4, 40)], "delete": [shard("delete/b", 2, 7)]},
        unusualPages=6,
        requests={"LIST": 1, "HEAD": 4},
        seconds=2.5,
    )

    compared = total_of_records([one, other])

    assert compared.plan == {
        "copy": {"objects": 8, "bytes": 10**12 + 70},
        "delete": {"objects": 2, "bytes": 7},
    }
    assert compared.tally == {"current": {"objects": 3, "bytes": 25}, "failed": {"objects": 1, "bytes": 0}}
    assert compared.listed == {"source": 15, "destination": 10}
    assert (compared.unprovable, compared.turns, compared.seconds) == (1, 2, 4.0)
    assert compared.failures == [shard("failures/a")]
    assert compared.requests == {"HEAD": 4, "LIST": 3}
    assert compared.unusual_pages == 11
    assert [one["file"] for one in compared.shards["copy"]] == ["copy/a", "copy/b"]


def test_no_records_are_an_empty_plan() -> None:
    assert total_of_records([]).plan == {
        "copy": {"objects": 0, "bytes": 0},
        "delete": {"objects": 0, "bytes": 0},
    }


def test_sums_of_no_side_are_zeros() -> None:
    nothing: dict[str, Any] = {}
    sums = ComparisonTotals(
        nothing, nothing, nothing, nothing, paired=0, orphans=0, unprovable=0, unusual_pages=0,
        shards={kind: [] for kind in KINDS}, causes=nothing, failures=[], requests=nothing, turns=0, seconds=0.0,
    )  # fmt: skip

    assert set(sums.books().values()) == {0} and sums.books() == NO_BOOKS
    assert (sums.in_scope("source"), sums.in_scope("destination"), sums.left_of_source()) == (0, 0, 0)
    assert scope_warnings(Options("from", "into", prefix="p/"), sums) == [
        'Nothing was listed in the source from under the prefix "p/": check its spelling.'
    ]
    assert scope_warnings(Options("from", "into", modifiedAfter="2026-11-01T00:00:00Z"), sums) == []


def test_what_the_state_carries_of_a_comparison_is_told_and_what_it_does_not_is_zero() -> None:
    """All that a report has where the files of a run are gone."""
    books = {
        "sourceListed": 1, "destinationListed": 20, "sourceOutOfScope": 300, "destinationOutOfScope": 4000,
        "sourceKept": 5, "destinationKept": 60, "sourceFiltered": 700, "destinationFiltered": 8000,
        "paired": 9, "orphans": 10, "unprovable": 11, "unusualPages": 12, "notOverwritten": 13,
    }  # fmt: skip
    plan = {
        "copy": {"objects": 14, "bytes": 15},
        "delete": {"objects": 16, "bytes": 17},
        "restore": {"objects": 18, "bytes": 19},
    }
    tally = {"current": {"objects": 20, "bytes": 21}, "failed": {"objects": 22, "bytes": 0}}

    sums = totals_of_state({"books": books, "plan": plan, "tally": tally})

    assert sums == ComparisonTotals(
        tally=tally,
        listed={"source": 1, "destination": 20},
        out_of_scope={"source": 300, "destination": 4000},
        kept={"source": 5, "destination": 60},
        filtered={"source": 700, "destination": 8000},
        paired=9,
        orphans=10,
        unprovable=11,
        unusual_pages=12,
        not_overwritten=13,
        shards={
            "copy": [plan["copy"]],
            "delete": [plan["delete"]],
            "restore": [plan["restore"]],
            "large": [],
        },
        causes={},
        failures=[],
        requests={},
        turns=0,
        seconds=0.0,
    )
    assert sums.plan == plan
    assert sums.books() == {
        **NO_BOOKS, **books, "current": 20, "undecided": 22, "copies": 14 + 18, "deletes": 16,
    }  # fmt: skip


@pytest.mark.parametrize("comparison", [{}, {"books": {}, "plan": {}, "tally": {}}])
def test_a_state_that_carries_nothing_of_a_comparison_has_sums_of_zero(comparison: dict[str, Any]) -> None:
    sums = totals_of_state(comparison)

    assert sums.books() == NO_BOOKS
    assert sums.plan == {"copy": NO_OBJECTS, "delete": NO_OBJECTS}
    assert (sums.tally, sums.listed) == ({}, {"source": 0, "destination": 0})
    assert (sums.turns, sums.seconds, sums.requests, sums.causes, sums.failures) == (0, 0.0, {}, {}, [])


def test_a_run_of_a_plan_finds_its_files_in_the_other_folder_and_has_sent_none_of_its_requests() -> None:
    shards = {kind: [shard(f"{kind}/a", 3, 30)] for kind in (*KINDS, "restore")}
    failures = [shard("failures/a"), shard("failures/b")]
    record = compared_record(
        tally={"failed": {"objects": 2, "bytes": 0}}, shards=shards, failures=failures, requests={"LIST": 9},
        toSend={"COPY": 3}, seconds=7.5,
    )  # fmt: skip
    there = total_of_records([record])

    borrowed = as_borrowed(there, AppliedPlan("runs/sync/planned", "0" * 64, []))

    def named(file: dict[str, Any]) -> dict[str, Any]:
        return {**file, "file": f"/runs/sync/planned/{file['file']}"}

    assert borrowed == replace(
        there,
        shards={kind: [named(one) for one in files] for kind, files in shards.items()},
        failures=[named(one) for one in failures],
        requests={},
        turns=0,
        seconds=0.0,
    )
    assert (there.requests, there.turns, there.seconds) == ({"LIST": 9}, 1, 7.5)


def test_books_have_every_number_of_the_comparison_under_its_name() -> None:
    words = {"current": 1, "failed": 20, "archived": 300, "vanished": 4000, "unmappable": 5, "restoring": 60}
    record = compared_record(
        tally={what: {"objects": count, "bytes": 7} for what, count in words.items()},
        shards={
            "copy": [shard("copy/a", 2)],
            "large": [shard("large/a", 30)],
            "restore": [shard("restore/a", 400)],
            "delete": [shard("delete/a", 7)],
        },
        listed=(11, 22),
        outOfScope={"source": 33, "destination": 44},
        kept={"source": 55, "destination": 66},
        filtered={"source": 77, "destination": 88},
        failures=[shard("failures/a", 1), shard("failures/b", 98)],
        paired=111, orphans=122, unprovable=133, unusualPages=144, notOverwritten=155,
    )  # fmt: skip

    assert total_of_records([record]).books() == {
        "sourceListed": 11, "destinationListed": 22, "sourceOutOfScope": 33, "destinationOutOfScope": 44,
        "sourceKept": 55, "destinationKept": 66, "sourceFiltered": 77, "destinationFiltered": 88,
        "current": 1, "copies": 432, "skipped": 4365, "undecided": 20, "paired": 111, "orphans": 122, "deletes": 7,
        "named": 99, "unprovable": 133, "unusualPages": 144, "notOverwritten": 155,
    }  # fmt: skip


SHARDS = st.lists(
    st.builds(shard, st.text(min_size=1, max_size=3), st.integers(1, 2000), st.integers(0, 10**12)),
    max_size=3,
)
RECORDS = st.lists(
    st.builds(
        compared_record,
        listed=st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
        shards=st.fixed_dictionaries(dict.fromkeys(KINDS, SHARDS)),
        unprovable=st.integers(0, 9),
        failures=st.lists(st.builds(shard, st.text(min_size=1, max_size=3)), max_size=2),
        seconds=st.integers(0, 600).map(float),
    ),
    max_size=5,
)


@given(RECORDS, RECORDS)
def test_two_halves_of_the_records_add_up_to_the_whole(one: list[Any], other: list[Any]) -> None:
    whole, parts = total_of_records([*one, *other]), (total_of_records(one), total_of_records(other))

    for side in ("copy", "delete"):
        for unit in ("objects", "bytes"):
            assert whole.plan[side][unit] == sum(part.plan[side][unit] for part in parts)
    assert whole.turns == len(one) + len(other)
    assert whole.unprovable == sum(part.unprovable for part in parts)
    assert list(whole.failures) == [name for part in parts for name in part.failures]


def index_of(folder: RunFolder, kind: str, items: int) -> dict[str, Any]:
    """Return what names an index that is there."""
    body = folder.client.files[folder.key(f"{kind}.json")]
    return {
        "index": f"{FOLDER}/{kind}.json",
        "items": items,
        "sha256": hashlib.sha256(body).hexdigest(),
    }


def inline(*pointers: dict[str, Any]) -> dict[str, Any]:
    """Return what the state also has of a small Map: its pointers."""
    return {"map": "INLINE" if pointers else "", "inline": list(pointers)}


@given(RECORDS)
def test_every_shard_is_in_an_index_once_under_an_id_of_its_own(records: list[Any]) -> None:
    folder, compared = memory_folder(), total_of_records(records)
    large = [
        written_shard(folder, f"large/{number}", [{"key": one["file"]}])
        for number, one in enumerate(compared.shards["large"])
    ]
    compared = replace(compared, shards={**compared.shards, "large": large})

    written = write_indexes(folder, compared)

    for kind in ("copy", "delete"):
        index = folder.read_index(written[kind])
        assert (written[kind]["index"], written[kind]["items"]) == (f"{FOLDER}/{kind}.json", len(index))
        pointed = [{name: one[name] for name in ("file", "objects", "sha256", "bytes")} for one in index]
        assert sorted(pointed, key=str) == sorted(compared.shards[kind], key=str)
        assert len({one["id"] for one in index}) == len(index)
    assert (
        len(folder.read_index(written["large"])) == written["large"]["items"] == len(compared.shards["large"])
    )


def test_indexes_point_to_shards_and_the_one_of_large_objects_holds_them() -> None:
    folder = memory_folder()
    large = [
        written_shard(folder, "large/a", [{"key": "x", "size": 1}, {"key": "y", "size": 2}]),
        written_shard(folder, "large/b", [{"key": "z", "size": 3}]),
    ]
    compared = total_of_records(
        [
            compared_record(
                shards={
                    "copy": [shard("copy/a", 3, 30)],
                    "large": large,
                    "delete": [shard("delete/a", 2, 7)],
                }
            )
        ]
    )

    written = write_indexes(folder, compared)

    assert written == {
        "copy": index_of(folder, "copy", 1)
        | inline({"id": "copy-000001", **shard("copy/a", 3, 30), "planned": 6}),
        "large": index_of(folder, "large", 3),
        "delete": index_of(folder, "delete", 1)
        | inline({"id": "delete-000001", **shard("delete/a", 2, 7), "planned": 2}),
    }
    assert folder.read_index(written["copy"]) == [
        {"id": "copy-000001", **shard("copy/a", 3, 30), "planned": 6}
    ]
    assert folder.read_index(written["delete"]) == [
        {"id": "delete-000001", **shard("delete/a", 2, 7), "planned": 2}
    ]
    assert folder.read_index(written["large"]) == [
        {"id": "large-000001", "line": {"key": "x", "size": 1}, "planned": 6, "file": "large/a"},
        {"id": "large-000002", "line": {"key": "y", "size": 2}, "planned": 6, "file": "large/a"},
        {"id": "large-000003", "line": {"key": "z", "size": 3}, "planned": 6, "file": "large/b"},
    ]


def test_shards_that_follow_each_other_in_the_bucket_are_not_copied_at_the_same_time() -> None:
    """S3 limits requests for each range of keys, so that neighbours slow each other down."""
    folder = memory_folder()
    shards = [shard(f"copy/1-0001-{number:04d}-request.jsonl") for number in range(500)]

    written = write_indexes(folder, total_of_records([compared_record(shards={"copy": shards})]))

    index = folder.read_index(written["copy"])
    order = [shards.index({name: one[name] for name in shards[0]}) for one in index]
    assert sorted(order) == list(range(500))
    started_together = [set(order[start : start + 20]) for start in range(0, 500, 20)]
    assert all(max(numbers) - min(numbers) > 250 for numbers in started_together)
    assert sum(number + 1 in numbers for numbers in started_together for number in numbers) < 50


# --- Guards ---------------------------------------------------------------------------------------------------


def refused(listed: tuple[int, int], deletes: int, **options: Any) -> str:
    shards = {"delete": [shard("delete/a", deletes, 0)]} if deletes else {}
    return deletion_refusal(
        Options("from", "into", **options), total_of_records([compared_record(listed=listed, shards=shards)])
    )


EMPTY = (
    "{} objects of into would be deleted, and nothing is left of the source from after prefix, startAfter and filters. "
    'Nothing was changed. If the source is meant to be empty, start again with "allowEmptySource": true.'
)
MANY = (
    "{} objects of into would be deleted; maxDelete allows {} ({}, of {} in scope). Nothing was changed. "
    'The plan is in the report; if it is right, start again with "maxDelete": {}.'
)
ONE = MANY.replace("objects", "object")


@pytest.mark.parametrize(
    ("listed", "deletes", "options", "expected"),
    [
        ((0, 0), 0, {}, ""),
        ((0, 5), 0, {}, ""),
        ((1, 5), 4, {}, ""),
        ((0, 1234), 1234, {}, EMPTY.format("1,234")),
        ((0, 5), 5, {"maxDelete": 5}, EMPTY.format("5")),
        ((0, 5), 5, {"allowEmptySource": True}, ""),
        ((0, 5), 5, {"allowEmptySource": True, "maxDelete": 4}, MANY.format("5", "4", "4", "5", "5")),
        ((9, 10), 3, {"maxDelete": 3}, ""),
        ((9, 10), 4, {"maxDelete": 3}, MANY.format("4", "3", "3", "10", "4")),
        ((9, 10), 1, {"maxDelete": 0}, ONE.format("1", "0", "0", "10", "1")),
        ((9, 20_000), 2_000, {"maxDelete": "10%"}, ""),
        ((9, 20_000), 2_001, {"maxDelete": "10%"}, MANY.format("2,001", "2,000", "10%", "20,000", "2001")),
        ((9, 10), 10, {"maxDelete": "100%"}, ""),
        ((9, 10), 0, {"maxDelete": 0}, ""),
        ((9, 9), 1, {"maxDelete": "10%"}, ONE.format("1", "0", "10%", "9", "1")),
    ],
)
def test_deletes_are_refused_from_an_empty_source_and_beyond_max_delete(
    listed: tuple[int, int], deletes: int, options: dict[str, Any], expected: str
) -> None:
    assert refused(listed, deletes, **options) == expected


# --- What a run does next -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "left_out", "deletes", "options", "expected"),
    [
        ((3, 5), 3, 4, {}, EMPTY.format("4")),
        ((3, 5), 2, 4, {}, ""),
        ((3, 5), 3, 0, {}, ""),
        ((3, 5), 3, 4, {"allowEmptySource": True}, ""),
        (
            (3, 10),
            3,
            6,
            {"allowEmptySource": True, "maxDelete": "50%"},
            MANY.format("6", "5", "50%", "10", "6"),
        ),
    ],
)
def test_a_source_of_which_filters_leave_nothing_is_an_empty_one_and_a_share_is_of_all_in_scope(
    listed: tuple[int, int], left_out: int, deletes: int, options: dict[str, Any], expected: str
) -> None:
    shards = {"delete": [shard("delete/a", deletes, 0)]} if deletes else {}
    record = compared_record(listed=listed, shards=shards, filtered={"source": left_out, "destination": 0})
    sums = total_of_records([record])

    assert deletion_refusal(Options("from", "into", minSize=9, **options), sums) == expected
    carried = totals_of_state({"books": sums.books(), "plan": sums.plan, "tally": {}})
    assert (carried.left_of_source(), carried.filtered) == (sums.left_of_source(), sums.filtered)


def state_of(comparison: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"run": {"verdict": "valid", **run_of(**options).to_json()}, "comparison": comparison}


def turn(seconds: float = 1000.0) -> Turn:
    return Turn(0.0, seconds, "attempt", lambda: 0.0)


def clients_of(folder: RunFolder) -> Clients:
    return Clients(None, None, folder.client, RequestCounter())


def after_comparing(
    folder: RunFolder,
    index: dict[str, Any],
    wave: int = 1,
    before: dict[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Add up a wave; `before` is what the tally of the one before has returned."""
    return tally_comparison(
        clients_of(folder), state_of({**(before or {}), "wave": wave, **index}, **options), turn()
    )


NOTHING = {"index": "", "items": 0, "sha256": ""}
NO_BOOKS = total_of_records([]).books()
NO_OBJECTS = {"objects": 0, "bytes": 0}


def test_ranges_that_were_handed_back_are_the_next_wave() -> None:
    folder = memory_folder()
    tally = {"current": {"objects": 2, "bytes": 6}}
    index = wave_of(folder, compared_record(handedBack=[LEFT, RIGHT], tally=tally), compared_record())

    decided = after_comparing(folder, index)

    assert decided == {
        "next": "compare",
        "wave": 2,
        **index_of(folder, "ranges/2", 2),
        "waves": [{**index, "index": "ranges/1.json"}],
        "books": {**NO_BOOKS, "sourceListed": 2, "current": 2},
        "tally": tally,
    }
    assert [one["upTo"] for one in folder.read_index(decided)] == ["m", None]


def test_deciding_twice_after_a_wave_decides_the_same() -> None:
    folder = memory_folder()
    index = wave_of(folder, compared_record(handedBack=[LEFT]), compared_record(handedBack=[RIGHT]))

    assert after_comparing(folder, index) == after_comparing(folder, index)


def test_a_plan_without_anything_against_it_is_applied() -> None:
    folder = memory_folder()
    index = wave_of(folder, compared_record(listed=(5, 5), shards={"copy": [shard("copy/a", 3, 30)]}))

    assert after_comparing(folder, index) == {
        "next": "apply",
        "wave": 1,
        "broken": "",
        "refusal": "",
        "plan": {"copy": {"objects": 3, "bytes": 30}, "delete": NO_OBJECTS},
        "undecided": 0,
        "copy": index_of(folder, "copy", 1)
        | inline({"id": "copy-000001", **shard("copy/a", 3, 30), "planned": 3}),
        "large": index_of(folder, "large", 0),
        "delete": index_of(folder, "delete", 0) | inline(),
        "waves": [{**index, "index": "ranges/1.json"}],
        "books": {
            **NO_BOOKS,
            "sourceListed": 5,
            "sourceKept": 2,
            "copies": 3,
            "destinationListed": 5,
            "paired": 5,
        },
        "tally": {},
    }


def test_a_dry_run_has_a_plan_and_nothing_to_do() -> None:
    folder = memory_folder()
    index = wave_of(folder, compared_record(listed=(5, 5), shards={"copy": [shard("copy/a", 3, 30)]}))

    decided = after_comparing(folder, index, dryRun=True)

    assert (decided["next"], decided["refusal"], decided["plan"]["copy"]["objects"]) == ("report", "", 3)
    assert [decided[kind] for kind in KINDS] == [NOTHING, NOTHING, NOTHING]
    assert folder.read("copy.json") is None


def test_refused_deletes_stop_the_copies_as_well() -> None:
    folder = memory_folder()
    shards = {"copy": [shard("copy/a", 3, 30)], "delete": [shard("delete/a", 4, 0)]}
    index = wave_of(folder, compared_record(listed=(9, 10), shards=shards))

    decided = after_comparing(folder, index, maxDelete=3)

    assert (decided["next"], decided["broken"]) == ("report", "")
    assert decided["refusal"] == MANY.format("4", "3", "3", "10", "4")
    assert "refusedAs" not in decided, "only another refusal than that of deletes has a name of its own"
    assert [decided[kind] for kind in KINDS] == [NOTHING, NOTHING, NOTHING]


@pytest.mark.parametrize(
    ("record", "options", "next_step"),
    [
        ({}, {}, "verify"),
        ({"tally": {"failed": {"objects": 1, "bytes": 3}}}, {}, "report"),
        (
            {"shards": {"copy": [shard("copy/a", 3, 30)], "delete": [shard("delete/a", 4, 0)]}},
            {"maxDelete": 3},
            "report",
        ),
        ({"broken": "denied"}, {}, "report"),
    ],
)
def test_only_a_comparison_with_nothing_against_it_is_verified(
    record: dict[str, Any], options: dict[str, Any], next_step: str
) -> None:
    folder = memory_folder()
    index = wave_of(folder, compared_record(**{"listed": (9, 10), **record}))

    assert after_comparing(folder, index, verify=True, **options)["next"] == next_step


def test_a_broken_wave_ends_the_run_even_if_ranges_were_handed_back() -> None:
    folder = memory_folder()
    index = wave_of(
        folder, compared_record(handedBack=[LEFT]), compared_record(broken="s3://from/ is broken")
    )

    decided = after_comparing(folder, index)

    assert (decided["next"], decided["broken"], decided["refusal"]) == ("report", "s3://from/ is broken", "")
    assert [decided[kind] for kind in KINDS] == [NOTHING, NOTHING, NOTHING]


def test_a_broken_wave_is_not_judged_by_its_guards() -> None:
    """The source that could not be listed is not an empty one, and nothing of what it seems to lack may be deleted."""
    folder = memory_folder()
    index = wave_of(
        folder,
        compared_record(listed=(0, 10), shards={"delete": [shard("delete/a", 10, 0)]}, broken="denied"),
    )

    decided = after_comparing(folder, index)

    assert (decided["next"], decided["broken"], decided["refusal"]) == ("report", "denied", "")
    assert [decided[kind] for kind in KINDS] == [NOTHING, NOTHING, NOTHING]
    assert folder.read("delete.json") is None


@pytest.mark.parametrize(
    ("record", "is_told"),
    [
        ({"handedBack": [LEFT]}, True),
        ({"shards": {"copy": [shard("copy/a", 3, 30)]}}, True),
        ({}, False),
        ({"handedBack": [LEFT], "broken": "denied"}, False),
        ({"shards": {"copy": [shard("copy/a", 3, 30)]}, "broken": "denied"}, False),
    ],
    ids=["ranges are left", "a copy is left", "nothing is left", "broken and left", "broken and planned"],
)
def test_a_stop_is_told_of_what_it_has_cut_short_and_never_in_place_of_what_broke(
    record: dict[str, Any], is_told: bool
) -> None:
    """Told as stopped, a run whose source cannot be listed would be started again and again, and nobody would look at why."""
    folder = memory_folder()
    index = wave_of(folder, compared_record(listed=(5, 5), **record))
    stopped = replace(turn(), stop=lambda: StopRequest(ends_map=False))

    decided = tally_comparison(clients_of(folder), state_of({"wave": 1, **index}), stopped)

    assert decided["next"] == "report"
    assert (decided.get("stopped", False), decided["broken"]) == (is_told, record.get("broken", ""))


def test_what_was_stopped_before_all_was_read_is_not_judged_by_its_guards() -> None:
    """The source that seems to be empty was not read to its end; told as refused, a stop would look like a wrong destination."""
    folder = memory_folder()
    record = compared_record(
        listed=(0, 10), shards={"delete": [shard("delete/a", 10, 0)]}, handedBack=[RIGHT]
    )
    stopped = replace(turn(), stop=lambda: StopRequest(ends_map=False))

    decided = tally_comparison(clients_of(folder), state_of({"wave": 1, **wave_of(folder, record)}), stopped)

    assert (decided["next"], decided["stopped"], decided["refusal"]) == ("report", True, "")


def in_the_second_wave(folder: RunFolder) -> dict[str, Any]:
    """Return what the tally of the first of two waves has returned."""
    decided = after_comparing(folder, wave_of(folder, compared_record(listed=(5, 5), handedBack=[RIGHT])))
    assert (decided["next"], decided["wave"]) == ("compare", 2)
    return decided


@pytest.mark.parametrize(
    ("values", "broken"),
    [
        ({"listed": (5, 5)}, ""),
        (
            {"listed": (6, 5)},
            "the books do not balance: sourceKept: 5 were counted before, and 6 are now; sourceListed: 8 were counted before, "
            "and 9 are now",
        ),
        (
            {"listed": (5, 5), "decided": []},
            "the books do not balance: what the range 1-0001 decided and handed back is not the whole of it",
        ),
    ],
    ids=["as it was", "other numbers", "other keys"],
)
def test_a_record_of_a_wave_before_that_has_changed_is_noticed_before_anything_is_planned(
    values: dict[str, Any], broken: str
) -> None:
    folder = memory_folder()
    before = in_the_second_wave(folder)
    folder.write(range_record_name("1-0001"), compared_record(handedBack=[RIGHT], **values))
    shards = {"copy": [shard("copy/a", 3, 30)]}
    folder.write(range_record_name("2-0001"), compared_record("2-0001", shards=shards))

    decided = after_comparing(folder, {}, 2, before)

    assert (decided["broken"], decided["next"]) == (broken, "report" if broken else "apply")
    assert (folder.key("copy.json") in folder.client.files) is not bool(broken)


def test_what_broke_in_a_wave_is_told_even_where_the_records_of_the_waves_before_are_gone() -> None:
    """Nothing is concluded from them any more, so they are not asked for, and why the run ended is not lost."""
    folder = memory_folder()
    before = in_the_second_wave(folder)
    folder.remove(range_record_name("1-0001"))
    folder.write(range_record_name("2-0001"), compared_record("2-0001", broken="denied"))

    assert after_comparing(folder, {}, 2, before)["broken"] == "denied"


@pytest.mark.parametrize("broken", ["", "denied"])
def test_records_that_are_known_are_believed_and_not_read_again(broken: str) -> None:
    folder = memory_folder()
    index = wave_of(folder, None)
    record = compared_record(listed=(5, 5), broken=broken)

    decided = tally_comparison(clients_of(folder), state_of({"wave": 1, **index}), turn(), [record])

    assert (decided["broken"], decided["books"]["sourceListed"]) == (broken, 5)
    assert [key for key in folder.client.read if "/compared/" in key] == []


def test_there_are_at_most_40_waves() -> None:
    folder = memory_folder()
    decided: dict[str, Any] = {}
    for wave in range(1, MAX_WAVES + 1):
        index = wave_of(folder, *[compared_record(handedBack=[LEFT])] * 2, wave=wave)
        decided = after_comparing(folder, index, wave, decided)

    assert MAX_WAVES == 40
    assert (decided["next"], len(decided["waves"])) == ("report", MAX_WAVES)
    assert decided["broken"] == (
        "after 40 waves 2 ranges are left: there is more to read, or it grows faster, than one run can; sync a prefix at a time"
    )


def test_the_39th_wave_may_be_followed_by_the_40th() -> None:
    folder = memory_folder()
    index = wave_of(folder, compared_record(handedBack=[LEFT]), wave=MAX_WAVES - 1)

    assert after_comparing(folder, index, MAX_WAVES - 1)["wave"] == MAX_WAVES


def record_of(tally: dict[str, Any], is_named: bool = False) -> dict[str, Any]:
    """Return the record of a worker's one turn; `is_named` if it has a file of keys that were not synchronised."""
    failures = [shard("failures/first-0.jsonl")] if is_named else []
    return {
        "next": 1,
        "tally": tally,
        "failures": failures,
        "causes": {},
        "requests": {},
        "seconds": 1.0,
    }


def copied_folder(tally: dict[str, Any] | None, deletes: int = 1, **values: Any) -> tuple[RunFolder, Any]:
    """Return the folder and the state of a run with one object to copy and one to delete; the copy ended so, or not at all."""
    folder = memory_folder()
    orphans = [{"id": "delete-000001", **shard("delete/a", 1, 1)}] * deletes
    comparison = applied(folder, [{"id": "copy-000001", **shard("copy/a", 1, 1)}], orphans, **values)
    if tally is not None:
        folder.write("copied/copy-000001-0.json", record_of(tally, is_named=tally != DONE))
    return folder, state_of(comparison)


def applied(
    folder: RunFolder, copies: list[dict[str, Any]], deletes: list[dict[str, Any]], **values: Any
) -> dict[str, Any]:
    """Write the indexes of a plan; return the state of the comparison that made it."""
    index = wave_of(folder, compared_record())
    return {
        "wave": 1,
        "undecided": 0,
        "waves": [index],
        "books": NO_BOOKS,
        "plan": {"copy": {"objects": len(copies), "bytes": len(copies)}},
        "copy": folder.write_index("copy.json", copies),
        "large": folder.write_index("large.json", []),
        "delete": folder.write_index("delete.json", deletes),
        **values,
    }


DONE = {"copied": {"objects": 1, "bytes": 1}}


@pytest.mark.parametrize(
    ("tally", "undecided", "deletes", "error", "expected"),
    [
        (DONE, 0, 1, None, "delete"),
        (DONE, 0, 0, None, "report"),
        ({"vanished": {"objects": 1, "bytes": 0}}, 0, 1, None, "delete"),
        ({"archived": {"objects": 1, "bytes": 0}}, 0, 1, None, "delete"),
        ({"unmappable": {"objects": 1, "bytes": 0}}, 0, 1, None, "delete"),
        ({"failed": {"objects": 1, "bytes": 0}}, 0, 1, None, "report"),
        ({"changed": {"objects": 1, "bytes": 0}}, 0, 1, None, "report"),
        (DONE, 1, 1, None, "report"),
        (DONE, 0, 1, {"Error": "States.ExceedToleratedFailureThreshold"}, "report"),
        (None, 0, 1, None, "report"),
    ],
)
def test_orphans_go_only_after_every_copy_has_succeeded_and_every_key_was_decided(
    tally: dict[str, Any] | None, undecided: int, deletes: int, error: dict[str, str] | None, expected: str
) -> None:
    folder, state = copied_folder(tally, deletes, undecided=undecided)

    decided = tally_copies(clients_of(folder), {**state, **({"error": error} if error else {})}, turn())

    assert decided == {"next": expected, "at": 1, "sums": "tally/copied-1.json", "tally": tally or {}}
    assert folder.read("tally/copied-1.json")["unfinished_objects"] == (1 if tally is None else 0)


def test_copies_that_one_turn_cannot_add_up_are_added_up_by_the_next() -> None:
    folder, _ = copied_folder(DONE)
    copies = [{"id": f"copy-{number}", **shard(f"copy/{number}")} for number in range(600)]
    for number in range(600):
        folder.write(f"copied/copy-{number}-0.json", record_of(DONE))
    state = state_of(applied(folder, copies, [{"id": "delete-000001", **shard("delete/a", 1, 1)}]))

    first = tally_copies(clients_of(folder), state, turn(0))
    early = [key for key in folder.client.read if "/compared/" in key]
    second = tally_copies(clients_of(folder), {**state, "copies": first}, turn(0))

    assert early == [], "there may be thousands of records of the comparison, and they are needed once"
    assert any("/compared/" in key for key in folder.client.read)

    assert first == {"next": "tally", "at": 512, "sums": "tally/copied-512.json", "tally": copied(512)}
    assert second == {"next": "delete", "at": 600, "sums": "tally/copied-600.json", "tally": copied(600)}
    assert folder.read(second["sums"])["tally"] == copied(600)


def copied(objects: int) -> dict[str, dict[str, int]]:
    return {"copied": {"objects": objects, "bytes": objects}}


def test_no_orphan_goes_once_the_records_that_prove_it_one_are_gone_or_have_changed() -> None:
    folder, state = copied_folder(DONE)

    folder.write(range_record_name("1-0001"), compared_record(listed=(0, 7)))
    with pytest.raises(RunFileBroken) as changed:
        tally_copies(clients_of(folder), state, turn())
    folder.remove(range_record_name("1-0001"))
    with pytest.raises(RunFileBroken) as gone:
        tally_copies(clients_of(folder), state, turn())

    assert str(changed.value) == (
        f"the records in s3://work-bucket/{FOLDER}/compared/ have changed: the books do not balance: destinationListed: 0 were "
        "counted before, and 7 are now; paired: 0 were counted before, and 7 are now"
    )
    assert str(gone.value) == (
        f"1 of 1 ranges left no record, first s3://work-bucket/{FOLDER}/compared/1-0001.json. Nothing can be concluded from it"
    )


@pytest.mark.parametrize("parts", [[], [LEFT], [RIGHT], [LEFT, LEFT], [WHOLE, RIGHT]])
def test_what_a_range_neither_decided_nor_handed_back_is_missed(parts: list[Any]) -> None:
    folder = memory_folder()
    index = wave_of(folder, compared_record(decided=[], handedBack=parts))

    decided = after_comparing(folder, index)

    assert (decided["next"], decided["broken"]) == (
        "report",
        "the books do not balance: what the range 1-0001 decided and handed back is not the whole of it",
    )


@pytest.mark.parametrize("body", [b"[]", b""])
def test_no_orphan_goes_by_an_index_that_is_not_the_one_that_was_planned(body: bytes) -> None:
    """A small Map has its items in the state, so that nobody else would read the index before the first delete."""
    folder, state = copied_folder(DONE)
    folder.client.files[folder.key("delete.json")] = body

    with pytest.raises(RunFileBroken, match=r"/delete\.json was "):
        tally_copies(clients_of(folder), state, turn())


@pytest.mark.parametrize(
    ("tally", "undecided", "error", "next_step"),
    [
        (DONE, 0, None, "verify"),
        ({"failed": {"objects": 1, "bytes": 0}}, 0, None, "report"),
        ({"changed": {"objects": 1, "bytes": 0}}, 0, None, "report"),
        (DONE, 1, None, "report"),
        (DONE, 0, {"Error": "States.Timeout"}, "report"),
    ],
)
def test_only_copies_that_went_right_are_followed_by_a_second_comparison(
    tally: dict[str, Any], undecided: int, error: dict[str, str] | None, next_step: str
) -> None:
    folder, state = copied_folder(tally, 0, undecided=undecided)
    state = {**state, "run": state_of({}, verify=True)["run"], **({"error": error} if error else {})}

    assert tally_copies(clients_of(folder), state, turn())["next"] == next_step


# --- The plan of a dry run ------------------------------------------------------------------------------------


def carried_out(**values: Any) -> tuple[RunFolder, dict[str, Any], list[dict[str, Any]]]:
    """Carry out the plan of a dry run of two waves, the second with these values; return what follows, and its waves."""
    folder = memory_folder()
    there = RunFolder(folder.client, "runs/sync/planned")
    first = compared_record(
        tally={"current": {"objects": 2, "bytes": 20}}, shards={"copy": [shard("copy/a", 3, 30)]}
    )
    shards = {"delete": [shard("delete/b", 1, 7)]}
    second = compared_record("2-0001", listed=(0, 5), shards=shards, **values)
    waves = [
        {**wave_of(there, record, wave=number), "index": f"ranges/{number}.json"}
        for number, record in ((1, first), (2, second))
    ]
    plan = AppliedPlan("runs/sync/planned", "0" * 64, waves)
    run = replace(run_of(), plan=plan)
    return folder, tally_plan(clients_of(folder), run, plan, turn()), waves


def test_the_plan_of_a_dry_run_is_carried_out_as_if_it_had_been_compared_just_now() -> None:
    folder, decided, waves = carried_out()

    copies = {"id": "copy-000001", **shard("copy/a", 3, 30), "planned": 3}
    deletes = {"id": "delete-000001", **shard("delete/b", 1, 7), "planned": 1}
    copies["file"], deletes["file"] = "/runs/sync/planned/copy/a", "/runs/sync/planned/delete/b"
    assert decided == {
        "next": "apply",
        "wave": 2,
        "waves": waves,
        "books": {
            **NO_BOOKS, "sourceListed": 5, "destinationListed": 5, "current": 2, "copies": 3, "deletes": 1, "orphans": 1,
            "paired": 4,
        },
        "tally": {"current": {"objects": 2, "bytes": 20}},
        "broken": "",
        "refusal": "",
        "plan": {"copy": {"objects": 3, "bytes": 30}, "delete": {"objects": 1, "bytes": 7}},
        "undecided": 0,
        "copy": index_of(folder, "copy", 1) | inline(copies),
        "large": index_of(folder, "large", 0),
        "delete": index_of(folder, "delete", 1) | inline(deletes),
    }  # fmt: skip


def test_the_plan_of_a_dry_run_whose_books_do_not_balance_is_not_carried_out_and_says_why() -> None:
    folder, decided, _ = carried_out(decided=[])

    assert (decided["next"], decided["broken"]) == (
        "report",
        "the books do not balance: what the range 2-0001 decided and handed back is not the whole of it",
    )
    assert folder.read("delete.json") is None


# --- The deletes ----------------------------------------------------------------------------------------------


def test_deletes_are_added_up_for_the_report() -> None:
    folder, state = copied_folder(DONE)
    folder.write("deleted/delete-000001-0.json", record_of({"deleted": {"objects": 1, "bytes": 1}}))

    added_up = tally_deletes(clients_of(folder), state, turn())

    assert added_up == {
        "next": "report",
        "at": 1,
        "sums": "tally/deleted-1.json",
        "tally": {"deleted": {"objects": 1, "bytes": 1}},
    }
    assert folder.read("tally/deleted-1.json")["tally"] == added_up["tally"]


@pytest.mark.parametrize(
    ("what", "error", "next_step"),
    [
        ("deleted", None, "verify"),
        ("failed", None, "report"),
        ("changed", None, "report"),
        ("deleted", {"Error": "States.Timeout"}, "report"),
    ],
)
def test_only_deletes_that_went_right_are_followed_by_a_second_comparison(
    what: str, error: dict[str, str] | None, next_step: str
) -> None:
    """It would tell what is known to differ as differences that nobody can explain."""
    folder, state = copied_folder(DONE)
    tally = {what: {"objects": 1, "bytes": 1}}
    folder.write("deleted/delete-000001-0.json", record_of(tally, is_named=what != "deleted"))
    state = {**state, "run": state_of({}, verify=True)["run"], **({"error": error} if error else {})}

    assert tally_deletes(clients_of(folder), state, turn())["next"] == next_step


# --- What a stop changes --------------------------------------------------------------------------------------


def stopped_turn(ends_map: bool) -> Turn:
    return replace(turn(), stop=lambda: StopRequest(ends_map))


@pytest.mark.parametrize(
    ("record", "next_step", "is_told"),
    [
        ({"shards": {"copy": [shard("copy/a", 3, 30)]}}, "report", True),
        ({"handedBack": [LEFT]}, "report", True),
        ({}, "verify", False),
    ],
)
@pytest.mark.parametrize("ends_map", [False, True])
def test_what_a_stop_has_cut_short_is_not_compared_once_more(
    record: dict[str, Any], next_step: str, is_told: bool, ends_map: bool
) -> None:
    """It would name all that was not copied as differences; a stop that came too late has cut nothing short."""
    folder = memory_folder()
    state = state_of({"wave": 1, **wave_of(folder, compared_record(listed=(5, 5), **record))}, verify=True)

    decided = tally_comparison(clients_of(folder), state, stopped_turn(ends_map))

    assert decided["next"] == next_step
    told = {name: decided[name] for name in ("stopped", "endsMap") if name in decided}
    assert told == ({"stopped": True, "endsMap": ends_map} if is_told else {})
    assert [decided[kind] for kind in KINDS] == [NOTHING, NOTHING, NOTHING]


@pytest.mark.parametrize("ends_map", [False, True])
@pytest.mark.parametrize(
    ("deletes", "verify", "next_step", "is_told"),
    [
        (1, False, "report", True),
        (1, True, "report", True),
        (0, False, "report", False),
        (0, True, "verify", False),
    ],
)
def test_a_stop_after_the_copies_keeps_the_orphans_and_is_told_only_where_there_are_some(
    deletes: int, verify: bool, next_step: str, is_told: bool, ends_map: bool
) -> None:
    folder, state = copied_folder(DONE, deletes)
    state = {**state, "run": state_of({}, verify=verify)["run"]}

    decided = tally_copies(clients_of(folder), state, stopped_turn(ends_map))

    assert decided == {
        "next": next_step,
        **({"stopped": True, "endsMap": ends_map} if is_told else {}),
        "at": 1,
        "sums": "tally/copied-1.json",
        "tally": DONE,
    }


GIVEN_UP = {"stopped": {"objects": 1, "bytes": 1}}


@pytest.mark.parametrize("ends_map", [False, True])
@pytest.mark.parametrize("kind", ["copied", "deleted"])
def test_objects_that_were_given_up_are_told_as_stopped_and_not_compared_once_more(
    kind: str, ends_map: bool
) -> None:
    folder, state = copied_folder(GIVEN_UP if kind == "copied" else DONE)
    state = {**state, "run": state_of({}, verify=True)["run"]}
    folder.write("deleted/delete-000001-0.json", record_of(GIVEN_UP, is_named=True))
    tally_phase = {"copied": tally_copies, "deleted": tally_deletes}[kind]

    decided = tally_phase(clients_of(folder), state, stopped_turn(ends_map))

    assert decided == {
        "next": "report",
        "stopped": True,
        "endsMap": ends_map,
        "at": 1,
        "sums": f"tally/{kind}-1.json",
        "tally": GIVEN_UP,
    }


def test_a_stop_after_the_last_delete_came_too_late_and_is_not_told() -> None:
    folder, state = copied_folder(DONE)
    state = {**state, "run": state_of({}, verify=True)["run"]}
    gone = {"deleted": {"objects": 1, "bytes": 1}}
    folder.write("deleted/delete-000001-0.json", record_of(gone))

    assert tally_deletes(clients_of(folder), state, stopped_turn(ends_map=True)) == {
        "next": "verify",
        "at": 1,
        "sums": "tally/deleted-1.json",
        "tally": gone,
    }


@pytest.mark.parametrize(("deletes", "tally"), [(0, DONE), (1, {"failed": {"objects": 1, "bytes": 0}})])
def test_the_records_of_the_comparison_are_read_once_more_only_before_something_is_deleted(
    deletes: int, tally: dict[str, Any]
) -> None:
    folder, state = copied_folder(tally, deletes)
    folder.remove(range_record_name("1-0001"))

    assert tally_copies(clients_of(folder), state, turn())["next"] == "report"
