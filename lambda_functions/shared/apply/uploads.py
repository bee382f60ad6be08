"""The list of multipart uploads under way, so that none is forgotten: their parts cost money and show in no listing.

An upload is written into the run's folder before its first part and struck out when it is complete. Whoever finds one of a run
that is over aborts it: the report of the run itself, or the next run of the same destination. One that a worker has given up
stays on the list and is aborted once more: a part that was under way then may have arrived after the first time
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html).
"""

from __future__ import annotations

import contextlib
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_functions.shared.errors import describe, is_missing
from lambda_functions.shared.run import Run, Side
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

FOLDER = "uploads/"
ABORT_THREADS = 16


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
    """Strike out an upload that was completed."""
    folder.remove(name_of(upload_id))


def give_up(clients: Clients, run: Run, relative: str, upload_id: str) -> None:
    """Abort an upload now; whether that succeeds or not, it is aborted again at the end."""
    with contextlib.suppress(ClientError, BotoCoreError):
        clients.destination.abort_multipart_upload(
            **run.destination.object_parameters(relative), UploadId=upload_id
        )


def abort_all(folder: RunFolder, destination: Any) -> list[str]:
    """Abort what a run left under way, and strike it out; return one sentence for each that could not be aborted."""
    with ThreadPoolExecutor(ABORT_THREADS, thread_name_prefix="aborting") as pool:
        problems = pool.map(lambda name: _abort(folder, destination, name), list(folder.list_names(FOLDER)))
        return [problem for problem in problems if problem]


def _abort(folder: RunFolder, destination: Any, name: str) -> str:
    try:
        upload = folder.read(name)
    except RunFileBroken as broken:
        return f"an upload was not aborted: {broken}"
    if upload is None:
        return ""
    try:
        destination.abort_multipart_upload(
            **upload["parameters"], Key=upload["key"], UploadId=upload["uploadId"]
        )
    except (ClientError, BotoCoreError) as error:
        if not is_missing(error):
            return f"the upload {upload['uploadId']} of {upload['key']!r} was not aborted: {describe(error)}"
    folder.remove(name)
    return ""
