"""The list of multipart uploads under way, so that none is forgotten: their parts cost money and show in no listing.

An upload is written into the run's folder before its first part and removed when it has an outcome. Whoever finds one of a
run that is over aborts it: the report of the run itself, or the next run of the same destination.
"""

from __future__ import annotations

import hashlib
from typing import Any

from botocore.exceptions import ClientError

from lambda_functions.shared.errors import describe, is_missing
from lambda_functions.shared.run import Side
from lambda_functions.shared.run_folder import RunFolder

FOLDER = "uploads/"


def name_of(upload_id: str) -> str:
    """Return the file that stands for an upload; an upload id may be longer than a key."""
    return f"{FOLDER}{hashlib.sha256(upload_id.encode()).hexdigest()[:32]}.json"


def remember(folder: RunFolder, destination: Side, relative: str, upload_id: str) -> None:
    """Write down an upload before it is used."""
    place = {
        "parameters": destination.parameters(),
        "key": destination.key(relative),
        "region": destination.region,
    }
    folder.write(name_of(upload_id), {**place, "uploadId": upload_id})


def forget(folder: RunFolder, upload_id: str) -> None:
    """Strike out an upload that was completed or aborted."""
    folder.remove(name_of(upload_id))


def abort_all(folder: RunFolder, destination: Any) -> list[str]:
    """Abort what a run left under way, and strike it out; return one sentence for each that could not be aborted."""
    problems = []
    for name in list(folder.names(FOLDER)):
        upload = folder.read(name)
        if upload is None:
            continue
        try:
            destination.abort_multipart_upload(
                **upload["parameters"], Key=upload["key"], UploadId=upload["uploadId"]
            )
        except ClientError as error:
            if not is_missing(error):
                problems.append(
                    f"the upload {upload['uploadId']} of {upload['key']!r} was not aborted: {describe(error)}"
                )
                continue
        folder.remove(name)
    return problems
