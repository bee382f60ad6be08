"""Annotations of a copy in parts, with clients made up: each is read and written once, and what goes wrong is said.

The botocore that is installed may know none of these requests.
"""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.parsers import ResponseParserError
from samples import client_error, run_of

from lambda_functions.shared.apply.annotations import put_annotations
from lambda_functions.shared.errors import SyncError
from lambda_functions.shared.s3.clients import Clients, RequestCounter
from lambda_functions.shared.work_items import ToCopy

ITEM = ToCopy("a", "e" * 32 + "-2", 3)
SOURCE, DESTINATION = {"Bucket": "from", "Key": "in/a"}, {"Bucket": "into", "Key": "out/a"}
PAGES: dict[str, dict[str, Any]] = {
    "": {"Annotations": [{"AnnotationName": "one"}, {"AnnotationName": "two"}], "NextContinuationToken": "t"},
    "t": {"NextContinuationToken": "u"},
    "u": {"Annotations": [{"AnnotationName": "three"}]},
}


class Annotated:
    """Both sides of a copy, one of whose requests may end in an error."""

    def __init__(self, failing: str = "", error: Exception | None = None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.failing, self.error = failing, error

    def _ask(self, operation: str, parameters: dict[str, Any]) -> None:
        self.asked.append((operation, parameters))
        if operation == self.failing and self.error:
            raise self.error

    def list_object_annotations(self, **parameters: Any) -> dict[str, Any]:
        self._ask("list", parameters)
        return PAGES[parameters.get("ContinuationToken", "")]

    def get_object_annotation(self, **parameters: Any) -> dict[str, Any]:
        self._ask("get", parameters)
        return {"AnnotationPayload": io.BytesIO(parameters["AnnotationName"].upper().encode())}

    def put_object_annotation(self, **parameters: Any) -> None:
        self._ask("put", parameters)


def put(client: Annotated, **options: str) -> None:
    run = run_of(prefix="in/", destinationPrefix="out/", **options)
    put_annotations(Clients(client, client, None, RequestCounter()), run, ITEM)


def test_every_annotation_of_every_page_is_written_once() -> None:
    client = Annotated()

    put(client, annotations="copy")

    listed = [{**SOURCE}, {**SOURCE, "ContinuationToken": "t"}, {**SOURCE, "ContinuationToken": "u"}]
    names = ("one", "two", "three")
    assert [asked for operation, asked in client.asked if operation == "list"] == listed
    assert [asked for operation, asked in client.asked if operation == "get"] == [
        {**SOURCE, "AnnotationName": name} for name in names
    ]
    assert [asked for operation, asked in client.asked if operation == "put"] == [
        {**DESTINATION, "AnnotationName": name, "AnnotationPayload": name.upper().encode()} for name in names
    ]


def test_nobody_asks_where_annotations_stay_behind() -> None:
    client = Annotated()

    put(client)

    assert client.asked == []


@pytest.mark.parametrize("failing", ["list", "get", "put"])
@pytest.mark.parametrize(
    "error",
    [
        client_error(403, "AccessDenied", "GetObjectAnnotation", "no"),
        EndpointConnectionError(endpoint_url="https://from.s3.amazonaws.com"),
        ResponseParserError("no element found"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_copy_without_all_of_its_annotations_is_a_failure_that_says_what_to_do(
    failing: str, error: Exception
) -> None:
    """The copy is there and looks current, so nobody would ever look again."""
    with pytest.raises(SyncError) as caught:
        put(Annotated(failing, error), annotations="copy")

    assert str(caught.value).startswith("copied, but its annotations were not, or not all: ")
    assert str(caught.value).endswith(". The next run will not notice; annotate the copy, or delete it")
