"""What becomes of every pair of a range: one of the counts, and a line of a shard where something is to be done."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from samples import NOON, entry, memory_folder, run_of

from lambda_functions.shared.compare.found_current import digest, find
from lambda_functions.shared.compare.pieces import Chunk
from lambda_functions.shared.compare.plan_writer import PlanWriter, is_large
from lambda_functions.shared.compare.undecided import Resolution
from lambda_functions.shared.equality import Decision
from lambda_functions.shared.option_rules import Restore
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.s3.listing import Entry
from lambda_functions.shared.work_bucket.run_folder import RunFolder

OTHER = "92eb5ffee6ae2fec3ad71c777531578f"
LATER = NOON + timedelta(seconds=1)
GB = 1024**3


@dataclass
class Answers:
    """Answers what listings cannot tell, in the way of `Resolver`."""

    answer: Decision | Outcome = Decision.CURRENT
    most: int = 1000
    submitted: list[Resolution] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    def submit(self, source: Entry, destination: Entry, question: Decision) -> None:
        self.submitted.append((source, destination, self.answer))

    def is_full(self) -> bool:
        return len(self.submitted) >= self.most

    def results(self, all_of_them: bool = False) -> Iterator[Resolution]:
        waiting = self.submitted if all_of_them else self.submitted[: len(self.submitted) // 2]
        self.taken.append(len(waiting))
        self.submitted = self.submitted[len(waiting) :]
        yield from waiting


def plan(
    source: list[Entry], destination: list[Entry], answers: Answers | None = None, **options: Any
) -> tuple[dict[str, Any], PlanWriter, RunFolder]:
    """Decide a chunk; return the plan's part of the record, and where it came from."""
    folder, resolver = memory_folder(), answers or Answers()
    with ThreadPoolExecutor(2) as pool:
        writer = PlanWriter.of(folder, run_of(**options), "1-0001", "attempt", pool)
        writer.decide_all(Chunk(source, destination), resolver)  # type: ignore[arg-type]
        writer.collect(resolver, all_of_them=True)  # type: ignore[arg-type]
        return writer.close(), writer, folder


def lines(folder: RunFolder, record: dict[str, Any], kind: str) -> list[str]:
    return [line["key"] for line in whole_lines(folder, record, kind)]


def whole_lines(folder: RunFolder, record: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [line for shard in record["shards"][kind] for line in folder.read_lines(shard)]


def test_every_pair_is_counted_and_what_is_to_be_done_is_in_shards() -> None:
    source = [entry("a new"), entry("b same"), entry("c changed", size=4), entry("e large", size=17 << 30)]
    destination = [entry("b same", modified=LATER), entry("c changed"), entry("d orphan", size=5)]

    record, writer, folder = plan(source, destination)

    assert {name: record[name] for name in record if name != "shards"} == {
        "listed": {"source": 4, "destination": 3},
        "outOfScope": {"source": 0, "destination": 0},
        "kept": {"source": 0, "destination": 0},
        "filtered": {"source": 0, "destination": 0},
        "notOverwritten": 0,
        "paired": 2,
        "orphans": 1,
        "unprovable": 0,
        "reasons": {"new": 2, "orphan": 1, "size": 1},
        "toSend": {
            "COMPLETE_MULTIPART_UPLOAD": 1,
            "COPY": 2,
            "CREATE_MULTIPART_UPLOAD": 1,
            "GET_OBJECT_TAGGING": 1,
            "HEAD": 2,
            "UPLOAD_PART_COPY": 34,
        },
    }
    assert [lines(folder, record, kind) for kind in ("copy", "large", "delete")] == [
        ["a new", "c changed"],
        ["e large"],
        ["d orphan"],
    ]
    assert [one["file"] for one in record["shards"]["copy"]] == ["copy/1-0001-0001-attempt.jsonl"]
    assert writer.tally.to_json() == {"current": {"objects": 1, "bytes": 3}}


def test_what_filters_leave_out_is_counted_on_the_side_where_it_is() -> None:
    keys = ("a.log", "b.txt", "c.log")

    record, _, folder = plan(
        [entry(key) for key in keys[:2]], [entry(key) for key in keys[1:]], include=("*.txt",)
    )

    assert (record["outOfScope"], record["paired"]) == ({"source": 1, "destination": 1}, 1)
    assert lines(folder, record, "delete") == []


def test_orphans_that_an_option_keeps_are_no_deletes() -> None:
    record, _, _ = plan([], [entry("orphan")], delete=False)

    assert (record["orphans"], record["kept"]["destination"], record["shards"]["delete"]) == (1, 1, [])


@pytest.mark.parametrize(("unprovable", "copied", "kept"), [("copy", ["a"], 0), ("keep", [], 1)])
def test_what_nothing_can_prove_is_copied_or_kept_as_the_option_says(
    unprovable: str, copied: list[str], kept: int
) -> None:
    record, _, folder = plan(
        [entry("a")], [entry("a", etag=OTHER)], Answers(Decision.UNPROVABLE), unprovable=unprovable
    )

    assert (record["unprovable"], record["kept"]["source"]) == (1, kept)
    assert lines(folder, record, "copy") == copied


def test_a_key_that_could_not_be_decided_is_named_and_nothing_else() -> None:
    answers = Answers(Outcome("a", "failed", 0, "no answer"))

    record, writer, folder = plan([entry("a")], [entry("a", etag=OTHER)], answers)

    (file,) = writer.failures.close()
    assert folder.read_lines(file) == [{"key": "a", "what": "failed", "error": "no answer"}]
    assert record["shards"] == {"copy": [], "large": [], "delete": []}


@pytest.mark.parametrize(
    ("values", "what"),
    [({"storage_class": "GLACIER"}, "archived"), ({"storage_class": "DEEP_ARCHIVE"}, "archived")],
)
def test_what_cannot_be_copied_is_skipped_and_named(values: dict[str, Any], what: str) -> None:
    record, writer, _ = plan([entry("a", **values)], [])

    assert writer.tally.to_json() == {what: {"objects": 1, "bytes": 0}}
    assert record["shards"]["copy"] == []


@pytest.mark.parametrize(
    ("values", "copied"),
    [
        ({"storage_class": "GLACIER", "is_restored": True}, ["a"]),
        ({"storage_class": "DEEP_ARCHIVE", "is_restored": True}, ["a"]),
        ({"storage_class": "GLACIER", "is_being_restored": True}, []),
        ({"storage_class": "GLACIER_IR"}, ["a"]),
    ],
)
def test_what_was_restored_is_copied(values: dict[str, Any], copied: list[str]) -> None:
    record, _, folder = plan([entry("a", **values)], [])

    assert lines(folder, record, "copy") == copied


def test_a_key_that_the_destination_cannot_have_is_skipped_and_named() -> None:
    _, writer, _ = plan([entry("k" * 1024)], [], destinationPrefix="p/")

    assert writer.tally.to_json() == {"unmappable": {"objects": 1, "bytes": 0}}


def test_keys_are_counted_once_whatever_they_have_on_both_sides() -> None:
    _, writer, _ = plan([entry("a"), entry("b")], [entry("b"), entry("c")])

    assert writer.keys() == 3


@pytest.mark.parametrize(
    ("source", "answer", "options", "is_noted"),
    [
        ({"etag": OTHER}, Decision.CURRENT, {}, True),
        ({"etag": OTHER}, Decision.UNPROVABLE, {"unprovable": "keep"}, True),
        ({"etag": OTHER}, Decision.UNPROVABLE, {"unprovable": "copy"}, False),
        ({"size": 9}, Decision.CURRENT, {}, False),
        ({"size": 9}, Decision.CURRENT, {"maxSize": 8}, True),
        ({"size": 9}, Decision.CURRENT, {"overwrite": False}, True),
    ],
)
def test_what_is_to_stay_as_it_is_is_written_down_for_the_end_of_the_run(
    source: dict[str, Any], answer: Decision, options: dict[str, Any], is_noted: bool
) -> None:
    """Its source may be deleted meanwhile, and then it is no difference."""
    record, _, folder = plan([entry("a", **source)], [entry("a")], Answers(answer), verify=True, **options)

    wanted = {digest("a", entry("a").etag)}
    assert [set(find(folder, file, wanted)) for file in record["foundCurrent"]] == [wanted] * is_noted


def test_answers_are_taken_while_keys_are_decided_once_there_are_many() -> None:
    keys = [f"{number:03d}" for number in range(50)]
    answers = Answers(most=10)

    plan([entry(key) for key in keys], [entry(key, etag=OTHER) for key in keys], answers)

    assert sum(answers.taken) == 50
    assert max(answers.taken) <= 10


def test_what_is_answered_by_then_is_taken_after_every_chunk() -> None:
    """A comparison that breaks afterwards has counted it, and few wait for its end."""
    answers = Answers()
    with ThreadPoolExecutor(1) as pool:
        writer = PlanWriter.of(memory_folder(), run_of(), "1-0001", "attempt", pool)
        for key in "ab":
            chunk = Chunk(
                [entry(key), entry(f"{key}b")], [entry(key, etag=OTHER), entry(f"{key}b", etag=OTHER)]
            )
            writer.decide_all(chunk, answers)  # type: ignore[arg-type]

    assert answers.taken == [1, 1]
    assert writer.tally.to_json() == {"current": {"objects": 2, "bytes": 6}}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("copy", {}),
        ("large", {"size": 17 * GB}),
        ("delete", {}),
        ("restore", {"storage_class": "GLACIER"}),
    ],
)
def test_chunks_may_come_in_any_order_and_the_lines_of_a_shard_are_in_the_order_of_their_keys(
    kind: str, values: dict[str, Any]
) -> None:
    folder = memory_folder()
    sides = [[entry(f"{letter}{number}", **values) for number in range(3)] for letter in "cab"]
    run = run_of(restore=Restore(1, "Bulk"))

    with ThreadPoolExecutor(2) as pool:
        writer = PlanWriter.of(folder, run, "1-0001", "attempt", pool)
        for side in sides:
            chunk = Chunk([], side) if kind == "delete" else Chunk(side, [])
            writer.decide_all(chunk, Answers())  # type: ignore[arg-type]
        record = writer.close()

    assert lines(folder, record, kind) == [f"{letter}{number}" for letter in "abc" for number in range(3)]
    assert [one["file"] for one in record["shards"][kind]] == [f"{kind}/1-0001-0001-attempt.jsonl"]
    assert sum(record["listed"].values()) == 9


@pytest.mark.parametrize("verify", [True, False])
def test_what_was_found_current_is_written_down_where_the_run_compares_once_more(verify: bool) -> None:
    record, _, folder = plan([entry("a"), entry("b")], [entry("a"), entry("c")], verify=verify)

    found = [
        set(find(folder, file, {digest("a", entry("a").etag)})) for file in record.get("foundCurrent", [])
    ]
    assert found == ([{digest("a", entry("a").etag)}] if verify else [])
    assert ("foundCurrent" in record) is verify


@pytest.mark.parametrize(
    ("keys", "size", "shards"),
    [(1000, 1, [250] * 4), (251, 1, [250, 1]), (3, GB, [2, 1]), (2, GB + 1, [1, 1])],
)
def test_a_small_plan_is_shared_by_as_many_workers_as_have_a_second_of_work(
    keys: int, size: int, shards: list[int]
) -> None:
    """250 objects, or two gigabytes."""
    record, _, _ = plan([entry(f"{number:05d}", size=size) for number in range(keys)], [])

    assert [one["objects"] for one in record["shards"]["copy"]] == shards


@pytest.mark.parametrize(
    ("size", "etag", "expected"),
    [(16 * GB, "x", False), (16 * GB + 1, "x", True), (1, "x-2000", False), (1, "x-2001", True)],
)
def test_an_object_has_a_worker_of_its_own_beyond_16_gigabytes_or_2000_parts(
    size: int, etag: str, expected: bool
) -> None:
    assert is_large(entry("a", size=size, etag=etag)) is expected


@pytest.mark.parametrize("reason", [Decision.METADATA, Decision.TAGS, Decision.CHECKSUM, Decision.UNPROVABLE])
def test_what_was_asked_for_says_why_it_is_copied(reason: Decision) -> None:
    record, _, folder = plan([entry("a")], [entry("a", etag=OTHER)], Answers(reason))

    assert [line["reason"] for line in whole_lines(folder, record, "copy")] == [reason.value]
    assert record["reasons"] == {reason.value: 1}


def test_every_line_says_why() -> None:
    source = [
        entry("a new"),
        entry("b", size=4),
        entry("c", etag=OTHER, modified=LATER),
        entry("large", size=17 << 30),
    ]
    destination = [entry("b"), entry("c"), entry("orphan")]

    record, _, folder = plan(source, destination)

    assert {
        line["key"]: line["reason"]
        for kind in ("copy", "large", "delete")
        for line in whole_lines(folder, record, kind)
    } == {"a new": "new", "b": "size", "c": "content", "large": "new", "orphan": "orphan"}


def test_no_file_of_a_plan_keeps_the_comparison_waiting() -> None:
    """A worker that finds nothing but orphans would otherwise stand still for each of its PUTs, a round of 80 ms each."""
    with ThreadPoolExecutor(1) as pool:
        writer = PlanWriter.of(memory_folder(), run_of(verify=True), "1-0001", "attempt", pool)

    assert writer.found_current
    writers = (writer.copy, writer.large, writer.delete, writer.restore, writer.found_current)
    assert [one.pool for one in writers] == [pool] * 5
