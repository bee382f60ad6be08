"""The annotations of a copy: CopyObject brings them along or leaves them out; of a copy in parts they are written afterwards.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html ("x-amz-object-annotation-directive")

An object has up to 1,000 of them, of up to 1 MiB each, and every one that is written costs a PUT, whichever way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from lambda_functions.shared.errors import SyncError, describe
from lambda_functions.shared.run import Run
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.work_items import ToCopy

DIRECTIVE = "x-amz-object-annotation-directive"


def are_copied(run: Run) -> bool:
    """Whether the annotations of sources come along."""
    return run.options.annotations == "copy"


def directive(run: Run) -> dict[str, str]:
    """Return the header of CopyObject; without it, S3 would copy annotations, which needs permissions of their own.

    A header, because older versions of botocore do not know the parameter.
    """
    return {DIRECTIVE: "COPY" if are_copied(run) else "EXCLUDE"}


def put_annotations(clients: Clients, run: Run, item: ToCopy) -> None:
    """Write the source's annotations to its copy; raises `SyncError` where one could not be read or written.

    One ListObjectAnnotations for 1,000 of them, and for each a GetObjectAnnotation and a PutObjectAnnotation.
    """
    if not are_copied(run):
        return
    try:
        for name in _names(clients, run, item):
            _copy_one(clients, run, item, name)
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        raise SyncError(
            f"copied, but its annotations were not, or not all: {describe(error)}. The next run will not notice; annotate the "
            "copy, or delete it"
        ) from error


def _names(clients: Clients, run: Run, item: ToCopy) -> Iterator[str]:
    place = run.source.object_parameters(item.key)
    token: dict[str, str] = {}
    while True:
        page = clients.source.list_object_annotations(**place, **token)
        yield from (found["AnnotationName"] for found in page.get("Annotations", ()))
        if not page.get("NextContinuationToken"):
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}


def _copy_one(clients: Clients, run: Run, item: ToCopy, name: str) -> None:
    answer: dict[str, Any] = clients.source.get_object_annotation(
        **run.source.object_parameters(item.key), AnnotationName=name
    )
    clients.destination.put_object_annotation(
        **run.destination.object_parameters(item.key),
        AnnotationName=name,
        AnnotationPayload=answer["AnnotationPayload"].read(),
    )
