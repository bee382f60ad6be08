"""What a child of a Map leaves of what broke it: taken apart from the error that its Catch got, and told in one sentence."""

from __future__ import annotations

import json

import pytest
from samples import FOLDER, memory_folder, run_of

from lambda_functions.shared.invocation import Turn
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.tally.breakage import (
    Breakage,
    name_of,
    read_breakages,
    read_error,
    record_breakage,
)

TURN = Turn(0.0, 900.0, "request", lambda: 0.0)
DENIED = "AccessDenied: Access Denied (CopyObject of bucket into)"


def lambda_error(message: str, error_type: str = "RequestFailed") -> str:
    """Return the Cause of a Task whose Lambda raised."""
    return json.dumps({"errorMessage": message, "errorType": error_type, "stackTrace": ["  File ..."]})


def read(cause: str, error: str = "RequestFailed") -> Breakage:
    return read_error(run_of(), "copy-000001", {"Error": error, "Cause": cause})


# --- Whether the Lambda has ended -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        "States.Timeout",
        "States.TaskFailed",
        "States.HeartbeatTimeout",
        "Lambda.Unknown",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
)
def test_an_error_that_step_functions_gives_itself_does_not_say_that_the_lambda_has_ended(error: str) -> None:
    assert read("", error).has_ended() is False


@pytest.mark.parametrize(
    "error",
    [
        "Sandbox.Timedout",
        "Runtime.ExitError",
        "Runtime.OutOfMemory",
        "Runtime.HandlerError",
        "RequestFailed",
        "NoProgress",
        "RunFileBroken",
        "KeyError",
    ],
)
def test_an_error_that_the_lambda_itself_reports_says_that_it_has_ended(error: str) -> None:
    assert read(lambda_error("it ended", error), error).has_ended() is True


def test_an_error_without_a_name_does_not_say_that_the_lambda_has_ended() -> None:
    assert read_error(run_of(), "copy-000001", {}).has_ended() is False


# --- What is read out of it -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code", "request_name", "bucket", "side", "sentence"),
    [
        (DENIED, "AccessDenied", "CopyObject", "into", "destination", f"{DENIED}, the destination"),
        (
            "SlowDown: Please reduce your request rate. (ListObjectsV2 of bucket from)",
            "SlowDown",
            "ListObjectsV2",
            "from",
            "source",
            "SlowDown: Please reduce your request rate. (ListObjectsV2 of bucket from), the source",
        ),
        (
            "KMS.ThrottlingException: Rate (of requests) exceeded (UploadPartCopy of bucket into)",
            "KMS.ThrottlingException",
            "UploadPartCopy",
            "into",
            "destination",
            "KMS.ThrottlingException: Rate (of requests) exceeded (UploadPartCopy of bucket into), the destination",
        ),
        (
            "500: Internal\nServer Error (HeadObject of bucket my.work-bucket)",
            "500",
            "HeadObject",
            "my.work-bucket",
            "",
            "500: Internal\nServer Error (HeadObject of bucket my.work-bucket)",
        ),
        ("AccessDenied: No (GetObject)", "AccessDenied", "GetObject", "", "", "AccessDenied: No (GetObject)"),
    ],
)
def test_a_refused_request_is_read_out_of_the_error_of_a_lambda(
    message: str, code: str, request_name: str, bucket: str, side: str, sentence: str
) -> None:
    breakage = read(lambda_error(message))

    assert breakage == Breakage(
        "copy-000001", "RequestFailed", message, code, request_name, bucket, side, path=""
    )
    assert breakage.describe() == f"copy-000001: {sentence}"


def test_a_file_that_could_not_be_read_is_named() -> None:
    address = f"s3://work-bucket/{FOLDER}/copy/1-0001.jsonl"
    message = f"{address} is not there: the run's files have expired, or somebody removed it"

    breakage = read(lambda_error(message, "RunFileBroken"), "RunFileBroken")

    assert breakage == Breakage("copy-000001", "RunFileBroken", f"RunFileBroken: {message}", path=address)
    assert breakage.describe() == f"copy-000001: RunFileBroken: {message}"


def test_the_full_stop_behind_a_file_is_not_of_its_name() -> None:
    assert read(lambda_error(f"look into s3://work-bucket/{FOLDER}/large.json.")).path == (
        f"s3://work-bucket/{FOLDER}/large.json"
    )


@pytest.mark.parametrize(
    ("error", "cause", "sentence"),
    [
        (
            "Sandbox.Timedout",
            lambda_error("Task timed out after 900.00 seconds", "Sandbox.Timedout"),
            "copy-000001: Sandbox.Timedout: Task timed out after 900.00 seconds",
        ),
        (
            "Lambda.Unknown",
            "The cause could not be determined because Lambda did not return an error type.",
            "copy-000001: Lambda.Unknown: The cause could not be determined because Lambda did not return an error type.",
        ),
        ("KeyError", lambda_error("'Contents'", "KeyError"), "copy-000001: KeyError: 'Contents'"),
        ("States.Timeout", "", "copy-000001: States.Timeout: "),
    ],
)
def test_any_other_error_is_told_by_its_name_and_its_message(error: str, cause: str, sentence: str) -> None:
    breakage = read(cause, error)

    assert breakage.describe() == sentence
    assert (breakage.code, breakage.request, breakage.bucket, breakage.side) == ("", "", "", "")


# --- Its file -------------------------------------------------------------------------------------------------


def test_a_child_writes_down_what_broke_it_and_fails_with_that_sentence() -> None:
    folder = memory_folder()
    error = {"Error": "RequestFailed", "Cause": lambda_error(DENIED)}
    state = {"run": run_of().to_json(), "item": {"id": "copy-000001"}, "error": error}

    result = record_breakage(Clients(None, None, folder.client, RequestCounter()), state, TURN)

    assert result == {"cause": f"copy-000001: {DENIED}, the destination"}
    assert folder.read(name_of("copy-000001")) == {
        "file": f"{FOLDER}/broken/copy-000001.json",
        "item": "copy-000001",
        "error": "RequestFailed",
        "cause": DENIED,
        "code": "AccessDenied",
        "request": "CopyObject",
        "bucket": "into",
        "side": "destination",
        "path": "",
    }


def test_what_broke_is_read_for_the_items_that_left_word_of_it_in_their_order() -> None:
    folder = memory_folder()
    clients = Clients(None, None, folder.client, RequestCounter())
    for number in (3, 1):
        error = {"Error": "KeyError", "Cause": lambda_error(f"'{number}'", "KeyError")}
        record_breakage(
            clients, {"run": run_of().to_json(), "item": {"id": f"copy-{number}"}, "error": error}, TURN
        )

    found = read_breakages(folder, ["copy-1", "copy-2", "copy-3"])

    assert [one.describe() for one in found] == ["copy-1: KeyError: '1'", "copy-3: KeyError: '3'"]
