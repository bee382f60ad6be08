"""Fuzzing: a small sample of each target, and that a broken promise is found, made small, told, and can be played again."""

from __future__ import annotations

import importlib
import random
from typing import Any

import pytest
from fuzzing.minimising import minimise
from fuzzing.mutating import changed_bytes, changed_json, changed_text
from fuzzing.running import Target, run
from fuzzing.targets import TARGETS

command = importlib.import_module("fuzzing.__main__")

SEED = 20_261_128
# So many that a sample of all targets takes seconds.
CASES = {
    "report_files": 6,
    "report_keys": 6,
    "key_ranges": 10,
    "key_order": 6,
    "parts": 50,
    "front_matter": 60,
    "state_machine": 40,
}
MOST_CASES = 250


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_sample_of_cases_keeps_every_promise(target: Target) -> None:
    result = run(target, SEED, cases=CASES.get(target.name, MOST_CASES))

    assert list(command.describe_failures(result, SEED)) == []
    assert result.is_good


def numbers(chance: random.Random) -> list[int]:
    return [chance.randint(0, 100) for _ in range(chance.randint(1, 6))]


def accepts_small_numbers(case: list[int]) -> bool:
    assert 7 not in case, "seven"
    return all(number < 50 for number in case)


SEVENS = Target("sevens", numbers, accepts_small_numbers)


def test_a_broken_promise_is_found_made_small_and_can_be_played_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "TARGETS", (SEVENS,))

    assert command.main(["--seed", "3", "--cases", "500"]) == 1
    told = capsys.readouterr().out.splitlines()
    number = told[0].split()[2].rstrip(":")
    assert "AssertionError: seven" in told[0]
    assert told[1:3] == [
        "  smallest case: [7]",
        f"  play it again: python -m tests.fuzzing --seed 3 --only sevens --case {number}",
    ]
    assert command.main(["--seed", "3", "--only", "sevens", "--case", number]) == 1
    assert command.main(["--seed", "3", "--only", "sevens", "--case", str(int(number) - 1)]) == 0


def test_a_target_that_accepts_nothing_tests_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "TARGETS", (Target("closed", numbers, lambda case: False),))

    assert command.main(["--cases", "30"]) == 1
    assert "tests nothing: every case was refused" in capsys.readouterr().out


def test_every_kind_of_failure_is_told_once() -> None:
    def breaks(case: list[int]) -> bool:
        return bool(1 // (case[0] % 5)) and bool({}[case[0] % 3] if case[0] % 3 else True)

    result = run(Target("broken", numbers, breaks), 1, cases=200)

    assert sorted(failure.error.partition(":")[0] for failure in result.failures.values()) == [
        "KeyError",
        "ZeroDivisionError",
    ]
    assert (result.tried, result.accepted + result.refused + result.failed) == (200, 200)


def test_a_case_is_the_same_whatever_was_tried_before() -> None:
    assert [target.case(1, 5) for target in TARGETS] == [target.case(1, 5) for target in TARGETS]
    assert len({repr(SEVENS.case(1, number)) for number in range(50)}) > 40


@pytest.mark.parametrize(
    ("case", "fails", "smallest"),
    [
        ({"a": [1, {"b": "xyz"}], "c": 2}, lambda one: "y" in repr(one), {"a": {"b": "y"}}),
        ("a long text with an é in it", lambda one: "é" in one, "é"),
        ((b"abc", 900), lambda one: one[1] > 100, (b"", 112)),
        (5, lambda one: False, 5),
    ],
)
def test_what_a_failure_does_not_need_is_left_out(case: Any, fails: Any, smallest: Any) -> None:
    assert minimise(case, lambda one: type(one) is not int and fails(one)) == smallest


def test_changes_change_and_leave_the_sample_alone() -> None:
    sample = {"a": [1, 2, {"b": "text"}], "c": "d"}
    before = repr(sample)
    chance = random.Random(1)

    changed = {repr(changed_json(chance, sample, 1)) for _ in range(100)}
    texts = {changed_text(chance, "one two\nthree", 1) for _ in range(100)}
    bodies = {changed_bytes(chance, b"body", 1) for _ in range(100)}

    assert repr(sample) == before
    assert min(len(changed), len(texts), len(bodies)) > 40
