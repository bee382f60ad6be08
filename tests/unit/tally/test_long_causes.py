"""What an execution fails with has 32,768 characters at most; the whole of it stays where the run's files are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samples import EXECUTION, FOLDER, memory_folder, run_of

from lambda_functions.shared.errors import MAX_CAUSE_BYTES, cut_cause
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.tally import breakage
from lambda_functions.shared.tally.ending import _with_uploads_left, end_run
from lambda_functions.shared.tally.report import Ending

TURN = Turn(0.0, 900.0, "request", lambda: 0.0)


@pytest.mark.parametrize("char", ["x", "ü", "日", "😀", "\ud800"])
@pytest.mark.parametrize("extra", [-1, 0, 1, 2, 3, 100_000])
def test_a_cause_is_cut_between_two_characters_and_says_where_the_rest_is(char: str, extra: int) -> None:
    width = len(char.encode("utf-8", "backslashreplace"))
    cause = char * ((MAX_CAUSE_BYTES + extra) // width)

    cut = cut_cause(cause, "s3://work/report.json")

    size = len(cut.encode())
    assert size <= MAX_CAUSE_BYTES
    if len(cause.encode("utf-8", "backslashreplace")) <= MAX_CAUSE_BYTES:
        assert cut == cause.encode("utf-8", "backslashreplace").decode()
    else:
        kept, _, rest = cut.partition("...")
        assert rest == " (cut; all of it is in s3://work/report.json)"
        assert size > MAX_CAUSE_BYTES - max(width, 6)
        assert char == "\ud800" or set(kept) == {char}


@pytest.mark.parametrize("size", [1000, 40_000, 400_000])
def test_a_run_ends_with_what_an_execution_takes_and_its_report_has_all_of_it(size: int) -> None:
    folder, cause = memory_folder(), "ü" * size
    state = {
        "execution": EXECUTION,
        "input": {"source": "from", "destination": "into"},
        "run": {"verdict": "refused", "error": "InvalidInput", "cause": cause},
    }

    end = end_run(Clients(None, None, folder.client, RequestCounter()), state, TURN)

    address = end["report"]["report"]
    assert end["cause"] == end["report"]["cause"] == cut_cause(cause, address)
    assert len(end["cause"].encode()) <= MAX_CAUSE_BYTES
    assert len(json.dumps(end, ensure_ascii=False).encode()) < 256 * 1024
    assert address == folder.address("report.json")
    assert folder.read("report.json")["cause"] == cause


def test_a_child_of_a_map_fails_with_what_an_execution_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    def long_message(cause: str) -> Any:
        return cause

    monkeypatch.setattr(breakage, "message_of", long_message)
    folder = memory_folder()
    state = {
        "run": run_of().to_json(),
        "item": {"id": "copy-000001"},
        "error": {"Error": "x", "Cause": "ü " * 40_000},
    }

    failed = breakage.record_breakage(Clients(None, None, folder.client, RequestCounter()), state, TURN)

    assert len(failed["cause"].encode()) <= MAX_CAUSE_BYTES
    assert failed["cause"].endswith(
        f"... (cut; all of it is in s3://work-bucket/{FOLDER}/broken/copy-000001.json)"
    )


def test_of_the_uploads_that_are_left_three_are_named_and_the_others_counted() -> None:
    left = [f"upload {number} was not aborted" for number in range(5)]

    ending = _with_uploads_left(Ending("", "", "deleting"), left, "into")

    assert (ending.error, ending.phase) == ("SyncIncomplete", "reporting")
    assert ending.cause == (
        "upload 0 was not aborted; upload 1 was not aborted; upload 2 was not aborted; and 2 more; the next run into into tries "
        "again, and until then their parts cost money."
    )
