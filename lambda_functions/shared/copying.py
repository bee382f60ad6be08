"""Copying objects: one in one piece, one in parts, and a whole shard of them within a turn."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_functions.shared import multipart, uploads
from lambda_functions.shared.clients import Clients, extra_headers
from lambda_functions.shared.equality import parts_of
from lambda_functions.shared.errors import SyncError, code_of, describe
from lambda_functions.shared.multipart import SourceChanged, copy_source, destination_condition, storage_class
from lambda_functions.shared.outcomes import Outcome
from lambda_functions.shared.parts import MAX_COPY_BYTES
from lambda_functions.shared.refusals import BucketMissing, Judgement, Verdict, is_refusal, judge
from lambda_functions.shared.run import Run
from lambda_functions.shared.run_folder import RunFolder
from lambda_functions.shared.turn import Turn

# How often a source that changes while it is read is read again.
TRIES = 3
COPIERS = 32
# The rate that a copy inside S3 is assumed to reach at least, to tell what a turn can hold. Measured by nobody here; a slower
# object is not lost, it is named as failed when its turn ends.
BYTES_PER_SECOND = 100 * 1024**2
SECONDS_PER_OBJECT = 2.0
# Annotations (2026) would be copied by default, with permissions of their own and a PUT each. Sent as a header, because older
# versions of botocore do not know the parameter: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
NO_ANNOTATIONS = {"x-amz-object-annotation-directive": "EXCLUDE"}


@dataclass(frozen=True)
class Copier:
    """Copies objects of one run; parts of all its objects share one pool of threads."""

    clients: Clients
    run: Run
    folder: RunFolder
    turn: Turn
    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(COPIERS, thread_name_prefix="part")
    )

    def copy(self, line: Mapping[str, Any]) -> Outcome:
        """Copy one object; every way in which that can end is an outcome."""
        try:
            return self._copy(line)
        except BucketMissing as error:
            return Outcome(line["key"], "failed", 0, str(error))
        except ClientError as error:
            return _outcome_of(line, error)
        except (BotoCoreError, SyncError, OSError) as error:
            return Outcome(line["key"], "failed", 0, describe(error))

    def _copy(self, line: Mapping[str, Any]) -> Outcome:
        """Copy, and read again what changed meanwhile, up to `TRIES` times."""
        for _ in range(TRIES):
            try:
                self._send(line)
                return Outcome(line["key"], "copied", line["size"])
            except SourceChanged:
                judgement = judge(self.clients, self.run, line)
            except ClientError as error:
                if not is_refusal(error):
                    raise
                judgement = judge(self.clients, self.run, line)
            if judgement.verdict is not Verdict.SOURCE_CHANGED:
                return _outcome_of_judgement(judgement)
            line = judgement.line
        return Outcome(line["key"], "changed", 0, f"the source changed {TRIES} times while it was read")

    def _send(self, line: Mapping[str, Any]) -> None:
        if is_multipart(line):
            self._send_parts(line)
        else:
            self._send_whole(line)

    def _send_whole(self, line: Mapping[str, Any]) -> None:
        """One CopyObject; metadata and tags come along by themselves, class and website redirect do not."""
        parameters = {
            **self.run.destination.parameters(),
            **copy_source(self.run, line),
            **storage_class(self.run, line),
            **self._redirect(line),
            "Key": self.run.destination.key(line["key"]),
        }
        with extra_headers({**destination_condition(line), **NO_ANNOTATIONS}):
            self.clients.destination.copy_object(**parameters)

    def _redirect(self, line: Mapping[str, Any]) -> dict[str, str]:
        """Return the website redirect, which CopyObject never carries; asked for only at objects without content."""
        if line["size"]:
            return {}
        key = self.run.source.key(line["key"])
        answer = self.clients.source.head_object(**self.run.source.parameters(), Key=key)
        redirect = answer.get("WebsiteRedirectLocation")
        return {"WebsiteRedirectLocation": redirect} if redirect else {}

    def _send_parts(self, line: Mapping[str, Any]) -> None:
        """Copy with the source's parts; once more with parts asked for one by one if the first guess gave another ETag."""
        how = multipart.plan(self.clients, self.run, line)
        if not self._send_as(line, how):
            self._send_as(line, multipart.plan(self.clients, self.run, line, exact=True))

    def _send_as(self, line: Mapping[str, Any], how: multipart.Plan) -> bool:
        """Copy in these parts; return False, with the upload aborted, if guessed parts turn out not to be the source's."""
        upload_id = multipart.begin(self.clients, self.run, line, how)
        uploads.remember(self.folder, self.run.destination, line["key"], upload_id)
        try:
            copied = list(self.pool.map(lambda part: self._part(line, upload_id, part), how.parts))
            is_right = not how.are_guessed or multipart.explains(line, copied)
            if is_right:
                multipart.finish(self.clients, self.run, line, how, upload_id, copied)
        except BaseException:
            self._give_up(line, upload_id)
            raise
        if is_right:
            uploads.forget(self.folder, upload_id)
        else:
            self._give_up(line, upload_id)
        return is_right

    def _part(self, line: Mapping[str, Any], upload_id: str, part: Any) -> multipart.CopiedPart:
        if self.turn.is_over():
            raise SyncError("its turn ended before all of its parts were copied")
        return multipart.copy_part(self.clients, self.run, line, upload_id, part)

    def _give_up(self, line: Mapping[str, Any], upload_id: str) -> None:
        """Abort; where even that fails the upload stays on the list, and the report tries again."""
        try:
            multipart.abort(self.clients, self.run, line["key"], upload_id)
            uploads.forget(self.folder, upload_id)
        except (ClientError, BotoCoreError):
            return


def is_multipart(line: Mapping[str, Any]) -> bool:
    """Whether a source is copied in parts: written in more than one, or too large for one CopyObject."""
    return (parts_of(line["etag"]) or 1) > 1 or line["size"] > MAX_COPY_BYTES


def seconds_needed(line: Mapping[str, Any]) -> float:
    """Return the time that is left free for an object before it is begun."""
    return SECONDS_PER_OBJECT + float(line["size"]) / BYTES_PER_SECOND


def too_late(line: Mapping[str, Any]) -> Outcome:
    """Return the outcome of an object whose copy had not ended when its turn had to."""
    return Outcome(line["key"], "failed", 0, "the copy had not ended when its worker's time was over")


def _outcome_of(line: Mapping[str, Any], error: ClientError) -> Outcome:
    if code_of(error) == "InvalidObjectState":
        return Outcome(line["key"], "archived", 0, describe(error))
    return Outcome(line["key"], "failed", 0, describe(error))


def _outcome_of_judgement(judgement: Judgement) -> Outcome:
    line, verdict = judgement.line, judgement.verdict
    if verdict is Verdict.COPIED:
        return Outcome(line["key"], "copied", line["size"])
    if verdict is Verdict.VANISHED:
        return Outcome(line["key"], "vanished", 0, "the source object was gone when it was to be copied")
    return Outcome(
        line["key"], "changed", 0, "the destination was written by somebody else after it was listed"
    )
