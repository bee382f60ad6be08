"""What a run says of the comparison at its end: that it was right, what differs, or why nothing is known."""

from __future__ import annotations

from typing import Any

import pytest
from samples import memory_folder, run_of

from lambda_functions.shared.tally.report import Ending
from lambda_functions.shared.tally.sums import WorkTotals
from lambda_functions.shared.tally.verification import (
    Verification,
    ending,
    next_after,
    read_verification,
)
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

FAILURES = "s3://work-bucket/failures.json"
KEYS = [f"key-{number}" for number in range(5)]


def record(**values: Any) -> dict[str, Any]:
    """Return what a comparison of 1,200 keys without a difference leaves, if nothing else is said."""
    return {
        "objects": 1200,
        "isWhole": True,
        "isStopped": False,
        "broken": "",
        "differences": 0,
        "writtenMeanwhile": 2,
        "unprovable": 0,
        "tally": {},
        "causes": {},
        "failures": [],
        "requests": {"LIST": 4},
        "seconds": 7.5,
        **values,
    }


# --- Whether there is one ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verify", "is_right", "step"),
    [(True, True, "verify"), (True, False, "report"), (False, True, "report"), (False, False, "report")],
)
def test_only_a_run_that_is_asked_to_and_went_right_is_compared_once_more(
    verify: bool, is_right: bool, step: str
) -> None:
    assert next_after(run_of(verify=verify), is_right) == step


@pytest.mark.parametrize("state", [{}, {"verification": None}, {"verification": {}}])
def test_a_run_that_never_came_to_it_has_found_nothing(state: dict[str, Any]) -> None:
    assert read_verification(memory_folder(), state) is None


@pytest.mark.parametrize(
    ("slot", "why"),
    [
        (
            {"Error": "Sandbox.Timedout", "Cause": '{"errorMessage": "too slow"}'},
            "Sandbox.Timedout: too slow",
        ),
        ({"Error": "States.Timeout"}, "States.Timeout: "),
        ({"Cause": "no name"}, ": no name"),
    ],
)
def test_what_broke_it_is_read_from_what_its_catch_has_left(slot: dict[str, str], why: str) -> None:
    assert read_verification(memory_folder(), {"verification": slot}) == Verification(error=why)


def found_in(folder: RunFolder, *files: list[str], **values: Any) -> Verification:
    """Write a record that names these keys, a file each; return what is read of it."""
    there = folder.under("verify")
    failures = [
        there.write_lines(f"failures/{number}.jsonl", [{"key": key, "what": "missing"} for key in keys])
        for number, keys in enumerate(files)
    ]
    there.write("verified.json", record(failures=failures, **values))
    found = read_verification(folder, {"verification": {"objects": 1200}})
    assert found is not None
    return found


def test_its_record_is_read_with_the_first_three_keys_of_its_first_file() -> None:
    found = found_in(memory_folder(), KEYS[:4], KEYS[4:], differences=5)

    assert found.first == ["key-0", "key-1", "key-2"]
    assert (found.error, found.record["differences"]) == ("", 5)
    assert found_in(memory_folder(), KEYS[:1], KEYS[1:]).first == ["key-0"]
    assert found_in(memory_folder()).first == []


def test_its_files_are_named_as_the_folder_of_the_run_knows_them() -> None:
    folder = memory_folder()
    found = found_in(folder, KEYS[:1], KEYS[1:])

    assert [file["file"] for file in found.failures] == [
        "verify/failures/0.jsonl",
        "verify/failures/1.jsonl",
    ]
    assert [line["key"] for file in found.failures for line in folder.read_lines(file)] == KEYS


def test_a_record_that_is_not_there_or_is_none_is_an_error_and_no_equal_buckets() -> None:
    folder, state = memory_folder(), {"verification": {"objects": 1200}}
    with pytest.raises(RunFileBroken, match=r"/verify/verified\.json is not there"):
        read_verification(folder, state)
    folder.under("verify").write("verified.json", record(differences=None))
    with pytest.raises(RunFileBroken, match=r'/verify/verified\.json was overwritten: its "differences"'):
        read_verification(folder, state)


# --- What the report has of it -----------------------------------------------------------------------------------


def test_what_it_took_and_why_keys_are_named_is_added_to_the_sums_of_the_run() -> None:
    causes = {"missing": {"objects": 1, "example": {"key": "a"}}}
    found = Verification(record(causes=causes, differences=1))

    assert found.totals() == WorkTotals(causes=causes, requests={"LIST": 4}, turns=1, seconds=7.5)
    assert Verification(error="why").totals() == WorkTotals()


def test_the_report_tells_what_was_compared_what_differs_and_what_was_written_meanwhile() -> None:
    assert Verification(record(differences=3, unprovable=4)).to_json() == {
        "objects": 1200,
        "isWhole": True,
        "differences": 3,
        "writtenMeanwhile": 2,
        "unprovable": 4,
    }
    assert Verification(error="why").to_json() == {} and Verification(error="why").failures == []


NOT_ALL = (
    "Verified were the first 1,200 keys that there was time for; `fab verify from into` compares all of them."
)
UNPROVABLE = "{} could be verified as far as size and date only: no checksum tells."


@pytest.mark.parametrize(
    ("values", "warnings"),
    [
        ({}, []),
        ({"isWhole": False}, [NOT_ALL]),
        ({"unprovable": 1}, [UNPROVABLE.format("1 object")]),
        ({"isWhole": False, "unprovable": 1200}, [NOT_ALL, UNPROVABLE.format("1,200 objects")]),
        ({"isWhole": False, "isStopped": True, "unprovable": 1}, []),
        ({"isWhole": False, "broken": "denied", "unprovable": 1}, []),
    ],
)
def test_what_was_not_verified_although_nothing_is_wrong_is_a_warning(
    values: dict[str, Any], warnings: list[str]
) -> None:
    assert Verification(record(**values)).warnings(run_of().options) == warnings


def test_a_comparison_that_left_no_record_warns_of_nothing() -> None:
    assert Verification(error="why").warnings(run_of().options) == []


# --- How the run ends --------------------------------------------------------------------------------------------


def test_a_run_that_was_not_to_be_compared_once_more_has_nothing_to_say_of_it() -> None:
    assert ending(run_of(), None, FAILURES) == Ending()


def test_a_run_that_was_to_be_compared_once_more_and_was_not_is_no_success() -> None:
    assert ending(run_of(verify=True), None, FAILURES) == Ending(
        "SyncIncomplete", "the buckets were to be compared once more, and were not.", "verifying"
    )


@pytest.mark.parametrize(
    "found",
    [Verification(error="denied"), Verification(record(broken="denied", differences=3, isStopped=True))],
    ids=["no record", "a record that says so"],
)
def test_a_comparison_that_broke_is_no_success_whatever_else_it_found(found: Verification) -> None:
    assert ending(run_of(verify=True), found, FAILURES) == Ending(
        "SyncIncomplete",
        "everything was copied and deleted, and comparing once more broke: denied. `fab verify from into` tells whether the "
        "buckets are equal.",
        "verifying",
    )


@pytest.mark.parametrize(
    ("number", "first", "what", "named"),
    [
        (1, KEYS[:1], "1 object differs", "'key-0'"),
        (2, KEYS[:2], "2 objects differ", "'key-0', 'key-1'"),
        (3, KEYS[:3], "3 objects differ", "'key-0', 'key-1', 'key-2'"),
        (4, KEYS[:3], "4 objects differ", "'key-0', 'key-1', 'key-2' and 1 more"),
        (1203, KEYS[:3], "1,203 objects differ", "'key-0', 'key-1', 'key-2' and 1,200 more"),
    ],
)
@pytest.mark.parametrize("is_stopped", [False, True])
def test_what_differs_is_counted_and_the_first_keys_are_named(
    number: int, first: list[str], what: str, named: str, is_stopped: bool
) -> None:
    found = Verification(record(differences=number, isStopped=is_stopped), first=first)

    assert ending(run_of(verify=True), found, FAILURES) == Ending(
        "NotInSync",
        f"{what} between s3://from/ and s3://into/ after the run, and nobody is known to have written them meanwhile: {named}. "
        f"The files that {FAILURES} lists name all of them. Start again: a sync makes them equal.",
        "verifying",
    )


@pytest.mark.parametrize(("objects", "keys"), [(1, "1 key"), (1200, "1,200 keys")])
def test_a_stop_that_came_while_it_compared_says_how_many_keys_it_had_compared(
    objects: int, keys: str
) -> None:
    found = Verification(record(isStopped=True, isWhole=False, objects=objects))

    assert ending(run_of(verify=True), found, FAILURES) == Ending(
        "Stopped",
        f"The run was stopped while verifying: everything was copied and deleted, and {keys} compared once more, without a "
        "difference.",
        "verifying",
    )


@pytest.mark.parametrize("values", [{}, {"isWhole": False}, {"unprovable": 7}])
def test_a_comparison_without_a_difference_is_a_success(values: dict[str, Any]) -> None:
    assert ending(run_of(verify=True), Verification(record(**values)), FAILURES) == Ending()
