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
from lambda_functions.shared.work_bucket.record_shape import (
    require_range,
    require_sums,
    require_turn,
    require_verified,
)
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


# --- Every field of every record

FILE = {"file": "a", "objects": 1, "sha256": "b"}
SHARD = {**FILE, "bytes": 1}
A_RANGE = {"after": None, "upTo": "a"}
TEXT, FLAG = ["", "a"], [True, False]
COUNT = [0, 1, 10**15]
NO_COUNT = [-1, 1.0, True, None, "1", [], {}]
NUMBER = [0, 0.5, 10**15]
NO_NUMBER = [-0.1, math.inf, math.nan, True, None, "1"]
NO_FILE = [
    {**FILE, "file": 1}, {**FILE, "sha256": None}, {**FILE, "objects": -1}, {"file": "a", "sha256": "b"},
    {"objects": 1, "sha256": "b"}, {"objects": 1, "file": "a"}, "a", None,
]  # fmt: skip
NO_SHARD = [
    *({**SHARD, "bytes": value} for value in (-1, None, "1")),
    {**SHARD, "objects": -1},
    FILE,
    *NO_FILE,
]
AMOUNT = [{"objects": 0, "bytes": 0}, {"objects": 3, "bytes": 12}]
NO_AMOUNT = [
    {"objects": 1},
    {"bytes": 1},
    {"objects": -1, "bytes": 1},
    {"objects": 1, "bytes": -1},
    3,
    None,
    [],
]
CAUSE = [{"objects": 1, "example": None}, {"objects": 0, "example": {"key": "k"}}]
NO_CAUSE = [{"objects": 1}, {"example": {}}, {"objects": -1, "example": {}}, 3, None]
KEY_RANGE = [A_RANGE, {"after": "a", "upTo": None, "id": "1-0001"}, {"after": "a", "upTo": "b"}]
NO_KEY_RANGE = [
    {"after": None},
    {"upTo": None},
    {"after": 1, "upTo": None},
    {"after": None, "upTo": 1},
    "a",
    None,
    [],
]


def each(right: list[Any], wrong: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the same in lists: of what is right there may be any number, of what is wrong none at all."""
    return [[], right], [
        *([value] for value in wrong),
        [right[0], wrong[0]],
        None,
        "a",
        3,
    ]


def by_name(right: list[Any], wrong: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the same under names."""
    return [{}, {str(number): value for number, value in enumerate(right)}], [
        *({"a": right[0], "b": value} for value in wrong), [], None, "a", 3,
    ]  # fmt: skip


COUNTS, COUNTS_BY_NAME = (COUNT, NO_COUNT), by_name(COUNT, NO_COUNT)
OF_A_TURN = {
    "tally": by_name(AMOUNT, NO_AMOUNT),
    "causes": by_name(CAUSE, NO_CAUSE),
    "failures": each([FILE], NO_FILE),
    "requests": COUNTS_BY_NAME,
    "seconds": (NUMBER, NO_NUMBER),
}
OF_A_RANGE = {
    **OF_A_TURN,
    **dict.fromkeys(("listed", "outOfScope", "kept"), COUNTS_BY_NAME),
    **dict.fromkeys(("paired", "orphans", "unprovable", "unusualPages"), COUNTS),
    "shards": by_name(*each([SHARD], NO_SHARD)),
    "broken": (TEXT, [None, 1, []]),
    "range": (KEY_RANGE, NO_KEY_RANGE),
    **dict.fromkeys(("decided", "handedBack"), each(KEY_RANGE, NO_KEY_RANGE)),
}
SOMETIMES = {
    **dict.fromkeys(("filtered", "toSend", "asStandard"), COUNTS_BY_NAME),
    "notOverwritten": COUNTS,
    "toPay": by_name(*by_name(NUMBER, NO_NUMBER)),
    "restores": by_name(AMOUNT, NO_AMOUNT),
}
OF_SUMS = {
    **OF_A_TURN,
    **dict.fromkeys(("turns", "unfinished_objects", "broken", "unclear", "stopped_objects"), COUNTS),
    "unfinished": each(TEXT, [None, 1, ["a"]]),
    "breakages": each([{}, {"id": "a"}], [None, 1, "a", []]),
}
OF_A_VERIFICATION = {
    **OF_A_TURN,
    **dict.fromkeys(("objects", "differences", "writtenMeanwhile", "unprovable"), COUNTS),
    **dict.fromkeys(("isWhole", "isStopped"), (FLAG, [None, 0, 1, "true"])),
    "broken": (TEXT, [None, 1, []]),
}
WHOLE_RANGE = {**RANGE, **{name: right[1] for name, (right, _) in SOMETIMES.items()}}
RECORDS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "turn": (lambda folder, name, record: require_turn(folder, name, record, 0), TURN, OF_A_TURN),
    "range": (require_range, WHOLE_RANGE, {**OF_A_RANGE, **SOMETIMES}),
    "sums": (require_sums, json.loads(json.dumps(SUMS)), OF_SUMS),
    "verification": (require_verified, VERIFIED, OF_A_VERIFICATION),
}  # fmt: skip
FIELDS = [(kind, name) for kind, (_, _, values) in RECORDS.items() for name in values]


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_a_field_of_a_record_may_have_all_values_that_workers_write_and_no_other(
    kind: str, name: str
) -> None:
    """What was overwritten must not be added up: a missing number would be a zero, and true a one."""
    require, record, values = RECORDS[kind]
    folder, (right, wrong) = memory_folder(), values[name]
    for value in right:
        whole = {**record, name: value}
        assert require(folder, NAME, whole) is whole, value
    for value in wrong:
        with pytest.raises(RunFileBroken, match=f'its "{name}" is not what a run writes'):
            require(folder, NAME, {**record, name: value})
            pytest.fail(f"{value} was taken")


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_only_what_came_later_may_be_missing_in_a_record(kind: str, name: str) -> None:
    require, record, _ = RECORDS[kind]
    rest = {key: value for key, value in record.items() if key != name}
    if name in SOMETIMES:
        assert require(memory_folder(), NAME, rest) is rest
    else:
        with pytest.raises(RunFileBroken, match=f'its "{name}" is not what a run writes'):
            require(memory_folder(), NAME, rest)


@pytest.mark.parametrize(
    ("start", "position", "is_stopped", "is_right"),
    [
        (0, 1, False, True), (0, 0, False, False), (0, 0, True, True), (3, 4, False, True), (3, 3, False, False),
        (3, 3, True, True), (3, 2, False, False), (3, 2, True, False), (3, 0, True, False), (3, "4", True, False),
        (0, None, True, False), (0, True, False, False), (0, 1.0, False, False),
    ],
)  # fmt: skip
def test_a_turn_ends_behind_its_beginning_or_there_if_it_was_stopped(
    start: int, position: Any, is_stopped: bool, is_right: bool
) -> None:
    record = {**TURN, "start": start, "next": position, **({"stopped": True} if is_stopped else {})}
    if is_right:
        assert require_turn(memory_folder(), NAME, record, start) is record
    else:
        with pytest.raises(RunFileBroken, match='its "next" is not what a run writes'):
            require_turn(memory_folder(), NAME, record, start)
