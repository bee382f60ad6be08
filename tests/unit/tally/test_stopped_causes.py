"""What a run that a person has stopped says of itself: how far it came, what failed before, and what to do next."""

from __future__ import annotations

from typing import Any

import pytest
from samples import compared_record, shard

from lambda_functions.shared.tally.plan import total_of_records
from lambda_functions.shared.tally.report import Ending, ending, find_gaps, may_have_stragglers
from lambda_functions.shared.tally.stopping import cause, is_stopped
from lambda_functions.shared.tally.sums import WorkTotals

FAILURES = "s3://work-bucket/failures.json"
AGAIN = "Start again: a sync takes up where the last one stopped."
SHARDS = {"copy": [shard("copy/a", 1200)], "delete": [shard("delete/a", 1)]}


def done(stopped: int = 0, **counts: int) -> WorkTotals:
    """Return sums of so many objects by word, and of those that were not begun because of the stop."""
    tally = {what: {"objects": count, "bytes": 0} for what, count in counts.items()}
    named = sum(count for what, count in counts.items() if what in ("failed", "changed", "stopped"))
    return WorkTotals(
        tally,
        failures=[shard("failures/a", named)] if named else [],
        unfinished_objects=stopped,
        stopped_objects=stopped,
    )


@pytest.mark.parametrize("slot", ["comparison", "copies", "deletes"])
def test_whichever_phase_was_cut_short_the_run_is_stopped(slot: str) -> None:
    assert is_stopped({slot: {"stopped": True}}) is True
    assert is_stopped({slot: {"stopped": False}}) is False
    assert is_stopped({slot: {}}) is is_stopped({slot: None}) is is_stopped({}) is False


@pytest.mark.parametrize(
    ("phase", "deletes", "far"),
    [
        ("comparing", 1, "nothing was changed"),
        ("copying", 0, "1,100 of 1,200 objects were copied, nothing was deleted"),
        ("copying", 1, "1,100 of 1,200 objects were copied, nothing was deleted, 1 orphan kept"),
        ("copying", 2000, "1,100 of 1,200 objects were copied, nothing was deleted, 2,000 orphans kept"),
        ("deleting", 2000, "1,100 of 1,200 objects were copied, 1,001 of 2,000 orphans deleted"),
    ],
)
def test_how_far_a_stopped_run_came_is_told_by_its_phase(phase: str, deletes: int, far: str) -> None:
    shards = {**SHARDS, "delete": [shard("delete/a", deletes)] if deletes else []}
    compared = total_of_records([compared_record(shards=shards)])

    told = cause(compared, done(copied=1100), done(deleted=1001), phase, "What next.")

    assert told == f"The run was stopped while {phase}: {far}. What next."


@pytest.mark.parametrize(
    ("undecided", "copied", "deleted", "numbers"),
    [
        (0, {"failed": 1200}, {}, "1,200 failed before that, and 0 had changed meanwhile."),
        (0, {"changed": 1}, {}, "0 failed before that, and 1 had changed meanwhile."),
        (3, {}, {}, "3 failed before that, and 0 had changed meanwhile."),
        (
            3,
            {"failed": 20, "changed": 2},
            {"failed": 100, "changed": 5},
            "123 failed before that, and 7 had changed meanwhile.",
        ),
    ],
)
def test_what_had_failed_or_changed_before_the_stop_is_told_between_how_far_it_came_and_what_to_do(
    undecided: int, copied: dict[str, int], deleted: dict[str, int], numbers: str
) -> None:
    tally = {"failed": {"objects": undecided, "bytes": 0}} if undecided else {}
    compared = total_of_records([compared_record(shards=SHARDS, tally=tally)])

    told = cause(compared, done(**copied), done(**deleted), "copying", "What next.")

    far = "0 of 1,200 objects were copied, nothing was deleted, 1 orphan kept"
    assert told == f"The run was stopped while copying: {far}. {numbers} What next."


def state_of(comparison: dict[str, Any], **slots: Any) -> dict[str, Any]:
    return {"comparison": comparison, **slots}


def compared_with_books(**values: Any) -> tuple[Any, dict[str, Any]]:
    """Return the sums of a comparison of 1,200 copies and one delete, and what its state says of them."""
    sums = total_of_records([compared_record(shards=SHARDS, **values)])
    return sums, {"next": "apply", "books": sums.books()}


def test_a_run_that_is_stopped_while_it_copies_owes_no_deletes() -> None:
    sums, comparison = compared_with_books()
    copied = done(copied=1000, stopped=200)
    state = state_of(comparison, copies={"next": "report", "stopped": True})

    assert ending(state, sums, copied, WorkTotals(), FAILURES) == Ending(
        "Stopped",
        "The run was stopped while copying: 1,000 of 1,200 objects were copied, nothing was deleted, 1 orphan kept. "
        + AGAIN,
        "copying",
    )
    assert list(find_gaps(state, sums, copied, WorkTotals())) == []


def test_deletes_that_nobody_stopped_and_that_were_not_begun_are_missed() -> None:
    sums, comparison = compared_with_books()
    state = state_of(comparison, copies={"next": "report"})

    assert list(find_gaps(state, sums, done(copied=1200), WorkTotals())) == [
        "1 deletes were planned and none was begun"
    ]


def test_a_stopped_run_of_which_a_worker_left_no_word_is_started_again_when_that_must_be_over() -> None:
    sums, comparison = compared_with_books()
    copied = done(copied=1000, stopped=200) + WorkTotals(unclear=1)
    state = state_of(comparison, copies={"next": "report", "stopped": True})

    assert ending(state, sums, copied, WorkTotals(), FAILURES).cause.endswith(
        ". Start again in 16 minutes, when its last Lambda must be over: a sync takes up where the last one stopped."
    )


def test_a_stopped_run_whose_books_do_not_balance_says_that_and_not_that_it_was_stopped() -> None:
    """What is lost is no matter of the stop, and nobody would look for it behind that word."""
    sums, comparison = compared_with_books()
    copied = done(copied=999, stopped=200)
    state = state_of(comparison, copies={"next": "report", "stopped": True})

    assert ending(state, sums, copied, WorkTotals(), FAILURES) == Ending(
        "SyncIncomplete",
        "the books do not balance: of 1,200 objects in the account of the copies, 1,199 are accounted for (999 copied, "
        "0 changed, 0 failed, 0 skipped, 200 not begun).",
        "copying",
    )


ERROR = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "too many failed"}


def test_a_map_that_a_stop_has_ended_is_no_error_and_nothing_of_it_is_still_at_work() -> None:
    """Shards that had not begun failed because they were asked to; the next run need not wait for them."""
    sums, comparison = compared_with_books()
    copied = done(copied=1000, stopped=200)
    ended = {"next": "report", "stopped": True, "endsMap": True}
    state = state_of(comparison, copies=ended, error=ERROR)

    assert ending(state, sums, copied, WorkTotals(), FAILURES) == Ending(
        "Stopped",
        "The run was stopped while copying: 1,000 of 1,200 objects were copied, nothing was deleted, 1 orphan kept. "
        + AGAIN,
        "copying",
    )
    assert may_have_stragglers(state, copied) is False


@pytest.mark.parametrize(("ends_map", "broken"), [(True, 1), (False, 0)])
def test_a_map_in_which_something_broke_besides_or_that_no_stop_has_ended_is_a_run_that_broke(
    ends_map: bool, broken: int
) -> None:
    sums, comparison = compared_with_books()
    copied = done(copied=1000, stopped=200) + WorkTotals(broken=broken)
    ended = {"next": "report", "stopped": True, "endsMap": ends_map}
    state = state_of(comparison, copies=ended, error=ERROR)

    assert ending(state, sums, copied, WorkTotals(), FAILURES) == Ending(
        "SyncIncomplete",
        "the run broke while copying: States.ExceedToleratedFailureThreshold: too many failed. The logs of its Lambdas say more. "
        "What it had done by then is in the report. Start again in 16 minutes, when its last Lambda must be over: a sync takes "
        "up where the last one stopped.",
        "copying",
    )
    assert may_have_stragglers(state, copied) is True
