"""Opening a multipart upload so that none is left which nobody knows.

botocore sends CreateMultipartUpload again when an answer does not come, and S3 then opens one upload for each request. Only one
id comes back; the others have no parts, but they stay in the bucket for ever. So the uploads of that very key are listed, and
those that are certainly ours are aborted: begun since the run began, by the same principal. What S3 does not tell is left alone.
"""

from __future__ import annotations

import logging
import os
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from lambda_functions.shared.apply import uploads
from lambda_functions.shared.apply.multipart import MultipartCopy, MultipartPlan, Upload
from lambda_functions.shared.errors import describe, is_missing, status_of
from lambda_functions.shared.work_bucket.run_folder import RunFolder

Listed = Mapping[str, Any]
Choose = Callable[[list[Listed]], list[Listed]]
NO_ANSWER = (ClientError, BotoCoreError, ResponseParserError)


def open_upload(copy: MultipartCopy, folder: RunFolder, plan: MultipartPlan) -> Upload:
    """Open an upload and write it down before it is used; abort others that lost answers have left."""
    try:
        upload = copy.create_upload(plan)
    except NO_ANSWER as error:
        if not 0 < status_of(error) < 500:
            _abort_lost(copy, folder, _began_by_this_function(copy.run.execution))
        raise
    uploads.remember(folder, copy.run.destination, copy.item.key, upload.id)
    if upload.was_repeated:
        _abort_lost(copy, folder, _twins_of(upload))
    return upload


def _began_by_this_function(execution: str) -> Choose:
    """Return what chooses the uploads that this function began: the session of its role is named after it.

    `arn:aws:sts::<account>:assumed-role/<role>/<function>`; the account is that of the execution.
    """
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    account = execution.split(":")[4]

    def is_ours(initiator: str) -> bool:
        return f"::{account}:assumed-role/" in initiator and initiator.endswith(f"/{name}")

    return lambda listed: [one for one in listed if name and is_ours(_initiator(one))]


def _twins_of(upload: Upload) -> Choose:
    """Return what chooses the other uploads that were begun by whom this one was begun."""

    def twins(listed: list[Listed]) -> list[Listed]:
        ours = [_initiator(one) for one in listed if one["UploadId"] == upload.id]
        others = [one for one in listed if one["UploadId"] != upload.id]
        return [one for one in others if _initiator(one) and _initiator(one) in ours]

    return twins


def _abort_lost(copy: MultipartCopy, folder: RunFolder, choose: Choose) -> None:
    """Abort uploads of this key; one that cannot be aborted goes on the list, and none of this ends the copy."""
    try:
        listed = list(_uploads_of(copy))
    except NO_ANSWER as error:
        logging.getLogger(__name__).warning(
            "uploads of %r whose answer was lost were not looked for: %s", copy.item.key, describe(error)
        )
        return
    began = copy.run.start_second()
    for one in choose(listed):
        if one["Initiated"] >= began:
            _abort(copy, folder, one["UploadId"])


def _abort(copy: MultipartCopy, folder: RunFolder, upload_id: str) -> None:
    place = copy.run.destination.object_parameters(copy.item.key)
    try:
        copy.clients.destination.abort_multipart_upload(**place, UploadId=upload_id)
    except (ClientError, BotoCoreError) as error:
        if not is_missing(error):
            uploads.remember(folder, copy.run.destination, copy.item.key, upload_id)


def _uploads_of(copy: MultipartCopy) -> Iterator[Listed]:
    """Yield the uploads under way of exactly this key; botocore does not decode what it lists, so keys are decoded here.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
    """
    side, key = copy.run.destination, copy.run.destination.key(copy.item.key)
    page: dict[str, Any] = {"IsTruncated": True}
    marker: dict[str, str] = {}
    while page["IsTruncated"]:
        page = copy.clients.destination.list_multipart_uploads(
            **side.parameters(), Prefix=key, EncodingType="url", **marker
        )
        decode = urllib.parse.unquote_plus if page.get("EncodingType") == "url" else str
        yield from (one for one in page.get("Uploads", ()) if decode(one["Key"]) == key)
        if page["IsTruncated"]:
            marker = {
                "KeyMarker": decode(page["NextKeyMarker"]),
                "UploadIdMarker": page["NextUploadIdMarker"],
            }


def _initiator(listed: Listed) -> str:
    return str(listed.get("Initiator", {}).get("ID", ""))
