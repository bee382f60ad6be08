"""`fab verify`: yes, no or unknown, with its reasons and its exit status."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError, ParamValidationError
from invoke.context import Context
from invoke.exceptions import Exit

import fabfile
from deployment.cloudformation import lookup
from deployment.errors import ConfigurationError, CouldNotTell, CredentialsError, NotInSync
from deployment.step_functions import listing
from deployment.step_functions.executions import Execution
from deployment.step_functions.listing import Machine
from deployment.tasks.runs import verify
from deployment.tasks.runs.verify import Verdict, judge, options_of, unknown_unless_told
from lambda_functions.shared.options import parse
from tests.fake_executions import ARN, BEGAN, FOLDER, MACHINE, piped
from tests.fake_executions import error as refusal
from tests.planned_runs import PlannedBucket, planned, report_of

ENDED = Execution(ARN, "SUCCEEDED")
FAILED = Execution(ARN, "FAILED", error="SyncIncomplete", cause="1 object was not synchronised.")


def nothing_but(**skipped: int) -> dict[str, int]:
    return {"archived": 0, "vanished": 0, "unmappable": 0, **skipped}


@pytest.mark.parametrize(
    ("execution", "report", "verdict"),
    [
        (ENDED, report_of(0, 0), Verdict("in sync", "7 objects are equal")),
        (
            ENDED,
            report_of(1, 0),
            Verdict("differs", "1 object is missing at the destination or different there"),
        ),
        (ENDED, report_of(0, 2), Verdict("differs", "2 objects are at the destination only")),
        (
            ENDED,
            report_of(0, 0, skipped=nothing_but(archived=1, unmappable=2)),
            Verdict(
                "differs",
                "1 object is archived, and missing or different at the destination, "
                "2 objects are missing, because the destination cannot have such a key",
            ),
        ),
        (
            ENDED,
            report_of(0, 0, skipped=nothing_but(archived=1, restoring=2), restore=3),
            Verdict("differs", "6 objects are archived, and missing or different at the destination"),
        ),
        (
            ENDED,
            report_of(0, 0, unprovable={"objects": 3}, skipped=nothing_but(vanished=1)),
            Verdict(
                "unknown",
                "3 objects are neither proved equal nor different by any checksum, 1 object is gone since the source was listed",
            ),
        ),
        (FAILED, report_of(0, 2), Verdict("differs", "2 objects are at the destination only")),
        (
            FAILED,
            report_of(0, 0, failed={"objects": 1}),
            Verdict(
                "unknown", "the comparison ended FAILED with SyncIncomplete: 1 object was not synchronised"
            ),
        ),
        (Execution(ARN, "ABORTED"), {}, Verdict("unknown", "the comparison ended ABORTED")),
        (ENDED, {}, Verdict("unknown", "the comparison ended SUCCEEDED")),
    ],
)
def test_a_dry_run_is_judged(execution: Execution, report: dict[str, Any], verdict: Verdict) -> None:
    assert judge(execution, report) == verdict


def test_a_verification_is_a_dry_run_that_no_guard_stops() -> None:
    given = {"source": "abc", "destination": "abd", "dryRun": False, "maxDelete": 1, "unprovable": "copy"}

    options = parse(options_of(given, deep=False), {})

    assert (options.dryRun, options.allowEmptySource, options.maxDelete) == (True, True, "100%")
    assert (options.unprovable, options.compareMetadata) == ("keep", True)
    assert parse(options_of(given, deep=True), {}).compareMetadata == "all"
    assert options_of({**given, "overwrite": "newer"}, deep=False) == options_of(given, deep=False)
    with pytest.raises(ConfigurationError, match=r"^--deep asks for the metadata of every object"):
        options_of({**given, "compareMetadata": False}, deep=True)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> PlannedBucket:
    """A deployed account whose next dry run finds one object missing."""
    monkeypatch.setattr(lookup, "outputs", lambda installation: {"WorkBucket": "work"})
    monkeypatch.setattr(listing, "newest", lambda *_: Machine(MACHINE, "arn:machine", False, BEGAN))
    found = PlannedBucket()
    found.put_wave(1, [{"copy": [[planned("a", "new")]]}])
    ends(found, report_of(1, 0))
    return found


def ends(aws: PlannedBucket, report: dict[str, Any]) -> None:
    aws.statuses = ["SUCCEEDED"]
    aws.end = {"output": json.dumps(report), "stopDate": BEGAN + timedelta(seconds=95)}


def verified(aws: PlannedBucket, **wanted: Any) -> tuple[str, BaseException | None]:
    console, out, _ = piped()
    try:
        verify.verify(aws.installation(), {"source": "a", "destination": "b"}, console, **wanted)
    except (NotInSync, CouldNotTell) as error:
        return out.getvalue(), error
    return out.getvalue(), None


def test_a_difference_is_shown_and_is_an_error_with_status_1(aws: PlannedBucket) -> None:
    out, error = verified(aws)

    assert "+ New: 1 object\n" in out
    assert isinstance(error, NotInSync) and error.exit_code == 1
    assert str(error) == "a -> b is not in sync: 1 object is missing at the destination or different there."


def test_what_is_equal_is_said(aws: PlannedBucket) -> None:
    ends(aws, report_of(0, 0))
    out, error = verified(aws)

    assert (out.splitlines()[-1], error) == ("In sync: 7 objects are equal.", None)


def test_what_cannot_be_told_has_a_status_of_its_own(aws: PlannedBucket) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": "AlreadyRunning", "cause": "another run writes there."}
    out, error = verified(aws)

    assert out == ""
    assert isinstance(error, CouldNotTell) and error.exit_code == 2
    assert str(error) == (
        "It could not be told whether a -> b is in sync: the comparison ended FAILED with AlreadyRunning: another run writes "
        "there."
    )


def test_as_json_there_is_one_document_with_the_verdict(aws: PlannedBucket) -> None:
    out, error = verified(aws, as_json=True)

    assert isinstance(error, NotInSync)
    assert json.loads(out) == {
        "executionArn": ARN, "status": "SUCCEEDED", "verdict": "differs",
        "why": "1 object is missing at the destination or different there", "report": report_of(1, 0),
    }  # fmt: skip


def test_all_differences_may_be_listed(aws: PlannedBucket) -> None:
    assert verified(aws, list_to="-")[0] == "+ a\n"
    ends(aws, report_of(0, 0))
    aws.put_wave(1, [{}])
    assert verified(aws, list_to="-", as_json=True) == ("", None)


def test_a_list_in_a_file_and_a_document_stand_side_by_side(aws: PlannedBucket, tmp_path: Any) -> None:
    out, _ = verified(aws, list_to=str(tmp_path / "list"), as_json=True)

    assert json.loads(out)["verdict"] == "differs"
    assert json.loads((tmp_path / "list").read_text())["key"] == "a"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CredentialsError("no way in"), "no way in"),
        (NoCredentialsError(), "There are no AWS credentials."),
        (refusal("AccessDenied", "StartExecution"), "AWS refused StartExecution with AccessDenied: no"),
    ],
)
def test_nothing_else_has_the_status_of_a_difference(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(fabfile, "enter", fail)
    with pytest.raises(Exit) as caught:
        fabfile.verify.body(Context(), source="abc", destination="abd")
    assert caught.value.code == 2
    assert str(caught.value.message).startswith(f"Error: {said}")


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ParamValidationError), unknown_unless_told():
        raise ParamValidationError(report="x")


def test_the_report_in_the_bucket_is_judged_where_the_run_has_failed(aws: PlannedBucket) -> None:
    aws.statuses = ["FAILED"]
    aws.end = {"error": "SyncIncomplete", "cause": "1 object was not synchronised."}
    aws.objects[f"{FOLDER}/report.json"] = report_of(1, 0, failed={"objects": 1})

    assert isinstance(verified(aws)[1], NotInSync)
    assert [call["Key"] for name, call in aws.calls if name == "get_object"].count(
        f"{FOLDER}/report.json"
    ) == 1
