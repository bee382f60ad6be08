"""A run that broke while it compared or before it had added up: what its report still knows, and what it owns up to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from samples import (
    EXECUTION,
    FOLDER,
    client_error,
    compared_record,
    compared_state,
    memory_folder,
    run_of,
    shard,
    wave_of,
)

from lambda_functions.shared.compare.waves import range_record_name
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.tally.breakage import Breakage, name_of
from lambda_functions.shared.tally.ending import (
    _incomplete_warning,
    _is_compared,
    _uncounted_warning,
    _with_uploads_left,
    end_run,
)
from lambda_functions.shared.tally.plan import total_of_records
from lambda_functions.shared.tally.report import Ending
from lambda_functions.shared.work_bucket.leases import lease_key
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

ERROR = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": ""}


def end(folder: RunFolder, **state: Any) -> dict[str, Any]:
    clients = Clients(None, None, folder.client, RequestCounter())
    run = {"verdict": "valid", **run_of().to_json(), "requests": {}}
    whole = {"execution": EXECUTION, "input": {}, "run": run, **state}
    return end_run(clients, whole, Turn(0.0, 900.0, "request", lambda: 0.0))


def broke(folder: RunFolder, item: str) -> None:
    """Let a child leave word of what broke it."""
    folder.write(name_of(item), asdict(Breakage(item, "KeyError", f"KeyError: {item} it was")))


def comparison_in_its_second_wave(folder: RunFolder) -> dict[str, Any]:
    """Return the state of a comparison whose second wave, of three ranges, was never added up; one of them left no record."""
    first = compared_record(listed=(100, 20))
    one = wave_of(folder, first, wave=1)
    second = [compared_record("2-0001", listed=(3, 4)), None, compared_record("2-0003", listed=(30, 40))]
    two = wave_of(folder, *second, wave=2)
    sums = total_of_records([first])
    return {"next": "compare", "wave": 2, "waves": [one], **two, "books": sums.books(), "tally": sums.tally}


# --- A wave ------------------------------------------------------------------------------------------------------


def test_what_is_there_of_a_wave_that_broke_is_in_the_report_beside_the_waves_before() -> None:
    folder = memory_folder()
    comparison = comparison_in_its_second_wave(folder)
    broke(folder, "2-0002")
    broke(folder, "1-0001")  # which was tried again, and has a record

    result = end(folder, comparison=comparison, error=ERROR)

    assert result["report"]["listed"] == {"source": 133, "destination": 64}
    assert (result["outcome"], result["report"]["phase"]) == ("SyncIncomplete", "comparing")
    assert result["cause"] == (
        "the run broke while comparing: 2-0002: KeyError: 2-0002 it was. The logs of its Lambdas say more. What it had done by "
        "then is in the report. Start again now: a sync takes up where the last one stopped."
    )


def test_a_record_of_a_wave_before_that_is_gone_is_a_report_that_is_incomplete_and_says_so() -> None:
    folder = memory_folder()
    comparison = comparison_in_its_second_wave(folder)
    folder.remove(range_record_name("1-0001"))

    result = end(folder, comparison=comparison, error=ERROR)

    assert result["report"]["listed"] == {"source": 100, "destination": 20}, "what the state carries"
    assert result["report"]["warnings"] == [
        "The requests, the cost and the names of keys in this report are incomplete: 1 of 1 ranges left no record, first "
        f"s3://work-bucket/{FOLDER}/compared/1-0001.json. Nothing can be concluded from it."
    ]


def test_a_wave_that_was_added_up_and_found_broken_is_reported_as_far_as_it_has_records() -> None:
    folder = memory_folder()
    comparison = comparison_in_its_second_wave(folder)
    first = [compared_record(listed=(100, 20))]
    second = [
        compared_record(f"2-000{number}", listed=(3 * ten, 4 * ten)) for number, ten in ((1, 1), (3, 10))
    ]
    sums = total_of_records([*first, *second])
    index = {name: comparison.pop(name) for name in ("index", "items", "sha256")}
    comparison |= {
        "next": "report",
        "waves": [*comparison["waves"], index],
        "books": sums.books(),
        "plan": sums.plan,
        "broken": "1 of 3 ranges left no record",
    }

    result = end(folder, comparison=comparison)

    assert result["report"]["listed"] == {"source": 133, "destination": 64}
    assert (result["cause"], result["report"]["warnings"]) == (
        "1 of 3 ranges left no record. Nothing was changed.",
        [],
    )


def test_what_broke_in_a_wave_that_was_added_up_after_all_is_not_what_ended_the_run() -> None:
    folder = memory_folder()
    record = compared_record(shards={"copy": [shard("copy/a", 5)]})
    wave = wave_of(folder, record)
    sums = total_of_records([record])
    broke(folder, "1-0001")
    comparison = compared_state(wave, sums)

    result = end(folder, comparison=comparison, error={"Error": "States.Timeout", "Cause": "late"})

    assert result["cause"].startswith("the run broke while copying: States.Timeout: late. ")


@pytest.mark.parametrize("comparison", [None, {}])
def test_a_run_that_broke_before_it_compared_anything_has_a_report_of_zeros(
    comparison: dict[str, Any] | None,
) -> None:
    result = end(memory_folder(), comparison=comparison, error=ERROR)

    assert (result["outcome"], result["report"]["phase"]) == ("SyncIncomplete", "starting")
    assert result["cause"].startswith(
        "the run broke while starting: States.ExceedToleratedFailureThreshold: . "
    )
    assert result["report"]["listed"] == {"source": 0, "destination": 0}
    assert result["report"]["warnings"] == []


# --- What a report owns up to ------------------------------------------------------------------------------------


APPLY = {"next": "apply"}


@pytest.mark.parametrize(
    ("state", "done"),
    [
        ({"comparison": APPLY}, "copied"),
        ({"comparison": APPLY, "copies": None}, "copied"),
        ({"comparison": APPLY, "copies": {"next": "tally"}}, "copied"),
        ({"comparison": APPLY, "copies": {"next": "report"}}, ""),
        ({"comparison": APPLY, "copies": {"next": "delete"}}, "deleted"),
        ({"comparison": APPLY, "copies": {"next": "delete"}, "deletes": {"next": "tally"}}, "deleted"),
        ({"comparison": APPLY, "copies": {"next": "delete"}, "deletes": {"next": "report"}}, ""),
        ({"comparison": {"wave": 1}}, ""),
        ({"comparison": APPLY, "copies": {"next": "verify"}, "verification": {"Error": "x"}}, ""),
        ({}, ""),
    ],
)
def test_a_phase_that_broke_before_it_was_added_up_is_counted_too_low_and_the_report_says_so(
    state: dict[str, Any], done: str
) -> None:
    warning = f'The run broke before it had added up what it {done}: "{done}" in this report is too small.'

    assert _uncounted_warning({**state, "error": ERROR}) == ([warning] if done else [])
    assert _uncounted_warning(state) == _uncounted_warning({**state, "error": None}) == []


@pytest.mark.parametrize(
    ("state", "numbers"),
    [
        ({}, "counts, the requests"),
        ({"comparison": None}, "counts, the requests"),
        ({"comparison": {"wave": 1}}, "counts, the requests"),
        ({"comparison": {"books": {}}}, "requests"),
    ],
)
def test_counts_are_incomplete_as_well_where_nothing_was_added_up_before_a_file_was_lost(
    state: dict[str, Any], numbers: str
) -> None:
    assert _incomplete_warning(state, RunFileBroken("it is gone")) == (
        f"The {numbers}, the cost and the names of keys in this report are incomplete: it is gone."
    )


@pytest.mark.parametrize(
    ("comparison", "is_compared"),
    [
        ({"plan": {}}, True),
        ({"plan": {}, "broken": "", "stopped": False}, True),
        ({"plan": {}, "broken": "denied"}, False),
        ({"plan": {}, "stopped": True}, False),
        ({"wave": 1}, False),
        ({}, False),
        (None, False),
    ],
)
def test_what_was_not_listed_is_missing_only_where_both_sides_were_read_to_the_end(
    comparison: dict[str, Any] | None, is_compared: bool
) -> None:
    assert _is_compared({"comparison": comparison}) is is_compared


def test_uploads_that_are_left_are_one_sentence_more_of_a_run_that_has_failed_anyway() -> None:
    ending = Ending("NotInSync", "1 object differs.", "verifying")

    assert _with_uploads_left(ending, [], "into") is ending
    assert _with_uploads_left(ending, ["the upload x was not aborted"], "into") == Ending(
        "NotInSync",
        "1 object differs. The upload x was not aborted; the next run into into tries again, and until then their parts cost "
        "money.",
        "verifying",
    )


def test_the_files_that_a_report_leads_to_are_there_or_there_is_no_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its end is tried again then; a report without the names of what failed would be the last word."""
    folder = memory_folder()
    put_object = folder.client.put_object

    def put(*, Key: str, **parameters: Any) -> None:
        if Key.endswith("/failures.json"):
            raise client_error(503, "SlowDown", "PutObject")
        put_object(Key=Key, **parameters)

    monkeypatch.setattr(folder.client, "put_object", put)
    folder.client.files[lease_key(run_of())] = b"{}"

    with pytest.raises(Exception, match="SlowDown"):
        end(folder, comparison=None)

    assert folder.read("report.json") is None
    assert lease_key(run_of()) in folder.client.files
