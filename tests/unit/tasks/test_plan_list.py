"""The plan of a dry run as `fab sync` and `fab report` show and list it; compared whole."""

from __future__ import annotations

import json
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deployment import key_order
from deployment.cloudformation import lookup
from deployment.errors import ConfigurationError, ExecutionFailed
from deployment.step_functions import listing, runs
from deployment.step_functions.listing import Machine
from deployment.step_functions.run_report import RunFolder
from deployment.step_functions.runs import Run
from deployment.tasks.runs import plan_list, report, sync
from deployment.tasks.runs.report import Wanted
from deployment.tasks.runs.report_text import footer
from tests.fake_executions import ARN, BEGAN, FOLDER, LINK, MACHINE, piped
from tests.planned_runs import PlannedBucket, planned, report_of

TABLE = [
    "a -> b (dry run: nothing was changed)",
    "                   objects       size",
    "─" * 37,
    "would be copied          4    0 bytes",
    "would be deleted         1    0 bytes",
    "already equal            7   70 bytes",
    "Requests to the two buckets: 2 LIST",
    "Estimated cost of the run: $0.0300, of which $0.0006 for comparing, as now; it took 1 min 35 s",
    f"Report: s3://work/{FOLDER}/report.json",
]
LINES = ["+ a\\nb", "* c", "* d", "~ e", "- f\\x1b[2J"]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> PlannedBucket:
    """A deployed account whose next execution is a dry run that plans five things."""
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(listing, "newest", lambda *_: Machine(MACHINE, "arn:machine", False, BEGAN))
    monkeypatch.setattr(runs, "find", lambda installation, name, deployed: Run(ARN, "SUCCEEDED", BEGAN))
    found = PlannedBucket()
    copies = [
        [planned("c", "size"), planned("d", "content", 4 << 30)],
        [planned("a\nb", "new"), planned("e", "tags")],
    ]
    found.put_wave(1, [{"copy": copies, "delete": [[planned("f\x1b[2J", "orphan")]]}])
    found.statuses = ["SUCCEEDED"]
    found.end = {"output": json.dumps(report_of(4, 1)), "stopDate": BEGAN + timedelta(seconds=95)}
    return found


def synced(aws: PlannedBucket, **wanted: Any) -> tuple[list[str], str]:
    console, out, err = piped()
    sync.sync(aws.installation(), {"source": "a", "destination": "b", "dryRun": True}, console, **wanted)
    return [line.rstrip() for line in out.getvalue().splitlines()], err.getvalue()


def test_a_dry_run_shows_the_first_of_each_kind_with_size_and_reason(aws: PlannedBucket) -> None:
    found, said = synced(aws)

    assert found[: len(TABLE)] == TABLE
    assert [line for line in found[len(TABLE) :] if "─" not in line] == [
        "",
        "+ New: 1 object",
        "key       size   why",
        "a\\nb   3 bytes   new",
        "",
        "* Other content: 2 objects",
        "key      size   why",
        "c     3 bytes   size",
        "d     4.0 GiB   content",
        "",
        "~ Other metadata or tags: 1 object",
        "key      size   why",
        "e     3 bytes   tags",
        "",
        "- Orphans: 1 object",
        "key           size   why",
        "f\\x1b[2J   3 bytes   orphan",
    ]
    assert said == f"Started {ARN}\n{LINK}\nSyncing a -> b\n  10:00:00  finished\n"


def test_of_a_kind_the_first_twenty_in_the_order_of_keys_are_shown_and_how_many_more(
    aws: PlannedBucket,
) -> None:
    shards = [
        [planned(f"{number:04}", "new") for number in range(first, 1000, 10)] for first in range(9, -1, -1)
    ]
    aws.put_wave(1, [{"copy": shards}])
    aws.end["output"] = json.dumps(report_of(1000, 0))

    found, _ = synced(aws)

    assert [line.split()[0] for line in found if line.endswith(" new")] == [f"{n:04}" for n in range(20)]
    assert found[-3:] == ["... and 980 more", "", "All of them, one a line: `fab report monday --list FILE`"]


def test_of_a_very_large_plan_a_part_is_looked_through_and_all_is_counted(
    aws: PlannedBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_list, "SHARDS_SHOWN", 2)
    aws.put_wave(
        1, [{"copy": [[planned(f"{shard}-{n:02}", "new") for n in range(15)] for shard in range(4)]}]
    )
    aws.end["output"] = json.dumps(report_of(60, 0))

    found, _ = synced(aws)

    assert "+ New: 60 objects" in found
    assert "... and 40 more" in found
    assert sum("/copy/" in call[1].get("Key", "") for call in aws.calls) == 2


def test_what_is_only_restored_yet_has_a_sign_a_table_and_an_action_of_its_own(aws: PlannedBucket) -> None:
    shards = {"copy": [[planned("a", "new")]], "restore": [[{**planned("b", "size"), "restore": True}]]}
    aws.put_wave(1, [shards])
    aws.end["output"] = json.dumps(report_of(1, 0, restore=1))

    found, _ = synced(aws)

    assert [line for line in found if line.startswith(("archived", "^", "b "))] == [
        "archived, would be restored         1    0 bytes",
        "^ To restore: 1 object",
        "b     3 bytes   restore",
    ]
    assert synced(aws, list_to="-")[0] == ["+ a", "^ b"]
    assert [json.loads(line)["action"] for line in synced(aws, list_to="-", as_json=True)[0]] == [
        "copy",
        "restore",
    ]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_list_on_standard_output_is_all_there_is(aws: PlannedBucket, as_json: bool) -> None:
    found, said = synced(aws, list_to="-", as_json=as_json)

    expected = [
        {"action": "copy", "reason": "new", "key": "a\nb", "size": 3},
        {"action": "copy", "reason": "size", "key": "c", "size": 3},
        {"action": "copy", "reason": "content", "key": "d", "size": 4 << 30},
        {"action": "copy", "reason": "tags", "key": "e", "size": 3},
        {"action": "delete", "reason": "orphan", "key": "f\x1b[2J", "size": 3},
    ]
    assert ([json.loads(line) for line in found] if as_json else found) == (expected if as_json else LINES)
    assert said.endswith("  10:00:00  finished\n5 planned lines written to standard output\n")


def test_a_list_in_a_file_stands_beside_the_rest(aws: PlannedBucket, tmp_path: Path) -> None:
    file = tmp_path / "plan.txt"
    found, said = synced(aws, list_to=str(file))

    assert file.read_text(encoding="utf-8").splitlines() == LINES
    assert found[: len(TABLE)] == TABLE
    assert said.endswith(f"5 planned lines written to {file}\n")


def test_the_records_of_a_plan_are_read_once_for_a_list_and_what_is_shown(
    aws: PlannedBucket, tmp_path: Path
) -> None:
    synced(aws, list_to=str(tmp_path / "by_sync"))
    by_sync = records_read(aws)
    report.report(aws.installation(), None, piped()[0], Wanted(plan=str(tmp_path / "by_report")))

    assert by_sync == [f"{FOLDER}/ranges/1.json"]
    assert records_read(aws) == by_sync * 2


def records_read(aws: PlannedBucket) -> list[str]:
    keys = [call["Key"] for name, call in aws.calls if name == "get_object"]
    return [key for key in keys if "/ranges/" in key]


def test_a_list_as_json_in_a_file_stands_beside_the_document(aws: PlannedBucket, tmp_path: Path) -> None:
    file = tmp_path / "plan.jsonl"
    found, _ = synced(aws, list_to=str(file), as_json=True)

    assert json.loads("\n".join(found))["report"] == report_of(4, 1)
    assert [json.loads(line)["key"] for line in file.read_text(encoding="utf-8").splitlines()][:2] == [
        "a\nb",
        "c",
    ]


def test_a_file_that_cannot_be_written_is_refused_before_the_run(aws: PlannedBucket, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        synced(aws, list_to=str(tmp_path))
    assert str(caught.value) == f"--list {tmp_path}: the file cannot be written: Is a directory"
    with pytest.raises(
        ConfigurationError, match=r"^--list and --no-wait are given, and there is no plan before"
    ):
        synced(aws, list_to="-", wait=False)
    assert aws.calls == []


def refused(aws: PlannedBucket) -> None:
    left = report_of(4, 1, dryRun=False, outcome="DeletionRefused")
    aws.statuses = ["FAILED"]
    aws.end |= {"error": "DeletionRefused", "cause": "too many."}
    aws.objects[f"{FOLDER}/report.json"] = left


def test_a_refused_run_shows_and_lists_its_plan_and_then_fails(aws: PlannedBucket) -> None:
    refused(aws)
    for list_to, expected in (("-", LINES), ("", ["- Orphans: 1 object"])):
        console, out, _ = piped()
        with pytest.raises(ExecutionFailed, match=r"monday failed with DeletionRefused: too many\."):
            sync.sync(aws.installation(), {"source": "a", "destination": "b"}, console, list_to=list_to)
        found = out.getvalue().splitlines()
        assert found == expected if list_to else expected[0] in found


def test_a_plan_that_cannot_be_read_leaves_the_report_as_it_is(aws: PlannedBucket) -> None:
    del aws.objects[f"{FOLDER}/ranges/1.json"]
    found, said = synced(aws)
    assert found == TABLE
    assert said.endswith(
        f"s3://work/{FOLDER}/ranges/1.json is not there: the run's files have expired, or the run has left none. So the "
        "keys of the plan are not shown.\n"
    )


def test_a_list_that_cannot_be_read_is_an_error(aws: PlannedBucket) -> None:
    del aws.objects[f"{FOLDER}/ranges/1.json"]
    with pytest.raises(ExecutionFailed, match=r"ranges/1\.json is not there"):
        synced(aws, list_to="-")


def test_a_full_disk_is_said(aws: PlannedBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(key_order.tempfile, "TemporaryFile", full)
    folder = RunFolder(aws.installation(), ARN, "work")
    console, _, _ = piped()
    monkeypatch.setattr(
        plan_list, "lines_in_order", lambda *_: key_order.in_key_order([["a", "new", 1]] * 3, 1)
    )
    with pytest.raises(ExecutionFailed) as caught:
        plan_list.write_list(folder, report_of(4, 1), "-", False, console)
    assert str(caught.value) == (
        "The plan could not be sorted, or not be written to standard output: No space left on device. Whatever is there is "
        "not the whole of it. Sorting takes room in the folder for temporary files (TMPDIR)."
    )


# Afterwards


def test_fab_report_shows_the_plan_of_a_dry_run_and_lists_that_of_any_run(aws: PlannedBucket) -> None:
    console, out, _ = piped()
    report.report(aws.installation(), None, console, Wanted())
    assert "+ New: 1 object" in out.getvalue()
    aws.end["output"] = json.dumps(report_of(4, 1, dryRun=False))
    console, out, _ = piped()
    report.report(aws.installation(), None, console, Wanted())
    assert "New" not in out.getvalue()
    for as_json in (False, True):
        console, out, _ = piped()
        report.report(aws.installation(), None, console, Wanted(as_json, plan="-"))
        found = out.getvalue().splitlines()
        assert ([json.loads(line)["reason"] for line in found] if as_json else found) == (
            ["new", "size", "content", "tags", "orphan"] if as_json else LINES
        )


def applied(aws: PlannedBucket, **differing: Any) -> PlannedBucket:
    """The same, where monday has carried out the plan of a dry run called sunday."""
    for key in [key for key in aws.objects if key.startswith(f"{FOLDER}/")]:
        there = key.replace("/monday/", "/sunday/")
        found = aws.objects.pop(key)
        aws.objects[there] = {**found, "file": there} if isinstance(found, dict) else found
    left = report_of(4, 1, dryRun=False, appliedPlan=f"{MACHINE}/sunday", planDigest="5" * 64, **differing)
    aws.end["output"] = json.dumps(left)
    return aws


def test_of_a_run_that_carried_out_a_plan_that_plan_is_listed(aws: PlannedBucket) -> None:
    console, out, _ = piped()
    report.report(applied(aws).installation(), None, console, Wanted(plan="-"))
    assert out.getvalue().splitlines() == LINES
    aws.objects.clear()
    with pytest.raises(ExecutionFailed) as caught:
        report.report(aws.installation(), None, console, Wanted(plan="-"))
    assert str(caught.value).startswith(f"s3://work/runs/{MACHINE}/sunday/ranges/1.json is not there")


def test_of_a_plan_that_was_refused_again_the_keys_are_shown(aws: PlannedBucket) -> None:
    applied(aws, outcome="DeletionRefused")
    console, out, err = piped()
    report.report(aws.installation(), None, console, Wanted())
    assert ("+ New: 1 object" in out.getvalue(), err.getvalue()) == (True, "")


def test_the_page_of_a_plan_that_was_refused_again_has_its_keys(aws: PlannedBucket, tmp_path: Path) -> None:
    applied(aws, outcome="DeletionRefused")
    console, _, err = piped()
    report.report(aws.installation(), None, console, Wanted(html=str(tmp_path / "page.html")))
    assert "+ New" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "is not there" not in (tmp_path / "page.html").read_text(encoding="utf-8") + err.getvalue()


def test_a_run_that_never_began_has_no_plan(aws: PlannedBucket) -> None:
    aws.end["output"] = json.dumps({"source": "a", "plan": {}})
    console, _, _ = piped()
    with pytest.raises(
        ExecutionFailed, match=r"^This run has no plan: it ended before anything was compared\.$"
    ):
        report.report(aws.installation(), None, console, Wanted(plan="-"))


def test_two_lists_in_one_stream_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^--list - and --failures - both write to standard output"):
        Wanted(failures="-", plan="-")


def test_the_cost_of_a_real_run_is_what_it_was() -> None:
    assert "Estimated cost: $0.0006; it took 1.0 s" in footer(report_of(4, 1, dryRun=False), 1.0)


def test_memory_does_not_grow_with_the_lines(
    aws: PlannedBucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        "deployment.step_functions.plan_lines.in_key_order", lambda lines: key_order.in_key_order(lines, 2000)
    )
    # A hundredth of a run, as in reality; and one file at a time, because how many threads hold one at once is chance.
    monkeypatch.setattr(key_order, "BATCH_LINES", 20)
    monkeypatch.setattr("deployment.step_functions.run_report.READ_AHEAD", 1)
    peaks = []
    for shards in (20, 80):
        bodies = [[planned(f"{n:04}-{shard:02}", "new") for n in range(500)] for shard in range(shards)]
        aws.put_wave(1, [{"copy": bodies}])
        del bodies
        folder, (console, _, _) = RunFolder(aws.installation(), ARN, "work"), piped()
        tracemalloc.start()
        plan_list.write_list(folder, report_of(500 * shards, 0), str(tmp_path / "list"), False, console)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    listed = (tmp_path / "list").read_text(encoding="utf-8").splitlines()
    assert len(listed) == 40_000
    assert listed == sorted(listed)
    assert peaks[1] < 1.5 * peaks[0]
