"""`fab report` and `fab follow`: what is shown of a run afterwards, and of one that goes on; compared whole."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ConfigurationError, ExecutionFailed
from deployment.step_functions import runs
from deployment.step_functions.runs import Run
from deployment.streams import OutputClosed
from deployment.tasks.runs import follow, report
from deployment.tasks.runs.failure_files import KEYS_SHOWN, MAX_CAUSES, by_cause
from deployment.tasks.runs.report import Wanted
from tests.fake_executions import ARN, BEGAN, FOLDER, LINK, REPORT, copying, error, piped
from tests.reported_runs import DENIED, Bucket, line

TABLE = [
    "photos -> photos-copy",
    "                                   objects       size",
    "─" * 53,
    "copied                               1,200    5.0 MiB",
    "deleted                                  3   30 bytes",
    "already equal                       98,765   20.0 GiB",
    "skipped: vanished during the run         2",
]
NARROW = [
    "photos -> photos-copy",
    "                objects       size",
    "─" * 34,
    "copied            1,200    5.0 MiB",
    "deleted               3   30 bytes",
    "already equal    98,765   20.0 GiB",
]
FOOT = [
    "Requests to the two buckets: 1,200 COPY, 202 LIST",
    "Estimated cost: $0.0070; it took 1 min 35 s",
    f"Report: s3://work/{FOLDER}/report.json",
]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An account whose newest run, called monday, has failed at two keys."""
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(runs, "find", lambda installation, name, deployed: Run(ARN, "FAILED", BEGAN))
    found = Bucket()
    found.statuses = ["FAILED"]
    found.end = {
        "stopDate": BEGAN + timedelta(seconds=95),
        "input": '{"source": "photos", "destination": "photos-copy"}',
        "error": "SyncIncomplete",
        "cause": "2 objects were not synchronised.",
    }
    found.objects[f"{FOLDER}/report.json"] = {**REPORT, "causes": {"AccessDenied": {"objects": 2}}}
    found.put_failures([line("b\n")], [line("a"), line("c", "vanished", "")])
    return found


def succeeded(aws: Bucket, **differing: Any) -> None:
    aws.statuses = ["SUCCEEDED"]
    aws.end = {
        "stopDate": BEGAN + timedelta(seconds=95),
        "output": json.dumps({**REPORT, "skipped": {}, **differing}),
    }


def shown(aws: Bucket, **wanted: Any) -> tuple[list[str], str]:
    console, out, err = piped()
    report.report(aws.installation(), None, console, Wanted(**wanted))
    return [one.rstrip() for one in out.getvalue().splitlines()], err.getvalue()


def test_a_report_has_how_it_ended_its_sums_and_every_cause_with_its_keys(aws: Bucket) -> None:
    assert shown(aws) == (
        [
            "monday, 2026-11-22 10:00:00 UTC, 1 min 35 s",
            LINK,
            "FAILED with SyncIncomplete: 2 objects were not synchronised.",
            *TABLE,
            *FOOT,
            "",
            "Not synchronised, by cause",
            "",
            "AccessDenied: 2 objects",
            "key   what     why",
            "─" * 55,
            f"b\\n   failed   {DENIED}",
            f"a     failed   {DENIED}",
            "",
            "vanished: 1 object",
            "key   what       why",
            "─" * 20,
            "c     vanished",
        ],
        "",
    )


def test_a_run_that_succeeded_has_its_sums_and_nothing_is_read_in_vain(aws: Bucket) -> None:
    succeeded(aws)
    found, _ = shown(aws)
    assert found == ["monday, 2026-11-22 10:00:00 UTC, 1 min 35 s: SUCCEEDED", LINK, *NARROW, *FOOT]
    assert [name for name, _ in aws.calls] == ["describe_execution"]


def test_what_a_run_that_succeeded_has_skipped_is_named_too(aws: Bucket) -> None:
    succeeded(aws, skipped={"vanished": 1})
    aws.put_failures([line("c", "vanished", "")])
    found, _ = shown(aws)
    assert found[-4:] == ["vanished: 1 object", "key   what       why", "─" * 20, "c     vanished"]


def test_of_a_cause_the_first_twenty_keys_are_shown_and_where_the_others_are(aws: Bucket) -> None:
    aws.put_failures([line(f"k{number:04}") for number in range(1000)], [line("z")])
    found, _ = shown(aws)
    assert "AccessDenied: 1,001 objects" in found
    assert [one.split()[0] for one in found if one.startswith("k0")] == [
        f"k{n:04}" for n in range(KEYS_SHOWN)
    ]
    assert found[-1] == "... and 981 more: fab report monday --failures FILE"


def test_shards_whose_worker_broke_are_told(aws: Bucket) -> None:
    aws.put_failures([line("a")], unfinished=3)
    assert shown(aws)[0][-1] == (
        "Of 3 shards there is no record up to the end, because a worker broke: their objects count as failed, and no file "
        "names them. The next sync takes them up."
    )


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("gone", "failures.json is not there: the run's files have expired, or the run has left none."),
        ("odd", "failures.json is not what a run writes."),
        ("cut", "failures/copy-0.jsonl was overwritten: its SHA-256 is not that of what was written."),
    ],
)
def test_where_the_files_cannot_be_read_there_is_what_the_report_names(
    aws: Bucket, harm: str, why: str
) -> None:
    key = f"{FOLDER}/failures.json"
    named = {"notSynchronised": [line("a")], "causes": {}}
    aws.objects[f"{FOLDER}/report.json"] = {**REPORT, **named}
    if harm == "gone":
        del aws.objects[key]
    elif harm == "odd":
        aws.objects[key] = {"files": 1}
    else:
        aws.objects[f"{FOLDER}/failures/copy-0.jsonl"] = b'{"key": "x", "what": "failed", "error": ""}\n'
    found, said = shown(aws)
    assert said == f"s3://work/{FOLDER}/{why} So only what the report itself names is shown.\n"
    assert found[-1] == f"a     failed   {DENIED}"


def test_as_json_there_is_one_document(aws: Bucket) -> None:
    console, out, err = piped()
    report.report(aws.installation(), None, console, Wanted(as_json=True))
    assert json.loads(out.getvalue()) == {
        "executionArn": ARN, "status": "FAILED", "error": "SyncIncomplete",
        "cause": "2 objects were not synchronised.", "report": aws.objects[f"{FOLDER}/report.json"],
    }  # fmt: skip
    assert err.getvalue() == ""


def test_failures_are_written_to_a_file_beside_the_rest(aws: Bucket, tmp_path: Path) -> None:
    file = tmp_path / "failures.jsonl"
    found, said = shown(aws, failures=str(file))
    lines = [json.loads(one) for one in file.read_text(encoding="utf-8").splitlines()]
    assert lines == [line("b\n"), line("a"), line("c", "vanished", "")]
    assert found[0].startswith("monday, ")
    assert said == f"3 keys written to {file}\n"


def test_the_file_is_there_even_if_nobody_reads_the_rest(aws: Bucket, tmp_path: Path) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    file, console = tmp_path / "failures.jsonl", Console(Closed(), io.StringIO(), environ={})
    with pytest.raises(OutputClosed):
        report.report(aws.installation(), None, console, Wanted(True, str(file)))
    assert len(file.read_text(encoding="utf-8").splitlines()) == 3


def test_failures_on_standard_output_are_all_there_is(aws: Bucket) -> None:
    aws.put_failures([line("b\n")], unfinished=1)
    found, said = shown(aws, failures="-")
    assert [json.loads(one) for one in found] == [line("b\n")]
    assert said == (
        "1 key written to standard output\nOf 1 shard there is no record up to the end: their keys are not among them.\n"
    )


def test_a_file_that_cannot_be_written_and_two_documents_in_one_stream_are_refused(
    aws: Bucket, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        shown(aws, failures=str(tmp_path))
    assert str(caught.value) == f"--failures {tmp_path}: the file cannot be written: Is a directory"
    with pytest.raises(ConfigurationError, match=r"^--json and --failures - both write to standard output"):
        Wanted(True, "-")


def test_a_run_that_goes_on_has_no_report_and_how_to_follow_it_is_said(aws: Bucket) -> None:
    aws.statuses, aws.end = ["RUNNING"], {}
    with pytest.raises(ExecutionFailed) as caught:
        shown(aws)
    assert str(caught.value) == (
        "The run monday goes on, and has no report yet. `fab follow monday` shows how far it is."
    )


@pytest.mark.parametrize(
    ("status", "end", "ended"),
    [
        ("ABORTED", {}, "ABORTED"),
        ("FAILED", {"error": "Odd", "cause": '{"errorMessage": "no memory."}'}, "FAILED with Odd: no memory"),
    ],
)
def test_a_run_that_has_left_no_report_says_how_it_ended(
    aws: Bucket, status: str, end: dict[str, str], ended: str
) -> None:
    del aws.objects[f"{FOLDER}/report.json"]
    aws.statuses, aws.end = [status], {"stopDate": BEGAN, **end}
    with pytest.raises(ExecutionFailed) as caught:
        shown(aws)
    assert str(caught.value) == (
        "The run monday has left no report that can be read: it was stopped before its end, or its files have expired. "
        f"It ended {ended}."
    )


@pytest.mark.parametrize(
    "left",
    [[], [{}], None, 7, {**REPORT, "copied": 7, "current": {}}, {**REPORT, "estimatedCostUsd": {}}, b"[" * 5000, b"{"],
    ids=lambda left: str(left)[:20],
)  # fmt: skip
@pytest.mark.parametrize("wanted", [{}, {"html": "page.html"}, {"csv": "table.csv"}, {"as_json": True}])
def test_what_is_no_report_is_said_to_be_none_in_every_form(
    aws: Bucket, tmp_path: Path, left: Any, wanted: dict[str, Any]
) -> None:
    aws.objects[f"{FOLDER}/report.json"] = left
    wanted = {
        name: str(tmp_path / place) if isinstance(place, str) else place for name, place in wanted.items()
    }
    with pytest.raises(ExecutionFailed, match="The run monday has left no report that can be read"):
        shown(aws, **wanted)


@pytest.mark.parametrize(
    "index", [[], None, {"files": 3}, {"unfinishedShards": [], "contents": [[]]}, b"[" * 5000]
)
def test_an_index_of_failures_that_no_run_writes_is_told_and_the_report_is_shown(
    aws: Bucket, index: Any
) -> None:
    aws.objects[f"{FOLDER}/failures.json"] = index
    found, said = shown(aws)
    assert (
        f"s3://work/{FOLDER}/failures.json" in said
        and "So only what the report itself names is shown." in said
    )
    assert any(one.startswith("copied") for one in found)


def test_a_line_of_failures_that_no_run_writes_is_told(aws: Bucket) -> None:
    aws.put_failures([{"key": 5}])  # type: ignore[dict-item]
    _, said = shown(aws)
    assert said.startswith(f"s3://work/{FOLDER}/failures/copy-0.jsonl is not what a run writes.")


def test_a_run_that_never_began_has_its_error_only(aws: Bucket) -> None:
    aws.end |= {"error": "InvalidInput", "cause": '"sauce" is not an option.'}
    aws.objects[f"{FOLDER}/report.json"] = {"source": "a", "plan": {}}
    assert shown(aws)[0][2:] == ['FAILED with InvalidInput: "sauce" is not an option.']


def test_causes_beyond_the_twentieth_are_one() -> None:
    causes = by_cause(line("k", why=f"E{number}: no") for number in range(MAX_CAUSES + 5))
    assert len(causes) == MAX_CAUSES + 1
    assert causes["other causes"].objects == 5


# Following


def test_a_run_is_followed_to_its_end_from_another_terminal(aws: Bucket) -> None:
    succeeded(copying(aws))  # type: ignore[arg-type]
    aws.end["input"] = '{"source": "photos", "destination": "photos-copy"}'
    aws.statuses = ["RUNNING", "RUNNING", "SUCCEEDED"]
    console, out, err = piped()
    ended = follow.follow(aws.installation(), None, console)
    assert ended.status == "SUCCEEDED"
    assert err.getvalue() == (
        f"{ARN}\n{LINK}\nSyncing photos -> photos-copy\n"
        "  10:00:00  copying, 4 of 10 batches; 0 of 5,000 objects, 0 bytes of 3.0 GiB, 0 %; "
        "workers report every 10 s, for the first time after 5 s\n"
        "  10:00:00  finished\n"
    )
    assert [one.rstrip() for one in out.getvalue().splitlines()] == [*NARROW, *FOOT]


def test_whoever_leaves_again_is_told_how_to_come_back(aws: Bucket) -> None:
    aws.statuses = ["RUNNING", error("AccessDeniedException")]
    console, _, err = piped()
    with pytest.raises(Exception, match="AccessDeniedException"):
        follow.follow(aws.installation(), "mon", console)
    assert "\n  fab follow monday\nStop it with:\n  fab stop monday\n" in err.getvalue()


def test_following_a_run_that_has_failed_is_a_failure_and_options_are_named_as_they_were_given(
    aws: Bucket,
) -> None:
    aws.end |= {"error": "DeletionRefused", "cause": 'Start again with "maxDelete": 3.'}
    console, out, _ = piped()
    with pytest.raises(
        ExecutionFailed, match=r'monday failed with DeletionRefused: Start again with "maxDelete": 3\.'
    ):
        follow.follow(aws.installation(), None, console, as_json=True)
    assert json.loads(out.getvalue())["report"] == aws.objects[f"{FOLDER}/report.json"]
