"""The list of multipart uploads under way, so that none is forgotten: their parts cost money and show in no listing.

An upload is written into the run's folder before its first part and struck out when it is complete. Whoever finds one of a run
that is over aborts it: the report of the run itself, or the next run of the same destination. One that a worker has given up
stays on the list and is aborted once more: a part that was under way then may have arrived after the first time. It is struck
out when S3 says that it does not know the upload any more, and not before.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_functions.shared.errors import describe, is_missing
from lambda_functions.shared.run import Run, Side
from lambda_functions.shared.s3.clients import Clients
from lambda_functions.shared.work_bucket.run_folder import RunFileBroken, RunFolder

FOLDER = "uploads/"
ABORT_THREADS = 16
ABORT_TRIES = 3
# How many problems stand in a report, which must fit into a state: a key may have 1,024 bytes, each of which is written as five.
NAMED_PROBLEMS = 5
STILL_THERE = f"was aborted {ABORT_TRIES} times and is still there"


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


def abort_all(folder: RunFolder, destination: Any, may_have_stragglers: bool = False) -> list[str]:
    """Abort what a run left under way, and strike it out; return one sentence for each that is not known to be gone.

    Where Lambdas of the run may still be writing, everything stays on the list: a part of theirs may arrive after this, and the
    next run looks again.
    """

    def abort(name: str) -> str:
        problem = _abort(folder, destination, name)
        if not problem and not may_have_stragglers:
            folder.remove(name)
        return problem

    with ThreadPoolExecutor(ABORT_THREADS, thread_name_prefix="aborting") as pool:
        return [problem for problem in pool.map(abort, list(folder.list_names(FOLDER))) if problem]


def first_problems(problems: Sequence[str], number: int = NAMED_PROBLEMS, where: str = "") -> list[str]:
    """Return the first sentences of `abort_all`, and how many there are more; `where` says where each of them has a file."""
    more = [f"and {len(problems) - number:,} more{where}"] if len(problems) > number else []
    return [*problems[:number], *more]


def _abort(folder: RunFolder, destination: Any, name: str) -> str:
    try:
        upload = folder.read(name)
    except RunFileBroken as broken:
        return f"an upload was not aborted: {broken}"
    if upload is None:
        return ""
    # Whatever stands there must not keep the run from its report, nor the next run from beginning.
    try:
        place = {**upload["parameters"], "Key": upload["key"], "UploadId": upload["uploadId"]}
    except (KeyError, TypeError):
        return f"an upload was not aborted: {folder.address(name)} was overwritten: it names no upload"
    which = f"the upload {upload['uploadId']} of {upload['key']!r}"
    for _ in range(ABORT_TRIES):
        problem = _abort_once(destination, place)
        if problem != STILL_THERE:
            break
    return f"{which} {problem}" if problem else ""


def _abort_once(destination: Any, place: Mapping[str, str]) -> str:
    """Abort an upload and ask for its parts; return what is wrong, "" if S3 does not know the upload any more.

    The parts that were under way may arrive afterwards, and only asking tells:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
    """
    try:
        destination.abort_multipart_upload(**place)
    except (ClientError, BotoCoreError) as error:
        return "" if is_missing(error) else f"was not aborted: {describe(error)}"
    try:
        destination.list_parts(**place, MaxParts=1)
    except (ClientError, BotoCoreError) as error:
        return "" if is_missing(error) else f"was aborted, but may still have parts: {describe(error)}"
    return STILL_THERE
