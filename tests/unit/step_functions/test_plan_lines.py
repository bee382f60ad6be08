"""Reading the plan of a run: all lines of all waves in the order of keys, and nothing that is not whole."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.errors import ExecutionFailed
from deployment.step_functions.plan_lines import KINDS, SIGNS, lines_in_order, read_plan
from deployment.step_functions.run_report import RunFolder
from tests.fake_executions import ARN, FOLDER
from tests.planned_runs import PlannedBucket, planned, report_of


def reading(aws: PlannedBucket, copies: int, deletes: int) -> list[list[Any]]:
    folder = RunFolder(aws.installation(), ARN, "work")
    return list(lines_in_order(folder, read_plan(folder, report_of(copies, deletes))))


def two_waves() -> PlannedBucket:
    """The first worker decides keys here and there, the second wave those between."""
    aws = PlannedBucket()
    copy = [[planned("a", "new"), planned("z", "size")], [planned("m", "tags"), planned("n", "new")]]
    aws.put_wave(1, [{"copy": copy, "delete": [[planned("b", "orphan", 9)]]}], back=True)
    aws.put_wave(
        2,
        [
            {"copy": [[planned("c", "checksum")]], "large": [[planned("d", "new", 5 << 40)]]},
            {"delete": [[planned("y", "orphan")]]},
        ],
    )
    return aws


def test_the_lines_of_all_waves_come_in_the_order_of_keys_with_reason_and_size() -> None:
    assert reading(two_waves(), copies=6, deletes=2) == [
        ["a", "new", 3],
        ["b", "orphan", 9],
        ["c", "checksum", 3],
        ["d", "new", 5 << 40],
        ["m", "tags", 3],
        ["n", "new", 3],
        ["y", "orphan", 3],
        ["z", "size", 3],
    ]


def test_a_plan_says_how_many_lines_each_sign_has() -> None:
    folder = RunFolder(two_waves().installation(), ARN, "work")
    plan = read_plan(folder, report_of(6, 2))

    assert {sign: plan.count(sign) for sign in KINDS} == {"+": 3, "*": 2, "~": 1, "-": 2, "^": 0}


def test_every_reason_has_one_sign() -> None:
    assert SIGNS == {
        "new": "+", "size": "*", "content": "*", "checksum": "*", "unprovable": "*", "": "*",
        "metadata": "~", "tags": "~", "orphan": "-", "restore": "^",
    }  # fmt: skip


def test_lines_without_a_reason_are_new_where_they_replace_nothing() -> None:
    """An earlier deployment has written them."""
    aws = PlannedBucket()
    old = [planned("b", ""), {**planned("a", ""), "was": None}]
    aws.put_wave(1, [{"copy": [old], "delete": [[{"key": "c", "etag": "x", "size": 1}]]}])
    del aws.objects[f"{FOLDER}/compared/1-0001.json"]["reasons"]

    assert reading(aws, 2, 1) == [["a", "new", 3], ["b", "", 3], ["c", "orphan", 1]]


def test_a_reason_that_only_a_later_deployment_knows_is_a_line_all_the_same() -> None:
    aws = PlannedBucket()
    aws.put_wave(1, [{"copy": [[planned("a", "annotations")]]}])

    assert reading(aws, 1, 0) == [["a", "", 3]]


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("shard cut", "copy/1-0001-0000-attempt.jsonl was overwritten: its SHA-256 is not that of what was written."),
        ("shard gone", "copy/1-0001-0000-attempt.jsonl is not there: the run's files have expired, or the run has left none."),
        ("record gone", "compared/2-0001.json is not there: the run's files have expired, or the run has left none."),
        ("wave gone", "ranges/2.json is not there: the run's files have expired, or the run has left none."),
        ("another's record", "compared/2-0001.json is not that file of this run: it says that it is runs/x/2-0001.json."),
        ("odd record", "compared/ is not what a run writes."),
        ("fewer lines", "compared/ has 8 planned lines, and the report says that there are 9."),
    ],
)  # fmt: skip
def test_nothing_that_is_not_whole_is_listed(harm: str, why: str) -> None:
    aws = two_waves()
    record, shard = f"{FOLDER}/compared/2-0001.json", f"{FOLDER}/copy/1-0001-0000-attempt.jsonl"
    if harm == "shard cut":
        aws.objects[shard] = aws.objects[shard].splitlines(keepends=True)[0]
    elif harm == "another's record":
        aws.objects[record]["file"] = "runs/x/2-0001.json"
    elif harm == "odd record":
        del aws.objects[record]["shards"]
    elif harm.endswith("gone"):
        del aws.objects[
            {"shard": shard, "record": record, "wave": f"{FOLDER}/ranges/2.json"}[harm.split()[0]]
        ]

    with pytest.raises(ExecutionFailed) as caught:
        reading(aws, 6 if harm != "fewer lines" else 7, 2)
    assert str(caught.value) == f"s3://work/{FOLDER}/{why}"


def test_a_comparison_that_broke_has_no_whole_plan() -> None:
    aws = two_waves()
    aws.objects[f"{FOLDER}/compared/2-0002.json"]["broken"] = "photos could not be listed"

    with pytest.raises(
        ExecutionFailed, match=r"^There is no whole plan of this run: photos could not be listed\.$"
    ):
        reading(aws, 6, 2)
