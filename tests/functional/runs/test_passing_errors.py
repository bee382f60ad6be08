"""Errors that pass, whatever their prefix and status, are waited out at every request that reads or writes objects."""

from __future__ import annotations

import pytest
from fake_s3 import HOUR, MB, Answer
from installed_botocore import needs_conditions_in_batches
from runs_on_fake_s3 import World

from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.s3.clients import MAX_ATTEMPTS, MAX_UNCERTAIN_ATTEMPTS

KMS_BUSY = Answer(400, "KMS.ThrottlingException", "You have exceeded the rate at which you may call KMS.")
PASSING = [
    KMS_BUSY,
    Answer(400, "KMS.KMSInternalException"),
    Answer(400, "KMS.DependencyTimeoutException"),
    Answer(500, "KMS.InternalException"),
    Answer(400, "ThrottlingException"),
    Answer(400, "Throttling"),
    Answer(400, "SlowDown"),
    Answer(400, "RequestLimitExceeded"),
    Answer(403, "RequestTimeTooSkewed"),
    Answer(400, "ExpiredToken"),
    Answer(400, "InternalError"),
    Answer(400, "ServiceUnavailable"),
    Answer(200, "KMS.ThrottlingException"),
]
OF_OBJECTS = [
    "HeadObject",
    "GetObjectAttributes",
    "GetObjectTagging",
    "PutObjectTagging",
    "CopyObject",
    "CreateMultipartUpload",
    "UploadPartCopy",
    "UploadPart",
    "CompleteMultipartUpload",
    "DeleteObject",
    pytest.param("DeleteObjects", marks=needs_conditions_in_batches),
]


def of_everything(world: World) -> None:
    """Put something into both buckets for every kind of request about objects."""
    world.source.put("new", b"1")
    world.source.put("drifted", b"1", metadata={"a": "b"})
    world.destination.put("drifted", b"1", 2 * HOUR)
    world.source.put_parts("unequal", 6 * MB, 5 * MB, 0, tags={f"{n}": "ü" * 200 for n in range(5)})
    for key in ("orphan", "odd\u0001"):
        world.destination.put(key, b"1")


@pytest.mark.parametrize("operation", OF_OBJECTS)
def test_kms_that_is_too_busy_is_waited_for_at_every_request_about_objects(
    world: World, operation: str
) -> None:
    of_everything(world)
    world.s3.before(operation, KMS_BUSY, times=3)

    assert world.run()["outcome"] == "Succeeded"

    assert world.destination.contents() == world.source.contents()
    assert len(world.s3.of(operation)) > 3
    assert world.destination.open_uploads() == []


@pytest.mark.parametrize("answer", PASSING)
def test_whatever_passes_is_tried_again_with_any_prefix_and_any_status(world: World, answer: Answer) -> None:
    world.source.put("k", b"x")
    world.s3.before("CopyObject", answer, times=3)
    assert world.run()["outcome"] == "Succeeded"
    assert len(world.s3.of("CopyObject")) == 4


@pytest.mark.parametrize(
    ("answer", "most"),
    [(KMS_BUSY, MAX_ATTEMPTS), (Answer(400, "ExpiredToken"), MAX_UNCERTAIN_ATTEMPTS)],
)
def test_what_does_not_pass_in_the_end_is_a_failure_that_is_named(
    world: World, answer: Answer, most: int
) -> None:
    world.source.put("k", b"x")
    world.s3.before("CopyObject", answer, times=100)
    outcome = world.worker().copy(world.to_copy("k"))
    assert (outcome.what, len(world.s3.of("CopyObject"))) == ("failed", most)
    assert answer.code in outcome.error


def test_what_does_not_pass_is_sent_once(world: World) -> None:
    world.source.put("k", b"x")
    world.s3.before("CopyObject", Answer(400, "KMS.DisabledException"), times=100)
    assert world.worker().copy(world.to_copy("k")).what == "failed"
    assert len(world.s3.of("CopyObject")) == 1


@needs_conditions_in_batches
@pytest.mark.parametrize(
    "code",
    [
        "InternalError", "SlowDown", "ServiceUnavailable", "OperationAborted", "RequestTimeout", "ConditionalRequestConflict",
        "KMS.ThrottlingException", "ThrottlingException",
    ],
)  # fmt: skip
def test_a_key_that_is_not_deleted_for_a_reason_that_passes_is_asked_for_again(
    world: World, code: str
) -> None:
    world.destination.put("k", b"1")
    said = {"Errors": [{"Key": "k", "Code": code, "Message": "please"}]}
    world.s3.before("DeleteObjects", lambda request: said)
    assert world.worker().delete([world.orphan("k")]) == [Outcome("k", "deleted", 1)]
    assert len(world.s3.of("DeleteObjects")) == 2
