"""What is shown of a run that is under way: keys while comparing, then amounts, percent, pace and failures, from few requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deployment.project import states_language
from deployment.step_functions import run_files
from deployment.step_functions.estimates import Amount
from deployment.step_functions.progress import NO_NEWS, PLANNING_STATES, Observer
from deployment.step_functions.run_files import Counts, RunFiles
from lambda_functions.shared.work_bucket import heartbeat
from tests.fake_executions import (
    ARN,
    BEGAN,
    FOLDER,
    FakeAws,
    FakeClock,
    copying,
    counts,
    entered,
    error,
    exited,
    map_run,
)
from tests.places import PROJECT


def beat(record: str, objects: int, size_bytes: int = 0, failed: int = 0) -> dict[str, Any]:
    return {"record": record, "objects": objects, "bytes": size_bytes, "failed": failed, "seconds": 5.0}


def compared(source: int, destination: int, paired: int, failed: int = 0) -> dict[str, Any]:
    tally = {"failed": {"objects": failed, "bytes": 0}}
    return {"listed": {"source": source, "destination": destination}, "paired": paired, "tally": tally}


def read_keys(aws: FakeAws) -> list[str]:
    return [said["Key"].removeprefix(f"{FOLDER}/") for name, said in aws.calls if name == "get_object"]


def files(aws: FakeAws) -> RunFiles:
    return RunFiles(aws, {"Bucket": "work"}, FOLDER)


@pytest.mark.parametrize("state", ["ListRanges", "CompareRanges"])
def test_while_comparing_the_keys_of_records_and_heartbeats_are_counted(state: str) -> None:
    aws, clock = FakeAws(), FakeClock()
    aws.history = [entered(state)]
    aws.objects[f"{FOLDER}/compared/1-0001.json"] = compared(1000, 900, 800, failed=1)
    observer = Observer(aws.installation(clock), ARN, "work")
    observer.look("RUNNING")
    clock.sleep(10)
    aws.objects[f"{FOLDER}/alive/2-0001.json"] = beat("compared/2-0001.json", 50_000, failed=1)

    assert observer.look("RUNNING").text() == (
        "comparing\n51,100 keys compared\n5,000 keys/s, 2 failed so far"
    )


def test_a_first_range_without_a_record_is_compared_too() -> None:
    aws = FakeAws()
    aws.history = [entered("ListRanges")]
    aws.objects[f"{FOLDER}/alive/1-0001.json"] = beat("compared/1-0001.json", 1)

    assert Observer(aws.installation(), ARN, "work").look("RUNNING").text() == ("comparing\n1 key compared")


def test_while_copying_there_are_amounts_percent_pace_time_left_and_failures_of_all_phases() -> None:
    aws, clock = copying(FakeAws()), FakeClock()
    aws.history[1] = exited(
        "TallyComparison",
        {
            "comparison": {
                "plan": {
                    "copy": {"objects": 5000, "bytes": 5000 * 1024},
                    "delete": {"objects": 7, "bytes": 70},
                },
                "undecided": 2,
            }
        },
    )
    observer = Observer(aws.installation(clock), ARN, "work")
    assert observer.look("RUNNING").text() == (
        "copying, 4 of 10 batches\n0 of 5,000 objects, 0 bytes of 4.9 MiB, 0 %\n"
        "workers report every 10 s, for the first time after 5 s, 2 failed so far"
    )
    clock.sleep(10)
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = {
        "tally": {"copied": {"objects": 500, "bytes": 500 * 1024}}
    }
    aws.objects[f"{FOLDER}/alive/copy-2.json"] = beat("copied/copy-2-0.json", 500, 500 * 1024, failed=1)

    assert observer.look("RUNNING").text() == (
        "copying, 4 of 10 batches\n"
        "1,000 of 5,000 objects, 1000.0 KiB of 4.9 MiB, 20 %\n"
        "100 objects/s, 100.0 KiB/s, about 40 s left, 3 failed so far"
    )
    clock.sleep(4)
    later = observer.look("RUNNING")
    assert "about 36 s left" in later.text()
    assert "about 31 s left" in later.text(5.0)
    assert "about 0 s left" in later.text(1000.0)


def test_that_workers_take_a_while_to_start_does_not_slow_the_pace_down() -> None:
    aws, clock = copying(FakeAws()), FakeClock()
    observer = Observer(aws.installation(clock), ARN, "work")
    observer.look("RUNNING")
    clock.sleep(20)
    aws.objects[f"{FOLDER}/alive/copy-1.json"] = beat("copied/copy-1-0.json", 500)  # its fifth second

    assert "\n100 objects/s, 0 bytes/s, about" in observer.look("RUNNING").text()
    clock.sleep(10)
    aws.objects[f"{FOLDER}/alive/copy-1.json"] = beat("copied/copy-1-0.json", 1500) | {"seconds": 15.0}
    assert "\n100 objects/s, 0 bytes/s, about" in observer.look("RUNNING").text()


@pytest.mark.parametrize("state", PLANNING_STATES)
@pytest.mark.parametrize("copy_state", ["CopyKeys", "CopyKeysInline"])
def test_the_plan_is_known_whichever_state_has_compared_everything(state: str, copy_state: str) -> None:
    aws = FakeAws()
    plan = {"copy": {"objects": 9, "bytes": 9}, "delete": {"objects": 2, "bytes": 2}}
    aws.history = [
        entered(state),
        exited(state, {"comparison": {"plan": plan, "undecided": 0}}),
        entered(copy_state),
    ]
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = {"tally": {"copied": {"objects": 3, "bytes": 3}}}

    assert Observer(aws.installation(), ARN, "work").look("RUNNING").text() == (
        "copying\n3 of 9 objects, 3 bytes of 9 bytes, 33 %"
    )


def test_the_states_that_plan_are_those_of_the_machine_and_the_interval_that_is_told_is_that_of_workers() -> (
    None
):
    machine = states_language.read(PROJECT / "state_machines/sync_buckets_state_machine.yaml").definition
    planning = [
        name for name, state in machine["States"].items() if state.get("ResultPath") == "$.comparison"
    ]
    assert sorted(planning) == sorted(PLANNING_STATES)
    assert NO_NEWS.startswith(f"workers report every {heartbeat.INTERVAL_SECONDS:.0f} s, ")


def test_failures_of_the_comparison_that_no_look_saw_are_told_while_copying() -> None:
    aws = FakeAws()
    aws.history = [entered("CompareRanges")]
    aws.objects[f"{FOLDER}/compared/1-0001.json"] = compared(9, 9, 9, failed=1)
    observer = Observer(aws.installation(), ARN, "work")
    assert observer.look("RUNNING").failed == 1

    plan = {"copy": {"objects": 9, "bytes": 9}, "delete": {"objects": 0, "bytes": 0}}
    aws.history += [
        exited("TallyComparison", {"comparison": {"plan": plan, "undecided": 3}}),
        entered("CopyKeys"),
    ]
    assert observer.look("RUNNING").failed == 3


def test_a_heartbeat_counts_until_its_record_is_there_and_another_phase_has_its_own() -> None:
    aws = copying(FakeAws())
    aws.objects = {
        f"{FOLDER}/alive/copy-1.json": beat("copied/copy-1-500.json", 7, 70),
        f"{FOLDER}/alive/large-1-65.json": beat("copied/large-1-0.json", 0, 1000),
        f"{FOLDER}/alive/2-0001.json": beat("compared/2-0001.json", 99),
        f"{FOLDER}/copied/copy-1-0.json": {"tally": {"copied": {"objects": 500, "bytes": 5000}}},
    }
    found = files(aws)
    assert found.counts("copied") == Counts(Amount(507, 6070))

    aws.objects[f"{FOLDER}/copied/copy-1-500.json"] = {"tally": {"copied": {"objects": 20, "bytes": 200}}}
    assert found.counts("copied") == Counts(Amount(520, 6200))
    assert found.counts("compared") == Counts(Amount(99, 0), working_seconds=5.0)


def test_only_heartbeats_that_have_changed_are_read_again() -> None:
    aws = FakeAws()
    for number in range(5):
        aws.objects[f"{FOLDER}/alive/copy-{number}.json"] = beat(f"copied/copy-{number}-0.json", 1)
    found = files(aws)
    found.counts("copied")
    aws.calls.clear()

    assert found.counts("copied") == Counts(Amount(5, 0), working_seconds=5.0)
    assert read_keys(aws) == []
    aws.objects[f"{FOLDER}/alive/copy-3.json"] = beat("copied/copy-3-0.json", 9)
    assert found.counts("copied") == Counts(Amount(13, 0), working_seconds=5.0)
    assert read_keys(aws) == ["alive/copy-3.json"]


def test_of_many_heartbeats_so_many_are_read_at_a_look_the_fresh_and_unknown_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_files, "MAX_BEATS_READ", 2)
    aws = FakeAws()

    def put(name: str, second: int, objects: int) -> None:
        key = f"{FOLDER}/alive/{name}.json"
        aws.objects[key] = beat(f"copied/{name}-0.json", objects)
        aws.written[key] = BEGAN + timedelta(seconds=second)

    put("stale", 0, 1)
    for name, second in (("a", 100), ("b", 101), ("c", 102)):
        put(name, second, 1)
    found = files(aws)
    found.counts("copied")
    put("a", 110, 5)
    seen = []
    for _ in range(4):
        found.counts("copied")
        seen.append(sorted(read_keys(aws)))
        aws.calls.clear()

    assert seen == [
        ["alive/a.json", "alive/a.json", "alive/b.json", "alive/c.json"],
        ["alive/stale.json"],
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("date", "age_seconds"),
    [
        ("", 4.0),
        ("yesterday", 4.0),
        ("Sun, 22 Nov 2026 10:01:43 GMT", 7.0),
        ("Sun, 22 Nov 2026 10:00:00 GMT", 4.0),
    ],
)
def test_news_that_are_older_count_as_of_then_by_the_clock_of_s3(date: str, age_seconds: float) -> None:
    aws = FakeAws()
    aws.date = date
    for name, second in (("a", 100), ("b", 92), ("c", 96), ("gone", 0)):
        key = f"{FOLDER}/alive/{name}.json"
        aws.objects[key], aws.written[key] = (
            beat(f"copied/{name}-0.json", 1),
            BEGAN + timedelta(seconds=second),
        )

    assert files(aws).counts("copied") == Counts(Amount(4, 0), 0, age_seconds, 5.0)


@pytest.mark.parametrize(
    "said", [{}, {"record": "copied/a-0.json"}, [], "x", {"record": "copied/a", "failed": None}]
)
def test_a_heartbeat_that_is_none_is_left_out(said: Any) -> None:
    aws = FakeAws()
    aws.objects = {f"{FOLDER}/alive/a.json": said, f"{FOLDER}/alive/b.json": beat("copied/b-0.json", 3)}

    assert files(aws).counts("copied") == Counts(Amount(3, 0), working_seconds=5.0)


def test_without_the_right_to_read_them_records_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = FakeAws()
    aws.objects[f"{FOLDER}/copied/copy-1-0.json"] = {"tally": {"copied": {"objects": 5, "bytes": 5}}}
    listing = FakeAws._listing

    def refuse(self: FakeAws, **parameters: Any) -> Any:
        if "/alive/" in parameters["Prefix"]:
            raise error("AccessDenied", "ListObjectsV2", 403)
        return listing(self, **parameters)

    monkeypatch.setattr(FakeAws, "_listing", refuse)
    assert files(aws).counts("copied") == Counts(Amount(5, 5))


def test_what_is_done_never_goes_back_and_never_exceeds_the_plan() -> None:
    aws, clock = copying(FakeAws()), FakeClock()
    key = f"{FOLDER}/alive/large-1-1.json"
    observer = Observer(aws.installation(clock), ARN, "work")
    seen = []
    for size_bytes in (5, 3, 7 * 1024**3, 1):
        aws.objects[key] = beat("copied/large-1-0.json", 0, size_bytes)
        done = observer.look("RUNNING").done
        assert done
        seen.append(done.size_bytes)
        clock.sleep(5)

    assert seen == [5, 5, 3 * 1024**3, 3 * 1024**3]


def test_markers_that_deletes_leave_are_no_objects() -> None:
    aws = copying(FakeAws())
    aws.history.append(entered("DeleteOrphanedKeys"))
    aws.map_runs = [map_run("DeleteOrphanedKeys", 9)]
    aws.counts = {"mapRun:DeleteOrphanedKeys": counts(1)}
    tally = {"deleted": {"objects": 3, "bytes": 30}, "deleteMarkers": {"objects": 3, "bytes": 0}}
    aws.objects[f"{FOLDER}/deleted/delete-1-0.json"] = {"tally": tally}

    assert Observer(aws.installation(), ARN, "work").look("RUNNING").done == Amount(3, 30)


def test_while_the_buckets_are_compared_once_more_it_says_so() -> None:
    aws = FakeAws()
    aws.history = [entered("TallyDeletes"), entered("VerifyBuckets")]

    assert Observer(aws.installation(FakeClock()), ARN, "work").look("RUNNING").text() == "verifying"
