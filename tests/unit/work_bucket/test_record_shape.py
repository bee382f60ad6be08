"""Records: what workers write is read, and what nobody writes is never added up as if it were a zero."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from samples import FOLDER, compared_record, memory_folder, shard

from lambda_functions.shared.compare.waves import read_wave, write_wave
from lambda_functions.shared.tally.sums import WorkTotals, add_up, read_totals
from lambda_functions.shared.tally.verification import read_verification
from lambda_functions.shared.work_bucket.record_shape import require_range
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

TURN = {
    "shard": "copy-000001", "start": 0, "next": 3, "tally": {"copied": {"objects": 3, "bytes": 12}}, "causes": {}, "failures": [],
    "requests": {"COPY": 3}, "startedAt": "2026-11-22T10:11:12.345Z", "seconds": 1.5,
}  # fmt: skip
MISSING = object()
NAME = "copied/copy-000001-0.json"
ITEMS = [{"id": "copy-000001", "file": "copy/a.jsonl", "objects": 3}]


class NeverOver:
    def is_over(self) -> bool:
        return False

    def ends_map(self) -> bool:
        return False


def added_up(record: dict[str, Any]) -> WorkTotals:
    folder = memory_folder()
    folder.write(NAME, record)
    return add_up(folder, "copied", ITEMS, 0, WorkTotals(), NeverOver())[1]  # type: ignore[arg-type]


def test_the_record_of_a_turn_is_added_up() -> None:
    sums = added_up(TURN)

    assert (sums.tally, sums.requests, sums.unfinished_objects) == (TURN["tally"], TURN["requests"], 0)


@pytest.mark.parametrize("name", ["next", "tally", "causes", "failures", "requests", "seconds"])
def test_what_the_record_of_a_turn_does_not_say_is_not_zero(name: str) -> None:
    with pytest.raises(RunFileBroken) as caught:
        added_up({key: value for key, value in TURN.items() if key != name})

    assert str(caught.value) == (
        f's3://work-bucket/{FOLDER}/{NAME} was overwritten: its "{name}" is not what a run writes. '
        "Nothing can be concluded from it"
    )


# A turn that ends where it began would be read again and again, for ever.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("next", value) for value in (0, -1, "3", None, True, 2.5)),
        *(("tally", value) for value in ([], {"copied": 3}, {"copied": {"objects": 3}}, {"copied": {"objects": "", "bytes": 1}})),
        *(("tally", {"copied": {"objects": value, "bytes": 0}}) for value in (-1, None, True, 1e3)),
        *(("causes", value) for value in ([], {"a": {}}, {"a": {"objects": 1}})),
        *(("failures", value) for value in ({}, [{}], ["a"], [{"file": "a", "objects": 1}])),
        *(("requests", value) for value in ([], {"COPY": None}, {"COPY": "3"})),
        *(("seconds", value) for value in (None, "1", -1, math.inf, math.nan)),
    ],
)  # fmt: skip
def test_a_record_with_another_kind_of_value_is_broken(name: str, value: Any) -> None:
    with pytest.raises(RunFileBroken, match=f'its "{name}" is not what a run writes'):
        added_up({**TURN, name: value})


def test_a_turn_that_was_stopped_may_have_begun_nothing() -> None:
    stopped = {**TURN, "next": 0, "stopped": True, "tally": {}, "requests": {}}

    assert added_up(stopped).stopped_objects == 3


def compared(record: dict[str, Any]) -> None:
    folder = RunFolder(memory_folder().client, FOLDER)
    wave = write_wave(folder, 1, [{"after": None, "upTo": None}])
    folder.write("compared/1-0001.json", record)
    read_wave(folder, {**wave, "index": "ranges/1.json"})


RANGE = compared_record(shards={"copy": [shard("copy/a.jsonl")]}, listed=(2, 1))


@pytest.mark.parametrize(
    "more",
    [
        *({}, {"filtered": {"source": 1}}, {"toPay": {"byClass": {"STANDARD": 3}}}),
        {"restores": {"GLACIER": {"objects": 1, "bytes": 2}}},
    ],
)  # fmt: skip
def test_the_record_of_a_range_is_read(more: dict[str, Any]) -> None:
    compared({**RANGE, **more})


@pytest.mark.parametrize(
    "name",
    [
        "tally",
        "listed",
        "outOfScope",
        "kept",
        "paired",
        "orphans",
        "unprovable",
        "shards",
        "broken",
        "range",
        "decided",
        "handedBack",
    ],
)
def test_what_the_record_of_a_range_does_not_say_is_not_zero(name: str) -> None:
    with pytest.raises(RunFileBroken, match=f'its "{name}" is not what a run writes'):
        compared({key: value for key, value in RANGE.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("orphans", value) for value in (-1, "0", None, True)),
        *(("listed", value) for value in ([], {"source": "2"}, {"source": None})),
        *(("shards", value) for value in ([], {"copy": 1}, {"copy": [{"file": "a", "objects": 1, "sha256": "b"}]})),
        *(("notOverwritten", value) for value in (None, -1)),
        ("filtered", {"source": "1"}),
        ("toPay", {"byClass": 3}),
        ("restores", {"GLACIER": 1}),
        ("broken", None),
        *(
            (name, value)
            for name in ("decided", "handedBack")
            for value in (None, [{"after": "a"}], [{"after": 1, "upTo": None}], ["a"])
        ),
        *(("range", value) for value in (None, [], {"after": None})),
    ],
)  # fmt: skip
def test_a_record_of_a_range_with_another_kind_of_value_is_broken(name: str, value: Any) -> None:
    with pytest.raises(RunFileBroken, match=f'its "{name}" is not what a run writes'):
        require_range(memory_folder(), "compared/1-0001.json", {**RANGE, name: value})


SUMS = WorkTotals(
    tally={"failed": {"objects": 1, "bytes": 3}},
    failures=[{"file": "failures/a.jsonl", "objects": 1, "sha256": "b"}],
    unfinished=["copy-000002"],
).to_json()


def read_sums(document: dict[str, Any]) -> WorkTotals:
    folder = memory_folder()
    folder.write("tally/copied-1.json", document)
    return read_totals(folder, {"sums": "tally/copied-1.json", "tally": SUMS["tally"]})


def test_sums_are_read_as_they_were_written() -> None:
    assert json.dumps(read_sums(SUMS).to_json()) == json.dumps(SUMS)


@pytest.mark.parametrize("name", SUMS)
def test_sums_that_lack_something_are_broken(name: str) -> None:
    with pytest.raises(
        RunFileBroken, match=rf'tally/copied-1\.json was overwritten: its "{name}" is not what a run writes'
    ):
        read_sums({key: value for key, value in SUMS.items() if key != name})


@pytest.mark.parametrize("value", [None, True, -1, {"a": "1"}, [None], "3"])
@pytest.mark.parametrize("name", SUMS)
def test_sums_with_another_kind_of_value_are_broken(name: str, value: Any) -> None:
    if name == "unfinished" and value == "3":
        value = 3
    with pytest.raises(RunFileBroken, match=f'its "{name}" is not what a run writes'):
        read_sums({**SUMS, name: value})


VERIFIED = {
    **{name: TURN[name] for name in ("tally", "causes", "failures", "requests", "seconds")},
    "objects": 3, "differences": 0, "writtenMeanwhile": 0, "unprovable": 0, "isWhole": True, "isStopped": False, "broken": "",
}  # fmt: skip


def read_verified(document: dict[str, Any]) -> None:
    folder = memory_folder()
    folder.under("verify").write("verified.json", document)
    read_verification(folder, {"verification": {"objects": 3}})


def test_the_record_of_a_verification_is_read() -> None:
    read_verified(VERIFIED)


@pytest.mark.parametrize("value", [MISSING, None, -1, ["a"]])
@pytest.mark.parametrize("name", VERIFIED)
def test_a_verification_that_lacks_something_is_broken(name: str, value: Any) -> None:
    """Report would break at it else, and leave the run without a report, and its lease where it is."""
    document = {**VERIFIED, name: value}
    if value is MISSING:
        del document[name]
    with pytest.raises(RunFileBroken, match=f'its "{name}" is not what a run writes'):
        read_verified(document)
