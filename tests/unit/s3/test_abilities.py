"""What is asked for in vain: annotations with a botocore that knows none, locks at a bucket without Object Lock."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import botocore
import pytest
from botocore.exceptions import ClientError

from lambda_functions.shared.errors import Refused
from lambda_functions.shared.options import parse
from lambda_functions.shared.s3.abilities import refuse_impossible


class Client:
    """Knows some operations, and answers for a bucket's Object Lock with an answer or an error."""

    def __init__(self, operations: tuple[str, ...] = (), said: Any = None) -> None:
        self.meta = SimpleNamespace(service_model=SimpleNamespace(operation_names=operations))
        self._said = said
        self.asked: list[dict[str, str]] = []

    def get_object_lock_configuration(self, **asked: str) -> Any:
        self.asked.append(asked)
        if isinstance(self._said, ClientError):
            raise self._said
        return self._said


def answer(code: str, status: int) -> ClientError:
    said: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "GetObjectLockConfiguration")


def check(client: Client, **more: str) -> None:
    options = {"source": "from", "destination": "into", **more}
    refuse_impossible(client, parse(options, {"maxConcurrency": 1, "maxDelete": None}))


def refusal(client: Client, **more: str) -> str:
    with pytest.raises(Refused) as refused:
        check(client, **more)
    assert refused.value.error == "InvalidInput"
    return refused.value.cause


def test_nothing_is_asked_where_neither_is_asked_for() -> None:
    check(Client())
    check(Client(), objectLock="none", annotations="none")


def test_a_botocore_without_annotations_is_refused_with_what_to_do() -> None:
    assert refusal(Client(), annotations="copy") == (
        f'"annotations" is "copy", and the Lambda runtime\'s botocore, {botocore.__version__}, does not know annotations; '
        "expected a newer one: let AWS update the runtime, or add a layer with a newer boto3 (Layers) in the functions' files, "
        "and deploy. Nothing was changed."
    )
    check(Client(("PutObjectAnnotation",)), annotations="copy")


ENABLED = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}


@pytest.mark.parametrize(
    ("owner", "asked"),
    [
        ({}, {"Bucket": "into"}),
        (
            {"destinationOwner": "111122223333"},
            {"Bucket": "into", "ExpectedBucketOwner": "111122223333"},
        ),
        ({"sourceOwner": "111122223333"}, {"Bucket": "into"}),
    ],
)
def test_a_bucket_with_object_lock_is_taken(owner: dict[str, str], asked: dict[str, str]) -> None:
    client = Client(said=ENABLED)

    check(client, objectLock="copy", **owner)

    assert client.asked == [asked]


def test_what_can_be_done_of_two_does_not_let_a_run_go_on_without_the_other() -> None:
    """Annotations would be left behind without a word."""
    client = Client(said=ENABLED)
    assert "does not know annotations" in refusal(client, annotations="copy", objectLock="copy")
    assert client.asked == []

    knowing = Client(("PutObjectAnnotation",), said={})
    assert "has no Object Lock" in refusal(knowing, annotations="copy", objectLock="copy")


HAS_NONE = (
    'the destination bucket "into" has no Object Lock; expected a bucket with it: turn it on in its properties, or leave '
    '"objectLock" out.'
)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, HAS_NONE),
        ({"ObjectLockConfiguration": {}}, HAS_NONE),
        ({"ObjectLockConfiguration": {"ObjectLockEnabled": "Disabled"}}, HAS_NONE),
        (answer("ObjectLockConfigurationNotFoundError", 404), HAS_NONE),
        (
            answer("AccessDenied", 403),
            'whether the destination bucket "into" has Object Lock may not be asked; expected '
            "s3:GetBucketObjectLockConfiguration in its policy (see docs/permissions.md).",
        ),
        (
            answer("MethodNotAllowed", 405),
            'the destination bucket "into" answers with MethodNotAllowed; expected its Object Lock configuration.',
        ),
    ],
)
def test_any_other_bucket_is_refused(said: Any, text: str) -> None:
    cause = refusal(Client(said=said), objectLock="copy")
    assert cause == f'"objectLock" is "copy", and {text} Nothing was changed.'


@pytest.mark.parametrize(
    ("code", "status"),
    [("InternalError", 500), ("SlowDown", 503), ("Throttling", 400), ("ExpiredToken", 400)],
)
def test_what_passes_is_no_refusal(code: str, status: int) -> None:
    with pytest.raises(ClientError):
        check(Client(said=answer(code, status)), objectLock="copy")
