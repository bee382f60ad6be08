"""The arithmetic that has to hold: histories, payloads and time limits, computed from the files that are deployed.

Quotas: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html and
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from histories import (
    EXECUTION_EVENTS,
    MACHINE,
    MOST_EVENTS,
    STATES,
    child,
    events_of,
    events_of_loop,
    loops_of,
    most_events,
    states_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from places import PROJECT
from samples import EXECUTION, compared_record, entry, memory_folder, run_of, shard

from deployment.project import front_matter
from lambda_functions.shared.apply.conflicts import MAX_TRIES
from lambda_functions.shared.apply.copier import seconds_needed
from lambda_functions.shared.apply.parts import (
    GB,
    GROUP_BYTES,
    MAX_COPY_BYTES,
    MAX_PART_BYTES,
    MAX_PARTS,
    from_sizes,
    group_parts,
)
from lambda_functions.shared.compare.compare import budget_seconds
from lambda_functions.shared.compare.plan_writer import is_large
from lambda_functions.shared.compare.reading import LATE_SECONDS
from lambda_functions.shared.compare.waves import MAX_WAVES, range_record_name, write_wave
from lambda_functions.shared.invocation import MARGIN_SECONDS, Turn
from lambda_functions.shared.option_rules import MAX_KEY_BYTES
from lambda_functions.shared.options import MAX_INPUT_BYTES, Options, parse
from lambda_functions.shared.outcomes import MAX_CAUSES, MAX_EXAMPLE_CHARACTERS
from lambda_functions.shared.run import LARGE_WORKERS, Run
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.tally.breakage import Breakage
from lambda_functions.shared.tally.cost.costs import WORKER_GB
from lambda_functions.shared.tally.ending import end_run
from lambda_functions.shared.tally.maps import MAX_INLINE_BYTES, MAX_INLINE_SHARDS
from lambda_functions.shared.tally.phases import tally_comparison
from lambda_functions.shared.tally.plan import total_of_records
from lambda_functions.shared.tally.sums import WorkTotals
from lambda_functions.shared.tally.verification import Verification, ending
from lambda_functions.shared.work_bucket.run_folder import READ_THREADS, RunFolder
from lambda_functions.shared.work_bucket.shards import MAX_SHARD_BYTES, MAX_SHARD_KEYS

FUNCTIONS = {spec.name: spec.properties for spec in front_matter.read_all(PROJECT / "lambda_functions")}
WORKERS = ("compare_listings", "copy_keys", "copy_large_object", "delete_orphaned_keys")

MOST_STATE_BYTES = 256 * 1024
MOST_CAUSE_CHARACTERS = (
    32_768  # https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
)
LARGEST_OBJECT_BYTES = 50 * 10**12  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


# --- Histories ------------------------------------------------------------------------------------------------


TALLY_COPIES, WAVES, TALLY_DELETES = (
    {"TallyCopies", "AreDeletesAllowed"},
    {"CompareRanges", "TallyComparison", "IsComparisonDone"},
    {"TallyDeletes", "AreDeletesTallied"},
)
# Turns of adding up: 10^9 objects are 500,000 shards, which one turn reads if a record takes 50 ms and 32 are read at a time.
MOST_TALLIES = 10


def test_the_parent_repeats_nothing_but_waves_and_adding_up() -> None:
    assert loops_of(MACHINE) == [TALLY_COPIES, TALLY_DELETES, WAVES]


def test_one_turn_of_adding_up_reads_the_records_of_a_billion_objects() -> None:
    turn_seconds = FUNCTIONS["tally_run"]["Timeout"] - MARGIN_SECONDS

    assert turn_seconds > 10**9 / MAX_SHARD_KEYS * 0.050 / READ_THREADS


def test_the_history_of_the_parent_has_less_than_1000_events_after_40_waves_and_10_turns_of_adding_up() -> (
    None
):
    once = EXECUTION_EVENTS + most_events(MACHINE, MACHINE["StartAt"])
    waves = (MAX_WAVES - 1) * events_of_loop(WAVES)
    tallies = (MOST_TALLIES - 1) * (events_of_loop(TALLY_COPIES) + events_of_loop(TALLY_DELETES))

    assert (once, waves, tallies) == (70, 507, 126)
    assert once + waves + tallies < 1000


@pytest.mark.parametrize("name", ["CopyKeys", "DeleteOrphanedKeys"])
def test_a_shard_may_take_a_turn_for_each_of_its_keys(name: str) -> None:
    definition = child(name)
    (loop,) = loops_of(definition)
    a_turn = events_of_loop(loop)
    longest = (
        EXECUTION_EVENTS + most_events(definition, definition["StartAt"]) + (MAX_SHARD_KEYS - 1) * a_turn
    )

    assert a_turn == 7
    assert longest == 14_006
    assert longest < MOST_EVENTS


UPLOAD = {"BeginUpload", "IsUploadNeeded", "CopyGroups", "CompleteUpload", "IsUploadRight"}


def events_of_upload(*tries: int) -> int:
    """Return the events of a large object's child that copies so many groups in each of its tries."""
    of_tries = sum(events_of_loop(UPLOAD, groups_of_try) for groups_of_try in tries)
    return EXECUTION_EVENTS + of_tries + events_of(STATES["LargeObjectDone"])


def test_a_large_object_begins_again_as_a_whole() -> None:
    assert loops_of(child("CopyLargeObjects")) == [UPLOAD]


LARGEST = from_sizes([LARGEST_OBJECT_BYTES // MAX_PARTS] * MAX_PARTS)


def test_an_object_of_50_tb_in_10000_parts_is_copied_within_one_history() -> None:
    count = len(group_parts(LARGEST))

    assert count == 770
    assert events_of_upload(count) == 5_412


# Once with guessed parts, then as often as is tried with those of the source.
def test_an_object_of_50_tb_that_is_begun_again_as_often_as_it_may_be_stays_within_one_history() -> None:
    assert events_of_upload(*[len(group_parts(LARGEST))] * (MAX_TRIES + 1)) < MOST_EVENTS


PARTS = st.lists(st.integers(1, MAX_PART_BYTES) | st.just(MAX_PART_BYTES), min_size=1, max_size=60).map(
    lambda sizes: (sizes * (MAX_PARTS // len(sizes) + 1))[:MAX_PARTS]
)


@settings(max_examples=25)
@given(PARTS)
def test_any_object_that_s3_can_hold_is_copied_within_one_history_even_after_a_wrong_guess(
    sizes: list[int],
) -> None:
    total = 0
    fitting = [size for size in sizes if (total := total + size) <= LARGEST_OBJECT_BYTES]

    assert events_of_upload(len(group_parts(LARGEST)), len(group_parts(from_sizes(fitting)))) < MOST_EVENTS


def test_an_inline_map_runs_at_most_40_items_at_a_time() -> None:
    inline = {
        name: state
        for name, state in STATES.items()
        if state["Type"] == "Map" and state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "INLINE"
    }

    assert sorted(inline) == ["CopyGroups", "CopyKeysInline", "DeleteOrphanedKeysInline"]
    assert inline["CopyGroups"]["MaxConcurrency"] == LARGE_WORKERS
    assert max(LARGE_WORKERS, MAX_INLINE_SHARDS) <= 40


def test_at_most_60_workers_compare_because_so_many_fill_a_partition_of_s3() -> None:
    runs = [
        Run.of(EXECUTION, Options("from", "into", maxConcurrency=most), (None, None))
        for most in (1, 60, 1000)
    ]

    assert STATES["CompareRanges"]["MaxConcurrencyPath"] == "$.run.compareConcurrency"
    assert [run.to_json()["compareConcurrency"] for run in runs] == [1, 60, 60]


@pytest.mark.parametrize(
    "name", ["CopyKeys", "CopyKeysInline", "DeleteOrphanedKeys", "DeleteOrphanedKeysInline"]
)
def test_copies_and_deletes_have_as_many_workers_as_the_input_says(name: str) -> None:
    """Without a number Step Functions starts as many as it can: up to 10,000, or all of the account's Lambdas."""
    assert STATES[name]["MaxConcurrencyPath"] == "$.run.options.maxConcurrency"


def test_large_objects_share_the_workers_of_a_run() -> None:
    runs = [
        Run.of(EXECUTION, Options("from", "into", maxConcurrency=most), (None, None)) for most in (1, 19, 40)
    ]

    assert STATES["CopyLargeObjects"]["MaxConcurrencyPath"] == "$.run.largeConcurrency"
    assert [run.to_json()["largeConcurrency"] for run in runs] == [1, 1, 4]


# --- Payloads -------------------------------------------------------------------------------------------------


def size_of(data: Any) -> int:
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())


def largest_input() -> dict[str, Any]:
    """Return an input of exactly the bytes that are allowed, made of what grows most on its way."""
    data: dict[str, Any] = {
        "source": "s" * 63,
        "destination": "d" * 63,
        "prefix": "p" * MAX_KEY_BYTES,
        "destinationPrefix": "q" * MAX_KEY_BYTES,
        "startAfter": "a" * MAX_KEY_BYTES,
        "exclude": ["x"],
    }
    data["exclude"] += ["x" * (MAX_INPUT_BYTES - len(json.dumps(data)) - len(', ""'))]
    assert len(json.dumps(data)) == MAX_INPUT_BYTES
    return data


EXECUTION_OF_LONG_NAMES = {
    "id": "arn:aws-us-gov:states:us-gov-west-1:111122223333:execution:" + "m" * 80 + ":" + "e" * 80,
    "name": "e" * 80,
    "startTime": EXECUTION["startTime"],
    "stateMachine": "m" * 80,
}
# The key that is largest as JSON: characters that JSON can only write as six.
LARGEST_KEY = "\x01" * MAX_KEY_BYTES
REQUESTS = {f"SOME_OPERATION_{number}": 10**12 for number in range(20)}
TALLY = {
    what: {"objects": 10**10, "bytes": 10**17}
    for what in ("archived", "changed", "copied", "current", "deleted", "failed", "unmappable", "vanished")
}


def largest_run() -> dict[str, Any]:
    options = parse(largest_input(), {"maxConcurrency": 10_000, "maxDelete": "10%"})
    run = Run.of(EXECUTION_OF_LONG_NAMES, options, ("us-gov-west-1", "us-gov-west-1"))
    return {"verdict": "valid", **run.to_json(), "requests": REQUESTS}


def largest_state() -> dict[str, Any]:
    """Return all that the parent carries when it has come to its report, everything in it as long as it can be."""
    pointers = [{"id": "copy-000001", **shard("f" * 1400, 2000, 10**17)}] * MAX_INLINE_SHARDS
    assert 0.9 * MAX_INLINE_BYTES < size_of(pointers) < MAX_INLINE_BYTES
    index = {
        "index": "runs/" + "m" * 80 + "/" + "e" * 80 + "/delete.json",
        "items": 10**7,
        "sha256": "0" * 64,
    }
    return {
        "input": largest_input(),
        "execution": EXECUTION_OF_LONG_NAMES,
        "run": largest_run(),
        "comparison": {
            "next": "apply",
            "wave": 40,
            "broken": "",
            "refusal": "",
            "undecided": 10**10,
            "plan": {"copy": TALLY["copied"], "delete": TALLY["deleted"]},
            "waves": [{**index, "index": "ranges/40.json"}] * MAX_WAVES,
            "books": dict.fromkeys(total_of_records([]).books(), 10**10),
            "tally": TALLY,
            "copy": {**index, "map": "INLINE", "inline": pointers},
            "large": index,
            "delete": {**index, "map": "DISTRIBUTED", "inline": []},
        },
        "copies": {"next": "delete", "at": 10**7, "sums": "tally/copied-10000000.json", "tally": TALLY},
        "deletes": {"next": "report", "at": 10**7, "sums": "tally/deleted-10000000.json", "tally": TALLY},
        "error": {"Error": "E" * 256, "Cause": "c" * MOST_CAUSE_CHARACTERS},
    }


CAUSES = {
    f"{'C' * 60}{number}": {
        "objects": 10**10,
        "example": {
            "key": LARGEST_KEY[:MAX_EXAMPLE_CHARACTERS],
            "what": "failed",
            "error": "e" * MAX_EXAMPLE_CHARACTERS,
        },
    }
    for number in range(MAX_CAUSES)
}
BREAKAGES = [
    asdict(
        Breakage(
            "copy-000001",
            "E" * 256,
            "c" * 1000,
            "C" * 64,
            "CompleteMultipartUpload",
            "b" * 63,
            "source",
            "p" * 1100,
        )
    )
] * 20


def folder_with_failures() -> tuple[RunFolder, dict[str, Any]]:
    """Return a run folder whose first 20 keys that were not synchronised are as large as they can be, and its wave."""
    folder = memory_folder()
    folder = RunFolder(folder.client, largest_run()["folder"])
    lines = [{"key": LARGEST_KEY, "what": "unmappable", "error": "e" * 1000}] * 20
    files = [f"failures/1-0001-{'r' * 36}-{number:04d}.jsonl" for number in range(20)]
    written = [folder.write_lines(file, lines) for file in files]
    wave = write_wave(folder, 1, [{"after": None, "upTo": None}] * 20)
    for number, shard_of_failures in enumerate(written, 1):
        folder.write(
            range_record_name(f"1-{number:04d}"),
            compared_record(tally=TALLY, causes=CAUSES, failures=[shard_of_failures], requests=REQUESTS),
        )
    applied = WorkTotals(
        TALLY, CAUSES, written, REQUESTS, 10**6, 1e9 / 3, files, 10**10, 10**6, BREAKAGES, 10**6
    )
    for kind in ("copied", "deleted"):
        folder.write(f"tally/{kind}-10000000.json", applied.to_json())
    return folder, wave


TURN = Turn(0.0, 900.0, "request", lambda: 0.0)


def clients_of(folder: RunFolder) -> Clients:
    return Clients(None, None, folder.client, RequestCounter())


def largest_end() -> dict[str, Any]:
    state, (folder, wave) = largest_state(), folder_with_failures()
    state["comparison"]["waves"] = [wave]
    end = end_run(clients_of(folder), state, TURN)
    assert (end["report"]["warnings"], len(end["report"]["notSynchronised"])) == ([], 20)
    return end


def test_the_largest_state_has_what_a_comparison_leaves_in_it() -> None:
    folder = memory_folder()
    folder.write(range_record_name("1-0001"), compared_record(shards={"copy": [shard("copy/a.jsonl")]}))
    begun = {"wave": 1, **write_wave(folder, 1, [{"after": None, "upTo": None}])}
    run = {**largest_run(), "folder": folder.path}

    decided = tally_comparison(clients_of(folder), {"run": run, "comparison": begun}, TURN)

    assert set(decided) == set(largest_state()["comparison"])


def test_the_largest_input_leaves_room_for_everything_else_that_the_parent_carries() -> None:
    assert size_of(largest_state()) < MOST_STATE_BYTES


@pytest.mark.parametrize("name", ["CopyKeysInline", "DeleteOrphanedKeysInline"])
def test_what_the_iterations_of_an_inline_map_hand_on_fits_beside_everything_else(name: str) -> None:
    """Their results become one list before ResultPath leaves it out, and 40 inputs of 32 KiB would be five times too much."""
    last = [state for state in states_of(child(name)).values() if state["Type"] == "Succeed"]
    results = [{}] * MAX_INLINE_SHARDS  # OutputPath: null hands on an empty object

    assert last
    assert all(state["OutputPath"] is None for state in last)
    assert not [state for state in states_of(child(name)).values() if state.get("End")]
    assert size_of(results) + size_of(largest_state()) < MOST_STATE_BYTES
    assert size_of([largest_run()] * MAX_INLINE_SHARDS) > 5 * MOST_STATE_BYTES


def test_a_report_with_the_largest_keys_takes_the_place_of_everything_else() -> None:
    assert (STATES["Report"]["ResultSelector"], STATES["Report"].get("ResultPath")) == ({"end.$": "$"}, None)
    assert size_of({"end": largest_end()}) < MOST_STATE_BYTES


def test_the_cause_of_a_failed_run_is_not_longer_than_step_functions_takes() -> None:
    assert len(largest_end()["cause"]) <= MOST_CAUSE_CHARACTERS


def test_a_comparison_that_broke_on_the_largest_keys_fits_into_a_state_and_into_a_cause() -> None:
    folder = RunFolder(memory_folder().client, largest_run()["folder"])
    wave = write_wave(folder, 1, [{"after": None, "upTo": None}] * 3)
    keys = f"keys after {LARGEST_KEY!r} up to {LARGEST_KEY!r}"
    broken = f"s3://from/ ({keys}) could not be compared: AccessDenied: no (ListObjectsV2)"
    for number in (1, 2, 3):
        folder.write(range_record_name(f"1-{number:04d}"), compared_record(f"1-{number:04d}", broken=broken))
    state = largest_state()
    before = {**state, "comparison": {"wave": 1, **wave}}

    state["comparison"] = tally_comparison(clients_of(folder), before, TURN)
    del state["copies"], state["deletes"], state["error"]
    end = end_run(clients_of(folder), state, TURN)

    assert max(size_of(state), size_of({"end": end})) < MOST_STATE_BYTES
    assert len(end["cause"]) <= MOST_CAUSE_CHARACTERS


def line_of(key: str) -> dict[str, Any]:
    etag = "0" * 32 + "-10000"
    return {
        "key": key,
        "etag": etag,
        "size": LARGEST_OBJECT_BYTES,
        "class": "REDUCED_REDUNDANCY",
        "checksum": ["CRC64NVME", "FULL_OBJECT"],
        "was": etag,
    }


def test_what_a_run_carries_that_could_not_be_compared_once_more_fits_into_a_state() -> None:
    """Its verification, or the error of it, takes the place of an error, after which nothing is verified."""
    broken = {"Error": "E" * 256, "Cause": "c" * MOST_CAUSE_CHARACTERS}
    state = {name: value for name, value in largest_state().items() if name != "error"}

    assert STATES["VerifyBuckets"]["Parameters"] == {"phase": "verify", "state.$": "$"}
    assert size_of({"phase": "verify", "state": state}) < MOST_STATE_BYTES
    assert size_of({**state, "verification": broken}) < MOST_STATE_BYTES


def test_three_of_the_largest_keys_that_differ_fit_into_the_cause_of_an_execution() -> None:
    record = {"differences": 10**10, "broken": "", "isStopped": False}
    found = Verification(record, first=[LARGEST_KEY] * 3)

    cause = ending(run_of(verify=True), found, "s3://work-bucket/failures.json").cause

    assert cause.count(repr(LARGEST_KEY)) == 3
    assert len(cause) < MOST_CAUSE_CHARACTERS


MAPS_OF_ITEMS = (
    "CompareRanges", "CopyKeys", "CopyKeysInline", "CopyLargeObjects", "DeleteOrphanedKeys", "DeleteOrphanedKeysInline"
)  # fmt: skip


@pytest.mark.parametrize("name", MAPS_OF_ITEMS)
def test_what_a_child_is_given_fits_into_a_state(name: str) -> None:
    item = {
        "id": "delete-100000",
        "after": LARGEST_KEY,
        "upTo": LARGEST_KEY,
        "line": line_of(LARGEST_KEY),
        **shard("f" * 200, 2000, 10**17),
    }
    selected = {
        "run": largest_run(),
        "item": item,
        "wave": 40,
        "turn": {"done": False, "fail": False, "next": 2000, "turns": 2000},
    }

    assert set(STATES[name]["ItemSelector"]) <= {
        "run.$",
        "wave.$",
        "range.$",
        "shard.$",
        "item.$",
        "turn",
        "upload",
    }
    assert size_of(selected) < MOST_STATE_BYTES


def test_the_groups_of_an_object_of_50_tb_fit_into_its_state_even_when_it_is_aborted() -> None:
    line = line_of(LARGEST_KEY)
    upload = {"verdict": "copy", "line": line, "exact": True, "tries": 2, "upload": "large/" + "l" * 60}
    upload["groups"] = group_parts(LARGEST)
    item = {"id": "large-000001", "line": line}
    error = {"Error": "E" * 256, "Cause": "c" * MOST_CAUSE_CHARACTERS}

    assert size_of({"run": largest_run(), "item": item, "upload": upload, "error": error}) < MOST_STATE_BYTES


@settings(max_examples=25)
@given(PARTS)
def test_the_groups_of_any_parts_that_s3_allows_fit_into_a_state(sizes: list[int]) -> None:
    assert size_of(group_parts(from_sizes(sizes))) < 64 * 1024


def test_the_results_of_all_groups_fit_into_a_state() -> None:
    assert size_of([{} for _ in group_parts(LARGEST)]) < MOST_STATE_BYTES


# --- Time limits ----------------------------------------------------------------------------------------------


def test_every_task_calls_a_lambda_and_every_lambda_is_called() -> None:
    assert {state["Resource"] for state in TASKS.values()} == set(FUNCTIONS)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_waits_a_little_longer_than_its_lambda_may_run(name: str) -> None:
    state = TASKS[name]
    timeout_seconds = FUNCTIONS[state["Resource"]]["Timeout"]

    assert timeout_seconds <= 900
    assert timeout_seconds < state["TimeoutSeconds"] <= timeout_seconds + 60


@pytest.mark.parametrize("name", [name for name in TASKS if not name.endswith("Inline")])
def test_a_task_waits_for_a_free_lambda_and_is_tried_again_a_few_times(name: str) -> None:
    throttled, everything_else = TASKS[name]["Retry"]

    assert (throttled["ErrorEquals"], everything_else["ErrorEquals"]) == (
        ["Lambda.TooManyRequestsException"],
        ["States.ALL"],
    )
    assert (throttled["MaxAttempts"], throttled["MaxDelaySeconds"], throttled["JitterStrategy"]) == (
        1000,
        60,
        "FULL",
    )
    assert 1 <= everything_else["MaxAttempts"] <= 5
    # Said, as the defaults are others: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    pauses = ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "JitterStrategy")
    assert [throttled[name] for name in pauses] == [1, 2.0, 60, "FULL"]
    assert [everything_else[name] for name in pauses] == [2, 2.0, 60, "FULL"]


@pytest.mark.parametrize("name", ["list_ranges", "compare_listings"])
@pytest.mark.parametrize("wave", range(1, MAX_WAVES + 1))
def test_a_comparison_ends_well_before_its_lambda_does(wave: int, name: str) -> None:
    """Behind its budget it still takes in pages, for `LATE_SECONDS`, and decides the last of them; then it writes its record."""
    timeout_seconds = FUNCTIONS[name]["Timeout"]

    assert budget_seconds(wave) <= timeout_seconds / 2
    assert budget_seconds(wave) + LATE_SECONDS + 2 * MARGIN_SECONDS < timeout_seconds


def test_the_first_wave_is_short_and_later_ones_are_not() -> None:
    assert [budget_seconds(wave) for wave in (1, 2, 3, 4, 5, 40)] == [30, 60, 120, 300, 300, 300]


@pytest.mark.parametrize("size", [MAX_COPY_BYTES, MAX_SHARD_BYTES])
def test_every_object_of_a_shard_fits_into_a_turn(size: int) -> None:
    assert seconds_needed(size) < FUNCTIONS["copy_keys"]["Timeout"] - MARGIN_SECONDS


def test_every_part_and_every_group_of_a_large_object_fits_into_a_turn() -> None:
    turn_seconds = FUNCTIONS["copy_large_object"]["Timeout"] - MARGIN_SECONDS

    assert seconds_needed(MAX_PART_BYTES) < turn_seconds
    assert seconds_needed(GROUP_BYTES) < turn_seconds  # even one part after the other


@pytest.mark.parametrize(
    ("size", "etag", "expected"),
    [
        (16 * GB, "x-2000", False),
        (16 * GB + 1, "x", True),
        (1, "x-2001", True),
        (1, "x", False),
    ],
)
def test_an_object_over_16_gib_or_2000_parts_has_a_worker_of_its_own(
    size: int, etag: str, expected: bool
) -> None:
    assert is_large(entry("key", size=size, etag=etag)) is expected


# --- Costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_the_memory_that_its_costs_are_estimated_with(name: str) -> None:
    assert FUNCTIONS[name]["MemorySize"] / 1024 == WORKER_GB


def test_the_workers_are_the_lambdas_that_the_maps_call() -> None:
    mapped = [
        inner["Resource"]
        for state in STATES.values()
        if state["Type"] == "Map"
        for inner in states_of(state["ItemProcessor"]).values()
        if inner["Type"] == "Task"
    ]

    assert set(mapped) == {*WORKERS, "tally_run"}  # which leaves word of a worker that broke
