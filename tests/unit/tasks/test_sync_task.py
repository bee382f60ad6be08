"""`fab sync`: from its flags to the input, from the start to the report; what is shown is compared whole."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest

from deployment.cloudformation import lookup
from deployment.console import Console
from deployment.errors import ExecutionFailed
from deployment.step_functions import listing
from deployment.step_functions.listing import Machine
from deployment.tasks.runs import report_text, sync
from deployment.tasks.runs.report_text import footer
from deployment.text import dollars
from tests.fake_executions import (
    ARN,
    BEGAN,
    FOLDER,
    LINK,
    MACHINE,
    REPORT,
    FakeAws,
    piped,
)

# The whole of it


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """A deployed account whose next execution succeeds at once."""
    deployed = Machine(MACHINE, "arn:machine", False, BEGAN)
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(listing, "newest", lambda installation, base_name: deployed)
    found = FakeAws()
    found.statuses = ["SUCCEEDED"]
    found.end = {"output": json.dumps(REPORT), "stopDate": BEGAN + timedelta(seconds=95)}
    return found


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_a_sync_ends_with_its_report_as_a_table(aws: FakeAws) -> None:
    console, out, err = piped()
    execution = sync.sync(aws.installation(), {"source": "a", "destination": "b"}, console)
    assert execution.report == REPORT
    assert lines(out.getvalue()) == [
        "a -> b",
        "                                   objects       size",
        "─" * 53,
        "copied                               1,200    5.0 MiB",
        "deleted                                  3   30 bytes",
        "already equal                       98,765   20.0 GiB",
        "skipped: vanished during the run         2",
        "Requests to the two buckets: 1,200 COPY, 202 LIST",
        "Estimated cost: $0.0070; it took 1 min 35 s",
        f"Report: s3://work/{FOLDER}/report.json",
    ]
    assert err.getvalue() == f"Started {ARN}\n{LINK}\nSyncing a -> b\n  10:00:00  finished\n"
    assert aws.calls[0][1]["input"] == '{"source": "a", "destination": "b"}'


def test_as_json_there_is_one_document_and_nothing_else(aws: FakeAws) -> None:
    console, out, _ = piped()
    sync.sync(aws.installation(), {}, console, as_json=True)
    assert json.loads(out.getvalue()) == {"executionArn": ARN, "status": "SUCCEEDED", "report": REPORT}


def test_without_waiting_there_are_the_arn_and_the_link(aws: FakeAws) -> None:
    console, out, err = piped()
    assert sync.sync(aws.installation(), {}, console, wait=False).status == "RUNNING"
    assert out.getvalue() == f"{ARN}\n{LINK}\n"
    assert err.getvalue() == ""
    assert [name for name, _ in aws.calls] == ["start_execution"]


def test_without_waiting_and_as_json_there_is_one_document(aws: FakeAws) -> None:
    console, out, _ = piped()
    sync.sync(aws.installation(), {}, console, wait=False, as_json=True)
    assert json.loads(out.getvalue()) == {"executionArn": ARN, "status": "RUNNING", "console": LINK}


def test_a_failed_sync_shows_the_report_that_it_has_left_and_then_fails(aws: FakeAws) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": "SyncIncomplete", "cause": "2 objects failed."}
    named = [{"key": "a\nb", "what": "failed", "error": "AccessDenied"}]
    left = {**REPORT, "failed": {"objects": 2}, "deleted": {"objects": 0}, "notSynchronised": named}
    aws.objects[f"{FOLDER}/report.json"] = left
    console, out, _ = piped()
    with pytest.raises(ExecutionFailed, match=r"monday failed with SyncIncomplete: 2 objects failed\."):
        sync.sync(aws.installation(), {}, console)
    assert lines(out.getvalue())[-4:] == [
        "Not synchronised (the report names the files with all of them)",
        "key    what     why",
        "─" * 28,
        "a\\nb   failed   AccessDenied",
    ]
    assert "failed                                   2" in lines(out.getvalue())


@pytest.mark.parametrize("left", [None, {"source": "a", "plan": {}}])
def test_a_failed_sync_without_a_run_just_fails(aws: FakeAws, left: dict[str, Any] | None) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": "InvalidInput", "cause": '"sauce" is not an option.'}
    if left:
        aws.objects[f"{FOLDER}/report.json"] = left
    console, out, _ = piped()
    with pytest.raises(ExecutionFailed, match='failed with InvalidInput: "sauce" is not an option'):
        sync.sync(aws.installation(), {}, console)
    assert out.getvalue() == ""


REFUSED = {
    **REPORT,
    "outcome": "DeletionRefused",
    "phase": "planning",
    "copied": {"objects": 0, "bytes": 0},
    "deleted": {"objects": 0, "bytes": 0},
}


def test_a_refused_sync_shows_its_plan_and_says_that_nothing_was_changed(aws: FakeAws) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": "DeletionRefused", "cause": 'Start again with "maxDelete": 3.'}
    aws.objects[f"{FOLDER}/report.json"] = REFUSED
    console, out, _ = piped()
    with pytest.raises(
        ExecutionFailed, match=r"failed with DeletionRefused: Start again with --max-delete 3\."
    ):
        sync.sync(aws.installation(), {"source": "photos", "destination": "copy", "prefix": "x/"}, console)
    assert lines(out.getvalue())[:6] == [
        "photos/x/ -> copy/x/ (refused: nothing was changed)",
        "                                   objects       size",
        "─" * 53,
        "would be copied                      1,200    5.0 MiB",
        "would be deleted                         3   30 bytes",
        "already equal                       98,765   20.0 GiB",
    ]
    assert f"Report: s3://work/{FOLDER}/report.json" in lines(out.getvalue())


@pytest.mark.parametrize("error", ["DeletionRefused", "SyncIncomplete", "InvalidInput"])
def test_a_run_that_did_not_succeed_has_its_whole_report_as_json_too(aws: FakeAws, error: str) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": error, "cause": "why"}
    aws.objects[f"{FOLDER}/report.json"] = REFUSED
    console, out, _ = piped()
    with pytest.raises(ExecutionFailed):
        sync.sync(aws.installation(), {}, console, as_json=True)
    document = json.loads(out.getvalue())
    assert document == {
        "executionArn": ARN, "status": "FAILED", "error": error, "cause": "why", "report": REFUSED,
    }  # fmt: skip
    assert document["report"]["report"] == f"s3://work/{FOLDER}/report.json"


def test_a_failed_sync_as_json_is_one_document_too(aws: FakeAws) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": "InvalidInput", "cause": "no source."}
    console, out, _ = piped()
    with pytest.raises(ExecutionFailed):
        sync.sync(aws.installation(), {}, console, as_json=True)
    expected = {"executionArn": ARN, "status": "FAILED", "error": "InvalidInput", "cause": "no source."}
    assert json.loads(out.getvalue()) == expected


def test_whoever_stops_watching_is_told_that_the_execution_goes_on(aws: FakeAws) -> None:
    aws.refused["describe_execution"] = KeyboardInterrupt()
    console, _, err = piped()
    with pytest.raises(KeyboardInterrupt):
        sync.sync(aws.installation(), {}, console)
    assert err.getvalue() == (
        f"Started {ARN}\n{LINK}\nSyncing\nThe execution continues in AWS. Come back to it from any terminal with:\n"
        "  fab follow monday\nStop it with:\n"
        "  fab stop monday\n"
    )


def test_without_a_state_machine_the_command_that_makes_one_is_named(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "newest", lambda installation, base_name: None)
    console, _, _ = piped()
    with pytest.raises(ExecutionFailed) as caught:
        sync.sync(aws.installation(), {}, console)
    assert str(caught.value) == (
        "There is no state machine sync-buckets-state-machine-... of the stack sync-buckets in "
        "123456789012/eu-west-1. Run `fab` to deploy it."
    )


# The report

ODD = 'Nothing was listed in the source photos under the prefix "photso/": check its spelling.'
WHOLE: dict[str, Any] = {
    **REPORT,
    "listed": {"source": 99_970, "destination": 98_768},
    "outOfScope": {"source": 3, "destination": 0},
    "failed": {"objects": 3},
    "causes": {
        "AccessDenied": {
            "objects": 1200,
            "example": {"key": "a\nb", "what": "failed", "error": "AccessDenied: Denied"},
        },
        "vanished": {"objects": 2, "example": {"key": "c", "what": "vanished", "error": ""}},
    },
    "warnings": [ODD, "The second one."],
    "notSynchronised": [{"key": "a\nb", "what": "failed", "error": "AccessDenied: Denied"}],
}


def test_a_report_with_everything_tells_the_scope_the_warnings_and_the_causes_in_a_pipe() -> None:
    console, out, err = piped()

    report_text.show_report(WHOLE, 95.0, console)

    assert lines(out.getvalue()) == [
        "photos -> photos-copy",
        "                                   objects       size",
        "─" * 53,
        "copied                               1,200    5.0 MiB",
        "deleted                                  3   30 bytes",
        "already equal                       98,765   20.0 GiB",
        "skipped: vanished during the run         2",
        "failed                                   3",
        "Objects listed: 99,970 at the source (3 out of scope), 98,768 at the destination (0 out of scope)",
        "Requests to the two buckets: 1,200 COPY, 202 LIST",
        "Estimated cost: $0.0070; it took 1 min 35 s",
        f"Report: s3://work/{FOLDER}/report.json",
        f"Warning: {ODD}",
        "Warning: The second one.",
        "",
        "Why objects were not synchronised",
        "cause          objects   for example",
        "─" * 36,
        "AccessDenied     1,200   a\\nb",
        "vanished             2   c",
        "",
        "Not synchronised (the report names the files with all of them)",
        "key    what     why",
        "─" * 36,
        "a\\nb   failed   AccessDenied: Denied",
    ]
    assert err.getvalue() == ""


def test_warnings_are_yellow_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()

    report_text.show_report(
        {**REPORT, "warnings": [ODD]}, 95.0, Console(out, io.StringIO(), environ={"TERM": "xterm"}, width=200)
    )

    assert f"\x1b[33mWarning: {ODD}\x1b[0m\n" in out.getvalue()


@pytest.mark.parametrize(
    ("left_out", "line"),
    [
        ({"source": 0, "destination": 0}, None),
        ({}, None),
        (
            {"source": 0, "destination": 1200},
            "Objects listed: 5 at the source (0 out of scope), 1,300 at the destination (1,200 out of scope)",
        ),
    ],
)
def test_what_was_listed_is_told_where_something_was_out_of_scope(
    left_out: dict[str, int], line: str | None
) -> None:
    report = {"listed": {"source": 5, "destination": 1300}, "outOfScope": left_out}

    assert list(report_text.scope(report)) == ([line] if line else [])


def test_a_report_of_an_older_machine_has_no_scope_no_warnings_and_no_causes() -> None:
    console, out, _ = piped()

    report_text.show_report(REPORT, 95.0, console)

    assert [
        line for line in lines(out.getvalue()) if "listed" in line or "Warning" in line or "Why" in line
    ] == []


def test_the_report_of_a_dry_run_says_what_would_be() -> None:
    dry = {**REPORT, "dryRun": True, "copied": {"objects": 0, "bytes": 0}}
    assert report_text.title(dry) == "photos -> photos-copy (dry run: nothing was changed)"
    named = {**dry, "options": {"source": "photos", "destination": "photos-copy", "name": "nightly"}}
    assert report_text.title(named) == "nightly: photos -> photos-copy (dry run: nothing was changed)"
    assert list(report_text.rows(dry)) == [
        ("would be copied", 1200, "5.0 MiB"),
        ("would be deleted", 3, "30 bytes"),
        ("already equal", 98765, "20.0 GiB"),
        ("skipped: vanished during the run", 2, ""),
    ]


def test_what_filters_left_alone_has_lines_of_its_own() -> None:
    filtered = {
        **REPORT,
        "filtered": {"source": 1200, "destination": 1},
        "notOverwritten": {"objects": 2},
    }
    assert list(report_text.rows(filtered))[3:6] == [
        ("left out by filters at the source", 1200, ""),
        ("kept at the destination by filters", 1, ""),
        ("not overwritten", 2, ""),
    ]


def test_everything_that_went_wrong_has_a_line_of_its_own() -> None:
    skipped = {"archived": 1, "vanished": 0, "unmappable": 2, "restoring": 6}
    bad = {
        **REPORT,
        "skipped": skipped,
        "changed": {"objects": 3},
        "unprovable": {"objects": 4},
        "failed": {"objects": 5},
    }
    assert list(report_text.rows(bad))[3:] == [
        ("skipped: archived, to be restored first", 1, ""),
        ("skipped: no possible key at the destination", 2, ""),
        ("skipped: archived, a restore is under way", 6, ""),
        ("unprovable: no checksum tells", 4, ""),
        ("changed by others during the run", 3, ""),
        ("failed", 5, ""),
    ]


@pytest.mark.parametrize(
    "differences, meanwhile, line",
    [
        (0, 0, "Compared once more: 2,000 keys, no difference"),
        (0, 1200, "Compared once more: 2,000 keys, no difference, 1,200 written meanwhile"),
        (3, 1, "Compared once more: 2,000 keys, 3 of them differ, 1 written meanwhile"),
    ],
)
def test_what_a_run_that_verifies_has_found_is_told_in_a_line_of_its_own(
    differences: int, meanwhile: int, line: str
) -> None:
    found = {"objects": 2000, "differences": differences, "writtenMeanwhile": meanwhile}
    told = list(footer({"requests": {}, "estimatedCostUsd": 0.1, "verified": found}, 1.0))

    assert line in told
    assert [one for one in footer({"requests": {}, "verified": {}}, 1.0) if "once more" in one] == []


def test_pages_of_an_unusual_form_are_told_in_a_line_of_their_own_if_there_are_any() -> None:
    told = list(footer({"requests": {}, "estimatedCostUsd": 0.1, "unusualPages": 1200}, 1.0))

    assert told[1] == "1,200 pages of the listings had an unusual form: they were read too, but slowly."
    assert "unusual" not in "".join(footer({**REPORT, "unusualPages": 0}, 1.0))


@pytest.mark.parametrize(
    ("usd", "text"), [(None, "unknown"), (0, "$0.0000"), (0.00704, "$0.0070"), (1234.5, "$1,234.50")]
)
def test_money_has_as_many_digits_as_matter(usd: float | None, text: str) -> None:
    assert dollars(usd) == text


def test_a_versioned_destination_is_told_in_a_line_of_its_own() -> None:
    told = list(footer({"requests": {}, "estimatedCostUsd": 0.1, "deleteMarkers": 1200}, 1.0))
    assert (
        told[0]
        == "The destination is versioned: 1,200 of the deletes left a delete marker, old versions stay."
    )
    assert "versioned" not in "".join(
        footer({"requests": {}, "estimatedCostUsd": 0.1, "deleteMarkers": 0}, 1.0)
    )
