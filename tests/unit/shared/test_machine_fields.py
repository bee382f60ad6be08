"""The fields of the state machine's states, by rule: what states hand on, where they go, and what an error does.

Two things that Step Functions does by itself are never what is meant: a result without a place takes that of everything that the
run carries, and a value that no Choice knows ends the execution without a report.
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultpath.html
https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from histories import MACHINE, STATES, State, child, states_of
from places import PROJECT
from samples import run_of, shard

from deployment.project import front_matter
from lambda_functions.shared.tally.maps import choose_maps
from lambda_functions.shared.tally.refusals import COST, DELETION
from lambda_functions.shared.tally.verification import next_after

PARENT = states_of(MACHINE)
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
MAPS = {name: state for name, state in STATES.items() if state["Type"] == "Map"}
CHOICES = {name: state for name, state in STATES.items() if state["Type"] == "Choice"}
SHARD_MAPS = ("CopyKeys", "CopyKeysInline", "DeleteOrphanedKeys", "DeleteOrphanedKeysInline")
FUNCTIONS = {spec.name: spec.properties for spec in front_matter.read_all(PROJECT / "lambda_functions")}

Fields = frozenset[str]


# --- What travels from state to state ---------------------------------------------------------------------------


def read_fields(value: Any) -> Iterator[str]:
    """Yield the fields of its input that a template or a state names in a path, each by its first part."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in ("ResultPath", "ResultSelector", "ItemProcessor", "Catch"):
                yield from read_fields(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from read_fields(inner)
    elif isinstance(value, str) and value.startswith("$."):
        yield value.split(".")[1]


def placed(fields: Fields, state: State) -> Fields:
    """Return the fields after a result, or an error, has been put where `ResultPath` says."""
    if "ResultPath" not in state:
        return frozenset(name.removesuffix(".$") for name in state.get("ResultSelector", ()))
    path = state["ResultPath"]
    return fields if path is None else fields | {path.removeprefix("$.")}


def left_by(state: State, fields: Fields) -> Iterator[tuple[str, Fields]]:
    """Yield each state that may come next, with the fields that it gets."""
    for catch in state.get("Catch", ()):
        yield catch["Next"], placed(fields, catch)
    if state["Type"] == "Choice":
        nexts = [*(rule["Next"] for rule in state["Choices"]), state.get("Default")]
        yield from ((name, fields) for name in nexts if name)
    elif "Next" in state:
        if "Parameters" in state and state["Type"] == "Pass":
            fields = frozenset(name.removesuffix(".$") for name in state["Parameters"])
            yield state["Next"], fields
        else:
            yield state["Next"], placed(fields, state)


def ways_into(definition: State, given: Fields) -> dict[str, set[Fields]]:
    """Return for every state of a definition the sets of fields with which it may be entered."""
    found: dict[str, set[Fields]] = {name: set() for name in states_of(definition)}
    new = [(definition["StartAt"], given)]
    while new:
        name, fields = new.pop()
        if fields not in found[name]:
            found[name].add(fields)
            new += left_by(states_of(definition)[name], fields)
    return found


def given_to(name: str) -> Fields:
    """Return the fields with which an item of a Map begins."""
    return frozenset(field.removesuffix(".$") for field in STATES[name]["ItemSelector"])


def ways_of(name: str) -> dict[str, set[Fields]]:
    """Return the same of the run itself, which is given nothing, or of the items of a Map."""
    return ways_into(child(name), given_to(name)) if name in MAPS else ways_into(MACHINE, frozenset())


@pytest.mark.parametrize("name", ["the run", *MAPS])
def test_every_state_finds_what_it_reads_whatever_way_leads_to_it(name: str) -> None:
    ways = ways_of(name)
    missing = {
        (state, field)
        for state, entered_with in ways.items()
        for fields in entered_with
        for field in set(read_fields(STATES[state])) - fields
    }

    assert missing == set()
    assert [state for state, entered_with in ways.items() if not entered_with] == []


# What the Lambdas behind these states read of all that the run carries: without fail, and if the run has come to it.
CARRIED: dict[str, tuple[set[str], set[str]]] = {
    "TallyComparison": ({"input", "execution", "run", "comparison"}, set()),
    "TallyCopies": ({"input", "execution", "run", "comparison"}, {"copies", "error"}),
    "TallyDeletes": ({"input", "execution", "run", "comparison", "copies"}, {"deletes", "error"}),
    "VerifyBuckets": ({"input", "execution", "run", "comparison"}, {"copies", "deletes", "error"}),
    "Report": (
        {"input", "execution"},
        {"run", "comparison", "copies", "deletes", "verification", "error"},
    ),
}


@pytest.mark.parametrize("name", CARRIED)
def test_what_a_run_has_found_so_far_is_there_where_it_is_added_up(name: str) -> None:
    ways = ways_of("the run")[name]
    always, at_times = CARRIED[name]

    assert frozenset.intersection(*ways) == always
    assert frozenset.union(*ways) == always | at_times


def test_the_report_knows_what_broke_and_how_far_the_run_had_come() -> None:
    """It is entered with an error after each step, and then with what all steps before it have found."""
    ways = {
        fields - {"input", "execution", "error"}
        for fields in ways_of("the run")["Report"]
        if "error" in fields
    }

    assert ways >= {
        frozenset(),
        frozenset({"run"}),
        frozenset({"run", "comparison"}),
        frozenset({"run", "comparison", "copies"}),
        frozenset({"run", "comparison", "copies", "deletes"}),
    }


def test_every_state_says_where_its_result_or_its_error_goes() -> None:
    """Said even where nobody reads on, so that a state which is put behind it finds what it needs."""
    silent = [
        name for name, state in {**TASKS, **MAPS}.items() if "ResultPath" not in state and "End" not in state
    ]
    silent_catches = [
        name
        for name, state in STATES.items()
        for catch in state.get("Catch", ())
        if "ResultPath" not in catch
    ]

    # Its result takes the place of everything, so that a long report fits into a state.
    assert silent == ["Report"]
    assert silent_catches == []


# --- What a Lambda is given -------------------------------------------------------------------------------------

RUN = run_of(maxConcurrency=7).to_json()
INDEX = {"index": "the index", "items": 1, "sha256": "its digest"}
# https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
CONTEXT: dict[str, Any] = {
    "Execution": {
        "Id": "the execution",
        "Name": "its name",
        "StartTime": "its start",
        "Input": ["what the console was given"],
    },
    "StateMachine": {"Id": "the machine", "Name": "name of the machine"},
    "Map": {"Item": {"Value": {"id": "an item"}}},
}
ITEM = CONTEXT["Map"]["Item"]["Value"]


def resolved(path: str, state: Mapping[str, Any]) -> Any:
    """Return what a path leads to, in the context where it begins with two dollars."""
    found: Any = CONTEXT if path.startswith("$$") else state
    for part in path.split(".")[1:]:
        found = found[part]
    return found


def filled(template: Any, state: Mapping[str, Any]) -> Any:
    """Return a template with what its paths lead to."""
    if not isinstance(template, Mapping):
        return template
    return {
        name.removesuffix(".$"): resolved(value, state) if name.endswith(".$") else filled(value, state)
        for name, value in template.items()
    }


def event_of(name: str, state: Mapping[str, Any]) -> Any:
    """Return what the Lambda of a Task gets: its Parameters, or all that comes in."""
    parameters = STATES[name].get("Parameters")
    return filled(parameters, state) if parameters else state


def begun(name: str, **state: Any) -> dict[str, Any]:
    """Return with what the first state of an item of a Map begins."""
    found: dict[str, Any] = filled(STATES[name]["ItemSelector"], state)
    return found


def first_of(name: str) -> str:
    """Return the state with which an item of a Map begins."""
    start: str = child(name)["StartAt"]
    return start


def after(name: str, state: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the run, or an item, carries after a Task."""
    place = STATES[name]["ResultPath"].removeprefix("$.")
    return {**state, place: result}


def test_the_input_is_judged_with_who_is_running_and_what_this_installation_sets() -> None:
    state = filled(PARENT["Begin"]["Parameters"], {})

    assert MACHINE["StartAt"] == "Begin"
    assert PARENT["Begin"]["Next"] == "ValidateInput"
    assert event_of("ValidateInput", state) == {
        "input": ["what the console was given"],
        "execution": {
            "id": "the execution",
            "name": "its name",
            "startTime": "its start",
            "stateMachine": "name of the machine",
        },
        "defaults": {
            "maxConcurrency": "${MaxConcurrency}",
            "maxDelete": "${MaxDelete}",
            "runRetentionDays": "${RunRetentionDays}",
        },
    }


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("TallyComparison", "comparison"),
        ("TallyCopies", "copies"),
        ("TallyDeletes", "deletes"),
        ("VerifyBuckets", "verify"),
        ("Report", "report"),
    ],
)
def test_whoever_adds_up_gets_its_phase_and_all_that_the_run_carries(name: str, phase: str) -> None:
    state = {"run": RUN, "comparison": INDEX, "anything": "else"}

    assert event_of(name, state) == {"phase": phase, "state": state}


def test_the_first_comparison_gets_the_run_and_each_range_of_a_later_wave_its_number_too() -> None:
    state = {"run": RUN, "comparison": {**INDEX, "wave": 3}}

    assert event_of("ListRanges", state) == {"run": RUN}
    assert event_of(first_of("CompareRanges"), begun("CompareRanges", **state)) == {
        "run": RUN,
        "wave": 3,
        "range": ITEM,
    }


@pytest.mark.parametrize("name", SHARD_MAPS)
def test_a_shard_begins_with_its_first_line_and_goes_on_where_the_turn_before_ended(name: str) -> None:
    worker = first_of(name)
    state = begun(name, run=RUN)
    first = event_of(worker, state)
    state = after(worker, state, {"done": False, "next": 1500, "fail": False, "turns": 1})

    assert first == {"run": RUN, "shard": ITEM, "start": 0, "turns": 0}
    assert event_of(worker, state) == {"run": RUN, "shard": ITEM, "start": 1500, "turns": 1}


def test_each_step_of_a_very_large_object_gets_what_the_one_before_has_left() -> None:
    state = begun("CopyLargeObjects", run=RUN)
    first = event_of("BeginUpload", state)
    upload = {"verdict": "copy", "upload": "large/its-file.json", "groups": [{"first": 1, "last": 64}]}
    state = after("BeginUpload", state, upload)
    own = {"run": RUN, "item": ITEM}
    error = {"Error": "States.Timeout", "Cause": ""}

    nothing: dict[str, Any] = {
        "verdict": "again",
        "line": None,
        "exact": False,
        "tries": 0,
        "upload": "",
        "groups": [],
    }
    assert first == {"step": "begin", **own, "upload": nothing}
    assert resolved(STATES["CopyGroups"]["ItemsPath"], state) == upload["groups"]
    assert event_of("CopyGroup", begun("CopyGroups", **state)) == {
        "step": "parts",
        **own,
        "upload": {"upload": "large/its-file.json"},
        "group": ITEM,
    }
    assert event_of("CompleteUpload", state) == {"step": "complete", **own, "upload": upload}
    aborted = event_of("AbortUpload", {**state, "error": error})
    assert aborted == {"step": "abort", **own, "upload": upload, "error": error}


RECORDERS = {
    name: next(state for state in states_of(child(name)) if state.startswith("RecordBroken"))
    for name in ("CompareRanges", *SHARD_MAPS, "CopyLargeObjects")
}


@pytest.mark.parametrize("name", RECORDERS)
def test_word_is_left_of_what_broke_and_on_which_item(name: str) -> None:
    state = {**begun(name, run=RUN, comparison={"wave": 1}), "error": {"Error": "Sandbox.Timedout"}}

    assert event_of(RECORDERS[name], state) == {
        "phase": "broken",
        "state": {"run": RUN, "item": ITEM, "error": {"Error": "Sandbox.Timedout"}},
    }
    assert STATES[RECORDERS[name]]["Resource"] == "tally_run"


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("CompareRanges", ()),
        ("CopyKeys", ("copy",)),
        ("CopyLargeObjects", ("large",)),
        ("DeleteOrphanedKeys", ("delete",)),
    ],
)
def test_a_distributed_map_reads_its_items_from_the_index_of_its_own_work(
    name: str, slot: Sequence[str]
) -> None:
    comparison: dict[str, Any] = {kind: {"index": f"index of {kind}"} for kind in ("copy", "large", "delete")}
    comparison["index"] = "index of the wave"
    reader = STATES[name]["ItemReader"]

    assert filled(reader["Parameters"], {"comparison": comparison}) == {
        "Bucket": "${WorkBucket}",
        "Key": f"index of {slot[0]}" if slot else "index of the wave",
    }
    assert reader["ReaderConfig"] == {"InputType": "JSON"}


# --- Where it goes on -------------------------------------------------------------------------------------------

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "StringEquals": operator.eq,
    "BooleanEquals": operator.is_,
    "NumericGreaterThan": operator.gt,
    "NumericGreaterThanEquals": operator.ge,
}


def chosen(name: str, **state: Any) -> str | None:
    """Return the state that a Choice picks; None where the execution would end with `States.NoChoiceMatched`."""
    for rule in CHOICES[name]["Choices"]:
        (comparison,) = set(rule) & set(COMPARISONS)
        if COMPARISONS[comparison](resolved(rule["Variable"], state), rule[comparison]):
            following: str = rule["Next"]
            return following
    default: str | None = CHOICES[name].get("Default")
    return default


def test_only_an_input_that_was_accepted_is_worked_on() -> None:
    assert [chosen("IsInputValid", run={"verdict": verdict}) for verdict in ("valid", "refused")] == [
        "ListRanges",
        "Report",
    ]


DECISIONS = {
    "IsComparisonDone": (
        "comparison",
        {
            "compare": "CompareRanges",
            "apply": "IsAnythingToCopy",
            "verify": "VerifyBuckets",
            "report": "Report",
        },
    ),
    "AreDeletesAllowed": (
        "copies",
        {
            "tally": "TallyCopies",
            "delete": "IsDeletingSmall",
            "verify": "VerifyBuckets",
            "report": "Report",
        },
    ),
    "AreDeletesTallied": (
        "deletes",
        {"tally": "TallyDeletes", "verify": "VerifyBuckets", "report": "Report"},
    ),
}


@pytest.mark.parametrize(
    ("name", "decision"), [(name, decision) for name, (_, all_of) in DECISIONS.items() for decision in all_of]
)
def test_a_run_goes_on_as_its_sums_decide(name: str, decision: str) -> None:
    slot, expected = DECISIONS[name]

    assert chosen(name, **{slot: {"next": decision}}) == expected[decision]


@pytest.mark.parametrize("name", DECISIONS)
def test_a_run_that_verifies_does_so_only_if_nothing_failed_and_else_goes_on_to_its_report(name: str) -> None:
    slot, _ = DECISIONS[name]
    cases = [(True, True), (True, False), (False, True)]
    decisions = [next_after(run_of(verify=verify), is_right) for verify, is_right in cases]

    assert [chosen(name, **{slot: {"next": decision}}) for decision in decisions] == [
        "VerifyBuckets",
        "Report",
        "Report",
    ]


SMALL, LARGE = [shard("a.jsonl")], [shard("a.jsonl", 2000)] * 41


@pytest.mark.parametrize(
    ("shards", "copy", "delete"),
    [
        (SMALL, "CopyKeysInline", "DeleteOrphanedKeysInline"),
        (LARGE, "CopyKeys", "DeleteOrphanedKeys"),
    ],
)
def test_the_map_is_the_one_that_the_size_of_the_plan_asks_for(
    shards: list[dict[str, Any]], copy: str, delete: str
) -> None:
    for_copies, for_deletes = choose_maps(shards, []), choose_maps([], shards)

    assert chosen("IsAnythingToCopy", comparison=for_copies) == copy
    assert chosen("IsAnythingToCopy", comparison=for_deletes) == "IsAnythingLargeToCopy"
    assert chosen("IsDeletingSmall", comparison=for_deletes) == delete


def test_no_map_of_very_large_objects_is_entered_where_there_are_none() -> None:
    found = [chosen("IsAnythingLargeToCopy", comparison={"large": {"items": items}}) for items in (0, 1, 2)]

    assert found == ["TallyCopies", "CopyLargeObjects", "CopyLargeObjects"]


@pytest.mark.parametrize(
    ("name", "verdict", "expected"),
    [
        ("IsUploadNeeded", "copy", "CopyGroups"),
        ("IsUploadNeeded", "again", "BeginUpload"),
        ("IsUploadNeeded", "stop", "ObjectIsStopped"),
        ("IsUploadNeeded", "done", "LargeObjectDone"),
        ("IsUploadRight", "again", "BeginUpload"),
        ("IsUploadRight", "done", "LargeObjectDone"),
    ],
)
def test_a_very_large_object_goes_on_as_its_step_decides(name: str, verdict: str, expected: str) -> None:
    assert chosen(name, upload={"verdict": verdict}) == expected


def turn_of(done: bool = False, fail: bool = False, turns: int = 1) -> dict[str, Any]:
    return {"turn": {"done": done, "fail": fail, "next": 1, "turns": turns}}


@pytest.mark.parametrize(
    ("name", "worker", "succeeds", "is_stopped"),
    [
        ("IsShardCopied", "CopyShard", "ShardCopied", "CopyIsStopped"),
        ("IsShardDeleted", "DeleteShard", "ShardDeleted", "DeleteIsStopped"),
    ],
)
def test_a_shard_of_a_distributed_map_takes_turns_until_it_is_done_or_kept_from_beginning(
    name: str, worker: str, succeeds: str, is_stopped: str
) -> None:
    assert chosen(name, **turn_of()) == worker
    assert chosen(name, **turn_of(turns=2000)) == worker
    assert chosen(name, **turn_of(done=True)) == succeeds
    assert chosen(name, **turn_of(fail=True)) == is_stopped


@pytest.mark.parametrize(
    ("name", "worker", "succeeds", "took_too_long"),
    [
        ("IsShardCopiedInline", "CopyShardInline", "ShardCopiedInline", "CopyTookTooLong"),
        ("IsShardDeletedInline", "DeleteShardInline", "ShardDeletedInline", "DeleteTookTooLong"),
    ],
)
def test_a_shard_of_an_inline_map_has_ten_turns(
    name: str, worker: str, succeeds: str, took_too_long: str
) -> None:
    assert [chosen(name, **turn_of(turns=turns)) for turns in (1, 9, 10)] == [worker, worker, took_too_long]
    assert [chosen(name, **turn_of(done=True, turns=turns)) for turns in (1, 10)] == [succeeds] * 2


# Whoever raises or returns one of these names how the execution is to end, as the first that it says.
NAMING_AN_END = ("Ending", "Refused", "Refusal")


def ends_named_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMING_AN_END:
            yield from (str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant))


def ends_of_runs() -> set[str]:
    """Return every name that the Lambdas let an execution end with."""
    found = {end for path in (PROJECT / "lambda_functions").rglob("*.py") for end in ends_named_in(path)}
    return {*found, DELETION, COST, "Succeeded"}


def test_an_execution_ends_with_the_name_that_its_report_says() -> None:
    """A name without a state of its own would end as SyncIncomplete: a schedule could not tell a refusal from a loss."""
    ends = ends_of_runs()
    found = {name: chosen("HowDidItEnd", end={"outcome": name}) for name in ends}

    assert ends == {
        "Succeeded",
        "InvalidInput",
        "AlreadyRunning",
        "DeletionRefused",
        "CostRefused",
        "Stopped",
        "NotInSync",
        "SyncIncomplete",
    }
    assert found == {name: name for name in ends}
    assert chosen("HowDidItEnd", end={"outcome": "an end that nobody knows"}) == "SyncIncomplete"
    assert {name: STATES[name].get("Error") for name in ends} == {
        name: None if name == "Succeeded" else name for name in ends
    }


def test_an_execution_that_succeeded_hands_on_its_report_and_nothing_else() -> None:
    end = filled(PARENT["Report"]["ResultSelector"], {"outcome": "Succeeded", "report": {"copied": 1}})

    assert PARENT["Succeeded"]["Type"] == "Succeed"
    assert resolved(PARENT["Succeeded"]["OutputPath"], end) == {"copied": 1}


# --- What an error does -----------------------------------------------------------------------------------------

# Three times more, some 2, 4 and 8 seconds later: workers may be repeated.
AGAIN = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 2,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 60,
    "MaxAttempts": 3,
    "JitterStrategy": "FULL",
}
# An account may have ten Lambdas at the same time; waiting for one is no failure.
WAITING = {
    "ErrorEquals": ["Lambda.TooManyRequestsException"],
    "IntervalSeconds": 1,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}
# Inline shards share one history: they wait less often, and least to leave word of what broke.
WAITS = {
    "CopyShardInline": 100,
    "DeleteShardInline": 100,
    "RecordBrokenCopyInline": 10,
    "RecordBrokenDeleteInline": 10,
}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_waits_for_a_free_lambda_and_is_tried_three_times_more(name: str) -> None:
    """Every field is said: what Step Functions does without one is something else, or may be."""
    assert TASKS[name]["Retry"] == [{**WAITING, "MaxAttempts": WAITS.get(name, 1000)}, AGAIN]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_waits_30_seconds_longer_than_its_lambda_may_take(name: str) -> None:
    assert TASKS[name]["TimeoutSeconds"] == FUNCTIONS[TASKS[name]["Resource"]]["Timeout"] + 30


# Of a child: its worker's errors are written down, and the child then ends as one that broke.
WHERE_ERRORS_GO = {
    # Nothing is changed yet, or all is added up: the report.
    **dict.fromkeys(["ValidateInput", "ListRanges", "CompareRanges", "TallyComparison"], "Report"),
    **dict.fromkeys(["TallyCopies", "TallyDeletes", "VerifyBuckets"], "Report"),
    "Report": "NoReport",
    # What was done before a Map broke is added up.
    **dict.fromkeys(["CopyKeys", "CopyKeysInline", "CopyLargeObjects"], "TallyCopies"),
    **dict.fromkeys(["DeleteOrphanedKeys", "DeleteOrphanedKeysInline"], "TallyDeletes"),
    "CompareListings": "RecordBrokenRange",
    "CopyShard": "RecordBrokenCopy",
    "CopyShardInline": "RecordBrokenCopyInline",
    "DeleteShard": "RecordBrokenDelete",
    "DeleteShardInline": "RecordBrokenDeleteInline",
    **dict.fromkeys(["BeginUpload", "CopyGroups", "CompleteUpload"], "AbortUpload"),
    "AbortUpload": "RecordBrokenObject",
    # One copy that leaves no word must not end the others; TallyCopies sees that its records are not there.
    "RecordBrokenCopyInline": "CopyIsBrokenInline",
}
# Here an error ends the child, or its Map, which is what the next state would do.
UNCAUGHT = {
    "RecordBrokenRange", "RecordBrokenCopy", "RecordBrokenDelete", "RecordBrokenDeleteInline", "RecordBrokenObject", "CopyGroup"
}  # fmt: skip


def test_every_error_of_a_task_or_a_map_goes_where_it_is_counted() -> None:
    found = {
        name: state.get("Catch", []) for name, state in STATES.items() if state["Type"] in ("Task", "Map")
    }

    assert {name: [catch["Next"] for catch in catches] for name, catches in found.items()} == {
        **{name: [following] for name, following in WHERE_ERRORS_GO.items()},
        **{name: [] for name in UNCAUGHT},
    }
    assert {tuple(catch["ErrorEquals"]) for catches in found.values() for catch in catches} == {
        ("States.ALL",)
    }


def test_an_error_is_kept_where_the_tally_looks_for_it() -> None:
    """That of a second comparison stands in for its result: everything else of the run has succeeded."""
    places = {
        name: catch.get("ResultPath") for name, state in STATES.items() for catch in state.get("Catch", ())
    }

    assert places.pop("VerifyBuckets") == "$.verification"
    assert set(places.values()) == {"$.error"}


def test_a_shard_that_took_too_long_says_so_as_an_error_does() -> None:
    for name in ("CopyTookTooLong", "DeleteTookTooLong"):
        state = STATES[name]
        assert (state["ResultPath"], state["Result"]["Error"]) == ("$.error", "TooManyTurns")


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state["Type"] == "Fail"])
def test_every_failure_has_a_name_and_a_cause(name: str) -> None:
    """Whoever gets a notice of an execution, or looks through thousands of children, sees nothing else."""
    state = STATES[name]
    cause = state.get("CausePath") or state.get("Cause")

    assert state["Error"]
    assert cause
    assert ("CausePath" in state) != ("Cause" in state)


def test_an_execution_without_a_report_says_where_to_look() -> None:
    state = PARENT["NoReport"]

    assert (state["Type"], state["Error"]) == ("Fail", "SyncIncomplete")
    assert state["Cause"].startswith("The report could not be written. The log of tally_run says why")


# --- Maps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAPS)
def test_a_map_reads_a_file_in_executions_of_its_own_or_a_list_in_the_one_it_is_in(name: str) -> None:
    """Of a Distributed Map, results without a file would be one list in the state: 256 KiB for all children of a billion keys.

    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
    """
    state, is_distributed = MAPS[name], "ItemReader" in MAPS[name]
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"} if is_distributed else {"Mode": "INLINE"}
    results = {
        "Resource": "arn:${Partition}:states:::s3:putObject",
        "Parameters": {"Bucket": "${WorkBucket}", "Prefix": "map-runs"},
    }

    assert state["ItemProcessor"]["ProcessorConfig"] == config
    assert ("ItemsPath" in state) != is_distributed
    assert state.get("ResultWriter") == (results if is_distributed else None)
    assert state.get("Label") == (name if is_distributed else None)
    assert state["ResultPath"] is None


def test_only_small_work_is_done_inside_of_the_execution_of_the_run() -> None:
    """All others of its Maps have as many items as there are objects."""
    assert {name for name, state in MAPS.items() if "ItemReader" not in state} == {
        "CopyKeysInline",
        "DeleteOrphanedKeysInline",
        "CopyGroups",
    }
