"""The report and the end of a run, whole, for every way in which a run can end."""

from __future__ import annotations

import json
import re
from dataclasses import replace
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
)

from lambda_functions.shared.apply.uploads import name_of, remember
from lambda_functions.shared.compare.waves import write_wave
from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.option_rules import Restore
from lambda_functions.shared.run import AppliedPlan
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.tally.ending import end_run
from lambda_functions.shared.tally.plan import ComparisonTotals, total_of_records
from lambda_functions.shared.tally.report import Ending, ending, may_have_stragglers, phase_of, report
from lambda_functions.shared.tally.sums import WorkTotals
from lambda_functions.shared.work_bucket.leases import lease_key
from lambda_functions.shared.work_bucket.run_folder import RunFolder

ADDRESS = f"s3://work-bucket/{FOLDER}/"
FAILURES = f"{ADDRESS}failures.json"
NO_OBJECTS = {"objects": 0, "bytes": 0}
AGAIN = "Start again: a sync takes up where the last one stopped."


def sized(count: int, size: int = 0) -> dict[str, int]:
    return {"objects": count, "bytes": size}


def compared(**values: Any) -> ComparisonTotals:
    return total_of_records([compared_record(**values)])


COMPARED = {
    "tally": {"current": sized(90, 900), "archived": sized(2), "failed": sized(1)},
    "listed": (100, 95),
    "shards": {"copy": [shard("copy/a", 5, 50)], "delete": [shard("delete/a", 4, 40)]},
    "unprovable": 3,
    "unusualPages": 7,
    "failures": [shard("failures/1-0001-request-0001.jsonl")],
    "requests": {"LIST": 2, "HEAD": 6},
    "seconds": 10.0,
}
COPIED = WorkTotals(
    tally={"copied": sized(3, 30), "changed": sized(1), "vanished": sized(1)},
    failures=[shard("failures/copy-000001-0-request-0001.jsonl")],
    requests={"COPY": 4},
    turns=2,
    seconds=5.0,
)
DELETED = WorkTotals(
    tally={"deleted": sized(2, 20), "failed": sized(1)},
    requests={"DELETE_OBJECTS": 1, "HEAD": 4},
    turns=1,
    seconds=1.0,
    unfinished=["delete/a"],
    unfinished_objects=1,
)


def test_a_report_has_every_sum_of_the_run() -> None:
    run = run_of(dryRun=False)

    assert report(run, compared(**COMPARED), COPIED, DELETED, {"HEAD_BUCKET": 2, "LIST": 9}) == {
        "source": "from",
        "destination": "into",
        "dryRun": False,
        "format": 1,
        "options": run.options.to_json(),
        "plan": {"copy": sized(5, 50), "delete": sized(4, 40)},
        "listed": {"source": 100, "destination": 95},
        "outOfScope": {"source": 0, "destination": 0},
        "current": sized(90, 900),
        "copied": sized(3, 30),
        "deleted": sized(2, 20),
        "deleteMarkers": 0,
        "skipped": {"archived": 2, "vanished": 1, "unmappable": 0},
        "changed": {"objects": 1},
        "unprovable": {"objects": 3},
        "failed": {"objects": 3},
        "causes": {},
        "requests": {"COPY": 4, "DELETE_OBJECTS": 1, "HEAD": 10, "HEAD_BUCKET": 2, "LIST": 11},
        "unusualPages": 7,
        "estimatedCostUsd": 0.001286,
        "cost": {
            "lambda": 0.00040619,
            "lists": 0.000055,
            "reads": 0.0000048,
            "states": 0.0008,
            "writes.STANDARD": 0.00002,
        },
        "plannedCostUsd": 0.000169,
        "plannedCost": {"lambda": 0.00001901, "reads": 0.0000004, "states": 0.00015},
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"minSize": 0}, {"filtered": {"source": 4, "destination": 2}}),
        ({"storageClasses": ("STANDARD",)}, {"filtered": {"source": 4, "destination": 2}}),
        ({"overwrite": "newer"}, {"notOverwritten": {"objects": 3}}),
        (
            {"overwrite": False, "maxSize": 1},
            {"filtered": {"source": 4, "destination": 2}, "notOverwritten": {"objects": 3}},
        ),
    ],
)
def test_what_filters_left_alone_is_told_of_runs_that_have_some(
    options: dict[str, Any], told: dict[str, Any]
) -> None:
    left_alone = {"filtered": {"source": 4, "destination": 2}, "notOverwritten": 3}
    sums = compared(**COMPARED, **left_alone)

    whole = report(run_of(**options), sums, COPIED, DELETED, {})

    plain = report(run_of(), sums, COPIED, DELETED, {})
    assert {name: whole[name] for name in whole if name not in plain} == told
    assert whole["current"] == plain["current"] == sized(90, 900)


def test_only_a_run_that_carried_out_a_plan_says_which_and_only_one_that_was_stopped_what_it_gave_up() -> (
    None
):
    run = replace(run_of(), plan=AppliedPlan("runs/sync/planned", "0" * 64, []))
    stopped = WorkTotals({"stopped": sized(2)}, unfinished_objects=40, stopped_objects=30)

    plain = report(run_of(), compared(**COMPARED), COPIED, DELETED, {})
    of_plan = report(run, compared(**COMPARED), COPIED, DELETED, {})
    cut_short = report(run_of(), compared(**COMPARED), COPIED, stopped, {})

    assert {name: of_plan[name] for name in of_plan if name not in plain} == {
        "appliedPlan": "sync/planned",
        "planDigest": "0" * 64,
    }
    assert {name: cut_short[name] for name in cut_short if name not in plain} == {"stopped": {"objects": 32}}
    assert cut_short["failed"] == {"objects": 1 + (40 - 30)}, "one that could not be decided, and what broke"


@pytest.mark.parametrize(("restore", "skipped"), [(None, {}), (Restore(7, "Bulk"), {"restoring": 5})])
def test_what_is_being_restored_is_told_only_where_it_may_be_asked_for(
    restore: Restore | None, skipped: dict[str, int]
) -> None:
    done = WorkTotals({"restoring": sized(5), "archived": sized(2)})

    whole = report(run_of(restore=restore), compared(), done, WorkTotals(), {})

    assert whole["skipped"] == {"archived": 2, "vanished": 0, "unmappable": 0, **skipped}


@pytest.mark.parametrize(
    ("source", "destination", "unknown"),
    [
        ("eu-west-1", "us-east-1", None),
        ("xx-new-1", "us-east-1", ["xx-new-1"]),
        ("b-1", "a-1", ["a-1", "b-1"]),
    ],
)
def test_regions_that_have_no_prices_are_named(
    source: str, destination: str, unknown: list[str] | None
) -> None:
    run = run_of()
    run = replace(
        run,
        source=replace(run.source, region=source),
        destination=replace(run.destination, region=destination),
    )

    assert report(run, compared(), WorkTotals(), WorkTotals(), {}).get("pricedAsUsEast1") == unknown


def test_a_run_that_had_nothing_to_do_reports_zeros() -> None:
    whole = report(run_of(dryRun=True), total_of_records([]), WorkTotals(), WorkTotals(), {"LIST": 2})

    assert whole == {
        "source": "from",
        "destination": "into",
        "dryRun": True,
        "format": 1,
        "options": run_of(dryRun=True).options.to_json(),
        "plan": {"copy": NO_OBJECTS, "delete": NO_OBJECTS},
        "listed": {"source": 0, "destination": 0},
        "outOfScope": {"source": 0, "destination": 0},
        "current": NO_OBJECTS,
        "copied": NO_OBJECTS,
        "deleted": NO_OBJECTS,
        "deleteMarkers": 0,
        "skipped": {"archived": 0, "vanished": 0, "unmappable": 0},
        "changed": {"objects": 0},
        "unprovable": {"objects": 0},
        "failed": {"objects": 0},
        "causes": {},
        "requests": {"LIST": 2},
        "unusualPages": 0,
        "estimatedCostUsd": 0.00051,
        "cost": {"lists": 0.00001, "states": 0.0005},
        "plannedCostUsd": 0.0,
        "plannedCost": {},
    }


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ({}, "starting"),
        ({"comparison": None}, "starting"),
        ({"comparison": {"wave": 1}}, "comparing"),
        ({"comparison": {"next": "compare"}}, "comparing"),
        ({"comparison": {"next": "report"}}, "comparing"),
        ({"comparison": {"next": "apply"}}, "copying"),
        ({"comparison": {"next": "apply"}, "copies": {"next": "report"}}, "copying"),
        ({"comparison": {"next": "apply"}, "copies": {"next": "tally"}}, "copying"),
        ({"comparison": {"next": "apply"}, "copies": {"next": "delete"}}, "deleting"),
        (
            {"comparison": {"next": "apply"}, "copies": {"next": "delete"}, "deletes": {"next": "tally"}},
            "deleting",
        ),
        (
            {"comparison": {"next": "apply"}, "copies": {"next": "delete"}, "deletes": {"next": "report"}},
            "deleting",
        ),
    ],
)
def test_a_run_knows_in_which_phase_it_was(state: dict[str, Any], phase: str) -> None:
    assert phase_of(state) == phase


def ended(
    state: dict[str, Any],
    copied: WorkTotals | None = None,
    deleted: WorkTotals | None = None,
    **values: Any,
) -> Ending:
    """Return the ending of a run whose comparison had these values, and said so."""
    sums = compared(**values)
    if state.get("comparison"):
        state = {**state, "comparison": {"books": sums.books(), **state["comparison"]}}
    return ending(state, sums, copied or WorkTotals(), deleted or WorkTotals(), FAILURES)


APPLIED = {
    "comparison": {"next": "apply"},
    "copies": {"next": "delete"},
    "deletes": {"next": "report"},
}
FAILED = WorkTotals(
    tally={"failed": sized(2), "changed": sized(1), "deleted": sized(1)}, unfinished_objects=4
)


def test_a_run_that_did_everything_succeeded() -> None:
    tally = {"copied": sized(3), "archived": sized(1), "vanished": sized(1)}
    copied = WorkTotals(tally, failures=[shard("failures/a", 2)])
    deleted = WorkTotals(tally={"deleted": sized(2)})
    shards = {"copy": [shard("copy/a", 5)], "delete": [shard("delete/a", 2)]}

    assert ended(APPLIED, copied, deleted, shards=shards) == Ending("", "", "")


@pytest.mark.parametrize(
    ("state", "copied", "deleted", "listed", "cause"),
    [
        (
            APPLIED,
            4,
            2,
            None,
            "of 5 objects in the account of the copies, 4 are accounted for (4 copied, 0 changed, 0 failed, 0 skipped, "
            "0 not begun)",
        ),
        (
            APPLIED,
            5,
            3,
            None,
            "of 2 objects in the account of the deletes, 3 are accounted for (3 deleted, 0 changed, 0 failed, 0 not begun)",
        ),
        (
            {"comparison": {"next": "apply"}, "copies": {"next": "report"}},
            5,
            0,
            None,
            "2 deletes were planned and none was begun",
        ),
        (
            {**APPLIED, "comparison": {"next": "apply", "books": {"copies": 6}}},
            5,
            2,
            (5, 2),
            "copies: 6 were counted before, and 5 are now; deletes: 0 were counted before, and 2 are now; "
            "destinationListed: 0 were counted before, and 2 are now; orphans: 0 were counted before, and 2 are now; "
            "sourceListed: 0 were counted before, and 5 are now",
        ),
    ],
)
def test_a_run_whose_books_do_not_balance_is_no_success(
    state: dict[str, Any], copied: int, deleted: int, listed: tuple[int, int] | None, cause: str
) -> None:
    done = WorkTotals(tally={"copied": sized(copied)}), WorkTotals(tally={"deleted": sized(deleted)})
    shards = {"copy": [shard("copy/a", 5)], "delete": [shard("delete/a", 2)]}

    assert ended(state, *done, shards=shards, listed=listed) == Ending(
        "SyncIncomplete", f"the books do not balance: {cause}.", phase_of(state)
    )


def test_a_dry_run_begins_nothing_and_its_books_balance() -> None:
    shards = {"copy": [shard("copy/a", 5)], "delete": [shard("delete/a", 2)]}

    assert ended({"comparison": {"next": "report"}}, shards=shards) == Ending("", "", "")


def test_a_run_that_broke_says_what_broke_and_in_which_phase() -> None:
    cause = json.dumps({"errorMessage": "out of memory", "errorType": "MemoryError", "stackTrace": []})

    broken = {"comparison": {"next": "apply"}, "copies": {"next": "delete"}}

    assert ended({**broken, "error": {"Error": "MemoryError", "Cause": cause}}) == Ending(
        "SyncIncomplete",
        "the run broke while deleting: MemoryError: out of memory. The logs of its Lambdas say more. What it had done by then is "
        "in the report. Start again in 16 minutes, when its last Lambda must be over: a sync takes up where the last one "
        "stopped.",
        "deleting",
    )


@pytest.mark.parametrize("state", [{"comparison": {"wave": 1}}, {"comparison": {"next": "apply"}}])
def test_whoever_carries_out_a_plan_is_told_to_make_a_new_one_and_not_to_start_again(
    state: dict[str, Any],
) -> None:
    """A plan is good for one execution, so that starting it again would be refused."""
    plan = {"folder": "runs/sync/planned", "digest": "0" * 64, "waves": []}
    error = {"Error": "States.Timeout", "Cause": ""}
    when = "in 16 minutes, when its last Lambda must be over" if "next" in state["comparison"] else "now"

    cause = ended({**state, "error": error, "run": {"plan": plan}}).cause

    assert cause.endswith(
        f" Make a new dry run {when}, it shows what is left: a plan is carried out once."
    ), cause
    assert ended({**state, "error": error, "run": {}}).cause.endswith(
        f" Start again {when}: a sync takes up where the last one stopped."
    )


def test_a_run_that_broke_before_it_wrote_anything_can_be_started_again_now() -> None:
    error = {"Error": "States.Timeout", "Cause": ""}

    assert ended({"comparison": {"wave": 1}, "error": error}).cause == (
        "the run broke while comparing: States.Timeout: . The logs of its Lambdas say more. What it had done by then is in the "
        "report. Start again now: a sync takes up where the last one stopped."
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"error": {}}, False),
        ({"error": {"Error": "x"}}, False),
        ({"error": {"Error": "x"}, "comparison": {"wave": 1}}, False),
        ({"error": {"Error": "x"}, "comparison": {"next": "apply"}}, True),
        ({"error": {"Error": "x"}, "comparison": {"next": "apply"}, "copies": {"next": "delete"}}, True),
        ({"comparison": {"next": "apply"}, "copies": {"next": "delete"}}, False),
    ],
)
def test_lambdas_may_still_write_only_after_a_run_broke_while_it_wrote(
    state: dict[str, Any], expected: bool
) -> None:
    assert may_have_stragglers(state, WorkTotals()) is expected


def test_a_comparison_that_broke_changed_nothing() -> None:
    assert ended({"comparison": {"next": "report", "broken": "s3://from/ is out of order"}}) == Ending(
        "SyncIncomplete", "s3://from/ is out of order. Nothing was changed.", "comparing"
    )


def test_refused_deletes_are_a_refusal() -> None:
    assert ended({"comparison": {"next": "report", "refusal": "Too many. Nothing was changed."}}) == Ending(
        "DeletionRefused", "Too many. Nothing was changed.", "planning"
    )


def test_objects_that_are_not_as_they_should_be_are_counted_and_the_way_to_them_is_told() -> None:
    state = {"comparison": {"next": "apply"}, "copies": {"next": "report"}}

    assert ended(state, FAILED, **COMPARED) == Ending(
        "SyncIncomplete",
        "8 objects were not synchronised (7 failed, 1 changed meanwhile). 3 orphans were kept: nothing is deleted after a "
        f"failure. The files that {FAILURES} lists name them. {AGAIN}",
        "copying",
    )


def test_orphans_are_not_mentioned_where_none_were_kept() -> None:
    assert ended(APPLIED, WorkTotals(tally={"changed": sized(1200)})).cause == (
        "1,200 objects were not synchronised (0 failed, 1,200 changed meanwhile). The files that "
        f"{FAILURES} lists name them. {AGAIN}"
    )


def test_a_dry_run_that_could_not_decide_every_key_is_not_a_success() -> None:
    state = {"comparison": {"next": "report"}}

    assert ended(state, tally={"failed": sized(2)}) == Ending(
        "SyncIncomplete",
        f"2 objects were not synchronised (2 failed, 0 changed meanwhile). The files that {FAILURES} lists name them. {AGAIN}",
        "comparing",
    )


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ({"error": {"Error": "x"}, "comparison": {"broken": "b", "refusal": "r"}}, "SyncIncomplete"),
        ({"comparison": {"broken": "b", "refusal": "r"}}, "SyncIncomplete"),
        ({"comparison": {"broken": "", "refusal": "r"}}, "DeletionRefused"),
        ({"comparison": {"broken": "", "refusal": "r", "refusedAs": "CostRefused"}}, "CostRefused"),
    ],
)
def test_the_first_reason_is_the_one_that_is_given(state: dict[str, Any], error: str) -> None:
    assert ended(state, FAILED).error == error


# --- The end, with its papers -----------------------------------------------------------------------------------


TOO_FEW_COPIED = 'The run broke before it had added up what it copied: "copied" in this report is too small.'


def end(folder: RunFolder, **state: Any) -> dict[str, Any]:
    clients = Clients(None, None, folder.client, RequestCounter())
    whole = {"execution": EXECUTION, "input": {"source": "from", "destination": "into"}, **state}
    return end_run(clients, whole, Turn(0.0, 900.0, "request", lambda: 0.0))


def valid_run(**options: Any) -> dict[str, Any]:
    return {"verdict": "valid", **run_of(**options).to_json(), "requests": {"HEAD_BUCKET": 2}}


def test_a_run_that_was_refused_reports_why_and_what_it_asked() -> None:
    folder = memory_folder()
    run = {"verdict": "refused", "error": "InvalidInput", "cause": "No.", "requests": {"HEAD_BUCKET": 1}}

    result = end(folder, run=run)

    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", result["report"].pop("endedAt"))
    assert result == {
        "outcome": "InvalidInput",
        "cause": "No.",
        "executionCause": f"No. Report: {folder.address('report.json')}",
        "report": {
            "source": "from",
            "destination": "into",
            "dryRun": False,
            "format": 1,
            "options": {"source": "from", "destination": "into"},
            "plan": {"copy": NO_OBJECTS, "delete": NO_OBJECTS},
            "requests": {"HEAD_BUCKET": 1},
            "startedAt": "2026-11-22T10:11:12.345Z",
            "outcome": "InvalidInput",
            "cause": "No.",
            "phase": "starting",
            "report": f"{ADDRESS}report.json",
        },
    }


def test_the_name_of_a_sync_stands_in_its_report_whatever_came_of_it() -> None:
    refused = {"verdict": "refused", "error": "InvalidInput", "cause": "No.", "requests": {}}
    given = {"source": "from", "destination": "into", "name": "photos"}
    assert end(memory_folder(), run=refused, input=given)["report"]["name"] == "photos"
    folder, comparison = folder_of_run()
    named, nameless = (
        end(folder, run=valid_run(**options), comparison=comparison)["report"]
        for options in ({"name": "photos"}, {})
    )
    assert (named["name"], named["options"]["name"]) == ("photos", "photos")
    assert "name" not in nameless


@pytest.mark.parametrize("data", [[], None, "from", 7])
def test_an_input_that_is_no_object_is_reported_all_the_same(data: Any) -> None:
    run = {"verdict": "refused", "error": "InvalidInput", "cause": "No.", "requests": {}}

    result = end(memory_folder(), run=run, input=data)

    assert (result["outcome"], result["report"]["source"]) == ("InvalidInput", None)


def test_a_run_that_broke_before_it_began_says_so() -> None:
    result = end(memory_folder(), error={"Error": "States.Timeout", "Cause": ""})

    assert (result["outcome"], result["report"]["phase"]) == ("SyncIncomplete", "starting")
    assert result["cause"] == "the run broke before it began: States.Timeout: . Nothing was changed."


def folder_of_run(*names: list[dict[str, str]], **values: Any) -> tuple[RunFolder, dict[str, Any]]:
    """Return the folder of a run whose comparison named these lines, a file each, and the state of its comparison."""
    folder = memory_folder()
    files = [folder.write_lines(f"failures/{number}.jsonl", lines) for number, lines in enumerate(names)]
    wave = write_wave(folder, 1, [{"after": None, "upTo": None}])
    values = {"listed": (5, 5), "requests": {"LIST": 2}, **values}
    record = compared_record(failures=files, **values)
    folder.write("compared/1-0001.json", record)
    sums = total_of_records([record])
    return folder, compared_state(wave, sums)


def sums_of(folder: RunFolder, name: str, applied: WorkTotals) -> dict[str, Any]:
    folder.write(f"tally/{name}.json", applied.to_json())
    return {"next": "report", "at": 1, "sums": f"tally/{name}.json", "tally": applied.tally}


def test_the_report_that_is_returned_is_the_one_that_is_written() -> None:
    shards = {"copy": [shard("copy/a", 3, 30)], "delete": [shard("delete/a", 2, 20)]}
    folder, comparison = folder_of_run(shards=shards)
    copies = sums_of(folder, "copied-1", WorkTotals(tally={"copied": sized(3, 30)}, requests={"COPY": 3}))
    deletes = sums_of(
        folder, "deleted-1", WorkTotals(tally={"deleted": sized(2, 20)}, requests={"DELETE_OBJECTS": 1})
    )

    result = end(folder, run=valid_run(), comparison=comparison, copies=copies, deletes=deletes)

    assert (result["outcome"], result["cause"]) == ("Succeeded", "")
    assert folder.read("report.json") == {"file": f"{FOLDER}/report.json", **result["report"]}
    assert result["report"]["requests"] == {"COPY": 3, "DELETE_OBJECTS": 1, "HEAD_BUCKET": 2, "LIST": 2}
    assert (result["report"]["copied"], result["report"]["deleted"]) == (sized(3, 30), sized(2, 20))
    assert (result["report"]["failures"], result["report"]["notSynchronised"]) == (FAILURES, [])


def test_a_phase_that_was_never_added_up_has_no_sums() -> None:
    folder, comparison = folder_of_run()

    result = end(
        folder, run=valid_run(), comparison=comparison, error={"Error": "States.Timeout", "Cause": ""}
    )

    assert (result["outcome"], result["report"]["phase"]) == ("SyncIncomplete", "copying")
    assert result["report"]["copied"] == NO_OBJECTS
    assert result["report"]["warnings"] == [TOO_FEW_COPIED]


def test_a_run_whose_papers_are_gone_is_reported_as_broken_and_gives_its_lease_back_later() -> None:
    _, comparison = folder_of_run(tally={"current": sized(5, 15)})

    result = end(memory_folder(), run=valid_run(), comparison=comparison)

    broken = (
        f"{ADDRESS}ranges/1.json is not there: the run's files have expired, or somebody removed it. Nothing can be concluded "
        "from it"
    )
    assert (result["outcome"], result["report"]["phase"]) == ("SyncIncomplete", "copying")
    assert result["cause"].startswith(f"the run broke while copying: RunFileBroken: {broken}. ")
    assert result["report"]["warnings"] == [
        f"The requests, the cost and the names of keys in this report are incomplete: {broken}.",
        TOO_FEW_COPIED,
    ]
    assert (result["report"]["listed"], result["report"]["current"]) == (
        {"source": 5, "destination": 5},
        sized(5, 15),
    )


def test_what_was_copied_and_deleted_is_told_though_the_files_are_gone_in_which_it_was_added_up() -> None:
    shards = {"copy": [shard("copy/a", 3, 30)], "delete": [shard("delete/a", 2, 20)]}
    gone, comparison = folder_of_run(shards=shards)
    copies = sums_of(gone, "copied-1", WorkTotals({"copied": sized(3, 30)}))
    deletes = sums_of(gone, "deleted-1", WorkTotals({"deleted": sized(2, 20)}))

    told = end(memory_folder(), run=valid_run(), comparison=comparison, copies=copies, deletes=deletes)[
        "report"
    ]

    assert (told["outcome"], told["copied"], told["deleted"]) == (
        "SyncIncomplete",
        sized(3, 30),
        sized(2, 20),
    )


def test_a_run_that_broke_and_whose_papers_are_gone_says_what_broke_first() -> None:
    _, comparison = folder_of_run()
    error = {"Error": "Sandbox.Timedout", "Cause": "it took too long"}

    result = end(memory_folder(), run=valid_run(), comparison=comparison, error=error)

    assert result["cause"].startswith(
        "the run broke while copying: Sandbox.Timedout: it took too long. The logs of its Lambdas say more."
    )
    assert "ranges/1.json is not there" in result["report"]["warnings"][0]


def test_what_differed_at_the_end_is_named_before_everything_else_that_was_not_synchronised() -> None:
    skipped = [{"key": "cold", "what": "archived", "error": "why"}]
    differing = [{"key": "key", "what": "missing", "error": "why"}]
    folder, comparison = folder_of_run(skipped, tally={"archived": sized(1)})
    there = folder.under("verify")
    causes = {"missing": {"objects": 1, "example": differing[0]}}
    there.write(
        "verified.json",
        {
            "objects": 1200, "isWhole": True, "isStopped": False, "broken": "", "differences": 1, "writtenMeanwhile": 2,
            "unprovable": 3, "tally": {}, "causes": causes, "failures": [there.write_lines("failures/1.jsonl", differing)],
            "requests": {"LIST": 40}, "seconds": 7.5,
        },
    )  # fmt: skip

    result = end(
        folder,
        run=valid_run(verify=True),
        comparison={**comparison, "next": "verify"},
        verification={"objects": 1200},
    )

    report = result["report"]
    assert (result["outcome"], report["phase"]) == ("NotInSync", "verifying")
    assert folder.read("failures.json")["files"] == ["verify/failures/1.jsonl", "failures/0.jsonl"]
    assert report["notSynchronised"] == [*differing, *skipped]
    assert report["causes"] == causes
    assert report["requests"] == {"HEAD_BUCKET": 2, "LIST": 42}
    assert report["verified"] == {
        "objects": 1200, "isWhole": True, "differences": 1, "writtenMeanwhile": 2, "unprovable": 3,
    }  # fmt: skip


def test_a_run_of_a_plan_names_the_keys_that_its_dry_run_found_and_none_of_its_requests() -> None:
    folder = memory_folder()
    there = RunFolder(folder.client, "runs/sync/planned")
    lines = [{"key": f"cold-{number}", "what": "archived", "error": "why"} for number in range(2)]
    record = compared_record(
        tally={"archived": sized(2)}, failures=[there.write_lines("failures/0.jsonl", lines)], requests={"LIST": 9}
    )  # fmt: skip
    there.write("compared/1-0001.json", record)
    wave = {**write_wave(there, 1, [{"after": None, "upTo": None}]), "index": "ranges/1.json"}
    run = replace(run_of(), plan=AppliedPlan("runs/sync/planned", "0" * 64, [wave]))
    sums = total_of_records([record])
    comparison = {**compared_state(wave, sums), "next": "report"}

    result = end(
        folder, run={"verdict": "valid", **run.to_json(), "requests": {"HEAD_BUCKET": 2}}, comparison=comparison
    )  # fmt: skip

    assert (result["outcome"], result["report"]["warnings"]) == ("Succeeded", [])
    assert result["report"]["notSynchronised"] == lines
    assert folder.read("failures.json")["files"] == ["/runs/sync/planned/failures/0.jsonl"]
    assert result["report"]["requests"] == {"HEAD_BUCKET": 2}


def test_every_file_that_names_keys_is_listed_and_the_first_20_keys_are_in_the_report() -> None:
    lines = [{"key": f"key-{number}", "what": "archived", "error": "why"} for number in range(45)]
    folder, comparison = folder_of_run(lines[:5], lines[5:45])
    of_copies = folder.write_lines("failures/copied.jsonl", [])
    copies = sums_of(folder, "copied-1", WorkTotals(failures=[of_copies], unfinished=["copy/a.jsonl"]))

    result = end(folder, run=valid_run(), comparison=comparison, copies=copies)

    index = folder.read("failures.json")
    contents = index.pop("contents")
    assert index == {
        "file": f"{FOLDER}/failures.json",
        "files": ["failures/copied.jsonl", "failures/0.jsonl", "failures/1.jsonl"],
        "unfinishedShards": ["copy/a.jsonl"],
    }
    assert [folder.read_lines(one) for one in contents] == [[], lines[:5], lines[5:]]
    assert result["report"]["notSynchronised"] == lines[:20]


def test_a_run_gives_its_lease_back_unless_its_lambdas_may_still_be_writing() -> None:
    def leases_after(**state: Any) -> bool:
        folder, comparison = folder_of_run()
        folder.client.files[lease_key(run_of())] = b"{}"
        end(folder, run=valid_run(), comparison=comparison, **state)
        return lease_key(run_of()) in folder.client.files

    assert leases_after() is False
    assert leases_after(error={"Error": "States.ExceedToleratedFailureThreshold", "Cause": ""}) is True


def test_a_run_that_was_refused_gives_its_own_lease_back_and_leaves_that_of_the_other_alone() -> None:
    folder, other = memory_folder(), lease_key(run_of({**EXECUTION, "id": "arn:other"}))
    folder.client.files.update({lease_key(run_of()): b"{}", other: b"{}"})

    end(folder, run={"verdict": "refused", "error": "AlreadyRunning", "cause": "No.", "requests": {}})

    assert [key for key in folder.client.files if key.startswith("leases/")] == [other]


class Uploads:
    """Takes AbortMultipartUpload, or refuses it."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.aborted: list[str] = []

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> None:
        if self.error:
            raise self.error
        self.aborted.append(UploadId)

    def list_parts(self, **_: Any) -> None:
        raise client_error(404, "NoSuchUpload", "ListParts")


@pytest.mark.parametrize(
    ("error", "outcome", "is_left"),
    [
        (None, "Succeeded", False),
        (client_error(404, "NoSuchUpload", "AbortMultipartUpload"), "Succeeded", False),
        (client_error(403, "AccessDenied", "AbortMultipartUpload", "no"), "SyncIncomplete", True),
    ],
)
def test_uploads_that_were_left_under_way_are_aborted_and_one_that_cannot_be_is_told(
    error: Exception | None, outcome: str, is_left: bool
) -> None:
    (folder, comparison), uploads = folder_of_run(), Uploads(error)
    remember(folder, run_of().destination, "big", "upload-1")
    clients = Clients(None, uploads, folder.client, RequestCounter())
    state = {"execution": EXECUTION, "input": {}, "run": valid_run(), "comparison": comparison}

    result = end_run(clients, state, Turn(0.0, 900.0, "request", lambda: 0.0))

    assert result["outcome"] == outcome
    assert list(folder.list_names("uploads/")) == ([name_of("upload-1")] if is_left else [])
    if is_left:
        assert (result["report"]["phase"], result["cause"]) == (
            "reporting",
            "the upload upload-1 of 'big' was not aborted: AccessDenied: no (AbortMultipartUpload); the next run into into "
            "tries again, and until then their parts cost money.",
        )


def leave_uploads(folder: RunFolder, number: int) -> dict[str, Any]:
    """End a run that has left so many uploads, of which none can be aborted; its lease is there before."""
    for one in range(number):
        remember(folder, run_of().destination, f"big-{one}", f"upload-{one}")
    folder.client.files[lease_key(run_of())] = b"{}"
    uploads = Uploads(client_error(403, "AccessDenied", "AbortMultipartUpload", "no"))
    clients = Clients(None, uploads, folder.client, RequestCounter())
    state = {"execution": EXECUTION, "input": {}, "run": valid_run(), "comparison": None}
    return end_run(clients, state, Turn(0.0, 900.0, "request", lambda: 0.0))


@pytest.mark.parametrize(("number", "more"), [(5, []), (6, [f"and 1 more: {ADDRESS}uploads/"])])
def test_five_uploads_that_are_left_are_warned_of_one_by_one_and_more_by_the_folder_with_their_files(
    number: int, more: list[str]
) -> None:
    warnings = leave_uploads(memory_folder(), number)["report"]["warnings"]

    assert len(warnings) == 5 + len(more)
    assert warnings[5:] == more
    assert all("was not aborted: AccessDenied: no (AbortMultipartUpload)" in one for one in warnings[:5])


@pytest.mark.parametrize("number", [0, 1])
def test_a_lease_is_kept_for_the_uploads_that_are_left_with_the_end_of_its_run(number: int) -> None:
    """The next run finds the uploads through it; without the end it would take the run for one that is still at work."""
    folder = memory_folder()

    leave_uploads(folder, number)

    kept = folder.client.files.get(lease_key(run_of()))
    assert (kept is not None) is bool(number)
    assert kept is None or json.loads(kept)["endedAt"].startswith("20")


# --- A dry run, and the run of its plan --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dry_run", "outcome", "has_plan"),
    [
        ({}, True, "Succeeded", True),
        ({"tally": {"failed": sized(2)}}, True, "SyncIncomplete", False),
        ({}, False, "Succeeded", False),
    ],
)
def test_only_a_dry_run_that_succeeded_leaves_a_plan_that_can_be_carried_out(
    values: dict[str, Any], dry_run: bool, outcome: str, has_plan: bool
) -> None:
    folder, comparison = folder_of_run(**values)

    result = end(folder, run=valid_run(dryRun=dry_run), comparison={**comparison, "next": "report"})

    assert result["outcome"] == outcome
    assert ("planDigest" in result["report"]) is (folder.read("plan.json") is not None) is has_plan


def test_a_run_of_a_plan_that_was_refused_is_reported_with_the_options_of_that_plan_and_is_no_dry_run() -> (
    None
):
    folder = memory_folder()
    planned = RunFolder(folder.client, "runs/sync/planned")
    planned.write(
        "report.json",
        {"options": {"source": "a", "destination": "b", "name": "photos", "dryRun": True}},
    )
    refused = {"verdict": "refused", "error": "InvalidInput", "cause": "No.", "requests": {}}

    told = end(folder, run=refused, input={"plan": "sync/planned"})["report"]

    assert {name: told[name] for name in ("source", "destination", "name", "dryRun")} == {
        "source": "a",
        "destination": "b",
        "name": "photos",
        "dryRun": False,
    }
    assert told["options"] == {"source": "a", "destination": "b", "name": "photos", "dryRun": False}


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_refused_run_says_whether_it_was_to_be_a_dry_run(dry_run: bool) -> None:
    refused = {"verdict": "refused", "error": "InvalidInput", "cause": "No."}
    given = {"source": "from", "destination": "into", "dryRun": dry_run}

    told = end(memory_folder(), run=refused, input=given)["report"]

    assert (told["dryRun"], told["requests"]) == (dry_run, {})


@pytest.mark.parametrize(("first", "files"), [(19, 2), (20, 1), (21, 1)])
def test_no_more_files_are_read_than_the_keys_in_the_report_take(first: int, files: int) -> None:
    """A run may have thousands of such files."""
    lines = [{"key": f"key-{number}", "what": "archived", "error": "why"} for number in range(25)]
    folder, comparison = folder_of_run(lines[:first], lines[first:])

    result = end(folder, run=valid_run(), comparison=comparison)

    assert result["report"]["notSynchronised"] == lines[:20]
    assert sum("/failures/" in key for key in folder.client.read) == files
