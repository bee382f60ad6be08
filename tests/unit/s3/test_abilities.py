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

    def get_object_lock_configuration(self, **asked: str) -> Any:
        assert asked == {"Bucket": "into"}
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


def test_a_bucket_with_object_lock_is_taken() -> None:
    check(Client(said={"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}), objectLock="copy")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, "has no Object Lock"),
        ({"ObjectLockConfiguration": {}}, "has no Object Lock"),
        (answer("ObjectLockConfigurationNotFoundError", 404), "has no Object Lock"),
        (answer("AccessDenied", 403), "may not be asked"),
        (
            answer("MethodNotAllowed", 405),
            "answers with MethodNotAllowed; expected its Object Lock configuration.",
        ),
    ],
)
def test_any_other_bucket_is_refused(said: Any, text: str) -> None:
    cause = refusal(Client(said=said), objectLock="copy")
    assert cause.startswith('"objectLock" is "copy", and ')
    assert text in cause and cause.endswith(" Nothing was changed.")


def test_a_fault_of_s3_is_no_refusal() -> None:
    with pytest.raises(ClientError):
        check(Client(said=answer("InternalError", 500)), objectLock="copy")
