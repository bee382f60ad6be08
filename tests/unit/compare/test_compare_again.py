"""The comparison at the end of a run: what is taken down, what of it is named, and what its record says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from listed_bucket import ListedBucket
from samples import FOLDER, MemoryS3, compared_record, entry, run_of, wave_of, written_shard

from lambda_functions.shared.compare import verify
from lambda_functions.shared.compare.pieces import Chunk
from lambda_functions.shared.compare.undecided import Resolver
from lambda_functions.shared.compare.verify import SuspectWriter, verify_once
from lambda_functions.shared.invocation import StopRequest, Turn
from lambda_functions.shared.option_rules import Restore
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.s3.listing import Entry
from lambda_functions.shared.work_bucket.run_folder import RunFolder
from lambda_functions.shared.work_items import ToCopy

BEGAN = run_of().start_second()
SECOND = timedelta(seconds=1)
OLD, NEW = BEGAN - SECOND, BEGAN + SECOND
OTHER = "92eb5ffee6ae2fec3ad71c777531578f"


# --- Suspects -----------------------------------------------------------------------------------------------------


def suspects(
    source: list[Entry], destination: list[Entry], **options: Any
) -> tuple[list[Any], dict[str, Any]]:
    """Return the lines that are taken down, and what the record says besides."""
    folder = RunFolder(MemoryS3(), FOLDER)
    run = run_of(**options)
    with ThreadPoolExecutor(1) as pool:
        writer = SuspectWriter.of(folder, run, "1-0001", "attempt", pool)
        writer.decide_all(
            Chunk(source, destination), Resolver(Clients(None, None, None, RequestCounter()), run)
        )
        record = writer.close()
    assert record["shards"]["delete"] == record["shards"]["large"] == []
    return [line for shard in record["shards"]["copy"] for line in folder.read_lines(shard)], record


def line(
    key: str, reason: str, source: str | None, destination: str | None, new: str = "", **other: Any
) -> Any:
    news = {"is_source_new": "source" in new, "is_destination_new": "destination" in new}
    return {
        "key": key, "reason": reason, "source": source, "destination": destination, **news, "is_archived": False, **other
    }  # fmt: skip


def test_what_differs_is_taken_down_with_the_objects_of_both_sides() -> None:
    source = [
        entry("changed", etag="1", modified=OLD),
        entry("gone", etag="2", modified=OLD),
        entry("large", etag="3", modified=OLD, size=17 << 30),
        entry("same", modified=OLD),
    ]
    destination = [
        entry("changed", etag="4", modified=OLD, size=4),
        entry("orphan", etag="5", modified=OLD),
        entry("same"),
    ]

    lines, record = suspects(source, destination)

    assert lines == [
        line("changed", "size", "1", "4"),
        line("gone", "new", "2", None),
        line("large", "new", "3", None),
        line("orphan", "orphan", None, "5"),
    ]
    assert record["writtenMeanwhile"] == 0
    assert record["listed"] == {"source": 4, "destination": 3}


@pytest.mark.parametrize(
    ("source", "destination", "new", "written_meanwhile"),
    [
        (OLD, OLD, "", 0),
        (BEGAN, OLD, "source", 0),  # the run may have copied it
        (NEW, OLD, None, 1),
        (OLD, BEGAN, "destination", 0),
        (OLD, NEW, "destination", 0),
        (BEGAN, BEGAN, "source destination", 0),
        (None, OLD, "", 0),
        (None, BEGAN, "destination", 0),
        (OLD, None, "", 0),
        (NEW, None, None, 1),
    ],
)
def test_new_is_what_is_of_the_second_in_which_the_run_began_or_later_and_a_later_source_is_no_suspect(
    source: datetime | None, destination: datetime | None, new: str | None, written_meanwhile: int
) -> None:
    lines, record = suspects(
        [entry("k", modified=source)] if source else [],
        [entry("k", modified=destination, size=4)] if destination else [],
    )

    found = [(one["is_source_new"], one["is_destination_new"]) for one in lines]
    assert found == ([] if new is None else [("source" in new, "destination" in new)])
    assert record["writtenMeanwhile"] == written_meanwhile


@pytest.mark.parametrize("restore", [None, Restore(1, "Bulk")])
def test_an_archived_source_is_a_suspect_that_says_so_and_nothing_is_asked_of_it(restore: Any) -> None:
    lines, record = suspects([entry("k", etag="1", modified=OLD, storage_class="GLACIER")], [])

    assert lines == [line("k", "new", "1", None, is_archived=True)]
    assert record["reasons"] == {}


# --- A whole verification -----------------------------------------------------------------------------------------


class Dated(ListedBucket):
    """A bucket of objects, of before the run if nothing else is said."""

    def __init__(self, objects: Mapping[str, Mapping[str, Any]], page_keys: int = 1000) -> None:
        super().__init__(objects, page_keys)
        self.objects = objects

    def content(self, key: str) -> dict[str, Any]:
        return {**super().content(key), "LastModified": OLD, **self.objects[key]}


@dataclass
class Clock:
    """A time that goes on only where it is told to."""

    now: float = 0.0

    def turn(self, began: float = 0.0, ends: float = 1000.0, **values: Any) -> Turn:
        return Turn(began, ends, "attempt", lambda: self.now, **values)


@dataclass
class Verifying:
    """Two buckets that a run has compared, and what its records say."""

    source: Dated
    destination: Dated
    options: dict[str, Any] = field(default_factory=dict)
    work: MemoryS3 = field(default_factory=MemoryS3)
    state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = RunFolder.of(self.work, self.run)
        self.compared()

    @property
    def run(self) -> Run:
        return run_of(verify=True, **self.options)

    def compared(
        self, *copies: ToCopy, failures: Iterable[Outcome] = (), copying: Iterable[Outcome] = ()
    ) -> None:
        """Let the records of the run say that this was planned, and who was skipped by the comparison and by the copies."""
        copy = (
            [written_shard(self.folder, "copy/1.jsonl", [one.to_json() for one in copies])] if copies else []
        )
        record = compared_record(shards={"copy": copy})
        named = [one.to_json() for one in failures]
        if named:
            record["failures"] = [self.folder.write_lines("failures/1.jsonl", named)]
        self.state = {"comparison": {"waves": [wave_of(self.folder, record)]}}
        skipped = [one.to_json() for one in copying]
        if skipped:
            files = [self.folder.write_lines("failures/copies.jsonl", skipped)]
            self.folder.write("sums.json", {"failures": files})
            self.state["copies"] = {"sums": "sums.json"}

    def verify(self, turn: Turn | None = None, whole_turn: Turn | None = None) -> dict[str, Any]:
        """Return what the step answers."""
        clients = Clients(self.source, self.destination, self.work, RequestCounter())
        turn = turn or Clock().turn()
        return verify_once(clients, self.run, self.state, turn, whole_turn or turn)

    def record(self) -> dict[str, Any]:
        """Return the record that it has left."""
        record: dict[str, Any] = self.folder.require("verify/verified.json")
        return record

    def named(self) -> dict[str, tuple[str, str]]:
        """Return what is named in the files of the record, and why."""
        folder = self.folder.under("verify")
        return {
            one["key"]: (one["what"], one["error"])
            for file in self.record()["failures"]
            for one in folder.read_lines(file)
        }


def dated(**objects: Mapping[str, Any]) -> Dated:
    return Dated(objects)


def test_two_buckets_that_are_equal_have_no_difference() -> None:
    verifying = Verifying(dated(a={}, b={}), dated(a={"LastModified": NEW}, b={"LastModified": NEW}))

    assert verifying.verify() == {
        "objects": 2,
        "differences": 0,
        "isWhole": True,
        "isStopped": False,
        "broken": "",
    }
    assert (verifying.record()["failures"], verifying.record()["writtenMeanwhile"]) == ([], 0)


def test_every_difference_is_counted_and_named_and_what_others_wrote_is_counted_beside_them() -> None:
    source = dated(
        different={"Size": 4}, missing={}, same={}, written={"LastModified": NEW}, overwritten={"Size": 4}
    )
    destination = dated(different={}, extra={}, overwritten={"LastModified": NEW}, same={"LastModified": NEW})
    verifying = Verifying(source, destination)

    answer = verifying.verify()

    assert (answer["objects"], answer["differences"], answer["isWhole"]) == (6, 3, True)
    assert verifying.named() == {
        "different": ("different", "its size is not that of the source"),
        "extra": ("extra", "the source has nothing under this key, the destination still has"),
        "missing": ("missing", "the destination has nothing under this key any more"),
    }
    record = verifying.record()
    assert record["tally"] == {what: {"objects": 1, "bytes": 0} for what in ("different", "extra", "missing")}
    assert record["writtenMeanwhile"] == 2
    assert {file["file"] for file in record["failures"]} == {"failures/verified-attempt-0001.jsonl"}


def test_the_second_attempt_answers_what_the_first_has_found_and_reads_no_listing() -> None:
    verifying = Verifying(dated(a={}), dated())
    first = verifying.verify()
    verifying.source.asked.clear()

    assert verifying.verify() == first
    assert (first["differences"], verifying.source.asked) == (1, [])


def test_a_listing_that_was_read_is_not_read_again_where_looking_up_what_differs_has_failed() -> None:
    verifying = Verifying(dated(a={}), dated())
    verifying.verify()
    del verifying.work.files[f"{FOLDER}/verify/verified.json"]
    verifying.source.asked.clear()

    assert verifying.verify()["differences"] == 1
    assert verifying.source.asked == []


# --- How far it came ----------------------------------------------------------------------------------------------

STOPPING = StopRequest()


def stopped_after(looks: int) -> Callable[[], StopRequest | None]:
    """Return a look at a run that is to stop from so many looks on."""
    seen = iter(range(10**6))
    return lambda: STOPPING if next(seen) >= looks else None


def test_what_there_was_no_time_to_read_is_no_difference() -> None:
    verifying = Verifying(Dated({"a": {}, "b": {}}, 1), Dated({"a": {}}, 1))

    answer = verifying.verify(Clock(1000.0).turn(), Clock().turn())

    assert answer == {"objects": 1, "differences": 0, "isWhole": False, "isStopped": False, "broken": ""}


def test_a_stop_before_the_first_page_leaves_nothing_verified() -> None:
    verifying = Verifying(dated(a={}), dated())

    answer = verifying.verify(Clock().turn(stop=lambda: STOPPING))

    assert answer == {"objects": 0, "differences": 0, "isWhole": False, "isStopped": True, "broken": ""}


def test_a_stop_after_everything_was_read_takes_nothing_back() -> None:
    verifying = Verifying(dated(a={}), dated(a={}))

    answer = verifying.verify(Clock().turn(stop=stopped_after(2)))

    assert (answer["isWhole"], answer["isStopped"]) == (True, False)


@pytest.mark.parametrize("stop", [lambda: None, stopped_after(1)])
def test_a_listing_that_cannot_be_read_says_why_and_is_not_whole_stopped_or_not(stop: Any) -> None:
    verifying = Verifying(dated(a={}), dated())
    verifying.source.keys = ["b", "a"]
    verifying.source.objects = {"a": {}, "b": {}}

    answer = verifying.verify(Clock().turn(stop=stop))

    assert (answer["objects"], answer["isWhole"], answer["isStopped"]) == (0, False, False)
    assert answer["broken"] == (
        "s3://from/ -> s3://into/ (the whole bucket) could not be compared: "
        "s3://from/ lists 'a' after 'b': its keys are not in order"
    )


def test_a_verification_takes_as_long_as_its_comparison_and_what_came_after_it() -> None:
    """What the worker did before, and what an earlier attempt has read, is not counted twice."""
    clock = Clock(10.0)

    class Slow(MemoryS3):
        """Takes some seconds for each file of the run that is looked up."""

        seconds = 0.0

        def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
            clock.now += self.seconds if Key.endswith("ranges/1.json") else 0.0
            return super().get_object(Bucket=Bucket, Key=Key)

    work = Slow()
    verifying = Verifying(dated(a={}), dated(), work=work)
    verifying.verify(clock.turn(began=8.75))
    del work.files[f"{FOLDER}/verify/verified.json"]
    work.seconds = 2.0006
    verifying.verify(clock.turn(began=5.0))

    assert verifying.record()["seconds"] == 3.251
    compared = verifying.folder.require("verify/compared/1-0001.json")
    assert verifying.record()["requests"] == compared["requests"]


# --- What the second comparison is made with ----------------------------------------------------------------------


def test_it_begins_where_the_run_began_and_ends_nowhere() -> None:
    verifying = Verifying(dated(a={}, b={}, c={}), dated(c={}), {"startAfter": "a"})

    assert (verifying.verify()["objects"], list(verifying.named())) == (2, ["b"])


def test_it_writes_down_nothing_but_what_differs() -> None:
    verifying = Verifying(dated(a={}, b={}), dated(a={"LastModified": NEW}))

    verifying.verify()

    before = {f"{FOLDER}/compared/1-0001.json", f"{FOLDER}/ranges/1.json"}
    assert set(verifying.work.files) - before == {
        f"{FOLDER}/verify/copy/1-0001-0001-attempt.jsonl",
        f"{FOLDER}/verify/compared/1-0001.json",
        f"{FOLDER}/verify/failures/verified-attempt-0001.jsonl",
        f"{FOLDER}/verify/verified.json",
    }


class Asked(Dated):
    """Answers HeadObject too, with nothing that proves anything, or not at all."""

    error: Exception | None = None

    def head_object(self, **asked: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        return {"ServerSideEncryption": "aws:kms"}


def test_what_nothing_can_prove_is_counted_and_no_difference() -> None:
    verifying = Verifying(Asked({"a": {}}), Asked({"a": {"ETag": f'"{OTHER}"'}}), {"unprovable": "copy"})

    assert verifying.verify()["differences"] == 0
    assert (verifying.record()["unprovable"], verifying.named()) == (1, {})


def test_a_key_that_cannot_be_compared_is_a_difference_and_named_as_failed() -> None:
    destination = Asked({"a": {"ETag": f'"{OTHER}"'}})
    destination.error = ConnectionError("the line is dead")
    verifying = Verifying(Asked({"a": {}}), destination)

    assert verifying.verify()["differences"] == 1
    what, why = verifying.named()["a"]
    assert what == "failed" and "the line is dead" in why
    assert verifying.record()["tally"] == {"failed": {"objects": 1, "bytes": 0}}


def test_what_only_one_side_can_have_is_no_difference() -> None:
    """The copies have named it already."""
    verifying = Verifying(dated(**{"k" * 1024: {}}), dated(), {"destinationPrefix": "p/"})

    assert verifying.verify()["differences"] == 0
    assert verifying.named() == {}


# --- Evidence -----------------------------------------------------------------------------------------------------


def test_what_the_run_has_skipped_is_neither_a_difference_nor_written_meanwhile() -> None:
    verifying = Verifying(dated(a={}, b={}, c={}), dated())
    verifying.compared(failures=[Outcome("a", "archived")], copying=[Outcome("b", "vanished")])

    assert verifying.verify()["differences"] == 1
    assert (list(verifying.named()), verifying.record()["writtenMeanwhile"]) == (["c"], 0)


def test_a_copy_of_this_run_in_parts_that_is_of_another_size_is_a_difference_though_it_is_new() -> None:
    large = {"ETag": '"92eb5ffee6ae2fec3ad71c777531578f-2"', "Size": 4}
    verifying = Verifying(
        dated(ours=large, theirs={"Size": 4}), dated(ours={"LastModified": NEW}, theirs={"LastModified": NEW})
    )
    verifying.compared(ToCopy("ours", f"{OTHER}-2", 4), ToCopy("theirs", OTHER, 4))

    assert verifying.verify()["differences"] == 1
    assert verifying.named() == {"ours": ("different", "its size is not that of the source")}
    assert verifying.record()["writtenMeanwhile"] == 1


@pytest.mark.parametrize("is_over", [True, False])
def test_what_there_is_no_time_to_look_up_is_a_difference_unless_it_is_archived(is_over: bool) -> None:
    """Archives may have very many keys, all of which were named already; of others nothing is known."""
    verifying = Verifying(
        dated(archived={"StorageClass": "GLACIER"}, other={"Size": 4}), dated(other={"LastModified": NEW})
    )
    verifying.compared(ToCopy("z", "1", 3))

    verifying.verify(Clock().turn(), Clock(1000.0 if is_over else 0.0).turn())

    assert list(verifying.named()) == (["other"] if is_over else ["archived"])
    assert verifying.record()["writtenMeanwhile"] == (0 if is_over else 1)


def test_suspects_of_many_shards_are_all_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "SHARDS_AT_ONCE", 2)
    monkeypatch.setattr("lambda_functions.shared.compare.plan_writer.FIRST_COPY_KEYS", 1)
    keys = [f"{number:03d}" for number in range(7)]
    verifying = Verifying(Dated({key: {} for key in keys}), dated())

    assert verifying.verify()["differences"] == 7
    assert list(verifying.named()) == keys
